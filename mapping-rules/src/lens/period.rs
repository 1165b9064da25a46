//! Which stored periods a date search means. A stored date is a tile of time (a year, a month, a
//! day, a second, a millisecond); at each size the tiles that match a prefix lie in a row, so a
//! search is one or two spans of tiles. No columns and no text here: only R4's meaning.
//!
//! Source: R4 search, "prefixes" (search.html#prefix).

use chrono::{Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike};
use genkan_fhir::search::Prefix;

/// A search value: the half-open period `start..end` on the site's wall clock. `2021-07` is
/// 2021-07-01T00:00 to 2021-08-01T00:00; of `ap` it is as wide as is near enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateSearch {
    pub prefix: Prefix,
    pub start: NaiveDateTime,
    pub end: NaiveDateTime,
}

impl DateSearch {
    /// Any date at all.
    pub const ANY: DateSearch =
        DateSearch { prefix: Prefix::Ge, start: NaiveDateTime::MIN, end: NaiveDateTime::MIN };
}

/// The size of a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tile {
    Year,
    Month,
    Day,
    Second,
    Millisecond,
}

/// The starts of the first and the last tile of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub first: NaiveDateTime,
    pub last: NaiveDateTime,
}

/// The first and the last moment that FHIR can write.
pub(super) const EARLIEST: NaiveDateTime = midnight(1, 1, 1);
pub(super) const LATEST: NaiveDateTime = moment_before(midnight(10_000, 1, 1));

const fn midnight(year: i32, month: u32, day: u32) -> NaiveDateTime {
    match NaiveDate::from_ymd_opt(year, month, day) {
        Some(day) => day.and_time(NaiveTime::MIN),
        None => panic!("the bounds are real days"),
    }
}

const fn moment_before(end: NaiveDateTime) -> NaiveDateTime {
    match end.checked_sub_signed(TimeDelta::microseconds(1)) {
        Some(last) => last,
        None => panic!("the bounds lie far inside of what the calendar can count"),
    }
}

impl Tile {
    /// The start of the tile in which `at` lies.
    pub fn floor(self, at: NaiveDateTime) -> NaiveDateTime {
        let date = at.date();
        let day = |day: Option<NaiveDate>| day.unwrap_or(date).and_time(NaiveTime::MIN);
        match self {
            Tile::Year => day(NaiveDate::from_ymd_opt(date.year(), 1, 1)),
            Tile::Month => day(NaiveDate::from_ymd_opt(date.year(), date.month(), 1)),
            Tile::Day => day(Some(date)),
            Tile::Second => at.with_nanosecond(0).unwrap_or(at),
            Tile::Millisecond => {
                let nanosecond = at.nanosecond();
                at.with_nanosecond(nanosecond - nanosecond % 1_000_000).unwrap_or(at)
            }
        }
    }

    /// The start of the next tile, which is the end of this one.
    pub fn next(self, start: NaiveDateTime) -> NaiveDateTime {
        let next = match self {
            Tile::Year => start.checked_add_months(Months::new(12)),
            Tile::Month => start.checked_add_months(Months::new(1)),
            Tile::Day => start.checked_add_days(Days::new(1)),
            Tile::Second => start.checked_add_signed(TimeDelta::seconds(1)),
            Tile::Millisecond => start.checked_add_signed(TimeDelta::milliseconds(1)),
        };
        next.unwrap_or(start)
    }

    pub fn previous(self, start: NaiveDateTime) -> NaiveDateTime {
        self.floor(start.checked_sub_signed(TimeDelta::nanoseconds(1)).unwrap_or(start))
    }

    /// The first start that is not before `at`.
    fn ceiling(self, at: NaiveDateTime) -> NaiveDateTime {
        let floor = self.floor(at);
        if floor == at { at } else { self.next(floor) }
    }

    /// The tiles of FHIR's calendar that `search` matches, in order.
    pub fn matched(self, search: &DateSearch) -> Vec<Span> {
        let whole = Span { first: EARLIEST, last: self.floor(LATEST) };
        // Beyond the calendar all moments are alike; the clock has room on both sides.
        let bound = |at: NaiveDateTime| {
            at.clamp(Tile::Year.previous(EARLIEST), Tile::Year.next(midnight(10_000, 1, 1)))
        };
        let (start, end) = (bound(search.start), bound(search.end));
        let (first_after, last_before) = (self.ceiling(end), self.previous(self.floor(start)));
        let inside = Span { first: self.ceiling(start), last: self.previous(self.floor(end)) };
        // A tile reaches above the search period if it ends behind it: the one at its end does.
        let above = Span { first: self.floor(end), last: whole.last };
        let below = Span { first: whole.first, last: self.previous(self.ceiling(start)) };
        let below_end = self.previous(self.ceiling(end));
        let spans = match search.prefix {
            Prefix::Eq => vec![inside],
            Prefix::Ne if inside.is_empty() => vec![whole],
            Prefix::Ne => vec![
                Span { first: whole.first, last: self.previous(inside.first) },
                Span { first: self.next(inside.last), last: whole.last },
            ],
            Prefix::Gt => vec![above],
            Prefix::Lt => vec![below],
            Prefix::Ge if inside.is_empty() => vec![above],
            Prefix::Ge => vec![Span { first: inside.first.min(above.first), ..above }],
            Prefix::Le if inside.is_empty() => vec![below],
            Prefix::Le => vec![Span { last: inside.last.max(below.last), ..below }],
            Prefix::Sa => vec![Span { first: first_after, ..above }],
            Prefix::Eb => vec![Span { last: last_before, ..below }],
            Prefix::Ap => vec![Span { first: self.floor(start), last: below_end }],
        };
        spans.into_iter().filter_map(|span| span.within(whole)).collect()
    }
}

impl Span {
    fn is_empty(self) -> bool {
        self.first > self.last
    }

    /// What both have in common, if anything.
    pub fn within(self, other: Span) -> Option<Span> {
        let span = Span { first: self.first.max(other.first), last: self.last.min(other.last) };
        (!span.is_empty()).then_some(span)
    }

    pub fn contains(self, start: NaiveDateTime) -> bool {
        (self.first..=self.last).contains(&start)
    }
}
