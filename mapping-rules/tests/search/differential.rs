//! The oracle that needs no expectations: the rows that a search selects are those whose resources
//! match it when they are looked at one by one.

use chrono::{Days, Months, NaiveDate, NaiveTime, TimeDelta};
use genkan_adapter::memory::SourceRow;
use proptest::prelude::*;
use serde_json::Value as Json;

use super::source::{Source, cell, now};

const RULE: &str = r#"
rule: pt
resource: Patient
from:
  p: {table: PT, key: [ID]}
blank: {all: ["0", "00000000"], p.NAME: [none]}
emit:
  identifier:
    - {$if: = p.SEX in "1" "2", system: "urn:org", value: = "$(p.ORG)-$(p.TEL)"}
    - {$if: = not (p.DEL == "1"), system: "urn:cat", value: = p.ORG & p.TEL}
    - {system: "urn:map", value: = p.SEX | map 1=a 2=b else c}
    - {$if: = p.ORG != p.TEL, system: "urn:two", value: = p.TEL else p.ORG}
    - {$if: = p.AGE >= "2" and p.WEIGHT exists, system: "urn:age", value: = p.AGE}
    - system: "urn:look"
      value: = lookup("org", p.ORG)
  gender: = p.SEX | map 1=male 2=female
  active: = not (p.WEIGHT < "1" or p.AGE == "10")
  generalPractitioner: [{$ref: doctor, key: [= p.ORG else p.TEL]}]
  deceasedBoolean: {$value: = p.DEAD, $if: = p.TEL != "1"}
  deceasedDateTime: {$value: = p.DEATH, $if: = not p.DEAD exists}
  telecom:
    - {$if: = p.TEL in "1" "A", system: phone, value: = p.NAME | zen, use: = p.DEL | map 1=home else work}
    - {system: email, value: = p.KANA | hankaku}
  name:
    - {text: = p.NAME, family: {$value: = p.KANA | kana.full, $if: = p.DEL exists}}
    - {text: = p.SEX | map 1=Abc else "none"}
  birthDate: = p.BIRTH | date
"#;

const LOOKUP: &str = "key,value\nA,a\nB,b-1\n0,zero\n";

const DOCTOR: &str = "rule: doctor\nresource: Practitioner\nfrom:\n  b: {table: BYO, key: [CD]}\nemit: {active: true}\n";

fn source(rows: &[SourceRow]) -> Source {
    Source::new(&[("d.map.yaml", DOCTOR), ("p.map.yaml", RULE), ("lookups/org.csv", LOOKUP)], rows)
}

fn rows() -> impl Strategy<Value = Vec<SourceRow>> {
    let short = || prop::sample::select(vec!["-", "", "0", "1", "2", "A", "B", "a", "1-1", "-1"]);
    let names =
        || prop::sample::select(vec!["-", "none", "None", "Abc", "ab c", "山田", "ﾔﾏﾀﾞ", "ヤマ"]);
    let births = prop::sample::select(vec![
        "-", "00000000", "20200229", "20200301", "20210101", "202002", "2020", "20201231",
    ]);
    let numbers = prop::sample::select(vec!["-", "0i", "1i", "2i", "10i"]);
    let weights = prop::sample::select(vec!["-", "#0", "#0.0", "#1.5"]);
    let dead = prop::sample::select(vec!["-", "true", "false"]);
    let deaths = prop::sample::select(vec!["-", "2020-02-29", "2020-03-01", "2021-01-01"]);
    let flags = (dead, deaths);
    let row =
        ((short(), short(), short(), short()), names(), names(), births, numbers, weights, flags);
    prop::collection::vec(row, 1..12).prop_map(|rows| {
        let named = |(index, row): (usize, (_, _, _, _, _, _, _))| {
            let ((sex, del, org, tel), name, kana, birth, age, weight, (dead, death)) = row;
            let cells = [
                ("SEX", sex),
                ("DEL", del),
                ("ORG", org),
                ("TEL", tel),
                ("NAME", name),
                ("KANA", kana),
                ("BIRTH", birth),
                ("AGE", age),
                ("WEIGHT", weight),
                ("DEAD", dead),
                ("DEATH", death),
            ];
            let mut cells: Vec<_> =
                cells.into_iter().map(|(column, text)| (column.to_owned(), cell(text))).collect();
            cells.push(("ID".to_owned(), cell(&format!("k{index}"))));
            ("PT".to_owned(), cells)
        };
        rows.into_iter().enumerate().map(named).collect()
    })
}

