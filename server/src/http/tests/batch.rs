//! Batches: each entry is answered as if it had come alone, and none takes the others with it.

use serde_json::json;

use super::*;

async fn batch_with(fhir: &FhirConfig, body: Value) -> Answered {
    let files = [("patient.map.yaml", PATIENT), ("lab.map.yaml", LAB)];
    let service = hospital(SCHEMA, &files, &rows(), fhir, &HttpConfig::default()).await;
    let request = TestRequest::post()
        .uri("/fhir")
        .insert_header(("Content-Type", "application/fhir+json"))
        .set_payload(body.to_string());
    send_to(service, request).await
}

async fn batch(entries: Value) -> Answered {
    let body = json!({"resourceType": "Bundle", "type": "batch", "entry": entries});
    batch_with(&FhirConfig::default(), body).await
}

fn entry(method: &str, url: &str) -> Value {
    json!({"request": {"method": method, "url": url}})
}

#[actix_web::test]
async fn each_entry_is_answered_as_if_it_had_come_alone() {
    let urls = [
        ("Patient/patient.0001", 200),
        ("Patient?gender=female", 200),
        ("Observation?_count=1&_include=Observation:subject", 200),
        ("https://fhir.test/fhir/Patient/patient.0002?_elements=gender", 200),
        ("metadata", 200),
        ("Patient/patient.9999", 404),
        ("Nothing", 404),
        ("Observation/lab.2", 422),
        ("Patient?favourite=1", 400),
        ("Patient/patient.0001/_history", 404),
        ("Patient/patient.0001/_history/1", 404),
        ("Patient/patient.0001/$everything-else", 404),
        ("", 404),
    ];
    let entries: Vec<Value> = urls.iter().map(|(url, _)| entry("GET", url)).collect();
    let answered = batch(json!(entries)).await;
    assert_eq!(answered.status, 200, "{}", answered.body);
    let bundle = answered.json();
    assert_eq!(bundle["type"], "batch-response");
    let mut statements = 0;
    for ((url, status), answer) in urls.iter().zip(bundle["entry"].as_array().expect("entries")) {
        let line = answer["response"]["status"].as_str().unwrap_or_default();
        assert!(line.starts_with(&format!("{status} ")), "{url}: {answer}");
        let path = url.strip_prefix("https://fhir.test/fhir/").unwrap_or(url);
        let alone = get(&format!("/fhir/{path}")).await;
        statements += alone.statements().unwrap_or(0);
        if *status == 200 && *url != "metadata" {
            assert_eq!(answer["resource"], alone.json(), "{url}");
            assert_eq!(answer["response"]["etag"].as_str(), alone.header("etag"), "{url}");
        }
        if *status >= 400 && !url.is_empty() {
            assert_eq!(alone.status, *status, "{url}");
            let outcome = &answer["response"]["outcome"];
            assert_eq!(outcome["resourceType"], "OperationOutcome", "{url}");
            assert_eq!(outcome["issue"], alone.json()["issue"], "{url}");
        }
    }
    assert_eq!(answered.statements(), Some(statements), "the sum of what each costs alone");
}

#[actix_web::test]
async fn what_is_no_read_is_refused_in_its_entry_and_the_others_are_answered() {
    let with = |name: &str, value: Value| {
        let mut entry = entry("GET", "Patient/patient.0001");
        entry["request"][name] = value;
        entry
    };
    let body = json!({"resourceType": "Patient"});
    let entries = [
        (entry("PUT", "Patient/patient.0001"), "405"),
        (entry("DELETE", "Patient/patient.0001"), "405"),
        (json!({"resource": body, "request": {"method": "POST", "url": "Patient"}}), "405"),
        (entry("PATCH", "Patient/patient.0001"), "405"),
        (entry("FETCH", "Patient/patient.0001"), "400"),
        (json!({"request": {"method": "GET"}}), "400"),
        (json!({"resource": body}), "400"),
        (json!({"resource": body, "request": {"method": "GET", "url": "Patient"}}), "400"),
        (json!(7), "400"),
        (entry("GET", "https://other.test/fhir/Patient/patient.0001"), "400"),
        (entry("GET", "/fhir/Patient/patient.0001"), "400"),
        (entry("GET", "Patient?_format=xml"), "400"),
        (with("ifMatch", json!("W/\"1\"")), "400"),
        (with("ifNoneExist", json!("name=x")), "400"),
        (with("ifModifiedSince", json!("yesterday")), "400"),
        (with("ifNoneMatch", json!(7)), "400"),
        (entry("GET", "Patient/patient.0001"), "200"),
        (entry("HEAD", "Patient/patient.0001"), "200"),
    ];
    let sent: Vec<&Value> = entries.iter().map(|(entry, _)| entry).collect();
    let bundle = batch(json!(sent)).await.json();
    let answers = bundle["entry"].as_array().expect("entries");
    assert_eq!(answers.len(), entries.len());
    for ((sent, status), answer) in entries.iter().zip(answers) {
        let line = answer["response"]["status"].as_str().unwrap_or_default();
        assert!(line.starts_with(status), "{sent}: {answer}");
        let failed = answer["response"]["outcome"]["resourceType"] == "OperationOutcome";
        assert_eq!(failed, *status != "200", "{sent}: {answer}");
    }
    let head = answers.last().expect("the HEAD");
    assert!(head.get("resource").is_none() && head["response"]["etag"].is_string(), "{head}");
}

