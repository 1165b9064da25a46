//! The fixed-width spellings of stored dates, as ranges need them: lower and upper text of a tile,
//! the short forms of years and months, and what tells one family of spellings from the others.

use std::collections::BTreeSet;

use chrono::{Datelike, FixedOffset, NaiveDateTime, Timelike};
use genkan_adapter::{ColumnRef, Predicate};

use super::super::Lens;
use super::super::calendar::WIDTH;
use super::super::period::{DateSearch, EARLIEST, LATEST, Span, Tile};
use super::super::spellings::{TIMES, TimeShape, WITH_OFFSET};
use super::super::wareki::{ERAS, Era};
use super::{all, any, at_most, contains, longer_than};

/// How the year is written.
#[derive(Clone, Copy)]
enum Year {
    /// Four digits.
    Western,
    /// `350`: digit and two digits.
    Digit(&'static Era),
}

/// What a guard asks of the length, in characters.
#[derive(Clone, Copy)]
enum Length {
    /// Of digits at least a year.
    AtLeast(u32),
    Exactly(u32),
    Not(u32),
    /// Ten or more, or seven: `YYYY/M/D` is excluded, `YYYY/MM` and all full dates are not.
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
    /// Short ones may be filled up with blanks.
    filled: bool,
    /// Written in UTC, `Z` behind: the offset of the site, which is to be taken away.
    utc: Option<FixedOffset>,
    length: Length,
    with: Vec<String>,
    without: Vec<String>,
}

/// The families that may stand in one column. No text belongs to two, so that each can exclude
/// without another letting in again.
pub(super) fn of_lens(lens: &Lens, zone: FixedOffset) -> Vec<Spelling> {
    let mut families = match lens {
        Lens::DateTime => TIMES.iter().map(|shape| timed(*shape, zone)).collect(),
        _ => vec![
            Spelling { filled: true, ..dated("", &[], &["-", "/", ".", "年", "Z"]) },
            Spelling { without: not_of(zone, &["/"]), ..dated("-", &["-"], &[]) },
            dated("/", &["/"], &["-"]),
        ],
    };
    if *lens == Lens::Wareki {
        families[0].length = Length::Not(7);
        families.extend(ERAS.iter().map(|era| Spelling {
            year: Year::Digit(era),
            shortest: 7,
            length: Length::Exactly(7),
            ..dated("", &[], &["-", "/", ".", "年"])
        }));
    }
    // Instants: in UTC, or with the offset of the site, which does not change the order.
    let finest = if *lens == Lens::DateTime { Tile::Second } else { Tile::Day };
    let own = zone.to_string();
    let instant = |with: &[&str], without: &[&str]| Spelling {
        time_separators: ("T", ":"),
        finest,
        shortest: 20,
        has_short: false,
        ..dated("-", with, without)
    };
    families.push(Spelling { utc: Some(zone), ..instant(&["-", "T", "Z"], &["/", " "]) });
    if *lens == Lens::DateTime {
        families.push(instant(&["-", "T", &own], &["/", " ", "Z"]));
    }
    families
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// What a local date with `-` does not hold: UTC, and an offset that is not the site's.
fn not_of(zone: FixedOffset, other: &[&str]) -> Vec<String> {
    let mut without = texts(other);
    without.push("Z".to_owned());
    if zone.local_minus_utc() < 0 {
        without.push("+".to_owned());
    }
    without
}

fn dated(separator: &'static str, with: &[&str], without: &[&str]) -> Spelling {
    Spelling {
        year: Year::Western,
        separator,
        time_separators: ("", ""),
        finest: Tile::Day,
        shortest: if separator.is_empty() { 4 } else { 7 },
        has_short: true,
        filled: false,
        utc: None,
        length: if separator.is_empty() { Length::AtLeast(4) } else { Length::Padded },
        with: texts(with),
        without: texts(without),
    }
}

/// Of the shapes with one separator of the day, the first is also that of the day alone.
fn timed(shape: TimeShape, zone: FixedOffset) -> Spelling {
    let (separator, between, colon) = shape;
    let has_short = TIMES.iter().find(|(known, ..)| *known == separator) == Some(&shape);
    let mut with = vec![separator];
    if !has_short {
        with.extend([between, colon]);
    }
    with.retain(|text| !text.is_empty());
    let signs = ["-", "/", " ", "T", "Z", ":"];
    let mut without: Vec<&str> =
        signs.into_iter().filter(|sign| ![separator, between, colon].contains(sign)).collect();
    let own = zone.to_string();
    if shape == WITH_OFFSET {
        without.extend([own.as_str(), "+"]);
    }
    Spelling {
        time_separators: (between, colon),
        finest: Tile::Second,
        shortest: if has_short { if separator.is_empty() { 4 } else { 7 } } else { 13 },
        has_short,
        ..dated(separator, &with, &without)
    }
}

impl Spelling {
    /// The days that can be written so.
    fn whole(&self) -> Span {
        match self.year {
            Year::Western => Span { first: EARLIEST, last: LATEST },
            Year::Digit(era) => Span {
                first: era.first.and_hms_opt(0, 0, 0).unwrap_or(EARLIEST),
                last: era.last.and_hms_opt(0, 0, 0).unwrap_or(LATEST),
            },
        }
    }

    /// The tiles that match and can be written so.
    pub fn spans(&self, tile: Tile, search: &DateSearch) -> Vec<Span> {
        let whole = self.whole();
        let whole = Span { first: tile.floor(whole.first), last: tile.floor(whole.last) };
        let matched = tile.matched(search);
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

    /// As it is written: in UTC that may be another day.
    fn moved(&self, at: NaiveDateTime) -> NaiveDateTime {
        let moved = self.utc.and_then(|zone| at.checked_sub_offset(zone)).unwrap_or(at);
        if moved.year() > LATEST.year() { LATEST } else { moved }
    }

    fn year(&self, at: NaiveDateTime) -> String {
        match self.year {
            Year::Western => format!("{:04}", at.year()),
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

    fn second(&self, at: NaiveDateTime, second: u32) -> String {
        format!("{}{}{second:02}", self.minute(at), self.time_separators.1)
    }

    /// The first text of a finest tile: a minute's short form sorts before its first second.
    pub fn lower(&self, start: NaiveDateTime) -> String {
        let at = self.moved(start);
        match self.finest {
            Tile::Second if at.second() == 0 => self.minute(at),
            Tile::Second => self.second(at, at.second()),
            _ if self.utc.is_some() => self.minute(at),
            _ => self.day(at, at.day()),
        }
    }

    /// The end of a range. A day or second ends before the next number, whether or not the month or
    /// minute has it, so that a time behind the day and the fraction of a second lie inside, and the
    /// 31st of a short month and `24:00` do not.
    pub fn upper(&self, start: NaiveDateTime) -> String {
        match self.finest {
            Tile::Second => {
                let at = self.moved(start);
                self.second(at, at.second() + 1)
            }
            _ if self.utc.is_some() => self.minute(self.moved(Tile::Day.next(start))),
            _ => self.day(start, start.day() + 1),
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
        let texts = match tile {
            Tile::Year if digit_era => vec![format!("{year}{zeros}{zeros}")],
            Tile::Year if separator.is_empty() => {
                vec![year.clone(), format!("{year}{zeros}"), format!("{year}{zeros}{zeros}")]
            }
            // The year alone has no separator; it belongs to the compact family.
            Tile::Year => vec![format!("{year}{zeros}"), format!("{year}{zeros}{zeros}")],
            Tile::Month if digit_era => vec![format!("{month}{zeros}")],
            Tile::Month => vec![month.clone(), format!("{month}{zeros}")],
            _ => vec![self.day(start, start.day())],
        };
        if !self.filled {
            return texts;
        }
        let filled = texts.iter().map(|text| format!("{text:WIDTH$}"));
        let mut all: Vec<String> = filled.chain(texts.iter().cloned()).collect();
        all.sort();
        all.dedup();
        all
    }

    /// `24:00` of the day before, which is this midnight but sorts with that day.
    pub fn other_midnights(&self, start: NaiveDateTime) -> Vec<String> {
        let previous = Tile::Day.previous(start);
        let local = self.utc.is_none() && self.shortest < 20;
        let is_midnight = local && self.finest == Tile::Second && Tile::Day.floor(start) == start;
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
            Length::AtLeast(length) => vec![longer_than(column, length - 1)],
            Length::Exactly(length) => {
                vec![at_most(column, length), longer_than(column, length - 1)]
            }
            Length::Not(length) => {
                vec![any(vec![at_most(column, length - 1), longer_than(column, length)])]
            }
            Length::Padded => {
                let month = all(vec![at_most(column, 7), longer_than(column, 6)]);
                vec![any(vec![month, longer_than(column, 9)])]
            }
        };
        guards.extend(self.with.iter().map(|text| contains(column, text)));
        let without = self.without.iter().map(|text| contains(column, text));
        guards.extend(without.map(|found| Predicate::Not(Box::new(found))));
        guards
    }
}
