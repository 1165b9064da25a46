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
}

impl Name {
    pub const OTHER: Self = Self(u16::MAX);

    pub fn of(text: &str) -> Self {
        static NAMES: OnceLock<HashMap<&'static str, Name, FixedState>> = OnceLock::new();
        let names = NAMES.get_or_init(|| {
            let mut names: HashMap<_, _, FixedState> = KNOWN.iter().copied().collect();
            for name in Definitions::r4().element_names() {
                // R4 has about 2,000.
                let next = Self(u16::try_from(names.len()).unwrap_or(u16::MAX));
                names.entry(name).or_insert(next);
            }
            names
        });
        names.get(text).copied().unwrap_or(Self::OTHER)
    }
}

/// Of a definition's name that only the program looks up: what is looked for may come from anybody,
/// what is in the table doesn't.
pub(crate) type Table<K, V> = HashMap<K, V, FixedState>;

#[cfg(test)]
mod tests {
    use super::{KNOWN, Name};

    #[test]
    fn the_known_names_have_the_first_numbers() {
        for (at, (text, name)) in KNOWN.iter().enumerate() {
            assert_eq!((usize::from(name.0), Name::of(text)), (at, *name), "{text}");
        }
        assert_ne!(Name::of("birthDate"), Name::OTHER);
        assert_eq!(Name::of("birthDay"), Name::OTHER);
    }
}
