//! One profile file: what the oldest guide asks for, and what later ones changed, as a
//! `StructureDefinition` with the differential of one version.

use std::collections::BTreeMap;

use genkan_fhir::definitions::Definitions;
use serde_json::{Map, Value as Json, json};

use super::element;
use super::guide::{self, Guide};
use super::invariant::{self, Invariant};
use crate::compile::structure::{Entries, list, text, text_list};
use crate::diagnostic::Diagnostic;
use crate::yaml::Yaml;

const KEYS: [&str; 10] = [
    "profile",
    "title",
    "url",
    "type",
    "base",
    "contexts",
    "source",
    "elements",
    "invariants",
    "changes",
];
const CHANGE_KEYS: [&str; 5] = ["since", "source", "elements", "without", "invariants"];
const CORE: &str = "http://hl7.org/fhir/StructureDefinition/";

type Fields = Map<String, Json>;

/// What is asked of the elements, by their place below the resource: `code.coding:receipt.system`.
#[derive(Debug, Default)]
struct Asked {
    elements: BTreeMap<String, Fields>,
    /// In the order of the file.
    order: Vec<String>,
    invariants: Vec<(String, Invariant)>,
}

/// The definitions of one file for one guide: one for each version that it calls itself.
pub(super) fn read(yaml: &Yaml, guide: &Guide) -> Result<Vec<Json>, Vec<Diagnostic>> {
    let definition = checked(yaml, guide)?;
    Ok(guide.names().map(|version| versioned(definition.clone(), &version)).collect())
}

/// The one that calls itself so.
pub(super) fn read_as(yaml: &Yaml, guide: &Guide, version: &str) -> Result<Json, Vec<Diagnostic>> {
    checked(yaml, guide).map(|definition| versioned(definition, version))
}

/// The canonical of a file's profile.
pub(super) fn url(yaml: &Yaml) -> Result<String, Diagnostic> {
    Ok(Entries::of(yaml)?.text("url")?.0.to_owned())
}

fn versioned(mut definition: Json, version: &str) -> Json {
    definition["version"] = json!(version);
    definition
}

fn checked(yaml: &Yaml, guide: &Guide) -> Result<Json, Vec<Diagnostic>> {
    let mut found = Vec::new();
    let made = definition(yaml, guide, &mut found);
    found.extend(made.as_ref().err().cloned());
    made.ok().filter(|_| found.is_empty()).ok_or(found)
}

fn definition(yaml: &Yaml, guide: &Guide, found: &mut Vec<Diagnostic>) -> Result<Json, Diagnostic> {
    let entries = Entries::of(yaml)?;
    entries.only(&KEYS, found);
    let (of_type, span) = entries.text("type")?;
    if !Definitions::r4().is_type(of_type) {
        let en = format!("R4 has no type {of_type}");
        let ja = format!("R4 に {of_type} という型はありません");
        return Err(Diagnostic::error("E0710", span, en, ja));
    }
    let mut asked = Asked::default();
    if of_type == "Extension" {
        // What an extension says of itself is its own url.
        asked
            .ask("url", Map::from_iter([("fixedValue".to_owned(), json!(entries.text("url")?.0))]));
    }
    asked.read(&entries, found);
    for change in entries.get("changes").map(list).transpose()?.unwrap_or_default() {
        let change = Entries::of(change)?;
        change.only(&CHANGE_KEYS, found);
        change.required("source")?;
        if guide::version(change.required("since")?)? <= guide.version {
            asked.read(&change, found);
            asked.leave_out(&change)?;
        }
    }
    let base = match entries.get("base") {
        Some(base) => text(base)?.to_owned(),
        None => format!("{CORE}{of_type}"),
    };
    let mut definition = json!({
        "resourceType": "StructureDefinition",
        "url": entries.text("url")?.0,
        "name": entries.text("profile")?.0,
        "title": entries.text("title")?.0,
        "status": "active",
        "kind": if Definitions::r4().is_resource(of_type) { "resource" } else { "complex-type" },
        "type": of_type,
        "baseDefinition": base,
        "derivation": "constraint",
        "differential": {"element": asked.differential(of_type)},
    });
    if let Some(contexts) = entries.get("contexts") {
        let context = |(at, _): (String, _)| json!({"type": "element", "expression": at});
        definition["context"] = text_list(contexts)?.into_iter().map(context).collect();
    }
    Ok(definition)
}

