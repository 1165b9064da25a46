//! `X` and `Y` lines: the extensions that R4 itself defines.

use std::{collections::BTreeMap, fmt::Write as _};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::{
    package::{items, text},
    structures,
};

/// An extension without a rule on its value allows more types than any list is worth.
const ANY_TYPES: usize = 40;

/// Writes all extensions, by url.
pub fn write(definitions: &[Value], out: &mut String) -> Result<()> {
    let mut by_url = BTreeMap::new();
    for definition in definitions {
        if text(definition, "resourceType")? == "StructureDefinition"
            && text(definition, "type")? == "Extension"
        {
            by_url.insert(text(definition, "url")?, definition);
        }
    }
    ensure!(!by_url.is_empty(), "no extension definitions");
    for (url, definition) in by_url {
        extension(url, definition, out).with_context(|| format!("in {url}"))?;
    }
    Ok(())
}

fn extension(url: &str, definition: &Value, out: &mut String) -> Result<()> {
    let snapshot = definition.get("snapshot").context("no snapshot")?;
    let elements: Vec<&Value> = items(snapshot, "element").collect();
    let root = elements.first().context("no elements")?;
    let is_modifier = root.get("isModifier").and_then(Value::as_bool) == Some(true);
    let mut contexts = Vec::new();
    for context in items(definition, "context") {
        match text(context, "type")? {
            "element" => contexts.push(text(context, "expression")?),
            other => bail!("a context of the unknown type {other}"),
        }
    }
    let flags = if is_modifier { "m" } else { "" };
    writeln!(out, "X\t{url}\t{flags}\t{}", contexts.join(","))?;
    for element in &elements {
        let id = text(element, "id")?;
        if let Some(path) = part_path(id) {
            part(&path, id, element, &elements, out).with_context(|| format!("at {id}"))?;
        }
    }
    Ok(())
}

/// `species/kind` of `Extension.extension:species.extension:kind`; empty for the extension itself.
fn part_path(id: &str) -> Option<String> {
    let mut path = Vec::new();
    for part in id.strip_prefix("Extension")?.split('.').skip(1) {
        path.push(part.strip_prefix("extension:")?);
    }
    Some(path.join("/"))
}

fn part(
    path: &str,
    id: &str,
    element: &Value,
    elements: &[&Value],
    out: &mut String,
) -> Result<()> {
    let min = element.get("min").and_then(Value::as_u64).context("no min")?;
    write!(out, "Y\t{path}\t{min}\t{}\t", text(element, "max")?)?;
    let value_id = format!("{id}.value[x]");
    let value = elements.iter().find(|other| text(other, "id").is_ok_and(|id| id == value_id));
    let has_value = value.is_none_or(|value| text(value, "max").is_ok_and(|max| max != "0"));
    let Some(value) = value.filter(|_| has_value) else {
        // Without a word about its value it may be any; with parts there is none.
        writeln!(out, "{}", if has_value { "\t*\t" } else { "\t-\t" })?;
        return Ok(());
    };
    if value.get("min").and_then(Value::as_u64).is_some_and(|min| min > 0) {
        out.push('v');
    }
    out.push('\t');
    if items(value, "type").count() > ANY_TYPES {
        out.push('*');
    } else {
        structures::types(&value_id, value, out)?;
    }
    out.push('\t');
    structures::binding(value, out)?;
    out.push('\n');
    Ok(())
}
