//! What was asked of the sources and what that took: for `__explain`.

use std::time::{Duration, Instant};

use genkan_adapter::RowQuery;

/// One statement.
#[derive(Debug, Clone)]
pub struct Traced {
    pub of: Of,
    /// The rule whose source it went to.
    pub rule: usize,
    pub query: RowQuery,
    /// What came back, if it did.
    pub rows: Option<u64>,
    pub took: Duration,
}

/// What a statement asked of the rows that match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    Rows,
    Count,
    Estimate,
}

/// Notes statements, if somebody wants to know.
#[derive(Debug, Default)]
pub struct Trace {
    noted: Option<Vec<Traced>>,
    begun: Option<Instant>,
}

impl Trace {
    pub fn on() -> Self {
        Trace { noted: Some(Vec::new()), begun: None }
    }

    /// Before it is sent: one that fails is known too.
    pub fn begin(&mut self, of: Of, rule: usize, query: &RowQuery) {
        if let Some(noted) = &mut self.noted {
            let (query, took) = (query.clone(), Duration::ZERO);
            noted.push(Traced { of, rule, query, rows: None, took });
            self.begun = Some(Instant::now());
        }
    }

    /// `rows`: how many came, or the number that came.
    pub fn end(&mut self, rows: Option<u64>) {
        if let (Some(last), Some(begun)) =
            (self.noted.as_mut().and_then(|noted| noted.last_mut()), self.begun.take())
        {
            (last.rows, last.took) = (rows, begun.elapsed());
        }
    }

    pub fn into_noted(self) -> Vec<Traced> {
        self.noted.unwrap_or_default()
    }
}
