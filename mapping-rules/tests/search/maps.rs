//! Code maps at random, with dates, fallbacks and codes that a master derives: what a resource shows and
//! what a search finds are both what the lines of the file say, read one by one.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use genkan_adapter::memory::SourceRow;
use proptest::prelude::*;

use super::masters::masters;
use super::rule_set::compiled_against;
use super::site::usable;
use super::source::{Source, source_row};

const YJ: &str = "http://capstandard.jp/iyaku.info/CodeSystem/YJ-code";
const HOT9: &str = "http://medis.or.jp/CodeSystem/master-HOT9";

/// In order of preference; `b` is the fallback of `a`, and HOT9 codes follow from YJ codes.
const MAPS: &str = "
m:
  local: {system: urn:l, emit: when-unmapped}
  targets:
    - {id: a, system: urn:a}
    - {id: yj, system: http://capstandard.jp/iyaku.info/CodeSystem/YJ-code}
    - {id: b, system: urn:b, only-if-none: [a]}
    - {id: hot9, system: http://medis.or.jp/CodeSystem/master-HOT9, derive: {from: yj, table: hot}}
  unmapped: {policy: uncoded, codings: [{system: urn:u, code: N}]}
";

const RULE: &str = "
rule: b
resource: Condition
from:
  b: {table: BYO, key: [SEQ]}
emit:
  subject: {display: x}
  code: {$code: m, from: = b.CD, text: = b.NM, at: = b.START | date}
";

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    local: &'static str,
    target: &'static str,
    code: &'static str,
    from: &'static str,
    to: &'static str,
    status: &'static str,
}

/// A house code on a clinical day.
type Case = (&'static str, &'static str);

fn lines() -> impl Strategy<Value = Vec<Line>> {
    let codes = prop::sample::select(vec![
        ("a", "A1"),
        ("a", "A2"),
        ("b", "X1"),
        ("yj", "1111001F1011"),
        ("yj", "1111001F1020"),
        ("hot9", "100000001"),
    ]);
    let days = prop::sample::select(vec![
        ("", ""),
        ("", "2019-12-31"),
        ("2020-01-01", ""),
        ("2020-01-01", "2020-12-31"),
        ("2020-07-01", ""),
    ]);
    let statuses = prop::sample::select(vec!["accepted", "accepted", "auto", "draft"]);
    let line = (prop::sample::select(vec!["B1", "B2"]), codes, days, statuses);
    prop::collection::vec(line, 0..8).prop_map(|lines| {
        let mut known = BTreeSet::new();
        let lines = lines.into_iter().map(|(local, (target, code), (from, to), status)| Line {
            local,
            target,
            code,
            from,
            to,
            status,
        });
        // The same row twice is refused.
        lines.filter(|line| known.insert((line.local, line.target, line.code, line.from))).collect()
    })
}

fn cases() -> impl Strategy<Value = Vec<Case>> {
    let days = vec!["-", "20191231", "20200101", "20200630", "20201231", "20210101", "20260401"];
    let case = (prop::sample::select(vec!["B1", "B2", "B3"]), prop::sample::select(days));
    prop::collection::vec(case, 1..8)
}

fn source(lines: &[Line], cases: &[Case]) -> Source {
    let mut csv = "local,target,code,valid_from,valid_to,status\n".to_owned();
    for Line { local, target, code, from, to, status } in lines {
        csv += &format!("{local},{target},{code},{from},{to},{status}\n");
    }
    let files = [("codes/codemaps.yaml", MAPS), ("codes/m.csv", &csv), ("b.map.yaml", RULE)];
    let files = files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()));
    let rules = usable(compiled_against(files.to_vec(), &masters()));
    let rows = cases.iter().enumerate().map(|(index, (local, day))| -> SourceRow {
        source_row(&format!("BYO PT_ID=1 SEQ={index}i CD={local} START={day}"))
    });
    Source::of(rules, &rows.collect::<Vec<_>>())
}

