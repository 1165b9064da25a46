//! The HTTP server: routes, limits, time limits, and the orderly end.
//!
//! Every path of the data API passes [`entrance`], so that each answer, also to a request that no
//! route knows, is FHIR and carries the same headers.

mod batch;
mod body;
mod bulk;
mod bundle;
mod compress;
mod connection;
mod entrance;
mod health;
mod http2;
mod interactions;
mod review;
mod sending;
mod stall;
mod terminology;
pub mod tls;
mod validate;
mod wire;

use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::body::{BodySize, BoxBody, MessageBody};
use actix_http::error::DispatchError;
use actix_http::{HttpService, Protocol, Request, Response};
use actix_server::{GracefulShutdownSignal, Server};
use actix_service::{
    IntoServiceFactory as _, Service as _, ServiceFactory as _, ServiceFactoryExt as _, fn_factory,
    fn_service, map_config,
};
use actix_web::dev::{AppConfig, ServiceRequest, ServiceResponse};
use actix_web::guard::{self, Guard};
use actix_web::http::{Method, Version};
use actix_web::middleware::from_fn;
use actix_web::rt::net::TcpStream;
use actix_web::{App, HttpRequest, HttpResponse, web};
use anyhow::Context;
use connection::{Connection, Course, Patience};
use entrance::Admitted;
use futures::FutureExt as _;
use futures::future::join;
pub use health::{live, resource as probe};
use serde::Deserialize;
use stall::Unstalled;
use tls::{Tls, TlsConfig};
pub use wire::Peer;
use wire::Wire;

use crate::bulk::BulkRefusal;
use crate::error::Error;
use crate::exchange::Exchange;
use crate::respond::{self, Answer};
use crate::service::{Served, Service};
use crate::telemetry::Telemetry;

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
    /// Answers in gzip or zstd, where the client takes it.
    pub compress: bool,
    /// Smaller answers go out as they are.
    pub compress_bytes_min: usize,
    /// Requests in work at one time; one more gets 503.
    pub requests_max: usize,
    /// Open connections of each worker.
    pub connections_max: usize,
    /// After SIGTERM, requests in work get so long to finish.
    pub graceful_stop_secs: u64,
    /// Threads; 0 is one for each core.
    pub workers: usize,
    /// Without it, bytes are plain.
    pub tls: Option<TlsConfig>,
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
            compress: true,
            compress_bytes_min: 2048,
            requests_max: 256,
            connections_max: 1024,
            graceful_stop_secs: 30,
            workers: 0,
            tls: None,
        }
    }
}

/// Whose business it is to end the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signals {
    /// SIGTERM lets requests finish, SIGINT does not wait long.
    Obeyed,
    Ignored,
}

/// Serves the data API until it is told to stop.
pub async fn serve(
    served: web::Data<Served>,
    telemetry: web::Data<Telemetry>,
    config: &HttpConfig,
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
) -> anyhow::Result<()> {
    let api = move |app: &mut web::ServiceConfig| {
        app.app_data(served.clone()).app_data(telemetry.clone());
        routes(app);
    };
    server(config, listener, Signals::Obeyed, tls, api)?.await.context("the HTTP server failed")
}

/// As `actix_web::HttpServer` would build it, but with a [`Connection`] below, and TLS below that.
pub fn server(
    config: &HttpConfig,
    listener: TcpListener,
    signals: Signals,
    tls: Option<Arc<Tls>>,
    routes: impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
) -> anyhow::Result<Server> {
    let limits = Limits::of(config);
    let address = listener.local_addr().context("no local address")?;
    let mut builder = Server::build();
    if signals == Signals::Ignored {
        builder = builder.disable_signals();
    }
    let stop = builder.graceful_shutdown_signal();
    let server = builder
        .workers(workers(config))
        .max_concurrent_connections(config.connections_max)
        .shutdown_timeout(config.graceful_stop_secs)
        .listen("genkan", listener, move || {
            let (stop, tls) = (stop.clone(), tls.clone());
            let app = || {
                let app = App::new().configure(routes.clone()).wrap_fn(follow);
                app.into_factory().map_err(|error: actix_web::Error| error.error_response())
            };
            let http_1 = HttpService::build()
                .graceful_shutdown_signal({
                    let stop = stop.clone();
                    move || {
                        let stop = stop.clone();
                        async move { stop.notified().await }
                    }
                })
                // Who closes the connection waits for nothing: the work is dropped, and with it
                // the statement. (A client that closes only its half goes away with the others.)
                .h1_allow_half_closed(false)
                .keep_alive(limits.keep_alive)
                .client_request_timeout(limits.head)
                .client_disconnect_timeout(limits.head)
                .local_addr(address)
                .on_connect_ext(|connection: &Connection<Wire>, connection_values| {
                    connection_values.insert(connection.course());
                    connection_values.insert(connection.peer.clone());
                })
                .finish(map_config(app(), |()| AppConfig::default()));
            let http_2 = map_config(app(), |()| AppConfig::default());
            fn_factory(move || {
                let (stop, tls) = (stop.clone(), tls.clone());
                let services = join(http_1.new_service(()), http_2.new_service(()));
                async move {
                    let (http_1, http_2) = services.await;
                    let (http_1, http_2) = (Rc::new(http_1?), Rc::new(http_2?));
                    Ok::<_, ()>(fn_service(move |stream: TcpStream| {
                        let (http_1, http_2) = (Rc::clone(&http_1), Rc::clone(&http_2));
                        speak(stream, tls.clone(), limits, http_1, http_2, stop.clone())
                    }))
                }
            })
        })
        .context("cannot serve on this address")?;
    Ok(server.run())
}

