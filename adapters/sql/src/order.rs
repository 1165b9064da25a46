//! The order of rows and the place where a page goes on: both by the same expressions, so that pages
//! meet every row once whatever the source's collations hold for equal.

use genkan_adapter::{AdapterError, ColumnKind, ErrorCategory, Order, RowQuery, Value};
use sea_query::{BinOper, CaseStatement, Expr, ExprTrait, Keyword, NullOrdering, SelectStatement};

use crate::catalog::{Catalog, ColumnType, Dialect, Storage};
use crate::equality::{self, binary, bytes, code_points};
use crate::literal::{Literal, position};
use crate::padded;
use crate::predicate::{Truth, any_of};
use crate::scope::{Located, Scope};

/// One term of the order as SQL has it.
#[derive(Clone)]
pub(crate) struct Term {
    pub located: Located,
    pub descending: bool,
    /// True of a cell that stands where NULL stands.
    blank: Option<Expr>,
    /// The place of its value in a cursor.
    pub value: usize,
}

/// The terms of a query's order. Where a collation holds different texts for equal and no unique key
/// is in the order, their code points decide; on MySQL that would cost the index, see `ties`. What a
/// SQLite file folds in `CHAR(n)` are blanks at the end, which nobody is told of.
pub(crate) fn terms(
    scope: &Scope<'_>,
    catalog: &Catalog,
    query: &RowQuery,
) -> Result<Vec<Term>, AdapterError> {
    let total = is_total(catalog, query);
    let mut terms = Vec::with_capacity(query.order.len());
    for (value, order) in query.order.iter().enumerate() {
        let mut located = scope.locate(&order.column)?;
        let blank = match equality::equal_any(scope, &located, order.blanks.iter()) {
            Truth::Sql(blank) => Some(blank),
            Truth::True | Truth::False => None,
        };
        if blank.is_some() {
            located.column = ColumnType { nullable: true, key: false, ..located.column };
        }
        let plain = located.column.exact || !located.column.kind.is_text();
        let padded = located.column.storage == Storage::Padded;
        let decided = match scope.dialect {
            _ if plain || total => None,
            Dialect::Sqlite if padded => None,
            Dialect::Sqlite => Some(binary(located.comparable(scope.dialect))),
            Dialect::Postgres => Some(code_points(located.expr.clone())),
            Dialect::Mysql => None,
        };
        let column = ColumnType { storage: Storage::Text, ..located.column };
        let decided = decided.map(|expr| Located { expr, column, ..located.clone() });
        let term = Term { located, descending: order.descending, blank, value };
        let decided = decided.map(|located| Term { located, ..term.clone() });
        terms.push(term);
        terms.extend(decided);
    }
    Ok(terms)
}

/// A unique key of the root is in the order: no two rows stand at one place.
pub(crate) fn is_total(catalog: &Catalog, query: &RowQuery) -> bool {
    let Some(table) = catalog.schema.table(&query.root.table) else { return false };
    let ordered = |name: &String| {
        query
            .order
            .iter()
            .any(|order| order.column.alias == query.root.alias && *order.column.column == **name)
    };
    let required = |name: &String| table.column(name).is_some_and(|column| !column.nullable);
    let unique = table.indexes.iter().filter(|index| index.unique).map(|index| &index.columns);
    unique
        .filter(|key| key.iter().all(required))
        .chain([&table.primary_key])
        .any(|key| !key.is_empty() && key.iter().all(ordered))
}

/// NULL first when ascending is what SQLite and MySQL do; PostgreSQL has to be told, which costs it
/// the index, so only where there can be a NULL.
pub(crate) fn add(dialect: Dialect, select: &mut SelectStatement, term: &Term) {
    let located = &term.located;
    let (order, nulls) = match term.descending {
        false => (sea_query::Order::Asc, NullOrdering::First),
        true => (sea_query::Order::Desc, NullOrdering::Last),
    };
    let expr = term.known(ordered(dialect, located));
    if dialect == Dialect::Postgres && located.column.nullable {
        select.order_by_expr_with_nulls(expr, order, nulls);
    } else {
        select.order_by_expr(expr, order);
    }
}

