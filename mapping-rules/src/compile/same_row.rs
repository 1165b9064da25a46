//! `$contained` of the very row: a result and its specimen often come from one row of one table.
//! Then the row of the parent brings the columns of the target along, and no further statement asks
//! for what was just read.

use genkan_adapter::{ColumnRef, Join, Predicate};

use crate::expression::ExpressionKind;
use crate::program::{ReferenceTo, Rule, Term};

/// Finds the targets that stand in the rows of their parents, and adds their columns there. A target
/// may contain in turn, and needs more columns then: until nothing changes.
pub(super) fn link(rules: &mut [Rule]) {
    let columns = |rules: &[Rule]| rules.iter().map(|rule| rule.root.columns.len()).sum::<usize>();
    loop {
        let before = columns(rules);
        link_once(rules);
        if columns(rules) == before {
            return;
        }
    }
}

fn link_once(rules: &mut [Rule]) {
    for parent in 0..rules.len() {
        for edge in 0..rules[parent].contained.len() {
            let reference = &rules[parent].contained[edge].reference;
            let Some(target) = rules.get(reference.rule) else { continue };
            if !stands_in(target, &rules[parent], reference) {
                continue;
            }
            let wanted = target.root.columns.clone();
            let own = &mut rules[parent].root.columns;
            let places = wanted.into_iter().map(|column| place_of(own, column)).collect();
            rules[parent].contained[edge].same_row = Some(places);
        }
    }
}

fn place_of(columns: &mut Vec<ColumnRef>, column: ColumnRef) -> usize {
    columns.iter().position(|known| *known == column).unwrap_or_else(|| {
        columns.push(column);
        columns.len() - 1
    })
}

/// Each row of the parent is the row that the reference names, and nothing of the target hides it.
fn stands_in(target: &Rule, parent: &Rule, reference: &ReferenceTo) -> bool {
    let same_key = reference.key.len() == target.key.len()
        && reference
            .key
            .iter()
            .zip(&target.key)
            .all(|(term, key)| bare(term).is_some_and(|column| *column == key.column));
    let joined = |join: &Join| parent.root.joins.contains(join);
    let conditions = terms(&parent.filter);
    same_key
        && target.source == parent.source
        && target.root.root == parent.root.root
        && target.root.joins.iter().all(joined)
        && terms(&target.filter).iter().all(|term| conditions.contains(term))
}

fn bare(term: &Term) -> Option<&ColumnRef> {
    match &term.kind {
        ExpressionKind::Name(column) => Some(&column.column),
        _ => None,
    }
}

fn terms(filter: &Predicate) -> &[Predicate] {
    match filter {
        Predicate::All(terms) => terms,
        one => std::slice::from_ref(one),
    }
}
