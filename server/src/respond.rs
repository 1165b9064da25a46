//! Last room: resources, searchsets and errors to bytes and headers. The one place where an HTTP
//! response with a FHIR body is made. Pure but for the log line of an error.

mod batch;
mod explained;
mod outcome;
mod page_issues;
mod searchset;
mod streamed;

use actix_web::HttpResponse;
use actix_web::body::MessageBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::web::Bytes;
use chrono::{DateTime, Utc};
use genkan_fhir::definitions::Definitions;
use genkan_fhir::{search, xml};
use genkan_mapping::diagnostic::Language;
use genkan_mapping::emit::Emitted;

use crate::bundle::UnitIssue;
use crate::conditional::Verdict;
use crate::error::Error;
use crate::exchange::Exchange;
use crate::negotiate::{Form, Format};
use crate::sources::SourceError;
use crate::validate::operation::Judged;

pub use batch::BatchResponse;
pub use explained::explained;
pub use outcome::{of_progress, of_untold, row_line};
pub use searchset::{Links, Searchset, Told, page_tag, searchset};
pub use streamed::{Parts, Streamed, Tally, begun};

/// The client gets what it asked for.
pub const ANSWERED: StatusCode = StatusCode::OK;
/// Work goes on, or has ended, of which this is no result.
pub const ACCEPTED: StatusCode = StatusCode::ACCEPTED;
/// The client has it already.
pub const UNCHANGED: StatusCode = StatusCode::NOT_MODIFIED;

/// What an interaction answers, before it takes its form on the wire.
#[derive(Debug)]
pub struct Answer {
    pub body: Body,
    /// What its ETag says: a version, or what stands for one.
    pub tag: Option<String>,
    /// FHIR `instant`
    pub last_updated: Option<String>,
    /// Further headers of this answer.
    pub headers: Vec<(HeaderName, String)>,
}

#[derive(Debug)]
pub enum Body {
    /// A resource.
    Json(Bytes),
    /// A resource about work that goes on.
    Accepted(Bytes),
    /// JSON that is no resource.
    Manifest(Bytes),
    /// Bytes that are made while they are sent.
    Streamed(Streamed),
    /// The client has it already.
    Unchanged,
}

impl Answer {
    /// A resource without a version of its own.
    pub fn of(json: impl Into<Bytes>) -> Self {
        Answer::with(Body::Json(json.into()))
    }

    pub fn with(body: Body) -> Self {
        Answer { body, tag: None, last_updated: None, headers: Vec::new() }
    }

    pub fn unchanged(tag: Option<String>, last_updated: Option<String>) -> Self {
        Answer { tag, last_updated, ..Answer::with(Body::Unchanged) }
    }

    #[must_use]
    pub fn tagged(mut self, tag: String) -> Self {
        self.tag = Some(tag);
        self
    }

    /// Last-Modified. New rules make another resource of an old row, so that nothing counts as older
    /// than the rules that show it.
    fn modified(&self, exchange: &Exchange) -> Option<DateTime<Utc>> {
        let updated = DateTime::parse_from_rfc3339(self.last_updated.as_deref()?).ok()?;
        Some(updated.with_timezone(&Utc).max(exchange.rules_since))
    }
}

/// The answer to a read. A row that can't be a resource is told as such (422), with its issues: it
/// is neither absent nor a fault of the server.
pub fn resource(emitted: Emitted) -> Result<Answer, Error> {
    let Emitted { version_id, last_updated, json, issues, .. } = emitted;
    let json = json.ok_or(Error::Unmappable(issues))?;
    Ok(Answer { tag: Some(version_id), last_updated, ..Answer::of(json) })
}

/// Whether the client has this answer already, by what is known of it so far.
pub fn is_unchanged(exchange: &Exchange, answer: &Answer) -> bool {
    let verdict = exchange.conditions.verdict(answer.tag.as_deref(), answer.modified(exchange));
    verdict == Verdict::Unchanged
}

/// A registration unit with what is to be said of it, as Parameters.
pub fn with_issues(bundle: &[u8], issues: &[UnitIssue], language: Language) -> Answer {
    let outcome = outcome::of_unit(issues, page_issues::CODE, language).to_json().to_string();
    let parts: [&[u8]; 5] = [
        br#"{"resourceType":"Parameters","parameter":[{"name":"return","resource":"#,
        bundle,
        br#"},{"name":"issues","resource":"#,
        outcome.as_bytes(),
        b"}]}",
    ];
    Answer::of(parts.concat())
}

