//! A scan piece by piece: one statement for each, so that no connection is held while the rows before
//! are sent, and no more than one piece is in memory.

use genkan_mapping::emit::Record;
use genkan_mapping::plan::{Position, Scan};

use super::{Fetch, Fetched, after, spread};

/// Rows of a scan, complete with what they refer to.
#[derive(Debug)]
pub struct Chunk {
    pub records: Vec<Record>,
    /// Where the scan goes on.
    pub next: Position,
}

impl Fetch<'_> {
    /// At most so many rows behind a position. A row more of the very key that they end with comes
    /// along: the next piece begins behind it.
    pub async fn chunk(&mut self, scan: &Scan, from: &Position, rows: usize) -> Fetched<Chunk> {
        let query = scan.from(from, rows + 1);
        let found = self.rows(scan.rule, &query).await?;
        let mut found = spread(found, scan.part.as_ref());
        let beyond = if found.len() > rows { found.pop() } else { None };
        let next = match (&beyond, found.last()) {
            (None, _) => Position::Done,
            (Some(_), Some(last)) => after(scan, last),
            (Some(_), None) => from.clone(),
        };
        if let Some(beyond) = beyond
            && after(scan, &beyond) == next
        {
            found.push(beyond);
        }
        let records = self.records(scan.rule, found, scan.part.as_ref(), 0).await?;
        Ok(Chunk { records, next })
    }
}
