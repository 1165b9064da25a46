//! A date search as a condition on the bare column, so that an index serves it.
//!
//! What varies in width (`2021/7/5`, `昭和50年3月2日`) stands in `loose`. In text of fixed width the order of characters is the order of time, and a year or month that is
//! written short (`2005`, `200500`, `20050000`) sorts right before its first day. So each family of
//! spellings is one range for its finest tiles, corrected by the few short spellings at the ends of
//! the range on which text order and R4's meaning differ.

mod loose;
mod native;
mod spelling;

use genkan_adapter::{ColumnKind, ColumnRef, Comparison, Operand, Position, Predicate, Value};

use super::period::{DateSearch, Span, Tile};
use super::spellings::{JAPANESE, WESTERN};
use super::{Lens, LensContext, NotInvertible};
use chrono::{Datelike, NaiveDateTime, Timelike};
use loose::Cover;
use spelling::Spelling;

pub(super) fn date_image(
    lens: &Lens,
    column: &ColumnRef,
    kind: ColumnKind,
    search: &DateSearch,
    cx: &LensContext,
) -> Result<Predicate, NotInvertible> {
    let finest = match lens {
        Lens::Date | Lens::Wareki => Tile::Day,
        Lens::DateTime => Tile::Second,
        _ => return Err(NotInvertible::NOT_A_DATE),
    };
    let width = match kind {
        ColumnKind::Text => u32::MAX,
        ColumnKind::PaddedText { length } => length,
        ColumnKind::Date => return Ok(native::days(column, search)),
        ColumnKind::DateTime => return Ok(native::times(column, search, finest, None)),
        ColumnKind::Instant => return Ok(native::times(column, search, finest, Some(cx.zone))),
        _ => return Err(NotInvertible::COLUMN_KIND),
    };
    if *lens == Lens::DateTime && [search.start, search.end].iter().any(within_a_second) {
        return Err(NotInvertible::WITHIN_A_SECOND);
    }
    let fixed = spelling::of_lens(lens, cx.zone).into_iter().filter(|s| s.shortest <= width);
    let mut ways: Vec<Predicate> = fixed.filter_map(|s| family(column, &s, search)).collect();
    let cover = Cover::of(search);
    let signs: &[char] = if *lens == Lens::Wareki { &JAPANESE } else { &WESTERN };
    ways.extend(signs.iter().flat_map(|sign| loose::western(column, width, *sign, &cover)));
    if *lens == Lens::Wareki {
        ways.extend(loose::eras(column, width, &cover));
    }
    Ok(any(ways))
}

/// Text sorts by the second; a fraction lies within its own.
fn within_a_second(at: &NaiveDateTime) -> bool {
    (1..=9999).contains(&at.year()) && at.nanosecond() != 0
}

/// One family: its ranges, or its corrections, and never a text of another family.
fn family(column: &ColumnRef, spelling: &Spelling, search: &DateSearch) -> Option<Predicate> {
    let spans: Vec<Span> = spelling.spans(spelling.finest, search);
    let (mut add, mut exclude) = (Vec::new(), Vec::new());
    for tile in [Tile::Year, Tile::Month, Tile::Day] {
        if tile == spelling.finest {
            continue;
        }
        let matched = spelling.spans(tile, search);
        for start in spelling.doubtful(tile, &spans, &matched) {
            let wanted = matched.iter().any(|span| span.contains(start));
            // Short spellings sort before the first tile of their period, and so before the range
            // that begins with it.
            let ranged = spans.iter().any(|span| start > span.first && start <= span.last);
            let texts = spelling.short(tile, start);
            match (wanted, ranged) {
                (true, false) => add.extend(texts),
                (false, true) => exclude.extend(texts),
                _ => {}
            }
        }
    }
    add.extend(spans.iter().flat_map(|span| spelling.other_midnights(span.first)));
    let ranges = any(spans.iter().map(|span| range(column, spelling, *span)).collect());
    let mut found = Vec::new();
    if !spans.is_empty() {
        let mut terms = vec![ranges];
        terms.extend(spelling.guards(column));
        if !exclude.is_empty() {
            terms.push(Predicate::Not(Box::new(one_of(column, exclude))));
        }
        found.push(all(terms));
    }
    if !add.is_empty() {
        found.push(one_of(column, add));
    }
    (!found.is_empty()).then(|| any(found))
}

fn range(column: &ColumnRef, spelling: &Spelling, span: Span) -> Predicate {
    all(vec![
        compare(column, Comparison::GreaterOrEqual, Value::Text(spelling.lower(span.first))),
        compare(column, Comparison::Less, Value::Text(spelling.upper(span.last))),
    ])
}

fn one_of(column: &ColumnRef, texts: Vec<String>) -> Predicate {
    let values = texts.into_iter().map(Value::Text).collect();
    Predicate::In { operand: Operand::Column(column.clone()), values }
}

fn compare(column: &ColumnRef, comparison: Comparison, value: Value) -> Predicate {
    let (left, right) = (Operand::Column(column.clone()), Operand::Value(value));
    Predicate::Compare { left, comparison, right }
}

fn contains(column: &ColumnRef, text: &str) -> Predicate {
    Predicate::Like {
        operand: Operand::Column(column.clone()),
        position: Position::Anywhere,
        text: text.to_owned(),
        ignore_case: false,
    }
}

/// The text has at most so many characters: its beginning is all of it.
fn at_most(column: &ColumnRef, characters: u32) -> Predicate {
    let left = Operand::Left { column: column.clone(), characters };
    let right = Operand::Column(column.clone());
    Predicate::Compare { left, comparison: Comparison::Equal, right }
}

fn longer_than(column: &ColumnRef, characters: u32) -> Predicate {
    Predicate::Not(Box::new(at_most(column, characters)))
}

fn any(mut terms: Vec<Predicate>) -> Predicate {
    if terms.len() == 1 { terms.remove(0) } else { Predicate::Any(terms) }
}

fn all(terms: Vec<Predicate>) -> Predicate {
    terms.into_iter().reduce(Predicate::and).unwrap_or(Predicate::TRUE)
}
