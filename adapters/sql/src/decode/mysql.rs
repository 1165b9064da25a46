//! MySQL and MariaDB: the binary protocol; dates and times come as text, because zero dates,
//! negative times and hours over 24 are values there.

use genkan_adapter::{ColumnKind, Value};
use sea_orm::sqlx::mysql::MySqlRow;
use sea_orm::sqlx::{Column, Row, TypeInfo, ValueRef};

use super::{of_bytes, of_float};
use crate::catalog::{ColumnType, Storage};

/// Numbers travel in as many bytes as their type has, everything else as text or bytes of any length.
pub(crate) fn fits(row: &MySqlRow, index: usize, column: ColumnType) -> bool {
    let Some(found) = row.columns().get(index) else { return false };
    let name = found.type_info().name();
    let integer = name.contains("INT") || matches!(name, "YEAR" | "BOOLEAN");
    let fixed = integer
        || matches!(name, "FLOAT" | "DOUBLE" | "BIT" | "DATE" | "TIME" | "DATETIME" | "TIMESTAMP");
    match column.storage {
        _ if name == "NULL" => true,
        Storage::Integer => integer,
        Storage::Single => name == "FLOAT",
        Storage::Double => name == "DOUBLE",
        Storage::Boolean => name == "BIT",
        Storage::Exact => name == "DECIMAL",
        _ => !fixed && name != "DECIMAL",
    }
}

pub(crate) fn cell(row: &MySqlRow, index: usize, column: ColumnType) -> Option<Value> {
    if row.try_get_raw(index).ok()?.is_null() {
        return Some(Value::Null);
    }
    match column.storage {
        Storage::Integer => integer(row, index),
        Storage::Single => row.try_get_unchecked::<f32, _>(index).ok().map(of_float),
        Storage::Double => row.try_get_unchecked::<f64, _>(index).ok().map(of_float),
        Storage::Boolean => {
            let bits: &[u8] = row.try_get_unchecked(index).ok()?;
            Some(Value::Boolean(bits.iter().any(|byte| *byte != 0)))
        }
        Storage::Bytes => row.try_get_unchecked(index).ok().map(Value::Bytes),
        _ => {
            let bytes: &[u8] = row.try_get_unchecked(index).ok()?;
            Some(match column.kind {
                // 0000-00-00 00:00:00.000000 and the like say less than their first part.
                ColumnKind::Date => of_bytes(column, bytes.get(..10).unwrap_or(bytes)),
                _ => of_bytes(column, bytes),
            })
        }
    }
}

/// `bigint unsigned` goes further than the plug's integers.
fn integer(row: &MySqlRow, index: usize) -> Option<Value> {
    let unsigned = row.try_get_raw(index).ok()?.type_info().name().ends_with("UNSIGNED");
    if unsigned || row.try_get_raw(index).ok()?.type_info().name() == "YEAR" {
        let number: u64 = row.try_get_unchecked(index).ok()?;
        return Some(
            i64::try_from(number).map_or_else(|_| Value::Text(number.to_string()), Value::Integer),
        );
    }
    row.try_get_unchecked(index).ok().map(Value::Integer)
}
