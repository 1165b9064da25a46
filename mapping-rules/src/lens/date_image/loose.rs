//! The spellings that vary in width: whole years by what their texts begin with, the months and days
//! at the ends of the search one by one.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime};
use genkan_adapter::{ColumnRef, Comparison, Operand, Predicate, Value};

use super::super::period::{DateSearch, Span, Tile};
use super::super::spellings::{self, hands};
use super::super::wareki::{ERAS, Era};
use super::{all, at_most, compare, contains, one_of};

/// What a search matches, in the largest pieces: years and months of which every date matches, and
/// dates by themselves (month and day zero where unknown).
pub(super) struct Cover {
    years: Vec<(i32, i32)>,
    months: Vec<(i32, u32)>,
    dates: Vec<[u32; 3]>,
}

impl Cover {
    pub fn of(search: &DateSearch) -> Cover {
        let matched = [Tile::Year, Tile::Month, Tile::Day].map(|t| t.matched(search));
        // Within a year at which nothing begins or ends all dates are alike.
        let ends = matched.iter().flatten().flat_map(|span| [span.first.year(), span.last.year()]);
        let near: BTreeSet<i32> = ends.flat_map(|year| [year - 1, year, year + 1]).collect();
        let mut cover = Cover { years: Vec::new(), months: Vec::new(), dates: Vec::new() };
        let mut next = 1;
        for year in near.into_iter().filter(|year| (1..=9999).contains(year)) {
            cover.alike(&matched, next, year - 1);
            cover.year(&matched, year);
            next = year + 1;
        }
        cover.alike(&matched, next, 9999);
        cover
    }

    fn alike(&mut self, matched: &[Vec<Span>; 3], first: i32, last: i32) {
        if first <= last && found(&matched[2], day(first, 1, 1)) {
            self.years.push((first, last));
        }
    }

    fn year(&mut self, matched: &[Vec<Span>; 3], year: i32) {
        let [of_years, of_months, of_days] = matched;
        let whole = |month: &u32| {
            found(of_months, day(year, *month, 1))
                && days(year, *month).all(|date| found(of_days, midnight(date)))
        };
        let whole_months: Vec<u32> = (1..=12).filter(whole).collect();
        let year_itself = found(of_years, day(year, 1, 1));
        if year_itself && whole_months.len() == 12 {
            return self.years.push((year, year));
        }
        let number = year.unsigned_abs();
        self.dates.extend(year_itself.then_some([number, 0, 0]));
        for month in 1..=12 {
            if whole_months.contains(&month) {
                self.months.push((year, month));
                continue;
            }
            let itself = found(of_months, day(year, month, 1));
            self.dates.extend(itself.then_some([number, month, 0]));
            let some = days(year, month).filter(|date| found(of_days, midnight(*date)));
            self.dates.extend(some.map(|date| [number, month, date.day()]));
        }
    }
}

fn found(spans: &[Span], start: Option<NaiveDateTime>) -> bool {
    start.is_some_and(|start| spans.iter().any(|span| span.contains(start)))
}

fn midnight(date: NaiveDate) -> Option<NaiveDateTime> {
    Some(date.and_time(NaiveTime::MIN))
}

fn day(year: i32, month: u32, day: u32) -> Option<NaiveDateTime> {
    NaiveDate::from_ymd_opt(year, month, day).and_then(midnight)
}

fn days(year: i32, month: u32) -> impl Iterator<Item = NaiveDate> {
    (1..=31).filter_map(move |day| NaiveDate::from_ymd_opt(year, month, day))
}

/// Western dates with a separator, of which month and day may have one digit.
pub(super) fn western(column: &ColumnRef, width: u32, sign: char, cover: &Cover) -> Vec<Predicate> {
    // With two digits for both, `-` and `/` are of fixed width and may have a time behind.
    let longest = match sign {
        '年' => 13,
        '.' => 10,
        _ => 9,
    };
    let guard = || [contains(column, &sign.to_string()), at_most(column, longest)];
    let mut ways = Vec::new();
    for (first, last) in &cover.years {
        let mut way = between(column, *first, *last);
        way.extend(guard());
        ways.push(all(way));
    }
    let mut by_year: BTreeMap<i32, Texts> = BTreeMap::new();
    for (year, month) in &cover.months {
        let heads = spellings::months_of_western(sign, year.unsigned_abs(), *month);
        let texts = spellings::western(sign, [year.unsigned_abs(), *month, 0]);
        by_year.entry(*year).or_default().month_of(heads, texts);
    }
    for (year, texts) in by_year {
        for heads in texts.found(column, width) {
            let mut way = between(column, year, year);
            way.extend(guard());
            way.push(heads);
            ways.push(all(way));
        }
    }
    let whole = cover.dates.iter().flat_map(|date| spellings::western(sign, *date)).collect();
    let texts = Texts { whole, ..Texts::default() };
    ways.extend(texts.found(column, width));
    ways
}

