//! How exact a value is, and between which bounds it lies: functions that FHIRPath has on trial.

use chrono::{Datelike, Months, NaiveDateTime, TimeDelta};
use rust_decimal::{Decimal, RoundingStrategy};

use super::{
    decimal::MAX_SCALE,
    equality::{number, quantity},
    error::Fault,
    function::Exactness,
    item::{Collection, Item},
    operator::integer,
    temporal::{EARLIEST_OFFSET, LATEST_OFFSET, Precision, Temporal, TemporalKind},
};

const EXPECTED: &str = "a number, a Quantity, a date or a time";
/// Digits behind the point of a boundary when none are asked for.
const DEFAULT_SCALE: u32 = 8;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Bound {
    Low,
    High,
}

pub(super) fn call<'a>(
    function: Exactness,
    input: &Collection<'a>,
    arguments: &[Collection<'a>],
) -> Result<Collection<'a>, Fault> {
    let Some(item) = input.single()? else { return Ok(Collection::default()) };
    let item = item.simplified()?;
    let item = item.as_ref();
    let result = match function {
        Exactness::LowBoundary => boundary(item, arguments, Bound::Low)?,
        Exactness::HighBoundary => boundary(item, arguments, Bound::High)?,
        Exactness::Precision => Some(precision(item)?),
        Exactness::Comparable => {
            let other = arguments.first().map_or(Ok(None), Collection::single)?;
            let Some(other) = other else { return Ok(Collection::default()) };
            let other = other.simplified()?;
            match (quantity(item), quantity(other.as_ref())) {
                (Some(left), Some(right)) => Some(Item::Boolean(left.is_comparable(&right))),
                _ => {
                    let found = other.type_label();
                    return Err(Fault::WrongType { expected: "two Quantities", found });
                }
            }
        }
    };
    Ok(result.into_iter().collect())
}

fn boundary<'a>(
    item: &Item<'a>,
    arguments: &[Collection<'a>],
    bound: Bound,
) -> Result<Option<Item<'a>>, Fault> {
    let digits = match arguments {
        [digits, ..] => match integer(digits)? {
            Some(digits) => match u32::try_from(digits) {
                Ok(digits) => Some(digits),
                Err(_) => return Ok(None),
            },
            None => return Ok(None),
        },
        [] => None,
    };
    Ok(match item {
        Item::Temporal(temporal) => temporal_bound(*temporal, digits, bound).map(Item::Temporal),
        Item::Quantity(quantity) => {
            let value = decimal_bound(quantity.value, digits, bound);
            value.map(|value| {
                let mut quantity = quantity.clone();
                quantity.value = value;
                Item::Quantity(quantity)
            })
        }
        _ => {
            let wrong = Fault::WrongType { expected: EXPECTED, found: item.type_label() };
            let number = number(item).ok_or(wrong)?;
            decimal_bound(number, digits, bound).map(Item::Decimal)
        }
    })
}

/// The last digit was rounded: half of its step below and above.
fn decimal_bound(value: Decimal, digits: Option<u32>, bound: Bound) -> Option<Decimal> {
    let scale = digits.unwrap_or(DEFAULT_SCALE);
    if scale > MAX_SCALE {
        return None;
    }
    let half = Decimal::try_from_i128_with_scale(5, value.scale() + 1).ok()?;
    let (exact, strategy) = match bound {
        Bound::Low => (value.checked_sub(half)?, RoundingStrategy::ToNegativeInfinity),
        Bound::High => (value.checked_add(half)?, RoundingStrategy::ToPositiveInfinity),
    };
    let mut bound = exact.round_dp_with_strategy(scale, strategy);
    bound.rescale(scale);
    Some(bound)
}

fn temporal_bound(of: Temporal, digits: Option<u32>, bound: Bound) -> Option<Temporal> {
    let precision = match (of.kind, digits) {
        (TemporalKind::Date, None) => Precision::Day,
        (_, None) => Precision::Fraction(3),
        (kind, Some(digits)) => precision_of(kind, digits)?,
    };
    let start = match bound {
        Bound::Low => of.start,
        Bound::High => last_moment(of)?,
    };
    let whole = Temporal { start, precision, ..of };
    let unknown = match bound {
        Bound::Low => EARLIEST_OFFSET,
        Bound::High => LATEST_OFFSET,
    };
    let has_offset = of.kind == TemporalKind::DateTime && precision >= Precision::Hour;
    let offset = has_offset.then(|| of.offset.unwrap_or(unknown));
    Some(Temporal { start: whole.truncated(precision), offset, ..whole })
}

/// The last nanosecond of the stretch that a date or time covers.
fn last_moment(of: Temporal) -> Option<NaiveDateTime> {
    let nanosecond = TimeDelta::nanoseconds(1);
    let months = |count| of.start.checked_add_months(Months::new(count));
    let plus = |delta: TimeDelta| of.start.checked_add_signed(delta);
    let end = match of.precision {
        Precision::Year => months(12),
        Precision::Month => months(1),
        Precision::Day => plus(TimeDelta::days(1)),
        Precision::Hour => plus(TimeDelta::hours(1)),
        Precision::Minute => plus(TimeDelta::minutes(1)),
        Precision::Second => plus(TimeDelta::seconds(1)),
        Precision::Fraction(digits) => {
            plus(TimeDelta::nanoseconds(10_i64.pow(9 - u32::from(digits.min(9)))))
        }
    };
    end?.checked_sub_signed(nanosecond).filter(|last| last.year() <= 9999)
}

/// By its digits: 4 for a year, 17 for a time with milliseconds.
fn precision_of(kind: TemporalKind, digits: u32) -> Option<Precision> {
    let digits = if kind == TemporalKind::Time { digits.checked_add(8)? } else { digits };
    Some(match digits {
        4 => Precision::Year,
        6 => Precision::Month,
        8 => Precision::Day,
        _ if kind == TemporalKind::Date => return None,
        10 => Precision::Hour,
        12 => Precision::Minute,
        14 => Precision::Second,
        17 => Precision::Fraction(3),
        _ => return None,
    })
    .filter(|precision| kind != TemporalKind::Time || *precision >= Precision::Hour)
}

fn precision<'a>(item: &Item<'a>) -> Result<Item<'a>, Fault> {
    let digits = match item {
        Item::Temporal(of) => {
            let date = if of.kind == TemporalKind::Time { 0 } else { 8 };
            match of.precision {
                Precision::Year => 4,
                Precision::Month => 6,
                Precision::Day => 8,
                Precision::Hour => date + 2,
                Precision::Minute => date + 4,
                Precision::Second => date + 6,
                Precision::Fraction(digits) => date + 6 + i32::from(digits),
            }
        }
        _ => {
            let expected = "a number, a date or a time";
            let wrong = Fault::WrongType { expected, found: item.type_label() };
            i32::try_from(number(item).ok_or(wrong)?.scale()).unwrap_or(i32::MAX)
        }
    };
    Ok(Item::Integer(digits))
}
