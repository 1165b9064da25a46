//! Texts of searches and constants as values of a column's kind, and numbers with their precision.

use std::cmp::Ordering;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use genkan_adapter::{ColumnKind, Decimal, Value};

use crate::evaluate::{decimal_order, value_text};
use crate::program::ColumnUse;

/// The value that has exactly this text; `None` if the kind has none. `007` is no integer's text.
pub(crate) fn value_of_kind(kind: ColumnKind, text: &str) -> Option<Value> {
    let value = typed(kind, text)?;
    // Numbers compare by value and instants in any zone; all else only as it is shown.
    let by_value = matches!(kind, ColumnKind::Decimal | ColumnKind::Instant);
    let utc = chrono::Offset::fix(&Utc);
    (by_value || value_text(&value, utc).as_deref() == Some(text)).then_some(value)
}

/// True if the column holds nothing when it holds this text.
pub(crate) fn is_blank(column: &ColumnUse, text: &str) -> bool {
    text.is_empty()
        || blanks(column).any(|blank| match column.kind {
            ColumnKind::Decimal => decimal_order(blank, text) == Some(Ordering::Equal),
            _ => blank == text,
        })
}

/// The blanks that the column can hold. `00000000` is no way to write a decimal: a dose of 0 stays
/// a dose.
fn blanks(column: &ColumnUse) -> impl Iterator<Item = &str> {
    let decimal = column.kind == ColumnKind::Decimal;
    let padded = |text: &str| text.len() > 1 && text.starts_with('0') && !text.starts_with("0.");
    column
        .blanks
        .iter()
        .map(|blank| &**blank)
        .filter(move |blank| !(blank.is_empty() || decimal && padded(blank)))
}

/// What cells of the column say nothing with, beside NULL.
pub(crate) fn blank_values(column: &ColumnUse) -> Vec<Value> {
    let empty = column.kind.is_text().then(|| Value::text(""));
    let named = blanks(column).filter_map(|blank| value_of_kind(column.kind, blank));
    empty.into_iter().chain(named).collect()
}

fn typed(kind: ColumnKind, text: &str) -> Option<Value> {
    match kind {
        ColumnKind::Text => Some(Value::text(text)),
        // Delivered without blanks at the end, so that no cell has this text.
        ColumnKind::PaddedText { .. } => (!text.ends_with(' ')).then(|| Value::text(text)),
        ColumnKind::Boolean => text.parse().ok().map(Value::Boolean),
        ColumnKind::Integer => text.parse().ok().map(Value::Integer),
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
