//! Joins, existence, order and limits.

use super::Case;
use super::cases::{
    all_patients, contained, exists, ids, keys, not, order, p, query, r, results_of_patient, row,
    same,
};
use crate::{
    ColumnRef, Comparison, Join, JoinKind, Operand, Order, Predicate, Row, RowQuery, TableAlias,
    Value,
};

pub(super) fn cases() -> Vec<Case> {
    let rows = [of_results(), of_labels(), of_existence(), of_steps(), of_kinds()];
    rows.into_iter().chain([of_order(), of_blanks()]).flatten().collect()
}

fn join(kind: JoinKind, on: Predicate) -> Join {
    Join { kind, target: TableAlias::new("result", "r"), on }
}

fn glucose() -> Predicate {
    contained(r("code"), &["GLU"])
}

/// A number and, if the left join found one, a result.
fn pairs(rows: &[(i64, Option<i64>)]) -> Vec<Row> {
    let cell = |id: &Option<i64>| id.map_or(Value::Null, Value::Integer);
    rows.iter().map(|(number, id)| row([Value::Integer(*number), cell(id)])).collect()
}

fn of_results() -> Vec<Case> {
    let mut inner = all_patients();
    inner.joins.push(join(JoinKind::One, results_of_patient()));
    inner.columns = vec![p("hospnum"), r("id")];
    let mut left = all_patients();
    left.filter = Predicate::equal(p("hospnum"), Value::Integer(1));
    left.joins.push(join(JoinKind::Maybe, results_of_patient().and(glucose())));
    left.columns = vec![p("ptid"), r("id")];
    let mut absent = left.clone();
    absent.filter = absent.filter.and(Predicate::Null(r("id")));
    let mut none = all_patients();
    none.joins.push(join(JoinKind::One, Predicate::FALSE));
    let left_rows = pairs(&[(1, Some(1)), (1, Some(2)), (2, None), (3, None), (4, None)]);
    vec![
        Case {
            name: "an inner join",
            query: inner,
            expected: keys(&[(1, 1), (1, 2), (1, 3), (1, 4), (2, 5)]),
        },
        Case { name: "a left join keeps rows without a partner", query: left, expected: left_rows },
        Case {
            name: "a filter sees the NULL of a left join",
            query: absent,
            expected: pairs(&[(2, None), (3, None), (4, None)]),
        },
        Case { name: "a join that can find nothing", query: none, expected: Vec::new() },
    ]
}

fn of_labels() -> Vec<Case> {
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
    short.joins.push(join(JoinKind::One, same(r("code"), ColumnRef::new("m", "short"))));
    short.columns.push(r("id"));
    let label = |id, label: &str| row([Value::Integer(id), Value::text(label)]);
    vec![
        Case {
            name: "a join of padded text, in order, with a limit",
            query: labels,
            expected: vec![label(5, "HbA1c "), label(4, "カリウム")],
        },
        Case {
            name: "padded text joined with text that has a blank",
            query: short,
            expected: ids(&[1, 2, 5]),
        },
    ]
}

fn of_existence() -> Vec<Case> {
    let patients = |filter| query("patient", "p", &["hospnum", "ptid"], filter);
    vec![
        Case {
            name: "rows with a partner",
            query: patients(exists(results_of_patient().and(glucose()))),
            expected: keys(&[(1, 1)]),
        },
        Case {
            name: "rows without a partner",
            query: patients(not(exists(results_of_patient()))),
            expected: keys(&[(1, 3), (1, 4), (2, 2), (2, 3)]),
        },
    ]
}

fn column(alias: &str, column: &str) -> ColumnRef {
    ColumnRef::new(alias, column)
}

fn found_patients(name: &'static str, filter: Predicate, expected: &[(i64, i64)]) -> Case {
    Case {
        name,
        query: query("patient", "p", &["hospnum", "ptid"], filter),
        expected: keys(expected),
    }
}

