//! [`RowQuery`] as one `SELECT`.
//!
//! The text depends on the query's shape only: values, list lengths on PostgreSQL and the limit
//! are parameters, so that the driver's cache of prepared statements hits.

use genkan_adapter::{AdapterError, ColumnKind, ErrorCategory, Limit, Name, RowQuery};
use sea_query::{
    Expr, ExprTrait, MysqlQueryBuilder, PostgresQueryBuilder, Query, SelectStatement,
    SqliteQueryBuilder,
};

use crate::catalog::{Catalog, ColumnType, Dialect, Storage};
use crate::estimate;
use crate::from;
use crate::introspect;
use crate::joined;
use crate::order;
use crate::predicate::{Truth, condition};
use crate::repertoire::Repertoire;
use crate::scope::{Located, Scope};
use crate::ties::Ties;

/// SQLite takes 32 766 parameters, MySQL 65 535.
const PARAMETERS_MAX: usize = 32_000;

/// A statement, its parameters, and how to read the cells of its rows.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub sql: String,
    pub values: Vec<sea_query::Value>,
    pub cells: Cells,
    pub ties: Ties,
    /// What it was made for.
    pub tables: Vec<Name>,
}

/// Where the cells of a row stand in what the database answers.
#[derive(Debug, Clone)]
pub(crate) enum Cells {
    /// The first ones, as selected.
    InOrder(Vec<ColumnType>),
    /// Under these names, for answers whose columns differ between products.
    Named(Vec<&'static str>),
}

impl Cells {
    pub fn len(&self) -> usize {
        match self {
            Cells::InOrder(cells) => cells.len(),
            Cells::Named(cells) => cells.len(),
        }
    }
}

/// What a statement asks of the rows that match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// So many of them: the query's own limit, or one more than the source may deliver.
    Rows(u64),
    /// How many there are.
    Count,
    /// The database's plan for reading them all; see [`crate::estimate`].
    Expectation,
}

impl Wanted {
    /// Rows of the answer, at most.
    pub fn limit(self) -> u64 {
        match self {
            Wanted::Rows(limit) => limit,
            Wanted::Count => 1,
            Wanted::Expectation => u64::MAX,
        }
    }
}

/// `None` if no row can answer, whatever the source holds.
pub(crate) fn plan(
    dialect: Dialect,
    catalog: &Catalog,
    repertoire: &Repertoire,
    query: &RowQuery,
    wanted: Wanted,
) -> Result<Option<Plan>, AdapterError> {
    let mut scope = Scope::new(dialect, repertoire, catalog);
    let mut select = Query::select();
    if !from::add(&mut scope, &mut select, &query.root, &query.joins)? {
        return Ok(None);
    }
    let Wanted::Rows(limit) = wanted else {
        return aggregate(scope, select, query, wanted);
    };
    let mut cells = Vec::with_capacity(query.columns.len());
    for name in &query.columns {
        let located = scope.locate(name)?;
        cells.push(located.column);
        select.expr(selected(dialect, located));
    }
    if query.columns.is_empty() {
        select.expr(Expr::cust("1"));
    }
    let terms = order::terms(&scope, catalog, query)?;
    let after = match &query.after {
        Some(values) => order::after(&scope, &terms, &query.order, values)?
            .and(joined::bounds(&scope, query, values)?),
        None => Truth::True,
    };
    let filter = condition(&mut scope, &query.filter, false)?.and(after);
    if !restrict(&mut select, filter) {
        return Ok(None);
    }
    for term in &terms {
        order::add(dialect, &mut select, term);
    }
    let ties = Ties::select(dialect, catalog, query, &terms, &mut select);
    select.limit(limit);
    let (sql, values) = build(dialect, &select)?;
    Ok(Some(Plan { sql, values, cells: Cells::InOrder(cells), ties, tables: scope.tables() }))
}

/// One row about all that match.
fn aggregate<'a>(
    mut scope: Scope<'a>,
    mut select: SelectStatement,
    query: &'a RowQuery,
    wanted: Wanted,
) -> Result<Option<Plan>, AdapterError> {
    let dialect = scope.dialect;
    let filter = condition(&mut scope, &query.filter, false)?;
    if !restrict(&mut select, filter) {
        return Ok(None);
    }
    let (cells, prefix) = match wanted {
        Wanted::Expectation => {
            select.expr(Expr::cust("1"));
            (estimate::cells(dialect), estimate::prefix(dialect))
        }
        Wanted::Count | Wanted::Rows(_) => {
            select.expr(Expr::cust("COUNT(*)"));
            let count = introspect::column(ColumnKind::Integer, Storage::Integer, false);
            (Cells::InOrder(vec![count]), "")
        }
    };
    let (sql, values) = build(dialect, &select)?;
    let sql = format!("{prefix}{sql}");
    Ok(Some(Plan { sql, values, cells, ties: Ties::default(), tables: scope.tables() }))
}

/// False if no row can hold.
fn restrict(select: &mut SelectStatement, filter: Truth) -> bool {
    match filter {
        Truth::False => return false,
        Truth::True => {}
        Truth::Sql(filter) => {
            select.and_where(filter);
        }
    }
    true
}

fn build(
    dialect: Dialect,
    select: &SelectStatement,
) -> Result<(String, Vec<sea_query::Value>), AdapterError> {
    let (sql, values) = match dialect {
        Dialect::Sqlite => select.build(SqliteQueryBuilder),
        Dialect::Postgres => select.build(PostgresQueryBuilder),
        Dialect::Mysql => select.build(MysqlQueryBuilder),
    };
    if values.0.len() > PARAMETERS_MAX {
        let message = format!("a statement takes at most {PARAMETERS_MAX} values; ask in parts");
        let error = AdapterError::new(ErrorCategory::LimitExceeded, message);
        return Err(error.with_limit(Limit::Question));
    }
    Ok((sql, values.0))
}

/// Exact digits and impossible dates travel as text.
fn selected(dialect: Dialect, located: Located) -> Expr {
    match (dialect, located.column.storage) {
        (_, Storage::Text | Storage::Enumerated | Storage::Padded | Storage::TextForm) => {
            located.column.wire.selected(dialect, located.column, located.expr)
        }
        (_, Storage::Loose) => located.expr.cast_as("TEXT"),
        (Dialect::Postgres, Storage::Exact) => located.expr.cast_as("text"),
        (Dialect::Mysql, Storage::Date | Storage::Time | Storage::DateTime | Storage::Instant) => {
            located.expr.cast_as("CHAR")
        }
        _ => located.expr,
    }
}
