//! What can be broken of one element of a profile.

use std::collections::BTreeSet;

use genkan_fhir::definitions::{Definitions, Element};
use serde_json::{Map, Value, json};

use crate::kind::{self, Kind, Mutant};
use crate::known::{Known, count, frees_its_item, is_of_slice};
use crate::place::{Place, Step, at, with, without};

/// One element of a profile, and the resource in a document that claims it.
#[derive(Clone, Copy)]
pub struct Spot<'s> {
    pub known: &'s Known,
    pub url: &'s str,
    pub id: &'s str,
    pub document: &'s Value,
    pub base: &'s [Step],
}

impl<'s> Spot<'s> {
    pub fn element(&self) -> &'s Value {
        &self.known.elements[self.url][self.id]
    }

    pub fn places_of(&self, id: &str) -> Vec<Place> {
        self.known.places(self.url, id, self.document, self.base)
    }

    pub fn mutant(&self, kind: &'static Kind, document: Value) -> Mutant {
        Mutant { what: self.id.to_owned(), kind, document }
    }

    /// What R4 says of the element.
    pub fn of_r4(&self) -> Option<&'static Element> {
        let mut parts = self.id.split('.').map(|part| part.split(':').next().unwrap_or(part));
        let mut path = parts.next()?.to_owned();
        let mut found = None;
        for part in parts {
            let (name, code) = match part.strip_suffix("[x]") {
                Some(name) => (name, None),
                None => (part, Some(())),
            };
            let element = Definitions::r4().children(&path)?.iter().find(|one| one.name == name)?;
            found = Some(element);
            path = match element.types.first().filter(|_| code.is_some()).map(|of| of.code) {
                Some("BackboneElement" | "Element") => format!("{path}.{name}"),
                Some(code) => code.to_owned(),
                None => String::new(),
            };
        }
        found
    }
}

pub fn mutants(spot: Spot<'_>) -> Vec<Mutant> {
    let mut made = counts(spot);
    made.extend(values(spot));
    made.extend(codes(spot));
    made.extend(types(spot));
    made.extend(targets(spot));
    made.extend(slices(spot));
    made
}

/// Too few, too many, and what may not be there.
fn counts(spot: Spot<'_>) -> Vec<Mutant> {
    let mut made = Vec::new();
    let Some((parent, name)) = spot.id.rsplit_once('.') else { return made };
    let (min, max) = count(spot.element());
    let plain = name.split(':').next().unwrap_or(name);
    let frees = frees_its_item(&spot.known.elements[spot.url], spot.id);
    for place in spot.places_of(parent) {
        let holder = at(spot.document, &place);
        let own: Vec<Place> = spot.places_of(spot.id);
        let own: Vec<Place> = own.into_iter().filter(|own| own.starts_with(&place)).collect();
        let keys = holder.as_object().map_or(0, Map::len);
        if min > 0 && own.len() as u64 == min && keys > 1 && !frees {
            made.push(spot.mutant(&kind::MIN, without(spot.document, &own[0])));
        }
        if let (Some(max), Some(one)) = (max, own.first())
            && let (Some(Step::At(_)), true) = (one.last(), own.len() as u64 == max)
        {
            let item = at(spot.document, one).clone();
            let push = |items: &mut Value| items.as_array_mut().expect("a list").push(item);
            let document = with(spot.document, &one[..one.len() - 1], push);
            made.push(spot.mutant(&kind::MAX, document));
        }
        if max == Some(0) && own.is_empty() && holder.is_object() {
            let sample = spot.of_r4().and_then(|element| {
                let one = sample(element.types.first()?.code)?;
                Some(if element.max > 1 { json!([one]) } else { one })
            });
            if let Some(sample) = sample {
                let document = with(spot.document, &place, |holder| holder[plain] = sample);
                made.push(spot.mutant(&kind::NONE, document));
            }
        }
    }
    made
}

/// Another text than the fixed one, or than the pattern's.
fn values(spot: Spot<'_>) -> Vec<Mutant> {
    let element = spot.element();
    if frees_its_item(&spot.known.elements[spot.url], spot.id) {
        return Vec::new();
    }
    let asked = |value: &Value| {
        let asked = [&element["fixedValue"], &element["patternValue"]];
        asked.iter().any(|asked| asked.is_string() && **asked == *value)
    };
    let places = spot.places_of(spot.id).into_iter();
    let places = places.filter(|place| asked(at(spot.document, place)));
    let other = |place: Place| spot.mutant(&kind::VALUE, with(spot.document, &place, miswrite));
    places.map(other).collect()
}

