//! What a number in a search means: `5.4` is everything that rounds to it, `ap5.4` a tenth around it.
//!
//! Spec: <https://hl7.org/fhir/R4/search.html#number>. A number has the precision of its last digit,
//! also with an exponent: `1e2` is 50 to 150, as `1.0e2` is 95 to 105. R4's table gives `1e2` the
//! range of the latter, against its own rule and its example for `5.40e-3`.

/// From `low` to `high`, as plain decimal texts of the same scale.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DecimalRange {
    pub low: String,
    pub high: String,
}

/// Digits of the number written out; beyond any measured value, and inside 128 bits.
const MAX_DIGITS: i32 = 30;

impl DecimalRange {
    /// Half a unit of the last digit written on both sides, without the upper bound: `100` is 99.5 to
    /// 100.5. `None` when the text isn't a decimal or has more than 30 digits.
    pub fn of(text: &str) -> Option<Self> {
        Written::of(text)?.around(5)
    }

    /// A tenth of the number on both sides, with both bounds.
    pub fn about(text: &str) -> Option<Self> {
        let written = Written::of(text)?;
        written.around(written.digits.checked_abs()?)
    }
}

/// The number written out without an exponent: `5.40e-3` is `0.00540`.
pub fn written_out(text: &str) -> Option<String> {
    let Written { digits, scale } = Written::of(text)?;
    decimal(digits, scale)
}

/// `digits` × 10^-`scale`.
struct Written {
    digits: i128,
    scale: i32,
}

impl Written {
    fn of(text: &str) -> Option<Self> {
        if !crate::definitions::is_decimal(text) {
            return None;
        }
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        let scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        // One digit more is needed for half a unit.
        let written = scale.checked_add(1)?.checked_abs()?;
        if i32::try_from(digits.len()).ok()?.checked_add(written)? > MAX_DIGITS {
            return None;
        }
        Some(Written { digits: digits.parse().ok()?, scale })
    }

    /// So many tenths of the last digit's unit on both sides.
    fn around(&self, tenths: i128) -> Option<DecimalRange> {
        let scale = self.scale.checked_add(1)?;
        let number = self.digits.checked_mul(10)?;
        Some(DecimalRange {
            low: decimal(number.checked_sub(tenths)?, scale)?,
            high: decimal(number.checked_add(tenths)?, scale)?,
        })
    }
}

/// `number` × 10^-`scale`, without an exponent.
fn decimal(number: i128, scale: i32) -> Option<String> {
    let zeros = u32::try_from(scale.min(0).checked_neg()?).ok()?;
    let number = number.checked_mul(10_i128.checked_pow(zeros)?)?;
    let scale = usize::try_from(scale.max(0)).ok()?;
    let sign = if number < 0 { "-" } else { "" };
    let digits = format!("{:0width$}", number.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}"))
}
