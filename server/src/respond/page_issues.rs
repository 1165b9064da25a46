//! What is to be said of the rows that did become resources: one OperationOutcome at the end of the
//! page, because dirty columns have the same problem in row after row.
//!
//! Spec: <https://hl7.org/fhir/R4/http.html#search>: an outcome inside a searchset has no error.

use std::collections::HashMap;

use genkan_fhir::outcome::{Issue as OutcomeIssue, IssueSeverity, IssueType, OperationOutcome};
use genkan_mapping::diagnostic::{Language, Span, Text};
use genkan_mapping::emit::{self, Issue};

use crate::emit::Entry;
use crate::service::PageIssues;

/// Of a problem that did not keep a row from being a resource.
pub const CODE: &str = "GKN-209";
/// Places named for each kind of problem; the count is of all.
const PLACES_MAX: usize = 5;

/// Kinds that are told apart; what comes after so many is one more.
const KINDS_KNOWN_MAX: usize = 1000;

/// Problems with one cause: the same place in the rules says the same.
struct Kind {
    issue: Issue,
    count: usize,
    places: Vec<String>,
}

/// The problems of the entries so far.
#[derive(Default)]
pub struct Kinds {
    kinds: Vec<Kind>,
    known: HashMap<(&'static str, Span), Vec<usize>>,
    further: usize,
}

impl Kinds {
    /// Notes the problems of the entry at this place of the Bundle.
    pub fn note(&mut self, index: usize, entry: &Entry<'_>, shown: &PageIssues) {
        if shown.kinds_max == 0 || entry.emitted.json.is_none() {
            return;
        }
        let is_shown = |issue: &&Issue| !shown.hidden.iter().any(|code| code == issue.code);
        for issue in entry.emitted.issues.iter().filter(is_shown) {
            let Some(kind) = self.kind_of(issue) else { continue };
            kind.count += 1;
            if kind.places.len() < PLACES_MAX {
                kind.places.push(place(index, entry.resource_type, &issue.expression));
            }
        }
    }

    fn kind_of(&mut self, issue: &Issue) -> Option<&mut Kind> {
        let places = self.known.entry((issue.code, issue.span)).or_default();
        let same = |place: &&usize| self.kinds[**place].issue.message == issue.message;
        let place = match places.iter().find(same) {
            Some(place) => *place,
            None if self.kinds.len() == KINDS_KNOWN_MAX => {
                self.further += 1;
                return None;
            }
            None => {
                self.kinds.push(Kind { issue: issue.clone(), count: 0, places: Vec::new() });
                places.push(self.kinds.len() - 1);
                self.kinds.len() - 1
            }
        };
        self.kinds.get_mut(place)
    }

    /// `None` if there is nothing to say.
    pub fn outcome(&self, shown: &PageIssues, language: Language) -> Option<OperationOutcome> {
        let more = self.kinds.len().saturating_sub(shown.kinds_max) + self.further;
        let told = self.kinds.iter().take(shown.kinds_max).map(|kind| of_kind(kind, language));
        let issues: Vec<OutcomeIssue> = told.chain(and_more(more, language)).collect();
        (!issues.is_empty()).then_some(OperationOutcome { issues })
    }
}

/// Resources that `:iterate` could still have followed are not on the page.
pub fn includes_end(depth: usize, language: Language) -> OperationOutcome {
    let message = Text::new(
        format!("`:iterate` was followed over {depth} references and no further"),
        format!(":iterate は参照 {depth} 段までたどりました。その先は含まれていません"),
    );
    OutcomeIssue::new(IssueSeverity::Information, IssueType::Incomplete)
        .with_diagnostics(format!("GKN-211: {}", message.en))
        .with_details(message.in_language(language))
        .into()
}

/// `_total=estimate` of a source that expects nothing: the total is left out.
pub fn no_estimate(language: Language) -> OperationOutcome {
    let message = Text::new(
        "this source can't say how many rows it expects; `_total=accurate` counts them",
        "この情報源は件数の見込みを返せません。_total=accurate なら数えます",
    );
    OutcomeIssue::new(IssueSeverity::Information, IssueType::NotSupported)
        .with_diagnostics(format!("GKN-210: {}", message.en))
        .with_details(message.in_language(language))
        .into()
}

/// `Condition.onset` of the third entry: `Bundle.entry[2].resource.onset`
fn place(index: usize, resource_type: &str, expression: &str) -> String {
    let inside = expression.strip_prefix(resource_type).unwrap_or_default();
    format!("Bundle.entry[{index}].resource{inside}")
}

fn of_kind(kind: &Kind, language: Language) -> OutcomeIssue {
    let Kind { issue, count, places } = kind;
    let severity = match issue.severity {
        emit::IssueSeverity::Information => IssueSeverity::Information,
        emit::IssueSeverity::Warning | emit::IssueSeverity::Error => IssueSeverity::Warning,
    };
    let message = Text::new(
        format!("{} ({count} on this page)", issue.message.en),
        format!("{}（このページに {count} 件）", issue.message.ja),
    );
    let told = OutcomeIssue::new(severity, IssueType::Processing)
        .with_diagnostics(format!("{CODE}: {}: {}", issue.code, message.en))
        .with_details(message.in_language(language));
    places.iter().fold(told, |told, place| told.at(place))
}

fn and_more(kinds: usize, language: Language) -> Option<OutcomeIssue> {
    let message = Text::new(
        format!("further kinds of data problems on this page: {kinds}"),
        format!("このページにはほかに {kinds} 種類のデータの問題があります"),
    );
    (kinds > 0).then(|| {
        OutcomeIssue::new(IssueSeverity::Information, IssueType::Processing)
            .with_diagnostics(format!("{CODE}: {}", message.en))
            .with_details(message.in_language(language))
    })
}
