//! `If-None-Match`, `If-Modified-Since` and `If-Match`: 304 where the client has it already, after no
//! more statements than it takes to know that.

use super::*;

const SCHEMA: &str = "
PT: {key: [ID], columns: {ID: char(4), NAME: varchar(20), UPD: char(14)}}
TEL: {key: [ID, NO], columns: {ID: char(4), NO: integer, TEL: varchar(20)}}
";

/// The same resources; `version` says what their versions are made of.
fn patient(version: &str) -> String {
    format!(
        "
rule: patient
resource: Patient
from:
  p: {{table: PT, key: [ID]}}
  t: {{table: TEL, many: [ID = p.ID], order: [NO]}}
updated: = p.UPD | datetime
version: {version}
emit:
  name: [{{text: = p.NAME}}]
  telecom: [{{$each: t, system: phone, value: = t.TEL}}]
"
    )
}

fn rows(name: &str, tel: &str, updated: &str) -> Rows {
    let patient = [("ID", "0001"), ("NAME", name), ("UPD", updated)];
    vec![
        ("PT".to_owned(), cells(&patient)),
        ("TEL".to_owned(), cells(&[("ID", "0001"), ("NO", "1"), ("TEL", tel)])),
    ]
}

async fn serving(version: &str, rows: &Rows) -> web::Data<Served> {
    let rule = patient(version);
    let files = [("patient.map.yaml", rule.as_str())];
    hospital(SCHEMA, &files, rows, &FhirConfig::default(), &HttpConfig::default()).await
}

async fn ask(service: &web::Data<Served>, uri: &str, headers: &[(&str, &str)]) -> Answered {
    let mut request = TestRequest::get().uri(uri);
    for header in headers {
        request = request.insert_header(*header);
    }
    send_to(service.clone(), request).await
}

/// They are made once, so that what belongs to one rule set must not be told of another.
#[actix_web::test]
async fn documents_of_the_rules_are_the_clients_until_the_rules_change() {
    let rows = rows("山田", "03-1", "20260401120000");
    let service = serving("image", &rows).await;
    let named = |path: &str| format!("\"{path}\"");
    for (uri, own, other_s) in [
        ("/fhir/metadata", "type\":\"Patient", "type\":\"Practitioner"),
        ("/fhir/openapi.json", "/Patient/{id}", "/Practitioner/{id}"),
    ] {
        let first = ask(&service, uri, &[]).await;
        assert_eq!(first.status, 200, "{}", first.body);
        let tag = first.header("etag").expect("an ETag").to_owned();
        let kept = [("If-None-Match", tag.as_str())];
        let again = ask(&service, uri, &kept).await;
        assert_eq!((again.status, again.body.as_str()), (304, ""), "{uri}");
        let pretty = ask(&service, &format!("{uri}?_pretty=true"), &[]).await;
        assert_eq!((pretty.status, pretty.json()), (200, first.json()), "{uri}");
        let other = patient("image").replace("Patient", "Practitioner");
        let files = [("patient.map.yaml", other.as_str())];
        let (fhir, http) = (FhirConfig::default(), HttpConfig::default());
        let other = hospital(SCHEMA, &files, &rows, &fhir, &http).await;
        let before = Arc::clone(&service.now().rules);
        service.replace(Arc::clone(&other.now().rules), genkan_masters::Store::default());
        let told = ask(&service, uri, &kept).await;
        assert_eq!(told.status, 200, "{uri}");
        for (answered, there, gone) in [(&first, own, other_s), (&told, other_s, own)] {
            assert!(answered.body.contains(&named(there)), "{uri}: {there}");
            assert!(!answered.body.contains(&named(gone)), "{uri}: {gone}");
        }
        service.replace(before, genkan_masters::Store::default());
    }
}

const READ: &str = "/fhir/Patient/patient.0001";

#[actix_web::test]
async fn what_the_client_has_is_not_sent_again() {
    for (version, uri, statements) in [
        // Everything has to be read to know that it is the same.
        ("image", READ, 2),
        ("image", "/fhir/Patient/patient.0001?_elements=telecom", 2),
        ("image", "/fhir/Patient/patient.0001?_elements=name", 1),
        ("image", "/fhir/Patient?_count=5", 2),
        // The author says that the root row tells it.
        ("updated", READ, 1),
        ("updated", "/fhir/Patient?_count=5", 1),
        ("updated", "/fhir/Patient?_count=5&_total=accurate", 2),
    ] {
        let service = serving(version, &rows("山田", "03-1", "20260401120000")).await;
        let first = ask(&service, uri, &[]).await;
        let tag = first.header("etag").expect("an ETag").to_owned();
        assert!(tag.starts_with("W/\""), "{tag}");
        let again = ask(&service, uri, &[("If-None-Match", &tag)]).await;
        assert_eq!((again.status, again.body.as_str()), (304, ""), "{version} {uri}");
        assert_eq!(again.header("etag"), Some(tag.as_str()), "{version} {uri}");
        assert_eq!(again.header("content-type"), None, "{version} {uri}");
        assert_eq!(again.statements(), Some(statements), "{version} {uri}");
        assert!(again.header("vary").is_some() && again.header("x-request-id").is_some());
        let other = ask(&service, uri, &[("If-None-Match", "W/\"abc\"")]).await;
        assert_eq!((other.status, other.body), (200, first.body), "{version} {uri}");
    }
}

