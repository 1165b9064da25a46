//! Cells as the plug wants them: exact, and a cell that does not fit its column's kind as the text
//! that is there. The drivers' own conversions fail a whole row for one zero date, and turn
//! decimals into floats.

pub(crate) mod mysql;
pub(crate) mod postgres;
pub(crate) mod sqlite;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use genkan_adapter::{ColumnKind, Decimal, Unreadable, Value};

use crate::catalog::ColumnType;

/// A text in a column of `kind`.
pub(crate) fn of_text(kind: ColumnKind, text: &str) -> Value {
    let fitting = match kind {
        ColumnKind::PaddedText { .. } => return Value::text(text.trim_end_matches(' ')),
        ColumnKind::Decimal => Decimal::parse(text).map(Value::Decimal),
        ColumnKind::Date => date(text).map(Value::Date),
        ColumnKind::Time => time(text).map(Value::Time),
        ColumnKind::DateTime => moment(text).map(Value::DateTime),
        ColumnKind::Instant => instant(text),
        ColumnKind::Text
        | ColumnKind::Boolean
        | ColumnKind::Integer
        | ColumnKind::Bytes
        | ColumnKind::Unsupported => None,
    };
    fitting.unwrap_or_else(|| Value::text(text))
}

fn of_bytes(column: ColumnType, bytes: &[u8]) -> Value {
    match column.wire.read(bytes) {
        Ok(text) => of_text(column.kind, &text),
        Err(cell) => Value::Unreadable(match column.kind {
            ColumnKind::PaddedText { .. } => {
                let blanks = cell.bytes().iter().rev().take_while(|byte| **byte == b' ').count();
                Unreadable::new(&cell.bytes()[..cell.bytes().len() - blanks], cell.at())
            }
            _ => cell,
        }),
    }
}

/// The shortest digits that mean this number and no other; infinities are text.
pub(crate) fn of_float(number: impl ToString) -> Value {
    let text = number.to_string();
    Decimal::parse(&text).map_or(Value::Text(text), Value::Decimal)
}

fn date(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| text.len() == 10)
}

fn time(text: &str) -> Option<NaiveTime> {
    // A leap second is no time that a column can hold, and chrono reads one.
    let time = NaiveTime::parse_from_str(text, "%H:%M:%S%.f").ok()?;
    (chrono::Timelike::nanosecond(&time) < 1_000_000_000 && text.get(2..3) == Some(":"))
        .then_some(time)
}

fn moment(text: &str) -> Option<NaiveDateTime> {
    let (day, rest) = text.split_at_checked(10)?;
    let clock = rest.strip_prefix([' ', 'T'])?;
    Some(date(day)?.and_time(time(clock)?))
}

/// With an offset, or in UTC, in which sessions run.
fn instant(text: &str) -> Option<Value> {
    if let Some(moment) = moment(text) {
        return Some(Value::Instant(moment.and_utc()));
    }
    DateTime::parse_from_rfc3339(text).ok().map(|moment| Value::Instant(moment.to_utc()))
}
