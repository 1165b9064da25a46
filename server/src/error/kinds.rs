//! One error of each kind, and to what it may be the answer: what the OpenAPI document says of
//! refusals. Their statuses and codes are those of the table.

use std::collections::BTreeMap;

use genkan_adapter::{AdapterError, ErrorCategory, Limit};
use genkan_mapping::Text;
use genkan_mapping::codemap::review::{Event, Illegal, NotWritten};
use genkan_mapping::terminology::{Holding, Unanswered};

use super::Error;
use crate::batch::{BatchLimits, BatchProblem};
use crate::bulk::BulkRefusal;
use crate::bundle::{self, Kind, NoBundle};
use crate::review::ReviewRefusal;
use crate::service::{ExportLimits, Service};
use crate::sources::SourceError;
use crate::sources::breaker::Spared;

/// What a request may ask for, as far as its refusals differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asked {
    /// `/metadata` and the like.
    Fixed,
    Read,
    Vread,
    Search,
    SearchByForm,
    /// `$jp-clins-bundle` by GET.
    Operation,
    OperationByBody,
    /// `$everything`
    Everything,
    EverythingByBody,
    /// `$export`
    KickOff,
    KickOffByBody,
    ExportStatus,
    ExportEnd,
    ExportFile,
    /// An operation on codes by GET.
    Terminology,
    TerminologyByBody,
    /// What a reviewer of code maps asks for.
    Review,
    /// What one decides.
    ReviewByBody,
    /// `$validate` of a resource that is here.
    Validate,
    ValidateByBody,
    Batch,
}

impl Asked {
    pub const ALL: [Asked; 21] = [
        Asked::Fixed,
        Asked::Read,
        Asked::Vread,
        Asked::Search,
        Asked::SearchByForm,
        Asked::Operation,
        Asked::OperationByBody,
        Asked::Everything,
        Asked::EverythingByBody,
        Asked::KickOff,
        Asked::KickOffByBody,
        Asked::ExportStatus,
        Asked::ExportEnd,
        Asked::ExportFile,
        Asked::Terminology,
        Asked::TerminologyByBody,
        Asked::Review,
        Asked::ReviewByBody,
        Asked::Validate,
        Asked::ValidateByBody,
        Asked::Batch,
    ];

    /// Its name in the OpenAPI document.
    pub fn name(self) -> &'static str {
        match self {
            Asked::Fixed => "fixed",
            Asked::Read => "read",
            Asked::Vread => "vread",
            Asked::Search => "search",
            Asked::SearchByForm => "searchByForm",
            Asked::Operation => "operation",
            Asked::OperationByBody => "operationByBody",
            Asked::Everything => "everything",
            Asked::EverythingByBody => "everythingByBody",
            Asked::KickOff => "kickOff",
            Asked::KickOffByBody => "kickOffByBody",
            Asked::ExportStatus => "exportStatus",
            Asked::ExportEnd => "exportEnd",
            Asked::ExportFile => "exportFile",
            Asked::Terminology => "terminology",
            Asked::TerminologyByBody => "terminologyByBody",
            Asked::Review => "review",
            Asked::ReviewByBody => "reviewByBody",
            Asked::Validate => "validate",
            Asked::ValidateByBody => "validateByBody",
            Asked::Batch => "batch",
        }
    }

    pub fn has_body(self) -> bool {
        use Asked::{Batch, EverythingByBody, KickOffByBody, OperationByBody, SearchByForm};
        let of_codes = matches!(self, Asked::TerminologyByBody | Asked::ReviewByBody);
        of_codes
            || self == Asked::ValidateByBody
            || self == SearchByForm
            || matches!(self, OperationByBody | EverythingByBody | KickOffByBody | Batch)
    }

    /// By GET: `If-None-Match` and the like are looked at.
    pub fn has_conditions(self) -> bool {
        !self.has_body() && self != Asked::ExportEnd
    }

    pub fn kicks_off(self) -> bool {
        matches!(self, Asked::KickOff | Asked::KickOffByBody)
    }

    /// Operations on codes.
    pub fn is_of_codes(self) -> bool {
        matches!(self, Asked::Terminology | Asked::TerminologyByBody)
    }

    /// Operations of reviewers.
    pub fn is_of_review(self) -> bool {
        matches!(self, Asked::Review | Asked::ReviewByBody)
    }

    fn brings_everything(self) -> bool {
        matches!(self, Asked::Everything | Asked::EverythingByBody)
    }

    fn is_of_export(self) -> bool {
        matches!(self, Asked::ExportStatus | Asked::ExportEnd | Asked::ExportFile)
    }
}

