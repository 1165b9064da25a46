//! A bound value in the form that its column is stored in. The cast is on the value's side, never
//! on the column's, because an index serves only the bare column.

use std::borrow::Cow;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use genkan_adapter::{ColumnKind, Value};
use sea_query::{Expr, ExprTrait};

use crate::catalog::{ColumnType, Dialect, Storage};
use crate::equality::bytes;
use crate::misfit;
use crate::padded;
use crate::scope::Scope;
use crate::wire::{Wire, postgres_text};

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

/// A value ready to be bound, and what the database has to take it for.
#[derive(Debug, Clone)]
pub(crate) struct Literal {
    pub value: sea_query::Value,
    pub cast: Option<&'static str>,
    /// MySQL: the narrower character set that a text is converted to.
    pub narrow: Option<&'static str>,
    /// The value is the bytes of a text as this database stores them.
    pub stored: Option<Dialect>,
}

impl Literal {
    pub fn new(value: impl Into<sea_query::Value>, cast: Option<&'static str>) -> Self {
        Literal { value: value.into(), cast, narrow: None, stored: None }
    }

    pub fn text(text: impl Into<String>) -> Self {
        Literal::new(text.into(), None)
    }

    /// A text in the type of its column.
    pub fn of_column(dialect: Dialect, column: ColumnType, text: impl Into<String>) -> Self {
        Literal::new(text.into(), None).typed(dialect, column)
    }

    /// The bytes that a text of this column is stored as.
    pub fn stored(dialect: Dialect, column: ColumnType, bytes: &[u8]) -> Self {
        let literal = Literal { stored: Some(dialect), ..Literal::new(bytes.to_vec(), None) };
        literal.typed(dialect, column)
    }

    fn typed(self, dialect: Dialect, column: ColumnType) -> Self {
        let cast = match (dialect, column.storage) {
            (Dialect::Postgres, Storage::Padded) => Some("bpchar"),
            (Dialect::Postgres, _) => Some("text"),
            _ => None,
        };
        Literal { cast, narrow: column.narrow, ..self }
    }

    /// MySQL: the bytes of a text, as it was asked for.
    pub fn bytes(self) -> Expr {
        match self.stored {
            Some(_) => bytes(self.expr()),
            None => Expr::Value(self.value).cast_as("BINARY"),
        }
    }

    pub fn expr(self) -> Expr {
        let mut expr = Expr::Value(self.value);
        expr = match self.stored {
            Some(Dialect::Postgres) => postgres_text(expr.cast_as("bytea")),
            Some(Dialect::Mysql) => expr.cast_as("BINARY"),
            Some(Dialect::Sqlite) => expr.cast_as("TEXT"),
            // MySQL 8 refuses a parameter with a character that the set lacks. What it does not see
            // the parameter behind, it converts, with `?` for that character.
            None if self.narrow.is_some() => {
                expr.cast_as("BINARY").cast_as("CHAR CHARACTER SET utf8mb4")
            }
            None => expr,
        };
        [self.narrow, self.cast].into_iter().flatten().fold(expr, |expr, name| expr.cast_as(name))
    }
}

/// The literal for a comparison with a column; `None` if no cell can be equal to the value or
/// compare with it. Blanks at the end mean nothing to padded text.
pub(crate) fn literal(scope: &Scope<'_>, column: ColumnType, value: &Value) -> Option<Literal> {
    if Class::of_kind(column.kind)? != Class::of_value(value)? {
        return match value {
            Value::Text(text) => misfit::literal(scope.dialect, column, text),
            _ => None,
        };
    }
    if let Value::Text(text) = value {
        let text = expressible(scope, column, text)?;
        let text = match column.kind {
            ColumnKind::PaddedText { length } if scope.dialect == Dialect::Sqlite => {
                padded::as_delivered(&text, length)
            }
            ColumnKind::PaddedText { .. } => text.trim_end_matches(' '),
            _ => &text,
        };
        return Some(match column.wire {
            // ASCII is the same in all of them, and a plain value is one that plans can estimate.
            Wire::Disguised(charset) if !text.is_ascii() => {
                Literal::stored(scope.dialect, column, &charset.encode(text)?)
            }
            _ => Literal::of_column(scope.dialect, column, text),
        });
    }
    Some(stored(scope.dialect, column, value))
}

/// The value of a cursor: also the bytes of one that could not be read.
pub(crate) fn position(scope: &Scope<'_>, column: ColumnType, value: &Value) -> Option<Literal> {
    let dialect = scope.dialect;
    match value {
        Value::Unreadable(cell) => Some(Literal::stored(dialect, column, cell.bytes())),
        _ => literal(scope, column, value),
    }
}

