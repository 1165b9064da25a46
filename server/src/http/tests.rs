//! The routes with a small hospital in memory: each kind of request and what it gets. What the
//! network does is tested in [`super::connection`].

mod batch;
mod compress;
mod conditional;
mod dirty;
mod everything;
mod explain;
mod export;
mod forms;
mod included;
mod search_parameter;
mod shapes;
mod totals;
mod ward;

use actix_web::test::{TestRequest, call_service, init_service, read_body};
use genkan_adapter::Adapter;
use genkan_adapter::Value as Cell;
use genkan_adapter_sql::SqlAdapter;
use genkan_mapping::identity::{IdMode, Identity, SiteKey};
use genkan_mapping::{RuleFiles, compile, schema};
use genkan_masters::Store;
use serde_json::Value;

use super::*;
use crate::service::FhirConfig;
use crate::site::SiteConfig;
use crate::sources::Sources;

const SCHEMA: &str = "
PT: {key: [ID], columns: {ID: char(4), NAME: varchar(20), SEX: char(1), UPD: char(14)}}
LAB:
  key: [NO]
  columns: {NO: integer, ID: char(4), STS: char(1), ITEM: varchar(9), DAY: char(8)}
";

const PATIENT: &str = "
rule: patient
resource: Patient
from:
  p: {table: PT, key: [ID]}
updated: = p.UPD | datetime
emit:
  identifier: [{system: urn:test:patient, value: = p.ID}]
  name: [{text: = p.NAME}]
  gender: = p.SEX | map 1=male 2=female
search: {name: off}
";

const LAB: &str = "
rule: lab
resource: Observation
from:
  l: {table: LAB, key: [NO]}
updated: hash
emit:
  status: = l.STS | map F=final
  code: {text: = l.ITEM}
  subject: {$ref: patient, key: [= l.ID]}
  effectiveDateTime: = l.DAY | date
";

fn cells(cells: &[(&str, &str)]) -> Vec<(String, Cell)> {
    let typed = |name: &str, text: &str| match name {
        "NO" => Cell::Integer(text.parse().expect("a number")),
        _ => Cell::text(text),
    };
    cells.iter().map(|(name, text)| ((*name).to_owned(), typed(name, text))).collect()
}

/// Three patients; three results of the first, of which the second has a status nobody knows.
fn rows() -> Rows {
    let mut rows = Vec::new();
    for (id, name, sex) in
        [("0001", "山田 太郎", "1"), ("0002", "山田 花子", "2"), ("0003", "", "")]
    {
        let row = [("ID", id), ("NAME", name), ("SEX", sex), ("UPD", "20260401120000")];
        rows.push(("PT".to_owned(), cells(&row)));
    }
    for (number, status) in [("1", "F"), ("2", "?"), ("3", "F")] {
        let day = format!("2026040{number}");
        let row = [("NO", number), ("ID", "0001"), ("STS", status), ("ITEM", "Na"), ("DAY", &day)];
        rows.push(("LAB".to_owned(), cells(&row)));
    }
    rows
}

type Rows = Vec<(String, Vec<(String, Cell)>)>;

async fn service(http: &HttpConfig) -> web::Data<Served> {
    let files = [("patient.map.yaml", PATIENT), ("lab.map.yaml", LAB)];
    hospital(SCHEMA, &files, &rows(), &FhirConfig::default(), http).await
}

async fn hospital(
    schema: &str,
    files: &[(&str, &str)],
    rows: &Rows,
    fhir: &FhirConfig,
    http: &HttpConfig,
) -> web::Data<Served> {
    let schema = schema::parse(schema).expect("the schema is right");
    let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
    let site = SiteConfig::example().site().expect("a site");
    let compiled =
        compile(&RuleFiles(files.collect()), &schema.clone().into(), &site, &Store::default());
    let rules = compiled.rules.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics));
    let key = SiteKey { generation: 'a', secret: [7; 32] };
    let identity = Identity::new(IdMode::Plain, &[key]).expect("an identity");
    let adapter = SqlAdapter::in_memory(&schema, rows).await.expect("a database");
    adapter.schema().await.expect("its catalog");
    let name = "みなと総合病院".to_owned();
    let fhir = FhirConfig { base_url: Some("https://fhir.test/fhir".to_owned()), ..fhir.clone() };
    let sources = Sources::of_one(Arc::new(adapter));
    let service = Service::new(name, rules, identity, sources, &fhir, http);
    web::Data::new(Served::new(service))
}

