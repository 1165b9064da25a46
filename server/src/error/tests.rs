//! Every error has a code, a status that fits it, and texts that tell nothing of rows.

use super::*;
use std::collections::BTreeSet;
use std::time::Duration;

fn spared(wait: Duration) -> Spared {
    Spared { source_name: "secret".to_owned(), wait }
}

fn one_of_each() -> Vec<Error> {
    use ErrorCategory::{Busy, Denied, LimitExceeded, Mismatch, Unreachable, Unreadable};
    let failed = |error| Error::Source(SourceError { source_name: "main".to_owned(), error });
    let resource_type = "Patient".to_owned();
    let mut errors = vec![
        Error::UnknownRoute,
        Error::MethodNotAllowed { allowed: "GET" },
        Error::UnknownType { resource_type: resource_type.clone(), hint: None },
        Error::NotFound { resource_type },
        Error::UnknownVersion,
        Error::NoHistory,
        Error::PreconditionFailed,
        Error::NotAcceptable,
        Error::UnsupportedMediaType { expected: "x" },
        Error::UnsupportedCoding,
        Error::BodyTooLarge { bytes_max: 1 },
        Error::UriTooLong { bytes_max: 1 },
        Error::BodyTimeout { timeout_secs: 1 },
        Error::BodyUnreadable,
        Error::BadHost,
        Error::Parameters(Vec::new()),
        Error::TooManyIncluded { rows_max: 1 },
        Error::Unmappable(Vec::new()),
        Error::Batch(BatchProblem::NotABundle),
        Error::Batch(BatchProblem::Transaction),
        Error::Batch(BatchProblem::TooManyEntries { max: 1 }),
        Error::Batch(BatchProblem::BadEntry),
        Error::Batch(BatchProblem::TooLarge { bytes_max: 1 }),
        Error::Bulk(BulkRefusal::NoSuchExport),
        Error::Bulk(BulkRefusal::OutsideWindow { opens_in_secs: 1 }),
        Error::Bulk(BulkRefusal::OnlyAsync),
        Error::Bulk(BulkRefusal::OnlyCompactJson),
        Error::Bulk(BulkRefusal::OnlyHttp11),
        Error::Bulk(BulkRefusal::GroupTooLarge { members_max: 1 }),
        Error::Bulk(BulkRefusal::AddressTooLong { bytes_max: 1 }),
        Error::Busy,
        Error::RequestTimeout { timeout_secs: 1 },
        Error::SourceSpared(spared(Duration::from_millis(2500))),
        Error::Internal("secret"),
        failed(AdapterError::new(LimitExceeded, "secret").with_limit(Limit::Size)),
    ];
    let all = [Unreachable, Busy, Denied, LimitExceeded, Mismatch, Unreadable];
    errors.extend(all.map(|category| failed(AdapterError::new(category, "secret"))));
    errors
}

#[test]
fn each_error_has_a_code_of_its_own_in_the_group_of_its_status() {
    let errors = one_of_each();
    let codes: BTreeSet<&str> = errors.iter().map(Error::code).collect();
    assert_eq!(codes.len(), errors.len());
    for error in &errors {
        let inside = error.code().starts_with("GKN-3") || error.code().starts_with("GKN-9");
        if inside {
            assert!(error.status().is_server_error(), "{error:?}");
        }
    }
}

#[test]
fn whoever_is_to_come_again_is_told_when() {
    for error in one_of_each() {
        let unavailable = error.status() == StatusCode::SERVICE_UNAVAILABLE;
        assert_eq!(error.retry_after().is_some(), unavailable, "{error:?}");
    }
    for (wait, secs) in [(0, 1), (999, 1), (2500, 3)] {
        let error = Error::SourceSpared(spared(Duration::from_millis(wait)));
        assert_eq!(error.retry_after(), Some(secs), "not before {wait} ms");
    }
}

#[test]
fn what_the_source_or_the_machinery_said_is_not_told_to_the_client() {
    for error in one_of_each() {
        let Text { en, ja } = error.message();
        assert!(!en.contains("secret") && !ja.contains("secret"), "{error:?}");
        assert!(!en.is_empty() && !ja.is_empty(), "{error:?}");
    }
}
