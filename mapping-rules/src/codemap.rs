//! Code maps: house codes (院内コード) to national standard codes, with dates, status and a policy for
//! what is not mapped. Forwards for `$code`, backwards for searches by standard code.
//!
//! All rows of a local code are folded into *segments* of time in which its codings do not change, so
//! that both directions read the same table.

pub mod concept_map;
mod derive;
mod entry;
mod recheck;
pub mod review;
mod sheet;
pub mod suggest;
mod table;
mod together;
mod verify;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use genkan_masters::Kind;

use crate::diagnostic::Span;

pub(crate) use derive::complete;
pub use entry::{MapRow, csv, rows};
pub use recheck::{Outdated, What, recheck};
pub use sheet::decode as text_of;
pub(crate) use sheet::{Cell, Sheet, decode};
pub(crate) use table::{RowProblem, Rows, overlapping, read};
pub use verify::Compared;
pub(crate) use verify::verify;

#[derive(Debug, Clone)]
pub struct CodeMap {
    pub id: String,
    pub span: Span,
    pub local_system: String,
    pub local_emit: LocalEmit,
    /// In order of preference, which is the order in `coding`.
    pub targets: Vec<Target>,
    pub unmapped: Unmapped,
    /// Segments of each local code, in order of time, without gaps of meaning: a time that no
    /// segment covers is unmapped.
    segments: BTreeMap<String, Vec<Segment>>,
    /// (system, code) → local codes and the segment in which they carry it.
    reverse: BTreeMap<(String, String), Vec<Holder>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalEmit {
    Always,
    WhenUnmapped,
    Never,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub id: String,
    pub system: String,
    /// Used only where none of these targets has a code.
    pub only_if_none: Vec<String>,
    pub derive: Option<Derive>,
    /// Not a coding but an extension of the concept with this URL, and as many at once as there are: the
    /// 修飾語 of a disease whose house code stands for all of its name.
    pub extension: Option<String>,
}

/// A target whose codes follow from those of another target, as a master says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derive {
    /// The other target.
    pub from: String,
    pub table: Kind,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coding {
    pub system: String,
    /// Of the master (標準コードマスタ) that the code was taken from: `master_version` of the row.
    pub version: Option<String>,
    pub code: String,
    pub display: Option<String>,
    /// Where it is written: a row of the CSV or `codings` of the map; `None` of the house's own.
    pub span: Option<Span>,
}

/// What happens to a local code without a standard code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmapped {
    pub policy: UnmappedPolicy,
    pub severity: UnmappedSeverity,
    /// The official codes for "not coded"; chosen by the rule's `with` if `by` has its value.
    pub codings: Vec<Coding>,
    pub by: Vec<(String, Vec<Coding>)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnmappedPolicy {
    /// The resource is not made.
    Error,
    /// No standard coding, with an issue.
    Warn,
    /// Only the text.
    TextOnly,
    /// The official uncoded codes.
    Uncoded,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnmappedSeverity {
    Error,
    Warning,
    Information,
}

/// A time in which the codings of a local code do not change; `until` is the first day after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    pub from: Option<NaiveDate>,
    pub until: Option<NaiveDate>,
    pub codings: Vec<Coding>,
    /// In the order of the targets, then of the file.
    pub modifiers: Vec<Modifier>,
    /// Targets that had more than one code at this time and were left out.
    pub ambiguous: Vec<String>,
}

/// A part of what a house code stands for, shown as an extension of its concept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Modifier {
    /// The URL of the extension.
    pub extension: String,
    pub coding: Coding,
}

/// A local code that carries some coding, while its segment lasts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    pub local: String,
    pub from: Option<NaiveDate>,
    pub until: Option<NaiveDate>,
}

impl Segment {
    fn covers(&self, day: NaiveDate) -> bool {
        self.from.is_none_or(|from| from <= day) && self.until.is_none_or(|until| day < until)
    }
}

impl Holder {
    pub fn covers(&self, day: NaiveDate) -> bool {
        self.from.is_none_or(|from| from <= day) && self.until.is_none_or(|until| day < until)
    }
}

impl CodeMap {
    /// A map with its policy and no rows yet.
    pub(crate) fn new(
        id: String,
        span: Span,
        (local_system, local_emit): (String, LocalEmit),
        targets: Vec<Target>,
        unmapped: Unmapped,
    ) -> Self {
        let (segments, reverse) = (BTreeMap::new(), BTreeMap::new());
        CodeMap { id, span, local_system, local_emit, targets, unmapped, segments, reverse }
    }

