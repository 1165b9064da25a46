//! What is wrong with a rule set: each mistake with its place and code, the nearest name, and all
//! mistakes of all files in one pass.

#[path = "diagnostics/cases.rs"]
mod cases;
#[path = "diagnostics/code_maps.rs"]
mod code_maps;
#[path = "diagnostics/compared.rs"]
mod compared;
#[path = "support/masters.rs"]
mod masters;
#[path = "diagnostics/published.rs"]
mod published;
#[path = "support/rule_set.rs"]
mod rule_set;
#[path = "diagnostics/versions.rs"]
mod versions;

use cases::{Case, EMIT, EXPRESSIONS, RULES, SOURCES, UNIQUE};
use code_maps::{CODE_MAPS, CSV};
use genkan_mapping::{Compiled, Language, Severity};
use rule_set::{compiled, compiled_bytes};
use versions::VERSIONS;

/// `file:line:column code` of everything that was found.
fn places(compiled: &Compiled) -> Vec<String> {
    let place = |d: &genkan_mapping::Diagnostic| {
        let file = &compiled.files[usize::from(d.span.file)].path;
        format!("{file}:{}:{} {}", d.span.line, d.span.column, d.code)
    };
    compiled.diagnostics.iter().map(place).collect()
}

fn rendered(compiled: &Compiled, language: Language) -> String {
    let render = |d: &genkan_mapping::Diagnostic| {
        let file = &compiled.files[usize::from(d.span.file)];
        d.render(&file.path, &file.text, language)
    };
    compiled.diagnostics.iter().map(render).collect()
}

/// Four lines, so that a case begins in line 5.
const HEAD: &str = "rule: pt\nresource: Patient\nfrom:\n  p: {table: PT, key: [ID]}\n";

const BYO: &str = "rule: byo\nresource: Condition\nfrom:\n  b: {table: BYO, key: [PT_ID, SEQ]}\n  \
     s: {table: SYU, many: [PT_ID = b.PT_ID, BYO_SEQ = b.SEQ]}\nemit:\n  subject: {$ref: pt, key: [= \
     b.PT_ID]}\n";

const PLAIN: &str = "rule: pt\nresource: Patient\nfrom:\n  p: {table: PT, key: [ID]}\nemit:\n  \
     birthDate: = p.BIRTH | date\n";

/// Its key is a number.
const LAB: &str = "rule: lab\nresource: Practitioner\nfrom:\n  l: {table: LAB, key: [NO]}\nemit:\n  \
     active: true\n";

fn check(cases: &[Case], set_of: impl Fn(&str) -> Vec<(String, String)>) {
    check_but(cases, &[], set_of);
}

