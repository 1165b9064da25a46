//! Rows to resources: what appears, what disappears and what is said of it.

#[path = "emit/coded.rs"]
mod coded;
#[path = "emit/contained.rs"]
mod contained;
#[path = "support/emitted.rs"]
mod emitted;
#[path = "emit/fragments.rs"]
mod fragments;
#[path = "support/rule_set.rs"]
mod rule_set;
#[path = "support/site.rs"]
mod site;
#[path = "emit/unreadable.rs"]
mod unreadable;
#[path = "emit/unsent.rs"]
mod unsent;

use emitted::{body, emitted, issue_codes, record};
use genkan_adapter::Value;
use genkan_mapping::emit::{Emitter, Record};
use genkan_mapping::program::{RuleSet, Site};
use genkan_mapping::{RuleFiles, compile};
use genkan_masters::Store;
use serde_json::{Value as Json, json};
use site::{identity, row, rules};

#[test]
fn a_table_is_looked_up_without_quotes_inside_brackets() {
    let rule = "rule: pt\nresource: Patient\nfrom: {p: {table: PT, key: [ID]}}\nemit: {name: [{family: \
         = p.NAME | lookup n, given: [= p.KANA | lookup n else p.KANA, x]}]}\n";
    let rules = rules(&[("pt.map.yaml", rule), ("lookups/n.csv", "key,value\na,A\nb,B\n")]);
    let name = |cells: &[&str]| body(&emitted(&rules, "pt", &record(cells)))["name"].clone();
    assert_eq!(name(&["1", "a", "b"]), json!([{"family": "A", "given": ["B", "x"]}]));
    assert_eq!(name(&["1", "c", "c"]), json!([{"given": ["c", "x"]}]));
}

/// A rule on PT with these elements; the columns come in the order of first use, ID first.
fn patient(elements: &str) -> RuleSet {
    let text = format!(
        "rule: pt\nresource: Patient\nfrom:\n  p: {{table: PT, key: [ID]}}\nblank: ['00000000']\n{elements}"
    );
    rules(&[("pt.map.yaml", &text)])
}

