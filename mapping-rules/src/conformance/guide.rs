//! Versions of the implementation guide: `1.5.3`, `1.12.0`.

use std::fmt;
use std::str::FromStr;

use crate::compile::structure::{Entries, list, text, text_list};
use crate::diagnostic::{Diagnostic, Span, Text};
use crate::yaml::Yaml;

/// A version of the guide, which is that of its profiles too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    major: u16,
    minor: u16,
    patch: u16,
}

/// 実装ガイドの版。A version that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guide {
    pub version: Version,
    /// What profiles of this version also call themselves: `1` of the builds before 1.5.3.
    pub also: Vec<String>,
    /// How far the facts go that the profiles are written from.
    pub facts: Text,
}

impl Guide {
    /// The versions that its profiles call themselves; the one that is meant without a version is the last.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        let own = self.version.to_string();
        self.also.iter().cloned().chain([own])
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Version { major, minor, patch } = self;
        write!(f, "{major}.{minor}.{patch}")
    }
}

/// The text is no version of three numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a version has three numbers: 1.12.0")]
pub struct NoVersion;

impl FromStr for Version {
    type Err = NoVersion;

    fn from_str(text: &str) -> Result<Self, NoVersion> {
        let numbers: Vec<u16> =
            text.split('.').map(str::parse).collect::<Result<_, _>>().map_err(|_| NoVersion)?;
        match numbers.as_slice() {
            [major, minor, patch] => Ok(Version { major: *major, minor: *minor, patch: *patch }),
            _ => Err(NoVersion),
        }
    }
}

pub(super) fn read(yaml: &Yaml) -> Result<Vec<Guide>, Vec<Diagnostic>> {
    let mut found = Vec::new();
    let mut guides = Vec::new();
    let one = |yaml: &Yaml, found: &mut Vec<Diagnostic>| {
        let entries = Entries::of(yaml)?;
        entries.only(&["version", "also", "facts", "facts-ja"], found);
        let (version, span) = entries.text("version")?;
        let also = entries.get("also").map(text_list).transpose()?.unwrap_or_default();
        Ok(Guide {
            version: version_at(version, span)?,
            also: also.into_iter().map(|(text, _)| text).collect(),
            facts: Text::new(entries.text("facts")?.0, entries.text("facts-ja")?.0),
        })
    };
    let listed = Entries::of(yaml).and_then(|entries| list(entries.required("guides")?));
    for yaml in listed.map_err(|diagnostic| vec![diagnostic])? {
        match one(yaml, &mut found) {
            Ok(guide) => guides.push(guide),
            Err(diagnostic) => found.push(diagnostic),
        }
    }
    guides.sort_by_key(|guide| guide.version);
    if found.is_empty() { Ok(guides) } else { Err(found) }
}

pub(super) fn version(yaml: &Yaml) -> Result<Version, Diagnostic> {
    version_at(text(yaml)?, yaml.span)
}

fn version_at(text: &str, span: Span) -> Result<Version, Diagnostic> {
    text.parse().map_err(|error: NoVersion| {
        let ja = "版は 1.12.0 のように3つの数字で書いてください";
        Diagnostic::error("E0702", span, error.to_string(), ja)
    })
}

pub(super) fn unknown(version: Version, known: impl Iterator<Item = Version>) -> Diagnostic {
    let known: Vec<String> = known.map(|version| version.to_string()).collect();
    let known = known.join(", ");
    let en = format!("there are no profiles of the guide {version}; there are those of {known}");
    let ja = format!("実装ガイド {version} のプロファイルはありません。使える版: {known}");
    Diagnostic::error("E0703", Span::default(), en, ja)
}
