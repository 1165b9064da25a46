//! `fragments/*.yaml`: templates of elements, as far as they can be looked at without the places
//! that use them.

use std::collections::{BTreeMap, BTreeSet};

use super::Sources;
use super::structure::Entries;
use crate::diagnostic::Diagnostic;
use crate::expression::Expression;
use crate::yaml::Yaml;

pub(super) type Fragments = BTreeMap<String, Yaml>;

/// Each top-level key is a fragment. Its expressions are read here once, so that one which no rule
/// uses is not silently wrong.
pub(super) fn read(sources: &Sources, found: &mut Vec<Diagnostic>) -> Fragments {
    let mut fragments = Fragments::new();
    for yaml in &sources.fragments {
        let entries = match Entries::of(yaml) {
            Ok(entries) => entries,
            Err(diagnostic) => {
                found.push(diagnostic);
                continue;
            }
        };
        for (key, body) in entries.iter() {
            body.walk(&mut |_, part| found.extend(part.expression().and_then(Result::err)));
            if fragments.insert(key.name.clone(), body.clone()).is_some() {
                let en = format!("fragment `{}` stands twice", key.name);
                let ja = format!("断片「{}」が重複しています", key.name);
                found.push(Diagnostic::error("E0107", key.span, en, ja));
            }
        }
    }
    fragments
}

/// What no rule uses is not checked against FHIR, and its author should know.
pub(super) fn unused(fragments: &Fragments, rules: &[Yaml], found: &mut Vec<Diagnostic>) {
    let mut used: BTreeSet<&str> = BTreeSet::new();
    let mut waiting: Vec<&Yaml> = rules.iter().collect();
    while let Some(yaml) = waiting.pop() {
        yaml.walk(&mut |key, value| {
            if key.is_some_and(|key| key.name == "$use")
                && let Some(name) = value.as_text()
                && used.insert(name)
            {
                waiting.extend(fragments.get(name));
            }
        });
    }
    for (name, body) in fragments.iter().filter(|(name, _)| !used.contains(name.as_str())) {
        let en = format!("no rule uses fragment `{name}`, so its elements are not checked");
        let ja = format!("断片「{name}」はどの規則からも使われず、要素を検査できません");
        found.push(Diagnostic::warning("W0526", body.span, en, ja));
    }
}

/// The names behind `with.` in a part of a fragment.
pub(super) fn parameters(yaml: &Yaml) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    yaml.walk(&mut |_, part| {
        if let Some(Ok(expression)) = part.expression() {
            parameters_of(&expression, &mut names);
        }
    });
    names
}

fn parameters_of(expression: &Expression, names: &mut BTreeSet<String>) {
    expression.names(&mut |name| {
        if name.qualifier == "with" {
            names.insert(name.name.clone());
        }
    });
}
