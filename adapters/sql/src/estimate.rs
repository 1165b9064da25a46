//! How many rows the database's own planner expects: read out of its plan, which runs nothing.
//! SQLite's plan has no numbers; there the statistics of `ANALYZE` know the size of a whole table and
//! nothing of a part. MariaDB's JSON is not always JSON (quotes in texts), so that its table is read.

use genkan_adapter::{AdapterError, ColumnKind, ErrorCategory, Predicate, Row, RowQuery, Value};

use crate::catalog::{Catalog, ColumnType, Dialect, Storage};
use crate::introspect::column;
use crate::statement::Cells;

/// What makes a statement a question about itself. MySQL shows the share of rows that remain
/// unasked, MariaDB on request; only MariaDB reads what stands in the comment.
pub(crate) fn prefix(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "EXPLAIN QUERY PLAN ",
        Dialect::Postgres => "EXPLAIN (FORMAT JSON) ",
        Dialect::Mysql => "EXPLAIN /*M! EXTENDED */ ",
    }
}

/// What of the answer is read.
pub(crate) fn cells(dialect: Dialect) -> Cells {
    const TEXT: ColumnType = column(ColumnKind::Text, Storage::Text, true);
    match dialect {
        Dialect::Sqlite | Dialect::Postgres => Cells::InOrder(vec![TEXT]),
        Dialect::Mysql => Cells::Named(vec!["select_type", "Extra", "rows", "filtered"]),
    }
}

/// How a column of that answer is stored: MariaDB tells numbers as texts, MySQL as numbers.
pub(crate) fn cell(type_name: &str) -> ColumnType {
    let (kind, storage) = if type_name.contains("INT") {
        (ColumnKind::Integer, Storage::Integer)
    } else if type_name.contains("DOUBLE") || type_name.contains("FLOAT") {
        (ColumnKind::Decimal, Storage::Double)
    } else {
        (ColumnKind::Text, Storage::Text)
    };
    column(kind, storage, true)
}

/// The size of a table that is asked for as a whole, as the catalog has it.
pub(crate) fn of_catalog(catalog: &Catalog, query: &RowQuery) -> Option<u64> {
    let whole = query.joins.is_empty() && query.filter == Predicate::TRUE;
    catalog.schema.table(&query.root.table).filter(|_| whole)?.rows_estimate
}

/// The rows that a plan expects; `None` if it says no number.
pub(crate) fn of_plan(dialect: Dialect, plan: &[Row]) -> Result<Option<u64>, AdapterError> {
    let rows = match dialect {
        Dialect::Sqlite => None,
        Dialect::Postgres => of_tree(plan)?,
        Dialect::Mysql => of_table(plan),
    };
    // A float is cut to what the integer can hold.
    Ok(rows.map(|rows| rows.round().max(0.0) as u64))
}

fn of_tree(plan: &[Row]) -> Result<Option<f64>, AdapterError> {
    let text = plan.first().and_then(|row| row.values().first());
    let Some(Value::Text(text)) = text else { return Ok(None) };
    let plan: serde_json::Value = serde_json::from_str(text).map_err(|_| {
        let message = "the database's plan of a statement is no JSON";
        AdapterError::new(ErrorCategory::Unreadable, message)
    })?;
    Ok(plan[0]["Plan"]["Plan Rows"].as_f64())
}

/// Each table of the join says how many rows it brings for one of those before it, and how many per
/// cent of them remain.
fn of_table(plan: &[Row]) -> Option<f64> {
    let mut product = None;
    for row in plan {
        let [select, extra, rows, filtered] = row.values() else { return None };
        let of_join = matches!(select, Value::Text(kind) if kind == "PRIMARY" || kind == "SIMPLE");
        if !of_join {
            continue;
        }
        // Without rows: an impossible condition, which names no table.
        let brought = number(rows).unwrap_or(0.0) * number(filtered).unwrap_or(100.0) / 100.0;
        // A subquery that was made a part of the join asks only whether there is a row.
        let asks = matches!(extra, Value::Text(extra) if extra.contains("FirstMatch("));
        let factor = if asks { brought.min(1.0) } else { brought };
        product = Some(product.unwrap_or(1.0) * factor);
    }
    product
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(number) => Some(*number as f64),
        Value::Decimal(number) => number.as_str().parse().ok(),
        Value::Text(text) => text.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use genkan_adapter::Decimal;

    fn line(kind: &str, extra: &str, rows: Option<i64>, filtered: &str) -> Row {
        let filtered = Decimal::parse(filtered).map_or(Value::Null, Value::Decimal);
        let rows = rows.map_or(Value::Null, Value::Integer);
        Row(Box::new([Value::text(kind), Value::text(extra), rows, filtered]))
    }

    #[test]
    fn plans_are_read_as_each_family_writes_them() {
        let tree = |text: &str| vec![Row(Box::new([Value::text(text)]))];
        let joined = vec![
            line("PRIMARY", "", Some(1000), "10.00"),
            line("PRIMARY", "Using where", Some(3), "50.00"),
            line("DEPENDENT SUBQUERY", "", Some(9), "100"),
        ];
        let semi = vec![
            line("PRIMARY", "", Some(40), "100"),
            line("PRIMARY", "Using where; FirstMatch(p)", Some(8), "100"),
        ];
        for (dialect, plan, rows) in [
            (Dialect::Postgres, tree(r#"[{"Plan": {"Plan Rows": 41}}]"#), Some(41)),
            (Dialect::Postgres, tree("[]"), None),
            (Dialect::Mysql, joined, Some(150)),
            (Dialect::Mysql, semi, Some(40)),
            (Dialect::Mysql, vec![line("SIMPLE", "Impossible WHERE", None, "")], Some(0)),
            (Dialect::Mysql, Vec::new(), None),
            (Dialect::Sqlite, tree("SCAN p"), None),
        ] {
            assert_eq!(of_plan(dialect, &plan).ok(), Some(rows), "{plan:?}");
        }
        assert!(of_plan(Dialect::Postgres, &tree("Seq Scan")).is_err());
    }
}
