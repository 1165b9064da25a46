//! PostgreSQL: the binary format, read here, because infinite and very early dates are values too.

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use genkan_adapter::Value;
use sea_orm::sqlx::postgres::PgRow;
use sea_orm::sqlx::{Column, Row, TypeInfo, ValueRef};

use super::{of_bytes, of_float};
use crate::catalog::{ColumnType, Storage};
use crate::wire::Wire;

/// The form of each type is its own.
pub(crate) fn fits(row: &PgRow, index: usize, column: ColumnType) -> bool {
    let Some(found) = row.columns().get(index) else { return false };
    let name = found.type_info().name();
    match column.storage {
        Storage::Boolean => name == "BOOL",
        Storage::Integer => matches!(name, "INT2" | "INT4" | "INT8"),
        Storage::Single => name == "FLOAT4",
        Storage::Double => name == "FLOAT8",
        Storage::Date => name == "DATE",
        Storage::Time => name == "TIME",
        Storage::DateTime => name == "TIMESTAMP",
        Storage::Instant => name == "TIMESTAMPTZ",
        Storage::Bytes => name == "BYTEA",
        Storage::Text | Storage::Padded if matches!(column.wire, Wire::Unicode) => {
            matches!(name, "TEXT" | "VARCHAR" | "CHAR")
        }
        // The statement asks for the text or the bytes of it, whatever it is.
        Storage::Text
        | Storage::Padded
        | Storage::Enumerated
        | Storage::Loose
        | Storage::TextForm
        | Storage::Digits
        | Storage::Exact
        | Storage::DecimalText => matches!(name, "TEXT" | "VARCHAR" | "CHAR" | "BYTEA"),
    }
}

pub(crate) fn cell(row: &PgRow, index: usize, column: ColumnType) -> Option<Value> {
    let raw = row.try_get_raw(index).ok()?;
    if raw.is_null() {
        return Some(Value::Null);
    }
    let bytes = raw.as_bytes().ok()?;
    match column.storage {
        Storage::Boolean => bytes.first().map(|byte| Value::Boolean(*byte != 0)),
        Storage::Integer => integer(bytes).map(Value::Integer),
        Storage::Single => bytes.try_into().ok().map(|b| of_float(f32::from_be_bytes(b))),
        Storage::Double => bytes.try_into().ok().map(|b| of_float(f64::from_be_bytes(b))),
        Storage::Date => integer(bytes).map(date),
        Storage::Time => integer(bytes).map(time),
        Storage::DateTime => integer(bytes).map(|micros| moment(micros, Value::DateTime)),
        Storage::Instant => integer(bytes).map(|micros| {
            moment(micros, |at| {
                Value::Instant(DateTime::from_naive_utc_and_offset(at, chrono::Utc))
            })
        }),
        Storage::Bytes => Some(Value::Bytes(bytes.to_vec())),
        Storage::Text
        | Storage::Enumerated
        | Storage::Loose
        | Storage::Padded
        | Storage::TextForm
        | Storage::Digits
        | Storage::Exact
        | Storage::DecimalText => Some(of_bytes(column, bytes)),
    }
}

fn integer(bytes: &[u8]) -> Option<i64> {
    Some(match *bytes {
        [a, b] => i64::from(i16::from_be_bytes([a, b])),
        [a, b, c, d] => i64::from(i32::from_be_bytes([a, b, c, d])),
        _ => i64::from_be_bytes(bytes.try_into().ok()?),
    })
}

const EPOCH: NaiveDate = NaiveDate::from_ymd_opt(2000, 1, 1).expect("a day of the calendar");

fn date(days: i64) -> Value {
    let distance = Days::new(days.unsigned_abs());
    let day = match days {
        0.. => EPOCH.checked_add_days(distance),
        _ => EPOCH.checked_sub_days(distance),
    };
    day.map_or_else(|| beyond(days), Value::Date)
}

fn time(micros: i64) -> Value {
    let seconds = u32::try_from(micros.div_euclid(1_000_000)).unwrap_or(u32::MAX);
    let nanos = u32::try_from(micros.rem_euclid(1_000_000)).unwrap_or(0) * 1000;
    // PostgreSQL also has 24:00:00.
    NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanos)
        .map_or_else(|| Value::text("24:00:00"), Value::Time)
}

fn moment(micros: i64, value: impl Fn(NaiveDateTime) -> Value) -> Value {
    let epoch = EPOCH.and_time(NaiveTime::MIN);
    epoch.checked_add_signed(TimeDelta::microseconds(micros)).map_or_else(|| beyond(micros), value)
}

/// `infinity` is the greatest number of its width; nothing else lies outside chrono's calendar.
fn beyond(distance: i64) -> Value {
    Value::text(if distance < 0 { "-infinity" } else { "infinity" })
}
