//! Modifiers, prefixes and composites on generated rows: a search finds the rows whose resources match
//! it, when they are looked at one by one and without the rules.

#[path = "forms/answers.rs"]
mod answers;
#[path = "forms/offered.rs"]
mod offered;
#[path = "forms/oracle.rs"]
mod oracle;
#[path = "forms/questions.rs"]
mod questions;

use genkan_adapter::Value;
use genkan_adapter::memory::SourceRow;
use proptest::prelude::*;

use super::source::{Source, cell, source_row};

const OBSERVATION: &str = r#"
rule: lab
resource: Observation
from:
  l: {table: LAB, key: [NO]}
  s: {table: SYU, many: [PT_ID = l.PT_ID], order: [SEQ], where: = s.FLG != "9"}
blank: ["00000000"]
emit:
  meta:
    profile:
      - {$if: = l.URGENT, $value: "http://p.example/a"}
      - http://p.example/b|1.0
    source: = l.VAL
    tag:
      - {$if: = l.UNIT exists, system: "urn:tag", code: UNIT, display: Has unit}
      - {system: "urn:val", code: = l.CD}
  identifier:
    - {type: {coding: [{system: "urn:t", code: = l.UNIT}], text: = l.VAL}, system: "urn:i", value: = l.CD}
    - {type: {$code: m, from: = l.CD, text: = l.UNIT}, value: = l.VAL}
    - {type: {coding: [{system: "urn:t", code: FIX}], text: = l.UNIT}, value: = l.CD}
    - {system: {$if: = l.URGENT, $value: "urn:u"}, value: = l.TIM}
  status: final
  code: {$code: m, from: = l.CD, text: = l.UNIT, display: = l.VAL, at: = l.DAY | date}
  category:
    - coding: [{$each: s, system: "urn:c", code: = s.CD, display: = s.NM}]
      text: = l.UNIT
    - coding: [{system: "urn:fix", code: LAB}]
      text: = l.VAL
  subject: {display: = l.VAL, identifier: {system: "urn:pid", value: = l.PT_ID}}
  effectivePeriod: {start: = l.DAY | date, end: = l.AT | datetime}
  method: {text: = l.VAL}
  valueQuantity:
    $if: = l.TIM != "9"
    value: = l.NUM
    comparator: = l.TIM | map 1="<" 2="<=" 3=">=" 4=">"
    unit: = l.UNIT
    system: {$if: = l.UNIT == "mg", $value: "urn:u"}
    code: = l.UNIT | map mg=mg g=g
  component:
    - $each: s
      code: {coding: [{system: "urn:k", code: = s.CD}], text: = s.NM}
      valueQuantity: {value: = s.SEQ, unit: = s.NM}
    - {code: {coding: [{system: "urn:k", code: FIX}]}, valueQuantity: {value: = l.NUM}}
    - {code: {coding: [{system: "urn:k", code: = l.CD}]}, valueCodeableConcept: {$code: m, from: = l.UNIT}}
"#;

const MAPS: &str = "m:\n  local: {system: urn:l, emit: when-unmapped}\n  targets: [{id: a, system: urn:a}, \
                    {id: b, system: urn:b}]\n  unmapped: {policy: uncoded, codings: [{target: a, code: \
                    NONE, display: Not coded}]}\n";

const CODES: &str = "local,target,code,display,valid_from,valid_to,status\n\
    A,a,A1,Alpha,,2020-12-31,accepted\n\
    A,a,A2,alpine,2021-01-01,,accepted\n\
    A,b,X,,,,accepted\n\
    B,b,X,Beta,2021-04-01,,accepted\n";

fn source(rows: &[SourceRow]) -> Source {
    let files =
        [("l.map.yaml", OBSERVATION), ("codes/codemaps.yaml", MAPS), ("codes/m.csv", CODES)];
    Source::new(&files, rows)
}

fn rows() -> impl Strategy<Value = Vec<SourceRow>> {
    let of = |values: &'static [&'static str]| prop::sample::select(values);
    let lab = (
        of(&["-", "A", "B", "C", "X", "a"]),
        of(&["-", "", "mg", "g", "Alp", "Has", "AL"]),
        of(&["-", "alpha", "http://x/", "http://x/a", "http://x/a/b", "Has_unit", "B"]),
        of(&["-", "#0", "#4.50", "#5", "#5.5", "#-1", "#90", "#100", "#110"]),
        of(&["-", "1", "2", "3", "4", "9", "0"]),
        of(&["-", "00000000", "2021", "202103", "20210401", "20201231", "20160401", "20260331"]),
        of(&["-", "2021-04-01T10:00:00", "2020-12-31T23:59:59", "2026-04-01T00:00:00"]),
        of(&["-", "true", "false"]),
    );
    let lab = (of(&["p", "q"]), lab);
    let child = (
        of(&["p", "q"]),
        of(&["-", "A", "FIX", "C"]),
        of(&["-", "mg", "Alpha"]),
        of(&["-", "9"]),
        of(&["4i", "5i", "100i"]),
    );
    let labs = prop::collection::vec(lab, 1..8);
    let children = prop::collection::vec(child, 0..6);
    (labs, children).prop_map(|(labs, children)| {
        let labs = labs.into_iter().enumerate().map(|(number, (patient, rest))| {
            let (code, unit, value, number_cell, time, day, at, urgent) = rest;
            let number = format!("{number}i");
            named(
                "LAB",
                &[
                    ("NO", &number),
                    ("PT_ID", patient),
                    ("CD", code),
                    ("UNIT", unit),
                    ("VAL", value),
                    ("NUM", number_cell),
                    ("TIM", time),
                    ("DAY", day),
                    ("AT", at),
                    ("URGENT", urgent),
                ],
            )
        });
        let children = children.into_iter().enumerate().map(|(number, child)| {
            let (patient, code, name, flag, value) = child;
            let number = format!("{number}i");
            named(
                "SYU",
                &[
                    ("PT_ID", patient),
                    ("BYO_SEQ", &number),
                    ("CD", code),
                    ("NM", name),
                    ("FLG", flag),
                    ("SEQ", value),
                ],
            )
        });
        labs.chain(children).collect()
    })
}

fn named(table: &str, cells: &[(&str, &str)]) -> SourceRow {
    let value = |text: &str| text.parse().map_or_else(|_| cell(text), Value::DateTime);
    let cells = cells.iter().map(|(column, text)| ((*column).to_owned(), value(text)));
    (table.to_owned(), cells.collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_search_selects_the_rows_whose_resources_match(
        rows in rows(),
        queries in prop::collection::vec(questions::any(), 4..16),
    ) {
        let source = source(&rows);
        let resources = source.resources("Observation");
        for (name, value) in queries {
            let query = format!("Observation?{name}={value}");
            let mut expected: Vec<String> = resources
                .iter()
                .filter(|(_, resource)| oracle::matches(resource, &name, &value))
                .map(|(id, _)| id.clone())
                .collect();
            expected.sort();
            // A row that is no resource is told as such.
            let is_one = |id: &String| resources.iter().any(|(known, _)| known == id);
            let found = source.ids(&query).map(|ids| ids.into_iter().filter(is_one).collect());
            prop_assert_eq!(found.as_ref(), Ok(&expected), "{} {:?}", query, resources);
        }
    }
}

/// Small hospitals by hand.
fn by_hand(files: &[(&str, &str)], rows: &[&str]) -> Source {
    let rows: Vec<SourceRow> = rows.iter().map(|text| source_row(text)).collect();
    Source::new(files, &rows)
}
