//! `/livez` and `/readyz`, for systemd, load balancers and people. They ask nothing of the
//! hospital's system: a probe every second must not become its load.

use actix_web::{FromRequest, Handler, HttpResponse, Resource, web};

use crate::respond;

/// A path that answers GET and HEAD.
pub fn probe<H, A>(path: &str, answer: H) -> Resource
where
    H: Handler<A, Output = HttpResponse> + Clone,
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
pub async fn ready() -> HttpResponse {
    respond::plain("ready\n")
}
