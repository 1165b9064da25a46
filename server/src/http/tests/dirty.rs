//! Rows as they are in old tables: keys that are none, letters that XML has not, house codes that
//! nobody has mapped. What a client gets of them, and what it is told.

use super::*;

const SCHEMA: &str = "
PT: {columns: {ID: char(4), NAME: varchar(20), BORN: char(8)}}
LAB: {columns: {NO: integer, ID: char(4), ITEM: varchar(9)}}
";

const PATIENT: &str = "
rule: patient
resource: Patient
from:
  p: {table: PT, key: [ID]}
updated: hash
emit:
  name: [{text: = p.NAME}]
  birthDate: = p.BORN | date
";

const LAB: &str = "
rule: lab
resource: Observation
from:
  l: {table: LAB, key: [NO]}
updated: hash
emit:
  status: final
  code: {$code: item, from: = l.ITEM, text: = l.ITEM}
  subject: {$ref: patient, key: [= l.ID]}
";

const MAPS: &str = "
item:
  local: {system: urn:test:item}
  targets: [{id: jlac, system: urn:test:jlac}]
  unmapped: {policy: warn}
";

/// 0001 stands in the table twice; the name of 0003 holds U+FFFF, and its day of birth is none.
async fn dirty(fhir: &FhirConfig) -> web::Data<Served> {
    let mut rows = Vec::new();
    for (id, name, born) in [
        ("0001", "山田 太郎", "19500101"),
        ("0001", "佐藤 花子", "19600101"),
        ("0002", "鈴木 一郎", "19700101"),
        ("0003", "田\u{ffff}中", "19751399"),
    ] {
        rows.push(("PT".to_owned(), cells(&[("ID", id), ("NAME", name), ("BORN", born)])));
    }
    for (number, id, item) in [("1", "0001", "Na"), ("2", "0001", "K\u{ffff}"), ("3", "0002", "Na")]
    {
        rows.push(("LAB".to_owned(), cells(&[("NO", number), ("ID", id), ("ITEM", item)])));
    }
    let files = [
        ("patient.map.yaml", PATIENT),
        ("lab.map.yaml", LAB),
        ("codes/codemaps.yaml", MAPS),
        ("codes/item.csv", "local,target,code,status\nCl,jlac,2,accepted\n"),
    ];
    hospital(SCHEMA, &files, &rows, fhir, &HttpConfig::default()).await
}

async fn get(uri: &str) -> Answered {
    send_to(dirty(&FhirConfig::default()).await, TestRequest::get().uri(uri)).await
}

/// Mode and id, or the diagnostics, of each entry.
fn entries(bundle: &Value) -> Vec<(String, String)> {
    let entries = bundle["entry"].as_array().map(Vec::as_slice).unwrap_or_default();
    let told = entries.iter().map(|entry| {
        let mode = entry["search"]["mode"].as_str().expect("a mode");
        let resource = &entry["resource"];
        let id = resource["id"].as_str();
        let id = id.or_else(|| resource["issue"][0]["diagnostics"].as_str()).unwrap_or_default();
        (mode.to_owned(), id.to_owned())
    });
    told.collect()
}

fn is_duplicate((mode, diagnostics): &(String, String)) -> bool {
    mode == "outcome" && diagnostics.starts_with("GKN-201: duplicate-key")
}

#[actix_web::test]
async fn a_read_whose_key_finds_two_rows_is_refused() {
    let answered = get("/fhir/Patient/patient.0001").await;
    assert_eq!(answered.status, 422, "{}", answered.body);
    let issue = &answered.json()["issue"][0];
    let diagnostics = issue["diagnostics"].as_str().expect("diagnostics");
    assert!(diagnostics.starts_with("GKN-201: duplicate-key"), "{diagnostics}");
    assert_eq!(issue["expression"][0], "Patient.id");
    assert_eq!(get("/fhir/Patient/patient.0002").await.status, 200);
}

