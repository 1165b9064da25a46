//! Date searches against R4's definition: every stored spelling is read by `forward`, the period of
//! what it says is compared as R4 words it, and the predicate must find exactly those.

use chrono::{Days, Months, NaiveDate, NaiveDateTime, TimeDelta};
use genkan_adapter::{ColumnKind, ColumnRef, Comparison, Operand, Position, Predicate, Value};
use genkan_fhir::search::Prefix;

use super::super::*;
use super::japan;

const PREFIXES: [Prefix; 8] = [
    Prefix::Eq,
    Prefix::Ne,
    Prefix::Gt,
    Prefix::Lt,
    Prefix::Ge,
    Prefix::Le,
    Prefix::Sa,
    Prefix::Eb,
];

fn at(text: &str) -> NaiveDateTime {
    text.parse().unwrap_or_else(|_| panic!("{text} is no time"))
}

/// The period that a FHIR date or dateTime of Japan covers.
fn period(fhir: &str) -> (NaiveDateTime, NaiveDateTime) {
    let wall = fhir.strip_suffix("+09:00").unwrap_or(fhir);
    let day = |text: &str| at(&format!("{text}T00:00:00"));
    match wall.len() {
        4 => {
            let start = day(&format!("{wall}-01-01"));
            (start, start + Months::new(12))
        }
        7 => {
            let start = day(&format!("{wall}-01"));
            (start, start + Months::new(1))
        }
        10 => (day(wall), day(wall) + Days::new(1)),
        19 => (at(wall), at(wall) + TimeDelta::seconds(1)),
        _ => (at(wall), at(wall) + TimeDelta::milliseconds(1)),
    }
}

/// R4: the range of the search value against the range of the target value.
fn means(search: &DateSearch, fhir: &str) -> bool {
    let (start, end) = period(fhir);
    let contained = search.start <= start && end <= search.end;
    match search.prefix {
        Prefix::Eq => contained,
        Prefix::Ne => !contained,
        Prefix::Gt => end > search.end,
        Prefix::Lt => start < search.start,
        Prefix::Ge => end > search.end || contained,
        Prefix::Le => start < search.start || contained,
        Prefix::Sa => start >= search.end,
        Prefix::Eb => end <= search.start,
        Prefix::Ap => unreachable!("not asked"),
    }
}

/// Evaluates a predicate on one cell; text by bytes.
fn holds(predicate: &Predicate, cell: &Value) -> bool {
    let value = |operand: &Operand| match operand {
        Operand::Column(_) => cell.clone(),
        Operand::Value(value) => value.clone(),
        Operand::Left { characters, .. } => match cell {
            Value::Text(text) => Value::Text(text.chars().take(*characters as usize).collect()),
            other => panic!("the beginning of {other:?}"),
        },
        Operand::Number(_) | Operand::Text(_) => panic!("dates are compared as they are"),
    };
    match predicate {
        Predicate::All(terms) => terms.iter().all(|term| holds(term, cell)),
        Predicate::Any(terms) => terms.iter().any(|term| holds(term, cell)),
        Predicate::Not(term) => !holds(term, cell),
        Predicate::In { operand, values } => values.contains(&value(operand)),
        Predicate::Like { position: Position::Anywhere, text, .. } => {
            matches!(cell, Value::Text(cell) if cell.contains(text.as_str()))
        }
        Predicate::Compare { left, comparison, right } => {
            let order = match (value(left), value(right)) {
                (Value::Text(left), Value::Text(right)) => left.cmp(&right),
                (Value::Date(left), Value::Date(right)) => left.cmp(&right),
                (Value::DateTime(left), Value::DateTime(right)) => left.cmp(&right),
                (Value::Instant(left), Value::Instant(right)) => left.cmp(&right),
                other => panic!("compared {other:?}"),
            };
            match comparison {
                Comparison::Equal => order.is_eq(),
                Comparison::NotEqual => order.is_ne(),
                Comparison::Less => order.is_lt(),
                Comparison::LessOrEqual => order.is_le(),
                Comparison::Greater => order.is_gt(),
                Comparison::GreaterOrEqual => order.is_ge(),
            }
        }
        other => panic!("no date search needs {other:?}"),
    }
}

