//! A disease's name as 接頭語 + 基本病名 + 接尾語: how the masters write what has no code of its own.

use std::collections::BTreeMap;

use super::Crosswalk;
use crate::concept::Property;
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

/// By name: 管理番号.
#[derive(Debug, Default)]
pub(super) struct Names {
    diseases: BTreeMap<String, String>,
    prefixes: BTreeMap<String, String>,
    suffixes: BTreeMap<String, String>,
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
        let names = self.inverses.names.get_or_init(|| self.all_names());
        let places: Vec<usize> =
            name.char_indices().map(|(place, _)| place).chain([name.len()]).collect();
        let count = places.len() - 1;
        if count > NAME_CHARS_MAX {
            return None;
        }
        for length in (1..=count).rev() {
            for start in 0..=count - length {
                let (from, to) = (places[start], places[start + length]);
                let Some(key) = names.diseases.get(&name[from..to]) else { continue };
                let prefixes = parts(&names.prefixes, &name[..from]);
                let suffixes = parts(&names.suffixes, &name[to..]);
                if let (Some(prefixes), Some(suffixes)) = (prefixes, suffixes) {
                    let disease = Part { key: key.clone(), name: name[from..to].to_owned() };
                    return Some(Split { prefixes, disease, suffixes });
                }
            }
        }
        None
    }

    fn all_names(&self) -> Names {
        let mut names = Names::default();
        // The first of a name: later ones have higher numbers.
        self.store.walk(system::DISEASE_KEY, |disease| {
            if disease.is_first && disease.until.is_none() {
                let name = names.diseases.entry(disease.display.to_owned());
                name.or_insert_with(|| disease.code.to_owned());
            }
        });
        self.store.walk(system::MODIFIER_KEY, |modifier| {
            if !modifier.is_first || modifier.until.is_some() {
                return;
            }
            let mut suffix = false;
            modifier.each_value(Property::Position, |place| suffix |= place == "suffix");
            let of = if suffix { &mut names.suffixes } else { &mut names.prefixes };
            let name = of.entry(modifier.display.to_owned());
            name.or_insert_with(|| modifier.code.to_owned());
        });
        names
    }
}

/// A text as a row of these names, longer ones first; `None` if something is left.
fn parts(names: &BTreeMap<String, String>, text: &str) -> Option<Vec<Part>> {
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
        parts.push(Part { key: names.get(name)?.clone(), name: name.to_owned() });
        at = end;
    }
    Some(parts)
}
