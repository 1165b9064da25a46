//! Rows that MySQL's collation holds for one in the order of a page, though they differ: a cursor
//! stands on all of them at once, and the next page would miss some. To sort them by their bytes as
//! well would cost the index for every page of every table. They stand side by side, so they are seen
//! when they come, and the query is refused.

use genkan_adapter::{AdapterError, ErrorCategory, RowQuery, Value};
use sea_query::{Expr, Func, SelectStatement};

use crate::catalog::{Catalog, ColumnType, Dialect, Storage};
use crate::driver::Driver;
use crate::equality::{bytes, folds};
use crate::order::{Term, is_total};
use crate::statement::Plan;

/// The cells behind those of the query: for each text of the order what the collation makes of it
/// and its bytes, for each other term itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ties {
    cells: Vec<(Role, ColumnType)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The same for rows that stand at one place.
    Place,
    /// What tells them apart.
    Text,
}

impl Ties {
    /// Selects what it takes to see them, where there can be any.
    pub fn select(
        dialect: Dialect,
        catalog: &Catalog,
        query: &RowQuery,
        terms: &[Term],
        select: &mut SelectStatement,
    ) -> Ties {
        let mut ties = Ties::default();
        let folding = |term: &Term| {
            folds(&term.located) && term.located.column.storage != Storage::Enumerated
        };
        let pages = query.limit.is_some() && !query.columns.is_empty();
        let may_tie = dialect == Dialect::Mysql && pages && terms.iter().any(folding);
        if !may_tie || is_total(catalog, query) {
            return ties;
        }
        for term in terms {
            let (expr, column) = (term.known(term.located.expr.clone()), term.located.column);
            let stored = ColumnType { storage: Storage::Bytes, ..column };
            if folding(term) {
                // Blanks at the end mean nothing to most collations.
                let text = Func::cust("RTRIM").arg(expr.clone());
                ties.add(select, Role::Place, stored, Func::cust("WEIGHT_STRING").arg(text).into());
            }
            let role = if folding(term) { Role::Text } else { Role::Place };
            ties.add(select, role, stored, bytes(expr));
        }
        ties
    }

    fn add(&mut self, select: &mut SelectStatement, role: Role, column: ColumnType, expr: Expr) {
        select.expr(expr);
        self.cells.push((role, column));
    }

    /// Refuses a row that the order does not tell from the one before it, though their texts differ.
    pub fn see<DB: Driver>(
        &self,
        row: &DB::Row,
        plan: &Plan,
        query: &RowQuery,
        before: &mut Option<Vec<Value>>,
    ) -> Result<(), AdapterError> {
        if self.cells.is_empty() {
            return Ok(());
        }
        let cells = self.cells.iter().zip(plan.cells.len()..);
        let cells: Option<Vec<Value>> =
            cells.map(|((_, column), index)| DB::cell(row, index, *column)).collect();
        if let (Some(one), Some(other)) = (&*before, &cells)
            && self.is_tie(one, other)
        {
            let message = format!(
                "table {}: the collation of its key holds keys for equal that are not, and a page \
                 could not go on behind them; give the key's columns a collation that ends in _bin",
                query.root.table
            );
            return Err(AdapterError::new(ErrorCategory::Mismatch, message));
        }
        *before = cells;
        Ok(())
    }

    fn is_tie(&self, one: &[Value], other: &[Value]) -> bool {
        let same = |wanted: Role| {
            let pairs = self.cells.iter().zip(one.iter().zip(other));
            pairs.filter(|((role, _), _)| *role == wanted).all(|(_, (one, other))| one == other)
        };
        same(Role::Place) && !same(Role::Text)
    }
}
