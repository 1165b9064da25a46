//! PostgreSQL: the binary format, read here, because infinite and very early dates are values too.

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use genkan_adapter::Value;
use sea_orm::sqlx::postgres::PgRow;
use sea_orm::sqlx::{Row, ValueRef};

use super::{of_bytes, of_float};
use crate::catalog::{ColumnType, Storage};

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
