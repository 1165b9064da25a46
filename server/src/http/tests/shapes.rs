//! `_summary` and `_elements`: what is shown, what is marked, and what is not even read.

use super::*;

const SCHEMA: &str = "
PT: {key: [ID], columns: {ID: char(4), NAME: varchar(20), SEX: char(1), BORN: char(8), UPD: char(14)}}
TEL: {key: [ID, NO], columns: {ID: char(4), NO: integer, TEL: varchar(20)}}
VISIT: {key: [NO], columns: {NO: integer, ID: char(4), ROOM: varchar(9), DAY: char(8), STS: char(1), DR: varchar(4)}}
DR: {key: [CD], columns: {CD: varchar(4), NAME: varchar(20)}}
";

const PATIENT: &str = "
rule: patient
resource: Patient
from:
  p: {table: PT, key: [ID]}
  t: {table: TEL, many: [ID = p.ID], order: [NO]}
updated: = p.UPD | datetime
emit:
  meta: {tag: [{system: urn:test:tag, code: live}]}
  text: {status: generated, div: = \"<div xmlns='http://www.w3.org/1999/xhtml'>$(p.NAME)</div>\"}
  identifier: [{system: urn:test:patient, value: = p.ID}]
  name: [{text: = p.NAME}]
  telecom: [{$each: t, system: phone, value: = t.TEL}]
  gender: = p.SEX | map 1=male 2=female
  birthDate: = p.BORN | date
  maritalStatus: {text: = p.SEX}
";

const VISIT: &str = "
rule: visit
resource: Encounter
from:
  v: {table: VISIT, key: [NO]}
updated: hash
emit:
  status: = v.STS | map F=finished
  class: {code: AMB}
  subject: {$ref: patient, key: [= v.ID]}
  participant: [{period: {start: = v.DAY | date}, individual: {$contained: doctor, key: [= v.DR]}}]
  period: {start: = v.DAY | date}
  location: [{location: {display: = v.ROOM}}]
";

const DOCTOR: &str = "
rule: doctor
resource: Practitioner
from:
  d: {table: DR, key: [CD]}
updated: hash
emit:
  name: [{text: = d.NAME}]
";

async fn hospital_of_shapes() -> web::Data<Served> {
    let mut rows: Rows = Vec::new();
    for (id, name, born) in [("0001", "山田 太郎", "19500101"), ("0002", "山田 花子", "19600101")]
    {
        let upd = "20260401120000";
        let row = [("ID", id), ("NAME", name), ("SEX", "1"), ("BORN", born), ("UPD", upd)];
        rows.push(("PT".to_owned(), cells(&row)));
        rows.push(("TEL".to_owned(), cells(&[("ID", id), ("NO", "1"), ("TEL", "03-1")])));
    }
    let visit = [("NO", "1"), ("ID", "0001"), ("ROOM", "3A"), ("DAY", "20260401"), ("STS", "F")];
    let visit = [visit.as_slice(), &[("DR", "D1")]].concat();
    rows.push(("VISIT".to_owned(), cells(&visit)));
    rows.push(("DR".to_owned(), cells(&[("CD", "D1"), ("NAME", "佐藤 医師")])));
    let files =
        [("patient.map.yaml", PATIENT), ("visit.map.yaml", VISIT), ("doctor.map.yaml", DOCTOR)];
    hospital(SCHEMA, &files, &rows, &FhirConfig::default(), &HttpConfig::default()).await
}

async fn ask(service: &web::Data<Served>, uri: &str) -> Answered {
    let answered = send_to(service.clone(), TestRequest::get().uri(uri)).await;
    assert_eq!(answered.status, 200, "{uri}: {}", answered.body);
    answered
}

fn names(resource: &Value) -> Vec<&str> {
    resource.as_object().expect("a resource").keys().map(String::as_str).collect()
}

fn is_subset(resource: &Value) -> bool {
    let tags = resource["meta"]["tag"].as_array().map(Vec::as_slice).unwrap_or_default();
    tags.iter().any(|tag| tag["code"] == "SUBSETTED")
}

#[actix_web::test]
async fn a_shape_shows_its_elements_and_costs_only_their_statements() {
    let service = hospital_of_shapes().await;
    let all = ["identifier", "name", "telecom", "gender", "birthDate"];
    let whole: Vec<&str> = ["text"].into_iter().chain(all).chain(["maritalStatus"]).collect();
    let data: Vec<&str> = all.into_iter().chain(["maritalStatus"]).collect();
    for (query, expected, statements) in [
        ("", whole.clone(), 2),
        ("_summary=false", whole, 2),
        ("_summary=true", all.to_vec(), 2),
        ("_summary=text", vec!["text"], 1),
        ("_summary=data", data, 2),
        ("_elements=gender,birthDate", vec!["gender", "birthDate"], 1),
        ("_elements=telecom", vec!["telecom"], 2),
        ("_elements=id,meta", vec![], 1),
    ] {
        let read = ask(&service, &format!("/fhir/Patient/patient.0001?{query}")).await;
        let page = ask(&service, &format!("/fhir/Patient?_id=patient.0001&{query}")).await;
        let resource = read.json();
        let fixed = ["resourceType", "id", "meta"];
        let expected: Vec<&str> = fixed.into_iter().chain(expected).collect();
        assert_eq!(names(&resource), expected, "{query}");
        assert_eq!(page.json()["entry"][0]["resource"], resource, "{query}");
        let costs = (read.statements(), page.statements());
        assert_eq!(costs, (Some(statements), Some(statements)), "{query}");
        let partial = !query.is_empty() && query != "_summary=false";
        assert_eq!(is_subset(&resource), partial, "{query}");
        assert_eq!(resource["meta"]["tag"][0]["code"], "live", "{query}");
        // A version is of everything: a part has none, and another ETag.
        assert_eq!(resource["meta"].get("versionId").is_none(), partial, "{query}");
        assert_eq!(read.header("etag").is_some_and(|tag| tag.contains("-subset")), partial);
        assert_eq!(resource["meta"]["lastUpdated"], "2026-04-01T12:00:00+09:00");
    }
}

#[actix_web::test]
async fn a_summary_leaves_out_inside_what_r4_does_not_mark_and_takes_what_it_refers_to() {
    let service = hospital_of_shapes().await;
    let answered = ask(&service, "/fhir/Encounter/visit.1?_summary=true").await;
    let encounter = answered.json();
    let expected =
        ["resourceType", "id", "meta", "status", "class", "subject", "participant", "contained"];
    assert_eq!(names(&encounter), expected, "{encounter}");
    let participant = serde_json::json!([{"individual": {"reference": "#practitioner-1"}}]);
    assert_eq!(encounter["participant"], participant);
    let contained = &encounter["contained"][0];
    assert_eq!(contained["name"][0]["text"], "佐藤 医師");
    assert!(!is_subset(contained));
    assert_eq!(answered.statements(), Some(2));
    // Mandatory elements are there, and nothing is fetched for those that are not shown.
    let answered = ask(&service, "/fhir/Encounter?_elements=period").await;
    let encounter = &answered.json()["entry"][0]["resource"];
    assert_eq!(names(encounter), ["resourceType", "id", "meta", "status", "class", "period"]);
    assert_eq!(answered.statements(), Some(1));
    let encounter = ask(&service, "/fhir/Encounter/visit.1?_elements=contained").await.json();
    let expected = ["resourceType", "id", "meta", "status", "class", "participant", "contained"];
    assert_eq!(names(&encounter), expected);
}

#[actix_web::test]
async fn included_resources_are_whole_and_found_whatever_is_shown() {
    let service = hospital_of_shapes().await;
    for shape in ["_elements=period", "_summary=true", "_summary=data"] {
        let uri = format!("/fhir/Encounter?{shape}&_include=Encounter:subject");
        let bundle = ask(&service, &uri).await.json();
        let included = &bundle["entry"][1];
        assert_eq!(included["search"]["mode"], "include", "{shape}: {bundle}");
        let read = ask(&service, "/fhir/Patient/patient.0001").await.json();
        assert_eq!(included["resource"], read, "{shape}");
    }
}

#[actix_web::test]
async fn pages_of_parts_go_on_where_they_ended() {
    let service = hospital_of_shapes().await;
    let first =
        ask(&service, "/fhir/Patient?_elements=gender&_count=1&_sort=-birthdate").await.json();
    let next = first["link"][1]["url"].as_str().expect("next").replace("https://fhir.test", "");
    let second = ask(&service, &next).await.json();
    let id = |bundle: &Value| bundle["entry"][0]["resource"]["id"].clone();
    assert_eq!((id(&first), id(&second)), ("patient.0002".into(), "patient.0001".into()));
    assert!(is_subset(&second["entry"][0]["resource"]), "the links keep the shape");
}

#[actix_web::test]
async fn the_current_version_can_be_read_in_part() {
    let service = hospital_of_shapes().await;
    let whole = ask(&service, "/fhir/Patient/patient.0001").await.json();
    let version = whole["meta"]["versionId"].as_str().expect("a version");
    let uri = format!("/fhir/Patient/patient.0001/_history/{version}?_elements=gender");
    let part = ask(&service, &uri).await.json();
    assert_eq!(names(&part), ["resourceType", "id", "meta", "gender"]);
    assert_eq!((&part["meta"]["versionId"], is_subset(&part)), (&version.into(), true));
}
