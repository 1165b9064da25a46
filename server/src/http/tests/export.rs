//! Bulk Data `$export`: kick-off, status, files and end.

use chrono::{DateTime, FixedOffset, Timelike as _, Utc};
use genkan_adapter_sql::SqlConfig;
use serde_json::json;

use super::ward::Ward;
use super::*;
use crate::governor::Governor;

fn kick_off(uri: &str) -> TestRequest {
    TestRequest::get().uri(uri).insert_header(("Prefer", "respond-async"))
}

fn path(url: &str) -> String {
    url.trim_start_matches("https://fhir.test").to_owned()
}

/// The address of the status.
async fn status_of(ward: &Ward, uri: &str) -> String {
    let answered = ward.send(kick_off(uri)).await;
    assert_eq!(answered.status, 202, "{uri}: {}", answered.body);
    assert_eq!(answered.json()["resourceType"], "OperationOutcome");
    path(answered.header("content-location").expect("an address"))
}

async fn manifest(ward: &Ward, uri: &str) -> Value {
    let answered = ward.get(&status_of(ward, uri).await).await;
    assert_eq!(answered.status, 200, "{uri}: {}", answered.body);
    assert_eq!(answered.header("content-type"), Some("application/json"));
    assert!(answered.header("expires").is_some());
    answered.json()
}

/// Type and address of the files in a list of the manifest.
fn files(manifest: &Value, list: &str) -> Vec<(String, String)> {
    let files = manifest[list].as_array().expect(list).iter();
    let text = |file: &Value, name: &str| file[name].as_str().unwrap_or_default().to_owned();
    files.map(|file| (text(file, "type"), path(&text(file, "url")))).collect()
}

/// The resources of a file.
async fn lines(ward: &Ward, uri: &str) -> Vec<Value> {
    let answered = ward.get(uri).await;
    assert_eq!(answered.status, 200, "{}", answered.body);
    assert_eq!(answered.header("content-type"), Some("application/fhir+ndjson"));
    assert!(answered.body.is_empty() || answered.body.ends_with('\n'));
    answered.body.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The ids of all that an export brings, by its files in their order.
async fn ids(ward: &Ward, uri: &str) -> Vec<String> {
    let manifest = manifest(ward, uri).await;
    let mut ids = Vec::new();
    for (resource_type, file) in files(&manifest, "output") {
        for resource in lines(ward, &file).await {
            assert_eq!(resource["resourceType"], resource_type.as_str());
            ids.push(resource["id"].as_str().expect("an id").to_owned());
        }
    }
    ids
}

const LABS_OF_1: &str = "lab.1 lab.2 lab.3 lab.5 lab.6 lab.7 lab.8 lab.9 lab.10";

#[actix_web::test]
async fn an_export_of_the_system_has_every_resource_as_a_read_shows_it() {
    let ward = Ward::new(|fhir| fhir.export_chunk_rows = 5).await;
    let manifest = manifest(&ward, "/fhir/$export").await;
    assert_eq!(manifest["requiresAccessToken"], false);
    assert_eq!(manifest["request"], "https://fhir.test/fhir/$export");
    let moment = manifest["transactionTime"].as_str().expect("a time");
    let age = Utc::now() - moment.parse::<DateTime<Utc>>().expect("an instant");
    assert!((0..60).contains(&age.num_seconds()), "{moment}");
    let output = files(&manifest, "output");
    let types: Vec<&str> = output.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(types, ["Encounter", "Group", "Observation", "Patient", "Practitioner"]);
    let mut count = 0;
    for (resource_type, file) in &output {
        for resource in lines(&ward, file).await {
            let id = resource["id"].as_str().expect("an id");
            let read = ward.get(&format!("/fhir/{resource_type}/{id}")).await;
            assert_eq!(read.json(), resource);
            count += 1;
        }
    }
    assert_eq!(count, 3 + 1 + 11 + 3 + 2);
    // What is no resource stands in the other files.
    let errors = files(&manifest, "error");
    assert_eq!(errors.len(), 5);
    let mut told = Vec::new();
    for (resource_type, file) in &errors {
        assert_eq!(resource_type, "OperationOutcome");
        told.extend(lines(&ward, file).await);
    }
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["issue"][0]["severity"], "error");
    assert_eq!(told[0]["issue"][0]["expression"][0], "Observation/lab.4");
}