/// The limits that refusals name.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub body_bytes_max: usize,
    pub uri_bytes_max: usize,
    pub body_read_timeout_secs: u64,
    pub request_timeout_secs: u64,
    pub include_rows_max: usize,
    pub expand_codes_max: usize,
    pub batch: BatchLimits,
    pub export: ExportLimits,
}

impl Limits {
    pub fn of(service: &Service) -> Self {
        Limits {
            body_bytes_max: service.body_bytes_max,
            uri_bytes_max: service.uri_bytes_max,
            body_read_timeout_secs: service.body_read_timeout_secs,
            request_timeout_secs: service.request_timeout_secs,
            include_rows_max: service.limits.include_rows_max,
            expand_codes_max: service.codes.expand_codes_max,
            batch: service.batch,
            export: service.export,
        }
    }
}

/// The statuses that may come instead of what was asked for, each with the errors behind it.
pub fn refusals(asked: Asked, limits: Limits) -> BTreeMap<u16, Vec<Error>> {
    let mut by_status: BTreeMap<u16, Vec<Error>> = BTreeMap::new();
    for error in each(limits, "").into_iter().filter(|error| error.may_answer(asked)) {
        by_status.entry(error.status().as_u16()).or_default().push(error);
    }
    by_status
}

/// One of each kind. `cause` is what sources and our own machinery said, which no answer tells.
pub fn each(limits: Limits, cause: &'static str) -> Vec<Error> {
    let Limits { batch: BatchLimits { entries_max, bytes_max }, .. } = limits;
    let resource_type = "resource".to_owned();
    let mut errors = vec![
        Error::UnknownRoute,
        Error::MethodNotAllowed { allowed: "GET" },
        Error::UnknownType { resource_type: resource_type.clone(), hint: None },
        Error::NotFound { resource_type },
        Error::UnknownVersion,
        Error::NoHistory,
        Error::PreconditionFailed,
        Error::NotAcceptable,
        Error::UnsupportedMediaType { expected: "type that is declared here" },
        Error::UnsupportedCoding,
        Error::BodyTooLarge { bytes_max: limits.body_bytes_max },
        Error::UriTooLong { bytes_max: limits.uri_bytes_max },
        Error::BodyTimeout { timeout_secs: limits.body_read_timeout_secs },
        Error::BodyUnreadable,
        Error::BadHost,
        Error::Parameters(Vec::new()),
        Error::TooManyIncluded { rows_max: limits.include_rows_max },
        Error::Unmappable(Vec::new()),
        Error::NoBundle(NoBundle::Refused(Vec::new())),
        Error::NoBundle(NoBundle::NothingToRegister(Kind::Condition)),
        Error::NoBundle(NoBundle::NotMapped(Kind::Condition)),
        Error::NoBundle(NoBundle::NoSuchReport),
        Error::NoBundle(NoBundle::WhichReport(Vec::new())),
        Error::NoBundle(NoBundle::TooLarge { bytes: 0, bytes_max: bundle::BYTES_MAX }),
        Error::NoBundle(NoBundle::TooManyResources { resources_max: bundle::RESOURCES_MAX }),
        Error::Batch(BatchProblem::NotABundle),
        Error::Batch(BatchProblem::Transaction),
        Error::Batch(BatchProblem::TooManyEntries { max: entries_max }),
        Error::Batch(BatchProblem::BadEntry),
        Error::Batch(BatchProblem::TooLarge { bytes_max }),
        Error::Bulk(BulkRefusal::NoSuchExport),
        Error::Bulk(BulkRefusal::OutsideWindow { opens_in_secs: 1 }),
        Error::Bulk(BulkRefusal::OnlyAsync),
        Error::Bulk(BulkRefusal::OnlyCompactJson),
        Error::Bulk(BulkRefusal::OnlyHttp11),
        Error::Bulk(BulkRefusal::GroupTooLarge { members_max: limits.export.group_members_max }),
        Error::Bulk(BulkRefusal::TooManyFiles { files_max: limits.export.files_max }),
        Error::Bulk(BulkRefusal::AddressTooLong { bytes_max: limits.uri_bytes_max }),
        Error::Terminology(Unanswered::UnknownSystem),
        Error::Terminology(Unanswered::NotLoaded { system: "it".to_owned(), masters: &[] }),
        Error::Terminology(Unanswered::UnknownValueSet),
        Error::Terminology(Unanswered::UnknownMap),
        Error::Terminology(Unanswered::NoSuchCode {
            system: "the system".to_owned(),
            holding: Holding::Whole,
        }),
        Error::Terminology(Unanswered::OtherVersion { here: None, earlier: Vec::new() }),
        Error::Terminology(Unanswered::NoHierarchy { system: "the system".to_owned() }),
        Error::Terminology(Unanswered::NoWay),
        Error::Terminology(Unanswered::TooCostly { codes_max: limits.expand_codes_max }),
        Error::Busy,
        Error::RequestTimeout { timeout_secs: limits.request_timeout_secs },
        Error::SourceSpared(Spared { source_name: cause.to_owned(), wait: Default::default() }),
        Error::Internal(cause),
    ];
    errors.extend(of_reviewers().map(Error::Review));
    use ErrorCategory::{Busy, Denied, LimitExceeded, Mismatch, Unreachable, Unreadable};
    let failed = |error| Error::Source(SourceError { source_name: cause.to_owned(), error });
    let all = [Unreachable, Busy, Denied, LimitExceeded, Mismatch, Unreadable];
    errors.extend(all.map(|category| failed(AdapterError::new(category, cause))));
    errors.push(failed(AdapterError::new(LimitExceeded, cause).with_limit(Limit::Size)));
    errors
}

