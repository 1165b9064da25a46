//! Exports that were ended before they expired.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

/// By id, with the moment from which on nobody has to remember them.
#[derive(Debug, Default)]
pub struct Ended(Mutex<HashMap<String, DateTime<Utc>>>);

impl Ended {
    pub fn end(&self, id: &str, expires: DateTime<Utc>, now: DateTime<Utc>) {
        let mut ended = self.ended();
        ended.retain(|_, expires| *expires > now);
        ended.insert(id.to_owned(), expires);
    }

    pub fn has(&self, id: &str) -> bool {
        self.ended().contains_key(id)
    }

    fn ended(&self) -> MutexGuard<'_, HashMap<String, DateTime<Utc>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_ended_is_remembered_until_it_would_have_expired() {
        let at = |second| DateTime::from_timestamp(second, 0).expect("a moment");
        let ended = Ended::default();
        ended.end("a", at(10), at(0));
        ended.end("b", at(20), at(9));
        assert!(ended.has("a") && ended.has("b") && !ended.has("c"));
        ended.end("c", at(30), at(10));
        assert!(!ended.has("a") && ended.has("b") && ended.has("c"));
    }
}
