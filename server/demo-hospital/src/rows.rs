//! Rows on their way into a database: cells, the batch of one chunk of patients, and a hash of
//! rows that does not depend on their order.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::dirt::Defect;
use crate::schema::{ColumnType, Schema};

/// One cell, as all three databases are to hold it. Text of `char(n)` is not padded yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    Null,
    /// Text, or a date-time as `2026-03-31 08:15:00`.
    Text(Cow<'static, str>),
    Integer(i64),
    /// `units` · 10^-`scale`
    Decimal {
        units: i64,
        scale: u32,
    },
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Cell::Text(Cow::Owned(text))
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Cell::Text(Cow::Owned(text.to_owned()))
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Cell::Integer(number)
    }
}

/// `'1'` or `'0'`, as the hospital writes flags.
pub fn flag(on: bool) -> Cell {
    Cell::Text(Cow::Borrowed(if on { "1" } else { "0" }))
}

/// `-1.25` of -125 and 2.
pub fn decimal_text(units: i64, scale: u32) -> String {
    if scale == 0 {
        return units.to_string();
    }
    let base = 10_u64.pow(scale);
    let (sign, size) = (if units < 0 { "-" } else { "" }, units.unsigned_abs());
    format!("{sign}{}.{:0width$}", size / base, size % base, width = scale as usize)
}

/// The rows of some patients, by table, in the order of [`Schema::tables`].
#[derive(Debug)]
pub struct Batch {
    tables: Vec<TableRows>,
    by_name: BTreeMap<&'static str, usize>,
    pub defects: Vec<Defect>,
    pub patients: u32,
    fault: Option<String>,
}

#[derive(Debug, Clone)]
pub struct TableRows {
    columns: Vec<(String, ColumnType)>,
    /// Row after row.
    cells: Vec<Cell>,
    pub hash: MultisetHash,
}

impl TableRows {
    pub fn rows(&self) -> impl Iterator<Item = &[Cell]> {
        self.cells.chunks(self.columns.len().max(1))
    }

    pub fn len(&self) -> usize {
        self.cells.len() / self.columns.len().max(1)
    }

    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }
}

