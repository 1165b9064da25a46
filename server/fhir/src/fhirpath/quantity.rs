//! Quantities: a number with a unit of UCUM or of the calendar.
//!
//! Units convert as UCUM says, by `octofhir-ucum` (exact decimals of 28 digits). A calendar's
//! week, day, hour, minute, second and millisecond equal UCUM's; its years and months are only
//! equivalent to UCUM's `a` and `mo`, and the question whether they are equal has no answer
//! (<https://hl7.org/fhirpath/N1/#time-valued-quantities>). Where no calendar is at hand a year
//! has 12 months or 365 days, and a month 30 days.

use std::{borrow::Cow, cmp::Ordering, fmt};

use octofhir_ucum::{Number, SpecialKind, evaluate, parse_expression, unit_divide, unit_multiply};
use rust_decimal::Decimal;

use super::{decimal, temporal::CalendarUnit};

/// A value of FHIRPath's `Quantity`.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantity<'a> {
    pub(super) value: Decimal,
    pub(super) unit: Unit<'a>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unit<'a> {
    Calendar(CalendarUnit),
    Ucum(Cow<'a, str>),
    /// Of an element that names no UCUM code: compares with the very same unit only.
    Other(Cow<'a, str>),
}

/// Longer codes aren't looked up; the longest that is in use has about 30 bytes.
const MAX_UNIT_BYTES: usize = 256;

impl<'a> Quantity<'a> {
    /// A number without dimension: `1` converts to `1 '1'`.
    pub fn number(value: Decimal) -> Self {
        Self { value, unit: Unit::Ucum(Cow::Borrowed("1")) }
    }

    /// A literal's unit, or that of a string that is converted: quoted, so of UCUM, but the
    /// calendar's words count there too.
    pub fn quoted(value: Decimal, unit: Cow<'a, str>) -> Self {
        match CalendarUnit::from_word(&unit) {
            Some(word) => Self { value, unit: Unit::Calendar(word) },
            None => Self { value, unit: Unit::Ucum(unit) },
        }
    }

    /// `4 days`, `5.0 'mg'`, `5`: what `toString()` writes.
    pub fn parse(text: &str) -> Option<Quantity<'static>> {
        let text = text.trim();
        let end = text.find(|c: char| !(c.is_ascii_digit() || "+-.".contains(c)));
        let (number, unit) = text.split_at(end.unwrap_or(text.len()));
        let value = decimal::parse_signed(number)?;
        let blank = unit.trim_start();
        if blank.is_empty() {
            return unit.is_empty().then(|| Quantity::number(value));
        }
        if let Some(code) = blank.strip_prefix('\'') {
            let code = code.strip_suffix('\'')?;
            return is_ucum(code).then(|| Quantity::quoted(value, Cow::Owned(code.to_owned())));
        }
        // `5days` is no quantity, `5'mg'` is.
        let word = CalendarUnit::from_word(blank).filter(|_| blank.len() < unit.len())?;
        Some(Quantity { value, unit: Unit::Calendar(word) })
    }

    pub fn is_plain_number(&self) -> bool {
        matches!(&self.unit, Unit::Ucum(unit) if unit == "1")
    }

    /// Which is greater; `None` if their units can't be compared.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        if self.unit == other.unit {
            return Some(self.value.cmp(&other.value));
        }
        let (left, right) = common(&self.unit, &other.unit, Months::Apart)?;
        // Subtracting keeps what dividing would round.
        let difference = left.base(self.value)?.checked_sub(right.base(other.value)?)?;
        Some(match (difference.is_zero(), difference.is_negative()) {
            (true, _) => Ordering::Equal,
            (_, true) => Ordering::Less,
            _ => Ordering::Greater,
        })
    }

    /// Equal once both are written in the coarser unit and rounded as the less exact one is.
    pub fn is_equivalent(&self, other: &Self) -> Option<bool> {
        if self.unit == other.unit {
            return Some(decimal::is_equivalent(self.value, other.value));
        }
        let (left, right) = common(&self.unit, &other.unit, Months::AsUcum)?;
        let coarser = if left.factor().to_f64() >= right.factor().to_f64() { &left } else { &right };
        let first = coarser.value_of(left.base(self.value)?)?;
        let second = coarser.value_of(right.base(other.value)?)?;
        Some(decimal::is_equivalent(first, second))
    }

    /// Whether their units measure the same.
    pub fn is_comparable(&self, other: &Self) -> bool {
        (self.unit == other.unit && self.scale_is_known())
            || common(&self.unit, &other.unit, Months::Apart).is_some()
    }

    fn scale_is_known(&self) -> bool {
        match &self.unit {
            Unit::Ucum(unit) => is_ucum(unit),
            Unit::Calendar(_) => true,
            Unit::Other(_) => false,
        }
    }

    /// The sum in the finer unit of the two; `None` if they don't measure the same.
    pub fn plus(&self, other: &Self) -> Option<Self> {
        if self.unit == other.unit {
            let value = self.value.checked_add(other.value)?;
            return Some(Self { value, unit: self.unit.clone() });
        }
        let (left, right) = common(&self.unit, &other.unit, Months::Apart)?;
        let (scale, unit) = if left.factor().to_f64() <= right.factor().to_f64() {
            (&left, &self.unit)
        } else {
            (&right, &other.unit)
        };
        let sum = left.base(self.value)?.checked_add(right.base(other.value)?)?;
        Some(Self { value: scale.value_of(sum)?, unit: unit.clone() })
    }

    pub fn negated(&self) -> Self {
        Self { value: -self.value, unit: self.unit.clone() }
    }

    /// `None` if the units can't be multiplied: temperatures, years, units that aren't UCUM's.
    pub fn times(&self, other: &Self) -> Option<Self> {
        let value = self.value.checked_mul(other.value)?;
        let unit = match (&self.unit, &other.unit) {
            (unit, _) if other.is_plain_number() => unit.clone(),
            (_, unit) if self.is_plain_number() => unit.clone(),
            (left, right) => {
                let product = unit_multiply(left.definite()?, right.definite()?).ok()?;
                Unit::Ucum(Cow::Owned(product.expression))
            }
        };
        Some(Self { value, unit })
    }

    pub fn divided_by(&self, other: &Self) -> Option<Self> {
        let value = self.value.checked_div(other.value)?;
        let unit = match (&self.unit, &other.unit) {
            (unit, _) if other.is_plain_number() => unit.clone(),
            (left, right) if left == right => Unit::Ucum(Cow::Borrowed("1")),
            (left, right) => {
                let quotient = unit_divide(left.definite()?, right.definite()?).ok()?;
                Unit::Ucum(Cow::Owned(quotient.expression))
            }
        };
        Some(Self { value, unit })
    }

    /// The same quantity in another unit; `None` if it doesn't measure the same.
    pub fn in_unit(&self, unit: &str) -> Option<Quantity<'static>> {
        let target = Quantity::quoted(Decimal::ONE, Cow::Owned(unit.to_owned()));
        if self.unit == target.unit {
            return Some(Quantity { value: self.value, unit: target.unit });
        }
        let (from, to) = common(&self.unit, &target.unit, Months::Apart)?;
        Some(Quantity { value: to.value_of(from.base(self.value)?)?, unit: target.unit })
    }

    /// As a stretch of the calendar, for adding to a date. UCUM's years and months are none:
    /// they are stretches of a fixed length.
    pub(super) fn calendar_unit(&self) -> Option<CalendarUnit> {
        match &self.unit {
            Unit::Calendar(unit) => Some(*unit),
            Unit::Ucum(code) => CalendarUnit::from_definite(code),
            Unit::Other(_) => None,
        }
    }
}