/// A result of the patient for which all of it holds, with the entry of the master.
fn labelled(kind: JoinKind, filter: Predicate) -> Predicate {
    let on = same(column("m", "code"), r("code"));
    Predicate::Exists {
        target: TableAlias::new("result", "r"),
        joins: vec![Join { kind, target: TableAlias::new("master", "m"), on }],
        filter: Box::new(results_of_patient().and(filter)),
    }
}

/// From row to row: what exists is joined, and something exists for it in turn.
fn of_steps() -> Vec<Case> {
    use JoinKind::{Maybe, One};
    let label = |text: &str| Predicate::equal(column("m", "label"), Value::text(text));
    // Of the same table as the row around it, so under another alias.
    let other = |filter: Predicate| {
        Predicate::exists(
            TableAlias::new("patient", "q"),
            same(column("q", "ptnum"), p("ptnum")).and(filter),
        )
    };
    let elsewhere = Predicate::Compare {
        left: Operand::Column(column("q", "hospnum")),
        comparison: Comparison::Greater,
        right: Operand::Column(p("hospnum")),
    };
    let with_result = Predicate::exists(
        TableAlias::new("result", "r"),
        same(r("hospnum"), column("q", "hospnum"))
            .and(same(r("ptid"), column("q", "ptid")))
            .and(not(same(r("hospnum"), p("hospnum")))),
    );
    let mut unlabelled = labelled(Maybe, Predicate::Null(column("m", "label")));
    if let Predicate::Exists { joins, .. } = &mut unlabelled {
        joins[0].on = joins[0].on.clone().and(label("血糖"));
    }
    let no_join = Predicate::Exists {
        target: TableAlias::new("result", "r"),
        joins: vec![Join {
            kind: One,
            target: TableAlias::new("master", "m"),
            on: Predicate::FALSE,
        }],
        filter: Box::new(Predicate::TRUE),
    };
    let hides = Predicate::exists(TableAlias::new("result", "p"), same(p("ptid"), p("hospnum")));
    vec![
        found_patients(
            "a partner with its join",
            labelled(One, label("カリウム")),
            &[(1, 1), (1, 2)],
        ),
        found_patients("a join inside finds nothing", no_join.clone(), &[]),
        found_patients(
            "nothing exists where a join finds nothing",
            not(no_join),
            &[(1, 1), (1, 2), (1, 3), (1, 4), (2, 1), (2, 2), (2, 3)],
        ),
        found_patients("a left join inside keeps rows", labelled(Maybe, glucose()), &[(1, 1)]),
        found_patients("the NULL of a left join inside", unlabelled, &[(1, 1), (1, 2), (2, 1)]),
        found_patients(
            "no partner with its join",
            not(labelled(One, Predicate::TRUE)),
            &[(1, 3), (1, 4), (2, 2), (2, 3)],
        ),
        found_patients("a partner in the same table", other(elsewhere), &[(1, 1)]),
        found_patients("a partner that has a partner", other(with_result), &[(1, 1), (2, 1)]),
        found_patients(
            "a row two levels out is in sight",
            not(other(not(labelled(One, Predicate::TRUE)))),
            &[(1, 1), (1, 2), (2, 1)],
        ),
        found_patients(
            "an alias hides the one around it",
            hides,
            &[(1, 1), (1, 2), (1, 3), (1, 4), (2, 1), (2, 2), (2, 3)],
        ),
    ]
}

