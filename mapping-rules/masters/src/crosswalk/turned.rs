//! Codes by what stands in their rows, without a copy of either: an entry is two places in the bytes of the
//! store, so that turning a system round costs little more than walking through it.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use hashbrown::HashTable;

use crate::store::{Stood, Store};

/// Of one store: another one's places are of other texts.
#[derive(Debug, Default)]
pub(super) struct Turned(HashTable<(Stood, Stood)>);

impl Turned {
    /// Notes that a code has this value.
    pub fn add(&mut self, store: &Store, value: &str, code: &str) {
        let (Some(at), Some(code)) = (store.stood(value), store.stood(code)) else { return };
        let rehash = |(value, _): &(Stood, Stood)| hash(store.text_at(*value));
        self.0.insert_unique(hash(value), (at, code), rehash);
    }

    /// As [`Self::add`] if nothing has this value yet.
    pub fn add_first(&mut self, store: &Store, value: &str, code: &str) {
        if !self.has(store, value) {
            self.add(store, value, code);
        }
    }

    pub fn has(&self, store: &Store, value: &str) -> bool {
        self.0.find(hash(value), |(known, _)| store.text_at(*known) == value).is_some()
    }

    /// The value as it stands in the store.
    pub fn value<'s>(&self, store: &'s Store, value: &str) -> Option<&'s str> {
        let found = self.0.find(hash(value), |(known, _)| store.text_at(*known) == value);
        found.map(|(known, _)| store.text_at(*known))
    }

    /// The codes that have this value, in their order.
    pub fn codes<'s>(&self, store: &'s Store, value: &str) -> Vec<&'s str> {
        let alike = self.0.iter_hash(hash(value));
        let own = alike.filter(|(known, _)| store.text_at(*known) == value);
        let mut codes: Vec<&str> = own.map(|(_, code)| store.text_at(*code)).collect();
        codes.sort_unstable();
        codes
    }

    /// Every value with its code, in no order.
    pub fn pairs<'s>(&self, store: &'s Store) -> impl Iterator<Item = (&'s str, &'s str)> {
        self.0.iter().map(|(value, code)| (store.text_at(*value), store.text_at(*code)))
    }

    pub fn values<'s>(&self, store: &'s Store) -> BTreeSet<&'s str> {
        self.pairs(store).map(|(value, _)| value).collect()
    }
}

/// The same in every process: what is made of codes depends on nothing else.
fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
