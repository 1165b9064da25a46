//! The fetch room: the only place of the read path that touches the hospital's source.
//!
//! A plan goes in, records come out. Every call of the adapter is one statement, and they are
//! counted: one for each scan that the page needs, one for each child, each include (in each round of
//! `:iterate`) and each `$contained` that is not made of the very row.

mod chunks;
mod explain;
mod include;
mod keys;
mod recording;
mod statement;
mod total;

pub mod sample;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use genkan_adapter::{Row, RowQuery, Value};
use genkan_mapping::emit::{Record, reference_key};
use genkan_mapping::evaluate::{self, Frame};
use genkan_mapping::plan::{
    Cursor, Position, ReadPlan, Scan, SearchPlan, child_query, key_texts, link_key, target_query,
};
use genkan_mapping::program::{Child, Contained, RuleSet};
use genkan_mapping::projection::{Columns, Projection};

use crate::sources::breaker::Spared;
use crate::sources::{SourceError, Sources};

pub use explain::Explained;
pub use keys::{Keys, keys};
pub use total::Found;

/// Contained resources of contained resources, and no deeper.
const CONTAINED_DEPTH_MAX: usize = 4;

/// One page, as fetched.
#[derive(Debug)]
pub struct Page {
    /// Index of the rule, and the record.
    pub matches: Vec<(usize, Record)>,
    pub includes: Vec<(usize, Record)>,
    /// `:iterate` could have gone on, and was not let.
    pub includes_end: bool,
    /// Where the next page starts; `None` on the last page.
    pub next: Option<Cursor>,
    /// How many rows match in all, as far as that was asked.
    pub found: Found,
}

/// The rows of a page as its statements brought them: what they refer to is not there yet.
#[derive(Debug)]
pub struct PageRows {
    /// Index of the rule, and the row.
    pub rows: Vec<(usize, Row)>,
    next: Option<Cursor>,
}

impl PageRows {
    /// Where the next page starts.
    pub fn next(&self) -> Option<&Cursor> {
        self.next.as_ref()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Spared(#[from] Spared),
    #[error("the includes of this page bring more than {rows_max} rows")]
    TooManyIncluded { rows_max: usize },
}

type Fetched<T> = Result<T, FetchError>;

/// Fetches for one request.
pub struct Fetch<'a> {
    sources: &'a Sources,
    rules: &'a RuleSet,
    statements: usize,
    in_source: Duration,
    /// It is bulk work and waits for its turns.
    is_bulk: bool,
    /// When a statement is given up, because the time of the request is over.
    deadline: Option<Instant>,
}

impl<'a> Fetch<'a> {
    pub fn new(sources: &'a Sources, rules: &'a RuleSet) -> Self {
        let (statements, in_source) = (0, Duration::ZERO);
        Fetch { sources, rules, statements, in_source, is_bulk: false, deadline: None }
    }

    /// For bulk work, which everybody else goes before.
    pub fn bulk(sources: &'a Sources, rules: &'a RuleSet) -> Self {
        Fetch { is_bulk: true, ..Fetch::new(sources, rules) }
    }

    /// For a request that is given up then.
    pub fn until(self, deadline: Option<Instant>) -> Self {
        Fetch { deadline, ..self }
    }

    /// Statements sent so far.
    pub fn statements(&self) -> usize {
        self.statements
    }

    /// How long the sources worked for them, or were waited for.
    pub fn in_source(&self) -> Duration {
        self.in_source
    }

    /// The record of a read: none if the row is not there, two if the key is not unique.
    pub async fn of_key(&mut self, plan: &ReadPlan) -> Fetched<Vec<Record>> {
        let rows = self.rows_of_key(plan).await?;
        self.records_of_key(plan, rows).await
    }

    /// The rows of a read without what they refer to.
    pub async fn rows_of_key(&mut self, plan: &ReadPlan) -> Fetched<Vec<Row>> {
        let rows = self.rows(plan.rule, &limited(&plan.query, 2)).await?;
        Ok(spread(rows, plan.part.as_ref()))
    }

