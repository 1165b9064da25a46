//! The one table of everything that a request can be refused for: public code, HTTP status, FHIR
//! issue type, and what a person is told. No other module chooses a status.

pub mod kinds;
mod texts;

use actix_web::http::StatusCode;
use genkan_adapter::{AdapterError, ErrorCategory, Limit};
use genkan_fhir::outcome::IssueType;
use genkan_mapping::codemap::review::NotWritten;
use genkan_mapping::diagnostic::Text;
use genkan_mapping::emit::Issue;
use genkan_mapping::terminology::Unanswered;

use crate::batch::BatchProblem;
use crate::bulk::BulkRefusal;
use crate::bundle::NoBundle;
use crate::fetch::FetchError;
use crate::review::ReviewRefusal;
use crate::sources::SourceError;
use crate::sources::breaker::Spared;
use crate::terminology;

/// When to come again, where nobody knows it better.
const RETRY_AFTER_SECS: u64 = 5;

/// Why a request was not answered with what it asked for.
#[derive(Debug)]
pub enum Error {
    /// No interaction lives under this path.
    UnknownRoute,
    MethodNotAllowed {
        allowed: &'static str,
    },
    /// No rule makes resources of this type.
    UnknownType {
        /// For the message; the path itself may hold anything.
        resource_type: String,
        hint: Option<String>,
    },
    /// No row, no id of ours, or not to be shown: the client can't tell which.
    NotFound {
        resource_type: String,
    },
    /// `_history`: only the current version exists here.
    UnknownVersion,
    /// `_history` without a version.
    NoHistory,
    /// `If-Match` names another version than the current one.
    PreconditionFailed,
    NotAcceptable,
    UnsupportedMediaType {
        expected: &'static str,
    },
    /// A body in `Content-Encoding`.
    UnsupportedCoding,
    BodyTooLarge {
        bytes_max: usize,
    },
    UriTooLong {
        bytes_max: usize,
    },
    BodyTimeout {
        timeout_secs: u64,
    },
    BodyUnreadable,
    BadHost,
    Parameters(Vec<RefusedParameter>),
    /// The row is there, but the rules can't make a resource of it.
    Unmappable(Vec<Issue>),
    /// `_include` or `_revinclude` brings more than a page may hold.
    TooManyIncluded {
        rows_max: usize,
    },
    /// `POST /fhir`, or an entry of it.
    Batch(BatchProblem),
    /// `$jp-clins-bundle`
    NoBundle(NoBundle),
    /// `$everything`, `$export`
    Bulk(BulkRefusal),
    /// A question about codes.
    Terminology(Unanswered),
    /// A question or a decision of a reviewer of code maps.
    Review(ReviewRefusal),
    Busy,
    RequestTimeout {
        timeout_secs: u64,
    },
    Source(SourceError),
    /// Its breaker is open.
    SourceSpared(Spared),
    Internal(&'static str),
}

/// A search parameter that was not understood or is not offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedParameter {
    /// As written by the client, with its modifier; never its value.
    pub name: String,
    pub reason: Refusal,
    pub message: Text,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Not known, or not offered here.
    NotSupported,
    /// Offered, but the value can't be read.
    Invalid,
}

