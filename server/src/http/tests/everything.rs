//! `$everything` of a patient and of an encounter.

use std::collections::BTreeSet;

use serde_json::json;

use super::ward::Ward;
use super::*;

const PATIENT: &str = "/fhir/Patient/patient.0001/$everything";
const VISIT: &str = "/fhir/Encounter/visit.1/$everything";

/// `mode id` of each entry in order; an outcome has no id.
fn entries(bundle: &Value) -> Vec<String> {
    let entries = bundle["entry"].as_array().map(Vec::as_slice).unwrap_or_default();
    let told = entries.iter().map(|entry| {
        let mode = entry["search"]["mode"].as_str().unwrap_or_default();
        format!("{mode} {}", entry["resource"]["id"].as_str().unwrap_or("-"))
    });
    told.collect()
}

const LABS: [&str; 10] = [
    "match lab.1",
    "match lab.2",
    "match lab.3",
    "outcome -",
    "match lab.5",
    "match lab.6",
    "match lab.7",
    "match lab.8",
    "match lab.9",
    "match lab.10",
];

/// Owner, then the compartment in the order of R4's definition, then what that refers to.
fn everything_of_1() -> Vec<String> {
    let own = ["match patient.0001", "match visit.1", "match visit.2", "match list.DM"];
    let duplicates = ["match patient.0003"];
    let included = ["include doctor.A", "include doctor.B", "include patient.0002"];
    let all = own.iter().chain(&LABS).chain(&duplicates).chain(&included);
    all.map(|text| (*text).to_owned()).collect()
}

#[actix_web::test]
async fn everything_of_a_patient_is_its_compartment_and_what_that_refers_to_once_each() {
    let ward = Ward::new(|_| {}).await;
    let answered = ward.get(PATIENT).await;
    assert_eq!(answered.status, 200, "{}", answered.body);
    assert_eq!(answered.header("content-type"), Some("application/fhir+json; charset=utf-8"));
    let bundle = answered.json();
    assert_eq!((&bundle["resourceType"], &bundle["type"]), (&json!("Bundle"), &json!("searchset")));
    let own = format!("https://fhir.test{PATIENT}");
    assert_eq!(bundle["link"], json!([{"relation": "self", "url": own}]));
    assert_eq!(entries(&bundle), everything_of_1());
    for entry in bundle["entry"].as_array().expect("entries") {
        if entry["search"]["mode"] == "outcome" {
            continue;
        }
        let resource = &entry["resource"];
        let (kind, id) = (resource["resourceType"].as_str(), resource["id"].as_str());
        let path = format!("/fhir/{}/{}", kind.expect("a type"), id.expect("an id"));
        assert_eq!(entry["fullUrl"], format!("https://fhir.test{path}"));
        assert_eq!(ward.get(&path).await.json(), *resource, "{path}");
    }
}

#[actix_web::test]
async fn statements_are_one_for_each_rule_and_child_and_further_chunks() {
    // Patient, its duplicates, visits, results, groups with their members; doctors and patients.
    for (chunk_rows, statements) in [(1000, 8), (10, 8), (5, 9), (1, 8 + 9 + 1 + 1)] {
        let ward = Ward::new(|fhir| fhir.export_chunk_rows = chunk_rows).await;
        let answered = ward.get(PATIENT).await;
        assert_eq!(entries(&answered.json()), everything_of_1(), "{chunk_rows}");
        assert_eq!(ward.statements(), statements, "{chunk_rows}");
    }
}

#[actix_web::test]
async fn pages_have_together_what_the_stream_has_and_each_what_it_refers_to() {
    let ward = Ward::new(|_| {}).await;
    let expected: BTreeSet<String> = everything_of_1().into_iter().collect();
    for count in [1, 2, 3, 7, 15, 100] {
        let mut found = Vec::new();
        let mut next = Some(format!("{PATIENT}?_count={count}"));
        while let Some(path) = next {
            let answered = ward.get(&path).await;
            assert_eq!(answered.status, 200, "{path}: {}", answered.body);
            assert_eq!(answered.statements(), Some(ward.statements()), "{path}");
            let bundle = answered.json();
            let page = entries(&bundle);
            let matches = page.iter().filter(|entry| !entry.starts_with("include"));
            assert!(matches.count() <= count, "{page:?}");
            found.extend(page);
            let links = bundle["link"].as_array().expect("links");
            let link = links.iter().find(|link| link["relation"] == "next");
            let url = link.and_then(|link| link["url"].as_str());
            next = url.map(|url| url.trim_start_matches("https://fhir.test").to_owned());
        }
        let matches: Vec<&String> = found.iter().filter(|e| !e.starts_with("include")).collect();
        let order = everything_of_1();
        let order: Vec<&String> = order.iter().filter(|e| !e.starts_with("include")).collect();
        assert_eq!(matches, order, "{count}");
        let matched = |entry: &&String| {
            let id = entry.trim_start_matches("include ");
            !expected.contains(&format!("match {id}"))
        };
        let included: BTreeSet<&String> =
            found.iter().filter(|entry| entry.starts_with("include")).filter(matched).collect();
        let once = expected.iter().filter(|entry| entry.starts_with("include")).collect();
        assert_eq!(included, once, "{count}");
    }
}

