//! `$validate` of the server, of a type and of a resource, by GET (a resource) and by POST.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use super::interactions::{only_get_or_post, only_post};
use super::{answer_shared, body, get_or_head};
use crate::exchange;
use crate::parse;
use crate::validate::operation::{self, Level, NAME};

pub fn configure(app: &mut web::ServiceConfig) {
    let of_all = [format!("/fhir/${NAME}"), format!("/fhir/{{type}}/${NAME}")];
    app.service(
        web::resource(of_all).route(web::post().to(by_post)).default_service(web::to(only_post)),
    )
    .service(
        web::resource(format!("/fhir/{{type}}/{{id}}/${NAME}"))
            .route(web::route().guard(get_or_head()).to(by_get))
            .route(web::post().to(by_post))
            .default_service(web::to(only_get_or_post)),
    );
}

/// What stands in the path.
fn level(request: &HttpRequest) -> Level {
    let part = |name| request.match_info().get(name).map(str::to_owned);
    Level { resource_type: part("type"), id: part("id") }
}

async fn by_get(request: HttpRequest) -> HttpResponse {
    answer_shared(&request, async |service, exchange| {
        let pairs = parse::pairs(request.query_string().as_bytes());
        operation::run(service, &exchange, level(&request), pairs, None).await
    })
    .await
}

async fn by_post(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    answer_shared(&request, async |service, exchange| {
        let pairs = parse::pairs(request.query_string().as_bytes());
        // Of a resource that is here already, a call may have no body.
        let has_body = exchange::text(request.headers(), &header::CONTENT_TYPE).is_some()
            || request.match_info().get("id").is_none();
        let document =
            if has_body { Some(body::document(&service, &request, payload).await?) } else { None };
        operation::run(service, &exchange, level(&request), pairs, document).await
    })
    .await
}