impl Error {
    /// Stable and greppable; never reused for anything else.
    pub fn code(&self) -> &'static str {
        match self {
            Error::UnknownRoute => "GKN-101",
            Error::MethodNotAllowed { .. } => "GKN-102",
            Error::UnknownType { .. } => "GKN-103",
            Error::NotFound { .. } => "GKN-104",
            Error::UnknownVersion => "GKN-105",
            Error::NotAcceptable => "GKN-106",
            Error::UnsupportedMediaType { .. } => "GKN-107",
            Error::BodyTooLarge { .. } => "GKN-108",
            Error::UriTooLong { .. } => "GKN-109",
            Error::BodyTimeout { .. } => "GKN-110",
            Error::BodyUnreadable => "GKN-111",
            Error::BadHost => "GKN-112",
            Error::Parameters(_) => "GKN-113",
            Error::Busy => "GKN-114",
            Error::RequestTimeout { .. } => "GKN-115",
            Error::TooManyIncluded { .. } => "GKN-116",
            Error::NoHistory => "GKN-117",
            Error::PreconditionFailed => "GKN-118",
            Error::Batch(problem) => batch(*problem).0,
            Error::UnsupportedCoding => "GKN-124",
            Error::Bulk(reason) => bulk(reason).0,
            Error::Terminology(reason) => unanswered(reason).0,
            Error::Review(reason) => review(reason).0,
            Error::Unmappable(_) => "GKN-201",
            Error::NoBundle(reason) => no_bundle(reason).0,
            Error::Source(failed) => of_source(&failed.error).0,
            Error::SourceSpared(_) => SPARED_CODE,
            Error::Internal(_) => "GKN-901",
        }
    }

    pub fn status(&self) -> StatusCode {
        match self {
            Error::UnknownRoute
            | Error::UnknownType { .. }
            | Error::NotFound { .. }
            | Error::UnknownVersion
            | Error::NoHistory => StatusCode::NOT_FOUND,
            Error::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Error::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Error::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Error::UnsupportedMediaType { .. } | Error::UnsupportedCoding => {
                StatusCode::UNSUPPORTED_MEDIA_TYPE
            }
            Error::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Error::UriTooLong { .. } => StatusCode::URI_TOO_LONG,
            Error::BodyTimeout { .. } => StatusCode::REQUEST_TIMEOUT,
            Error::BodyUnreadable
            | Error::BadHost
            | Error::Parameters(_)
            | Error::TooManyIncluded { .. } => StatusCode::BAD_REQUEST,
            Error::Unmappable(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Error::NoBundle(reason) => no_bundle(reason).1,
            Error::Batch(_) => StatusCode::BAD_REQUEST,
            Error::Bulk(reason) => bulk(reason).1,
            Error::Terminology(reason) => unanswered(reason).1,
            Error::Review(reason) => review(reason).1,
            Error::Busy | Error::SourceSpared(_) => StatusCode::SERVICE_UNAVAILABLE,
            Error::RequestTimeout { .. } => StatusCode::GATEWAY_TIMEOUT,
            Error::Source(failed) => of_source(&failed.error).1,
            Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    pub fn issue_type(&self) -> IssueType {
        match self {
            Error::UnknownRoute | Error::NotFound { .. } | Error::UnknownVersion => {
                IssueType::NotFound
            }
            Error::MethodNotAllowed { .. }
            | Error::UnknownType { .. }
            | Error::NoHistory
            | Error::NotAcceptable
            | Error::UnsupportedMediaType { .. }
            | Error::UnsupportedCoding => IssueType::NotSupported,
            Error::BodyTooLarge { .. } | Error::UriTooLong { .. } => IssueType::TooLong,
            Error::BodyTimeout { .. } | Error::RequestTimeout { .. } => IssueType::Timeout,
            Error::BodyUnreadable => IssueType::Structure,
            // Each parameter is an issue of its own; this is for the log.
            Error::BadHost | Error::Parameters(_) => IssueType::Invalid,
            Error::TooManyIncluded { .. } => IssueType::TooCostly,
            Error::Unmappable(_) => IssueType::Processing,
            Error::NoBundle(reason) => no_bundle(reason).2,
            Error::Batch(problem) => batch(*problem).1,
            Error::Bulk(reason) => bulk(reason).2,
            Error::Terminology(reason) => unanswered(reason).2,
            Error::Review(reason) => review(reason).2,
            Error::PreconditionFailed => IssueType::Conflict,
            Error::Busy => IssueType::Throttled,
            Error::SourceSpared(_) => IssueType::Transient,
            Error::Source(failed) => of_source(&failed.error).2,
            Error::Internal(_) => IssueType::Exception,
        }
    }

    /// Seconds until the same request may be answered; `None` if that is not to be expected.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Error::SourceSpared(spared) => Some(spared.wait.as_secs() + 1),
            Error::Bulk(BulkRefusal::OutsideWindow { opens_in_secs }) => Some(*opens_in_secs),
            _ => {
                let later = [StatusCode::SERVICE_UNAVAILABLE, StatusCode::TOO_MANY_REQUESTS];
                later.contains(&self.status()).then_some(RETRY_AFTER_SECS)
            }
        }
    }

    /// For the client. What a source or our own machinery said stays in the log.
    pub fn message(&self) -> Text {
        match self {
            Error::UnknownRoute => Text::new(
                "nothing lives under this path; see `/fhir/metadata`",
                "このパスには何もありません。`/fhir/metadata` を見てください",
            ),
            Error::MethodNotAllowed { allowed } => Text::new(
                format!("this path answers {allowed}"),
                format!("このパスで使えるメソッドは {allowed} です"),
            ),
            Error::UnknownType { resource_type, hint } => texts::unknown_type(resource_type, hint),
            Error::NotFound { resource_type } => Text::new(
                format!("there is no {resource_type} with this id"),
                format!("この id の {resource_type} はありません"),
            ),
            Error::UnknownVersion => Text::new(
                "only the current version of a resource can be read; this is not it",
                "読めるのは現在の版だけです。指定の版は現在の版ではありません",
            ),
            Error::NoHistory => Text::new(
                "the hospital's tables keep no earlier versions, so that there is no history to \
                 tell; read the resource, or search by `_lastUpdated`",
                "院内の表は過去の版を保持しないため履歴は返せません。リソースを読むか _lastUpdated \
                 で検索してください",
            ),
            Error::PreconditionFailed => Text::new(
                "`If-Match` names another version than the current one",
                "`If-Match` の版は現在の版ではありません",
            ),
            Error::NotAcceptable => Text::new(
                "answers are `application/fhir+json` or `application/fhir+xml` of FHIR 4.0",
                "応答の形式は FHIR 4.0 の `application/fhir+json` か `application/fhir+xml` です",
            ),
            Error::UnsupportedMediaType { expected } => Text::new(
                format!("the body has to be `{expected}` in UTF-8 (FHIR 4.0)"),
                format!("本文の形式は UTF-8 の `{expected}`（FHIR 4.0）でなければなりません"),
            ),
            Error::UnsupportedCoding => texts::unsupported_coding(),
            Error::BodyTooLarge { bytes_max } => texts::body_too_large(*bytes_max),
            Error::UriTooLong { bytes_max } => texts::uri_too_long(*bytes_max),
            Error::BodyTimeout { timeout_secs } => texts::body_timeout(*timeout_secs),
            Error::BodyUnreadable => Text::new("the body can't be read", "本文を読み取れません"),
            Error::BadHost => Text::new(
                "the `Host` header is missing or no host name",
                "`Host` ヘッダーがないか、ホスト名になっていません",
            ),
            Error::Parameters(refused) => Text::new(
                format!("{} search parameters can't be answered", refused.len()),
                format!("検索パラメータ {} 個に応えられません", refused.len()),
            ),
            Error::TooManyIncluded { rows_max } => texts::too_many_included(*rows_max),
            Error::Unmappable(_) => Text::new(
                "the row exists, but the rules can't make a resource of it",
                "行はありますが、規則ではリソースにできません",
            ),
            Error::NoBundle(reason) => reason.message(),
            Error::Batch(problem) => problem.message(),
            Error::Bulk(reason) => reason.message(),
            Error::Terminology(reason) => terminology::message(reason),
            Error::Review(reason) => texts::review(reason),
            Error::Busy => Text::new(
                "too many requests at once; try again shortly",
                "同時の要求が多すぎます。少し待ってから再度お試しください",
            ),
            Error::RequestTimeout { timeout_secs } => texts::request_timeout(*timeout_secs),
            Error::Source(failed) => texts::source(&failed.error),
            Error::SourceSpared(_) => texts::source_spared(),
            Error::Internal(_) => Text::new("an internal error", "内部エラー"),
        }
    }
}