/// Days at which calendars, eras and text order turn.
fn days() -> Vec<NaiveDate> {
    let mut days = Vec::new();
    for (from, count) in [
        ("0001-01-01", 1),
        ("1868-01-25", 1),
        ("1912-07-29", 2),
        ("1926-12-24", 2),
        ("1926-12-31", 2),
        ("1989-01-07", 2),
        ("1989-01-31", 2),
        ("2005-06-15", 1),
        ("2019-04-30", 2),
        ("2020-02-29", 2),
        ("2021-07-05", 1),
        ("9999-12-31", 1),
    ] {
        let first: NaiveDate = from.parse().unwrap();
        days.extend(first.iter_days().take(count));
    }
    days
}

/// Search values of every precision around those days.
fn searches(with_times: bool) -> Vec<DateSearch> {
    let mut periods = Vec::new();
    for day in days() {
        let fhir = day.to_string();
        periods.extend([period(&fhir[..4]), period(&fhir[..7]), period(&fhir)]);
        let times = ["00:00:00", "10:20:30", "23:59:59", "10:20:30.500"];
        let times = times.iter().filter(|_| with_times);
        periods.extend(times.map(|time| period(&format!("{fhir}T{time}"))));
    }
    periods.push((at("0001-01-01T00:00:00"), at("0001-01-01T00:00:00")));
    periods.push((NaiveDateTime::MIN, NaiveDateTime::MIN));
    periods.push((NaiveDateTime::MAX, NaiveDateTime::MAX));
    periods.sort();
    periods.dedup();
    let search = |prefix, (start, end)| DateSearch { prefix, start, end };
    let every = |period| PREFIXES.map(|prefix| search(prefix, period));
    // A third of them, in seconds rather than a minute: as 3 and 8 have no common divisor, no prefix
    // and no day is left out.
    periods.into_iter().flat_map(every).step_by(3).collect()
}

fn column() -> ColumnRef {
    ColumnRef::new("t", "C")
}

/// `cells` with the text that the engine hands to `forward`.
fn check(lens: &Lens, kind: ColumnKind, with_times: bool, cells: &[(Value, String)]) {
    let mut matches = 0;
    let outputs: Vec<_> =
        cells.iter().map(|(_, t)| lens.forward(t, &japan()).ok().flatten()).collect();
    for search in searches(with_times) {
        let image = lens.date_image(&column(), kind, &search, &japan());
        if image == Err(NotInvertible::WITHIN_A_SECOND) {
            continue;
        }
        let predicate = image.unwrap();
        for ((cell, stored), output) in cells.iter().zip(&outputs) {
            let wanted = output.as_ref().is_some_and(|fhir| means(&search, fhir));
            let found = holds(&predicate, cell);
            assert_eq!(found, wanted, "{stored} as {output:?}, {search:?}\n{predicate:#?}");
            matches += u32::from(found);
        }
    }
    assert!(matches > 300, "the searches find something");
}

fn dates(separators: &[&str]) -> Vec<String> {
    let mut texts = Vec::new();
    for day in days() {
        let (iso, format) = (day.to_string(), |s: &str, text: &str| text.replace('-', s));
        for separator in separators {
            let [year, month] = [&iso[..4], &iso[..7]].map(|text| format(separator, text));
            texts.extend([format(separator, &iso), month.clone(), year.clone()]);
            texts.push(format!("{month}{separator}00"));
            texts.push(format!("{year}{separator}00"));
            texts.push(format!("{year}{separator}00{separator}00"));
        }
    }
    texts
}

fn era_dates() -> Vec<String> {
    let mut texts = Vec::new();
    for day in days() {
        for era in &wareki::ERAS {
            let (first, last) = (era.first.to_string(), era.last.to_string());
            let year = day.format("%Y").to_string().parse::<i32>().unwrap() - era.base;
            if !(1..=99).contains(&year) {
                continue;
            }
            let rest = day.format("%m%d").to_string();
            let month = &rest[..2];
            // Days outside of their era are faults, whose place in the text order is not asked.
            let inside = (first..=last).contains(&day.to_string());
            if inside {
                texts.push(format!("{}{year:02}{rest}", era.letters[0]));
                texts.push(format!("{}{year:02}{rest}", era.digit));
            }
            for short in [format!("{year:02}{month}00"), format!("{year:02}0000")] {
                texts.push(format!("{}{short}", era.digit));
                texts.push(format!("{}{short}", era.letters[0]));
            }
            texts.push(format!("{}{year:02}{month}", era.letters[0]));
            texts.push(format!("{}{year:02}", era.letters[0]));
        }
    }
    let reads = |text: &String| Lens::Wareki.forward(text, &japan()).is_ok();
    texts.retain(reads);
    texts
}

