//! `$code`: codings by date, policies for what is not mapped, and the shapes that it takes.

use super::emitted::{body, emitted, issue_codes, record};
use super::rule_set::compiled;
use super::site::identity;
use super::site::rules;
use genkan_mapping::emit::Emitter;
use genkan_mapping::program::RuleSet;
use serde_json::{Value as Json, json};

const CSV: &str = "local,target,code,display,valid_from,valid_to,status,master_version
B1,a,A1,肺炎,,2019-12-31,accepted
B1,a,A1N,新肺炎,2020-01-01,,accepted
B1,b,X1,,,,accepted,20240709
B2,c,C2,,,,accepted
B3,a,A3,,,,accepted
B3,a,A3B,,,,accepted
B4,a,A4,,,,proposed
";

fn mapped(local: &str, unmapped: &str, code: &str) -> RuleSet {
    let maps = format!(
        "m:\n  local: {{system: urn:l{local}}}\n  targets:\n    - {{id: a, system: urn:a}}\n    \
         - {{id: b, system: urn:b}}\n    - {{id: c, system: urn:c, only-if-none: [a]}}\n  unmapped: \
         {{{unmapped}}}\n"
    );
    let rule = format!(
        "rule: b\nresource: Condition\nfrom:\n  b: {{table: BYO, key: [PT_ID, SEQ]}}\nemit:\n  \
         subject: {{display: x}}\n  {code}\n"
    );
    rules(&[("codes/codemaps.yaml", &maps), ("codes/m.csv", CSV), ("b.map.yaml", &rule)])
}

const CONCEPT: &str = "code: {$code: m, from: = b.CD, text: = b.NM, at: = b.START | date}";

fn code(rules: &RuleSet, cells: &[&str]) -> (Json, Vec<&'static str>) {
    let cells = [&["1", "1i"], cells].concat();
    let emitted = emitted(rules, "b", &record(&cells));
    (body(&emitted)["code"].clone(), issue_codes(&emitted))
}

fn coding(system: &str, code: &str) -> Json {
    json!({"system": system, "code": code})
}

/// The house coding carries the row's own name of it.
fn named(system: &str, code: &str) -> Json {
    json!({"system": system, "code": code, "display": "病"})
}

#[test]
fn the_clinical_date_chooses_among_the_codes() {
    let rules = mapped("", "policy: warn", CONCEPT);
    let old = json!({"system": "urn:a", "code": "A1", "display": "肺炎"});
    let new = json!({"system": "urn:a", "code": "A1N", "display": "新肺炎"});
    let second = json!({"system": "urn:b", "version": "20240709", "code": "X1"});
    for (day, first) in [("20191231", &old), ("20200101", &new), ("-", &new), ("201900", &old)] {
        let expected = json!({"coding": [first, second], "text": "病"});
        assert_eq!(code(&rules, &["B1", "病", day]), (expected, vec![]), "{day}");
    }
}

#[test]
fn a_fallback_is_taken_only_where_no_better_code_is() {
    let rules = mapped("", "policy: warn", CONCEPT);
    let (concept, _) = code(&rules, &["B2", "-", "-"]);
    assert_eq!(concept, json!({"coding": [coding("urn:c", "C2")]}));
}

/// U+FFFF is in no XML, and two blanks are in no code.
#[test]
fn a_text_or_house_code_that_fhir_can_not_hold_is_left_out_and_said() {
    let rules = mapped("", "policy: warn", CONCEPT);
    let standard = json!({"system": "urn:c", "code": "C2"});
    let (concept, issues) = code(&rules, &["B2", "病\u{ffff}", "-"]);
    assert_eq!((concept, issues), (json!({"coding": [standard]}), vec!["bad-value"]));
    let rules = mapped(", emit: always", "policy: warn", CONCEPT);
    let (concept, issues) = code(&rules, &["B  9", "病", "-"]);
    assert_eq!((concept, issues), (json!({"text": "病"}), vec!["unmapped", "bad-value"]));
}

