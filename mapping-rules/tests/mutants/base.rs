//! What can be broken of R4 itself in a document, and what R4 leaves free there.

use std::collections::BTreeSet;

use genkan_fhir::definitions::{BindingStrength, Definitions, Property};
use serde_json::{Value, json};

use crate::broken::miswrite;
use crate::kind::{self, Kind, Mutant};
use crate::known::Known;
use crate::place::{Place, Step, at, with, without};

/// Extensions that R4 allows on every element.
pub const ANYWHERE: &str = "http://hl7.org/fhir/StructureDefinition/originalText";

/// Each kind of change once at each element of each profile.
#[derive(Default)]
pub struct Seen(BTreeSet<(String, &'static str, String)>);

impl Seen {
    fn has(&self, url: &str, kind: &'static Kind, what: &str) -> bool {
        self.0.contains(&(url.to_owned(), kind.name, what.to_owned()))
    }

    /// Whether the change wasn't made there yet; from now on it was.
    pub fn is_new(&mut self, url: &str, kind: &'static Kind, what: &str) -> bool {
        self.0.insert((url.to_owned(), kind.name, what.to_owned()))
    }
}

struct Visit<'v> {
    known: &'v Known,
    document: &'v Value,
    /// What the resource claims that the visit is in.
    url: String,
    seen: &'v mut Seen,
    made: Vec<Mutant>,
}

/// The profile that a resource claims, or else its type.
pub fn claim(resource: &Value) -> String {
    let claimed = resource["meta"]["profile"][0].as_str();
    claimed.or(resource["resourceType"].as_str()).unwrap_or_default().to_owned()
}

pub fn mutants(known: &Known, document: &Value, seen: &mut Seen) -> Vec<Mutant> {
    let mut visit = Visit { known, document, url: String::new(), seen, made: Vec::new() };
    visit.resource(Vec::new());
    visit.made
}

impl Visit<'_> {
    fn add(
        &mut self,
        kind: &'static Kind,
        path: &str,
        change: impl FnOnce(&Value) -> Option<Value>,
    ) {
        if self.seen.has(&self.url, kind, path) {
            return;
        }
        if let Some(document) = change(self.document) {
            self.seen.is_new(&self.url, kind, path);
            self.made.push(Mutant { what: path.to_owned(), kind, document });
        }
    }

    fn put(&mut self, kind: &'static Kind, path: &str, place: &[Step], value: Value) {
        self.add(kind, path, |document| Some(with(document, place, |old| *old = value)));
    }

    fn resource(&mut self, place: Place) {
        let around = std::mem::replace(&mut self.url, claim(at(self.document, &place)));
        if let Some(name) = at(self.document, &place)["resourceType"].as_str() {
            self.element(name, place);
        }
        self.url = around;
    }

    /// What is below an element of this type.
    fn element(&mut self, type_path: &str, place: Place) {
        let Some(fields) = at(self.document, &place).as_object().cloned() else { return };
        let add_field = |name: &'static str, value: Value| {
            let place = place.clone();
            move |document: &Value| Some(with(document, &place, |holder| holder[name] = value))
        };
        self.add(&kind::UNKNOWN, type_path, add_field("zz", json!("x")));
        self.extensions(type_path, &place);
        for (key, value) in &fields {
            let own = [place.as_slice(), &[Step::Key(key.clone())]].concat();
            let Some(property) = Definitions::r4().property(type_path, key) else { continue };
            let path = format!("{type_path}.{}", property.element.name);
            self.cardinality(&property, &path, &own, value);
            let items: Vec<Place> = match value.as_array() {
                Some(items) => {
                    (0..items.len()).map(|at| [own.as_slice(), &[Step::At(at)]].concat()).collect()
                }
                None => vec![own],
            };
            for item in items {
                self.value(&property, &path, &item);
                match property.type_code {
                    "Resource" => self.resource(item),
                    _ => self.element(property.type_path, item),
                }
            }
        }
    }

    fn cardinality(&mut self, property: &Property<'_>, path: &str, place: &[Step], value: &Value) {
        let is_list = property.element.is_list();
        let other = match value {
            Value::Array(items) if is_list && items.len() == 1 => items[0].clone(),
            one if !is_list => json!([one]),
            _ => return,
        };
        self.put(&kind::LIST, path, place, other);
        let holder = at(self.document, &place[..place.len() - 1]);
        let is_alone = holder.as_object().is_some_and(|fields| fields.len() < 2);
        if property.element.min > 0 && !is_alone {
            self.add(&kind::MIN, path, |document| Some(without(document, place)));
        }
    }

    fn value(&mut self, property: &Property<'_>, path: &str, place: &[Step]) {
        let value = at(self.document, place);
        let code = property.type_code;
        if let Some(binding) = property.element.binding
            && binding.strength == BindingStrength::Required
            && self.known.codes(binding.value_set).is_some()
            && value.is_string()
        {
            let mut other = value.clone();
            miswrite(&mut other);
            self.put(&kind::CODE, path, place, other);
        }
        for wrong in wrong_forms(code) {
            self.put(&kind::FORM, &format!("{path} {wrong}"), place, wrong);
        }
        if code == "Reference" && value["reference"].is_string() {
            let of = property.element.types.iter().find(|of| of.code == code);
            let targets = of.map(|of| of.targets.as_slice()).unwrap_or_default();
            let other = ["Basic", "Binary"].into_iter().find(|name| !targets.contains(name));
            if let Some(other) =
                other.filter(|_| !targets.is_empty() && !targets.contains(&"Resource"))
            {
                let reference = json!({"reference": format!("{other}/x")});
                self.put(&kind::TARGET, path, place, reference);
            }
        }
        if property.element.is_choice()
            && place.last().is_some_and(|last| matches!(last, Step::Key(_)))
        {
            let name = format!("{}Money", property.element.name);
            let is_of_r4 = property.element.types.iter().any(|of| of.code == "Money");
            let document = crate::broken::retyped(
                self.document,
                place,
                &name,
                &json!({"value": 1, "currency": "JPY"}),
            );
            self.add(&kind::TYPE, path, |_| document.filter(|_| !is_of_r4));
        }
    }

    /// One that nobody knows, and one that R4 allows on every element.
    fn extensions(&mut self, type_path: &str, place: &[Step]) {
        let holder = at(self.document, place);
        // What has extensions may have closed them.
        let can_have = Definitions::r4().property(type_path, "extension").is_some();
        if !can_have || self.is_about_extensions(type_path) || holder.get("extension").is_some() {
            return;
        }
        let is_resource = Definitions::r4().is_resource(type_path);
        for (kind, url) in
            [(&kind::EXTENSION, "http://example.jp/none"), (&kind::FREE_EXTENSION, ANYWHERE)]
        {
            if is_resource && url == ANYWHERE {
                continue;
            }
            let extension = json!([{"url": url, "valueString": "x"}]);
            self.add(kind, type_path, |document| {
                Some(with(document, place, |holder| holder["extension"] = extension))
            });
        }
    }

    /// Whether a profile says which extensions elements of this type may have.
    fn is_about_extensions(&self, type_path: &str) -> bool {
        let of_profiles = self.known.elements.values().flat_map(|elements| elements.iter());
        let mut about = of_profiles.filter(|(id, element)| {
            let is_it = id.rsplit('.').next() == Some("extension");
            is_it && (element["max"] == "0" || element["slicing"]["rules"] == "closed")
        });
        type_path == "Extension"
            || about.any(|(id, _)| {
                id.rsplit_once('.').is_some_and(|(holder, _)| holder.ends_with(type_path))
            })
    }
}

/// Values that are none of a type.
fn wrong_forms(code: &str) -> Vec<Value> {
    match code {
        "date" => vec![json!("2024-13-01"), json!("2024-4-1"), json!("20240401"), json!("")],
        "dateTime" => vec![json!("2024-02-30"), json!("2024-04-01T10:00:00"), json!("R6.4.1")],
        "instant" => vec![json!("2024-04-01"), json!("2024-04-01T10:00:00")],
        "boolean" => vec![json!("true"), json!(1)],
        "integer" => vec![json!(1.5), json!("1"), json!(9_999_999_999_i64)],
        "positiveInt" => vec![json!(0), json!(-1)],
        "unsignedInt" => vec![json!(-1)],
        "decimal" => vec![json!("1.0"), json!(true)],
        "id" => vec![json!("a".repeat(65)), json!("a_b"), json!("")],
        "code" => vec![json!(" x"), json!("a  b"), json!("")],
        "uri" | "url" | "canonical" => vec![json!(""), json!("http://example.jp/a b")],
        "string" | "markdown" => vec![json!(""), json!(1)],
        "base64Binary" => vec![json!("***")],
        _ => Vec::new(),
    }
}
