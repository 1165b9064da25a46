//! Which alias means which table while a statement is written, and how a column of it is named.

use genkan_adapter::{AdapterError, ColumnKind, ColumnRef, ErrorCategory, Name, TableAlias};
use sea_query::{Alias, Expr, ExprTrait, IntoColumnRef};

use crate::catalog::{Catalog, ColumnType, Dialect, Storage, TableTypes};
use crate::digits;
use crate::padded;
use crate::repertoire::Repertoire;

/// Aliases in sight, innermost last.
pub(crate) struct Scope<'a> {
    pub dialect: Dialect,
    pub repertoire: &'a Repertoire,
    catalog: &'a Catalog,
    aliases: Vec<Entry<'a>>,
    /// All that were entered, each once.
    tables: Vec<&'a Name>,
    /// How many subqueries surround what is written.
    pub nesting: usize,
}

struct Entry<'a> {
    alias: &'a str,
    types: &'a TableTypes,
    /// Its columns are NULL when a left join found nothing.
    optional: bool,
    nested: bool,
}

/// A column in a statement: its expression and how it is stored.
#[derive(Clone)]
pub(crate) struct Located {
    pub expr: Expr,
    pub column: ColumnType,
    /// How far inside its alias stands; the innermost table is the one that is looked up.
    pub depth: usize,
    /// It is of a table inside a subquery, which is asked again for each row around.
    pub nested: bool,
}

impl<'a> Scope<'a> {
    pub fn new(dialect: Dialect, repertoire: &'a Repertoire, catalog: &'a Catalog) -> Self {
        Scope {
            dialect,
            repertoire,
            catalog,
            aliases: Vec::with_capacity(4),
            tables: Vec::new(),
            nesting: 0,
        }
    }

    pub fn enter(&mut self, target: &'a TableAlias, optional: bool) -> Result<(), AdapterError> {
        let types =
            self.catalog.types(&target.table).ok_or_else(|| missing("table", &target.table))?;
        let nested = self.nesting > 0;
        if !self.tables.contains(&&target.table) {
            self.tables.push(&target.table);
        }
        self.aliases.push(Entry { alias: &target.alias, types, optional, nested });
        Ok(())
    }

    /// That the statement reads.
    pub fn tables(&self) -> Vec<Name> {
        self.tables.iter().map(|table| Name::clone(table)).collect()
    }

    /// How many aliases are in sight.
    pub fn depth(&self) -> usize {
        self.aliases.len()
    }

    /// Leaves what was entered since.
    pub fn leave_to(&mut self, depth: usize) {
        self.aliases.truncate(depth);
    }

    pub fn locate(&self, name: &ColumnRef) -> Result<Located, AdapterError> {
        let found = self.aliases.iter().enumerate().rev();
        let Some((depth, entry)) = found.into_iter().find(|(_, e)| *e.alias == *name.alias) else {
            return Err(missing("alias", &name.alias));
        };
        let column =
            entry.types.get(&*name.column).ok_or_else(|| missing("column", &name.column))?;
        if column.kind == ColumnKind::Unsupported {
            let message = format!("column {} has a type that cannot be read", name.column);
            return Err(AdapterError::new(ErrorCategory::Mismatch, message));
        }
        if column.changed {
            let message = format!(
                "column {} has another type than when the rules were loaded; run `genkan rules \
                 check` and start again",
                name.column
            );
            return Err(AdapterError::new(ErrorCategory::Mismatch, message));
        }
        let expr =
            Expr::Column((Alias::new(&*name.alias), Alias::new(&*name.column)).into_column_ref());
        let column = ColumnType { nullable: column.nullable || entry.optional, ..*column };
        Ok(Located { expr, column, depth, nested: entry.nested })
    }
}

impl Located {
    /// The form that `=`, `<` and the order of rows look at; the bare column where possible.
    pub fn comparable(&self, dialect: Dialect) -> Expr {
        match (dialect, self.column.storage) {
            (Dialect::Postgres, Storage::TextForm) => self.expr.clone().cast_as("text"),
            (Dialect::Mysql, Storage::TextForm) => self.expr.clone().cast_as("CHAR"),
            (Dialect::Postgres, Storage::Digits) => self.expr.clone().cast_as("text"),
            (Dialect::Mysql, Storage::Digits) => digits::mysql(self.expr.clone()),
            (Dialect::Sqlite, Storage::Loose | Storage::Digits) => {
                self.expr.clone().cast_as("TEXT")
            }
            (Dialect::Sqlite, Storage::DecimalText) => self.expr.clone().cast_as("REAL"),
            _ => self.expr.clone(),
        }
    }

    /// A text as it is delivered: without the blanks of `CHAR(n)`.
    pub fn delivered(&self, dialect: Dialect) -> Expr {
        match (dialect, self.column.storage) {
            (Dialect::Postgres, Storage::Padded) => self.expr.clone().cast_as("text"),
            _ => match self.column.kind {
                ColumnKind::PaddedText { length } if dialect == Dialect::Sqlite => {
                    padded::delivered(&self.expr, length)
                }
                _ => self.comparable(dialect),
            },
        }
    }
}

fn missing(what: &str, name: &str) -> AdapterError {
    let message = format!("the source has no {what} {name}; run `genkan rules check`");
    AdapterError::new(ErrorCategory::Mismatch, message)
}
