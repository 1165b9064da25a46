//! Joins, existence, order and limits.

use super::Case;
use super::cases::{
    all_patients, contained, exists, ids, keys, not, order, p, query, r, results_of_patient, row,
    same,
};
use crate::{ColumnRef, Join, JoinKind, Order, Predicate, Row, RowQuery, TableAlias, Value};

pub(super) fn cases() -> Vec<Case> {
    [of_results(), of_labels(), of_existence(), of_order()].into_iter().flatten().collect()
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
