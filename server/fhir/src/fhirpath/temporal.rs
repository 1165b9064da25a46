//! Dates, times of day and dates with times, as exact as they were written.
//!
//! `@2018` is a year, not its first day: where two values are equal as far as both go, and one
//! goes further, the answer of a comparison is unknown. FHIRPath N1, 6.1 to 6.2 and 6.7
//! (<https://hl7.org/fhirpath/N1/#datetime-arithmetic>).

use std::{cmp::Ordering, fmt};

use chrono::{
    DateTime, Datelike, Days, FixedOffset, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta,
    Timelike,
};
use rust_decimal::{Decimal, prelude::ToPrimitive};

/// A value of FHIRPath's `Date`, `DateTime` or `Time`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Temporal {
    pub(super) kind: TemporalKind,
    /// The first moment that it covers, in its own clock; a time of day stands on the first day.
    pub(super) start: NaiveDateTime,
    pub(super) precision: Precision,
    pub(super) offset: Option<Offset>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TemporalKind {
    Date,
    DateTime,
    Time,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Precision {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    /// With this many digits behind the second.
    Fraction(u8),
}

/// Where the clock stands against UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offset {
    Zulu,
    Minutes(i16),
}

/// The units of a calendar, singular in FHIRPath as in `1 year`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum CalendarUnit {
    Year,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
}

/// Clocks run from 14 hours before UTC's to 12 hours after it.
pub(super) const EARLIEST_OFFSET: Offset = Offset::Minutes(14 * 60);
pub(super) const LATEST_OFFSET: Offset = Offset::Minutes(-12 * 60);

const NANOS_OF_SECOND: i64 = 1_000_000_000;

impl Offset {
    pub fn minutes(self) -> i64 {
        match self {
            Self::Zulu => 0,
            Self::Minutes(minutes) => i64::from(minutes),
        }
    }
}

impl Precision {
    /// Seconds with and without fraction are one precision: `10:30:00` is `10:30:00.0`.
    fn coarse(self) -> Self {
        match self {
            Self::Fraction(_) => Self::Second,
            other => other,
        }
    }
}

impl Temporal {
    /// The moment of evaluation, to the millisecond.
    pub(super) fn now(at: DateTime<FixedOffset>) -> Self {
        let minutes = i16::try_from(at.offset().local_minus_utc() / 60).unwrap_or_default();
        let whole = Self {
            kind: TemporalKind::DateTime,
            start: at.naive_local(),
            precision: Precision::Fraction(3),
            offset: Some(Offset::Minutes(minutes)),
        };
        Self { start: whole.truncated(Precision::Fraction(3)), ..whole }
    }

    /// The calendar day, without clock.
    pub(super) fn date(self) -> Self {
        let precision = self.precision.min(Precision::Day);
        Self {
            kind: TemporalKind::Date,
            start: self.truncated(precision),
            precision,
            offset: None,
        }
    }

    pub(super) fn time_of_day(self) -> Self {
        let start = first_day().and_time(self.start.time());
        Self { kind: TemporalKind::Time, start, precision: self.precision, offset: None }
    }

    /// The start of the stretch of this precision that it lies in.
    pub(super) fn truncated(self, precision: Precision) -> NaiveDateTime {
        let date = self.start.date();
        let day = match precision {
            Precision::Year => NaiveDate::from_ymd_opt(date.year(), 1, 1),
            Precision::Month => NaiveDate::from_ymd_opt(date.year(), date.month(), 1),
            _ => Some(date),
        };
        let (time, nanos) = (self.start.time(), self.start.time().nanosecond());
        let clock = match precision {
            Precision::Year | Precision::Month | Precision::Day => Some(NaiveTime::MIN),
            Precision::Hour => NaiveTime::from_hms_opt(time.hour(), 0, 0),
            Precision::Minute => NaiveTime::from_hms_opt(time.hour(), time.minute(), 0),
            Precision::Second => time.with_nanosecond(0),
            Precision::Fraction(digits) => {
                let step = 10_u32.pow(9 - u32::from(digits.min(9)));
                time.with_nanosecond(nanos / step * step)
            }
        };
        day.unwrap_or(date).and_time(clock.unwrap_or(time))
    }

