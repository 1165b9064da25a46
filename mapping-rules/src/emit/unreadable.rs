//! Cells whose bytes are no text. A row with one is no resource: an element that were left out, or
//! a condition that took the cell for empty, would be told as if the row said so.

use genkan_adapter::{ColumnRef, Row, Unreadable, Value};

use super::{Issue, IssueSeverity, Record};
use crate::diagnostic::Text;
use crate::program::{RecordSet, Rule, RuleSet};

/// One issue for each cell of the record that can't be read, whether or not an element shows it:
/// a record holds only what its rule uses.
pub(super) fn issues(rules: &RuleSet, rule: &Rule, record: &Record) -> Vec<Issue> {
    let mut found = Vec::new();
    of_record(rules, rule, record, &mut |set, column, cell| {
        found.push(issue(rule, set, column, cell));
    });
    found
}

type See<'s> = &'s mut dyn FnMut(&RecordSet, &ColumnRef, &Unreadable);

fn of_record(rules: &RuleSet, rule: &Rule, record: &Record, see: See<'_>) {
    of_row(&rule.root, &record.row, see);
    of_edges(rules, rule, record, see);
}

fn of_edges(rules: &RuleSet, rule: &Rule, record: &Record, see: See<'_>) {
    for (child, rows) in rule.children.iter().zip(&record.children) {
        rows.iter().for_each(|row| of_row(&child.set, row, see));
    }
    for (contained, target) in rule.contained.iter().zip(&record.contained) {
        match (rules.rules.get(contained.reference.rule), target) {
            // Its cells are those of the row that brought it.
            (Some(rule), Some(target)) if contained.same_row.is_some() => {
                of_edges(rules, rule, target, see);
            }
            (Some(rule), Some(target)) => of_record(rules, rule, target, see),
            _ => {}
        }
    }
}

fn of_row(set: &RecordSet, row: &Row, see: See<'_>) {
    for (column, value) in set.columns.iter().zip(row.values()) {
        if let Value::Unreadable(cell) = value {
            see(set, column, cell);
        }
    }
}

/// Where it is, and one byte of it, which by itself is no character: enough to find the cell, and
/// no content.
fn issue(rule: &Rule, set: &RecordSet, column: &ColumnRef, cell: &Unreadable) -> Issue {
    let (table, name) = (table(set, column), &column.column);
    let (byte, place) = (cell.byte().unwrap_or_default(), cell.at() + 1);
    let message = Text::new(
        format!(
            "column {name} of table {table} holds text that is not in the source's encoding: \
             byte {place} is 0x{byte:02X}"
        ),
        format!(
            "表 {table} の列 {name} に文字コードとして読めないデータがあります\
             （{place} バイト目 0x{byte:02X}）"
        ),
    );
    Issue {
        severity: IssueSeverity::Error,
        code: "bad-text",
        expression: rule.resource.clone(),
        span: rule.span,
        columns: vec![format!("{}.{name}", column.alias)],
        message,
        map: None,
    }
}

fn table<'s>(set: &'s RecordSet, column: &ColumnRef) -> &'s str {
    let targets = std::iter::once(&set.root).chain(set.joins.iter().map(|join| &join.target));
    let found = targets.into_iter().find(|target| target.alias == column.alias);
    found.map_or("", |target| &*target.table)
}
