//! Changes that the profile leaves free: near misses that must stay valid.

use std::collections::BTreeSet;

use genkan_fhir::definitions::Definitions;
use serde_json::{Map, Value, json};

use crate::broken::{Spot, lists, other_item, retyped, sample, target_types, type_codes};
use crate::kind::{self, Mutant};
use crate::known::count;
use crate::place::{Place, at, with, without};

pub fn twins(spot: Spot<'_>) -> Vec<Mutant> {
    let mut made = texts(spot);
    made.extend(absent(spot));
    made.extend(codes(spot));
    made.extend(types(spot));
    made.extend(targets(spot));
    made.extend(items(spot));
    made
}

pub fn is_said(element: &Value) -> bool {
    !element["fixedValue"].is_null() || !element["patternValue"].is_null()
}

/// Whether the value is said, of the element or of the same one in a slice.
fn is_said_of_slices(spot: Spot<'_>) -> bool {
    let elements = spot.known.elements[spot.url].iter();
    let mut same = elements.filter(|(id, _)| plain_id(id) == plain_id(spot.id));
    same.any(|(_, element)| is_said(element))
}

/// Without the names of slices, and without `[x]`.
pub fn plain_id(id: &str) -> String {
    let parts = id.split('.').map(|part| part.split([':', '[']).next().unwrap_or(part));
    parts.collect::<Vec<_>>().join(".")
}

/// Whether something is said of what is below an element.
fn has_rules_below(spot: Spot<'_>) -> bool {
    let elements = spot.known.elements[spot.url].iter();
    let mut below = elements.filter(|(id, _)| {
        id.strip_prefix(spot.id).is_some_and(|rest| rest.starts_with(['.', ':']))
    });
    below.any(|(_, element)| is_said(element) || count(element).0 > 0)
}

/// Whether an invariant of the profile or of R4's types on the way speaks of this name.
fn is_spoken_of(spot: Spot<'_>, name: &str) -> bool {
    let of_profiles = spot.known.elements.values().flat_map(|elements| elements.values());
    let constraints =
        of_profiles.flat_map(|element| element["constraint"].as_array().into_iter().flatten());
    let mut texts: Vec<&str> = constraints.filter_map(|one| one["expression"].as_str()).collect();
    let r4 = Definitions::r4();
    let (mut path, mut types) = (String::new(), BTreeSet::new());
    for part in spot.id.split('.').map(|part| part.split(':').next().unwrap_or(part)) {
        let element = r4.children(&path).and_then(|all| all.iter().find(|one| one.name == part));
        if let Some(element) = element {
            texts.extend(element.invariants.iter().map(|one| one.expression));
            types.extend(element.types.iter().map(|of| of.code));
        }
        path = match element.and_then(|element| element.types.first()).map(|of| of.code) {
            Some("BackboneElement" | "Element") => format!("{path}.{part}"),
            Some(code) => code.to_owned(),
            None => part.to_owned(),
        };
        types.insert(path.clone().leak());
    }
    let invariants = types.into_iter().flat_map(|name| r4.invariants(name));
    texts.extend(invariants.map(|one| one.expression));
    texts.iter().any(|text| text.contains(name))
}

/// Other words where there are any.
fn texts(spot: Spot<'_>) -> Vec<Mutant> {
    let name = spot.id.rsplit('.').next().unwrap_or_default();
    let is_free = ["text", "note", "display", "family", "given", "title", "line", "city"];
    if !is_free.contains(&name) || is_said_of_slices(spot) || discriminates(spot) {
        return Vec::new();
    }
    let places = spot.places_of(spot.id).into_iter();
    let places = places.filter(|place| at(spot.document, place).is_string());
    let other = |place: Place| {
        let more = |value: &mut Value| {
            *value = json!(format!("{}（別記）", value.as_str().unwrap_or_default()));
        };
        spot.mutant(&kind::FREE_TEXT, with(spot.document, &place, more))
    };
    places.map(other).collect()
}

