//! The oracle of chains that needs no expectations: they find what reading everything and following
//! the references of the resources one by one finds.

use std::collections::BTreeSet;

use genkan_adapter::memory::SourceRow;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::Value as Json;

use super::chain::source;
use super::source::{Source, cell};

const ROUNDS: usize = 150;

/// Where a reference parameter of the rules above looks, in a resource.
const REFERENCES: &[(&str, &str, &str)] = &[
    ("Condition", "asserter", "/asserter"),
    ("Condition", "evidence-detail", "/evidence/*/detail/*"),
    ("Condition", "subject", "/subject"),
    ("Location", "partof", "/partOf"),
    ("Observation", "performer", "/performer/*"),
    ("Observation", "subject", "/subject"),
    ("Patient", "general-practitioner", "/generalPractitioner/*"),
    ("Patient", "link", "/link/*/other"),
    ("Specimen", "subject", "/subject"),
];

/// Parameters at the end of chains, with values that some rows have.
const ENDS: &[(&str, &str, &[&str])] = &[
    ("Condition", "clinical-status", &["active", "resolved"]),
    ("Condition", "clinical-status:not", &["active"]),
    ("Location", "name", &["N0", "N1"]),
    ("Observation", "code", &["K1", "K2"]),
    ("Observation", "date", &["2021-07-05", "gt2021-07-05"]),
    ("Observation", "date:missing", &["true", "false"]),
    ("Patient", "name", &["N0", "N1", "N2"]),
    ("Patient", "gender", &["male", "female"]),
    ("Patient", "gender:missing", &["true", "false"]),
    ("Patient", "gender:not", &["male"]),
    ("Practitioner", "name", &["N0", "N1"]),
    ("Specimen", "type", &["A", "B"]),
];

/// `from`, `parameter`, `to`: one step, in either direction.
type Steps = Vec<(&'static str, &'static str, &'static str, bool)>;

/// Steps that the rules offer, starting from a type.
fn walks() -> impl Strategy<Value = (Steps, usize, usize)> {
    let picks = prop::collection::vec(any::<prop::sample::Index>(), 4);
    (1_usize..4, picks, any::<prop::sample::Index>(), any::<prop::sample::Index>()).prop_map(
        |(length, picks, end, value)| {
            let mut steps: Steps = Vec::new();
            for pick in picks.iter().take(length) {
                let at = steps.last().map(|(_, _, to, _)| *to);
                let known: Vec<_> = all_steps().filter(|s| at.is_none_or(|at| at == s.0)).collect();
                steps.push(known[pick.index(known.len())]);
            }
            let last = steps.last().map_or("", |(_, _, to, _)| to);
            let ends: Vec<usize> = (0..ENDS.len()).filter(|index| ENDS[*index].0 == last).collect();
            let end = ends[end.index(ends.len())];
            let value = value.index(ENDS[end].2.len());
            (steps, end, value)
        },
    )
}

fn all_steps() -> impl Iterator<Item = (&'static str, &'static str, &'static str, bool)> {
    let targets = |from: &str, parameter: &str| -> &'static [&'static str] {
        match (from, parameter) {
            ("Observation", "subject") => &["Patient", "Location"],
            (_, "subject" | "link") => &["Patient"],
            (_, "evidence-detail") => &["Observation"],
            (_, "partof") => &["Location"],
            _ => &["Practitioner"],
        }
    };
    REFERENCES.iter().flat_map(move |(from, parameter, _)| {
        let pairs = targets(from, parameter).iter();
        pairs.flat_map(|to| [(*from, *parameter, *to, true), (*to, *parameter, *from, false)])
    })
}

fn name_of(steps: &Steps, end: usize) -> String {
    let mut name = String::new();
    for (from, parameter, to, forwards) in steps {
        name += &match forwards {
            true => format!("{parameter}:{to}."),
            false => format!("_has:{to}:{parameter}:"),
        };
        assert!(!from.is_empty());
    }
    name + ENDS[end].1
}

/// The references at a place, `*` for each item of a list.
fn references(resource: &Json, path: &str) -> Vec<String> {
    let Some(rest) = path.strip_prefix('/') else {
        return resource["reference"].as_str().map(str::to_owned).into_iter().collect();
    };
    let (head, tail) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    match head {
        "*" => {
            let items = resource.as_array().map(Vec::as_slice).unwrap_or_default();
            items.iter().flat_map(|item| references(item, tail)).collect()
        }
        name => references(&resource[name], tail),
    }
}

/// What is found by reading everything and following the references.
fn followed(
    source: &Source,
    steps: &[(&str, &str, &str, bool)],
    end: usize,
    value: usize,
) -> BTreeSet<String> {
    let Some(((from, parameter, to, forwards), rest)) = steps.split_first() else {
        let (of, code, values) = ENDS[end];
        let found = source.ids(&format!("{of}?{code}={}", values[value])).expect("an answer");
        let resources: BTreeSet<String> =
            source.resources(of).into_iter().map(|(id, _)| id).collect();
        return found.into_iter().filter(|id| resources.contains(id)).collect();
    };
    let goal = followed(source, rest, end, value);
    let holder = if *forwards { from } else { to };
    let path = REFERENCES.iter().find(|(of, code, _)| of == holder && code == parameter);
    let path = path.expect("a known reference").2;
    let pairs = source.resources(holder).into_iter().flat_map(|(id, resource)| {
        let targets = references(&resource, path).into_iter();
        let pairs: Vec<(String, String)> = targets.map(|target| (id.clone(), target)).collect();
        pairs
    });
    let exist: BTreeSet<String> =
        source.resources(from).into_iter().map(|(id, _)| format!("{from}/{id}")).collect();
    let found = pairs.filter_map(|(holder, target)| match forwards {
        true => {
            let id = target.strip_prefix(&format!("{to}/"))?;
            goal.contains(id).then_some(holder)
        }
        false => {
            let id = target.strip_prefix(&format!("{from}/"))?;
            (exist.contains(&target) && goal.contains(&holder)).then(|| id.to_owned())
        }
    });
    found.collect()
}

