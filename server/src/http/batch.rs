//! `POST /fhir`.

use actix_web::{HttpRequest, HttpResponse, Resource, web};

use super::interactions::only_post;
use super::{answer, body};
use crate::{batch, parse};

pub fn resource() -> Resource {
    web::resource(["/fhir", "/fhir/"])
        .route(web::post().to(by_post))
        .default_service(web::to(only_post))
}

async fn by_post(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    answer(&request, async |service, exchange| {
        parse::form_only(request.query_string())?;
        let bytes = body::resource(service, &request, payload).await?;
        batch::batch(service, exchange, &bytes).await
    })
    .await
}
