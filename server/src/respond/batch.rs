//! The answer to a batch: a Bundle of type batch-response, written around the answers of its entries.
//!
//! Spec: <https://hl7.org/fhir/R4/bundle.html#batch-response> (Bundle.entry.response)

use actix_web::http::StatusCode;
use actix_web::web::Bytes;
use serde_json::json;

use super::{ANSWERED, Answer, Body, UNCHANGED, etag, log, outcome};
use crate::error::Error;
use crate::exchange::Exchange;

/// Grows by one entry at a time.
pub struct BatchResponse(Vec<u8>);

impl BatchResponse {
    pub fn new() -> Self {
        BatchResponse(br#"{"resourceType":"Bundle","type":"batch-response""#.to_vec())
    }

    /// Written so far.
    pub fn bytes(&self) -> usize {
        self.0.len()
    }

    /// `exchange`: the one of the entry.
    pub fn push(&mut self, exchange: &Exchange, answer: Result<Answer, Error>) {
        let opening: &[u8] = if self.0.ends_with(b"}") { b"," } else { br#","entry":["# };
        self.0.extend_from_slice(opening);
        let said = answer.as_ref().map(|answer| match &answer.body {
            Body::Json(json) => Some((ANSWERED, Some(json))),
            Body::Unchanged => Some((UNCHANGED, None)),
            // Of operations, which are no entries.
            Body::Accepted(_) | Body::Manifest(_) | Body::Streamed(_) => None,
        });
        match (&answer, said) {
            (Ok(answer), Ok(Some(said))) => self.answered(answer, said),
            (Err(error), _) => self.refused(exchange, error),
            _ => {
                self.refused(exchange, &Error::Internal("an entry with the answer of an operation"))
            }
        }
    }

    fn answered(&mut self, answer: &Answer, (status, resource): (StatusCode, Option<&Bytes>)) {
        let mut response = json!({"status": said(status)});
        if let Some(etag) = etag(answer) {
            response["etag"] = etag.into();
        }
        if let Some(updated) = &answer.last_updated {
            response["lastModified"] = updated.as_str().into();
        }
        self.0.push(b'{');
        if let Some(json) = resource {
            self.0.extend_from_slice(br#""resource":"#);
            self.0.extend_from_slice(json);
            self.0.push(b',');
        }
        self.0.extend_from_slice(format!(r#""response":{response}}}"#).as_bytes());
    }

    fn refused(&mut self, exchange: &Exchange, error: &Error) {
        let status = error.status();
        log(error, status);
        let outcome = outcome::of_error(error, exchange.language, &exchange.trace_id).to_json();
        let response = json!({"status": said(status), "outcome": outcome});
        self.0.extend_from_slice(format!(r#"{{"response":{response}}}"#).as_bytes());
    }

    pub fn end(mut self) -> Answer {
        let closing: &[u8] = if self.0.ends_with(b"}") { b"]}" } else { b"}" };
        self.0.extend_from_slice(closing);
        Answer::of(self.0)
    }
}

/// `404 Not Found`
fn said(status: StatusCode) -> String {
    format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or_default())
}
