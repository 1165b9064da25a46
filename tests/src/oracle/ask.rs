//! Searches of the served hospital, as sets of `Type/id`.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::harness::Genkan;

/// What a search brought, over all its pages.
#[derive(Debug, Default)]
pub struct Found {
    /// In the order of the answer.
    pub matches: Vec<String>,
    pub includes: BTreeSet<String>,
    /// Matches on the page that has most of them.
    pub page_max: usize,
    /// `Bundle.total` of each page.
    pub totals: Vec<Option<u64>>,
    /// Entries that say what is wrong with others.
    pub outcomes: usize,
}

impl Found {
    pub fn set(&self) -> BTreeSet<String> {
        self.matches.iter().cloned().collect()
    }
}

/// `Type/id` of a resource.
pub fn address(resource: &Value) -> String {
    let of = |name: &str| resource[name].as_str().unwrap_or_default().to_owned();
    format!("{}/{}", of("resourceType"), of("id"))
}

/// `name=value` as it stands in a URL.
pub fn pair(name: &str, value: &str) -> String {
    let encoded = |text: &str| -> String {
        let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:~/".contains(&byte);
        let parts = text.bytes().map(|byte| match keep(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        });
        parts.collect()
    };
    format!("{}={}", encoded(name), encoded(value))
}

/// The server does not take the question (400), or finds it too costly, and says so.
#[derive(Debug, thiserror::Error)]
#[error("refused: {0}")]
pub struct Refused(String);

/// Follows a search to its last page. By POST the first page is asked for with a form.
pub fn ask(genkan: &Genkan, resource_type: &str, query: &str, post: bool) -> Result<Found> {
    let mut found = Found::default();
    let mut form = post.then_some(query);
    let mut next = Some(format!("/fhir/{resource_type}?{query}"));
    while let Some(path) = next {
        let answer = match form.take() {
            None => genkan.get(&path)?,
            Some(form) => {
                let kind = [("Content-Type", "application/x-www-form-urlencoded")];
                let path = format!("/fhir/{resource_type}/_search");
                genkan.client.send("POST", &path, &kind, Some(form.as_bytes()))?
            }
        };
        if answer.status != 200 {
            let issue = &answer.json()?["issue"][0];
            let told = issue["diagnostics"].as_str().unwrap_or_default();
            if answer.status == 400 || issue["code"] == "too-costly" {
                return Err(Refused(told.to_owned()).into());
            }
        }
        ensure!(answer.status == 200, "{}: {:.500}", answer.status, answer.text());
        let page = answer.json()?;
        let before = found.matches.len();
        for entry in page["entry"].as_array().map(Vec::as_slice).unwrap_or_default() {
            match entry["search"]["mode"].as_str() {
                Some("match") => found.matches.push(address(&entry["resource"])),
                Some("outcome") => found.outcomes += 1,
                Some("include") => {
                    found.includes.insert(address(&entry["resource"]));
                }
                _ => {}
            }
        }
        found.totals.push(page["total"].as_u64());
        found.page_max = found.page_max.max(found.matches.len() - before);
        let links = page["link"].as_array().map(Vec::as_slice).unwrap_or_default();
        let link = links.iter().find(|link| link["relation"] == "next");
        next = match link.and_then(|link| link["url"].as_str()) {
            Some(url) => Some(url.strip_prefix(&genkan.base).context("a link of ours")?.to_owned()),
            None => None,
        };
    }
    Ok(found)
}

/// How two sets differ, for a person.
pub fn difference(found: &BTreeSet<String>, expected: &BTreeSet<String>) -> Option<String> {
    if found == expected {
        return None;
    }
    let shown = |set: Vec<&String>| {
        let first: Vec<&str> = set.iter().take(3).map(|one| one.as_str()).collect();
        format!("{} ({})", set.len(), first.join(", "))
    };
    let missing = shown(expected.difference(found).collect());
    let more = shown(found.difference(expected).collect());
    Some(format!(
        "{} found, {} expected: {missing} missing, {more} too many",
        found.len(),
        expected.len()
    ))
}
