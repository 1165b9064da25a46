//! What the hospital's catalog says of the columns that searches start from: one that leads no index
//! makes the source read the whole table. Advice, and about the schema that was looked at.

use std::collections::BTreeMap;

use genkan_adapter::SourceSchema;

use super::{Branch, PlaceKind};
use crate::diagnostic::{Diagnostic, Span, Text};
use crate::expression::ExpressionKind as K;
use crate::lens::Lens;
use crate::program::{ColumnUse, Place, RecordSet, Rule, RuleSet, Term};
use crate::sources::SourceSchemas;

/// A table of fewer rows is read as a whole as fast.
const ROWS_MIN: u64 = 1000;

/// A column that searches start from and that leads no index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unindexed {
    pub table: String,
    pub column: String,
    /// Where a rule reads it first.
    pub span: Span,
    /// Resource type and parameter of each search that starts there.
    pub searches: Vec<(String, String)>,
}

impl Unindexed {
    pub fn message(&self) -> Text {
        let Unindexed { table, column, searches, .. } = self;
        let codes: Vec<String> =
            searches.iter().map(|(resource, code)| format!("{resource}?{code}")).collect();
        let codes = codes.join(", ");
        Text::new(
            format!(
                "`{table}.{column}` leads no index, and {codes} would read the whole table; \
                 CREATE INDEX … ON {table} ({column}), or switch it off under `search:`"
            ),
            format!(
                "「{table}.{column}」で始まる索引がなく、{codes} は表全体を読みます。CREATE INDEX … ON \
                 {table} ({column}) とするか、search: で off にします"
            ),
        )
    }
}

/// One for each column of each source.
pub fn unindexed(rules: &[Rule], schemas: &SourceSchemas) -> Vec<Unindexed> {
    let mut found: BTreeMap<(usize, String, String), Unindexed> = BTreeMap::new();
    for rule in rules {
        for parameter in &rule.parameters {
            for branch in &parameter.branches {
                let Some((column, span)) = first_column(rule, branch) else { continue };
                let Some(table) = table_of(rule, column) else { continue };
                let column = column.column.column.to_string();
                if is_slow(schemas.at(rule.source), table, &column) {
                    let key = (rule.source, table.to_owned(), column.clone());
                    let table = table.to_owned();
                    let fresh = || Unindexed { table, column, span, searches: Vec::new() };
                    let searches = &mut found.entry(key).or_insert_with(fresh).searches;
                    let search = (rule.resource.clone(), parameter.code.clone());
                    if !searches.contains(&search) {
                        searches.push(search);
                    }
                }
            }
        }
    }
    found.into_values().collect()
}

/// As warnings for the author of the rules.
pub fn unindexed_warnings(rules: &RuleSet) -> Vec<Diagnostic> {
    let warning = |column: &Unindexed| {
        let Text { en, ja } = column.message();
        Diagnostic::warning("W0705", column.span, en, ja)
    };
    rules.unindexed.iter().map(warning).collect()
}

/// Of a table without any index nothing is known: most such are views, whose tables have them.
fn is_slow(schema: &SourceSchema, table: &str, column: &str) -> bool {
    schema.table(table).is_some_and(|table| {
        let is_view = table.primary_key.is_empty() && table.indexes.is_empty();
        let is_small = table.rows_estimate.is_some_and(|rows| rows < ROWS_MIN);
        !is_view && !is_small && !table.is_indexed(column)
    })
}

/// The column that a search by this place compares first.
fn first_column<'r>(rule: &'r Rule, branch: &'r Branch) -> Option<(&'r ColumnUse, Span)> {
    let term = match &branch.place {
        PlaceKind::Id => return rule.key.first().map(|column| (column, rule.span)),
        PlaceKind::Token { code: term, .. }
        | PlaceKind::Text(term)
        | PlaceKind::Folded { term, .. }
        | PlaceKind::Date(term)
        | PlaceKind::Number(term)
        | PlaceKind::Uri(term)
        | PlaceKind::Typed { value: term, .. } => term,
        PlaceKind::Quantity(quantity) => &quantity.value,
        PlaceKind::Composite(components) => {
            return components.iter().flatten().find_map(|part| first_column(rule, part));
        }
        PlaceKind::Coded(coded) => &coded.from,
        PlaceKind::Period { start, end } => start.as_ref().or(end.as_ref())?,
        PlaceKind::Reference(reference) => reference.key.first()?,
        // Two values, or the middle of a text: an index would not help.
        PlaceKind::Flag(_) | PlaceKind::Words(_) => return None,
        // Only a modifier looks there.
        PlaceKind::CodedText(_) | PlaceKind::Element(_) => return None,
    };
    if is_closed(term) {
        return None;
    }
    let mut columns = Vec::new();
    first(term, &mut columns);
    columns.first().map(|column| (*column, term.span))
}

/// A few values, each in many rows.
fn is_closed(term: &Term) -> bool {
    match &term.kind {
        K::Pipe(_, Lens::Map(_)) | K::Text(_) => true,
        K::Pipe(inner, _) => is_closed(inner),
        K::Else(left, _) => is_closed(left),
        _ => false,
    }
}

fn first<'t>(term: &'t Term, columns: &mut Vec<&'t ColumnUse>) {
    match &term.kind {
        K::Name(column) => columns.push(column),
        K::Template(parts) | K::Concat(parts) | K::And(parts) | K::Or(parts) => {
            parts.iter().for_each(|part| first(part, columns));
        }
        K::Pipe(inner, _) | K::In(inner, _) | K::Exists(inner) | K::Not(inner) => {
            first(inner, columns);
        }
        K::Else(left, _) | K::Compare(left, ..) => first(left, columns),
        K::Lookup { key, .. } => first(key, columns),
        K::Text(_) => {}
    }
}

fn table_of<'r>(rule: &'r Rule, column: &ColumnUse) -> Option<&'r str> {
    let set: &RecordSet = match column.place {
        Place::Root => &rule.root,
        Place::Child(index) => &rule.children.get(index)?.set,
    };
    let joined = set.joins.iter().map(|join| &join.target);
    let mut tables = std::iter::once(&set.root).chain(joined);
    tables.find(|target| target.alias == column.column.alias).map(|target| &*target.table)
}
