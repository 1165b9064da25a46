//! The expressions behind `=`: columns, constants, converters, comparisons. Total, pure and small on
//! purpose: no loops, no user functions, so that each one can be run forwards on a row and backwards
//! on a search (mapping-language reference, "expressions").
//!
//! From tightest to loosest: `|` and `else` (left to right), `&`, comparisons with `in` and `exists`,
//! `not`, `and`, `or`.

mod parser;
mod scanner;

use genkan_adapter::Comparison;

use crate::diagnostic::{Diagnostic, Span};
use crate::lens::Lens;

/// An expression over names of kind `N`: as written ([`Name`]) or looked up
/// ([`ColumnUse`](crate::program::ColumnUse)).
#[derive(Debug, Clone, PartialEq)]
pub struct Expression<N = Name> {
    pub kind: ExpressionKind<N>,
    pub span: Span,
}

/// `alias.COLUMN`, `site.constant`, `with.parameter`, as written.
#[derive(Debug, Clone, PartialEq)]
pub struct Name {
    pub qualifier: String,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ExpressionKind<N> {
    Name(N),
    Text(String),
    /// `"$(a.X)-$(b.Y)"`: all parts one after the other; empty if one part is empty.
    Template(Vec<Expression<N>>),
    /// `a & b`: what is there of both, one after the other.
    Concat(Vec<Expression<N>>),
    Pipe(Box<Expression<N>>, Lens),
    /// The first that is not empty.
    Else(Box<Expression<N>>, Box<Expression<N>>),
    /// A two-column table of the rule set.
    Lookup {
        table: String,
        key: Box<Expression<N>>,
    },
    Compare(Box<Expression<N>>, Comparison, Box<Expression<N>>),
    In(Box<Expression<N>>, Vec<String>),
    Exists(Box<Expression<N>>),
    Not(Box<Expression<N>>),
    And(Vec<Expression<N>>),
    Or(Vec<Expression<N>>),
}

/// Reads the text behind `=`; `span` is the place of that text.
pub fn parse(text: &str, span: Span) -> Result<Expression, Diagnostic> {
    parser::Parser::new(text, span).whole()
}

impl<N> Expression<N> {
    pub fn text(text: impl Into<String>, span: Span) -> Self {
        Expression { kind: ExpressionKind::Text(text.into()), span }
    }

    /// The same expression with every name replaced: columns looked up, constants of the site and
    /// parameters of fragments put in.
    pub fn bind<M>(
        &self,
        bind: &mut impl FnMut(&N, Span) -> Result<Expression<M>, Diagnostic>,
    ) -> Result<Expression<M>, Diagnostic> {
        use ExpressionKind as K;
        let kind = match &self.kind {
            K::Name(name) => return bind(name, self.span),
            K::Text(text) => K::Text(text.clone()),
            K::Template(parts) => K::Template(bind_all(parts, bind)?),
            K::Concat(parts) => K::Concat(bind_all(parts, bind)?),
            K::And(terms) => K::And(bind_all(terms, bind)?),
            K::Or(terms) => K::Or(bind_all(terms, bind)?),
            K::Pipe(inner, lens) => K::Pipe(bind_box(inner, bind)?, lens.clone()),
            K::Else(first, second) => K::Else(bind_box(first, bind)?, bind_box(second, bind)?),
            K::Lookup { table, key } => {
                K::Lookup { table: table.clone(), key: bind_box(key, bind)? }
            }
            K::Compare(left, comparison, right) => {
                K::Compare(bind_box(left, bind)?, *comparison, bind_box(right, bind)?)
            }
            K::In(inner, values) => K::In(bind_box(inner, bind)?, values.clone()),
            K::Exists(inner) => K::Exists(bind_box(inner, bind)?),
            K::Not(inner) => K::Not(bind_box(inner, bind)?),
        };
        Ok(Expression { kind, span: self.span })
    }

    /// Calls `visit` for every name in it.
    pub fn names(&self, visit: &mut impl FnMut(&N)) {
        use ExpressionKind as K;
        match &self.kind {
            K::Name(name) => visit(name),
            K::Text(_) => {}
            K::Template(parts) | K::Concat(parts) | K::And(parts) | K::Or(parts) => {
                parts.iter().for_each(|part| part.names(visit));
            }
            K::Else(left, right) | K::Compare(left, _, right) => {
                left.names(visit);
                right.names(visit);
            }
            K::Pipe(inner, _)
            | K::Lookup { key: inner, .. }
            | K::In(inner, _)
            | K::Exists(inner)
            | K::Not(inner) => inner.names(visit),
        }
    }
}

impl<N> Expression<N> {
    /// Calls `visit` for every table that it looks into.
    pub fn lookups(&self, visit: &mut impl FnMut(&str)) {
        use ExpressionKind as K;
        match &self.kind {
            K::Lookup { table, key } => {
                visit(table);
                key.lookups(visit);
            }
            K::Pipe(inner, _) | K::In(inner, _) | K::Exists(inner) | K::Not(inner) => {
                inner.lookups(visit);
            }
            K::Else(left, right) | K::Compare(left, _, right) => {
                left.lookups(visit);
                right.lookups(visit);
            }
            K::Template(parts) | K::Concat(parts) | K::And(parts) | K::Or(parts) => {
                parts.iter().for_each(|part| part.lookups(visit));
            }
            K::Name(_) | K::Text(_) => {}
        }
    }
}

type Bound<T> = Result<T, Diagnostic>;

fn bind_box<N, M>(
    inner: &Expression<N>,
    bind: &mut impl FnMut(&N, Span) -> Bound<Expression<M>>,
) -> Bound<Box<Expression<M>>> {
    inner.bind(bind).map(Box::new)
}

fn bind_all<N, M>(
    items: &[Expression<N>],
    bind: &mut impl FnMut(&N, Span) -> Bound<Expression<M>>,
) -> Bound<Vec<Expression<M>>> {
    items.iter().map(|item| item.bind(bind)).collect()
}

#[cfg(test)]
mod tests;
