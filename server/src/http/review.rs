//! `ConceptMap/[id]/$local-codes` and the like: what reads by GET, what writes by POST alone.

use actix_web::{HttpRequest, HttpResponse, web};

use super::interactions::{only_get, only_post};
use super::{answer, body, get_or_head};
use crate::parse;
use crate::review::{self, Operation};
use crate::terminology::{of_body, of_query};

pub fn configure(app: &mut web::ServiceConfig) {
    for operation in Operation::ALL {
        let path = format!("/fhir/ConceptMap/{{id}}/${}", operation.name());
        let resource = web::resource(path).app_data(web::Data::new(operation));
        app.service(match operation.writes() {
            true => resource.route(web::post().to(by_post)).default_service(web::to(only_post)),
            false => resource
                .route(web::route().guard(get_or_head()).to(by_get))
                .default_service(web::to(only_get)),
        });
    }
}

async fn by_get(
    request: HttpRequest,
    operation: web::Data<Operation>,
    id: web::Path<String>,
) -> HttpResponse {
    answer(&request, async |service, exchange| {
        let given = of_query(parse::pairs(request.query_string().as_bytes()));
        review::run(service, exchange, (**operation, &id), given).await
    })
    .await
}

/// JSON alone, which no form of a foreign page can send.
async fn by_post(
    request: HttpRequest,
    operation: web::Data<Operation>,
    id: web::Path<String>,
    payload: web::Payload,
) -> HttpResponse {
    answer(&request, async |service, exchange| {
        let given = of_query(parse::pairs(request.query_string().as_bytes()));
        let given = of_body(given, &body::resource(service, &request, payload).await?)?;
        review::run(service, exchange, (**operation, &id), given).await
    })
    .await
}
