//! Units collected from a small hospital in memory: what is in them, what is refused, and how many
//! statements it takes.

use std::sync::Arc;

use genkan_adapter::{Adapter, Value as Cell};
use genkan_adapter_sql::SqlAdapter;
use genkan_mapping::identity::{IdMode, Identity, SiteKey};
use genkan_mapping::{RuleFiles, compile, schema};
use genkan_masters::Store;
use serde_json::Value;

use super::super::Built;
use super::super::collect::{Wanted, built};
use super::super::operation::{Asked, asked, date, pairs_of_body};
use super::*;
use crate::error::Error;
use crate::exchange::Exchange;
use crate::http::HttpConfig;
use crate::parse::Pairs;
use crate::service::{FhirConfig, Service};
use crate::site::SiteConfig;
use crate::sources::Sources;

const SCHEMA: &str = "
PT: {key: [ID], columns: {ID: char(4), NAME: varchar(20), UPD: char(14)}}
DOC: {key: [NO], columns: {NO: char(4), NAME: varchar(20), UPD: char(14)}}
VISIT: {key: [NO], columns: {NO: char(4), ID: char(4), DOC: char(4), UPD: char(14)}}
DIS:
  key: [ID, SEQ]
  columns:
    ID: char(4)
    SEQ: char(2)
    NAME: varchar(20)
    START: char(8)
    END: char(8)
    VISIT: char(4)
    DOC: char(4)
    KA: varchar(9)
    LTS: char(1)
    UPD: char(14)
ALG: {key: [ID, NO], columns: {ID: char(4), NO: char(2), NAME: varchar(20), UPD: char(14)}}
LAB:
  key: [ORD, ITEM]
  columns:
    ORD: char(4)
    ITEM: char(4)
    ID: char(4)
    DAY: char(8)
    VISIT: char(4)
    STS: char(1)
    UPD: char(14)
";

const RULES: [(&str, &str); 6] = [
    (
        "patient.map.yaml",
        "rule: patient
resource: Patient
profile: http://jpfhir.jp/fhir/eCS/StructureDefinition/JP_Patient_eCS
from: {p: {table: PT, key: [ID]}}
updated: = p.UPD | datetime
emit:
  identifier:
    - {system: urn:test:patient, value: = p.ID}
    - system: http://jpfhir.jp/fhir/clins/Idsystem/JP_Insurance_memberID
      value: = \"00012345::$(p.ID):\"
  name: [{text: = p.NAME}]
",
    ),
    (
        "practitioner.map.yaml",
        "rule: practitioner
resource: Practitioner
profile: http://jpfhir.jp/fhir/core/StructureDefinition/JP_Practitioner
from: {d: {table: DOC, key: [NO]}}
updated: = d.UPD | datetime
emit: {name: [{text: = d.NAME}]}
",
    ),
    (
        "encounter.map.yaml",
        "rule: encounter
resource: Encounter
profile: http://jpfhir.jp/fhir/core/StructureDefinition/JP_Encounter
from: {v: {table: VISIT, key: [NO]}}
updated: = v.UPD | datetime
emit:
  status: finished
  class: {code: AMB}
  subject: {$ref: patient, key: [= v.ID]}
  participant: [{individual: {$ref: practitioner, key: [= v.DOC]}}]
",
    ),
    (
        "condition.map.yaml",
        "rule: condition
resource: Condition
profile: http://jpfhir.jp/fhir/eCS/StructureDefinition/JP_Condition_eCS
from: {d: {table: DIS, key: [ID, SEQ]}}
updated: = d.UPD | datetime
emit:
  meta:
    tag:
      - $if: = d.LTS == \"1\"
        system: http://jpfhir.jp/fhir/clins/CodeSystem/JP_ehrshrs_indication
        code: LTS
  extension:
    - url: http://jpfhir.jp/fhir/eCS/Extension/StructureDefinition/JP_eCS_Department
      valueCodeableConcept: {text: = d.KA}
  code: {text: = d.NAME}
  subject: {$ref: patient, key: [= d.ID]}
  encounter: {$ref: encounter, key: [= d.VISIT]}
  recorder: {$ref: practitioner, key: [= d.DOC]}
  onsetDateTime: = d.START | date
  abatementDateTime: = d.END | date
",
    ),
    (
        "allergy.map.yaml",
        "rule: allergy
resource: AllergyIntolerance
profile: http://jpfhir.jp/fhir/eCS/StructureDefinition/JP_AllergyIntolerance_eCS
from: {a: {table: ALG, key: [ID, NO]}}
updated: = a.UPD | datetime
emit:
  code: {text: = a.NAME}
  patient: {$ref: patient, key: [= a.ID]}
",
    ),
    (
        "lab.map.yaml",
        "rule: lab
resource: Observation
profile: http://jpfhir.jp/fhir/eCS/StructureDefinition/JP_Observation_LabResult_eCS
from: {l: {table: LAB, key: [ORD, ITEM]}}
updated: = l.UPD | datetime
emit:
  identifier: [{system: 'urn:oid:1.2.392.100495.20.3.11', value: = l.ORD}]
  status: = l.STS | map F=final
  extension:
    - url: http://jpfhir.jp/fhir/eCS/Extension/StructureDefinition/JP_eCS_Department
      valueCodeableConcept: {text: 内科}
  code: {text: = l.ITEM}
  subject: {$ref: patient, key: [= l.ID]}
  encounter: {$contained: encounter, key: [= l.VISIT]}
  effectiveDateTime: = l.DAY | date
",
    ),
];