#[actix_web::test]
async fn an_export_of_patients_or_of_a_group_is_their_compartments() {
    for chunk_rows in [1, 2, 1000] {
        let ward = Ward::new(|fhir| fhir.export_chunk_rows = chunk_rows).await;
        for (uri, expected) in [
            (
                "/fhir/Patient/$export",
                format!(
                    "visit.1 visit.2 visit.3 list.DM {LABS_OF_1} lab.11 lab.12 \
                     patient.0001 patient.0002 patient.0003"
                ),
            ),
            // The third has left the list; it is here as a duplicate of the first.
            (
                "/fhir/Group/list.DM/$export",
                format!(
                    "visit.1 visit.2 visit.3 list.DM {LABS_OF_1} lab.11 lab.12 \
                     patient.0001 patient.0002 patient.0003"
                ),
            ),
            ("/fhir/Group/list.DM/$export?_type=Group", "list.DM".to_owned()),
            ("/fhir/Patient/$export?_type=Encounter", "visit.1 visit.2 visit.3".to_owned()),
        ] {
            assert_eq!(ids(&ward, uri).await.join(" "), expected, "{uri} by {chunk_rows}");
        }
    }
}

#[actix_web::test]
async fn parameters_choose_types_changes_rows_and_elements() {
    let ward = Ward::new(|_| {}).await;
    for (query, expected) in [
        (
            "_type=Patient,Encounter",
            "visit.1 visit.2 visit.3 patient.0001 patient.0002 patient.0003",
        ),
        (
            "_type=Patient&_type=Practitioner",
            "patient.0001 patient.0002 patient.0003 doctor.A doctor.B",
        ),
        ("_type=Patient&_since=2026-04-02T12:00:00%2B09:00", "patient.0002 patient.0003"),
        ("_type=Patient&_since=2026-04-03T03:00:01Z", ""),
        (
            "_type=Observation&_typeFilter=Observation?date=2026-05-01",
            "lab.6 lab.7 lab.8 lab.9 lab.10",
        ),
        (
            "_type=Observation,Patient&_typeFilter=Observation%3F_id%3Dlab.1,Observation%3F_id%3Dlab.7",
            "lab.1 lab.7 patient.0001 patient.0002 patient.0003",
        ),
        ("_type=Observation&_typeFilter=Observation?_id=lab.1,lab.2", "lab.1 lab.2"),
        (
            "_type=Observation&_typeFilter=Observation?_id=lab.1&_typeFilter=Observation?_id=lab.2",
            "lab.1 lab.2",
        ),
        ("_type=Patient&_outputFormat=ndjson", "patient.0001 patient.0002 patient.0003"),
        (
            "_type=Patient&_outputFormat=application/fhir%2Bndjson",
            "patient.0001 patient.0002 patient.0003",
        ),
    ] {
        let uri = format!("/fhir/$export?{query}");
        assert_eq!(ids(&ward, &uri).await.join(" "), expected, "{query}");
    }
    let uri = "/fhir/$export?_type=Patient,Observation&_elements=id,Observation.code";
    let manifest = manifest(&ward, uri).await;
    let output = files(&manifest, "output");
    let observation = lines(&ward, &output[0].1).await.swap_remove(0);
    // Mandatory elements are there whatever is asked for.
    assert!(observation["code"].is_object() && observation["status"].is_string());
    assert!(observation.get("subject").is_none(), "{observation}");
    let patient = lines(&ward, &output[1].1).await.swap_remove(0);
    assert!(patient["id"].is_string() && patient.get("name").is_none(), "{patient}");
    assert_eq!(patient["meta"]["tag"][0]["code"], "SUBSETTED");
}

#[actix_web::test]
async fn a_rule_without_a_time_of_change_is_exported_whole_and_the_manifest_says_so() {
    let ward = Ward::new(|_| {}).await;
    let uri = "/fhir/$export?_type=Observation,Patient&_since=2030-01-01T00:00:00Z";
    assert_eq!(ids(&ward, uri).await.len(), 11);
    let manifest = manifest(&ward, uri).await;
    let errors = files(&manifest, "error");
    assert_eq!(errors.len(), 3);
    let told = lines(&ward, &errors[0].1).await;
    assert_eq!(told.len(), 1);
    let said = told[0]["issue"][0]["diagnostics"].as_str().expect("diagnostics");
    assert!(said.contains("`lab`") && said.contains("_since"), "{said}");
    assert_eq!(ward.statements(), 0);
}

