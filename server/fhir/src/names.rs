//! The names of R4's elements as numbers, so that the same name is told by comparing two numbers.
//!
//! A name that no element has is [`Name::OTHER`], as is a choice with its type (`valueQuantity`):
//! those are told by their text.

use std::{collections::HashMap, sync::OnceLock};

use foldhash::fast::FixedState;

use crate::definitions::Definitions;

/// The name of an element without `[x]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Name(u16);

impl Default for Name {
    fn default() -> Self {
        Self::OTHER
    }
}

/// Names that the program itself looks for again and again: the first numbers.
macro_rules! known {
    ($($constant:ident $number:literal $name:literal;)*) => {
        const KNOWN: &[(&str, Name)] = &[$(($name, Name::$constant)),*];

        impl Name {
            $(pub const $constant: Self = Self($number);)*
        }
    };
}

known! {
    // No element, but a member of every resource in JSON.
    RESOURCE_TYPE 0 "resourceType";
    CODE 1 "code";
    CODING 2 "coding";
    CONTAINED 3 "contained";
    DIV 4 "div";
    ID 5 "id";
    META 6 "meta";
    REFERENCE 7 "reference";
    SYSTEM 8 "system";
    URL 9 "url";
    DISPLAY 10 "display";
    EXTENSION 11 "extension";
    PROFILE 12 "profile";
    TYPE 13 "type";
    VALUE 14 "value";
}

impl Name {
    pub const OTHER: Self = Self(u16::MAX);

    pub fn of(text: &str) -> Self {
        static NAMES: OnceLock<Names> = OnceLock::new();
        NAMES.get_or_init(Names::new).get(text)
    }
}

/// All names. Each one that is read is looked for: an open table of four places for each name.
struct Names {
    places: Box<[Place]>,
}

#[derive(Clone, Copy)]
struct Place {
    key: Key,
    text: &'static str,
    name: Name,
}

/// The length of a text, with its first and its last bytes: of a short one all of them.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Key {
    length: usize,
    first: u64,
    last: u64,
}

impl Key {
    /// Up to this length there are no other bytes.
    const WHOLE: usize = 16;

    fn of(text: &[u8]) -> Self {
        let (first, last) = match (text.first_chunk(), text.last_chunk()) {
            (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
            _ => match (text.first_chunk(), text.last_chunk()) {
                (Some(first), Some(last)) => {
                    (u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into())
                }
                _ => (text.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)), 0),
            },
        };
        Self { length: text.len(), first, last }
    }

    fn place(self) -> usize {
        let word = self.first ^ self.last.rotate_left(29) ^ self.length as u64;
        (word.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (u64::BITS - Names::BITS)) as usize
    }
}

impl Names {
    const BITS: u32 = 13;

    fn new() -> Self {
        let free = Place { key: Key::of(b""), text: "", name: Name::OTHER };
        let mut names = Self { places: vec![free; 1 << Self::BITS].into() };
        let mut next = 0;
        let known = KNOWN.iter().map(|(text, _)| *text);
        for text in known.chain(Definitions::r4().element_names()) {
            let at = names.find(text);
            if let Some(free) = names.places.get_mut(at).filter(|place| place.text.is_empty()) {
                // R4 has about 2,000.
                *free = Place { key: Key::of(text.as_bytes()), text, name: Name(next) };
                next = next.saturating_add(1);
            }
        }
        names
    }

    fn get(&self, text: &str) -> Name {
        self.places.get(self.find(text)).map_or(Name::OTHER, |place| place.name)
    }

    /// Where it stands, or would.
    fn find(&self, text: &str) -> usize {
        let key = Key::of(text.as_bytes());
        let is_it =
            |place: &Place| place.key == key && (key.length <= Key::WHOLE || place.text == text);
        let (mut at, mask) = (key.place(), self.places.len() - 1);
        // Three of four places are free, so there is an end.
        while let Some(place) = self.places.get(at)
            && !is_it(place)
            && place.key.length > 0
        {
            at = (at + 1) & mask;
        }
        at
    }
}

/// What a type has by the numbers of its names: a table in which each name has a place of its own.
#[derive(Debug)]
pub(crate) struct ByName<T> {
    factor: u32,
    shift: u32,
    places: Box<[Option<(Name, T)>]>,
}

impl<T: Copy> ByName<T> {
    /// Of several with one name, the last.
    pub fn of(all: &[(Name, T)]) -> Self {
        let mut bits = (4 * all.len()).next_power_of_two().trailing_zeros();
        loop {
            // A factor that keeps them apart is found soon; if not, there is more room.
            let factors = (1..200).map(|turn: u32| turn.wrapping_mul(0x9E37_79B1) | 1);
            let mut tables = factors.filter_map(|factor| Self::with(all, factor, bits));
            match tables.next() {
                Some(table) => return table,
                None => bits += 1,
            }
        }
    }

    fn with(all: &[(Name, T)], factor: u32, bits: u32) -> Option<Self> {
        // One place at least, and no shift by all bits.
        let (bits, shift) = (bits.max(1), u32::BITS - bits.max(1));
        let mut table = Self { factor, shift, places: vec![None; 1 << bits].into() };
        for (name, value) in all {
            let at = table.at(*name);
            let place = table.places.get_mut(at)?;
            if place.is_some_and(|(known, _)| known != *name) {
                return None;
            }
            *place = Some((*name, *value));
        }
        Some(table)
    }

    fn at(&self, name: Name) -> usize {
        (u32::from(name.0).wrapping_mul(self.factor) >> self.shift) as usize
    }

    pub fn get(&self, name: Name) -> Option<T> {
        let (known, value) = (*self.places.get(self.at(name))?)?;
        (known == name).then_some(value)
    }
}

/// Of a definition's name that only the program looks up: what is looked for may come from anybody,
/// what is in the table doesn't.
pub(crate) type Table<K, V> = HashMap<K, V, FixedState>;

#[cfg(test)]
mod tests {
    use super::{ByName, Definitions, KNOWN, Name};

    #[test]
    fn the_known_names_have_the_first_numbers() {
        for (at, (text, name)) in KNOWN.iter().enumerate() {
            assert_eq!((usize::from(name.0), Name::of(text)), (at, *name), "{text}");
        }
        assert_ne!(Name::of("birthDate"), Name::OTHER);
        assert_eq!(Name::of("birthDay"), Name::OTHER);
    }

    #[test]
    fn each_name_has_its_own_number() {
        let names: Vec<&str> = Definitions::r4().element_names().collect();
        let mut numbers: Vec<Name> = names.iter().map(|name| Name::of(name)).collect();
        numbers.sort_unstable();
        assert!(!numbers.contains(&Name::OTHER));
        let texts: std::collections::HashSet<&str> = names.into_iter().collect();
        numbers.dedup();
        assert_eq!(numbers.len(), texts.len());
    }

    #[test]
    fn a_table_by_names_has_what_was_put_in_and_nothing_else() {
        let all: Vec<(Name, u16)> =
            (0..300).step_by(7).map(|number| (Name(number), number)).collect();
        for count in [0, 1, 2, 40] {
            let (some, rest) = all.split_at(count);
            let table = ByName::of(some);
            assert!(some.iter().all(|(name, value)| table.get(*name) == Some(*value)), "{count}");
            assert!(rest.iter().all(|(name, _)| table.get(*name).is_none()), "{count}");
            assert_eq!(table.get(Name::OTHER), None);
        }
    }
}
