//! `emit`: the shape of every resource of R4, with the forms of the rule language at each place.

use std::collections::BTreeSet;

use genkan_fhir::definitions::{BindingStrength, Definitions, Element};
use serde_json::{Map, Value as Json, json};

use super::{expression, keys, object, scalar};
use crate::grammar;

/// Elements that Genkan makes.
const OWN: [&str; 2] = ["id", "resourceType"];
/// The types that `$code` makes.
const CODED: [&str; 3] = ["CodeableConcept", "Coding", "code"];

pub(super) fn reference(path: &str) -> Json {
    json!({"$ref": format!("#/definitions/{}", path.replace(' ', "%20"))})
}

/// One definition for each type, for each element with elements of its own, and for each way in which a
/// value of it may stand somewhere.
pub(super) fn definitions() -> Map<String, Json> {
    let mut making = Making { made: Map::new(), waiting: Vec::new() };
    making.waiting.extend(Definitions::r4().resource_names().map(str::to_owned));
    while let Some(path) = making.waiting.pop() {
        if !making.made.contains_key(&path) {
            // Types hold themselves: the name is known before its definition is.
            making.made.insert(path.clone(), Json::Null);
            let of = making.type_of(&path);
            making.made.insert(path, of);
        }
    }
    let mut made = making.made;
    made.insert("scalar".to_owned(), scalar());
    made.insert("expression".to_owned(), expression());
    made.extend(forms());
    made
}

struct Making {
    made: Map<String, Json>,
    /// Types that something refers to.
    waiting: Vec<String>,
}

impl Making {
    fn type_of(&mut self, path: &str) -> Json {
        let r4 = Definitions::r4();
        let is_resource = r4.is_resource(path);
        let (mut properties, mut required) = (Map::new(), Vec::new());
        for element in r4.children(path).unwrap_or_default() {
            if is_resource && OWN.contains(&element.name) {
                continue;
            }
            if element.min > 0 && !element.is_choice() {
                required.push(element.name);
            }
            for name in names(element) {
                let Some(property) = r4.property(path, &name) else { continue };
                if r4.primitive_kind(property.type_code).is_some() {
                    properties.insert(format!("_{name}"), self.at(element, "Element", "Element"));
                }
                properties.insert(name, self.at(element, property.type_code, property.type_path));
            }
        }
        if !is_resource {
            properties.extend(beside());
        }
        object(properties, &required)
    }

    /// What may stand at an element: a list of it, or one.
    fn at(&mut self, element: &Element, code: &str, target: &str) -> Json {
        let codes = codes(element, code);
        let name = match (&codes, code) {
            (Some((value_set, _)), _) => format!("{code} {value_set}"),
            (None, "BackboneElement" | "Element") => target.to_owned(),
            _ => code.to_owned(),
        };
        let one = format!("one {name}");
        if !self.made.contains_key(&one) {
            let of = one_of(code, target, codes.map(|(_, codes)| codes));
            self.made.insert(one.clone(), of);
            let primitive = Definitions::r4().primitive_kind(code).is_some();
            self.waiting.extend((!primitive && code != "Resource").then(|| target.to_owned()));
        }
        let (shape, of) = match element.is_list() {
            true => ("list", json!({"type": "array", "items": reference(&one)})),
            false => {
                let list = json!({"type": "array", "items": reference(&one), "minItems": 2});
                let first = keys(&[grammar::FIRST], [(grammar::FIRST, list)]);
                let first = object(first, &[grammar::FIRST]);
                ("first", either(&[(grammar::FIRST, first)], reference(&one)))
            }
        };
        let shaped = format!("{shape} {name}");
        self.made.entry(shaped.clone()).or_insert(of);
        reference(&shaped)
    }
}

fn names(element: &Element) -> Vec<String> {
    match element.is_choice() {
        true => element.types.iter().map(|of| element.property_name(of.code)).collect(),
        false => vec![element.name.to_owned()],
    }
}

/// `$if` and `$each`, which stand beside the elements.
fn beside() -> Map<String, Json> {
    let each = ("$each", json!({"type": "string"}));
    keys(&grammar::BESIDE, [("$if", reference("expression")), each])
}

/// The forms that are the same wherever they stand.
fn forms() -> Map<String, Json> {
    let beside = |names: &[&str]| -> Map<String, Json> {
        let text = json!({"type": "string"});
        let any = reference("scalar");
        keys(
            names,
            [
                ("$if", reference("expression")),
                ("$each", text.clone()),
                ("$value", any.clone()),
                ("$code", text.clone()),
                ("from", any.clone()),
                ("text", any.clone()),
                ("display", any.clone()),
                ("extension", json!({"type": "array"})),
                ("at", any.clone()),
                ("with", any.clone()),
                ("$ref", text.clone()),
                ("$contained", text),
                ("key", json!({"anyOf": [any, {"type": "array", "items": any}]})),
            ],
        )
    };
    let mut referring = object(beside(&grammar::REFERENCE), &["key"]);
    referring["oneOf"] = json!([{"required": ["$ref"]}, {"required": ["$contained"]}]);
    let used = json!({
        "type": "object",
        "properties": {"$use": {"type": "string"}, "with": {"type": "object"}},
        "required": ["$use"],
    });
    let forms = [
        ("$value", object(beside(&grammar::VALUE), &["$value"])),
        ("$code", object(beside(&grammar::CODE), &["$code", "from"])),
        ("$ref", referring),
        ("$use", used),
    ];
    forms.into_iter().map(|(name, of)| (name.to_owned(), of)).collect()
}

fn one_of(code: &str, target: &str, codes: Option<BTreeSet<&str>>) -> Json {
    let used = ("$use", reference("$use"));
    let coded = CODED.contains(&code).then(|| ("$code", reference("$code")));
    if Definitions::r4().primitive_kind(code).is_some() {
        let forms: Vec<(&str, Json)> = std::iter::once(used).chain(coded).collect();
        let form = either(&forms, reference("$value"));
        let written = match codes {
            Some(codes) => json!({"anyOf": [reference("expression"), {"enum": codes}]}),
            None => reference("scalar"),
        };
        return json!({"if": {"type": "object"}, "then": form, "else": written});
    }
    if code == "Resource" {
        return json!({"type": "object"});
    }
    let mut forms: Vec<(&str, Json)> = std::iter::once(used).chain(coded).collect();
    if code == "Reference" {
        forms.extend(["$ref", "$contained"].map(|key| (key, reference("$ref"))));
    }
    either(&forms, reference(target))
}

/// The form whose key is there, or else the rest.
fn either(forms: &[(&str, Json)], rest: Json) -> Json {
    forms.iter().rev().fold(rest, |rest, (key, form)| {
        json!({"if": {"type": "object", "required": [key]}, "then": form, "else": rest})
    })
}

/// Of a required binding, the name of the value set and its codes.
fn codes(element: &Element, code: &str) -> Option<(&'static str, BTreeSet<&'static str>)> {
    let binding = element.binding.filter(|of| of.strength == BindingStrength::Required)?;
    let codes = Definitions::r4().value_set_codes(binding.value_set).filter(|_| code == "code")?;
    let name = binding.value_set.rsplit('/').next()?.split('|').next()?;
    Some((name, codes.iter().map(|of| of.code).collect()))
}
