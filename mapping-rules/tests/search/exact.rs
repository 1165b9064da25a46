//! Each rule here once found rows too many or too few, and said nothing.

use genkan_mapping::plan::PlanProblem;

use super::source::{Source, source_row};

/// One answer: the keys of the rows found, or why there is none.
fn answer(source: &Source, query: &str) -> String {
    match source.ids(query) {
        Ok(ids) => {
            let key = |id: &String| id.split_once('.').map_or("", |(_, key)| key).to_owned();
            ids.iter().map(key).collect::<Vec<_>>().join(" ")
        }
        Err(PlanProblem::Refused { .. }) => "refused".to_owned(),
        Err(PlanProblem::NotOffered { .. }) => "not offered".to_owned(),
        Err(other) => format!("{other:?}"),
    }
}

fn check(rule: &str, rows: &[&str], answers: &[(&str, &str)]) {
    let rows: Vec<_> = rows.iter().map(|text| source_row(text)).collect();
    let source = Source::new(&[("r.map.yaml", rule)], &rows);
    for (query, expected) in answers {
        assert_eq!(answer(&source, query), *expected, "{query}");
    }
}

fn patient(rest: &str) -> String {
    format!("rule: pt\nresource: Patient\nfrom:\n  p: {{table: PT, key: [ID]}}\n{rest}")
}

#[test]
fn a_text_that_no_date_converter_reads_is_not_searched_by_date() {
    check(
        &patient("emit: {birthDate: = p.WAREKI}"),
        &["PT ID=1 WAREKI=20200101"],
        &[("Patient?birthdate=2020", "not offered")],
    );
    check(
        &patient("emit: {birthDate: = p.WAREKI | trim | date}"),
        &["PT ID=1 WAREKI=_20200101"],
        &[("Patient?birthdate=2020", "not offered")],
    );
}

#[test]
fn a_day_and_its_time_are_read_each_for_itself() {
    let rule = "rule: lab\nresource: Observation\nfrom:\n  l: {table: LAB, key: [NO]}\nemit: {status: \
                final, code: {text: x}, effectiveDateTime: = (l.DAY & l.TIM) | datetime}";
    let rows: Vec<_> = [
        "LAB NO=1i DAY=- TIM=0930",
        "LAB NO=2i DAY=20210705 TIM=2400",
        "LAB NO=3i DAY=20210705 TIM=0960",
        "LAB NO=4i DAY=20210705 TIM=930",
        "LAB NO=5i DAY=2021 TIM=1130",
        "LAB NO=6i DAY=20210705 TIM=9999",
        "LAB NO=7i DAY=99999999 TIM=0930",
    ]
    .iter()
    .map(|text| source_row(text))
    .collect();
    let source = Source::new(&[("r.map.yaml", rule)], &rows);
    let made: Vec<String> = source
        .resources("Observation")
        .iter()
        .map(|(_, json)| json["effectiveDateTime"].as_str().unwrap_or("-").to_owned())
        .collect();
    let expected = [
        "-",
        "2021-07-06T00:00:00+09:00",
        "2021-07-05",
        "2021-07-05T09:30:00+09:00",
        "2021",
        "2021-07-05",
        "-",
    ];
    assert_eq!(made, expected);
    for (query, expected) in [
        ("Observation?date=2021-07-05", "3 4 6"),
        ("Observation?date=2021-07-06", "2"),
        ("Observation?date=2021", "2 3 4 5 6"),
        ("Observation?date=ge2021-07-06", "2 5"),
        ("Observation?date=lt2021-07-06", "3 4 5 6"),
    ] {
        assert_eq!(answer(&source, query), expected, "{query}");
    }
}
