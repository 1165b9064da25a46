//! The review of code maps (院内コード対応表のレビュー): what house codes may be, and who decides what. The
//! commands of `genkan codes` and the operations of `ConceptMap` share all of it.
//!
//! Writing into the folder of the rules is a power that nobody has unless `[codes] review` says so.

mod document;
mod house;
mod operations;

use std::path::PathBuf;
use std::sync::Arc;

use genkan_mapping::codemap::suggest::Suggester;
use genkan_masters::Store;
use tokio::sync::Notify;

pub use document::{Document, Refused};
pub use house::{Seen, SeenCodes, seen};
pub use operations::{Operation, ReviewRefusal, declared, run};

/// What a running service needs to let people review.
#[derive(Debug, Clone)]
pub struct Review {
    /// Of the rules.
    pub directory: PathBuf,
    pub suggester: Arc<Suggester>,
    /// The configuration tells clients apart: nobody else decides.
    pub only_known: bool,
    /// Somebody has written: the rules are to be loaded again.
    pub written: Arc<Notify>,
}

impl Review {
    pub fn new(directory: PathBuf, masters: Arc<Store>, only_known: bool) -> Self {
        let suggester = Arc::new(Suggester::new(masters));
        Review { directory, suggester, only_known, written: Arc::default() }
    }

    /// The same with the masters as they are now. After a review they are what they were, and what was put
    /// in order of them is kept.
    #[must_use]
    pub fn with_masters(&self, masters: Arc<Store>) -> Self {
        if self.suggester.masters().imports() == masters.imports() {
            return self.clone();
        }
        Review { suggester: Arc::new(Suggester::new(masters)), ..self.clone() }
    }
}
