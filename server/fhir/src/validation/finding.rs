//! What the validator found, with everything that helps to mend it.

use std::fmt::Write as _;

use super::{code::Code, read::Place};
use crate::outcome::{Issue, IssueSeverity, OperationOutcome};

/// One thing that is wrong. `found` and `allowed` hold codes, canonicals, types and counts, never the
/// free text, name or date of a patient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub code: Code,
    pub severity: IssueSeverity,
    /// FHIRPath of the element: `Patient.name[0].family`; empty when the document can't be read.
    pub expression: String,
    /// Byte of the document.
    pub at: u32,
    pub place: Place,
    /// As the definition names the element; with the slice: `Observation.code.coding:local`.
    pub element: String,
    pub found: String,
    pub allowed: String,
    /// The canonical of the profile that asks for it; `None` for R4 itself.
    pub profile: Option<String>,
    /// What is wrong because of this.
    pub consequences: Vec<Finding>,
}

impl Finding {
    pub fn id(&self) -> &'static str {
        self.code.entry().id
    }

    pub fn english(&self) -> String {
        self.fill(self.code.entry().english)
    }

    /// 日本語の説明。
    pub fn japanese(&self) -> String {
        self.fill(self.code.entry().japanese)
    }

    fn fill(&self, template: &str) -> String {
        let mut text = String::with_capacity(template.len() + 64);
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(before);
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            text.push_str(match name {
                "e" => &self.element,
                "f" => &self.found,
                _ => &self.allowed,
            });
            rest = after;
        }
        text.push_str(rest);
        text
    }

    /// Whether the resource is refused for it.
    pub fn is_error(&self) -> bool {
        matches!(self.severity, IssueSeverity::Error | IssueSeverity::Fatal)
    }

    /// `OperationOutcome.issue`, without its consequences.
    pub fn to_issue(&self) -> Issue {
        let entry = self.code.entry();
        let mut english = format!("{} {}", entry.id, self.english());
        let _ = write!(english, " [{},{}]", self.place.line, self.place.column);
        if let Some(profile) = &self.profile {
            let _ = write!(english, " ({profile})");
        }
        let _ = write!(english, "; {}", entry.mend_english);
        let japanese = format!("{}。{}", self.japanese(), entry.mend_japanese);
        let issue = Issue::new(self.severity, entry.issue_type);
        let issue = issue.with_diagnostics(english).with_details(japanese);
        let issue = issue.in_line(self.place.line, self.place.column);
        if self.expression.is_empty() { issue } else { issue.at(&self.expression) }
    }
}

/// The outcome of `$validate`: one issue for each cause.
pub fn outcome(findings: &[Finding]) -> OperationOutcome {
    OperationOutcome { issues: findings.iter().map(Finding::to_issue).collect() }
}
