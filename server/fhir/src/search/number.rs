//! The range that a number in a search means: `5.4` is everything that rounds to it.

/// From `low` up to but not including `high`, as plain decimal texts of the same scale.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DecimalRange {
    pub low: String,
    pub high: String,
}

/// Digits of the number written out; beyond any measured value, and inside 128 bits.
const MAX_DIGITS: i32 = 30;

impl DecimalRange {
    /// Half a unit of the last digit written on both sides: `100` is 99.5 to 100.5, `1.0e2` is 95
    /// to 105. `None` when the text isn't a decimal or has more than 30 digits.
    pub fn of(text: &str) -> Option<Self> {
        if !crate::definitions::is_decimal(text) {
            return None;
        }
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        // One digit more, so that half a unit is a whole number.
        let scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?.checked_add(1)?;
        if i32::try_from(digits.len()).ok()?.checked_add(scale.checked_abs()?)? > MAX_DIGITS {
            return None;
        }
        let tenths = digits.parse::<i128>().ok()?.checked_mul(10)?;
        let trailing_zeros = u32::try_from(scale.min(0).checked_neg()?).ok()?;
        let factor = 10_i128.checked_pow(trailing_zeros)?;
        let bound = |half: i128| {
            let number = tenths.checked_add(half)?.checked_mul(factor)?;
            Some(plain(number, usize::try_from(scale.max(0)).ok()?))
        };
        Some(Self { low: bound(-5)?, high: bound(5)? })
    }
}

/// `number` × 10^-`scale`, without an exponent.
fn plain(number: i128, scale: usize) -> String {
    let sign = if number < 0 { "-" } else { "" };
    let digits = format!("{:0width$}", number.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}
