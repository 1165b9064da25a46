//! What comes along with matches is what they refer to: a reference that a resource does not write
//! brings nothing.

use super::*;

const PAYER_SCHEMA: &str = "
PT: {key: [ID], columns: {ID: char(4)}}
HOKEN: {key: [NO], columns: {NO: integer, ID: char(4), SYU: char(2), HOKENSYA: varchar(8)}}
";

const INSURED: &str = "
rule: patient
resource: Patient
from: {p: {table: PT, key: [ID]}}
emit: {identifier: [{value: = p.ID}]}
";

/// Who pays for themselves is named; an insurer has a number and no resource.
const COVERAGE: &str = "
rule: coverage
resource: Coverage
from: {h: {table: HOKEN, key: [NO]}}
emit:
  status: active
  beneficiary: {display: = h.ID}
  payor:
    - {$if: = h.SYU == \"90\", $ref: patient, key: [= h.ID]}
    - {identifier: {system: urn:insurer, value: = h.HOKENSYA}}
";

async fn payers() -> web::Data<Served> {
    let mut rows: Rows = Vec::new();
    for id in ["0001", "0002"] {
        rows.push(("PT".to_owned(), cells(&[("ID", id)])));
    }
    for (number, id, kind, insurer) in [("1", "0001", "90", ""), ("2", "0002", "01", "06130025")] {
        let row = [("NO", number), ("ID", id), ("SYU", kind), ("HOKENSYA", insurer)];
        rows.push(("HOKEN".to_owned(), cells(&row)));
    }
    let files = [("p.map.yaml", INSURED), ("c.map.yaml", COVERAGE)];
    let (fhir, http) = (FhirConfig::default(), HttpConfig::default());
    hospital(PAYER_SCHEMA, &files, &rows, &fhir, &http).await
}

/// The ids of the entries, and what each is there for.
async fn entries(query: &str) -> Vec<String> {
    let uri = format!("/fhir/{query}");
    let answered = send_to(payers().await, TestRequest::get().uri(&uri)).await;
    assert_eq!(answered.status, 200, "{query}: {}", answered.body);
    let bundle = answered.json();
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    let named = |entry: &Value| {
        let (mode, id) = (&entry["search"]["mode"], &entry["resource"]["id"]);
        format!("{} {}", mode.as_str().unwrap_or_default(), id.as_str().unwrap_or_default())
    };
    entries.iter().map(named).collect()
}

#[actix_web::test]
async fn a_reference_under_a_condition_is_followed_only_where_it_is_written() {
    for (query, expected) in [
        (
            "Coverage?_include=Coverage:payor",
            &["match coverage.1", "match coverage.2", "include patient.0001"][..],
        ),
        ("Coverage?_id=coverage.2&_include=Coverage:payor", &["match coverage.2"]),
        // The column of the condition is read for it, if nothing else shows it.
        (
            "Coverage?_elements=status&_include=Coverage:payor",
            &["match coverage.1", "match coverage.2", "include patient.0001"],
        ),
        (
            "Patient?_revinclude=Coverage:payor",
            &["match patient.0001", "match patient.0002", "include coverage.1"],
        ),
        ("Patient?_id=patient.0002&_revinclude=Coverage:payor", &["match patient.0002"]),
        ("Coverage?payor=Patient/patient.0002", &[]),
        ("Coverage?payor:identifier=06130025", &["match coverage.2"]),
        ("Coverage?payor:missing=true", &[]),
        ("Coverage?payor:missing=false", &["match coverage.1", "match coverage.2"]),
    ] {
        assert_eq!(entries(query).await, expected, "{query}");
    }
}
