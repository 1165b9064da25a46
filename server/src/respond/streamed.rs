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
use tracing::Span;

use crate::error::Error;
use crate::exchange::Exchange;
use crate::fetch::Fetch;

/// Pieces of an answer in their order. An empty one only says that the work goes well so far.
pub type Parts = LocalBoxStream<'static, Result<Bytes, Error>>;

/// An answer of unknown length.
pub struct Streamed {
    pub exchange: Rc<Exchange>,
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
        // On the wire an empty chunk would be the last one.
        let parts = self.parts.filter(|part| {
            let is_empty = part.as_ref().is_ok_and(Bytes::is_empty);
            std::future::ready(!is_empty)
        });
        // That of the request, which has ended by then.
        let span = Span::current();
        let parts = parts.map(move |part| {
            part.map_err(|error| {
                self.exchange.stages.refuse(error.code());
                span.in_scope(|| super::log(&error, error.status()));
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
    /// That of the request, which ends with its head.
    span: Span,
    pub resources: u64,
    /// Rows that are no resource.
    pub outcomes: u64,
    pub bytes: u64,
    pub statements: usize,
    pub complete: bool,
}

impl Tally {
    pub fn new(exchange: Rc<Exchange>) -> Self {
        let span = Span::current();
        let (resources, outcomes, bytes, statements) = (0, 0, 0, 0);
        Tally { exchange, span, resources, outcomes, bytes, statements, complete: false }
    }

    /// Counts a part that goes out.
    pub fn part(&mut self, bytes: Vec<u8>, fetch: &Fetch<'_>) -> Bytes {
        self.bytes += bytes.len() as u64;
        self.statements = fetch.statements();
        self.exchange.stages.count_statements(fetch.statements(), fetch.in_source());
        Bytes::from(bytes)
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        let Tally { exchange, span, resources, outcomes, bytes, statements, complete } = self;
        let total_ms = (exchange.stages.total().as_secs_f64() * 1e6).round() / 1e3;
        let issues = exchange.stages.issues();
        span.in_scope(|| {
            tracing::info!(
                resources, outcomes, bytes, statements, complete, total_ms, issues, "streamed"
            );
        });
    }
}