/// The text as rows of the column can hold it.
pub(crate) fn expressible<'t>(
    scope: &Scope<'_>,
    column: ColumnType,
    text: &'t str,
) -> Option<Cow<'t, str>> {
    // PostgreSQL cannot store U+0000 and refuses the statement.
    if scope.dialect == Dialect::Postgres && text.contains('\0') {
        return None;
    }
    column.wire.express(text).filter(|text| scope.repertoire.holds(text))
}

fn stored(dialect: Dialect, column: ColumnType, value: &Value) -> Literal {
    match dialect {
        Dialect::Postgres => {
            let cast = Some(postgres_type(column.storage, value));
            match value {
                Value::Bytes(bytes) => Literal::new(bytes.clone(), cast),
                other => Literal::new(postgres_form(other), cast),
            }
        }
        Dialect::Mysql => mysql(column, value),
        Dialect::Sqlite => Literal::new(sqlite(value), None),
    }
}

fn sqlite(value: &Value) -> sea_query::Value {
    match value {
        Value::Boolean(truth) => i64::from(*truth).into(),
        Value::Integer(number) => (*number).into(),
        Value::Decimal(decimal) => match decimal.as_str().parse::<i64>() {
            Ok(number) => number.into(),
            Err(_) => decimal.as_str().parse::<f64>().unwrap_or(f64::NAN).into(),
        },
        Value::Bytes(bytes) => bytes.clone().into(),
        other => text_form(other).into(),
    }
}

fn mysql(column: ColumnType, value: &Value) -> Literal {
    let float = |decimal: &str| decimal.parse::<f64>().unwrap_or(f64::NAN);
    let digits = match value {
        Value::Integer(number) => Some(Cow::Owned(number.to_string())),
        Value::Decimal(decimal) => Some(Cow::Borrowed(decimal.as_str())),
        _ => None,
    };
    match (value, column.storage, digits) {
        (_, Storage::Double, Some(digits)) => Literal::new(float(&digits), None),
        // The column widens to a double; so must the value, from the same 32 bits.
        (_, Storage::Single, Some(digits)) => Literal::new(f64::from(float(&digits) as f32), None),
        (Value::Integer(number), ..) => Literal::new(*number, None),
        (Value::Decimal(decimal), ..) => Literal::new(decimal.as_str(), Some("DECIMAL(65,30)")),
        (Value::Boolean(truth), ..) => Literal::new(i64::from(*truth), None),
        (Value::Bytes(bytes), ..) => Literal::new(bytes.clone(), None),
        (Value::Date(_), ..) => Literal::new(text_form(value), Some("DATE")),
        (Value::Time(_), ..) => Literal::new(text_form(value), Some("TIME(6)")),
        (Value::DateTime(_) | Value::Instant(_), ..) => {
            Literal::new(text_form(value), Some("DATETIME(6)"))
        }
        (other, ..) => Literal::text(text_form(other)),
    }
}

/// The type to cast a parameter to. A number keeps its own width unless the column is binary, so
/// that no value overflows; PostgreSQL compares the widths with each other and still uses an index.
pub(crate) fn postgres_type(storage: Storage, value: &Value) -> &'static str {
    match storage {
        Storage::Text
        | Storage::Enumerated
        | Storage::Loose
        | Storage::TextForm
        | Storage::Digits => "text",
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

/// PostgreSQL writes the years before 1 with `BC` behind, and counts none of 0.
pub(crate) fn postgres_form(value: &Value) -> String {
    let day = match value {
        Value::Date(date) => *date,
        Value::DateTime(moment) => moment.date(),
        Value::Instant(instant) => instant.date_naive(),
        _ => return text_form(value),
    };
    if (1..=9999).contains(&day.year()) {
        return text_form(value);
    }
    let (year, era) = if day.year() > 0 { (day.year(), "") } else { (1 - day.year(), " BC") };
    let day = format!("{year:04}-{}", day.format("%m-%d"));
    let clock = match value {
        Value::DateTime(moment) => format!(" {}", time_form(moment.time())),
        Value::Instant(instant) => format!(" {}", time_form(instant.time())),
        _ => String::new(),
    };
    format!("{day}{clock}{era}")
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
pub(crate) fn postgres_array<'t>(items: impl Iterator<Item = Cow<'t, [u8]>>) -> Vec<u8> {
    let mut text = vec![b'{'];
    for item in items {
        if text.len() > 1 {
            text.push(b',');
        }
        text.push(b'"');
        for byte in item.iter() {
            if matches!(byte, b'"' | b'\\') {
                text.push(b'\\');
            }
            text.push(*byte);
        }
        text.push(b'"');
    }
    text.push(b'}');
    text
}
