//! A bound value in the form that its column is stored in. The cast is on the value's side, never
//! on the column's, because an index serves only the bare column.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use genkan_adapter::{ColumnKind, Value};
use sea_query::{Expr, ExprTrait};

use crate::catalog::{ColumnType, Dialect, Storage};
use crate::encoding::Repertoire;

/// What two sides of a comparison must have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Text,
    Number,
    Boolean,
    Date,
    Time,
    DateTime,
    Instant,
    Bytes,
}

impl Class {
    pub fn of_kind(kind: ColumnKind) -> Option<Class> {
        Some(match kind {
            ColumnKind::Text | ColumnKind::PaddedText { .. } => Class::Text,
            ColumnKind::Boolean => Class::Boolean,
            ColumnKind::Integer | ColumnKind::Decimal => Class::Number,
            ColumnKind::Date => Class::Date,
            ColumnKind::Time => Class::Time,
            ColumnKind::DateTime => Class::DateTime,
            ColumnKind::Instant => Class::Instant,
            ColumnKind::Bytes => Class::Bytes,
            ColumnKind::Unsupported => return None,
        })
    }

    /// `None` for what compares with nothing.
    pub fn of_value(value: &Value) -> Option<Class> {
        Some(match value {
            Value::Null | Value::Unreadable(_) => return None,
            Value::Boolean(_) => Class::Boolean,
            Value::Integer(_) | Value::Decimal(_) => Class::Number,
            Value::Text(_) => Class::Text,
            Value::Date(_) => Class::Date,
            Value::Time(_) => Class::Time,
            Value::DateTime(_) => Class::DateTime,
            Value::Instant(_) => Class::Instant,
            Value::Bytes(_) => Class::Bytes,
        })
    }
}

/// A value ready to be bound, and the type that the database has to take it for.
#[derive(Debug, Clone)]
pub(crate) struct Literal {
    pub value: sea_query::Value,
    pub cast: Option<&'static str>,
}

impl Literal {
    pub fn text(text: impl Into<String>) -> Self {
        Literal { value: sea_query::Value::from(text.into()), cast: None }
    }

    /// MySQL: the bytes of a text, as it was asked for.
    pub fn bytes(self) -> Expr {
        Expr::Value(self.value).cast_as("BINARY")
    }

    pub fn expr(self) -> Expr {
        let value = Expr::Value(self.value);
        match self.cast {
            Some(name) => value.cast_as(name),
            None => value,
        }
    }
}

/// The literal for a comparison with a column; `None` if no cell can be equal to the value or
/// compare with it. Blanks at the end mean nothing to padded text.
pub(crate) fn literal(
    dialect: Dialect,
    repertoire: &Repertoire,
    column: ColumnType,
    value: &Value,
) -> Option<Literal> {
    if Class::of_kind(column.kind)? != Class::of_value(value)? {
        return None;
    }
    if let Value::Text(text) = value {
        let text = expressible(dialect, repertoire, text)?;
        let text = match column.storage {
            Storage::Padded => text.trim_end_matches(' '),
            _ => &text,
        };
        let cast = match dialect {
            Dialect::Postgres => Some(postgres_type(column.storage, value)),
            Dialect::Mysql => column.narrow,
            Dialect::Sqlite => None,
        };
        return Some(Literal { cast, ..Literal::text(text) });
    }
    Some(stored(dialect, column, value))
}

/// The value of a cursor: also the text of a cell that did not fit its column, as it was delivered.
pub(crate) fn position(
    dialect: Dialect,
    repertoire: &Repertoire,
    column: ColumnType,
    value: &Value,
) -> Option<Literal> {
    match value {
        Value::Text(text) if !column.kind.is_text() => {
            let cast = (dialect == Dialect::Postgres).then(|| postgres_type(column.storage, value));
            Some(Literal { cast, ..Literal::text(text.as_str()) })
        }
        _ => literal(dialect, repertoire, column, value),
    }
}

/// The text as the server can take it.
pub(crate) fn expressible<'t>(
    dialect: Dialect,
    repertoire: &Repertoire,
    text: &'t str,
) -> Option<Cow<'t, str>> {
    // PostgreSQL cannot store U+0000 and refuses the statement.
    if dialect == Dialect::Postgres && text.contains('\0') {
        return None;
    }
    repertoire.express(text)
}

fn stored(dialect: Dialect, column: ColumnType, value: &Value) -> Literal {
    match dialect {
        Dialect::Postgres => Literal {
            value: match value {
                Value::Bytes(bytes) => sea_query::Value::from(bytes.clone()),
                other => sea_query::Value::from(text_form(other)),
            },
            cast: Some(postgres_type(column.storage, value)),
        },
        Dialect::Mysql => mysql(column, value),
        Dialect::Sqlite => sqlite(value),
    }
}

