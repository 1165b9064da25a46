//! A small HTTP client: every status is an answer, and no connection outlives the patience of a
//! test. Not the product's own client, so that both can't be wrong in the same way.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;
use ureq::Agent;
use ureq::http::{HeaderMap, Request, Response};
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig, TlsProvider};

use super::{Authority, Identity};

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
        Self::with(base, TlsConfig::default())
    }

    /// Over TLS: trusts the servers of this authority, and shows a certificate if it has one.
    pub fn over_tls(
        base: impl Into<String>,
        trusted: &Authority,
        shown: Option<&Identity>,
    ) -> Result<Self> {
        let root = Certificate::from_pem(trusted.pem().as_bytes())?;
        let own = shown.map(|identity| {
            let (certificate, key) = identity.pem();
            let chain = [Certificate::from_pem(certificate.as_bytes())?];
            anyhow::Ok(ClientCert::new_with_certs(&chain, PrivateKey::from_pem(key.as_bytes())?))
        });
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .root_certs(RootCerts::new_with_certs(&[root]))
            .client_cert(own.transpose()?);
        Ok(Self::with(base, tls.build()))
    }

    fn with(base: impl Into<String>, tls: TlsConfig) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(ANSWER_SECS_MAX)))
            .max_redirects(0)
            .proxy(None)
            .tls_config(tls)
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
