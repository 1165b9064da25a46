//! The further queries of a page: children of its rows and targets of its references, one statement
//! each for the whole page.

use std::collections::HashSet;

use genkan_adapter::{Order, Predicate, Row, RowQuery, Value};

use super::cursor::encode;
use super::{Referring, typed_key};
use crate::image::Imaged;
use crate::program::{Child, Rule, RuleSet};
use crate::projection::Columns;
use crate::search::{Rows, to_one_of};

/// Resources of a rule by their keys. `None` if no key can be one of the rule.
pub fn target_query(rules: &RuleSet, rule: usize, keys: &[Vec<String>]) -> Option<RowQuery> {
    let rule = &rules.rules[rule];
    let keys: Vec<Vec<Value>> = keys.iter().filter_map(|key| typed_key(rule, key)).collect();
    if keys.is_empty() {
        return None;
    }
    let columns = rule.key.iter().map(|column| column.column.clone()).collect();
    Some(RowQuery {
        root: rule.root.root.clone(),
        joins: rule.root.joins.clone(),
        columns: rule.root.columns.clone(),
        filter: rule.filter.clone().and(Predicate::KeyIn { columns, keys }),
        order: Vec::new(),
        after: None,
        limit: None,
    })
}

/// The rows of one child for a page of parents: these columns of them, or all. `None` if no parent can
/// have any.
pub fn child_query(child: &Child, read: Option<&Columns>, parents: &[&Row]) -> Option<RowQuery> {
    let mut keys: Vec<Vec<Value>> = Vec::with_capacity(parents.len());
    let mut known: HashSet<Vec<String>> = HashSet::with_capacity(parents.len());
    for parent in parents {
        let key: Option<Vec<Value>> = child
            .link
            .iter()
            .map(|(_, column)| parent.values().get(column.index).cloned())
            .collect();
        if let Some(key) = key
            && !key.iter().any(Value::is_null)
            && known.insert(key.iter().map(image).collect())
        {
            keys.push(key);
        }
    }
    if keys.is_empty() {
        return None;
    }
    let columns = child.link.iter().map(|(own, _)| child.set.columns[*own].clone()).collect();
    Some(RowQuery {
        root: child.set.root.clone(),
        joins: child.set.joins.clone(),
        columns: read.map_or_else(|| child.set.columns.clone(), |read| read.of(&child.set)),
        filter: child.filter.clone().and(Predicate::KeyIn { columns, keys }),
        order: child.order.clone(),
        after: None,
        limit: None,
    })
}

/// The condition on the rows that write this reference to one of these keys.
pub(super) fn referrers(rules: &RuleSet, referring: &Referring, keys: &[Vec<String>]) -> Imaged {
    let rows = Rows::of(rules, &rules.rules[referring.source]);
    let imaging = rows.imaging.complete();
    rows.around(&referring.branch, || to_one_of(imaging, &referring.reference, keys))
}

/// A text that no other value has.
fn image(value: &Value) -> String {
    match value {
        Value::Bytes(bytes) => format!("y{}", data_encoding::HEXLOWER.encode(bytes)),
        value => encode(value),
    }
}

/// The rows that refer to one of these keys (`_revinclude`), at most `limit`. `None` if the source can't
/// be asked.
pub fn referrers_query(
    rules: &RuleSet,
    referring: &Referring,
    keys: &[Vec<String>],
    limit: u64,
) -> Option<RowQuery> {
    let rule = &rules.rules[referring.source];
    let found = referrers(rules, referring, keys).ok()?;
    let order = rule.key.iter().map(|column| Order::new(column.column.clone(), false)).collect();
    Some(RowQuery {
        root: rule.root.root.clone(),
        joins: rule.root.joins.clone(),
        columns: rule.root.columns.clone(),
        filter: rule.filter.clone().and(found),
        order,
        after: None,
        limit: Some(limit),
    })
}

/// The key of a row as the texts that ids and references are made of.
pub fn key_texts(rules: &RuleSet, rule: &Rule, row: &Row) -> Option<Vec<String>> {
    let values = rule.key.iter().map(|column| row.values().get(column.index));
    values
        .map(|value| {
            crate::evaluate::value_text(value?, rules.site.zone).map(|text| text.into_owned())
        })
        .collect()
}

/// What a child row and its parent have in common, as texts that compare across column kinds: an
/// integer key is written in a decimal column as well.
pub fn link_key<'v>(values: impl Iterator<Item = Option<&'v Value>>) -> Option<Vec<String>> {
    let utc = chrono::Offset::fix(&chrono::Utc);
    values
        .map(|value| crate::evaluate::value_text(value?, utc).map(|text| text.into_owned()))
        .collect()
}
