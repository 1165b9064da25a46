//! Columns that are dates and times by type: plain ranges of typed values.

use chrono::{Datelike, FixedOffset, NaiveDateTime};
use genkan_adapter::{ColumnRef, Comparison, Predicate, Value};

use super::super::period::{DateSearch, EARLIEST, LATEST, Span, Tile};
use super::{all, any, compare};

/// A `DATE` column: every value is a day.
pub(super) fn days(column: &ColumnRef, search: &DateSearch) -> Predicate {
    let spans = Tile::Day.matched(search);
    let range = |span: Span| {
        all(vec![
            compare(column, Comparison::GreaterOrEqual, Value::Date(span.first.date())),
            compare(column, Comparison::LessOrEqual, Value::Date(span.last.date())),
        ])
    };
    any(spans.into_iter().map(range).collect())
}

/// A `TIMESTAMP` column, with `zone` if its values are instants. A `finest` tile of a day takes
/// only the date of it. Otherwise a value with a fraction is a millisecond and one without it a
/// second, which differs only where a search period begins or ends within a second.
pub(super) fn times(
    column: &ColumnRef,
    search: &DateSearch,
    finest: Tile,
    zone: Option<FixedOffset>,
) -> Predicate {
    let whole_days = finest == Tile::Day;
    let tile = if whole_days { Tile::Day } else { Tile::Millisecond };
    let spans = tile.matched(search);
    let mut found: Vec<_> = spans.iter().map(|span| range(column, *span, tile, zone)).collect();
    if whole_days {
        return any(found);
    }
    let seconds = Tile::Second.matched(search);
    let mut exclude = Vec::new();
    for second in edges(search) {
        let wanted = seconds.iter().any(|span| span.contains(second));
        let ranged = spans.iter().any(|span| span.contains(second));
        let value = || range(column, Span { first: second, last: second }, tile, zone);
        match (wanted, ranged) {
            (true, false) => found.push(value()),
            (false, true) => exclude.push(Predicate::Not(Box::new(value()))),
            _ => {}
        }
    }
    if exclude.is_empty() {
        return any(found);
    }
    exclude.insert(0, any(found));
    all(exclude)
}

/// The seconds in which the search period begins and ends.
fn edges(search: &DateSearch) -> Vec<NaiveDateTime> {
    let whole = Span { first: EARLIEST, last: LATEST };
    let mut edges = vec![Tile::Second.floor(search.start), Tile::Second.floor(search.end)];
    edges.dedup();
    edges.retain(|second| whole.contains(*second));
    edges
}

fn range(column: &ColumnRef, span: Span, tile: Tile, zone: Option<FixedOffset>) -> Predicate {
    let value = |at: NaiveDateTime| match zone {
        None => Value::DateTime(at),
        // East of Greenwich the first hours of the year 1 are in no year that sources can take.
        Some(zone) => {
            let utc = at.checked_sub_offset(zone).unwrap_or(at);
            Value::Instant(utc.clamp(EARLIEST, LATEST).and_utc())
        }
    };
    let (end, comparison) = match tile.next(span.last) {
        end if end.year() > LATEST.year() => (LATEST, Comparison::LessOrEqual),
        end => (end, Comparison::Less),
    };
    all(vec![
        compare(column, Comparison::GreaterOrEqual, value(span.first)),
        compare(column, comparison, value(end)),
    ])
}
