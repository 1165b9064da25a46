//! Numbers as R4 compares them: the digits written say how exact a search is.

/// A decimal, exactly: units of 10^-18.
pub type Exact = i128;

const SCALE: u32 = 18;

/// `12.50`, `-3`, `1e3`.
pub fn exact(text: &str) -> Option<Exact> {
    Some(Written::of(text)?.value)
}

/// What a search for this number means when it is to be equal: half a unit of its last digit on
/// both sides.
pub fn around(text: &str) -> Option<(Exact, Exact)> {
    let Written { value, unit } = Written::of(text)?;
    Some((value - unit / 2, value + unit / 2))
}

struct Written {
    value: Exact,
    /// Of the last digit.
    unit: Exact,
}

impl Written {
    fn of(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
        let places = i32::try_from(SCALE).ok()? + exponent - i32::try_from(fraction.len()).ok()?;
        let unit = 10_i128.checked_pow(u32::try_from(places).ok()?)?;
        Some(Written { value: digits.checked_mul(unit)?, unit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digits_written_say_how_exact_a_number_is() {
        let one = 10_i128.pow(SCALE);
        assert_eq!(around("100"), Some((99 * one + one / 2, 100 * one + one / 2)));
        assert_eq!(around("1e2"), Some((50 * one, 150 * one)));
        assert_eq!(exact("0.50"), exact("0.5"));
        assert_eq!(exact("x"), None);
    }
}
