//! What a search asks of a text. The same words before and after a lens: a search on the FHIR text
//! becomes, lens by lens from the right, a search on the stored text.

/// A condition on one text that may be absent.
///
/// Absent means NULL or what the rule calls blank; text of spaces only is blank too. Letters are
/// compared as they are; the images of the kana and width lenses also hold where the caller folds
/// the case of ASCII letters, which these lenses never change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextTarget {
    /// Equals one of these; none of them is blank.
    OneOf(Vec<String>),
    /// Equals none of these; an absent text matches if `include_empty`.
    NoneOf {
        values: Vec<String>,
        include_empty: bool,
    },
    StartsWith(String),
    Contains(String),
    /// There is a text.
    Present,
    /// There is none.
    Empty,
    /// Matches the target and none of the others: `ﾊ…` but not `ﾊﾞ…`, which is another letter.
    Except {
        target: Box<TextTarget>,
        not: Vec<TextTarget>,
    },
}

impl TextTarget {
    pub fn equals(text: impl Into<String>) -> Self {
        TextTarget::OneOf(vec![text.into()])
    }

    /// The definition, by which images are tested: `text` is `None` or not blank.
    pub fn matches(&self, text: Option<&str>) -> bool {
        match self {
            TextTarget::OneOf(values) => text.is_some_and(|text| values.iter().any(|v| v == text)),
            TextTarget::NoneOf { values, include_empty } => match text {
                Some(text) => values.iter().all(|value| value != text),
                None => *include_empty,
            },
            TextTarget::StartsWith(start) => text.is_some_and(|text| text.starts_with(start)),
            TextTarget::Contains(part) => text.is_some_and(|text| text.contains(part)),
            TextTarget::Present => text.is_some(),
            TextTarget::Empty => text.is_none(),
            TextTarget::Except { target, not } => {
                target.matches(text) && !not.iter().any(|not| not.matches(text))
            }
        }
    }

    /// Every character that the target compares.
    pub(super) fn characters(&self) -> Box<dyn Iterator<Item = char> + '_> {
        match self {
            TextTarget::OneOf(values) | TextTarget::NoneOf { values, .. } => {
                Box::new(values.iter().flat_map(|value| value.chars()))
            }
            TextTarget::StartsWith(text) | TextTarget::Contains(text) => Box::new(text.chars()),
            TextTarget::Present | TextTarget::Empty => Box::new(std::iter::empty()),
            TextTarget::Except { target, not } => {
                Box::new(target.characters().chain(not.iter().flat_map(TextTarget::characters)))
            }
        }
    }
}
