//! The hospital's sources (院内システム) as requests reach them: `[source]`, the main one, and each
//! of `[sources.NAME]`. A rule knows its source by the place in this list.

pub mod breaker;
mod seen;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use genkan_adapter::{Adapter, AdapterError};
use genkan_adapter_sql::SqlConfig;

use crate::governor::Governor;
use breaker::{Breaker, Settings};

pub use seen::{CATEGORIES, Condition, Seen};

/// One source under its name in the configuration, which logs, metrics and errors use.
pub struct Source {
    pub name: Arc<str>,
    adapter: Arc<dyn Adapter>,
    pub seen: Seen,
    /// Every statement of a request passes it; commands that look at a source don't.
    pub breaker: Breaker,
    /// Of its bulk work.
    pub governor: Governor,
}

/// The main source first, the others by name, as in [`genkan_mapping::SourceSchemas`].
pub struct Sources(Vec<Source>);

/// Why a source did not answer, and which.
#[derive(Debug, thiserror::Error)]
#[error("source `{source_name}`: {error}")]
pub struct SourceError {
    pub source_name: String,
    pub error: AdapterError,
}

impl Source {
    /// Without a section of its own: its breaker never opens.
    pub fn new(name: impl Into<String>, adapter: Arc<dyn Adapter>) -> Self {
        let name: Arc<str> = Arc::from(name.into());
        let never = Settings { failures: None, open: Duration::ZERO, open_max: Duration::ZERO };
        let breaker = Breaker::new(Arc::clone(&name), never);
        Source { name, adapter, seen: Seen::default(), breaker, governor: Governor::default() }
    }

    /// With the breaker that its section of the configuration wants.
    pub fn configured(self, section: &SqlConfig) -> Self {
        let settings = Settings {
            failures: NonZeroU32::new(section.breaker_failures),
            open: Duration::from_secs(section.breaker_open_secs),
            open_max: Duration::from_secs(section.breaker_open_secs_max),
        };
        Source { breaker: Breaker::new(Arc::clone(&self.name), settings), ..self }
    }

    #[must_use]
    pub fn governed(self, governor: Governor) -> Self {
        Source { governor, ..self }
    }

    pub fn adapter(&self) -> &dyn Adapter {
        &*self.adapter
    }

    /// The error with the name of this source.
    pub fn failed(&self, error: AdapterError) -> SourceError {
        SourceError { source_name: self.name.to_string(), error }
    }
}

impl Sources {
    /// The sources by their places; the first is the main one.
    pub fn new(sources: Vec<Source>) -> Self {
        Sources(sources)
    }

    /// Of a site that has one.
    pub fn of_one(adapter: Arc<dyn Adapter>) -> Self {
        Sources(vec![Source::new(genkan_mapping::MAIN, adapter)])
    }

    /// The source at a rule's place.
    ///
    /// # Panics
    /// Never: rules are compiled against the schemas of these sources.
    pub fn at(&self, place: usize) -> &Source {
        &self.0[place]
    }

    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.0.iter()
    }
}
