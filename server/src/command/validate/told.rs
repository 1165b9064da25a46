//! Reports as text and as JSON.

use std::path::Path;

use genkan_fhir::outcome::IssueSeverity;
use genkan_fhir::validation::{Finding, Report};
use genkan_mapping::{Language, Text};
use serde_json::{Value, json};

use crate::command::{Manner, Output};

pub fn tell(file: &Path, line: Option<u32>, report: &Report, manner: Manner) {
    if manner.output == Output::Json {
        say!("{}", to_json(file, line, report));
        return;
    }
    for finding in &report.findings {
        tell_finding(file, finding, 0, manner.language);
    }
}

/// What is said of a finding, and how to mend it.
pub fn words(finding: &Finding, language: Language) -> (String, &'static str) {
    let entry = finding.code.entry();
    match language {
        Language::Japanese => (finding.japanese(), entry.mend_japanese),
        Language::English => (finding.english(), entry.mend_english),
    }
}

fn tell_finding(file: &Path, finding: &Finding, depth: usize, language: Language) {
    let (text, mend) = words(finding, language);
    let severity = severity(finding.severity);
    let severity = severity.in_language(language);
    let indent = "  ".repeat(depth);
    say!("{indent}{} {severity} {text}", finding.id());
    let place = finding.place;
    say!(
        "{indent}  at   {}:{}:{} {}",
        file.display(),
        place.line,
        place.column,
        finding.expression
    );
    if let Some(profile) = &finding.profile {
        say!("{indent}  rule {profile} {}", finding.element);
    }
    say!("{indent}  fix  {mend}");
    for consequence in &finding.consequences {
        tell_finding(file, consequence, depth + 1, language);
    }
}

pub fn severity(of: IssueSeverity) -> Text {
    match of {
        IssueSeverity::Fatal | IssueSeverity::Error => Text::new("error", "エラー"),
        IssueSeverity::Warning => Text::new("warning", "警告"),
        IssueSeverity::Information => Text::new("note", "情報"),
    }
}

fn to_json(file: &Path, line: Option<u32>, report: &Report) -> Value {
    let mut told = json!({
        "file": file.display().to_string(),
        "valid": report.is_valid(),
        "profiles": report.profiles,
        "findings": report.findings.iter().map(finding_json).collect::<Vec<_>>(),
    });
    if let Some(line) = line {
        told["line"] = json!(line);
    }
    told
}

fn finding_json(finding: &Finding) -> Value {
    let entry = finding.code.entry();
    json!({
        "code": entry.id,
        "severity": finding.severity.code(),
        "line": finding.place.line,
        "column": finding.place.column,
        "expression": finding.expression,
        "element": finding.element,
        "found": finding.found,
        "allowed": finding.allowed,
        "profile": finding.profile,
        "message": finding.english(),
        "message_ja": finding.japanese(),
        "mend": entry.mend_english,
        "mend_ja": entry.mend_japanese,
        "consequences": finding.consequences.iter().map(finding_json).collect::<Vec<_>>(),
    })
}