/// What becomes of a calendar's years and months beside units of UCUM.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Months {
    /// They don't compare.
    Apart,
    /// They count as `a` and `mo`.
    AsUcum,
}

/// Where a unit stands against the base units of its dimension.
struct Scale {
    factor: Number,
    /// Of Celsius and its kin: a value is `factor × scale × value + offset` base units.
    scale: Number,
    offset: Number,
}

impl Scale {
    fn plain(factor: Number) -> Self {
        Self { factor, scale: Number::ONE, offset: Number::ZERO }
    }

    fn factor(&self) -> Number {
        self.factor.checked_mul(self.scale).unwrap_or(Number::ZERO)
    }

    fn base(&self, value: Decimal) -> Option<Number> {
        let value = Number::parse(&value.to_string())?;
        value.checked_mul(self.factor())?.checked_add(self.offset)
    }

    fn value_of(&self, base: Number) -> Option<Decimal> {
        let (digits, exponent) =
            base.checked_sub(self.offset)?.checked_div(self.factor())?.to_integer_and_exponent();
        decimal::from_parts(digits, exponent)
    }
}

/// Both units on one scale, if they measure the same.
fn common(left: &Unit<'_>, right: &Unit<'_>, months: Months) -> Option<(Scale, Scale)> {
    if let (Unit::Calendar(left), Unit::Calendar(right)) = (left, right) {
        let in_months = left.months().zip(right.months());
        let (left, right) = in_months.unwrap_or((left.milliseconds(), right.milliseconds()));
        return Some((Scale::plain(number(left)), Scale::plain(number(right))));
    }
    let code = |unit: &'_ Unit<'_>| -> Option<String> {
        match months {
            Months::Apart => unit.definite().map(str::to_owned),
            Months::AsUcum => unit.equivalent().map(str::to_owned),
        }
    };
    let (left, right) = (code(left)?, code(right)?);
    let (first, second) = (ucum(&left)?, ucum(&right)?);
    if !first.is_commensurable(&second) {
        return None;
    }
    Some((scale(&left, first)?, scale(&right, second)?))
}

