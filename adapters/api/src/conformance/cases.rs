//! How questions are written, and which make up the suite.

use super::{Case, joins, patients, results};
use crate::{
    ColumnRef, Comparison, Decimal, Join, JoinKind, Operand, Order, Position, Predicate, Row,
    RowQuery, TableAlias, Value,
};

/// Every patient, by hospital and number.
pub(super) fn all_patients() -> RowQuery {
    query("patient", "p", &["hospnum", "ptid"], Predicate::TRUE)
}

pub(super) fn query(table: &str, alias: &str, columns: &[&str], filter: Predicate) -> RowQuery {
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

pub(super) fn p(column: &str) -> ColumnRef {
    ColumnRef::new("p", column)
}

pub(super) fn r(column: &str) -> ColumnRef {
    ColumnRef::new("r", column)
}

pub(super) fn compare(left: ColumnRef, comparison: Comparison, right: Value) -> Predicate {
    let (left, right) = (Operand::Column(left), Operand::Value(right));
    Predicate::Compare { left, comparison, right }
}

pub(super) fn same(left: ColumnRef, right: ColumnRef) -> Predicate {
    let (left, right) = (Operand::Column(left), Operand::Column(right));
    Predicate::Compare { left, comparison: Comparison::Equal, right }
}

pub(super) fn not(predicate: Predicate) -> Predicate {
    Predicate::Not(Box::new(predicate))
}

pub(super) fn contained(column: ColumnRef, values: &[&str]) -> Predicate {
    let values = values.iter().map(|text| Value::text(*text)).collect();
    Predicate::In { operand: Operand::Column(column), values }
}

pub(super) fn like(
    column: ColumnRef,
    position: Position,
    text: &str,
    ignore_case: bool,
) -> Predicate {
    let operand = Operand::Column(column);
    Predicate::Like { operand, position, text: text.to_owned(), ignore_case }
}

pub(super) fn number(comparison: Comparison, right: &str) -> Predicate {
    let right = Operand::Value(Decimal::parse(right).map_or(Value::Null, Value::Decimal));
    Predicate::Compare { left: Operand::Number(r("amount")), comparison, right }
}

pub(super) fn results_of_patient() -> Predicate {
    same(r("hospnum"), p("hospnum")).and(same(r("ptid"), p("ptid")))
}

pub(super) fn exists(filter: Predicate) -> Predicate {
    Predicate::exists(TableAlias::new("result", "r"), filter)
}

pub(super) fn order(column: ColumnRef, descending: bool) -> Order {
    Order::new(column, descending)
}

pub(super) fn keys(rows: &[(i64, i64)]) -> Vec<Row> {
    rows.iter().map(|(a, b)| row([Value::Integer(*a), Value::Integer(*b)])).collect()
}

pub(super) fn ids(rows: &[i64]) -> Vec<Row> {
    rows.iter().map(|id| row([Value::Integer(*id)])).collect()
}

pub(super) fn row<const N: usize>(cells: [Value; N]) -> Row {
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
    let mut joined = all_patients();
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
    let mut cases = patients::cases();
    cases.extend(results::cases());
    cases.extend(joins::cases());
    cases
}

/// Which patients a filter finds: name, filter, hospitals and numbers.
pub(super) type Found = (&'static str, Predicate, &'static [(i64, i64)]);

pub(super) fn found((name, filter, expected): Found) -> Case {
    let query = query("patient", "p", &["hospnum", "ptid"], filter);
    Case { name, query, expected: keys(expected) }
}
