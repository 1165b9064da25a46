//! A disease's name as 接頭語 + 基本病名 + 接尾語: how the masters write what has no code of its own.

use std::collections::BTreeMap;

use super::Crosswalk;
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

/// Parts by the names that they are looked for by.
#[derive(Debug, Default)]
pub(crate) struct Names {
    diseases: BTreeMap<String, Part>,
    prefixes: BTreeMap<String, Part>,
    suffixes: BTreeMap<String, Part>,
}

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
        let names = self.inverses.names.get_or_init(|| Names::of(self.store, str::to_owned));
        names.split(name)
    }
}

impl Names {
    /// The names of the masters, each written as it is looked for.
    pub fn of(store: &Store, written: impl Fn(&str) -> String) -> Self {
        let mut names = Names::default();
        let part = |code: &str, name: &str| Part { key: code.to_owned(), name: name.to_owned() };
        // The first of a name: later ones have higher numbers.
        store.walk(system::DISEASE_KEY, |disease| {
            if disease.is_first && disease.until.is_none() {
                let name = names.diseases.entry(written(disease.display));
                name.or_insert_with(|| part(disease.code, disease.display));
            }
        });
        store.walk(system::MODIFIER_KEY, |modifier| {
            if !modifier.is_first || modifier.until.is_some() {
                return;
            }
            let mut suffix = false;
            modifier.each_value(Property::Position, |place| suffix |= place == "suffix");
            let of = if suffix { &mut names.suffixes } else { &mut names.prefixes };
            let name = of.entry(written(modifier.display));
            name.or_insert_with(|| part(modifier.code, modifier.display));
        });
        names
    }

    /// See [`Crosswalk::split`].
    pub fn split(&self, name: &str) -> Option<Split> {
        let places: Vec<usize> =
            name.char_indices().map(|(place, _)| place).chain([name.len()]).collect();
        let count = places.len() - 1;
        if count > NAME_CHARS_MAX {
            return None;
        }
        for length in (1..=count).rev() {
            for start in 0..=count - length {
                let (from, to) = (places[start], places[start + length]);
                let Some(disease) = self.diseases.get(&name[from..to]) else { continue };
                let prefixes = parts(&self.prefixes, &name[..from]);
                let suffixes = parts(&self.suffixes, &name[to..]);
                if let (Some(prefixes), Some(suffixes)) = (prefixes, suffixes) {
                    return Some(Split { prefixes, disease: disease.clone(), suffixes });
                }
            }
        }
        None
    }
}

/// A text as a row of these names, longer ones first; `None` if something is left.
fn parts(names: &BTreeMap<String, Part>, text: &str) -> Option<Vec<Part>> {
    let places: Vec<usize> =
        text.char_indices().map(|(place, _)| place).chain([text.len()]).collect();
    let last = places.len() - 1;
    // From each place, where the first of the names ends that lead from there to the end.
    let mut next: Vec<Option<usize>> = vec![None; places.len()];
    for start in (0..last).rev() {
        next[start] = (start + 1..=last).rev().find(|end| {
            let leads = *end == last || next[*end].is_some();
            leads && names.contains_key(&text[places[start]..places[*end]])
        });
    }
    let (mut parts, mut at) = (Vec::new(), 0);
    while at < last {
        let end = next[at]?;
        let name = &text[places[at]..places[end]];
        parts.push(names.get(name)?.clone());
        at = end;
    }
    Some(parts)
}
