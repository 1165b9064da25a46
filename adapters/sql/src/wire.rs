//! How the text of a column travels: in which form a statement asks for it, what its bytes mean
//! here, and in which form a text is sent to be compared with it. The one place that decides this.
//!
//! Left to itself, PostgreSQL fails the whole statement for one cell that has no Unicode, and MySQL
//! writes `?` in its place and says nothing.

use std::borrow::Cow;

use genkan_adapter::Unreadable;
use sea_query::{BinOper, Expr, ExprTrait, Func};

use crate::catalog::{ColumnType, Dialect, Storage};
use crate::charset::Charset;
use crate::predicate::word;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    /// As UTF-8, both ways.
    Unicode,
    /// PostgreSQL with a charset of its own: read as stored and decoded here; what is sent, the
    /// server converts, and fails if it can't.
    Stored(Charset),
    /// The source takes the text for something else (SQL_ASCII, latin1): bytes, both ways.
    Disguised(Charset),
    /// MySQL converts, both ways. Where a `?` comes out, the stored bytes are asked for as well, and
    /// tell whether it was one.
    Marked(Charset),
    /// The source does not say what its bytes mean (SQL_ASCII); the configuration has to.
    Undeclared,
    /// What the source says is a default of old (latin1); the configuration may know better.
    Doubtful,
}

/// Parts what MySQL converted from what it stores: no byte of UTF-8.
const MARK: u8 = 0xFF;

impl Wire {
    /// A cell of text for the list behind `SELECT`.
    pub fn selected(self, dialect: Dialect, column: ColumnType, expr: Expr) -> Expr {
        let form = column.storage == Storage::TextForm;
        match (self, dialect) {
            (Wire::Stored(_) | Wire::Disguised(_), Dialect::Postgres) => {
                postgres_bytes(expr.cast_as("text"))
            }
            (Wire::Disguised(_), Dialect::Mysql) => expr.cast_as("BINARY"),
            (Wire::Marked(_), Dialect::Mysql) => mysql_marked(expr),
            (_, Dialect::Postgres) if form => expr.cast_as("text"),
            (_, Dialect::Mysql) if form => expr.cast_as("CHAR"),
            _ => expr,
        }
    }

    /// The text that the bytes of a selected cell are.
    pub fn read(self, bytes: &[u8]) -> Result<Cow<'_, str>, Unreadable> {
        match self {
            Wire::Unicode | Wire::Undeclared | Wire::Doubtful => decoded(Charset::Utf8, bytes),
            Wire::Stored(charset) | Wire::Disguised(charset) => decoded(charset, bytes),
            Wire::Marked(charset) => match bytes.iter().position(|byte| *byte == MARK) {
                None => decoded(Charset::Utf8, bytes),
                Some(mark) => {
                    let (converted, stored) = (&bytes[..mark], &bytes[mark + 1..]);
                    match lost(charset, converted, stored) {
                        None => decoded(Charset::Utf8, converted),
                        Some(at) => Err(Unreadable::new(stored, at)),
                    }
                }
            },
        }
    }

    /// The text as rows can hold it; `None` if none can.
    pub fn express(self, text: &str) -> Option<Cow<'_, str>> {
        let (Wire::Stored(charset) | Wire::Disguised(charset)) = self else {
            return Some(Cow::Borrowed(text));
        };
        if charset.encode(text).is_some() {
            return Some(Cow::Borrowed(text));
        }
        let text: String = text.chars().map(|c| counterpart(charset, c)).collect();
        charset.encode(&text)?;
        Some(Cow::Owned(text))
    }
}

fn decoded(charset: Charset, bytes: &[u8]) -> Result<Cow<'_, str>, Unreadable> {
    charset.decode(bytes).map_err(|at| Unreadable::new(bytes, at))
}

/// The bytes of a text as they are stored. `convert_to` would check them first, and fail for a file
/// that was damaged; in the `escape` form, every byte but the backslash stands for itself.
pub(crate) fn postgres_bytes(text: Expr) -> Expr {
    let text = text.binary(BinOper::Custom("COLLATE"), word("\"C\""));
    let doubled = Func::cust("replace").arg(text).arg(word(r"E'\\'")).arg(word(r"E'\\\\'"));
    Func::cust("decode").arg(doubled).arg(word("'escape'")).into()
}

