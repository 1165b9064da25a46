//! One statement to a source.

use futures::TryStreamExt;
use genkan_adapter::{AdapterError, Row, RowQuery};

use super::{Fetch, Fetched};
use crate::sources::Source;

impl Fetch<'_> {
    /// All rows of a query, from the source of the rule.
    pub(super) async fn rows(&mut self, rule: usize, query: &RowQuery) -> Fetched<Vec<Row>> {
        let source = self.sources.at(self.rules.rules[rule].source);
        self.ask(source, source.adapter().rows(query).try_collect(), Vec::len).await
    }

    /// Every statement of a request goes this way: past the breaker of its source, and counted. Bulk
    /// work waits for its turn; what a client waits for goes first.
    pub(super) async fn ask<T>(
        &mut self,
        source: &Source,
        statement: impl Future<Output = Result<T, AdapterError>>,
        rows: impl FnOnce(&T) -> usize,
    ) -> Fetched<T> {
        let (mut _turn, mut _first) = (None, None);
        match self.is_bulk {
            true => _turn = Some(source.governor.turn().await),
            false => _first = Some(source.governor.first()),
        }
        let passage = source.breaker.enter(self.deadline)?;
        self.statements += 1;
        let seen = source.seen.begin();
        let answer = statement.await;
        passage.end(answer.as_ref().err());
        self.in_source += seen.end(answer.as_ref().map(rows));
        Ok(answer.map_err(|error| source.failed(error))?)
    }
}
