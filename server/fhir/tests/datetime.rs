//! Dates and times: R4's lexical rules, and the stretch of time they mean.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, TimeDelta};
use genkan_fhir::datetime::{
    PartialDateTime, Precision, parse_date, parse_date_time, parse_instant, parse_search,
    parse_time,
};
use proptest::prelude::*;

fn offset(minutes: i32) -> FixedOffset {
    FixedOffset::east_opt(minutes * 60).expect("an offset")
}

#[test]
fn each_type_takes_its_own_forms() {
    let forms = [
        // text, date, dateTime, instant, search
        ("2026", true, true, false, true),
        ("2026-05", true, true, false, true),
        ("2026-05-17", true, true, false, true),
        ("2026-05-17T10:20", false, false, false, true),
        ("2026-05-17T10:20+09:00", false, false, false, true),
        ("2026-05-17T10:20:30", false, false, false, true),
        ("2026-05-17T10:20:30Z", false, true, true, true),
        ("2026-05-17T10:20:60Z", false, true, true, true),
        ("2026-05-17T10:20:30.123456789012-14:00", false, true, true, true),
        ("2024-02-29", true, true, false, true),
        ("2026-02-29", false, false, false, false),
        ("2026-00", false, false, false, false),
        ("0000", false, false, false, false),
        ("0001", true, true, false, true),
        ("2026-5-17", false, false, false, false),
        ("2026-05-17T24:00:00Z", false, false, false, false),
        ("2026-05-17T10:20:61Z", false, false, false, false),
        ("2026-05-17T10:20:30.Z", false, false, false, false),
        ("2026-05-17T10:20:30+14:01", false, false, false, false),
        ("2026-05-17T10:20:30+0900", false, false, false, false),
        ("2026-05-17T10:20:30z", false, false, false, false),
        ("2026-05-17T", false, false, false, false),
        ("2026-05T10:20:30Z", false, false, false, false),
        ("2026-05-17 ", false, false, false, false),
        ("２０２６", false, false, false, false),
        ("", false, false, false, false),
    ];
    for (text, date, date_time, instant, search) in forms {
        assert_eq!(parse_date(text).is_ok(), date, "date {text}");
        assert_eq!(parse_date_time(text).is_ok(), date_time, "dateTime {text}");
        assert_eq!(parse_instant(text).is_ok(), instant, "instant {text}");
        assert_eq!(parse_search(text).is_ok(), search, "search {text}");
    }
    for (text, is_time) in [
        ("10:20:30", true),
        ("10:20:30.5", true),
        ("10:20", false),
        ("10:20:30Z", false),
        ("24:00:00", false),
    ] {
        assert_eq!(parse_time(text).is_ok(), is_time, "time {text}");
    }
}

#[test]
fn the_years_at_the_edges_have_a_period() {
    let of = |text: &str| parse_search(text).expect("a date").period(offset(14 * 60));
    assert_eq!(of("9999").end.to_string(), "+10000-01-01 00:00:00");
    assert_eq!(of("0001-01-01T00:00:00+14:00").start.to_string(), "0001-01-01 00:00:00");
    assert_eq!(of("9999-12-31T23:59:59-14:00").start.to_string(), "+10000-01-02 03:59:59");
}

fn moments() -> impl Strategy<Value = (NaiveDateTime, Precision, Option<FixedOffset>)> {
    let precision = prop_oneof![
        Just(Precision::Year),
        Just(Precision::Month),
        Just(Precision::Day),
        Just(Precision::Minute),
        Just(Precision::Second),
        (1_u8..=9).prop_map(Precision::Fraction),
    ];
    let offset = prop_oneof![Just(None), (-14 * 60..=14 * 60).prop_map(|m| Some(offset(m)))];
    (1_i64..3_000_000, 0_i64..86_400, 0_i64..1_000_000_000, precision, offset).prop_map(
        |(day, second, nanosecond, precision, offset)| {
            let first =
                NaiveDate::from_ymd_opt(1, 1, 1).expect("a day").and_time(chrono::NaiveTime::MIN);
            let at = first
                + TimeDelta::days(day)
                + TimeDelta::seconds(second)
                + TimeDelta::nanoseconds(nanosecond);
            let offset = offset.filter(|_| precision > Precision::Day);
            (at, precision, offset)
        },
    )
}

proptest! {
    /// Writing a moment at a precision and reading it: the period covers the moment, starts at
    /// what was written, and is read the same from its own text.
    #[test]
    fn the_period_covers_the_moment((at, precision, own) in moments(), site in -14 * 60..=14 * 60) {
        let written = PartialDateTime { start: at, precision, offset: own };
        let text = written.to_string();
        let read = parse_search(&text).expect("what we write can be read");
        prop_assert_eq!(read.to_string(), text);
        prop_assert_eq!((read.precision, read.offset), (precision, own));
        let period = read.period(offset(site));
        let moved = at + TimeDelta::minutes(i64::from(own.map_or(0, |own| site - own.local_minus_utc() / 60)));
        prop_assert!(period.contains(moved), "{:?} {}", period, moved);
        prop_assert!(period.start < period.end);
        prop_assert!(!period.contains(period.end));
    }

    /// chrono's RFC 3339 reader is the oracle for full instants.
    #[test]
    fn instants_are_what_rfc_3339_says((at, _, _) in moments(), own in -14 * 60..=14 * 60) {
        let written = PartialDateTime { start: at, precision: Precision::Fraction(9), offset: Some(offset(own)) };
        let text = written.to_string();
        let oracle = DateTime::parse_from_rfc3339(&text).expect("RFC 3339");
        let read = parse_instant(&text).expect("an instant").period(offset(0));
        prop_assert_eq!(read.start, oracle.naive_utc());
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,30}|[0-9:TZ.+-]{0,30}") {
        let _ = (parse_search(&text), parse_date(&text), parse_time(&text), parse_instant(&text));
    }
}
