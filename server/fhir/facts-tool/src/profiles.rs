//! `K` and `R` lines: R4's own profiles on resources and data types, the vital signs above all, which
//! R4 makes binding for everyone.

use std::{collections::BTreeMap, fmt::Write as _};

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value};

use crate::package::{items, short_name, text};

/// What an element of a differential may keep: no prose.
const FACTS: [&str; 9] = [
    "id",
    "path",
    "sliceName",
    "min",
    "max",
    "type",
    "maxLength",
    "contentReference",
    "mustSupport",
];
const SLICING: [&str; 3] = ["discriminator", "ordered", "rules"];
const CONSTRAINT: [&str; 3] = ["key", "severity", "expression"];
const BINDING: [&str; 2] = ["strength", "valueSet"];

/// Writes all profiles, by url.
pub fn write(types: &[Value], definitions: &[Value], out: &mut String) -> Result<()> {
    let mut by_url = BTreeMap::new();
    for definition in types.iter().chain(definitions) {
        let is_profile = definition.get("derivation").and_then(Value::as_str) == Some("constraint");
        if text(definition, "resourceType")? == "StructureDefinition" && is_profile {
            by_url.insert(text(definition, "url")?, definition);
        }
    }
    ensure!(!by_url.is_empty(), "no profiles");
    for (url, definition) in by_url {
        let base = short_name(text(definition, "baseDefinition")?);
        writeln!(out, "K\t{url}\t{}\t{base}", text(definition, "type")?)?;
        let differential = definition.get("differential").context("no differential")?;
        for element in items(differential, "element") {
            let element = facts(element).with_context(|| format!("in {url}"))?;
            writeln!(out, "R\t{element}")?;
        }
    }
    Ok(())
}

fn facts(element: &Value) -> Result<Value> {
    let mut kept = Map::new();
    for (name, value) in element.as_object().context("no element")? {
        let is_value = ["fixed", "pattern", "minValue", "maxValue"];
        if FACTS.contains(&name.as_str()) || is_value.iter().any(|start| name.starts_with(start)) {
            kept.insert(name.clone(), value.clone());
        }
    }
    for (name, parts) in [("slicing", SLICING.as_slice()), ("binding", &BINDING)] {
        if let Some(value) = element.get(name) {
            kept.insert(name.to_owned(), only(value, parts));
        }
    }
    let constraints = items(element, "constraint").filter(|of| of.get("expression").is_some());
    let constraints: Vec<Value> = constraints.map(|of| only(of, &CONSTRAINT)).collect();
    if !constraints.is_empty() {
        kept.insert("constraint".to_owned(), constraints.into());
    }
    // The id says nothing more where it is the path.
    if kept.get("id") == kept.get("path") {
        kept.shift_remove("id");
    }
    Ok(Value::Object(kept))
}

fn only(value: &Value, names: &[&str]) -> Value {
    let fields = value.as_object().into_iter().flatten();
    let kept = fields.filter(|(name, _)| names.contains(&name.as_str()));
    Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
}
