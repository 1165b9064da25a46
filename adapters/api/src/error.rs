//! Why a source did not answer. The caller decides by category, never by a vendor's message.

use std::error::Error as StdError;

/// Six categories: enough to choose a status, a retry and a person to call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCategory {
    /// No connection: the server is down, the file is gone, the name does not resolve.
    Unreachable,
    /// The source refused the account: wrong password, missing right.
    Denied,
    /// Others have it: it is locked, or all connections are taken. The same question may be answered
    /// in a moment.
    Busy,
    /// It took longer, or was more, than the configuration allows.
    LimitExceeded,
    /// The question does not fit the source: a table or column that is no longer there.
    Mismatch,
    /// The source answered something that can't be read.
    Unreadable,
}

/// A limit of the configuration, or one that the source has for its own statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Ours, of connections at one time: the source was not asked.
    Connections,
    /// Of a statement, also where it only waited for a lock.
    Time,
    /// Of an answer: rows or bytes.
    Size,
    /// Of a question: how many values it may have, or how long or deep it may be. The adapter may know
    /// it without asking.
    Question,
}

/// A failure of the source, never of one row's content.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct AdapterError {
    pub category: ErrorCategory,
    /// The limit that was met, if that was it: one of time says something of the source, the others
    /// of what it was asked.
    pub limit: Option<Limit>,
    /// For the person on duty: what failed and what to do. No row content, no bound value, no
    /// password.
    pub message: String,
    #[source]
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

impl AdapterError {
    pub fn new(category: ErrorCategory, message: impl Into<String>) -> Self {
        AdapterError { category, limit: None, message: message.into(), source: None }
    }

    pub fn with_limit(self, limit: Limit) -> Self {
        AdapterError { limit: Some(limit), ..self }
    }

    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}
