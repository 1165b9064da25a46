//! `LIKE` and the reading of numbers from text, with one meaning on three databases whose own
//! `LIKE`s differ in case, collation and blanks.

use std::borrow::Cow;

use genkan_adapter::{Position, Value};
use sea_query::{BinOper, CaseStatement, Expr, ExprTrait, Func, LikeExpr};

use crate::catalog::{Dialect, Storage};
use crate::disguised;
use crate::equality::{bytes, code_points, equal};
use crate::literal::{Literal, expressible};
use crate::predicate::{Truth, word};
use crate::scope::{Located, Scope};
use crate::wire::Wire;

const ESCAPE: char = '|';

pub(crate) fn like(
    scope: &Scope<'_>,
    located: &Located,
    position: Position,
    text: &str,
    ignore_case: bool,
) -> Truth {
    let ignore_case = ignore_case && text.bytes().any(|byte| byte.is_ascii_alphabetic());
    let Some(text) = expressible(scope, located.column, text) else {
        return Truth::False;
    };
    let padded = located.column.storage == Storage::Padded;
    if position == Position::Exact && !ignore_case {
        return equal(scope, located, &Value::Text(text.into_owned()));
    }
    let text: Cow<'_, str> = match position {
        Position::Exact if padded => Cow::Owned(text.trim_end_matches(' ').to_owned()),
        _ => text,
    };
    // Blanks at the end of the column matter only to a pattern that ends in one, or to no wildcard.
    let bare_is_enough = !padded || (position != Position::Exact && !text.ends_with(' '));
    let column = if bare_is_enough {
        located.comparable(scope.dialect)
    } else {
        located.delivered(scope.dialect)
    };
    let exact = located.column.exact;
    // At the beginning, ASCII is no part of another character.
    let plain = position == Position::Start && !ignore_case && text.is_ascii();
    if let (Wire::Disguised(charset), false) = (located.column.wire, plain) {
        let dialect = scope.dialect;
        return Truth::Sql(disguised::like(dialect, charset, column, position, &text, ignore_case));
    }
    Truth::Sql(match scope.dialect {
        Dialect::Postgres => postgres(located, column, exact, position, &text, ignore_case),
        Dialect::Sqlite => sqlite(column, position, &text, ignore_case),
        Dialect::Mysql => mysql(located, column, position, &text, ignore_case),
    })
}

fn postgres(
    located: &Located,
    column: Expr,
    exact: bool,
    position: Position,
    text: &str,
    ignore_case: bool,
) -> Expr {
    let collated = |text: Expr| if exact { text } else { code_points(text) };
    if !ignore_case {
        return collated(column).like(pattern(position, text));
    }
    let folded = Func::cust("translate")
        .arg(located.delivered(Dialect::Postgres))
        .arg(word("'ABCDEFGHIJKLMNOPQRSTUVWXYZ'"))
        .arg(word("'abcdefghijklmnopqrstuvwxyz'"));
    collated(folded.into()).like(pattern(position, &text.to_ascii_lowercase()))
}

/// SQLite's `LIKE` folds exactly the ASCII letters; `GLOB` folds nothing and can use an index.
fn sqlite(column: Expr, position: Position, text: &str, ignore_case: bool) -> Expr {
    match position {
        _ if ignore_case => column.like(pattern(position, text)),
        Position::Start => {
            let mut glob = String::with_capacity(text.len() + 1);
            for c in text.chars() {
                match c {
                    '*' | '?' | '[' => glob.extend(['[', c, ']']),
                    c => glob.push(c),
                }
            }
            glob.push('*');
            column.binary(BinOper::Custom("GLOB"), Expr::val(glob))
        }
        Position::Anywhere | Position::Exact => {
            let found = Func::cust("instr").arg(column).arg(Expr::val(text));
            Expr::from(found).gt(word("0"))
        }
    }
}

