//! The HTTP server: routes, limits, time limits, and the orderly end.
//!
//! Every path of the data API passes [`entrance`], so that each answer, also to a request that no
//! route knows, is FHIR and carries the same headers.

mod body;
mod bundle;
mod connection;
mod entrance;
mod health;
mod interactions;

use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, Protocol};
use actix_server::Server;
use actix_service::{IntoServiceFactory as _, ServiceFactoryExt as _, fn_service, map_config};
use actix_web::dev::{AppConfig, ServiceRequest, ServiceResponse};
use actix_web::guard::{self, Guard};
use actix_web::middleware::from_fn;
use actix_web::rt::net::TcpStream;
use actix_web::{App, HttpRequest, HttpResponse, web};
use anyhow::Context;
use connection::{Connection, Course, Patience};
use entrance::Admitted;
use futures::FutureExt as _;
use serde::Deserialize;

use crate::error::Error;
use crate::exchange::Exchange;
use crate::respond::{self, Answer};
use crate::service::{Served, Service};

/// What the HTTP library can count.
const WORKERS_MAX: usize = 512;

/// `[http]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    pub listen: String,
    /// For the request line and all headers to arrive; a slower client gets 408.
    pub header_read_timeout_secs: u64,
    pub body_read_timeout_secs: u64,
    /// From the entrance to the answer.
    pub request_timeout_secs: u64,
    /// A kept connection without a request.
    pub idle_timeout_secs: u64,
    /// A client that takes nothing of its answer for so long is cut off.
    pub write_stall_timeout_secs: u64,
    pub body_bytes_max: usize,
    pub uri_bytes_max: usize,
    /// Requests in work at one time; one more gets 503.
    pub requests_max: usize,
    /// Open connections of each worker.
    pub connections_max: usize,
    /// After SIGTERM, requests in work get so long to finish.
    pub graceful_stop_secs: u64,
    /// Threads; 0 is one for each core.
    pub workers: usize,
}

impl Default for HttpConfig {
    fn default() -> Self {
        HttpConfig {
            listen: "127.0.0.1:8080".to_owned(),
            header_read_timeout_secs: 10,
            body_read_timeout_secs: 20,
            request_timeout_secs: 60,
            idle_timeout_secs: 30,
            write_stall_timeout_secs: 30,
            body_bytes_max: 12 * 1024 * 1024,
            uri_bytes_max: 8 * 1024,
            requests_max: 256,
            connections_max: 1024,
            graceful_stop_secs: 30,
            workers: 0,
        }
    }
}

/// Serves until it is told to stop: SIGTERM lets requests finish, SIGINT does not wait long.
pub async fn serve(
    served: web::Data<Served>,
    config: &HttpConfig,
    listener: TcpListener,
) -> anyhow::Result<()> {
    server(served, config, listener)?.await.context("the HTTP server failed")
}

/// As `actix_web::HttpServer` would build it, but with a [`Connection`] below.
fn server(
    served: web::Data<Served>,
    config: &HttpConfig,
    listener: TcpListener,
) -> anyhow::Result<Server> {
    let secs = Duration::from_secs;
    let head = secs(config.header_read_timeout_secs);
    let patience = Patience {
        // The library answers 408 to a first request; it gets the time to do so.
        head: head + secs(1),
        idle: secs(config.idle_timeout_secs) + head,
        write_stall: secs(config.write_stall_timeout_secs),
    };
    let keep_alive = secs(config.idle_timeout_secs);
    let address = listener.local_addr().context("no local address")?;
    let builder = Server::build();
    let stop = builder.graceful_shutdown_signal();
    let server = builder
        .workers(workers(config))
        .max_concurrent_connections(config.connections_max)
        .shutdown_timeout(config.graceful_stop_secs)
        .listen("genkan", listener, move || {
            let stop = stop.clone();
            let app = App::new().app_data(served.clone()).configure(routes).wrap_fn(follow);
            let app = app.into_factory().map_err(|error: actix_web::Error| error.error_response());
            let http = HttpService::build()
                .graceful_shutdown_signal(move || {
                    let stop = stop.clone();
                    async move { stop.notified().await }
                })
                .keep_alive(keep_alive)
                .client_request_timeout(head)
                .client_disconnect_timeout(head)
                .local_addr(address)
                .on_connect_ext(|connection: &Connection<TcpStream>, connection_values| {
                    connection_values.insert(connection.course());
                })
                .finish(map_config(app, |()| AppConfig::default()));
            fn_service(move |stream: TcpStream| async move {
                stream.set_nodelay(true).map_err(DispatchError::Io)?;
                let peer = stream.peer_addr().ok();
                Ok((Connection::new(stream, patience), Protocol::Http1, peer))
            })
            .and_then(http)
        })
        .context("cannot serve on this address")?;
    Ok(server.run())
}

