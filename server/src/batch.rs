//! `POST /fhir` with a Bundle of type batch: several reads and searches in one request, answered one
//! after the other, so that a batch takes no more of the source at a time than a single request.
//!
//! Spec: <https://hl7.org/fhir/R4/http.html#transaction>

use chrono::{DateTime, Utc};
use genkan_mapping::diagnostic::Text;
use serde::Deserialize;
use serde_json::Value;

use crate::conditional::Conditions;
use crate::error::Error;
use crate::exchange::Exchange;
use crate::parse;
use crate::read::Wanted;
use crate::respond::{self, Answer};
use crate::service::Service;
use crate::terminology::{self, Operation, of_query};
use crate::{capability, read, search};

/// What one batch may ask for.
#[derive(Debug, Clone, Copy)]
pub struct BatchLimits {
    pub entries_max: usize,
    /// Of the answer; an entry that would begin behind them is refused.
    pub bytes_max: usize,
}

/// Why a batch, or an entry of it, is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchProblem {
    NotABundle,
    /// Nothing is written here, so that there is nothing to do as a whole or not at all.
    Transaction,
    OtherType,
    TooManyEntries {
        max: usize,
    },
    /// An entry without `request.method` and `request.url`, or with a resource, or for a write.
    BadEntry,
    /// `_format` and `_pretty` of an entry: the whole answer has one form.
    FormOfEntry,
    /// The answer is full.
    TooLarge {
        bytes_max: usize,
    },
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Batch {
    resource_type: String,
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    entry: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    resource: Option<Value>,
    request: Option<Request>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    method: String,
    url: String,
    if_none_match: Option<String>,
    /// FHIR `instant`
    if_modified_since: Option<String>,
    if_match: Option<String>,
    if_none_exist: Option<String>,
}

/// Answers every entry, or none if the Bundle is no batch.
pub async fn batch(service: &Service, exchange: &Exchange, body: &[u8]) -> Result<Answer, Error> {
    let entries = entries(body, service.batch)?;
    let mut answer = respond::BatchResponse::new();
    for entry in &entries {
        let BatchLimits { bytes_max, .. } = service.batch;
        let room = answer.bytes() < bytes_max;
        let (own, answered) = match room {
            true => answered(service, exchange, entry).await,
            false => (exchange.of_entry(Conditions::default()), Err(too_large(bytes_max))),
        };
        exchange.stages.absorb(&own.stages);
        answer.push(&own, answered);
    }
    Ok(answer.end())
}

fn too_large(bytes_max: usize) -> Error {
    Error::Batch(BatchProblem::TooLarge { bytes_max })
}

fn entries(body: &[u8], limits: BatchLimits) -> Result<Vec<Entry>, Error> {
    let batch: Batch = serde_json::from_slice(body).map_err(|_| Error::BodyUnreadable)?;
    let problem = match (batch.resource_type.as_str(), batch.r#type.as_str()) {
        ("Bundle", "batch") => {
            let max = limits.entries_max;
            (batch.entry.len() > max).then_some(BatchProblem::TooManyEntries { max })
        }
        ("Bundle", "transaction") => Some(BatchProblem::Transaction),
        ("Bundle", _) => Some(BatchProblem::OtherType),
        _ => Some(BatchProblem::NotABundle),
    };
    problem.map_or(Ok(batch.entry), |problem| Err(Error::Batch(problem)))
}

/// The exchange of one entry, and what came of it.
async fn answered(
    service: &Service,
    exchange: &Exchange,
    entry: &Entry,
) -> (Exchange, Result<Answer, Error>) {
    let (url, conditions) = match asked(entry) {
        Ok(asked) => asked,
        Err(error) => return (exchange.of_entry(Conditions::default()), Err(error)),
    };
    let own = exchange.of_entry(conditions);
    let answer = interaction(service, &own, url).await;
    let answer = answer.and_then(|answer| respond::judged(&own, answer));
    (own, answer)
}

fn asked(entry: &Entry) -> Result<(&str, Conditions), Error> {
    let bad = || Error::Batch(BatchProblem::BadEntry);
    let request = entry.request.as_ref().ok_or_else(bad)?;
    match request.method.as_str() {
        "GET" if entry.resource.is_some() || request.if_none_exist.is_some() => return Err(bad()),
        "GET" => {}
        "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" => {
            return Err(Error::MethodNotAllowed { allowed: "GET" });
        }
        _ => return Err(bad()),
    }
    let since = request.if_modified_since.as_deref().map(str::parse::<DateTime<Utc>>);
    let since = since.transpose().map_err(|_| bad())?;
    let (matches, none) = (request.if_match.as_deref(), request.if_none_match.as_deref());
    Ok((&request.url, Conditions::of_entry(matches, none, since)))
}

