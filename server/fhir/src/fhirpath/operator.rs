//! The operators on single values: arithmetic, order, concatenation and logic.

use std::{borrow::Cow, cmp::Ordering};

use rust_decimal::Decimal;

use super::{
    budget::Budget,
    equality::{number, quantity},
    error::Fault,
    item::{Collection, Item},
    program::Operator,
    quantity::Quantity,
    temporal::{CalendarUnit, Temporal, TemporalKind},
};

/// In three values, `None` for empty.
pub(super) fn logic(operator: Operator, left: Option<bool>, right: Option<bool>) -> Option<bool> {
    match (operator, left, right) {
        (Operator::And, Some(false), _) | (Operator::And, _, Some(false)) => Some(false),
        (Operator::And, Some(true), Some(true)) => Some(true),
        (Operator::Or, Some(true), _) | (Operator::Or, _, Some(true)) => Some(true),
        (Operator::Or, Some(false), Some(false)) => Some(false),
        (Operator::Xor, Some(left), Some(right)) => Some(left != right),
        (Operator::Implies, Some(true), right) => right,
        (Operator::Implies, Some(false), _) | (Operator::Implies, _, Some(true)) => Some(true),
        _ => None,
    }
}

/// The one integer; `None` for empty.
pub(super) fn integer(of: &Collection<'_>) -> Result<Option<i32>, Fault> {
    let Some(item) = of.single()? else { return Ok(None) };
    match item.simplified()?.as_ref() {
        Item::Integer(integer) => Ok(Some(*integer)),
        other => Err(Fault::WrongType { expected: "Integer", found: other.type_label() }),
    }
}

/// The one string; `None` for empty.
pub(super) fn string<'a>(of: &Collection<'a>) -> Result<Option<Cow<'a, str>>, Fault> {
    let Some(item) = of.single()? else { return Ok(None) };
    match item.simplified()?.as_ref() {
        Item::String(text) => Ok(Some(text.clone())),
        other => Err(Fault::WrongType { expected: "String", found: other.type_label() }),
    }
}

pub(super) fn negate<'a>(of: &Collection<'a>) -> Result<Collection<'a>, Fault> {
    let Some(item) = of.single()? else { return Ok(Collection::default()) };
    Ok(match item.simplified()?.as_ref() {
        Item::Integer(integer) => {
            integer.checked_neg().map(Item::Integer).into_iter().collect()
        }
        Item::Decimal(decimal) => Collection::of(Item::Decimal(-*decimal)),
        Item::Quantity(quantity) => Collection::of(Item::Quantity(Box::new(quantity.negated()))),
        other => {
            let expected = "a number or a Quantity";
            return Err(Fault::WrongType { expected, found: other.type_label() });
        }
    })
}

/// `<`, `<=`, `>` and `>=`.
pub(super) fn inequality(
    operator: Operator,
    left: &Collection<'_>,
    right: &Collection<'_>,
) -> Result<Option<bool>, Fault> {
    let (left, right) = (left.single()?, right.single()?);
    let (Some(left), Some(right)) = (left, right) else { return Ok(None) };
    Ok(compare(left, right)?.map(|order| match operator {
        Operator::Less => order == Ordering::Less,
        Operator::LessOrEqual => order != Ordering::Greater,
        Operator::Greater => order == Ordering::Greater,
        _ => order != Ordering::Less,
    }))
}

/// The order of two items; `None` where it is unknown, an error where there is none.
pub(super) fn compare(left: &Item<'_>, right: &Item<'_>) -> Result<Option<Ordering>, Fault> {
    let (left, right) = (left.simplified()?, right.simplified()?);
    let (left, right) = (left.as_ref(), right.as_ref());
    let mismatch = || Fault::Mismatch { left: left.type_label(), right: right.type_label() };
    match (left, right) {
        (Item::Integer(left), Item::Integer(right)) => Ok(Some(left.cmp(right))),
        (Item::String(left), Item::String(right)) => Ok(Some(left.cmp(right))),
        (Item::Temporal(first), Item::Temporal(second)) => {
            let is_time = |of: &Temporal| of.kind == TemporalKind::Time;
            if is_time(first) != is_time(second) {
                return Err(mismatch());
            }
            Ok(first.compare(*second))
        }
        _ => {
            if let (Some(left), Some(right)) = (number(left), number(right)) {
                return Ok(Some(left.cmp(&right)));
            }
            match (quantity(left), quantity(right)) {
                (Some(left), Some(right)) => Ok(left.compare(&right)),
                _ => Err(mismatch()),
            }
        }
    }
}

