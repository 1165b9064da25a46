//! Finding codes of a system: all of them in pieces, those that a text names, those above one.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization as _;

use super::{Known, Store};
use crate::concept::{Concept, Property};

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

    fn name(&self, concept: &Concept) -> bool {
        let own = [concept.code.as_str(), concept.display.as_str()].into_iter();
        let others = concept.kana.iter().chain(&concept.synonyms).map(String::as_str);
        self.found_in(own.chain(others))
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

/// Some codes of a system in their order, and how many there are in all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Piece {
    pub total: usize,
    pub codes: Vec<Known>,
}

impl Store {
    /// The codes that have these words and meet a condition, from `offset` on and `count` at most.
    pub fn piece(
        &self,
        system: &str,
        words: &Words,
        is_wanted: impl Fn(&Concept) -> bool,
        (offset, count): (usize, usize),
    ) -> Piece {
        let mut piece = Piece::default();
        for known in self.all(system) {
            if is_wanted(&known.concept) && words.name(&known.concept) {
                if piece.total >= offset && piece.codes.len() < count {
                    piece.codes.push(known);
                }
                piece.total += 1;
            }
        }
        piece
    }

    /// As [`Store::piece`] without words and condition: nothing else is looked at.
    pub fn stretch(&self, system: &str, (offset, count): (usize, usize)) -> Piece {
        let total = self.count(system);
        let end = offset.saturating_add(count).min(total);
        let codes = (offset.min(end)..end).filter_map(|index| self.at(system, index)).collect();
        Piece { total, codes }
    }

    /// Whether the masters say which code of this system is above which.
    pub fn has_hierarchy(&self, system: &str) -> bool {
        self.all(system).any(|known| {
            let mut parents = known.concept.values(Property::Parent).iter();
            parents.any(|parent| self.lookup(system, parent).is_some())
        })
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
        let concept = Concept {
            kana: Some("ソバ".to_owned()),
            synonyms: vec!["Buckwheat".to_owned()],
            ..Concept::new("J9FA19140000", "そば")
        };
        for (text, found) in [
            ("そば", true),
            ("ｿﾊﾞ", true),
            ("ＢＵＣＫ", true),
            ("j9fa19 buck", true),
            ("", true),
            ("そば 粉", false),
            ("うどん", false),
        ] {
            assert_eq!(Words::of(text).name(&concept), found, "{text}");
        }
    }
}
