//! `CHAR(n)` in a SQLite file, which pads nothing by itself: rows hold the text with as many blanks
//! as the program wrote that made them. Delivered is the text without them; so a text is looked up in
//! each of its forms, for which an index of several columns serves as well. Text that is longer than
//! its column is left as it is, blanks and all.

use genkan_adapter::{ColumnKind, Comparison};
use sea_query::{BinOper, CaseStatement, Expr, ExprTrait, Func};

use crate::catalog::Dialect;
use crate::literal::Literal;
use crate::predicate::{operator, word};
use crate::scope::Located;

/// More forms in one list than this, and the column is compared without its index.
const FORMS_MAX: usize = 8_000;

/// As it is delivered.
pub(crate) fn delivered(text: &Expr, length: u32) -> Expr {
    let long = Expr::from(Func::cust("length").arg(text.clone())).gt(word(length.to_string()));
    let case = CaseStatement::new().case(long, text.clone()).finally(trimmed(text.clone()));
    Expr::Case(Box::new(case))
}

/// The text that a value is in such a column.
pub(crate) fn as_delivered(text: &str, length: u32) -> &str {
    let long = text.chars().nth(length as usize).is_some();
    if long { text } else { text.trim_end_matches(' ') }
}

fn trimmed(text: Expr) -> Expr {
    Func::cust("rtrim").arg(text).arg(Expr::cust("' '")).into()
}

/// The column is one of the texts, in whatever form. `column` may have a collation of its own.
pub(crate) fn equal_any(column: &Expr, list: Vec<Literal>, length: u32) -> Expr {
    let count: usize = list.iter().map(|literal| blanks(literal, length) + 1).sum();
    if count > FORMS_MAX {
        return delivered(column, length).is_in(list.into_iter().map(Literal::expr));
    }
    let mut forms: Vec<Expr> =
        list.iter().flat_map(|literal| forms(literal, length)).map(Literal::expr).collect();
    match forms.pop() {
        Some(only) if forms.is_empty() => column.clone().eq(only),
        last => column.clone().is_in(forms.into_iter().chain(last)),
    }
}

/// The greatest number of blanks behind the text.
fn blanks(literal: &Literal, length: u32) -> usize {
    match &literal.value {
        sea_query::Value::String(Some(text)) => {
            (length as usize).saturating_sub(text.chars().count())
        }
        // Of bytes that can't be read nobody knows how many characters they are.
        _ => length as usize,
    }
}

fn forms(literal: &Literal, length: u32) -> impl Iterator<Item = Literal> {
    (0..=blanks(literal, length)).map(move |count| with_blanks(literal, count))
}

/// The last of its forms in the order of bytes.
pub(crate) fn longest(literal: &Literal, length: u32) -> Literal {
    with_blanks(literal, blanks(literal, length))
}

fn with_blanks(literal: &Literal, count: usize) -> Literal {
    let value = match &literal.value {
        sea_query::Value::String(Some(text)) => format!("{text}{:count$}", "").into(),
        sea_query::Value::Bytes(Some(bytes)) => {
            [bytes.as_slice(), " ".repeat(count).as_bytes()].concat().into()
        }
        other => other.clone(),
    };
    Literal { value, ..literal.clone() }
}

/// The column is another one: what an index needs, not yet the truth. Two columns that one program
/// fills hold a text in one form, or one of them all blanks and the other none. Each further form is a
/// row more that SQLite expects of a join, and a few of them make it begin at the wrong table.
pub(crate) fn joined(column: &Expr, other: &Expr, length: u32) -> Expr {
    let blanks = word(format!("'{}'", " ".repeat(length as usize)));
    let text = trimmed(other.clone());
    let long = text.clone().binary(BinOper::Custom("||"), blanks);
    let full = Func::cust("substr").arg(long).arg(word("1")).arg(word(length.to_string()));
    column.clone().is_in([text, full.into(), other.clone()])
}

/// The bare column bounds the range for the index, the text that is delivered decides.
pub(crate) fn range(located: &Located, comparison: Comparison, bound: Literal) -> Expr {
    let exact =
        located.delivered(Dialect::Sqlite).binary(operator(comparison), bound.clone().expr());
    let ColumnKind::PaddedText { length } = located.column.kind else { return exact };
    let bare = located.expr.clone();
    match comparison {
        Comparison::Greater | Comparison::GreaterOrEqual => bare.gte(bound.expr()).and(exact),
        _ => bare.lte(longest(&bound, length).expr()).and(exact),
    }
}