/// The interaction of an address that is relative to our base.
async fn interaction(service: &Service, own: &Exchange, url: &str) -> Result<Answer, Error> {
    let bytes_max = service.uri_bytes_max;
    if url.len() > bytes_max {
        return Err(Error::UriTooLong { bytes_max });
    }
    let relative = relative(&own.base, url);
    let (path, query) = relative.split_once('?').unwrap_or((relative, ""));
    let pairs = parse::pairs(query.as_bytes());
    if pairs.iter().any(|(name, _)| name == "_format" || name == "_pretty") {
        return Err(Error::Batch(BatchProblem::FormOfEntry));
    }
    let read = async |resource_type, id, version_id| {
        read::read(service, own, Wanted { resource_type, id, version_id, query }).await
    };
    let segments: Vec<&str> = path.split('/').collect();
    if let Some(asked) = of_codes(&segments) {
        return terminology::run(service, own, asked, of_query(pairs)).await;
    }
    match segments.as_slice() {
        ["metadata"] => capability::metadata(service, own, query),
        ["_history"] | [_, "_history"] | [_, _, "_history"] => Err(Error::NoHistory),
        [resource_type] if is_name(resource_type) => {
            search::search(service, own, resource_type, pairs).await
        }
        [resource_type, id] if is_name(resource_type) && !id.starts_with('$') => {
            read(resource_type, id, None).await
        }
        [resource_type, id, "_history", version] if is_name(resource_type) => {
            read(resource_type, id, Some(*version)).await
        }
        _ => Err(Error::UnknownRoute),
    }
}

/// An address without our base, which ends where a segment of the path does: `…/fhirPatient` is not
/// below `…/fhir`.
fn relative<'u>(base: &str, url: &'u str) -> &'u str {
    let below = url.strip_prefix(base).filter(|rest| rest.starts_with('/'));
    let relative = below.unwrap_or(url);
    relative.strip_prefix('/').unwrap_or(relative)
}

/// An operation on codes, of a type or of one resource.
fn of_codes<'s>(segments: &[&'s str]) -> Option<(Operation, Option<&'s str>)> {
    let (of, id, name) = match segments {
        [of, name] => (of, None, name),
        [of, id, name] => (of, Some(*id), name),
        _ => return None,
    };
    let operation = Operation::of(of, name.strip_prefix('$')?)?;
    (id.is_none() || operation.on_instance()).then_some((operation, id))
}

fn is_name(segment: &str) -> bool {
    !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_alphabetic())
}

impl BatchProblem {
    pub fn message(self) -> Text {
        match self {
            BatchProblem::NotABundle => Text::new(
                "the body has to be a Bundle of type batch",
                "本文は type が batch の Bundle でなければなりません",
            ),
            BatchProblem::Transaction => Text::new(
                "a transaction writes, and nothing is written here; send the reads as type batch",
                "transaction は書き込みの仕組みです。ここでは書き込めません。読み取りは type を batch \
                 にしてください",
            ),
            BatchProblem::OtherType => Text::new(
                "`Bundle.type` has to be `batch`",
                "`Bundle.type` は `batch` でなければなりません",
            ),
            BatchProblem::TooManyEntries { max } => Text::new(
                format!("a batch may have at most {max} entries; send several"),
                format!("batch のエントリは {max} 件までです。分けて送ってください"),
            ),
            BatchProblem::BadEntry => Text::new(
                "an entry is `request.method` GET and a `request.url` that is relative to the base, \
                 without a resource; \
                 `ifModifiedSince` is an instant",
                "エントリは `request.method` が GET、`request.url` がベースからの相対 URL \
                 で、resource を持ちません。`ifModifiedSince` は instant です",
            ),
            BatchProblem::FormOfEntry => Text::new(
                "`_format` and `_pretty` belong to the address of the batch, not of an entry",
                "`_format` と `_pretty` はエントリではなく batch の URL に付けてください",
            ),
            BatchProblem::TooLarge { bytes_max } => Text::new(
                format!("the answers before this one have filled {bytes_max} bytes; ask again"),
                format!("先の応答が {bytes_max} バイトに達しました。別の要求で尋ねてください"),
            ),
        }
    }
}
