//! `Patient/[id]/$jp-clins-bundle` by GET and by POST. A POST keeps the number of a report out of
//! the address.

use actix_web::{HttpRequest, HttpResponse, Resource, web};

use super::interactions::{only_get, only_get_or_post};
use super::{answer, body, get_or_head};
use crate::bundle::operation;
use crate::parse;
use crate::respond::Answer;

pub fn resource() -> Resource {
    web::resource(format!("/fhir/Patient/{{id}}/${}", operation::NAME))
        .route(web::route().guard(get_or_head()).to(by_get))
        .route(web::post().to(by_post))
        .default_service(web::to(only_get_or_post))
}

pub fn definition() -> Resource {
    web::resource(format!("/fhir/OperationDefinition/Patient-{}", operation::NAME))
        .route(web::route().guard(get_or_head()).to(by_definition))
        .default_service(web::to(only_get))
}

async fn by_get(request: HttpRequest, id: web::Path<String>) -> HttpResponse {
    answer(&request, async |service, exchange| {
        let pairs = parse::pairs(request.query_string().as_bytes());
        operation::run(service, exchange, &id, &pairs).await
    })
    .await
}

async fn by_post(
    request: HttpRequest,
    id: web::Path<String>,
    payload: web::Payload,
) -> HttpResponse {
    answer(&request, async |service, exchange| {
        let mut pairs = parse::pairs(request.query_string().as_bytes());
        let bytes = body::resource(service, &request, payload).await?;
        pairs.extend(operation::pairs_of_body(&bytes)?);
        operation::run(service, exchange, &id, &pairs).await
    })
    .await
}

async fn by_definition(request: HttpRequest) -> HttpResponse {
    answer(&request, async |_, exchange| {
        Ok(Answer::of(operation::definition(&exchange.base).to_string().into_bytes()))
    })
    .await
}

#[cfg(test)]
mod tests {
    use actix_web::App;
    use actix_web::http::Method;
    use actix_web::test::{TestRequest, call_service, init_service, read_body};
    use serde_json::{Value, json};

    use super::*;
    use crate::bundle::tests::collected;
    use crate::service::Served;

    const PATH: &str = "/fhir/Patient/patient.0001/$jp-clins-bundle";

    async fn send(request: TestRequest) -> (u16, Value) {
        let service = web::Data::new(Served::new(collected::service().await));
        let app = App::new().app_data(service).configure(super::super::routes);
        let response = call_service(&init_service(app).await, request.to_request()).await;
        let status = response.status().as_u16();
        (status, serde_json::from_slice(&read_body(response).await).unwrap_or_default())
    }

    /// These rows are a unit, and no unit that the service would take.
    #[actix_web::test]
    async fn the_operation_answers_get_and_post_alike() {
        let asked = format!("{PATH}?kind=condition&as-of=2026-04-01");
        let (status, by_get) = send(TestRequest::get().uri(&asked)).await;
        let issues = by_get["issue"].as_array().expect("issues");
        let said = |start: &str| {
            let texts = issues.iter().filter_map(|issue| issue["diagnostics"].as_str());
            texts.filter(|text| text.starts_with(start)).count()
        };
        assert!(status == 422 && said("GKN-202: V1201: ") > 3, "{status} {by_get}");
        let with_place = "GKN-202: V1201: Patient.name.given is missing: 1 needed, 0 found; add it \
            (http://jpfhir.jp/fhir/eCS/StructureDefinition/JP_Patient_eCS|1.12.0) \
            [Patient/patient.0001 patient.map.yaml:11 p.NAME]";
        assert_eq!(said(with_place), 1, "{by_get}");
        let body = json!({"resourceType": "Parameters", "parameter": [
            {"name": "kind", "valueCode": "condition"},
            {"name": "as-of", "valueDate": "2026-04-01"},
        ]});
        let (status, by_post) = send(TestRequest::post().uri(PATH).set_json(body)).await;
        assert_eq!((status, &by_post), (422, &by_get));
    }

    #[actix_web::test]
    async fn what_stands_against_it_is_an_outcome_with_a_code_of_its_own() {
        let get = |query: &str| TestRequest::get().uri(&format!("{PATH}?{query}"));
        let other = |id: &str| {
            let path = PATH.replace("patient.0001", id);
            TestRequest::get().uri(&format!("{path}?kind=condition&as-of=2026-04-01"))
        };
        let form = TestRequest::post().uri(PATH).set_form([("kind", "condition")]);
        for (request, status, code) in [
            (get("kind=condition"), 400, "GKN-113"),
            (get("kind=observation"), 400, "GKN-206"),
            (get("kind=observation&report=L9"), 404, "GKN-205"),
            (other("patient.0003"), 404, "GKN-203"),
            (other("patient.0002"), 422, "GKN-202"),
            (other("patient.9999"), 404, "GKN-104"),
            (other("0001"), 404, "GKN-104"),
            (form, 415, "GKN-107"),
            (TestRequest::post().uri(PATH), 415, "GKN-107"),
            (TestRequest::default().method(Method::PUT).uri(PATH), 405, "GKN-102"),
        ] {
            let (found, outcome) = send(request).await;
            let diagnostics = outcome["issue"][0]["diagnostics"].as_str().unwrap_or("");
            assert!(found == status && diagnostics.starts_with(code), "{code}: {found} {outcome}");
        }
    }

    #[actix_web::test]
    async fn metadata_names_the_operation_and_its_definition_is_there() {
        let (_, metadata) = send(TestRequest::get().uri("/fhir/metadata")).await;
        let resources = metadata["rest"][0]["resource"].as_array().expect("resources");
        let with: Vec<(&Value, &Value)> = resources
            .iter()
            .flat_map(|resource| {
                let own = resource["operation"].as_array().into_iter().flatten();
                own.map(|operation| (&resource["type"], operation))
            })
            .filter(|(_, operation)| operation["name"] == operation::NAME)
            .collect();
        let [(of, operation)] = with.as_slice() else { panic!("{with:?}") };
        assert_eq!(*of, &json!("Patient"));
        let url = operation["definition"].as_str().expect("a URL");
        let path = url.strip_prefix("https://fhir.test").expect("our base");
        let (status, definition) = send(TestRequest::get().uri(path)).await;
        assert_eq!((status, &definition["url"]), (200, &json!(url)));
    }
}