    /// The codings of a local code on a clinical day. Without a day, those that hold without an end.
    pub fn translate(&self, local: &str, day: Option<NaiveDate>) -> Option<&Segment> {
        let mut segments = self.segments.get(local)?.iter();
        let found = match day {
            Some(day) => segments.find(|segment| segment.covers(day)),
            None => segments.find(|segment| segment.until.is_none()),
        };
        found.filter(|segment| !segment.codings.is_empty() || !segment.ambiguous.is_empty())
    }

    /// Every standard coding that some local code has on a day.
    pub fn codings_on(&self, day: NaiveDate) -> impl Iterator<Item = &Coding> {
        let segments = self.segments.values().flatten().filter(move |one| one.covers(day));
        segments.flat_map(|segment| &segment.codings)
    }

    /// The uncoded codings for a value of `with`.
    pub fn uncoded(&self, with: Option<&str>) -> &[Coding] {
        let chosen = with.and_then(|with| self.unmapped.by.iter().find(|(key, _)| key == with));
        chosen.map_or(&self.unmapped.codings, |(_, codings)| codings)
    }

    /// Who carries this code; any system if `None`.
    pub fn holders(&self, system: Option<&str>, code: &str) -> Vec<&Holder> {
        let systems: Vec<&str> = match system {
            Some(system) => vec![system],
            None => self.targets.iter().map(|target| target.system.as_str()).collect(),
        };
        let mut holders: Vec<&Holder> = systems
            .into_iter()
            .filter_map(|system| self.reverse.get(&(system.to_owned(), code.to_owned())))
            .flatten()
            .collect();
        holders.sort_unstable_by_key(|holder| (&holder.local, holder.from));
        holders.dedup();
        holders
    }

    /// Everyone who carries a standard code of this system (of any, if `None`).
    pub fn mapped(&self, system: Option<&str>) -> Vec<Holder> {
        self.carrying(false, |coding| system.is_none_or(|system| system == coding.system))
    }

    /// Everyone who carries a standard coding like this; `first`: before all others, which is all that
    /// a Coding or a code shows.
    pub fn carrying(&self, first: bool, is_wanted: impl Fn(&Coding) -> bool) -> Vec<Holder> {
        let shown = if first { 1 } else { usize::MAX };
        let mut holders = Vec::new();
        for (local, segments) in &self.segments {
            for segment in segments {
                if segment.codings.iter().take(shown).any(&is_wanted) {
                    let (from, until) = (segment.from, segment.until);
                    holders.push(Holder { local: local.clone(), from, until });
                }
            }
        }
        holders
    }

    /// When this local code carries some standard code.
    pub fn mapped_times(&self, local: &str) -> Vec<Holder> {
        let segments = self.segments.get(local).map(Vec::as_slice).unwrap_or_default();
        let mapped = segments.iter().filter(|segment| !segment.codings.is_empty());
        mapped
            .map(|segment| {
                let (from, until) = (segment.from, segment.until);
                Holder { local: local.to_owned(), from, until }
            })
            .collect()
    }

    /// Where this coding is the first.
    pub fn leading(&self, system: Option<&str>, code: Option<&str>) -> Vec<Holder> {
        self.carrying(true, |coding| {
            system.is_none_or(|system| system == coding.system)
                && code.is_none_or(|code| code == coding.code)
        })
    }

    /// Every uncoded coding with the value of `with` that brings it (`None`: all others).
    pub fn uncoded_choices(&self) -> impl Iterator<Item = (Option<&str>, &Coding)> {
        let chosen = self
            .unmapped
            .by
            .iter()
            .flat_map(|(with, codings)| codings.iter().map(move |c| (Some(with.as_str()), c)));
        chosen.chain(self.unmapped.codings.iter().map(|coding| (None, coding)))
    }

    /// Takes the accepted rows of the CSV in; `file` is its index.
    pub(crate) fn fill(&mut self, file: u16, rows: &Rows) {
        for (local, segments) in table::segments(&self.targets, file, rows) {
            for segment in &segments {
                for coding in &segment.codings {
                    let key = (coding.system.clone(), coding.code.clone());
                    let (from, until) = (segment.from, segment.until);
                    let holder = Holder { local: local.clone(), from, until };
                    self.reverse.entry(key).or_default().push(holder);
                }
            }
            self.segments.insert(local, segments);
        }
    }
}

#[cfg(test)]
mod tests;
