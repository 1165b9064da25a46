//! Parts of text that the database takes for something else. Its own functions would find the second
//! half of one character with the first of the next, or the letter `A` in the middle of one, so the
//! bytes are looked at as hexadecimal digits, character by character.

use std::borrow::Cow;

use genkan_adapter::Position;
use sea_query::{BinOper, Expr, ExprTrait, Func};

use crate::catalog::Dialect;
use crate::charset::Charset;
use crate::equality::hex;
use crate::predicate::word;
use crate::wire::{postgres_bytes, postgres_text};

pub(crate) fn like(
    dialect: Dialect,
    charset: Charset,
    column: Expr,
    position: Position,
    text: &str,
    ignore_case: bool,
) -> Expr {
    let pattern = Expr::val(pattern(charset, position, text, ignore_case));
    let operator = if dialect == Dialect::Postgres { "~" } else { "REGEXP" };
    digits(dialect, column).binary(BinOper::Custom(operator), pattern)
}

/// The first characters, in the same disguise.
pub(crate) fn left(dialect: Dialect, charset: Charset, column: Expr, characters: u32) -> Expr {
    let digits = digits(dialect, column);
    let found = |function: &'static str| {
        Func::cust(function).arg(digits).arg(word(format!("'{}'", first(charset, characters))))
    };
    match dialect {
        Dialect::Postgres => {
            let bytes = Func::cust("decode").arg(found("substring")).arg(word("'hex'"));
            postgres_text(bytes.into())
        }
        Dialect::Mysql | Dialect::Sqlite => {
            let bytes = Expr::from(Func::cust("UNHEX").arg(found("REGEXP_SUBSTR")));
            Func::cust("CONVERT").arg(bytes.binary(BinOper::Custom("USING"), word("latin1"))).into()
        }
    }
}

/// No database takes a greater number for a repetition than 255.
fn first(charset: Charset, characters: u32) -> String {
    let mut pattern = String::from("^");
    let mut left = characters;
    while left > 0 {
        let some = std::cmp::min(left, 255);
        pattern.push_str(&format!("(?:{}){{0,{some}}}", charset.characters()));
        left -= some;
    }
    pattern
}

fn digits(dialect: Dialect, column: Expr) -> Expr {
    match dialect {
        Dialect::Postgres => {
            let bytes = postgres_bytes(column.cast_as("text"));
            Func::cust("encode").arg(bytes).arg(word("'hex'")).into()
        }
        Dialect::Mysql | Dialect::Sqlite => {
            let digits = Func::cust("HEX").arg(column.cast_as("BINARY"));
            Func::cust("LOWER").arg(digits).into()
        }
    }
}

fn pattern(charset: Charset, position: Position, text: &str, ignore_case: bool) -> String {
    let mut pattern = String::from("^");
    if position == Position::Anywhere {
        pattern.push_str(&format!("({})*", charset.characters()));
    }
    let written = |text: &str| hex(&charset.encode(text).unwrap_or(Cow::Borrowed(&[])));
    let mut rest = text;
    while let Some(letter) = rest.find(|c: char| ignore_case && c.is_ascii_alphabetic()) {
        let (other, behind) = rest.split_at(letter);
        let (letter, behind) = behind.split_at(1);
        let (lower, upper) = (letter.to_ascii_lowercase(), letter.to_ascii_uppercase());
        pattern.push_str(&written(other));
        pattern.push_str(&format!("({}|{})", written(&lower), written(&upper)));
        rest = behind;
    }
    pattern.push_str(&written(rest));
    if position == Position::Exact {
        pattern.push('$');
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_folded_and_second_bytes_are_not() {
        // The second byte of ア is 0x41, an `A` to others.
        let cp932 = |text| pattern(Charset::Cp932, Position::Exact, text, true);
        assert_eq!(cp932("アa-"), "^8341(61|41)2d$");
        let start = pattern(Charset::EucJp, Position::Start, "山A", false);
        assert_eq!(start, "^bbb341");
    }
}
