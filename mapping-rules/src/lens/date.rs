//! `date` and `datetime`: the western calendar and the wall clock.

use chrono::{
    DateTime, Datelike, Days, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Timelike,
};

use super::calendar::{PartialDate, all_digits, western};
use super::width::{hankaku, trim};
use super::{Fault, NotInvertible};

/// What `datetime` reads: a date alone, or a time of the hospital's wall clock, to the millisecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    Date(PartialDate),
    Time(NaiveDateTime),
}

impl Moment {
    /// A FHIR dateTime. A fraction of zero is not written: no column type can say that it was.
    pub fn text(self, zone: FixedOffset) -> String {
        match self {
            Moment::Date(date) => date.to_string(),
            Moment::Time(at) => {
                let day = PartialDate::Day(at.date());
                format!("{day}T{}{zone}", at.time())
            }
        }
    }
}

/// The date of a date or of a time. The time behind a date is not read unless an offset may move
/// the day: a broken time doesn't make a date wrong.
pub(super) fn date(text: &str, zone: FixedOffset) -> Result<Option<PartialDate>, Fault> {
    let folded = hankaku(text);
    let text = trim(&folded);
    if let Some((day, time)) = split(text) {
        if has_offset(time) {
            return instant(text, zone).map(|at| Some(PartialDate::Day(at.date())));
        }
        return whole_day(day).map(|day| day.map(PartialDate::Day));
    }
    western(text)
}

/// Reads `YYYYMMDDhhmmss`, `YYYYMMDDhhmm`, a date and a time with a blank or `T` between, RFC 3339
/// instants (moved to the site's offset), and dates alone, which stay dates.
///
/// `24:00` is the next midnight, as wards write it; any other hour above 23, minute or second above
/// 59 is a fault. Fractions are cut to milliseconds.
pub(super) fn moment(text: &str, zone: FixedOffset) -> Result<Option<Moment>, Fault> {
    let folded = hankaku(text);
    let text = trim(&folded);
    let Some((day, time)) = split(text) else {
        return Ok(western(text)?.map(Moment::Date));
    };
    if has_offset(time) {
        return instant(text, zone).map(|at| Some(Moment::Time(at)));
    }
    let Some(day) = whole_day(day)? else { return Ok(None) };
    let (time, next_day) = clock(time)?;
    let day = if next_day { day.checked_add_days(Days::new(1)) } else { Some(day) };
    let day = day.filter(|day| day.year() <= 9999).ok_or(Fault::BAD_DATE)?;
    Ok(Some(Moment::Time(day.and_time(time))))
}

/// The spellings of the midnight that ends a day.
pub const MIDNIGHTS: [&str; 4] = ["2400", "240000", "24:00", "24:00:00"];

/// A day and a time that stand in two columns.
pub(super) fn day_and_time(
    day: Option<&str>,
    time: Option<&str>,
    zone: FixedOffset,
) -> (Option<Moment>, Option<Fault>) {
    let time = time.filter(|time| !trim(time).is_empty());
    let day = match day.map_or(Ok(None), |day| date(day, zone)) {
        Ok(Some(day)) => day,
        Ok(None) => return (None, time.map(|_| Fault::BAD_DATE)),
        Err(fault) => return (None, Some(fault)),
    };
    let Some(time) = time else { return (Some(Moment::Date(day)), None) };
    match on_day(day, time) {
        Ok(at) => (Some(Moment::Time(at)), None),
        Err(fault) => (Some(Moment::Date(day)), Some(fault)),
    }
}

fn on_day(day: PartialDate, time: &str) -> Result<NaiveDateTime, Fault> {
    let PartialDate::Day(day) = day else { return Err(Fault::BAD_TIME) };
    let digits = time.find(|c: char| !c.is_ascii_digit()).unwrap_or(time.len());
    // A number column, or a host that prints no zero, drops the first digit of `0930`.
    let short = matches!((digits, time.len()), (3, 3) | (5, 5) | (1, 2..));
    let (time, next_day) = if short { clock(&format!("0{time}"))? } else { clock(time)? };
    let day = if next_day { day.checked_add_days(Days::new(1)) } else { Some(day) };
    let day = day.filter(|day| day.year() <= 9999).ok_or(Fault::BAD_DATE)?;
    Ok(day.and_time(time))
}

/// Date and time, if there is a time: behind a blank or `T`, or behind eight digits.
fn split(text: &str) -> Option<(&str, &str)> {
    if let Some((day, time)) = text.split_once([' ', 'T']) {
        return Some((day, time.trim_start()));
    }
    let (day, time) = text.split_at_checked(8)?;
    let begins = time.get(..4).is_some_and(all_digits);
    let has_time = all_digits(day) && matches!(time.len(), 4 | 6..) && begins;
    has_time.then_some((day, time))
}

