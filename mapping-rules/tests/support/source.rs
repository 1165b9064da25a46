//! A source in memory behind the plan of a search, and everything that it holds as resources.

use chrono::NaiveDateTime;
use futures::TryStreamExt;
use futures::executor::block_on;
use genkan_adapter::memory::{MemoryAdapter, SourceRow};
use genkan_adapter::{Adapter, Row, RowQuery, Value};
use genkan_fhir::definitions::Definitions;
use genkan_fhir::search::{SearchProblem, SearchRequest, parse};
use genkan_mapping::emit::{Emitter, Record};
use genkan_mapping::identity::Identity;
use genkan_mapping::plan::{self, PlanLimits, PlanProblem, SearchPlan};
use genkan_mapping::program::RuleSet;
use serde_json::Value as Json;

use super::rule_set::SCHEMA;
use super::site::{identity, row, rules};

pub const LIMITS: PlanLimits = PlanLimits {
    page_size_default: 100,
    page_size_max: 1000,
    include_rows_max: 1000,
    include_depth_max: 4,
};

/// The time at which the tests ask.
pub fn now() -> NaiveDateTime {
    "2026-04-01T12:00:00".parse().expect("a time")
}

pub struct Source {
    pub rules: RuleSet,
    pub identity: Identity,
    adapter: MemoryAdapter,
}

/// `PT ID=1 SEX=2`: a row; `_` in a value is a blank, and cells are written as for `row`.
pub fn source_row(text: &str) -> SourceRow {
    let mut words = text.split(' ');
    let table = words.next().unwrap_or_default().to_owned();
    let cell = |word: &str| {
        let (column, value) = word.split_once('=').expect("COLUMN=value");
        let cells = row(&[&value.replace('_', " ")]);
        (column.to_owned(), cells.values()[0].clone())
    };
    (table, words.map(cell).collect())
}

impl Source {
    pub fn new(files: &[(&str, &str)], rows: &[SourceRow]) -> Self {
        Self::of(rules(files), rows)
    }

    pub fn of(rules: RuleSet, rows: &[SourceRow]) -> Self {
        let schema = genkan_mapping::schema::parse(SCHEMA).expect("the schema of the tests");
        let adapter = MemoryAdapter::new(schema, rows).expect("rows of the schema");
        Source { rules, identity: identity(), adapter }
    }

    pub fn rows(&self, query: &RowQuery) -> Vec<Row> {
        block_on(self.adapter.rows(query).try_collect()).expect("an answer")
    }

    /// The search that a query asks for.
    pub fn asked(&self, query: &str) -> Result<SearchRequest, Vec<SearchProblem>> {
        let (resource, query) = query.split_once('?').unwrap_or((query, ""));
        let pairs: Vec<(String, String)> = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        parse(Definitions::r4(), resource, &pairs, self.rules.site.zone)
    }

    pub fn planned(&self, request: &SearchRequest) -> Result<SearchPlan, PlanProblem> {
        plan::search(&self.rules, &self.identity, request, &LIMITS, now())
    }

    pub fn plan(&self, query: &str) -> Result<SearchPlan, PlanProblem> {
        let request = self.asked(query).unwrap_or_else(|problems| panic!("{query}: {problems:?}"));
        self.planned(&request)
    }

    /// The ids that a search finds, sorted.
    pub fn ids(&self, query: &str) -> Result<Vec<String>, PlanProblem> {
        let plan = self.plan(query)?;
        let found = plan.scans.iter().flat_map(|scan| {
            let rule = &self.rules.rules[scan.rule];
            let emitter = Emitter::new(&self.rules, &self.identity);
            let rows = self.rows(&scan.query);
            rows.iter().map(|row| emitter.id(rule, row).expect("an id")).collect::<Vec<_>>()
        });
        let mut ids: Vec<String> = found.collect();
        ids.sort();
        Ok(ids)
    }

    /// Every resource of a type with its id.
    pub fn resources(&self, resource: &str) -> Vec<(String, Json)> {
        let plan = self.plan(resource).expect("a plan");
        let emitter = Emitter::new(&self.rules, &self.identity);
        let mut found = Vec::new();
        for scan in &plan.scans {
            let rule = &self.rules.rules[scan.rule];
            for row in self.rows(&scan.query) {
                let children = rule.children.iter().map(|child| {
                    let query = plan::child_query(child, None, &[&row]);
                    query.map_or_else(Vec::new, |query| self.rows(&query))
                });
                let children = children.collect();
                let record = Record { row, children, contained: Vec::new() };
                let emitted = emitter.emit(rule, &record);
                if let Some(json) = emitted.json {
                    found.push((emitted.id, serde_json::from_slice(&json).expect("JSON")));
                }
            }
        }
        found
    }
}

/// `-` and the empty text included, as `row` reads them.
pub fn cell(text: &str) -> Value {
    row(&[text]).values()[0].clone()
}
