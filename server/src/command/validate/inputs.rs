//! What is validated: files, the files of folders, and the lines of NDJSON.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use genkan_fhir::validation::{Finding, Limits, Report};
use genkan_mapping::Text;

use crate::command::Failure;

/// Files of one run; a folder with more is given in parts.
const FILES_MAX: usize = 100_000;
/// Folders in folders.
const FOLDERS_MAX: usize = 32;

/// One resource to validate.
pub struct Input {
    /// Which of the files it is in.
    pub file: usize,
    /// Of NDJSON, the line that it stands in.
    pub line: Option<u32>,
    pub source: Vec<u8>,
}

impl Input {
    /// Moves the places in a report from the resource to its file.
    pub fn place(&self, report: &mut Report) {
        let before = self.line.map_or(0, |line| line.saturating_sub(1));
        move_down(&mut report.findings, before);
    }
}

fn move_down(findings: &mut [Finding], lines: u32) {
    for finding in findings {
        finding.place.line = finding.place.line.saturating_add(lines);
        move_down(&mut finding.consequences, lines);
    }
}

/// The files at these paths, in the order of their names.
pub fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = BTreeSet::new();
    for path in paths {
        collect(path, 0, &mut files)?;
    }
    Ok(files.into_iter().collect())
}

fn collect(path: &Path, depth: usize, files: &mut BTreeSet<PathBuf>) -> Result<(), Failure> {
    if files.len() >= FILES_MAX || depth > FOLDERS_MAX {
        return Err(Failure::usage(Text::new(
            format!("more than {FILES_MAX} files or {FOLDERS_MAX} levels of folders: give a part"),
            format!(
                "{FILES_MAX} ファイルまたは {FOLDERS_MAX} 階層を超えています。分けて指定してください"
            ),
        )));
    }
    if !path.is_dir() {
        files.insert(path.to_owned());
        return Ok(());
    }
    let entries = std::fs::read_dir(path);
    for entry in entries.with_context(|| format!("can't read {}", path.display()))? {
        let entry = entry.map_err(anyhow::Error::from)?.path();
        let extension = entry.extension().and_then(|extension| extension.to_str());
        if entry.is_dir() || matches!(extension, Some("json" | "xml" | "ndjson")) {
            collect(&entry, depth + 1, files)?;
        }
    }
    Ok(())
}

/// The resources of files, one after the other; of NDJSON, a line at a time.
pub struct Inputs<'f> {
    files: &'f [PathBuf],
    next: usize,
    lines: Option<Lines>,
}

struct Lines {
    reader: BufReader<File>,
    number: u32,
}

impl<'f> Inputs<'f> {
    pub fn of(files: &'f [PathBuf]) -> Self {
        Self { files, next: 0, lines: None }
    }

    fn step(&mut self) -> anyhow::Result<Option<Input>> {
        loop {
            if let Some(lines) = &mut self.lines {
                let file = self.next - 1;
                let line = lines.next();
                if let Some((number, source)) = line.with_context(|| unread(&self.files[file]))? {
                    return Ok(Some(Input { file, line: Some(number), source }));
                }
                self.lines = None;
            }
            let Some(path) = self.files.get(self.next) else { return Ok(None) };
            let file = self.next;
            self.next += 1;
            if path.extension().is_some_and(|extension| extension == "ndjson") {
                let reader = BufReader::new(File::open(path).with_context(|| unread(path))?);
                self.lines = Some(Lines { reader, number: 0 });
                continue;
            }
            let source = std::fs::read(path).with_context(|| unread(path))?;
            return Ok(Some(Input { file, line: None, source }));
        }
    }
}

impl Iterator for Inputs<'_> {
    type Item = Result<Input, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().map_err(Failure::from).transpose()
    }
}

impl Lines {
    /// The next line with something in it. One that is longer than a document may be is cut behind that:
    /// it is told to be too large.
    fn next(&mut self) -> std::io::Result<Option<(u32, Vec<u8>)>> {
        loop {
            let mut line = Vec::new();
            let most = Limits::default().document_bytes_max as u64 + 1;
            (&mut self.reader).take(most).read_until(b'\n', &mut line)?;
            if line.is_empty() {
                return Ok(None);
            }
            self.number = self.number.saturating_add(1);
            if line.len() as u64 == most && !line.ends_with(b"\n") {
                self.reader.skip_until(b'\n')?;
            }
            // Its end is no part of it: what ends too early ends in this line.
            line.truncate(line.trim_ascii_end().len());
            if !line.is_empty() {
                return Ok(Some((self.number, line)));
            }
        }
    }
}

fn unread(path: &Path) -> String {
    format!("can't read {}", path.display())
}
