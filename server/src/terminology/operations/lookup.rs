//! `CodeSystem/$lookup`: what is known of a code.

use genkan_mapping::terminology::Coded;
use genkan_masters::Property;
use serde_json::{Value, json};

use super::{Call, only_one, parameters, versioned};
use crate::error::{Error, Refusal};
use crate::terminology::given::Given;
use crate::terminology::resources::{self, OWN_PROPERTIES};

/// R4's own names of what is always told.
const ALWAYS: [&str; 4] = ["system", "name", "version", "display"];
const DESIGNATION: &str = "designation";

pub fn run(call: &Call, given: &mut Given) -> Result<Value, Error> {
    only_one(given, &["code", "coding"]);
    let (system, version, code) = match given.coding("coding") {
        Some(coding) => {
            if coding.system.is_none() {
                given.refuse(
                    "coding",
                    Refusal::Invalid,
                    "needs its system",
                    "に system が必要です",
                );
            }
            let (system, version) = versioned(&coding.system.unwrap_or_default(), coding.version);
            (system, version.or(given.text("version")), coding.code)
        }
        None if given.has("code") => {
            let (system, version) = versioned(&given.needed("system"), given.text("version"));
            (system, version, given.text("code").unwrap_or_default())
        }
        None => Default::default(),
    };
    let day = given.day(call.service);
    given.language();
    let wanted = wanted(given);
    std::mem::take(given).end()?;
    let coded = call.service.terminology.lookup((&system, version.as_deref()), &code, day)?;
    Ok(parameters(told(call, &system, &coded, wanted.as_deref())))
}

/// What `property` may name, as a schema of one of them.
pub fn property_names() -> Value {
    let own = OWN_PROPERTIES.iter().map(|(name, ..)| *name);
    let names = ALWAYS.into_iter().chain([DESIGNATION]).chain(own);
    let names: Vec<&str> = names.chain(Property::ALL.map(Property::code)).collect();
    json!({"enum": names})
}

/// `None`: all.
fn wanted(given: &mut Given) -> Option<Vec<String>> {
    let names = given.texts("property");
    let known = |name: &str| {
        ALWAYS.contains(&name)
            || name == DESIGNATION
            || OWN_PROPERTIES.iter().any(|(own, ..)| *own == name)
            || Property::by_code(name).is_some()
    };
    if !names.iter().all(|name| known(name)) {
        let en = "has a name that no code has here; CodeSystem.property lists those that are";
        let ja = "に、ここにない項目名があります。CodeSystem.property を見てください";
        given.refuse("property", Refusal::NotSupported, en, ja);
    }
    (!names.is_empty()).then_some(names)
}

fn told(call: &Call, url: &str, coded: &Coded, wanted: Option<&[String]>) -> Vec<Value> {
    let system = call.known(url);
    let title = system.map_or(url, |system| &system.title);
    let mut parts = vec![json!({"name": "name", "valueString": title})];
    if let Some(version) = &coded.version {
        parts.push(json!({"name": "version", "valueString": version}));
    }
    // R4 wants a display; a code of the house may have no name.
    let display = coded.display.as_deref().unwrap_or(&coded.code);
    parts.push(json!({"name": "display", "valueString": display}));
    let is_wanted = |name: &str| wanted.is_none_or(|wanted| wanted.iter().any(|one| one == name));
    if is_wanted(DESIGNATION) {
        for designation in resources::designations(coded) {
            let part: Vec<Value> = ["language", "value"]
                .into_iter()
                .filter(|name| designation.get(name).is_some())
                .map(|name| {
                    let kind = if name == "language" { "valueCode" } else { "valueString" };
                    json!({"name": name, kind: designation[name]})
                })
                .collect();
            parts.push(json!({"name": "designation", "part": part}));
        }
    }
    for mut property in resources::properties(coded) {
        let Some(code) = property["code"].as_str().map(str::to_owned) else { continue };
        if let Some(fields) = property.as_object_mut().filter(|_| is_wanted(&code)) {
            let mut part = vec![json!({"name": "code", "valueCode": code})];
            for (name, value) in fields.iter().filter(|(name, _)| name.starts_with("value")) {
                part.push(json!({"name": "value", name: value}));
            }
            parts.push(json!({"name": "property", "part": part}));
        }
    }
    parts
}
