//! What a source holds: tables, columns, keys and indexes, as the source itself describes them.
//!
//! Legacy catalogs are incomplete (no keys, no foreign keys, everything is text), so a rule may
//! declare more than stands here, but a column that a rule names has to stand here.

use std::collections::BTreeMap;

/// The whole source at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SourceSchema {
    /// By the name that the source uses, in its spelling.
    pub tables: BTreeMap<String, Table>,
}

impl SourceSchema {
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.get(name)
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    pub columns: Vec<Column>,
    /// Column names; empty when the source declares none (views, files).
    pub primary_key: Vec<String>,
    pub indexes: Vec<Index>,
    /// The source's own estimate, for advice only.
    pub rows_estimate: Option<u64>,
}

impl Table {
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// True if an index or the primary key starts with `column`.
    pub fn is_indexed(&self, column: &str) -> bool {
        self.primary_key.first().is_some_and(|first| first == column)
            || self.indexes.iter().any(|index| index.columns.first().is_some_and(|c| c == column))
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    pub name: String,
    pub kind: ColumnKind,
    pub nullable: bool,
}

/// The kind decides which [`Value`](crate::Value) a cell is and which one a comparison takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Text of any length.
    Text,
    /// `CHAR(n)`: blanks at the end carry no meaning; adapters deliver it without them.
    PaddedText {
        length: u32,
    },
    Boolean,
    Integer,
    /// Exact decimals. Binary floats are here too: delivered in their shortest exact digits.
    Decimal,
    Date,
    Time,
    DateTime,
    Instant,
    Bytes,
    /// A type that this adapter can't carry; a rule that names the column is refused.
    Unsupported,
}

impl ColumnKind {
    pub fn is_text(self) -> bool {
        matches!(self, ColumnKind::Text | ColumnKind::PaddedText { .. })
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Index {
    pub name: String,
    pub columns: Vec<String>,
    pub unique: bool,
}
