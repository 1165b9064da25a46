//! What is told of the rules that are served: large documents of which nothing is of a request but the
//! base. Each is made once, when it is first asked for, and belongs to one [`crate::service::Service`]:
//! other rules have others.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use actix_web::web::Bytes;
use serde_json::Value;

use crate::respond;

/// Without `[fhir] base_url` the base is what a client says in `Host`: whoever says many must not fill
/// our memory.
const KEPT_MAX: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Document {
    Capabilities,
    Terminology,
    OpenApi,
}

#[derive(Debug, Clone)]
pub struct Made {
    pub json: Bytes,
    /// What its ETag says: another one, if anything in it is other.
    pub tag: String,
}

/// The latest first.
#[derive(Debug, Default)]
pub struct Documents(Mutex<VecDeque<Kept>>);

#[derive(Debug)]
struct Kept {
    document: Document,
    base: String,
    made: Made,
}

impl Documents {
    pub fn of(&self, document: Document, base: &str, make: impl FnOnce() -> Value) -> Made {
        if let Some(made) = self.kept(document, base) {
            return made;
        }
        // Nobody waits meanwhile: that two make it at once is rare, and one of them is kept.
        let json = Bytes::from(make().to_string());
        let made = Made { tag: respond::tag_of(&json), json };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.truncate(KEPT_MAX - 1);
        kept.push_front(Kept { document, base: base.to_owned(), made: made.clone() });
        made
    }

    fn kept(&self, document: Document, base: &str) -> Option<Made> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = kept.iter().position(|one| one.document == document && one.base == base)?;
        let found = kept.remove(place)?;
        let made = found.made.clone();
        kept.push_front(found);
        Some(made)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_is_made_once_for_each_base_and_only_few_bases_are_remembered() {
        let (documents, made) = (Documents::default(), Cell::new(0));
        let ask = |document, base: &str| {
            let make = || {
                made.set(made.get() + 1);
                json!({"base": base})
            };
            let found = documents.of(document, base, make);
            assert_eq!(found.json, json!({"base": base}).to_string());
            found.tag
        };
        for _ in 0..3 {
            let tags = [Document::Capabilities, Document::OpenApi].map(|one| ask(one, "a"));
            assert_eq!(tags[0], tags[1], "by what it holds");
            assert_ne!(ask(Document::OpenApi, "b"), tags[0]);
        }
        assert_eq!(made.get(), 3);
        // Whoever is asked for meanwhile stays.
        for stranger in 0..100 {
            ask(Document::OpenApi, &stranger.to_string());
            ask(Document::OpenApi, "a");
        }
        assert_eq!(made.get(), 103);
        assert_eq!(documents.0.lock().expect("no panic").len(), KEPT_MAX);
    }
}
