//! `V` and `S` lines: the codes of value sets that R4 binds as required or extensible, or that its
//! profiles require. `U` lines: the code systems behind these and the value sets that it recommends.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use anyhow::Result;
use serde_json::Value;

use crate::package::{items, text, texts};

/// A longer list is a terminology's business, not that of a table in every binary.
const MAX_CODES: usize = 200;

/// The codes of a longer code system (DICOM's) are not for that table either.
const MAX_SYSTEM_CODES: usize = 2_000;

/// Code systems that R4 publishes and JP Core's value sets draw from, beside those of R4's bindings.
const OF_JP_CORE: [&str; 5] = ["v2-0162", "v2-0164", "v2-0482", "v2-0495", "v2-0550"];
const TERMINOLOGY: &str = "http://terminology.hl7.org/CodeSystem/";

/// The ValueSets and CodeSystems of the package, by url.
pub struct Terminology<'a> {
    value_sets: BTreeMap<&'a str, &'a Value>,
    code_systems: BTreeMap<&'a str, &'a Value>,
}

impl<'a> Terminology<'a> {
    pub fn of(resources: &'a [Value]) -> Result<Self> {
        let (mut value_sets, mut code_systems) = (BTreeMap::new(), BTreeMap::new());
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
        Ok(Self { value_sets, code_systems })
    }

    /// Writes the value sets of `bound` whose codes the package spells out completely.
    pub fn write_value_sets(&self, bound: &BTreeSet<String>, out: &mut String) -> Result<()> {
        for url in bound {
            let set = self.value_sets.get(url.as_str());
            let expansion = set.and_then(|set| expand(set, &self.code_systems));
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

    /// Writes the code systems of HL7 that the value sets of `bound` draw from and that the package
    /// has completely.
    pub fn write_code_systems(&self, bound: &BTreeSet<String>, out: &mut String) -> Result<()> {
        let (mut systems, mut seen) = (BTreeSet::new(), BTreeSet::new());
        systems.extend(OF_JP_CORE.map(|name| format!("{TERMINOLOGY}{name}")));
        let mut open: Vec<&str> = bound.iter().map(String::as_str).collect();
        while let Some(url) = open.pop() {
            let Some(set) = self.value_sets.get(url).filter(|_| seen.insert(url)) else { continue };
            for include in set.get("compose").into_iter().flat_map(|of| items(of, "include")) {
                systems.extend(include.get("system").and_then(Value::as_str).map(str::to_owned));
                let sets = texts(include, "valueSet").into_iter();
                open.extend(sets.filter_map(|set| set.split('|').next()));
            }
        }
        let is_of_hl7 = |url: &&String| {
            let starts = ["http://hl7.org/fhir/", TERMINOLOGY];
            starts.iter().any(|start| url.starts_with(start)) && !url.contains('|')
        };
        for url in systems.iter().filter(is_of_hl7) {
            let Some(system) = self.code_systems.get(url.as_str()) else { continue };
            let mut codes = Vec::new();
            collect(system, &mut codes);
            let is_complete = system.get("content").and_then(Value::as_str) == Some("complete");
            if !is_complete || codes.is_empty() || codes.len() > MAX_SYSTEM_CODES {
                continue;
            }
            let is_exact = system.get("caseSensitive").and_then(Value::as_bool) == Some(true);
            let flags = if is_exact { "" } else { "i" };
            writeln!(out, "U\t{url}\t{flags}\t{}", codes.join("\t"))?;
        }
        Ok(())
    }
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
