//! Cells whose bytes are no text: the row is told instead of shown, and nothing of it is.

use std::sync::Arc;

use genkan_adapter::{Row, Unreadable, Value};
use genkan_mapping::emit::{Emitted, IssueSeverity, Record};
use genkan_mapping::program::RuleSet;

use super::emitted::{emitted, issue_codes};
use super::site::{row, rules};

const PT: &str = "rule: pt\nresource: Patient\nfrom:\n  p: {table: PT, key: [ID]}\nemit:\n  \
     name: [{text: = p.NAME else p.KANA}]\n  gender: = p.SEX | map 1=male else unknown\n";
const BYO: &str = "rule: b\nresource: Condition\nfrom:\n  b: {table: BYO, key: [PT_ID, SEQ]}\n  \
     s: {table: SYU, many: [PT_ID = b.PT_ID, BYO_SEQ = b.SEQ], order: [SEQ]}\nemit:\n  \
     subject: {$contained: pt, key: [= b.PT_ID]}\n  category: [{$each: s, text: = s.NM}]\n";

fn set() -> RuleSet {
    rules(&[("pt.map.yaml", PT), ("b.map.yaml", BYO)])
}

/// 山 and a code of the hospital's own in EUC-JP.
fn unreadable() -> Value {
    Value::Unreadable(Unreadable::new([0xbb, 0xb3, 0xfc, 0xfe], 2))
}

/// The row with one cell that can't be read.
fn broken(cells: &[&str], place: usize) -> Row {
    let mut values = row(cells).0.into_vec();
    values[place] = unreadable();
    Row(values.into())
}

fn refused(emitted: &Emitted, columns: &[&str]) {
    assert_eq!(issue_codes(emitted), vec!["bad-text"; columns.len()]);
    assert!(emitted.json.is_none());
    let found: Vec<&str> = emitted.issues.iter().map(|issue| &*issue.columns[0]).collect();
    assert_eq!(found, columns);
    assert!(emitted.issues.iter().all(|issue| issue.severity == IssueSeverity::Error));
    let said = format!("{:?}", emitted.issues).to_lowercase();
    for content in ["山", "bb", "b3", "fe", "太郎"] {
        assert!(!said.contains(content), "{content}: {said}");
    }
}

#[test]
fn nothing_stands_in_for_what_cannot_be_read() {
    let of = |row| Record { row, children: vec![], contained: vec![] };
    let said = emitted(&set(), "pt", &of(broken(&["1", "-", "ﾀﾛｳ", "1"], 1)));
    refused(&said, &["p.NAME"]);
    assert_eq!(said.id, "pt.1");
    let message = &said.issues[0].message;
    assert!(message.en.contains("column NAME of table PT"), "{message:?}");
    assert!(message.en.ends_with("byte 3 is 0xFC"), "{message:?}");
    assert!(message.ja.contains("表 PT の列 NAME"), "{message:?}");
    refused(&emitted(&set(), "pt", &of(broken(&["1", "太郎", "-", "-"], 3))), &["p.SEX"]);
    let unnamed = emitted(&set(), "pt", &of(broken(&["-", "太郎", "-", "1"], 0)));
    refused(&unnamed, &["p.ID"]);
    assert_eq!(unnamed.id, "");
}

#[test]
fn what_travels_with_a_row_counts_as_the_row() {
    let patient = |row| Arc::new(Record { row, children: vec![], contained: vec![] });
    let with = |child: Row, patient| Record {
        row: row(&["1", "1i"]),
        children: vec![vec![child]],
        contained: vec![Some(patient)],
    };
    let (whole, child) = (row(&["1", "太郎", "-", "1"]), row(&["1", "1i", "急性"]));
    let good = emitted(&set(), "b", &with(child.clone(), patient(whole.clone())));
    assert!(good.json.is_some(), "{:?}", good.issues);
    let of_child = with(broken(&["1", "1i", "-"], 2), patient(whole.clone()));
    refused(&emitted(&set(), "b", &of_child), &["s.NM"]);
    let of_contained = with(child, patient(broken(&["1", "-", "-", "1"], 1)));
    refused(&emitted(&set(), "b", &of_contained), &["p.NAME"]);
}