/// Rules, cells, the resource and the codes of the issues.
type Case = (&'static str, &'static [&'static str], fn() -> Json, &'static [&'static str]);

const CASES: &[Case] = &[
    // What is empty disappears with its constants.
    (
        "emit: {telecom: [{system: phone, use: home, value: = p.TEL}]}",
        &["1", ""],
        || json!({}),
        &[],
    ),
    (
        "emit: {telecom: [{system: phone, value: = p.TEL}, {system: email, value: = p.NAME}]}",
        &["1", "-", "a@b"],
        || json!({"telecom": [{"system": "email", "value": "a@b"}]}),
        &[],
    ),
    (
        "emit: {contact: [{relationship: [{text: 家族}], name: {use: official, text: = p.NAME}}]}",
        &["1", "00000000"],
        || json!({}),
        &[],
    ),
    ("emit: {active: true}", &["1"], || json!({"active": true}), &[]),
    // `$if`, `$value` and `$use`.
    (
        "emit: {active: {$if: = p.DEL == \"1\", $value: false}, gender: {$value: = p.SEX | map 1=male, $if: = p.DEL != \"1\"}}",
        &["1", "1", "1"],
        || json!({"active": false}),
        &[],
    ),
    (
        "emit: {active: {$if: = p.DEL == \"1\", $value: false}, gender: {$value: = p.SEX | map 1=male, $if: = p.DEL != \"1\"}}",
        &["1", "-", "1"],
        || json!({"gender": "male"}),
        &[],
    ),
    // Primitive kinds.
    (
        "emit: {deceasedBoolean: = p.DEAD, multipleBirthInteger: = p.AGE}",
        &["1", "false", "3i"],
        || json!({"deceasedBoolean": false, "multipleBirthInteger": 3}),
        &[],
    ),
    ("emit: {multipleBirthInteger: = p.TEL}", &["1", "007"], || json!({}), &["bad-value"]),
    ("emit: {gender: = p.SEX | map 1=male}", &["1", "9"], || json!({}), &["no-map-entry"]),
    (
        "emit: {gender: = p.SEX | map 1=male else other}",
        &["1", "-"],
        || json!({"gender": "other"}),
        &[],
    ),
    // A code that only the row knows has to be one of a required binding.
    ("emit: {gender: = p.SEX}", &["1", "male"], || json!({"gender": "male"}), &[]),
    ("emit: {gender: = p.SEX}", &["1", "M"], || json!({}), &["bad-code"]),
    ("emit: {gender: = p.SEX}", &["1", "-"], || json!({}), &[]),
    ("emit: {gender: = p.SEX else \"other\"}", &["1", "M"], || json!({}), &["bad-code"]),
    ("emit: {language: = p.SEX}", &["1", "xx"], || json!({"language": "xx"}), &[]),
    ("emit: {birthDate: = p.BIRTH | date}", &["1", "20210231"], || json!({}), &["bad-date"]),
    ("emit: {birthDate: = p.BIRTH | date}", &["1", "00000000"], || json!({}), &[]),
    ("emit: {birthDate: = p.BIRTH}", &["1", "20210201"], || json!({}), &["bad-value"]),
    // Two types of one choice: the first is taken, and it is said.
    (
        "emit: {deceasedBoolean: = p.DEAD, deceasedDateTime: = p.BIRTH | date}",
        &["1", "true", "20210201"],
        || json!({"deceasedBoolean": true}),
        &["two-types"],
    ),
    // Expressions.
    (
        "emit: {name: [{text: = \"$(p.NAME)様\" else p.KANA, family: = p.NAME & \"-\" & p.KANA}]}",
        &["1", "-", "ｶﾅ"],
        || json!({"name": [{"text": "ｶﾅ", "family": "-ｶﾅ"}]}),
        &[],
    ),
    (
        "emit: {active: {$if: = p.TEL | num > \"9\", $value: true}}",
        &["1", "10"],
        || json!({"active": true}),
        &[],
    ),
    // The second date is read although the first could not be.
    (
        "emit: {birthDate: = (p.BIRTH | date) else (p.WAREKI | date.wareki)}",
        &["1", "20210231", "S050628"],
        || json!({"birthDate": "1930-06-28"}),
        &["bad-date"],
    ),
    // Quotes and control characters are the writer's business.
    (
        "emit: {name: [{text: = p.NAME}]}",
        &["1", "a\"b\\c"],
        || json!({"name": [{"text": "a\"b\\c"}]}),
        &[],
    ),
];

#[test]
fn a_row_becomes_the_resource_that_the_rule_says() {
    for (elements, cells, expected, issues) in CASES {
        let rules = patient(elements);
        let emitted = emitted(&rules, "pt", &record(cells));
        assert_eq!(body(&emitted), expected(), "{elements} {cells:?}");
        assert_eq!(issue_codes(&emitted), *issues, "{elements} {cells:?}");
    }
}

#[test]
fn decimals_keep_their_digits() {
    let rules = rules(&[(
        "l.map.yaml",
        "rule: l\nresource: Observation\nfrom:\n  l: {table: LAB, key: [NO]}\nemit:\n  status: final\n  \
         code: {text: x}\n  valueQuantity: {value: = l.NUM, unit: = l.UNIT}\n",
    )]);
    for digits in ["0.50", "-0.0", "123456789012345678901234567890.10"] {
        let emitted = emitted(&rules, "l", &record(&["1i", &format!("#{digits}"), "mg"]));
        let json = String::from_utf8(emitted.json.expect("a resource")).expect("UTF-8");
        assert!(json.contains(&format!("\"value\":{digits},")), "{json}");
    }
}

#[test]
fn each_child_row_makes_an_item_and_a_row_without_data_makes_none() {
    let rule = "rule: b\nresource: Condition\nfrom:\n  b: {table: BYO, key: [PT_ID, SEQ]}\n  \
         s: {table: SYU, many: [PT_ID = b.PT_ID, BYO_SEQ = b.SEQ], order: [SEQ]}\nemit:\n  \
         subject: {display: = b.PT_ID}\n  category:\n    - text: 病名\n    \
         - {$each: s, $if: = s.FLG != \"9\", text: \"= no\", coding: [{code: = s.CD}]}\n    \
         - {$each: s, text: = s.NM}\n";
    let rules = rules(&[("b.map.yaml", rule)]);
    // Columns of the child: PT_ID, BYO_SEQ, FLG, CD, NM.
    let children =
        vec![vec![row(&["1", "1i", "-", "A", "-"]), row(&["1", "1i", "9", "B", "急性"])]];
    let record = Record { row: row(&["1", "1i"]), children, contained: Vec::new() };
    let emitted = emitted(&rules, "b", &record);
    assert_eq!(
        body(&emitted)["category"],
        json!([{"text": "病名"}, {"coding": [{"code": "A"}], "text": "= no"}, {"text": "急性"}])
    );
    assert_eq!(issue_codes(&emitted), [] as [&str; 0]);
}

#[test]
fn an_issue_names_place_columns_and_code_but_never_what_the_cell_holds() {
    let rules =
        patient("emit:\n  name: [{text: = p.NAME | text}]\n  birthDate: = p.BIRTH | date\n");
    let emitted = emitted(&rules, "pt", &record(&["1", "山田\u{1}太郎", "1930０６２８X"]));
    let issues = &emitted.issues;
    assert_eq!(issue_codes(&emitted), ["bad-value", "bad-date"]);
    assert_eq!(issues[0].expression, "Patient.name[0].text");
    assert_eq!(issues[1].expression, "Patient.birthDate");
    assert_eq!((issues[1].span.line, issues[1].span.column), (8, 16));
    assert_eq!(issues[1].columns, ["p.BIRTH"]);
    let said = format!("{issues:?}");
    assert!(!said.contains("山田") && !said.contains("1930"), "{said}");
}

fn rules_of_status(status: &str) -> RuleSet {
    let rule = format!(
        "rule: l\nresource: Observation\nfrom:\n  l: {{table: LAB, key: [NO]}}\nemit:\n  \
         status: {status}\n  code: {{text: x}}\n"
    );
    rules(&[("l.map.yaml", &rule)])
}

#[test]
fn a_row_without_a_required_element_is_no_resource() {
    let rule = "rule: l\nresource: Observation\nfrom:\n  l: {table: LAB, key: [NO]}\nemit:\n  \
         status: = l.TIM | map F=final\n  code: {text: = l.CD}\n  component:\n    \
         - {code: {text: = l.UNIT}, valueString: = l.VAL}\n";
    let rules = rules(&[("l.map.yaml", rule)]);
    let none = emitted(&rules, "l", &record(&["1i", "F", "-", "mg", "x"]));
    assert!(none.json.is_none());
    assert_eq!(issue_codes(&none), ["missing-required"]);
    assert_eq!(none.issues[0].expression, "Observation.code");
    assert_eq!(none.issues[0].columns, ["l.CD"]);
    let fin = rules_of_status("= l.TIM");
    let bad = emitted(&fin, "l", &record(&["1i", "fin"]));
    assert!(bad.json.is_none());
    assert_eq!(issue_codes(&bad), ["bad-code", "missing-required"]);
    // Inside, only the object that lacks it goes away.
    let part = emitted(&rules, "l", &record(&["1i", "F", "K", "-", "x"]));
    assert_eq!(body(&part), json!({"status": "final", "code": {"text": "K"}}));
    assert_eq!(part.issues[0].expression, "Observation.component[0].code");
}

#[test]
fn meta_is_genkans_with_the_tags_of_the_rule() {
    let rules = patient(
        "profile: urn:p\nupdated: = p.UPD | datetime\nemit:\n  meta:\n    $if: = p.DEL == \"1\"\n    \
         tag: [{system: urn:t, code: x}]\n",
    );
    let meta = |cells: &[&str]| {
        let emitted = emitted(&rules, "pt", &record(cells));
        let json: Json = serde_json::from_slice(&emitted.json.expect("a resource")).expect("JSON");
        let mut meta = json["meta"].clone();
        assert_eq!(meta["versionId"], Json::String(emitted.version_id));
        meta.as_object_mut().expect("an object").shift_remove("versionId");
        meta
    };
    let tagged = json!({"lastUpdated": "2021-07-05T11:19:41+09:00", "profile": ["urn:p"],
        "tag": [{"system": "urn:t", "code": "x"}]});
    assert_eq!(meta(&["1", "20210705111941", "1"]), tagged);
    assert_eq!(meta(&["1", "-", "0"]), json!({"profile": ["urn:p"]}));
}

#[test]
fn an_unreadable_update_is_an_issue_of_last_updated_and_no_panic() {
    for (updated, cell, code) in [
        ("p.UPD | datetime", "20210231", "bad-date"),
        ("p.NAME | datetime", "テストTテストテストテスト", "bad-date"),
        ("p.NAME | datetime", "T", "bad-date"),
        ("p.NAME | date", "2021", "bad-value"),
    ] {
        let rules =
            patient(&format!("updated: = {updated}\nemit: {{birthDate: = p.BIRTH | date}}"));
        let emitted = emitted(&rules, "pt", &record(&["1", cell, "20210101"]));
        assert_eq!(emitted.last_updated, None, "{cell}");
        assert_eq!(issue_codes(&emitted), [code], "{cell}");
        assert_eq!(emitted.issues[0].expression, "Patient.meta.lastUpdated", "{cell}");
    }
}

#[test]
fn the_latest_of_the_columns_and_child_rows_is_last_updated() {
    let rule = "rule: b\nresource: Condition\nfrom:\n  b: {table: BYO, key: [PT_ID, SEQ]}\n  \
         s: {table: SYU, many: [PT_ID = b.PT_ID, BYO_SEQ = b.SEQ], order: [SEQ]}\n\
         updated: [= b.START | date, = s.NM | datetime]\nemit: {subject: {display: x}}\n";
    let rules = rules(&[("b.map.yaml", rule)]);
    let updated = |own: &str, children: &[&str]| {
        let children = children.iter().map(|moment| row(&["1", "1i", moment])).collect();
        let row = row(&["1", "1i", own]);
        emitted(&rules, "b", &Record { row, children: vec![children], contained: Vec::new() })
    };
    for (own, children, latest, issues) in [
        ("20210705", vec![], Some("2021-07-05T00:00:00+09:00"), vec![]),
        ("20210705", vec!["20210101", "20210705111941"], Some("2021-07-05T11:19:41+09:00"), vec![]),
        ("20210706", vec!["20210705111941", ""], Some("2021-07-06T00:00:00+09:00"), vec![]),
        ("", vec!["20210705"], Some("2021-07-05T00:00:00+09:00"), vec![]),
        ("", vec![], None, vec![]),
        ("20210706", vec!["x"], Some("2021-07-06T00:00:00+09:00"), vec!["bad-date"]),
    ] {
        let emitted = updated(own, &children);
        assert_eq!(emitted.last_updated.as_deref(), latest, "{own} {children:?}");
        assert_eq!(issue_codes(&emitted), issues, "{own} {children:?}");
    }
    let held = rules.rules[0].withheld.iter().find(|held| held.code == "_lastUpdated");
    assert!(held.is_some_and(|held| held.reason.en.contains("latest of several")), "{held:?}");
}

#[test]
fn the_same_record_makes_the_same_bytes_and_every_cell_and_rule_counts_in_the_version() {
    let elements = "emit: {name: [{text: = p.NAME}], birthDate: = p.BIRTH | date}";
    let one = patient(elements);
    let first = emitted(&one, "pt", &record(&["1", "a", "20210101"]));
    let again = emitted(&patient(elements), "pt", &record(&["1", "a", "20210101"]));
    assert_eq!((&first.json, &first.version_id), (&again.json, &again.version_id));
    let other_rules = patient(&format!("{elements} # changed"));
    let at = |constant: &str, hours: i32| {
        let constants = [("institution_no".to_owned(), constant.to_owned())].into();
        let zone = chrono::FixedOffset::east_opt(hours * 3600).expect("an offset");
        let text = format!(
            "rule: pt\nresource: Patient\nfrom:\n  p: {{table: PT, key: [ID]}}\n{elements}"
        );
        let files = RuleFiles(vec![("pt.map.yaml".to_owned(), text.into_bytes())]);
        let schema = genkan_mapping::schema::parse(rule_set::SCHEMA).expect("the schema");
        let compiled =
            compile(&files, &schema.into(), &Site { constants, zone }, &Store::default());
        let cells = record(&["1", "a", "20210101"]);
        emitted(&compiled.rules.expect("valid"), "pt", &cells).version_id
    };
    assert_eq!(at("1", 9), at("1", 9));
    let mut versions = vec![
        at("1", 9),
        at("2", 9),
        at("1", 8),
        first.version_id,
        emitted(&one, "pt", &record(&["1", "b", "20210101"])).version_id,
        emitted(&one, "pt", &record(&["1", "a", "20210102"])).version_id,
        emitted(&one, "pt", &record(&["1", "-", "20210101"])).version_id,
        emitted(&one, "pt", &record(&["1", "", "20210101"])).version_id,
        emitted(&one, "pt", &record(&["1", "a20210101", ""])).version_id,
        emitted(&other_rules, "pt", &record(&["1", "a", "20210101"])).version_id,
    ];
    versions.sort();
    versions.dedup();
    assert_eq!(versions.len(), 10);
}

#[test]
fn a_preview_says_of_every_leaf_where_it_came_from() {
    let rules = patient(
        "emit:\n  name: [{use: official, text: = p.NAME}, {use: usual, text: = p.KANA}]\n  gender: = p.SEX | map 1=male\n  contact:\n    - {gender: male, name: {text: = p.ORG}}\n",
    );
    let identity = identity();
    let emitter = Emitter::new(&rules, &identity);
    let record = record(&["1", "山田", "-", "1", ""]);
    let (emitted, leaves) = emitter.preview(&rules.rules[0], &record);
    // The preview walks every element, the emitter copies the constant ones: the same bytes.
    assert_eq!(emitted.json, emitter.emit(&rules.rules[0], &record).json);
    let shown: Vec<_> = leaves
        .iter()
        .map(|leaf| (leaf.expression.as_str(), leaf.value.as_str(), leaf.span.line, &leaf.columns))
        .collect();
    let cell = |column: &str, text: &str| vec![(column.to_owned(), Value::text(text))];
    assert_eq!(
        shown,
        [
            ("Patient.id", "pt.1", 1, &cell("p.ID", "1")),
            ("Patient.meta.versionId", emitted.version_id.as_str(), 1, &vec![]),
            ("Patient.name[0].use", "official", 7, &vec![]),
            ("Patient.name[0].text", "山田", 7, &cell("p.NAME", "山田")),
            ("Patient.gender", "male", 8, &cell("p.SEX", "1")),
        ]
    );
    assert_eq!(body(&emitted)["gender"], "male");
}

#[test]
fn a_key_that_is_missing_or_too_long_makes_no_resource() {
    let rules = patient("emit: {active: true}");
    for cells in [["-"], [""], ["123456789012345678901234567890123456789012345678901234567890123"]]
    {
        let emitted = emitted(&rules, "pt", &record(&cells));
        assert!(emitted.json.is_none(), "{cells:?}");
        assert_eq!(issue_codes(&emitted), ["bad-key"], "{cells:?}");
    }
}

#[test]
fn a_row_declares_the_profile_that_it_conforms_to_where_the_rule_has_none() {
    let rules = rules(&[(
        "p.map.yaml",
        "rule: pt\nresource: Patient\nfrom:\n  p: {table: PT, key: [ID]}\nemit:\n  meta:\n    profile:\n      - {$if: = p.NAME exists, $value: urn:named}\n      - {$if: = not (p.NAME exists), $value: urn:bare}\n  name: [{text: = p.NAME}]\n",
    )]);
    for (name, profile) in [("山田", "urn:named"), ("-", "urn:bare")] {
        let emitted = emitted::emitted(&rules, "pt", &emitted::record(&["1", name]));
        let json: serde_json::Value =
            serde_json::from_slice(&emitted.json.expect("a resource")).expect("JSON");
        assert_eq!(json["meta"]["profile"], serde_json::json!([profile]), "{name}");
    }
}