#[actix_web::test]
async fn conditions_are_those_of_each_entry() {
    let first = batch(json!([entry("GET", "Patient/patient.0001")])).await.json();
    let tag = &first["entry"][0]["response"]["etag"];
    let modified = first["entry"][0]["response"]["lastModified"].as_str().expect("a time");
    let mut same = entry("GET", "Patient/patient.0001");
    same["request"]["ifNoneMatch"] = tag.clone();
    let mut other = entry("GET", "Patient/patient.0001");
    other["request"]["ifNoneMatch"] = json!("W/\"abc\"");
    let mut before = entry("GET", "Patient/patient.0001");
    before["request"]["ifModifiedSince"] = json!("2020-01-01T00:00:00+09:00");
    let bundle = batch(json!([same, other, before])).await.json();
    let status = |index: usize| bundle["entry"][index]["response"]["status"].clone();
    assert_eq!(
        (status(0), status(1), status(2)),
        ("304 Not Modified".into(), "200 OK".into(), "200 OK".into())
    );
    assert!(bundle["entry"][0].get("resource").is_none());
    assert!(chrono::DateTime::parse_from_rfc3339(modified).is_ok(), "{modified}");
}

#[actix_web::test]
async fn what_is_no_batch_is_refused_as_a_whole_with_its_reason() {
    let bundle = |kind: &str| json!({"resourceType": "Bundle", "type": kind, "entry": []});
    for (body, status, code) in [
        (bundle("transaction"), 400, "GKN-121"),
        (bundle("collection"), 400, "GKN-120"),
        (json!({"resourceType": "Patient"}), 400, "GKN-120"),
        (json!([]), 400, "GKN-120"),
        (json!({"resourceType": "Bundle", "type": "batch", "entry": {}}), 400, "GKN-120"),
        (bundle("batch"), 200, ""),
    ] {
        let answered = batch_with(&FhirConfig::default(), body.clone()).await;
        assert_eq!(answered.status, status, "{body}: {}", answered.body);
        assert!(answered.body.contains(code), "{body}: {}", answered.body);
    }
    let broken = TestRequest::post()
        .uri("/fhir")
        .insert_header(("Content-Type", "application/json"))
        .set_payload("{\"resourceType\":");
    assert_eq!(send(broken).await.status, 400);
    assert_eq!(get("/fhir").await.header("allow"), Some("POST"));
}

#[actix_web::test]
async fn a_batch_has_a_number_of_entries_and_a_size_that_its_answers_share() {
    let many = |count: usize| vec![entry("GET", "Patient/patient.0001"); count];
    let body = |count| json!({"resourceType": "Bundle", "type": "batch", "entry": many(count)});
    let few = FhirConfig { batch_entries_max: 2, ..FhirConfig::default() };
    assert_eq!(batch_with(&few, body(2)).await.status, 200);
    let refused = batch_with(&few, body(3)).await;
    assert_eq!((refused.status, refused.body.contains("GKN-122")), (413, true));
    // Two answers fit, the others are told; none of them is lost.
    for parallel in [1, 4] {
        let small = FhirConfig {
            batch_bytes_max: 1000,
            batch_parallel_max: parallel,
            ..FhirConfig::default()
        };
        let bundle = batch_with(&small, body(6)).await.json();
        let answers = bundle["entry"].as_array().expect("entries");
        let resources = answers.iter().filter(|answer| answer.get("resource").is_some()).count();
        assert_eq!((answers.len(), resources), (6, 2), "{parallel}");
        let last = &answers[5]["response"];
        assert_eq!(last["status"], "400 Bad Request", "{last}");
        assert!(last.to_string().contains("GKN-123"), "{last}");
    }
}
