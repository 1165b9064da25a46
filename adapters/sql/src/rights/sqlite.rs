//! SQLite: no accounts, only a file. It is opened read-only, which no SQL text can change; whether
//! the operating system would let this process write to it is another question.

use std::path::Path;

use genkan_adapter::{Excess, Gravity};
use rustix::fs::{Access, access};

/// Asks without opening the file: closing it would end the locks that this process has on it.
pub(crate) fn of_file(path: &Path) -> Vec<Excess> {
    if access(path, Access::WRITE_OK).is_err() {
        return Vec::new();
    }
    let shown = path.display();
    let root = rustix::process::geteuid().is_root();
    let remedy = match root {
        true => "run Genkan as an account of its own, not as root".to_owned(),
        false => format!("chmod a-w '{shown}', or run Genkan as another account than its owner"),
    };
    let right = format!("write access to the file {shown}");
    vec![Excess { right, remedy, gravity: Gravity::Outside }]
}
