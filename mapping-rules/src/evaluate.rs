//! Runs an expression forwards on one row. Total: an expression always has a text or is empty, and
//! what could not be read is a fault beside it.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;

use chrono::FixedOffset;
use genkan_adapter::{ColumnKind, Comparison, Row, Value};

use crate::expression::ExpressionKind as K;
use crate::image;
use crate::lens::{Fault, Lens, LensContext};
use crate::program::{ColumnUse, Place, Term};

/// The rows that an expression sees.
#[derive(Clone, Copy)]
pub struct Frame<'a> {
    pub root: &'a Row,
    /// The child row of the surrounding `$each`, with the index of its child.
    pub child: Option<(usize, &'a Row)>,
    pub lookups: &'a BTreeMap<String, BTreeMap<String, String>>,
    pub zone: FixedOffset,
}

/// A cell that a converter could not read.
#[derive(Debug, Clone)]
pub struct FaultAt {
    pub fault: Fault,
    pub span: crate::diagnostic::Span,
}

/// The text of an expression; `None` when it is empty.
pub fn text<'a>(
    term: &'a Term,
    frame: &Frame<'a>,
    faults: &mut Vec<FaultAt>,
) -> Option<Cow<'a, str>> {
    match &term.kind {
        K::Name(column) => cell(column, frame),
        K::Text(text) => (!text.is_empty()).then_some(Cow::Borrowed(text.as_str())),
        K::Pipe(inner, Lens::DateTime)
            if let K::Concat(parts) = &inner.kind
                && let [day, time] = parts.as_slice() =>
        {
            let (day, time) = (text(day, frame, faults), text(time, frame, faults));
            let context = LensContext { zone: frame.zone };
            let (at, fault) = Lens::day_and_time(day.as_deref(), time.as_deref(), &context);
            faults.extend(fault.map(|fault| FaultAt { fault, span: term.span }));
            at.map(Cow::Owned)
        }
        K::Pipe(inner, lens) => {
            let input = text(inner, frame, faults);
            convert(term, lens, input, frame, faults)
        }
        K::Template(parts) => {
            let mut whole = String::new();
            for part in parts {
                whole.push_str(&text(part, frame, faults)?);
            }
            Some(Cow::Owned(whole))
        }
        K::Concat(parts) => {
            let mut whole = String::new();
            for part in parts {
                whole.push_str(&text(part, frame, faults).unwrap_or_default());
            }
            (!whole.is_empty()).then_some(Cow::Owned(whole))
        }
        K::Else(first, second) => {
            text(first, frame, faults).or_else(|| text(second, frame, faults))
        }
        K::Lookup { table, key } => {
            let key = text(key, frame, faults)?;
            frame.lookups.get(table)?.get(&*key).map(|found| Cow::Borrowed(found.as_str()))
        }
        _ => Some(Cow::Borrowed(if truth(term, frame, faults) { "true" } else { "false" })),
    }
}

/// The truth of a condition: a comparison, or an expression whose text is `true`.
pub fn truth<'a>(term: &'a Term, frame: &Frame<'a>, faults: &mut Vec<FaultAt>) -> bool {
    match &term.kind {
        K::And(terms) => terms.iter().all(|term| truth(term, frame, faults)),
        K::Or(terms) => terms.iter().any(|term| truth(term, frame, faults)),
        K::Not(inner) => !truth(inner, frame, faults),
        K::Exists(inner) => text(inner, frame, faults).is_some(),
        K::In(inner, values) => {
            text(inner, frame, faults).is_some_and(|text| values.iter().any(|v| *v == *text))
        }
        K::Compare(left, comparison, right) => {
            let numeric = is_numeric(left) || is_numeric(right);
            let (left, right) = (text(left, frame, faults), text(right, frame, faults));
            compare(left.as_deref(), *comparison, right.as_deref(), numeric)
        }
        _ => text(term, frame, faults).is_some_and(|text| text == "true"),
    }
}

fn convert<'a>(
    term: &'a Term,
    lens: &'a Lens,
    input: Option<Cow<'a, str>>,
    frame: &Frame<'a>,
    faults: &mut Vec<FaultAt>,
) -> Option<Cow<'a, str>> {
    let context = LensContext { zone: frame.zone };
    let Some(input) = input else {
        // `map … else V` says what an empty cell means; every other converter keeps it empty.
        return match lens {
            Lens::Map(map) => {
                let blank = map.pairs.iter().find(|(key, _)| key.is_empty()).map(|(_, v)| v);
                blank.or(map.otherwise.as_ref()).map(|text| Cow::Borrowed(text.as_str()))
            }
            _ => None,
        };
    };
    let output = match input {
        Cow::Borrowed(input) => lens.forward(input, &context),
        Cow::Owned(input) => lens
            .forward(&input, &context)
            .map(|output| output.map(|text| Cow::Owned(text.into_owned()))),
    };
    output.unwrap_or_else(|fault| {
        faults.push(FaultAt { fault, span: term.span });
        None
    })
}