/// The answer of `$validate`.
pub fn outcome_of(judged: &Judged, language: Language) -> Answer {
    Answer::of(outcome::of_judged(judged, language).to_json().to_string().into_bytes())
}

/// What an ETag says of an answer that is made of these bytes.
pub fn tag_of(bytes: &[u8]) -> String {
    tag(&blake3::hash(bytes))
}

fn tag(hash: &blake3::Hash) -> String {
    let mut text = data_encoding::BASE32_NOPAD.encode(&hash.as_bytes()[..10]);
    text.make_ascii_lowercase();
    text
}

/// The end of every interaction.
pub fn respond(exchange: &Exchange, answer: Result<Answer, Error>) -> HttpResponse {
    let written = answer.and_then(|answer| success(exchange, judged(exchange, answer)?));
    written.unwrap_or_else(|error| failure(exchange, &error))
}

fn success(exchange: &Exchange, answer: Answer) -> Result<HttpResponse, Error> {
    let (tag, modified) = (etag(&answer), answer.modified(exchange));
    let mut response = HttpResponse::build(match answer.body {
        Body::Unchanged => UNCHANGED,
        Body::Accepted(_) => ACCEPTED,
        Body::Json(_) | Body::Manifest(_) | Body::Streamed(_) => ANSWERED,
    });
    let ours = [(header::ETAG, tag), (header::LAST_MODIFIED, modified.map(http_date))];
    let ours = ours.into_iter().filter_map(|(name, value)| Some((name, value?)));
    for header in ours.chain(answer.headers) {
        response.insert_header(header);
    }
    Ok(match answer.body {
        Body::Unchanged => response.finish(),
        Body::Json(json) | Body::Accepted(json) => {
            let body = write(exchange, json)?;
            response.content_type(exchange.form().format.content_type()).body(body)
        }
        Body::Manifest(json) => {
            let body = write_json(exchange.form(), json)?;
            response.content_type("application/json").body(body)
        }
        Body::Streamed(streamed) => streamed.respond(&mut response),
    })
}

/// The answer under the conditions of the request.
pub fn judged(exchange: &Exchange, answer: Answer) -> Result<Answer, Error> {
    match exchange.conditions.verdict(answer.tag.as_deref(), answer.modified(exchange)) {
        Verdict::Send => Ok(answer),
        Verdict::Unchanged => Ok(Answer { body: Body::Unchanged, ..answer }),
        Verdict::Failed => Err(Error::PreconditionFailed),
    }
}

/// Weak: a version is the same in JSON and XML, compressed or not.
fn etag(answer: &Answer) -> Option<String> {
    answer.tag.as_ref().map(|tag| format!("W/\"{tag}\""))
}

fn failure(exchange: &Exchange, error: &Error) -> HttpResponse {
    let status = error.status();
    log(error, status);
    exchange.stages.refuse(error.code());
    let outcome = outcome::of_error(error, exchange.language, &exchange.trace_id).to_json();
    let json = Bytes::from(outcome.to_string());
    let (format, body) = match write(exchange, json.clone()) {
        Ok(body) => (exchange.form().format, body),
        Err(_) => (Format::Json, json),
    };
    let mut response = HttpResponse::build(status);
    response.content_type(format.content_type());
    if let Error::MethodNotAllowed { allowed } = error {
        response.insert_header((header::ALLOW, HeaderValue::from_static(allowed)));
    }
    if matches!(error, Error::UnsupportedCoding) {
        // RFC 9110, 12.5.3: it was the coding, not the form.
        response.insert_header((header::ACCEPT_ENCODING, "identity"));
    }
    if status == StatusCode::UPGRADE_REQUIRED {
        // RFC 9110, 15.5.22
        response.insert_header((header::UPGRADE, "HTTP/1.1"));
    }
    if let Some(seconds) = error.retry_after() {
        response.insert_header((header::RETRY_AFTER, seconds.to_string()));
    }
    if matches!(error, Error::BodyTooLarge { .. } | Error::BodyTimeout { .. }) {
        // The rest of the body is not worth reading.
        response.force_close();
    }
    response.body(body)
}

