//! `$ref` and `$contained`.

use std::sync::Arc;

use super::emitted::{body, emitted, issue_codes, record};
use super::site::{row, rules};
use genkan_mapping::emit::Record;
use genkan_mapping::program::RuleSet;
use serde_json::json;

const ORG: &str = "rule: org\nresource: Organization\nfrom:\n  m: {table: MST, key: [CD]}\nemit: {name: = m.NAME}\n";
const PT: &str = "rule: pt\nresource: Patient\nfrom:\n  p: {table: PT, key: [ID]}\nemit:\n  name: [{text: = p.NAME}]\n  managingOrganization: {$contained: org, key: [= p.ORG]}\n";

fn set(condition: &str) -> RuleSet {
    let text = format!(
        "rule: b\nresource: Condition\nfrom:\n  b: {{table: BYO, key: [PT_ID, SEQ]}}\nemit:\n{condition}"
    );
    rules(&[("b.map.yaml", &text), ("org.map.yaml", ORG), ("pt.map.yaml", PT)])
}

fn patient() -> Arc<Record> {
    let org = Record { row: row(&["O1", "院内"]), children: vec![], contained: vec![] };
    Arc::new(Record {
        row: row(&["1", "山田", "O1"]),
        children: vec![],
        contained: vec![Some(Arc::new(org))],
    })
}

fn with(contained: Vec<Option<Arc<Record>>>, cells: &[&str]) -> Record {
    Record { row: row(cells), children: vec![], contained }
}

#[test]
fn a_reference_holds_the_id_that_the_other_rule_makes() {
    let rules = set("  subject: {$ref: pt, key: [= b.PT_ID], display: = b.NM}\n");
    let emitted = emitted(&rules, "b", &record(&["1", "1i", "名"]));
    assert_eq!(body(&emitted), json!({"subject": {"reference": "Patient/pt.1", "display": "名"}}));
}

#[test]
fn a_display_that_cannot_be_read_is_an_issue_of_its_own_place() {
    let rules = set(
        "  subject: {$ref: pt, key: [= b.PT_ID], display: = b.KBN | map 1=x}\n  note: [{text: = b.NOTE}]\n",
    );
    let emitted = emitted(&rules, "b", &record(&["1", "1i", "9", "n"]));
    assert_eq!(issue_codes(&emitted), ["no-map-entry"]);
    assert_eq!(emitted.issues[0].expression, "Condition.subject");
    assert_eq!(emitted.issues[0].columns, ["b.KBN"]);
}

#[test]
fn what_a_contained_resource_contains_joins_the_same_list() {
    let rules = set("  subject: {$contained: pt, key: [= b.PT_ID]}\n");
    let emitted = emitted(&rules, "b", &with(vec![Some(patient())], &["1", "1i"]));
    assert_eq!(
        body(&emitted),
        json!({
            "subject": {"reference": "#patient-1"},
            "contained": [
                {"resourceType": "Patient", "id": "patient-1", "name": [{"text": "山田"}],
                 "managingOrganization": {"reference": "#organization-2"}},
                {"resourceType": "Organization", "id": "organization-2", "name": "院内"},
            ],
        })
    );
    assert!(emitted.issues.is_empty());
}

#[test]
fn a_contained_target_that_is_missing_is_an_issue() {
    let rules = set("  subject: {display: x}\n  asserter: {$contained: pt, key: [= b.PT_ID]}\n");
    let emitted = emitted(&rules, "b", &with(vec![None], &["1", "1i"]));
    assert_eq!(body(&emitted), json!({"subject": {"display": "x"}}));
    assert_eq!(issue_codes(&emitted), ["missing-reference"]);
}

#[test]
fn a_contained_resource_goes_away_with_the_element_that_refers_to_it() {
    let rules = set(
        "  subject: {display: x}\n  note: [{authorReference: {$contained: pt, key: [= b.PT_ID]}, text: = b.NOTE}]\n",
    );
    let emitted = emitted(&rules, "b", &with(vec![Some(patient())], &["1", "1i", "-"]));
    assert_eq!(body(&emitted), json!({"subject": {"display": "x"}}));
    assert_eq!(issue_codes(&emitted), ["missing-required"]);
}

