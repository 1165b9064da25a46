//! Last room: resources, searchsets and errors to bytes and headers. The one place where an HTTP
//! response with a FHIR body is made. Pure but for the log line of an error.

mod outcome;
mod page_issues;
mod searchset;

use actix_web::HttpResponse;
use actix_web::body::MessageBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use chrono::{DateTime, Utc};
use genkan_fhir::definitions::Definitions;
use genkan_fhir::{search, xml};
use genkan_mapping::diagnostic::Language;
use genkan_mapping::emit::Emitted;

use crate::bundle::UnitIssue;
use crate::error::Error;
use crate::exchange::Exchange;
use crate::negotiate::Format;

pub use searchset::{Links, searchset};

/// What an interaction answers: a resource as JSON, before it takes its form on the wire.
#[derive(Debug)]
pub struct Answer {
    pub json: Vec<u8>,
    pub version_id: Option<String>,
    /// FHIR `instant`
    pub last_updated: Option<String>,
}

impl Answer {
    /// A resource without a version of its own.
    pub fn of(json: Vec<u8>) -> Self {
        Answer { json, version_id: None, last_updated: None }
    }
}

/// The answer to a read. A row that can't be a resource is told as such (422), with its issues: it
/// is neither absent nor a fault of the server.
pub fn resource(emitted: Emitted) -> Result<Answer, Error> {
    let Emitted { version_id, last_updated, json, issues, .. } = emitted;
    let json = json.ok_or(Error::Unmappable(issues))?;
    Ok(Answer { json, version_id: Some(version_id), last_updated })
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

/// The end of every interaction.
pub fn respond(exchange: &Exchange, answer: Result<Answer, Error>) -> HttpResponse {
    let written = answer.and_then(|answer| {
        let body = write(exchange, answer.json)?;
        Ok(success(exchange, body, answer.version_id, answer.last_updated))
    });
    written.unwrap_or_else(|error| failure(exchange, &error))
}

fn success(
    exchange: &Exchange,
    body: Vec<u8>,
    version_id: Option<String>,
    last_updated: Option<String>,
) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.content_type(exchange.format.content_type());
    if let Some(version_id) = version_id {
        response.insert_header((header::ETAG, format!("W/\"{version_id}\"")));
    }
    if let Some(date) = last_updated.as_deref().and_then(http_date) {
        response.insert_header((header::LAST_MODIFIED, date));
    }
    response.body(body)
}

fn failure(exchange: &Exchange, error: &Error) -> HttpResponse {
    let status = error.status();
    log(error, status);
    exchange.stages.refuse(error.code());
    let outcome = outcome::of_error(error, exchange.language, &exchange.trace_id).to_json();
    let json = outcome.to_string().into_bytes();
    let (format, body) = match write(exchange, json.clone()) {
        Ok(body) => (exchange.format, body),
        Err(_) => (Format::Json, json),
    };
    let mut response = HttpResponse::build(status);
    response.content_type(format.content_type());
    if let Error::MethodNotAllowed { allowed } = error {
        response.insert_header((header::ALLOW, HeaderValue::from_static(allowed)));
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.insert_header((header::RETRY_AFTER, "5"));
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
            _ => "",
        };
        tracing::error!(code, issue_type, source, cause, "{}", error.message().en);
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
fn write(exchange: &Exchange, json: Vec<u8>) -> Result<Vec<u8>, Error> {
    if exchange.format == Format::Json && !exchange.pretty {
        return Ok(json);
    }
    let unreadable = |_| Error::Internal("a resource of ours is no JSON");
    let resource: serde_json::Value = serde_json::from_slice(&json).map_err(unreadable)?;
    match exchange.format {
        Format::Json => serde_json::to_vec_pretty(&resource).map_err(unreadable),
        Format::Xml => match xml::from_json(&resource) {
            Ok(text) => Ok(text.into_bytes()),
            Err(error) => {
                tracing::error!(%error, "a resource can't be written as XML");
                Err(Error::Internal("a resource of ours can't be written as XML"))
            }
        },
    }
}

/// `Last-Modified` of an `instant`. Spec: RFC 9110, 5.6.7
fn http_date(instant: &str) -> Option<String> {
    let instant = DateTime::parse_from_rfc3339(instant).ok()?.with_timezone(&Utc);
    Some(instant.format("%a, %d %b %Y %H:%M:%S GMT").to_string())
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
    fn last_modified_is_the_same_moment_in_gmt() {
        for (instant, expected) in [
            ("2023-04-01T10:00:00+09:00", Some("Sat, 01 Apr 2023 01:00:00 GMT")),
            ("2023-04-01T10:00:00.5Z", Some("Sat, 01 Apr 2023 10:00:00 GMT")),
            ("2023-04-01", None),
            ("", None),
        ] {
            assert_eq!(http_date(instant).as_deref(), expected, "{instant}");
        }
    }
}