#[actix_web::test]
async fn a_page_token_belongs_to_one_operation_and_one_owner() {
    let ward = Ward::new(|_| {}).await;
    let bundle = ward.get(&format!("{PATIENT}?_count=2")).await.json();
    let next = bundle["link"][1]["url"].as_str().expect("a next page");
    let token = next.split("_page=").nth(1).expect("a token");
    for other in [
        "/fhir/Patient/patient.0002/$everything?_count=2",
        "/fhir/Encounter/visit.1/$everything?_count=2",
        "/fhir/Patient/patient.0001/$everything?_count=2&_type=Observation",
        "/fhir/Patient/patient.0001/$everything?_count=2&start=2026-01-01",
        "/fhir/Patient?_count=2",
    ] {
        let answered = ward.get(&format!("{other}&_page={token}")).await;
        assert_eq!(answered.status, 400, "{other}: {}", answered.body);
    }
    // The size of a page is no part of it.
    let answered = ward.get(&format!("{PATIENT}?_count=3&_page={token}")).await;
    assert_eq!(answered.status, 200, "{}", answered.body);
}

#[actix_web::test]
async fn parameters_choose_by_care_by_change_and_by_type() {
    let ward = Ward::new(|_| {}).await;
    let matches = |bundle: &Value| -> Vec<String> {
        let all = entries(bundle).into_iter();
        all.filter_map(|entry| entry.strip_prefix("match ").map(str::to_owned)).collect()
    };
    for (query, expected) in [
        // Who has no date of care is always there.
        (
            "start=2026-05-01",
            "patient.0001 visit.2 list.DM lab.6 lab.7 lab.8 lab.9 lab.10 patient.0003",
        ),
        ("end=2026-04", "patient.0001 visit.1 list.DM lab.1 lab.2 lab.3 lab.5 patient.0003"),
        ("start=2026-04-02&end=2026-04-30", "patient.0001 list.DM patient.0003"),
        ("_type=Encounter", "visit.1 visit.2"),
        ("_type=Encounter,Patient", "patient.0001 visit.1 visit.2 patient.0003"),
        ("_type=Encounter&_type=Practitioner", "visit.1 visit.2"),
        ("_type=Encounter&_since=2026-05-01T17:00:00.5%2B09:00", "visit.2"),
        ("_type=Encounter&_since=2026-05-01T08:00:01Z", ""),
    ] {
        let answered = ward.get(&format!("{PATIENT}?{query}")).await;
        assert_eq!(answered.status, 200, "{query}: {}", answered.body);
        assert_eq!(matches(&answered.json()).join(" "), expected, "{query}");
    }
    let bundle = ward.get(&format!("{PATIENT}?_type=Encounter,Practitioner")).await.json();
    let all = ["match visit.1", "match visit.2", "include doctor.A", "include doctor.B"];
    assert_eq!(entries(&bundle), all);
}

#[actix_web::test]
async fn what_the_tables_do_not_tell_is_said_in_the_answer() {
    let ward = Ward::new(|_| {}).await;
    let uri = format!("{PATIENT}?_type=Observation&_since=2030-01-01T00:00:00Z");
    let bundle = ward.get(&uri).await.json();
    // Results know no time of change: all of them are there, and the outcome says so.
    let entries = entries(&bundle);
    assert_eq!((entries.len(), entries.last().map(String::as_str)), (11, Some("outcome -")));
    let told = bundle["entry"][10]["resource"]["issue"][0]["diagnostics"].as_str();
    assert!(told.is_some_and(|told| told.contains("`lab`") && told.contains("_since")), "{told:?}");
}

#[actix_web::test]
async fn what_is_unknown_is_refused_before_anything_is_asked_of_the_source() {
    let ward = Ward::new(|_| {}).await;
    for (uri, status, code) in [
        ("/fhir/Patient/patient.0001/$everything?_offset=1", 400, "GKN-113"),
        ("/fhir/Patient/patient.0001/$everything?start=yesterday", 400, "GKN-113"),
        (
            "/fhir/Patient/patient.0001/$everything?start=2026-01-01&start=2026-01-02",
            400,
            "GKN-113",
        ),
        ("/fhir/Patient/patient.0001/$everything?_since=2026-01-01", 400, "GKN-113"),
        ("/fhir/Patient/patient.0001/$everything?_count=0", 400, "GKN-113"),
        ("/fhir/Patient/patient.0001/$everything?_count=x", 400, "GKN-113"),
        ("/fhir/Patient/patient.0001/$everything?_type=Procedure", 400, "GKN-113"),
        ("/fhir/Patient/patient.0001/$everything?_type=Obseration", 400, "GKN-113"),
        ("/fhir/Patient/patient.0001/$everything?_page=x", 400, "GKN-113"),
        ("/fhir/Patient/patient.0001/$everything?_count=2&_page=x", 400, "GKN-113"),
        ("/fhir/Encounter/visit.1/$everything?start=2026-01-01", 400, "GKN-113"),
        ("/fhir/Patient/patient.0001/$everything?_pretty=true", 406, "GKN-134"),
        ("/fhir/Patient/patient.0001/$everything?_format=xml", 406, "GKN-134"),
        ("/fhir/Patient/visit.1/$everything", 404, "GKN-104"),
        ("/fhir/Patient/made-up/$everything", 404, "GKN-104"),
        ("/fhir/Observation/lab.1/$everything", 404, "GKN-101"),
    ] {
        let answered = ward.get(uri).await;
        assert_eq!(answered.status, status, "{uri}: {}", answered.body);
        assert!(answered.body.contains(code), "{uri}: {}", answered.body);
        assert_eq!(ward.statements(), 0, "{uri}");
    }
    let answered = ward.get("/fhir/Patient/patient.9999/$everything").await;
    assert_eq!((answered.status, ward.statements()), (404, 1));
    let answered = ward.get("/fhir/Patient/patient.9999/$everything?_count=2").await;
    assert_eq!(answered.status, 404);
}

