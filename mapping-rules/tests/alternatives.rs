//! `$first`, and what `$code` takes beside its code: `display` and `extension`.

#[path = "support/emitted.rs"]
mod emitted;
#[path = "support/rule_set.rs"]
mod rule_set;
#[path = "support/site.rs"]
mod site;

use emitted::{body, emitted, issue_codes, record};
use genkan_mapping::emit::Record;
use genkan_mapping::program::RuleSet;
use serde_json::{Value as Json, json};
use site::{row, rules};

const PATIENT: &str =
    "rule: pt\nresource: Patient\nfrom:\n  p: {table: PT, key: [ID]}\nemit: {active: true}\n";

/// A rule on BYO; the key's columns come first, then those of the elements in order of first use.
fn condition(elements: &str) -> RuleSet {
    let text = format!(
        "rule: b\nresource: Condition\nfrom:\n  b: {{table: BYO, key: [PT_ID, SEQ]}}\n  s: {{table: SYU, \
         many: [PT_ID = b.PT_ID, BYO_SEQ = b.SEQ]}}\nemit:\n  subject: {{display: x}}\n{elements}"
    );
    let maps = "m:\n  local: {system: urn:l, emit: always}\n  targets: [{id: a, system: urn:a}]\n  \
                unmapped: {policy: warn}\n";
    let csv = "local,target,code,status\nB1,a,A1,accepted\n";
    rules(&[
        ("b.map.yaml", &text),
        ("pt.map.yaml", PATIENT),
        ("codes/codemaps.yaml", maps),
        ("codes/m.csv", csv),
    ])
}

fn element(rules: &RuleSet, name: &str, cells: &[&str]) -> Json {
    let cells = [&["1", "1i"], cells].concat();
    body(&emitted(rules, "b", &record(&cells)))[name].clone()
}

#[test]
fn the_first_alternative_with_data_is_taken_and_no_other() {
    let references = condition(
        "  asserter: {$first: [{$ref: pt, key: [= b.CD]}, {$if: = b.KBN == \"1\", $ref: pt, key: [= b.NM]}, {display: = b.NOTE}]}\n",
    );
    for (cells, expected) in [
        (["A", "1", "B", "n"], json!({"reference": "Patient/pt.A"})),
        (["", "1", "B", "n"], json!({"reference": "Patient/pt.B"})),
        (["-", "0", "B", "n"], json!({"display": "n"})),
        (["-", "1", "-", "n"], json!({"display": "n"})),
        (["-", "1", "-", "-"], Json::Null),
    ] {
        assert_eq!(element(&references, "asserter", &cells), expected, "{cells:?}");
    }
}

#[test]
fn a_search_follows_every_alternative() {
    let rules =
        condition("  asserter: {$first: [{$ref: pt, key: [= b.CD]}, {$ref: pt, key: [= b.NM]}]}\n");
    let rule = &rules.rules[0];
    let asserter = rule.parameters.iter().find(|parameter| parameter.code == "asserter");
    assert_eq!(asserter.expect("it is offered").branches.len(), 2);
}

#[test]
fn an_alternative_that_hides_the_next_ones_is_refused() {
    for (alternatives, column) in [
        ("[{$ref: pt, key: [= b.CD]}]", 13),
        ("{$ref: pt, key: [= b.CD]}", 13),
        ("[{display: 常に}, {display: = b.NM}]", 23),
    ] {
        let text = format!(
            "rule: b\nresource: Condition\nfrom:\n  b: {{table: BYO, key: [PT_ID, SEQ]}}\nemit:\n  subject: \
             {{display: x}}\n  asserter: {{$first: {alternatives}}}\n"
        );
        let found =
            rule_set::compiled(&[("b.map.yaml", &text), ("pt.map.yaml", PATIENT)]).diagnostics;
        let first = found.first().expect("a finding");
        assert_eq!(
            (first.code, first.span.line, first.span.column),
            ("E0524", 7, column),
            "{text}"
        );
    }
}

#[test]
fn the_house_code_has_its_own_name_or_the_text() {
    let named = condition("  code: {$code: m, from: = b.CD, text: = b.NM, display: = b.NOTE}\n");
    for (name, display) in [("短名", "短名"), ("-", "病名全体")] {
        let code = element(&named, "code", &["B1", "病名全体", name]);
        let house = json!({"system": "urn:l", "code": "B1", "display": display});
        assert_eq!(code["coding"][1], house);
    }
}

#[test]
fn a_concept_carries_an_extension_for_each_child_row() {
    let rules = condition(
        "  code:\n    $code: m\n    from: = b.CD\n    extension:\n      - {$each: s, url: 'urn:x', valueString: = s.NM}\n",
    );
    let with = |children: &[&[&str]]| {
        let children = vec![children.iter().map(|cells| row(cells)).collect()];
        let row = row(&["1", "1i", "B1"]);
        let record = Record { row, children, contained: Vec::new() };
        let emitted = emitted(&rules, "b", &record);
        assert!(issue_codes(&emitted).is_empty());
        body(&emitted)["code"].clone()
    };
    let two = with(&[&["1", "1i", "急性"], &["1", "1i", "右"]]);
    let values: Vec<&Json> = two["extension"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|item| &item["valueString"])
        .collect();
    assert_eq!(values, ["急性", "右"]);
    assert_eq!(two["coding"][0]["code"], "A1");
    assert!(with(&[]).get("extension").is_none());
}
