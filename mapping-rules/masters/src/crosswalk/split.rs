//! A disease's name as 接頭語 + 基本病名 + 接尾語: how the masters write what has no code of its own.

use std::collections::BTreeMap;

use super::Crosswalk;
use super::turned::Turned;
use crate::concept::Property;
use crate::store::Store;
use crate::system;

/// A name in its parts; the disease without prefixes and suffixes has a code of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    pub prefixes: Vec<Part>,
    pub disease: Part,
    pub suffixes: Vec<Part>,
}

/// A part of a name with its 管理番号.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub key: String,
    pub name: String,
}

/// What a part may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Prefix,
    Disease,
    Suffix,
}

/// Parts by the names that they are looked for by.
pub(crate) trait Names {
    fn has(&self, place: Place, name: &str) -> bool {
        self.part(place, name).is_some()
    }

    fn part(&self, place: Place, name: &str) -> Option<Part>;
}

/// As the masters write them.
#[derive(Debug, Default)]
pub(super) struct OwnNames {
    prefixes: Turned,
    diseases: Turned,
    suffixes: Turned,
}

/// Written anew, as they are looked for.
#[derive(Debug, Default)]
pub(crate) struct WrittenNames(BTreeMap<(Place, String), Part>);

/// Longer texts are no names of diseases.
const NAME_CHARS_MAX: usize = 100;

impl Split {
    pub fn has_modifiers(&self) -> bool {
        !self.prefixes.is_empty() || !self.suffixes.is_empty()
    }
}

impl Crosswalk<'_> {
    /// The parts of a name: with the longest disease that has prefixes before it and suffixes behind
    /// it, and nothing else. `None` if there is no such disease.
    pub fn split(&self, name: &str) -> Option<Split> {
        let store = self.store;
        let names = store.inverses().names.get_or_init(|| OwnNames::of(store));
        split(&(store, names), name)
    }
}

impl OwnNames {
    fn of(store: &Store) -> Self {
        let mut names = OwnNames::default();
        each_part(store, |place, code, name| {
            let own = match place {
                Place::Prefix => &mut names.prefixes,
                Place::Disease => &mut names.diseases,
                Place::Suffix => &mut names.suffixes,
            };
            own.add_first(store, name, code);
        });
        names
    }

    fn at(&self, place: Place) -> &Turned {
        match place {
            Place::Prefix => &self.prefixes,
            Place::Disease => &self.diseases,
            Place::Suffix => &self.suffixes,
        }
    }
}

impl Names for (&Store, &OwnNames) {
    fn has(&self, place: Place, name: &str) -> bool {
        self.1.at(place).has(self.0, name)
    }

    fn part(&self, place: Place, name: &str) -> Option<Part> {
        let key = *self.1.at(place).codes(self.0, name).first()?;
        Some(Part { key: key.to_owned(), name: name.to_owned() })
    }
}

impl WrittenNames {
    pub fn of(store: &Store, written: impl Fn(&str) -> String) -> Self {
        let mut names = BTreeMap::new();
        each_part(store, |place, code, name| {
            let part = || Part { key: code.to_owned(), name: name.to_owned() };
            names.entry((place, written(name))).or_insert_with(part);
        });
        WrittenNames(names)
    }
}

impl Names for WrittenNames {
    fn part(&self, place: Place, name: &str) -> Option<Part> {
        self.0.get(&(place, name.to_owned())).cloned()
    }
}

/// Every part that is in use, with its 管理番号 and its name. Of two with one name the first counts: later
/// ones have higher numbers.
fn each_part<'s>(store: &'s Store, mut take: impl FnMut(Place, &'s str, &'s str)) {
    store.walk(system::DISEASE_KEY, |disease| {
        if disease.is_first && disease.until.is_none() {
            take(Place::Disease, disease.code, disease.display);
        }
    });
    store.walk(system::MODIFIER_KEY, |modifier| {
        if !modifier.is_first || modifier.until.is_some() {
            return;
        }
        let mut is_suffix = false;
        modifier.each_value(Property::Position, |place| is_suffix |= place == "suffix");
        let place = if is_suffix { Place::Suffix } else { Place::Prefix };
        take(place, modifier.code, modifier.display);
    });
}

/// See [`Crosswalk::split`].
pub(crate) fn split(names: &impl Names, name: &str) -> Option<Split> {
    let places: Vec<usize> =
        name.char_indices().map(|(place, _)| place).chain([name.len()]).collect();
    let count = places.len() - 1;
    if count > NAME_CHARS_MAX {
        return None;
    }
    for length in (1..=count).rev() {
        for start in 0..=count - length {
            let (from, to) = (places[start], places[start + length]);
            let Some(disease) = names.part(Place::Disease, &name[from..to]) else { continue };
            let prefixes = parts(names, Place::Prefix, &name[..from]);
            let suffixes = parts(names, Place::Suffix, &name[to..]);
            if let (Some(prefixes), Some(suffixes)) = (prefixes, suffixes) {
                return Some(Split { prefixes, disease, suffixes });
            }
        }
    }
    None
}

/// A text as a row of these names, longer ones first; `None` if something is left.
fn parts(names: &impl Names, place: Place, text: &str) -> Option<Vec<Part>> {
    let places: Vec<usize> =
        text.char_indices().map(|(place, _)| place).chain([text.len()]).collect();
    let last = places.len() - 1;
    // From each place, where the first of the names ends that lead from there to the end.
    let mut next: Vec<Option<usize>> = vec![None; places.len()];
    for start in (0..last).rev() {
        next[start] = (start + 1..=last).rev().find(|end| {
            let leads = *end == last || next[*end].is_some();
            leads && names.has(place, &text[places[start]..places[*end]])
        });
    }
    let (mut parts, mut at) = (Vec::new(), 0);
    while at < last {
        let end = next[at]?;
        parts.push(names.part(place, &text[places[at]..places[end]])?);
        at = end;
    }
    Some(parts)
}
