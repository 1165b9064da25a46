//! Looking codes up in the packed form. Nothing is trusted: a place that leads nowhere is a damaged
//! file, never a panic.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;

use super::pack::{MAGIC, MAGIC_WITHOUT_REVISIONS, OPEN};
use super::{Edition, Entry, Import, Masters};
use crate::concept::{Concept, Property};
use crate::crosswalk::Inverses;
use crate::kind::Kind;

const HASH_BYTES: usize = 32;

/// Why a file of masters can't be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    #[error("not a file of masters, or of another version of Genkan")]
    NotOurs,
    #[error("the file of masters is damaged; import the masters again")]
    Damaged,
}

/// Packed masters. Clones share the bytes.
#[derive(Debug, Clone, Default)]
pub struct Store {
    bytes: Arc<Vec<u8>>,
    imports: Vec<Import>,
    systems: BTreeMap<String, Place>,
    /// What files said that hold from a later day on is not seen.
    as_of: Option<NaiveDate>,
    /// Made of the rest, so that clones share it.
    inverses: Arc<Inverses>,
}

/// Where a text is in the bytes of a store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stood {
    at: u32,
    length: u32,
}

/// Where the codes of a system are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub count: usize,
    /// Of the table of offsets.
    table: usize,
    blob: usize,
}

/// A code as it is known: what its masters say together, and what they said before.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// The name is that of the first master in [`Kind`]'s order; other names and properties are those
    /// of all.
    pub concept: Concept,
    /// By master; the latest edition is the last.
    pub editions: BTreeMap<Kind, Vec<Edition>>,
}

impl Known {
    /// What one of its masters says of it now.
    pub fn latest(&self, kind: Kind) -> Option<&Concept> {
        Some(&self.editions.get(&kind)?.last()?.concept)
    }
}

impl Store {
    /// Opens packed bytes: checks their hash, and reads the list of systems and nothing else.
    pub fn open(bytes: Vec<u8>) -> Result<Self, StoreError> {
        // The first form had no revisions of readers: what it holds was read by the first ones.
        let has_revisions = match bytes.get(..MAGIC.len()) {
            Some(magic) if magic == MAGIC => true,
            Some(magic) if magic == MAGIC_WITHOUT_REVISIONS => false,
            _ => return Err(StoreError::NotOurs),
        };
        let content = bytes.len().checked_sub(HASH_BYTES).ok_or(StoreError::Damaged)?;
        if blake3::hash(&bytes[..content]).as_bytes().as_slice() != &bytes[content..] {
            return Err(StoreError::Damaged);
        }
        let mut at = At { bytes: &bytes[..content], place: MAGIC.len() };
        let (imports, systems) = at.head(has_revisions).ok_or(StoreError::Damaged)?;
        let (bytes, inverses) = (Arc::new(bytes), Arc::default());
        Ok(Store { bytes, imports, systems, as_of: None, inverses })
    }

    /// The masters as they were on a day: with what files said that held by then, and nothing else.
    #[must_use]
    pub fn as_of(&self, day: NaiveDate) -> Self {
        let mut then = Store { as_of: Some(day), inverses: Arc::default(), ..self.clone() };
        let systems = std::mem::take(&mut then.systems);
        let known =
            |place: &Place| (0..place.count).any(|index| then.known_at(place, index).is_some());
        let systems = systems.into_iter().filter(|(_, place)| known(place)).collect();
        Store { systems, ..then }
    }

    /// Whether what an import said counts here.
    pub(super) fn sees(&self, import: usize) -> bool {
        let Some(day) = self.as_of else { return true };
        self.imports.get(import).is_some_and(|import| import.effective <= day)
    }

    /// Whether a file of this master was imported.
    pub fn has_file(&self, of: Kind) -> bool {
        let mut files = self.imports.iter().enumerate();
        files.any(|(place, import)| import.kind == of && self.sees(place))
    }

    pub(crate) fn inverses(&self) -> &Inverses {
        &self.inverses
    }

