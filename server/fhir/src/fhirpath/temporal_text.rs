//! How dates and times are written: in literals, in FHIR's elements, and in strings that are
//! converted.

use chrono::{NaiveDate, NaiveTime};

use super::temporal::{Offset, Precision, Temporal, TemporalKind, first_day};

/// Offsets reach from -12:00 to +14:00; R4's own pattern allows 14 hours both ways.
const MAX_OFFSET_HOURS: u32 = 14;

impl Temporal {
    /// Reads the longest date or time at the beginning of a text, and how many bytes it has.
    /// `2018` is a Date, `2018T` and `2018-05-01T10:30` a DateTime.
    pub(super) fn date_prefix(text: &str) -> Option<(Self, usize)> {
        let mut scan = Scan { text: text.as_bytes(), at: 0 };
        let (date, mut precision) = scan.date()?;
        let mut of = Self {
            kind: TemporalKind::Date,
            start: date.and_time(NaiveTime::MIN),
            precision,
            offset: None,
        };
        if scan.eat(b'T') {
            of.kind = TemporalKind::DateTime;
            if precision == Precision::Day && scan.is_digit() {
                let time;
                (time, precision) = scan.time()?;
                of.start = date.and_time(time);
                of.precision = precision;
                of.offset = scan.offset()?;
            }
        }
        Some((of, scan.at))
    }

    /// Reads a time of day at the beginning of a text, without the `T` before it.
    pub(super) fn time_prefix(text: &str) -> Option<(Self, usize)> {
        let mut scan = Scan { text: text.as_bytes(), at: 0 };
        let (time, precision) = scan.time()?;
        let start = first_day().and_time(time);
        Some((Self { kind: TemporalKind::Time, start, precision, offset: None }, scan.at))
    }

    /// `2018-05-01` and coarser, nothing else.
    pub(super) fn parse_date(text: &str) -> Option<Self> {
        Self::whole(text).filter(|of| of.kind == TemporalKind::Date)
    }

    /// A date or a date with time, always as a DateTime.
    pub(super) fn parse_date_time(text: &str) -> Option<Self> {
        Self::whole(text).map(|of| Self { kind: TemporalKind::DateTime, ..of })
    }

    /// `10:30`, also with a `T` before it.
    pub(super) fn parse_time(text: &str) -> Option<Self> {
        let text = text.strip_prefix('T').unwrap_or(text);
        let (of, length) = Self::time_prefix(text)?;
        (length == text.len()).then_some(of)
    }

    fn whole(text: &str) -> Option<Self> {
        let (of, length) = Self::date_prefix(text)?;
        (length == text.len()).then_some(of)
    }
}

struct Scan<'t> {
    text: &'t [u8],
    at: usize,
}

impl Scan<'_> {
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.at + ahead).copied()
    }

    fn is_digit(&self) -> bool {
        self.peek(0).is_some_and(|byte| byte.is_ascii_digit())
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek(0) == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Exactly this many digits.
    fn digits(&mut self, count: usize) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + count)?;
        let mut number = 0;
        for digit in digits {
            number = number * 10 + u32::from(digit.is_ascii_digit().then(|| digit - b'0')?);
        }
        self.at += count;
        Some(number)
    }

    /// A separator counts only if a digit follows: what comes next may be an operator or a dot.
    fn eat_before_digit(&mut self, separator: u8) -> bool {
        let follows = self.peek(1).is_some_and(|byte| byte.is_ascii_digit());
        follows && self.eat(separator)
    }

    fn date(&mut self) -> Option<(NaiveDate, Precision)> {
        let year = i32::try_from(self.digits(4)?).ok().filter(|year| *year > 0)?;
        if !self.eat_before_digit(b'-') {
            return Some((NaiveDate::from_ymd_opt(year, 1, 1)?, Precision::Year));
        }
        let month = self.digits(2)?;
        if !self.eat_before_digit(b'-') {
            return Some((NaiveDate::from_ymd_opt(year, month, 1)?, Precision::Month));
        }
        let day = self.digits(2)?;
        Some((NaiveDate::from_ymd_opt(year, month, day)?, Precision::Day))
    }

    fn time(&mut self) -> Option<(NaiveTime, Precision)> {
        let hour = self.digits(2)?;
        if !self.eat_before_digit(b':') {
            return Some((NaiveTime::from_hms_opt(hour, 0, 0)?, Precision::Hour));
        }
        let minute = self.digits(2)?;
        if !self.eat_before_digit(b':') {
            return Some((NaiveTime::from_hms_opt(hour, minute, 0)?, Precision::Minute));
        }
        // R4 allows a leap second; it counts as the last moment of its minute.
        let second = self.digits(2)?;
        let (second, leap) = if second == 60 { (59, true) } else { (second, false) };
        if !self.eat_before_digit(b'.') {
            return Some((NaiveTime::from_hms_opt(hour, minute, second)?, Precision::Second));
        }
        let (mut nanos, mut count) = (0, 0_u8);
        while self.is_digit() {
            let digit = self.digits(1)?;
            // Beyond nanoseconds digits are dropped.
            if count < 9 {
                nanos = nanos * 10 + digit;
                count += 1;
            }
        }
        let nanos = nanos * 10_u32.pow(9 - u32::from(count));
        let nanos = if leap { 999_999_999 } else { nanos };
        let time = NaiveTime::from_hms_nano_opt(hour, minute, second, nanos)?;
        Some((time, Precision::Fraction(count)))
    }

    /// The outer `None` is an offset that can't be.
    fn offset(&mut self) -> Option<Option<Offset>> {
        if self.eat(b'Z') {
            return Some(Some(Offset::Zulu));
        }
        let sign = match self.peek(0) {
            Some(b'+') => 1,
            Some(b'-') => -1,
            _ => return Some(None),
        };
        // `@2015-02-04T14 - 1 hour`: a sign that no offset follows is an operator.
        let is_offset = |at: usize| self.peek(at).is_some_and(|byte| byte.is_ascii_digit());
        if !(is_offset(1) && is_offset(2) && self.peek(3) == Some(b':')) {
            return Some(None);
        }
        self.at += 1;
        let hours = self.digits(2)?;
        self.at += 1;
        let minutes = self.digits(2)?;
        if hours > MAX_OFFSET_HOURS || minutes > 59 {
            return None;
        }
        let minutes = i16::try_from(hours * 60 + minutes).ok()?;
        Some(Some(Offset::Minutes(sign * minutes)))
    }
}
