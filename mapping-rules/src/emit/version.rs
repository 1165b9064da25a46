//! Which version of a resource a record is: `meta.versionId`, and what stands for it in the ETag of a
//! part.
//!
//! A version is a hash of everything that the resource is made of: the row image, the rule files and
//! the site's constants. With `version: updated` the author of the rule declares that no change goes
//! past the columns of `updated`: then they and the key stand for the row, and the version is known
//! before anything else is read.

use genkan_adapter::{Row, Value};

use super::{Emitter, Record, updated};
use crate::program::{Place, Rule, Version};
use crate::projection::Projection;

/// What an ETag says of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    pub text: String,
    /// It is the `meta.versionId`; otherwise a hash of what was read for a part, which says nothing of
    /// the rest.
    pub is_version: bool,
}

impl Emitter<'_> {
    /// The tag of a record that was fetched for the whole resource or for this part of it.
    pub fn tag(&self, rule: &Rule, record: &Record, part: Option<&Projection>) -> Tag {
        if let Some(tag) = self.declared(rule, record) {
            return tag;
        }
        let mut hasher = self.hasher();
        hash_record(record, &mut hasher);
        match part {
            None => Tag { text: text(&hasher), is_version: true },
            Some(part) => {
                hasher.update(format!("{:?}", part.shape).as_bytes());
                // No version has a hyphen.
                Tag { text: format!("{}-subset", text(&hasher)), is_version: false }
            }
        }
    }

    /// The tag, if the root row alone tells it.
    pub fn tag_of_row(&self, rule: &Rule, row: &Row) -> Option<Tag> {
        if !rule.updated_in_root() {
            return None;
        }
        let row = row.clone();
        self.declared(rule, &Record { row, children: Vec::new(), contained: Vec::new() })
    }

    /// By `version: updated`; `None` of a row that says no time, whose image has to do.
    fn declared(&self, rule: &Rule, record: &Record) -> Option<Tag> {
        if rule.version != Version::Updated {
            return None;
        }
        updated::of_record(self.rules, rule, record)?;
        let mut hasher = self.hasher();
        hasher.update(rule.id.as_bytes());
        let cell = |index: usize| record.row.values().get(index).cloned().unwrap_or(Value::Null);
        hash_row(&Row(rule.key.iter().map(|column| cell(column.index)).collect()), &mut hasher);
        for term in &rule.updated {
            term.names(&mut |column| match column.place {
                Place::Root => hash_row(&Row(Box::new([cell(column.index)])), &mut hasher),
                Place::Child(child) => {
                    let rows = record.children.get(child).map(Vec::as_slice).unwrap_or_default();
                    hasher.update(&(rows.len() as u64).to_le_bytes());
                    for row in rows {
                        let cell = row.values().get(column.index).cloned();
                        hash_row(&Row(Box::new([cell.unwrap_or(Value::Null)])), &mut hasher);
                    }
                }
            });
        }
        Some(Tag { text: text(&hasher), is_version: true })
    }

    fn hasher(&self) -> blake3::Hasher {
        let mut hasher = blake3::Hasher::new();
        // References hold ids: made in another way, they are another resource.
        hasher.update(&self.rules.fingerprint).update(&self.identity.way());
        hasher
    }
}

fn text(hasher: &blake3::Hasher) -> String {
    let mut text = data_encoding::BASE32_NOPAD.encode(&hasher.finalize().as_bytes()[..10]);
    text.make_ascii_lowercase();
    text
}

fn hash_record(record: &Record, hasher: &mut blake3::Hasher) {
    hash_row(&record.row, hasher);
    for rows in &record.children {
        hasher.update(&(rows.len() as u64).to_le_bytes());
        rows.iter().for_each(|row| hash_row(row, hasher));
    }
    for contained in &record.contained {
        hasher.update(&[u8::from(contained.is_some())]);
        if let Some(contained) = contained {
            hash_record(contained, hasher);
        }
    }
}

/// Each cell with its kind and length, so that no two different rows have the same image.
fn hash_row(row: &Row, hasher: &mut blake3::Hasher) {
    let mut image: Vec<u8> = Vec::with_capacity(256);
    let mut cell = |kind: u8, bytes: &[u8]| {
        image.push(kind);
        image.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        image.extend_from_slice(bytes);
    };
    for value in row.values() {
        match value {
            Value::Null => cell(0, &[]),
            Value::Boolean(value) => cell(1, &[u8::from(*value)]),
            Value::Integer(value) => cell(2, &value.to_le_bytes()),
            Value::Decimal(value) => cell(3, value.as_str().as_bytes()),
            Value::Text(value) => cell(4, value.as_bytes()),
            Value::Bytes(value) => cell(5, value),
            Value::Date(value) => cell(6, value.to_string().as_bytes()),
            Value::Time(value) => cell(7, value.to_string().as_bytes()),
            Value::DateTime(value) => cell(8, value.to_string().as_bytes()),
            Value::Instant(value) => cell(9, &value.timestamp_micros().to_le_bytes()),
            Value::Unreadable(value) => cell(10, value.bytes()),
        }
    }
    hasher.update(&image);
}
