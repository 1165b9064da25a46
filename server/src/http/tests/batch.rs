//! `POST /fhir`: several reads and searches in one request.

use serde_json::json;

use super::*;

async fn post(fhir: &FhirConfig, uri: &str, body: &Value) -> Answered {
    let files = [("patient.map.yaml", PATIENT), ("lab.map.yaml", LAB)];
    let service = hospital(SCHEMA, &files, &rows(), fhir, &HttpConfig::default()).await;
    let request = TestRequest::post().uri(uri).insert_header(("content-type", "application/json"));
    send_to(service, request.set_payload(body.to_string())).await
}

fn batch(entries: &[Value]) -> Value {
    json!({"resourceType": "Bundle", "type": "batch", "entry": entries})
}

fn get_of(url: &str) -> Value {
    json!({"request": {"method": "GET", "url": url}})
}

async fn entries(of: &[Value]) -> Vec<Value> {
    let answered = post(&FhirConfig::default(), "/fhir", &batch(of)).await;
    assert_eq!(answered.status, 200, "{}", answered.body);
    let bundle = answered.json();
    assert_eq!(bundle["type"], "batch-response");
    bundle["entry"].as_array().cloned().unwrap_or_default()
}

#[actix_web::test]
async fn each_entry_is_answered_as_it_would_be_alone() {
    let urls = [
        "Patient/patient.0001",
        "Observation?patient=Patient/patient.0001&_count=1",
        "https://fhir.test/fhir/Patient/patient.0002",
        "/Patient?_id=patient.0003&_elements=gender",
        "metadata",
    ];
    let asked: Vec<Value> = urls.iter().map(|url| get_of(url)).collect();
    let found = entries(&asked).await;
    assert_eq!(found.len(), urls.len());
    for (url, entry) in urls.iter().zip(found) {
        let path = url.strip_prefix("https://fhir.test/fhir").unwrap_or(url);
        let alone = get(&format!("/fhir/{}", path.trim_start_matches('/'))).await;
        assert_eq!(entry["response"]["status"], "200 OK", "{url}");
        let tags = (entry["response"]["etag"].as_str(), alone.header("etag"));
        // What was made at another moment, by another service of the test, has another date in it.
        let dated = *url == "metadata" && tags.0.is_some() && tags.1.is_some();
        assert!(dated || tags.0 == tags.1, "{url}: {tags:?}");
        let mut alone = alone.json();
        let mut resource = entry["resource"].clone();
        for statement in [&mut alone, &mut resource] {
            statement.as_object_mut().map(|of| of.remove("date"));
        }
        assert_eq!(resource, alone, "{url}");
    }
}

#[actix_web::test]
async fn one_refusal_leaves_the_other_entries_alone() {
    let put = json!({"request": {"method": "PUT", "url": "Patient/patient.0001"}});
    let with_resource = json!({"resource": {"resourceType": "Patient"},
        "request": {"method": "GET", "url": "Patient"}});
    let since = json!({"request":
        {"method": "GET", "url": "Patient/patient.0001", "ifModifiedSince": "yesterday"}});
    let long = get_of(&format!("Patient?_id={}", "a".repeat(9000)));
    let found = entries(&[
        get_of("Patient/patient.9999"),
        get_of("Patient?colour=red"),
        put,
        with_resource,
        since,
        json!({}),
        get_of("Observation/lab.2"),
        get_of("Patient/patient.0001/_history"),
        get_of("Patient/patient.0001/$everything"),
        get_of("Patient/patient.0001?_format=xml"),
        get_of("../../etc/passwd"),
        get_of("https://fhir.test/fhirPatient/patient.0001"),
        get_of("https://fhir.test/fhir"),
        get_of("https://fhir.test/fhir?_count=1"),
        long,
        get_of("Patient/patient.0001"),
    ])
    .await;
    let codes = found.iter().map(|entry| {
        let outcome = &entry["response"]["outcome"];
        let told = outcome["issue"][0]["diagnostics"].as_str().unwrap_or_default();
        let status = entry["response"]["status"].as_str().unwrap_or_default();
        (&status[..3], told.get(..7).unwrap_or_default())
    });
    let expected = [
        ("404", "GKN-104"),
        ("400", "GKN-113"),
        ("405", "GKN-102"),
        ("400", "GKN-122"),
        ("400", "GKN-122"),
        ("400", "GKN-122"),
        ("422", "GKN-201"),
        ("404", "GKN-117"),
        ("404", "GKN-101"),
        ("400", "GKN-122"),
        ("404", "GKN-101"),
        ("404", "GKN-101"),
        ("404", "GKN-101"),
        ("404", "GKN-101"),
        ("414", "GKN-109"),
        ("200", ""),
    ];
    assert_eq!(codes.collect::<Vec<_>>(), expected);
}

