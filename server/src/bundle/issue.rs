//! Why a registration unit is refused, and what is to be said of one that is not: data problems
//! with the resource, the rule line and the columns they come from.

use genkan_mapping::diagnostic::{Language, Text};
use genkan_mapping::emit::{Issue, IssueSeverity};

use super::kind::Kind;
use super::report::Report;

/// Why there is no Bundle. A unit is accepted or refused as a whole.
#[derive(Debug)]
pub enum NoBundle {
    /// A part of the unit can't be registered; all problems of all parts, warnings too.
    Refused(Vec<UnitIssue>),
    /// The patient has nothing of this kind. An empty Bundle would be another statement.
    NothingToRegister(Kind),
    /// No rule makes resources of the profile.
    NotMapped(Kind),
    NoSuchReport,
    /// Several reports, and none was named; the newest first.
    WhichReport(Vec<Report>),
    TooLarge {
        bytes: usize,
        bytes_max: usize,
    },
    TooManyResources {
        resources_max: usize,
    },
}

/// One data problem. Holds no content of a row but house codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitIssue {
    pub severity: IssueSeverity,
    /// Stable.
    pub code: &'static str,
    /// `Condition/…`; `None` for the unit itself.
    pub resource: Option<String>,
    /// FHIRPath
    pub expression: String,
    /// `file:line` of the rules; empty where no rule is concerned.
    pub place: String,
    /// `alias.COLUMN`
    pub columns: Vec<String>,
    pub message: Text,
}

impl UnitIssue {
    pub fn of_row(issue: Issue, resource: Option<String>, place: String) -> Self {
        let Issue { severity, code, expression, columns, message, .. } = issue;
        UnitIssue { severity, code, resource, expression, place, columns, message }
    }

    /// Of the unit itself.
    pub fn of_unit(code: &'static str, expression: &str, message: Text) -> Self {
        UnitIssue {
            severity: IssueSeverity::Error,
            code,
            resource: None,
            expression: expression.to_owned(),
            place: String::new(),
            columns: Vec::new(),
            message,
        }
    }

    pub fn is_error(&self) -> bool {
        self.severity == IssueSeverity::Error
    }

    /// Where it comes from: `Condition/a1 condition.map.yaml:22 d.BYOMEI_CD`.
    pub fn origin(&self) -> String {
        let resource = self.resource.as_deref().unwrap_or("");
        let columns = self.columns.join(", ");
        let parts = [resource, &self.place, &columns];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join(" ")
    }

    /// One line for a terminal.
    pub fn line(&self, language: Language) -> String {
        let severity = match self.severity {
            IssueSeverity::Error => "error",
            IssueSeverity::Warning => "warning",
            IssueSeverity::Information => "information",
        };
        let message = self.message.in_language(language);
        let (code, expression, origin) = (self.code, &self.expression, self.origin());
        let gap = if origin.is_empty() { "" } else { " " };
        format!("{severity} {code} {expression}: {message}{gap}{origin}")
    }
}

impl NoBundle {
    pub fn message(&self) -> Text {
        match self {
            NoBundle::Refused(issues) => {
                let errors = issues.iter().filter(|issue| issue.is_error()).count();
                Text::new(
                    format!("no Bundle: {errors} errors, and a unit is registered whole or not"),
                    format!(
                        "Bundle を作れません。エラー {errors} 件（登録単位は全件そろって登録）"
                    ),
                )
            }
            NoBundle::NothingToRegister(kind) => {
                let kind = kind.text();
                Text::new(
                    format!("the patient has no {} to register", kind.en),
                    format!("この患者に登録対象の{}はありません", kind.ja),
                )
            }
            NoBundle::NotMapped(kind) => Text::new(
                format!("no rule makes resources of {}", kind.profile()),
                format!("{} のリソースを作る規則がありません", kind.profile()),
            ),
            NoBundle::NoSuchReport => {
                Text::new("the patient has no such report", "この患者にその報告はありません")
            }
            NoBundle::WhichReport(reports) => which_report(reports),
            NoBundle::TooLarge { bytes, bytes_max } => Text::new(
                format!("the Bundle has {bytes} bytes, and {bytes_max} can be sent"),
                format!("Bundle は {bytes} バイトで、送信上限の {bytes_max} バイトを超えています"),
            ),
            NoBundle::TooManyResources { resources_max } => Text::new(
                format!("more than {resources_max} resources for one unit"),
                format!("1 登録単位が {resources_max} 件を超えています"),
            ),
        }
    }
}

fn which_report(reports: &[Report]) -> Text {
    const SHOWN_MAX: usize = 50;
    let shown: Vec<String> = reports.iter().take(SHOWN_MAX).map(Report::to_string).collect();
    let shown = shown.join(", ");
    let more = match reports.len().saturating_sub(SHOWN_MAX) {
        0 => String::new(),
        more => format!(", … +{more}"),
    };
    Text::new(
        format!("{} reports; name one: {shown}{more}", reports.len()),
        format!("報告が {} 件あります。1 件を指定してください: {shown}{more}", reports.len()),
    )
}
