//! The RESTful interactions: what stands in path, query and body, handed to the rooms.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use super::{answer, body};
use crate::error::Error;
use crate::links::Asked;
use crate::read::Wanted;
use crate::{capability, exchange, negotiate, openapi, parse, read, search};

pub async fn metadata(request: HttpRequest) -> HttpResponse {
    answer(&request, async |service, exchange| {
        capability::metadata(service, exchange, request.query_string())
    })
    .await
}

/// JSON only: it is no resource.
pub async fn openapi(request: HttpRequest) -> HttpResponse {
    answer(&request, async |service, exchange| {
        let query = request.query_string();
        parse::form_only(query)?;
        let accept = exchange::text(request.headers(), &header::ACCEPT);
        negotiate::json_only(&parse::pairs(query.as_bytes()), accept)?;
        Ok(openapi::document(service, exchange))
    })
    .await
}

pub async fn read_by_id(request: HttpRequest, path: web::Path<(String, String)>) -> HttpResponse {
    let (resource_type, id) = path.into_inner();
    answer(&request, async |service, exchange| {
        let (resource_type, id) = (resource_type.as_str(), id.as_str());
        let (version_id, query) = (None, request.query_string());
        read::read(service, exchange, Wanted { resource_type, id, version_id, query }).await
    })
    .await
}

pub async fn vread(
    request: HttpRequest,
    path: web::Path<(String, String, String)>,
) -> HttpResponse {
    let (resource_type, id, version) = path.into_inner();
    answer(&request, async |service, exchange| {
        let (resource_type, id) = (resource_type.as_str(), id.as_str());
        let (version_id, query) = (Some(version.as_str()), request.query_string());
        read::read(service, exchange, Wanted { resource_type, id, version_id, query }).await
    })
    .await
}

/// Of one resource, of a type, of all: the sources keep no versions.
pub async fn history(request: HttpRequest) -> HttpResponse {
    answer(&request, async |_, _| Err(Error::NoHistory)).await
}

pub async fn search_by_get(request: HttpRequest, resource_type: web::Path<String>) -> HttpResponse {
    answer(&request, async |service, exchange| {
        let pairs = parse::pairs(request.query_string().as_bytes());
        search::search(service, exchange, &resource_type, pairs).await
    })
    .await
}

pub async fn search_by_post(
    request: HttpRequest,
    resource_type: web::Path<String>,
    payload: web::Payload,
) -> HttpResponse {
    answer(&request, async |service, exchange| {
        // R4 lets the URL of a POST carry parameters too.
        let mut pairs = parse::pairs(request.query_string().as_bytes());
        let form = body::form(service, &request, payload).await?;
        pairs.extend(parse::pairs(&form));
        exchange.reform(&pairs)?;
        let asked = Asked { pairs, sealed: true };
        search::search(service, exchange, &resource_type, asked).await
    })
    .await
}

pub async fn unknown_route(request: HttpRequest) -> HttpResponse {
    answer(&request, async |_, _| Err(Error::UnknownRoute)).await
}

pub async fn only_get(request: HttpRequest) -> HttpResponse {
    answer(&request, async |_, _| Err(Error::MethodNotAllowed { allowed: "GET, HEAD" })).await
}

pub async fn only_get_or_post(request: HttpRequest) -> HttpResponse {
    answer(&request, async |_, _| Err(Error::MethodNotAllowed { allowed: "GET, HEAD, POST" })).await
}

pub async fn only_post(request: HttpRequest) -> HttpResponse {
    answer(&request, async |_, _| Err(Error::MethodNotAllowed { allowed: "POST" })).await
}