/// The code of a source that is not asked, because its breaker is open.
pub const SPARED_CODE: &str = "GKN-307";

/// The code of a source that did not answer.
pub fn source_code(category: ErrorCategory) -> &'static str {
    match category {
        ErrorCategory::Unreachable => "GKN-301",
        ErrorCategory::Denied => "GKN-302",
        ErrorCategory::LimitExceeded => "GKN-303",
        ErrorCategory::Mismatch => "GKN-304",
        ErrorCategory::Unreadable => "GKN-305",
        ErrorCategory::Busy => "GKN-306",
    }
}

/// What a failure of a source is to the client.
fn of_source(error: &AdapterError) -> (&'static str, StatusCode, IssueType) {
    use ErrorCategory::{Busy, Denied, LimitExceeded, Mismatch, Unreachable, Unreadable};
    let (code, unavailable) = (source_code(error.category), StatusCode::SERVICE_UNAVAILABLE);
    match error.category {
        LimitExceeded if is_too_much(error) => {
            ("GKN-125", StatusCode::BAD_REQUEST, IssueType::TooCostly)
        }
        LimitExceeded => (code, unavailable, IssueType::TooCostly),
        Unreachable | Busy => (code, unavailable, IssueType::Transient),
        Denied | Mismatch | Unreadable => (code, StatusCode::BAD_GATEWAY, IssueType::Exception),
    }
}