fn workers(config: &HttpConfig) -> usize {
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    NonZeroUsize::new(config.workers).unwrap_or(cores).get().min(WORKERS_MAX)
}

/// Tells the connection where its request is.
fn follow<S>(
    request: ServiceRequest,
    service: &S,
) -> impl Future<Output = Result<ServiceResponse, actix_web::Error>> + 'static + use<S>
where
    S: actix_service::Service<ServiceRequest, Response = ServiceResponse, Error = actix_web::Error>,
    S::Future: 'static,
{
    let course = request.conn_data::<Course>().cloned();
    if let Some(course) = &course {
        course.arrived();
    }
    let answered = service.call(request);
    async move {
        let response = answered.await;
        if let Some(course) = &course {
            course.answered();
        }
        response
    }
}

fn routes(app: &mut web::ServiceConfig) {
    app.service(health::resource("/livez", health::live))
        .service(health::resource("/readyz", health::ready))
        .service(
            web::scope("")
                .wrap(from_fn(entrance::entrance))
                .service(
                    web::resource("/fhir/metadata")
                        .route(web::route().guard(get_or_head()).to(interactions::metadata))
                        .default_service(web::to(interactions::only_get)),
                )
                .service(
                    web::resource("/fhir/{type}/_search")
                        .route(web::post().to(interactions::search_by_post))
                        .default_service(web::to(interactions::only_post)),
                )
                .service(
                    web::resource([
                        "/fhir/_history",
                        "/fhir/{type}/_history",
                        "/fhir/{type}/{id}/_history",
                    ])
                    .route(web::route().guard(get_or_head()).to(interactions::history))
                    .default_service(web::to(interactions::only_get)),
                )
                .service(
                    web::resource("/fhir/{type}/{id}/_history/{version}")
                        .route(web::route().guard(get_or_head()).to(interactions::vread))
                        .default_service(web::to(interactions::only_get)),
                )
                // Operations (`/fhir/$…`, `/fhir/{type}/$…`) come before the read of an id.
                .service(bundle::resource())
                .service(bundle::definition())
                .service(
                    web::resource("/fhir/{type}/{id}")
                        .route(web::route().guard(get_or_head()).to(interactions::read_by_id))
                        .default_service(web::to(interactions::only_get)),
                )
                .service(
                    web::resource("/fhir/{type}")
                        .route(web::route().guard(get_or_head()).to(interactions::search_by_get))
                        .default_service(web::to(interactions::only_get)),
                )
                .default_service(web::to(interactions::unknown_route)),
        );
}

fn get_or_head() -> impl Guard {
    guard::Any(guard::Get()).or(guard::Head())
}

/// Runs an interaction for a request that has passed the entrance, in the time that it may take. A
/// panic ends one request, not the worker with all the others on it.
async fn answer(
    request: &HttpRequest,
    interaction: impl AsyncFnOnce(&Service, &Exchange) -> Result<Answer, Error>,
) -> HttpResponse {
    let Some(Admitted { service, exchange }) = Admitted::of(request) else {
        // Only if a route were added outside the entrance.
        return respond::outside_the_entrance();
    };
    let timeout_secs = exchange.timeout_secs;
    let answered = AssertUnwindSafe(interaction(&service, &exchange)).catch_unwind();
    let answer = match tokio::time::timeout(Duration::from_secs(timeout_secs), answered).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(Error::Internal("a panic; the log has its place")),
        Err(_) => Err(Error::RequestTimeout { timeout_secs }),
    };
    respond::respond(&exchange, answer)
}

#[cfg(test)]
mod tests;