/// One connection from its first byte to its last.
async fn speak<One, Two, B>(
    stream: TcpStream,
    tls: Option<Arc<Tls>>,
    limits: Limits,
    http_1: Rc<One>,
    http_2: Rc<Two>,
    stop: GracefulShutdownSignal,
) -> Result<(), DispatchError>
where
    One: actix_service::Service<Spoken, Response = (), Error = DispatchError>,
    Two: actix_service::Service<Request> + 'static,
    Two::Response: Into<Response<B>>,
    Two::Error: Into<Response<BoxBody>>,
    B: MessageBody + 'static,
{
    let address = stream.peer_addr().ok();
    let (connection, protocol) = connected(stream, tls.as_deref(), limits).await?;
    if protocol == Protocol::Http1 {
        return http_1.call((connection, protocol, address)).await;
    }
    let stopped = async move { stop.notified().await };
    let served = http2::serve(connection, http_2, limits.http_2(), stopped).await;
    served.map_err(DispatchError::H2)
}

/// A connection in the form that the HTTP library takes.
type Spoken = (Connection<Wire>, Protocol, Option<SocketAddr>);

/// What one connection is allowed.
#[derive(Debug, Clone, Copy)]
struct Limits {
    head: Duration,
    keep_alive: Duration,
    write_stall: Duration,
}

impl Limits {
    fn of(config: &HttpConfig) -> Self {
        let secs = Duration::from_secs;
        Limits {
            head: secs(config.header_read_timeout_secs),
            keep_alive: secs(config.idle_timeout_secs),
            write_stall: secs(config.write_stall_timeout_secs),
        }
    }

    /// The frames of an HTTP/2 connection are no heads: one that brings no request for a while is
    /// idle, whatever it sends.
    fn patience(&self, protocol: Protocol) -> Patience {
        let idle = self.keep_alive + self.head;
        match protocol {
            // The library answers 408 to a first request; it gets the time to do so.
            Protocol::Http1 => Patience { head: self.head + Duration::from_secs(1), idle },
            _ => Patience { head: idle, idle },
        }
    }

    fn http_2(&self) -> http2::Patience {
        http2::Patience { handshake: self.head, stall: self.write_stall }
    }
}

/// The handshake of a new connection, if there is one, and what is spoken then.
async fn connected(
    stream: TcpStream,
    tls: Option<&Tls>,
    limits: Limits,
) -> Result<(Connection<Wire>, Protocol), DispatchError> {
    stream.set_nodelay(true).map_err(DispatchError::Io)?;
    let stream = Unstalled::new(stream, limits.write_stall);
    let (wire, protocol, peer) = match tls {
        None => (Wire::Plain(stream), Protocol::Http1, Peer::default()),
        Some(tls) => {
            let stream = tls.accept(stream, limits.head).await.map_err(DispatchError::Io)?;
            let http_2 = tls::speaks_http2(&stream);
            let protocol = if http_2 { Protocol::Http2 } else { Protocol::Http1 };
            let peer = tls.peer(&stream);
            (Wire::Tls(Box::new(stream)), protocol, peer)
        }
    };
    Ok((Connection::new(wire, limits.patience(protocol), peer), protocol))
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
        let response = answered.await?;
        // Nobody waits for the client while the answer is still being made.
        Ok(sending::at_end_of_stream(response, move || {
            if let Some(course) = &course {
                course.answered();
            }
        }))
    }
}

fn routes(app: &mut web::ServiceConfig) {
    app.service(health::resource("/livez", health::live))
        .service(health::resource("/readyz", health::ready))
        .service(
            web::scope("")
                .wrap(from_fn(entrance::entrance))
                .service(batch::resource())
                .service(
                    web::resource("/fhir/metadata")
                        .route(web::route().guard(get_or_head()).to(interactions::metadata))
                        .default_service(web::to(interactions::only_get)),
                )
                .service(
                    web::resource("/fhir/openapi.json")
                        .route(web::route().guard(get_or_head()).to(interactions::openapi))
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
                .configure(bulk::configure)
                .configure(review::configure)
                .configure(terminology::configure)
                .configure(validate::configure)
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
    answer_shared(request, async |service, exchange| interaction(&service, &exchange).await).await
}

/// The same for an answer that goes on when the interaction has ended: the time limit is for its
/// beginning.
async fn answer_shared(
    request: &HttpRequest,
    interaction: impl AsyncFnOnce(Arc<Service>, Rc<Exchange>) -> Result<Answer, Error>,
) -> HttpResponse {
    let Some(Admitted { service, exchange }) = Admitted::of(request) else {
        // Only if a route were added outside the entrance.
        return respond::outside_the_entrance();
    };
    let (timeout_secs, deadline) = (exchange.timeout_secs, exchange.begin());
    let interaction = interaction(service, Rc::clone(&exchange));
    let answered = AssertUnwindSafe(interaction).catch_unwind();
    let answer = match tokio::time::timeout_at(deadline.into(), answered).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(Error::Internal("a panic; the log has its place")),
        Err(_) => Err(Error::RequestTimeout { timeout_secs }),
    };
    let response = respond::respond(&exchange, answer);
    if response.body().size() != BodySize::Stream {
        return response;
    }
    if request.version() < Version::HTTP_11 {
        return respond::respond(&exchange, Err(Error::Bulk(BulkRefusal::OnlyHttp11)));
    }
    match *request.method() {
        Method::HEAD => response.map_body(|_, _| BoxBody::new(())),
        _ => response,
    }
}

#[cfg(test)]
mod tests;