/// And the next time as well.
fn is_too_much(error: &AdapterError) -> bool {
    matches!(error.limit, Some(Limit::Size | Limit::Question))
}

/// A unit that is refused is data that can't be processed, not a wrong request.
fn no_bundle(reason: &NoBundle) -> (&'static str, StatusCode, IssueType) {
    let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
    match reason {
        NoBundle::Refused(_) => ("GKN-202", unprocessable, IssueType::Processing),
        NoBundle::NothingToRegister(_) => ("GKN-203", StatusCode::NOT_FOUND, IssueType::NotFound),
        NoBundle::NotMapped(_) => ("GKN-204", StatusCode::NOT_FOUND, IssueType::NotSupported),
        NoBundle::NoSuchReport => ("GKN-205", StatusCode::NOT_FOUND, IssueType::NotFound),
        NoBundle::WhichReport(_) => {
            ("GKN-206", StatusCode::BAD_REQUEST, IssueType::MultipleMatches)
        }
        NoBundle::TooLarge { .. } => ("GKN-207", unprocessable, IssueType::TooLong),
        NoBundle::TooManyResources { .. } => ("GKN-208", unprocessable, IssueType::TooCostly),
    }
}

fn batch(problem: BatchProblem) -> (&'static str, IssueType) {
    match problem {
        BatchProblem::NotABundle | BatchProblem::OtherType => ("GKN-119", IssueType::Invalid),
        BatchProblem::Transaction => ("GKN-120", IssueType::NotSupported),
        BatchProblem::TooManyEntries { .. } => ("GKN-121", IssueType::TooCostly),
        BatchProblem::BadEntry | BatchProblem::FormOfEntry => ("GKN-122", IssueType::Invalid),
        BatchProblem::TooLarge { .. } => ("GKN-123", IssueType::TooCostly),
    }
}

/// Of operations that bring many resources.
fn bulk(reason: &BulkRefusal) -> (&'static str, StatusCode, IssueType) {
    match reason {
        BulkRefusal::NoSuchExport => ("GKN-131", StatusCode::NOT_FOUND, IssueType::NotFound),
        BulkRefusal::OutsideWindow { .. } => {
            ("GKN-132", StatusCode::SERVICE_UNAVAILABLE, IssueType::Transient)
        }
        BulkRefusal::OnlyAsync => ("GKN-133", StatusCode::BAD_REQUEST, IssueType::Required),
        BulkRefusal::OnlyCompactJson => {
            ("GKN-134", StatusCode::NOT_ACCEPTABLE, IssueType::NotSupported)
        }
        BulkRefusal::OnlyHttp11 => {
            ("GKN-137", StatusCode::UPGRADE_REQUIRED, IssueType::NotSupported)
        }
        BulkRefusal::GroupTooLarge { .. } => {
            ("GKN-135", StatusCode::UNPROCESSABLE_ENTITY, IssueType::TooCostly)
        }
        BulkRefusal::TooManyFiles { .. } => {
            ("GKN-138", StatusCode::TOO_MANY_REQUESTS, IssueType::Throttled)
        }
        BulkRefusal::AddressTooLong { .. } => {
            ("GKN-136", StatusCode::BAD_REQUEST, IssueType::TooLong)
        }
    }
}