    /// Completes what [`Self::rows_of_key`] has brought.
    pub async fn records_of_key(
        &mut self,
        plan: &ReadPlan,
        rows: Vec<Row>,
    ) -> Fetched<Vec<Record>> {
        self.records(plan.rule, rows, plan.part.as_ref(), 0).await
    }

    /// Records of a rule by their keys, in no particular order.
    pub async fn by_keys(&mut self, rule: usize, keys: &[Vec<String>]) -> Fetched<Vec<Record>> {
        match target_query(self.rules, rule, keys) {
            Some(query) => {
                let rows = self.rows(rule, &query).await?;
                self.records(rule, rows, None, 0).await
            }
            None => Ok(Vec::new()),
        }
    }

    /// One page of a search with its includes.
    pub async fn page(&mut self, plan: &SearchPlan) -> Fetched<Page> {
        let rows = self.rows_of_page(plan).await?;
        self.complete_page(plan, rows).await
    }

    /// The rows of a page without what they refer to.
    pub async fn rows_of_page(&mut self, plan: &SearchPlan) -> Fetched<PageRows> {
        if plan.count == 0 {
            return Ok(PageRows { rows: Vec::new(), next: None });
        }
        let (rows, next) = match plan.sorted && plan.scans.len() > 1 {
            true => self.merged(plan).await?,
            false => self.in_turn(plan).await?,
        };
        Ok(PageRows { rows, next })
    }

    /// Completes what [`Self::rows_of_page`] has brought.
    pub async fn complete_page(&mut self, plan: &SearchPlan, page: PageRows) -> Fetched<Page> {
        let PageRows { rows, next } = page;
        let found = self.found(plan, rows.len(), next.is_some()).await?;
        let matches = self.complete(plan, rows).await?;
        let (includes, includes_end) = self.includes(plan, &matches).await?;
        Ok(Page { matches, includes, includes_end, next, found })
    }

    /// One scan after the other, until the page is full and one row more shows that it goes on. A
    /// row more of the very key that the page ends with comes along: the next page begins behind it.
    async fn in_turn(&mut self, plan: &SearchPlan) -> Fetched<(Vec<(usize, Row)>, Option<Cursor>)> {
        let mut taken: Vec<(usize, Row)> = Vec::with_capacity(plan.count);
        let mut positions: Vec<Position> =
            plan.scans.iter().map(|scan| scan.position.clone()).collect();
        for (index, scan) in plan.scans.iter().enumerate() {
            if scan.position == Position::Done {
                continue;
            }
            let room = plan.count - taken.len();
            let rows = self.rows(scan.rule, &limited(&scan.query, room + 1)).await?;
            let mut rows = spread(rows, scan.part.as_ref());
            let beyond = if rows.len() > room { rows.pop() } else { None };
            positions[index] = match (&beyond, rows.last()) {
                (None, _) => Position::Done,
                (Some(_), Some(last)) => after(scan, last),
                (Some(_), None) => scan.position.clone(),
            };
            taken.extend(rows.into_iter().map(|row| (scan.rule, row)));
            if let Some(beyond) = beyond {
                if after(scan, &beyond) == positions[index] {
                    taken.push((scan.rule, beyond));
                }
                return Ok((taken, Some(Cursor(positions))));
            }
        }
        Ok((taken, None))
    }

