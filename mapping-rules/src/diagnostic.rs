//! What is wrong with a rule set, and where: all of it in one pass, in English and Japanese, with a
//! stable code that a search engine and an editor can hold on to.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// A place in one of the files of a rule set. Lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Span {
    /// Index into [`RuleFiles::files`](crate::RuleFiles).
    pub file: u16,
    pub line: u32,
    pub column: u32,
    pub length: u32,
}

impl Span {
    /// A part of this span: `offset` and `length` in characters.
    pub fn part(self, offset: usize, length: usize) -> Self {
        let grow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Span {
            column: self.column.saturating_add(grow(offset)),
            length: grow(length).max(1),
            ..self
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The rule set can't be used.
    Error,
    /// It can be used; the author should look.
    Warning,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    English,
    Japanese,
}

/// A text in both languages of the product.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text {
    pub en: String,
    pub ja: String,
}

impl Text {
    pub fn new(en: impl Into<String>, ja: impl Into<String>) -> Self {
        Text { en: en.into(), ja: ja.into() }
    }

    pub fn in_language(&self, language: Language) -> &str {
        match language {
            Language::English => &self.en,
            Language::Japanese => &self.ja,
        }
    }
}

/// One finding. `code` never changes its meaning: `E…` refuses the rule set, `W…` does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub code: &'static str,
    pub severity: Severity,
    pub span: Span,
    pub message: Text,
    /// Boxed, because results carry diagnostics by value and most have no hint.
    pub hint: Option<Box<Text>>,
}

impl Diagnostic {
    pub fn error(
        code: &'static str,
        span: Span,
        en: impl Into<String>,
        ja: impl Into<String>,
    ) -> Self {
        let message = Text::new(en, ja);
        Diagnostic { code, severity: Severity::Error, span, message, hint: None }
    }

    pub fn warning(
        code: &'static str,
        span: Span,
        en: impl Into<String>,
        ja: impl Into<String>,
    ) -> Self {
        Diagnostic { severity: Severity::Warning, ..Self::error(code, span, en, ja) }
    }

    pub fn hint(mut self, en: impl Into<String>, ja: impl Into<String>) -> Self {
        self.hint = Some(Box::new(Text::new(en, ja)));
        self
    }

    /// Adds "did you mean" when a known name is near enough to be a slip of the keyboard.
    pub fn nearest<'a>(self, wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        match nearest_name(wrong, known) {
            Some(name) => {
                self.hint(format!("did you mean `{name}`?"), format!("もしかして: {name}"))
            }
            None => self,
        }
    }

    /// `file:line:column code message`, the line itself and a caret under the place.
    pub fn render(&self, file: &str, source: &str, language: Language) -> String {
        let Span { line, column, length, .. } = self.span;
        let mut text = format!(
            "{file}:{line}:{column} {} {}\n",
            self.code,
            self.message.in_language(language)
        );
        if let Some(source_line) = source.lines().nth(line.saturating_sub(1) as usize) {
            let _ = writeln!(text, "  {source_line}");
            let before: usize =
                source_line.chars().take(column.saturating_sub(1) as usize).map(width).sum();
            let rest = source_line.chars().skip(column.saturating_sub(1) as usize);
            let under: usize = rest.take(length as usize).map(width).sum();
            let _ = writeln!(text, "  {}{}", " ".repeat(before), "^".repeat(under.max(1)));
        }
        if let Some(hint) = &self.hint {
            let _ = writeln!(text, "  = {}", hint.in_language(language));
        }
        text
    }

    /// For editors and programs.
    pub fn to_json(&self, file: &str) -> Value {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        json!({
            "code": self.code,
            "severity": severity,
            "file": file,
            "line": self.span.line,
            "column": self.span.column,
            "length": self.span.length,
            "message": self.message.en,
            "message_ja": self.message.ja,
            "hint": self.hint.as_ref().map(|hint| hint.en.clone()),
            "hint_ja": self.hint.as_ref().map(|hint| hint.ja.clone()),
        })
    }
}

/// Terminal columns of a character: kana and kanji take two, so that carets stand where they should.
fn width(c: char) -> usize {
    match c as u32 {
        0x1100..=0x115F | 0x2E80..=0xA4CF | 0xAC00..=0xD7A3 | 0xF900..=0xFAFF => 2,
        0xFE30..=0xFE6F | 0xFF00..=0xFF60 | 0xFFE0..=0xFFE6 | 0x20000..=0x3FFFD => 2,
        _ => 1,
    }
}

/// The known name nearest to a wrong one, if it is near: at most a third of its letters differ.
pub fn nearest_name<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = wrong.to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&folded, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance * 3 <= name.chars().count().max(3))
        .min_by_key(|(distance, name)| (*distance, *name))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_under_the_word_even_after_wide_characters() {
        let span = Span { file: 0, line: 2, column: 4, length: 2 };
        let diagnostic = Diagnostic::error("E0000", span, "wrong", "誤り").hint("try", "試す");
        let text = diagnostic.render("a.yaml", "x\n病名 xy\n", Language::Japanese);
        assert_eq!(text, "a.yaml:2:4 E0000 誤り\n  病名 xy\n       ^^\n  = 試す\n");
    }

    #[test]
    fn only_near_names_are_suggested() {
        assert_eq!(nearest_name("date.warekl", ["date.wareki", "date"]), Some("date.wareki"));
        assert_eq!(nearest_name("KANJI", ["SEX", "BIRTH"]), None);
    }
}