/// On bytes, because collations fold more than ASCII; a prefix also asks the column itself first,
/// whose collation finds at least as much and may have an index.
fn mysql(
    located: &Located,
    column: Expr,
    position: Position,
    text: &str,
    ignore_case: bool,
) -> Expr {
    if !ignore_case {
        let exact = bytes_like(bytes(column.clone()), position, text);
        return match position {
            Position::Start => {
                let text = pattern_text(position, text);
                let pattern = Literal::of_column(Dialect::Mysql, located.column, text);
                like_escaped(column, pattern.expr()).and(exact)
            }
            Position::Anywhere | Position::Exact => exact,
        };
    }
    // Only the letters of the text have to be folded in the column.
    let text = text.to_ascii_lowercase();
    let mut letters: Vec<u8> = text.bytes().filter(u8::is_ascii_lowercase).collect();
    letters.sort_unstable();
    letters.dedup();
    let folded = letters.iter().fold(bytes(column), |folded, letter| {
        let (lower, upper) = (char::from(*letter), char::from(letter.to_ascii_uppercase()));
        Func::cust("REPLACE")
            .arg(folded)
            .arg(word(format!("'{upper}'")))
            .arg(word(format!("'{lower}'")))
            .into()
    });
    bytes_like(folded, position, &text)
}

fn bytes_like(bytes: Expr, position: Position, text: &str) -> Expr {
    like_escaped(bytes, Literal::text(pattern_text(position, text)).bytes())
}

fn like_escaped(text: Expr, pattern: Expr) -> Expr {
    text.binary(BinOper::Like, pattern.binary(BinOper::Escape, word(format!("'{ESCAPE}'"))))
}

fn pattern(position: Position, text: &str) -> LikeExpr {
    LikeExpr::new(pattern_text(position, text)).escape(ESCAPE)
}

fn pattern_text(position: Position, text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    if position == Position::Anywhere {
        pattern.push('%');
    }
    for c in text.chars() {
        if matches!(c, '%' | '_' | ESCAPE) {
            pattern.push(ESCAPE);
        }
        pattern.push(c);
    }
    if position != Position::Exact {
        pattern.push('%');
    }
    pattern
}

/// NULL where the text is no plain decimal.
pub(crate) fn number(dialect: Dialect, text: Expr) -> Expr {
    let matches = |operator: &'static str, regex: &'static str| {
        text.clone().binary(BinOper::Custom(operator), word(regex))
    };
    let (plain, number) = match dialect {
        Dialect::Postgres => (matches("~", "'^-?[0-9]+([.][0-9]+)?$'"), "numeric"),
        // `$` also stands before a line break at the end: no other character may be there at all.
        Dialect::Mysql => (
            matches("REGEXP", "'^-?[0-9]+([.][0-9]+)?$'").and(matches("NOT REGEXP", "'[^-.0-9]'")),
            "DECIMAL(65,30)",
        ),
        Dialect::Sqlite => (sqlite_is_number(&text), "NUMERIC"),
    };
    Expr::Case(Box::new(CaseStatement::new().case(plain, text.clone().cast_as(number))))
}

/// SQLite has no regular expressions: digits and points only, digits at both ends, one point.
fn sqlite_is_number(text: &Expr) -> Expr {
    let negative = text.clone().binary(BinOper::Custom("GLOB"), word("'-*'"));
    let tail = Func::cust("substr").arg(text.clone()).arg(word("2"));
    let digits = || {
        Expr::Case(Box::new(
            CaseStatement::new().case(negative.clone(), tail.clone()).finally(text.clone()),
        ))
    };
    let glob = |operator: &'static str, pattern: &'static str| {
        digits().binary(BinOper::Custom(operator), word(pattern))
    };
    glob("GLOB", "'[0-9]*'")
        .and(glob("GLOB", "'*[0-9]'"))
        .and(glob("NOT GLOB", "'*[^0-9.]*'"))
        .and(glob("NOT GLOB", "'*.*.*'"))
}
