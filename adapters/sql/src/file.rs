//! The file of a SQLite database. A nightly copy is often put in its place by `mv`: what is open then
//! is the file of yesterday, which has no name any more and can be read for ever.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);

pub(crate) struct File {
    path: PathBuf,
    seen: Mutex<Seen>,
}

struct Seen {
    at: Instant,
    file: Option<Identity>,
}

/// Device and number of a file: another one for what was put in its place.
type Identity = (u64, u64);

impl File {
    pub fn new(path: &Path) -> Self {
        let seen = Mutex::new(Seen { at: Instant::now(), file: identity(path) });
        File { path: path.to_owned(), seen }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Another file has the name now, or none; said once.
    pub fn is_replaced(&self) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.at.elapsed() < PAUSE {
            return false;
        }
        let now = Seen { at: Instant::now(), file: identity(&self.path) };
        std::mem::replace(&mut *seen, now).file != seen.file
    }
}

fn identity(path: &Path) -> Option<Identity> {
    std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}
