//! Rows with what legacy sources do to rows: padding, NULL, blanks that mean something, look-alike
//! characters, quotes and wildcards, long text, ties.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};

use super::Fixture;
use crate::memory::SourceRow;
use crate::{Column, ColumnKind, Decimal, Index, SourceSchema, Table, Value};

pub fn fixture() -> Fixture {
    let mut rows = Vec::new();
    for (hospital, number, chart, name, sex, birthday, weight, active, memo) in patients() {
        rows.push(row(
            "patient",
            &[
                ("hospnum", Value::Integer(hospital)),
                ("ptid", Value::Integer(number)),
                ("ptnum", Value::text(chart)),
                ("name", text(name)),
                ("sex", Value::text(sex)),
                ("birthday", Value::text(birthday)),
                ("weight", decimal(weight)),
                ("active", active.map_or(Value::Null, Value::Boolean)),
                ("memo", Value::Text(memo)),
            ],
        ));
    }
    for (id, hospital, number, code, amount, seen, taken, clock, updated) in results() {
        rows.push(row(
            "result",
            &[
                ("id", Value::Integer(id)),
                ("hospnum", Value::Integer(hospital)),
                ("ptid", Value::Integer(number)),
                ("code", Value::text(code)),
                ("amount", text(amount)),
                ("seen", seen.and_then(date).map_or(Value::Null, Value::Date)),
                ("taken", taken.and_then(moment).map_or(Value::Null, Value::DateTime)),
                ("clock", clock.and_then(time).map_or(Value::Null, Value::Time)),
                ("upd", instant(updated).map_or(Value::Null, Value::Instant)),
                ("raw", Value::Bytes(vec![0, 0xff, u8::try_from(id).unwrap_or(0)])),
            ],
        ));
    }
    for (code, short, label) in
        [("GLU", "GLU", "血糖"), ("HbA1c", "HbA1c", "HbA1c "), ("K", "K ", "カリウム")]
    {
        let cells = [
            ("code", Value::text(code)),
            ("short", Value::text(short)),
            ("label", Value::text(label)),
        ];
        rows.push(row("master", &cells));
    }
    Fixture { schema: schema(), rows }
}

type Patient = (
    i64,
    i64,
    &'static str,
    Option<&'static str>,
    &'static str,
    &'static str,
    Option<&'static str>,
    Option<bool>,
    String,
);

