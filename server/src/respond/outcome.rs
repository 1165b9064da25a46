//! Errors and data problems as OperationOutcome: `diagnostics` in English for the developer, with
//! the stable code; `details.text` for the user, in the language of the exchange.

use genkan_fhir::outcome::{Issue as OutcomeIssue, IssueSeverity, IssueType, OperationOutcome};
use genkan_fhir::validation::Finding;
use genkan_mapping::diagnostic::{Language, Text};
use genkan_mapping::emit::{self, Issue};
use genkan_mapping::plan::{Untold, UntoldOf};
use genkan_mapping::program::{Rule, RuleSet};

use crate::bundle::{NoBundle, UnitIssue};
use crate::error::{Error, Refusal, RefusedParameter};
use crate::respond::page_issues;
use crate::validate;
use crate::validate::operation::Judged;

/// Of a parameter that a lenient search left out.
const LEFT_OUT: &str = "GKN-212";
/// Of what an answer leaves out or has too much of, because the tables don't tell it.
const UNTOLD: &str = "GKN-213";
/// Of a question whether something may be written.
const WOULD_WRITE: &str = "GKN-166";

pub fn of_error(error: &Error, language: Language, trace_id: &str) -> OperationOutcome {
    let code = error.code();
    match error {
        Error::Parameters(refused) => OperationOutcome {
            issues: refused
                .iter()
                .map(|one| of_parameter(one, IssueSeverity::Error, code, language))
                .collect(),
        },
        Error::Unmappable(issues) => of_row(issues, IssueSeverity::Error, language),
        Error::NoBundle(NoBundle::Refused(issues)) => of_unit(issues, code, language),
        _ => {
            let message = error.message();
            let mut diagnostics = format!("{code}: {}", message.en);
            if error.status().is_server_error() {
                diagnostics.push_str(&format!(" (trace {trace_id})"));
            }
            OutcomeIssue::error(error.issue_type())
                .with_diagnostics(diagnostics)
                .with_details(message.in_language(language))
                .into()
        }
    }
}

/// The parameters that a search left out, in the client's own wish; `None` if there are none.
pub fn of_ignored(ignored: &[RefusedParameter], language: Language) -> Option<OperationOutcome> {
    let told = ignored.iter().map(|refused| {
        let message = Text::new(
            format!("ignored: {}", refused.message.en),
            format!("無視しました: {}", refused.message.ja),
        );
        let refused = RefusedParameter { message, ..refused.clone() };
        of_parameter(&refused, IssueSeverity::Warning, LEFT_OUT, language)
    });
    let issues: Vec<OutcomeIssue> = told.collect();
    (!issues.is_empty()).then_some(OperationOutcome { issues })
}

fn of_parameter(
    refused: &RefusedParameter,
    severity: IssueSeverity,
    code: &str,
    language: Language,
) -> OutcomeIssue {
    let issue_type = match refused.reason {
        Refusal::NotSupported => IssueType::NotSupported,
        Refusal::Invalid => IssueType::Invalid,
    };
    let issue = OutcomeIssue::new(severity, issue_type)
        .with_diagnostics(format!("{code}: {}", refused.message.en))
        .with_details(refused.message.in_language(language));
    // Spec: OperationOutcome.issue.location of R4 names a parameter `http.name`.
    if refused.name.is_empty() { issue } else { issue.at(format!("http.{}", refused.name)) }
}

/// What keeps a row from being a resource; its warnings are for `genkan rules preview`. Between the
/// entries of a page it is a warning, for R4 wants no error in a searchset.
pub fn of_row(issues: &[Issue], severity: IssueSeverity, language: Language) -> OperationOutcome {
    let errors = issues.iter().filter(|issue| issue.severity == emit::IssueSeverity::Error);
    let mut issues: Vec<OutcomeIssue> =
        errors.map(|issue| of_issue(issue, severity, language)).collect();
    if issues.is_empty() {
        // An outcome without issues would say that all is well.
        let error = Error::Unmappable(Vec::new());
        let message = error.message();
        let issue = OutcomeIssue::new(severity, error.issue_type());
        let issue = issue.with_diagnostics(format!("{}: {}", error.code(), message.en));
        issues.push(issue.with_details(message.in_language(language)));
    }
    OperationOutcome { issues }
}

/// Of a row that is no resource, as a line of a file: here it is an error, and which row it is can't
/// be seen by its place.
pub fn row_line(rule: &Rule, id: &str, issues: &[Issue], language: Language, out: &mut Vec<u8>) {
    let mut outcome = of_row(issues, IssueSeverity::Error, language);
    if !id.is_empty() {
        for issue in &mut outcome.issues {
            issue.expression.insert(0, format!("{}/{id}", rule.resource));
        }
    }
    out.extend_from_slice(outcome.to_json().to_string().as_bytes());
    out.push(b'\n');
}

