//! In which spelling a text is a date. Whether it is one at all, the converters' own readers say.

use chrono::FixedOffset;

use crate::lens::{Lens, LensContext};

/// The spellings that differ in what reads them or in what a person would call them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DateSpelling {
    /// `20210705`
    Compact,
    /// `202107`, `2021`, `20210700`
    Partial,
    /// `2021-07-05`
    Hyphens,
    /// `2021/7/5`
    Slashes,
    /// `20210705111941`
    Compact14,
    /// `202107051119`
    Compact12,
    /// `2021-07-05 11:19:41` and the like
    DayAndTime,
    /// `S500302`
    EraLetter,
    /// `S50.3.2`
    EraLetterSigns,
    /// `昭和50年3月2日`
    EraKanji,
    /// `3500302`, as receipts (レセ電) write it
    EraDigit,
    /// `1975年3月2日`, `1975.3.2`
    WesternKanji,
}

impl DateSpelling {
    /// As it is shown to people.
    pub fn example(self) -> &'static str {
        match self {
            DateSpelling::Compact => "YYYYMMDD",
            DateSpelling::Partial => "YYYYMM / YYYY / YYYYMM00",
            DateSpelling::Hyphens => "YYYY-MM-DD",
            DateSpelling::Slashes => "YYYY/MM/DD",
            DateSpelling::Compact14 => "YYYYMMDDhhmmss",
            DateSpelling::Compact12 => "YYYYMMDDhhmm",
            DateSpelling::DayAndTime => "YYYY-MM-DD hh:mm:ss",
            DateSpelling::EraLetter => "和暦 S500302",
            DateSpelling::EraLetterSigns => "和暦 S50.3.2",
            DateSpelling::EraKanji => "和暦 昭和50年3月2日",
            DateSpelling::EraDigit => "和暦 3500302",
            DateSpelling::WesternKanji => "1975年3月2日",
        }
    }

    /// Read by `date.wareki` only.
    pub fn is_japanese(self) -> bool {
        matches!(
            self,
            DateSpelling::EraLetter
                | DateSpelling::EraLetterSigns
                | DateSpelling::EraKanji
                | DateSpelling::EraDigit
                | DateSpelling::WesternKanji
        )
    }

    /// Has a time of day behind it.
    pub fn has_time(self) -> bool {
        matches!(self, DateSpelling::Compact14 | DateSpelling::Compact12 | DateSpelling::DayAndTime)
    }

    /// Only the column's name can tell it from a number or a code.
    pub fn is_ambiguous(self) -> bool {
        matches!(self, DateSpelling::Partial | DateSpelling::EraDigit)
    }
}

/// The spelling of a text that is a date of a living person's time, with its year; `None` for every
/// other text.
pub fn spelling(text: &str, zone: FixedOffset) -> Option<(DateSpelling, i32)> {
    let cx = LensContext { zone };
    let read = |lens: Lens| lens.forward(text, &cx).ok().flatten().map(|text| text.into_owned());
    let all_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let timed = matches!(text.len(), 12 | 14) && all_digits || text.contains([':', 'T']);
    let (spelling, date) = if timed {
        (timed_spelling(text, all_digits), read(Lens::DateTime)?)
    } else if let Some(date) = read(Lens::Date) {
        (western_spelling(text, all_digits, &date), date)
    } else {
        (era_spelling(text, all_digits), read(Lens::Wareki)?)
    };
    let year = date.get(..4)?.parse().ok()?;
    (1868..=2100).contains(&year).then_some((spelling, year))
}

fn timed_spelling(text: &str, all_digits: bool) -> DateSpelling {
    match (all_digits, text.len()) {
        (true, 14) => DateSpelling::Compact14,
        (true, _) => DateSpelling::Compact12,
        (false, _) => DateSpelling::DayAndTime,
    }
}

fn western_spelling(text: &str, all_digits: bool, date: &str) -> DateSpelling {
    match (text.contains('-'), text.contains('/')) {
        _ if date.len() < "2021-07-05".len() => DateSpelling::Partial,
        (true, _) => DateSpelling::Hyphens,
        (_, true) => DateSpelling::Slashes,
        _ if all_digits => DateSpelling::Compact,
        _ => DateSpelling::DayAndTime,
    }
}

fn era_spelling(text: &str, all_digits: bool) -> DateSpelling {
    let western = text.starts_with(|c: char| c.is_ascii_digit());
    match (all_digits, western, text.contains(['年', '元'])) {
        (true, ..) => DateSpelling::EraDigit,
        (_, true, _) => DateSpelling::WesternKanji,
        (_, _, true) => DateSpelling::EraKanji,
        _ if text.contains(['.', '/', '-']) => DateSpelling::EraLetterSigns,
        _ => DateSpelling::EraLetter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_named_by_the_readers_that_read_them() {
        let zone = FixedOffset::east_opt(9 * 3600).expect("an offset");
        use DateSpelling as S;
        for (text, expected) in [
            ("20210705", Some((S::Compact, 2021))),
            ("20050000", Some((S::Partial, 2005))),
            ("2005", Some((S::Partial, 2005))),
            ("2021-07-05", Some((S::Hyphens, 2021))),
            ("2021/7/5", Some((S::Slashes, 2021))),
            ("20210705111941", Some((S::Compact14, 2021))),
            ("202107051119", Some((S::Compact12, 2021))),
            ("2021-07-05 11:19:41", Some((S::DayAndTime, 2021))),
            ("S500302", Some((S::EraLetter, 1975))),
            ("S50.3.2", Some((S::EraLetterSigns, 1975))),
            ("昭和50年3月2日", Some((S::EraKanji, 1975))),
            ("平成元年", Some((S::EraKanji, 1989))),
            ("3500302", Some((S::EraDigit, 1975))),
            ("1975年3月2日", Some((S::WesternKanji, 1975))),
            // No day, no year that anybody here has lived in, or no date.
            ("20210231", None),
            ("12345678", None),
            ("00000000", None),
            ("0000000012", None),
            ("03-123-1234", None),
            ("", None),
        ] {
            assert_eq!(spelling(text, zone), expected, "{text}");
        }
    }
}
