//! `toX()` and `convertsToX()` (<https://hl7.org/fhirpath/N1/#conversion>).

use std::borrow::Cow;

use rust_decimal::Decimal;

use super::{
    budget::Budget,
    decimal,
    error::Fault,
    function::Conversion,
    item::{Collection, Item},
    operator,
    quantity::{Quantity, is_ucum},
    temporal::{Temporal, TemporalKind},
};

pub(super) fn call<'a>(
    function: Conversion,
    input: &Collection<'a>,
    arguments: &[Collection<'a>],
    budget: &Budget,
) -> Result<Collection<'a>, Fault> {
    let Some(item) = input.single()? else { return Ok(Collection::default()) };
    let simple = item.simplified()?;
    let simple = simple.as_ref();
    let (converted, only_asks) = match function {
        Conversion::ToBoolean => (boolean(simple), false),
        Conversion::ConvertsToBoolean => (boolean(simple), true),
        Conversion::ToInteger => (integer(simple), false),
        Conversion::ConvertsToInteger => (integer(simple), true),
        Conversion::ToDecimal => (decimal(simple), false),
        Conversion::ConvertsToDecimal => (decimal(simple), true),
        Conversion::ToDate => (date(simple), false),
        Conversion::ConvertsToDate => (date(simple), true),
        Conversion::ToDateTime => (date_time(simple), false),
        Conversion::ConvertsToDateTime => (date_time(simple), true),
        Conversion::ToTime => (time(simple), false),
        Conversion::ConvertsToTime => (time(simple), true),
        Conversion::ToQuantity => (quantity(simple, arguments)?, false),
        Conversion::ConvertsToQuantity => (quantity(simple, arguments)?, true),
        // The element itself: its text is what was written.
        Conversion::ToString => (string(item, budget)?, false),
        Conversion::ConvertsToString => (string(item, budget)?, true),
    };
    Ok(match converted {
        _ if only_asks => Collection::of_boolean(Some(converted.is_some())),
        Some(item) => Collection::of(item),
        None => Collection::default(),
    })
}

fn boolean<'a>(item: &Item<'a>) -> Option<Item<'a>> {
    let of_number = |number: Decimal| {
        (number == Decimal::ONE || number.is_zero()).then_some(!number.is_zero())
    };
    let boolean = match item {
        Item::Boolean(boolean) => Some(*boolean),
        Item::Integer(integer) => of_number(Decimal::from(*integer)),
        Item::Decimal(decimal) => of_number(*decimal),
        Item::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "1" | "1.0" => Some(true),
            "false" | "f" | "no" | "n" | "0" | "0.0" => Some(false),
            _ => None,
        },
        _ => None,
    };
    boolean.map(Item::Boolean)
}

fn integer<'a>(item: &Item<'a>) -> Option<Item<'a>> {
    let integer = match item {
        Item::Integer(integer) => Some(*integer),
        Item::Boolean(boolean) => Some(i32::from(*boolean)),
        // Rust reads a sign and digits, nothing else.
        Item::String(text) => text.parse().ok(),
        _ => None,
    };
    integer.map(Item::Integer)
}

fn decimal<'a>(item: &Item<'a>) -> Option<Item<'a>> {
    let decimal = match item {
        Item::Integer(integer) => Some(Decimal::from(*integer)),
        Item::Decimal(decimal) => Some(*decimal),
        Item::Boolean(boolean) => Some(Decimal::new(if *boolean { 10 } else { 0 }, 1)),
        Item::String(text) => decimal::parse_signed(text),
        _ => None,
    };
    decimal.map(Item::Decimal)
}

fn date<'a>(item: &Item<'a>) -> Option<Item<'a>> {
    let date = match item {
        Item::Temporal(of) if of.kind != TemporalKind::Time => Some(of.date()),
        Item::String(text) => Temporal::parse_date(text),
        _ => None,
    };
    date.map(Item::Temporal)
}

fn date_time<'a>(item: &Item<'a>) -> Option<Item<'a>> {
    let date_time = match item {
        Item::Temporal(of) if of.kind != TemporalKind::Time => {
            Some(Temporal { kind: TemporalKind::DateTime, ..*of })
        }
        Item::String(text) => Temporal::parse_date_time(text),
        _ => None,
    };
    date_time.map(Item::Temporal)
}

fn time<'a>(item: &Item<'a>) -> Option<Item<'a>> {
    let time = match item {
        Item::Temporal(of) if of.kind == TemporalKind::Time => Some(*of),
        Item::String(text) => Temporal::parse_time(text),
        _ => None,
    };
    time.map(Item::Temporal)
}

/// With an argument, in that unit.
fn quantity<'a>(
    item: &Item<'a>,
    arguments: &[Collection<'a>],
) -> Result<Option<Item<'a>>, Fault> {
    let quantity = match item {
        Item::Quantity(quantity) => Some(quantity.as_ref().clone()),
        Item::Integer(integer) => Some(Quantity::number(Decimal::from(*integer))),
        Item::Decimal(decimal) => Some(Quantity::number(*decimal)),
        Item::Boolean(boolean) => {
            Some(Quantity::number(Decimal::new(if *boolean { 10 } else { 0 }, 1)))
        }
        Item::String(text) => Quantity::parse(text),
        _ => None,
    };
    let quantity = match (quantity, arguments) {
        (Some(quantity), [unit, ..]) => match operator::string(unit)? {
            Some(unit) if is_ucum(&unit) => quantity.in_unit(&unit),
            Some(_) => return Err(Fault::Argument { expected: "a unit of UCUM or the calendar" }),
            None => None,
        },
        (quantity, _) => quantity,
    };
    Ok(quantity.map(|quantity| Item::Quantity(Box::new(quantity))))
}

fn string<'a>(item: &Item<'a>, budget: &Budget) -> Result<Option<Item<'a>>, Fault> {
    if matches!(item, Item::Type(_)) {
        return Ok(None);
    }
    let Some(text) = item.text() else { return Ok(None) };
    if let Cow::Owned(text) = &text {
        budget.spend_string(text.len())?;
    }
    Ok(Some(Item::String(text)))
}
