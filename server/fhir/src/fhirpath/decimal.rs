//! Exact decimals of 28 digits: what FHIRPath's `Decimal` asks for.
//!
//! `rust_decimal` is taken because its range is the one that FHIRPath names (28 digits, at least
//! 8 of them behind the point), a value is 16 bytes without allocation, and the trailing zeros
//! that a laboratory wrote stay. A number of an element that has more digits is an error where it
//! is calculated with, never rounded in silence; products and quotients are rounded at the 28th
//! digit.

use rust_decimal::{Decimal, RoundingStrategy};

/// The most digits behind the point.
pub(super) const MAX_SCALE: u32 = 28;

/// A number as JSON writes it, perhaps with an exponent; `None` if it has too many digits.
pub(super) fn parse_json(text: &str) -> Option<Decimal> {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
        return Decimal::from_str_exact(text).ok();
    };
    let exponent: i32 = exponent.parse().ok()?;
    let mantissa = Decimal::from_str_exact(mantissa).ok()?;
    shifted(mantissa, exponent)
}

fn shifted(mantissa: Decimal, exponent: i32) -> Option<Decimal> {
    let scale = i32::try_from(mantissa.scale()).ok()?.checked_sub(exponent)?;
    let mut number = mantissa;
    if scale >= 0 {
        number.set_scale(u32::try_from(scale).ok()?).ok()?;
        return Some(number);
    }
    number.set_scale(0).ok()?;
    let mut left = scale.unsigned_abs();
    if left > MAX_SCALE {
        return number.is_zero().then_some(Decimal::ZERO);
    }
    while left > 0 {
        number = number.checked_mul(Decimal::TEN)?;
        left -= 1;
    }
    Some(number)
}

/// `digits × 10^exponent`, rounded to what a decimal holds.
pub(super) fn from_parts(digits: i128, exponent: i32) -> Option<Decimal> {
    let mut digits = digits;
    let mut exponent = exponent;
    let max_scale = i32::try_from(MAX_SCALE).ok()?;
    // Too fine a step to be held: drop digits, rounding the last one.
    while exponent < -max_scale {
        let (rest, last) = (digits / 10, digits % 10);
        let is_last = exponent + 1 == -max_scale;
        digits = rest + if is_last && last.abs() >= 5 { last.signum() } else { 0 };
        exponent += 1;
        if digits == 0 {
            return Some(Decimal::ZERO);
        }
    }
    let mantissa = Decimal::try_from_i128_with_scale(digits, 0).ok()?;
    shifted(mantissa, exponent)
}

/// `(+|-)?\d+(\.\d+)?`
pub(super) fn parse_signed(text: &str) -> Option<Decimal> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return None;
    }
    Decimal::from_str_exact(text.strip_prefix('+').unwrap_or(text)).ok()
}

/// Equal when rounded as the less exact of them; trailing zeros aren't exactness.
pub(super) fn is_equivalent(left: Decimal, right: Decimal) -> bool {
    let scale = left.normalize().scale().min(right.normalize().scale());
    rounded(left, scale) == rounded(right, scale)
}

pub(super) fn rounded(number: Decimal, scale: u32) -> Decimal {
    number.round_dp_with_strategy(scale, RoundingStrategy::MidpointAwayFromZero)
}