/// Table; its columns but the last, which is UPD; rows.
const ROWS: &[(&str, &str, &[&str])] = &[
    ("PT", "ID NAME", &["0001 甲", "0002 乙", "0003 丙", "0004 丁"]),
    ("DOC", "NO NAME", &["D1 医師"]),
    ("VISIT", "NO ID DOC", &["V1 0001 D1", "V2 0001 D1", "V3 0002 D1", "V4 0003 D1"]),
    (
        "DIS",
        "ID SEQ NAME START END VISIT DOC KA LTS",
        &[
            "0001 03 続 20250101 - V2 D1 内科 -",
            "0001 01 終近 20200101 20210401 V1 D1 内科 -",
            "0001 02 終遠 20100101 20210331 V1 D1 - -",
            "0001 04 続 20250101 202104 V1 D9 外科 1",
            "0002 01 続 20250101 - V3 D1 内科 -",
            "0002 02 続 20250101 - V3 D1 - -",
            "0002 03 続 - - V3 D1 内科 -",
        ],
    ),
    ("ALG", "ID NO NAME", &["0001 02 蕎麦", "0001 01 鯖"]),
    (
        "LAB",
        "ORD ITEM ID DAY VISIT STS",
        &[
            "L1 NA 0001 20250301 V1 F",
            "L1 K 0001 20250301 V1 F",
            "L2 NA 0001 20260301 V2 F",
            "L3 NA 0003 20260301 V4 F",
            "L4 NA 0002 20260301 V3 F",
            "L4 K 0002 20260301 V3 ?",
        ],
    ),
];

fn rows() -> Vec<(String, Vec<(String, Cell)>)> {
    let mut rows = Vec::new();
    for (table, columns, lines) in ROWS {
        for line in *lines {
            let cells = line.split(' ').map(|cell| if cell == "-" { "" } else { cell });
            let cells = columns.split(' ').zip(cells).chain([("UPD", "20260401120000")]);
            let cells = cells.map(|(name, cell)| (name.to_owned(), Cell::text(cell)));
            rows.push(((*table).to_owned(), cells.collect()));
        }
    }
    rows
}

pub async fn service() -> Service {
    service_with("", "").await
}

/// With `from` replaced by `to` in the rules.
async fn service_with(from: &str, to: &str) -> Service {
    let schema = schema::parse(SCHEMA).expect("the schema is right");
    let files = RULES.map(|(path, text)| {
        let text = if from.is_empty() { text.to_owned() } else { text.replace(from, to) };
        (path.to_owned(), text.into_bytes())
    });
    let site = SiteConfig::example().site().expect("a site");
    let compiled =
        compile(&RuleFiles(files.to_vec()), &schema.clone().into(), &site, &Store::default());
    let rules = compiled.rules.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics));
    let key = SiteKey { generation: 'a', secret: [7; 32] };
    let identity = Identity::new(IdMode::Plain, &[key]).expect("an identity");
    let adapter = SqlAdapter::in_memory(&schema, &rows()).await.expect("a database");
    adapter.schema().await.expect("its catalog");
    let fhir =
        FhirConfig { base_url: Some("https://fhir.test/fhir".to_owned()), ..Default::default() };
    let (name, sources) = ("病院".to_owned(), Sources::of_one(Arc::new(adapter)));
    Service::new(name, rules, identity, sources, &fhir, &HttpConfig::default())
}

