//! The keys of a rule's rows, for `genkan rules check`: is what the rule calls a key one?

use futures::TryStreamExt;
use genkan_adapter::{Order, Row, RowQuery};
use genkan_mapping::program::Rule;

use super::Fetched;
use crate::sources::Source;

/// What the keys of a rule's rows are like, as far as they were read.
#[derive(Debug, Default)]
pub struct Keys {
    pub rows: u64,
    /// Rows whose key the row before them has as well.
    pub repeated: u64,
    /// No row was left unread.
    pub all: bool,
}

/// Reads at most so many keys of a rule's rows, as a search would find them, in the order of the key:
/// equal ones are neighbours.
pub async fn keys(source: &Source, rule: &Rule, rows_max: u64) -> Fetched<Keys> {
    let columns: Vec<_> = rule.key.iter().map(|column| column.column.clone()).collect();
    let order = columns.iter().map(|column| Order::new(column.clone(), false));
    let query = RowQuery {
        root: rule.root.root.clone(),
        joins: rule.root.joins.clone(),
        filter: rule.filter.clone(),
        order: order.collect(),
        columns,
        after: None,
        limit: Some(rows_max),
    };
    let mut keys = Keys::default();
    let mut before: Option<Row> = None;
    let mut rows = source.adapter().rows(&query);
    while let Some(row) = rows.try_next().await.map_err(|error| source.failed(error))? {
        keys.rows += 1;
        keys.repeated += u64::from(before.as_ref() == Some(&row));
        before = Some(row);
    }
    keys.all = keys.rows < rows_max;
    Ok(keys)
}
