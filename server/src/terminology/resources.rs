//! CodeSystem, ValueSet and ConceptMap as resources. What is too large is not spelled out, and says so
//! by `content`.

use chrono::NaiveDate;
use genkan_mapping::codemap::concept_map::{concept_map, name};
use genkan_mapping::terminology::{
    CodeSystem, Coded, Content, Holding, Map, Terminology, ValueSet,
};
use genkan_masters::{Property, Words};
use serde_json::{Map as Fields, Value, json};

/// R4's names of properties, and of ours, that are not [`Property`]: name, type, URL, text.
pub const OWN_PROPERTIES: [(&str, &str, Option<&str>, &str); 4] = [
    (
        "inactive",
        "boolean",
        Some("http://hl7.org/fhir/concept-properties#inactive"),
        "not in use on the day that is asked about",
    ),
    ("valid-from", "dateTime", None, "first day of use"),
    ("valid-to", "dateTime", None, "last day of use"),
    ("successor", "code", None, "移行先: the code that takes its place"),
];
const PARENT: &str = "http://hl7.org/fhir/concept-properties#parent";
/// Japanese syllables. Spec: BCP 47, ISO 15924
const READING: &str = "ja-Hrkt";

/// What resources may spell out, and the day for which.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    pub codes_max: usize,
    pub day: NaiveDate,
}

/// The ids of a type, in their order.
pub fn ids<'t>(terminology: &'t Terminology, resource_type: &str) -> Vec<&'t str> {
    let mut ids: Vec<&str> = match resource_type {
        "CodeSystem" => terminology.systems().iter().map(|one| one.id.as_str()).collect(),
        "ValueSet" => terminology.value_sets().iter().map(|one| one.id.as_str()).collect(),
        _ => terminology.maps().iter().map(|one| one.id.as_str()).collect(),
    };
    ids.sort_unstable();
    ids
}

pub fn of_id(
    terminology: &Terminology,
    resource_type: &str,
    id: &str,
    extent: Extent,
) -> Option<Value> {
    match resource_type {
        "CodeSystem" => {
            let system = terminology.systems().iter().find(|one| one.id == id)?;
            Some(code_system(terminology, system, extent))
        }
        "ValueSet" => {
            let set = terminology.value_sets().iter().find(|one| one.id == id)?;
            Some(value_set(terminology, set, extent))
        }
        _ => {
            let map = terminology.maps().iter().find(|one| one.id == id)?;
            Some(used_rows(terminology, map, extent))
        }
    }
}

/// The elements that a search compares: the same as in the whole resource.
pub fn head(terminology: &Terminology, resource_type: &str, id: &str) -> Option<Value> {
    match resource_type {
        "CodeSystem" => terminology.systems().iter().find(|one| one.id == id).map(head_of_system),
        "ValueSet" => terminology.value_sets().iter().find(|one| one.id == id).map(head_of_set),
        _ => terminology.maps().iter().find(|one| one.id == id).map(|map| {
            let (frame, none) = (terminology.frame(map), std::iter::empty());
            concept_map(terminology.code_map(map), &frame, none)
        }),
    }
}

fn head_of_system(system: &CodeSystem) -> Value {
    let CodeSystem { id, url, title, version, .. } = system;
    head_of("CodeSystem", [id, url, title], version.as_deref())
}

pub fn head_of_set(set: &ValueSet) -> Value {
    let ValueSet { id, url, title, version, .. } = set;
    head_of("ValueSet", [id, url, title], version.as_deref())
}

fn head_of(resource_type: &str, [id, url, title]: [&str; 3], version: Option<&str>) -> Value {
    let mut resource = json!({
        "resourceType": resource_type,
        "id": id,
        "url": url,
        "name": name(id),
        "title": title,
        "status": "active",
    });
    put(&mut resource, "version", version);
    resource
}

fn code_system(terminology: &Terminology, system: &CodeSystem, extent: Extent) -> Value {
    let spelled = system.holding != Holding::Nothing && system.count <= extent.codes_max;
    let mut resource = head_of_system(system);
    put(&mut resource, "description", Some(told_of(system, spelled)));
    resource["caseSensitive"] = true.into();
    resource["valueSet"] = format!("urn:x-genkan:all-codes:{}", system.id).into();
    if system.hierarchy {
        resource["hierarchyMeaning"] = "is-a".into();
    }
    resource["content"] = match (spelled, system.holding) {
        (false, _) | (_, Holding::Nothing) => "not-present",
        (true, Holding::Part) => "fragment",
        (true, Holding::Whole) => "complete",
    }
    .into();
    // R4: of a part or of nothing it would be the number of all that there are.
    if system.holding == Holding::Whole {
        resource["count"] = system.count.into();
    }
    if system.holding != Holding::Nothing && !system.is_house() {
        resource["property"] = declared_properties().into();
    }
    if spelled {
        let set =
            Content::All(terminology.systems().iter().position(|one| one == system).unwrap_or(0));
        let concepts = members(terminology, &set, extent);
        let concepts: Vec<Value> = concepts.iter().map(|(_, coded)| concept(coded)).collect();
        if !concepts.is_empty() {
            resource["concept"] = concepts.into();
        }
    }
    resource
}

