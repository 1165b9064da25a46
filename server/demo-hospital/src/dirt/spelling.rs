//! How this hospital writes dates, digits and times.

use std::borrow::Cow;

use chrono::{Datelike, NaiveDate, NaiveDateTime};

use crate::random::Stream;
use crate::rows::Cell;

/// `YYYYMMDD`
pub fn ymd(day: NaiveDate) -> Cell {
    Cell::from(day.format("%Y%m%d").to_string())
}

/// `YYYYMMDDHHMMSS`
pub fn stamp(at: NaiveDateTime) -> Cell {
    Cell::from(at.format("%Y%m%d%H%M%S").to_string())
}

/// Text that is the same for every hospital.
pub fn fixed(text: &'static str) -> Cell {
    Cell::Text(Cow::Borrowed(text))
}

/// 和暦: `S050628`. Days before Meiji 6 stay western, as the lunar calendar held until then.
pub fn wareki(day: NaiveDate) -> String {
    let eras = [
        ('R', (2019, 5, 1)),
        ('H', (1989, 1, 8)),
        ('S', (1926, 12, 25)),
        ('T', (1912, 7, 30)),
        ('M', (1873, 1, 1)),
    ];
    let key = (day.year(), day.month(), day.day());
    match eras.into_iter().find(|(_, first)| key >= *first) {
        Some((era, (first, _, _))) => {
            let first = if era == 'M' { 1868 } else { first };
            format!("{era}{:02}{:02}{:02}", day.year() - first + 1, day.month(), day.day())
        }
        None => day.format("%Y%m%d").to_string(),
    }
}

/// A date that is not there: blank, `00000000` or `99999999`. True if a sentinel stands for it.
pub fn no_date(stream: &mut Stream) -> (Cell, bool) {
    match stream.below(20) {
        0..14 => (fixed(""), false),
        14..18 => (fixed("00000000"), true),
        _ => (fixed("99999999"), true),
    }
}

/// ASCII to its full-width forms; `-` becomes `−` (U+2212) as the old input method wrote it.
pub fn full_width(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '-' => '−',
            '!'..='~' => char::from_u32(u32::from(c) + 0xfee0).unwrap_or(c),
            _ => c,
        })
        .collect()
}

/// Blank or NULL, as the input screen of that year left it.
pub fn nothing(stream: &mut Stream) -> Cell {
    if stream.chance(300) { Cell::Null } else { fixed("") }
}

/// A flag of the physician's decision: `1`, or mostly blank.
pub fn decision(on: bool) -> Cell {
    fixed(if on { "1" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wareki_changes_on_the_first_day_of_each_era() {
        for (year, month, day, expected) in [
            (1872, 12, 31, "18721231"),
            (1873, 1, 1, "M060101"),
            (1912, 7, 29, "M450729"),
            (1912, 7, 30, "T010730"),
            (1926, 12, 24, "T151224"),
            (1926, 12, 25, "S011225"),
            (1930, 6, 28, "S050628"),
            (1989, 1, 7, "S640107"),
            (1989, 1, 8, "H010108"),
            (2019, 4, 30, "H310430"),
            (2019, 5, 1, "R010501"),
        ] {
            let date = NaiveDate::from_ymd_opt(year, month, day).unwrap();
            assert_eq!(wareki(date), expected);
        }
    }

    #[test]
    fn full_width_turns_all_printable_ascii() {
        assert_eq!(full_width("<0.5"), "＜０．５");
        assert_eq!(full_width("03-123"), "０３−１２３");
        assert_eq!(full_width("陰性 1"), "陰性 １");
    }
}
