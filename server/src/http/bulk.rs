//! `$everything` and `$export`, and what belongs to an export: its status and its files.

use actix_web::http::header::{self, HeaderName};
use actix_web::{HttpRequest, HttpResponse, web};

use super::interactions::{only_get, only_get_or_post};
use super::{answer, answer_shared, body, get_or_head};
use crate::bulk::BulkRefusal;
use crate::bundle::operation::pairs_of_body;
use crate::error::Error;
use crate::everything::{self, everything};
use crate::exchange::{self, Exchange};
use crate::export::{self, Export, FILE, Level, STATUS};
use crate::parse::{self, Pairs};
use crate::respond::Answer;
use crate::service::Service;

const PREFER: HeaderName = HeaderName::from_static("prefer");

pub fn configure(app: &mut web::ServiceConfig) {
    for of in everything::TYPES {
        app.service(
            web::resource(format!("/fhir/{of}/{{id}}/${}", everything::NAME))
                .app_data(web::Data::new(of))
                .route(web::route().guard(get_or_head()).to(everything_by_get))
                .route(web::post().to(everything_by_post))
                .default_service(web::to(only_get_or_post)),
        );
    }
    for path in ["/fhir/$export", "/fhir/Patient/$export", "/fhir/Group/{id}/$export"] {
        app.service(
            web::resource(path)
                .route(web::get().to(kick_off_by_get))
                .route(web::post().to(kick_off_by_post))
                .default_service(web::to(only_to_kick_off)),
        );
    }
    app.service(
        web::resource(format!("/fhir/{STATUS}/{{token}}"))
            .route(web::route().guard(get_or_head()).to(status))
            .route(web::delete().to(end))
            .default_service(web::to(only_get_or_delete)),
    )
    .service(
        web::resource(format!("/fhir/{FILE}/{{token}}"))
            .route(web::route().guard(get_or_head()).to(file))
            .default_service(web::to(only_get)),
    );
}

async fn everything_by_get(
    request: HttpRequest,
    of: web::Data<&'static str>,
    id: web::Path<String>,
) -> HttpResponse {
    answer_shared(&request, async |service, exchange| {
        let pairs = in_address(&request);
        everything(&service, &exchange, (**of, &id), pairs).await
    })
    .await
}

async fn everything_by_post(
    request: HttpRequest,
    of: web::Data<&'static str>,
    id: web::Path<String>,
    payload: web::Payload,
) -> HttpResponse {
    answer_shared(&request, async |service, exchange| {
        let pairs = in_address_and_body(&service, &exchange, &request, payload).await?;
        everything(&service, &exchange, (**of, &id), pairs).await
    })
    .await
}

async fn kick_off_by_get(request: HttpRequest) -> HttpResponse {
    answer(&request, async |service, exchange| {
        kick_off(service, exchange, &request, false, in_address(&request)).await
    })
    .await
}

async fn kick_off_by_post(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    answer(&request, async |service, exchange| {
        let pairs = in_address_and_body(service, exchange, &request, payload).await?;
        kick_off(service, exchange, &request, true, pairs).await
    })
    .await
}

async fn kick_off(
    service: &Service,
    exchange: &Exchange,
    request: &HttpRequest,
    by_post: bool,
    pairs: Pairs,
) -> Result<Answer, Error> {
    let level = match request.match_info().get("id") {
        Some(id) => Level::Group(id.to_owned()),
        None if request.path().starts_with("/fhir/Patient/") => Level::Patient,
        None => Level::System,
    };
    match &level {
        Level::System => {}
        Level::Patient => parse::known_type(service, "Patient")?,
        Level::Group(_) => parse::known_type(service, "Group")?,
    }
    if !prefers_async(request) {
        return Err(Error::Bulk(BulkRefusal::OnlyAsync));
    }
    let export = Export::read(service, level, by_post, &pairs)?;
    export::kick_off(service, exchange, export).await
}

/// `Prefer: respond-async`, alone or with others. Spec: RFC 7240, 2 and 4.1
fn prefers_async(request: &HttpRequest) -> bool {
    let lines = request.headers().get_all(PREFER).filter_map(|value| value.to_str().ok());
    let mut preferences = lines.flat_map(|line| line.split([',', ';']));
    preferences.any(|preference| preference.trim().eq_ignore_ascii_case("respond-async"))
}

async fn status(request: HttpRequest, token: web::Path<String>) -> HttpResponse {
    answer(&request, async |service, exchange| {
        parse::form_only(request.query_string())?;
        export::status(service, exchange, &token)
    })
    .await
}

async fn end(request: HttpRequest, token: web::Path<String>) -> HttpResponse {
    answer(&request, async |service, exchange| {
        parse::form_only(request.query_string())?;
        export::end(service, exchange, &token)
    })
    .await
}

async fn file(request: HttpRequest, token: web::Path<String>) -> HttpResponse {
    answer_shared(&request, async |service, exchange| {
        export::file(&service, &exchange, &token, &in_address(&request)).await
    })
    .await
}

fn in_address(request: &HttpRequest) -> Pairs {
    parse::pairs(request.query_string().as_bytes())
}

async fn in_address_and_body(
    service: &Service,
    exchange: &Exchange,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<Pairs, Error> {
    let mut pairs = in_address(request);
    // R4 lets a call without parameters have no body.
    let has_body = exchange::text(request.headers(), &header::CONTENT_TYPE).is_some();
    if has_body {
        pairs.extend(pairs_of_body(&body::resource(service, request, payload).await?)?);
        exchange.reform(&pairs)?;
    }
    Ok(pairs)
}

async fn only_to_kick_off(request: HttpRequest) -> HttpResponse {
    answer(&request, async |_, _| Err(Error::MethodNotAllowed { allowed: "GET, POST" })).await
}

async fn only_get_or_delete(request: HttpRequest) -> HttpResponse {
    answer(&request, async |_, _| Err(Error::MethodNotAllowed { allowed: "GET, HEAD, DELETE" }))
        .await
}
