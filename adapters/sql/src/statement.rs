//! [`RowQuery`] as one `SELECT`.
//!
//! The text depends on the query's shape only: values, list lengths on PostgreSQL and the limit
//! are parameters, so that the driver's cache of prepared statements hits.

use genkan_adapter::{
    AdapterError, ColumnKind, ErrorCategory, Join, JoinKind, Order, RowQuery, Value,
};
use sea_query::{
    BinOper, Expr, ExprTrait, JoinType, MysqlQueryBuilder, NullOrdering, PostgresQueryBuilder,
    Query, SelectStatement, SqliteQueryBuilder,
};

use crate::catalog::{Catalog, ColumnType, Dialect, Storage};
use crate::equality::padded_value;
use crate::literal::{Literal, position};
use crate::predicate::{Truth, any_of, condition};
use crate::repertoire::Repertoire;
use crate::scope::{Located, Scope};

/// SQLite takes 32 766 parameters, MySQL 65 535.
const PARAMETERS_MAX: usize = 32_000;

/// A statement, its parameters, and how to read the cells of its rows.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub sql: String,
    pub values: Vec<sea_query::Value>,
    pub cells: Vec<ColumnType>,
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
    scope.enter(&query.root, false)?;
    select.from_as(query.root.table.to_string(), query.root.alias.to_string());
    for join in &query.joins {
        if !add_join(&mut scope, &mut select, join)? {
            return Ok(None);
        }
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
    let terms: Vec<(Located, bool)> = query
        .order
        .iter()
        .map(|order| Ok((scope.locate(&order.column)?, order.descending)))
        .collect::<Result<_, AdapterError>>()?;
    let after = match &query.after {
        Some(values) => after(&scope, &terms, &query.order, values)?,
        None => Truth::True,
    };
    match condition(&mut scope, &query.filter, false)?.and(after) {
        Truth::False => return Ok(None),
        Truth::True => {}
        Truth::Sql(filter) => {
            select.and_where(filter);
        }
    }
    for (located, descending) in &terms {
        add_order(dialect, &mut select, located, *descending);
    }
    select.limit(limit);
    let (sql, values) = build(dialect, &select);
    if values.len() > PARAMETERS_MAX {
        let message = format!("a statement takes at most {PARAMETERS_MAX} values; ask in parts");
        return Err(AdapterError::new(ErrorCategory::LimitExceeded, message));
    }
    Ok(Some(Plan { sql, values, cells }))
}

fn build(dialect: Dialect, select: &SelectStatement) -> (String, Vec<sea_query::Value>) {
    let (sql, values) = match dialect {
        Dialect::Sqlite => select.build(SqliteQueryBuilder),
        Dialect::Postgres => select.build(PostgresQueryBuilder),
        Dialect::Mysql => select.build(MysqlQueryBuilder),
    };
    (sql, values.0)
}

/// False if an inner join can find nothing.
fn add_join<'a>(
    scope: &mut Scope<'a>,
    select: &mut SelectStatement,
    join: &'a Join,
) -> Result<bool, AdapterError> {
    scope.enter(&join.target, join.kind == JoinKind::Maybe)?;
    let on = condition(scope, &join.on, false)?;
    let join_type = match (join.kind, &on) {
        (JoinKind::One, Truth::False) => return Ok(false),
        (JoinKind::One, _) => JoinType::InnerJoin,
        (JoinKind::Maybe, _) => JoinType::LeftJoin,
    };
    let (table, alias) = (join.target.table.to_string(), join.target.alias.to_string());
    select.join_as(join_type, table, alias, on.into_expr());
    Ok(true)
}

/// Exact digits and impossible dates travel as text.
fn selected(dialect: Dialect, located: Located) -> Expr {
    match (dialect, located.column.storage) {
        (_, Storage::Text | Storage::Padded | Storage::TextForm) => {
            located.column.wire.selected(dialect, located.column, located.expr)
        }
        (Dialect::Postgres, Storage::Exact) => located.expr.cast_as("text"),
        (Dialect::Mysql, Storage::Date | Storage::Time | Storage::DateTime | Storage::Instant) => {
            located.expr.cast_as("CHAR")
        }
        _ => located.expr,
    }
}

/// NULL first when ascending is what SQLite and MySQL do; PostgreSQL has to be told, which costs it
/// the index, so only where there can be a NULL.
fn add_order(dialect: Dialect, select: &mut SelectStatement, located: &Located, descending: bool) {
    let (order, nulls) = match descending {
        false => (sea_query::Order::Asc, NullOrdering::First),
        true => (sea_query::Order::Desc, NullOrdering::Last),
    };
    let expr = ordered(dialect, located);
    if dialect == Dialect::Postgres && located.column.nullable {
        select.order_by_expr_with_nulls(expr, order, nulls);
    } else {
        select.order_by_expr(expr, order);
    }
}

