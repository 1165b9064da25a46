//! What rules read of their sources: the tables of a rule, and every column that one of its
//! statements names, shown or not. Tests need those tables, a recorded row those columns, and what is
//! left over is what no rule feeds from.

use std::collections::{BTreeMap, BTreeSet};

use genkan_adapter::{ColumnRef, Operand, Predicate, SourceSchema, TableAlias};

use crate::program::{Place, RecordSet, Rule, RuleSet};
use crate::sources::SourceSchemas;

/// The tables of one rule, each with the SELECT that it stands in; the root is the first.
pub fn tables(rule: &Rule) -> Vec<(Place, &TableAlias)> {
    let mut found = Vec::new();
    for (place, set) in sets(rule) {
        found.push((place, &set.root));
        found.extend(set.joins.iter().map(|join| (place, &join.target)));
    }
    found
}

/// Every column that the statements of one rule name: shown, compared, joined on or ordered by. In a
/// fixed order, each once.
pub fn columns(rule: &Rule) -> Vec<(Place, ColumnRef)> {
    let mut found: Vec<(Place, ColumnRef)> = Vec::new();
    let mut add = |place: Place, column: &ColumnRef| {
        if !found.iter().any(|known| known.0 == place && known.1 == *column) {
            found.push((place, column.clone()));
        }
    };
    for (place, set) in sets(rule) {
        set.columns.iter().for_each(|column| add(place, column));
        for join in &set.joins {
            compared(&join.on, &mut |column| add(place, column));
        }
    }
    compared(&rule.filter, &mut |column| add(Place::Root, column));
    for (index, child) in rule.children.iter().enumerate() {
        compared(&child.filter, &mut |column| add(Place::Child(index), column));
        child.order.iter().for_each(|order| add(Place::Child(index), &order.column));
    }
    found
}

/// Columns by source and table, of all rules.
pub type Read = BTreeMap<(usize, String), BTreeSet<String>>;

/// What the whole rule set reads. A table that only takes part in a join is there too, with the
/// columns that join it.
pub fn all(rules: &RuleSet) -> Read {
    let mut read = Read::new();
    for rule in &rules.rules {
        let tables = tables(rule);
        for (_, table) in &tables {
            read.entry((rule.source, table.table.to_string())).or_default();
        }
        for (place, column) in columns(rule) {
            let named =
                |(at, table): &&(Place, &TableAlias)| *at == place && table.alias == column.alias;
            if let Some((_, table)) = tables.iter().find(named) {
                let columns = read.entry((rule.source, table.table.to_string())).or_default();
                columns.insert(column.column.to_string());
            }
        }
    }
    read
}

/// The schemas as a test in memory needs them: the tables that rules read or a test fills, and no
/// column that has to have a value but those of the key, because rows of a test are written with the
/// columns that matter.
pub fn for_tests(schemas: &SourceSchemas, rules: &RuleSet) -> SourceSchemas {
    let mut wanted: BTreeSet<(usize, String)> = all(rules).into_keys().collect();
    let tests = rules.rules.iter().flat_map(|rule| &rule.tests);
    let filled = tests.flat_map(|test| &test.rows);
    wanted.extend(filled.map(|rows| (rows.source, rows.table.clone())));
    schemas.each(|place, schema| {
        let mut kept = SourceSchema::default();
        for (name, table) in &schema.tables {
            if !wanted.contains(&(place, name.clone())) {
                continue;
            }
            let mut table = table.clone();
            for column in &mut table.columns {
                column.nullable = !table.primary_key.contains(&column.name);
            }
            kept.tables.insert(name.clone(), table);
        }
        kept
    })
}

/// What each SELECT of a rule reads.
pub(crate) fn sets(rule: &Rule) -> impl Iterator<Item = (Place, &RecordSet)> {
    let children = rule.children.iter().enumerate();
    let children = children.map(|(index, child)| (Place::Child(index), &child.set));
    std::iter::once((Place::Root, &rule.root)).chain(children)
}

/// Calls `visit` for the columns of a condition that stand in the same SELECT as it does.
fn compared(condition: &Predicate, visit: &mut impl FnMut(&ColumnRef)) {
    let mut operand = |operand: &Operand| match operand {
        Operand::Column(column)
        | Operand::Left { column, .. }
        | Operand::Number(column)
        | Operand::Text(column) => visit(column),
        Operand::Value(_) => {}
    };
    match condition {
        Predicate::All(terms) | Predicate::Any(terms) => {
            terms.iter().for_each(|term| compared(term, visit));
        }
        Predicate::Not(term) => compared(term, visit),
        Predicate::Compare { left, right, .. } => {
            operand(left);
            operand(right);
        }
        Predicate::In { operand: of, .. } | Predicate::Like { operand: of, .. } => operand(of),
        Predicate::KeyIn { columns, .. } => columns.iter().for_each(visit),
        Predicate::Null(column) => visit(column),
        // No condition of a rule holds one: searches make them.
        Predicate::Exists { .. } => {}
    }
}
