//! The fixed-width spellings of stored dates, as ranges need them: lower and upper text of a tile,
//! the short forms of years and months, and what tells one family of spellings from the others.

use std::collections::BTreeSet;

use chrono::{Datelike, NaiveDateTime, Timelike};
use genkan_adapter::{ColumnRef, Comparison, Predicate};

use super::super::Lens;
use super::super::period::{DateSearch, EARLIEST, LATEST, Span, Tile};
use super::super::wareki::{ERAS, Era};
use super::{all, any, at_most, contains, longer_than};

/// How the year is written.
#[derive(Clone, Copy)]
enum Year {
    /// Four digits.
    Western,
    /// `S50`: letter and two digits.
    Letter(&'static Era),
    /// `350`: digit and two digits.
    Digit(&'static Era),
}

/// What a guard asks of the length, in characters.
#[derive(Clone, Copy)]
enum Length {
    Any,
    Exactly(u32),
    Not(u32),
    /// Ten or more, or seven: `YYYY/M/D` is excluded, `YYYY/MM` and all full dates are not. At most
    /// nineteen: neither fractions nor offsets.
    Padded,
}

/// One family of spellings.
pub(super) struct Spelling {
    year: Year,
    separator: &'static str,
    /// Between date and time, and between the parts of the time.
    time_separators: (&'static str, &'static str),
    pub finest: Tile,
    /// A `CHAR` column of fewer characters can't hold such texts.
    pub shortest: u32,
    /// Whether years and months alone are of this family.
    has_short: bool,
    length: Length,
    with: &'static [&'static str],
    without: &'static [&'static str],
}

/// The families that may stand in one column. No text belongs to two, so that each can exclude
/// without another letting in again.
pub(super) fn of_lens(lens: &Lens) -> Vec<Spelling> {
    let date = |separator: &'static str, with, without| Spelling {
        year: Year::Western,
        separator,
        time_separators: ("", ""),
        finest: Tile::Day,
        shortest: if separator.is_empty() { 4 } else { 10 },
        has_short: true,
        length: if separator.is_empty() { Length::Any } else { Length::Padded },
        with,
        without,
    };
    let time = |spelling: Spelling, between, colon| Spelling {
        time_separators: (between, colon),
        finest: Tile::Second,
        shortest: if spelling.separator.is_empty() { 4 } else { 16 },
        ..spelling
    };
    match lens {
        Lens::Wareki => {
            let compact = date("", &[], &["-", "/", ".", "年"]);
            let mut families = vec![
                Spelling { length: Length::Not(7), ..compact },
                date("-", &["-"], &["/"]),
                date("/", &["/"], &["-"]),
            ];
            families.extend(ERAS.iter().flat_map(eras));
            families
        }
        Lens::DateTime => vec![
            time(date("", &[], &["-", "/", ".", " ", "T"]), "", ""),
            time(date("-", &["-"], &["/", "T"]), " ", ":"),
            Spelling { has_short: false, ..time(date("-", &["-", "T"], &["/", " "]), "T", ":") },
            time(date("/", &["/"], &["-", "T"]), " ", ":"),
        ],
        _ => vec![date("", &[], &["-", "/"]), date("-", &["-"], &["/"]), date("/", &["/"], &["-"])],
    }
}

fn eras(era: &'static Era) -> [Spelling; 2] {
    let of = |year, shortest, length| Spelling {
        year,
        separator: "",
        time_separators: ("", ""),
        finest: Tile::Day,
        shortest,
        has_short: true,
        length,
        with: &[],
        without: &["-", "/", ".", "年"],
    };
    [of(Year::Letter(era), 3, Length::Any), of(Year::Digit(era), 7, Length::Exactly(7))]
}

impl Spelling {
    /// The days that can be written so.
    fn whole(&self) -> Span {
        match self.year {
            Year::Western => Span { first: EARLIEST, last: LATEST },
            Year::Letter(era) | Year::Digit(era) => Span {
                first: era.first.and_hms_opt(0, 0, 0).unwrap_or(EARLIEST),
                last: era.last.and_hms_opt(0, 0, 0).unwrap_or(LATEST),
            },
        }
    }

    /// The tiles that match and can be written so.
    pub fn spans(&self, tile: Tile, search: &DateSearch) -> Vec<Span> {
        let whole = self.whole();
        let whole = Span { first: tile.floor(whole.first), last: tile.floor(whole.last) };
        let matched = tile.matched(search).unwrap_or_default();
        matched.into_iter().filter_map(|span| span.within(whole)).collect()
    }

