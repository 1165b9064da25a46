//! The OperationOutcome as JSON.

use genkan_fhir::{
    definitions::Definitions,
    outcome::{Issue, IssueSeverity, IssueType, OperationOutcome},
};
use serde_json::json;

#[test]
fn an_outcome_is_written_with_what_it_has() {
    let issue = Issue::error(IssueType::NotSupported)
        .with_diagnostics("_elements: not supported")
        .with_details("対応していません")
        .at("http._elements");
    assert_eq!(
        OperationOutcome::from(issue).to_json().to_string(),
        json!({
            "resourceType": "OperationOutcome",
            "issue": [{
                "severity": "error",
                "code": "not-supported",
                "details": {"text": "対応していません"},
                "diagnostics": "_elements: not supported",
                "expression": ["http._elements"]
            }]
        })
        .to_string()
    );
}

#[test]
fn an_outcome_without_issues_says_that_all_is_well() {
    let outcome = OperationOutcome::default().to_json();
    assert_eq!(outcome["issue"], json!([{"severity": "information", "code": "informational"}]));
}

#[test]
fn the_codes_are_r4s() {
    let r4 = Definitions::r4();
    let codes = |url| {
        let codes = r4.value_set_codes(url).expect("R4 spells it out");
        codes.iter().map(|code| code.code).collect::<Vec<_>>()
    };
    let types = codes("http://hl7.org/fhir/ValueSet/issue-type");
    for code in [
        IssueType::Invalid,
        IssueType::Structure,
        IssueType::Required,
        IssueType::Value,
        IssueType::Invariant,
        IssueType::Security,
        IssueType::Login,
        IssueType::Unknown,
        IssueType::Expired,
        IssueType::Forbidden,
        IssueType::Suppressed,
        IssueType::Processing,
        IssueType::NotSupported,
        IssueType::Duplicate,
        IssueType::MultipleMatches,
        IssueType::NotFound,
        IssueType::Deleted,
        IssueType::TooLong,
        IssueType::CodeInvalid,
        IssueType::Extension,
        IssueType::TooCostly,
        IssueType::BusinessRule,
        IssueType::Conflict,
        IssueType::Transient,
        IssueType::LockError,
        IssueType::NoStore,
        IssueType::Exception,
        IssueType::Timeout,
        IssueType::Incomplete,
        IssueType::Throttled,
        IssueType::Informational,
    ] {
        assert!(types.contains(&code.code()), "{}", code.code());
    }
    let severities = codes("http://hl7.org/fhir/ValueSet/issue-severity");
    for severity in [
        IssueSeverity::Fatal,
        IssueSeverity::Error,
        IssueSeverity::Warning,
        IssueSeverity::Information,
    ] {
        assert!(severities.contains(&severity.code()), "{}", severity.code());
    }
}
