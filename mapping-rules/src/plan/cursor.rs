//! Where a page ended: for each scan its last row, sealed into a token that says nothing to others
//! and can't be altered. No state is kept on the server.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use data_encoding::HEXLOWER;
use genkan_adapter::{Decimal, Unreadable, Value};

use super::Scan;
use crate::identity::Identity;

/// Where a scan goes on.
#[derive(Debug, Clone, PartialEq)]
pub enum Position {
    Start,
    /// Strictly after these values of its order.
    After(Vec<Value>),
    Done,
}

/// The positions of all scans of a search.
#[derive(Debug, Clone, PartialEq)]
pub struct Cursor(pub Vec<Position>);

impl Cursor {
    pub fn seal(&self, identity: &Identity, context: &[u8]) -> String {
        let mut texts: Vec<String> = Vec::new();
        for position in &self.0 {
            match position {
                Position::Start => texts.push("start".to_owned()),
                Position::Done => texts.push("done".to_owned()),
                Position::After(values) => {
                    texts.push("after".to_owned());
                    texts.extend(values.iter().map(encode));
                }
            }
        }
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        identity.seal(context, &texts)
    }

    /// Opens a token for these scans; `None` if it is not theirs.
    pub(super) fn open(
        identity: &Identity,
        context: &[u8],
        token: &str,
        scans: &[Scan],
    ) -> Option<Self> {
        let mut texts = identity.open(context, token)?.into_iter();
        let mut positions = Vec::with_capacity(scans.len());
        for scan in scans {
            positions.push(match texts.next()?.as_str() {
                "start" => Position::Start,
                "done" => Position::Done,
                "after" => {
                    let values = scan.order_columns.iter().map(|_| decode(&texts.next()?));
                    Position::After(values.collect::<Option<_>>()?)
                }
                _ => return None,
            });
        }
        texts.next().is_none().then_some(Cursor(positions))
    }
}

const DATE_TIME: &str = "%Y-%m-%dT%H:%M:%S%.f";

/// One letter for the kind, then the text: a cell may be of another kind than its column. Where the
/// bytes of a cell stop being text is not kept: its place in the order is that of the bytes.
pub(super) fn encode(value: &Value) -> String {
    match value {
        Value::Null | Value::Bytes(_) => "n".to_owned(),
        Value::Boolean(value) => format!("b{}", u8::from(*value)),
        Value::Integer(value) => format!("i{value}"),
        Value::Decimal(value) => format!("f{value}"),
        Value::Text(value) => format!("t{value}"),
        Value::Unreadable(value) => format!("x{}", HEXLOWER.encode(value.bytes())),
        Value::Date(value) => format!("d{value}"),
        Value::Time(value) => format!("h{}", value.format("%H:%M:%S%.f")),
        Value::DateTime(value) => format!("l{}", value.format(DATE_TIME)),
        Value::Instant(value) => format!("z{}", value.naive_utc().format(DATE_TIME)),
    }
}

fn decode(text: &str) -> Option<Value> {
    let (kind, text) = text.split_at_checked(1)?;
    Some(match kind {
        "n" => Value::Null,
        "b" => Value::Boolean(text == "1"),
        "i" => Value::Integer(text.parse().ok()?),
        "f" => Value::Decimal(Decimal::parse(text)?),
        "t" => Value::text(text),
        "x" => Value::Unreadable(Unreadable::new(HEXLOWER.decode(text.as_bytes()).ok()?, 0)),
        "d" => Value::Date(text.parse::<NaiveDate>().ok()?),
        "h" => Value::Time(NaiveTime::parse_from_str(text, "%H:%M:%S%.f").ok()?),
        "l" => Value::DateTime(NaiveDateTime::parse_from_str(text, DATE_TIME).ok()?),
        "z" => {
            let local = NaiveDateTime::parse_from_str(text, DATE_TIME).ok()?;
            Value::Instant(DateTime::<Utc>::from_naive_utc_and_offset(local, Utc))
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_survives_a_token() {
        let at = NaiveDate::from_ymd_opt(2026, 4, 1).and_then(|d| d.and_hms_milli_opt(1, 2, 3, 4));
        let at = at.expect("a time");
        for value in [
            Value::Null,
            Value::Boolean(true),
            Value::Integer(-5),
            Value::Decimal(Decimal::parse("0.50").expect("a decimal")),
            Value::text(""),
            Value::text("山田"),
            Value::Unreadable(Unreadable::new([0x41, 0xfc], 0)),
            Value::Date(at.date()),
            Value::Time(at.time()),
            Value::DateTime(at),
            Value::Instant(at.and_utc()),
        ] {
            assert_eq!(decode(&encode(&value)), Some(value.clone()), "{value:?}");
        }
    }
}