#[actix_web::test]
async fn an_entry_can_say_what_the_client_has() {
    let read = entries(&[get_of("Patient/patient.0001")]).await;
    let tag = &read[0]["response"]["etag"];
    let entry = |name: &str, value: &Value| json!({"request": {"method": "GET", "url": "Patient/patient.0001", name: value}});
    let found = entries(&[
        entry("ifNoneMatch", tag),
        entry("ifModifiedSince", &json!("2100-01-01T00:00:00Z")),
        entry("ifMatch", &json!("W/\"other\"")),
    ])
    .await;
    let told: Vec<&str> =
        found.iter().filter_map(|entry| entry["response"]["status"].as_str()).collect();
    assert_eq!(told, ["304 Not Modified", "304 Not Modified", "412 Precondition Failed"]);
    assert!(found.iter().all(|entry| entry.get("resource").is_none()));
    assert_eq!(&found[0]["response"]["etag"], tag);
}

#[actix_web::test]
async fn what_is_no_batch_is_refused_as_a_whole() {
    let many: Vec<Value> = vec![get_of("Patient/patient.0001"); 101];
    let default = FhirConfig::default();
    for (body, code) in [
        (json!({"resourceType": "Bundle", "type": "transaction"}), "GKN-120"),
        (json!({"resourceType": "Bundle", "type": "collection"}), "GKN-119"),
        (json!({"resourceType": "Patient"}), "GKN-119"),
        (json!([]), "GKN-111"),
        (json!({"resourceType": "Bundle", "type": "batch", "entry": 1}), "GKN-111"),
        (batch(&many), "GKN-121"),
    ] {
        let answered = post(&default, "/fhir", &body).await;
        assert!(answered.status == 400 && answered.body.contains(code), "{code} {}", answered.body);
    }
    assert_eq!(post(&default, "/fhir?patient=1", &batch(&[])).await.status, 400);
    assert_eq!(send(TestRequest::post().uri("/fhir").set_payload("{}")).await.status, 415);
    let answered = get("/fhir").await;
    assert_eq!((answered.status, answered.header("allow")), (405, Some("POST")));
}

#[actix_web::test]
async fn an_answer_that_is_full_refuses_what_comes_behind() {
    let small = FhirConfig { batch_bytes_max: 300, ..FhirConfig::default() };
    let read = get_of("Patient/patient.0001");
    let answered = post(&small, "/fhir/", &batch(&[read.clone(), read])).await;
    let bundle = answered.json();
    assert_eq!(bundle["entry"][0]["response"]["status"], "200 OK");
    let refused = &bundle["entry"][1]["response"];
    assert_eq!(refused["status"], "400 Bad Request");
    let told = refused["outcome"]["issue"][0]["diagnostics"].as_str().unwrap_or_default();
    assert!(told.starts_with("GKN-123: "), "{told}");
}

#[actix_web::test]
async fn the_whole_has_one_form_and_counts_the_statements_of_all() {
    let read = get_of("Patient/patient.0001");
    let answered =
        post(&FhirConfig::default(), "/fhir?_format=xml", &batch(std::slice::from_ref(&read)))
            .await;
    assert!(answered.body.contains("<type value=\"batch-response\"/>"), "{}", answered.body);
    let search = get_of("Observation?_total=accurate&_count=1");
    let answered = post(&FhirConfig::default(), "/fhir", &batch(&[read, search])).await;
    assert_eq!(answered.statements(), Some(3), "{:?}", answered.header("server-timing"));
    let empty = post(&FhirConfig::default(), "/fhir", &batch(&[])).await;
    assert_eq!(empty.json(), json!({"resourceType": "Bundle", "type": "batch-response"}));
}
