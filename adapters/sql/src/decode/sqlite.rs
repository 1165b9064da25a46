//! SQLite: by the value's own storage class first, then by the declared kind.

use genkan_adapter::{ColumnKind, Value};
use sea_orm::sqlx::sqlite::SqliteRow;
use sea_orm::sqlx::{Row, TypeInfo, ValueRef};

use super::{of_bytes, of_float};
use crate::catalog::ColumnType;
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
                _ => of_bytes(column, bytes),
            }
        }
    })
}

pub(crate) fn of_integer(kind: ColumnKind, number: i64) -> Value {
    match (kind, number) {
        (ColumnKind::Integer, number) => Value::Integer(number),
        (ColumnKind::Boolean, 0 | 1) => Value::Boolean(number == 1),
        (ColumnKind::Decimal, number) => of_float(number),
        (_, number) => Value::Text(number.to_string()),
    }
}