fn queries() -> impl Strategy<Value = (String, String)> {
    let values =
        ["1", "2", "A", "a", "b", "c", "A-1", "1-1-1", "A1", "-1", "0", "zero", "b-1", "10"];
    let systems =
        ["", "|", "urn:org|", "urn:cat|", "urn:map|", "urn:two|", "urn:age|", "urn:look|"];
    let token = (prop::sample::select(systems.to_vec()), prop::sample::select(values.to_vec()))
        .prop_map(|(system, value)| format!("{system}{value}"));
    let genders = prop::sample::select(vec!["male", "female", "other"]);
    let texts =
        prop::sample::select(vec!["a", "A", "ab", "abc", "none", "山", "ヤマ", "ヤマダ", "no"]);
    let name = |code: &'static str, modifiers: &'static [&'static str]| {
        prop::sample::select(modifiers.to_vec()).prop_map(move |m| format!("{code}{m}"))
    };
    prop_oneof![
        (name("identifier", &["", ":not"]), token),
        (name("gender", &["", ":not"]), genders.prop_map(str::to_owned)),
        (name("name", &["", ":exact", ":contains"]), texts.clone().prop_map(str::to_owned)),
        (name("family", &["", ":contains"]), texts.prop_map(str::to_owned)),
        (Just("birthdate".to_owned()), (prefixes(), days()).prop_map(|(p, d)| format!("{p}{d}"))),
        (
            name("active", &["", ":not"]),
            prop::sample::select(vec!["true", "false"]).prop_map(str::to_owned)
        ),
        (
            name("deceased", &["", ":not"]),
            prop::sample::select(vec!["true", "false"]).prop_map(str::to_owned)
        ),
        (
            Just("general-practitioner".to_owned()),
            prop::sample::select(vec!["A", "1", "0", "-2d1"]).prop_map(|k| format!("doctor.{k}"))
        ),
        (
            prop::sample::select(vec!["telecom", "phone", "email"]).prop_map(str::to_owned),
            prop::sample::select(vec!["none", "Abc", "ab c", "山田"]).prop_map(str::to_owned)
        ),
        (Just("death-date".to_owned()), (prefixes(), days()).prop_map(|(p, d)| format!("{p}{d}"))),
        (
            prop::sample::select(vec![
                "gender:missing",
                "birthdate:missing",
                "name:missing",
                "identifier:missing",
                "telecom:missing",
                "active:missing",
                "general-practitioner:missing",
            ])
            .prop_map(str::to_owned),
            prop::sample::select(vec!["true", "false"]).prop_map(str::to_owned)
        ),
    ]
}

fn prefixes() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", "ne", "ge", "le", "gt", "lt", "sa", "eb", "ap"])
}

fn days() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["2020", "2020-02", "2020-02-29", "2021-01-01", "2020-12"])
}

