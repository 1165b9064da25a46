//! `V` and `S` lines: the codes of value sets that R4 binds as required or extensible, or that its
//! profiles require.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use anyhow::Result;
use serde_json::Value;

use crate::package::{items, text};

/// A longer list is a terminology's business, not that of a table in every binary.
const MAX_CODES: usize = 200;

/// Writes the value sets of `bound` whose codes the package spells out completely.
pub fn write(resources: &[Value], bound: &BTreeSet<String>, out: &mut String) -> Result<()> {
    let mut value_sets = BTreeMap::new();
    let mut code_systems = BTreeMap::new();
    for resource in resources {
        let by_url = match text(resource, "resourceType")? {
            "ValueSet" => &mut value_sets,
            "CodeSystem" => &mut code_systems,
            _ => continue,
        };
        if let Some(url) = resource.get("url").and_then(Value::as_str) {
            by_url.insert(url, resource);
        }
    }
    for url in bound {
        let expansion = value_sets.get(url.as_str()).and_then(|set| expand(set, &code_systems));
        let Some(expansion) = expansion else { continue };
        if expansion.iter().map(|(_, codes)| codes.len()).sum::<usize>() > MAX_CODES {
            continue;
        }
        writeln!(out, "V\t{url}")?;
        for (system, codes) in expansion {
            writeln!(out, "S\t{system}\t{}", codes.join("\t"))?;
        }
    }
    Ok(())
}

/// None when the set can't be spelled out from what the package holds: a partial list would
/// call good codes bad.
fn expand<'a>(
    value_set: &'a Value,
    code_systems: &BTreeMap<&str, &'a Value>,
) -> Option<Vec<(&'a str, Vec<&'a str>)>> {
    let compose = value_set.get("compose")?;
    let mut excluded = BTreeSet::new();
    for exclude in items(compose, "exclude") {
        // Anything else that is taken away would have to be known first.
        if exclude.get("filter").is_some() || exclude.get("valueSet").is_some() {
            return None;
        }
        exclude.get("concept")?;
        let system = exclude.get("system")?.as_str()?;
        let mut codes = Vec::new();
        collect(exclude, &mut codes);
        excluded.extend(codes.into_iter().map(|code| (system, code)));
    }
    let mut expansion = Vec::new();
    for include in items(compose, "include") {
        if include.get("valueSet").is_some() {
            return None;
        }
        let system = include.get("system")?.as_str()?;
        let mut codes = Vec::new();
        if include.get("concept").is_some() {
            collect(include, &mut codes);
        } else {
            let code_system = code_systems.get(system)?;
            if code_system.get("content")?.as_str()? != "complete" {
                return None;
            }
            let mut filters = items(include, "filter");
            match (filters.next(), filters.next()) {
                (None, _) => collect(code_system, &mut codes),
                (Some(filter), None) => below(code_system, filter, &mut codes)?,
                _ => return None,
            }
        }
        codes.retain(|code| !excluded.contains(&(system, *code)));
        expansion.push((system, codes));
    }
    (!expansion.is_empty()).then_some(expansion)
}

/// What an `is-a` leaves of a code system: the concept, those nested in it, and those that it names as
/// its children.
fn below<'a>(code_system: &'a Value, filter: &Value, codes: &mut Vec<&'a str>) -> Option<()> {
    let text = |name: &str| filter.get(name).and_then(Value::as_str);
    let by_parent = items(code_system, "property").any(|property| property["code"] == "parent");
    if by_parent || text("property") != Some("concept") || text("op") != Some("is-a") {
        return None;
    }
    let mut open = vec![find(code_system, text("value")?)?];
    while let Some(concept) = open.pop() {
        let code = concept.get("code")?.as_str()?;
        if codes.contains(&code) {
            continue;
        }
        codes.push(code);
        let named = items(concept, "property").filter(|property| property["code"] == "child");
        let named = named.filter_map(|property| property.get("valueCode")?.as_str());
        let named: Option<Vec<_>> = named.map(|code| find(code_system, code)).collect();
        open.extend(items(concept, "concept").chain(named?));
    }
    Some(())
}

fn find<'a>(of: &'a Value, code: &str) -> Option<&'a Value> {
    items(of, "concept").find_map(|concept| {
        let own = concept.get("code").and_then(Value::as_str) == Some(code);
        if own { Some(concept) } else { find(concept, code) }
    })
}

fn collect<'a>(of: &'a Value, codes: &mut Vec<&'a str>) {
    for concept in items(of, "concept") {
        codes.extend(concept.get("code").and_then(Value::as_str));
        collect(concept, codes);
    }
}
