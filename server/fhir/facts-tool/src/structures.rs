//! `T`, `E` and `C` lines: what resources and data types are made of.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{
    corrections::{Correction, FOREIGN_TYPES, correction},
    package::{items, short_name, text, texts},
};

/// Writes all types, by name.
pub fn write(definitions: &[Value], out: &mut String) -> Result<()> {
    let mut by_name = BTreeMap::new();
    for definition in definitions {
        if text(definition, "resourceType")? != "StructureDefinition"
            || definition.get("derivation").and_then(Value::as_str) == Some("constraint")
        {
            continue;
        }
        let name = text(definition, "name")?;
        if !FOREIGN_TYPES.contains(&name) {
            by_name.insert(name, definition);
        }
    }
    for (name, definition) in &by_name {
        structure(definition, out).with_context(|| format!("in {name}"))?;
    }
    Ok(())
}

fn structure(definition: &Value, out: &mut String) -> Result<()> {
    let name = text(definition, "name")?;
    let is_abstract = definition.get("abstract").and_then(Value::as_bool) == Some(true);
    let kind = match (text(definition, "kind")?, is_abstract) {
        ("resource", false) => "resource",
        ("resource", true) => "abstract",
        ("complex-type", _) => "complex",
        ("primitive-type", _) => "primitive",
        (other, _) => bail!("unknown kind {other}"),
    };
    let base = definition.get("baseDefinition").and_then(Value::as_str).map_or("", short_name);
    writeln!(out, "T\t{name}\t{base}\t{kind}")?;
    let snapshot = definition.get("snapshot").context("no snapshot")?;
    for element in items(snapshot, "element") {
        let path = text(element, "path")?;
        if path == name {
            constraints(name, element, out)?;
        } else if kind != "primitive" && is_own(element, path) {
            match correction(path) {
                Correction::Drop => {}
                Correction::Replace(lines) => out.push_str(lines),
                Correction::Keep => {
                    element_line(path, element, out)
                        .and_then(|()| constraints(name, element, out))
                        .with_context(|| format!("at {path}"))?;
                }
            }
        }
    }
    Ok(())
}

/// Whether the type itself defines the element; the others come from its base.
fn is_own(element: &Value, path: &str) -> bool {
    element.pointer("/base/path").and_then(Value::as_str).is_none_or(|base| base == path)
}

fn element_line(path: &str, element: &Value, out: &mut String) -> Result<()> {
    let min = element.get("min").and_then(Value::as_u64).context("no min")?;
    let max = text(element, "max")?;
    write!(out, "E\t{path}\t{min}\t{max}\t")?;
    for (flag, name) in [('s', "isSummary"), ('m', "isModifier")] {
        if element.get(name).and_then(Value::as_bool) == Some(true) {
            out.push(flag);
        }
    }
    out.push('\t');
    match element.get("contentReference").and_then(Value::as_str) {
        Some(reference) => out.push_str(reference),
        None => types(path, element, out)?,
    }
    out.push('\t');
    binding(element, out)?;
    out.push('\n');
    Ok(())
}

/// The types of an element, with their targets and profiles.
pub fn types(path: &str, element: &Value, out: &mut String) -> Result<()> {
    for (index, of) in items(element, "type").enumerate() {
        if index > 0 {
            out.push('|');
        }
        let code = text(of, "code")?;
        out.push_str(if code.starts_with("http://hl7.org/fhirpath/System.") {
            system_type(path)?
        } else {
            code
        });
        let targets: Vec<&str> = texts(of, "targetProfile").into_iter().map(short_name).collect();
        if !targets.is_empty() && targets != ["Resource"] {
            write!(out, "({})", targets.join(","))?;
        }
        for profile in texts(of, "profile") {
            write!(out, "[{}]", short_name(profile))?;
        }
    }
    Ok(())
}

/// The FHIR type of the few elements that the definitions give only a FHIRPath type.
fn system_type(path: &str) -> Result<&'static str> {
    Ok(match path {
        "Element.id" => "string",
        "Resource.id" => "id",
        "Extension.url" => "uri",
        _ => bail!("no FHIR type known"),
    })
}

/// The binding of an element, if it has one.
pub fn binding(element: &Value, out: &mut String) -> Result<()> {
    let Some(binding) = element.get("binding") else { return Ok(()) };
    let Some(value_set) = binding.get("valueSet").and_then(Value::as_str) else { return Ok(()) };
    let strength = match text(binding, "strength")? {
        "required" => 'r',
        "extensible" => 'e',
        "preferred" => 'p',
        "example" => 'x',
        other => bail!("unknown binding strength {other}"),
    };
    write!(out, "{strength} {value_set}")?;
    Ok(())
}

/// Invariants stated here: those with another `source` come with the base or the element's type.
fn constraints(type_name: &str, element: &Value, out: &mut String) -> Result<()> {
    for constraint in items(element, "constraint") {
        let source = constraint.get("source").and_then(Value::as_str).map(short_name);
        let Some(expression) = constraint.get("expression").and_then(Value::as_str) else {
            continue;
        };
        if source.is_some_and(|source| source != type_name) {
            continue;
        }
        let severity = match text(constraint, "severity")? {
            "error" => 'e',
            "warning" => 'w',
            other => bail!("unknown severity {other}"),
        };
        let expression = expression.split_whitespace().collect::<Vec<_>>().join(" ");
        writeln!(out, "C\t{}\t{severity}\t{expression}", text(constraint, "key")?)?;
    }
    Ok(())
}

/// Units that profiles require of a quantity, though R4 itself recommends them at most.
const UNITS: [&str; 3] = ["age-units", "distance-units", "duration-units"];

/// The value sets of required and extensible bindings in the table, and of those that R4's profiles
/// require, without version.
pub fn ruling_value_sets(facts: &str) -> BTreeSet<String> {
    let strength = |binding: &&str| matches!(binding.split(' ').next(), Some("r" | "e"));
    let ruling = bindings(facts).filter(strength).filter_map(|one| one.get(2..));
    let of_profiles =
        facts.lines().filter_map(|line| required_by_profile(line.strip_prefix("R\t")?));
    let units = UNITS.map(|name| format!("http://hl7.org/fhir/ValueSet/{name}"));
    let all = ruling.map(str::to_owned).chain(of_profiles).chain(units);
    all.filter_map(|url| Some(url.split('|').next()?.to_owned())).collect()
}

/// The value sets of all bindings in the table, whatever their strength, without version.
pub fn bound_value_sets(facts: &str) -> BTreeSet<String> {
    let urls = bindings(facts).filter_map(|one| one.get(2..)?.split('|').next());
    urls.map(str::to_owned).collect()
}

/// The last fields of all elements, which bindings are in.
fn bindings(facts: &str) -> impl Iterator<Item = &str> {
    let is_element = |line: &&str| line.starts_with("E\t") || line.starts_with("Y\t");
    facts.lines().filter(is_element).filter_map(|line| line.rsplit('\t').next())
}

fn required_by_profile(element: &str) -> Option<String> {
    let element: Value = serde_json::from_str(element).ok()?;
    let binding = element.get("binding")?;
    let is_required = binding.get("strength")?.as_str() == Some("required");
    is_required.then(|| binding.get("valueSet")?.as_str().map(str::to_owned))?
}
