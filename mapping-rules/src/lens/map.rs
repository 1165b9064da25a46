//! `map 1=male 2=female else unknown`: a closed table from stored to FHIR text.

use super::{Fault, NotInvertible, TextTarget};

/// The table of one `map`. Of two pairs with the same key the first counts.
///
/// The key `""` and `else` both see absent text, so that `TENKI | map 1=resolved else active` has
/// a value in every row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MapTable {
    /// Stored text and FHIR text.
    pub pairs: Vec<(String, String)>,
    pub otherwise: Option<String>,
}

impl MapTable {
    /// `stored` is `""` where the text is absent. A text without an entry is a fault, so that a
    /// new code of the source is noticed.
    pub fn forward(&self, stored: &str) -> Result<Option<&str>, Fault> {
        match self.value(stored) {
            Some(value) => Ok(Some(value)),
            None if stored.is_empty() => Ok(None),
            None => Err(Fault::NO_MAP_ENTRY),
        }
    }

    fn value(&self, stored: &str) -> Option<&str> {
        let pair = self.pairs.iter().find(|(key, _)| key == stored);
        pair.map(|(_, value)| value).or(self.otherwise.as_ref()).map(String::as_str)
    }

    /// The first key with this value. A value that only `else` gives has no stored form.
    pub fn inverse(&self, value: &str) -> Result<String, NotInvertible> {
        let key = self.keys().find(|key| self.value(key) == Some(value));
        key.map(str::to_owned).ok_or(NotInvertible::NO_MAP_KEY)
    }

    /// Exact for every target: the keys, or all but the keys when `else` is meant.
    pub fn image(&self, target: &TextTarget) -> Vec<TextTarget> {
        let wanted = |key: &str| target.matches(self.value(key));
        let empty = wanted("");
        let stored = || self.keys().filter(|key| !key.is_empty());
        if target.matches(self.otherwise.as_deref()) {
            let values = stored().filter(|key| !wanted(key)).map(str::to_owned).collect();
            return vec![TextTarget::NoneOf { values, include_empty: empty }];
        }
        let keys: Vec<String> = stored().filter(|key| wanted(key)).map(str::to_owned).collect();
        let mut image = Vec::new();
        if !keys.is_empty() {
            image.push(TextTarget::OneOf(keys));
        }
        if empty {
            image.push(TextTarget::Empty);
        }
        image
    }

    fn keys(&self) -> impl Iterator<Item = &str> {
        self.pairs.iter().map(|(key, _)| key.as_str())
    }
}