    /// Where a text that was read from here is; `None` of any other.
    pub(crate) fn stood(&self, text: &str) -> Option<Stood> {
        let at = text.as_ptr().addr().checked_sub(self.bytes.as_ptr().addr())?;
        let is_own = at.checked_add(text.len())? <= self.bytes.len();
        let (at, length) = (u32::try_from(at).ok()?, u32::try_from(text.len()).ok()?);
        is_own.then_some(Stood { at, length })
    }

    pub(crate) fn text_at(&self, stood: Stood) -> &str {
        let (at, length) = (stood.at as usize, stood.length as usize);
        let bytes = self.bytes.get(at..at + length).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    pub fn imports(&self) -> &[Import] {
        &self.imports
    }

    /// The newest file of each master that was read by an earlier reader than this program has: what it
    /// has learned to read since is not there until the file is imported again.
    pub fn outdated(&self) -> impl Iterator<Item = &Import> {
        Kind::ALL.into_iter().filter_map(|kind| {
            let newest = self.imports.iter().rfind(|import| import.kind == kind)?;
            (newest.revision < kind.revision()).then_some(newest)
        })
    }

    /// The code systems that there are codes of.
    pub fn systems(&self) -> impl Iterator<Item = &str> {
        self.systems.keys().map(String::as_str)
    }

    /// Whether anything is known of a system: a code of one that isn't loaded is neither right nor
    /// wrong.
    pub fn has(&self, system: &str) -> bool {
        self.systems.contains_key(system)
    }

    pub fn count(&self, system: &str) -> usize {
        match self.as_of {
            None => self.systems.get(system).map_or(0, |place| place.count),
            Some(_) => self.all(system).count(),
        }
    }

    pub fn lookup(&self, system: &str, code: &str) -> Option<Known> {
        let place = self.systems.get(system)?;
        let (mut low, mut high) = (0, place.count);
        while low < high {
            let middle = low.midpoint(high);
            let mut at = self.entry(place, middle)?;
            match at.bytes()?.cmp(code.as_bytes()) {
                std::cmp::Ordering::Equal => return self.known(code, at.editions(code)?),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// All codes of a system, in their order.
    pub fn all(&self, system: &str) -> impl Iterator<Item = Known> + '_ {
        let place = self.systems.get(system).copied();
        let indexes =
            place.into_iter().flat_map(|place| (0..place.count).map(move |index| (place, index)));
        indexes.filter_map(|(place, index)| self.known_at(&place, index))
    }

    fn known_at(&self, place: &Place, index: usize) -> Option<Known> {
        let mut at = self.entry(place, index)?;
        let code = at.text()?.to_owned();
        self.known(&code, at.editions(&code)?)
    }

    /// `None` of a code that nothing is seen of.
    fn known(&self, code: &str, mut editions: BTreeMap<Kind, Vec<Edition>>) -> Option<Known> {
        if self.as_of.is_some() {
            for of_kind in editions.values_mut() {
                of_kind.retain(|edition| self.sees(edition.import));
            }
            editions.retain(|_, of_kind| !of_kind.is_empty());
        }
        known(code, editions)
    }

    pub(super) fn place(&self, system: &str) -> Option<Place> {
        self.systems.get(system).copied()
    }

    pub(super) fn entry(&self, place: &Place, index: usize) -> Option<At<'_>> {
        let mut table = At { bytes: &self.bytes, place: place.table + index * 4 };
        let offset = table.count()?;
        Some(At { bytes: &self.bytes, place: place.blob.checked_add(offset)? })
    }

    /// To be changed by further imports.
    pub fn unpack(&self) -> Masters {
        let mut systems = BTreeMap::new();
        for system in self.systems() {
            let codes = self.all(system).map(|known| (known.concept.code, Entry(known.editions)));
            systems.insert(system.to_owned(), codes.collect());
        }
        Masters { imports: self.imports.clone(), systems }
    }
}

fn known(code: &str, editions: BTreeMap<Kind, Vec<Edition>>) -> Option<Known> {
    let mut latest = editions.values().filter_map(|editions| editions.last());
    let mut concept = latest.next()?.concept.clone();
    code.clone_into(&mut concept.code);
    for edition in latest {
        for name in &edition.concept.synonyms {
            if *name != concept.display && !concept.synonyms.contains(name) {
                concept.synonyms.push(name.clone());
            }
        }
        for (property, values) in &edition.concept.properties {
            values.iter().for_each(|value| concept.add(*property, value));
        }
    }
    Some(Known { concept, editions })
}

/// A place in the bytes that moves forward.
#[derive(Clone, Copy)]
pub(super) struct At<'b> {
    bytes: &'b [u8],
    place: usize,
}

impl<'b> At<'b> {
    fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let end = self.place.checked_add(length)?;
        let taken = self.bytes.get(self.place..end)?;
        self.place = end;
        Some(taken)
    }

