//! `version: updated`: the author's word that no change goes past the columns of `updated`.

use std::collections::BTreeSet;

use super::structure::Entries;
use crate::diagnostic::Diagnostic;
use crate::grammar;
use crate::program::{RecordSet, Rule, Term, Version};

pub(super) fn read(entries: &Entries, updated: &[Term]) -> Result<Version, Diagnostic> {
    let Some(yaml) = entries.get("version") else { return Ok(Version::Image) };
    match yaml.as_text() {
        Some(grammar::IMAGE) => Ok(Version::Image),
        Some(grammar::UPDATED) if !updated.is_empty() => Ok(Version::Updated),
        Some(grammar::UPDATED) => {
            let en = "`version: updated` needs the columns of `updated`, and there are none";
            let ja = "version: updated には updated の列が必要です";
            Err(Diagnostic::error("E0421", yaml.span, en, ja))
        }
        _ => {
            let en = "`version` is `image` (everything that the rule reads) or `updated`";
            let ja = "version は image（規則が読むすべて）か updated です";
            Err(Diagnostic::error("E0421", yaml.span, en, ja))
        }
    }
}

/// Tables whose changes would go unnoticed unless they move another table's `updated`.
pub(super) fn unwatched(rules: &[Rule], rule: &Rule) -> Option<Diagnostic> {
    if rule.version != Version::Updated {
        return None;
    }
    let mut watched: BTreeSet<&str> = BTreeSet::new();
    for term in &rule.updated {
        term.names(&mut |column| {
            let sets = sets(rule).flat_map(|set| &set.columns);
            let own = sets.filter(|own| **own == column.column).map(|own| &*own.alias);
            watched.extend(own);
        });
    }
    let mut tables: BTreeSet<&str> = BTreeSet::new();
    for set in sets(rule) {
        let targets = std::iter::once(&set.root).chain(set.joins.iter().map(|join| &join.target));
        let read = targets.filter(|of| set.columns.iter().any(|column| column.alias == of.alias));
        tables.extend(read.filter(|of| !watched.contains(&*of.alias)).map(|of| &*of.table));
    }
    let apart = rule.contained.iter().filter(|contained| contained.same_row.is_none());
    tables.extend(
        apart.filter_map(|contained| Some(&*rules.get(contained.reference.rule)?.root.root.table)),
    );
    let names = tables.into_iter().collect::<Vec<_>>().join(", ");
    let en = format!(
        "`version: updated`, but `updated` has no column of {names}: a change there would not make \
         another version unless it moves the columns of `updated` too"
    );
    let ja = format!(
        "version: updated ですが updated に {names} の列がありません。この表の変更は、updated \
         の列も更新されない限り新しい版になりません"
    );
    (!names.is_empty()).then(|| Diagnostic::warning("W0420", rule.span, en, ja))
}

fn sets(rule: &Rule) -> impl Iterator<Item = &RecordSet> {
    std::iter::once(&rule.root).chain(rule.children.iter().map(|child| &child.set))
}
