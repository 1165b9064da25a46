//! A served hospital, read as a whole, and its references followed by hand: what chains and includes
//! are compared with.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::harness::Genkan;

/// Every resource of the hospital, by `Type/id`.
pub struct Everything(BTreeMap<String, Value>);

const TYPES: [&str; 13] = [
    "AllergyIntolerance",
    "Condition",
    "Coverage",
    "Encounter",
    "Location",
    "MedicationRequest",
    "Observation",
    "Organization",
    "Patient",
    "Practitioner",
    "PractitionerRole",
    "ServiceRequest",
    "Specimen",
];

/// A condition on one resource, seen in its JSON.
pub type Holds = fn(&Value) -> bool;

pub fn get(genkan: &Genkan, path: &str) -> Result<Value> {
    let answer = genkan.get(path)?;
    ensure!(answer.status == 200, "{path}: {} {}", answer.status, answer.text());
    answer.json()
}

pub fn entries<'v>(bundle: &'v Value, mode: &str) -> Vec<&'v Value> {
    let entries = bundle["entry"].as_array().map(Vec::as_slice).unwrap_or_default();
    let of_mode = entries.iter().filter(|entry| entry["search"]["mode"] == mode);
    of_mode.map(|entry| &entry["resource"]).collect()
}

pub fn address(resource: &Value) -> String {
    let part = |name: &str| resource[name].as_str().unwrap_or_default().to_owned();
    format!("{}/{}", part("resourceType"), part("id"))
}

/// The addresses of all matches, page by page.
pub fn found(genkan: &Genkan, first: &str) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    let mut next = Some(first.to_owned());
    while let Some(path) = next {
        let page = get(genkan, &path)?;
        for resource in entries(&page, "match") {
            ensure!(found.insert(address(resource)), "{first}: {} comes twice", address(resource));
        }
        let links = page["link"].as_array().context("links")?;
        let link = links.iter().find(|link| link["relation"] == "next");
        let url = link.and_then(|link| link["url"].as_str());
        next = url.and_then(|url| url.strip_prefix(&genkan.base)).map(str::to_owned);
    }
    Ok(found)
}

impl Everything {
    pub fn read(genkan: &Genkan) -> Result<Self> {
        let mut all = BTreeMap::new();
        for resource_type in TYPES {
            let mut next = Some(format!("/fhir/{resource_type}?_count=1000"));
            while let Some(path) = next {
                let page = get(genkan, &path)?;
                for resource in entries(&page, "match") {
                    all.insert(address(resource), resource.clone());
                }
                let links = page["link"].as_array().context("links")?;
                let link = links.iter().find(|link| link["relation"] == "next");
                let url = link.and_then(|link| link["url"].as_str());
                next = url.and_then(|url| url.strip_prefix(&genkan.base)).map(str::to_owned);
            }
        }
        Ok(Everything(all))
    }

    pub fn of_type<'e>(
        &'e self,
        resource_type: &'e str,
    ) -> impl Iterator<Item = (&'e String, &'e Value)> + 'e {
        self.0.iter().filter(move |(_, resource)| resource["resourceType"] == resource_type)
    }

    /// The resources that a walk leads to, from those that it starts at.
    pub fn walk(&self, from: &BTreeSet<String>, steps: &[Step]) -> BTreeSet<String> {
        let Some((step, rest)) = steps.split_first() else { return from.clone() };
        let next = match step {
            Step::Forward(path) => {
                let known = from.iter().filter_map(|address| self.0.get(address));
                let targets = known.flat_map(|resource| references(resource, path));
                targets.filter(|target| self.0.contains_key(target)).collect()
            }
            Step::Back(source, path) => {
                let refers = |resource: &Value| {
                    references(resource, path).iter().any(|target| from.contains(target))
                };
                let sources = self.of_type(source).filter(|(_, resource)| refers(resource));
                sources.map(|(address, _)| address.clone()).collect()
            }
        };
        self.walk(&next, rest)
    }

    /// What a chain has to find: those from which the steps lead to one for which it holds.
    pub fn chained(&self, resource_type: &str, steps: &[Step], holds: Holds) -> BTreeSet<String> {
        let ends = self.0.iter().filter(|(_, resource)| holds(resource));
        let mut goal: BTreeSet<String> = ends.map(|(address, _)| address.clone()).collect();
        for step in steps.iter().rev() {
            goal = match step {
                Step::Forward(path) => {
                    let refers = |resource: &Value| {
                        references(resource, path).iter().any(|target| goal.contains(target))
                    };
                    let own = self.0.iter().filter(|(_, resource)| refers(resource));
                    own.map(|(address, _)| address.clone()).collect()
                }
                Step::Back(source, path) => {
                    let sources =
                        self.of_type(source).filter(|(address, _)| goal.contains(*address));
                    let targets = sources.flat_map(|(_, resource)| references(resource, path));
                    targets.filter(|target| self.0.contains_key(target)).collect()
                }
            };
        }
        let of_type = format!("{resource_type}/");
        goal.retain(|address| address.starts_with(&of_type));
        goal
    }
}

#[derive(Clone, Copy)]
pub enum Step {
    /// By the references at this place.
    Forward(&'static str),
    /// To those of a type that refer here from this place.
    Back(&'static str, &'static str),
}

/// The references at a place, through all lists on the way.
pub fn references(resource: &Value, path: &str) -> Vec<String> {
    let mut at = vec![resource];
    for name in path.split('.') {
        at = at
            .iter()
            .flat_map(|value| match &value[name] {
                Value::Array(items) => items.iter().collect(),
                Value::Null => Vec::new(),
                one => vec![one],
            })
            .collect();
    }
    at.iter().filter_map(|value| Some(value["reference"].as_str()?.to_owned())).collect()
}

/// The statements that a request took.
pub fn statements(genkan: &Genkan, path: &str) -> Result<usize> {
    let answer = genkan.get(path)?;
    ensure!(answer.status == 200, "{path}: {}", answer.text());
    let timing = answer.header("server-timing");
    let count = timing.split("statements=").nth(1).context("no statements")?;
    Ok(count.trim_end_matches('"').split('"').next().context("a number")?.parse()?)
}