#[actix_web::test]
async fn a_post_asks_for_the_same_and_is_not_shown() {
    let ward = Ward::new(|_| {}).await;
    let body = json!({"resourceType": "Parameters", "parameter": [
        {"name": "_type", "valueString": "Patient"},
        {"name": "_since", "valueInstant": "2026-04-02T12:00:00+09:00"},
    ]});
    let request = TestRequest::post().uri("/fhir/$export").set_json(body);
    let answered =
        ward.send(request.insert_header(("Prefer", "handling=strict, respond-async"))).await;
    assert_eq!(answered.status, 202, "{}", answered.body);
    let manifest = ward.get(&path(answered.header("content-location").expect("an address"))).await;
    let manifest = manifest.json();
    assert_eq!(manifest["request"], "https://fhir.test/fhir/$export");
    let output = files(&manifest, "output");
    assert_eq!((output.len(), lines(&ward, &output[0].1).await.len()), (1, 2));
}

#[actix_web::test]
async fn what_can_not_be_exported_is_refused_at_the_kick_off() {
    let ward = Ward::new(|_| {}).await;
    let plain = ward.get("/fhir/$export").await;
    assert_eq!(plain.status, 400);
    assert!(plain.body.contains("GKN-133"), "{}", plain.body);
    let long = format!("/fhir/$export?_typeFilter=Patient?_id={}", "a".repeat(7000));
    for (uri, status, code) in [
        ("/fhir/$export?_until=2026-01-01T00:00:00Z", 400, "GKN-113"),
        ("/fhir/$export?patient=Patient/patient.0001", 400, "GKN-113"),
        ("/fhir/$export?includeAssociatedData=LatestProvenanceResources", 400, "GKN-113"),
        ("/fhir/$export?_type=Procedure", 400, "GKN-113"),
        ("/fhir/$export?_since=2026-01-01", 400, "GKN-113"),
        ("/fhir/$export?_since=2026-01-01T00:00:00Z&_since=2026-01-01T00:00:00Z", 400, "GKN-113"),
        ("/fhir/$export?_outputFormat=application/fhir%2Bjson", 400, "GKN-113"),
        ("/fhir/$export?_elements=Patient.nme", 400, "GKN-113"),
        ("/fhir/$export?_elements=nme", 400, "GKN-113"),
        ("/fhir/$export?_type=Patient&_elements=Observation.code", 400, "GKN-113"),
        ("/fhir/$export?_typeFilter=Observation", 400, "GKN-113"),
        ("/fhir/$export?_typeFilter=Observation?favourite=1", 400, "GKN-113"),
        ("/fhir/$export?_typeFilter=Observation?date=yesterday", 400, "GKN-113"),
        ("/fhir/$export?_typeFilter=Observation?_sort=date", 400, "GKN-113"),
        ("/fhir/$export?_typeFilter=Observation?_include=Observation:subject", 400, "GKN-113"),
        ("/fhir/$export?_type=Patient&_typeFilter=Observation?date=2026", 400, "GKN-113"),
        ("/fhir/Patient/$export?_type=Practitioner", 400, "GKN-113"),
        ("/fhir/Group/list.XX/$export", 404, "GKN-104"),
        ("/fhir/Group/patient.0001/$export", 404, "GKN-104"),
        (&long, 400, "GKN-136"),
    ] {
        let answered = ward.send(kick_off(uri)).await;
        assert_eq!(answered.status, status, "{uri:.80}: {}", answered.body);
        assert!(answered.body.contains(code), "{uri:.80}: {}", answered.body);
    }
}

