//! The way to a collector: OTLP over HTTP, by threads of OpenTelemetry's own. Nothing that a request
//! waits for passes here; what can't be sent is dropped, and said once.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use genkan_mapping::Text;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use ureq::Agent;
use ureq::tls::{PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};

/// A collector says little.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

#[derive(Debug)]
pub struct Collector {
    agent: Agent,
    failing: AtomicBool,
}

impl Collector {
    /// # Errors
    /// If the file of its authorities can't be used.
    pub fn new(authorities: Option<&Path>, timeout: Duration) -> Result<Self, Text> {
        let mut tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()));
        if let Some(path) = authorities {
            tls = tls.root_certs(roots(path)?);
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(timeout))
            .max_redirects(0)
            .proxy(None)
            .tls_config(tls.build());
        Ok(Collector { agent: config.build().into(), failing: AtomicBool::new(false) })
    }

    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let response = self.agent.run(Request::from_parts(parts, body.as_ref()))?;
        let (parts, mut body) = response.into_parts();
        let body = body.with_config().limit(ANSWER_BYTES_MAX).read_to_vec()?;
        Ok(Response::from_parts(parts, body.into()))
    }

    /// Once when it begins to fail, and once when it goes again.
    fn tell(&self, problem: Option<String>) {
        let failing = problem.is_some();
        if self.failing.swap(failing, Ordering::Relaxed) == failing {
            return;
        }
        match problem {
            Some(cause) => {
                tracing::warn!(
                    code = "GKN-761",
                    cause,
                    "the collector takes no telemetry; it is dropped"
                );
            }
            None => tracing::info!("the collector takes telemetry again"),
        }
    }
}

fn roots(path: &Path) -> Result<RootCerts, Text> {
    let wrong = |reason: &str| {
        let path = path.display();
        let text = format!("[telemetry] ca_file {path}: {reason}");
        Text::new(text.clone(), text)
    };
    let pem = fs::read(path).map_err(|error| wrong(&error.to_string()))?;
    let items: Result<Vec<_>, _> = parse_pem(&pem).collect();
    let items = items.map_err(|error| wrong(&error.to_string()))?;
    let certificates: Vec<_> = items
        .into_iter()
        .filter_map(|item| match item {
            PemItem::Certificate(certificate) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err(wrong("no CERTIFICATE in PEM"));
    }
    Ok(RootCerts::new_with_certs(&certificates))
}

#[async_trait]
impl HttpClient for Collector {
    /// Blocks the thread that exports, which has nothing else to do.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = self.send(request);
        self.tell(match &answer {
            Err(error) => Some(error.to_string()),
            Ok(response) if response.status().is_success() => None,
            Ok(response) => Some(format!("status {}", response.status().as_u16())),
        });
        answer
    }
}