/// The texts that begin with a year of these.
fn between(column: &ColumnRef, first: i32, last: i32) -> Vec<Predicate> {
    let year = |year: i32| Value::Text(format!("{year:04}"));
    let end = match last {
        9999 => Predicate::Compare {
            left: Operand::Left { column: column.clone(), characters: 4 },
            comparison: Comparison::LessOrEqual,
            right: Operand::Value(year(last)),
        },
        last => compare(column, Comparison::Less, year(last + 1)),
    };
    vec![compare(column, Comparison::GreaterOrEqual, year(first)), end]
}

/// Dates of the eras, however they are named. The years in which an era begins or ends are taken
/// apart, because the other months of such a year are faults (`H310501`).
pub(super) fn eras(column: &ColumnRef, width: u32, cover: &Cover) -> Vec<Predicate> {
    let mut texts = Texts::default();
    for era in &ERAS {
        for (first, last) in &cover.years {
            let (first, last) = ((*first).max(era.first.year()), (*last).min(era.last.year()));
            (first..=last).for_each(|year| texts.year(era, year));
        }
        cover.months.iter().for_each(|(year, month)| texts.month(era, *year, *month));
        for [year, month, day] in &cover.dates {
            texts.date(era, i32::try_from(*year).unwrap_or_default(), *month, *day);
        }
    }
    texts.found(column, width)
}

/// Values of one list. Adapters fill lists up to a power of two.
const LIST_MAX: usize = 512;

/// Whole texts, and beginnings by their length.
#[derive(Default)]
struct Texts {
    whole: Vec<String>,
    heads: BTreeMap<u32, Vec<String>>,
}

impl Texts {
    fn begin(&mut self, head: String) {
        let length = u32::try_from(head.chars().count()).unwrap_or(u32::MAX);
        self.heads.entry(length).or_default().push(head);
    }

    fn year(&mut self, era: &Era, year: i32) {
        if inside(era, year, 1, 0) && inside(era, year, 12, 0) {
            for hand in hands(era) {
                let heads = spellings::years_of_era(hand, of_era(era, year));
                heads.into_iter().for_each(|head| self.begin(head));
            }
            return;
        }
        self.date(era, year, 0, 0);
        (1..=12).for_each(|month| self.month(era, year, month));
    }

    fn month(&mut self, era: &Era, year: i32, month: u32) {
        if inside(era, year, month, 0) {
            let year = of_era(era, year);
            for hand in hands(era) {
                let heads = spellings::months_of_era(hand, year, month);
                let texts = spellings::of_era(hand, [year, month, 0]);
                self.month_of(heads, texts);
            }
        }
    }

    /// `S50.3` ends where the texts of its days go on.
    fn month_of(&mut self, heads: Vec<String>, texts: Vec<String>) {
        let begun = |text: &String| heads.iter().any(|head| text.starts_with(head.as_str()));
        self.whole.extend(texts.into_iter().filter(|text| !begun(text)));
        heads.into_iter().for_each(|head| self.begin(head));
    }

    fn date(&mut self, era: &Era, year: i32, month: u32, day: u32) {
        if inside(era, year, month, day) {
            let date = [of_era(era, year), month, day];
            self.whole.extend(hands(era).iter().flat_map(|hand| spellings::of_era(*hand, date)));
        }
    }

    fn found(self, column: &ColumnRef, width: u32) -> Vec<Predicate> {
        let fits = |text: &String| text.chars().count() <= width as usize;
        let whole: Vec<String> = self.whole.into_iter().filter(fits).collect();
        let mut ways = Vec::new();
        ways.extend(whole.chunks(LIST_MAX).map(|texts| one_of(column, texts.to_vec())));
        for (characters, heads) in self.heads {
            if characters <= width {
                let operand = || Operand::Left { column: column.clone(), characters };
                let list = |heads: &[String]| {
                    let values = heads.iter().cloned().map(Value::Text).collect();
                    Predicate::In { operand: operand(), values }
                };
                ways.extend(heads.chunks(LIST_MAX).map(list));
            }
        }
        ways
    }
}

fn of_era(era: &Era, year: i32) -> u32 {
    u32::try_from(year - era.base).unwrap_or_default()
}

fn inside(era: &Era, year: i32, month: u32, day: u32) -> bool {
    era.date([of_era(era, year), month, day]).is_ok()
}
