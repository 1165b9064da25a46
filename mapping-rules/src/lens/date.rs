//! `date` and `datetime`: the western calendar and the wall clock.

use chrono::{
    DateTime, Datelike, Days, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Timelike,
};

use super::calendar::{PartialDate, WIDTH, all_digits, western};
use super::spellings::{TIMES, WESTERN};
use super::width::trim;
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
    let Some((day, time)) = split(text) else { return western(text, &WESTERN) };
    if has_offset(time) {
        return instant(text, zone).map(|at| Some(PartialDate::Day(at.date())));
    }
    whole_day(day).map(|day| day.map(PartialDate::Day))
}

/// Reads a date with a time in one of the shapes of [`TIMES`], to the minute, the second or a part
/// of it, RFC 3339 instants of UTC or the site's own offset, and dates alone, which stay dates.
///
/// `24:00` is the next midnight, as wards write it; any other hour above 23, minute or second above
/// 59 is a fault. Fractions are cut to milliseconds.
pub(super) fn moment(text: &str, zone: FixedOffset) -> Result<Option<Moment>, Fault> {
    let Some((day_text, time)) = split(text) else {
        // Filled up with blanks it would look like a day with a time behind.
        let date = if text.contains(' ') { Err(Fault::BAD_DATE) } else { western(text, &WESTERN) };
        return Ok(date?.map(Moment::Date));
    };
    if has_offset(time) {
        return instant(text, zone).map(|at| Some(Moment::Time(at)));
    }
    let Some(day) = whole_day(day_text)? else { return Ok(None) };
    let (between, time) = time.split_at(usize::from(time.starts_with([' ', 'T'])));
    let sign = if all_digits(day_text) { "" } else { day_text.get(4..5).unwrap_or_default() };
    let colon = if time.contains(':') { ":" } else { "" };
    if !TIMES.contains(&(sign, between, colon)) {
        return Err(Fault::BAD_TIME);
    }
    on_day(day, clock(time)?).map(|at| Some(Moment::Time(at)))
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
    let PartialDate::Day(whole) = day else {
        return (Some(Moment::Date(day)), Some(Fault::BAD_TIME));
    };
    match short_clock(time).and_then(|time| on_day(whole, time)) {
        Ok(at) => (Some(Moment::Time(at)), None),
        Err(fault) => (Some(Moment::Date(day)), Some(fault)),
    }
}

/// A number column, or a host that prints no zero, drops the first digit of `0930`.
fn short_clock(time: &str) -> Result<(NaiveTime, bool), Fault> {
    let digits = time.find(|c: char| !c.is_ascii_digit()).unwrap_or(time.len());
    let short = matches!((digits, time.len()), (3, 3) | (5, 5) | (1, 2..));
    if short { clock(&format!("0{time}")) } else { clock(time) }
}

fn on_day(day: NaiveDate, (time, next_day): (NaiveTime, bool)) -> Result<NaiveDateTime, Fault> {
    let day = if next_day { day.checked_add_days(Days::new(1)) } else { Some(day) };
    let day = day.filter(|day| day.year() <= 9999).ok_or(Fault::BAD_DATE)?;
    Ok(day.and_time(time))
}

/// Date and time, if there is a time: behind eight digits, or behind a blank or `T`, which stays
/// with the time.
fn split(text: &str) -> Option<(&str, &str)> {
    if let Some((day, time)) = text.split_at_checked(WIDTH)
        && all_digits(day)
    {
        let follows = matches!(time.len(), 4 | 6..) && time.get(..4).is_some_and(all_digits);
        return (follows || time.starts_with([' ', 'T'])).then_some((day, time));
    }
    text.split_at_checked(FULL_WIDTH).filter(|(_, time)| time.starts_with([' ', 'T']))
}

const FULL_WIDTH: usize = "2021-07-05".len();

/// A day written in full width, as it has to be when a time follows; `None` for zeros.
fn whole_day(text: &str) -> Result<Option<NaiveDate>, Fault> {
    let full = all_digits(text) || text.bytes().skip(4).step_by(3).all(|b| !b.is_ascii_digit());
    match western(text, &WESTERN)? {
        Some(PartialDate::Day(day)) if full => Ok(Some(day)),
        Some(_) => Err(Fault::BAD_DATE),
        None => Ok(None),
    }
}

fn has_offset(time: &str) -> bool {
    time.contains(['Z', 'z', '+', '-'])
}

/// RFC 3339 with `T` and `Z`, or with the offset of the site: others can't be searched as text.
fn instant(text: &str, zone: FixedOffset) -> Result<NaiveDateTime, Fault> {
    let known = text.ends_with('Z') || text.ends_with(&zone.to_string());
    if !known || text.as_bytes().get(FULL_WIDTH) != Some(&b'T') {
        return Err(Fault::BAD_TIME);
    }
    local(text, zone)
}

fn local(text: &str, zone: FixedOffset) -> Result<NaiveDateTime, Fault> {
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
    match DateTime::parse_from_rfc3339(fhir).ok().map(|_| local(fhir, zone)) {
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
