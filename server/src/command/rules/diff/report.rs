//! What `genkan rules diff` says.

use genkan_mapping::difference::{Difference, Kind, OfRule};
use genkan_mapping::{Language, Text};
use serde_json::json;

use super::{Found, Pair};
use crate::command::{Manner, Output};

pub fn print(found: &Found, pair: &Pair, manner: Manner) {
    match manner.output {
        Output::Json => print_json(found, pair),
        Output::Text => print_text(found, pair, manner.language),
    }
}

fn print_text(found: &Found, pair: &Pair, language: Language) {
    let say = |en: String, ja: String| say!("{}", Text::new(en, ja).in_language(language));
    let mut resources = 0;
    for (id, rule) in &found.rules {
        resources += rule.compared + rule.only_old + rule.only_new;
        if rule.is_same() {
            continue;
        }
        let OfRule { compared, only_old, only_new, .. } = rule;
        say(
            format!("{id}: {compared} in both, {only_old} only with OLD, {only_new} only with NEW"),
            format!("{id}: 両方 {compared} 件・OLD のみ {only_old} 件・NEW のみ {only_new} 件"),
        );
        for ((kind, element), difference) in &rule.elements {
            let Difference { resources, examples, .. } = difference;
            let (kind_name, place) = (kind.name(), place(pair, id, *kind, difference));
            say!("  {kind_name:<8} {element}  {resources}  {place}");
            for (old, new) in examples {
                let (old, new) = (shown(old), shown(new));
                say!("             {old} → {new}");
            }
        }
        for (code, (old, new)) in rule.issues.iter().filter(|(_, (old, new))| old != new) {
            say(
                format!("  issues   {code}  {old} → {new}"),
                format!("  issues   {code}  {old} → {new}"),
            );
        }
    }
    for resource in &found.cut {
        say(
            format!("{resource}: not all patients were compared; see --rows"),
            format!("{resource}: 一部の患者は比較していません（--rows）"),
        );
    }
    let changed = found.rules.values().filter(|rule| !rule.is_same()).count();
    let patients = found.patients;
    say(
        format!(
            "{resources} resources of {patients} patients and of tables without patients compared; {changed} rules differ"
        ),
        format!(
            "患者 {patients} 人と患者のない表のリソース {resources} 件を比較。差のある規則 {changed} 件"
        ),
    );
}

fn shown(value: &str) -> &str {
    if value.is_empty() { "-" } else { value }
}

/// The line that makes the element, in the rules that have it.
fn place(pair: &Pair, id: &str, kind: Kind, difference: &Difference) -> String {
    let side = if kind == Kind::Removed { pair.old } else { pair.new };
    let Some(span) = difference.span else { return id.to_owned() };
    let file = side.rules.files.get(usize::from(span.file));
    let path = file.map_or("", |file| file.path.as_str());
    format!("{}/{path}:{}", side.folder.trim_end_matches('/'), span.line)
}

/// A line for each rule that differs, and one for all.
fn print_json(found: &Found, pair: &Pair) {
    let mut resources = 0;
    for (id, rule) in &found.rules {
        resources += rule.compared + rule.only_old + rule.only_new;
        if rule.is_same() {
            continue;
        }
        let elements = rule.elements.iter().map(|((kind, element), difference)| {
            json!({
                "kind": kind.name(),
                "element": element,
                "resources": difference.resources,
                "place": place(pair, id, *kind, difference),
                "examples": difference.examples,
            })
        });
        let issues = rule.issues.iter().filter(|(_, (old, new))| old != new);
        let issues = issues.map(|(code, (old, new))| json!({"code": code, "old": old, "new": new}));
        say!(
            "{}",
            json!({
                "rule": id,
                "both": rule.compared,
                "only_old": rule.only_old,
                "only_new": rule.only_new,
                "elements": elements.collect::<Vec<_>>(),
                "issues": issues.collect::<Vec<_>>(),
            })
        );
    }
    say!("{}", json!({"resources": resources, "patients": found.patients, "cut": found.cut}));
}
