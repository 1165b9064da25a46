//! The entrance of the data API: what is checked before and said after every interaction.

use std::rc::Rc;
use std::sync::Arc;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, web};
use tracing::Instrument as _;

use super::compress;
use super::sending;
use crate::error::Error;
use crate::exchange::{self, Exchange, REQUEST_ID};
use crate::interaction::Interaction;
use crate::negotiate;
use crate::respond;
use crate::service::{Served, Service};
use crate::telemetry::{Answered, Telemetry};
use crate::trace::Trace;

/// A request that was let in, and what it sees of the site whatever is loaded meanwhile.
#[derive(Clone)]
pub struct Admitted {
    pub service: Arc<Service>,
    pub exchange: Rc<Exchange>,
}

impl Admitted {
    /// What the entrance noted of this request.
    pub fn of(request: &HttpRequest) -> Option<Self> {
        request.extensions().get::<Admitted>().cloned()
    }
}

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

pub async fn entrance(
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse, actix_web::Error> {
    let Some(served) = request.app_data::<web::Data<Served>>() else {
        return Err(actix_web::error::ErrorInternalServerError("no service"));
    };
    let service = served.now();
    let trace = Trace::of(request.headers(), &service.trace_ids);
    let trace_id = trace.id.to_string();
    let request_id = exchange::client_request_id(request.headers());
    // The path can hold an id and the query a name: neither belongs into a log.
    let span = tracing::info_span!("request", trace_id, request_id, method = %request.method());
    let request_id = request_id.unwrap_or(trace_id);
    let (exchange, entrance) = Exchange::open(&service, request.request(), request_id);
    let coding = match service.compress_bytes_min {
        Some(bytes_min) => {
            let accepted = exchange::text(request.headers(), &header::ACCEPT_ENCODING);
            Some((negotiate::coding(accepted), bytes_min))
        }
        None => None,
    };
    let exchange = Rc::new(exchange);
    let answer = async {
        let mut response = match entrance {
            Ok(()) => {
                admit(Admitted { service, exchange: Rc::clone(&exchange) }, request, next).await?
            }
            Err(error) => refuse(&exchange, request, error),
        };
        if let Some((coding, bytes_min)) = coding {
            response = compress::compressed(response, coding, bytes_min);
        }
        finish(&exchange, &mut response);
        Ok(measured(exchange, trace, response))
    };
    answer.instrument(span).await
}

/// Lets the request in if there is room.
async fn admit(
    admitted: Admitted,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse, actix_web::Error> {
    let Ok(place) = Arc::clone(&admitted.service.places).try_acquire_owned() else {
        return Ok(refuse(&admitted.exchange, request, Error::Busy));
    };
    request.extensions_mut().insert(admitted);
    let response = next.call(request).await?;
    // What is made while it is sent is work until it is sent.
    Ok(sending::at_end_of_stream(response, move || drop(place)))
}

fn refuse(exchange: &Exchange, request: ServiceRequest, error: Error) -> ServiceResponse {
    request.into_response(respond::respond(exchange, Err(error)))
}

/// The headers of every answer, and its one line in the log.
fn finish(exchange: &Exchange, response: &mut ServiceResponse) {
    let status = response.status().as_u16();
    // To the microsecond: a float's last digits can look like somebody's number.
    let total_ms = (exchange.stages.total().as_secs_f64() * 1e6).round() / 1e3;
    let stage = exchange.stages.last();
    let statements = exchange.stages.statements();
    let issues = exchange.stages.issues();
    let timing = exchange.stages.server_timing();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'"),
        (header::VARY, "Accept, Accept-Language, Accept-Encoding, Prefer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if exchange.secure {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    insert(headers, REQUEST_ID, &exchange.trace_id);
    insert(headers, SERVER_TIMING, &timing);
    tracing::info!(status, total_ms, stage, statements, issues, timing, "answered");
}

/// Into the numbers and traces, when the answer is over: a stream works until then.
fn measured(exchange: Rc<Exchange>, trace: Trace, response: ServiceResponse) -> ServiceResponse {
    let request = response.request();
    let Some(telemetry) = request.app_data::<web::Data<Telemetry>>().cloned() else {
        return response;
    };
    let (method, status) = (request.method().clone(), response.status().as_u16());
    let interaction = Interaction::of(&method, request.path());
    sending::at_end_of_stream(response, move || {
        let (method, exchange, trace) = (&method, &exchange, &trace);
        telemetry.answered(&Answered { interaction, status, method, exchange, trace });
    })
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Some(value) = HeaderValue::from_str(value).ok().filter(|value| !value.is_empty()) {
        headers.insert(name, value);
    }
}