fn scale(code: &str, of: octofhir_ucum::EvalResult) -> Option<Scale> {
    match of.special.map(|special| special.unit.special) {
        None => Some(Scale::plain(of.factor)),
        Some(SpecialKind::Celsius | SpecialKind::Fahrenheit | SpecialKind::Reaumur) => {
            let analysis = octofhir_ucum::analyse(code).ok()?;
            let (factor, scale, offset) = (analysis.factor, analysis.scale, analysis.offset);
            Some(Scale { factor, scale, offset })
        }
        // Logarithms: pH and decibels compare with themselves only.
        Some(_) => None,
    }
}

fn ucum(code: &str) -> Option<octofhir_ucum::EvalResult> {
    if code.len() > MAX_UNIT_BYTES {
        return None;
    }
    evaluate(&parse_expression(code).ok()?).ok()
}

pub(super) fn is_ucum(code: &str) -> bool {
    CalendarUnit::from_word(code).is_some() || ucum(code).is_some()
}

fn number(value: i64) -> Number {
    Number::from_i64(value)
}

impl Unit<'_> {
    /// The UCUM code of the same length of time, or of the unit itself.
    fn definite(&self) -> Option<&str> {
        match self {
            Self::Ucum(code) => Some(code),
            Self::Calendar(CalendarUnit::Year | CalendarUnit::Month) | Self::Other(_) => None,
            Self::Calendar(unit) => Some(unit.ucum()),
        }
    }

    fn equivalent(&self) -> Option<&str> {
        match self {
            Self::Calendar(unit) => Some(unit.ucum()),
            _ => self.definite(),
        }
    }
}

impl CalendarUnit {
    fn ucum(self) -> &'static str {
        match self {
            Self::Year => "a",
            Self::Month => "mo",
            Self::Week => "wk",
            Self::Day => "d",
            Self::Hour => "h",
            Self::Minute => "min",
            Self::Second => "s",
            Self::Millisecond => "ms",
        }
    }

    fn from_definite(code: &str) -> Option<Self> {
        Some(match code {
            "wk" => Self::Week,
            "d" => Self::Day,
            "h" => Self::Hour,
            "min" => Self::Minute,
            "s" => Self::Second,
            "ms" => Self::Millisecond,
            _ => return None,
        })
    }

    /// The codes that stand for the calendar's units where an element has them: `18 'a'` as an
    /// age means birthdays, not 18 times 365.25 days.
    pub fn of_element(code: &str) -> Option<Self> {
        match code {
            "a" => Some(Self::Year),
            "mo" => Some(Self::Month),
            "wk" | "ms" => None,
            other => Self::from_definite(other),
        }
    }

    fn months(self) -> Option<i64> {
        match self {
            Self::Year => Some(12),
            Self::Month => Some(1),
            _ => None,
        }
    }

    fn milliseconds(self) -> i64 {
        const DAY: i64 = 24 * 60 * 60 * 1000;
        match self {
            Self::Year => 365 * DAY,
            Self::Month => 30 * DAY,
            Self::Week => 7 * DAY,
            Self::Day => DAY,
            Self::Hour => 60 * 60 * 1000,
            Self::Minute => 60 * 1000,
            Self::Second => 1000,
            Self::Millisecond => 1,
        }
    }
}

/// `5.0 'mg'`, `1 day`, `4 days`.
impl fmt::Display for Quantity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.unit {
            Unit::Calendar(unit) => {
                let plural = if self.value == Decimal::ONE { "" } else { "s" };
                write!(f, "{} {}{plural}", self.value, unit.word())
            }
            Unit::Ucum(code) | Unit::Other(code) => write!(f, "{} '{code}'", self.value),
        }
    }
}