impl Error {
    /// What it says of every request of its kind.
    pub fn said_of_all(&self) -> String {
        let of_kind = match self {
            Error::Parameters(_) => {
                "parameters that can't be answered; the outcome has an issue for each of them"
            }
            Error::NoBundle(NoBundle::Refused(_)) => {
                "no Bundle: a unit is registered whole or not, and a part of it can't be"
            }
            Error::NoBundle(NoBundle::NothingToRegister(_)) => {
                "the patient has nothing of this kind to register"
            }
            Error::NoBundle(NoBundle::NotMapped(_)) => "no rule makes resources of this kind",
            Error::NoBundle(NoBundle::WhichReport(_)) => {
                "the patient has several reports; name one with `report`"
            }
            Error::Bulk(BulkRefusal::OutsideWindow { .. }) => {
                "bulk work is not allowed at this hour"
            }
            Error::NoBundle(NoBundle::TooLarge { bytes_max, .. }) => {
                return format!("the Bundle is larger than the {bytes_max} bytes that can be sent");
            }
            _ => return self.message().en,
        };
        of_kind.to_owned()
    }

    /// Whether it can be the answer to a request for a path and method that are there.
    fn may_answer(&self, asked: Asked) -> bool {
        let of_operation = matches!(asked, Asked::Operation | Asked::OperationByBody);
        let of_one = matches!(asked, Asked::Read | Asked::Vread | Asked::Validate);
        match self {
            Error::UnknownRoute
            | Error::MethodNotAllowed { .. }
            | Error::UnknownType { .. }
            | Error::NoHistory => false,
            Error::Bulk(reason) => of_bulk(reason, asked),
            Error::Terminology(_) => asked.is_of_codes() || asked == Asked::Review,
            Error::Review(reason) => of_review(reason, asked),
            Error::NotFound { .. } => {
                let of_bulk = asked.brings_everything() || asked.kicks_off();
                let of_codes = asked.is_of_codes() || asked.is_of_review();
                let of_other = of_bulk || of_codes || asked == Asked::ExportFile;
                let of_other = of_other || asked == Asked::ValidateByBody;
                of_one || of_operation || of_other
            }
            Error::UnknownVersion => asked == Asked::Vread,
            Error::PreconditionFailed => asked.has_conditions(),
            Error::UnsupportedMediaType { .. }
            | Error::UnsupportedCoding
            | Error::BodyTooLarge { .. }
            | Error::BodyTimeout { .. }
            | Error::BodyUnreadable => asked.has_body(),
            Error::NotAcceptable
            | Error::UriTooLong { .. }
            | Error::BadHost
            | Error::Parameters(_)
            | Error::Busy
            | Error::RequestTimeout { .. }
            | Error::Internal(_) => true,
            Error::TooManyIncluded { .. } => {
                matches!(asked, Asked::Search | Asked::SearchByForm)
            }
            Error::Unmappable(_) => {
                of_one || asked.brings_everything() || asked == Asked::ExportFile
            }
            Error::NoBundle(_) => of_operation,
            // Those of an entry stand in the answer to the whole.
            Error::Batch(BatchProblem::BadEntry | BatchProblem::FormOfEntry) => false,
            Error::Batch(BatchProblem::TooLarge { .. }) => false,
            Error::Batch(_) => asked == Asked::Batch,
            Error::Source(_) | Error::SourceSpared(_) => {
                let without = [Asked::Fixed, Asked::Batch, Asked::ExportStatus, Asked::ExportEnd];
                let by_body = [Asked::ReviewByBody, Asked::ValidateByBody];
                !without.contains(&asked) && !asked.is_of_codes() && !by_body.contains(&asked)
            }
        }
    }
}