/// The text that these bytes are stored as.
pub(crate) fn postgres_text(bytes: Expr) -> Expr {
    Func::cust("convert_from").arg(bytes).arg(Func::cust("getdatabaseencoding")).into()
}

fn mysql_marked(expr: Expr) -> Expr {
    let unicode = expr.clone().binary(BinOper::Custom("USING"), word("utf8mb4"));
    let converted = Expr::from(Func::cust("CONVERT").arg(unicode)).cast_as("BINARY");
    // 0x3F is the question mark; a driver may take one in the text for a parameter.
    let marked = Func::cust("INSTR").arg(converted.clone()).arg(word("0x3F"));
    let both = Func::cust("CONCAT").arg(converted.clone()).arg(word("0xFF"));
    let both = both.arg(expr.cast_as("BINARY"));
    Func::cust("IF").arg(marked).arg(both).arg(converted).into()
}

/// The first stored byte for which the server wrote a `?` of its own.
fn lost(charset: Charset, converted: &[u8], stored: &[u8]) -> Option<usize> {
    let marks = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'?').count();
    // No second byte of a character is a question mark in these charsets.
    if marks(converted) == marks(stored) {
        return None;
    }
    let (mut to, mut from) = (0, 0);
    while let (Some(converted), Some(stored)) = (converted.get(to), stored.get(from)) {
        if *converted == b'?' && *stored != b'?' {
            return Some(from);
        }
        to += Charset::Utf8.width(*converted);
        from += charset.width(*stored);
    }
    Some(from.min(stored.len().saturating_sub(1)))
}

/// Characters of JIS that two tables read in two ways. Rows hold only the one of their charset;
/// people and other systems type either.
const COUNTERPARTS: [(char, char); 11] = [
    ('〜', '～'),
    ('−', '－'),
    ('‖', '∥'),
    ('µ', 'μ'),
    ('¢', '￠'),
    ('£', '￡'),
    ('¬', '￢'),
    ('—', '―'),
    ('¥', '￥'),
    ('‾', '￣'),
    ('¦', '￤'),
];

fn counterpart(charset: Charset, c: char) -> char {
    if charset.encode(c.encode_utf8(&mut [0; 4])).is_some() {
        return c;
    }
    let found = COUNTERPARTS.iter().find_map(|(one, other)| match c {
        _ if c == *one => Some(*other),
        _ if c == *other => Some(*one),
        _ => None,
    });
    found.unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_mark_of_the_server_is_told_from_one_of_the_row() {
        let read = |bytes: &[u8]| Wire::Marked(Charset::Cp932).read(bytes).map(Cow::into_owned);
        let cell =
            |converted: &str, stored: &[u8]| [converted.as_bytes(), &[MARK], stored].concat();
        assert_eq!(read("山".as_bytes()), Ok("山".to_owned()));
        assert_eq!(read(&cell("山?", b"\x8eR?")), Ok("山?".to_owned()));
        for (converted, stored, at) in [
            ("山?", b"\x8eR\x85\x40".as_slice(), 2),
            ("??", b"?\xff", 1),
            ("?山?", b"?\x8eR\xa0", 3),
            // A cut character at the end.
            ("a?", b"a\x8e", 1),
        ] {
            let expected = Unreadable::new(stored, at);
            assert_eq!(read(&cell(converted, stored)), Err(expected), "{converted}");
        }
    }

    #[test]
    fn either_form_of_a_character_finds_the_one_that_rows_hold() {
        for (charset, typed, held) in [
            (Charset::EucJp, "〜−‖µ¢£¬—¥‾¦", "～－∥μ￠￡￢―￥￣￤"),
            (Charset::Cp932, "〜−‖µ¢£¬—¥‾¦", "～－∥μ￠￡￢―￥￣￤"),
            (Charset::EucJis2004, "∥￠￡￢￥￣", "∥¢£¬¥‾"),
            (Charset::EucJis2004, "〜～−－", "〜～−－"),
        ] {
            let expressed = Wire::Stored(charset).express(typed);
            assert_eq!(expressed.as_deref(), Some(held), "{charset:?}");
        }
        assert_eq!(Wire::Stored(Charset::EucJp).express("山𠮷"), None);
        assert_eq!(Wire::Unicode.express("山𠮷").as_deref(), Some("山𠮷"));
    }
}
