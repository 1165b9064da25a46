//! [`RowQuery`] as one `SELECT`.
//!
//! The text depends on the query's shape only: values, list lengths on PostgreSQL and the limit
//! are parameters, so that the driver's cache of prepared statements hits.

use genkan_adapter::{AdapterError, ErrorCategory, RowQuery};
use sea_query::{
    Expr, ExprTrait, MysqlQueryBuilder, PostgresQueryBuilder, Query, SelectStatement,
    SqliteQueryBuilder,
};

use crate::catalog::{Catalog, ColumnType, Dialect, Storage};
use crate::from;
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
    pub cells: Vec<ColumnType>,
    pub ties: Ties,
}

/// `None` if no row can answer, whatever the source holds. `limit` is the query's own, or one more
/// than the source may deliver.
pub(crate) fn plan(
    dialect: Dialect,
    catalog: &Catalog,
    repertoire: &Repertoire,
    query: &RowQuery,
    limit: u64,
) -> Result<Option<Plan>, AdapterError> {
    let mut scope = Scope::new(dialect, repertoire, catalog);
    let mut select = Query::select();
    if !from::add(&mut scope, &mut select, &query.root, &query.joins)? {
        return Ok(None);
    }
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
    match condition(&mut scope, &query.filter, false)?.and(after) {
        Truth::False => return Ok(None),
        Truth::True => {}
        Truth::Sql(filter) => {
            select.and_where(filter);
        }
    }
    for term in &terms {
        order::add(dialect, &mut select, term);
    }
    let ties = Ties::select(dialect, catalog, query, &terms, &mut select);
    select.limit(limit);
    let (sql, values) = build(dialect, &select);
    if values.len() > PARAMETERS_MAX {
        let message = format!("a statement takes at most {PARAMETERS_MAX} values; ask in parts");
        return Err(AdapterError::new(ErrorCategory::LimitExceeded, message));
    }
    Ok(Some(Plan { sql, values, cells, ties }))
}

fn build(dialect: Dialect, select: &SelectStatement) -> (String, Vec<sea_query::Value>) {
    let (sql, values) = match dialect {
        Dialect::Sqlite => select.build(SqliteQueryBuilder),
        Dialect::Postgres => select.build(PostgresQueryBuilder),
        Dialect::Mysql => select.build(MysqlQueryBuilder),
    };
    (sql, values.0)
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
