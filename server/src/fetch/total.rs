//! `_total`: how many rows match, where somebody asked.
//!
//! Counted are rows, as the pages bring them: one that turns out to be no resource, or has the id of
//! another, is an entry of its page and counts. Included resources don't.

use genkan_adapter::RowQuery;
use genkan_fhir::search::Total;
use genkan_mapping::plan::{Position, Scan, SearchPlan};

use super::{Fetch, Fetched};

/// What is known of the number of matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    NotAsked,
    Rows(u64),
    /// A source can't say what it expects, and to count was not asked.
    Unsaid,
}

impl Fetch<'_> {
    /// One statement for each scan, unless the page shows that there is nothing beside it.
    pub(super) async fn found(
        &mut self,
        plan: &SearchPlan,
        on_page: usize,
        goes_on: bool,
    ) -> Fetched<Found> {
        let from_start = plan.scans.iter().all(|scan| scan.position == Position::Start);
        let is_all = from_start && !goes_on && plan.count > 0;
        match plan.total {
            Total::None => Ok(Found::NotAsked),
            Total::Accurate | Total::Estimate if is_all => Ok(Found::Rows(on_page as u64)),
            Total::Accurate => {
                let mut rows = 0;
                for scan in &plan.scans {
                    rows += self.count(scan).await?;
                }
                Ok(Found::Rows(rows))
            }
            Total::Estimate => {
                let mut rows = 0;
                for scan in &plan.scans {
                    match self.estimate(scan).await? {
                        Some(expected) => rows += expected,
                        None => return Ok(Found::Unsaid),
                    }
                }
                Ok(Found::Rows(rows))
            }
        }
    }

    async fn count(&mut self, scan: &Scan) -> Fetched<u64> {
        let source = self.sources.at(self.rules.rules[scan.rule].source);
        self.ask(source, source.adapter().count(&whole(scan)), |_| 1).await
    }

    async fn estimate(&mut self, scan: &Scan) -> Fetched<Option<u64>> {
        let source = self.sources.at(self.rules.rules[scan.rule].source);
        self.ask(source, source.adapter().estimate(&whole(scan)), |_| 1).await
    }
}

/// Of every page, not only from here on.
fn whole(scan: &Scan) -> RowQuery {
    RowQuery { after: None, limit: None, order: Vec::new(), ..scan.query.clone() }
}
