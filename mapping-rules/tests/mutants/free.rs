//! What no profile and no invariant says anything of: it may be otherwise, and stays valid.

use std::collections::BTreeSet;

use genkan_fhir::definitions::{BindingStrength, Definitions, Property};
use serde_json::{Value, json};

use crate::base::{ANYWHERE, Seen, claim};
use crate::kind::{self, Kind, Mutant};
use crate::known::{Known, count};
use crate::place::{Place, Step, at, with, without};
use crate::twins::{is_said, plain_id};

/// What the profiles speak of, by plain ids.
pub struct Spoken {
    /// A value, a code, a type or a slice.
    said: BTreeSet<String>,
    needed: BTreeSet<String>,
    lists: BTreeSet<String>,
    expressions: String,
}

impl Spoken {
    pub fn of(known: &Known) -> Self {
        let mut spoken = Self {
            said: BTreeSet::new(),
            needed: BTreeSet::new(),
            lists: BTreeSet::new(),
            expressions: String::new(),
        };
        for (id, element) in known.elements.values().flatten() {
            let plain = plain_id(id);
            let slicing = &element["slicing"];
            let is_bound = element["binding"]["strength"] == "required";
            let types = element["type"].as_array().into_iter().flatten();
            let has_profiles = types.clone().any(|of| !of["profile"].is_null());
            if is_said(element) || is_bound || has_profiles || element["max"] == "0" {
                spoken.said.insert(plain.clone());
            }
            if count(element).0 > 0 {
                spoken.needed.insert(plain.clone());
            }
            let paths = slicing["discriminator"].as_array().into_iter().flatten();
            for path in paths.filter_map(|one| one["path"].as_str()) {
                spoken.said.insert(format!("{plain}.{}", path.trim_end_matches(".$this")));
                spoken.lists.insert(plain.clone());
            }
            for constraint in element["constraint"].as_array().into_iter().flatten() {
                spoken.expressions.push_str(constraint["expression"].as_str().unwrap_or_default());
                spoken.expressions.push('\n');
            }
        }
        spoken
    }

    /// At this path of the resource or of the type, or above it.
    fn is_said(&self, paths: [&str; 2]) -> bool {
        paths.iter().any(|path| {
            let ends = path.match_indices('.').map(|(end, _)| &path[..end]);
            // A sliced list may say what is in its items; a fixed value says all below it.
            let is_above = |above: &str| self.said.contains(above) && above.contains('.');
            self.said.contains(*path) || ends.into_iter().any(is_above)
        })
    }
}

struct Visit<'v> {
    spoken: &'v Spoken,
    document: &'v Value,
    /// What the resource claims that the visit is in.
    url: String,
    seen: &'v mut Seen,
    made: Vec<Mutant>,
    /// The invariants of R4 on the way.
    invariants: Vec<&'static str>,
}

pub fn twins(spoken: &Spoken, document: &Value, seen: &mut Seen) -> Vec<Mutant> {
    let (made, invariants) = (Vec::new(), Vec::new());
    let mut visit = Visit { spoken, document, url: String::new(), seen, made, invariants };
    visit.resource(Vec::new());
    visit.made
}

