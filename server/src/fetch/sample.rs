//! Samples of tables that no rule knows yet, for `genkan rules scan`. Every statement is bounded: by
//! its number of rows here, and by the limits of the source.

use std::collections::BTreeSet;

use futures::TryStreamExt;
use genkan_adapter::{
    Column, ColumnKind, ColumnRef, Order, Predicate, Row, RowQuery, TableAlias, Value,
};
use genkan_mapping::scan::key_value;

use super::{Fetched, Keys};
use crate::sources::Source;

/// What was read of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    pub rows: u64,
    /// The table has no other rows.
    pub all: bool,
}

/// Rows in which values are looked for that another table may hold.
const VALUES_ROWS_MAX: u64 = 2000;
/// Different values that are looked for.
const VALUES_MAX: usize = 100;
/// A key of a dated table has several rows.
const HELD_ROWS_MAX: u64 = 10_000;

/// Columns of one table, which alone is in the statement.
pub struct Columns<'a> {
    pub table: &'a str,
    pub columns: Vec<&'a Column>,
}

impl Columns<'_> {
    fn query(&self, order: &[Order], limit: u64) -> RowQuery {
        RowQuery {
            root: TableAlias::new(self.table, "t"),
            joins: Vec::new(),
            columns: self.columns.iter().map(|column| reference(&column.name)).collect(),
            filter: Predicate::TRUE,
            order: order.to_vec(),
            after: None,
            limit: Some(limit),
        }
    }
}

fn reference(column: &str) -> ColumnRef {
    ColumnRef::new("t", column)
}

/// Gives at most so many rows of a table to `take`: the first and the last ones by its key, because
/// old rows and new ones differ; without a key those that come first.
pub async fn sample(
    source: &Source,
    of: &Columns<'_>,
    key: &[String],
    rows_max: u64,
    mut take: impl FnMut(&Row),
) -> Fetched<Sample> {
    if key.is_empty() || rows_max < 2 {
        let rows = some(source, &of.query(&[], rows_max), &mut take).await?;
        return Ok(Sample { rows, all: rows < rows_max });
    }
    let half = rows_max / 2;
    let mut first: BTreeSet<Vec<String>> = BTreeSet::new();
    let places: Vec<usize> = key
        .iter()
        .filter_map(|name| of.columns.iter().position(|column| column.name == *name))
        .collect();
    let key_of = |row: &Row| -> Vec<String> {
        places.iter().map(|at| format!("{:?}", row.values().get(*at))).collect()
    };
    let (ascending, descending) = (order(key, false), order(key, true));
    let rows = some(source, &of.query(&ascending, half), &mut |row: &Row| {
        first.insert(key_of(row));
        take(row);
    })
    .await?;
    if rows < half {
        return Ok(Sample { rows, all: true });
    }
    let (mut met, mut last) = (false, 0);
    some(source, &of.query(&descending, half), &mut |row: &Row| {
        met |= first.contains(&key_of(row));
        if !met {
            last += 1;
            take(row);
        }
    })
    .await?;
    Ok(Sample { rows: rows + last, all: met || last < half })
}

fn order(key: &[String], descending: bool) -> Vec<Order> {
    key.iter().map(|name| Order::new(reference(name), descending)).collect()
}

async fn some(source: &Source, query: &RowQuery, take: &mut impl FnMut(&Row)) -> Fetched<u64> {
    let mut rows = source.adapter().rows(query);
    let mut count = 0;
    while let Some(row) = rows.try_next().await.map_err(|error| source.failed(error))? {
        count += 1;
        take(&row);
    }
    Ok(count)
}

/// Whether rows share these columns, among at most so many in their order.
pub async fn shared(source: &Source, of: &Columns<'_>, rows_max: u64) -> Fetched<Keys> {
    let names: Vec<String> = of.columns.iter().map(|column| column.name.clone()).collect();
    let mut keys = Keys::default();
    let mut before: Option<Row> = None;
    let query = of.query(&order(&names, false), rows_max);
    keys.rows = some(source, &query, &mut |row: &Row| {
        keys.repeated += u64::from(before.as_ref() == Some(row));
        before = Some(row.clone());
    })
    .await?;
    keys.all = keys.rows < rows_max;
    Ok(keys)
}

/// Of values that stand in some columns of one table: how many were looked for in those of another,
/// and how many are there.
pub async fn held(source: &Source, from: &Columns<'_>, to: &Columns<'_>) -> Fetched<(u64, u64)> {
    let kinds: Vec<ColumnKind> = to.columns.iter().map(|column| column.kind).collect();
    let mut wanted: Vec<Vec<Value>> = Vec::new();
    some(source, &from.query(&[], VALUES_ROWS_MAX), &mut |row: &Row| {
        let cells = row.values().iter().zip(&kinds);
        let key: Option<Vec<Value>> = cells.map(|(value, kind)| key_value(*kind, value)).collect();
        if let Some(key) = key
            && wanted.len() < VALUES_MAX
            && !wanted.contains(&key)
        {
            wanted.push(key);
        }
    })
    .await?;
    if wanted.is_empty() {
        return Ok((0, 0));
    }
    let columns = to.columns.iter().map(|column| reference(&column.name)).collect();
    let query = RowQuery {
        filter: Predicate::KeyIn { columns, keys: wanted.clone() },
        ..to.query(&[], HELD_ROWS_MAX)
    };
    let mut there: Vec<Vec<Value>> = Vec::new();
    some(source, &query, &mut |row: &Row| {
        let cells = row.values().iter().zip(&kinds);
        let key: Option<Vec<Value>> = cells.map(|(value, kind)| key_value(*kind, value)).collect();
        if let Some(key) = key.filter(|key| !there.contains(key)) {
            there.push(key);
        }
    })
    .await?;
    let found = wanted.iter().filter(|key| there.contains(key)).count();
    Ok((wanted.len() as u64, found as u64))
}

/// The texts of two columns, row by row.
pub async fn pairs(
    source: &Source,
    of: &Columns<'_>,
    rows_max: u64,
) -> Fetched<Vec<(String, String)>> {
    let mut found = Vec::new();
    some(source, &of.query(&[], rows_max), &mut |row: &Row| {
        if let [Value::Text(code), Value::Text(name)] = row.values() {
            found.push((code.clone(), name.clone()));
        }
    })
    .await?;
    Ok(found)
}
