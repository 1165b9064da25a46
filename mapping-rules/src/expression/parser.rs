//! Recursive descent over the scanner's tokens, one method for each level of precedence.

use genkan_adapter::Comparison;

use super::scanner::{Part, Scanner, Token};
use super::{Expression, ExpressionKind as K, Name};
use crate::diagnostic::{Diagnostic, Span};
use crate::lens::{Lens, MapTable};

/// Deeper nesting is refused, so that no walk over an expression can exhaust the stack.
const DEPTH_MAX: usize = 32;

pub(super) struct Parser {
    scanner: Scanner,
    token: Token,
    span: Span,
    depth: usize,
}

type Parsed = Result<Expression, Diagnostic>;

impl Parser {
    pub fn new(text: &str, span: Span) -> Self {
        Parser { scanner: Scanner::new(text, span), token: Token::End, span, depth: 0 }
    }

    pub fn whole(mut self) -> Parsed {
        self.advance()?;
        if self.token == Token::End {
            return Err(Diagnostic::error("E0306", self.span, "nothing after `=`", "式が空です"));
        }
        let expression = self.or()?;
        match self.token {
            Token::End => Ok(expression),
            _ => Err(self.unexpected()),
        }
    }

    fn advance(&mut self) -> Result<(), Diagnostic> {
        (self.token, self.span) = self.scanner.next()?;
        Ok(())
    }

    fn unexpected(&self) -> Diagnostic {
        let en = "this does not belong here";
        Diagnostic::error("E0307", self.span, en, "ここにこの語は書けません").hint(
            "operators: | else & == != < > <= >= in exists not and or",
            "使える演算子: | else & == != < > <= >= in exists not and or",
        )
    }