/// Padded text of a SQLite file may lack its blanks in some rows. In a unique key that makes no
/// difference to the order, and the bare column keeps its index.
fn ordered(dialect: Dialect, located: &Located) -> Expr {
    // MySQL sorts these by their place in the type, and compares them as text.
    if located.column.storage == Storage::Enumerated {
        return bytes(located.expr.clone());
    }
    if dialect == Dialect::Sqlite && located.column.storage == Storage::Padded {
        return match located.column.key {
            true => located.expr.clone(),
            false => located.delivered(dialect),
        };
    }
    located.comparable(dialect)
}

impl Term {
    /// Nothing where the cell says nothing.
    pub fn known(&self, expr: Expr) -> Expr {
        let Some(blank) = &self.blank else { return expr };
        let nothing = CaseStatement::new().case(blank.clone(), Keyword::Null).finally(expr);
        Expr::Case(Box::new(nothing))
    }
}

/// One term of the order with the cursor's value for it.
struct Mark<'a> {
    term: &'a Term,
    located: &'a Located,
    /// `None`: the cursor stands on a NULL, or where NULL stands.
    literal: Option<Literal>,
}

/// Strictly after the cursor, in the order of the query: the database's own order, also where its
/// collation holds different texts for equal.
pub(crate) fn after(
    scope: &Scope<'_>,
    terms: &[Term],
    order: &[Order],
    values: &[Value],
) -> Result<Truth, AdapterError> {
    if order.len() != values.len() {
        let message = "the cursor has more or fewer values than the order has terms";
        return Err(AdapterError::new(ErrorCategory::Mismatch, message));
    }
    let mut marks = Vec::with_capacity(terms.len());
    for term @ Term { located, value, .. } in terms {
        let (Some(value), Some(order)) = (values.get(*value), order.get(*value)) else { continue };
        let blank = order.is_blank(value);
        let literal = if blank { None } else { position(scope, located.column, value) };
        if literal.is_none() && !blank {
            let message = format!("the cursor does not fit column {}", order.column.column);
            return Err(AdapterError::new(ErrorCategory::Mismatch, message));
        }
        marks.push(Mark { term, located, literal });
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
    let descending = marks.first()?.term.descending;
    let plain = |mark: &Mark<'_>| {
        mark.term.descending == descending
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
        let column = self.term.known(ordered(dialect, self.located));
        let nullable = self.located.column.nullable;
        match (&self.literal, self.term.descending) {
            (None, true) => Truth::False,
            (None, false) if nullable => Truth::Sql(column.is_not_null()),
            (None, false) => Truth::True,
            (Some(literal), false) => {
                let bound = match self.bare_padded(dialect) {
                    Some(length) => padded::longest(literal, length).expr(),
                    None => self.bound(literal),
                };
                Truth::Sql(column.gt(bound))
            }
            (Some(literal), true) => {
                let less = column.clone().lt(self.bound(literal));
                Truth::Sql(if nullable { less.or(column.is_null()) } else { less })
            }
        }
    }

    fn same(&self, dialect: Dialect) -> Truth {
        let column = self.term.known(ordered(dialect, self.located));
        match &self.literal {
            None if self.located.column.nullable => Truth::Sql(column.is_null()),
            None => Truth::False,
            Some(literal) => Truth::Sql(match self.bare_padded(dialect) {
                Some(length) => padded::equal_any(&column, vec![literal.clone()], length),
                None => column.eq(self.bound(literal)),
            }),
        }
    }

    fn bound(&self, literal: &Literal) -> Expr {
        match self.located.column.storage {
            Storage::Enumerated => literal.clone().bytes(),
            _ => literal.clone().expr(),
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
