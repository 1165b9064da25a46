//! What the adapter knows of its source between two queries, and when it counts no more.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use genkan_adapter::SourceSchema;

use crate::catalog::Catalog;
use crate::repertoire::Repertoire;

/// A query that does not fit a catalog of this age is not worth another look: a client that repeats
/// a broken request must not become the server's load.
const FRESH: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(crate) struct Knowledge {
    catalog: RwLock<Option<Remembered>>,
    /// What callers were told that the source is; rules are made for it.
    told: RwLock<Option<SourceSchema>>,
    /// What is known of the server's repertoire; grows less with each character that it refuses.
    repertoire: RwLock<Arc<Repertoire>>,
    /// When a table was last seen to be as the catalog has it, if later than the catalog.
    checked: RwLock<HashMap<String, Instant>>,
}

struct Remembered {
    catalog: Arc<Catalog>,
    since: Instant,
}

impl Knowledge {
    pub fn catalog(&self) -> Option<Arc<Catalog>> {
        let kept = self.catalog.read().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().map(|kept| Arc::clone(&kept.catalog))
    }

    /// Takes a catalog that was just read; of what it differs in from what callers know, it says so.
    pub fn remember(&self, mut catalog: Catalog) -> Arc<Catalog> {
        if let Some(told) = &*self.told.read().unwrap_or_else(PoisonError::into_inner) {
            catalog.compare(told);
        }
        let catalog = Arc::new(catalog);
        let remembered = Remembered { catalog: Arc::clone(&catalog), since: Instant::now() };
        *self.catalog.write().unwrap_or_else(PoisonError::into_inner) = Some(remembered);
        // A server can be replaced by one of another encoding.
        self.keep(Repertoire::default());
        catalog
    }

    /// It was as the catalog has it, so long ago at most.
    pub fn is_checked(&self, table: &str, most: Duration) -> bool {
        let fresh = |since: Instant| since.elapsed() < most;
        let kept = self.catalog.read().unwrap_or_else(PoisonError::into_inner);
        if kept.as_ref().is_some_and(|kept| fresh(kept.since)) {
            return true;
        }
        let checked = self.checked.read().unwrap_or_else(PoisonError::into_inner);
        checked.get(table).is_some_and(|since| fresh(*since))
    }

    /// It was as the catalog has it, then.
    pub fn checked(&self, table: &str, since: Instant) {
        let mut checked = self.checked.write().unwrap_or_else(PoisonError::into_inner);
        checked.insert(table.to_owned(), since);
    }

    pub fn forget(&self) {
        *self.catalog.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Forgets a catalog that a query does not fit, unless it was read a moment ago.
    pub fn forget_if_old(&self) -> bool {
        let mut kept = self.catalog.write().unwrap_or_else(PoisonError::into_inner);
        let old = kept.as_ref().is_none_or(|kept| kept.since.elapsed() >= FRESH);
        if old {
            *kept = None;
        }
        old
    }

    /// `None` before the source is described anew.
    pub fn tell(&self, schema: Option<SourceSchema>) {
        *self.told.write().unwrap_or_else(PoisonError::into_inner) = schema;
    }

    pub fn repertoire(&self) -> Arc<Repertoire> {
        Arc::clone(&self.repertoire.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn keep(&self, repertoire: Repertoire) -> Arc<Repertoire> {
        let repertoire = Arc::new(repertoire);
        let mut kept = self.repertoire.write().unwrap_or_else(PoisonError::into_inner);
        *kept = Arc::clone(&repertoire);
        repertoire
    }
}
