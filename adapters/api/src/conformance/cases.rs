//! The questions and their answers.

use super::Case;
use super::fixture::{date, instant, moment, time};
use crate::{
    ColumnRef, Comparison, Decimal, Join, JoinKind, Operand, Order, Position, Predicate, Row,
    RowQuery, TableAlias, Value,
};

/// Every patient, by hospital and number.
pub(super) fn patients() -> RowQuery {
    query("patient", "p", &["hospnum", "ptid"], Predicate::TRUE)
}

fn query(table: &str, alias: &str, columns: &[&str], filter: Predicate) -> RowQuery {
    RowQuery {
        root: TableAlias::new(table, alias),
        joins: Vec::new(),
        columns: columns.iter().map(|column| ColumnRef::new(alias, *column)).collect(),
        filter,
        order: Vec::new(),
        after: None,
        limit: None,
    }
}

fn p(column: &str) -> ColumnRef {
    ColumnRef::new("p", column)
}

fn r(column: &str) -> ColumnRef {
    ColumnRef::new("r", column)
}

fn compare(left: ColumnRef, comparison: Comparison, right: Value) -> Predicate {
    let (left, right) = (Operand::Column(left), Operand::Value(right));
    Predicate::Compare { left, comparison, right }
}

fn same(left: ColumnRef, right: ColumnRef) -> Predicate {
    let (left, right) = (Operand::Column(left), Operand::Column(right));
    Predicate::Compare { left, comparison: Comparison::Equal, right }
}

fn not(predicate: Predicate) -> Predicate {
    Predicate::Not(Box::new(predicate))
}

fn contained(column: ColumnRef, values: &[&str]) -> Predicate {
    let values = values.iter().map(|text| Value::text(*text)).collect();
    Predicate::In { operand: Operand::Column(column), values }
}

fn like(column: ColumnRef, position: Position, text: &str, ignore_case: bool) -> Predicate {
    let operand = Operand::Column(column);
    Predicate::Like { operand, position, text: text.to_owned(), ignore_case }
}

fn number(comparison: Comparison, right: &str) -> Predicate {
    let right = Operand::Value(Decimal::parse(right).map_or(Value::Null, Value::Decimal));
    Predicate::Compare { left: Operand::Number(r("amount")), comparison, right }
}

fn results_of_patient() -> Predicate {
    same(r("hospnum"), p("hospnum")).and(same(r("ptid"), p("ptid")))
}

fn exists(filter: Predicate) -> Predicate {
    Predicate::Exists { target: TableAlias::new("result", "r"), filter: Box::new(filter) }
}

fn order(column: ColumnRef, descending: bool) -> Order {
    Order { column, descending }
}

fn keys(rows: &[(i64, i64)]) -> Vec<Row> {
    rows.iter().map(|(a, b)| row([Value::Integer(*a), Value::Integer(*b)])).collect()
}

fn ids(rows: &[i64]) -> Vec<Row> {
    rows.iter().map(|id| row([Value::Integer(*id)])).collect()
}

fn row<const N: usize>(cells: [Value; N]) -> Row {
    Row(Box::new(cells))
}

pub(super) fn change_order() -> Vec<Vec<Value>> {
    [6, 3, 1, 2, 5, 4].map(|id| vec![Value::Integer(id)]).to_vec()
}

/// Queries to be paged; they select the terms of their order first.
pub(super) fn paged() -> Vec<RowQuery> {
    let orders: [&[(&str, bool)]; 6] = [
        &[("hospnum", false), ("ptid", false)],
        &[("hospnum", true), ("ptid", true)],
        &[("birthday", true), ("hospnum", false), ("ptid", false)],
        &[("weight", false), ("hospnum", false), ("ptid", false)],
        &[("weight", true), ("hospnum", true), ("ptid", false)],
        &[("active", false), ("birthday", false), ("hospnum", false), ("ptid", true)],
    ];
    let mut queries: Vec<RowQuery> = orders
        .iter()
        .map(|terms| {
            let columns: Vec<&str> = terms.iter().map(|(column, _)| *column).collect();
            let mut query = query("patient", "p", &columns, Predicate::TRUE);
            query.order = terms.iter().map(|(column, down)| order(p(column), *down)).collect();
            query
        })
        .collect();
    // Through a left join, even a key can be NULL.
    let mut joined = patients();
    joined.joins.push(Join {
        kind: JoinKind::Maybe,
        target: TableAlias::new("result", "r"),
        on: results_of_patient(),
    });
    joined.columns.insert(0, r("id"));
    joined.order = vec![order(r("id"), false), order(p("hospnum"), false), order(p("ptid"), false)];
    queries.push(joined);
    queries
}