fn patients() -> Vec<Patient> {
    let long = "長い覚え書き。".repeat(500);
    let memo = str::to_owned;
    let rough = memo(r#"it's "quoted" \ back|slash ? $1"#);
    vec![
        (
            1,
            1,
            "0000000001",
            Some("山田　太郎"),
            "1",
            "19500103",
            Some("60.50"),
            Some(true),
            memo("100%_ok"),
        ),
        (1, 2, "0000000002", Some("山田　花子"), "2", "19600229", None, Some(false), rough),
        (1, 3, "0000000003", None, "1", "", Some("0.50"), None, memo("Smith")),
        (1, 4, "10", Some("髙﨑　一郎"), "1", "19500103", Some("0.50"), Some(true), memo("smith ")),
        (
            2,
            1,
            "0000000001",
            Some("ｽﾐｽ"),
            "2",
            "99999999",
            Some("-12.00"),
            Some(true),
            memo("ＳＭＩＴＨ"),
        ),
        (2, 2, "A", Some("アオイ"), "2", "19991231", Some("100.00"), Some(false), memo("")),
        (2, 3, "a", Some("あおい"), "1", "19991231", Some("99.90"), None, long),
    ]
}

type Outcome = (
    i64,
    i64,
    i64,
    &'static str,
    Option<&'static str>,
    Option<&'static str>,
    Option<&'static str>,
    Option<&'static str>,
    &'static str,
);

fn results() -> Vec<Outcome> {
    let day = Some("2024-02-29");
    let noon = Some("2024-02-29T12:00:00");
    let fraction = Some("2024-02-29T12:00:00.250");
    vec![
        (1, 1, 1, "GLU", Some("95"), day, noon, Some("08:30:00"), "2024-03-01T00:00:00Z"),
        (2, 1, 1, "GLU", Some("100.5"), Some("2024-03-01"), fraction, None, "2024-03-01T00:00:00Z"),
        (3, 1, 1, "K", Some("<0.5"), None, None, Some("23:59:59.500"), "2024-02-01T09:00:00Z"),
        (4, 1, 2, "K", Some("-4.10"), day, None, None, "2024-03-02T15:30:00.125Z"),
        (5, 2, 1, "HbA1c", None, None, noon, Some("00:00:00"), "2024-03-01T00:00:00Z"),
        (6, 2, 9, "ZZZ", Some(" 7"), Some("1899-12-31"), None, None, "2024-01-01T00:00:00Z"),
    ]
}

fn schema() -> SourceSchema {
    let padded = |length| ColumnKind::PaddedText { length };
    let patient = table(
        &[
            ("hospnum", ColumnKind::Integer, false),
            ("ptid", ColumnKind::Integer, false),
            ("ptnum", padded(20), false),
            ("name", ColumnKind::Text, true),
            ("sex", padded(1), false),
            ("birthday", padded(8), false),
            ("weight", ColumnKind::Decimal, true),
            ("active", ColumnKind::Boolean, true),
            ("memo", ColumnKind::Text, true),
        ],
        &["hospnum", "ptid"],
        &[("patient_ptnum", "ptnum"), ("patient_birthday", "birthday")],
    );
    let result = table(
        &[
            ("id", ColumnKind::Integer, false),
            ("hospnum", ColumnKind::Integer, false),
            ("ptid", ColumnKind::Integer, false),
            ("code", padded(8), false),
            ("amount", ColumnKind::Text, true),
            ("seen", ColumnKind::Date, true),
            ("taken", ColumnKind::DateTime, true),
            ("clock", ColumnKind::Time, true),
            ("upd", ColumnKind::Instant, false),
            ("raw", ColumnKind::Bytes, true),
        ],
        &["id"],
        &[("result_ptid", "ptid")],
    );
    let master = table(
        &[
            ("code", padded(8), false),
            ("short", ColumnKind::Text, true),
            ("label", ColumnKind::Text, true),
        ],
        &["code"],
        &[],
    );
    let tables = [("patient", patient), ("result", result), ("master", master)];
    SourceSchema {
        tables: tables
            .map(|(name, table)| (name.to_owned(), table))
            .into_iter()
            .collect::<BTreeMap<_, _>>(),
    }
}

fn table(columns: &[(&str, ColumnKind, bool)], key: &[&str], indexes: &[(&str, &str)]) -> Table {
    let column = |(name, kind, nullable): &(&str, ColumnKind, bool)| Column {
        name: (*name).to_owned(),
        kind: *kind,
        nullable: *nullable,
    };
    let index = |(name, column): &(&str, &str)| Index {
        name: (*name).to_owned(),
        columns: vec![(*column).to_owned()],
        unique: false,
    };
    Table {
        columns: columns.iter().map(column).collect(),
        primary_key: key.iter().map(|name| (*name).to_owned()).collect(),
        indexes: indexes.iter().map(index).collect(),
        rows_estimate: None,
    }
}

fn row(table: &str, cells: &[(&str, Value)]) -> SourceRow {
    let cells = cells.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    (table.to_owned(), cells.collect())
}

fn text(text: Option<&str>) -> Value {
    text.map_or(Value::Null, Value::text)
}

fn decimal(digits: Option<&str>) -> Value {
    digits.and_then(Decimal::parse).map_or(Value::Null, Value::Decimal)
}

pub(super) fn date(text: &str) -> Option<NaiveDate> {
    text.parse().ok()
}

pub(super) fn time(text: &str) -> Option<NaiveTime> {
    text.parse().ok()
}

pub(super) fn moment(text: &str) -> Option<NaiveDateTime> {
    text.parse().ok()
}

pub(super) fn instant(text: &str) -> Option<DateTime<Utc>> {
    text.parse().ok()
}
