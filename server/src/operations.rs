//! `[operations]`: a listener of its own for those who watch over Genkan, so that they are answered
//! when the data API is full, and so that the data API shows nothing of it.
//!
//! `/livez`: the process answers. `/readyz`: requests are taken; what is not well is told beside it,
//! for a source that is away is a degraded service and not one to be restarted. `/metrics`: numbers
//! in Prometheus' text format. None of them asks anything of the hospital's systems: what requests
//! have seen of a source is told, and a look every now and then where there were none.

mod clock;
mod look;
mod readiness;

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::{HttpResponse, web};
use serde::Deserialize;

use crate::http::tls::Tls;
use crate::http::{self, HttpConfig};
use crate::respond;
use crate::service::Served;
use crate::telemetry::Telemetry;
use clock::Clock;

pub use clock::RELEASED;
pub use look::look;

/// `[operations]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OperationsConfig {
    /// Without it there is no such listener.
    pub listen: Option<String>,
    /// A source that no request has asked for so long is looked at: one small statement.
    pub source_look_secs: u64,
}

impl Default for OperationsConfig {
    fn default() -> Self {
        OperationsConfig { listen: None, source_look_secs: 30 }
    }
}

/// What is told of a serving process.
pub struct Operating {
    pub served: web::Data<Served>,
    pub requests_max: usize,
    pub tls: Option<Arc<Tls>>,
    clock: Clock,
    stopping: AtomicBool,
}

impl Operating {
    pub fn new(served: web::Data<Served>, http: &HttpConfig, tls: Option<Arc<Tls>>) -> Self {
        Operating {
            served,
            requests_max: http.requests_max,
            tls,
            clock: Clock::start(),
            stopping: AtomicBool::new(false),
        }
    }

    /// From now on no new requests are taken; those in work go on.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }
}

/// A server on one thread of its own; it ends by its handle, not by signals.
pub fn server(
    operating: Arc<Operating>,
    telemetry: web::Data<Telemetry>,
    listener: TcpListener,
) -> anyhow::Result<(Server, ServerHandle)> {
    let config = HttpConfig { workers: 1, connections_max: 64, ..HttpConfig::default() };
    let operating = web::Data::from(operating);
    let server = http::server(&config, listener, http::Signals::Ignored, None, move |app| {
        app.app_data(operating.clone()).app_data(telemetry.clone());
        routes(app);
    })?;
    let handle = server.handle();
    Ok((server, handle))
}

fn routes(app: &mut web::ServiceConfig) {
    app.service(http::probe("/livez", http::live))
        .service(http::probe("/readyz", ready))
        .service(http::probe("/metrics", metrics));
}

async fn ready(operating: web::Data<Operating>) -> HttpResponse {
    let stopping = operating.stopping.load(Ordering::Relaxed);
    respond::readiness(!stopping, &readiness::report(&operating, stopping))
}

async fn metrics(telemetry: web::Data<Telemetry>) -> HttpResponse {
    respond::metrics(telemetry.text())
}

/// How often sources are looked at; never more than once a second.
pub fn pause(config: &OperationsConfig) -> Duration {
    Duration::from_secs(config.source_look_secs.max(1))
}