/// The codings of a house code on a day, from the lines alone. Without a day, those without an end.
fn codings(lines: &[Line], (local, day): Case) -> Vec<(&'static str, &'static str)> {
    let day = NaiveDate::parse_from_str(day, "%Y%m%d").unwrap_or(NaiveDate::MAX);
    let date = |text: &str| text.parse::<NaiveDate>().ok();
    let used = lines.iter().filter(|line| line.local == local && line.status != "draft");
    let holds = |line: &&Line| {
        date(line.from).is_none_or(|from| from <= day) && date(line.to).is_none_or(|to| day <= to)
    };
    let of = |target: &str| -> BTreeSet<&'static str> {
        used.clone().filter(holds).filter(|line| line.target == target).map(|l| l.code).collect()
    };
    let derived: BTreeSet<&'static str> = match used.clone().any(|line| line.target == "hot9") {
        true => of("hot9"),
        false => of("yj")
            .into_iter()
            .filter_map(|yj| match yj {
                "1111001F1011" => Some("100000001"),
                // Its receipt drug has ended.
                _ => (day < NaiveDate::from_ymd_opt(2026, 4, 1)?).then_some("100000002"),
            })
            .collect(),
    };
    let one = |codes: BTreeSet<&'static str>| match codes.len() {
        1 => codes.into_iter().next(),
        _ => None,
    };
    let a = one(of("a"));
    let b = if a.is_none() { one(of("b")) } else { None };
    let all = [("urn:a", a), (YJ, one(of("yj"))), ("urn:b", b), (HOT9, one(derived))];
    let codings: Vec<_> =
        all.into_iter().filter_map(|(system, code)| Some((system, code?))).collect();
    if codings.is_empty() { vec![("urn:u", "N"), ("urn:l", local)] } else { codings }
}

const QUERIES: [&str; 14] = [
    "A1",
    "A2",
    "urn:a|A1",
    "urn:b|A1",
    "X1",
    "1111001F1011",
    "1111001F1020",
    "100000001",
    "100000002",
    "urn:u|N",
    "B1",
    "urn:l|B2",
    "urn:l|",
    "http://medis.or.jp/CodeSystem/master-HOT9|",
];

fn is_meant(query: &str, (system, code): (&str, &str)) -> bool {
    match query.rsplit_once('|') {
        None => code == query,
        Some((of, "")) => system == of,
        Some((of, wanted)) => system == of && code == wanted,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_code_finds_what_shows_it_on_its_day(lines in lines(), cases in cases()) {
        let source = source(&lines, &cases);
        let resources = source.resources("Condition");
        for (index, case) in cases.iter().enumerate() {
            let id = format!("b.{index}");
            let (_, resource) = resources.iter().find(|(known, _)| *known == id).expect("a resource");
            let shown = resource["code"]["coding"].as_array().cloned().unwrap_or_default();
            let text = |coding: &serde_json::Value, name: &str| {
                coding[name].as_str().unwrap_or_default().to_owned()
            };
            let shown: Vec<_> =
                shown.iter().map(|coding| (text(coding, "system"), text(coding, "code"))).collect();
            let expected: Vec<_> = codings(&lines, *case)
                .into_iter()
                .map(|(system, code)| (system.to_owned(), code.to_owned()))
                .collect();
            prop_assert_eq!(shown, expected, "{:?} {:?}", case, lines);
        }
        for query in QUERIES {
            for (name, is_wanted) in [("code", true), ("code:not", false)] {
                let found = source.ids(&format!("Condition?{name}={query}")).expect("an answer");
                let mut expected: Vec<String> = cases
                    .iter()
                    .enumerate()
                    .filter(|(_, case)| {
                        let mut shown = codings(&lines, **case).into_iter();
                        shown.any(|coding| is_meant(query, coding)) == is_wanted
                    })
                    .map(|(index, _)| format!("b.{index}"))
                    .collect();
                expected.sort();
                prop_assert_eq!(found, expected, "{}={} {:?} {:?}", name, query, cases, lines);
            }
        }
    }
}

/// Codes that a master gives are as much a part of a resource as those of the file.
#[test]
fn a_derived_code_is_another_version_and_one_that_is_none_is_not() {
    let line = |target, code| Line { local: "B1", target, code, from: "", to: "", status: "auto" };
    let print = |lines: &[Line], with: bool| {
        let csv: String =
            lines.iter().map(|l| format!("{},{},{},auto\n", l.local, l.target, l.code)).collect();
        let csv = format!("local,target,code,status\n{csv}");
        let files = [("codes/codemaps.yaml", MAPS), ("codes/m.csv", &csv), ("b.map.yaml", RULE)];
        let files = files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()));
        let masters = if with { masters() } else { genkan_masters::Store::default() };
        usable(compiled_against(files.to_vec(), &masters)).fingerprint
    };
    let derived = [line("yj", "1111001F1011")];
    assert_ne!(print(&derived, true), print(&derived, false));
    let plain = [line("a", "A1")];
    assert_eq!(print(&plain, true), print(&plain, false));
}
