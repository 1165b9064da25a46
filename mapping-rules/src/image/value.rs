//! Texts of searches and constants as values of a column's kind, and numbers with their precision.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use genkan_adapter::{ColumnKind, Decimal, Value};

/// The value that has exactly this text; `None` if the kind has none. `007` is no integer's text.
pub(crate) fn value_of_kind(kind: ColumnKind, text: &str) -> Option<Value> {
    match kind {
        ColumnKind::Text | ColumnKind::PaddedText { .. } => Some(Value::text(text)),
        ColumnKind::Boolean => match text {
            "true" | "1" => Some(Value::Boolean(true)),
            "false" | "0" => Some(Value::Boolean(false)),
            _ => None,
        },
        ColumnKind::Integer => {
            let number: i64 = text.parse().ok()?;
            (number.to_string() == text).then_some(Value::Integer(number))
        }
        ColumnKind::Decimal => Decimal::parse(text).map(Value::Decimal),
        ColumnKind::Date => NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(Value::Date),
        ColumnKind::Time => NaiveTime::parse_from_str(text, "%H:%M:%S%.f").ok().map(Value::Time),
        ColumnKind::DateTime => {
            NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok().map(Value::DateTime)
        }
        ColumnKind::Instant => {
            let instant = DateTime::parse_from_rfc3339(text).ok()?;
            Some(Value::Instant(instant.with_timezone(&Utc)))
        }
        ColumnKind::Bytes | ColumnKind::Unsupported => None,
    }
}
