//! The promises that the repository makes about itself and that no compiler keeps: which package
//! may know which, what the pure packages may touch, how long things get, what things are called.
//! A check looks at a `Repository` in memory, so that each is itself tested with bad snippets.
//!
//! The checks read text, not syntax trees: strings and comments are blanked out, braces are
//! counted. Macros that build items, and paths hidden behind renaming imports, escape them.

mod banned;
mod crates;
mod documents;
mod layout;
mod length;
mod purity;
mod rust_text;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

pub use rust_text::RustText;

/// Larger files are generated or recorded; none of the checks has anything to say about them.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
const NOT_OURS: [&str; 3] = [".git", "target", "node_modules"];

/// Looks at a whole repository for one kind of broken promise.
pub type Check = fn(&Repository) -> Vec<Violation>;

/// Every check by its name, in the order of the reports.
pub const CHECKS: [(&str, Check); 7] = [
    ("crate graph", crates::check),
    ("purity", purity::check),
    ("lengths", length::check),
    ("layout and names", layout::check),
    ("banned calls", banned::check),
    ("documents", documents::check),
    ("paths of one machine", documents::check_machine_paths),
];

/// A promise that is not kept, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    pub path: String,
    pub line: usize,
    pub what: String,
    pub remedy: &'static str,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}; {}", self.path, self.line, self.what, self.remedy)
    }
}

/// The files of a repository by their path from its root, with `/` between folders.
#[derive(Default)]
pub struct Repository {
    files: BTreeMap<String, String>,
}

impl Repository {
    /// A repository in memory.
    pub fn of(files: &[(&str, &str)]) -> Self {
        let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
        Self { files: files.iter().map(owned).collect() }
    }

    /// Everything below a folder except build output. A file that is no text counts as empty.
    pub fn read(root: &Path) -> Result<Self> {
        let mut repository = Self::default();
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
                let entry = entry?;
                let kind = entry.file_type()?;
                if NOT_OURS.iter().any(|name| entry.file_name() == *name) {
                    continue;
                }
                if kind.is_dir() {
                    folders.push(entry.path());
                } else if kind.is_file() {
                    let path = entry.path().strip_prefix(root)?.display().to_string();
                    repository.files.insert(path, text_of(&entry.path()));
                }
            }
        }
        Ok(repository)
    }

    fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    fn rust_files(&self) -> impl Iterator<Item = (&str, RustText<'_>)> {
        let rust = self.files.iter().filter(|(path, _)| path.ends_with(".rs"));
        rust.map(|(path, text)| (path.as_str(), RustText::new(text)))
    }

    /// Whether a folder holds at least one file.
    fn has_folder(&self, folder: &str) -> bool {
        self.paths().any(|path| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
    }

    /// Whether a Rust file is only ever compiled for tests: it lives in a `tests` or `benches`
    /// folder, or it is the file of a module that its parent declares with `#[cfg(test)]`.
    fn is_test_file(&self, path: &str) -> bool {
        let folder_of_tests = path.split('/').any(|part| part == "tests" || part == "benches");
        folder_of_tests || path.ends_with("/tests.rs") || self.declared_for_tests(path)
    }

    fn declared_for_tests(&self, path: &str) -> bool {
        let Some((folder, file)) = path.rsplit_once('/') else { return false };
        let name = file.trim_end_matches(".rs");
        let parents =
            [format!("{folder}.rs"), format!("{folder}/lib.rs"), format!("{folder}/main.rs")];
        parents.iter().any(|parent| {
            let Some(text) = self.text(parent) else { return false };
            RustText::new(text).test_modules().any(|module| module == name)
                || (parent.ends_with(&format!("{folder}.rs")) && self.declared_for_tests(parent))
        })
    }
}

/// The root of the repository that this package was built in.
pub fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_owned()
}

fn text_of(path: &Path) -> String {
    let small = fs::metadata(path).is_ok_and(|metadata| metadata.len() <= FILE_BYTES_MAX);
    if small { fs::read_to_string(path).unwrap_or_default() } else { String::new() }
}
