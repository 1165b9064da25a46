//! Tries the images of a place once, while the rules are loaded: what is blocked then is withheld, and
//! never refused at three in the morning.

use chrono::NaiveDate;

use super::coded::coded;
use super::{Branch, PlaceKind, System};
use crate::codemap::CodeMap;
use crate::diagnostic::Text;
use crate::expression::ExpressionKind as K;
use crate::image::{Blocked, Imaging};
use crate::lens::{DatePrefix, DateSearch, Lens, TextTarget};
use crate::program::{LookupTables, Term};

/// False for a place that no row can have: `where(system = 'email')` on a constant `phone`.
pub(super) fn probe(branch: &Branch, maps: &[CodeMap], imaging: Imaging) -> Result<bool, Text> {
    let blocked = |blocked: Blocked| blocked.text;
    for condition in &branch.conditions {
        if imaging.condition(condition).map_err(blocked)?.is_false() {
            return Ok(false);
        }
    }
    for term in &branch.data {
        imaging.text(term, &TextTarget::Present).map_err(blocked)?;
    }
    let imaging = branch.imaging(imaging, false);
    probe_place(&branch.place, maps, imaging).map(|()| true).map_err(blocked)
}

fn probe_place(place: &PlaceKind, maps: &[CodeMap], imaging: Imaging) -> Result<(), Blocked> {
    let equal = TextTarget::equals("1");
    match place {
        PlaceKind::Id => Ok(()),
        PlaceKind::Flag(term) => imaging.condition(term).map(drop),
        PlaceKind::Token { system, code } => {
            if let System::Term(system) = system {
                imaging.text(system, &equal)?;
            }
            // Whether a system alone can be searched is decided by the value: most name a code.
            made_by_maps(code, imaging.lookups, &mut |value| {
                imaging.text(code, &TextTarget::equals(value)).map(drop)
            })?;
            imaging.text(code, &equal).map(drop)
        }
        PlaceKind::Uri(term) => imaging.text(term, &equal).map(drop),
        PlaceKind::Text(term) => {
            let imaging = Imaging { ignore_case: true, ..imaging };
            let begins =
                |text: &str| imaging.text(term, &TextTarget::StartsWith(text.to_owned())).map(drop);
            made_by_maps(term, imaging.lookups, &mut |value| begins(value))?;
            begins("あ")
        }
        PlaceKind::Folded { term, .. } | PlaceKind::Words(term) => {
            imaging.text(term, &TextTarget::StartsWith("あ".to_owned())).map(drop)
        }
        PlaceKind::Coded(of) => coded(of, &maps[of.map], imaging, None, Some("1")).map(drop),
        PlaceKind::Reference(reference) => {
            reference.key.iter().try_for_each(|term| imaging.text(term, &equal).map(drop))
        }
        PlaceKind::Date(term) => imaging.date(term, &probe_day(DatePrefix::Ge)).map(drop),
        PlaceKind::Period { start, end } => [start, end]
            .into_iter()
            .flatten()
            .try_for_each(|term| imaging.date(term, &probe_day(DatePrefix::Ge)).map(drop)),
        PlaceKind::Number(term) => imaging.number(term, "1", "2").map(drop),
        // Whether a unit can be searched is decided by the value: most searches name none.
        PlaceKind::Quantity { value, .. } => imaging.number(value, "1", "2").map(drop),
    }
}

/// Values that the tables of an expression make: each may be behind another image, that of `else`
/// behind the complement of all keys. One of a lookup speaks for all.
fn made_by_maps(
    term: &Term,
    lookups: &LookupTables,
    probe: &mut impl FnMut(&str) -> Result<(), Blocked>,
) -> Result<(), Blocked> {
    match &term.kind {
        K::Pipe(_, Lens::Map(map) | Lens::Codes(map)) => {
            let values = map.pairs.iter().map(|(_, value)| value).chain(&map.otherwise);
            values.filter(|value| !value.is_empty()).try_for_each(|value| probe(value))
        }
        K::Lookup { table, .. } => {
            let values = lookups.get(table).and_then(|entries| entries.values().next());
            values.map_or(Ok(()), |value| probe(value))
        }
        K::Else(first, second) => {
            made_by_maps(first, lookups, probe)?;
            made_by_maps(second, lookups, probe)
        }
        _ => Ok(()),
    }
}

fn probe_day(prefix: DatePrefix) -> DateSearch {
    let day = NaiveDate::default();
    let (start, end) = (day.into(), day.succ_opt().unwrap_or(day).into());
    DateSearch { prefix, start, end }
}