    fn has_clock(self) -> bool {
        self.precision >= Precision::Hour
    }

    /// Which comes first; `None` if that is unknown, or a time of day meets a day.
    pub(super) fn compare(self, other: Self) -> Option<Ordering> {
        let is_time = |of: Self| of.kind == TemporalKind::Time;
        if is_time(self) != is_time(other) {
            return None;
        }
        let (mut left, mut right) = (self, other);
        if self.has_clock() && other.has_clock() {
            match (self.offset, other.offset) {
                (None, None) => {}
                (Some(_), Some(_)) => (left, right) = (self.in_utc(), other.in_utc()),
                // Unknown where one clock stands: only what holds anywhere on earth is known.
                (None, Some(_)) => return self.compare_anywhere(other),
                (Some(_), None) => {
                    return other.compare_anywhere(self).map(Ordering::reverse);
                }
            }
        }
        let common = left.precision.coarse().min(right.precision.coarse());
        let (first, second) = match common {
            Precision::Second => (left.start, right.start),
            coarser => (left.truncated(coarser), right.truncated(coarser)),
        };
        match first.cmp(&second) {
            Ordering::Equal if left.precision.coarse() != right.precision.coarse() => None,
            order => Some(order),
        }
    }

    fn in_utc(self) -> Self {
        let minutes = self.offset.map_or(0, Offset::minutes);
        let start = self.start.checked_sub_signed(TimeDelta::minutes(minutes));
        Self { start: start.unwrap_or(self.start), offset: None, ..self }
    }

    fn compare_anywhere(self, other: Self) -> Option<Ordering> {
        let at = |offset| Self { offset: Some(offset), ..self }.compare(other);
        let (earliest, latest) = (at(EARLIEST_OFFSET)?, at(LATEST_OFFSET)?);
        (earliest == latest).then_some(earliest)
    }

    /// Adds a stretch of calendar time; a part that is finer than the value doesn't count. `None`
    /// beyond the years 1 to 9999.
    pub(super) fn plus(self, amount: Decimal, unit: CalendarUnit) -> Option<Self> {
        let start = match unit {
            CalendarUnit::Second | CalendarUnit::Millisecond => self.plus_seconds(amount, unit)?,
            _ => self.plus_whole(amount.trunc().to_i64()?, unit)?,
        };
        let start = match self.kind {
            // A time of day goes round.
            TemporalKind::Time => first_day().and_time(start.time()),
            _ if (1..=9999).contains(&start.year()) => start,
            _ => return None,
        };
        Some(Self { start, ..self })
    }

    fn plus_seconds(self, amount: Decimal, unit: CalendarUnit) -> Option<NaiveDateTime> {
        let nanos = match unit {
            CalendarUnit::Millisecond => Decimal::from(NANOS_OF_SECOND / 1000),
            _ => Decimal::from(NANOS_OF_SECOND),
        };
        let mut nanos = amount.checked_mul(nanos)?.trunc().to_i64()?;
        match self.precision {
            Precision::Fraction(digits) => {
                let step = 10_i64.pow(9 - u32::from(digits.min(9)));
                nanos = nanos / step * step;
            }
            Precision::Second => nanos = nanos / NANOS_OF_SECOND * NANOS_OF_SECOND,
            _ => return self.plus_whole(nanos / NANOS_OF_SECOND, CalendarUnit::Second),
        }
        self.start.checked_add_signed(TimeDelta::nanoseconds(nanos))
    }

