//! One statement to the source of its rule.

use futures::TryStreamExt;
use genkan_adapter::{Row, RowQuery};

use super::{Fetch, Fetched};

impl Fetch<'_> {
    /// All rows of a query. Bulk work waits for its turn; what a client waits for goes first.
    pub(super) async fn rows(&mut self, rule: usize, query: &RowQuery) -> Fetched<Vec<Row>> {
        self.statements += 1;
        let source = self.sources.at(self.rules.rules[rule].source);
        let rows = source.adapter().rows(query);
        let rows = if self.is_bulk {
            let _turn = source.governor.turn().await;
            rows.try_collect().await
        } else {
            let _first = source.governor.first();
            rows.try_collect().await
        };
        Ok(rows.map_err(|error| source.failed(error))?)
    }
}
