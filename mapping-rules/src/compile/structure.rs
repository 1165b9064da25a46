//! Maps and lists of a rule file, with the complaints that are the same everywhere.

use crate::diagnostic::{Diagnostic, Span, nearest_name};
use crate::yaml::{Key, Yaml};

/// The entries of a YAML map.
pub(crate) struct Entries<'a> {
    entries: &'a [(Key, Yaml)],
    span: Span,
}

impl<'a> Entries<'a> {
    pub fn of(yaml: &'a Yaml) -> Result<Self, Diagnostic> {
        match yaml.as_map() {
            Some(entries) => Ok(Entries { entries, span: yaml.span }),
            None => {
                let en = "keys with values are expected here";
                Err(Diagnostic::error("E0201", yaml.span, en, "ここには「キー: 値」が必要です"))
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &'a (Key, Yaml)> {
        self.entries.iter()
    }

    pub fn get(&self, name: &str) -> Option<&'a Yaml> {
        self.entries.iter().find(|(key, _)| key.name == name).map(|(_, value)| value)
    }

    pub fn required(&self, name: &str) -> Result<&'a Yaml, Diagnostic> {
        self.get(name).ok_or_else(|| {
            // A misspelt key is one mistake, not two.
            let slip = |(key, _): &&(Key, Yaml)| nearest_name(&key.name, [name]).is_some();
            if let Some((key, _)) = self.entries.iter().find(slip) {
                return unknown_key(key, &[name]);
            }
            let en = format!("`{name}` is missing");
            Diagnostic::error("E0202", self.span, en, format!("「{name}」がありません"))
        })
    }

    pub fn text(&self, name: &str) -> Result<(&'a str, Span), Diagnostic> {
        let yaml = self.required(name)?;
        text(yaml).map(|text| (text, yaml.span))
    }

    /// Refuses every key that is not in `known`: a misspelt key must not be silently ignored.
    pub fn only(&self, known: &[&str], found: &mut Vec<Diagnostic>) {
        let unknown = self.entries.iter().filter(|(key, _)| !known.contains(&key.name.as_str()));
        found.extend(unknown.map(|(key, _)| unknown_key(key, known)));
    }
}

pub(crate) fn unknown_key(key: &Key, known: &[&str]) -> Diagnostic {
    let en = format!("`{}` is not known here", key.name);
    let ja = format!("「{}」はここでは使えません", key.name);
    let diagnostic =
        Diagnostic::error("E0203", key.span, en, ja).nearest(&key.name, known.iter().copied());
    if diagnostic.hint.is_some() {
        return diagnostic;
    }
    let list = known.join(", ");
    diagnostic.hint(format!("known: {list}"), format!("使えるもの: {list}"))
}

pub(crate) fn text(yaml: &Yaml) -> Result<&str, Diagnostic> {
    yaml.as_text().ok_or_else(|| {
        Diagnostic::error("E0204", yaml.span, "a text is expected here", "ここには文字列が必要です")
    })
}

/// A list of texts, or one text alone.
pub(crate) fn text_list(yaml: &Yaml) -> Result<Vec<(String, Span)>, Diagnostic> {
    match yaml.as_list() {
        Some(items) => items.iter().map(|item| Ok((text(item)?.to_owned(), item.span))).collect(),
        None => Ok(vec![(text(yaml)?.to_owned(), yaml.span)]),
    }
}

pub(crate) fn no_expression(yaml: &Yaml) -> Diagnostic {
    let en = "an expression is expected here: `= …`";
    let diagnostic = Diagnostic::error("E0316", yaml.span, en, "ここには式（= …）が必要です");
    match yaml.as_text() {
        Some(quoted) if quoted.starts_with('=') => diagnostic.hint(
            "write it without the quotes: a quoted text is a constant",
            "引用符を外してください（引用符付きの文字列は定数です）",
        ),
        _ => diagnostic,
    }
}

pub(crate) fn list(yaml: &Yaml) -> Result<&[Yaml], Diagnostic> {
    yaml.as_list().ok_or_else(|| {
        Diagnostic::error("E0208", yaml.span, "a list is expected here", "ここにはリストが必要です")
    })
}
