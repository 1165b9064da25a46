//! Rules that are FHIRPath: a name, the guide's rule id, what it is in words, and the expression.

use genkan_fhir::fhirpath::Expression;
use serde_json::{Value as Json, json};

use crate::compile::structure::{Entries, text};
use crate::diagnostic::Diagnostic;
use crate::yaml::Yaml;

/// One invariant of a profile.
#[derive(Debug, Clone)]
pub(super) struct Invariant {
    /// The element that it is about; empty for the whole.
    pub on: String,
    pub constraint: Json,
}

const KEYS: [&str; 6] = ["rule", "severity", "on", "en", "ja", "expression"];

/// `None` where the guide no longer has it: `off`.
pub(super) fn read(
    key: &str,
    yaml: &Yaml,
    found: &mut Vec<Diagnostic>,
) -> Result<Option<Invariant>, Diagnostic> {
    if yaml.as_text() == Some("off") {
        return Ok(None);
    }
    let entries = Entries::of(yaml)?;
    entries.only(&KEYS, found);
    let (severity, span) = entries.text("severity")?;
    if !["error", "warning"].contains(&severity) {
        let (en, ja) = ("the severity is error or warning", "severity は error か warning です");
        return Err(Diagnostic::error("E0704", span, en, ja));
    }
    let (expression, span) = entries.text("expression")?;
    Expression::compile(expression).map_err(|error| {
        let en = format!("{key}: no FHIRPath: {error}");
        Diagnostic::error("E0705", span, en, format!("{key}: FHIRPath として読めません: {error}"))
    })?;
    let rule = entries.get("rule").map(text).transpose()?;
    let rule = rule.map(|rule| format!("{rule}: ")).unwrap_or_default();
    let (ja, en) = (entries.text("ja")?.0, entries.text("en")?.0);
    Ok(Some(Invariant {
        on: entries.get("on").map(text).transpose()?.unwrap_or_default().to_owned(),
        constraint: json!({
            "key": key,
            "severity": severity,
            "human": format!("{rule}{ja} / {en}"),
            "expression": expression,
        }),
    }))
}
