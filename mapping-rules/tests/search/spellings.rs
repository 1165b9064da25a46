//! The same oracle on what legacy columns hold: dates in every spelling, days and times apart, one
//! text in two widths, blanks.

use chrono::{Datelike, NaiveDate};
use genkan_adapter::Value;
use genkan_adapter::memory::SourceRow;
use genkan_mapping::plan::PlanProblem;
use proptest::prelude::*;
use serde_json::Value as Json;

use super::differential::day_matches;
use super::source::Source;

const PATIENT: &str = r#"
rule: pt
resource: Patient
from:
  p: {table: PT, key: [ID]}
blank: {all: ["00000000", "99999999"]}
emit:
  identifier:
    - {system: "urn:zen", value: = p.KANA | zen}
    - {system: "urn:ins", value: = p.ORG | insurer}
    - {system: "urn:map", value: = p.KANA | kana.full | map アB=k else o}
    - {$if: = (p.KANA | hankaku) == "ｱB", system: "urn:if", value: = p.ID}
  birthDate: = p.WAREKI | date.wareki
  deceasedDateTime: = p.NAME | datetime
  address: [{postalCode: = p.TEL | postal, district: = p.ORG}]
"#;

const LAB: &str = r#"
rule: lab
resource: Observation
from:
  l: {table: LAB, key: [NO]}
emit:
  status: final
  code: {text: x}
  subject: {$ref: pt, key: [= l.CD | hankaku]}
  effectiveDateTime: = (l.DAY & l.TIM) | datetime
"#;

/// A date as people and hosts write it; `{…}` are its parts, those of the era included.
const DATES: &[&str] = &[
    "{Y}{MM}{DD}",
    "{Y}{MM}00",
    "{Y}{MM}",
    "{Y}0000",
    "{Y}",
    "{Y}-{MM}-{DD}",
    "{Y}/{MM}/{DD}",
    "{Y}/{M}/{D}",
    "{Y}-{M}-{D}",
    "{Y}/{M}",
    "{Y}-{MM}",
];
const ERAS: &[&str] = &[
    "{Y}{MM}  ",
    "{G}{EE}{MM}{DD}",
    "{g}{EE}{MM}{DD}",
    "{G}{EE}{MM}",
    "{G}{EE}",
    "{G}{E}.{M}.{D}",
    "{G}{EE}.{MM}.{DD}",
    "{G}{E}/{M}",
    "{N}{E}年{M}月{D}日",
    "{N}{E}年{M}月",
    "{N}{E}年",
    "{N}{E}年 {M}月 {D}日",
    "{Y}年{M}月{D}日",
    "{Y}.{M}.{D}",
    "{N}{E}-{M}-{D}",
    "{9}{EE}{MM}{DD}",
];
const TIMES: &[&str] = &[
    "{Y}{MM}{DD}0930",
    "{Y}{MM}{DD}235959",
    "{Y}{MM}{DD}240000",
    "{Y}-{MM}-{DD} 09:30",
    "{Y}-{MM}-{DD}T23:59:59.5",
    "{Y}/{MM}/{DD} 24:00",
    "{Y}{MM}{DD} 093000",
    "{Y}-{MM}-{DD}T20:00:00Z",
    "{Y}-{MM}-{DD}T20:00:00+09:00",
];
/// Read by nobody, and not between dates in the order of texts.
const NONE: &[&str] = &["-", "", "なし", "00000000", "99999999", " 20200410", "２０２００４１０"];

fn written(form: &str, day: NaiveDate) -> String {
    let (letter, small, name, digit, base) = match day {
        day if day < NaiveDate::from_ymd_opt(1989, 1, 8).expect("a day") => {
            ("S", "s", "昭和", "3", 1925)
        }
        day if day < NaiveDate::from_ymd_opt(2019, 5, 1).expect("a day") => {
            ("H", "h", "平成", "4", 1988)
        }
        _ => ("R", "r", "令和", "5", 2018),
    };
    let (year, month, day) = (day.year(), day.month(), day.day());
    let era = year - base;
    let parts = [
        ("{Y}", format!("{year:04}")),
        ("{MM}", format!("{month:02}")),
        ("{DD}", format!("{day:02}")),
        ("{M}", month.to_string()),
        ("{D}", day.to_string()),
        ("{EE}", format!("{era:02}")),
        ("{E}", era.to_string()),
        ("{G}", letter.to_owned()),
        ("{g}", small.to_owned()),
        ("{N}", name.to_owned()),
        ("{9}", digit.to_owned()),
    ];
    parts.iter().fold(form.to_owned(), |text, (part, value)| text.replace(part, value))
}