impl Asked {
    /// What stands under `elements` and `invariants`; it takes the place of what was said before.
    fn read(&mut self, entries: &Entries<'_>, found: &mut Vec<Diagnostic>) {
        for (part, keep) in [("elements", true), ("invariants", false)] {
            let Some(yaml) = entries.get(part) else { continue };
            let listed = match Entries::of(yaml) {
                Ok(listed) => listed,
                Err(diagnostic) => {
                    found.push(diagnostic);
                    continue;
                }
            };
            for (key, yaml) in listed.iter() {
                let done = if keep {
                    element::read(yaml, found).map(|fields| self.ask(&key.name, fields))
                } else {
                    invariant::read(&key.name, yaml, found).map(|read| self.hold(&key.name, read))
                };
                found.extend(done.err());
            }
        }
    }

    fn ask(&mut self, place: &str, fields: Fields) {
        if self.elements.insert(place.to_owned(), fields).is_none() {
            self.order.push(place.to_owned());
        }
    }

    fn hold(&mut self, key: &str, invariant: Option<Invariant>) {
        self.invariants.retain(|(known, _)| known != key);
        self.invariants.extend(invariant.map(|invariant| (key.to_owned(), invariant)));
    }

    /// `without`: elements of which a later guide asks nothing any more, nor of what is below them.
    fn leave_out(&mut self, change: &Entries<'_>) -> Result<(), Diagnostic> {
        let Some(without) = change.get("without") else { return Ok(()) };
        for (place, span) in text_list(without)? {
            let below = |known: &String| {
                let rest = known.strip_prefix(place.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', ':']))
            };
            if !self.order.iter().any(below) {
                let en = format!("nothing is asked of {place} before");
                let ja = format!("{place} についてはそれまで何も求めていません");
                return Err(Diagnostic::error("E0711", span, en, ja));
            }
            self.order.retain(|known| !below(known));
            self.elements.retain(|known, _| !below(known));
        }
        Ok(())
    }

    /// In the order of the tree: an element, what is below it, then its slices with what is below them.
    fn differential(&self, of_type: &str) -> Vec<Json> {
        let mut root = Branch::default();
        for place in &self.order {
            let fields = self.elements.get(place).cloned().unwrap_or_default();
            root.at(place).fields = fields;
        }
        for (_, Invariant { on, constraint }) in &self.invariants {
            let fields = &mut root.at(on).fields;
            let listed = fields.entry("constraint").or_insert_with(|| json!([]));
            listed.as_array_mut().into_iter().for_each(|listed| listed.push(constraint.clone()));
        }
        let mut elements = Vec::new();
        root.write(of_type, of_type, None, &mut elements);
        elements
    }
}

/// An element or a slice, with what is below.
#[derive(Debug, Default)]
struct Branch {
    fields: Fields,
    children: Vec<(String, Branch)>,
    slices: Vec<(String, Branch)>,
}

impl Branch {
    fn at(&mut self, place: &str) -> &mut Branch {
        let mut at = self;
        for part in place.split('.').filter(|part| !part.is_empty()) {
            let (name, slice) = match part.split_once(':') {
                Some((name, slice)) => (name, Some(slice)),
                None => (part, None),
            };
            at = named(&mut at.children, name);
            if let Some(slice) = slice {
                at = named(&mut at.slices, slice);
            }
        }
        at
    }

    fn write(&self, path: &str, id: &str, slice: Option<&str>, elements: &mut Vec<Json>) {
        let mut element =
            Map::from_iter([("id".to_owned(), json!(id)), ("path".to_owned(), json!(path))]);
        if let Some(slice) = slice {
            element.insert("sliceName".to_owned(), json!(slice));
        }
        element.extend(self.fields.clone());
        elements.push(Json::Object(element));
        for (name, child) in &self.children {
            child.write(&format!("{path}.{name}"), &format!("{id}.{name}"), None, elements);
        }
        for (name, slice) in &self.slices {
            slice.write(path, &format!("{id}:{name}"), Some(name), elements);
        }
    }
}

fn named<'b>(branches: &'b mut Vec<(String, Branch)>, name: &str) -> &'b mut Branch {
    let position = branches.iter().position(|(known, _)| known == name);
    let position = position.unwrap_or_else(|| {
        branches.push((name.to_owned(), Branch::default()));
        branches.len() - 1
    });
    &mut branches[position].1
}
