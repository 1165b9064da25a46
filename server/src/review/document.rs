//! The CSV of a code map on disk: read, changed, and replaced as a whole, unless somebody else has changed
//! it meanwhile.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use genkan_mapping::Text;
use genkan_mapping::codemap::review::{MapFile, NotWritten};
use genkan_mapping::codemap::{CodeMap, csv};
use genkan_masters::Store;

use crate::replace::{folder, replace};

/// Of the rules: a map of a million rows is smaller.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// A CSV as it was read.
#[derive(Debug)]
pub struct Document {
    path: PathBuf,
    bytes: Vec<u8>,
    is_new: bool,
}

/// Why the file stays as it is.
#[derive(Debug)]
pub enum Refused {
    /// The change itself is no good.
    Change(NotWritten),
    /// It is not what was read.
    Changed,
    /// It can't be read or written; the system says why.
    File(io::Error),
}

impl From<NotWritten> for Refused {
    fn from(why: NotWritten) -> Self {
        Refused::Change(why)
    }
}

impl Document {
    /// The file of a map; one that is not there yet has only a header.
    pub fn read(directory: &Path, map: &str) -> Result<Self, Refused> {
        let path = directory.join("codes").join(format!("{map}.csv"));
        match bytes_of(&path) {
            Ok(bytes) => Ok(Document { path, bytes, is_new: false }),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Ok(Document { path, bytes: csv(&[]).into_bytes(), is_new: true })
            }
            Err(error) => Err(Refused::File(error)),
        }
    }

    /// What the file is known by: another one as soon as a byte changes.
    pub fn version(&self) -> String {
        version(&self.bytes)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// # Errors
    /// It is no code map.
    pub fn rows(&self) -> Result<MapFile, Refused> {
        Ok(MapFile::open(self.bytes.clone())?)
    }

    /// Writes the changed rows, if the rules will work with them; the answer is the new version.
    ///
    /// # Errors
    /// The file is as it was.
    pub fn replace(
        self,
        changed: &MapFile,
        map: &CodeMap,
        masters: &Store,
    ) -> Result<String, Refused> {
        let bytes = changed.write()?;
        MapFile::check_against(&self.bytes, &bytes, map, masters)?;
        if bytes == self.bytes && !self.is_new {
            return Ok(self.version());
        }
        self.put(&bytes)?;
        Ok(version(&bytes))
    }

    fn put(&self, bytes: &[u8]) -> Result<(), Refused> {
        // Of the folder, because the file itself is replaced. It goes with the value.
        let lock = File::open(folder(&self.path)).map_err(Refused::File)?;
        lock.lock().map_err(Refused::File)?;
        if fs::metadata(&self.path).is_ok_and(|known| known.permissions().readonly()) {
            return Err(Refused::File(ErrorKind::ReadOnlyFilesystem.into()));
        }
        let mut is_changed = false;
        let replaced = replace(&self.path, bytes, || {
            is_changed = match bytes_of(&self.path) {
                Ok(now) => self.is_new || now != self.bytes,
                Err(error) => !(self.is_new && error.kind() == ErrorKind::NotFound),
            };
            if is_changed { Err(io::Error::other("changed meanwhile")) } else { Ok(()) }
        });
        match replaced {
            Err(_) if is_changed => Err(Refused::Changed),
            replaced => replaced.map_err(Refused::File),
        }
    }
}

fn bytes_of(path: &Path) -> io::Result<Vec<u8>> {
    if fs::metadata(path)?.len() > FILE_BYTES_MAX {
        return Err(ErrorKind::FileTooLarge.into());
    }
    fs::read(path)
}

fn version(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&blake3::hash(bytes).as_bytes()[..8])
}

impl Refused {
    /// For who works on this machine: with what the system says.
    pub fn message(&self, path: &Path) -> Text {
        let path = path.display();
        let (en, ja) = match self {
            Refused::Change(why) => {
                let (Text { en, ja }, code) = (why.message(), why.code());
                (format!("{en} [{code}]"), format!("{ja} [{code}]"))
            }
            Refused::Changed => (
                "somebody has changed the file meanwhile; nothing was written, look again"
                    .to_owned(),
                "ファイルがその間に変更されたため、書き込みませんでした。やり直してください"
                    .to_owned(),
            ),
            Refused::File(error) => (
                format!("the file can't be read or written: {error}"),
                format!("ファイルを読み書きできません: {error}"),
            ),
        };
        Text::new(format!("{path}: {en}"), format!("{path}: {ja}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(text: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("codes")).expect("codes");
        fs::write(folder.path().join("codes/lab.csv"), text).expect("a file");
        folder
    }

    const TEXT: &str = "local,target,code,status,reviewed_by,reviewed_at\n1,a,2,proposed,,\n";

    #[test]
    fn what_somebody_else_wrote_meanwhile_stays() {
        let folder = folder_with(TEXT);
        let document = Document::read(folder.path(), "lab").expect("read");
        let other = format!("{TEXT}2,a,3,proposed,,\n");
        fs::write(document.path(), &other).expect("written");
        assert!(matches!(document.put(b"mine"), Err(Refused::Changed)));
        let path = document.path();
        assert_eq!(fs::read_to_string(path).expect("read"), other);
        fs::remove_file(path).expect("removed");
        assert!(matches!(document.put(b"mine"), Err(Refused::Changed)));
        let left = fs::read_dir(folder.path().join("codes")).expect("read").count();
        assert_eq!(left, 0, "nothing is left behind");
    }

    #[test]
    fn a_file_that_may_not_be_written_is_not() {
        let folder = folder_with(TEXT);
        let document = Document::read(folder.path(), "lab").expect("read");
        let mut rights = fs::metadata(document.path()).expect("known").permissions();
        rights.set_readonly(true);
        fs::set_permissions(document.path(), rights).expect("set");
        assert!(matches!(document.put(b"mine"), Err(Refused::File(_))));
        assert_eq!(fs::read_to_string(document.path()).expect("read"), TEXT);
    }

    #[test]
    fn a_new_file_is_made_once() {
        let folder = folder_with(TEXT);
        let first = Document::read(folder.path(), "drug").expect("read");
        let second = Document::read(folder.path(), "drug").expect("read");
        first.put(b"one").expect("written");
        assert!(matches!(second.put(b"two"), Err(Refused::Changed)));
        assert_eq!(fs::read(first.path()).expect("read"), b"one");
    }
}
