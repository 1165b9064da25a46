//! `date.wareki`: the Japanese calendar (和暦), in every form that charts, receipts and people
//! write.

use chrono::{Datelike, FixedOffset, NaiveDate};

use super::calendar::{PartialDate, all_digits, fields};
use super::width::{hankaku, is_space, trim};
use super::{Fault, date};

/// An era (元号). Its first year is `base + 1`.
pub(super) struct Era {
    pub letter: &'static str,
    /// The digit of receipt files (レセ電).
    pub digit: &'static str,
    names: [&'static str; 3],
    pub base: i32,
    pub first: NaiveDate,
    pub last: NaiveDate,
}

/// 明治 begins here when the era was proclaimed; until 1872 its dates were lunar, and are read as
/// Gregorian. 令和 ends where two digits do.
pub(super) static ERAS: [Era; 5] = [
    era("M", "1", ["明治", "明", "㍾"], day(1868, 1, 25), day(1912, 7, 29)),
    era("T", "2", ["大正", "大", "㍽"], day(1912, 7, 30), day(1926, 12, 24)),
    era("S", "3", ["昭和", "昭", "㍼"], day(1926, 12, 25), day(1989, 1, 7)),
    era("H", "4", ["平成", "平", "㍻"], day(1989, 1, 8), day(2019, 4, 30)),
    era("R", "5", ["令和", "令", "㋿"], day(2019, 5, 1), day(2117, 12, 31)),
];

const fn era(
    letter: &'static str,
    digit: &'static str,
    names: [&'static str; 3],
    first: (i32, NaiveDate),
    last: (i32, NaiveDate),
) -> Era {
    Era { letter, digit, names, base: first.0 - 1, first: first.1, last: last.1 }
}

/// Evaluated when the table above is compiled; a wrong day there does not build.
const fn day(year: i32, month: u32, day: u32) -> (i32, NaiveDate) {
    match NaiveDate::from_ymd_opt(year, month, day) {
        Some(date) => (year, date),
        None => panic!("an era begins and ends on a real day"),
    }
}

impl Era {
    /// The date of this era's year. A month or year that the era only touches belongs to it.
    fn date(&self, [year, month, day]: [u32; 3]) -> Result<PartialDate, Fault> {
        let year = i32::try_from(year).map_err(|_| Fault::BAD_DATE)?;
        if !(1..=99).contains(&year) {
            return Err(Fault::BAD_DATE);
        }
        let date = PartialDate::new(self.base + year, month, day)?;
        let (first, last) = (self.first, self.last);
        let inside = match date {
            PartialDate::Day(day) => (first..=last).contains(&day),
            PartialDate::Month(year, month) => {
                let month = (year, month);
                month >= (first.year(), first.month()) && month <= (last.year(), last.month())
            }
            PartialDate::Year(year) => (first.year()..=last.year()).contains(&year),
        };
        if inside { Ok(date) } else { Err(Fault::OUTSIDE_ERA) }
    }
}

/// Reads `S500302`, `S50.3.2`, `昭和50年3月2日`, `平成元年`, `3500302`, and whatever `date` reads.
pub(super) fn date(text: &str, zone: FixedOffset) -> Result<Option<PartialDate>, Fault> {
    let folded = hankaku(text);
    let text = trim(&folded);
    if let Some((era, rest)) = ERAS.iter().find_map(|era| Some((era, of_era(text, era)?))) {
        return era.date(era_fields(rest)?).map(Some);
    }
    if all_digits(text) && text.len() == 7 {
        return receipt(text);
    }
    if text.contains('年') || (text.contains('.') && !text.contains(':')) {
        let [year, month, day] = separated(text)?;
        let year = i32::try_from(year).ok().filter(|year| *year >= 1000);
        return PartialDate::new(year.ok_or(Fault::BAD_DATE)?, month, day).map(Some);
    }
    date::date(text, zone)
}

/// What follows the era's letter or name.
fn of_era<'a>(text: &'a str, era: &Era) -> Option<&'a str> {
    if let Some(rest) = era.names.iter().find_map(|name| text.strip_prefix(name)) {
        return Some(trim(rest));
    }
    let (letter, rest) = text.split_at_checked(1)?;
    letter.eq_ignore_ascii_case(era.letter).then(|| trim(rest))
}

/// `YYMMDD`, `YYMM`, `YY`, or numbers with separators, of which the year may be 元.
fn era_fields(text: &str) -> Result<[u32; 3], Fault> {
    if !all_digits(text) || text.len() == 1 {
        let fields = separated(text)?;
        return if fields[0] > 99 { Err(Fault::BAD_DATE) } else { Ok(fields) };
    }
    if !matches!(text.len(), 2 | 4 | 6) {
        return Err(Fault::BAD_DATE);
    }
    let field = |at: usize| text.get(at..at + 2).map_or(Ok(0), str::parse::<u32>);
    match (field(0), field(2), field(4)) {
        (Ok(year), Ok(month), Ok(day)) => Ok([year, month, day]),
        _ => Err(Fault::BAD_DATE),
    }
}

/// `50年3月2日`, `50.3.2`, `50/3/2`, `50-3-2`, `元年`; blanks between are padding.
fn separated(text: &str) -> Result<[u32; 3], Fault> {
    let mut even: String = text.chars().filter(|c| !is_space(*c)).collect();
    if let Some(rest) = even.strip_prefix('元') {
        even = format!("1{rest}");
    }
    let even = even.replace(['年', '月', '/', '-'], ".");
    let even = even.trim_end_matches('日').trim_end_matches('.');
    fields(even, '.').ok_or(Fault::BAD_DATE)
}

/// Seven digits of a receipt file: the era's digit and `YYMMDD`.
fn receipt(text: &str) -> Result<Option<PartialDate>, Fault> {
    if text.bytes().all(|byte| byte == b'0') {
        return Ok(None);
    }
    let (digit, rest) = text.split_at_checked(1).ok_or(Fault::BAD_DATE)?;
    let era = ERAS.iter().find(|era| era.digit == digit).ok_or(Fault::BAD_DATE)?;
    era.date(era_fields(rest)?).map(Some)
}

/// `GYYMMDD`; zeros for what is unknown. A month or year of two eras is written in the later one.
pub(super) fn stored(fhir: &str) -> Option<String> {
    let date = PartialDate::of_fhir(fhir)?;
    let last = date.last_day()?;
    let era = ERAS.iter().find(|era| (era.first..=era.last).contains(&last))?;
    let (year, month, day) = date.parts();
    Some(format!("{}{:02}{month:02}{day:02}", era.letter, year - era.base))
}
