//! What `genkan codes suggest` prints.

use std::path::Path;

use genkan_mapping::codemap::suggest::{Suggestion, told};
use genkan_mapping::program::RuleSet;
use genkan_mapping::{Language, Text};
use genkan_masters::suggest::{Reason, Unsearchable};
use serde_json::json;

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
    for (map, target, why) in &report.unsearchable {
        let text = unsearchable(*why);
        say!("{} {target}: {}", rules.code_maps[*map].id, text.in_language(language));
    }
    let mut shown = None;
    for line in &report.lines {
        let id = rules.code_maps[line.map].id.as_str();
        if shown != Some(id) {
            say!("{id}");
            shown = Some(id);
        }
        let name = line.house.names.first().map_or("", String::as_str);
        let counted = line.seen.as_ref().map(|seen| (seen.rows, seen.patients()));
        let counted = match (language, counted) {
            (_, None) => String::new(),
            (Language::English, Some((rows, patients))) => {
                format!("  {rows} rows, {patients} patients")
            }
            (Language::Japanese, Some((rows, patients))) => {
                format!("  {rows} 行、患者 {patients} 人")
            }
        };
        say!("  {} {name}{counted}", line.house.code);
        if line.suggestions.is_empty() {
            let none = Text::new("no candidate", "候補はありません");
            say!("    {}", none.in_language(language));
        }
        for Suggestion { target, candidate, .. } in &line.suggestions {
            let reasons: Vec<String> = candidate
                .reasons
                .iter()
                .map(|reason| told(reason).in_language(language).to_owned())
                .collect();
            let reasons = reasons.join("; ");
            let (score, code, display) = (candidate.score, &candidate.code, &candidate.display);
            say!("    {score:.2}  {target}  {code}  {display}  ({reasons})");
        }
    }
}

/// A line for each house code.
fn print_json(report: &Report, rules: &RuleSet) {
    for (map, target, why) in &report.unsearchable {
        let Text { en, ja } = unsearchable(*why);
        let map = &rules.code_maps[*map].id;
        say!("{}", json!({"unsearchable": map, "target": target, "reason": en, "reason_ja": ja}));
    }
    for Line { map, house, seen, suggestions } in &report.lines {
        let suggestions: Vec<_> = suggestions
            .iter()
            .map(|Suggestion { target, system, candidate, is_only_exact }| {
                let reasons: Vec<_> = candidate
                    .reasons
                    .iter()
                    .map(|reason| {
                        let Text { en, ja } = told(reason);
                        json!({"reason": reason.word(), "text": en, "text_ja": ja})
                    })
                    .collect();
                json!({
                    "target": target, "system": system, "code": candidate.code,
                    "display": candidate.display, "score": rounded(candidate.score),
                    "exact": is_only_exact, "reasons": reasons,
                })
            })
            .collect();
        let mut line = json!({
            "map": rules.code_maps[*map].id, "local": house.code, "names": house.names,
            "suggestions": suggestions,
        });
        if let Some(seen) = seen {
            line["rows"] = seen.rows.into();
            line["patients"] = seen.patients().into();
        }
        say!("{line}");
    }
}

fn rounded(score: f64) -> f64 {
    (score * 10_000.0).round() / 10_000.0
}

/// A line for each candidate, also for house codes without one.
pub fn print_csv(report: &Report, rules: &RuleSet) -> Result<(), Failure> {
    const HEAD: [&str; 9] =
        ["map", "local", "local_name", "patients", "target", "code", "display", "score", "reasons"];
    let lines = report.lines.iter().flat_map(|line| {
        let name = line.house.names.first().cloned().unwrap_or_default();
        let patients = line.seen.as_ref().map(|seen| seen.patients().to_string());
        let (map, code) = (rules.code_maps[line.map].id.clone(), line.house.code.clone());
        let own = [map, code, name, patients.unwrap_or_default()];
        let none = line.suggestions.is_empty().then_some([const { String::new() }; 5]);
        let each = line.suggestions.iter().map(|one| {
            let candidate = &one.candidate;
            let reasons: Vec<&str> = candidate.reasons.iter().map(Reason::word).collect();
            [
                one.target.clone(),
                candidate.code.clone(),
                candidate.display.clone(),
                format!("{:.4}", candidate.score),
                reasons.join(" "),
            ]
        });
        let all: Vec<[String; 5]> = none.into_iter().chain(each).collect();
        all.into_iter().map(move |[target, code, display, score, reasons]| {
            let [map, local, name, patients] = own.clone();
            [map, local, name, patients, target, code, display, score, reasons]
        })
    });
    printed::print_csv(HEAD, lines)
}

/// On standard error: the candidates themselves may go into a file.
pub fn print_written(path: &Path, (added, accepted): (usize, usize), manner: Manner) {
    let path = path.display();
    let text = Text::new(
        format!("{path}: {added} rows added, {accepted} of them accepted as exact"),
        format!("{path}: {added} 行を追加（うち {accepted} 行は完全一致として採用）"),
    );
    match manner.output {
        Output::Text => eprintln!("{}", text.in_language(manner.language)),
        Output::Json => {
            let line = json!({"written": path.to_string(), "added": added, "accepted": accepted});
            eprintln!("{line}");
        }
    }
}

fn unsearchable(why: Unsearchable) -> Text {
    match why {
        Unsearchable::NoMaster => Text::new(
            "no candidates: there is no master of its code system",
            "候補なし: コード体系のマスタがありません",
        ),
        Unsearchable::NotLoaded(kinds) => {
            let words: Vec<&str> = kinds.iter().map(|kind| kind.word()).collect();
            let words = words.join(", ");
            Text::new(
                format!("no candidates: import one of {words} (genkan codes import)"),
                format!("候補なし: {words} のいずれかを取り込んでください（genkan codes import）"),
            )
        }
    }
}
