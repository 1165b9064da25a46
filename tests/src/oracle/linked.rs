//! Resources that refer to one another, followed in the archive.

use std::collections::BTreeSet;

use serde_json::Value;

use super::archive::Archive;
use super::ask::address;
use super::declared::Chain;
use super::matching::matches;
use super::question::Question;
use super::span::Span;

impl Archive {
    /// The resources of its type that answer a question; `None` where R4 leaves it open.
    pub fn answering(&self, question: &Question) -> Option<BTreeSet<String>> {
        let mut found = BTreeSet::new();
        for resource in self.of(&question.resource_type) {
            if matches(self, resource, question)? {
                found.insert(address(resource));
            }
        }
        Some(found)
    }

    /// The resources of a type that a chain leads from (or to) what answers a question; `None` where R4
    /// leaves it open.
    pub fn linked(
        &self,
        resource_type: &str,
        chain: &Chain,
        question: &Question,
    ) -> Option<BTreeSet<String>> {
        let holding = self.answering(question)?;
        let (source, code) = &chain.reference;
        let all = self.of(resource_type).iter();
        if chain.reverse {
            let sources = self.of(source).iter().filter(|one| holding.contains(&address(one)));
            let sought: BTreeSet<String> =
                sources.flat_map(|one| self.references(one, code)).collect();
            return Some(all.map(address).filter(|own| sought.contains(own)).collect());
        }
        let leads = |resource: &&Value| {
            self.references(resource, code).iter().any(|one| match one.strip_prefix('#') {
                Some(id) => contained(resource, id).is_some_and(|inside| {
                    inside["resourceType"] == *chain.target
                        && matches(self, inside, question) == Some(true)
                }),
                None => holding.contains(one),
            })
        };
        Some(all.filter(leads).map(address).collect())
    }

    /// What includes bring for these matches, which themselves are never included.
    pub fn included(
        &self,
        matched: &BTreeSet<String>,
        (kind, source, code, target): (&str, &str, &str, Option<&str>),
    ) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for resource in self.of(source) {
            let own = address(resource);
            let references = self.references(resource, code);
            if kind == "_include" && matched.contains(&own) {
                let wanted = |one: &String| {
                    target.is_none_or(|target| one.starts_with(&format!("{target}/")))
                };
                found.extend(references.into_iter().filter(|one| wanted(one) && self.holds(one)));
            } else if kind == "_revinclude" && references.iter().any(|one| matched.contains(one)) {
                found.insert(own);
            }
        }
        found.retain(|one| !matched.contains(one));
        found
    }

    fn references(&self, resource: &Value, code: &str) -> BTreeSet<String> {
        let elements = self.elements(resource, code);
        let references = elements.iter().filter_map(|element| element.value["reference"].as_str());
        references.map(str::to_owned).collect()
    }

    fn holds(&self, address: &str) -> bool {
        let (resource_type, id) = address.split_once('/').unwrap_or_default();
        self.of(resource_type).iter().any(|resource| resource["id"] == *id)
    }
}

fn contained<'r>(resource: &'r Value, id: &str) -> Option<&'r Value> {
    resource["contained"].as_array()?.iter().find(|inside| inside["id"] == *id)
}

/// What a resource is sorted by: nothing comes first; dates by their beginning, numbers by value.
pub fn sort_key(archive: &Archive, resource: &Value, code: &str) -> Option<(i64, String)> {
    let elements = archive.elements(resource, code);
    let value = &elements.first()?.value;
    let date = value.as_str().or_else(|| value["start"].as_str());
    if let Some(start) =
        date.and_then(|text| Span::of(text, archive.zone)).and_then(|span| span.start)
    {
        return Some((start.timestamp_micros(), String::new()));
    }
    match value.as_f64().or_else(|| value["value"].as_f64()) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a thousandth is exact enough to sort by"
        )]
        Some(number) => Some(((number * 1000.0) as i64, String::new())),
        None => Some((0, value.as_str().unwrap_or_default().to_owned())),
    }
}
