//! A file that takes the place of another one, as a whole.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

/// Puts new bytes in the place of a file, with its permissions. Whoever reads sees the old file or the new
/// one, also after a power cut. `is_right` has the last word before the old one goes.
pub fn replace(
    path: &Path,
    bytes: &[u8],
    is_right: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    let folder = folder(path);
    let name = path.file_name().ok_or_else(|| io::Error::other("a path without a file name"))?;
    let new = folder.join(format!(".{}.new", name.to_string_lossy()));
    let written = File::create(&new).and_then(|mut file| {
        file.write_all(bytes)?;
        if let Ok(old) = fs::metadata(path) {
            file.set_permissions(old.permissions())?;
        }
        file.sync_all()
    });
    let placed = written.and_then(|()| is_right()).and_then(|()| fs::rename(&new, path));
    if placed.is_err() {
        // What is left would only be in the way of the next one.
        let _ = fs::remove_file(&new);
    }
    placed.and_then(|()| File::open(folder)?.sync_all())
}

/// Where a file is.
pub fn folder(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}
