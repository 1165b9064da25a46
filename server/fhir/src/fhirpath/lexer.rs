//! From the text of an expression to its tokens.
//!
//! Strings keep every character, U+3000 too. Outside of strings only ASCII blanks separate.

use super::{
    error::{CompileError, CompileProblem, Place},
    temporal::Temporal,
};

/// A token and the byte that it starts at.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token<'t> {
    pub kind: TokenKind<'t>,
    pub at: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind<'t> {
    Word(&'t str),
    /// In backticks: never a keyword.
    Delimited(String),
    String(String),
    Number(&'t str),
    Temporal(Temporal),
    /// `this`, `index`, `total`
    Dollar(&'t str),
    /// A name behind `%`.
    Variable(String),
    Symbol(&'static str),
    End,
}

const SYMBOLS: [&str; 22] = [
    "<=", ">=", "!=", "!~", "(", ")", "[", "]", "{", "}", ".", ",", "+", "-", "*", "/", "&", "|",
    "<", ">", "=", "~",
];

pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, CompileError> {
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_blanks()?;
        let at = lexer.at;
        let kind = lexer.token()?;
        let is_end = kind == TokenKind::End;
        tokens.push(Token { kind, at });
        if is_end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn fail<T>(&self, at: usize, expected: &'static str) -> Result<T, CompileError> {
        let found = match self.text.get(at..).and_then(|rest| rest.chars().next()) {
            None => "the end".to_owned(),
            Some('\u{3000}') => "a full-width space (U+3000)".to_owned(),
            Some(letter) => format!("{letter:?}"),
        };
        let problem = CompileProblem::Syntax { expected, found };
        Err(CompileError { at: Place::of(self.text, at), problem })
    }

    fn skip_blanks(&mut self) -> Result<(), CompileError> {
        loop {
            let rest = self.rest();
            let blanks = rest.trim_start_matches([' ', '\t', '\r', '\n']);
            self.at += rest.len() - blanks.len();
            if let Some(comment) = blanks.strip_prefix("//") {
                self.at += 2 + comment.find(['\n', '\r']).unwrap_or(comment.len());
            } else if let Some(comment) = blanks.strip_prefix("/*") {
                match comment.find("*/") {
                    Some(end) => self.at += 2 + end + 2,
                    None => return self.fail(self.text.len(), "*/ after the comment"),
                }
            } else {
                return Ok(());
            }
        }
    }

    fn token(&mut self) -> Result<TokenKind<'t>, CompileError> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok(TokenKind::End) };
        match first {
            '\'' => Ok(TokenKind::String(self.quoted('\'')?)),
            '`' => Ok(TokenKind::Delimited(self.quoted('`')?)),
            '@' => self.temporal(),
            '%' => self.variable(),
            '$' => {
                self.at += 1;
                match self.word() {
                    Some(word @ ("this" | "index" | "total")) => Ok(TokenKind::Dollar(word)),
                    _ => self.fail(self.at, "this, index or total after $"),
                }
            }
            '0'..='9' => Ok(TokenKind::Number(self.number())),
            _ => {
                if let Some(word) = self.word() {
                    return Ok(TokenKind::Word(word));
                }
                match SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol)) {
                    Some(symbol) => {
                        self.at += symbol.len();
                        Ok(TokenKind::Symbol(symbol))
                    }
                    None => self.fail(self.at, "an expression"),
                }
            }
        }
    }

    fn word(&mut self) -> Option<&'t str> {
        let rest = self.rest();
        let is_first = |c: char| c.is_ascii_alphabetic() || c == '_';
        if !rest.starts_with(is_first) {
            return None;
        }
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let word = rest.get(..end.unwrap_or(rest.len()))?;
        self.at += word.len();
        Some(word)
    }

    fn number(&mut self) -> &'t str {
        let rest = self.rest();
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let mut end = digits(rest);
        if let Some(fraction) = rest.get(end..).and_then(|tail| tail.strip_prefix('.')) {
            let count = digits(fraction);
            end += if count > 0 { 1 + count } else { 0 };
        }
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    fn temporal(&mut self) -> Result<TokenKind<'t>, CompileError> {
        let start = self.at;
        let rest = self.rest().get(1..).unwrap_or_default();
        let (found, skipped) = match rest.strip_prefix('T') {
            Some(time) => (Temporal::time_prefix(time), 2),
            None => (Temporal::date_prefix(rest), 1),
        };
        let Some((temporal, length)) = found else {
            return self.fail(start, "a date or time such as @2018-05-01T10:30:00+09:00 or @T10:30");
        };
        self.at += skipped + length;
        // A time of day has no offset, and no literal runs into a word or a digit.
        let next = self.rest().chars().next();
        if next.is_some_and(|next| next.is_ascii_alphanumeric()) {
            return self.fail(self.at, "the end of the date or time");
        }
        Ok(TokenKind::Temporal(temporal))
    }

    fn variable(&mut self) -> Result<TokenKind<'t>, CompileError> {
        self.at += 1;
        let name = match self.rest().chars().next() {
            Some(quote @ ('`' | '\'' | '"')) => Some(self.quoted(quote)?),
            _ => self.word().map(str::to_owned),
        };
        match name {
            Some(name) => Ok(TokenKind::Variable(name)),
            None => self.fail(self.at, "a name after %"),
        }
    }

    /// The content of a quoted string or name, with its escapes resolved.
    fn quoted(&mut self, quote: char) -> Result<String, CompileError> {
        let start = self.at;
        let mut content = String::new();
        let mut letters = self.rest().char_indices().skip(1).peekable();
        while let Some((offset, letter)) = letters.next() {
            if letter == quote {
                self.at += offset + 1;
                return Ok(content);
            }
            if letter != '\\' {
                content.push(letter);
                continue;
            }
            let Some((offset, escaped)) = letters.next() else { break };
            let resolved = match escaped {
                'r' => '\r',
                'n' => '\n',
                't' => '\t',
                'f' => '\u{c}',
                'u' => match self.unicode(start + offset + 1) {
                    Some((letter, length)) => {
                        for _ in 0..length {
                            letters.next();
                        }
                        letter
                    }
                    None => 'u',
                },
                // A backslash before any other letter stands for nothing (N1, 4.1.2).
                other => other,
            };
            content.push(resolved);
        }
        let expected = if quote == '\'' { "' after the string" } else { "the end of the name" };
        self.fail(self.text.len(), expected)
    }

    /// Four hexadecimal digits, or a pair of surrogates; and how many characters it took.
    fn unicode(&self, at: usize) -> Option<(char, usize)> {
        let unit = |at: usize| {
            let digits = self.text.get(at..at + 4)?;
            let are_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            are_hex.then(|| u16::from_str_radix(digits, 16).ok()).flatten()
        };
        let first = unit(at)?;
        if let Some(letter) = char::from_u32(u32::from(first)) {
            return Some((letter, 4));
        }
        let second = self.text.get(at + 4..at + 6).filter(|text| *text == "\\u")?;
        let pair = [first, unit(at + 4 + second.len())?];
        let letter = char::decode_utf16(pair).next()?.ok()?;
        Some((letter, 10))
    }
}
