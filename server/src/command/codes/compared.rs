//! How far the code maps could be compared with the masters: said wherever rules are loaded, because what
//! was not compared is not right.

use std::collections::BTreeMap;

use genkan_mapping::{Compared, Compiled, Diagnostic, Language, Severity, Text};
use serde_json::json;

use crate::command::{Manner, Output};

/// For `genkan rules check`: a line for each target with rows.
pub fn print(compared: &[Compared], manner: Manner) {
    let with_rows = compared.iter().filter(|one| one.rows > 0);
    if manner.output == Output::Json {
        with_rows.for_each(print_json);
        return;
    }
    if let Some(text) = nothing_loaded(compared) {
        say!("{}", text.in_language(manner.language));
        return;
    }
    for Compared { map, target, rows, known, unchecked, .. } in with_rows {
        let reasons = unchecked.iter().map(|(reason, count)| {
            let reason = reason.in_language(manner.language);
            match manner.language {
                Language::English => format!("; {count} not checked: {reason}"),
                Language::Japanese => format!("。{count} 行は未確認: {reason}"),
            }
        });
        let reasons: String = reasons.collect();
        match manner.language {
            Language::English => {
                say!(
                    "codes of {map}, {target}: {known} of {rows} rows are in the masters{reasons}"
                );
            }
            Language::Japanese => {
                say!("対応表 {map} の {target}: {rows} 行中 {known} 行がマスタにあります{reasons}");
            }
        }
    }
}

fn print_json(Compared { map, target, system, rows, known, unchecked }: &Compared) {
    let unchecked: Vec<_> = unchecked
        .iter()
        .map(|(Text { en, ja }, rows)| json!({"rows": rows, "reason": en, "reason_ja": ja}))
        .collect();
    say!(
        "{}",
        json!({
            "compared": map, "target": target, "system": system, "rows": rows, "known": known,
            "unchecked": unchecked,
        })
    );
}

/// If not one row could be looked up.
fn nothing_loaded(compared: &[Compared]) -> Option<Text> {
    let rows: usize = compared.iter().map(|one| one.rows).sum();
    let unchecked = compared.iter().flat_map(|one| &one.unchecked).map(|(_, count)| count);
    (rows > 0 && rows == unchecked.sum::<usize>()).then(|| {
        Text::new(
            "code maps: not checked: no master of their systems is loaded (genkan codes import)",
            "対応表: 未確認です。標準コードマスタが取り込まれていません（genkan codes import）",
        )
    })
}

/// For the log: a line for each kind of finding in each map, and one for each reason why codes could
/// not be compared. `genkan rules check` shows the lines of the maps.
pub fn log(Compiled { diagnostics, files, compared, .. }: &Compiled) {
    let mut kinds: BTreeMap<(u16, &str), (&Diagnostic, usize)> = BTreeMap::new();
    let warnings = diagnostics.iter().filter(|found| found.severity == Severity::Warning);
    for found in warnings.filter(|found| found.code.starts_with("W06")) {
        kinds.entry((found.span.file, found.code)).or_insert((found, 0)).1 += 1;
    }
    for ((file, code), (first, count)) in kinds {
        let file = files.get(usize::from(file)).map_or("", |file| &file.path);
        let place = format!("{file}:{}:{}", first.span.line, first.span.column);
        tracing::warn!(place, code, count, "code maps: {}", first.message.en);
    }
    if let Some(text) = nothing_loaded(compared) {
        tracing::warn!("{}", text.en);
        return;
    }
    let mut reasons: BTreeMap<&str, (Vec<String>, usize)> = BTreeMap::new();
    for Compared { map, target, unchecked, .. } in compared {
        for (reason, count) in unchecked {
            let (targets, rows) = reasons.entry(&reason.en).or_default();
            targets.push(format!("{map}.{target}"));
            *rows += count;
        }
    }
    for (reason, (targets, rows)) in reasons {
        let targets = targets.join(", ");
        tracing::warn!(targets, rows, "code maps: not checked: {reason}");
    }
}