impl Visit<'_> {
    fn add(&mut self, kind: &'static Kind, path: &str, change: impl FnOnce(&Value) -> Value) {
        if self.seen.is_new(&self.url, kind, path) {
            let document = change(self.document);
            self.made.push(Mutant { what: path.to_owned(), kind, document });
        }
    }

    fn is_spoken_of(&self, name: &str) -> bool {
        self.spoken.expressions.contains(name)
            || self.invariants.iter().any(|one| one.contains(name))
    }

    fn resource(&mut self, place: Place) {
        let around = std::mem::replace(&mut self.url, claim(at(self.document, &place)));
        if let Some(name) = at(self.document, &place)["resourceType"].as_str() {
            self.element(name, name, place);
        }
        self.url = around;
    }

    /// `path` is that of the type, `full` that of the resource.
    fn element(&mut self, path: &str, full: &str, place: Place) {
        let Some(fields) = at(self.document, &place).as_object() else { return };
        let r4 = Definitions::r4();
        let before = self.invariants.len();
        self.invariants.extend(r4.invariants(path).iter().map(|one| one.expression));
        let id = format!("{full}.id");
        let is_free = path != "Extension" && !self.spoken.said.contains(&id);
        if !r4.is_resource(path) && !fields.contains_key("id") && is_free {
            self.add(&kind::FREE_ID, full, |document| {
                with(document, &place, |holder| holder["id"] = json!("zz-1"))
            });
        }
        for (key, value) in fields {
            let Some(property) = r4.property(path, key) else { continue };
            let own = [place.as_slice(), &[Step::Key(key.clone())]].concat();
            let name = property.element.name;
            let (below, full) = (format!("{path}.{name}"), format!("{full}.{name}"));
            let before = self.invariants.len();
            self.invariants.extend(property.element.invariants.iter().map(|one| one.expression));
            let is_free = !self.spoken.is_said([&below, &full]) && !self.is_spoken_of(name);
            if is_free && path != "Extension" {
                self.field(&property, [&below, &full], &own, fields.len());
            }
            let items: Vec<Place> = match value {
                Value::Array(items) => {
                    (0..items.len()).map(|at| [own.as_slice(), &[Step::At(at)]].concat()).collect()
                }
                _ => vec![own],
            };
            for item in items {
                match property.type_code {
                    "Resource" => self.resource(item),
                    _ => self.element(property.type_path, &full, item),
                }
            }
            self.invariants.truncate(before);
        }
        self.invariants.truncate(before);
    }

    fn field(&mut self, property: &Property<'_>, paths: [&str; 2], place: &[Step], fields: usize) {
        let value = at(self.document, place);
        let [path, full] = paths;
        let is_needed = paths.iter().any(|path| self.spoken.needed.contains(*path));
        // A reference holds what is contained, and what is contained wants to be referred to.
        let refers = value.to_string().contains("\"reference\"");
        let holds_resources = property.type_code == "Resource";
        if property.element.min == 0 && !is_needed && fields > 1 && !refers && !holds_resources {
            self.add(&kind::FREE_ABSENT, full, |document| without(document, place));
        }
        let is_sliced = paths.iter().any(|path| self.spoken.lists.contains(*path));
        if let Some(items) = value.as_array()
            && items.len() > 1
            && !is_sliced
            && !holds_resources
            && full != "Bundle.entry"
        {
            let turn = |list: &mut Value| list.as_array_mut().expect("a list").reverse();
            self.add(&kind::FREE_ORDER, full, |document| with(document, place, turn));
        }
        let binding = property.element.binding;
        let is_bound = binding.is_some();
        let codes = binding.filter(|binding| binding.strength == BindingStrength::Required);
        let codes = codes.and_then(|binding| Definitions::r4().value_set_codes(binding.value_set));
        for other in codes.into_iter().flatten().take(6).filter(|_| value.is_string()) {
            let what = format!("{full} {}", other.code);
            self.add(&kind::FREE_CODE, &what, |document| {
                with(document, place, |value| *value = json!(other.code))
            });
        }
        for right in right_forms(property.type_code).into_iter().filter(|_| !is_bound) {
            let right = if value.is_array() { json!([right]) } else { right };
            if value.as_array().is_none_or(|items| items.len() == 1) {
                let what = format!("{path} {full} {right}");
                self.add(&kind::FREE_FORM, &what, |document| {
                    with(document, place, |value| *value = right)
                });
            }
        }
        self.extended(property, full, place);
    }

    /// An extension beside a value.
    fn extended(&mut self, property: &Property<'_>, full: &str, place: &[Step]) {
        let value = at(self.document, place);
        let (Some(Step::Key(key)), holder) = (place.last(), &place[..place.len() - 1]) else {
            return;
        };
        let twin = format!("_{key}");
        let is_plain = !value.is_object() && !value.is_array();
        let is_own = matches!(key.as_str(), "id" | "url" | "div" | "resourceType");
        if !is_plain || is_own || property.type_code == "xhtml" {
            return;
        }
        if at(self.document, holder).get(&twin).is_some() {
            return;
        }
        let extension = json!({"extension": [{"url": ANYWHERE, "valueString": "x"}]});
        self.add(&kind::FREE_EXTENSION, &format!("{full} value"), |document| {
            with(document, holder, |holder| holder[twin.as_str()] = extension)
        });
    }
}

/// Values that are right for a type, at the edges of what it may be.
fn right_forms(code: &str) -> Vec<Value> {
    match code {
        "string" | "markdown" => vec![json!("別"), json!("a".repeat(4_000)), json!("CRP < 0.3")],
        "date" => vec![json!("2024-02-29"), json!("2024-02"), json!("1900")],
        "dateTime" => vec![
            json!("2024"),
            json!("2024-02-29"),
            json!("2024-02-29T23:59:59+09:00"),
            json!("2024-02-29T00:00:00.123456Z"),
        ],
        "instant" => vec![json!("2024-02-29T00:00:00.5+14:00"), json!("2024-02-29T00:00:00Z")],
        "boolean" => vec![json!(true), json!(false)],
        "integer" => vec![json!(0), json!(-2_147_483_648_i64), json!(2_147_483_647)],
        "positiveInt" => vec![json!(1), json!(2_147_483_647)],
        "unsignedInt" => vec![json!(0)],
        "decimal" => vec![json!(0), json!(-0.001), json!(1e2)],
        "uri" => {
            vec![json!("urn:oid:1.2.392.100495.20.3.99"), json!("http://example.jp/%E6%9D%B1")]
        }
        "url" => vec![json!("https://example.jp/a?b=c#d")],
        "base64Binary" => vec![json!("AA=="), json!("AAA=")],
        _ => Vec::new(),
    }
}