impl Batch {
    pub fn new(schema: &Schema, names: &[&'static str]) -> Self {
        let table = |table: &crate::schema::Table| TableRows {
            columns: table.columns.iter().map(|c| (c.name.clone(), c.kind)).collect(),
            cells: Vec::new(),
            hash: MultisetHash::default(),
        };
        Batch {
            tables: schema.tables.iter().map(table).collect(),
            by_name: names.iter().enumerate().map(|(at, name)| (*name, at)).collect(),
            defects: Vec::new(),
            patients: 0,
            fault: None,
        }
    }

    /// Adds a row whose columns are named in DDL order. A row that does not fit the schema is a
    /// mistake of this program; the first one comes out of [`Batch::check`].
    pub fn push<const N: usize>(&mut self, table: &'static str, row: [(&'static str, Cell); N]) {
        let Some(rows) = self.by_name.get(table).and_then(|at| self.tables.get_mut(*at)) else {
            self.fault.get_or_insert(format!("no table {table}"));
            return;
        };
        let mut line = Vec::with_capacity(96);
        let fits = rows.columns.len() == N;
        for ((name, kind), (given, cell)) in rows.columns.iter().zip(&row) {
            if !fits || name != given || !fits_in(*kind, cell) {
                self.fault.get_or_insert(format!("{table}.{name} got {given} {cell:?}"));
                return;
            }
            canonical(&mut line, *kind, cell);
        }
        rows.hash.add(&line);
        rows.cells.extend(row.into_iter().map(|(_, cell)| cell));
    }

    pub fn note(&mut self, kind: crate::dirt::DefectKind, table: &'static str, key: String) {
        self.defects.push(Defect { kind, table, key });
    }

    pub fn tables(&self) -> &[TableRows] {
        &self.tables
    }

    /// Rows of all tables.
    pub fn len(&self) -> usize {
        self.tables.iter().map(TableRows::len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn check(self) -> anyhow::Result<Self> {
        match &self.fault {
            Some(fault) => {
                anyhow::bail!("the generator made a row that is not in the schema: {fault}")
            }
            None => Ok(self),
        }
    }
}

fn fits_in(kind: ColumnType, cell: &Cell) -> bool {
    match (kind, cell) {
        (_, Cell::Null)
        | (ColumnType::Integer, Cell::Integer(_))
        | (ColumnType::Decimal { .. }, Cell::Decimal { .. })
        | (ColumnType::DateTime, Cell::Text(_)) => true,
        (ColumnType::Char(length) | ColumnType::Varchar(length), Cell::Text(text)) => {
            text.len() <= length as usize || text.chars().count() <= length as usize
        }
        _ => false,
    }
}

/// The bytes of a cell that all databases agree on: no padding, no zeros after the last decimal.
fn canonical(line: &mut Vec<u8>, kind: ColumnType, cell: &Cell) {
    match cell {
        Cell::Null => canonical_text(line, kind, None),
        Cell::Text(text) => canonical_text(line, kind, Some(text)),
        Cell::Integer(number) => canonical_text(line, kind, Some(&number.to_string())),
        Cell::Decimal { units, scale } => {
            canonical_text(line, kind, Some(&decimal_text(*units, *scale)));
        }
    }
}

/// The same, of a cell as a database prints it.
pub fn canonical_text(line: &mut Vec<u8>, kind: ColumnType, text: Option<&str>) {
    match (text, kind) {
        (None, _) => line.push(0),
        (Some(text), ColumnType::Char(_)) => {
            line.extend_from_slice(text.trim_end_matches(' ').as_bytes());
        }
        (Some(text), ColumnType::Decimal { .. }) => {
            line.extend_from_slice(shortest(text).as_bytes())
        }
        (Some(text), _) => line.extend_from_slice(text.as_bytes()),
    }
    line.push(0x1f);
}

/// `2.500` → `2.5`, `2.000` → `2`.
pub fn shortest(decimal: &str) -> &str {
    match decimal.contains('.') {
        true => decimal.trim_end_matches('0').trim_end_matches('.'),
        false => decimal,
    }
}

/// The sum of the BLAKE3 hashes of all rows: equal for equal rows in any order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MultisetHash {
    lanes: [u64; 4],
    pub rows: u64,
}

impl MultisetHash {
    pub fn add(&mut self, row: &[u8]) {
        let hash = blake3::hash(row);
        for (lane, bytes) in self.lanes.iter_mut().zip(hash.as_bytes().as_chunks::<8>().0) {
            *lane = lane.wrapping_add(u64::from_le_bytes(*bytes));
        }
        self.rows += 1;
    }

    pub fn merge(&mut self, other: &Self) {
        for (lane, more) in self.lanes.iter_mut().zip(other.lanes) {
            *lane = lane.wrapping_add(more);
        }
        self.rows += other.rows;
    }

    pub fn hex(&self) -> String {
        self.lanes.iter().map(|lane| format!("{lane:016x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_written_without_floats() {
        for (units, scale, text, short) in [
            (5, 3, "0.005", "0.005"),
            (-1250, 3, "-1.250", "-1.25"),
            (2000, 3, "2.000", "2"),
            (100, 0, "100", "100"),
            (0, 1, "0.0", "0"),
        ] {
            let written = decimal_text(units, scale);
            assert_eq!((written.as_str(), shortest(&written)), (text, short));
        }
    }

    #[test]
    fn a_row_that_does_not_fit_the_schema_is_reported() {
        let schema = crate::schema().unwrap();
        let names = ["M_SISETU", "M_KA"];
        let row = |code: &str, name| {
            [
                ("KA_CD", Cell::from(code)),
                (name, Cell::from("内科")),
                ("KA_RYAKU", Cell::Null),
                ("YUKO_FLG", flag(true)),
                ("UPD_DT", Cell::Null),
            ]
        };
        for (code, name, fits) in
            [("01", "KA_NM", true), ("0001", "KA_NM", false), ("01", "NAME", false)]
        {
            let mut batch = Batch::new(&schema, &names);
            batch.push("M_KA", row(code, name));
            assert_eq!(batch.check().is_ok(), fits, "{code} {name}");
        }
    }
}
