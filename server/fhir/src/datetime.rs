//! Dates and times as FHIR writes them, and the stretch of time that they mean.
//!
//! FHIR's `2026-05` is a month, not a point: a search compares stretches. They are given in the
//! site's wall clock, because that is what a hospital's tables hold.

use std::{fmt, ops::Range};

use chrono::{Days, FixedOffset, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use thiserror::Error;

/// From `start` up to but not including `end`, in the site's wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Period {
    pub start: NaiveDateTime,
    pub end: NaiveDateTime,
}

impl Period {
    /// With a tenth of its distance from `now` on both sides, in whole seconds: what R4 recommends for
    /// `ap`. A period that holds `now` stays as it is.
    #[must_use]
    pub fn about(self, now: NaiveDateTime) -> Self {
        let distance = if now < self.start { self.start - now } else { now - self.end };
        let tenth = TimeDelta::seconds(distance.num_seconds().max(0) / 10);
        Period {
            start: self.start.checked_sub_signed(tenth).unwrap_or(NaiveDateTime::MIN),
            end: self.end.checked_add_signed(tenth).unwrap_or(NaiveDateTime::MAX),
        }
    }
}

/// A `date`, `dateTime` or `instant` as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PartialDateTime {
    /// The first moment it covers, in the clock of `offset`, or of the site when there is none.
    pub start: NaiveDateTime,
    pub precision: Precision,
    pub offset: Option<FixedOffset>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Precision {
    Year,
    Month,
    Day,
    /// Only in searches: R4's types have no time without seconds.
    Minute,
    Second,
    /// This many digits behind the second, 1 to 9; further digits are dropped.
    Fraction(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DateTimeError {
    #[error("expected {0}")]
    Form(&'static str),
    #[error("no such day or time of day")]
    Calendar,
}

const DATE: &str = "YYYY, YYYY-MM or YYYY-MM-DD";
const DATE_TIME: &str = "YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss+zz:zz";
const INSTANT: &str = "YYYY-MM-DDThh:mm:ss.sss+zz:zz";
const TIME: &str = "hh:mm:ss";
const SEARCH: &str = "YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm[:ss][+zz:zz]";

/// A value of type `date`.
///
/// # Errors
/// When the text isn't one in R4.
pub fn parse_date(text: &str) -> Result<PartialDateTime, DateTimeError> {
    let parsed = parse(text, DATE)?;
    if parsed.precision > Precision::Day { Err(DateTimeError::Form(DATE)) } else { Ok(parsed) }
}

/// A value of type `dateTime`: a time has seconds and an offset.
///
/// # Errors
/// When the text isn't one in R4.
pub fn parse_date_time(text: &str) -> Result<PartialDateTime, DateTimeError> {
    let parsed = parse(text, DATE_TIME)?;
    let has_time = parsed.precision > Precision::Day;
    if has_time && (parsed.precision == Precision::Minute || parsed.offset.is_none()) {
        return Err(DateTimeError::Form(DATE_TIME));
    }
    Ok(parsed)
}

/// A value of type `instant`: to the second at least, with an offset.
///
/// # Errors
/// When the text isn't one in R4.
pub fn parse_instant(text: &str) -> Result<PartialDateTime, DateTimeError> {
    let parsed = parse(text, INSTANT)?;
    if parsed.precision < Precision::Second || parsed.offset.is_none() {
        return Err(DateTimeError::Form(INSTANT));
    }
    Ok(parsed)
}

/// The value of a date search parameter: seconds and offset may be left out.
///
/// # Errors
/// When the text isn't a date in R4's search.
pub fn parse_search(text: &str) -> Result<PartialDateTime, DateTimeError> {
    parse(text, SEARCH)
}

/// A value of type `time`, with the digits behind the second that it has.
///
/// # Errors
/// When the text isn't one in R4.
pub fn parse_time(text: &str) -> Result<NaiveTime, DateTimeError> {
    let mut cursor = Cursor { rest: text.as_bytes(), form: TIME };
    let (time, precision) = cursor.time()?;
    cursor.end()?;
    if precision < Precision::Second { Err(cursor.malformed()) } else { Ok(time) }
}

impl PartialDateTime {
    /// What it covers, in the wall clock of a site at this offset.
    pub fn period(&self, site: FixedOffset) -> Period {
        // The end first: a day has 24 hours only in its own clock.
        let Range { start, end } = self.start..self.end();
        let shift = self.offset.map_or(TimeDelta::zero(), |own| {
            let seconds = i64::from(site.local_minus_utc()) - i64::from(own.local_minus_utc());
            TimeDelta::seconds(seconds)
        });
        // Years have four digits and offsets a day at most: far inside what chrono can hold.
        let moved = |moment: NaiveDateTime| moment.checked_add_signed(shift).unwrap_or(moment);
        Period { start: moved(start), end: moved(end) }
    }

    fn end(&self) -> NaiveDateTime {
        let start = self.start;
        let end = match self.precision {
            Precision::Year => start.checked_add_months(Months::new(12)),
            Precision::Month => start.checked_add_months(Months::new(1)),
            Precision::Day => start.checked_add_days(Days::new(1)),
            Precision::Minute => start.checked_add_signed(TimeDelta::minutes(1)),
            Precision::Second => start.checked_add_signed(TimeDelta::seconds(1)),
            Precision::Fraction(digits) => {
                let nanoseconds = 10_i64.pow(u32::from(9_u8.saturating_sub(digits)));
                start.checked_add_signed(TimeDelta::nanoseconds(nanoseconds))
            }
        };
        end.unwrap_or(start)
    }
}

impl Period {
    /// Whether the moment lies in it.
    pub fn contains(&self, moment: NaiveDateTime) -> bool {
        self.start <= moment && moment < self.end
    }
}

/// As FHIR writes it, with the precision it has.
impl fmt::Display for PartialDateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = self.start;
        match self.precision {
            Precision::Year => write!(f, "{}", start.format("%Y"))?,
            Precision::Month => write!(f, "{}", start.format("%Y-%m"))?,
            Precision::Day => write!(f, "{}", start.format("%Y-%m-%d"))?,
            Precision::Minute => write!(f, "{}", start.format("%Y-%m-%dT%H:%M"))?,
            Precision::Second => write!(f, "{}", start.format("%Y-%m-%dT%H:%M:%S"))?,
            Precision::Fraction(digits) => {
                let nanoseconds = format!("{:09}", start.and_utc().timestamp_subsec_nanos());
                let shown = nanoseconds.get(..usize::from(digits)).unwrap_or(&nanoseconds);
                write!(f, "{}.{shown}", start.format("%Y-%m-%dT%H:%M:%S"))?;
            }
        }
        match self.offset {
            Some(offset) if offset.local_minus_utc() == 0 => f.write_str("Z"),
            Some(offset) => write!(f, "{offset}"),
            None => Ok(()),
        }
    }
}

fn parse(text: &str, form: &'static str) -> Result<PartialDateTime, DateTimeError> {
    let mut cursor = Cursor { rest: text.as_bytes(), form };
    let (date, mut precision) = cursor.date()?;
    let mut time = NaiveTime::MIN;
    let mut offset = None;
    if precision == Precision::Day && cursor.take(b'T') {
        (time, precision) = cursor.time()?;
        offset = cursor.offset()?;
    }
    cursor.end()?;
    Ok(PartialDateTime { start: date.and_time(time), precision, offset })
}

/// Reads from the front.
struct Cursor<'t> {
    rest: &'t [u8],
    form: &'static str,
}

