//! What came out of a file.

use std::collections::BTreeMap;

use crate::concept::{Change, Concept};
use crate::kind::Kind;

/// Whether a file holds all codes or only what changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// What is not in it is not in the master any more.
    Full,
    /// An update: what is not in it stays.
    Update,
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
    /// The code stands in the file before, with something else.
    Repeated,
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
            Reason::Repeated => "the code stands in the file before, with another name".to_owned(),
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
            Reason::Repeated => "同じコードが別の名称で既に出ています".to_owned(),
        }
    }
}

/// Why nothing of a file can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("not a master that Genkan knows: neither name nor columns of one")]
    Unknown,
    #[error("no line of the file has the {expected} columns of this master")]
    Layout { expected: &'static str },
    #[error("no sheet has the columns of this master: {expected}")]
    NoSheet { expected: &'static str },
    #[error("the file is larger than {bytes_max} bytes, packed or unpacked")]
    TooLarge { bytes_max: u64 },
    #[error("the file is no workbook: {0}")]
    Workbook(String),
    #[error("the file is empty")]
    Empty,
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

    pub(crate) fn reject(&mut self, line: u64, column: usize, reason: Reason) {
        self.rejected.push(Rejected { line, column, reason });
    }

    /// The changes of a system.
    pub fn of(&self, system: &str) -> &[Change] {
        self.systems.get(system).map(Vec::as_slice).unwrap_or_default()
    }
}
