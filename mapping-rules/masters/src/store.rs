//! The codes of all imported masters, with what each import changed: one value, kept as one file.
//!
//! [`Masters`] is what an import works on; [`Store`] is the packed form that serves look-ups and is
//! opened without being parsed. An import that fails leaves the old file as it was.

mod find;
mod import;
mod pack;
mod packed;
mod walk;

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::concept::Concept;
use crate::kind::Kind;

pub use find::{Words, fold};
pub use import::{Applied, ImportError, Unapplied};
pub(crate) use packed::Stood;
pub use packed::{Known, Store, StoreError};

/// One imported file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    pub kind: Kind,
    /// The name of the file, without its folder.
    pub file: String,
    /// BLAKE3 of its bytes.
    pub hash: [u8; 32],
    /// 適用日: from when on it holds.
    pub effective: NaiveDate,
    pub rows: u32,
    pub rejected: u32,
    /// [`Kind::revision`] of the reader that read it.
    pub revision: u32,
}

/// All imported codes, to be changed by further imports.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Masters {
    /// In the order in which they were applied.
    pub imports: Vec<Import>,
    systems: BTreeMap<String, BTreeMap<String, Entry>>,
}

/// A code, as each master that has it says it. The first one of [`Kind`]'s order names it.
#[derive(Debug, Clone, Default, PartialEq)]
struct Entry(BTreeMap<Kind, Vec<Edition>>);

/// What a master said of a code from one import on; the latest is the last.
#[derive(Debug, Clone, PartialEq)]
pub struct Edition {
    /// Index into the imports.
    pub import: usize,
    pub concept: Concept,
}

impl Entry {
    fn latest(&self, kind: Kind) -> Option<&Edition> {
        self.0.get(&kind)?.last()
    }
}
