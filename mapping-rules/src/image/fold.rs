//! ASCII letters without their case, where a table or a constant is compared in memory. Columns are
//! folded by the source.

use crate::lens::{MapTable, TextTarget};

/// The target in small letters.
pub(super) fn target(target: &TextTarget) -> TextTarget {
    let all = |values: &[String]| values.iter().map(|value| value.to_ascii_lowercase()).collect();
    match target {
        TextTarget::OneOf(values) => TextTarget::OneOf(all(values)),
        TextTarget::NoneOf { values, include_empty } => {
            TextTarget::NoneOf { values: all(values), include_empty: *include_empty }
        }
        TextTarget::StartsWith(text) => TextTarget::StartsWith(text.to_ascii_lowercase()),
        TextTarget::Contains(text) => TextTarget::Contains(text.to_ascii_lowercase()),
        TextTarget::Present | TextTarget::Empty => target.clone(),
        TextTarget::Except { target, not } => TextTarget::Except {
            target: Box::new(self::target(target)),
            not: not.iter().map(self::target).collect(),
        },
    }
}

/// The table with its values in small letters; keys stay, because they are compared with cells.
pub(super) fn map(map: &MapTable) -> MapTable {
    let pairs = map.pairs.iter().map(|(key, value)| (key.clone(), value.to_ascii_lowercase()));
    let otherwise = map.otherwise.as_ref().map(|value| value.to_ascii_lowercase());
    MapTable { pairs: pairs.collect(), otherwise }
}
