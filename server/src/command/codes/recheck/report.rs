//! What `genkan codes recheck` says: codes, their names in map and master, and counts.

use genkan_mapping::codemap::{Outdated, What};
use genkan_mapping::program::RuleSet;
use genkan_mapping::{Language, Text};
use serde_json::{Value as Json, json};

use super::{Line, Report};
use crate::command::{Failure, Manner, Output, printed};

pub fn print(report: &Report, rules: &RuleSet, manner: Manner) {
    printed::print_looked(&report.looked, rules, manner);
    match manner.output {
        Output::Json => print_json(report, rules),
        Output::Text => print_text(report, rules, manner.language),
    }
}

fn print_text(report: &Report, rules: &RuleSet, language: Language) {
    let say = |text: Text| say!("{}", text.in_language(language));
    let mut map = "";
    for line in &report.lines {
        let Outdated { local, name, target, code, span, successors, .. } = &line.outdated;
        if map != line.outdated.map {
            map = &line.outdated.map;
            let count = report.lines.iter().filter(|other| other.outdated.map == map).count();
            say(Text::new(
                format!("{map}: {count} to look at"),
                format!("{map}: 見直しが必要 {count} 件"),
            ));
        }
        let file = rules.files.get(usize::from(span.file)).map_or("", |file| &file.path);
        let name = name.as_deref().unwrap_or_default();
        let what = what(&line.outdated.what);
        let used = match (&line.used, language) {
            (None, _) => String::new(),
            (Some(used), Language::English) => {
                format!("  {} rows, {} patients", used.rows, used.patients.len())
            }
            (Some(used), Language::Japanese) => {
                format!("  {} 行・患者 {} 人", used.rows, used.patients.len())
            }
        };
        let what = what.in_language(language);
        say!("  {file}:{}  {local} {name}  {target} {code}  {what}{used}", span.line);
        for to in successors {
            let (code, name) = (&to.code, &to.name);
            say(match to.named {
                true => Text::new(
                    format!("    followed by {code} {name}"),
                    format!("    移行先 {code} {name}"),
                ),
                false => Text::new(
                    format!("    same generic name: {code} {name}"),
                    format!("    同じ一般名: {code} {name}"),
                ),
            });
        }
    }
    if report.lines.is_empty() {
        say(Text::new(
            "nothing to look at: the code maps fit the loaded masters, as far as those hold their systems",
            "見直しが必要な行はありません（取り込んだマスタにある体系に限ります）",
        ));
    }
}

fn what(what: &What) -> Text {
    match what {
        What::Retired { last } => {
            Text::new(format!("retired, last day {last}"), format!("廃止（{last} まで）"))
        }
        What::Ending { last } => {
            Text::new(format!("ends, last day {last}"), format!("廃止予定（{last} まで）"))
        }
        What::Renamed { name, since: Some(since) } => {
            Text::new(format!("renamed on {since}: {name}"), format!("{since} に名称変更: {name}"))
        }
        What::Renamed { name, since: None } => {
            Text::new(format!("the master's name is {name}"), format!("マスタの名称は {name}"))
        }
        What::Changed { property, before, now, since } => {
            let property = property.code();
            Text::new(
                format!("changed on {since}: {property} {before} → {now}"),
                format!("{since} に変更: {property} {before} → {now}"),
            )
        }
        What::Unknown => Text::new("in no loaded master", "取り込んだマスタにありません"),
        What::Disagrees { target, code, given } => {
            let given = given.join(", ");
            Text::new(
                format!("by the master {target} {code} has {given}"),
                format!("マスタでは {target} {code} のコードは {given}"),
            )
        }
    }
}

/// The word for programs, with what stands beside it.
fn parts(what: &What) -> (&'static str, Json) {
    match what {
        What::Retired { last } => ("retired", json!({"last": last.to_string()})),
        What::Ending { last } => ("ending", json!({"last": last.to_string()})),
        What::Renamed { name, since } => {
            ("renamed", json!({"name": name, "since": since.map(|day| day.to_string())}))
        }
        What::Changed { property, before, now, since } => (
            "changed",
            json!({
                "property": property.code(), "before": before, "now": now,
                "since": since.to_string(),
            }),
        ),
        What::Unknown => ("unknown", json!({})),
        What::Disagrees { target, code, given } => {
            ("disagrees", json!({"target": target, "code": code, "given": given}))
        }
    }
}

fn print_json(report: &Report, rules: &RuleSet) {
    for Line { outdated, used } in &report.lines {
        let (word, detail) = parts(&outdated.what);
        let file = rules.files.get(usize::from(outdated.span.file)).map(|file| &file.path);
        let successors: Vec<Json> = outdated
            .successors
            .iter()
            .map(|to| json!({"code": to.code, "name": to.name, "named": to.named}))
            .collect();
        say!(
            "{}",
            json!({
                "outdated": word, "detail": detail, "map": outdated.map, "local": outdated.local,
                "local_name": outdated.name, "target": outdated.target, "code": outdated.code,
                "display": outdated.display, "file": file, "line": outdated.span.line,
                "successors": successors,
                "rows": used.as_ref().map(|used| used.rows),
                "patients": used.as_ref().map(|used| used.patients.len()),
            })
        );
    }
}

const HEAD: [&str; 13] = [
    "map",
    "local",
    "local_name",
    "target",
    "code",
    "display",
    "line",
    "what",
    "detail",
    "successor",
    "successor_name",
    "rows",
    "patients",
];

pub fn print_csv(report: &Report) -> Result<(), Failure> {
    let lines = report.lines.iter().map(|Line { outdated, used }| {
        let (word, _) = parts(&outdated.what);
        let first = outdated.successors.first();
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let count = |of: fn(&super::Used) -> u64| {
            used.as_ref().map(|used| of(used).to_string()).unwrap_or_default()
        };
        [
            outdated.map.clone(),
            outdated.local.clone(),
            text(&outdated.name),
            outdated.target.clone(),
            outdated.code.clone(),
            text(&outdated.display),
            outdated.span.line.to_string(),
            word.to_owned(),
            what(&outdated.what).en,
            first.map(|to| to.code.clone()).unwrap_or_default(),
            first.map(|to| to.name.clone()).unwrap_or_default(),
            count(|used| used.rows),
            count(|used| used.patients.len() as u64),
        ]
    });
    printed::print_csv(HEAD, lines)
}