/// Codes and systems that aren't in the value set that is required.
fn codes(spot: Spot<'_>) -> Vec<Mutant> {
    let element = spot.element();
    let binding = &element["binding"];
    let set = binding["valueSet"].as_str().and_then(|url| spot.known.codes(url));
    let Some(set) = set.filter(|_| binding["strength"] == "required") else { return Vec::new() };
    let (min, _) = count(element);
    let is_slice = spot.id.rsplit('.').next().is_some_and(|last| last.contains(':'));
    if frees_its_item(&spot.known.elements[spot.url], spot.id) || (is_slice && min == 0) {
        return Vec::new();
    }
    let mut made = Vec::new();
    for place in spot.places_of(spot.id) {
        let value = at(spot.document, &place);
        if !is_member(value, &set) {
            continue;
        }
        for (kind, name) in [(&kind::CODE, "code"), (&kind::SYSTEM, "system")] {
            let mut other = value.clone();
            let is_changed = match &mut other {
                Value::String(_) if name == "code" => {
                    miswrite(&mut other);
                    true
                }
                Value::String(_) => false,
                one if one["coding"].is_array() => {
                    let codings = one["coding"].as_array_mut().expect("an array");
                    codings.iter_mut().for_each(|coding| miswrite(&mut coding[name]));
                    true
                }
                one => {
                    miswrite(&mut one[name]);
                    true
                }
            };
            if is_changed && !is_member(&other, &set) {
                made.push(spot.mutant(kind, with(spot.document, &place, |value| *value = other)));
            }
        }
    }
    made
}

/// By the set itself, as it is written: without the validator.
fn is_member(value: &Value, set: &[(String, String)]) -> bool {
    let coding = |coding: &Value| {
        set.iter().any(|(system, code)| coding["system"] == *system && coding["code"] == *code)
    };
    match value {
        Value::String(text) => set.iter().any(|(_, code)| code == text),
        one => one["coding"].as_array().map_or_else(|| coding(one), |all| all.iter().any(coding)),
    }
}

/// A type of R4's choice that the profile leaves out.
fn types(spot: Spot<'_>) -> Vec<Mutant> {
    let allowed: BTreeSet<&str> = type_codes(spot.element()).collect();
    let Some(of_r4) = spot.of_r4().filter(|of| of.is_choice() && !allowed.is_empty()) else {
        return Vec::new();
    };
    let others = of_r4.types.iter().map(|of| of.code).filter(|code| !allowed.contains(code));
    let mut made = Vec::new();
    for code in others {
        let Some(sample) = sample(code) else { continue };
        for place in spot.places_of(spot.id) {
            let document = retyped(spot.document, &place, &of_r4.property_name(code), &sample);
            made.extend(document.map(|document| spot.mutant(&kind::TYPE, document)));
        }
    }
    made
}

pub fn type_codes(element: &Value) -> impl Iterator<Item = &str> {
    let types = element["type"].as_array().into_iter().flatten();
    types.filter_map(|of| of["code"].as_str())
}

/// The same place with another property of the choice.
pub fn retyped(document: &Value, place: &[Step], name: &str, value: &Value) -> Option<Value> {
    let (Step::Key(key), holder) = place.split_last()? else { return None };
    Some(with(document, holder, |holder| {
        let fields = holder.as_object_mut().expect("an object");
        fields.remove(key);
        fields.insert(name.to_owned(), value.clone());
    }))
}

/// References to what the profile doesn't allow; what R4 allows first.
fn targets(spot: Spot<'_>) -> Vec<Mutant> {
    let Some(allowed) = target_types(spot) else { return Vec::new() };
    let of_r4 = spot.of_r4().into_iter().flat_map(|element| &element.types);
    let of_r4 = of_r4.flat_map(|of| of.targets.iter().copied());
    let other = of_r4.chain(["Basic"]).find(|name| !allowed.contains(*name)).unwrap_or("Basic");
    let places = spot.places_of(spot.id).into_iter();
    let places = places.filter(|place| at(spot.document, place)["reference"].is_string());
    let broken = |place: Place| {
        with(spot.document, &place, |value| *value = json!({"reference": format!("{other}/x")}))
    };
    places.map(|place| spot.mutant(&kind::TARGET, broken(place))).collect()
}

