//! `FROM`: a table with its joins, of a statement and of what exists inside one.

use genkan_adapter::{AdapterError, Join, JoinKind, Predicate, TableAlias};
use sea_query::{Expr, JoinType, Query, SelectStatement};

use crate::predicate::{Truth, condition};
use crate::scope::Scope;

/// Adds them to a statement, and their aliases to the scope. False if an inner join can find nothing.
pub(crate) fn add<'a>(
    scope: &mut Scope<'a>,
    select: &mut SelectStatement,
    root: &'a TableAlias,
    joins: &'a [Join],
) -> Result<bool, AdapterError> {
    scope.enter(root, false)?;
    select.from_as(root.table.to_string(), root.alias.to_string());
    for join in joins {
        scope.enter(&join.target, join.kind == JoinKind::Maybe)?;
        let on = condition(scope, &join.on, false)?;
        let join_type = match (join.kind, &on) {
            (JoinKind::One, Truth::False) => return Ok(false),
            (JoinKind::One, _) => JoinType::InnerJoin,
            (JoinKind::Maybe, _) => JoinType::LeftJoin,
        };
        let (table, alias) = (join.target.table.to_string(), join.target.alias.to_string());
        select.join_as(join_type, table, alias, on.into_expr());
    }
    Ok(true)
}

/// The rows of which one is to exist; `None` if none can, whatever the source holds.
pub(crate) fn existing<'a>(
    scope: &mut Scope<'a>,
    root: &'a TableAlias,
    joins: &'a [Join],
    filter: &'a Predicate,
) -> Result<Option<SelectStatement>, AdapterError> {
    let around = scope.depth();
    let mut select = Query::select();
    select.expr(Expr::cust("1"));
    let found = match add(scope, &mut select, root, joins)? {
        true => condition(scope, filter, false)?,
        false => Truth::False,
    };
    scope.leave_to(around);
    Ok(match found {
        Truth::False => None,
        Truth::True => Some(select),
        Truth::Sql(filter) => {
            select.and_where(filter);
            Some(select)
        }
    })
}