fn told_of(system: &CodeSystem, spelled: bool) -> &'static str {
    match (system.holding, spelled) {
        (Holding::Nothing, _) => "No master of it is loaded: nothing can be said of its codes.",
        (_, false) => {
            "Its codes are too many to be spelled out here; ask $lookup, $validate-code and $expand."
        }
        (Holding::Part, true) if system.is_house() => {
            "The house's own codes, as far as its code maps name them."
        }
        (Holding::Part, true) => "The codes that the loaded masters name, which are a part of all.",
        (Holding::Whole, true) => "As the loaded master says it.",
    }
}

fn declared_properties() -> Vec<Value> {
    let own = OWN_PROPERTIES.iter().map(|(code, kind, uri, text)| {
        let mut property = json!({"code": code, "description": text, "type": kind});
        put(&mut property, "uri", *uri);
        property
    });
    let masters = Property::ALL.into_iter().map(|property| {
        let is_parent = property == Property::Parent;
        let kind = if is_parent { "code" } else { "string" };
        let mut declared = json!({"code": property.code(), "type": kind});
        put(&mut declared, "uri", is_parent.then_some(PARENT));
        declared
    });
    own.chain(masters).collect()
}

fn concept(coded: &Coded) -> Value {
    let mut value = json!({"code": coded.code});
    put(&mut value, "display", coded.display.as_deref());
    let designations = designations(coded);
    if !designations.is_empty() {
        value["designation"] = designations.into();
    }
    let properties = properties(coded);
    if !properties.is_empty() {
        value["property"] = properties.into();
    }
    value
}

/// The reading and the other names of a code.
pub fn designations(coded: &Coded) -> Vec<Value> {
    let kana = coded.kana.iter().map(|kana| json!({"language": READING, "value": kana}));
    let names = coded.synonyms.iter().map(|name| json!({"value": name}));
    kana.chain(names).collect()
}

/// As `CodeSystem.concept.property` has them.
pub fn properties(coded: &Coded) -> Vec<Value> {
    let mut found = Vec::new();
    if !coded.active {
        found.push(json!({"code": "inactive", "valueBoolean": true}));
    }
    let days = [("valid-from", coded.from), ("valid-to", coded.until)];
    for (code, day) in days {
        found.extend(day.map(|day| json!({"code": code, "valueDateTime": day.to_string()})));
    }
    let successor = coded.successor.iter();
    found.extend(successor.map(|to| json!({"code": "successor", "valueCode": to})));
    for (property, values) in &coded.properties {
        let kind = if *property == Property::Parent { "valueCode" } else { "valueString" };
        found.extend(values.iter().map(|value| json!({"code": property.code(), kind: value})));
    }
    found
}

/// Without `compose` where its codes are too many: `$expand` shows them in pages.
fn value_set(terminology: &Terminology, set: &ValueSet, extent: Extent) -> Value {
    let mut resource = head_of_set(set);
    if let Content::All(place) = set.content {
        let system = &terminology.systems()[place].url;
        resource["compose"] = json!({"include": [{"system": system}]});
        return resource;
    }
    let mut includes = Vec::new();
    let mut left = extent.codes_max;
    for url in terminology.systems_in(&set.content) {
        let codes = terminology.codes_in(&set.content, url, extent.day);
        let Some(rest) = left.checked_sub(codes.len()) else {
            let text = "Its codes are too many to be spelled out here; ask $expand.";
            resource["description"] = text.into();
            return resource;
        };
        left = rest;
        let concept = |(code, name): (&String, &Option<String>)| {
            let mut concept = json!({"code": code});
            put(&mut concept, "display", name.as_deref());
            concept
        };
        let concepts: Vec<Value> = codes.iter().map(concept).collect();
        if !concepts.is_empty() {
            includes.push(json!({"system": url, "concept": concepts}));
        }
    }
    if !includes.is_empty() {
        resource["compose"] = json!({"include": includes});
    }
    resource
}

/// What translations use. All rows, whatever their state, leave by `genkan codes export-map` only: who
/// reads a map by HTTP wants to map.
fn used_rows(terminology: &Terminology, map: &Map, extent: Extent) -> Value {
    let frame = terminology.frame(map);
    let rows = map.rows.iter().filter(|row| row.is_used());
    if rows.clone().count() <= extent.codes_max {
        return concept_map(terminology.code_map(map), &frame, rows);
    }
    let mut resource = concept_map(terminology.code_map(map), &frame, std::iter::empty());
    let text = "Its rows are too many to be spelled out here; ask $translate.";
    resource["description"] = text.into();
    resource
}

fn members(terminology: &Terminology, set: &Content, extent: Extent) -> Vec<(String, Coded)> {
    let asked = genkan_mapping::terminology::Asked {
        words: Words::default(),
        day: extent.day,
        active_only: false,
        offset: 0,
        count: Some(extent.codes_max),
        codes_max: extent.codes_max,
    };
    let expansion = terminology.expand(set, &asked).unwrap_or_default();
    expansion.members.into_iter().map(|member| (member.system, member.coded)).collect()
}

fn put(value: &mut Value, name: &str, text: Option<&str>) {
    if let (Some(text), Some(fields)) = (text, value.as_object_mut()) {
        let fields: &mut Fields<String, Value> = fields;
        fields.insert(name.to_owned(), text.into());
    }
}
