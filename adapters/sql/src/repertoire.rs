//! Characters that a PostgreSQL server of an encoding unknown here has refused. It refuses the whole
//! statement for one such parameter, which is to find nothing instead.

use std::collections::{BTreeSet, HashSet};

use genkan_adapter::{Operand, Predicate, RowQuery, Value};

/// What can be sent to the server, as far as it was learnt.
#[derive(Debug, Clone, Default)]
pub(crate) struct Repertoire {
    pub refused: HashSet<char>,
}

impl Repertoire {
    pub fn holds(&self, text: &str) -> bool {
        self.refused.is_empty() || !text.chars().any(|c| self.refused.contains(&c))
    }

    /// The characters of a query that the server may refuse, each once.
    pub fn suspects(&self, query: &RowQuery) -> Vec<char> {
        let mut found = BTreeSet::new();
        let mut see = |text: &str| {
            if self.holds(text) {
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
        Predicate::Not(inner) => texts_of(inner, see),
        Predicate::Exists { joins, filter, .. } => {
            joins.iter().for_each(|join| texts_of(&join.on, see));
            texts_of(filter, see);
        }
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
