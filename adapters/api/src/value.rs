//! What a cell of a hospital's row can be. Decimals and text are kept exactly as the source holds
//! them: a result of `0.50` has two decimals because the laboratory measured two.

use std::cmp::Ordering;
use std::fmt;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};

/// One cell. `Null` is SQL's NULL and nothing else: blank text stays text, because only the rules
/// know what a source means by it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Boolean(bool),
    Integer(i64),
    Decimal(Decimal),
    Text(String),
    /// Text whose bytes mean nothing in the encoding of the source.
    Unreadable(Unreadable),
    Date(NaiveDate),
    Time(NaiveTime),
    /// A date and time without a zone: the wall clock of the hospital.
    DateTime(NaiveDateTime),
    /// A point in time with a zone, normalised to UTC.
    Instant(DateTime<Utc>),
    Bytes(Vec<u8>),
}

impl Value {
    pub fn text(text: impl Into<String>) -> Self {
        Value::Text(text.into())
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }
}

/// The bytes of a text that can't be read, as they are stored, so that a cursor can stand on them.
/// Nobody shows them: they are content all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    bytes: Box<[u8]>,
    at: usize,
}

impl Unreadable {
    /// `at` is the index of the first byte that can't be read.
    pub fn new(bytes: impl Into<Box<[u8]>>, at: usize) -> Self {
        Unreadable { bytes: bytes.into(), at }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn at(&self) -> usize {
        self.at
    }

    /// The first byte that can't be read; by itself it is no character.
    pub fn byte(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }
}

/// A decimal number in the digits that the source wrote, never a binary float.
///
/// Two decimals are equal when their digits are: `0.5` and `0.50` differ, as they do in FHIR.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Decimal(Box<str>);

impl Decimal {
    /// Takes `-12.50`; refuses everything that is not sign, digits and at most one point with
    /// digits on both sides.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let numeric = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        (numeric(whole) && numeric(fraction)).then(|| Decimal(text.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// By value, whatever the number of digits: `0.5` equals `0.50`, and `-0` equals `0`.
    pub fn compare(&self, other: &Decimal) -> Ordering {
        let (left, right) = (Magnitude::of(self), Magnitude::of(other));
        match (left.negative, right.negative) {
            (false, false) => left.compare(&right),
            (true, true) => right.compare(&left),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

/// Sign and digits without meaningless zeros.
struct Magnitude<'d> {
    negative: bool,
    whole: &'d str,
    fraction: &'d str,
}

impl<'d> Magnitude<'d> {
    fn of(decimal: &'d Decimal) -> Self {
        let digits = decimal.0.trim_start_matches('-');
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        let zero = whole.is_empty() && fraction.is_empty();
        Magnitude { negative: decimal.0.starts_with('-') && !zero, whole, fraction }
    }

    fn compare(&self, other: &Magnitude<'_>) -> Ordering {
        let whole = self.whole.len().cmp(&other.whole.len()).then(self.whole.cmp(other.whole));
        whole.then(self.fraction.cmp(other.fraction))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<i64> for Decimal {
    fn from(value: i64) -> Self {
        Decimal(value.to_string().into())
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::Integer(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Value::Text(value.to_owned())
    }
}

/// One row: the cells in the order of [`RowQuery::columns`](crate::RowQuery::columns).
#[derive(Debug, Clone, PartialEq)]
pub struct Row(pub Box<[Value]>);

impl Row {
    pub fn values(&self) -> &[Value] {
        &self.0
    }
}