    /// All scans side by side, merged by the sorted values as FHIR shows them: the tables of two
    /// rules may store the same date in two ways.
    async fn merged(&mut self, plan: &SearchPlan) -> Fetched<(Vec<(usize, Row)>, Option<Cursor>)> {
        let mut found = Vec::with_capacity(plan.scans.len());
        for scan in &plan.scans {
            let rows = match scan.position {
                Position::Done => Vec::new(),
                _ => self.rows(scan.rule, &limited(&scan.query, plan.count + 1)).await?,
            };
            let rows = spread(rows, scan.part.as_ref());
            let keyed: Vec<(Vec<SortValue>, Row)> =
                rows.into_iter().map(|row| (self.sort_values(scan, &row), row)).collect();
            found.push(keyed.into_iter().peekable());
        }
        let mut positions: Vec<Position> =
            plan.scans.iter().map(|scan| scan.position.clone()).collect();
        let mut taken = Vec::with_capacity(plan.count);
        while taken.len() < plan.count {
            let heads = found.iter_mut().enumerate();
            let first = heads
                .filter_map(|(index, rows)| rows.peek().map(|(values, _)| (values.clone(), index)))
                .min();
            let Some((_, index)) = first else { break };
            if let Some((_, row)) = found[index].next() {
                let scan = &plan.scans[index];
                positions[index] = after(scan, &row);
                taken.push((scan.rule, row));
            }
        }
        let mut goes_on = false;
        for ((rows, position), scan) in found.iter_mut().zip(&mut positions).zip(&plan.scans) {
            let same_key = |(_, row): &(_, Row)| after(scan, row) == *position;
            taken.extend(rows.next_if(same_key).map(|(_, row)| (scan.rule, row)));
            match rows.peek() {
                Some(_) => goes_on = true,
                None => *position = Position::Done,
            }
        }
        Ok((taken, goes_on.then_some(Cursor(positions))))
    }

    fn sort_values(&self, scan: &Scan, row: &Row) -> Vec<SortValue> {
        let (lookups, zone) = (&self.rules.lookups, self.rules.site.zone);
        let frame = Frame { root: row, child: None, lookups, zone };
        let mut values = Vec::with_capacity(scan.sort.len());
        for (term, descending) in &scan.sort {
            let text = evaluate::text(term, &frame, &mut Vec::new()).map(|text| text.into_owned());
            values.push(match descending {
                false => SortValue::Ascending(text),
                true => SortValue::Descending(std::cmp::Reverse(text)),
            });
        }
        values
    }

    /// Makes records of rows of several rules, in the same order.
    async fn complete(
        &mut self,
        plan: &SearchPlan,
        rows: Vec<(usize, Row)>,
    ) -> Fetched<Vec<(usize, Record)>> {
        let order: Vec<usize> = rows.iter().map(|(rule, _)| *rule).collect();
        let mut by_rule: BTreeMap<usize, Vec<Row>> = BTreeMap::new();
        for (rule, row) in rows {
            by_rule.entry(rule).or_default().push(row);
        }
        let mut records = BTreeMap::new();
        for (rule, rows) in by_rule {
            let made = self.records(rule, rows, plan.part(rule), 0).await?;
            records.insert(rule, made.into_iter());
        }
        let next = |rule: usize| {
            records.get_mut(&rule).and_then(Iterator::next).map(|record| (rule, record))
        };
        Ok(order.into_iter().filter_map(next).collect())
    }