/// Whether the element tells the items of a slice apart.
fn discriminates(spot: Spot<'_>) -> bool {
    let elements = &spot.known.elements[spot.url];
    let mut sliced = elements.iter().filter(|(id, _)| spot.id.starts_with(id.as_str()));
    sliced.any(|(_, element)| {
        let all = element["slicing"]["discriminator"].as_array().into_iter().flatten();
        let mut paths = all.filter_map(|one| one["path"].as_str());
        paths.any(|path| path == "$this" || spot.id.ends_with(&format!(".{path}")))
    })
}

/// Without what need not be there.
fn absent(spot: Spot<'_>) -> Vec<Mutant> {
    let name = spot.id.rsplit('.').next().unwrap_or_default();
    let plain = name.split(':').next().unwrap_or(name).trim_end_matches("[x]");
    let is_needed = spot.of_r4().is_none_or(|element| element.min > 0);
    let is_root = !spot.id.contains('.');
    if is_root || is_needed || count(spot.element()).0 > 0 || discriminates(spot) {
        return Vec::new();
    }
    if is_spoken_of(spot, plain) {
        return Vec::new();
    }
    let list = spot.id.rsplit_once(':').map(|(list, _)| list);
    let list_min = list.and_then(|list| spot.known.elements[spot.url].get(list)).map(count);
    let is_alone = |place: &Place| {
        let holder = &place[..place.len() - 1];
        let items = at(spot.document, holder).as_array().map(Vec::len);
        items.map_or_else(
            || at(spot.document, holder).as_object().is_some_and(|fields| fields.len() < 2),
            |items| items as u64 <= list_min.map_or(1, |(min, _)| min.max(1)),
        )
    };
    // A contained resource needs its reference, and a reference its resource.
    let refers = |place: &Place| at(spot.document, place).to_string().contains("\"reference\"");
    let places = spot.places_of(spot.id).into_iter();
    let places = places.filter(|place| !is_alone(place) && !refers(place) && plain != "contained");
    places.map(|place| spot.mutant(&kind::FREE_ABSENT, without(spot.document, &place))).collect()
}

/// Another code of the same set and system.
fn codes(spot: Spot<'_>) -> Vec<Mutant> {
    let element = spot.element();
    let set = element["binding"]["valueSet"].as_str().and_then(|url| spot.known.codes(url));
    let Some(set) = set else { return Vec::new() };
    let name = spot.id.rsplit('.').next().unwrap_or_default();
    if spot.id.contains(':')
        || is_said(element)
        || has_rules_below(spot)
        || is_spoken_of(spot, name)
    {
        return Vec::new();
    }
    let another = |coding: &Value| {
        let same = set.iter().filter(|(system, _)| coding["system"] == *system);
        let mut others = same.filter(|(_, code)| coding["code"] != *code);
        others.next().map(|(system, code)| json!({"system": system, "code": code}))
    };
    let mut made = Vec::new();
    for place in spot.places_of(spot.id) {
        let value = at(spot.document, &place);
        let other = match value {
            Value::String(text) => {
                set.iter().find(|(_, code)| code != text).map(|(_, code)| json!(code))
            }
            one if one["coding"].is_array() => {
                another(&one["coding"][0]).map(|coding| json!({"coding": [coding]}))
            }
            one => another(one),
        };
        let twin = |other| with(spot.document, &place, |value| *value = other);
        made.extend(other.map(|other| spot.mutant(&kind::FREE_CODE, twin(other))));
    }
    made
}

