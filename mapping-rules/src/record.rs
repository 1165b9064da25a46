//! A live row as a test case of the rule that reads it, with nobody in it. For `genkan rules record`,
//! which fetches the rows and runs the test before anybody sees it.

mod treatment;
mod yaml;

use std::collections::BTreeMap;

use chrono::FixedOffset;
use genkan_adapter::Value;

use crate::mask::{Mask, Treatment};
use crate::program::RuleSet;
use crate::sources::SourceSchemas;

pub use treatment::{ColumnName, treatments};
pub use yaml::{Case, NoPlace, with_case};

/// One row of one table behind a resource.
#[derive(Debug, Clone, PartialEq)]
pub struct RawRow {
    /// The place of its source.
    pub source: usize,
    pub table: String,
    pub cells: Vec<(String, Value)>,
}

/// Rows in which nobody is found, and what was done with the columns.
#[derive(Debug)]
pub struct Masked {
    pub rows: Vec<RawRow>,
    /// Columns whose values are as they were, by table.
    pub kept: BTreeMap<String, Vec<String>>,
}

/// Rows of one table and key that several statements brought are one row. `keep`: columns, as
/// `TABLE.COLUMN`, whose values somebody vouches for.
pub fn masked(
    rows: Vec<RawRow>,
    rules: &RuleSet,
    schemas: &SourceSchemas,
    keep: &[String],
    (days, zone): (i64, FixedOffset),
) -> Masked {
    let treatments = treatments(rules, schemas);
    let mut mask = Mask::new(days, zone);
    let mut rows = merged(rows, schemas);
    let of = |row: &RawRow, column: &str| {
        if keep.iter().any(|name| *name == format!("{}.{column}", row.table)) {
            return Treatment::Kept;
        }
        let name = (row.source, row.table.clone(), column.to_owned());
        treatments.get(&name).copied().unwrap_or(Treatment::Words)
    };
    // Numbers of people first: what they are inside of is masked as well.
    let mut order: Vec<(usize, usize, Treatment)> = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let cells = row.cells.iter().enumerate();
        order.extend(cells.map(|(cell, (column, _))| (at, cell, of(row, column))));
    }
    order.sort_by_key(|(row, cell, treatment)| (std::cmp::Reverse(*treatment), *row, *cell));
    let mut kept: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (row, cell, treatment) in order {
        let RawRow { table, cells, .. } = &mut rows[row];
        let (column, value) = &mut cells[cell];
        let made = mask.value(treatment, value);
        let says = !matches!(value, Value::Null) && *value != Value::text("");
        if made == *value && says && !matches!(value, Value::Boolean(_)) {
            let columns = kept.entry(table.clone()).or_default();
            if !columns.contains(column) {
                columns.push(column.clone());
            }
        }
        *value = made;
    }
    Masked { rows, kept }
}

fn merged(rows: Vec<RawRow>, schemas: &SourceSchemas) -> Vec<RawRow> {
    let mut merged: Vec<RawRow> = Vec::new();
    for row in rows {
        let known = schemas.at(row.source).table(&row.table);
        let key = known.map_or(&[] as &[String], |table| &table.primary_key);
        let cell = |row: &RawRow, name: &str| {
            row.cells.iter().find(|(column, _)| column == name).map(|(_, value)| value.clone())
        };
        let same = |other: &&mut RawRow| {
            let alike = match key {
                [] => other.cells == row.cells,
                key => key.iter().all(|name| cell(other, name) == cell(&row, name)),
            };
            (other.source, &other.table) == (row.source, &row.table) && alike
        };
        match merged.iter_mut().find(same) {
            Some(other) => {
                for (column, value) in row.cells {
                    if !other.cells.iter().any(|(known, _)| *known == column) {
                        other.cells.push((column, value));
                    }
                }
            }
            None => merged.push(row),
        }
    }
    merged
}