/// One for each code.
fn of_reviewers() -> impl Iterator<Item = ReviewRefusal> {
    let illegal = Illegal { from: None, event: Event::Accept };
    let text = Text::new("a finding", "指摘");
    let changes = [
        NotWritten::NoText,
        NotWritten::NoRow,
        NotWritten::Several(Vec::new()),
        NotWritten::Illegal(illegal),
        NotWritten::Incomplete,
        NotWritten::UnknownCode { target: "target".to_owned() },
        NotWritten::Problem { code: "W0612", line: 1, text },
    ];
    use ReviewRefusal::{Change, Changed, File, NoHouseCode, Off, UnknownClient};
    [Off, NoHouseCode, Changed, File, UnknownClient].into_iter().chain(changes.map(Change))
}

fn of_review(reason: &ReviewRefusal, asked: Asked) -> bool {
    match reason {
        // Then nothing of it is declared.
        ReviewRefusal::Off => false,
        ReviewRefusal::NoHouseCode => asked == Asked::Review,
        // A file that is no code map can't be read either.
        ReviewRefusal::File | ReviewRefusal::Change(NotWritten::NoText) => asked.is_of_review(),
        ReviewRefusal::Changed | ReviewRefusal::UnknownClient | ReviewRefusal::Change(_) => {
            asked == Asked::ReviewByBody
        }
    }
}

fn of_bulk(reason: &BulkRefusal, asked: Asked) -> bool {
    let is_file = asked == Asked::ExportFile;
    match reason {
        BulkRefusal::NoSuchExport => asked.is_of_export(),
        // Rows for a reviewer are read as files are.
        BulkRefusal::OutsideWindow { .. } | BulkRefusal::TooManyFiles { .. } => {
            is_file || asked == Asked::Review
        }
        BulkRefusal::GroupTooLarge { .. } => is_file,
        BulkRefusal::OnlyAsync | BulkRefusal::AddressTooLong { .. } => asked.kicks_off(),
        BulkRefusal::OnlyCompactJson => asked.brings_everything(),
        BulkRefusal::OnlyHttp11 => is_file || asked.brings_everything(),
    }
}
