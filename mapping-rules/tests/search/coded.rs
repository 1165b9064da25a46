//! Standard codes, house codes and the codes for "not coded", by date.

use super::source::{Source, source_row};

const CSV: &str = "local,target,code,valid_from,valid_to,status
B1,a,A1,,2019-12-31,accepted
B1,a,A1N,2020-01-01,,accepted
B1,b,X1,,,accepted
B2,b,X2,,2020-12-31,accepted
B3,a,A3,,,accepted
B3,a,A3B,,,accepted
";

const ROWS: [&str; 7] = [
    "BYO PT_ID=1 SEQ=1i CD=B1 START=20191231",
    "BYO PT_ID=1 SEQ=2i CD=B1 START=20200101",
    "BYO PT_ID=1 SEQ=3i CD=B1 START=-",
    "BYO PT_ID=1 SEQ=4i CD=B2 START=20210101",
    "BYO PT_ID=1 SEQ=5i CD=B3 START=20210101 KBN=F",
    "BYO PT_ID=1 SEQ=6i CD=- NM=ワープロ START=20210101",
    "BYO PT_ID=1 SEQ=7i CD=- NM=- START=20210101",
];

fn source(emit: &str, unmapped: &str, code: &str) -> Source {
    let maps = format!(
        "m:\n  local: {{system: urn:l, emit: {emit}}}\n  targets: [{{id: a, system: urn:a}}, {{id: b, \
         system: urn:b}}]\n  unmapped: {{{unmapped}}}\n"
    );
    let rule = format!(
        "rule: b\nresource: Condition\nfrom:\n  b: {{table: BYO, key: [SEQ]}}\nemit:\n  subject: \
         {{display: x}}\n  {code}\n"
    );
    let rows: Vec<_> = ROWS.iter().map(|text| source_row(text)).collect();
    let files = [("codes/codemaps.yaml", &*maps), ("codes/m.csv", CSV), ("b.map.yaml", &*rule)];
    Source::new(&files, &rows)
}

const CONCEPT: &str =
    "code: {$code: m, from: = b.CD, text: = b.NM, at: = b.START | date, with: = b.KBN}";
const UNCODED: &str =
    "policy: uncoded, by: {F: [{system: urn:u, code: F}], else: [{system: urn:u, code: N}]}";

fn check(source: &Source, cases: &[(&str, &str)]) {
    for (code, expected) in cases {
        let ids = source.ids(&format!("Condition?code={code}")).expect("an answer");
        let keys: Vec<&str> = ids.iter().map(|id| id.trim_start_matches("b.")).collect();
        assert_eq!(keys.join(" "), *expected, "{code}");
    }
}

#[test]
fn a_standard_code_finds_the_house_codes_of_its_days() {
    check(
        &source("never", "policy: warn", CONCEPT),
        &[
            ("A1", "1"),
            ("urn:a|A1N", "2 3"),
            ("urn:b|A1N", ""),
            ("X1", "1 2 3"),
            ("X2", ""),
            ("A3", ""),
            ("B1", ""),
            ("|A1", ""),
            ("urn:b|", "1 2 3"),
        ],
    );
}

#[test]
fn a_house_code_is_found_where_the_map_shows_it() {
    check(&source("always", "policy: warn", CONCEPT), &[("B1", "1 2 3"), ("urn:l|B2", "4")]);
    check(
        &source("when-unmapped", "policy: warn", CONCEPT),
        &[("B1", ""), ("B2", "4"), ("urn:l|", "4 5")],
    );
    check(&source("always", "policy: text-only", CONCEPT), &[("B1", "1 2 3"), ("B2", "")]);
}

#[test]
fn a_code_that_is_not_shown_is_missing() {
    let form = "meta: {tag: [{$code: m, from: = b.CD, text: = b.NM}]}\n  code: {$code: m, from: = b.CD, text: = b.NM, at: = b.START | date}";
    let missing = |unmapped: &str, parameter: &str| {
        let source = source("never", unmapped, form);
        source.ids(&format!("Condition?{parameter}:missing=true")).expect("an answer").join(" ")
    };
    assert_eq!(missing("policy: text-only", "code"), "b.4 b.5 b.7");
    assert_eq!(missing("policy: text-only", "_tag"), "b.4 b.5 b.6 b.7");
    assert_eq!(missing(UNCODED, "code"), "b.7");
}

#[test]
fn the_codes_for_not_coded_find_what_nothing_maps() {
    check(
        &source("never", UNCODED, CONCEPT),
        &[("F", "5"), ("urn:u|N", "4 6"), ("urn:u|", "4 5 6")],
    );
}

#[test]
fn a_coding_is_found_by_the_first_code_only() {
    let form =
        "meta: {tag: [{$code: m, from: = b.CD}]}\n  code: {coding: [{$code: m, from: = b.CD}]}";
    check(
        &source("always", "policy: warn", form),
        &[("A1N", "1 2 3"), ("X1", ""), ("B1", ""), ("B2", "4")],
    );
}