    fn keyword(&mut self, word: &str) -> Result<bool, Diagnostic> {
        let found = matches!(&self.token, Token::Word(w) if w == word);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn sign(&mut self, sign: &str) -> Result<bool, Diagnostic> {
        let found = matches!(&self.token, Token::Sign(s) if *s == sign);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn or(&mut self) -> Parsed {
        let first = self.and()?;
        let mut terms = vec![first];
        while self.keyword("or")? {
            terms.push(self.and()?);
        }
        Ok(joined(terms, K::Or))
    }

    fn and(&mut self) -> Parsed {
        let first = self.not()?;
        let mut terms = vec![first];
        while self.keyword("and")? {
            terms.push(self.not()?);
        }
        Ok(joined(terms, K::And))
    }

    fn not(&mut self) -> Parsed {
        let span = self.span;
        if self.keyword("not")? {
            let inner = self.nested(Self::not)?;
            return Ok(Expression { kind: K::Not(Box::new(inner)), span });
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Parsed {
        let left = self.concat()?;
        let span = left.span;
        if let Token::Sign(sign) = self.token
            && let Some(operator) = comparison_of(sign)
        {
            self.advance()?;
            let right = self.concat()?;
            if is_empty_text(&left) || is_empty_text(&right) {
                return Err(never_equal(span));
            }
            let kind = K::Compare(Box::new(left), operator, Box::new(right));
            return Ok(Expression { kind, span });
        }
        if matches!(&self.token, Token::Word(word) if word == "in") {
            return self.members(left);
        }
        if self.keyword("exists")? {
            return Ok(Expression { kind: K::Exists(Box::new(left)), span });
        }
        Ok(left)
    }

    /// `in "F" "C"`; the token is still `in`.
    fn members(&mut self, left: Expression) -> Parsed {
        let span = left.span;
        let place = self.span;
        let mut values = Vec::new();
        self.advance()?;
        while let Token::Quoted(parts) = &self.token {
            match parts.as_slice() {
                [] => values.push(String::new()),
                [Part::Text(text)] => values.push(text.clone()),
                _ => return Err(self.unexpected()),
            }
            self.advance()?;
        }
        if values.is_empty() {
            let en = "`in` needs quoted texts: in \"F\" \"C\"";
            return Err(Diagnostic::error(
                "E0308",
                place,
                en,
                "in の後に引用符で囲んだ値が必要です",
            ));
        }
        if values.iter().any(String::is_empty) {
            return Err(never_equal(span));
        }
        Ok(Expression { kind: K::In(Box::new(left), values), span })
    }

    fn concat(&mut self) -> Parsed {
        let first = self.pipe()?;
        let mut parts = vec![first];
        while self.sign("&")? {
            parts.push(self.pipe()?);
        }
        Ok(joined(parts, K::Concat))
    }

    fn pipe(&mut self) -> Parsed {
        let mut value = self.atom()?;
        for length in 0.. {
            let span = value.span;
            if length > DEPTH_MAX {
                return Err(too_deep(self.span));
            }
            if self.sign("|")? {
                value = match &self.token {
                    Token::Word(word) if word == "lookup" => {
                        let (table, key) = (self.table()?, Box::new(value));
                        Expression { kind: K::Lookup { table, key }, span }
                    }
                    _ => Expression { kind: K::Pipe(Box::new(value), self.lens()?), span },
                };
            } else if self.keyword("else")? {
                let other = self.atom()?;
                value = Expression { kind: K::Else(Box::new(value), Box::new(other)), span };
            } else {
                break;
            }
        }
        Ok(value)
    }

    /// `lookup name`; the scanner stands behind `lookup`.
    fn table(&mut self) -> Result<String, Diagnostic> {
        let place = self.span;
        let table = self.scanner.map_word("|()&,=")?.filter(|table| !table.is_empty());
        let Some(table) = table else {
            let en = "`lookup` needs the name of a table: a.CODE | lookup units";
            let ja = "lookup の後に表の名前が必要です: a.CODE | lookup units";
            return Err(Diagnostic::error("E0326", place, en, ja));
        };
        self.advance()?;
        Ok(table)
    }

    /// The converter behind `|`.
    fn lens(&mut self) -> Result<Lens, Diagnostic> {
        let Token::Word(name) = self.token.clone() else {
            let en = "a converter must follow `|`";
            return Err(Diagnostic::error("E0311", self.span, en, "「|」の後に変換関数が必要です"));
        };
        if name == "map" {
            return self.map();
        }
        let Some(lens) = Lens::by_name(&name) else {
            let en = format!("there is no converter `{name}`");
            let ja = format!("「{name}」という関数はありません");
            let known = Lens::NAMES.iter().copied().chain(["map", "lookup"]);
            return Err(Diagnostic::error("E0312", self.span, en, ja).nearest(&name, known));
        };
        self.advance()?;
        Ok(lens)
    }

    /// `map K=V … else V`; the scanner stands behind `map`.
    fn map(&mut self) -> Result<Lens, Diagnostic> {
        let place = self.span;
        let mut pairs: Vec<(String, String)> = Vec::new();
        while let Some(pair) = self.scanner.map_pair()? {
            if pairs.iter().any(|(key, _)| *key == pair.0) {
                let en = format!("`map` has `{}` twice", pair.0);
                let ja = format!("map の「{}」が重複しています", pair.0);
                return Err(Diagnostic::error("E0313", place, en, ja));
            }
            pairs.push(pair);
        }
        if pairs.is_empty() {
            let en = "`map` needs pairs: map 1=male 2=female else unknown";
            return Err(Diagnostic::error("E0314", place, en, "map に K=V の組がありません"));
        }
        self.advance()?;
        let mut otherwise = None;
        if matches!(&self.token, Token::Word(word) if word == "else") {
            otherwise = self.scanner.map_value()?;
            if otherwise.is_none() {
                return Err(self.unexpected());
            }
            self.advance()?;
        }
        Ok(Lens::Map(MapTable { pairs, otherwise }))
    }

    fn atom(&mut self) -> Parsed {
        let span = self.span;
        match self.token.clone() {
            Token::Quoted(parts) => {
                self.advance()?;
                template(parts, span, self.depth)
            }
            Token::Word(word) if word == "lookup" => self.lookup(span),
            Token::Word(word) => {
                self.advance()?;
                name(&word, span)
            }
            Token::Sign("(") => {
                self.advance()?;
                let inner = self.nested(Self::or)?;
                if !self.sign(")")? {
                    return Err(self.unexpected());
                }
                Ok(inner)
            }
            _ => Err(self.unexpected()),
        }
    }

    /// `lookup("table", key)`; the token is still `lookup`.
    fn lookup(&mut self, span: Span) -> Parsed {
        self.advance()?;
        let open = self.sign("(")?;
        let table = match self.token.clone() {
            Token::Quoted(parts) if open => match parts.as_slice() {
                [Part::Text(text)] => text.clone(),
                _ => return Err(self.unexpected()),
            },
            _ => return Err(self.unexpected()),
        };
        self.advance()?;
        if !self.sign(",")? {
            // YAML ends a text inside brackets at a comma.
            let en = format!("inside {{ }} and [ ] write `a.CODE | lookup {table}`");
            let ja = format!("{{ }} や [ ] の中では a.CODE | lookup {table} と書いてください");
            return Err(self.unexpected().hint(en, ja));
        }
        let key = Box::new(self.nested(Self::or)?);
        if !self.sign(")")? {
            return Err(self.unexpected());
        }
        Ok(Expression { kind: K::Lookup { table, key }, span })
    }

    fn nested(&mut self, inner: impl FnOnce(&mut Self) -> Parsed) -> Parsed {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(too_deep(self.span));
        }
        let result = inner(self);
        self.depth -= 1;
        result
    }
}

fn too_deep(span: Span) -> Diagnostic {
    let en = format!("an expression may be nested {DEPTH_MAX} levels deep");
    Diagnostic::error("E0309", span, en, "式の入れ子が深すぎます")
}

fn is_empty_text(term: &Expression) -> bool {
    matches!(&term.kind, K::Text(text) if text.is_empty())
}

/// An empty cell equals nothing, so that `== ""` would never hold and `!= ""` always.
fn never_equal(span: Span) -> Diagnostic {
    let en = "nothing equals the empty text: an empty cell has no value";
    Diagnostic::error("E0317", span, en, "空の値は何とも等しくなりません").hint(
        "write `… exists` or `not … exists`",
        "「… exists」または「not … exists」と書いてください",
    )
}

fn comparison_of(sign: &str) -> Option<Comparison> {
    Some(match sign {
        "==" => Comparison::Equal,
        "!=" => Comparison::NotEqual,
        "<" => Comparison::Less,
        "<=" => Comparison::LessOrEqual,
        ">" => Comparison::Greater,
        ">=" => Comparison::GreaterOrEqual,
        _ => return None,
    })
}

/// One term stays itself; several become one node.
fn joined(mut terms: Vec<Expression>, kind: fn(Vec<Expression>) -> K<Name>) -> Expression {
    if terms.len() == 1 {
        return terms.remove(0);
    }
    let span = terms[0].span;
    Expression { kind: kind(terms), span }
}

fn template(parts: Vec<Part>, span: Span, depth: usize) -> Parsed {
    let mut terms = Vec::with_capacity(parts.len());
    for part in parts {
        terms.push(match part {
            Part::Text(text) => Expression::text(text, span),
            Part::Expression(_, place) if depth + 1 > DEPTH_MAX => return Err(too_deep(place)),
            Part::Expression(text, place) => {
                let mut parser = Parser::new(&text, place);
                parser.depth = depth + 1;
                parser.whole()?
            }
        });
    }
    Ok(match terms.len() {
        0 => Expression::text("", span),
        1 if matches!(terms[0].kind, K::Text(_)) => terms.remove(0),
        _ => Expression { kind: K::Template(terms), span },
    })
}

/// `alias.COLUMN`; a column may hold further dots, an alias may not.
fn name(word: &str, span: Span) -> Parsed {
    match word.split_once('.') {
        Some((qualifier, name)) if !qualifier.is_empty() && !name.is_empty() => {
            let name = Name { qualifier: qualifier.to_owned(), name: name.to_owned() };
            Ok(Expression { kind: K::Name(name), span })
        }
        _ => {
            let en = format!("`{word}` is neither `alias.COLUMN` nor a quoted text");
            let ja = format!("「{word}」は「別名.列名」でも引用符付きの文字列でもありません");
            let hint_en = format!("for constant text write \"{word}\"");
            let hint_ja = format!("定数なら \"{word}\" と書きます");
            Err(Diagnostic::error("E0315", span, en, ja).hint(hint_en, hint_ja))
        }
    }
}
