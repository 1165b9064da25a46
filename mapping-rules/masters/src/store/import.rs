//! A file's changes, applied to what is there.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};

use super::{Edition, Entry, Import, Masters};
use crate::concept::{Change, Concept};
use crate::kind::Kind;
use crate::reading::{Reading, Scope};

/// What an import did to one code system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    pub added: usize,
    pub changed: usize,
    pub retired: usize,
    pub unchanged: usize,
    /// Changes of codes that are not there.
    pub unapplied: Vec<Unapplied>,
}

/// A change that has nothing to change: an update came before the file that it updates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unapplied {
    pub code: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    #[error("`{file}` was imported already")]
    Known { file: String },
    #[error("`{file}` holds from {there} on, later than this one ({this}): import files in order")]
    Older { file: String, there: NaiveDate, this: NaiveDate },
    #[error("an update needs the full master first")]
    NoFull,
    #[error("it only adds names to codes of other masters ({needed}): import one of them first")]
    NothingNamed { needed: String },
    #[error("most lines of the file can't be used ({rejected} of {rows})")]
    MostlyRejected { rejected: usize, rows: usize },
}

impl Masters {
    /// Applies a file; the answer says, by code system, what it did. On an error nothing has changed.
    pub fn apply(
        &mut self,
        reading: &Reading,
        (file, hash, effective): (&str, [u8; 32], NaiveDate),
    ) -> Result<BTreeMap<&'static str, Applied>, ImportError> {
        self.check(reading, &hash, effective)?;
        let import = self.imports.len();
        self.imports.push(Import {
            kind: reading.kind,
            file: file.to_owned(),
            hash,
            effective,
            rows: u32::try_from(reading.rows).unwrap_or(u32::MAX),
            rejected: u32::try_from(reading.rejected.len()).unwrap_or(u32::MAX),
            revision: reading.kind.revision(),
        });
        let mut applied = BTreeMap::new();
        for (system, changes) in &reading.systems {
            let codes = self.systems.entry((*system).to_owned()).or_default();
            let last_day = effective.checked_sub_days(Days::new(1));
            let kind = reading.kind;
            let mut work = Work { codes, kind, import, last_day, done: Applied::default() };
            for change in changes {
                work.change(change);
            }
            if reading.scope == Scope::Full && !kind.only_names() {
                let said: BTreeSet<&str> = changes.iter().map(Change::code).collect();
                work.retire_others(&said);
            }
            applied.insert(*system, work.done);
        }
        // Nothing is known of a system without a code.
        self.systems.retain(|_, codes| !codes.is_empty());
        Ok(applied)
    }

    fn check(
        &self,
        reading: &Reading,
        hash: &[u8; 32],
        effective: NaiveDate,
    ) -> Result<(), ImportError> {
        let again =
            |import: &&Import| import.hash == *hash && import.revision == reading.kind.revision();
        if let Some(known) = self.imports.iter().find(again) {
            return Err(ImportError::Known { file: known.file.clone() });
        }
        let (rejected, rows) = (reading.rejected.len(), reading.rows);
        if rejected * 2 > rows {
            return Err(ImportError::MostlyRejected { rejected, rows });
        }
        let mut before = self.imports.iter().filter(|import| import.kind == reading.kind);
        if let Some(later) = before.clone().find(|import| import.effective > effective) {
            let (file, there) = (later.file.clone(), later.effective);
            return Err(ImportError::Older { file, there, this: effective });
        }
        // 薬価基準 comes in parts that are no updates.
        if reading.scope == Scope::Update
            && reading.kind != Kind::PriceList
            && before.next().is_none()
        {
            return Err(ImportError::NoFull);
        }
        let has_any = |system: &&str| self.systems.get(*system).is_some_and(|all| !all.is_empty());
        if reading.kind.only_names() && !reading.systems.keys().any(has_any) {
            let needed: BTreeSet<&str> = reading
                .systems
                .keys()
                .flat_map(|system| Kind::of_system(system))
                .map(|kind| kind.word())
                .collect();
            let needed = needed.into_iter().collect::<Vec<_>>().join(", ");
            return Err(ImportError::NothingNamed { needed });
        }
        Ok(())
    }
}

struct Work<'m> {
    codes: &'m mut BTreeMap<String, Entry>,
    kind: Kind,
    import: usize,
    /// Before the file holds.
    last_day: Option<NaiveDate>,
    done: Applied,
}

impl Work<'_> {
    fn change(&mut self, change: &Change) {
        match change {
            Change::Is(concept) => self.becomes(concept.clone()),
            Change::Amends(part) => match self.now(&part.code) {
                Some(known) => self.becomes(amended(known, part)),
                None => self.done.unapplied.push(Unapplied { code: part.code.clone() }),
            },
            // A master without this code has nothing to add names to.
            Change::Adds(concept) if self.codes.contains_key(&concept.code) => {
                self.becomes(concept.clone());
            }
            Change::Adds(concept) => {
                self.done.unapplied.push(Unapplied { code: concept.code.clone() });
            }
            Change::Ends { code, until, successor } => match self.now(code) {
                Some(mut known) => {
                    known.until = until.or(known.until).or(self.last_day);
                    known.successor = successor.clone().or(known.successor);
                    self.becomes(known);
                }
                None => self.done.unapplied.push(Unapplied { code: code.clone() }),
            },
        }
    }

    fn now(&self, code: &str) -> Option<Concept> {
        let edition = self.codes.get(code)?.latest(self.kind)?;
        Some(edition.concept.clone())
    }

    fn becomes(&mut self, concept: Concept) {
        let entry = self.codes.entry(concept.code.clone()).or_default();
        let editions = entry.0.entry(self.kind).or_default();
        match editions.last() {
            None => self.done.added += 1,
            Some(known) if known.concept == concept => {
                self.done.unchanged += 1;
                return;
            }
            Some(known) if known.concept.until.is_none() && concept.until.is_some() => {
                self.done.retired += 1;
            }
            Some(_) => self.done.changed += 1,
        }
        // One file says one thing of a code: what comes last.
        if editions.last().is_some_and(|known| known.import == self.import) {
            editions.pop();
        }
        editions.push(Edition { import: self.import, concept });
    }

    /// What a full file does not have any more was in use until the day before.
    fn retire_others(&mut self, said: &BTreeSet<&str>) {
        let gone = self.codes.iter().filter(|(code, entry)| {
            let latest = entry.latest(self.kind);
            !said.contains(code.as_str())
                && latest.is_some_and(|edition| edition.concept.until.is_none())
        });
        let gone: Vec<String> = gone.map(|(code, _)| code.clone()).collect();
        for code in gone {
            self.change(&Change::Ends { code, until: None, successor: None });
        }
    }
}

/// An update leaves blank what stays.
fn amended(mut known: Concept, part: &Concept) -> Concept {
    if !part.display.is_empty() {
        known.display.clone_from(&part.display);
    }
    known.kana = part.kana.clone().or(known.kana);
    if !part.synonyms.is_empty() {
        known.synonyms.clone_from(&part.synonyms);
    }
    known.from = part.from.or(known.from);
    known.until = part.until.or(known.until);
    known.successor = part.successor.clone().or(known.successor);
    for (property, values) in &part.properties {
        known.properties.insert(*property, values.clone());
    }
    known
}