#[test]
fn two_codes_at_once_are_both_left_out_and_said() {
    let rules = mapped("", "policy: warn", CONCEPT);
    let (concept, issues) = code(&rules, &["B3", "病", "-"]);
    assert_eq!(concept, json!({"coding": [named("urn:l", "B3")], "text": "病"}));
    assert_eq!(issues, ["ambiguous", "unmapped"]);
}

#[test]
fn the_policy_says_what_becomes_of_a_code_without_a_standard_code() {
    let local = named("urn:l", "B4");
    let uncoded = "policy: uncoded, codings: [{target: a, code: '999'}]";
    for (emit, policy, expected) in [
        ("", "policy: warn", json!({"coding": [local], "text": "病"})),
        (", emit: never", "policy: warn", json!({"text": "病"})),
        ("", "policy: text-only", json!({"text": "病"})),
        (", emit: always", "policy: text-only", json!({"text": "病"})),
        ("", uncoded, json!({"coding": [coding("urn:a", "999"), local], "text": "病"})),
        (", emit: never", uncoded, json!({"coding": [coding("urn:a", "999")], "text": "病"})),
        ("", "policy: error", Json::Null),
    ] {
        let rules = mapped(emit, policy, CONCEPT);
        let (concept, issues) = code(&rules, &["B4", "病", "-"]);
        assert_eq!((concept, issues), (expected, vec!["unmapped"]), "{emit} {policy}");
    }
    let always = mapped(", emit: always", "policy: warn", CONCEPT);
    let (concept, _) = code(&always, &["B2", "-", "-"]);
    assert_eq!(concept, json!({"coding": [coding("urn:c", "C2"), coding("urn:l", "B2")]}));
}

#[test]
fn the_rules_value_chooses_among_the_uncoded_codings() {
    let policy =
        "policy: uncoded, by: {F: [{system: urn:food, code: F}], else: [{system: urn:n, code: N}]}";
    let form = "code: {$code: m, from: = b.CD, with: = b.KBN}";
    let rules = mapped(", emit: never", policy, form);
    for (kind, expected) in
        [("F", coding("urn:food", "F")), ("X", coding("urn:n", "N")), ("-", coding("urn:n", "N"))]
    {
        let (concept, _) = code(&rules, &["B4", kind]);
        assert_eq!(concept, json!({"coding": [expected]}), "{kind}");
    }
}

#[test]
fn an_empty_house_code_with_a_text_is_unmapped_and_nothing_makes_nothing() {
    let rules = mapped("", "policy: uncoded, codings: [{target: a, code: '999'}]", CONCEPT);
    let (concept, issues) = code(&rules, &["-", "ワープロ病名", "-"]);
    assert_eq!(concept, json!({"coding": [coding("urn:a", "999")], "text": "ワープロ病名"}));
    assert_eq!(issues, ["unmapped"]);
    assert_eq!(code(&rules, &["-", "", "-"]), (Json::Null, vec![]));
}

#[test]
fn a_coding_and_a_code_take_the_first() {
    let rules = mapped(
        ", emit: always",
        "policy: warn",
        "meta: {tag: [{$code: m, from: = b.CD}]}\n  code: {coding: [{code: {$code: m, from: = b.CD}}]}",
    );
    let emitted = emitted(&rules, "b", &record(&["1", "1i", "B1"]));
    let json: Json = serde_json::from_slice(&emitted.json.expect("a resource")).expect("JSON");
    assert_eq!(
        json["meta"]["tag"],
        json!([{"system": "urn:a", "code": "A1N", "display": "新肺炎"}])
    );
    assert_eq!(json["code"], json!({"coding": [{"code": "A1N"}]}));
}

