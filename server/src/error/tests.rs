//! Every error has a code, a status that fits it, and texts that tell nothing of rows.

use super::*;
use crate::batch::BatchLimits;
use crate::service::FhirConfig;
use std::collections::BTreeSet;
use std::time::Duration;

fn spared(wait: Duration) -> Spared {
    Spared { source_name: "secret".to_owned(), wait }
}

fn one_of_each() -> Vec<Error> {
    let limits = kinds::Limits {
        body_bytes_max: 1,
        uri_bytes_max: 1,
        body_read_timeout_secs: 1,
        request_timeout_secs: 1,
        include_rows_max: 1,
        expand_codes_max: 1,
        batch: BatchLimits { entries_max: 1, bytes_max: 1 },
        export: FhirConfig::default().export_limits(),
    };
    kinds::each(limits, "secret")
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
        let later = matches!(error.status().as_u16(), 429 | 503);
        assert_eq!(error.retry_after().is_some(), later, "{error:?}");
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
