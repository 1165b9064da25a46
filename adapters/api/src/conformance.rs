//! Tests that any adapter has to pass.
//!
//! Put [`fixture`] into an empty source, then let [`check`] ask its questions. What each question
//! must be answered with is written out here, not computed. A source that can hold bytes which are no
//! text is asked about [`unreadable_fixture`] as well.

mod cases;
mod fixture;
mod joins;
mod patients;
mod results;
mod unreadable;

use futures::{StreamExt, TryStreamExt};

use crate::memory::SourceRow;
use crate::{
    Adapter, AdapterError, ChangeRequest, ColumnRef, ErrorCategory, Predicate, Row, RowQuery,
    SourceSchema, Value,
};

pub use cases::cases;
pub use fixture::fixture;
pub use unreadable::{check_unreadable, unreadable_fixture};

/// The rows that the questions are about. Decimals have two places, so that columns with a fixed
/// scale can hold them.
#[derive(Debug, Clone)]
pub struct Fixture {
    pub schema: SourceSchema,
    pub rows: Vec<SourceRow>,
}

/// One question and its answer. Without an order in the query, the rows may come in any.
#[derive(Debug, Clone)]
pub struct Case {
    pub name: &'static str,
    pub query: RowQuery,
    pub expected: Vec<Row>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseResult {
    pub name: String,
    /// What was wrong.
    pub failure: Option<String>,
}

/// Asks everything; never stops at a failure.
pub async fn check(adapter: &dyn Adapter) -> Vec<CaseResult> {
    let mut results = Vec::new();
    for case in cases() {
        let failure = match answer(adapter, &case.query).await {
            Ok(rows) => difference(&case, rows),
            Err(error) => Some(format!("{:?}: {error}", error.category)),
        };
        results.push(CaseResult { name: case.name.to_owned(), failure });
    }
    results.push(result("the schema is the fixture's", schema(adapter).await));
    results.push(result("a missing table is a mismatch", missing_table(adapter).await));
    results.push(result("a missing column is a mismatch", missing_column(adapter).await));
    results.push(result("paging by cursor meets every row once", paging(adapter).await));
    results.push(result("every match is counted, whatever the page", counting(adapter).await));
    results
        .push(result("what no row can match is estimated as nothing", estimating(adapter).await));
    results.push(result("a dropped stream frees its place", dropped(adapter).await));
    results.push(result("changes come in order, page by page", changes(adapter).await));
    results.push(result("the source is read only", health(adapter).await));
    results
}

fn result(name: &str, outcome: Result<(), String>) -> CaseResult {
    CaseResult { name: name.to_owned(), failure: outcome.err() }
}

async fn answer(adapter: &dyn Adapter, query: &RowQuery) -> Result<Vec<Row>, AdapterError> {
    adapter.rows(query).try_collect().await
}

fn difference(case: &Case, mut rows: Vec<Row>) -> Option<String> {
    let mut expected = case.expected.clone();
    if case.query.order.is_empty() {
        rows.sort_by_key(|row| format!("{row:?}"));
        expected.sort_by_key(|row| format!("{row:?}"));
    }
    (rows != expected).then(|| format!("expected {expected:?}, got {rows:?}"))
}

async fn schema(adapter: &dyn Adapter) -> Result<(), String> {
    let found = adapter.schema().await.map_err(|error| error.to_string())?;
    for (name, table) in &fixture().schema.tables {
        let known = found.table(name).ok_or(format!("no table {name}"))?;
        if known.columns != table.columns {
            return Err(format!("{name}: {:?}, not {:?}", known.columns, table.columns));
        }
        if known.primary_key != table.primary_key {
            return Err(format!("{name}: key {:?}", known.primary_key));
        }
    }
    Ok(())
}

async fn expect_mismatch(adapter: &dyn Adapter, query: RowQuery) -> Result<(), String> {
    match answer(adapter, &query).await {
        Err(error) if error.category == ErrorCategory::Mismatch => Ok(()),
        Err(error) => Err(format!("{:?}: {error}", error.category)),
        Ok(_) => Err("no error".to_owned()),
    }
}

async fn missing_table(adapter: &dyn Adapter) -> Result<(), String> {
    let mut query = cases::all_patients();
    query.root.table = "no_such_table".into();
    expect_mismatch(adapter, query).await
}

async fn missing_column(adapter: &dyn Adapter) -> Result<(), String> {
    let mut query = cases::all_patients();
    query.columns.push(ColumnRef::new("p", "no_such_column"));
    expect_mismatch(adapter, query).await
}

/// Pages of two in each order that pages are made in: with ties, with NULL, both directions.
async fn paging(adapter: &dyn Adapter) -> Result<(), String> {
    for query in cases::paged() {
        pages(adapter, query).await?;
    }
    Ok(())
}

async fn pages(adapter: &dyn Adapter, mut query: RowQuery) -> Result<(), String> {
    let width = query.order.len();
    let whole = answer(adapter, &query).await.map_err(|error| error.to_string())?;
    let mut pages: Vec<Row> = Vec::new();
    query.limit = Some(2);
    loop {
        let page = answer(adapter, &query).await.map_err(|error| error.to_string())?;
        let Some(last) = page.last() else { break };
        // The queries select the terms of their order first.
        query.after = last.values().get(..width).map(<[Value]>::to_vec);
        pages.extend(page);
        if pages.len() > whole.len() {
            return Err(format!("{:?}: rows repeat", query.order));
        }
    }
    if pages != whole {
        return Err(format!("{:?}: pages {pages:?}, whole {whole:?}", query.order));
    }
    Ok(())
}

/// Of each case: all that its filter finds, though its query asks for a page of it.
async fn counting(adapter: &dyn Adapter) -> Result<(), String> {
    for Case { name, query, .. } in cases() {
        let whole = RowQuery { after: None, limit: None, ..query.clone() };
        let rows = answer(adapter, &whole).await.map_err(|error| error.to_string())?.len() as u64;
        let count = adapter.count(&query).await.map_err(|error| format!("{name}: {error}"))?;
        if count != rows {
            return Err(format!("{name}: {count}, not {rows}"));
        }
    }
    let mut query = cases::all_patients();
    query.root.table = "no_such_table".into();
    match adapter.count(&query).await {
        Err(error) if error.category == ErrorCategory::Mismatch => Ok(()),
        other => Err(format!("a missing table: {other:?}")),
    }
}

/// How far an estimate is off is the planner's business; that it answers every query is not.
async fn estimating(adapter: &dyn Adapter) -> Result<(), String> {
    for Case { name, query, .. } in cases() {
        adapter.estimate(&query).await.map_err(|error| format!("{name}: {error}"))?;
    }
    let nothing = RowQuery { filter: Predicate::FALSE, ..cases::all_patients() };
    match adapter.estimate(&nothing).await {
        Ok(None | Some(0)) => Ok(()),
        other => Err(format!("of no row: {other:?}")),
    }
}

async fn dropped(adapter: &dyn Adapter) -> Result<(), String> {
    let query = cases::all_patients();
    for _ in 0..20 {
        let mut rows = adapter.rows(&query);
        match rows.next().await {
            Some(Ok(_)) => {}
            other => return Err(format!("{other:?}")),
        }
    }
    Ok(())
}

async fn changes(adapter: &dyn Adapter) -> Result<(), String> {
    let mut request = ChangeRequest {
        table: "result".into(),
        key: vec!["id".into()],
        updated: "upd".into(),
        after: None,
        limit: 2,
    };
    let mut keys = Vec::new();
    for _ in 0..10 {
        let page = adapter.changes(&request).await.map_err(|error| error.to_string())?;
        if page.keys.is_empty() {
            return match (page.next == request.after, keys == cases::change_order()) {
                (true, true) => Ok(()),
                (false, _) => Err("the cursor moved without news".to_owned()),
                (_, false) => Err(format!("keys {keys:?}")),
            };
        }
        keys.extend(page.keys);
        request.after = page.next;
    }
    Err("no end".to_owned())
}

async fn health(adapter: &dyn Adapter) -> Result<(), String> {
    let health = adapter.health().await.map_err(|error| error.to_string())?;
    if health.read_only { Ok(()) } else { Err(format!("{health:?}")) }
}
