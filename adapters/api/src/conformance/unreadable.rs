//! Text that can't be read, for sources that can hold some: what stands beside it is served.

use std::collections::BTreeMap;

use super::cases::{compare, contained, ids, like, not, order, query, row};
use super::{Case, CaseResult, Fixture, answer, difference, pages, result};
use crate::{
    Adapter, Column, ColumnKind, ColumnRef, Comparison, Order, Position, Predicate, RowQuery,
    SourceSchema, Table, Unreadable, Value,
};

/// Rows with these bytes among others; a source that can't store them need not be asked.
pub fn unreadable_fixture(cell: &Unreadable) -> Fixture {
    let column = |name: &str, kind, nullable| Column { name: name.to_owned(), kind, nullable };
    let table = Table {
        columns: vec![
            column("id", ColumnKind::Integer, false),
            column("name", ColumnKind::Text, true),
            column("code", ColumnKind::PaddedText { length: 12 }, false),
        ],
        primary_key: vec!["id".to_owned()],
        ..Table::default()
    };
    let rows = rows(cell).into_iter().map(|[id, name, code]| {
        let cells = [("id", id), ("name", name), ("code", code)];
        ("broken".to_owned(), cells.map(|(name, value)| (name.to_owned(), value)).to_vec())
    });
    let schema = SourceSchema { tables: BTreeMap::from([("broken".to_owned(), table)]) };
    Fixture { schema, rows: rows.collect() }
}

fn rows(cell: &Unreadable) -> [[Value; 3]; 5] {
    let broken = || Value::Unreadable(cell.clone());
    let row = |id: i64, name: Value, code: Value| [Value::Integer(id), name, code];
    [
        row(1, Value::text("山田"), Value::text("A")),
        row(2, broken(), Value::text("B")),
        row(3, Value::text("鈴木"), broken()),
        row(4, Value::Null, Value::text("C")),
        row(5, Value::text("青木"), Value::text("D")),
    ]
}

/// Asks everything of a source with [`unreadable_fixture`] in it.
pub async fn check_unreadable(adapter: &dyn Adapter, cell: &Unreadable) -> Vec<CaseResult> {
    let mut results = Vec::new();
    for case in cases(cell) {
        let failure = match answer(adapter, &case.query).await {
            Ok(rows) => difference(&case, rows),
            Err(error) => Some(format!("{:?}: {error}", error.category)),
        };
        results.push(CaseResult { name: case.name.to_owned(), failure });
    }
    for order in [["name", "id"], ["code", "id"]] {
        for descending in [false, true] {
            let name = format!("pages by {} meet every row once", order[0]);
            let order = order.map(|name| Order::new(b(name), descending));
            results.push(result(&name, pages(adapter, paged(&order)).await));
        }
    }
    results
}

fn b(column: &str) -> ColumnRef {
    ColumnRef::new("b", column)
}

fn paged(terms: &[Order]) -> RowQuery {
    let columns: Vec<&str> = terms.iter().map(|term| &*term.column.column).collect();
    let order = terms.iter().map(|term| order(term.column.clone(), term.descending));
    RowQuery { order: order.collect(), ..query("broken", "b", &columns, Predicate::TRUE) }
}

fn cases(cell: &Unreadable) -> Vec<Case> {
    let yamada = || Value::text("山田");
    let found = |name, filter, expected: &[i64]| Case {
        name,
        query: query("broken", "b", &["id"], filter),
        expected: ids(expected),
    };
    vec![
        Case {
            name: "what can't be read is delivered as its bytes",
            query: query("broken", "b", &["id", "name", "code"], Predicate::TRUE),
            expected: rows(cell).into_iter().map(row).collect(),
        },
        found("it equals no text", Predicate::equal(b("name"), yamada()), &[1]),
        found("its row is found by others", Predicate::equal(b("code"), Value::text("B")), &[2]),
        found(
            "it is unequal to every text",
            compare(b("name"), Comparison::NotEqual, yamada()),
            &[2, 3, 4, 5],
        ),
        found("it is in no list", contained(b("name"), &["山田", "青木", "〓"]), &[1, 5]),
        found("it is not NULL", Predicate::Null(b("name")), &[4]),
        found("LIKE goes on beside it", like(b("name"), Position::Anywhere, "木", false), &[3, 5]),
        found(
            "so does LIKE without case",
            not(like(b("code"), Position::Start, "a", true)),
            &[2, 3, 4, 5],
        ),
    ]
}
