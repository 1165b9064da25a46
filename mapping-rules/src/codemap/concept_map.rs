//! A code map as a ConceptMap of R4, and back without loss.
//!
//! R4 has no place for dates, states and reviewers of a mapping: they stand in extensions of our own.
//! What must not be overlooked, a state that is not used and dates, is a `modifierExtension`: who does
//! not know it must not use the mapping. Spec: <https://hl7.org/fhir/R4/conceptmap.html>

mod back;
mod words;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::entry::MapRow;
use super::{CodeMap, Coding};
pub use back::{NoRows, rows_of};
pub use words::{equivalence, reversed};

/// Before the name of each extension.
pub const EXTENSION: &str = "urn:x-genkan:code-map-row:";
/// Of R4's invariant: narrower and inexact mappings have a comment.
const NO_COMMENT: &str = "no note";

/// What a ConceptMap says of the whole map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub id: String,
    pub url: String,
    pub version: String,
    pub title: String,
    /// Value sets of the house's codes and of what they are mapped to.
    pub source: String,
    pub target: String,
}

/// The ConceptMap of these rows; `rows` are those of the map or some of them.
pub fn concept_map<'r>(
    map: &CodeMap,
    frame: &Frame,
    rows: impl Iterator<Item = &'r MapRow>,
) -> Value {
    let mut groups: Vec<(&str, Vec<&MapRow>)> =
        map.targets.iter().map(|target| (target.id.as_str(), Vec::new())).collect();
    for row in rows {
        match groups.iter_mut().find(|(target, _)| *target == row.target) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((&row.target, vec![row])),
        }
    }
    groups.retain(|(_, rows)| !rows.is_empty());
    let groups: Vec<Value> = groups.iter().map(|(target, rows)| group(map, target, rows)).collect();
    let mut resource = json!({
        "resourceType": "ConceptMap",
        "id": frame.id,
        "url": frame.url,
        "version": frame.version,
        "name": name(&map.id),
        "title": frame.title,
        "status": "active",
        "sourceUri": frame.source,
        "targetUri": frame.target,
    });
    if !groups.is_empty() {
        resource["group"] = groups.into();
    }
    resource
}

/// R4 wants names that programs can use.
pub fn name(id: &str) -> String {
    let words = id.split(|c: char| !c.is_ascii_alphanumeric());
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str())
    };
    let name: String = words.filter_map(capital).collect();
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) { name } else { format!("N{name}") }
}

fn group(map: &CodeMap, target: &str, rows: &[&MapRow]) -> Value {
    let mut elements: Vec<Value> = Vec::new();
    let mut places: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for row in rows {
        let key = (row.local.as_str(), row.local_name.as_str());
        let place = *places.entry(key).or_insert_with(|| {
            let mut element = json!({"code": row.local, "target": []});
            put(&mut element, "display", &row.local_name);
            elements.push(element);
            elements.len() - 1
        });
        if let Some(targets) = elements[place]["target"].as_array_mut() {
            targets.push(mapping(row));
        }
    }
    let mut group = json!({"source": map.local_system, "element": elements});
    if let Some(known) = map.targets.iter().find(|known| known.id == target) {
        group["target"] = known.system.as_str().into();
        let uncoded = map.unmapped.codings.iter().find(|coding| coding.system == known.system);
        if let Some(Coding { code, display, .. }) = uncoded {
            group["unmapped"] = json!({"mode": "fixed", "code": code});
            put(&mut group["unmapped"], "display", display.as_deref().unwrap_or_default());
        }
    }
    if !target.is_empty() {
        group["extension"] = json!([string("target", target)]);
    }
    group
}

fn mapping(row: &MapRow) -> Value {
    let equivalence = equivalence(&row.relationship, &row.status);
    let mut mapping = json!({"equivalence": equivalence});
    put(&mut mapping, "code", &row.code);
    put(&mut mapping, "display", &row.display);
    put(&mut mapping, "comment", &row.note);
    let mut told = vec![json!({"url": url("line"), "valueUnsignedInt": row.line})];
    if row.relationship.is_empty() {
        told.push(json!({"url": url("relationship"), "valueBoolean": false}));
    } else if row.relationship != equivalence {
        told.push(string("relationship", &row.relationship));
    }
    if row.note.is_empty() && matches!(equivalence, "narrower" | "inexact") {
        mapping["comment"] = NO_COMMENT.into();
        told.push(json!({"url": url("note"), "valueBoolean": false}));
    }
    let (by, at) = (&row.reviewed_by, &row.reviewed_at);
    let plain = [("reviewed-by", by), ("master-version", &row.master_version)];
    told.extend(plain.iter().filter(|(_, text)| !text.is_empty()).map(|(n, t)| string(n, t)));
    told.extend((!at.is_empty()).then(|| date("reviewed-at", at)));
    if row.is_used() {
        told.push(json!({"url": url("status"), "valueCode": row.status}));
    }
    mapping["extension"] = told.into();
    let mut modifiers = Vec::new();
    if !row.is_used() {
        modifiers.push(string("status", &row.status));
    }
    for (name, day) in [("valid-from", &row.valid_from), ("valid-to", &row.valid_to)] {
        modifiers.extend((!day.is_empty()).then(|| date(name, day)));
    }
    if !modifiers.is_empty() {
        mapping["modifierExtension"] = modifiers.into();
    }
    mapping
}

fn url(name: &str) -> String {
    format!("{EXTENSION}{name}")
}

fn string(name: &str, text: &str) -> Value {
    json!({"url": url(name), "valueString": text})
}

/// A day as FHIR writes it, or the text as it stands: rows that are not used may hold anything.
fn date(name: &str, text: &str) -> Value {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    match day.filter(|day| day.to_string() == text) {
        Some(_) => json!({"url": url(name), "valueDate": text}),
        None => string(name, text),
    }
}

fn put(value: &mut Value, name: &str, text: &str) {
    if !text.is_empty() {
        value[name] = text.into();
    }
}

#[cfg(test)]
mod tests;