    /// Whole units; finer ones are first counted in units of the value's own precision.
    fn plus_whole(self, amount: i64, unit: CalendarUnit) -> Option<NaiveDateTime> {
        let days = |amount: i64| match unit {
            CalendarUnit::Week => amount.checked_mul(7),
            CalendarUnit::Day => Some(amount),
            CalendarUnit::Hour => Some(amount / 24),
            CalendarUnit::Minute => Some(amount / (24 * 60)),
            _ => Some(amount / (24 * 60 * 60)),
        };
        let minutes = |amount: i64| match unit {
            CalendarUnit::Hour => amount.checked_mul(60),
            CalendarUnit::Minute => Some(amount),
            _ => Some(amount / 60),
        };
        match (self.precision, unit) {
            (_, CalendarUnit::Year) => plus_months(self.start, amount.checked_mul(12)?),
            (Precision::Year, CalendarUnit::Month) => {
                plus_months(self.start, amount / 12 * 12)
            }
            (_, CalendarUnit::Month) => plus_months(self.start, amount),
            (Precision::Year, _) => plus_months(self.start, days(amount)? / 365 * 12),
            (Precision::Month, _) => plus_months(self.start, days(amount)? / 30),
            (Precision::Day, _) | (_, CalendarUnit::Week | CalendarUnit::Day) => {
                plus_days(self.start, days(amount)?)
            }
            (Precision::Hour, _) => plus_minutes(self.start, minutes(amount)? / 60 * 60),
            (Precision::Minute, _) => plus_minutes(self.start, minutes(amount)?),
            (_, CalendarUnit::Hour | CalendarUnit::Minute) => {
                plus_minutes(self.start, minutes(amount)?)
            }
            _ => self.start.checked_add_signed(TimeDelta::try_seconds(amount)?),
        }
    }
}

/// The day that a time of day stands on, so that all of them compare.
pub(super) fn first_day() -> NaiveDate {
    NaiveDate::default()
}

fn plus_months(start: NaiveDateTime, months: i64) -> Option<NaiveDateTime> {
    let count = Months::new(u32::try_from(months.unsigned_abs()).ok()?);
    if months < 0 { start.checked_sub_months(count) } else { start.checked_add_months(count) }
}

fn plus_days(start: NaiveDateTime, days: i64) -> Option<NaiveDateTime> {
    let count = Days::new(days.unsigned_abs());
    if days < 0 { start.checked_sub_days(count) } else { start.checked_add_days(count) }
}

fn plus_minutes(start: NaiveDateTime, minutes: i64) -> Option<NaiveDateTime> {
    start.checked_add_signed(TimeDelta::try_minutes(minutes)?)
}

impl CalendarUnit {
    /// `year`, `years`; not UCUM's `a`.
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word.strip_suffix('s').unwrap_or(word) {
            "year" => Self::Year,
            "month" => Self::Month,
            "week" => Self::Week,
            "day" => Self::Day,
            "hour" => Self::Hour,
            "minute" => Self::Minute,
            "second" => Self::Second,
            "millisecond" => Self::Millisecond,
            _ => return None,
        })
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::Month => "month",
            Self::Week => "week",
            Self::Day => "day",
            Self::Hour => "hour",
            Self::Minute => "minute",
            Self::Second => "second",
            Self::Millisecond => "millisecond",
        }
    }
}

/// As FHIRPath's `toString()` writes it: `2014-12-14`, `10:30:00`, `2014-12-14T10:30:00.5+09:00`.
impl fmt::Display for Temporal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (date, time) = (self.start.date(), self.start.time());
        if self.kind != TemporalKind::Time {
            write!(f, "{:04}", date.year())?;
            if self.precision >= Precision::Month {
                write!(f, "-{:02}", date.month())?;
            }
            if self.precision >= Precision::Day {
                write!(f, "-{:02}", date.day())?;
            }
            if !self.has_clock() {
                return Ok(());
            }
            f.write_str("T")?;
        }
        write!(f, "{:02}", time.hour())?;
        if self.precision >= Precision::Minute {
            write!(f, ":{:02}", time.minute())?;
        }
        if self.precision >= Precision::Second {
            write!(f, ":{:02}", time.second())?;
        }
        if let Precision::Fraction(digits) = self.precision {
            let digits = digits.min(9);
            let step = 10_u32.pow(9 - u32::from(digits));
            let width = usize::from(digits);
            write!(f, ".{:0width$}", time.nanosecond() / step)?;
        }
        match self.offset {
            None => Ok(()),
            Some(Offset::Zulu) => f.write_str("Z"),
            Some(Offset::Minutes(minutes)) => {
                let sign = if minutes < 0 { '-' } else { '+' };
                let minutes = minutes.unsigned_abs();
                write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }
}
