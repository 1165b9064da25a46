//! What the adapter remembers of a source between queries: the schema that callers see, and for
//! each column how this database stores it. Without it no value could be cast to its column's type
//! and no index would be used.

use std::collections::HashMap;

use genkan_adapter::{AdapterError, Column, ColumnKind, ErrorCategory, SourceSchema, Table};

use crate::charset::Charset;
use crate::wire::Wire;

/// The three families of SQL that are spoken here; MariaDB and MySQL are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
    Mysql,
}

/// How a column is stored, as far as SQL text and decoding depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Storage {
    Text,
    /// MySQL's `ENUM` and `SET`: numbers that are shown as text.
    Enumerated,
    /// `CHAR(n)`.
    Padded,
    /// A type that has a text form only (uuid, enum, json): read and compared as text.
    TextForm,
    Boolean,
    Integer,
    /// Not stored: the digits of an integer column as text.
    Digits,
    /// Decimal digits.
    Exact,
    /// 32-bit binary float.
    Single,
    /// 64-bit binary float.
    Double,
    /// SQLite only: text among which numbers may stand, because the column has not the affinity of text.
    Loose,
    /// SQLite only: a decimal in a column with the affinity of text, so that its digits survive.
    DecimalText,
    Date,
    Time,
    DateTime,
    Instant,
    Bytes,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct ColumnType {
    pub kind: ColumnKind,
    pub storage: Storage,
    pub nullable: bool,
    /// `=` on this column compares code points: no folding of case, width or kana.
    pub exact: bool,
    /// PostgreSQL: the collation that sorts the column.
    pub collation: u32,
    /// Part of a unique key.
    pub key: bool,
    /// Stands in some index.
    pub indexed: bool,
    /// MySQL: the type to convert a text to, where the column's character set is narrower than
    /// that of the connection; the server would refuse to compare them.
    pub narrow: Option<&'static str>,
    pub wire: Wire,
    /// Callers know the column as another kind: what they ask is not about this one.
    pub changed: bool,
}

pub(crate) type TableTypes = HashMap<String, ColumnType>;

#[derive(Debug, Default)]
pub(crate) struct Catalog {
    pub schema: SourceSchema,
    types: HashMap<String, TableTypes>,
    /// MySQL: the columns of each table in the server's own words, to see that nothing has changed.
    declared: HashMap<String, String>,
}

impl Catalog {
    pub fn types(&self, table: &str) -> Option<&TableTypes> {
        self.types.get(table)
    }

    /// The table, made on first use: catalogs list column by column.
    pub fn table(&mut self, name: &str) -> &mut Table {
        self.types.entry(name.to_owned()).or_default();
        self.schema.tables.entry(name.to_owned()).or_default()
    }

    pub fn declared(&self, table: &str) -> &str {
        self.declared.get(table).map_or("", String::as_str)
    }

    /// Adds one column, in the order of the catalog's rows.
    pub fn declare_column(&mut self, table: &str, words: &str) {
        self.declared.entry(table.to_owned()).or_default().push_str(words);
    }

    /// Marks the columns of keys and indexes, once all columns and indexes are known.
    pub fn mark_keys(&mut self) {
        for (name, table) in &self.schema.tables {
            let Some(types) = self.types.get_mut(name) else { continue };
            let unique = table.indexes.iter().filter(|index| index.unique);
            for column in table.primary_key.iter().chain(unique.flat_map(|index| &index.columns)) {
                if let Some(known) = types.get_mut(column) {
                    known.key = true;
                }
            }
            let indexes = table.indexes.iter().flat_map(|index| &index.columns);
            for column in table.primary_key.iter().chain(indexes) {
                if let Some(known) = types.get_mut(column) {
                    known.indexed = true;
                }
            }
        }
    }

    /// Marks the columns that are of another kind than callers were told.
    pub fn compare(&mut self, told: &SourceSchema) {
        for (name, table) in &told.tables {
            let Some(types) = self.types.get_mut(name) else { continue };
            for column in &table.columns {
                if let Some(now) = types.get_mut(&column.name) {
                    now.changed = now.kind != column.kind;
                }
            }
        }
    }

    pub fn add_column(&mut self, table: &str, column: &str, column_type: ColumnType) {
        self.table(table).columns.push(Column {
            name: column.to_owned(),
            kind: column_type.kind,
            nullable: column_type.nullable,
        });
        if let Some(types) = self.types.get_mut(table) {
            types.insert(column.to_owned(), column_type);
        }
    }

    /// What the configuration says of text of which the source does not.
    pub fn declare(&mut self, charset: Option<Charset>) -> Result<(), AdapterError> {
        for column in self.types.values_mut().flat_map(HashMap::values_mut) {
            column.wire = match (column.wire, charset) {
                (Wire::Undeclared, None) => {
                    let message = "the database is in SQL_ASCII, which does not say what its text \
                                   is: set `text_encoding` under [source]";
                    return Err(AdapterError::new(ErrorCategory::Mismatch, message));
                }
                // The server takes UTF-8 as it comes.
                (Wire::Undeclared, Some(Charset::Utf8)) => Wire::Stored(Charset::Utf8),
                (Wire::Undeclared | Wire::Doubtful, Some(charset)) => Wire::Disguised(charset),
                (Wire::Doubtful, None) => Wire::Unicode,
                (known, _) => known,
            };
        }
        Ok(())
    }

    /// Adds one column to an index, in the order of the catalog's rows.
    pub fn add_index_column(&mut self, table: &str, index: &str, unique: bool, column: &str) {
        let Some(table) = self.schema.tables.get_mut(table) else { return };
        match table.indexes.iter_mut().find(|known| known.name == index) {
            Some(known) => known.columns.push(column.to_owned()),
            None => table.indexes.push(genkan_adapter::Index {
                name: index.to_owned(),
                columns: vec![column.to_owned()],
                unique,
            }),
        }
    }
}