#[actix_web::test]
async fn no_two_entries_of_a_page_have_one_address() {
    // With one on a page, the next one begins behind the key.
    for page in ["/fhir/Patient?_count=2", "/fhir/Patient?_count=1"] {
        let entries = entries(&get(page).await.json());
        assert_eq!(entries[0].1, "patient.0001", "{page}");
        assert!(is_duplicate(&entries[1]), "{page}: {entries:?}");
    }
    let page = "/fhir/Observation?_count=1&_include=Observation:subject";
    let entries = entries(&get(page).await.json());
    assert_eq!(entries[1], ("include".to_owned(), "patient.0001".to_owned()));
    assert!(is_duplicate(&entries[2]), "{entries:?}");
}

#[actix_web::test]
async fn a_letter_that_xml_has_not_costs_the_element_and_not_the_page() {
    for uri in ["/fhir/Patient/patient.0003", "/fhir/Patient", "/fhir/Observation"] {
        let json = get(uri).await;
        let xml = get(&format!("{uri}?_format=xml")).await;
        assert_eq!((json.status, xml.status), (200, 200), "{uri}: {}", xml.body);
        assert!(!json.body.contains('\u{ffff}'), "{uri}");
    }
}

#[actix_web::test]
async fn what_is_wrong_with_the_resources_of_a_page_stands_at_its_end() {
    let bundle = get("/fhir/Patient").await.json();
    let told = bundle["entry"].as_array().and_then(|entries| entries.last()).expect("entries");
    assert_eq!(told["search"]["mode"], "outcome");
    let issues = told["resource"]["issue"].as_array().expect("issues");
    let shown: Vec<(&str, &str)> = issues
        .iter()
        .map(|issue| {
            assert_eq!(issue["severity"], "warning", "{issue}");
            let place = issue["expression"][0].as_str().expect("a place");
            (place, issue["diagnostics"].as_str().expect("diagnostics"))
        })
        .collect();
    let [name, born] = shown.as_slice() else { panic!("{shown:?}") };
    assert_eq!(name.0, "Bundle.entry[3].resource.name[0].text");
    assert!(name.1.starts_with("GKN-209: bad-value: "), "{}", name.1);
    assert_eq!(born.0, "Bundle.entry[3].resource.birthDate");
    assert!(born.1.ends_with("(1 on this page)"), "{}", born.1);
}

#[actix_web::test]
async fn the_configuration_says_which_problems_a_page_tells() {
    let told = async |page_issues_max, hidden: &[&str], uri| {
        let page_issues_hidden = hidden.iter().map(|code| (*code).to_owned()).collect();
        let fhir = FhirConfig { page_issues_max, page_issues_hidden, ..FhirConfig::default() };
        let bundle = send_to(dirty(&fhir).await, TestRequest::get().uri(uri)).await.json();
        let last = bundle["entry"].as_array().and_then(|entries| entries.last().cloned());
        let last = last.filter(|entry| entry["search"]["mode"] == "outcome");
        last.map_or(Vec::new(), |entry| {
            let issues = entry["resource"]["issue"].as_array().cloned().unwrap_or_default();
            let text = |issue: &Value| issue["diagnostics"].as_str().unwrap_or_default().to_owned();
            issues.iter().map(text).collect::<Vec<_>>()
        })
    };
    assert_eq!(told(0, &[], "/fhir/Observation").await, [""; 0]);
    let codes = told(20, &[], "/fhir/Observation").await;
    assert!(codes[0].contains("unmapped") && codes[0].contains("(2 on this page)"), "{codes:?}");
    let first = told(1, &[], "/fhir/Patient").await;
    assert_eq!(first[1], "GKN-209: further kinds of data problems on this page: 1");
    let quiet = told(20, &["unmapped"], "/fhir/Observation?subject=Patient/patient.0002").await;
    assert_eq!(quiet, [""; 0]);
}