/// Of work that goes on.
pub fn of_progress(said: &Text, language: Language) -> OperationOutcome {
    OutcomeIssue::new(IssueSeverity::Information, IssueType::Informational)
        .with_diagnostics(said.en.clone())
        .with_details(said.in_language(language))
        .into()
}

/// What the tables of a rule don't tell. It is for the client, and for who writes the rule.
pub fn of_untold(rules: &RuleSet, untold: &[Untold], language: Language) -> OperationOutcome {
    let issue = |untold: &Untold| {
        let rule = &rules.rules[untold.rule];
        let (id, resource) = (&rule.id, &rule.resource);
        let message = match &untold.of {
            UntoldOf::Since => Text::new(
                format!(
                    "{resource} of rule `{id}`: its table does not say when a row was changed, so that \
                     `_since` leaves none out"
                ),
                format!(
                    "規則「{id}」の {resource}: 表に更新日時がないため、_since にかかわらずすべて含みます"
                ),
            ),
            UntoldOf::Membership { parameter, reason } => Text::new(
                format!(
                    "{resource} of rule `{id}`: can't be found by `{parameter}` ({}), so that what \
                     belongs here by it alone is missing",
                    reason.en
                ),
                format!(
                    "規則「{id}」の {resource}: {parameter} では検索できない（{}）ため、それだけで結び付く\
                     ものは含みません",
                    reason.ja
                ),
            ),
        };
        OutcomeIssue::new(IssueSeverity::Warning, IssueType::Incomplete)
            .with_diagnostics(format!("{UNTOLD}: {}", message.en))
            .with_details(message.in_language(language))
    };
    OperationOutcome { issues: untold.iter().map(issue).collect() }
}

/// What `$validate` found: one issue for each cause, in the order of the document; then what the row behind
/// it has to say, and what the verdict rests on.
pub fn of_judged(judged: &Judged, language: Language) -> OperationOutcome {
    let finding = |finding: &Finding| {
        let issue = finding.to_issue();
        issue.with_details(validate::text(finding).in_language(language))
    };
    let mut issues: Vec<OutcomeIssue> = judged.report.findings.iter().map(finding).collect();
    issues.extend(of_unit(&judged.of_row, page_issues::CODE, language).issues);
    if let Some(mode) = judged.mode.filter(|mode| mode.writes()) {
        let message = Text::new(
            format!("nothing is ever written here, so that `{}` would be refused", mode.name()),
            format!("Genkan は書き込みを行わないため、{} は拒否されます", mode.name()),
        );
        issues.push(
            OutcomeIssue::error(IssueType::NotSupported)
                .with_diagnostics(format!("{WOULD_WRITE}: {}", message.en))
                .with_details(message.in_language(language)),
        );
    }
    issues.push(
        OutcomeIssue::new(IssueSeverity::Information, IssueType::Informational)
            .with_diagnostics(judged.against.en.clone())
            .with_details(judged.against.in_language(language)),
    );
    OperationOutcome { issues }
}

/// What is to be said of a registration unit.
pub fn of_unit(issues: &[UnitIssue], code: &str, language: Language) -> OperationOutcome {
    let issues = issues.iter().map(|issue| of_unit_issue(issue, code, language));
    OperationOutcome { issues: issues.collect() }
}

/// With the rule line and the columns, because a person has to mend the row or the rule.
fn of_unit_issue(issue: &UnitIssue, code: &str, language: Language) -> OutcomeIssue {
    let severity = match issue.severity {
        emit::IssueSeverity::Error => IssueSeverity::Error,
        emit::IssueSeverity::Warning => IssueSeverity::Warning,
        emit::IssueSeverity::Information => IssueSeverity::Information,
    };
    let (origin, message) = (issue.origin(), &issue.message);
    let diagnostics = format!("{code}: {}: {} [{origin}]", issue.code, message.en);
    OutcomeIssue::new(severity, IssueType::Processing)
        .with_diagnostics(diagnostics)
        .with_details(message.in_language(language))
        .at(issue.expression.clone())
}

fn of_issue(issue: &Issue, severity: IssueSeverity, language: Language) -> OutcomeIssue {
    OutcomeIssue::new(severity, IssueType::Processing)
        .with_diagnostics(format!("GKN-201: {}: {}", issue.code, issue.message.en))
        .with_details(issue.message.in_language(language))
        .at(issue.expression.clone())
}
