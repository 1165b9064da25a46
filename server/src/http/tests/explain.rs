//! `__explain`: the plan of a search instead of its matches, where the configuration allows that.

use super::*;

async fn asked(explain: bool, uri: &str) -> Answered {
    let fhir = FhirConfig { explain, ..FhirConfig::default() };
    let files = [("patient.map.yaml", PATIENT), ("lab.map.yaml", LAB)];
    let service = hospital(SCHEMA, &files, &rows(), &fhir, &HttpConfig::default()).await;
    send_to(service, TestRequest::get().uri(uri)).await
}

const SEARCH: &str = "/fhir/Observation?patient=Patient/patient.0001&_count=2&__explain=";

#[actix_web::test]
async fn the_plan_and_the_statements_are_told_and_nothing_is_matched() {
    let bundle = asked(true, &format!("{SEARCH}true")).await.json();
    assert_eq!(bundle["type"], "searchset");
    let entries = bundle["entry"].as_array().expect("entries");
    let [entry] = entries.as_slice() else { panic!("{entries:?}") };
    assert_eq!(entry["search"]["mode"], "outcome");
    let issues = entry["resource"]["issue"].as_array().expect("issues");
    let told: Vec<&str> = issues.iter().filter_map(|issue| issue["diagnostics"].as_str()).collect();
    for (place, part) in [
        (0, "GKN-214: plan\nsearch Observation: 2 per page"),
        (1, "GKN-214: statement of rule lab\nSELECT"),
        (2, "GKN-214: database of rule lab\n"),
    ] {
        assert!(told[place].starts_with(part), "{told:?}");
    }
    assert!(!told[1].contains("0001"), "values stay out of the statement: {}", told[1]);
}

#[actix_web::test]
async fn without_it_the_search_is_run() {
    for uri in [SEARCH.replace("&__explain=", ""), format!("{SEARCH}false")] {
        let bundle = asked(true, &uri).await.json();
        assert_eq!(bundle["entry"][0]["search"]["mode"], "match", "{uri}");
    }
}

#[actix_web::test]
async fn a_lenient_search_can_be_explained_too() {
    let fhir = FhirConfig { explain: true, ..FhirConfig::default() };
    let files = [("patient.map.yaml", PATIENT), ("lab.map.yaml", LAB)];
    let service = hospital(SCHEMA, &files, &rows(), &fhir, &HttpConfig::default()).await;
    let uri = format!("{SEARCH}true&colour=red");
    let request = TestRequest::get().uri(&uri).insert_header(("Prefer", "handling=lenient"));
    let bundle = send_to(service, request).await.json();
    let told = &bundle["entry"][0]["resource"]["issue"][0]["diagnostics"];
    assert!(told.as_str().is_some_and(|told| told.starts_with("GKN-214: plan")), "{bundle}");
}

#[actix_web::test]
async fn it_is_refused_where_it_is_off_or_wrong() {
    for (on, value, issue) in [(false, "true", "not-supported"), (true, "yes", "invalid")] {
        let answered = asked(on, &format!("{SEARCH}{value}")).await;
        assert_eq!(answered.status, 400, "{}", answered.body);
        assert_eq!(answered.json()["issue"][0]["code"], issue, "{}", answered.body);
    }
    let metadata = asked(false, "/fhir/metadata").await.body;
    assert!(!metadata.contains("__explain"));
    assert!(asked(true, "/fhir/metadata").await.body.contains("__explain"));
}