fn date_of(forms: &[&'static [&'static str]]) -> impl Strategy<Value = String> + use<> {
    let days = [
        "1930-06-28",
        "1988-12-31",
        "1989-01-07",
        "1989-01-08",
        "2019-04-30",
        "2019-05-01",
        "2020-02-29",
        "2020-12-01",
    ];
    let days: Vec<NaiveDate> = days.iter().map(|day| day.parse().expect("a day")).collect();
    let forms: Vec<&str> = forms.concat();
    prop_oneof![
        5 => (prop::sample::select(forms), prop::sample::select(days)).prop_map(|(f, day)| written(f, day)),
        1 => prop::sample::select(NONE.to_vec()).prop_map(str::to_owned),
    ]
}

fn any_of(texts: &[&'static str]) -> impl Strategy<Value = String> + use<> {
    prop::sample::select(texts.to_vec()).prop_map(str::to_owned)
}

fn row(table: &str, cells: Vec<(&str, String)>) -> SourceRow {
    let value = |text: String| if text == "-" { Value::Null } else { Value::text(text) };
    let cells = cells.into_iter().map(|(name, text)| (name.to_owned(), value(text)));
    (table.to_owned(), cells.collect())
}

fn patients() -> impl Strategy<Value = Vec<SourceRow>> {
    let kana = any_of(&["-", "ｱB", "アB", "アＢ", "ｱＢ", "ア", "ｶﾞ", "ガ", "カﾞ", " ア"]);
    let numbers =
        any_of(&["-", "138057", "00138057", "１３８０５７", "1３8057", "0138057", "138057 ", "1"]);
    let codes = any_of(&["-", "1000001", "100-0001", "１００−０００１", "100", "x"]);
    let row_of = (date_of(&[DATES, ERAS]), date_of(&[DATES, TIMES]), kana, numbers, codes);
    prop::collection::vec(row_of, 1..10).prop_map(|rows| {
        let named = |(index, (wareki, name, kana, org, tel)): (usize, (_, _, _, _, _))| {
            let id = format!("k{index}");
            row(
                "PT",
                vec![
                    ("ID", id),
                    ("WAREKI", wareki),
                    ("NAME", name),
                    ("KANA", kana),
                    ("ORG", org),
                    ("TEL", tel),
                ],
            )
        };
        rows.into_iter().enumerate().map(named).collect()
    })
}

fn results() -> impl Strategy<Value = Vec<SourceRow>> {
    let times = any_of(&["-", "", "0930", "930", "2400", "0960", "9999", "9:30", "2359"]);
    let keys = any_of(&["-", "k1", "ｋ1", "ｋ１", "k2"]);
    // What does not fit into `char(8)` is not there.
    let days = date_of(&[&DATES_OF_8]);
    let days =
        days.prop_map(|day| if day.chars().count() > 8 { "20190430".to_owned() } else { day });
    let row_of = (days, times, keys);
    prop::collection::vec(row_of, 1..10).prop_map(|rows| {
        let named = |(index, (day, time, key)): (i64, (_, _, _))| {
            let mut row = row("LAB", vec![("DAY", day), ("TIM", time), ("CD", key)]);
            row.1.push(("NO".to_owned(), Value::Integer(index)));
            row
        };
        (0..).zip(rows).map(named).collect()
    })
}

const DATES_OF_8: [&str; 4] = ["{Y}{MM}{DD}", "{Y}/{M}/{D}", "{Y}{MM}{DD}", "{Y}-{M}-{D}"];

fn queries() -> impl Strategy<Value = (String, String)> {
    let prefixes = any_of(&["", "ne", "ge", "le", "gt", "lt", "sa", "eb"]);
    let days = any_of(&[
        "1930-06-28",
        "1930",
        "1989",
        "1989-01",
        "1989-01-08",
        "2019-04",
        "2019-05-01",
        "2020-02-29",
        "2020-03-01",
        "2020-12-02",
        "2020",
    ]);
    let when = (prefixes, days).prop_map(|(prefix, day)| format!("{prefix}{day}"));
    let values = any_of(&[
        "アＢ",
        "ガ",
        "00138057",
        "k",
        "o",
        "urn:map|o",
        "urn:map|k",
        "urn:zen|ア",
        "k0",
        "カ゛",
    ]);
    prop_oneof![
        (any_of(&["birthdate", "death-date"]), when),
        (any_of(&["birthdate:missing", "death-date:missing"]), any_of(&["true", "false"])),
        (any_of(&["identifier", "identifier:not"]), values),
        (Just("address-postalcode".to_owned()), any_of(&["100-0001", "x", "100-0002"])),
        (Just("address".to_owned()), any_of(&["100-0001", "138", "x"])),
    ]
}

fn expected(resource: &Json, name: &str, value: &str) -> bool {
    let (code, modifier) = name.split_once(':').unwrap_or((name, ""));
    let date = |element: &str| match (modifier, resource[element].as_str()) {
        ("missing", text) => text.is_none() == (value == "true"),
        (_, text) => text.is_some_and(|text| day_matches(text.get(..10).unwrap_or(text), value)),
    };
    let address = |parts: &[&str]| {
        let all = resource["address"].as_array().cloned().unwrap_or_default();
        all.iter().any(|address| {
            parts
                .iter()
                .filter_map(|part| address[*part].as_str())
                .any(|text| text.starts_with(value))
        })
    };
    match code {
        "birthdate" => date("birthDate"),
        "death-date" => date("deceasedDateTime"),
        "date" => date("effectiveDateTime"),
        "address-postalcode" => address(&["postalCode"]),
        "address" => address(&["postalCode", "district"]),
        "subject" => resource["subject"]["reference"] == format!("Patient/{value}"),
        _ => {
            let (system, wanted) =
                value.split_once('|').map_or((None, value), |(s, v)| (Some(s), v));
            let all = resource["identifier"].as_array().cloned().unwrap_or_default();
            let found = all.iter().any(|identifier| {
                system.is_none_or(|system| identifier["system"] == system)
                    && identifier["value"] == wanted
            });
            found != (modifier == "not")
        }
    }
}

fn check(source: &Source, resource: &str, name: &str, value: &str) -> Result<(), TestCaseError> {
    let query = format!("{resource}?{name}={value}");
    let resources = source.resources(resource);
    let hits = resources.iter().filter(|(_, resource)| expected(resource, name, value));
    let mut wanted: Vec<String> = hits.map(|(id, _)| id.clone()).collect();
    wanted.sort();
    match source.ids(&query) {
        Ok(found) => prop_assert_eq!(found, wanted, "{} {:?}", query, resources),
        // A value that can't be answered is refused, but no date is.
        Err(PlanProblem::Refused { .. }) if !name.contains("date") && name != "subject" => {}
        Err(problem) => prop_assert!(false, "{} {:?}", query, problem),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_spelling_that_is_shown_is_found(
        rows in patients(),
        queries in prop::collection::vec(queries(), 1..8),
    ) {
        let source = Source::new(&[("p.map.yaml", PATIENT)], &rows);
        for (name, value) in queries {
            check(&source, "Patient", &name, &value)?;
        }
    }

    #[test]
    fn a_day_and_its_time_are_found_by_the_day(
        rows in results(),
        prefix in any_of(&["", "ne", "ge", "le", "gt", "lt", "sa", "eb"]),
        day in any_of(&["2020-02-29", "2020-03-01", "2020-03", "2020", "1989-01-08", "2019-05-01"]),
        key in any_of(&["pt.k1", "pt.k2"]),
    ) {
        let source = Source::new(&[("p.map.yaml", PATIENT), ("l.map.yaml", LAB)], &rows);
        check(&source, "Observation", "date", &format!("{prefix}{day}"))?;
        check(&source, "Observation", "subject", &key)?;
    }
}
