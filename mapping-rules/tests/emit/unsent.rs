//! 準必須: what a row records and its resource does not have is told, and only that.

use genkan_mapping::emit::{Emitted, Emitter, IssueSeverity, Record};

use super::emitted::{issue_codes, record};
use super::site::{identity, row, rules};

const PT: &str = "rule: pt\nresource: Patient\nfrom: {p: {table: PT, key: [ID]}}\n\
    emit: {name: [{text: = p.NAME}]}\n";

const LOOKUP: (&str, &str) = ("lookups/n.csv", "key,value\n1,治癒\n");

/// A 傷病名 with these elements; its columns are PT_ID, SEQ, and then as they are used first.
fn watched(elements: &str, record: &Record) -> Emitted {
    let rule = format!(
        "rule: b\nresource: Condition\n\
         profile: http://jpfhir.jp/fhir/eCS/StructureDefinition/JP_Condition_eCS\n\
         from:\n  b: {{table: BYO, key: [PT_ID, SEQ]}}\n  \
         s: {{table: SYU, many: [PT_ID = b.PT_ID, BYO_SEQ = b.SEQ], order: [SEQ]}}\n\
         blank: ['00000000']\nemit:\n  subject: {{$ref: pt, key: [= b.PT_ID]}}\n{elements}"
    );
    let rules = rules(&[("pt.map.yaml", PT), ("b.map.yaml", &rule), LOOKUP]);
    let identity = identity();
    let rule = rules.rules.iter().find(|rule| rule.id == "b").expect("the rule");
    Emitter::new(&rules, &identity).watching().emit(rule, record)
}

/// What was not sent: element and columns.
fn unsent(emitted: &Emitted) -> Vec<(String, String)> {
    let own = emitted.issues.iter().filter(|issue| issue.code == "unsent");
    own.map(|issue| (issue.expression.clone(), issue.columns.join(" "))).collect()
}

#[test]
fn an_element_is_told_where_its_columns_hold_something_and_it_did_not_arrive() {
    const DROPPED: &str =
        "  recordedDate:\n    $if: = b.KBN == \"1\"\n    $value: = b.START | date\n";
    const CHOICE: &str = "  onsetDateTime: {$if: = b.KBN == \"1\", $value: = b.START | date}\n  \
        onsetString: {$if: = not (b.KBN == \"1\"), $value: = b.START}\n";
    const MAPPED: &str = "  clinicalStatus:\n    coding: [{system: urn:s, code: active}]\n    \
        text: = b.NM | lookup n\n";
    let told = |expression: &str, columns: &str| vec![(expression.to_owned(), columns.to_owned())];
    for (elements, cells, expected) in [
        (DROPPED, &["1", "1i", "2", "20260401"][..], told("Condition.recordedDate", "b.START")),
        // It arrived; there is nothing; nothing is what the blank says.
        (DROPPED, &["1", "1i", "1", "20260401"], vec![]),
        (DROPPED, &["1", "1i", "2", "-"], vec![]),
        (DROPPED, &["1", "1i", "2", "  "], vec![]),
        (DROPPED, &["1", "1i", "2", "00000000"], vec![]),
        // One of the types of a choice is enough.
        (CHOICE, &["1", "1i", "1", "20260401"], vec![]),
        (CHOICE, &["1", "1i", "2", "春ごろ"], vec![]),
        // A value that the table has no word for.
        (MAPPED, &["1", "1i", "2"], told("Condition.clinicalStatus", "b.NM")),
        (MAPPED, &["1", "1i", "1"], vec![]),
        // 任意: nobody has to send it.
        ("  severity: {$if: = b.KBN == \"1\", text: = b.NM}\n", &["1", "1i", "2", "重症"], vec![]),
        // What is inside an element that is not there is not missing.
        ("  note: [{$if: = b.KBN == \"1\", text: = b.NOTE}]\n", &["1", "1i", "2", "x"], vec![]),
    ] {
        let emitted = watched(elements, &record(cells));
        assert!(emitted.json.is_some(), "{elements} {cells:?}: {:?}", emitted.issues);
        assert_eq!(unsent(&emitted), expected, "{elements} {cells:?}");
    }
}

#[test]
fn a_cause_that_is_told_already_is_told_once() {
    let elements = "  recordedDate: = b.START | date\n";
    let emitted = watched(elements, &record(&["1", "1i", "20261399"]));
    assert_eq!(issue_codes(&emitted), ["bad-date"]);
}

#[test]
fn each_row_of_a_child_is_looked_at_for_itself() {
    let elements = "  extension:\n    - {$each: s, url: \
        'http://jpfhir.jp/fhir/eCS/Extension/StructureDefinition/JP_eCS_DiagnosisType', \
        valueString: = s.NM | lookup n}\n";
    let children =
        vec![vec![row(&["1", "1i", "1"]), row(&["1", "1i", "2"]), row(&["1", "1i", "-"])]];
    let record = Record { children, ..record(&["1", "1i"]) };
    let emitted = watched(elements, &record);
    let said = "Condition.extension[1]".to_owned();
    assert_eq!(unsent(&emitted), [(said, "s.NM".to_owned())], "{:?}", emitted.issues);
    let issue = emitted.issues.iter().find(|issue| issue.code == "unsent").expect("told");
    assert_eq!((issue.severity, issue.span.line), (IssueSeverity::Warning, 11));
}

#[test]
fn nobody_is_told_who_did_not_ask() {
    let elements = "  recordedDate: {$if: = b.KBN == \"1\", $value: = b.START | date}\n";
    let rule = format!(
        "rule: b\nresource: Condition\nfrom: {{b: {{table: BYO, key: [PT_ID, SEQ]}}}}\nemit:\n  \
         subject: {{$ref: pt, key: [= b.PT_ID]}}\n{elements}"
    );
    let rules = rules(&[("pt.map.yaml", PT), ("b.map.yaml", &rule)]);
    let emitted = super::emitted::emitted(&rules, "b", &record(&["1", "1i", "2", "20260401"]));
    assert!(emitted.issues.is_empty() && emitted.json.is_some());
}