/// Every case of the suite.
pub fn cases() -> Vec<Case> {
    let mut cases = of_patients();
    cases.extend(of_results());
    cases.extend(of_cells());
    cases.extend(of_joins());
    cases
}

/// Which patients a filter finds.
fn of_patients() -> Vec<Case> {
    use Comparison::*;
    use Position::*;
    let text = Value::text;
    let decimal = |digits| Decimal::parse(digits).map_or(Value::Null, Value::Decimal);
    let all: &[(i64, i64)] = &[(1, 1), (1, 2), (1, 3), (1, 4), (2, 1), (2, 2), (2, 3)];
    let key_in = |keys: &[(i64, i64)]| Predicate::KeyIn {
        columns: vec![p("hospnum"), p("ptid")],
        keys: keys.iter().map(|(a, b)| vec![Value::Integer(*a), Value::Integer(*b)]).collect(),
    };
    let many: Vec<(i64, i64)> = (0..700).map(|n| (n % 3, n)).collect();
    let cases: Vec<(&'static str, Predicate, &[(i64, i64)])> = vec![
        ("no filter finds all", Predicate::TRUE, all),
        ("an empty Any finds none", Predicate::FALSE, &[]),
        ("padded text equals its trimmed value", Predicate::equal(p("ptnum"), text("0000000001")), &[(1, 1), (2, 1)]),
        ("blanks at the end of a value mean nothing to padded text", Predicate::equal(p("ptnum"), text("10   ")), &[(1, 4)]),
        ("blank padded text equals blank", Predicate::equal(p("birthday"), text(" ")), &[(1, 3)]),
        ("leading zeros are significant", Predicate::equal(p("ptnum"), text("1")), &[]),
        ("equality does not fold case", Predicate::equal(p("ptnum"), text("a")), &[(2, 3)]),
        ("equality does not fold kana", Predicate::equal(p("name"), text("アオイ")), &[(2, 2)]),
        ("equality does not fold width", Predicate::equal(p("memo"), text("SMITH")), &[]),
        ("blanks at the end of text are significant", Predicate::equal(p("memo"), text("smith")), &[]),
        ("text with quotes is a value", Predicate::equal(p("memo"), text(r#"it's "quoted" \ back|slash ? $1"#)), &[(1, 2)]),
        ("empty text is not NULL", Predicate::equal(p("memo"), text("")), &[(2, 2)]),
        ("text no encoding of the source holds finds none", Predicate::equal(p("name"), text("𠮷野家")), &[]),
        ("a list finds the others of such a text", contained(p("name"), &["𠮷野家", "アオイ", "😀"]), &[(2, 2)]),
        ("a part no encoding of the source holds finds none", like(p("name"), Anywhere, "𠮷", false), &[]),
        ("NULL equals nothing", Predicate::equal(p("name"), Value::Null), &[]),
        ("unequal to NULL is true", compare(p("name"), NotEqual, Value::Null), all),
        ("a NULL cell is unequal", compare(p("name"), NotEqual, text("アオイ")), &[(1, 1), (1, 2), (1, 3), (1, 4), (2, 1), (2, 3)]),
        ("Not of a comparison is true for NULL", not(Predicate::equal(p("weight"), decimal("100"))), &[(1, 1), (1, 2), (1, 3), (1, 4), (2, 1), (2, 3)]),
        ("Not of Less is true for NULL", not(compare(p("weight"), Less, decimal("60"))), &[(1, 1), (1, 2), (2, 2), (2, 3)]),
        ("Not reaches through All and Any", not(Predicate::Any(vec![Predicate::equal(p("active"), Value::Boolean(true)), Predicate::equal(p("sex"), text("2"))])), &[(1, 3), (2, 3)]),
        ("Not In is true for NULL", not(contained(p("name"), &["アオイ", "あおい"])), &[(1, 1), (1, 2), (1, 3), (1, 4), (2, 1)]),
        ("Not Like is true for NULL", not(like(p("name"), Start, "山田", false)), &[(1, 3), (1, 4), (2, 1), (2, 2), (2, 3)]),
        ("Null finds NULL", Predicate::Null(p("name")), &[(1, 3)]),
        ("Not Null finds the others", not(Predicate::Null(p("weight"))), &[(1, 1), (1, 3), (1, 4), (2, 1), (2, 2), (2, 3)]),
        ("decimals compare by value", Predicate::equal(p("weight"), decimal("0.5")), &[(1, 3), (1, 4)]),
        ("decimals compare with integers", Predicate::equal(p("weight"), Value::Integer(100)), &[(2, 2)]),
        ("decimals have an order", compare(p("weight"), Less, decimal("0.500")), &[(2, 1)]),
        ("an integer compares with a decimal", compare(p("ptid"), Greater, decimal("2.5")), &[(1, 3), (1, 4), (2, 3)]),
        ("a truth is a value", Predicate::equal(p("active"), Value::Boolean(false)), &[(1, 2), (2, 2)]),
        ("a value of another kind equals nothing", Predicate::equal(p("ptid"), text("1")), &[]),
        ("days in text have a range", compare(p("birthday"), GreaterOrEqual, text("19600229")).and(compare(p("birthday"), Less, text("99999999"))), &[(1, 2), (2, 2), (2, 3)]),
        ("a blank day is before every day", compare(p("birthday"), LessOrEqual, text("19500103")), &[(1, 1), (1, 3), (1, 4)]),
        ("In finds each", contained(p("ptnum"), &["10", "A", "A", "none"]), &[(1, 4), (2, 2)]),
        ("In with nothing finds none", contained(p("ptnum"), &[]), &[]),
        ("In does not fold case", contained(p("ptnum"), &["a", "B", "C"]), &[(2, 3)]),
        ("KeyIn finds whole keys only", key_in(&[(1, 1), (2, 3), (2, 4)]), &[(1, 1), (2, 3)]),
        ("KeyIn takes many keys", key_in(&many), &[(1, 1), (1, 4), (2, 2)]),
        ("KeyIn with padded text", Predicate::KeyIn { columns: vec![p("hospnum"), p("ptnum")], keys: vec![vec![Value::Integer(2), text("0000000001")], vec![Value::Integer(1), text("10  ")], vec![Value::Integer(1), Value::Null]] }, &[(2, 1), (1, 4)]),
        ("Start finds a prefix", like(p("name"), Start, "山田　", false), &[(1, 1), (1, 2)]),
        ("Anywhere finds a part", like(p("name"), Anywhere, "﨑", false), &[(1, 4)]),
        ("Like takes percent and underscore as they are", like(p("memo"), Anywhere, "%_", false), &[(1, 1)]),
        ("Like takes a backslash as it is", like(p("memo"), Anywhere, r"\ back|s", false), &[(1, 2)]),
        ("Like folds no case unless told", like(p("memo"), Start, "smith", false), &[(1, 4)]),
        ("Like folds ASCII when told", like(p("memo"), Start, "SMITH", true), &[(1, 3), (1, 4)]),
        ("Like never folds width", like(p("memo"), Anywhere, "ｓｍｉｔｈ", true), &[]),
        ("Like never folds kana", like(p("name"), Start, "アお", true), &[]),
        ("Exact Like folds ASCII when told", like(p("memo"), Exact, "sMITH", true), &[(1, 3)]),
        ("Exact Like on padded text", like(p("ptnum"), Exact, "a", true), &[(2, 2), (2, 3)]),
        ("Like sees padded text without its blanks", like(p("ptnum"), Anywhere, "0 ", false), &[]),
    ];
    cases
        .into_iter()
        .map(|(name, filter, expected)| Case {
            name,
            query: query("patient", "p", &["hospnum", "ptid"], filter),
            expected: keys(expected),
        })
        .collect()
}

/// Which results a filter finds.
fn of_results() -> Vec<Case> {
    use Comparison::*;
    let day = |text| date(text).map_or(Value::Null, Value::Date);
    let at = |text| moment(text).map_or(Value::Null, Value::DateTime);
    let clock = |text| time(text).map_or(Value::Null, Value::Time);
    let since = |text| instant(text).map_or(Value::Null, Value::Instant);
    let left = Predicate::Compare {
        left: Operand::Left { column: r("code"), characters: 2 },
        comparison: Equal,
        right: Operand::Value(Value::text("GL")),
    };
    let cases: Vec<(&'static str, Predicate, &[i64])> = vec![
        ("a date equals", Predicate::equal(r("seen"), day("2024-02-29")), &[1, 4]),
        ("a date has a range", compare(r("seen"), Greater, day("1900-01-01")).and(compare(r("seen"), Less, day("2024-03-01"))), &[1, 4]),
        ("dates in a list", Predicate::In { operand: Operand::Column(r("seen")), values: vec![day("2024-03-01"), day("1899-12-31")] }, &[2, 6]),
        ("a date-time equals", Predicate::equal(r("taken"), at("2024-02-29T12:00:00")), &[1, 5]),
        ("a date-time keeps its fraction", compare(r("taken"), Greater, at("2024-02-29T12:00:00.1")), &[2]),
        ("a time equals", Predicate::equal(r("clock"), clock("00:00:00")), &[5]),
        ("a time has a range", compare(r("clock"), GreaterOrEqual, clock("08:30:00")), &[1, 3]),
        ("an instant has a range", compare(r("upd"), GreaterOrEqual, since("2024-03-01T00:00:00Z")), &[1, 2, 4, 5]),
        ("bytes equal", Predicate::equal(r("raw"), Value::Bytes(vec![0, 0xff, 3])), &[3]),
        ("bytes in a list", Predicate::In { operand: Operand::Column(r("raw")), values: vec![Value::Bytes(vec![0, 0xff, 1]), Value::Bytes(vec![])] }, &[1]),
        ("Left takes the first characters", left, &[1, 2]),
        ("Number reads plain decimals only", not(number(NotEqual, "95.0")), &[1]),
        ("Number has an order by value", number(Greater, "95.5"), &[2]),
        ("Number reads a sign", number(Less, "0"), &[4]),
        ("Not of Number is true for other text", not(number(Less, "1000")), &[3, 5, 6]),
        ("a condition without columns", Predicate::Compare { left: Operand::Value(Value::Integer(1)), comparison: Less, right: Operand::Value(Value::Integer(2)) }, &[1, 2, 3, 4, 5, 6]),
    ];
    cases
        .into_iter()
        .map(|(name, filter, expected)| Case {
            name,
            query: query("result", "r", &["id"], filter),
            expected: ids(expected),
        })
        .collect()
}

/// What cells are delivered as.
fn of_cells() -> Vec<Case> {
    let text = Value::text;
    let weight = Decimal::parse("60.50").map_or(Value::Null, Value::Decimal);
    let patient = query(
        "patient",
        "p",
        &["ptnum", "name", "sex", "birthday", "weight", "active", "memo"],
        Predicate::equal(p("ptid"), Value::Integer(1)).and(Predicate::equal(p("hospnum"), Value::Integer(1))),
    );
    let blank = query("patient", "p", &["birthday", "name", "active"], Predicate::Null(p("name")));
    let long = query("patient", "p", &["memo"], Predicate::equal(p("ptnum"), text("a")));
    let label = query("master", "p", &["label", "short"], Predicate::TRUE);
    let result = |id| {
        let columns = ["code", "amount", "seen", "taken", "clock", "upd", "raw"];
        query("result", "r", &columns, Predicate::equal(r("id"), Value::Integer(id)))
    };
    let cells = |id: u8, code, amount, seen, taken, clock, upd| {
        row([
            text(code),
            text(amount),
            date(seen).map_or(Value::Null, Value::Date),
            moment(taken).map_or(Value::Null, Value::DateTime),
            time(clock).map_or(Value::Null, Value::Time),
            instant(upd).map_or(Value::Null, Value::Instant),
            Value::Bytes(vec![0, 0xff, id]),
        ])
    };
    vec![
        Case {
            name: "cells are exact and padding is gone",
            query: patient,
            expected: vec![row([
                text("0000000001"),
                text("山田　太郎"),
                text("1"),
                text("19500103"),
                weight,
                Value::Boolean(true),
                text("100%_ok"),
            ])],
        },
        Case {
            name: "NULL is NULL and blank is blank",
            query: blank,
            expected: vec![row([text(""), Value::Null, Value::Null])],
        },
        Case {
            name: "long text is whole",
            query: long,
            expected: vec![row([Value::Text("長い覚え書き。".repeat(500))])],
        },
        Case {
            name: "text keeps its blanks",
            query: label,
            expected: vec![
                row([text("血糖"), text("GLU")]),
                row([text("HbA1c "), text("HbA1c")]),
                row([text("カリウム"), text("K ")]),
            ],
        },
        Case {
            name: "dates, times and bytes are typed",
            query: result(1),
            expected: vec![cells(
                1,
                "GLU",
                "95",
                "2024-02-29",
                "2024-02-29T12:00:00",
                "08:30:00",
                "2024-03-01T00:00:00Z",
            )],
        },
        Case {
            name: "fractions of seconds are kept",
            query: result(2),
            expected: vec![cells(
                2,
                "GLU",
                "100.5",
                "2024-03-01",
                "2024-02-29T12:00:00.250",
                "",
                "2024-03-01T00:00:00Z",
            )],
        },
    ]
}

/// Joins, existence, order and limits.
fn of_joins() -> Vec<Case> {
    let join = |kind, on| Join { kind, target: TableAlias::new("result", "r"), on };
    let mut one = patients();
    one.joins.push(join(JoinKind::One, results_of_patient()));
    one.columns = vec![p("hospnum"), r("id")];
    let mut maybe = patients();
    maybe.filter = Predicate::equal(p("hospnum"), Value::Integer(1));
    let glucose = contained(r("code"), &["GLU"]);
    maybe.joins.push(join(JoinKind::Maybe, results_of_patient().and(glucose.clone())));
    maybe.columns = vec![p("ptid"), r("id")];
    let mut absent = maybe.clone();
    absent.filter = absent.filter.and(Predicate::Null(r("id")));
    let mut labels = query("result", "r", &["id"], Predicate::TRUE);
    labels.joins.push(Join {
        kind: JoinKind::One,
        target: TableAlias::new("master", "m"),
        on: same(ColumnRef::new("m", "code"), r("code")),
    });
    labels.columns.push(ColumnRef::new("m", "label"));
    labels.order = vec![order(r("id"), true)];
    labels.limit = Some(2);
    let mut short = query("master", "m", &[], Predicate::TRUE);
    short.joins.push(Join {
        kind: JoinKind::One,
        target: TableAlias::new("result", "r"),
        on: same(r("code"), ColumnRef::new("m", "short")),
    });
    short.columns.push(r("id"));
    let mut none = patients();
    none.joins.push(join(JoinKind::One, Predicate::FALSE));
    let mut nulls = query("patient", "p", &["hospnum", "ptid"], Predicate::TRUE);
    nulls.order = vec![order(p("weight"), false), order(p("hospnum"), false), order(p("ptid"), true)];
    let mut nulls_last = nulls.clone();
    nulls_last.order = vec![order(p("weight"), true), order(p("hospnum"), false), order(p("ptid"), false)];
    nulls_last.limit = Some(3);
    let mut after = nulls.clone();
    after.after = Some(vec![Value::Null, Value::Integer(1), Value::Integer(2)]);
    after.limit = Some(2);
    let row2 = |a: i64, b: Option<i64>| row([Value::Integer(a), b.map_or(Value::Null, Value::Integer)]);
    let label = |id, label: &str| row([Value::Integer(id), Value::text(label)]);
    let exist = |filter| query("patient", "p", &["hospnum", "ptid"], filter);
    let with_glucose = exist(exists(results_of_patient().and(glucose)));
    let without = exist(not(exists(results_of_patient())));
    vec![
        Case { name: "an inner join", query: one, expected: keys(&[(1, 1), (1, 2), (1, 3), (1, 4), (2, 5)]) },
        Case {
            name: "a left join keeps rows without a partner",
            query: maybe,
            expected: vec![row2(1, Some(1)), row2(1, Some(2)), row2(2, None), row2(3, None), row2(4, None)],
        },
        Case {
            name: "a filter sees the NULL of a left join",
            query: absent,
            expected: vec![row2(2, None), row2(3, None), row2(4, None)],
        },
        Case {
            name: "a join of padded text, in order, with a limit",
            query: labels,
            expected: vec![label(5, "HbA1c "), label(4, "カリウム")],
        },
        Case { name: "padded text joined with text that has a blank", query: short, expected: ids(&[1, 2, 5]) },
        Case { name: "a join that can find nothing", query: none, expected: Vec::new() },
        Case { name: "rows with a partner", query: with_glucose, expected: keys(&[(1, 1)]) },
        Case { name: "rows without a partner", query: without, expected: keys(&[(1, 3), (1, 4), (2, 2), (2, 3)]) },
        Case {
            name: "NULL sorts first",
            query: nulls,
            expected: keys(&[(1, 2), (2, 1), (1, 4), (1, 3), (1, 1), (2, 3), (2, 2)]),
        },
        Case { name: "NULL sorts last when descending", query: nulls_last, expected: keys(&[(2, 2), (2, 3), (1, 1)]) },
        Case { name: "a cursor on NULL goes on behind it", query: after, expected: keys(&[(2, 1), (1, 4)]) },
    ]
}
