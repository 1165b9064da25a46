//! The functions on numbers (<https://hl7.org/fhirpath/N1/#math>).
//!
//! Roots, powers with a fraction, logarithms and `exp` can't be exact; they are calculated with
//! 28 digits and rounded to 15 significant ones, so that `16.log(2)` is 4. What no number
//! is (the root of -1) is empty.

use rust_decimal::{Decimal, MathematicalOps, RoundingStrategy};

use super::{
    equality::number,
    error::Fault,
    function::Math,
    item::{Collection, Item},
    operator::{integer, whole_number},
};

const SIGNIFICANT_DIGITS: u32 = 15;

pub(super) fn call<'a>(
    function: Math,
    input: &Collection<'a>,
    arguments: &[Collection<'a>],
) -> Result<Collection<'a>, Fault> {
    let Some(item) = input.single()? else { return Ok(Collection::default()) };
    let item = item.simplified()?;
    let item = item.as_ref();
    if let (Math::Abs, Item::Quantity(quantity)) = (function, item) {
        let mut quantity = quantity.clone();
        quantity.value = quantity.value.abs();
        return Ok(Collection::of(Item::Quantity(quantity)));
    }
    let value = number(item).ok_or(Fault::WrongType {
        expected: "a number",
        found: item.type_label(),
    })?;
    let argument = match arguments {
        [argument, ..] => match argument.single()? {
            Some(argument) => Some(decimal_of(argument)?),
            None => return Ok(Collection::default()),
        },
        [] => None,
    };
    let is_integer = matches!(item, Item::Integer(_));
    let result = match function {
        Math::Abs if is_integer => i32::try_from(value.abs()).ok().map(Item::Integer),
        Math::Abs => Some(Item::Decimal(value.abs())),
        Math::Ceiling => Some(whole_number(value.ceil())),
        Math::Floor => Some(whole_number(value.floor())),
        Math::Truncate => Some(whole_number(value)),
        Math::Round => {
            let places = match arguments {
                [places, ..] => integer(places)?.unwrap_or(0),
                [] => 0,
            };
            let Ok(places) = u32::try_from(places) else {
                return Err(Fault::Argument { expected: "0 or more places" });
            };
            let strategy = RoundingStrategy::MidpointAwayFromZero;
            Some(Item::Decimal(value.round_dp_with_strategy(places, strategy)))
        }
        Math::Sqrt => value.sqrt().map(inexact),
        Math::Exp => value.checked_exp().map(inexact),
        Math::Ln => value.checked_ln().map(inexact),
        Math::Log => logarithm(value, argument.unwrap_or(Decimal::TEN)),
        Math::Power => power(value, argument.unwrap_or(Decimal::ONE), is_integer),
    };
    Ok(result.into_iter().collect())
}

fn decimal_of(item: &Item<'_>) -> Result<Decimal, Fault> {
    let item = item.simplified()?;
    number(item.as_ref())
        .ok_or(Fault::WrongType { expected: "a number", found: item.type_label() })
}

fn logarithm<'a>(value: Decimal, base: Decimal) -> Option<Item<'a>> {
    value.checked_ln()?.checked_div(base.checked_ln()?).map(inexact)
}

fn power<'a>(base: Decimal, exponent: Decimal, is_integer: bool) -> Option<Item<'a>> {
    if !exponent.fract().is_zero() {
        // The base of a broken exponent can't be negative.
        let power = if base.is_zero() {
            Decimal::ZERO
        } else {
            base.checked_ln()?.checked_mul(exponent)?.checked_exp()?
        };
        return Some(inexact(power));
    }
    let power = base.checked_powi(i64::try_from(exponent).ok()?)?;
    let whole = i32::try_from(power).ok().filter(|whole| Decimal::from(*whole) == power);
    match whole {
        Some(whole) if is_integer => Some(Item::Integer(whole)),
        _ => Some(Item::Decimal(power)),
    }
}

fn inexact<'a>(value: Decimal) -> Item<'a> {
    let strategy = RoundingStrategy::MidpointAwayFromZero;
    let rounded = value.round_sf_with_strategy(SIGNIFICANT_DIGITS, strategy).unwrap_or(value);
    Item::Decimal(rounded.normalize())
}