#[actix_web::test]
async fn addresses_open_for_who_made_them_only_and_not_for_ever() {
    let ward = Ward::new(|_| {}).await;
    let status = status_of(&ward, "/fhir/$export?_type=Patient").await;
    let manifest = ward.get(&status).await.json();
    let file = files(&manifest, "output").swap_remove(0).1;
    let altered = |uri: &str| {
        let last = if uri.ends_with('A') { "B" } else { "A" };
        format!("{}{last}", &uri[..uri.len() - 1])
    };
    // A status is no file, and a file is no status.
    let (of_status, of_file) = (status.rsplit('/').next(), file.rsplit('/').next());
    let crossed = [
        format!("/fhir/$export-file/{}", of_status.expect("a token")),
        format!("/fhir/$export-status/{}", of_file.expect("a token")),
    ];
    for uri in [altered(&status), altered(&file)].iter().chain(&crossed) {
        let answered = ward.get(uri).await;
        assert_eq!(answered.status, 404, "{uri:.40}");
        assert!(answered.body.contains("GKN-131"), "{}", answered.body);
    }
    // Another site's key.
    let other = Ward::with_secret([8; 32]).await;
    for uri in [&status, &file] {
        assert_eq!(other.get(uri).await.status, 404, "{uri:.40}");
        assert_eq!(ward.get(uri).await.status, 200, "{uri:.40}");
    }
    // Of a server on which the addresses of today have expired.
    let hasty = Ward::new(|fhir| fhir.export_token_hours = 0).await;
    for uri in [&status, &file] {
        assert_eq!(hasty.get(uri).await.status, 404, "{uri:.40}");
    }
}

#[actix_web::test]
async fn an_export_that_was_ended_is_gone_with_its_files() {
    let ward = Ward::new(|_| {}).await;
    let status = status_of(&ward, "/fhir/$export?_type=Patient").await;
    let another = status_of(&ward, "/fhir/$export?_type=Patient").await;
    let file = files(&ward.get(&status).await.json(), "output").swap_remove(0).1;
    let end = |uri: &str| TestRequest::with_uri(uri).method(Method::DELETE);
    let answered = ward.send(end(&status)).await;
    assert_eq!(
        (answered.status, &answered.json()["resourceType"]),
        (202, &json!("OperationOutcome"))
    );
    for uri in [&status, &file] {
        let answered = ward.get(uri).await;
        assert_eq!((answered.status, answered.body.contains("GKN-131")), (404, true));
    }
    assert_eq!(ward.send(end(&status)).await.status, 404);
    assert_eq!(ward.send(end("/fhir/$export-status/x")).await.status, 404);
    assert_eq!(ward.get(&another).await.status, 200);
}

#[actix_web::test]
async fn a_file_goes_on_behind_the_last_resource_that_came() {
    for (uri, after, rest) in [
        ("/fhir/$export?_type=Observation", "lab.8", "lab.9 lab.10 lab.11 lab.12"),
        ("/fhir/$export?_type=Observation", "lab.12", ""),
        ("/fhir/Group/list.DM/$export?_type=Observation", "lab.8", "lab.9 lab.10 lab.11 lab.12"),
        ("/fhir/Group/list.DM/$export?_type=Patient", "patient.0002", "patient.0003"),
    ] {
        let ward = Ward::new(|fhir| fhir.export_chunk_rows = 2).await;
        let file = files(&manifest(&ward, uri).await, "output").swap_remove(0).1;
        let found = lines(&ward, &format!("{file}?_after={after}")).await;
        let ids: Vec<&str> = found.iter().filter_map(|resource| resource["id"].as_str()).collect();
        assert_eq!(ids.join(" "), rest, "{uri} after {after}");
        for wrong in ["patient.9", "made-up", "visit.1", ""] {
            let answered = ward.get(&format!("{file}?_after={wrong}")).await;
            let is_patient = uri.contains("Patient") && wrong == "patient.9";
            // In a Group's file the row itself says where it stands.
            let expected = if is_patient || !wrong.starts_with("lab") { 400 } else { 200 };
            assert_eq!(answered.status, expected, "{uri} after {wrong}: {}", answered.body);
        }
        let answered = ward.get(&format!("{file}?_count=2")).await;
        assert_eq!(answered.status, 400, "{}", answered.body);
    }
}