/// What is asked for by a name that nobody knows is not found; what is known, but can't be answered
/// with what is loaded, can't be processed.
fn unanswered(reason: &Unanswered) -> (&'static str, StatusCode, IssueType) {
    let (not_found, unprocessable) = (StatusCode::NOT_FOUND, StatusCode::UNPROCESSABLE_ENTITY);
    match reason {
        Unanswered::UnknownSystem => ("GKN-141", not_found, IssueType::NotFound),
        Unanswered::NotLoaded { .. } => ("GKN-142", unprocessable, IssueType::NotSupported),
        Unanswered::UnknownValueSet => ("GKN-143", not_found, IssueType::NotFound),
        Unanswered::UnknownMap => ("GKN-144", not_found, IssueType::NotFound),
        Unanswered::NoSuchCode { .. } => ("GKN-145", not_found, IssueType::NotFound),
        Unanswered::OtherVersion { .. } => ("GKN-146", not_found, IssueType::NotFound),
        Unanswered::NoHierarchy { .. } => ("GKN-147", unprocessable, IssueType::NotSupported),
        Unanswered::NoWay => ("GKN-148", not_found, IssueType::NotSupported),
        Unanswered::TooCostly { .. } => ("GKN-149", unprocessable, IssueType::TooCostly),
    }
}

/// What is wrong with a decision is the client's business, a file that can't be written is ours.
fn review(reason: &ReviewRefusal) -> (&'static str, StatusCode, IssueType) {
    let (bad, unprocessable) = (StatusCode::BAD_REQUEST, StatusCode::UNPROCESSABLE_ENTITY);
    match reason {
        ReviewRefusal::Off => ("GKN-150", StatusCode::FORBIDDEN, IssueType::Forbidden),
        ReviewRefusal::NoHouseCode => ("GKN-151", StatusCode::NOT_FOUND, IssueType::NotFound),
        ReviewRefusal::Changed => ("GKN-152", StatusCode::CONFLICT, IssueType::Conflict),
        ReviewRefusal::File => ("GKN-153", StatusCode::INTERNAL_SERVER_ERROR, IssueType::NoStore),
        ReviewRefusal::UnknownClient => ("GKN-161", StatusCode::FORBIDDEN, IssueType::Forbidden),
        ReviewRefusal::Change(why) => match why {
            NotWritten::NoText
            | NotWritten::Column(_)
            | NotWritten::UnknownColumn(_)
            | NotWritten::Letter => ("GKN-154", unprocessable, IssueType::Processing),
            NotWritten::NoRow => ("GKN-155", StatusCode::NOT_FOUND, IssueType::NotFound),
            NotWritten::Several(_) => ("GKN-156", bad, IssueType::MultipleMatches),
            NotWritten::Illegal(_) => ("GKN-157", unprocessable, IssueType::BusinessRule),
            NotWritten::Target(_) | NotWritten::Incomplete => ("GKN-158", bad, IssueType::Invalid),
            NotWritten::UnknownCode { .. } => ("GKN-159", unprocessable, IssueType::CodeInvalid),
            NotWritten::Problem { .. } => ("GKN-160", unprocessable, IssueType::BusinessRule),
        },
    }
}

impl From<FetchError> for Error {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Source(failed) => Error::Source(failed),
            FetchError::Spared(spared) => Error::SourceSpared(spared),
            FetchError::TooManyIncluded { rows_max } => Error::TooManyIncluded { rows_max },
        }
    }
}

#[cfg(test)]
mod tests;
