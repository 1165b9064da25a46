//! What came out of a file.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::concept::{Change, Concept};
use crate::kind::Kind;
use crate::refused::ReadError;

/// Whether a file holds all codes or only what changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// What is not in it is not in the master any more.
    Full,
    /// An update: what is not in it stays.
    Update,
}

/// How much of one file is read. A file beyond it is refused as a whole. A section of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReadLimits {
    /// The largest published file has 18 MB.
    pub file_bytes_max: u64,
    /// Everything in a workbook, unpacked; the largest real one has 25 MB.
    pub unpacked_bytes_max: u64,
    /// Of a text file. The longest real line has 600 bytes.
    pub line_bytes_max: usize,
    pub rows_max: usize,
    /// Of a sheet.
    pub columns_max: usize,
    /// Cells with something in them, of all sheets that are looked at.
    pub cells_max: usize,
    /// Lines that can't be used; with more of them it is another file.
    pub rejected_lines_max: usize,
}

impl Default for ReadLimits {
    fn default() -> Self {
        ReadLimits {
            file_bytes_max: 64 * 1024 * 1024,
            unpacked_bytes_max: 128 * 1024 * 1024,
            line_bytes_max: 64 * 1024,
            rows_max: 1_000_000,
            columns_max: 256,
            cells_max: 4_000_000,
            rejected_lines_max: 100_000,
        }
    }
}

/// A file as changes of code systems.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    pub kind: Kind,
    pub scope: Scope,
    /// By the URL of the code system, in the order of the file.
    pub systems: BTreeMap<&'static str, Vec<Change>>,
    /// Lines that could not be used.
    pub rejected: Vec<Rejected>,
    /// Lines with content, headers aside.
    pub rows: usize,
}

/// A line that could not be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejected {
    /// As an editor counts lines; of a sheet, its row.
    pub line: u64,
    /// The column, from 1; 0 for the line as a whole.
    pub column: usize,
    pub reason: Reason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    Columns {
        found: usize,
    },
    NotText,
    NoCode,
    BadCode,
    NoName,
    BadDate,
    /// `#REF!` and the like.
    BrokenCell,
    UnknownChange,
    /// 病名修飾語区分 is neither 1 nor 2.
    UnknownTable,
    /// The code stands in the file before, with something else.
    Repeated,
    /// The code is not made of the parts that stand beside it.
    OtherParts,
}

impl Reason {
    pub fn english(self) -> String {
        match self {
            Reason::Columns { found } => {
                format!("{found} columns, which is no layout of this master")
            }
            Reason::NotText => "bytes that are no text in the encoding of the file".to_owned(),
            Reason::NoCode => "no code".to_owned(),
            Reason::BadCode => "not a code of this system: its length or characters".to_owned(),
            Reason::NoName => "no name".to_owned(),
            Reason::BadDate => "not a date (YYYYMMDD)".to_owned(),
            Reason::BrokenCell => "the cell holds an error of the spreadsheet".to_owned(),
            Reason::UnknownChange => "an unknown kind of change (変更区分)".to_owned(),
            Reason::UnknownTable => {
                "neither a disease (1) nor a modifier (2): 病名修飾語区分".to_owned()
            }
            Reason::Repeated => "the code stands in the file before, with another name".to_owned(),
            Reason::OtherParts => "the code is not made of the parts beside it".to_owned(),
        }
    }

    pub fn japanese(self) -> String {
        match self {
            Reason::Columns { found } => format!("列数 {found} はこのマスタの形式ではありません"),
            Reason::NotText => "ファイルの文字コードで読めないバイトがあります".to_owned(),
            Reason::NoCode => "コードがありません".to_owned(),
            Reason::BadCode => "コードの桁数または文字が違います".to_owned(),
            Reason::NoName => "名称がありません".to_owned(),
            Reason::BadDate => "日付（YYYYMMDD）として読めません".to_owned(),
            Reason::BrokenCell => "セルが表計算のエラー値です".to_owned(),
            Reason::UnknownChange => "変更区分が不明です".to_owned(),
            Reason::UnknownTable => {
                "病名修飾語区分が 1（病名）でも 2（修飾語）でもありません".to_owned()
            }
            Reason::Repeated => "同じコードが別の名称で既に出ています".to_owned(),
            Reason::OtherParts => "コードが、横に並ぶ構成要素と一致しません".to_owned(),
        }
    }
}

impl Reading {
    pub(crate) fn new(kind: Kind, scope: Scope) -> Self {
        Reading { kind, scope, systems: BTreeMap::new(), rejected: Vec::new(), rows: 0 }
    }

    pub(crate) fn push(&mut self, system: &'static str, change: Change) {
        self.systems.entry(system).or_default().push(change);
    }

    pub(crate) fn is(&mut self, system: &'static str, concept: Concept) {
        self.push(system, Change::Is(concept));
    }

    /// Makes one concept of all that a system has under one code: several diseases share an exchange
    /// code. The first one names it; the names of the others are synonyms.
    pub(crate) fn merge(&mut self, system: &'static str) {
        let mut merged: BTreeMap<String, Concept> = BTreeMap::new();
        for change in self.systems.remove(system).unwrap_or_default() {
            match change {
                Change::Is(concept) => match merged.get_mut(&concept.code) {
                    Some(known) => known.absorb(concept),
                    None => {
                        merged.insert(concept.code.clone(), concept);
                    }
                },
                other => self.push(system, other),
            }
        }
        merged.into_values().for_each(|concept| self.is(system, concept));
    }

    /// # Errors
    /// So many lines can't be used that this is another file.
    pub(crate) fn reject(
        &mut self,
        line: u64,
        (column, reason): (usize, Reason),
        limits: &ReadLimits,
    ) -> Result<(), ReadError> {
        let lines_max = limits.rejected_lines_max;
        if self.rejected.len() >= lines_max {
            return Err(ReadError::TooManyRejected { lines_max });
        }
        self.rejected.push(Rejected { line, column, reason });
        Ok(())
    }

    /// The changes of a system.
    pub fn of(&self, system: &str) -> &[Change] {
        self.systems.get(system).map(Vec::as_slice).unwrap_or_default()
    }
}
