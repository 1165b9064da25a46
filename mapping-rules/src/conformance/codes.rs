//! Whether a code is one: asked of the imported masters, where neither R4 nor a package knows.

use std::collections::HashMap;

use genkan_fhir::validation::{CodeQuestion, Membership};
use genkan_masters::system::is_whole;
use genkan_masters::{Store, fold};
use serde_json::Value as Json;

/// The masters of a site, as the validator asks them. What is not loaded is said, and is no answer;
/// nor is a code that is not there where only a part of its system was published.
#[derive(Clone, Copy)]
pub struct Codes<'m> {
    masters: &'m Store,
    sets: &'m WholeSets,
}

/// The systems of each value set that is made of whole systems.
#[derive(Debug, Clone, Default)]
pub struct WholeSets(HashMap<String, Vec<String>>);

impl WholeSets {
    /// Of the value sets of [`Conformance`](super::Conformance).
    pub fn of(value_sets: &[Json]) -> Self {
        let sets = value_sets.iter().filter_map(|resource| {
            let includes = resource["compose"]["include"].as_array()?;
            let whole = |include: &Json| {
                let system = include["system"].as_str().map(str::to_owned);
                system.filter(|_| include["concept"].is_null())
            };
            let systems: Option<Vec<String>> = includes.iter().map(whole).collect();
            Some((resource["url"].as_str()?.to_owned(), systems?))
        });
        WholeSets(sets.collect())
    }
}

impl<'m> Codes<'m> {
    pub fn new(masters: &'m Store, sets: &'m WholeSets) -> Self {
        Codes { masters, sets }
    }

    pub fn ask(&self, question: &CodeQuestion<'_>) -> Membership {
        let Some(set) = question.value_set else {
            let system = question.system.unwrap_or_default();
            return self.in_system(system, question.code, question.display);
        };
        let set = set.split('|').next().unwrap_or_default();
        let Some(systems) = self.sets.0.get(set) else { return Membership::NotLoaded };
        let mut answer = Membership::NotMember;
        for system in systems {
            if question.system.is_some_and(|asked| asked != system) {
                continue;
            }
            match self.in_system(system, question.code, question.display) {
                Membership::NotMember => {}
                Membership::NotLoaded => answer = Membership::NotLoaded,
                member => return member,
            }
        }
        answer
    }

    fn in_system(&self, system: &str, code: &str, display: Option<&str>) -> Membership {
        if !self.masters.has(system) {
            return Membership::NotLoaded;
        }
        let Some(known) = self.masters.lookup(system, code) else {
            return if is_whole(system) { Membership::NotMember } else { Membership::NotLoaded };
        };
        let concept = known.concept;
        let Some(display) = display.map(fold) else { return Membership::Member };
        let mut names = std::iter::once(&concept.display).chain(&concept.synonyms);
        if concept.display.is_empty() || names.any(|name| fold(name) == display) {
            return Membership::Member;
        }
        Membership::WrongDisplay { right: concept.display }
    }
}