#[actix_web::test]
async fn a_source_that_fails_in_the_middle_of_a_file_breaks_it_off() {
    let ward = Ward::new(|fhir| fhir.export_chunk_rows = 5).await;
    let file =
        files(&manifest(&ward, "/fhir/$export?_type=Observation").await, "output").swap_remove(0).1;
    // Before the first line, it is an error like any other.
    let (status, _) = ward.broken(&file, 1).await;
    assert_eq!(status, 503);
    let (status, body) = ward.broken(&file, 2).await;
    assert_eq!(status, 200);
    let read = String::from_utf8(body.expect_err("the file breaks off")).expect("text");
    assert_eq!(read.lines().count(), 4);
    let (status, body) = ward.broken(&file, 4).await;
    assert_eq!((status, body.is_ok()), (200, true));
}

#[actix_web::test]
async fn a_file_begins_with_its_first_statement_and_not_only_with_its_first_line() {
    let ward = Ward::new(|fhir| fhir.export_chunk_rows = 1).await;
    let manifest = manifest(&ward, "/fhir/$export?_type=Observation").await;
    // Only the fourth row is none: a table of millions of good ones is no reason to answer 503.
    let file = files(&manifest, "error").swap_remove(0).1;
    assert_eq!(lines(&ward, &file).await.len(), 1);
    let (status, body) = ward.broken(&file, 3).await;
    assert_eq!((status, body), (200, Err(Vec::new())));
    // No lines at all are a whole answer as well.
    let none = "/fhir/$export?_type=Patient";
    let file = files(&self::manifest(&ward, none).await, "error").swap_remove(0).1;
    assert_eq!(ward.broken(&file, usize::MAX).await, (200, Ok(Vec::new())));
}

#[actix_web::test]
async fn ending_an_export_breaks_off_its_files() {
    use actix_web::body::MessageBody as _;
    let ward = Ward::new(|fhir| fhir.export_chunk_rows = 1).await;
    let status = status_of(&ward, "/fhir/$export?_type=Patient").await;
    let file = files(&ward.get(&status).await.json(), "output").swap_remove(0).1;
    let app = App::new().app_data(ward.served.clone()).configure(routes);
    let app = init_service(app).await;
    let response = call_service(&app, TestRequest::get().uri(&file).to_request()).await;
    let mut body = Box::pin(response.into_body());
    let first = std::future::poll_fn(|cx| body.as_mut().poll_next(cx)).await;
    assert!(matches!(first, Some(Ok(_))));
    ward.send(TestRequest::with_uri(&status).method(Method::DELETE)).await;
    let second = std::future::poll_fn(|cx| body.as_mut().poll_next(cx)).await;
    assert!(matches!(second, Some(Err(_))));
}

/// A window that is closed now and opens in about two hours.
fn closed() -> Governor {
    let zone = FixedOffset::east_opt(9 * 3600).expect("an offset");
    let hour = Utc::now().with_timezone(&zone).hour();
    let window = format!("{:02}:00-{:02}:00", (hour + 2) % 24, (hour + 3) % 24);
    let config = SqlConfig { bulk_windows: vec![window], ..SqlConfig::new("sqlite::memory:") };
    Governor::new(&config, zone).expect("a governor")
}

#[actix_web::test]
async fn outside_of_the_hours_an_export_waits_and_files_are_refused_until_then() {
    let open = Ward::new(|_| {}).await;
    let status = status_of(&open, "/fhir/$export?_type=Patient").await;
    let file = files(&open.get(&status).await.json(), "output").swap_remove(0).1;
    let ward = Ward::governed(|_| {}, closed()).await;
    let wait = |answered: &Answered| -> u64 {
        let wait = answered.header("retry-after").expect("a wait").parse().expect("seconds");
        assert!((3600..=2 * 3600).contains(&wait), "{wait}");
        wait
    };
    // It can be asked for at any hour.
    let asked = status_of(&ward, "/fhir/$export?_type=Patient").await;
    for uri in [&status, &asked] {
        let answered = ward.get(uri).await;
        assert_eq!(answered.status, 202, "{}", answered.body);
        assert!(answered.header("x-progress").is_some_and(|said| said.len() < 100));
        wait(&answered);
    }
    let answered = ward.get(&file).await;
    assert_eq!((answered.status, answered.body.contains("GKN-132")), (503, true));
    wait(&answered);
    assert_eq!(ward.statements(), 0);
    // Everything else goes on.
    assert_eq!(ward.get("/fhir/Patient/patient.0001/$everything").await.status, 200);
}

