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
/// Rules that were refused while serving are told here: the earlier ones still answer, so it is ready.
pub async fn ready(served: web::Data<Served>) -> HttpResponse {
    let Some(refused) = served.refused() else { return respond::plain("ready\n") };
    let at = refused.at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let reason = &refused.reason.en;
    respond::plain(format!(
        "ready\nnewer rules refused at {at}, the earlier ones serve: {reason}\n"
    ))
}
