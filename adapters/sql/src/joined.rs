//! A page goes on behind a place in the order. PostgreSQL does not conclude that a table which is
//! joined to the first column of the order begins there too: where it reads that table first, it would
//! read it from its beginning for each page, and the last page costs a hundred times the first.
//!
//! Nor does it conclude that such a bound leaves out nothing more: it multiplies the shares of all
//! bounds, takes the rest of a long list for fewer rows than a page, and sorts that rest for each page.
//! Of a value that comes from a subquery it assumes a third, wherever the page begins.

use genkan_adapter::{
    AdapterError, ColumnRef, Comparison, JoinKind, Operand, Predicate, RowQuery, Value,
};
use sea_query::{BinOper, Expr, ExprTrait, Query};

use crate::catalog::{ColumnType, Dialect};
use crate::literal::position;
use crate::predicate::Truth;
use crate::scope::Scope;

/// The cursor's first value as a bound of the columns that equal the first of the order.
pub(crate) fn bounds(
    scope: &Scope<'_>,
    query: &RowQuery,
    cursor: &[Value],
) -> Result<Truth, AdapterError> {
    let (Some(first), Some(value)) = (query.order.first(), cursor.first()) else {
        return Ok(Truth::True);
    };
    let column = scope.locate(&first.column)?.column;
    let nullable = column.nullable || !first.blanks.is_empty();
    if scope.dialect != Dialect::Postgres || nullable || value.is_null() {
        return Ok(Truth::True);
    }
    let operator =
        if first.descending { BinOper::SmallerThanOrEqual } else { BinOper::GreaterThanOrEqual };
    let mut equal = vec![&first.column];
    let mut bounds = Truth::True;
    for join in query.joins.iter().filter(|join| join.kind == JoinKind::One) {
        for other in joined(&join.on, &equal) {
            let located = scope.locate(other)?;
            let literal = position(scope, located.column, value);
            if let Some(literal) = literal.filter(|_| is_ordered_alike(located.column, column)) {
                let bound =
                    located.comparable(scope.dialect).binary(operator, unforeseen(literal.expr()));
                bounds = bounds.and(Truth::Sql(bound));
                equal.push(other);
            }
        }
    }
    Ok(bounds)
}

/// The columns that a join holds for equal to one of these.
fn joined<'q>(on: &'q Predicate, known: &[&ColumnRef]) -> Vec<&'q ColumnRef> {
    match on {
        Predicate::All(terms) => terms.iter().flat_map(|term| joined(term, known)).collect(),
        Predicate::Compare {
            left: Operand::Column(left),
            comparison: Comparison::Equal,
            right: Operand::Column(right),
        } => match (known.contains(&left), known.contains(&right)) {
            (true, false) => vec![right],
            (false, true) => vec![left],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// A value that the server does not look at when it plans.
fn unforeseen(value: Expr) -> Expr {
    let one = Query::select().expr(value).to_owned();
    Expr::SubQuery(None, Box::new(one.into()))
}

/// What is equal stands at the same place of both orders.
fn is_ordered_alike(one: ColumnType, other: ColumnType) -> bool {
    one.storage == other.storage && one.collation == other.collation && one.exact && other.exact
}