#[test]
fn which_of_two_targets_is_there_counts_in_the_version() {
    let rules = set(
        "  subject: {$contained: pt, key: [= b.PT_ID]}\n  asserter: {$contained: pt, key: [= b.CD]}\n",
    );
    let version = |contained| emitted(&rules, "b", &with(contained, &["1", "1i", "1"])).version_id;
    assert_ne!(version(vec![Some(patient()), None]), version(vec![None, Some(patient())]));
}

const ENC: &str = "rule: enc\nresource: Encounter\nfrom:\n  m: {table: MST, key: [CD]}\nemit: {status: = m.NAME, class: {code: AMB}, period: {start: \"2020\"}}\n";

#[test]
fn a_contained_resource_without_what_fhir_requires_is_left_out_and_the_one_around_it_stays() {
    let text = "rule: b\nresource: Condition\nfrom:\n  b: {table: BYO, key: [PT_ID, SEQ]}\nemit:\n  subject: {display: x}\n  encounter: {$contained: enc, key: [= b.CD]}\n  asserter: {$contained: pt, key: [= b.PT_ID]}\n";
    let files =
        [("b.map.yaml", text), ("enc.map.yaml", ENC), ("org.map.yaml", ORG), ("pt.map.yaml", PT)];
    let rules = rules(&files);
    let encounter = |status| {
        Arc::new(Record { row: row(&["E1", status]), children: vec![], contained: vec![] })
    };
    let made = |status| {
        emitted(
            &rules,
            "b",
            &with(vec![Some(encounter(status)), Some(patient())], &["1", "1i", "E1"]),
        )
    };
    let whole = body(&made("finished"));
    assert_eq!(whole["encounter"], json!({"reference": "#encounter-1"}));
    assert_eq!(whole["asserter"], json!({"reference": "#patient-2"}));
    let lacking = made("-");
    let ids: Vec<_> = body(&lacking)["contained"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|r| r["id"].clone())
        .collect();
    assert_eq!(ids, ["patient-1", "organization-2"]);
    assert_eq!(body(&lacking).get("encounter"), None);
    assert_eq!(issue_codes(&lacking), ["missing-required"]);
    assert_eq!(lacking.issues[0].expression, "Condition.contained[0].status");
}

#[test]
fn a_target_of_the_very_row_needs_no_statement_of_its_own() {
    let target = "rule: s\nresource: Specimen\nfrom:\n  b: {table: BYO, key: [PT_ID, SEQ]}\nwhere: = b.KBN == \"1\"\nemit: {receivedTime: = b.NOTE | datetime}\n";
    let parent = |from: &str, key: &str| {
        format!(
            "rule: b\nresource: Observation\nfrom:\n{from}\nemit:\n  status: final\n  code: {{text: = b.NM}}\n  specimen: {{$contained: s, key: [{key}]}}\n"
        )
    };
    let own = "  b: {table: BYO, key: [PT_ID, SEQ]}\nwhere: = b.KBN == \"1\" and b.CD != \"x\"";
    for (from, key, same) in [
        (own, "= b.PT_ID, = b.SEQ", true),
        // Another row of the table.
        (own, "= b.CD, = b.SEQ", false),
        (own, "= b.PT_ID | trim, = b.SEQ", false),
        // Rows that the target hides.
        ("  b: {table: BYO, key: [PT_ID, SEQ]}", "= b.PT_ID, = b.SEQ", false),
        // The same table by another name is joined by another name.
        (
            "  b: {table: MST, key: [CD]}\n  c: {table: BYO, maybe: [PT_ID = b.CD]}",
            "= c.PT_ID, = c.SEQ",
            false,
        ),
    ] {
        let parent =
            parent(from, key).replace("b.NM", if from.contains("MST") { "b.NAME" } else { "b.NM" });
        let rules = rules(&[("b.map.yaml", &parent), ("s.map.yaml", target)]);
        let columns = rules.rules[0].contained[0].same_row.clone();
        assert_eq!(columns.is_some(), same, "{from} {key}");
        let Some(columns) = columns else { continue };
        let named = |index: &usize| rules.rules[0].root.columns[*index].clone();
        let named: Vec<_> = columns.iter().map(named).collect();
        assert_eq!(named, rules.rules[1].root.columns, "{from} {key}");
    }
}
