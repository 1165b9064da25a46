//! Finding codes of a system: all of them in pieces, those that a text names, those above one.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization as _;

use super::Store;
use crate::concept::Property;

/// Words that a code has to have, each of them somewhere in its code, its names or its reading.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words(Vec<String>);

impl Words {
    pub fn of(text: &str) -> Self {
        Words(fold(text).split_whitespace().map(str::to_owned).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn found_in<'t>(&self, texts: impl Iterator<Item = &'t str>) -> bool {
        if self.is_empty() {
            return true;
        }
        let texts: Vec<String> = texts.map(fold).collect();
        self.0.iter().all(|word| texts.iter().any(|text| text.contains(word.as_str())))
    }

    /// Whether a text that is folded already has each of them.
    pub fn are_in(&self, folded: &str) -> bool {
        self.0.iter().all(|word| folded.contains(word.as_str()))
    }
}

/// As people type it: letters of both widths and sizes are alike, and so are ひらがな and カタカナ.
pub fn fold(text: &str) -> String {
    let folded = text.nfkc().flat_map(char::to_lowercase);
    folded.map(katakana).collect()
}

/// ぁ (U+3041) to ゖ (U+3096) have their katakana 96 places further on.
fn katakana(letter: char) -> char {
    match letter {
        '\u{3041}'..='\u{3096}' => char::from_u32(u32::from(letter) + 0x60).unwrap_or(letter),
        other => other,
    }
}

impl Store {
    /// Whether the masters say which code of this system is above which.
    pub fn has_hierarchy(&self, system: &str) -> bool {
        let mut found = false;
        self.walk(system, |known| {
            known.each_value(Property::Parent, |parent| {
                found = found || self.lookup(system, parent).is_some();
            });
        });
        found
    }

    /// All codes above this one.
    pub fn above(&self, system: &str, code: &str) -> BTreeSet<String> {
        let mut above = BTreeSet::new();
        let mut waiting = vec![code.to_owned()];
        while let Some(code) = waiting.pop() {
            let Some(known) = self.lookup(system, &code) else { continue };
            for parent in known.concept.values(Property::Parent) {
                // A circle ends here.
                if above.insert(parent.clone()) {
                    waiting.push(parent.clone());
                }
            }
        }
        above
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_as_people_type_them() {
        let texts = ["J9FA19140000", "そば", "ソバ", "Buckwheat"];
        for (text, found) in [
            ("そば", true),
            ("ｿﾊﾞ", true),
            ("ＢＵＣＫ", true),
            ("j9fa19 buck", true),
            ("", true),
            ("そば 粉", false),
            ("うどん", false),
        ] {
            let words = Words::of(text);
            assert_eq!(words.found_in(texts.into_iter()), found, "{text}");
            assert_eq!(words.are_in(&fold(&texts.join("\n"))), found, "{text}");
        }
    }
}
