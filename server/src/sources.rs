//! The hospital's sources (院内システム) as requests reach them: `[source]`, the main one, and each
//! of `[sources.NAME]`. A rule knows its source by the place in this list.

mod seen;

use std::sync::Arc;

use genkan_adapter::{Adapter, AdapterError};

pub use seen::{CATEGORIES, Condition, Seen};

/// One source under its name in the configuration, which logs, metrics and errors use.
pub struct Source {
    pub name: Arc<str>,
    adapter: Arc<dyn Adapter>,
    pub seen: Seen,
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
    pub fn new(name: impl Into<String>, adapter: Arc<dyn Adapter>) -> Self {
        Source { name: Arc::from(name.into()), adapter, seen: Seen::default() }
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
