//! YAML as rule authors write it: a tree in which every node knows its place, and every scalar is
//! the text that stands there (YAML's failsafe schema). `0000999739`, `NO` and `1e3` are never
//! turned into something else.

use saphyr_parser::{Event, Parser, ScalarStyle};

use crate::diagnostic::{Diagnostic, Span};
use crate::expression::{self, Expression};

/// Deeper files are refused, so that no recursion below can exhaust the stack.
const DEPTH_MAX: usize = 64;

#[derive(Debug, Clone, PartialEq)]
pub struct Yaml {
    pub span: Span,
    pub kind: YamlKind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum YamlKind {
    /// `quoted` scalars are constants even if they begin with `=`.
    Scalar {
        text: String,
        quoted: bool,
    },
    List(Vec<Yaml>),
    Map(Vec<(Key, Yaml)>),
    /// No text of a file: an expression whose `with.` names stand for what a fragment was given.
    Bound(Expression),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    pub name: String,
    pub span: Span,
}

impl Yaml {
    pub fn as_text(&self) -> Option<&str> {
        match &self.kind {
            YamlKind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    pub fn as_list(&self) -> Option<&[Yaml]> {
        match &self.kind {
            YamlKind::List(items) => Some(items),
            _ => None,
        }
    }

    pub fn as_map(&self) -> Option<&[(Key, Yaml)]> {
        match &self.kind {
            YamlKind::Map(entries) => Some(entries),
            _ => None,
        }
    }

    pub fn get(&self, name: &str) -> Option<&Yaml> {
        self.as_map()?.iter().find(|(key, _)| key.name == name).map(|(_, value)| value)
    }

    /// The text after `=` with its place, if this scalar is an expression.
    pub fn as_expression(&self) -> Option<(&str, Span)> {
        match &self.kind {
            YamlKind::Scalar { text, quoted: false } => {
                let rest = text.strip_prefix('=')?;
                Some((rest, self.span.part(1, rest.chars().count())))
            }
            _ => None,
        }
    }

    /// The expression that stands here, if one does.
    pub fn expression(&self) -> Option<Result<Expression, Diagnostic>> {
        match &self.kind {
            YamlKind::Bound(expression) => Some(Ok(expression.clone())),
            _ => self.as_expression().map(|(text, span)| expression::parse(text, span)),
        }
    }

    /// Calls `visit` for this node and everything below it, with the key that it stands under.
    pub fn walk<'y>(&'y self, visit: &mut impl FnMut(Option<&'y Key>, &'y Yaml)) {
        self.walk_under(None, visit);
    }

    fn walk_under<'y>(
        &'y self,
        key: Option<&'y Key>,
        visit: &mut impl FnMut(Option<&'y Key>, &'y Yaml),
    ) {
        visit(key, self);
        match &self.kind {
            YamlKind::Scalar { .. } | YamlKind::Bound(_) => {}
            YamlKind::List(items) => items.iter().for_each(|item| item.walk_under(None, visit)),
            YamlKind::Map(entries) => {
                entries.iter().for_each(|(key, value)| value.walk_under(Some(key), visit));
            }
        }
    }
}

/// Reads one file. Anchors, aliases and tags are refused: a rule says what it means where it stands.
pub fn parse(file: u16, text: &str) -> Result<Yaml, Diagnostic> {
    let mut reader = Reader { file, parser: Parser::new_from_str(text) };
    let root = reader.document();
    let at_end = Span { file, line: 1, column: 1, length: 1 };
    root.and_then(|root| {
        root.ok_or_else(|| {
            Diagnostic::error("E0101", at_end, "the file is empty", "ファイルが空です")
        })
    })
}

struct Reader<'a> {
    file: u16,
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Result<Option<Yaml>, Diagnostic> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(root),
                Event::StreamStart | Event::Nothing | Event::DocumentEnd => {}
                Event::DocumentStart(_) if root.is_none() => {
                    let (event, span) = self.next()?;
                    root = Some(self.node(event, span, 0)?);
                }
                _ => {
                    let en = "more than one YAML document in a file";
                    return Err(Diagnostic::error(
                        "E0102",
                        span,
                        en,
                        "1 ファイルに複数の YAML 文書があります",
                    ));
                }
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), Diagnostic> {
        let at = |line: usize, column: usize, length: usize, file| Span {
            file,
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column + 1).unwrap_or(u32::MAX),
            length: u32::try_from(length.max(1)).unwrap_or(1),
        };
        match self.parser.next() {
            Some(Ok((event, span))) => {
                let length = span.end.index().saturating_sub(span.start.index());
                Ok((event, at(span.start.line(), span.start.col(), length, self.file)))
            }
            Some(Err(error)) => {
                let place = at(error.marker().line(), error.marker().col(), 1, self.file);
                let en = format!("not valid YAML: {}", error.info());
                Err(Diagnostic::error("E0103", place, en, "YAML として読めません").hint(
                    "check the indentation, and quote text that holds `: `, ` #` or braces",
                    "字下げを確認し、「: 」「 #」や波括弧を含む文字列は引用符で囲んでください",
                ))
            }
            None => Ok((Event::StreamEnd, at(1, 0, 1, self.file))),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Yaml, Diagnostic> {
        if depth > DEPTH_MAX {
            let en = format!("nested deeper than {DEPTH_MAX} levels");
            return Err(Diagnostic::error("E0104", span, en, "入れ子が深すぎます"));
        }
        match event {
            Event::Scalar(text, style, 0, None) => {
                let quoted = matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted);
                Ok(Yaml { span, kind: YamlKind::Scalar { text: text.into_owned(), quoted } })
            }
            Event::SequenceStart(0, None) => self.list(span, depth),
            Event::MappingStart(0, None) => self.map(span, depth),
            _ => Err(Diagnostic::error(
                "E0105",
                span,
                "YAML anchors, aliases and tags are not part of the rule language",
                "YAML のアンカー・エイリアス・タグは使えません",
            )
            .hint("use a fragment (`$use`) instead", "代わりに断片（$use）を使ってください")),
        }
    }

    fn list(&mut self, span: Span, depth: usize) -> Result<Yaml, Diagnostic> {
        let mut items = Vec::new();
        loop {
            let (event, place) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                return Ok(Yaml { span, kind: YamlKind::List(items) });
            }
            items.push(self.node(event, place, depth + 1)?);
        }
    }

    fn map(&mut self, span: Span, depth: usize) -> Result<Yaml, Diagnostic> {
        let mut entries: Vec<(Key, Yaml)> = Vec::new();
        loop {
            let (event, key_span) = self.next()?;
            let name = match event {
                Event::MappingEnd => return Ok(Yaml { span, kind: YamlKind::Map(entries) }),
                Event::Scalar(text, _, 0, None) => text.into_owned(),
                _ => {
                    let en = "a key must be a plain word";
                    return Err(Diagnostic::error(
                        "E0106",
                        key_span,
                        en,
                        "キーは単語でなければなりません",
                    ));
                }
            };
            if entries.iter().any(|(key, _)| key.name == name) {
                let en = format!("`{name}` stands here twice");
                let ja = format!("「{name}」が重複しています");
                return Err(Diagnostic::error("E0107", key_span, en, ja));
            }
            let (event, place) = self.next()?;
            let value = self.node(event, place, depth + 1)?;
            entries.push((Key { name, span: key_span }, value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_stay_the_text_that_was_written() {
        let yaml =
            parse(0, "a: 0000999739\nb: NO\nc: 1e3\nd: '= x'\ne: = d.X | date\n").expect("valid");
        let texts: Vec<_> = ["a", "b", "c", "d"]
            .iter()
            .map(|key| yaml.get(key).and_then(Yaml::as_text).expect("text"))
            .collect();
        assert_eq!(texts, ["0000999739", "NO", "1e3", "= x"]);
        assert_eq!(yaml.get("d").and_then(Yaml::as_expression), None);
        let (expression, span) = yaml.get("e").and_then(Yaml::as_expression).expect("expression");
        assert_eq!((expression, span.line, span.column), (" d.X | date", 5, 5));
    }

    #[test]
    fn what_is_not_part_of_the_language_is_refused_with_its_place() {
        for (text, code, line) in [
            ("a: [1, 2\nb: 3", "E0103", 2),
            ("a: 1\na: 2", "E0107", 2),
            ("a: &x 1", "E0105", 1),
            ("a: *x", "E0103", 1),
            ("", "E0101", 1),
            ("a: 1\n---\nb: 2", "E0102", 2),
        ] {
            let diagnostic = parse(0, text).expect_err(text);
            assert_eq!((diagnostic.code, diagnostic.span.line), (code, line), "{text}");
        }
    }
}
