//! The answers of a batch: each entry with the status, the tag and the time that it would have had
//! as a request of its own.
//!
//! Spec: <https://hl7.org/fhir/R4/bundle.html#batch-response>

use actix_web::http::StatusCode;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::{Answer, Body, etag, judged, log, outcome};
use crate::error::Error;
use crate::exchange::Exchange;

/// What an entry is to hold besides its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    Resource,
    /// Of a HEAD.
    Head,
}

/// An answer on its way into an entry.
pub struct Answered {
    pub answer: Answer,
    pub wants: Wants,
}

/// An entry of the response.
pub struct EntryAnswer {
    resource: Option<Vec<u8>>,
    response: Value,
}

impl EntryAnswer {
    /// What it adds to the response, nearly.
    pub fn bytes(&self) -> usize {
        self.resource.as_ref().map_or(0, Vec::len) + 256
    }
}

/// Under the conditions of the entry.
pub fn entry(exchange: &Exchange, answered: Result<Answered, Error>) -> EntryAnswer {
    let judged = answered.and_then(|Answered { answer, wants }| {
        Ok(Answered { answer: judged(exchange, answer)?, wants })
    });
    match judged {
        Ok(Answered { answer, wants }) => success(exchange, answer, wants),
        Err(error) => failure(exchange, &error),
    }
}

fn success(exchange: &Exchange, answer: Answer, wants: Wants) -> EntryAnswer {
    let (tag, modified) = (etag(&answer), answer.modified(exchange));
    let (status, resource) = match answer.body {
        Body::Unchanged => (StatusCode::NOT_MODIFIED, None),
        Body::Json(json) | Body::Document(json) => {
            (StatusCode::OK, (wants == Wants::Resource).then_some(json))
        }
    };
    let mut response = json!({"status": line(status)});
    if let Some(tag) = tag {
        response["etag"] = tag.into();
    }
    if let Some(modified) = modified {
        response["lastModified"] = instant(modified).into();
    }
    EntryAnswer { resource, response }
}

fn failure(exchange: &Exchange, error: &Error) -> EntryAnswer {
    let status = error.status();
    log(error, status);
    let outcome = outcome::of_error(error, exchange.language, &exchange.trace_id).to_json();
    let response = json!({"status": line(status), "outcome": outcome});
    EntryAnswer { resource: None, response }
}

/// `404 Not Found`
fn line(status: StatusCode) -> String {
    format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or_default())
}

fn instant(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The whole, around resources as they were emitted.
pub fn response(entries: &[EntryAnswer]) -> Answer {
    let size: usize = entries.iter().map(EntryAnswer::bytes).sum();
    let mut out = Vec::with_capacity(size + 256);
    out.extend_from_slice(br#"{"resourceType":"Bundle","type":"batch-response""#);
    let mut separator: &[u8] = br#","entry":["#;
    for EntryAnswer { resource, response } in entries {
        out.extend_from_slice(separator);
        separator = b",";
        out.push(b'{');
        if let Some(resource) = resource {
            out.extend_from_slice(br#""resource":"#);
            out.extend_from_slice(resource);
            out.push(b',');
        }
        out.extend_from_slice(br#""response":"#);
        out.extend_from_slice(response.to_string().as_bytes());
        out.push(b'}');
    }
    out.extend_from_slice(if entries.is_empty() { b"}".as_slice() } else { b"]}" });
    Answer::of(out)
}
