//! Cells that do not fit their column's kind (a zero date, infinity, a word among numbers): they are
//! delivered as text, and that text finds them. Any other text is in no such column, and is not sent:
//! a server would fail the statement for it, or take it for a value that it is not.

use genkan_adapter::{ColumnKind, Value};

use crate::catalog::{ColumnType, Dialect, Storage};
use crate::decode::{of_float, of_text, sqlite};
use crate::literal::{Literal, postgres_type};

/// `None` if no cell of the column is delivered as this text.
pub(crate) fn literal(dialect: Dialect, column: ColumnType, text: &str) -> Option<Literal> {
    match dialect {
        Dialect::Postgres => {
            let cast = postgres_type(column.storage, &Value::Null);
            in_postgres(column.storage).contains(&text).then(|| Literal::new(text, Some(cast)))
        }
        Dialect::Mysql => in_mysql(column, text),
        Dialect::Sqlite => in_sqlite(column, text),
    }
}

fn in_postgres(storage: Storage) -> &'static [&'static str] {
    match storage {
        Storage::Date | Storage::DateTime | Storage::Instant => &["infinity", "-infinity"],
        Storage::Time => &["24:00:00"],
        Storage::Exact => &["NaN", "Infinity", "-Infinity"],
        Storage::Single | Storage::Double => &["NaN", "inf", "-inf"],
        _ => &[],
    }
}

fn in_mysql(column: ColumnType, text: &str) -> Option<Literal> {
    let of = |signs: &str| text.chars().all(|c| c.is_ascii_digit() || signs.contains(c));
    let strange = matches!(of_text(column.kind, text), Value::Text(_));
    match column.storage {
        Storage::Date | Storage::Time | Storage::DateTime | Storage::Instant => {
            (strange && !text.is_empty() && of("-: .")).then(|| Literal::new(text, None))
        }
        // `bigint unsigned` goes further than the plug's integers.
        Storage::Integer => {
            let number = text.parse::<u64>().ok().filter(|number| i64::try_from(*number).is_err());
            number.map(|number| Literal::new(number.to_string(), Some("DECIMAL(65,0)")))
        }
        _ => None,
    }
}

/// Any column holds anything. What looks like a number is one, unless the affinity is that of text.
fn in_sqlite(column: ColumnType, text: &str) -> Option<Literal> {
    // Compared as numbers, a word is zero.
    if column.storage == Storage::DecimalText {
        return None;
    }
    if let Some(number) = text.parse::<i64>().ok().filter(|number| number.to_string() == text) {
        let strange = matches!(sqlite::of_integer(column.kind, number), Value::Text(_));
        return strange.then(|| Literal::new(number, None));
    }
    if let Ok(number) = text.parse::<f64>() {
        let shown = match of_float(number) {
            Value::Decimal(digits) if column.kind != ColumnKind::Decimal => {
                Value::text(digits.as_str())
            }
            shown => shown,
        };
        return (shown == Value::text(text)).then(|| Literal::new(number, None));
    }
    let strange = matches!(sqlite::of_text(column.kind, text), Value::Text(_));
    strange.then(|| Literal::new(text, None))
}
