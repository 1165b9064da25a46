//! Tries the images of a place once, while the rules are loaded: what is blocked then is withheld, and
//! never refused at three in the morning.

use chrono::NaiveDate;
use genkan_adapter::Predicate;
use genkan_fhir::search::{DecimalRange, Modifier, Prefix, SearchNumber, TokenSystem};

use super::coded::{coded, texts};
use super::predicate::{token, uri};
use super::rows::Rows;
use super::{Branch, PlaceKind, Quantity, System, TypeOf, quantity, strings};
use crate::diagnostic::Text;
use crate::expression::ExpressionKind as K;
use crate::image::{Blocked, Imaging};
use crate::lens::{DateSearch, Lens, TextTarget};
use crate::program::{LookupTables, Term};

/// False for a place that no row can have: `where(system = 'email')` on a constant `phone`. `negated`:
/// the rows that don't match will be asked for.
pub(super) fn probe(rows: Rows, branch: &Branch, negated: bool) -> Result<bool, Text> {
    let mut possible = true;
    let around = rows.around(branch, || {
        let place = branch.imaging(rows.imaging, negated);
        probe_place(rows, branch, place).map(|found| {
            possible = found;
            Predicate::TRUE
        })
    });
    let around = around.map_err(|blocked| blocked.text)?;
    Ok(possible && !around.is_false())
}

/// Tries a modifier that compares the parameter's own places in another way.
pub(super) fn probe_form(rows: Rows, branch: &Branch, modifier: &Modifier) -> Result<(), Text> {
    let imaging = branch.imaging(rows.imaging, false);
    let image = match &branch.place {
        PlaceKind::Uri(term) => uri(imaging, term, "http://a.example/b", Some(modifier)),
        place => strings::image(imaging, place, "あ", Some(modifier)),
    };
    image.map(drop).map_err(|blocked| blocked.text)
}

/// False if the place can hold nothing.
fn probe_place(rows: Rows, branch: &Branch, imaging: Imaging) -> Result<bool, Blocked> {
    let possible = match &branch.place {
        PlaceKind::Composite(components) => {
            return components.iter().try_fold(true, |all, component| {
                let any = component.iter().try_fold(false, |any, part| {
                    let place = part.imaging(imaging, false);
                    Ok::<_, Blocked>(any | probe_place(rows, part, place)?)
                })?;
                Ok(all & any)
            });
        }
        PlaceKind::Element(node) => !rows.is_made(node)?.is_false(),
        place => {
            probe_value(rows, place, branch.stated, imaging)?;
            true
        }
    };
    Ok(possible)
}

fn probe_value(
    rows: Rows,
    place: &PlaceKind,
    stated: bool,
    imaging: Imaging,
) -> Result<(), Blocked> {
    let equal = TextTarget::equals("1");
    let maps = rows.maps;
    match place {
        PlaceKind::Composite(_) | PlaceKind::Element(_) | PlaceKind::Id => Ok(()),
        PlaceKind::Flag(term) => imaging.condition(term).map(drop),
        PlaceKind::Token { system, code } => {
            if let System::Part(system) = system {
                system.is(imaging, "1")?;
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
        PlaceKind::CodedText(of) => texts(of, &maps[of.map], imaging, "あ").map(drop),
        PlaceKind::Typed { of, value } => {
            match of {
                TypeOf::Coding(coding) => {
                    let asked = TokenSystem::Is("1".to_owned());
                    token(imaging, (&coding.0, &coding.1), &asked, Some("1"))?;
                }
                TypeOf::Coded(of) => {
                    coded(of, &maps[of.map], imaging, Some("1"), Some("1"))?;
                }
            }
            imaging.text(value, &equal).map(drop)
        }
        PlaceKind::Coded(of) => {
            // Codes are asked for without missing a row, whoever turns the answer round.
            coded(of, &maps[of.map], imaging.complete(), None, Some("1")).map(drop)
        }
        PlaceKind::Reference(reference) => {
            reference.key.iter().try_for_each(|term| imaging.text(term, &equal).map(drop))
        }
        PlaceKind::Date(term) => imaging.date(term, &probe_day(Prefix::Ge)).map(drop),
        PlaceKind::Period { start, end } => [start, end]
            .into_iter()
            .flatten()
            .try_for_each(|term| imaging.date(term, &probe_day(Prefix::Ge)).map(drop)),
        PlaceKind::Number(term) => imaging.number(term, "1", "2").map(drop),
        PlaceKind::Quantity(quantity) => probe_quantity(imaging, stated, quantity),
    }
}

/// Whether a unit can be searched is decided by the value: most searches name none.
fn probe_quantity(imaging: Imaging, stated: bool, of: &Quantity) -> Result<(), Blocked> {
    let range = DecimalRange { low: "1".to_owned(), high: "2".to_owned() };
    let asked = SearchNumber { exact: "1".to_owned(), range };
    quantity::quantity(imaging, stated, of, (Prefix::Ge, &asked), (None, None)).map(drop)
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

fn probe_day(prefix: Prefix) -> DateSearch {
    let day = NaiveDate::default();
    let (start, end) = (day.into(), day.succ_opt().unwrap_or(day).into());
    DateSearch { prefix, start, end }
}
