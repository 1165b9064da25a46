//! The operations on codes: `/fhir/CodeSystem/$lookup` and the like, by GET and by POST.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use super::interactions::only_get_or_post;
use super::{answer, body, get_or_head};
use crate::exchange;
use crate::parse;
use crate::terminology::{self, Operation, of_body, of_query};

pub fn configure(app: &mut web::ServiceConfig) {
    for operation in Operation::ALL {
        let (of, name) = (operation.resource_type(), operation.name());
        let of_type = format!("/fhir/{of}/${name}");
        let of_one = format!("/fhir/{of}/{{id}}/${name}");
        let paths = if operation.on_instance() { vec![of_type, of_one] } else { vec![of_type] };
        app.service(
            web::resource(paths)
                .app_data(web::Data::new(operation))
                .route(web::route().guard(get_or_head()).to(by_get))
                .route(web::post().to(by_post))
                .default_service(web::to(only_get_or_post)),
        );
    }
}

async fn by_get(request: HttpRequest, operation: web::Data<Operation>) -> HttpResponse {
    answer(&request, async |service, exchange| {
        let given = of_query(parse::pairs(request.query_string().as_bytes()));
        let id = request.match_info().get("id");
        terminology::run(service, exchange, (**operation, id), given).await
    })
    .await
}

async fn by_post(
    request: HttpRequest,
    operation: web::Data<Operation>,
    payload: web::Payload,
) -> HttpResponse {
    answer(&request, async |service, exchange| {
        let mut given = of_query(parse::pairs(request.query_string().as_bytes()));
        // R4 lets a call without parameters have no body.
        if exchange::text(request.headers(), &header::CONTENT_TYPE).is_some() {
            given = of_body(given, &body::resource(service, &request, payload).await?)?;
        }
        let id = request.match_info().get("id");
        terminology::run(service, exchange, (**operation, id), given).await
    })
    .await
}