    /// Adds children and contained records to the rows of one rule: those that the part shows.
    fn records<'f>(
        &'f mut self,
        rule: usize,
        rows: Vec<Row>,
        part: Option<&'f Projection>,
        depth: usize,
    ) -> BoxFuture<'f, Fetched<Vec<Record>>> {
        Box::pin(async move {
            let rules = self.rules;
            let compiled = &rules.rules[rule];
            let mut records: Vec<Record> = rows
                .into_iter()
                .map(|row| Record { row, children: Vec::new(), contained: Vec::new() })
                .collect();
            if records.is_empty() {
                return Ok(records);
            }
            for (index, child) in compiled.children.iter().enumerate() {
                if part.is_none_or(|part| part.child(index).is_some()) {
                    let columns = part.and_then(|part| part.child(index));
                    self.child(rule, child, columns, &mut records).await?;
                } else {
                    records.iter_mut().for_each(|record| record.children.push(Vec::new()));
                }
            }
            for (index, contained) in compiled.contained.iter().enumerate() {
                if part.is_none_or(|part| part.contains(index)) {
                    self.contained(contained, &mut records, depth).await?;
                } else {
                    records.iter_mut().for_each(|record| record.contained.push(None));
                }
            }
            Ok(records)
        })
    }

    async fn child(
        &mut self,
        rule: usize,
        child: &Child,
        columns: Option<&Columns>,
        records: &mut [Record],
    ) -> Fetched<()> {
        let parents: Vec<&Row> = records.iter().map(|record| &record.row).collect();
        let mut rows = match child_query(child, columns, &parents) {
            Some(query) => self.rows(rule, &query).await?,
            None => Vec::new(),
        };
        if let Some(columns) = columns {
            rows = rows.into_iter().map(|row| columns.spread(row)).collect();
        }
        let mut by_link: HashMap<Vec<String>, Vec<Row>> = HashMap::new();
        for row in rows {
            let link = child.link.iter().map(|(own, _)| row.values().get(*own));
            if let Some(link) = link_key(link) {
                by_link.entry(link).or_default().push(row);
            }
        }
        for record in records {
            let link = child.link.iter().map(|(_, parent)| record.row.values().get(parent.index));
            // Two parents may share a link, so the rows are copied and not taken.
            let rows = link_key(link).and_then(|link| by_link.get(&link).cloned());
            record.children.push(rows.unwrap_or_default());
        }
        Ok(())
    }

    async fn contained(
        &mut self,
        contained: &Contained,
        records: &mut [Record],
        depth: usize,
    ) -> Fetched<()> {
        let (rules, reference) = (self.rules, &contained.reference);
        if depth >= CONTAINED_DEPTH_MAX {
            records.iter_mut().for_each(|record| record.contained.push(None));
            return Ok(());
        }
        if let Some(columns) = &contained.same_row {
            let rows = records.iter().map(|record| projected(&record.row, columns)).collect();
            let targets = self.records(reference.rule, rows, None, depth + 1).await?;
            for (record, target) in records.iter_mut().zip(targets) {
                record.contained.push(Some(Arc::new(target)));
            }
            return Ok(());
        }
        let wanted: Vec<Option<Vec<String>>> = records
            .iter()
            .map(|record| reference_key(rules, reference, &record.row, None))
            .collect();
        let keys = distinct(wanted.iter().flatten().cloned());
        let mut found: HashMap<Vec<String>, Option<Arc<Record>>> = HashMap::new();
        if let Some(query) = target_query(rules, reference.rule, &keys) {
            let rows = self.rows(reference.rule, &query).await?;
            for record in self.records(reference.rule, rows, None, depth + 1).await? {
                if let Some(key) = key_texts(rules, &rules.rules[reference.rule], &record.row) {
                    // Of two rows with one key, neither is the one that is meant.
                    let second = found.contains_key(&key);
                    found.insert(key, (!second).then(|| Arc::new(record)));
                }
            }
        }
        for (record, key) in records.iter_mut().zip(wanted) {
            record.contained.push(key.and_then(|key| found.get(&key).cloned().flatten()));
        }
        Ok(())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum SortValue {
    Ascending(Option<String>),
    Descending(std::cmp::Reverse<Option<String>>),
}

fn projected(row: &Row, columns: &[usize]) -> Row {
    let cell = |index: &usize| row.values().get(*index).cloned().unwrap_or(Value::Null);
    Row(columns.iter().map(cell).collect())
}

/// At the places that the rule's program looks at.
fn spread(rows: Vec<Row>, part: Option<&Projection>) -> Vec<Row> {
    match part {
        None => rows,
        Some(part) => rows.into_iter().map(|row| part.root().spread(row)).collect(),
    }
}

fn limited(query: &RowQuery, rows: usize) -> RowQuery {
    RowQuery { limit: Some(rows as u64), ..query.clone() }
}

fn after(scan: &Scan, row: &Row) -> Position {
    let value = |index: &usize| row.values().get(*index).cloned().unwrap_or(Value::Null);
    Position::After(scan.order_columns.iter().map(value).collect())
}

fn distinct(keys: impl Iterator<Item = Vec<String>>) -> Vec<Vec<String>> {
    let mut seen = HashSet::new();
    keys.filter(|key| seen.insert(key.clone())).collect()
}
