//! How many rows there are: counted, or as the database expects them.

use futures::TryStreamExt;
use genkan_adapter::{AdapterError, ErrorCategory, Row, RowQuery, Value};

use super::{Backend, SqlAdapter};
use crate::catalog::Dialect;
use crate::estimate;
use crate::statement::Wanted;

impl SqlAdapter {
    pub(super) async fn counted(&self, query: &RowQuery) -> Result<u64, AdapterError> {
        let rows = self.about(query, Wanted::Count).await?;
        match rows.first().and_then(|row| row.values().first()) {
            // No row can match, and no statement was needed to know it.
            None => Ok(0),
            Some(Value::Integer(count)) if *count >= 0 => Ok(count.unsigned_abs()),
            Some(_) => {
                let message = format!("{}: a count that is none", self.source);
                Err(AdapterError::new(ErrorCategory::Unreadable, message))
            }
        }
    }

    pub(super) async fn expected(&self, query: &RowQuery) -> Result<Option<u64>, AdapterError> {
        if query.filter.is_false() {
            return Ok(Some(0));
        }
        let dialect = self.dialect();
        if dialect == Dialect::Sqlite {
            return Ok(estimate::of_catalog(&*self.catalog().await?, query));
        }
        let plan = self.about(query, Wanted::Expectation).await?;
        if plan.is_empty() { Ok(Some(0)) } else { estimate::of_plan(dialect, &plan) }
    }

    /// What the database says about all rows that match; nothing if none can, whatever it holds.
    async fn about(&self, query: &RowQuery, wanted: Wanted) -> Result<Vec<Row>, AdapterError> {
        with_sessions!(self, sessions => self.stream(sessions, query, wanted).try_collect().await)
    }
}
