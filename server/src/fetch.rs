//! The fetch room: the only place of the read path that touches the hospital's source.
//!
//! A plan goes in, records come out. Every call of the adapter is one statement, and they are
//! counted: one for each scan that the page needs, one for each child, each include and each
//! `$contained` that is not made of the very row.

pub mod sample;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use futures::TryStreamExt;
use futures::future::BoxFuture;
use genkan_adapter::{Order, Row, RowQuery, Value};
use genkan_mapping::emit::{Record, reference_key};
use genkan_mapping::evaluate::{self, Frame};
use genkan_mapping::plan::{
    Cursor, Include, Position, ReadPlan, Scan, SearchPlan, child_query, key_texts, link_key,
    referrers_query, target_query,
};
use genkan_mapping::program::{Child, Contained, ReferenceTo, Rule, RuleSet};

use crate::sources::{Source, SourceError, Sources};

/// Contained resources of contained resources, and no deeper.
const CONTAINED_DEPTH_MAX: usize = 4;

/// One page, as fetched.
#[derive(Debug)]
pub struct Page {
    /// Index of the rule, and the record.
    pub matches: Vec<(usize, Record)>,
    pub includes: Vec<(usize, Record)>,
    /// Where the next page starts; `None` on the last page.
    pub next: Option<Cursor>,
}

#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("an include of this page brings more than {rows_max} rows")]
    TooManyIncluded { rows_max: usize },
}

/// What the keys of a rule's rows are like, as far as they were read.
#[derive(Debug, Default)]
pub struct Keys {
    pub rows: u64,
    /// Rows whose key the row before them has as well.
    pub repeated: u64,
    /// No row was left unread.
    pub all: bool,
}

/// Reads at most so many keys of a rule's rows, as a search would find them, in the order of the key:
/// equal ones are neighbours.
pub async fn keys(source: &Source, rule: &Rule, rows_max: u64) -> Fetched<Keys> {
    let columns: Vec<_> = rule.key.iter().map(|column| column.column.clone()).collect();
    let order = columns.iter().map(|column| Order { column: column.clone(), descending: false });
    let query = RowQuery {
        root: rule.root.root.clone(),
        joins: rule.root.joins.clone(),
        filter: rule.filter.clone(),
        order: order.collect(),
        columns,
        after: None,
        limit: Some(rows_max),
    };
    let mut keys = Keys::default();
    let mut before: Option<Row> = None;
    let mut rows = source.adapter().rows(&query);
    while let Some(row) = rows.try_next().await.map_err(|error| source.failed(error))? {
        keys.rows += 1;
        keys.repeated += u64::from(before.as_ref() == Some(&row));
        before = Some(row);
    }
    keys.all = keys.rows < rows_max;
    Ok(keys)
}

type Fetched<T> = Result<T, FetchError>;

/// Fetches for one request.
pub struct Fetch<'a> {
    sources: &'a Sources,
    rules: &'a RuleSet,
    statements: usize,
}

impl<'a> Fetch<'a> {
    pub fn new(sources: &'a Sources, rules: &'a RuleSet) -> Self {
        Fetch { sources, rules, statements: 0 }
    }

    /// Statements sent so far.
    pub fn statements(&self) -> usize {
        self.statements
    }

    /// The record of a read: none if the row is not there, two if the key is not unique.
    pub async fn of_key(&mut self, plan: &ReadPlan) -> Fetched<Vec<Record>> {
        let rows = self.rows(plan.rule, &limited(&plan.query, 2)).await?;
        self.records(plan.rule, rows, 0).await
    }

    /// Records of a rule by their keys, in no particular order.
    pub async fn by_keys(&mut self, rule: usize, keys: &[Vec<String>]) -> Fetched<Vec<Record>> {
        match target_query(self.rules, rule, keys) {
            Some(query) => {
                let rows = self.rows(rule, &query).await?;
                self.records(rule, rows, 0).await
            }
            None => Ok(Vec::new()),
        }
    }

    /// One page of a search with its includes.
    pub async fn page(&mut self, plan: &SearchPlan) -> Fetched<Page> {
        if plan.count == 0 {
            return Ok(Page { matches: Vec::new(), includes: Vec::new(), next: None });
        }
        let (rows, next) = match plan.sorted && plan.scans.len() > 1 {
            true => self.merged(plan).await?,
            false => self.in_turn(plan).await?,
        };
        let matches = self.complete(rows).await?;
        let includes = self.includes(plan, &matches).await?;
        Ok(Page { matches, includes, next })
    }

