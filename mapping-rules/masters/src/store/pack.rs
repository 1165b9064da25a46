//! Masters as bytes. Numbers are little-endian; texts have their length in front; each system has a
//! table of where its codes begin, in their order, so that one is found by halving.

use chrono::{Datelike as _, NaiveDate};

use super::{Edition, Entry, Import, Masters};
use crate::concept::Concept;

pub(super) const MAGIC: &[u8; 8] = b"GKMSTR02";
/// Imports without [`Import::revision`].
pub(super) const MAGIC_WITHOUT_REVISIONS: &[u8; 8] = b"GKMSTR01";
/// `None` of a date.
pub(super) const OPEN: i32 = i32::MIN;

impl Masters {
    /// The packed form, with its hash at the end.
    pub fn pack(&self) -> Vec<u8> {
        let mut out = Out(MAGIC.to_vec());
        out.count(self.imports.len());
        self.imports.iter().for_each(|import| out.import(import));
        out.count(self.systems.len());
        for (url, codes) in &self.systems {
            out.text(url);
            let mut blob = Out(Vec::new());
            out.count(codes.len());
            for (code, entry) in codes {
                out.count(blob.0.len());
                blob.entry(code, entry);
            }
            out.count(blob.0.len());
            out.0.extend(blob.0);
        }
        let hash = blake3::hash(&out.0);
        out.0.extend(hash.as_bytes());
        out.0
    }
}

struct Out(Vec<u8>);

impl Out {
    fn count(&mut self, count: usize) {
        self.0.extend(u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.extend(text.as_bytes());
    }

    fn optional(&mut self, text: Option<&str>) {
        self.0.push(u8::from(text.is_some()));
        text.into_iter().for_each(|text| self.text(text));
    }

    fn date(&mut self, date: Option<NaiveDate>) {
        let days = date.map_or(OPEN, |date| date.num_days_from_ce());
        self.0.extend(days.to_le_bytes());
    }

    fn import(&mut self, import: &Import) {
        self.text(import.kind.word());
        self.text(&import.file);
        self.0.extend(import.hash);
        self.date(Some(import.effective));
        self.0.extend(import.rows.to_le_bytes());
        self.0.extend(import.rejected.to_le_bytes());
        self.0.extend(import.revision.to_le_bytes());
    }

    fn entry(&mut self, code: &str, entry: &Entry) {
        self.text(code);
        self.count(entry.0.len());
        for (kind, editions) in &entry.0 {
            self.text(kind.word());
            self.count(editions.len());
            editions.iter().for_each(|edition| self.edition(edition));
        }
    }

    fn edition(&mut self, edition: &Edition) {
        self.count(edition.import);
        let Concept { display, kana, synonyms, from, until, successor, properties, .. } =
            &edition.concept;
        self.text(display);
        self.optional(kana.as_deref());
        self.date(*from);
        self.date(*until);
        self.optional(successor.as_deref());
        self.count(synonyms.len());
        synonyms.iter().for_each(|synonym| self.text(synonym));
        self.count(properties.len());
        for (property, values) in properties {
            self.text(property.code());
            self.count(values.len());
            values.iter().for_each(|value| self.text(value));
        }
    }
}