/// Padded text of a SQLite file may lack its blanks in some rows. In a unique key that makes no
/// difference to the order, and the bare column keeps its index.
fn ordered(dialect: Dialect, located: &Located) -> Expr {
    if dialect == Dialect::Sqlite && located.column.storage == Storage::Padded {
        return match located.column.key {
            true => located.expr.clone(),
            false => located.delivered(dialect),
        };
    }
    located.comparable(dialect)
}

/// One term of the order with the cursor's value for it.
struct Mark<'a> {
    located: &'a Located,
    descending: bool,
    /// `None`: the cursor stands on a NULL.
    literal: Option<Literal>,
}

/// Strictly after the cursor, in the order of the query: the database's own order, also where its
/// collation holds different texts for equal.
fn after(
    scope: &Scope<'_>,
    terms: &[(Located, bool)],
    order: &[Order],
    values: &[Value],
) -> Result<Truth, AdapterError> {
    if terms.len() != values.len() {
        let message = "the cursor has more or fewer values than the order has terms";
        return Err(AdapterError::new(ErrorCategory::Mismatch, message));
    }
    let mut marks = Vec::with_capacity(terms.len());
    for (((located, descending), value), order) in terms.iter().zip(values).zip(order) {
        let literal = position(scope, located.column, value);
        if literal.is_none() && !value.is_null() {
            let message = format!("the cursor does not fit column {}", order.column.column);
            return Err(AdapterError::new(ErrorCategory::Mismatch, message));
        }
        marks.push(Mark { located, descending: *descending, literal });
    }
    if let Some(rows) = row_after(scope.dialect, &marks) {
        return Ok(Truth::Sql(rows));
    }
    let mut alternatives = Vec::with_capacity(marks.len());
    let mut equal = Truth::True;
    for mark in &marks {
        match equal.clone().and(mark.beyond(scope.dialect)) {
            Truth::True => return Ok(Truth::True),
            Truth::False => {}
            Truth::Sql(expr) => alternatives.push(expr),
        }
        equal = equal.and(mark.same(scope.dialect));
    }
    Ok(any_of(alternatives).map_or(Truth::False, Truth::Sql))
}

/// `(a, b) > (1, 2)`, which walks an index of both columns; MySQL would not use one for it.
fn row_after(dialect: Dialect, marks: &[Mark<'_>]) -> Option<Expr> {
    let descending = marks.first()?.descending;
    let plain = |mark: &Mark<'_>| {
        mark.descending == descending
            && !mark.located.column.nullable
            && (dialect == Dialect::Postgres
                || !matches!(mark.located.column.storage, Storage::Padded | Storage::DecimalText))
    };
    if dialect == Dialect::Mysql || marks.len() < 2 || !marks.iter().all(plain) {
        return None;
    }
    let columns = marks.iter().map(|mark| mark.located.comparable(dialect));
    let values: Vec<Expr> =
        marks.iter().map(|mark| mark.literal.clone().map(Literal::expr)).collect::<Option<_>>()?;
    let operator = if descending { BinOper::SmallerThan } else { BinOper::GreaterThan };
    Some(Expr::tuple(columns).binary(operator, Expr::tuple(values)))
}

impl Mark<'_> {
    fn beyond(&self, dialect: Dialect) -> Truth {
        let column = ordered(dialect, self.located);
        let nullable = self.located.column.nullable;
        match (&self.literal, self.descending) {
            (None, true) => Truth::False,
            (None, false) if nullable => Truth::Sql(column.is_not_null()),
            (None, false) => Truth::True,
            (Some(literal), false) => {
                let bound = match self.bare_padded(dialect) {
                    Some(length) => Expr::Value(padded_value(&literal.value, length)),
                    None => literal.clone().expr(),
                };
                Truth::Sql(column.gt(bound))
            }
            (Some(literal), true) => {
                let less = column.clone().lt(literal.clone().expr());
                Truth::Sql(if nullable { less.or(column.is_null()) } else { less })
            }
        }
    }

    fn same(&self, dialect: Dialect) -> Truth {
        let column = ordered(dialect, self.located);
        match &self.literal {
            None if self.located.column.nullable => Truth::Sql(column.is_null()),
            None => Truth::False,
            Some(literal) => Truth::Sql(match self.bare_padded(dialect) {
                Some(length) => column.is_in([
                    Expr::Value(literal.value.clone()),
                    Expr::Value(padded_value(&literal.value, length)),
                ]),
                None => column.eq(literal.clone().expr()),
            }),
        }
    }

    /// The length, where the bare column is ordered though it may hold blanks at its end.
    fn bare_padded(&self, dialect: Dialect) -> Option<u32> {
        match self.located.column.kind {
            ColumnKind::PaddedText { length }
                if dialect == Dialect::Sqlite && self.located.column.key =>
            {
                Some(length)
            }
            _ => None,
        }
    }
}
