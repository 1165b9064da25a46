//! A small HTTP client: every status is an answer, and no connection outlives the patience of a
//! test. Not the product's own client, so that both can't be wrong in the same way.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;
use ureq::Agent;
use ureq::http::{HeaderMap, Request, Response};

/// A server that hangs must fail its test, not hold the machine.
const ANSWER_SECS_MAX: u64 = 60;
/// No answer of a test is larger: a server that streams without end must fail its test too.
const BODY_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// What a server answered, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    /// A header's text, or "" where it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body)
            .with_context(|| format!("status {} and no JSON: {:.500}", self.status, self.text()))
    }
}

/// Sends requests to one server.
pub struct Client {
    agent: Agent,
    base: String,
}

impl Client {
    /// `base` has no slash at its end: `http://127.0.0.1:8080`.
    pub fn new(base: impl Into<String>) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(ANSWER_SECS_MAX)))
            .max_redirects(0)
            .proxy(None)
            .build();
        Self { agent: config.into(), base: base.into() }
    }

    pub fn get(&self, path: &str) -> Result<Answer> {
        self.send("GET", path, &[], None)
    }

    pub fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<Answer> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = match body {
            Some(body) => self.agent.run(request.body(body)?),
            None => self.agent.run(request.body(())?),
        };
        read(response.with_context(|| format!("{method} {path}"))?)
    }
}

fn read(response: Response<ureq::Body>) -> Result<Answer> {
    let (parts, mut body) = response.into_parts();
    let body = body.with_config().limit(BODY_BYTES_MAX).read_to_vec()?;
    Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
}
