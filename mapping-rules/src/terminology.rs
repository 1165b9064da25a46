//! What can be asked of codes: those of the national masters, the house's own, and the ways between
//! them. Questions and answers are plain values; nobody here knows of HTTP or reads a file.
//!
//! A system whose master is not loaded is told as such ([`Unanswered::NotLoaded`]): nothing is said of
//! its codes, neither yes nor no.

mod catalog;
mod codes;
mod expand;
mod listing;
mod translate;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use chrono::NaiveDate;
use genkan_masters::{Crosswalk, Kind, Store};

use crate::codemap::MapRow;
use crate::program::RuleSet;

pub use codes::{Coded, Relation, Verdict};
pub use expand::{Asked, Expansion, Member};
pub use genkan_masters::Holding;
pub use translate::{Match, Question, Translation};

/// The code systems, value sets and code maps of a site. What there is, is put together when it is first
/// asked for: a server starts without it.
#[derive(Debug)]
pub struct Terminology {
    rules: Arc<RuleSet>,
    masters: Arc<Store>,
    catalog: OnceLock<catalog::Catalog>,
}

/// A code system that masters fill, the house has, or a code map leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeSystem {
    /// Made of its URL: the same everywhere.
    pub id: String,
    pub url: String,
    pub title: String,
    /// Day of the newest file, or a hash of the house's own.
    pub version: Option<String>,
    pub holding: Holding,
    /// Codes that are known.
    pub count: usize,
    /// The masters say which code is above which.
    pub hierarchy: bool,
    /// The house's own codes with their names.
    house: Option<BTreeMap<String, Option<String>>>,
}

impl CodeSystem {
    pub fn is_house(&self) -> bool {
        self.house.is_some()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueSet {
    pub id: String,
    pub url: String,
    pub title: String,
    pub version: Option<String>,
    pub content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Every code of a system, by its place.
    All(usize),
    /// What a code map maps from, by its place.
    Local(usize),
    /// What it maps to.
    Targets(usize),
}

/// A code map as it is known outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Map {
    pub id: String,
    pub url: String,
    pub title: String,
    pub version: String,
    /// All rows of its file, also those that are not used.
    pub rows: Vec<MapRow>,
    /// Its place in [`RuleSet::code_maps`].
    place: usize,
}

impl Map {
    /// Its place in [`RuleSet::code_maps`].
    pub fn place(&self) -> usize {
        self.place
    }
}

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unanswered {
    UnknownSystem,
    UnknownValueSet,
    UnknownMap,
    /// Known by its name; these masters would fill it.
    NotLoaded {
        system: String,
        masters: &'static [Kind],
    },
    NoSuchCode {
        system: String,
        holding: Holding,
    },
    /// There is no such version.
    OtherVersion {
        here: Option<String>,
        /// Those before it that are kept.
        earlier: Vec<String>,
    },
    NoHierarchy {
        system: String,
    },
    /// No code map leads there.
    NoWay,
    TooCostly {
        codes_max: usize,
    },
}

impl Terminology {
    pub fn masters(&self) -> &Arc<Store> {
        &self.masters
    }

    pub fn system(&self, url: &str) -> Option<&CodeSystem> {
        self.systems().iter().find(|system| system.url == url)
    }

    fn crosswalk(&self) -> Crosswalk<'_> {
        Crosswalk::new(&self.masters)
    }

    /// A system with something in it.
    fn loaded(&self, url: &str) -> Result<&CodeSystem, Unanswered> {
        let system = self.system(url).ok_or(Unanswered::UnknownSystem)?;
        if system.holding == Holding::Nothing {
            let masters = Kind::of_system(url);
            return Err(Unanswered::NotLoaded { system: url.to_owned(), masters });
        }
        Ok(system)
    }

    /// The same in a version: `None` is the newest one, and otherwise the day from which it held.
    fn versioned(
        &self,
        url: &str,
        version: Option<&str>,
    ) -> Result<(&CodeSystem, Option<NaiveDate>), Unanswered> {
        let system = self.loaded(url)?;
        let Some(asked) = version.filter(|asked| system.version.as_deref() != Some(*asked)) else {
            return Ok((system, None));
        };
        let earlier = self.earlier(system);
        match earlier.iter().find(|day| day.to_string() == asked) {
            Some(day) => Ok((system, Some(*day))),
            None => Err(Unanswered::OtherVersion {
                here: system.version.clone(),
                earlier: earlier.iter().map(ToString::to_string).collect(),
            }),
        }
    }

    /// The days from which earlier files of a system's masters held, the latest first. What they said is
    /// kept, and each is a version that can be asked.
    pub fn earlier(&self, system: &CodeSystem) -> Vec<NaiveDate> {
        let kinds = Kind::of_system(&system.url);
        let imports = self.masters.imports().iter().filter(|import| kinds.contains(&import.kind));
        let mut days: Vec<NaiveDate> = imports.map(|import| import.effective).collect();
        days.retain(|_| !system.is_house());
        days.sort_unstable_by(|a, b| b.cmp(a));
        days.dedup();
        days.into_iter().skip(1).collect()
    }

    /// The earlier version that held on a day; the oldest one that is kept for days before it. `None` if
    /// the newest holds.
    fn version_on(&self, system: &CodeSystem, day: NaiveDate) -> Option<NaiveDate> {
        let newest = system.version.as_deref()?.parse::<NaiveDate>().ok()?;
        if newest <= day {
            return None;
        }
        let earlier = self.earlier(system);
        earlier.iter().find(|from| **from <= day).or(earlier.last()).copied()
    }
}

/// `url|version`
pub fn split_canonical(text: &str) -> (&str, Option<&str>) {
    match text.split_once('|') {
        Some((url, version)) => (url, Some(version)),
        None => (text, None),
    }
}

/// In use on a day.
fn is_active(from: Option<NaiveDate>, until: Option<NaiveDate>, day: NaiveDate) -> bool {
    from.is_none_or(|from| from <= day) && until.is_none_or(|until| day <= until)
}

#[cfg(test)]
mod tests;