/// The resource types that the element may refer to; `None` where not all profiles are known.
pub fn target_types(spot: Spot<'_>) -> Option<BTreeSet<String>> {
    let types = spot.element()["type"].as_array()?;
    let targets = types.iter().flat_map(|of| of["targetProfile"].as_array().into_iter().flatten());
    let name = |target: &Value| {
        let url = target.as_str()?;
        let core = url.strip_prefix("http://hl7.org/fhir/StructureDefinition/");
        let of_type = || Some(spot.known.profiles.get(url)?.ok()?.of_type.clone());
        core.map(str::to_owned).or_else(of_type)
    };
    let names: BTreeSet<String> = targets.map(name).collect::<Option<_>>()?;
    (!names.is_empty() && !names.contains("Resource")).then_some(names)
}

/// An item of no slice where there may be none, and slices in another order.
fn slices(spot: Spot<'_>) -> Vec<Mutant> {
    let slicing = &spot.element()["slicing"];
    let is_closed = slicing["rules"] == "closed";
    let is_ordered = slicing["ordered"] == true;
    let mut made = Vec::new();
    for list in lists(&spot.places_of(spot.id)) {
        let items = at(spot.document, &list).as_array().expect("a list");
        if is_closed && let Some(other) = other_item(&items[0], slicing) {
            let push = |items: &mut Value| items.as_array_mut().expect("a list").push(other);
            made.push(spot.mutant(&kind::CLOSED, with(spot.document, &list, push)));
        }
        let elements = &spot.known.elements[spot.url];
        let slice_of = |item: &Value| {
            let names = elements.keys().filter(|id| {
                id.strip_prefix(spot.id)
                    .is_some_and(|rest| rest.starts_with(':') && !rest.contains('.'))
            });
            names.filter(|id| is_of_slice(elements, (spot.id, id), item)).collect::<Vec<_>>()
        };
        // Of a bundle's slices by profile the types are different.
        let type_of = |item: &Value| item["resource"]["resourceType"].clone();
        let is_other = |left: &Value, right: &Value| {
            slice_of(left) != slice_of(right) || type_of(left) != type_of(right)
        };
        if is_ordered && items.len() > 1 && is_other(&items[0], &items[1]) {
            let swap = |items: &mut Value| items.as_array_mut().expect("a list").swap(0, 1);
            made.push(spot.mutant(&kind::ORDER, with(spot.document, &list, swap)));
        }
    }
    made
}

/// The lists that these items are in.
pub fn lists(items: &[Place]) -> BTreeSet<Place> {
    let is_item = |place: &&Place| matches!(place.last(), Some(Step::At(_)));
    items.iter().filter(is_item).map(|place| place[..place.len() - 1].to_vec()).collect()
}

/// An item like this one, for all discriminators something else.
pub fn other_item(item: &Value, slicing: &Value) -> Option<Value> {
    let mut other = item.clone();
    for discriminator in slicing["discriminator"].as_array()? {
        let path = discriminator["path"].as_str()?;
        match discriminator["type"].as_str()? {
            "value" | "pattern" => {
                let mut at = &mut other;
                for name in path.split('.').filter(|name| *name != "$this") {
                    at = at.get_mut(name)?;
                }
                miswrite_code(at)?;
            }
            "profile" if path == "resource" => {
                other["resource"] = json!({
                    "resourceType": "Basic", "id": "x", "code": {"text": "x"},
                });
                other["fullUrl"] = json!("urn:uuid:6a0c1d1e-0000-4000-8000-000000000001");
            }
            _ => return None,
        }
    }
    Some(other)
}

/// The text itself, or the first code in it.
fn miswrite_code(value: &mut Value) -> Option<()> {
    match value {
        Value::String(_) => miswrite(value),
        Value::Object(_) if value["coding"][0]["code"].is_string() => {
            miswrite(&mut value["coding"][0]["code"]);
        }
        Value::Object(_) if value["code"].is_string() => miswrite(&mut value["code"]),
        _ => return None,
    }
    Some(())
}

pub fn miswrite(value: &mut Value) {
    *value = json!(format!("{}x", value.as_str().unwrap_or_default()));
}

/// Something of this type.
pub fn sample(code: &str) -> Option<Value> {
    Some(match code {
        "boolean" => json!(true),
        "integer" => json!(1),
        "string" | "code" | "markdown" => json!("x"),
        "date" | "dateTime" => json!("2024-04-01"),
        "Extension" => json!({"url": "http://example.jp/x", "valueString": "x"}),
        "CodeableConcept" => json!({"text": "x"}),
        "Period" => json!({"start": "2024-04-01"}),
        "Range" => json!({"low": {"value": 1}}),
        "Quantity" => json!({"value": 1}),
        "Age" => {
            json!({"value": 1, "system": "http://unitsofmeasure.org", "code": "a"})
        }
        "Identifier" => json!({"value": "x"}),
        "Reference" => json!({"display": "x"}),
        _ => return None,
    })
}
