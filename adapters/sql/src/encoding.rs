//! Text that a legacy server's encoding cannot express. PostgreSQL refuses the whole statement for
//! one such parameter; a search for 〜 would then fail where it should find nothing, or find ～.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

use genkan_adapter::{Operand, Predicate, RowQuery, Value};

/// What the server stores text in, as far as it limits the parameters it takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum ServerEncoding {
    /// Takes every character.
    #[default]
    Unicode,
    /// EUC_JP and its relatives: JIS X 0208 and 0212 only.
    Japanese,
    /// Anything else that is no Unicode.
    Other,
}

impl ServerEncoding {
    pub fn of_postgres(name: &str) -> Self {
        match name {
            "UTF8" | "SQL_ASCII" => ServerEncoding::Unicode,
            "EUC_JP" | "EUC_JIS_2004" => ServerEncoding::Japanese,
            _ => ServerEncoding::Other,
        }
    }
}

/// Brings a text into the server's repertoire, or says that no row can hold it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Repertoire {
    pub encoding: ServerEncoding,
    /// Characters that the server itself refused.
    pub refused: HashSet<char>,
}

impl Repertoire {
    pub fn new(encoding: ServerEncoding) -> Self {
        Repertoire { encoding, ..Repertoire::default() }
    }

    pub fn express<'t>(&self, text: &'t str) -> Option<Cow<'t, str>> {
        if text.is_ascii() || self.encoding == ServerEncoding::Unicode {
            return Some(Cow::Borrowed(text));
        }
        let text = match self.encoding {
            ServerEncoding::Japanese => japanese(text),
            ServerEncoding::Unicode | ServerEncoding::Other => Cow::Borrowed(text),
        };
        let refused = !self.refused.is_empty() && text.chars().any(|c| self.refused.contains(&c));
        (!refused).then_some(text)
    }

    /// The characters of a query that the server may refuse, each once.
    pub fn suspects(&self, query: &RowQuery) -> Vec<char> {
        let mut found = BTreeSet::new();
        let mut see = |text: &str| {
            if let Some(text) = self.express(text) {
                found.extend(text.chars().filter(|c| !c.is_ascii()));
            }
        };
        for predicate in query.joins.iter().map(|join| &join.on).chain([&query.filter]) {
            texts_of(predicate, &mut see);
        }
        query.after.iter().flatten().for_each(|value| text_of(value, &mut see));
        found.into_iter().collect()
    }
}

fn texts_of(predicate: &Predicate, see: &mut impl FnMut(&str)) {
    match predicate {
        Predicate::All(terms) | Predicate::Any(terms) => {
            terms.iter().for_each(|term| texts_of(term, see));
        }
        Predicate::Not(inner) | Predicate::Exists { filter: inner, .. } => texts_of(inner, see),
        Predicate::Compare { left, right, .. } => {
            for operand in [left, right] {
                if let Operand::Value(value) = operand {
                    text_of(value, see);
                }
            }
        }
        Predicate::In { values, .. } => values.iter().for_each(|value| text_of(value, see)),
        Predicate::KeyIn { keys, .. } => {
            keys.iter().flatten().for_each(|value| text_of(value, see));
        }
        Predicate::Like { text, .. } => see(text),
        Predicate::Null(_) => {}
    }
}

fn text_of(value: &Value, see: &mut impl FnMut(&str)) {
    if let Value::Text(text) = value {
        see(text);
    }
}

/// PostgreSQL reads these JIS characters as the second form, so that rows hold only that one;
/// people and other systems type the first.
const JAPANESE_FORMS: [(char, char); 10] = [
    ('〜', '～'),
    ('−', '－'),
    ('‖', '∥'),
    ('µ', 'μ'),
    ('¢', '￠'),
    ('£', '￡'),
    ('¬', '￢'),
    ('—', '―'),
    ('¥', '￥'),
    ('‾', '￣'),
];

fn japanese(text: &str) -> Cow<'_, str> {
    let form = |c: char| JAPANESE_FORMS.iter().find(|(from, _)| *from == c).map(|(_, to)| *to);
    if text.chars().any(|c| form(c).is_some()) {
        Cow::Owned(text.chars().map(|c| form(c).unwrap_or(c)).collect())
    } else {
        Cow::Borrowed(text)
    }
}