fn any_rows() -> impl Strategy<Value = Vec<SourceRow>> {
    let of = |values: &'static [&'static str]| prop::sample::select(values);
    let names = of(&["-", "N0", "N0", "N1", "N2", "N0 1"]);
    let ids = || of(&["-", "", "0", "1", "1", "2", "2", "3", "3", "01", "1 "]);
    let numbers = || of(&["-", "0i", "1i", "1i", "2i", "3i"]);
    let patients = prop::collection::vec(
        (names.clone(), of(&["-", "1", "2"]), of(&["-", "-", "-", "1"]), ids(), numbers()),
        4,
    );
    let masters = prop::collection::vec((ids(), names.clone()), 4);
    let wards = prop::collection::vec((names, ids()), 3);
    let conditions = prop::collection::vec((ids(), of(&["-", "1", "2", "9"])), 5);
    let details = prop::collection::vec((numbers(), of(&["-", "9"])), 5);
    let results = prop::collection::vec(
        (
            ids(),
            ids(),
            of(&["-", "K1", "K1", "K2"]),
            of(&["-", "20210705", "20210706", "2021"]),
            of(&["-", "A", "B", "1", "2"]),
        ),
        5,
    );
    (patients, masters, wards, conditions, details, results).prop_map(
        |(patients, masters, wards, conditions, details, results)| {
            let mut rows: Vec<SourceRow> = Vec::new();
            let mut add = |table: &str, cells: &[(&str, &str)]| {
                let cells = cells.iter().map(|(name, text)| ((*name).to_owned(), cell(text)));
                rows.push((table.to_owned(), cells.collect()));
            };
            for (index, (name, sex, deleted, other, doctor)) in patients.iter().enumerate() {
                let id = index.to_string();
                let cells = [("ID", id.as_str()), ("NAME", name), ("SEX", sex), ("DEL", deleted)];
                add("PT", &[&cells[..], &[("ORG", *other), ("AGE", *doctor)]].concat());
            }
            let mut known = BTreeSet::new();
            for (code, name) in &masters {
                if !matches!(*code, "-" | "") && known.insert(*code) {
                    add("MST", &[("CD", code), ("NAME", name)]);
                }
            }
            for (index, (name, above)) in wards.iter().enumerate() {
                add("UNI", &[("C", &index.to_string()), ("A", name), ("B", above)]);
            }
            for (index, ((patient, outcome), (detail, hidden))) in
                conditions.iter().zip(&details).enumerate()
            {
                let patient = if matches!(*patient, "-" | "") { "9" } else { patient };
                let number = format!("{index}i");
                add("BYO", &[("PT_ID", patient), ("SEQ", &number), ("TENKI", outcome)]);
                let cells = [("PT_ID", patient), ("BYO_SEQ", &number), ("SEQ", detail)];
                add("SYU", &[&cells[..], &[("FLG", *hidden)]].concat());
            }
            for (index, (patient, ward, code, day, value)) in results.iter().enumerate() {
                let number = format!("{index}i");
                let cells = [("NO", number.as_str()), ("PT_ID", patient), ("UNIT", ward)];
                add(
                    "LAB",
                    &[&cells[..], &[("CD", *code), ("DAY", *day), ("VAL", *value)]].concat(),
                );
            }
            rows
        },
    )
}

#[test]
fn a_chain_finds_what_following_the_references_finds() {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let (mut asked, mut telling) = (0, 0);
    for _ in 0..ROUNDS {
        let rows = any_rows().new_tree(&mut runner).expect("rows").current();
        let source = source(&rows);
        for _ in 0..8 {
            let walk = walks().new_tree(&mut runner).expect("a walk").current();
            let expected = check_walk(&source, &walk, &rows);
            asked += 1;
            telling += usize::from(walk.0.len() > 1 && expected > 0);
        }
    }
    assert!(telling > asked / 12, "only {telling} of {asked} longer chains find anything");
}

/// Compares, and gives back how many resources were expected.
fn check_walk(
    source: &Source,
    (steps, end, value): &(Steps, usize, usize),
    rows: &[SourceRow],
) -> usize {
    let first = steps[0].0;
    let query = format!("{first}?{}={}", name_of(steps, *end), ENDS[*end].2[*value]);
    let expected = followed(source, steps, *end, *value);
    let resources: BTreeSet<String> =
        source.resources(first).into_iter().map(|(id, _)| id).collect();
    let found = source.ids(&query).expect("an answer");
    let found: BTreeSet<String> = found.into_iter().filter(|id| resources.contains(id)).collect();
    assert_eq!(found, expected, "{query} {rows:?}");
    expected.len()
}