#[actix_web::test]
async fn a_change_is_seen_by_what_its_version_is_made_of() {
    let before = rows("山田", "03-1", "20260401120000");
    for (version, changed, status) in [
        ("image", rows("佐藤", "03-1", "20260401120000"), 200),
        ("image", rows("山田", "03-2", "20260401120000"), 200),
        ("updated", rows("佐藤", "03-1", "20260401120001"), 200),
        ("updated", rows("山田", "03-2", "20260401120001"), 200),
        // What the author has declared not to happen.
        ("updated", rows("山田", "03-2", "20260401120000"), 304),
        // Without a time, the image decides.
        ("updated", rows("山田", "03-1", ""), 200),
    ] {
        for uri in [READ, "/fhir/Patient"] {
            let tag = ask(&serving(version, &before).await, uri, &[]).await;
            let tag = tag.header("etag").expect("an ETag").to_owned();
            let after = serving(version, &changed).await;
            let answered = ask(&after, uri, &[("If-None-Match", &tag)]).await;
            assert_eq!(answered.status, status, "{version} {uri} {changed:?}");
        }
    }
    let undated = serving("updated", &rows("山田", "03-1", "")).await;
    let first = ask(&undated, READ, &[]).await;
    let tag = first.header("etag").expect("an ETag").to_owned();
    assert_eq!(ask(&undated, READ, &[("If-None-Match", &tag)]).await.status, 304);
    let changed = serving("updated", &rows("山田", "03-2", "")).await;
    assert_eq!(ask(&changed, READ, &[("If-None-Match", &tag)]).await.status, 200);
}

#[actix_web::test]
async fn other_rules_make_other_versions_also_by_declaration() {
    let rows = rows("山田", "03-1", "20260401120000");
    let first = ask(&serving("updated", &rows).await, READ, &[]).await;
    let tag = first.header("etag").expect("an ETag").to_owned();
    let rule = patient("updated").replace("system: phone", "system: fax");
    let files = [("patient.map.yaml", rule.as_str())];
    let (fhir, http) = (FhirConfig::default(), HttpConfig::default());
    let service = hospital(SCHEMA, &files, &rows, &fhir, &http).await;
    assert_eq!(ask(&service, READ, &[("If-None-Match", &tag)]).await.status, 200);
}

#[actix_web::test]
async fn a_time_is_answered_by_the_root_row_and_not_before_the_rules_were_there() {
    let service = serving("image", &rows("山田", "03-1", "20260401120000")).await;
    let first = ask(&service, READ, &[]).await;
    let modified = first.header("last-modified").expect("Last-Modified").to_owned();
    // These rules are younger than the row: who has it from before may have another resource.
    let of_row = "Wed, 01 Apr 2026 03:00:00 GMT";
    assert_ne!(modified, of_row);
    for (since, status, statements) in
        [(modified.as_str(), 304, 1), (of_row, 200, 2), ("yesterday", 200, 2)]
    {
        let answered = ask(&service, READ, &[("If-Modified-Since", since)]).await;
        let found = (answered.status, answered.statements());
        assert_eq!(found, (status, Some(statements)), "{since}");
    }
    let both = [("If-Modified-Since", modified.as_str()), ("If-None-Match", "W/\"abc\"")];
    assert_eq!(ask(&service, READ, &both).await.status, 200, "the tag is the better word");
    // A page has no time: who left it can't be seen by any row's.
    let page = ask(&service, "/fhir/Patient", &[("If-Modified-Since", &modified)]).await;
    assert_eq!((page.status, page.header("last-modified")), (200, None));
}

#[actix_web::test]
async fn a_version_that_is_not_the_current_one_fails_if_match() {
    let service = serving("image", &rows("山田", "03-1", "20260401120000")).await;
    let tag = ask(&service, READ, &[]).await.header("etag").expect("an ETag").to_owned();
    assert_eq!(ask(&service, READ, &[("If-Match", &tag)]).await.status, 200);
    let failed = ask(&service, READ, &[("If-Match", "W/\"abc\"")]).await;
    assert_eq!(failed.status, 412, "{}", failed.body);
    assert!(failed.body.contains("GKN-118"), "{}", failed.body);
}

#[actix_web::test]
async fn the_etag_of_a_page_is_of_its_form_its_links_and_its_total() {
    let service = serving("image", &rows("山田", "03-1", "20260401120000")).await;
    let mut tags = Vec::new();
    for uri in [
        "/fhir/Patient",
        "/fhir/Patient?_format=xml",
        "/fhir/Patient?_pretty=true",
        "/fhir/Patient?_total=accurate",
        "/fhir/Patient?_elements=name",
        "/fhir/Patient?_summary=count",
    ] {
        tags.push(ask(&service, uri, &[]).await.header("etag").expect("an ETag").to_owned());
    }
    let japanese = ask(&service, "/fhir/Patient", &[("Accept-Language", "ja")]).await;
    tags.push(japanese.header("etag").expect("an ETag").to_owned());
    let distinct: std::collections::BTreeSet<&String> = tags.iter().collect();
    assert_eq!(distinct.len(), tags.len(), "{tags:?}");
    let missing = ask(&service, "/fhir/Patient/patient.9999", &[("If-None-Match", "*")]).await;
    assert_eq!((missing.status, missing.header("etag")), (404, None));
}

#[actix_web::test]
async fn rules_that_were_swapped_answer_since_then() {
    let served = serving("updated", &rows("山田", "03-1", "20260401120000")).await;
    let before = served.now();
    served.replace(Arc::clone(&before.rules), Arc::clone(before.terminology.masters()));
    assert!(served.now().rules_since > before.rules_since);
}
