//! Date searches on a Period: its two ends are searched, an absent end is open.
//!
//! Spec: <https://hl7.org/fhir/R4/search.html#date>, "Period": a missing lower boundary is before, a
//! missing upper boundary after every date.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use genkan_adapter::Predicate;
use genkan_fhir::search::Prefix;

use super::predicate::stored;
use crate::image::{Imaged, Imaging, any, negated};
use crate::lens::DateSearch;
use crate::program::Term;

type Ends<'t> = (Option<&'t Term>, Option<&'t Term>);

/// The rows whose period meets the search.
pub(super) fn image(imaging: Imaging, (start, end): Ends, search: &DateSearch) -> Imaged {
    match search.prefix {
        Prefix::Eq => within(imaging, (start, end), search),
        Prefix::Ne => {
            let there = start.into_iter().chain(end).map(|term| stored(imaging, term));
            let there = any(there.collect::<Result<Vec<_>, _>>()?);
            Ok(there.and(negated(within(imaging.complete(), (start, end), search)?)))
        }
        // The range above the value is reached by what ends late, or does not end.
        Prefix::Gt => reaching(imaging, end, start, search),
        Prefix::Lt => reaching(imaging, start, end, search),
        Prefix::Ge | Prefix::Le => {
            let above = search.prefix == Prefix::Ge;
            let prefix = if above { Prefix::Gt } else { Prefix::Lt };
            let beyond = image(imaging, (start, end), &DateSearch { prefix, ..*search })?;
            Ok(any(vec![beyond, within(imaging, (start, end), search)?]))
        }
        Prefix::Sa => start.map_or(Ok(Predicate::FALSE), |start| imaging.date(start, search)),
        Prefix::Eb => end.map_or(Ok(Predicate::FALSE), |end| imaging.date(end, search)),
        // Something of it lies before the end of the value, and something behind the beginning.
        Prefix::Ap => {
            let before = DateSearch { prefix: Prefix::Lt, start: search.end, ..*search };
            let after = DateSearch { prefix: Prefix::Gt, end: search.start, ..*search };
            let started = reaching(imaging, start, end, &before)?;
            Ok(started.and(reaching(imaging, end, start, &after)?))
        }
    }
}

/// Both ends lie inside the value's range, so both have to be there.
fn within(imaging: Imaging, (start, end): Ends, search: &DateSearch) -> Imaged {
    let (Some(start), Some(end)) = (start, end) else { return Ok(Predicate::FALSE) };
    let inside = |from, until| DateSearch { prefix: Prefix::Eq, start: from, end: until };
    let started = imaging.date(start, &inside(search.start, boundary(9999)))?;
    Ok(started.and(imaging.date(end, &inside(boundary(1), search.end))?))
}

/// `end` meets the search, or is open while the other end is there.
fn reaching(
    imaging: Imaging,
    end: Option<&Term>,
    other: Option<&Term>,
    search: &DateSearch,
) -> Imaged {
    let other_there = match other {
        Some(other) => stored(imaging, other)?,
        None => Predicate::FALSE,
    };
    let Some(end) = end else { return Ok(other_there) };
    let open = other_there.and(negated(stored(imaging.complete(), end)?));
    Ok(any(vec![imaging.date(end, search)?, open]))
}

/// Midnights, so that ends in two columns (day and time) can be compared by their day.
fn boundary(year: i32) -> NaiveDateTime {
    NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default().and_time(NaiveTime::MIN)
}