    fn number(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    pub fn count(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }

    pub fn text(&mut self) -> Option<&'b str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    /// Of a text, which are ordered as its letters are.
    fn bytes(&mut self) -> Option<&'b [u8]> {
        let length = self.count()?;
        self.take(length)
    }

    fn optional(&mut self) -> Option<Option<String>> {
        match self.take(1)? {
            [0] => Some(None),
            _ => Some(Some(self.text()?.to_owned())),
        }
    }

    /// Over a text.
    pub fn skip(&mut self) -> Option<()> {
        let length = self.count()?;
        self.take(length).map(|_| ())
    }

    /// Over an optional text.
    pub fn skip_optional(&mut self) -> Option<()> {
        if self.take(1)? != [0] {
            self.skip()?;
        }
        Some(())
    }

    /// Over a text, and whether it is this one.
    pub fn is_text(&mut self, text: &str) -> Option<bool> {
        let length = self.count()?;
        Some(self.take(length)? == text.as_bytes())
    }

    pub fn date(&mut self) -> Option<Option<NaiveDate>> {
        let days = i32::from_le_bytes(self.take(4)?.try_into().ok()?);
        if days == OPEN {
            return Some(None);
        }
        Some(Some(NaiveDate::from_num_days_from_ce_opt(days)?))
    }

    fn head(&mut self, has_revisions: bool) -> Option<(Vec<Import>, BTreeMap<String, Place>)> {
        let mut imports = Vec::new();
        for _ in 0..self.count()? {
            imports.push(Import {
                kind: Kind::by_word(self.text()?)?,
                file: self.text()?.to_owned(),
                hash: self.take(HASH_BYTES)?.try_into().ok()?,
                effective: self.date()??,
                rows: self.number()?,
                rejected: self.number()?,
                revision: if has_revisions { self.number()? } else { 1 },
            });
        }
        let mut systems = BTreeMap::new();
        for _ in 0..self.count()? {
            let url = self.text()?.to_owned();
            let count = self.count()?;
            let table = self.place;
            self.take(count.checked_mul(4)?)?;
            let length = self.count()?;
            let blob = self.place;
            self.take(length)?;
            systems.insert(url, Place { count, table, blob });
        }
        Some((imports, systems))
    }

    fn editions(&mut self, code: &str) -> Option<BTreeMap<Kind, Vec<Edition>>> {
        let mut all = BTreeMap::new();
        for _ in 0..self.count()? {
            let kind = Kind::by_word(self.text()?)?;
            let count = self.count()?;
            let editions: Option<Vec<Edition>> = (0..count).map(|_| self.edition(code)).collect();
            all.insert(kind, editions?);
        }
        Some(all)
    }

    fn edition(&mut self, code: &str) -> Option<Edition> {
        let import = self.count()?;
        let mut concept = Concept::new(code, self.text()?);
        concept.kana = self.optional()?;
        concept.from = self.date()?;
        concept.until = self.date()?;
        concept.successor = self.optional()?;
        for _ in 0..self.count()? {
            concept.synonyms.push(self.text()?.to_owned());
        }
        for _ in 0..self.count()? {
            let property = Property::by_code(self.text()?)?;
            let count = self.count()?;
            let values: Option<Vec<String>> =
                (0..count).map(|_| Some(self.text()?.to_owned())).collect();
            concept.properties.insert(property, values?);
        }
        Some(Edition { import, concept })
    }
}