    /// One statement, to the source of the rule.
    async fn rows(&mut self, rule: usize, query: &RowQuery) -> Fetched<Vec<Row>> {
        self.statements += 1;
        let source = self.sources.at(self.rules.rules[rule].source);
        let rows = source.adapter().rows(query).try_collect().await;
        Ok(rows.map_err(|error| source.failed(error))?)
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
            let mut rows = self.rows(scan.rule, &limited(&scan.query, room + 1)).await?;
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
    async fn complete(&mut self, rows: Vec<(usize, Row)>) -> Fetched<Vec<(usize, Record)>> {
        let order: Vec<usize> = rows.iter().map(|(rule, _)| *rule).collect();
        let mut by_rule: BTreeMap<usize, Vec<Row>> = BTreeMap::new();
        for (rule, row) in rows {
            by_rule.entry(rule).or_default().push(row);
        }
        let mut records = BTreeMap::new();
        for (rule, rows) in by_rule {
            records.insert(rule, self.records(rule, rows, 0).await?.into_iter());
        }
        let next = |rule: usize| {
            records.get_mut(&rule).and_then(Iterator::next).map(|record| (rule, record))
        };
        Ok(order.into_iter().filter_map(next).collect())
    }

    /// Adds children and contained records to the rows of one rule.
    fn records(
        &mut self,
        rule: usize,
        rows: Vec<Row>,
        depth: usize,
    ) -> BoxFuture<'_, Fetched<Vec<Record>>> {
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
            for child in &compiled.children {
                self.child(rule, child, &mut records).await?;
            }
            for contained in &compiled.contained {
                self.contained(contained, &mut records, depth).await?;
            }
            Ok(records)
        })
    }

    async fn child(&mut self, rule: usize, child: &Child, records: &mut [Record]) -> Fetched<()> {
        let parents: Vec<&Row> = records.iter().map(|record| &record.row).collect();
        let rows = match child_query(child, &parents) {
            Some(query) => self.rows(rule, &query).await?,
            None => Vec::new(),
        };
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
            let targets = self.records(reference.rule, rows, depth + 1).await?;
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
            for record in self.records(reference.rule, rows, depth + 1).await? {
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

    async fn includes(
        &mut self,
        plan: &SearchPlan,
        matches: &[(usize, Record)],
    ) -> Fetched<Vec<(usize, Record)>> {
        let rules = self.rules;
        let key_of = |(rule, record): &(usize, Record)| {
            key_texts(rules, &rules.rules[*rule], &record.row).map(|key| (*rule, key))
        };
        let mut seen: HashSet<(usize, Vec<String>)> = matches.iter().filter_map(key_of).collect();
        let mut included = Vec::new();
        for include in &plan.includes {
            let Some((rule, query)) = self.include_query(plan, include, matches, &seen) else {
                continue;
            };
            let rows = self.rows(rule, &query).await?;
            if rows.len() > plan.include_rows_max {
                return Err(FetchError::TooManyIncluded { rows_max: plan.include_rows_max });
            }
            let records = self.records(rule, rows, 0).await?.into_iter();
            // Two rows of one key inside one include are two: the emit room says so.
            let fresh =
                |entry: &(usize, Record)| key_of(entry).is_some_and(|key| !seen.contains(&key));
            let brought: Vec<_> = records.map(|record| (rule, record)).filter(fresh).collect();
            seen.extend(brought.iter().filter_map(key_of));
            included.extend(brought);
        }
        Ok(included)
    }

    fn include_query(
        &self,
        plan: &SearchPlan,
        include: &Include,
        matches: &[(usize, Record)],
        seen: &HashSet<(usize, Vec<String>)>,
    ) -> Option<(usize, RowQuery)> {
        let rules = self.rules;
        let limit = plan.include_rows_max as u64 + 1;
        match include {
            Include::Forward { source, reference, each } => {
                let records =
                    matches.iter().filter(|(rule, _)| rule == source).map(|(_, record)| record);
                let keys = records.flat_map(|record| referred(rules, reference, *each, record));
                let target = reference.rule;
                let fresh = keys.filter(|key| !seen.contains(&(target, key.clone())));
                let mut query = target_query(rules, target, &distinct(fresh))?;
                query.limit = Some(limit);
                Some((target, query))
            }
            Include::Reverse { source, reference } => {
                let targets = matches.iter().filter(|(rule, _)| *rule == reference.rule);
                let rule = &rules.rules[reference.rule];
                let keys =
                    distinct(targets.filter_map(|(_, record)| key_texts(rules, rule, &record.row)));
                if keys.is_empty() {
                    return None;
                }
                let query = referrers_query(rules, *source, reference, &keys, limit)?;
                Some((*source, query))
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum SortValue {
    Ascending(Option<String>),
    Descending(std::cmp::Reverse<Option<String>>),
}

fn referred(
    rules: &RuleSet,
    reference: &ReferenceTo,
    each: Option<usize>,
    record: &Record,
) -> Vec<Vec<String>> {
    match each {
        None => reference_key(rules, reference, &record.row, None).into_iter().collect(),
        Some(child) => record
            .children
            .get(child)
            .into_iter()
            .flatten()
            .filter_map(|row| reference_key(rules, reference, &record.row, Some((child, row))))
            .collect(),
    }
}

fn projected(row: &Row, columns: &[usize]) -> Row {
    let cell = |index: &usize| row.values().get(*index).cloned().unwrap_or(Value::Null);
    Row(columns.iter().map(cell).collect())
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
