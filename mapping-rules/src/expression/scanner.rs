//! Words, texts and signs of an expression, with their places. YAML's own characters (`: `, ` #`,
//! braces) are no part of the grammar, so that an expression is a valid plain scalar.

use crate::diagnostic::{Diagnostic, Span};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A name with dots, or a keyword.
    Word(String),
    /// A quoted text: constants and `$(…)` parts; a part is the text inside and its place.
    Quoted(Vec<Part>),
    Sign(&'static str),
    End,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part {
    Text(String),
    Expression(String, Span),
}

pub(super) struct Scanner {
    characters: Vec<char>,
    position: usize,
    base: Span,
}

const SIGNS: [&str; 11] = ["==", "!=", "<=", ">=", "<", ">", "|", "&", "(", ")", ","];

impl Scanner {
    pub fn new(text: &str, base: Span) -> Self {
        Scanner { characters: text.chars().collect(), position: 0, base }
    }

    fn peek(&self) -> Option<char> {
        self.characters.get(self.position).copied()
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.position += 1;
        }
    }

    pub fn span_from(&self, start: usize) -> Span {
        self.base.part(start, self.position.saturating_sub(start))
    }

    pub fn next(&mut self) -> Result<(Token, Span), Diagnostic> {
        self.skip_blanks();
        let start = self.position;
        let Some(first) = self.peek() else {
            return Ok((Token::End, self.base.part(start, 1)));
        };
        if first == '"' {
            let parts = self.quoted()?;
            return Ok((Token::Quoted(parts), self.span_from(start)));
        }
        if is_word(first) {
            let word = self.take_while(is_word);
            return Ok((Token::Word(word), self.span_from(start)));
        }
        for sign in SIGNS {
            if sign.chars().enumerate().all(|(i, c)| self.characters.get(start + i) == Some(&c)) {
                self.position += sign.len();
                return Ok((Token::Sign(sign), self.span_from(start)));
            }
        }
        let place = self.base.part(start, 1);
        let en = format!("`{first}` has no meaning in an expression");
        let ja = format!("式に「{first}」は使えません");
        let diagnostic = Diagnostic::error("E0301", place, en, ja);
        Err(match first {
            '=' => diagnostic.hint("equality is written `==`", "等しいは「==」と書きます"),
            _ => diagnostic
                .hint("put constant text into double quotes", "定数の文字列は二重引用符で囲みます"),
        })
    }

    /// `K=V` of `map`: anything without blanks, or quoted. `None` when no pair follows.
    pub fn map_pair(&mut self) -> Result<Option<(String, String)>, Diagnostic> {
        self.skip_blanks();
        let start = self.position;
        let key = self.map_word("=|()")?;
        if self.peek() != Some('=') || key.is_none() {
            self.position = start;
            return Ok(None);
        }
        self.position += 1;
        match self.map_value()? {
            Some(value) if !value.is_empty() => Ok(key.map(|key| (key, value))),
            _ => {
                let place = self.span_from(start);
                let en = "`map` needs a value after `=`";
                Err(Diagnostic::error("E0302", place, en, "map の「=」の後に値がありません"))
            }
        }
    }

    /// A value of `map`. A bare `alias.COLUMN` or a comma is refused: who writes one means a column
    /// or the end of a pair, and would get its letters as a constant.
    pub fn map_value(&mut self) -> Result<Option<String>, Diagnostic> {
        self.skip_blanks();
        let (start, quoted) = (self.position, self.peek() == Some('"'));
        let value = self.map_word("|()")?;
        let Some(word) = value.as_deref().filter(|_| !quoted) else { return Ok(value) };
        let place = self.span_from(start);
        if word.ends_with(',') {
            let en = "the pairs of `map` stand behind one another without commas";
            return Err(Diagnostic::error("E0302", place, en, "map の組はカンマなしで並べます"));
        }
        let name = |part: &str| {
            let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
            part.starts_with(letter) && part.chars().all(|c| letter(c) || c.is_ascii_digit())
        };
        if word.split_once('.').is_some_and(|(alias, column)| name(alias) && name(column)) {
            let en = "`map` gives constants, not columns";
            let ja = "map の値は定数だけで、列は書けません";
            let hint = format!("for constant text write \"{word}\"");
            let hint_ja = format!("定数なら \"{word}\" と書きます");
            return Err(Diagnostic::error("E0318", place, en, ja).hint(hint, hint_ja));
        }
        Ok(value)
    }

    /// A bare word or quoted constant, for `map … else V` and `in`.
    pub fn map_word(&mut self, stop: &str) -> Result<Option<String>, Diagnostic> {
        self.skip_blanks();
        let start = self.position;
        if self.peek() == Some('"') {
            let parts = self.quoted()?;
            return match parts.as_slice() {
                [] => Ok(Some(String::new())),
                [Part::Text(text)] => Ok(Some(text.clone())),
                _ => {
                    let place = self.span_from(start);
                    let en = "`$(…)` can't stand inside `map` or `in`";
                    Err(Diagnostic::error("E0303", place, en, "map や in の中に $(…) は使えません"))
                }
            };
        }
        let word = self.take_while(|c| !c.is_whitespace() && !stop.contains(c) && c != '"');
        Ok((!word.is_empty()).then_some(word))
    }

    fn take_while(&mut self, accept: impl Fn(char) -> bool) -> String {
        let start = self.position;
        while self.peek().is_some_and(&accept) {
            self.position += 1;
        }
        self.characters[start..self.position].iter().collect()
    }

    fn quoted(&mut self) -> Result<Vec<Part>, Diagnostic> {
        let start = self.position;
        self.position += 1;
        let mut parts = Vec::new();
        let mut text = String::new();
        loop {
            match self.peek() {
                None => {
                    let place = self.span_from(start);
                    let en = "the text has no closing quote";
                    return Err(Diagnostic::error("E0304", place, en, "引用符が閉じていません"));
                }
                Some('"') => break self.position += 1,
                Some('\\') if self.characters.get(self.position + 1).is_some() => {
                    text.push(self.characters[self.position + 1]);
                    self.position += 2;
                }
                Some('$') if self.characters.get(self.position + 1) == Some(&'(') => {
                    if !text.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut text)));
                    }
                    parts.push(self.embedded()?);
                }
                Some(c) => {
                    text.push(c);
                    self.position += 1;
                }
            }
        }
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        Ok(parts)
    }

    /// `$(…)`: up to the matching parenthesis; quoted text inside may hold any.
    fn embedded(&mut self) -> Result<Part, Diagnostic> {
        let start = self.position + 2;
        self.position = start;
        let (mut depth, mut quoted) = (1usize, false);
        while let Some(c) = self.peek() {
            match c {
                '"' => quoted = !quoted,
                '(' if !quoted => depth += 1,
                ')' if !quoted => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                let inner = self.characters[start..self.position].iter().collect();
                let place = self.base.part(start, self.position - start);
                self.position += 1;
                return Ok(Part::Expression(inner, place));
            }
            self.position += 1;
        }
        let place = self.span_from(start);
        Err(Diagnostic::error("E0305", place, "`$(` has no closing `)`", "「$(」が閉じていません"))
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | '$' | '#')
}