impl Cursor<'_> {
    fn date(&mut self) -> Result<(NaiveDate, Precision), DateTimeError> {
        let year = self.digits(4)?;
        let mut month = 1;
        let mut day = 1;
        let mut precision = Precision::Year;
        if self.take(b'-') {
            month = self.digits(2)?;
            precision = Precision::Month;
            if self.take(b'-') {
                day = self.digits(2)?;
                precision = Precision::Day;
            }
        }
        let year = i32::try_from(year).ok().filter(|year| *year > 0);
        let date = year.and_then(|year| NaiveDate::from_ymd_opt(year, month, day));
        Ok((date.ok_or(DateTimeError::Calendar)?, precision))
    }

    fn time(&mut self) -> Result<(NaiveTime, Precision), DateTimeError> {
        let hour = self.digits(2)?;
        self.expect(b':')?;
        let minute = self.digits(2)?;
        let mut second = 0;
        let mut nanoseconds = 0;
        let mut precision = Precision::Minute;
        if self.take(b':') {
            // R4 allows the leap second; a wall clock in a table can't hold it.
            second = match self.digits(2)? {
                60 => 59,
                second => second,
            };
            precision = Precision::Second;
            if self.take(b'.') {
                let (fraction, digits) = self.fraction()?;
                nanoseconds = fraction;
                precision = Precision::Fraction(digits);
            }
        }
        let time = NaiveTime::from_hms_nano_opt(hour, minute, second, nanoseconds);
        Ok((time.ok_or(DateTimeError::Calendar)?, precision))
    }

    /// Nanoseconds, and how many digits say so.
    fn fraction(&mut self) -> Result<(u32, u8), DateTimeError> {
        let mut nanoseconds = 0;
        let mut digits = 0;
        while let Some((byte @ b'0'..=b'9', rest)) = self.rest.split_first() {
            self.rest = rest;
            if digits < 9 {
                digits += 1;
                nanoseconds += u32::from(byte - b'0') * 10_u32.pow(9 - u32::from(digits));
            }
        }
        if digits == 0 { Err(self.malformed()) } else { Ok((nanoseconds, digits)) }
    }

    fn offset(&mut self) -> Result<Option<FixedOffset>, DateTimeError> {
        if self.take(b'Z') {
            return Ok(FixedOffset::east_opt(0));
        }
        let sign = if self.take(b'+') {
            1
        } else if self.take(b'-') {
            -1
        } else {
            return Ok(None);
        };
        let hours = self.digits(2)?;
        self.expect(b':')?;
        let minutes = self.digits(2)?;
        // R4: up to 14:00.
        if minutes > 59 || hours * 60 + minutes > 14 * 60 {
            return Err(DateTimeError::Calendar);
        }
        let seconds = i32::try_from((hours * 60 + minutes) * 60).ok();
        let offset = seconds.and_then(|seconds| FixedOffset::east_opt(sign * seconds));
        offset.map(Some).ok_or(DateTimeError::Calendar)
    }

    fn digits(&mut self, count: usize) -> Result<u32, DateTimeError> {
        let Some((digits, rest)) = self.rest.split_at_checked(count) else {
            return Err(self.malformed());
        };
        let number = digits.iter().try_fold(0_u32, |number, byte| {
            byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0'))
        });
        self.rest = rest;
        number.ok_or_else(|| self.malformed())
    }

    fn take(&mut self, byte: u8) -> bool {
        let Some(rest) = self.rest.strip_prefix(&[byte]) else { return false };
        self.rest = rest;
        true
    }

    fn expect(&mut self, byte: u8) -> Result<(), DateTimeError> {
        if self.take(byte) { Ok(()) } else { Err(self.malformed()) }
    }

    fn end(&self) -> Result<(), DateTimeError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.malformed()) }
    }

    fn malformed(&self) -> DateTimeError {
        DateTimeError::Form(self.form)
    }
}