/// A failure is logged once, here. No values of the request and no ids go into the log.
fn log(error: &Error, status: StatusCode) {
    let code = error.code();
    let issue_type = error.issue_type().code();
    if status.is_server_error() {
        let cause = match error {
            Error::Source(failed) => failed.error.message.as_str(),
            Error::Internal(cause) => cause,
            _ => "",
        };
        let source = match error {
            Error::Source(failed) => failed.source_name.as_str(),
            Error::SourceSpared(spared) => spared.source_name.as_str(),
            _ => "",
        };
        tracing::error!(code, issue_type, source, cause, "{}", error.message().en);
    } else if let Error::Source(SourceError { source_name, error: failure }) = error {
        // A client asked for too much: which limit of ours that was.
        let (source, cause) = (source_name.as_str(), failure.message.as_str());
        tracing::warn!(code, issue_type, source, cause, "{}", error.message().en);
    } else if let Error::Parameters(refused) = error {
        // A name that nobody knows may be a value in the wrong place.
        let known = |name| search::known_name(Definitions::r4(), name).unwrap_or("unknown");
        let names: Vec<&str> = refused.iter().map(|parameter| known(&parameter.name)).collect();
        tracing::info!(code, issue_type, parameters = names.join(" "), "refused");
    } else {
        tracing::info!(code, issue_type, "refused");
    }
}

/// The resource in the form of the exchange. Compact JSON goes out as it is.
fn write(exchange: &Exchange, json: Bytes) -> Result<Bytes, Error> {
    let form = exchange.form();
    match form.format {
        Format::Json => write_json(form, json),
        Format::Xml => match xml::from_json(&read(&json)?) {
            Ok(text) => Ok(text.into()),
            Err(error) => {
                tracing::error!(%error, "a resource can't be written as XML");
                Err(Error::Internal("a resource of ours can't be written as XML"))
            }
        },
    }
}

fn write_json(form: Form, json: Bytes) -> Result<Bytes, Error> {
    match form.pretty {
        false => Ok(json),
        true => serde_json::to_vec_pretty(&read(&json)?).map(Bytes::from).map_err(|_| NO_JSON),
    }
}

const NO_JSON: Error = Error::Internal("a resource of ours is no JSON");

fn read(json: &[u8]) -> Result<serde_json::Value, Error> {
    serde_json::from_slice(json).map_err(|_| NO_JSON)
}

/// As headers have it. Spec: RFC 9110, 5.6.7
pub fn http_date(moment: DateTime<Utc>) -> String {
    moment.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// A word for probes.
pub fn plain(text: impl MessageBody + 'static) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body(text)
}

/// Whether requests are taken, and what there is to know beside it. A probe looks at the status only.
pub fn readiness(ready: bool, report: &serde_json::Value) -> HttpResponse {
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    HttpResponse::build(status).content_type("application/json").body(report.to_string())
}

/// Numbers in the text format of Prometheus.
pub fn metrics(text: anyhow::Result<String>) -> HttpResponse {
    match text {
        Ok(text) => {
            let form = "text/plain; version=0.0.4; charset=utf-8";
            HttpResponse::Ok().content_type(form).body(text)
        }
        Err(error) => {
            tracing::error!(%error, "no metrics");
            HttpResponse::InternalServerError().finish()
        }
    }
}

/// For a request that no entrance has seen: without one there is nothing to answer in.
pub fn outside_the_entrance() -> HttpResponse {
    HttpResponse::InternalServerError().finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_modified_is_in_gmt_and_no_older_than_the_rules() {
        let mut exchange = Exchange::local("https://fhir.test/fhir");
        exchange.rules_since = "2023-04-01T01:00:01Z".parse().expect("an instant");
        for (instant, expected) in [
            (Some("2023-04-01T10:00:03+09:00"), Some("Sat, 01 Apr 2023 01:00:03 GMT")),
            (Some("2023-04-01T10:00:00+09:00"), Some("Sat, 01 Apr 2023 01:00:01 GMT")),
            (Some("2023-04-01T10:00:00.5Z"), Some("Sat, 01 Apr 2023 10:00:00 GMT")),
            (Some("2023-04-01"), None),
            (None, None),
        ] {
            let last_updated = instant.map(str::to_owned);
            let answer = Answer { last_updated, ..Answer::of(Bytes::new()) };
            let modified = answer.modified(&exchange).map(http_date);
            assert_eq!(modified.as_deref(), expected, "{instant:?}");
        }
    }
}