/// The house code is shown where nothing is mapped, and is no code of FHIR's.
#[test]
fn a_code_of_a_map_has_to_be_one_of_a_required_binding() {
    let form = "code: {text: x}\n  text: {status: {$code: m, from: = b.CD}, div: <div>x</div>}";
    for (local, text, issues) in [
        ("B2", Json::Null, vec!["bad-code"]),
        ("empty", json!({"status": "empty", "div": "<div>x</div>"}), vec!["unmapped"]),
        ("ZZ", Json::Null, vec!["unmapped", "bad-code"]),
    ] {
        let emitted = emitted(&mapped("", "policy: warn", form), "b", &record(&["1", "1i", local]));
        assert_eq!(body(&emitted)["text"], text, "{local}");
        assert_eq!(issue_codes(&emitted), issues, "{local}");
    }
}

#[test]
fn a_map_without_its_table_is_a_warning() {
    let maps = "m: {local: {system: urn:l}, targets: [], unmapped: {policy: warn}}\n";
    let compiled = compiled(&[("codes/codemaps.yaml", maps)]);
    assert!(compiled.rules.is_some());
    assert_eq!(compiled.diagnostics[0].code, "W0609");
}

/// Path and text of every leaf.
fn leaves(path: &str, json: &Json, found: &mut Vec<(String, String)>) {
    match json {
        Json::Object(fields) => {
            for (name, field) in fields.iter().filter(|(name, _)| *name != "resourceType") {
                leaves(&format!("{path}.{name}"), field, found);
            }
        }
        Json::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                leaves(&format!("{path}[{index}]"), item, found);
            }
        }
        Json::String(text) => found.push((path.to_owned(), text.clone())),
        other => found.push((path.to_owned(), other.to_string())),
    }
}

#[test]
fn a_preview_has_every_leaf_with_the_row_of_the_map_and_all_parts_of_the_key() {
    let elements = format!(
        "{CONCEPT}\n  meta: {{tag: [{{code: = b.CD}}]}}\n  evidence:\n    - detail: [{{$ref: b, \
         key: [= b.PT_ID, = b.SEQ], display: = b.NM}}]"
    );
    let rules = mapped(", emit: always", "policy: warn", &elements);
    let (identity, record) = (identity(), record(&["1", "1i", "B1", "病", "20200101"]));
    let (emitted, shown) = Emitter::new(&rules, &identity).preview(&rules.rules[0], &record);
    let json = serde_json::from_slice(&emitted.json.expect("a resource")).expect("JSON");
    let mut expected = Vec::new();
    leaves("Condition", &json, &mut expected);
    let mut found: Vec<_> =
        shown.iter().map(|leaf| (leaf.expression.clone(), leaf.value.clone())).collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    let leaf = |expression: &str| {
        let leaf = shown.iter().find(|leaf| leaf.expression == expression).expect(expression);
        let columns: Vec<&str> = leaf.columns.iter().map(|(column, _)| column.as_str()).collect();
        let file = |span: genkan_mapping::Span| {
            format!("{}:{}", rules.files[usize::from(span.file)].path, span.line)
        };
        (columns.join(" "), leaf.mapped_by.map(file))
    };
    let row = |line: u32| Some(format!("codes/m.csv:{line}"));
    for (expression, columns, mapped_by) in [
        ("Condition.id", "b.PT_ID b.SEQ", None),
        ("Condition.code.coding[0].system", "b.CD b.START", row(3)),
        ("Condition.code.coding[0].display", "b.CD b.START", row(3)),
        ("Condition.code.coding[1].code", "b.CD b.START", row(4)),
        ("Condition.code.coding[2].code", "b.CD", None),
        ("Condition.code.coding[2].display", "b.NM", None),
        ("Condition.code.text", "b.NM", None),
        ("Condition.evidence[0].detail[0].reference", "b.PT_ID b.SEQ", None),
    ] {
        assert_eq!(leaf(expression), (columns.to_owned(), mapped_by), "{expression}");
    }
}