/// A day written in full width, as it has to be when a time follows; `None` for zeros.
fn whole_day(text: &str) -> Result<Option<NaiveDate>, Fault> {
    match western(text)? {
        Some(PartialDate::Day(day)) if matches!(text.len(), 8 | 10) && full_width(text) => {
            Ok(Some(day))
        }
        Some(_) => Err(Fault::BAD_DATE),
        None => Ok(None),
    }
}

/// `2021/7/5` has eight characters too.
fn full_width(text: &str) -> bool {
    text.len() == 10 || all_digits(text)
}

fn has_offset(time: &str) -> bool {
    time.contains(['Z', 'z', '+', '-'])
}

fn instant(text: &str, zone: FixedOffset) -> Result<NaiveDateTime, Fault> {
    let instant = DateTime::parse_from_rfc3339(text).map_err(|_| Fault::BAD_TIME)?;
    let local = instant.naive_utc().checked_add_offset(zone).ok_or(Fault::BAD_DATE)?;
    let local = to_millisecond(local).ok_or(Fault::BAD_TIME)?;
    if (1..=9999).contains(&local.year()) { Ok(local) } else { Err(Fault::BAD_DATE) }
}

/// Cuts finer fractions; a leap second, which is more than a second's nanoseconds, is refused.
pub(super) fn to_millisecond(at: NaiveDateTime) -> Option<NaiveDateTime> {
    let nanosecond = at.nanosecond();
    if nanosecond >= 1_000_000_000 {
        return None;
    }
    at.with_nanosecond(nanosecond - nanosecond % 1_000_000)
}

/// Time of day, and whether it is the midnight of the next day.
fn clock(text: &str) -> Result<(NaiveTime, bool), Fault> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let digits = match whole.as_bytes() {
        [_, _, b':', _, _] | [_, _, b':', _, _, b':', _, _] => whole.replace(':', ""),
        _ => whole.to_owned(),
    };
    if !all_digits(&digits) || !matches!(digits.len(), 4 | 6) {
        return Err(Fault::BAD_TIME);
    }
    let millisecond = match fraction {
        None => 0,
        Some(fraction) if digits.len() == 6 => millisecond(fraction)?,
        Some(_) => return Err(Fault::BAD_TIME),
    };
    let field = |at: usize| digits.get(at..at + 2).map_or(Ok(0), str::parse::<u32>);
    let fields = (field(0), field(2), field(4));
    let (Ok(hour), Ok(minute), Ok(second)) = fields else { return Err(Fault::BAD_TIME) };
    if MIDNIGHTS.contains(&text) {
        return Ok((NaiveTime::MIN, true));
    }
    let time = NaiveTime::from_hms_milli_opt(hour, minute, second, millisecond);
    time.filter(|_| second < 60).map(|time| (time, false)).ok_or(Fault::BAD_TIME)
}

fn millisecond(fraction: &str) -> Result<u32, Fault> {
    if !all_digits(fraction) || fraction.len() > 9 {
        return Err(Fault::BAD_TIME);
    }
    let padded = format!("{fraction:0<3}");
    padded.get(..3).and_then(|digits| digits.parse().ok()).ok_or(Fault::BAD_TIME)
}

/// `YYYYMMDD`; `YYYYMM00` and `YYYY0000` for the shorter forms.
pub(super) fn stored_date(fhir: &str) -> Option<String> {
    let (year, month, day) = PartialDate::of_fhir(fhir)?.parts();
    Some(format!("{year:04}{month:02}{day:02}"))
}

/// `YYYYMMDDhhmmss` of the wall clock. The instant is kept, not the offset in which it was written;
/// fractions have no place in the stored form.
pub(super) fn stored_moment(fhir: &str, zone: FixedOffset) -> Result<String, NotInvertible> {
    if let Some(date) = stored_date(fhir) {
        return Ok(date);
    }
    match DateTime::parse_from_rfc3339(fhir).ok().map(|_| instant(fhir, zone)) {
        Some(Ok(at)) if at.nanosecond() == 0 && !fhir.contains('.') => Ok(compact(at)),
        _ => Err(NotInvertible::NOT_AN_OUTPUT),
    }
}

fn compact(at: NaiveDateTime) -> String {
    let (day, time) = (at.date(), at.time());
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    let (year, month, date) = (day.year(), day.month(), day.day());
    format!("{year:04}{month:02}{date:02}{hour:02}{minute:02}{second:02}")
}