/// `ignored`: codes that the files around the cases bring.
fn check_but(cases: &[Case], ignored: &[&str], set_of: impl Fn(&str) -> Vec<(String, String)>) {
    let mut wrong = Vec::new();
    for (text, expected, hint) in cases {
        let set = set_of(text);
        let files: Vec<(&str, &str)> = set.iter().map(|(p, t)| (p.as_str(), t.as_str())).collect();
        let compiled = compiled(&files);
        let mut found = places(&compiled);
        found.retain(|place| !ignored.iter().any(|code| place.ends_with(code)));
        let found = found.join(" ");
        let said = rendered(&compiled, Language::English);
        if found != *expected || !said.contains(hint) {
            wrong.push(format!(
                "{text}\n  expected {expected} [{hint}]\n  found    {found}\n{said}"
            ));
        }
        let refused = compiled.diagnostics.iter().any(|d| d.severity == Severity::Error);
        assert_eq!(compiled.rules.is_none(), refused, "{text}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn owned(path: &str, text: impl Into<String>) -> (String, String) {
    (path.to_owned(), text.into())
}

#[test]
fn a_mistake_in_a_rule_file_is_found_at_its_place() {
    check(RULES, |text| vec![owned("a.map.yaml", text)]);
}

#[test]
fn a_version_by_declaration_names_the_tables_that_it_does_not_watch() {
    check(VERSIONS, |text| vec![owned("a.map.yaml", text)]);
}

#[test]
fn a_mistake_in_tables_and_joins_is_found_at_its_place() {
    check_but(SOURCES, &["W0417"], |text| {
        vec![owned("a.map.yaml", format!("rule: x\nresource: Basic\nfrom:\n{text}"))]
    });
}

#[test]
fn a_key_or_join_that_the_catalog_does_not_confirm_is_a_warning() {
    check(UNIQUE, |text| {
        vec![owned("a.map.yaml", format!("rule: x\nresource: Basic\nfrom:\n{text}"))]
    });
}

#[test]
fn a_mistake_in_an_expression_is_found_at_its_place() {
    check(EXPRESSIONS, |text| {
        let rule = format!("{HEAD}emit:\n  maritalStatus:\n    text: {text}\n");
        vec![owned("a.map.yaml", rule)]
    });
}

#[test]
fn a_mistake_in_the_emitted_resource_is_found_at_its_place() {
    check_but(EMIT, &["W0526"], |text| {
        let fragments = "name: {text: = with.text}\nloop: {$use: loop}\nword: = with.text\n";
        vec![
            owned("fragments/f.yaml", fragments),
            owned("lab.map.yaml", LAB),
            owned("pt.map.yaml", PLAIN),
            owned("z.map.yaml", format!("{BYO}{text}")),
        ]
    });
}

#[test]
fn a_fragment_that_no_rule_uses_is_said_to_be_and_still_read() {
    let fragments =
        "used: {$use: inner}\ninner: {text: x}\nalone: {$use: far}\nfar: {text: = p.}\n";
    let rule =
        format!("{PLAIN}  maritalStatus: {{$use: used}}\n  contact: [{{name: {{$use: used}}}}]\n");
    let compiled = compiled(&[("fragments/f.yaml", fragments), ("pt.map.yaml", rule.as_str())]);
    assert_eq!(
        places(&compiled),
        ["fragments/f.yaml:3:8 W0526", "fragments/f.yaml:4:6 W0526", "fragments/f.yaml:4:15 E0315"]
    );
}

#[test]
fn a_mistake_in_the_code_maps_is_found_at_its_place() {
    check(CODE_MAPS, |text| {
        vec![owned("codes/codemaps.yaml", text), owned("codes/m.csv", "local,target,code,status\n")]
    });
}

#[test]
fn a_mistake_in_the_table_of_a_code_map_is_found_in_its_line() {
    let maps = "m:\n  local: {system: urn:l}\n  targets: [{id: a, system: urn:a}]\n  unmapped: \
         {policy: warn}\n";
    check(CSV, |text| vec![owned("codes/codemaps.yaml", maps), owned("codes/m.csv", text)]);
}

#[test]
fn a_choice_that_only_the_rule_or_only_the_map_makes_is_a_warning() {
    let maps = "m: {local: {system: urn:l}, targets: [], unmapped: {policy: uncoded, by: {'1': \
         [{system: urn:a, code: x}], else: [{system: urn:a, code: y}]}}}\n\
         n: {local: {system: urn:l}, targets: [], unmapped: {policy: warn}}\n";
    for (map, with, expected) in [
        ("m", ", with: = b.KBN", vec![]),
        ("m", "", vec!["z.map.yaml:8:9 W0528"]),
        ("n", ", with: = b.KBN", vec!["z.map.yaml:8:40 W0527"]),
        ("n", "", vec![]),
    ] {
        let rule = format!("{BYO}  code: {{$code: {map}, from: = b.CD{with}}}\n");
        let csv = "local,target,code,status\n";
        let compiled = compiled(&[
            ("codes/codemaps.yaml", maps),
            ("codes/m.csv", csv),
            ("codes/n.csv", csv),
            ("pt.map.yaml", PLAIN),
            ("z.map.yaml", rule.as_str()),
        ]);
        assert_eq!(places(&compiled), expected, "{map} {with}");
    }
}

#[test]
fn several_mistakes_in_several_files_are_all_reported_in_one_pass() {
    let one = format!(
        "{HEAD}where: = p.DELL == \"1\"\nemit:\n  gendre: male\n  birthDate: = p.B | date\n"
    );
    let other = "rule: ob\nresource: Observation\nfrom:\n  l: {table: LABO, key: [NO]}\nemit: {}\n";
    let compiled = compiled(&[
        ("a.map.yaml", one.as_str()),
        ("b.map.yaml", other),
        ("c.map.yaml", "rule: [x\n"),
        ("codes/m.csv", "local\n"),
        ("fragments/f.yaml", "a: &x 1\n"),
    ]);
    assert_eq!(
        places(&compiled),
        [
            "a.map.yaml:5:10 E0402",
            "a.map.yaml:7:3 E0501",
            "a.map.yaml:8:16 E0402",
            "b.map.yaml:4:14 E0401",
            "c.map.yaml:2:1 E0103",
            "codes/m.csv:1:1 E0608",
            "fragments/f.yaml:1:4 E0105",
        ]
    );
    assert!(compiled.rules.is_none());
}

#[test]
fn what_could_not_be_read_is_not_missed_a_second_time() {
    let rule = format!(
        "{BYO}  code: {{$code: m, from: = b.CD}}\n  asserter: {{$ref: dr, key: [= b.NOTE]}}\n  \
         stage: [{{$use: stage}}]\n"
    );
    let maps = "m: {local: {system: urn:l}, targets: [], unmapped: {policy: nothing}}\n";
    for (path, text, expected) in [
        ("codes/codemaps.yaml", maps, "codes/codemaps.yaml:1:61 E0209"),
        ("codes/codemaps.yaml", "m: [\n", "codes/codemaps.yaml:2:1 E0103"),
        ("codes/codemaps.yaml", "- m\n", "codes/codemaps.yaml:1:1 E0201"),
        ("fragments/f.yaml", "stage: [\n", "fragments/f.yaml:2:1 E0103"),
        ("dr.map.yaml", "rule: dr\nresource: Practitionr\n", "dr.map.yaml:2:11 E0500"),
    ] {
        let doctor =
            "rule: dr\nresource: Practitioner\nfrom: {p: {table: PT, key: [ID]}}\nemit: {}\n";
        let good = "m: {local: {system: urn:l}, targets: [], unmapped: {policy: warn}}\n";
        let mut files = vec![
            ("codes/codemaps.yaml", good),
            ("codes/m.csv", "local,target,code,status\n"),
            ("fragments/f.yaml", "stage: {type: {text: x}}\n"),
            ("dr.map.yaml", doctor),
            ("pt.map.yaml", PLAIN),
            ("z.map.yaml", rule.as_str()),
        ];
        assert_eq!(places(&compiled(&files)), [] as [String; 0]);
        files.retain(|(known, _)| *known != path);
        files.push((path, text));
        assert_eq!(places(&compiled(&files)), [expected], "{path}: {text}");
    }
    let required =
        format!("{PLAIN}  communication: [{{language: = p.NAM}}]\n  link: [{{other: x}}]\n");
    let found = places(&compiled(&[("pt.map.yaml", required.as_str())]));
    assert_eq!(
        found,
        ["pt.map.yaml:7:30 E0504", "pt.map.yaml:8:10 E0507", "pt.map.yaml:8:18 E0504"]
    );
}

#[test]
fn a_finding_is_shown_with_its_line_and_a_caret_in_both_languages() {
    let rule = format!("{HEAD}emit:\n  # 生年月日\n  birthDate: = p.BIRTH | date.warekl\n");
    let compiled = compiled(&[("患者.map.yaml", rule.as_str())]);
    assert_eq!(
        rendered(&compiled, Language::English),
        "患者.map.yaml:7:26 E0312 there is no converter `date.warekl`
    birthDate: = p.BIRTH | date.warekl
                           ^^^^^^^^^^^
  = did you mean `date.wareki`?
"
    );
    assert_eq!(
        rendered(&compiled, Language::Japanese),
        "患者.map.yaml:7:26 E0312 「date.warekl」という関数はありません
    birthDate: = p.BIRTH | date.warekl
                           ^^^^^^^^^^^
  = もしかして: date.wareki
"
    );
    let json = compiled.diagnostics[0].to_json("患者.map.yaml");
    assert_eq!(json["code"], "E0312");
    assert_eq!((json["line"].as_u64(), json["column"].as_u64()), (Some(7), Some(26)));
}

#[test]
fn a_caret_stands_under_the_word_behind_japanese_text() {
    let rule = format!("{HEAD}emit:\n  name: [{{text: = \"様：\" & p.NAMEE}}]\n");
    let compiled = compiled(&[("a.map.yaml", rule.as_str())]);
    let shown = rendered(&compiled, Language::Japanese);
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines[0], "a.map.yaml:6:26 E0402 表「PT」に列「NAMEE」がありません");
    // Two kanji stand before it, and each takes two columns of the terminal.
    assert_eq!(lines[2], format!("  {}^^^^^^^", " ".repeat(25 + 2)));
}

#[test]
fn files_that_are_not_utf_8_are_refused_but_tables_may_be_shift_jis() {
    let shift_jis = |text: &str| {
        // 肺炎 in Shift_JIS.
        [text.as_bytes(), &[0x94, 0x78, 0x89, 0x8A], b"\n".as_slice()].concat()
    };
    let maps = "m:\n  local: {system: urn:l}\n  targets: [{id: a, system: urn:a}]\n  unmapped: \
         {policy: warn}\n";
    let set = |csv: Vec<u8>| {
        vec![
            ("codes/codemaps.yaml".to_owned(), maps.as_bytes().to_vec()),
            ("codes/m.csv".to_owned(), csv),
        ]
    };
    let mut files = set(shift_jis("local,target,code,status,display\nX,a,1,accepted,"));
    let rules = compiled_bytes(files.clone()).rules.expect("valid");
    let segment = rules.code_maps[0].translate("X", None).expect("mapped");
    assert_eq!(segment.codings[0].display.as_deref(), Some("肺炎"));
    let lookup = |csv| vec![("lookups/l.csv".to_owned(), csv)];
    let looked_up = compiled_bytes(lookup(shift_jis("key,value\n1,"))).rules.expect("valid");
    assert_eq!(looked_up.lookups["l"]["1"], "肺炎");
    let twice = compiled_bytes(lookup(shift_jis("key,value\n\n1,a\n1,")));
    assert_eq!(places(&twice), ["lookups/l.csv:4:1 E0611"]);
    assert!(rendered(&twice, Language::English).contains("\n  1,肺炎\n  ^"));
    files.push(("a.map.yaml".to_owned(), shift_jis("rule: x # ")));
    assert_eq!(places(&compiled_bytes(files)), ["a.map.yaml:1:11 E0109"]);
    let neither = [b"local,target,code,status\nX,a,".as_slice(), &[0xFF, 0xFE], b",accepted\n"];
    assert_eq!(places(&compiled_bytes(set(neither.concat()))), ["codes/m.csv:1:1 E0602"]);
}

#[test]
fn a_file_that_is_no_part_of_a_rule_set_is_named_unless_it_lies_beside_one() {
    let compiled = compiled(&[
        (".git/", ""),
        ("README.md", "# rules"),
        ("codes/.m.csv.swp", ""),
        ("codes/m.xlsx", ""),
        ("fragments/f.yml", "x: y"),
        ("lookups/old/", ""),
        ("pt.map.yaml", PLAIN),
        ("pt2.map.yml", "rule: x"),
        ("schema.yaml", "x"),
    ]);
    let found = compiled.diagnostics.iter().map(|d| format!("{} {}", d.code, d.message.en));
    let named =
        |name: &str| format!("W0110 `{name}` has no role in a rule set, so nothing of it is used");
    let expected = ["codes/m.xlsx", "fragments/f.yml", "lookups/old/", "pt2.map.yml"];
    assert_eq!(found.collect::<Vec<_>>(), expected.map(named));
    assert!(compiled.rules.is_some());
}

#[test]
fn no_text_exhausts_the_stack() {
    let pipes = format!("= p.NAME{}", " | text".repeat(20_000));
    let elses = format!("= p.NAME{}", " else p.NAME".repeat(20_000));
    let brackets = format!("= {}p.NAME", "(".repeat(20_000));
    for (text, code) in [(pipes, "E0309"), (elses, "E0309"), (brackets, "E0309")] {
        let rule = format!("{HEAD}emit:\n  name: [{{text: {text}}}]\n");
        let compiled = compiled(&[("a.map.yaml", rule.as_str())]);
        assert!(places(&compiled)[0].ends_with(code), "{:?}", places(&compiled));
    }
    let deep = "[".repeat(20_000);
    let compiled = compiled(&[("a.map.yaml", deep.as_str())]);
    assert_eq!(compiled.diagnostics.len(), 1);
}