/// Whether a resource matches, seen from its JSON alone.
fn matches(resource: &Json, name: &str, value: &str) -> bool {
    let (code, modifier) = name.split_once(':').unwrap_or((name, ""));
    let list = |name: &str| resource[name].as_array().cloned().unwrap_or_default();
    if modifier == "missing" {
        let element = match code {
            "birthdate" => "birthDate",
            "general-practitioner" => "generalPractitioner",
            own => own,
        };
        return resource.get(element).is_none() == (value == "true");
    }
    let found = match code {
        "identifier" => list("identifier").iter().any(|identifier| {
            let (system, wanted) = match value.rsplit_once('|') {
                None => (None, value),
                Some((system, wanted)) => (Some(system), wanted),
            };
            let system_is = system.is_none_or(|s| identifier["system"].as_str() == Some(s));
            system_is && identifier["value"].as_str() == Some(wanted)
        }),
        "gender" => resource["gender"].as_str() == Some(value),
        "active" => resource["active"] == (value == "true"),
        "deceased" => {
            let dead =
                resource["deceasedBoolean"] == true || resource.get("deceasedDateTime").is_some();
            dead.to_string() == value
        }
        "general-practitioner" => {
            let wanted = format!("Practitioner/{value}");
            list("generalPractitioner").iter().any(|found| found["reference"] == wanted.as_str())
        }
        "telecom" | "phone" | "email" => list("telecom").iter().any(|telecom| {
            (code == "telecom" || telecom["system"] == code) && telecom["value"] == value
        }),
        "death-date" => {
            let day = resource["deceasedDateTime"].as_str().and_then(|text| text.get(..10));
            day.is_some_and(|day| day_matches(day, value))
        }
        "birthdate" => resource["birthDate"].as_str().is_some_and(|day| day_matches(day, value)),
        _ => list("name").iter().any(|name| {
            let parts: &[&str] = if code == "family" { &["family"] } else { &["text", "family"] };
            parts.iter().filter_map(|part| name[*part].as_str()).any(|text| match modifier {
                "exact" => text == value,
                "contains" => text.to_lowercase().contains(&value.to_lowercase()),
                _ => text.to_lowercase().starts_with(&value.to_lowercase()),
            })
        }),
    };
    if modifier == "not" { !found } else { found }
}

/// First and last day of a date.
fn range(day: &str) -> (NaiveDate, NaiveDate) {
    let parts: Vec<u32> = day.split('-').map(|part| part.parse().expect("digits")).collect();
    let year = i32::try_from(parts[0]).expect("a year");
    let first =
        NaiveDate::from_ymd_opt(year, *parts.get(1).unwrap_or(&1), *parts.get(2).unwrap_or(&1));
    let first = first.expect("a day");
    let next = match parts.len() {
        1 => first + Months::new(12),
        2 => first + Months::new(1),
        _ => first + Days::new(1),
    };
    (first, next - Days::new(1))
}

pub fn day_matches(day: &str, search: &str) -> bool {
    let (prefix, wanted) = match search.split_at(2) {
        (prefix, rest) if prefix.bytes().all(|b| b.is_ascii_alphabetic()) => (prefix, rest),
        _ => ("eq", search),
    };
    let ((start, end), (low, high)) = (range(day), range(wanted));
    let inside = low <= start && end <= high;
    match prefix {
        "eq" => inside,
        "ne" => !inside,
        "gt" => end > high,
        "lt" => start < low,
        "ge" => end > high || inside,
        "le" => start < low || inside,
        "sa" => start > high,
        "eb" => end < low,
        _ => {
            let now = now();
            let (first, next) =
                (low.and_time(NaiveTime::MIN), (high + Days::new(1)).and_time(NaiveTime::MIN));
            let distance = if now < first { first - now } else { now - next };
            let tenth = TimeDelta::seconds(distance.num_seconds().max(0) / 10);
            start.and_time(NaiveTime::MIN) < next + tenth
                && (end + Days::new(1)).and_time(NaiveTime::MIN) > first - tenth
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_search_selects_the_rows_whose_resources_match(
        rows in rows(),
        queries in prop::collection::vec(queries(), 1..8),
    ) {
        let source = source(&rows);
        let resources = source.resources("Patient");
        for (name, value) in queries {
            let query = format!("Patient?{name}={value}");
            let mut expected: Vec<String> = resources
                .iter()
                .filter(|(_, resource)| matches(resource, &name, &value))
                .map(|(id, _)| id.clone())
                .collect();
            expected.sort();
            let found = source.ids(&query).expect("an answer");
            prop_assert_eq!(found, expected, "{} {:?}", query, resources);
        }
    }
}
