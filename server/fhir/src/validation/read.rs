//! From bytes to a tree: what can be wrong before FHIR's rules come in.
//!
//! Bounded in size and depth. A reader goes on after what it can pass over (a name twice) and stops
//! at what makes the rest a guess.

mod bytes;
mod element;
mod json;
mod twins;
mod xml;

pub(super) use bytes::Lines;
use std::{borrow::Cow, ops::Range};

pub use bytes::Place;

use super::{
    code::Code,
    limits::Limits,
    tree::{Format, Span, Tree},
};

/// Something wrong with how a document is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub code: Code,
    /// Byte of the source.
    pub at: u32,
    /// FHIRPath of the element that it is in, where that is known.
    pub expression: String,
    /// Names and signs of the syntax, never what a patient's element holds.
    pub found: Option<String>,
    pub allowed: Option<&'static str>,
}

/// What came out of reading.
#[derive(Debug)]
pub struct Reading<'s> {
    /// `None` when it can't be read at all.
    pub tree: Option<Tree<'s>>,
    pub problems: Vec<Problem>,
}

/// The bytes of a document as text.
#[derive(Debug)]
pub struct Text<'s> {
    text: Option<Cow<'s, str>>,
    problems: Problems,
    limits: Limits,
}

/// Those that were found, and how many are kept.
#[derive(Debug, Clone)]
struct Problems {
    kept: Vec<Problem>,
    max: usize,
}

impl Problem {
    fn new(code: Code, at: usize) -> Self {
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        Self { code, at, expression: String::new(), found: None, allowed: None }
    }

    fn found(mut self, found: impl Into<String>) -> Self {
        self.found = Some(found.into());
        self
    }

    fn allowed(mut self, allowed: &'static str) -> Self {
        self.allowed = Some(allowed);
        self
    }
}

impl<'s> Text<'s> {
    pub fn of(source: &'s [u8]) -> Self {
        Self::within(source, Limits::default())
    }

    pub fn within(source: &'s [u8], limits: Limits) -> Self {
        let mut problems = Problems { kept: Vec::new(), max: limits.problems_max };
        let text = bytes::text(source, limits, &mut problems);
        Self { text, problems, limits }
    }

    pub(super) fn as_str(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }

    /// Reads the document. Its format is told by its first sign when none is given.
    pub fn read(&self, format: Option<Format>) -> Reading<'_> {
        let mut problems = self.problems.clone();
        let tree = self.text.as_deref().and_then(|text| {
            let first = text.trim_start_matches(['\u{FEFF}', ' ', '\t', '\r', '\n']).chars().next();
            match format.unwrap_or(if first == Some('<') { Format::Xml } else { Format::Json }) {
                Format::Json => json::read(text, self.limits, &mut problems),
                Format::Xml => xml::read(text, self.limits, &mut problems),
            }
        });
        Reading { tree, problems: problems.kept }
    }
}

impl Problems {
    fn has_room(&self) -> bool {
        self.kept.len() < self.max
    }
}

fn keep(problems: &mut Problems, problem: Problem) {
    if problems.has_room() {
        problems.kept.push(problem);
    }
}

fn source_span(start: usize, end: usize) -> Span {
    Span { start: narrow(start), end: narrow(end), ..Span::EMPTY }
}

/// Of the decoded texts.
fn decoded_span(range: Range<u32>) -> Span {
    Span { start: range.start, end: range.end, is_decoded: true, ..Span::EMPTY }
}

/// A document has less than 4 GB.
fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
