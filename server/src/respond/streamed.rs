//! Answers that are made while they are sent: their memory and the time in the source are bounded,
//! whatever their size. What reads slowly is read for slowly, because the next part is made when the
//! one before it is gone.
//!
//! Once the head is sent, no error can become a status. The answer then breaks off: the last chunk
//! (HTTP/1.1) is never sent and the connection is closed, so that no client takes it for complete.
//! Spec: RFC 9112, 7.1

use std::fmt;
use std::rc::Rc;

use actix_web::web::Bytes;
use actix_web::{HttpResponse, HttpResponseBuilder};
use futures::StreamExt as _;
use futures::stream::{self, LocalBoxStream};

use crate::error::Error;
use crate::exchange::Exchange;

/// Pieces of an answer in their order.
pub type Parts = LocalBoxStream<'static, Result<Bytes, Error>>;

/// An answer of unknown length.
pub struct Streamed {
    pub content_type: &'static str,
    pub parts: Parts,
}

impl fmt::Debug for Streamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streamed").field("content_type", &self.content_type).finish_non_exhaustive()
    }
}

/// What the HTTP library is told of an answer that breaks off; the log has the reason.
#[derive(Debug, thiserror::Error)]
#[error("an answer broke off")]
struct BrokenOff;

impl Streamed {
    pub(super) fn respond(self, response: &mut HttpResponseBuilder) -> HttpResponse {
        let parts = self.parts.map(|part| {
            part.map_err(|error| {
                super::log(&error, error.status());
                BrokenOff
            })
        });
        response.content_type(self.content_type).streaming(parts)
    }
}

/// Waits for the first part: until then, an error is answered like any other.
pub async fn begun(mut parts: Parts) -> Result<Parts, Error> {
    match parts.next().await {
        None => Ok(parts),
        Some(first) => Ok(stream::iter([Ok(first?)]).chain(parts).boxed_local()),
    }
}

/// What went into an answer; its line in the log comes when the answer has ended or was left.
pub struct Tally {
    exchange: Rc<Exchange>,
    pub resources: u64,
    /// Rows that are no resource.
    pub outcomes: u64,
    pub bytes: u64,
    pub statements: usize,
    pub complete: bool,
}

impl Tally {
    pub fn new(exchange: Rc<Exchange>) -> Self {
        Tally { exchange, resources: 0, outcomes: 0, bytes: 0, statements: 0, complete: false }
    }

    /// Counts a part that goes out.
    pub fn part(&mut self, bytes: Vec<u8>, statements: usize) -> Bytes {
        self.bytes += bytes.len() as u64;
        self.statements = statements;
        self.exchange.stages.count_statements(statements);
        Bytes::from(bytes)
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        let Tally { exchange, resources, outcomes, bytes, statements, complete } = self;
        let total_ms = (exchange.stages.total().as_secs_f64() * 1e6).round() / 1e3;
        let issues = exchange.stages.issues();
        // The span of the request has ended with its head.
        let trace_id = exchange.trace_id.as_str();
        tracing::info!(
            trace_id, resources, outcomes, bytes, statements, complete, total_ms, issues,
            "streamed"
        );
    }
}