/// A house code for 急性肺炎の疑い: the disease is the coding, and its modifiers stand behind what the
/// rule itself says, on the days on which they hold.
#[test]
fn modifiers_of_a_house_code_are_extensions_of_its_concept() {
    let maps = "m:\n  local: {system: urn:l}\n  targets:\n    - {id: a, system: urn:a}\n    \
                - {id: pre, system: urn:z, extension: urn:prefix}\n    \
                - {id: post, system: urn:z, extension: urn:postfix}\n  unmapped: {policy: warn}\n";
    let csv = "local,target,code,display,valid_from,status\nB1,post,28,の疑い,,accepted\n\
               B1,a,A1,肺炎,,accepted\nB1,pre,21,急性,,accepted\nB1,pre,22,,2020-01-01,accepted\n\
               B2,pre,21,急性,,accepted\n";
    let rule = |extension: &str| {
        let text = format!(
            "rule: b\nresource: Condition\nfrom:\n  b: {{table: BYO, key: [PT_ID, SEQ]}}\nemit:\n  subject: {{display: \
             x}}\n  code: {{$code: m, from: = b.CD, text: = b.NM, at: = b.START | date{extension}}}\n"
        );
        rules(&[("codes/codemaps.yaml", maps), ("codes/m.csv", csv), ("b.map.yaml", &text)])
    };
    let modifier = |kind: &str, code: &str, name: Option<&str>| match name {
        Some(name) => json!({"url": kind, "valueCodeableConcept": {
            "coding": [{"system": "urn:z", "code": code, "display": name}], "text": name}}),
        None => json!({"url": kind, "valueCodeableConcept": {"coding": [coding("urn:z", code)]}}),
    };
    let (acute, suspected) =
        (modifier("urn:prefix", "21", Some("急性")), modifier("urn:postfix", "28", Some("の疑い")));
    let plain = rule("");
    let disease = json!([{"system": "urn:a", "code": "A1", "display": "肺炎"}]);
    let (concept, issues) = code(&plain, &["B1", "急性肺炎の疑い", "20191231"]);
    let expected =
        json!({"extension": [acute, suspected], "coding": disease, "text": "急性肺炎の疑い"});
    assert_eq!((concept, issues), (expected, vec![]));
    let (concept, _) = code(&plain, &["B1", "-", "20200101"]);
    let second = modifier("urn:prefix", "22", None);
    assert_eq!(concept["extension"], json!([acute, second, suspected]));
    // Modifiers alone are no disease.
    let (concept, issues) = code(&plain, &["B2", "病", "-"]);
    assert_eq!(concept.get("extension"), None);
    assert_eq!(issues, ["unmapped"]);
    let with = rule(", extension: [{url: urn:own, valueString: = b.NM}]");
    let (concept, _) = code(&with, &["B1", "病", "20191231"]);
    let own = json!({"url": "urn:own", "valueString": "病"});
    assert_eq!(concept["extension"], json!([own, acute, suspected]));
    let (concept, _) = code(&with, &["B1", "-", "20191231"]);
    assert_eq!(concept["extension"], json!([acute, suspected]));
    // Each leaf knows its row of the map, and its place behind the rule's own.
    let identity = identity();
    let emitter = Emitter::new(&with, &identity);
    let row = record(&["1", "1i", "B1", "病", "20191231"]);
    let (_, leaves) = emitter.preview(&with.rules[0], &row);
    let path = "Condition.code.extension[2].valueCodeableConcept.coding[0].code";
    let leaf = leaves.iter().find(|leaf| leaf.expression == path);
    let lines = leaves.iter().map(|leaf| leaf.expression.as_str()).collect::<Vec<_>>().join("\n");
    let leaf = leaf.unwrap_or_else(|| panic!("{lines}"));
    assert_eq!((leaf.value.as_str(), leaf.mapped_by.map(|span| span.line)), ("28", Some(2)));
}