/// True for a bare column of a number kind and for `num`: compared by value, not by digits.
fn is_numeric(term: &Term) -> bool {
    let number = |kind| matches!(kind, ColumnKind::Integer | ColumnKind::Decimal);
    match &term.kind {
        K::Name(column) => number(column.kind),
        K::Pipe(_, lens) => *lens == Lens::Number,
        _ => false,
    }
}

fn compare(left: Option<&str>, comparison: Comparison, right: Option<&str>, numeric: bool) -> bool {
    let (Some(left), Some(right)) = (left, right) else {
        return comparison == Comparison::NotEqual;
    };
    let order = if numeric { decimal_order(left, right) } else { Some(left.cmp(right)) };
    let Some(order) = order else { return comparison == Comparison::NotEqual };
    match comparison {
        Comparison::Equal => order == Ordering::Equal,
        Comparison::NotEqual => order != Ordering::Equal,
        Comparison::Less => order == Ordering::Less,
        Comparison::LessOrEqual => order != Ordering::Greater,
        Comparison::Greater => order == Ordering::Greater,
        Comparison::GreaterOrEqual => order != Ordering::Less,
    }
}

/// Compares decimals by their digits: exact at any length, and no binary float.
pub(crate) fn decimal_order(left: &str, right: &str) -> Option<Ordering> {
    let (left, right) = (parts(left)?, parts(right)?);
    let sign = |(negative, whole, fraction): &(bool, &str, &str)| {
        let zero = whole.is_empty() && fraction.is_empty();
        if zero {
            0
        } else if *negative {
            -1
        } else {
            1
        }
    };
    let signs = sign(&left).cmp(&sign(&right));
    if signs != Ordering::Equal || sign(&left) == 0 {
        return Some(signs);
    }
    let size = left.1.len().cmp(&right.1.len()).then(left.1.cmp(right.1)).then(left.2.cmp(right.2));
    Some(if left.0 { size.reverse() } else { size })
}

/// Sign, whole digits without leading zeros, fraction without trailing zeros.
fn parts(text: &str) -> Option<(bool, &str, &str)> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let valid = !whole.is_empty() && all_digits(whole) && all_digits(fraction);
    valid.then(|| (negative, whole.trim_start_matches('0'), fraction.trim_end_matches('0')))
}

fn cell<'a>(column: &ColumnUse, frame: &Frame<'a>) -> Option<Cow<'a, str>> {
    let text = value_text(raw(column, frame)?, frame.zone)?;
    (!image::is_blank(column, &text)).then_some(text)
}

/// Whether the row says something in this column.
pub fn is_filled(column: &ColumnUse, frame: &Frame<'_>) -> bool {
    cell(column, frame).is_some_and(|text| !text.trim().is_empty())
}

/// The stored value behind a column, before blanks are looked at.
pub fn raw<'a>(column: &ColumnUse, frame: &Frame<'a>) -> Option<&'a Value> {
    let row = match (column.place, frame.child) {
        (Place::Root, _) => frame.root,
        (Place::Child(place), Some((index, row))) if place == index => row,
        (Place::Child(_), _) => return None,
    };
    row.values().get(column.index)
}

/// A value as the text that expressions work on: ISO dates, digits, `true` and `false`. What can't be
/// read has none, and its row is no resource.
pub fn value_text(value: &Value, zone: FixedOffset) -> Option<Cow<'_, str>> {
    Some(match value {
        Value::Null | Value::Bytes(_) | Value::Unreadable(_) => return None,
        Value::Boolean(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
        Value::Integer(value) => Cow::Owned(value.to_string()),
        Value::Decimal(value) => Cow::Borrowed(value.as_str()),
        Value::Text(value) => Cow::Borrowed(value.as_str()),
        Value::Date(value) => Cow::Owned(value.format("%Y-%m-%d").to_string()),
        Value::Time(value) => Cow::Owned(value.format("%H:%M:%S%.f").to_string()),
        Value::DateTime(value) => Cow::Owned(value.format("%Y-%m-%dT%H:%M:%S%.f").to_string()),
        Value::Instant(value) => {
            let local = value.with_timezone(&zone);
            Cow::Owned(local.format("%Y-%m-%dT%H:%M:%S%.f%:z").to_string())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_compare_by_value_at_any_length() {
        for (left, right, order) in [
            ("0.50", "0.5", Some(Ordering::Equal)),
            ("-0", "0.0", Some(Ordering::Equal)),
            ("10", "9", Some(Ordering::Greater)),
            ("-10", "-9", Some(Ordering::Less)),
            ("0.09", "0.1", Some(Ordering::Less)),
            (
                "123456789012345678901234567890.1",
                "123456789012345678901234567890.2",
                Some(Ordering::Less),
            ),
            ("1+", "1", None),
            ("", "1", None),
        ] {
            assert_eq!(decimal_order(left, right), order, "{left} {right}");
        }
    }

    #[test]
    fn a_missing_value_differs_from_every_other_and_is_never_less() {
        assert!(compare(None, Comparison::NotEqual, Some("1"), false));
        assert!(!compare(None, Comparison::Equal, None, false));
        assert!(!compare(None, Comparison::Less, Some("1"), false));
        assert!(compare(Some("10"), Comparison::Greater, Some("9"), true));
    }
}