/// A key that one table holds as a number and another as text: equal if the text is the number's own
/// digits, and no other way to write it.
fn of_kinds() -> Vec<Case> {
    let digits = Operand::Text;
    let compared = |left: Operand, comparison: Comparison, right: Operand| Predicate::Compare {
        left,
        comparison,
        right,
    };
    let equal = |left, right| compared(left, Comparison::Equal, right);
    let with_result = |outer: &str| {
        let filter = equal(digits(r("id")), Operand::Column(p(outer)));
        Predicate::exists(TableAlias::new("result", "r"), filter)
    };
    let all = [(1, 1), (1, 2), (1, 3), (1, 4), (2, 1), (2, 2), (2, 3)];
    let of_patient = Predicate::exists(
        TableAlias::new("patient", "p"),
        equal(Operand::Column(p("sex")), digits(r("id"))),
    );
    let listed = Predicate::In {
        operand: digits(p("ptid")),
        values: vec![Value::text("3"), Value::text("04"), Value::Integer(1)],
    };
    let unlike = compared(digits(p("ptid")), Comparison::NotEqual, Operand::Column(p("name")));
    let two = equal(digits(p("ptid")), Operand::Value(Value::text("2")));
    vec![
        found_patients("digits of a number equal padded text", with_result("sex"), &all),
        found_patients("no number has leading zeros", with_result("ptnum"), &[]),
        found_patients("text that is no number has no digits", with_result("memo"), &[]),
        found_patients("digits differ from NULL", unlike, &all),
        found_patients("digits of a number equal a value", two, &[(1, 2), (2, 2)]),
        found_patients("digits of a number in a list", listed, &[(1, 3), (2, 3)]),
        Case {
            name: "padded text equals the digits of a number",
            query: query("result", "r", &["id"], of_patient),
            expected: ids(&[1, 2]),
        },
    ]
}

fn sorted(order: Vec<Order>, after: Option<Vec<Value>>, limit: Option<u64>) -> RowQuery {
    RowQuery { order, after, limit, ..all_patients() }
}

fn of_order() -> Vec<Case> {
    let rising =
        || vec![order(p("weight"), false), order(p("hospnum"), false), order(p("ptid"), true)];
    let falling =
        vec![order(p("weight"), true), order(p("hospnum"), false), order(p("ptid"), false)];
    let on_null = vec![Value::Null, Value::Integer(1), Value::Integer(2)];
    vec![
        Case {
            name: "NULL sorts first",
            query: sorted(rising(), None, None),
            expected: keys(&[(1, 2), (2, 1), (1, 4), (1, 3), (1, 1), (2, 3), (2, 2)]),
        },
        Case {
            name: "NULL sorts last when descending",
            query: sorted(falling, None, Some(3)),
            expected: keys(&[(2, 2), (2, 3), (1, 1)]),
        },
        Case {
            name: "a cursor on NULL goes on behind it",
            query: sorted(rising(), Some(on_null), Some(2)),
            expected: keys(&[(2, 1), (1, 4)]),
        },
    ]
}

/// What a table writes for nothing stands where NULL stands, though it is one text or another.
fn of_blanks() -> Vec<Case> {
    let by_birthday = |descending| {
        let blanks = ["", "99999999"].map(Value::text).to_vec();
        let birthday = Order { blanks, ..order(p("birthday"), descending) };
        vec![birthday, order(p("hospnum"), true), order(p("ptid"), false)]
    };
    let on = |birthday: &str, hospital, number| {
        Some(vec![Value::text(birthday), Value::Integer(hospital), Value::Integer(number)])
    };
    vec![
        Case {
            name: "blanks sort first, by the terms behind them",
            query: sorted(by_birthday(false), None, Some(4)),
            expected: keys(&[(2, 1), (1, 3), (1, 1), (1, 4)]),
        },
        Case {
            name: "blanks sort last when descending, by the terms behind them",
            query: sorted(by_birthday(true), None, None),
            expected: keys(&[(2, 2), (2, 3), (1, 2), (1, 1), (1, 4), (2, 1), (1, 3)]),
        },
        Case {
            name: "a cursor on a blank goes on behind it, at another blank",
            query: sorted(by_birthday(false), on("99999999", 2, 1), Some(2)),
            expected: keys(&[(1, 3), (1, 1)]),
        },
        Case {
            name: "a cursor on the last blank goes on at the values",
            query: sorted(by_birthday(false), on("", 1, 3), Some(1)),
            expected: keys(&[(1, 1)]),
        },
        Case {
            name: "a cursor on a value goes on at the blanks when descending",
            query: sorted(by_birthday(true), on("19500103", 1, 4), None),
            expected: keys(&[(2, 1), (1, 3)]),
        },
        Case {
            name: "a cursor on a blank goes on behind it when descending",
            query: sorted(by_birthday(true), on("99999999", 2, 1), None),
            expected: keys(&[(1, 3)]),
        },
    ]
}
