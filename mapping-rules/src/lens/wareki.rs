//! `date.wareki`: the Japanese calendar (和暦), in every form that charts, receipts and people
//! write.

use chrono::{Datelike, FixedOffset, NaiveDate};

use super::calendar::{PartialDate, all_digits, numbers, western};
use super::spellings::{JAPANESE, hands, of_era};
use super::width::hankaku;
use super::{Fault, date};

/// An era (元号). Its first year is `base + 1`.
pub(crate) struct Era {
    /// Large, small, full width.
    pub letters: [&'static str; 3],
    /// The digit of receipt files (レセ電).
    pub digit: &'static str,
    pub names: [&'static str; 3],
    pub base: i32,
    pub first: NaiveDate,
    pub last: NaiveDate,
}

/// 明治 begins here when the era was proclaimed; until 1872 its dates were lunar, and are read as
/// Gregorian. 令和 ends where two digits do.
#[rustfmt::skip]
pub(super) static ERAS: [Era; 5] = [
    era(["M", "m", "Ｍ"], "1", ["明治", "明", "㍾"], day(1868, 1, 25), day(1912, 7, 29)),
    era(["T", "t", "Ｔ"], "2", ["大正", "大", "㍽"], day(1912, 7, 30), day(1926, 12, 24)),
    era(["S", "s", "Ｓ"], "3", ["昭和", "昭", "㍼"], day(1926, 12, 25), day(1989, 1, 7)),
    era(["H", "h", "Ｈ"], "4", ["平成", "平", "㍻"], day(1989, 1, 8), day(2019, 4, 30)),
    era(["R", "r", "Ｒ"], "5", ["令和", "令", "㋿"], day(2019, 5, 1), day(2117, 12, 31)),
];

const fn era(
    letters: [&'static str; 3],
    digit: &'static str,
    names: [&'static str; 3],
    first: (i32, NaiveDate),
    last: (i32, NaiveDate),
) -> Era {
    Era { letters, digit, names, base: first.0 - 1, first: first.1, last: last.1 }
}

/// Evaluated when the table above is compiled; a wrong day there does not build.
const fn day(year: i32, month: u32, day: u32) -> (i32, NaiveDate) {
    match NaiveDate::from_ymd_opt(year, month, day) {
        Some(date) => (year, date),
        None => panic!("an era begins and ends on a real day"),
    }
}

/// The era that a day lies in.
pub(crate) fn era_of(day: NaiveDate) -> Option<&'static Era> {
    ERAS.iter().find(|era| (era.first..=era.last).contains(&day))
}

impl Era {
    pub fn all() -> &'static [Era] {
        &ERAS
    }

    /// The date of this era's year. A month or year that the era only touches belongs to it.
    pub(super) fn date(&self, [year, month, day]: [u32; 3]) -> Result<PartialDate, Fault> {
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

/// Reads `S500302`, `S50.3.2`, `昭和50年3月2日`, `平成元年`, `3500302`, `1975年3月2日`, and whatever
/// `date` reads: the spellings that stand in [`spellings`](super::spellings), and no others.
pub(super) fn date(text: &str, zone: FixedOffset) -> Result<Option<PartialDate>, Fault> {
    for era in &ERAS {
        for hand in hands(era) {
            let rest = text.strip_prefix(hand.name);
            if let Some(fields) = rest.and_then(|rest| era_fields(rest, hand.wide)) {
                let written = of_era(hand, fields).iter().any(|spelling| spelling == text);
                return if written { era.date(fields).map(Some) } else { Err(Fault::BAD_DATE) };
            }
        }
    }
    if all_digits(text) && text.len() == 7 {
        return receipt(text);
    }
    if text.contains(['年', '.']) && !text.contains(':') {
        return western(text, &JAPANESE);
    }
    date::date(text, zone)
}

/// Year, month and day behind the name of an era, however they are put apart; `None` for digits of
/// the other width.
fn era_fields(text: &str, wide: bool) -> Option<[u32; 3]> {
    let folded = hankaku(text);
    if wide != (folded != text) {
        return None;
    }
    if !all_digits(&folded) {
        return numbers(&folded);
    }
    let field = |at: usize| folded.get(at..at + 2).map_or(Some(0), |digits| digits.parse().ok());
    let even = matches!(folded.len(), 2 | 4 | 6);
    even.then_some([field(0)?, field(2)?, field(4)?])
}

/// Seven digits of a receipt file: the era's digit and `YYMMDD`.
fn receipt(text: &str) -> Result<Option<PartialDate>, Fault> {
    if text.bytes().all(|byte| byte == b'0') {
        return Ok(None);
    }
    let (digit, rest) = text.split_at_checked(1).ok_or(Fault::BAD_DATE)?;
    let era = ERAS.iter().find(|era| era.digit == digit).ok_or(Fault::BAD_DATE)?;
    era.date(era_fields(rest, false).ok_or(Fault::BAD_DATE)?).map(Some)
}

/// `GYYMMDD`; zeros for what is unknown. A month or year of two eras is written in the later one.
pub(super) fn stored(fhir: &str) -> Option<String> {
    let date = PartialDate::of_fhir(fhir)?;
    let last = date.last_day()?;
    let era = era_of(last)?;
    let (year, month, day) = date.parts();
    Some(format!("{}{:02}{month:02}{day:02}", era.letters[0], year - era.base))
}