#[actix_web::test]
async fn a_file_takes_whatever_accept_says() {
    let ward = Ward::new(|_| {}).await;
    let file =
        files(&manifest(&ward, "/fhir/$export?_type=Patient").await, "output").swap_remove(0).1;
    for accept in ["application/fhir+ndjson", "application/ndjson", "*/*", "application/x-ndjson"] {
        let request = TestRequest::get().uri(&file).insert_header(("Accept", accept));
        assert_eq!(ward.send(request).await.status, 200, "{accept}");
        let request = TestRequest::get().uri(&file.replacen('$', "%24", 1));
        let request = request.insert_header(("Accept", accept));
        assert_eq!(ward.send(request).await.status, 200, "{accept}, escaped");
    }
}

#[actix_web::test]
async fn who_could_not_see_an_answer_break_off_gets_none() {
    let ward = Ward::new(|_| {}).await;
    let file =
        files(&manifest(&ward, "/fhir/$export?_type=Patient").await, "output").swap_remove(0).1;
    let everything = "/fhir/Patient/patient.0001/$everything";
    let old = |uri: &str| TestRequest::get().uri(uri).version(Version::HTTP_10);
    for uri in [file.as_str(), everything] {
        let answered = ward.send(old(uri)).await;
        assert_eq!((answered.status, answered.header("upgrade")), (426, Some("HTTP/1.1")));
        assert!(answered.body.contains("GKN-137"), "{}", answered.body);
    }
    // A page says how long it is.
    assert_eq!(ward.send(old(&format!("{everything}?_count=5"))).await.status, 200);
}

#[actix_web::test]
async fn a_group_that_is_too_large_is_refused() {
    let ward = Ward::new(|fhir| fhir.export_group_members_max = 2).await;
    let uri = "/fhir/Group/list.DM/$export?_type=Patient";
    let file = files(&manifest(&ward, uri).await, "output").swap_remove(0).1;
    let answered = ward.get(&file).await;
    assert_eq!(
        (answered.status, answered.body.contains("GKN-135")),
        (422, true),
        "{}",
        answered.body
    );
}

#[actix_web::test]
async fn more_files_than_allowed_wait_until_one_of_them_is_over() {
    let ward = Ward::new(|fhir| (fhir.export_chunk_rows, fhir.export_files_max) = (1, 2)).await;
    let file =
        files(&manifest(&ward, "/fhir/$export?_type=Patient").await, "output").swap_remove(0).1;
    let app = App::new().app_data(ward.served.clone()).configure(routes);
    let app = init_service(app).await;
    let begin = || call_service(&app, TestRequest::get().uri(&file).to_request());
    let (first, second) = (begin().await, begin().await);
    let refused = ward.get(&file).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("5")));
    assert!(refused.body.contains("GKN-138"), "{}", refused.body);
    // New rules make no room, and others go on.
    ward.served.replace(Arc::clone(&ward.served.now().rules), genkan_masters::Store::default());
    assert_eq!(ward.get(&file).await.status, 429);
    assert_eq!(ward.get("/fhir/Patient/patient.0001/$everything").await.status, 200);
    assert!(!status_of(&ward, "/fhir/$export").await.is_empty());
    // One that was left, and one that was read to its end.
    drop(first);
    assert_eq!(lines(&ward, &file).await.len(), 3);
    assert_eq!(read_body(second).await.iter().filter(|byte| **byte == b'\n').count(), 3);
    assert_eq!(ward.served.now().export_places.available_permits(), 2);
}

#[actix_web::test]
async fn a_stream_has_a_place_among_the_requests_until_it_is_over() {
    let ward = Ward::new(|fhir| fhir.export_chunk_rows = 1).await;
    let places = &ward.served.now().places;
    let all = places.available_permits();
    let file =
        files(&manifest(&ward, "/fhir/$export?_type=Patient").await, "output").swap_remove(0).1;
    let app = App::new().app_data(ward.served.clone()).configure(routes);
    let app = init_service(app).await;
    let response = call_service(&app, TestRequest::get().uri(&file).to_request()).await;
    assert_eq!(places.available_permits(), all - 1);
    drop(response);
    assert_eq!(places.available_permits(), all);
    assert_eq!(ward.get("/fhir/Patient/patient.0001").await.status, 200);
    assert_eq!(places.available_permits(), all);
}