fn conditions() -> Wanted {
    Wanted::Conditions(date("2026-04-01").expect("a day"))
}

fn report(number: &str) -> Wanted {
    Wanted::Observations(Some(number.to_owned()))
}

async fn collected(
    service: &Service,
    patient: &str,
    wanted: &Wanted,
) -> (Result<Built, Error>, Option<usize>) {
    let exchange = Exchange::local("");
    let id = format!("patient.{patient}");
    let built = built(service, &exchange, &id, wanted).await;
    (built, exchange.stages.statements())
}

async fn reason(service: &Service, patient: &str, wanted: &Wanted) -> NoBundle {
    match collected(service, patient, wanted).await.0 {
        Err(Error::NoBundle(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

async fn entries(service: &Service, patient: &str, wanted: &Wanted) -> Vec<Value> {
    let built = collected(service, patient, wanted).await.0.expect("a Bundle");
    let bundle: Value = serde_json::from_slice(&built.json).expect("JSON");
    let entries = bundle["entry"].as_array().expect("entries").iter();
    entries.map(|entry| entry["resource"].clone()).collect()
}

fn ids(entries: &[Value]) -> Vec<&str> {
    entries.iter().filter_map(|resource| resource["id"].as_str()).collect()
}

#[actix_web::test]
async fn a_unit_that_can_not_be_made_says_why() {
    let service = service().await;
    let allergies = Wanted::Allergies(date("2026-04-01").expect("a day"));
    let only = Wanted::Observations(None);
    for (patient, wanted, expected) in [
        ("0003", conditions(), "NothingToRegister(Condition)"),
        ("0002", allergies, "NothingToRegister(Allergy)"),
        ("0004", only.clone(), "NothingToRegister(Observation)"),
        ("0001", report("L9"), "NoSuchReport"),
        // Of another patient.
        ("0001", report("L3"), "NoSuchReport"),
        ("0001", report("L1,L2"), "NoSuchReport"),
    ] {
        let reason = reason(&service, patient, &wanted).await;
        assert_eq!(format!("{reason:?}"), expected, "{patient} {wanted:?}");
    }
    let NoBundle::WhichReport(reports) = reason(&service, "0001", &only).await else {
        panic!("two reports");
    };
    let shown: Vec<String> = reports.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["L2 (2026-03-01, 1)", "L1 (2025-03-01, 2)"]);
    let (unknown, _) = collected(&service, "9999", &conditions()).await;
    assert!(matches!(unknown, Err(Error::NotFound { .. })));
}

#[actix_web::test]
async fn every_row_that_stands_against_the_unit_is_named_with_its_rule() {
    let service = service().await;
    let NoBundle::Refused(issues) = reason(&service, "0002", &conditions()).await else {
        panic!("refused");
    };
    let origins: Vec<(&str, String)> =
        issues.iter().filter(|i| i.is_error()).map(|issue| (issue.code, issue.origin())).collect();
    let [(first, at_first), (second, at_second)] = origins.as_slice() else {
        panic!("{origins:?}");
    };
    assert_eq!((*first, *second), ("no-department", "no-onset"));
    assert!(
        at_first.starts_with("Condition/condition.0002.02 condition.map.yaml:13"),
        "{at_first}"
    );
    assert!(
        at_second.starts_with("Condition/condition.0002.03 condition.map.yaml:19"),
        "{at_second}"
    );

    // A status that nobody knows makes no resource.
    let NoBundle::Refused(issues) = reason(&service, "0002", &report("L4")).await else {
        panic!("refused");
    };
    let error = issues.iter().find(|issue| issue.is_error()).expect("an error");
    assert_eq!((error.code, &*error.columns), ("missing-required", &["l.STS".to_owned()][..]));
    assert!(error.origin().starts_with("Observation/lab.L4.K lab.map.yaml:8"), "{error:?}");
}

#[actix_web::test]
async fn conditions_without_an_end_or_ended_within_five_years_are_all_there() {
    let service = service().await;
    let entries = entries(&service, "0001", &conditions()).await;
    let expected = ["patient.0001", "condition.0001.01", "condition.0001.03", "condition.0001.04"];
    assert_eq!(ids(&entries), expected, "by rule and key");
    assert_eq!(entries[3]["meta"]["tag"][0]["code"], "LTS");
    assert_eq!(entries[1]["meta"].get("tag"), None);
}

#[actix_web::test]
async fn what_conditions_refer_to_comes_in_one_statement_for_each_rule() {
    let service = service().await;
    let (built, statements) = collected(&service, "0001", &conditions()).await;
    let built = built.expect("a Bundle");
    // Patient, conditions, encounters and practitioners. The practitioners of the encounters are
    // those of the conditions.
    assert_eq!(statements, Some(4));
    // The physician of one condition is not there.
    let codes: Vec<_> = built.issues.iter().map(|issue| issue.code).collect();
    assert_eq!(codes, ["dangling-reference"]);
    let entries = entries(&service, "0001", &conditions()).await;
    let contained = entries[1]["contained"].as_array().expect("contained");
    let ids: Vec<&str> = contained.iter().filter_map(|one| one["id"].as_str()).collect();
    assert_eq!(ids, ["encounter-1", "practitioner-2"]);
    assert_eq!(contained[0]["participant"][0]["individual"]["reference"], "#practitioner-2");
    assert_eq!(entries[3].get("recorder"), None);
}

#[actix_web::test]
async fn a_report_is_all_of_its_results_and_one_alone_needs_no_name() {
    let service = service().await;
    let first = entries(&service, "0001", &report("L1")).await;
    assert_eq!(ids(&first), ["patient.0001", "lab.L1.K", "lab.L1.NA"]);
    assert_eq!(first[1]["encounter"]["reference"], "#encounter-1");
    assert_eq!(ids(&entries(&service, "0003", &Wanted::Observations(None)).await).len(), 2);
}

/// The order that `basedOn` points to says it as well.
#[actix_web::test]
async fn a_report_is_known_by_its_order_where_no_identifier_names_it() {
    let identifier = "identifier: [{system: 'urn:oid:1.2.392.100495.20.3.11', value: = l.ORD}]";
    let order = "contained:
    - resourceType: ServiceRequest
      id: order
      meta: {profile: ['http://jpfhir.jp/fhir/core/StructureDefinition/JP_ServiceRequest_Common']}
      status: completed
      intent: order
      identifier: [{system: urn:test:order, value: = l.ORD}]
      subject: {$ref: patient, key: [= l.ID]}
    - resourceType: Encounter
      id: visit
      meta: {profile: ['http://jpfhir.jp/fhir/core/StructureDefinition/JP_Encounter']}
      status: finished
      class: {code: = l.VISIT}
  basedOn: [{reference: '#order'}]";
    let contained = "encounter: {$contained: encounter, key: [= l.VISIT]}";
    let both = format!("{order}\n  encounter: {{reference: '#visit'}}");
    let text = RULES[5].1.replace(identifier, &both).replace(contained, "language: ja");
    let service = service_with(RULES[5].1, &text).await;
    let first = entries(&service, "0001", &report("L1")).await;
    assert_eq!(ids(&first), ["patient.0001", "lab.L1.K", "lab.L1.NA"]);
    assert!(matches!(reason(&service, "0001", &report("L9")).await, NoBundle::NoSuchReport));
    // And where nothing names it, that is said of every result.
    let service = service_with(identifier, "language: ja").await;
    let NoBundle::Refused(issues) = reason(&service, "0001", &report("L1")).await else {
        panic!("refused");
    };
    assert_eq!(issues.iter().filter(|issue| issue.code == "no-report").count(), 3);
}

#[actix_web::test]
async fn the_same_rows_make_the_same_bytes_whatever_a_page_holds() {
    let mut service = service().await;
    for wanted in [conditions(), report("L1")] {
        let mut seen = Vec::new();
        for page_size_max in [1, 2, 1000] {
            service.limits.page_size_max = page_size_max;
            seen.push(collected(&service, "0001", &wanted).await.0.expect("a Bundle").json);
        }
        assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{wanted:?}");
    }
}

#[actix_web::test]
async fn the_identifier_tells_units_apart_and_hides_the_patient() {
    let service = service().await;
    let mut seen = Vec::new();
    let allergies = |day: &str| Wanted::Allergies(date(day).expect("a day"));
    for (wanted, start) in [
        (conditions(), "1312345670^2026^GKN-C-"),
        (allergies("2026-04-01"), "1312345670^2026^GKN-A-"),
        (allergies("2027-01-01"), "1312345670^2027^GKN-A-"),
        (report("L1"), "1312345670^2025^GKN-O-"),
        (report("L2"), "1312345670^2026^GKN-O-"),
    ] {
        let built = collected(&service, "0001", &wanted).await.0.expect("a Bundle");
        let bundle: Value = serde_json::from_slice(&built.json).expect("JSON");
        let value = bundle["identifier"]["value"].as_str().expect("a value").to_owned();
        let unique = value.strip_prefix(start).unwrap_or_else(|| panic!("{value}")).to_owned();
        assert!(!unique.contains("0001"));
        seen.push(unique);
    }
    assert_eq!(seen[1], seen[2], "a new year is no other unit");
    seen.remove(2);
    assert!((1..seen.len()).all(|i| !seen[..i].contains(&seen[i])), "{seen:?}");
}

/// 0001 has two visits, so that the key finds two rows.
#[actix_web::test]
async fn a_patient_or_a_resource_of_whom_there_are_two_is_refused() {
    for (rule, table, key) in [("p", "PT", "[ID]"), ("a", "ALG", "[ID, NO]")] {
        let from = format!("{rule}: {{table: {table}, key: {key}}}");
        let joined = format!("{from}, v: {{table: VISIT, maybe: [ID = {rule}.ID]}}");
        let service = service_with(&from, &joined).await;
        let allergies = Wanted::Allergies(date("2026-04-01").expect("a day"));
        let NoBundle::Refused(issues) = reason(&service, "0001", &allergies).await else {
            panic!("refused");
        };
        assert!(issues.iter().any(|issue| issue.code == "duplicate-key"), "{table}: {issues:?}");
    }
}

#[actix_web::test]
async fn a_flag_without_a_column_and_a_missing_profile_are_faults_of_the_rules() {
    let service = service_with("- $if: = d.LTS == \"1\"\n        system", "- system").await;
    let NoBundle::Refused(issues) = reason(&service, "0001", &conditions()).await else {
        panic!("refused");
    };
    assert_eq!(issues[0].code, "flag-constant");
    assert!(issues[0].place.starts_with("condition.map.yaml:"), "{issues:?}");
    let service = service_with("JP_Condition_eCS", "JP_Condition").await;
    let reason = reason(&service, "0001", &conditions()).await;
    assert!(matches!(reason, NoBundle::NotMapped(Kind::Condition)));
}

#[test]
fn what_is_asked_for_is_read_strictly() {
    let pairs = |text: &str| -> Pairs { crate::parse::pairs(text.as_bytes()) };
    for (query, expected) in [
        ("", vec!["kind"]),
        ("kind=conditions", vec!["kind"]),
        ("kind=condition", vec!["as-of"]),
        ("kind=condition&as-of=2026-4-1", vec!["as-of"]),
        ("kind=condition&as-of=2026-02-30", vec!["as-of"]),
        ("kind=allergy&as-of=2026-04-01&report=L1", vec!["report"]),
        ("kind=observation&as-of=2026-04-01", vec!["as-of"]),
        ("kind=observation&report=", vec!["report"]),
        ("kind=observation&kind=observation", vec!["kind"]),
        ("kind=observation&patient=1&_since=2", vec!["patient", "_since"]),
        ("kind=observation&with-issues=1", vec!["with-issues"]),
    ] {
        let refused = asked(&pairs(query)).expect_err(query);
        let names: Vec<&str> = refused.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, expected, "{query}");
    }
    for (query, wanted, with_issues) in [
        ("kind=condition&as-of=2026-04-01", conditions(), false),
        ("kind=observation&report=L1&_format=json", report("L1"), false),
        ("kind=observation&report=L1&with-issues=true", report("L1"), true),
    ] {
        assert_eq!(asked(&pairs(query)), Ok(Asked { wanted, with_issues }), "{query}");
    }
}

#[test]
fn the_body_of_a_post_is_a_parameters_resource() {
    for text in [
        "",
        "[]",
        r#"{"resourceType":"Bundle"}"#,
        r#"{"resourceType":"Parameters","parameter":{}}"#,
        r#"{"resourceType":"Parameters","parameter":[{"valueCode":"condition"}]}"#,
        r#"{"resourceType":"Parameters","parameter":[{"name":"kind"}]}"#,
        r#"{"resourceType":"Parameters","parameter":[{"name":"kind","valueInteger":1}]}"#,
    ] {
        assert!(pairs_of_body(text.as_bytes()).is_err(), "{text}");
    }
    let text = r#"{"resourceType":"Parameters","parameter":[
        {"name":"kind","valueCode":"observation"},{"name":"report","valueString":"L1"},
        {"name":"with-issues","valueBoolean":true}]}"#;
    let pairs = pairs_of_body(text.as_bytes()).expect("pairs");
    assert_eq!(asked(&pairs), Ok(Asked { wanted: report("L1"), with_issues: true }));
}