    /// The tiles of years, months or days on which text order and meaning may differ: those at the
    /// ends of the ranges and of what matches, and their neighbours.
    pub fn doubtful(
        &self,
        tile: Tile,
        ranges: &[Span],
        matched: &[Span],
    ) -> BTreeSet<NaiveDateTime> {
        let whole = self.whole();
        let (first, last) = (tile.floor(whole.first), tile.floor(whole.last));
        let mut starts = BTreeSet::from([first, last]);
        for span in ranges.iter().chain(matched) {
            for end in [span.first, span.last] {
                let start = tile.floor(end);
                starts.extend([tile.previous(start), start, tile.next(start)]);
            }
        }
        starts.retain(|start| (first..=last).contains(start));
        starts
    }

    fn year(&self, at: NaiveDateTime) -> String {
        match self.year {
            Year::Western => format!("{:04}", at.year()),
            Year::Letter(era) => format!("{}{:02}", era.letter, at.year() - era.base),
            Year::Digit(era) => format!("{}{:02}", era.digit, at.year() - era.base),
        }
    }

    fn day(&self, at: NaiveDateTime, day: u32) -> String {
        let separator = self.separator;
        format!("{}{separator}{:02}{separator}{day:02}", self.year(at), at.month())
    }

    fn minute(&self, at: NaiveDateTime) -> String {
        let (between, colon) = self.time_separators;
        format!("{}{between}{:02}{colon}{:02}", self.day(at, at.day()), at.hour(), at.minute())
    }

    fn second(&self, at: NaiveDateTime) -> String {
        format!("{}{}{:02}", self.minute(at), self.time_separators.1, at.second())
    }

    /// The first text of a finest tile: a minute's short form sorts before its first second.
    pub fn lower(&self, start: NaiveDateTime) -> String {
        match self.finest {
            Tile::Second if start.second() == 0 => self.minute(start),
            Tile::Second => self.second(start),
            _ => self.day(start, start.day()),
        }
    }

    /// The end of a range. A day ends before the next number, whether or not the month has it, so
    /// that a time behind the day lies inside and the 31st of a short month does not.
    pub fn upper(&self, start: NaiveDateTime) -> (Comparison, String) {
        match self.finest {
            Tile::Second => (Comparison::LessOrEqual, self.second(start)),
            _ => (Comparison::Less, self.day(start, start.day() + 1)),
        }
    }

    /// All spellings of a coarser tile: a year, a month, a day of a time.
    pub fn short(&self, tile: Tile, start: NaiveDateTime) -> Vec<String> {
        if !self.has_short {
            return Vec::new();
        }
        let (year, separator) = (self.year(start), self.separator);
        let month = format!("{year}{separator}{:02}", start.month());
        let zeros = format!("{separator}00");
        let digit_era = matches!(self.year, Year::Digit(_));
        match tile {
            Tile::Year if digit_era => vec![format!("{year}{zeros}{zeros}")],
            Tile::Year if separator.is_empty() => {
                vec![year.clone(), format!("{year}{zeros}"), format!("{year}{zeros}{zeros}")]
            }
            // The year alone has no separator; it belongs to the compact family.
            Tile::Year => vec![format!("{year}{zeros}"), format!("{year}{zeros}{zeros}")],
            Tile::Month if digit_era => vec![format!("{month}{zeros}")],
            Tile::Month => vec![month.clone(), format!("{month}{zeros}")],
            _ => vec![self.day(start, start.day())],
        }
    }

    /// `24:00` of the day before, which is this midnight but sorts with that day.
    pub fn other_midnights(&self, start: NaiveDateTime) -> Vec<String> {
        let previous = Tile::Day.previous(start);
        let is_midnight = self.finest == Tile::Second && Tile::Day.floor(start) == start;
        if !is_midnight || previous < EARLIEST {
            return Vec::new();
        }
        let (between, colon) = self.time_separators;
        let minute = format!("{}{between}24{colon}00", self.day(previous, previous.day()));
        let second = format!("{minute}{colon}00");
        vec![minute, second]
    }

    /// What keeps the texts of other families out of this one's ranges.
    pub fn guards(&self, column: &ColumnRef) -> Vec<Predicate> {
        let mut guards = match self.length {
            Length::Any => Vec::new(),
            Length::Exactly(length) => {
                vec![at_most(column, length), longer_than(column, length - 1)]
            }
            Length::Not(length) => {
                vec![any(vec![at_most(column, length - 1), longer_than(column, length)])]
            }
            Length::Padded => {
                let month = all(vec![at_most(column, 7), longer_than(column, 6)]);
                vec![at_most(column, 19), any(vec![month, longer_than(column, 9)])]
            }
        };
        guards.extend(self.with.iter().map(|text| contains(column, text)));
        let without = self.without.iter().map(|text| contains(column, text));
        guards.extend(without.map(|found| Predicate::Not(Box::new(found))));
        guards
    }
}