/// The operators that make a new value. What can't be represented is empty (N1, 6.6).
pub(super) fn arithmetic<'a>(
    operator: Operator,
    left: &Collection<'a>,
    right: &Collection<'a>,
    budget: &Budget,
) -> Result<Collection<'a>, Fault> {
    if operator == Operator::Concatenate {
        return concatenate(left, right, budget);
    }
    let (left, right) = (left.single()?, right.single()?);
    let (Some(left), Some(right)) = (left, right) else { return Ok(Collection::default()) };
    let (left, right) = (left.simplified()?, right.simplified()?);
    let (left, right) = (left.as_ref(), right.as_ref());
    let mismatch = || Fault::Mismatch { left: left.type_label(), right: right.type_label() };
    let value = match (left, right) {
        (Item::Integer(left), Item::Integer(right)) => integers(operator, *left, *right),
        (Item::String(left), Item::String(right)) if operator == Operator::Add => {
            budget.spend_string(left.len() + right.len())?;
            Some(Item::String(Cow::Owned(format!("{left}{right}"))))
        }
        (Item::Temporal(temporal), Item::Quantity(quantity)) => {
            let amount = match operator {
                Operator::Add => quantity.value,
                Operator::Subtract => -quantity.value,
                _ => return Err(mismatch()),
            };
            temporal.plus(amount, addable(*temporal, quantity)?).map(Item::Temporal)
        }
        _ => match (number(left), number(right)) {
            (Some(left), Some(right)) => decimals(operator, left, right),
            _ => match (quantity(left), quantity(right)) {
                (Some(left), Some(right)) => quantities(operator, &left, &right)
                    .ok_or_else(mismatch)?
                    .map(|quantity| Item::Quantity(Box::new(quantity))),
                _ => return Err(mismatch()),
            },
        },
    };
    Ok(value.into_iter().collect())
}

fn integers<'a>(operator: Operator, left: i32, right: i32) -> Option<Item<'a>> {
    let integer = match operator {
        Operator::Multiply => left.checked_mul(right),
        Operator::Add => left.checked_add(right),
        Operator::Subtract => left.checked_sub(right),
        Operator::Div => left.checked_div(right),
        Operator::Mod => left.checked_rem(right),
        _ => return decimals(operator, left.into(), right.into()),
    };
    integer.map(Item::Integer)
}

fn decimals<'a>(operator: Operator, left: Decimal, right: Decimal) -> Option<Item<'a>> {
    let decimal = match operator {
        Operator::Multiply => left.checked_mul(right),
        Operator::Add => left.checked_add(right),
        Operator::Subtract => left.checked_sub(right),
        Operator::Divide => left.checked_div(right),
        Operator::Mod => left.checked_rem(right),
        Operator::Div => {
            // Without the remainder the quotient is whole, and no rounding makes it greater.
            let whole = left.checked_sub(left.checked_rem(right)?)?.checked_div(right)?;
            return Some(whole_number(whole));
        }
        _ => None,
    };
    decimal.map(Item::Decimal)
}

/// An Integer, if it is in its range.
pub(super) fn whole_number<'a>(number: Decimal) -> Item<'a> {
    let number = number.trunc();
    i32::try_from(number).map_or(Item::Decimal(number), Item::Integer)
}

/// The outer `None` is an operator that quantities don't have.
fn quantities<'a>(
    operator: Operator,
    left: &Quantity<'a>,
    right: &Quantity<'a>,
) -> Option<Option<Quantity<'a>>> {
    Some(match operator {
        Operator::Add => left.plus(right),
        Operator::Subtract => left.plus(&right.negated()),
        Operator::Multiply => left.times(right),
        Operator::Divide => left.divided_by(right),
        _ => return None,
    })
}

/// The unit as one that can be added to a date or time of this type.
fn addable(to: Temporal, quantity: &Quantity<'_>) -> Result<CalendarUnit, Fault> {
    let (units, allowed) = match to.kind {
        TemporalKind::Date => {
            (CalendarUnit::Year..=CalendarUnit::Day, "years, months, weeks and days")
        }
        TemporalKind::Time => (
            CalendarUnit::Hour..=CalendarUnit::Millisecond,
            "hours, minutes, seconds and milliseconds",
        ),
        TemporalKind::DateTime => (
            CalendarUnit::Year..=CalendarUnit::Millisecond,
            "years, months, weeks, days, hours, minutes, seconds and milliseconds",
        ),
    };
    let unit = quantity.calendar_unit().filter(|unit| units.contains(unit));
    unit.ok_or(Fault::Unit { allowed })
}

/// `&`: what is empty counts as an empty string.
fn concatenate<'a>(
    left: &Collection<'a>,
    right: &Collection<'a>,
    budget: &Budget,
) -> Result<Collection<'a>, Fault> {
    let (left, right) = (string(left)?.unwrap_or_default(), string(right)?.unwrap_or_default());
    budget.spend_string(left.len() + right.len())?;
    Ok(Collection::of(Item::String(Cow::Owned(format!("{left}{right}")))))
}