#[actix_web::test]
async fn a_page_also_comes_as_xml() {
    let ward = Ward::new(|_| {}).await;
    let answered = ward.get(&format!("{PATIENT}?_count=2&_format=xml")).await;
    assert_eq!(answered.status, 200, "{}", answered.body);
    assert!(answered.body.starts_with("<?xml") || answered.body.starts_with("<Bundle"));
}

#[actix_web::test]
async fn everything_of_an_encounter_is_what_belongs_to_it_with_its_patient() {
    let ward = Ward::new(|_| {}).await;
    let answered = ward.get(VISIT).await;
    assert_eq!(answered.status, 200, "{}", answered.body);
    let expected = [
        "match visit.1",
        "match lab.1",
        "match lab.2",
        "match lab.3",
        "outcome -",
        "match lab.5",
        "include doctor.A",
        "include patient.0001",
    ];
    assert_eq!(entries(&answered.json()), expected);
    assert_eq!(ward.statements(), 4);
}

#[actix_web::test]
async fn a_post_asks_for_the_same() {
    let ward = Ward::new(|_| {}).await;
    let body = json!({"resourceType": "Parameters", "parameter": [
        {"name": "start", "valueDate": "2026-05-01"},
        {"name": "_type", "valueCode": "Encounter"},
        {"name": "_type", "valueCode": "Practitioner"},
        {"name": "_count", "valueInteger": 5},
    ]});
    let answered = ward.send(TestRequest::post().uri(PATIENT).set_json(body)).await;
    assert_eq!(answered.status, 200, "{}", answered.body);
    assert_eq!(entries(&answered.json()), ["match visit.2", "include doctor.B"]);
    let answered = ward.send(TestRequest::post().uri(PATIENT)).await;
    assert_eq!(entries(&answered.json()), everything_of_1());
}

#[actix_web::test]
async fn a_head_reads_no_further_than_the_first_part() {
    let ward = Ward::new(|fhir| fhir.export_chunk_rows = 1).await;
    let answered = ward.send(TestRequest::with_uri(PATIENT).method(Method::HEAD)).await;
    assert_eq!((answered.status, answered.body.as_str()), (200, ""));
    let answered = ward
        .send(TestRequest::with_uri("/fhir/Patient/patient.9999/$everything").method(Method::HEAD))
        .await;
    assert_eq!(answered.status, 404);
}

#[actix_web::test]
async fn a_source_that_fails_before_the_first_part_is_an_error_and_later_an_answer_that_breaks_off()
{
    let ward = Ward::new(|_| {}).await;
    // All of this patient is one part: whatever fails, the client gets the status of it.
    for away_from in 1..=8 {
        let (status, body) = ward.broken(PATIENT, away_from).await;
        let body = body.expect("an answer that ends");
        assert_eq!(status, 503, "{away_from}: {}", String::from_utf8_lossy(&body));
    }
    let (status, body) = ward.broken(PATIENT, 9).await;
    assert_eq!((status, body.is_ok()), (200, true));
}

#[actix_web::test]
async fn both_operations_are_declared_where_rules_make_their_type() {
    let ward = Ward::new(|_| {}).await;
    let metadata = ward.get("/fhir/metadata").await.json();
    let resources = metadata["rest"][0]["resource"].as_array().expect("resources").clone();
    let declared: Vec<String> = resources
        .iter()
        .flat_map(|resource| resource["operation"].as_array().cloned().unwrap_or_default())
        .filter_map(|operation| operation["definition"].as_str().map(str::to_owned))
        // Every type has it.
        .filter(|definition| !definition.ends_with("/Resource-validate"))
        .collect();
    let (r4, bulk) = (
        "http://hl7.org/fhir/OperationDefinition",
        "http://hl7.org/fhir/uv/bulkdata/OperationDefinition",
    );
    assert_eq!(
        declared,
        [
            format!("{r4}/Encounter-everything"),
            format!("{bulk}/group-export"),
            format!("{r4}/Patient-everything"),
            format!("{bulk}/patient-export"),
        ]
    );
    let system = &metadata["rest"][0]["operation"];
    assert_eq!(system[0]["definition"], format!("{bulk}/export"));
}