fn times() -> Vec<String> {
    let mut texts = Vec::new();
    for day in days() {
        let iso = day.to_string();
        let compact = iso.replace('-', "");
        for time in ["00:00", "10:20", "24:00", "00:00:00", "10:20:30", "23:59:59", "24:00:00"] {
            texts.push(format!("{compact}{}", time.replace(':', "")));
            texts.push(format!("{iso} {time}"));
            texts.push(format!("{iso}T{time}"));
            texts.push(format!("{} {time}", iso.replace('-', "/")));
        }
    }
    texts
}

const SENTINELS: [&str; 9] =
    ["", "0", "00000000", "99999999", "0000-00-00", "9999-99-99", "99999999999999", "なし", "?"];

/// Not fixed in width, or with a fraction or an offset behind.
const LOOSE: [&str; 38] = [
    "昭和50年 3月 28日",
    "1975年 10月 12日",
    "2005/6/15",
    "2020-2-29",
    "2020-2",
    "2020-02-9",
    "2021/7",
    "2021-7-0",
    "2020-0-0",
    "202007  ",
    "2020    ",
    "S50.6.28",
    "S50/6/28",
    "s500628",
    "Ｓ５００６２８",
    "S1.12.31",
    "S5.10.2",
    "S50年3月2日",
    "S64.1",
    "H1-1-8",
    "R2.02.29",
    "R02.2.29",
    "昭和50年3月2日",
    "昭和６４年１月７日",
    "昭和64年",
    "平成元年",
    "平成元年1月8日",
    "平 1. 1. 8",
    "令和 1年 5月 1日",
    "㍻31年4月",
    "1975年3月2日",
    "1975.3.2",
    "2005.06.15",
    "2020年2月",
    "2021-07-05T11:19:41.500",
    "2021-07-05T20:19:41Z",
    "1989-01-06T15:00:00.25Z",
    "2021-07-05T10:20:30+09:00",
];

fn text_cells(mut cells: Vec<String>, loose: &[&str]) -> Vec<(Value, String)> {
    cells.extend(SENTINELS.iter().chain(loose).map(|text| text.to_string()));
    cells.sort();
    cells.dedup();
    cells.into_iter().map(|text| (Value::text(&text), text)).collect()
}

