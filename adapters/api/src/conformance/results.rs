//! Which results are found, by typed cells; and what cells are delivered as.

use super::Case;
use super::cases::{compare, ids, not, number, p, query, r, row};
use super::fixture::{date, instant, moment, time};
use crate::{Comparison, Decimal, Operand, Predicate, Value};

pub(super) fn cases() -> Vec<Case> {
    let filters = dates_and_times().into_iter().chain(bytes_and_digits());
    let filters = filters.map(|(name, filter, expected)| Case {
        name,
        query: query("result", "r", &["id"], filter),
        expected: ids(expected),
    });
    filters.chain(text_cells()).chain(typed_cells()).collect()
}

/// Which results a filter finds: name, filter, results.
type Found = (&'static str, Predicate, &'static [i64]);

fn day(text: &str) -> Value {
    date(text).map_or(Value::Null, Value::Date)
}

fn at(text: &str) -> Value {
    moment(text).map_or(Value::Null, Value::DateTime)
}

fn clock(text: &str) -> Value {
    time(text).map_or(Value::Null, Value::Time)
}

fn since(text: &str) -> Value {
    instant(text).map_or(Value::Null, Value::Instant)
}

fn listed(column: &str, values: Vec<Value>) -> Predicate {
    Predicate::In { operand: Operand::Column(r(column)), values }
}

fn dates_and_times() -> Vec<Found> {
    use Comparison::*;
    let range = compare(r("seen"), Greater, day("1900-01-01")).and(compare(
        r("seen"),
        Less,
        day("2024-03-01"),
    ));
    let noon = "2024-02-29T12:00:00";
    let march = since("2024-03-01T00:00:00Z");
    vec![
        ("a date equals", Predicate::equal(r("seen"), day("2024-02-29")), &[1, 4]),
        ("a date has a range", range, &[1, 4]),
        ("dates in a list", listed("seen", vec![day("2024-03-01"), day("1899-12-31")]), &[2, 6]),
        ("a date-time equals", Predicate::equal(r("taken"), at(noon)), &[1, 5]),
        (
            "a date-time keeps its fraction",
            compare(r("taken"), Greater, at("2024-02-29T12:00:00.1")),
            &[2],
        ),
        ("a time equals", Predicate::equal(r("clock"), clock("00:00:00")), &[5]),
        ("a time has a range", compare(r("clock"), GreaterOrEqual, clock("08:30:00")), &[1, 3]),
        ("an instant has a range", compare(r("upd"), GreaterOrEqual, march), &[1, 2, 4, 5]),
    ]
}

fn bytes_and_digits() -> Vec<Found> {
    use Comparison::*;
    let bytes = |id| Value::Bytes(vec![0, 0xff, id]);
    let left = Predicate::Compare {
        left: Operand::Left { column: r("code"), characters: 2 },
        comparison: Equal,
        right: Operand::Value(Value::text("GL")),
    };
    let constant = Predicate::Compare {
        left: Operand::Value(Value::Integer(1)),
        comparison: Less,
        right: Operand::Value(Value::Integer(2)),
    };
    vec![
        ("bytes equal", Predicate::equal(r("raw"), bytes(3)), &[3]),
        ("bytes in a list", listed("raw", vec![bytes(1), Value::Bytes(vec![])]), &[1]),
        ("Left takes the first characters", left, &[1, 2]),
        ("Number reads plain decimals only", not(number(NotEqual, "95.0")), &[1]),
        ("Number has an order by value", number(Greater, "95.5"), &[2]),
        ("Number reads a sign", number(Less, "0"), &[4]),
        ("Not of Number is true for other text", not(number(Less, "1000")), &[3, 5, 6]),
        ("a condition without columns", constant, &[1, 2, 3, 4, 5, 6]),
    ]
}

fn text_cells() -> Vec<Case> {
    let text = Value::text;
    let weight = Decimal::parse("60.50").map_or(Value::Null, Value::Decimal);
    let columns = ["ptnum", "name", "sex", "birthday", "weight", "active", "memo"];
    let first = Predicate::equal(p("ptid"), Value::Integer(1))
        .and(Predicate::equal(p("hospnum"), Value::Integer(1)));
    let cells = [
        text("0000000001"),
        text("山田　太郎"),
        text("1"),
        text("19500103"),
        weight,
        Value::Boolean(true),
        text("100%_ok"),
    ];
    let nameless = Predicate::Null(p("name"));
    let long = Predicate::equal(p("ptnum"), text("a"));
    let labels = [("血糖", "GLU"), ("HbA1c ", "HbA1c"), ("カリウム", "K ")];
    vec![
        Case {
            name: "cells are exact and padding is gone",
            query: query("patient", "p", &columns, first),
            expected: vec![row(cells)],
        },
        Case {
            name: "NULL is NULL and blank is blank",
            query: query("patient", "p", &["birthday", "name", "active"], nameless),
            expected: vec![row([text(""), Value::Null, Value::Null])],
        },
        Case {
            name: "long text is whole",
            query: query("patient", "p", &["memo"], long),
            expected: vec![row([Value::Text("長い覚え書き。".repeat(500))])],
        },
        Case {
            name: "text keeps its blanks",
            query: query("master", "p", &["label", "short"], Predicate::TRUE),
            expected: labels.map(|(label, short)| row([text(label), text(short)])).to_vec(),
        },
    ]
}

fn typed_cells() -> Vec<Case> {
    let result = |id| {
        let columns = ["code", "amount", "seen", "taken", "clock", "upd", "raw"];
        query("result", "r", &columns, Predicate::equal(r("id"), Value::Integer(id)))
    };
    let march = "2024-03-01T00:00:00Z";
    let first = [
        Value::text("GLU"),
        Value::text("95"),
        day("2024-02-29"),
        at("2024-02-29T12:00:00"),
        clock("08:30:00"),
        since(march),
        Value::Bytes(vec![0, 0xff, 1]),
    ];
    let second = [
        Value::text("GLU"),
        Value::text("100.5"),
        day("2024-03-01"),
        at("2024-02-29T12:00:00.250"),
        Value::Null,
        since(march),
        Value::Bytes(vec![0, 0xff, 2]),
    ];
    vec![
        Case {
            name: "dates, times and bytes are typed",
            query: result(1),
            expected: vec![row(first)],
        },
        Case {
            name: "fractions of seconds are kept",
            query: result(2),
            expected: vec![row(second)],
        },
    ]
}
