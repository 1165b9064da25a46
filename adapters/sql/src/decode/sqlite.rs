//! SQLite: by the value's own storage class first, then by the declared kind.

use genkan_adapter::{ColumnKind, Value};
use sea_orm::sqlx::sqlite::SqliteRow;
use sea_orm::sqlx::{Row, TypeInfo, ValueRef};

use super::{of_bytes, of_float};
use crate::catalog::ColumnType;
use crate::literal::text_form;
use crate::padded;

pub(crate) fn cell(row: &SqliteRow, index: usize, column: ColumnType) -> Option<Value> {
    let raw = row.try_get_raw(index).ok()?;
    if raw.is_null() {
        return Some(Value::Null);
    }
    let class = raw.type_info().name().to_owned();
    Some(match class.as_str() {
        "INTEGER" => of_integer(column.kind, row.try_get_unchecked(index).ok()?),
        "REAL" => match (column.kind, of_float(row.try_get_unchecked::<f64, _>(index).ok()?)) {
            (ColumnKind::Decimal, value) => value,
            (_, Value::Decimal(digits)) => Value::text(digits.as_str()),
            (_, value) => value,
        },
        _ => {
            let bytes: &[u8] = row.try_get_unchecked(index).ok()?;
            match (class.as_str(), column.kind) {
                ("BLOB", ColumnKind::Bytes) => Value::Bytes(bytes.to_vec()),
                (_, ColumnKind::PaddedText { length }) => match column.wire.read(bytes) {
                    Ok(text) => Value::text(padded::as_delivered(&text, length)),
                    Err(_) => of_bytes(column, bytes),
                },
                _ => match of_bytes(column, bytes) {
                    Value::Unreadable(cell) => Value::Unreadable(cell),
                    value => in_form(value, bytes),
                },
            }
        }
    })
}

/// A text in a column of this kind. Only the form in which values are bound compares as they do: any
/// other spelling of a date is no date here.
pub(crate) fn of_text(kind: ColumnKind, text: &str) -> Value {
    in_form(super::of_text(kind, text), text.as_bytes())
}

fn in_form(value: Value, bytes: &[u8]) -> Value {
    let dated =
        matches!(value, Value::Date(_) | Value::Time(_) | Value::DateTime(_) | Value::Instant(_));
    match std::str::from_utf8(bytes) {
        Ok(text) if dated && text_form(&value) != text => Value::text(text),
        _ => value,
    }
}

pub(crate) fn of_integer(kind: ColumnKind, number: i64) -> Value {
    match (kind, number) {
        (ColumnKind::Integer, number) => Value::Integer(number),
        (ColumnKind::Boolean, 0 | 1) => Value::Boolean(number == 1),
        (ColumnKind::Decimal, number) => of_float(number),
        (_, number) => Value::Text(number.to_string()),
    }
}