fn readable(lens: &Lens, texts: &[&'static str]) -> Vec<&'static str> {
    texts.iter().copied().filter(|text| lens.forward(text, &japan()).is_ok()).collect()
}

#[test]
fn dates_in_text_are_found_by_their_periods() {
    let mut texts = dates(&["", "-", "/"]);
    texts.extend(times());
    let cells = text_cells(texts, &readable(&Lens::Date, &LOOSE));
    check(&Lens::Date, ColumnKind::Text, true, &cells);
}

#[test]
fn dates_in_char_8_are_found_by_their_periods() {
    let cells = text_cells(dates(&[""]), &["2021/7/5", "2021-7"]);
    check(&Lens::Date, ColumnKind::PaddedText { length: 8 }, false, &cells);
}

#[test]
fn japanese_dates_are_found_era_by_era_and_beside_western_ones() {
    let mut texts = dates(&["", "-", "/"]);
    texts.extend(era_dates());
    let cells = text_cells(texts, &readable(&Lens::Wareki, &LOOSE));
    check(&Lens::Wareki, ColumnKind::Text, false, &cells);
}

#[test]
fn dates_of_the_next_era_in_the_old_one_are_not_found() {
    let mut cells = text_cells(era_dates(), &[]);
    let faults = ["H310501", "平成31年5月1日", "S640208", "昭和64年2月"];
    cells.extend(faults.iter().map(|text| (Value::text(*text), (*text).to_owned())));
    check(&Lens::Wareki, ColumnKind::Text, false, &cells);
}

#[test]
fn times_in_text_are_found_to_the_second() {
    let mut texts = dates(&["", "-", "/"]);
    texts.extend(times());
    let mut loose = readable(&Lens::DateTime, &LOOSE);
    loose.extend([
        "20210705 102030",
        "20210705 10:20:30",
        "20210705 2400",
        "20210705T102030",
        "20210705102030.5",
        "2020/2/29",
    ]);
    let cells = text_cells(texts, &loose);
    check(&Lens::DateTime, ColumnKind::Text, true, &cells);
}

#[test]
fn times_in_char_14_are_found_to_the_second() {
    let mut texts = dates(&[""]);
    texts.extend(times().into_iter().filter(|text| !text.contains(['-', '/'])));
    let cells = text_cells(texts, &[]);
    check(&Lens::DateTime, ColumnKind::PaddedText { length: 14 }, true, &cells);
}

#[test]
fn typed_columns_are_found_by_value() {
    let dates: Vec<_> = days().into_iter().map(|d| (Value::Date(d), d.to_string())).collect();
    let times: Vec<NaiveDateTime> = days()
        .into_iter()
        .flat_map(|day| {
            let time =
                |micros: i64| day.and_time(Default::default()) + TimeDelta::microseconds(micros);
            [0, 1, 1000, 37_230_000_000, 37_230_500_000, 37_230_500_700, 86_399_999_999].map(time)
        })
        .collect();
    let local = |at: &NaiveDateTime| (Value::DateTime(*at), format!("{at:?}"));
    let locals: Vec<_> = times.iter().map(local).collect();
    let instant = |at: &NaiveDateTime| {
        let utc = (*at - TimeDelta::hours(9)).and_utc();
        (Value::Instant(utc), utc.format("%Y-%m-%dT%H:%M:%S%.fZ").to_string())
    };
    let first = at("0001-01-02T00:00:00");
    let instants: Vec<_> = times.iter().filter(|at| **at >= first).map(instant).collect();
    for lens in [Lens::Date, Lens::DateTime, Lens::Wareki] {
        check(&lens, ColumnKind::Date, true, &dates);
        check(&lens, ColumnKind::DateTime, true, &locals);
        check(&lens, ColumnKind::Instant, true, &instants);
    }
}

#[test]
fn a_month_of_char_8_is_one_range_and_two_corrections() {
    let (start, end) = period("2021-07");
    let search = DateSearch { prefix: Prefix::Eq, start, end };
    let kind = ColumnKind::PaddedText { length: 8 };
    let predicate = Lens::Date.date_image(&column(), kind, &search, &japan()).unwrap();
    let Predicate::Any(families) = &predicate else { panic!("{predicate:?}") };
    let Some(Predicate::Any(parts)) = families.first() else { panic!("{predicate:?}") };
    let [Predicate::All(range), Predicate::In { values, .. }] = parts.as_slice() else {
        panic!("{predicate:?}")
    };
    let bound = |comparison, text: &str| Predicate::Compare {
        left: Operand::Column(column()),
        comparison,
        right: Operand::Value(Value::text(text)),
    };
    assert_eq!(range[0], bound(Comparison::GreaterOrEqual, "20210701"));
    assert_eq!(range[1], bound(Comparison::Less, "20210732"));
    let short = ["202107", "202107  ", "20210700"].map(Value::text);
    assert_eq!(*values, short);
}

#[test]
fn what_has_no_exact_answer_is_refused() {
    let (start, end) = period("2021-07");
    let search = |prefix| DateSearch { prefix, start, end };
    let ask =
        |lens: &Lens, kind, prefix| lens.date_image(&column(), kind, &search(prefix), &japan());
    let text = ColumnKind::Text;
    assert_eq!(ask(&Lens::Zen, text, Prefix::Eq), Err(NotInvertible::NOT_A_DATE));
    let refused = Err(NotInvertible::COLUMN_KIND);
    assert_eq!(ask(&Lens::Date, ColumnKind::Time, Prefix::Eq), refused);
    assert_eq!(ask(&Lens::Date, ColumnKind::Boolean, Prefix::Eq), refused);
}

/// Values of a predicate, in lists as adapters fill them up.
fn values(predicate: &Predicate) -> usize {
    match predicate {
        Predicate::All(terms) | Predicate::Any(terms) => terms.iter().map(values).sum(),
        Predicate::Not(term) => values(term),
        Predicate::In { values, .. } => values.len().next_power_of_two(),
        _ => 1,
    }
}

#[test]
fn a_search_has_no_more_values_than_a_statement_takes() {
    for (lens, day, most) in [
        (Lens::Date, "2005-06-15", 1_000),
        (Lens::DateTime, "2005-06-15", 1_000),
        (Lens::Wareki, "1930-06-28", 1_000),
        (Lens::Wareki, "1989-01-08", 1_000),
    ] {
        for prefix in PREFIXES {
            let (start, end) = period(day);
            let search = DateSearch { prefix, start, end };
            let image = lens.date_image(&column(), ColumnKind::Text, &search, &japan()).unwrap();
            let most = if prefix == Prefix::Eq || lens != Lens::Wareki { most } else { 20_000 };
            let found = values(&image);
            assert!(found <= most, "{lens:?} {prefix:?} {day}: {found}");
        }
    }
}
