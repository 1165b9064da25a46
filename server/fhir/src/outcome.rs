//! OperationOutcome, how FHIR says what went wrong, as a plain value.

use serde_json::{Map, Value, json};

use crate::definitions::is_carried;

/// The issues of one answer, the gravest first or in the order they were found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OperationOutcome {
    pub issues: Vec<Issue>,
}

/// `OperationOutcome.issue`. No text in it may name a patient: it is logged and shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    pub severity: IssueSeverity,
    pub code: IssueType,
    /// For the developer, in English.
    pub diagnostics: Option<String>,
    /// FHIRPath of the elements concerned, or `http.name` of a parameter.
    pub expression: Vec<String>,
    /// For the user, in Japanese: `details.text`.
    pub details: Option<String>,
    /// Line and column of the document that it is about, from 1 on.
    pub place: Option<(u32, u32)>,
}

const LINE: &str = "http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-line";
const COLUMN: &str = "http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-col";

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IssueSeverity {
    Fatal,
    Error,
    Warning,
    Information,
}

/// `http://hl7.org/fhir/issue-type`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IssueType {
    Invalid,
    Structure,
    Required,
    Value,
    Invariant,
    Security,
    Login,
    Unknown,
    Expired,
    Forbidden,
    Suppressed,
    Processing,
    NotSupported,
    Duplicate,
    MultipleMatches,
    NotFound,
    Deleted,
    TooLong,
    CodeInvalid,
    Extension,
    TooCostly,
    BusinessRule,
    Conflict,
    Transient,
    LockError,
    NoStore,
    Exception,
    Timeout,
    Incomplete,
    Throttled,
    Informational,
}

impl IssueSeverity {
    pub fn code(self) -> &'static str {
        match self {
            Self::Fatal => "fatal",
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Information => "information",
        }
    }
}

impl IssueType {
    pub fn code(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Structure => "structure",
            Self::Required => "required",
            Self::Value => "value",
            Self::Invariant => "invariant",
            Self::Security => "security",
            Self::Login => "login",
            Self::Unknown => "unknown",
            Self::Expired => "expired",
            Self::Forbidden => "forbidden",
            Self::Suppressed => "suppressed",
            Self::Processing => "processing",
            Self::NotSupported => "not-supported",
            Self::Duplicate => "duplicate",
            Self::MultipleMatches => "multiple-matches",
            Self::NotFound => "not-found",
            Self::Deleted => "deleted",
            Self::TooLong => "too-long",
            Self::CodeInvalid => "code-invalid",
            Self::Extension => "extension",
            Self::TooCostly => "too-costly",
            Self::BusinessRule => "business-rule",
            Self::Conflict => "conflict",
            Self::Transient => "transient",
            Self::LockError => "lock-error",
            Self::NoStore => "no-store",
            Self::Exception => "exception",
            Self::Timeout => "timeout",
            Self::Incomplete => "incomplete",
            Self::Throttled => "throttled",
            Self::Informational => "informational",
        }
    }
}

impl Issue {
    pub fn new(severity: IssueSeverity, code: IssueType) -> Self {
        Self {
            severity,
            code,
            diagnostics: None,
            expression: Vec::new(),
            details: None,
            place: None,
        }
    }

    pub fn error(code: IssueType) -> Self {
        Self::new(IssueSeverity::Error, code)
    }

    #[must_use]
    pub fn with_diagnostics(mut self, diagnostics: impl Into<String>) -> Self {
        self.diagnostics = Some(diagnostics.into());
        self
    }

    #[must_use]
    pub fn with_details(mut self, details: impl Into<String>) -> Self {
        self.details = Some(details.into());
        self
    }

    #[must_use]
    pub fn at(mut self, expression: impl Into<String>) -> Self {
        self.expression.push(expression.into());
        self
    }

    /// As the extensions that HL7's own validator tells a place with.
    #[must_use]
    pub fn in_line(mut self, line: u32, column: u32) -> Self {
        self.place = Some((line, column));
        self
    }

    /// In the order of the elements in R4.
    pub fn to_json(&self) -> Value {
        let mut issue = Map::new();
        if let Some((line, column)) = self.place {
            let number = |url: &str, number: u32| json!({"url": url, "valueInteger": number});
            let place = json!([number(LINE, line), number(COLUMN, column)]);
            issue.insert("extension".to_owned(), place);
        }
        issue.insert("severity".to_owned(), self.severity.code().into());
        issue.insert("code".to_owned(), self.code.code().into());
        // Empty strings and arrays aren't FHIR.
        if let Some(text) = self.details.as_ref().filter(|text| !text.is_empty()) {
            issue.insert("details".to_owned(), json!({"text": carried(text)}));
        }
        if let Some(text) = self.diagnostics.as_ref().filter(|text| !text.is_empty()) {
            issue.insert("diagnostics".to_owned(), carried(text).into());
        }
        if !self.expression.is_empty() {
            issue.insert("expression".to_owned(), self.expression.clone().into());
        }
        Value::Object(issue)
    }
}

/// A house code in a message may hold what XML can't: an outcome is always to be written.
fn carried(text: &str) -> String {
    let letter = |letter| if is_carried(letter) { letter } else { char::REPLACEMENT_CHARACTER };
    text.chars().map(letter).collect()
}

impl OperationOutcome {
    /// The resource. R4 wants an issue: without any it says that all is well.
    pub fn to_json(&self) -> Value {
        let mut issues: Vec<Value> = self.issues.iter().map(Issue::to_json).collect();
        if issues.is_empty() {
            let well = Issue::new(IssueSeverity::Information, IssueType::Informational);
            issues.push(well.to_json());
        }
        json!({"resourceType": "OperationOutcome", "issue": issues})
    }
}

impl From<Issue> for OperationOutcome {
    fn from(issue: Issue) -> Self {
        Self { issues: vec![issue] }
    }
}