struct Answered {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Answered {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Statements as `Server-Timing` tells them.
    fn statements(&self) -> Option<usize> {
        let told = self.header("server-timing")?.split("statements=").nth(1)?;
        told.split('"').next()?.parse().ok()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }
}

async fn send_with(http: &HttpConfig, request: TestRequest) -> Answered {
    send_to(service(http).await, request).await
}

async fn send_to(service: web::Data<Served>, request: TestRequest) -> Answered {
    let app = App::new().app_data(service).configure(routes);
    let app = init_service(app).await;
    let response = call_service(&app, request.to_request()).await;
    let status = response.status().as_u16();
    let headers = response.headers().iter();
    let headers = headers
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
        .collect();
    let body = String::from_utf8_lossy(&read_body(response).await).into_owned();
    Answered { status, headers, body }
}

async fn send(request: TestRequest) -> Answered {
    send_with(&HttpConfig::default(), request).await
}

async fn get(uri: &str) -> Answered {
    send(TestRequest::get().uri(uri)).await
}

const PATIENT_1: &str = "/fhir/Patient/patient.0001";

#[actix_web::test]
async fn a_read_has_its_version_and_its_time() {
    let answered = get(PATIENT_1).await;
    assert_eq!(answered.status, 200, "{}", answered.body);
    assert_eq!(answered.header("content-type"), Some("application/fhir+json; charset=utf-8"));
    assert_eq!(answered.header("cache-control"), Some("no-store"));
    let patient = answered.json();
    assert_eq!(patient["gender"], "male");
    assert_eq!(patient["meta"]["lastUpdated"], "2026-04-01T12:00:00+09:00");
    let version = patient["meta"]["versionId"].as_str().expect("a version");
    assert_eq!(answered.header("etag"), Some(format!("W/\"{version}\"").as_str()));
    let current = get(&format!("{PATIENT_1}/_history/{version}")).await;
    assert_eq!((current.status, current.body), (200, answered.body));
}

#[actix_web::test]
async fn every_refusal_is_an_operation_outcome_with_its_code() {
    let long = format!("/fhir/Patient?_id={}", "a".repeat(9000));
    for (method, uri, status, code) in [
        (Method::GET, "/", 404, "GKN-101"),
        (Method::GET, "/fhir", 405, "GKN-102"),
        (Method::GET, "/fhir/Patient/1/2/3", 404, "GKN-101"),
        (Method::DELETE, PATIENT_1, 405, "GKN-102"),
        (Method::POST, "/fhir/Patient", 405, "GKN-102"),
        (Method::GET, "/fhir/Patient/_search", 405, "GKN-102"),
        (Method::GET, "/fhir/Nothing", 404, "GKN-103"),
        (Method::GET, "/fhir/Encounter/1", 404, "GKN-103"),
        (Method::GET, "/fhir/Patient/patient.9999", 404, "GKN-104"),
        (Method::GET, "/fhir/Patient/made-up", 404, "GKN-104"),
        (Method::GET, "/fhir/Patient/lab.1", 404, "GKN-104"),
        (Method::GET, "/fhir/Patient/patient.0001/_history/1", 404, "GKN-105"),
        (Method::GET, "/fhir/Patient?_format=ttl", 406, "GKN-106"),
        (Method::POST, "/fhir/Patient/_search", 415, "GKN-107"),
        (Method::GET, &long, 414, "GKN-109"),
        (Method::GET, "/fhir/Patient?favourite=1", 400, "GKN-113"),
        (Method::GET, "/fhir/Patient?name=x", 400, "GKN-113"),
        (Method::GET, "/fhir/Patient?_page=x", 400, "GKN-113"),
        (Method::GET, "/fhir/Patient/patient.0001?_elements=nme", 400, "GKN-113"),
        (Method::GET, "/fhir/Patient/patient.0001?_summary=count", 400, "GKN-113"),
        (Method::GET, "/fhir/Patient/patient.0001?name=x", 400, "GKN-113"),
        (Method::GET, "/fhir/Patient/patient.0001?_pretty=yes", 400, "GKN-113"),
        (Method::GET, "/fhir/Patient/patient.0001?_format=text/turtle", 406, "GKN-106"),
        (Method::GET, "/fhir/Patient/patient.0001/_history", 404, "GKN-117"),
        (Method::GET, "/fhir/Patient/_history", 404, "GKN-117"),
        (Method::GET, "/fhir/_history?_since=2026-01-01T00:00:00Z", 404, "GKN-117"),
        (Method::PUT, "/fhir/Patient/patient.0001/_history", 405, "GKN-102"),
        (Method::GET, "/fhir/metadata?_summary=true", 400, "GKN-113"),
        (Method::GET, "/fhir/Observation/lab.2", 422, "GKN-201"),
    ] {
        let answered = send(TestRequest::with_uri(uri).method(method.clone())).await;
        assert_eq!(answered.status, status, "{method} {uri:.60}: {}", answered.body);
        let outcome = answered.json();
        assert_eq!(outcome["resourceType"], "OperationOutcome", "{method} {uri:.60}");
        let diagnostics = outcome["issue"][0]["diagnostics"].as_str().unwrap_or_default();
        assert!(diagnostics.starts_with(&format!("{code}: ")), "{method} {uri:.60}: {diagnostics}");
        assert!(answered.header("x-request-id").is_some(), "{method} {uri:.60}");
    }
}

#[actix_web::test]
async fn all_wrong_parameters_are_named_at_once() {
    let outcome = get("/fhir/Patient?gendr=male&gender=male&foo:exact=1").await.json();
    let expressions: Vec<&Value> =
        outcome["issue"].as_array().expect("issues").iter().map(|i| &i["expression"][0]).collect();
    assert_eq!(expressions, ["http.gendr", "http.foo:exact"]);
    let outcome = get("/fhir/Patient?name=x&birthdate=2000&_sort=name").await.json();
    let expressions: Vec<&Value> =
        outcome["issue"].as_array().expect("issues").iter().map(|i| &i["expression"][0]).collect();
    assert_eq!(expressions, ["http.name", "http.birthdate"]);
}

#[actix_web::test]
async fn a_refusal_comes_in_the_form_and_language_that_was_asked_for() {
    let request = TestRequest::get()
        .uri("/nothing")
        .insert_header(("Accept", "application/fhir+xml"))
        .insert_header(("Accept-Language", "ja"));
    let answered = send(request).await;
    assert_eq!(answered.status, 404);
    assert_eq!(answered.header("content-type"), Some("application/fhir+xml; charset=utf-8"));
    assert!(answered.body.contains("<OperationOutcome xmlns=\"http://hl7.org/fhir\">"));
    assert!(answered.body.contains("このパスには何もありません"), "{}", answered.body);
}

#[actix_web::test]
async fn a_row_that_can_not_be_a_resource_becomes_an_outcome_entry_and_the_others_stay() {
    let bundle = get("/fhir/Observation?_include=Observation:subject").await.json();
    let entries = bundle["entry"].as_array().expect("entries");
    let modes: Vec<&Value> = entries.iter().map(|entry| &entry["search"]["mode"]).collect();
    assert_eq!(modes, ["match", "outcome", "match", "include"]);
    assert_eq!(entries[1]["resource"]["resourceType"], "OperationOutcome");
    assert_eq!(entries[1]["resource"]["issue"][0]["expression"][0], "Observation.status");
    assert_eq!(entries[3]["fullUrl"], "https://fhir.test/fhir/Patient/patient.0001");
}

#[actix_web::test]
async fn pages_follow_next_to_the_end_and_each_says_what_it_is() {
    let mut uri = "/fhir/Patient?_count=2".to_owned();
    let mut ids = Vec::new();
    for _ in 0..3 {
        let bundle = get(&uri).await.json();
        let own = format!("https://fhir.test{uri}");
        assert_eq!(bundle["link"][0]["url"], own);
        for entry in bundle["entry"].as_array().expect("entries") {
            ids.push(entry["resource"]["id"].as_str().expect("an id").to_owned());
        }
        match bundle["link"][1]["url"].as_str() {
            Some(next) => uri = next.replace("https://fhir.test", ""),
            None => break,
        }
    }
    assert_eq!(ids, ["patient.0001", "patient.0002", "patient.0003"]);
}

fn post(uri: &str, form: &str) -> TestRequest {
    TestRequest::post()
        .uri(uri)
        .insert_header(("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"))
        .set_payload(form.to_owned())
}

/// Only the links differ: those of a POST keep its parameters to themselves, on every page.
#[actix_web::test]
async fn a_search_by_post_is_the_search_by_get_and_shows_no_parameter_in_a_link() {
    let query = "identifier=0001,0002,0003&_count=1";
    let mut by_get = get(&format!("/fhir/Patient?{query}")).await.json();
    let mut by_post = send(post("/fhir/Patient/_search?_pretty=true", query)).await.json();
    for page in 0..3 {
        assert_eq!(by_get["entry"], by_post["entry"], "page {page}");
        assert_eq!(
            by_get["entry"][0]["resource"]["identifier"][0]["value"],
            format!("000{}", page + 1)
        );
        let links = by_post["link"].as_array().expect("links").clone();
        for link in &links {
            let url = link["url"].as_str().expect("a URL");
            assert!(!url.contains("0001") && !url.contains("identifier"), "{url}");
            assert!(url.starts_with("https://fhir.test/fhir/Patient?_pretty=true&_page="), "{url}");
        }
        let path = |url: &Value| url.as_str().map(|url| url.replace("https://fhir.test", ""));
        let own = path(&links[0]["url"]).expect("a URL");
        assert_eq!(get(&own).await.json(), by_post, "the self link of page {page}");
        let (Some(next), Some(sealed)) =
            (path(&by_get["link"][1]["url"]), path(&by_post["link"][1]["url"]))
        else {
            assert_eq!((page, links.len()), (2, 1));
            break;
        };
        by_get = get(&next).await.json();
        // What is too long for an address goes into a body again.
        by_post = match page {
            0 => get(&sealed).await.json(),
            _ => {
                let token = sealed.split("_page=").nth(1).expect("a token");
                let request = post("/fhir/Patient/_search?_pretty=true", &format!("_page={token}"));
                send(request).await.json()
            }
        };
    }
    let other = get("/fhir/Observation?_page=abc").await;
    assert_eq!(other.status, 400, "{}", other.body);
}

#[actix_web::test]
async fn a_reference_by_our_own_url_finds_what_the_relative_one_finds() {
    let entries = |bundle: Value| bundle["entry"].as_array().map_or(0, Vec::len);
    for (reference, found) in [
        ("Patient/patient.0001", 3),
        ("https://fhir.test/fhir/Patient/patient.0001", 3),
        ("https://fhir.test/fhir/Patient/patient.0002", 0),
        ("https://other.test/fhir/Patient/patient.0001", 0),
    ] {
        let answered = get(&format!("/fhir/Observation?subject={reference}")).await;
        assert_eq!((answered.status, entries(answered.json())), (200, found), "{reference}");
    }
}

#[actix_web::test]
async fn a_body_that_is_too_large_is_refused_and_the_connection_ends() {
    let http = HttpConfig { body_bytes_max: 8, ..HttpConfig::default() };
    let request = TestRequest::post()
        .uri("/fhir/Patient/_search")
        .insert_header(("Content-Type", "application/x-www-form-urlencoded"))
        .set_payload("gender=female");
    let answered = send_with(&http, request).await;
    assert_eq!(answered.status, 413, "{}", answered.body);
}

#[actix_web::test]
async fn beyond_the_requests_in_work_one_more_is_told_to_wait() {
    let http = HttpConfig { requests_max: 0, ..HttpConfig::default() };
    let answered = send_with(&http, TestRequest::get().uri(PATIENT_1)).await;
    assert_eq!((answered.status, answered.header("retry-after")), (503, Some("5")));
}

#[actix_web::test]
async fn metadata_offers_what_is_answered_and_nothing_else() {
    let statement = get("/fhir/metadata").await.json();
    let resources = statement["rest"][0]["resource"].as_array().expect("resources");
    let types: Vec<&Value> = resources.iter().map(|resource| &resource["type"]).collect();
    assert_eq!(types, ["Observation", "Patient", "SearchParameter"]);
    assert_eq!(resources[1]["searchRevInclude"][0], "Observation:patient");
    // What it tells of the last type is asked beside that.
    for resource in &resources[..2] {
        let resource_type = resource["type"].as_str().expect("a type");
        for parameter in resource["searchParam"].as_array().expect("parameters") {
            let name = parameter["name"].as_str().expect("a name");
            let uri = format!("/fhir/{resource_type}?{name}:missing=false");
            let answered = get(&uri).await;
            let refused = answered.body.contains("not offered");
            assert!(!refused, "{uri}: {}", answered.body);
        }
    }
    let of_rows = Value::from(resources[..2].to_vec()).to_string();
    assert!(!of_rows.contains("\"name\":\"name\""), "it is switched off");
}

#[actix_web::test]
async fn a_harmless_request_id_comes_back_and_another_does_not() {
    for (id, kept) in [("abc-123", true), ("a b", false), ("<script>", false)] {
        let request = TestRequest::get().uri("/fhir/metadata").insert_header(("X-Request-Id", id));
        let answered = send(request).await;
        assert_eq!(answered.header("x-request-id") == Some(id), kept, "{id}");
    }
}
