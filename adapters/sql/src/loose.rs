//! Text in a column of a SQLite file that has not the affinity of text: SQLite keeps what looks like a
//! number as one, and sorts all numbers before all text. Such a cell is the text that SQLite makes of
//! it; what stands here lets an index of the bare column find all that may be it.

use genkan_adapter::Comparison;
use sea_query::{Expr, ExprTrait};

use crate::literal::Literal;
use crate::predicate::{enclosed, operator, word};

/// `None` if no index can tell.
pub(crate) fn equal_any(column: &Expr, list: &[Literal]) -> Option<Expr> {
    let mut forms: Vec<Expr> = Vec::with_capacity(2 * list.len());
    for literal in list {
        let text = text_of(literal)?;
        match text.parse::<i64>() {
            Ok(number) if number.to_string() == text => forms.push(Expr::val(number)),
            _ if is_numeric(text) => return None,
            _ => {}
        }
        forms.push(literal.clone().expr());
        forms.push(Expr::val(text.as_bytes().to_vec()));
    }
    Some(column.clone().is_in(forms))
}

/// The numbers stand before all text, the bytes behind.
pub(crate) fn range(column: &Expr, comparison: Comparison, bound: &Literal) -> Option<Expr> {
    if is_numeric(text_of(bound)?) {
        return None;
    }
    let bare = column.clone().binary(operator(comparison), bound.clone().expr());
    let others = match comparison {
        Comparison::Greater | Comparison::GreaterOrEqual => column.clone().lt(word("''")),
        _ => column.clone().gte(word("x''")),
    };
    Some(enclosed(bare.or(others)))
}

fn text_of(literal: &Literal) -> Option<&str> {
    match &literal.value {
        sea_query::Value::String(Some(text)) => Some(text),
        _ => None,
    }
}

fn is_numeric(text: &str) -> bool {
    text.trim().parse::<f64>().is_ok()
}
