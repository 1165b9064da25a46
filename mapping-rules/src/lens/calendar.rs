//! Dates as FHIR knows them, to the year, the month or the day, and the reading of western dates
//! from digits. Below `date` and `wareki`, which both need it.

use std::fmt;

use chrono::{Datelike, NaiveDate};

use super::{Fault, spellings};

/// A FHIR date. Its years are 1 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PartialDate {
    Year(i32),
    Month(i32, u32),
    Day(NaiveDate),
}

impl PartialDate {
    /// Zero means unknown: a month of zero makes a year, whatever the day says.
    pub fn new(year: i32, month: u32, day: u32) -> Result<Self, Fault> {
        if !(1..=9999).contains(&year) || month > 12 {
            return Err(Fault::BAD_DATE);
        }
        match (month, day) {
            (0, 0) => Ok(PartialDate::Year(year)),
            (0, _) => Err(Fault::BAD_DATE),
            (_, 0) => Ok(PartialDate::Month(year, month)),
            _ => NaiveDate::from_ymd_opt(year, month, day)
                .map(PartialDate::Day)
                .ok_or(Fault::BAD_DATE),
        }
    }

    /// Reads `YYYY`, `YYYY-MM` or `YYYY-MM-DD` and nothing else.
    pub fn of_fhir(text: &str) -> Option<Self> {
        let fields = numbers(text).filter(|_| matches!(text.len(), 4 | 7 | 10))?;
        let date = PartialDate::new(i32::try_from(fields[0]).ok()?, fields[1], fields[2]).ok()?;
        (date.to_string() == text).then_some(date)
    }

    /// The last day that the date may mean.
    pub fn last_day(self) -> Option<NaiveDate> {
        match self {
            PartialDate::Year(year) => NaiveDate::from_ymd_opt(year, 12, 31),
            PartialDate::Month(year, month) => {
                let days = NaiveDate::from_ymd_opt(year, month, 1)?.num_days_in_month();
                NaiveDate::from_ymd_opt(year, month, u32::from(days))
            }
            PartialDate::Day(day) => Some(day),
        }
    }

    /// The digits of year, month and day; zero where unknown.
    pub fn parts(self) -> (i32, u32, u32) {
        match self {
            PartialDate::Year(year) => (year, 0, 0),
            PartialDate::Month(year, month) => (year, month, 0),
            PartialDate::Day(day) => (day.year(), day.month(), day.day()),
        }
    }
}

impl fmt::Display for PartialDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parts() {
            (year, 0, _) => write!(f, "{year:04}"),
            (year, month, 0) => write!(f, "{year:04}-{month:02}"),
            (year, month, day) => write!(f, "{year:04}-{month:02}-{day:02}"),
        }
    }
}

/// A western date in half-width characters: `YYYYMMDD`, `YYYYMM`, `YYYY`, or with one of `signs`
/// between, where month and day may have one digit. Zeros only is no date at all.
pub(super) fn western(text: &str, signs: &[char]) -> Result<Option<PartialDate>, Fault> {
    let compact = if text.len() == WIDTH { text.trim_end_matches(' ') } else { text };
    if all_digits(compact) {
        let [year, month, day] = compact_fields(compact).ok_or(Fault::BAD_DATE)?;
        return dated([year, month, day]);
    }
    let (digits, rest) = text.split_at_checked(4).ok_or(Fault::BAD_DATE)?;
    let sign = rest.chars().next().filter(|sign| all_digits(digits) && signs.contains(sign));
    let (sign, fields) = sign.zip(numbers(text)).ok_or(Fault::BAD_DATE)?;
    let written = spellings::western(sign, fields).iter().any(|spelling| spelling == text);
    if written { dated(fields) } else { Err(Fault::BAD_DATE) }
}

/// A short date may be filled up with blanks to the width of a whole one.
pub(super) const WIDTH: usize = "20210705".len();

fn dated([year, month, day]: [u32; 3]) -> Result<Option<PartialDate>, Fault> {
    if [year, month, day] == [0; 3] {
        return Ok(None);
    }
    let year = i32::try_from(year).map_err(|_| Fault::BAD_DATE)?;
    PartialDate::new(year, month, day).map(Some)
}

/// The numbers of a date, whatever is between them; those that are missing are zero. Whether the
/// text is a spelling is asked afterwards.
pub(super) fn numbers(text: &str) -> Option<[u32; 3]> {
    let mut numbers = [0; 3];
    let first = text.strip_prefix('元').map(|rest| format!("1{rest}"));
    let text = first.as_deref().unwrap_or(text);
    let parts = text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
    for (index, part) in parts.enumerate() {
        *numbers.get_mut(index)? = part.parse().ok()?;
    }
    Some(numbers)
}

pub(super) fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Year, month, day of 4, 6 or 8 digits; of any number of zeros, zeros.
fn compact_fields(digits: &str) -> Option<[u32; 3]> {
    if digits.bytes().all(|byte| byte == b'0') {
        return Some([0; 3]);
    }
    let field = |from: usize, to: usize| match digits.get(from..to) {
        Some(part) => part.parse().ok(),
        None => Some(0),
    };
    let width = matches!(digits.len(), 4 | 6 | 8);
    width.then_some([field(0, 4)?, field(4, 6)?, field(6, 8)?])
}