fn sqlite(value: &Value) -> Literal {
    let value = match value {
        Value::Boolean(truth) => sea_query::Value::from(i64::from(*truth)),
        Value::Integer(number) => sea_query::Value::from(*number),
        Value::Decimal(decimal) => match decimal.as_str().parse::<i64>() {
            Ok(number) => sea_query::Value::from(number),
            Err(_) => sea_query::Value::from(decimal.as_str().parse::<f64>().unwrap_or(f64::NAN)),
        },
        Value::Bytes(bytes) => sea_query::Value::from(bytes.clone()),
        other => sea_query::Value::from(text_form(other)),
    };
    Literal { value, cast: None }
}

fn mysql(column: ColumnType, value: &Value) -> Literal {
    let float = |decimal: &str| decimal.parse::<f64>().unwrap_or(f64::NAN);
    let digits = match value {
        Value::Integer(number) => Some(Cow::Owned(number.to_string())),
        Value::Decimal(decimal) => Some(Cow::Borrowed(decimal.as_str())),
        _ => None,
    };
    match (value, column.storage, digits) {
        (_, Storage::Double, Some(digits)) => Literal { value: float(&digits).into(), cast: None },
        // The column widens to a double; so must the value, from the same 32 bits.
        (_, Storage::Single, Some(digits)) => {
            Literal { value: f64::from(float(&digits) as f32).into(), cast: None }
        }
        (Value::Integer(number), ..) => Literal { value: (*number).into(), cast: None },
        (Value::Decimal(decimal), ..) => {
            Literal { cast: Some("DECIMAL(65,30)"), ..Literal::text(decimal.as_str()) }
        }
        (Value::Boolean(truth), ..) => Literal { value: i64::from(*truth).into(), cast: None },
        (Value::Bytes(bytes), ..) => Literal { value: bytes.clone().into(), cast: None },
        (Value::Date(_), ..) => Literal { cast: Some("DATE"), ..Literal::text(text_form(value)) },
        (Value::Time(_), ..) => {
            Literal { cast: Some("TIME(6)"), ..Literal::text(text_form(value)) }
        }
        (Value::DateTime(_) | Value::Instant(_), ..) => {
            Literal { cast: Some("DATETIME(6)"), ..Literal::text(text_form(value)) }
        }
        (other, ..) => Literal::text(text_form(other)),
    }
}

/// The type to cast a parameter to. A number keeps its own width unless the column is binary, so
/// that no value overflows; PostgreSQL compares the widths with each other and still uses an index.
pub(crate) fn postgres_type(storage: Storage, value: &Value) -> &'static str {
    match storage {
        Storage::Text | Storage::TextForm => "text",
        Storage::Padded => "bpchar",
        Storage::Boolean => "bool",
        Storage::Single => "float4",
        Storage::Double => "float8",
        Storage::Date => "date",
        Storage::Time => "time",
        Storage::DateTime => "timestamp",
        Storage::Instant => "timestamptz",
        Storage::Bytes => "bytea",
        Storage::Exact | Storage::DecimalText => "numeric",
        Storage::Integer if matches!(value, Value::Integer(_)) => "int8",
        Storage::Integer => "numeric",
    }
}

/// ISO form; a date-time without the letter T, as all three databases write it.
pub(crate) fn text_form(value: &Value) -> String {
    match value {
        Value::Null | Value::Bytes(_) | Value::Unreadable(_) => String::new(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Decimal(decimal) => decimal.as_str().to_owned(),
        Value::Text(text) => text.clone(),
        Value::Date(date) => date_form(*date),
        Value::Time(time) => time_form(*time),
        Value::DateTime(moment) => moment_form(*moment),
        Value::Instant(instant) => instant_form(*instant),
    }
}

fn date_form(date: NaiveDate) -> String {
    date.format("%Y-%m-%d").to_string()
}

fn time_form(time: NaiveTime) -> String {
    time.format("%H:%M:%S%.f").to_string()
}

fn moment_form(moment: NaiveDateTime) -> String {
    moment.format("%Y-%m-%d %H:%M:%S%.f").to_string()
}

/// In UTC; sessions run in UTC, so that no zone has to be written.
fn instant_form(instant: DateTime<Utc>) -> String {
    moment_form(instant.naive_utc())
}

/// A PostgreSQL array as one text parameter: the statement's text is the same for any number of
/// values.
pub(crate) fn postgres_array<'t>(items: impl Iterator<Item = Cow<'t, str>>) -> String {
    let mut text = String::from("{");
    for item in items {
        if text.len() > 1 {
            text.push(',');
        }
        text.push('"');
        for c in item.chars() {
            if matches!(c, '"' | '\\') {
                text.push('\\');
            }
            text.push(c);
        }
        text.push('"');
    }
    text.push('}');
    text
}
