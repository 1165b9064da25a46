//! What `__explain` answers: a searchset without a match, in which one OperationOutcome tells the plan
//! of the search, each statement with the plan of its database, and which index would help.

use genkan_fhir::outcome::{Issue as OutcomeIssue, IssueSeverity, IssueType, OperationOutcome};
use genkan_mapping::diagnostic::Language;
use genkan_mapping::search::Unindexed;
use serde_json::json;

use super::Answer;
use crate::error::Error;
use crate::exchange::Exchange;
use crate::fetch::Explained;

/// `plan` as people read it; `own`: the address of the search.
pub fn explained(
    exchange: &Exchange,
    own: &str,
    plan: &str,
    statements: Vec<Explained>,
    slow: &[&Unindexed],
) -> Answer {
    let mut issues = vec![told("plan", plan.trim_end())];
    for Explained { rule, statement, database } in statements {
        if let Some(statement) = statement {
            issues.push(told(&format!("statement of rule {rule}"), &statement.text));
        }
        if let Some(database) = database {
            let expected = database.rows_expected.map(|rows| format!("rows expected: {rows}"));
            // What the source said of itself stays inside.
            let lines = match database.lines {
                Ok(lines) => lines,
                Err(error) => vec![format!("it does not say: {}", Error::from(error).code())],
            };
            let lines: Vec<String> = expected.into_iter().chain(lines).collect();
            issues.push(told(&format!("database of rule {rule}"), &lines.join("\n")));
        }
    }
    issues.extend(slow.iter().map(|column| advice(column, exchange.language)));
    let outcome = OperationOutcome { issues }.to_json();
    let bundle = json!({
        "resourceType": "Bundle",
        "type": "searchset",
        "link": [{"relation": "self", "url": own}],
        "entry": [{"resource": outcome, "search": {"mode": "outcome"}}],
    });
    Answer::of(bundle.to_string().into_bytes())
}

fn told(about: &str, text: &str) -> OutcomeIssue {
    OutcomeIssue::new(IssueSeverity::Information, IssueType::Informational)
        .with_diagnostics(format!("GKN-214: {about}\n{text}"))
}

fn advice(column: &Unindexed, language: Language) -> OutcomeIssue {
    let message = column.message();
    OutcomeIssue::new(IssueSeverity::Warning, IssueType::TooCostly)
        .with_diagnostics(format!("GKN-214: index: {}", message.en))
        .with_details(message.in_language(language))
}
