//! `/livez` and `/readyz`, for systemd, load balancers and people. They ask nothing of the
//! hospital's system: a probe every second must not become its load.

use actix_web::{FromRequest, Handler, HttpResponse, Resource, web};
use chrono::SecondsFormat;

use crate::respond;
use crate::service::Served;

pub fn resource<F, A>(path: &str, answer: F) -> Resource
where
    F: Handler<A, Output = HttpResponse>,
    A: FromRequest + 'static,
{
    web::resource(path).route(web::get().to(answer.clone())).route(web::head().to(answer))
}

/// The process answers.
pub async fn live() -> HttpResponse {
    respond::plain("live\n")
}

/// The rules are loaded and requests are taken. Serving starts only then, so that there is nothing
/// more to ask; a source that is away meanwhile is a degraded service, not one to be restarted.
///
/// Rules that were refused while serving are told here, and sources that are not asked for now: it is
/// ready all the same, for the rest is answered.
pub async fn ready(served: web::Data<Served>) -> HttpResponse {
    let mut told = String::from("ready\n");
    if let Some(refused) = served.refused() {
        let at = refused.at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let reason = &refused.reason.en;
        told.push_str(&format!("newer rules refused at {at}, the earlier ones serve: {reason}\n"));
    }
    let service = served.now();
    for source in service.sources.iter() {
        let (state, opened) = (source.breaker.state(), source.breaker.opened());
        if !state.is_closed() {
            let name = &source.name;
            let state = state.name();
            told.push_str(&format!("source `{name}`: breaker {state}, opened {opened} times\n"));
        }
    }
    respond::plain(told)
}