/// Another type that the profile allows too.
fn types(spot: Spot<'_>) -> Vec<Mutant> {
    let name = spot.id.rsplit('.').next().unwrap_or_default().trim_end_matches("[x]");
    let Some(of_r4) = spot.of_r4().filter(|element| element.is_choice()) else {
        return Vec::new();
    };
    if spot.id.contains(':') || has_rules_below(spot) || is_spoken_of(spot, name) {
        return Vec::new();
    }
    let mut made = Vec::new();
    for code in type_codes(spot.element()) {
        let is_of_r4 = of_r4.types.iter().any(|of| of.code == code);
        let Some(sample) = sample(code).filter(|_| is_of_r4) else { continue };
        for place in spot.places_of(spot.id) {
            let document = retyped(spot.document, &place, &of_r4.property_name(code), &sample);
            made.extend(document.map(|document| spot.mutant(&kind::FREE_TYPE, document)));
        }
    }
    made
}

/// Another resource of a type that may be referred to.
fn targets(spot: Spot<'_>) -> Vec<Mutant> {
    let Some(allowed) = target_types(spot) else { return Vec::new() };
    // In a bundle what is referred to must be there.
    if spot.document["resourceType"] == "Bundle" {
        return Vec::new();
    }
    let is_outside = |place: &Place| {
        at(spot.document, place)["reference"].as_str().is_some_and(|text| !text.starts_with('#'))
    };
    let places: Vec<Place> = spot.places_of(spot.id).into_iter().filter(is_outside).collect();
    let mut made = Vec::new();
    for (place, name) in
        places.iter().flat_map(|place| allowed.iter().map(move |name| (place, name)))
    {
        let other = |value: &mut Value| {
            value["reference"] = json!(format!("{name}/other-9"));
            value.as_object_mut().expect("an object").remove("type");
        };
        made.push(spot.mutant(&kind::FREE_TARGET, with(spot.document, place, other)));
    }
    made
}

/// One more item of no slice, where the slices are open.
fn items(spot: Spot<'_>) -> Vec<Mutant> {
    let element = spot.element();
    let slicing = &element["slicing"];
    let (_, max) = count(element);
    let name = spot.id.rsplit('.').next().unwrap_or_default();
    let said_of_all = |path: &str| {
        let id = format!("{}.{path}", spot.id);
        spot.known.elements[spot.url].get(&id).is_some_and(is_said)
    };
    let paths = slicing["discriminator"].as_array().into_iter().flatten();
    let is_free = paths.filter_map(|one| one["path"].as_str()).all(|path| !said_of_all(path));
    let is_extension = name.starts_with("extension");
    if slicing["rules"] != "open" || max.is_some() || !is_free || is_extension {
        return Vec::new();
    }
    if is_spoken_of(spot, name) || !element["binding"].is_null() {
        return Vec::new();
    }
    let mut made = Vec::new();
    for list in lists(&spot.places_of(spot.id)) {
        let items = at(spot.document, &list).as_array().expect("a list");
        let Some(other) = other_item(&items[0], slicing) else { continue };
        let push = |items: &mut Value| items.as_array_mut().expect("a list").push(other);
        made.push(spot.mutant(&kind::FREE_ITEM, with(spot.document, &list, push)));
    }
    made
}

/// The whole document, written otherwise.
pub fn whole(document: &Value) -> Vec<Mutant> {
    let twin =
        |document| Mutant { what: "the document".to_owned(), kind: &kind::FREE_WHOLE, document };
    let other = turned(document);
    assert_ne!(other.to_string(), document.to_string(), "the keys have an order");
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut document = document.clone();
        change(&mut document);
        twin(document)
    };
    let meta = |name: &'static str, value: &'static str| {
        changed(&move |document: &mut Value| document["meta"][name] = json!(value))
    };
    vec![
        twin(other),
        changed(&|document| document["language"] = json!("ja")),
        meta("versionId", "7"),
        meta("lastUpdated", "2030-12-31T23:59:59.999+09:00"),
    ]
}

/// The keys of all objects in the other order.
fn turned(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: Vec<_> =
                fields.iter().map(|(key, value)| (key.clone(), turned(value))).collect();
            Value::Object(fields.into_iter().rev().collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(turned).collect()),
        one => one.clone(),
    }
}
