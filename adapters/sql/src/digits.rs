//! An integer column as text: a key that one table keeps as a number and another as its digits.
//!
//! The digits decide: `007` is not 7. But an index of the integer column holds numbers, so where that
//! column is looked up, the text is read as a number besides, which finds a few rows too many at most.

use sea_query::{BinOper, CaseStatement, Expr, ExprTrait, Func};

use crate::catalog::Dialect;
use crate::predicate::word;
use crate::scope::Located;

/// Not a cast: that would have a collation of its own, and a column of another one could not be
/// compared with it. The sum is without the zeros that `ZEROFILL` puts before a number.
pub(crate) fn mysql(integer: Expr) -> Expr {
    Func::cust("CONCAT").arg(integer.add(word("0"))).into()
}

/// The bare integer column equals the number that a text is, if it is one.
pub(crate) fn looked_up(dialect: Dialect, integer: &Located, text: &Located) -> Expr {
    let column = integer.expr.clone();
    let text = text.delivered(dialect);
    match dialect {
        Dialect::Postgres => column.eq(postgres_number(text)),
        Dialect::Mysql => column.eq(text.cast_as("DECIMAL(20,0)")),
        // The affinity of the column makes a number of the text where it can.
        Dialect::Sqlite => column.eq(text),
    }
}

/// NULL where the text is no number or has no place in a `bigint`: to cast it would be an error.
fn postgres_number(text: Expr) -> Expr {
    let digits = text.clone().binary(BinOper::Custom("~"), word("'^-?[0-9]{1,19}$'"));
    let number = text.cast_as("numeric");
    let fits = number.clone().between(word("-9223372036854775808"), word("9223372036854775807"));
    let inner = CaseStatement::new().case(fits, number.cast_as("int8"));
    Expr::Case(Box::new(CaseStatement::new().case(digits, Expr::Case(Box::new(inner)))))
}
