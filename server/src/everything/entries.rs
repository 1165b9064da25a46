//! Records to entries, across all the pieces of an answer: what was there already, and what it refers
//! to.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use genkan_mapping::emit::{Emitter, Record, duplicate_key};
use genkan_mapping::plan::key_texts;

use super::plan::Plan;
use crate::emit::{self, Entry, SearchMode};
use crate::error::Error;
use crate::exchange::Exchange;
use crate::respond::Tally;
use crate::service::Service;

pub struct Entries<'s> {
    service: &'s Service,
    exchange: &'s Exchange,
    emitter: Emitter<'s>,
    /// The rules that others refer to: only of these it is remembered which resources were there.
    targets: BTreeSet<usize>,
    there: HashSet<(usize, Vec<String>)>,
    /// Of scans the last id: equal keys are neighbours. What is included comes in no order.
    last: Option<(usize, String)>,
    included: HashSet<(usize, String)>,
    resources: u64,
    outcomes: u64,
}

impl<'s> Entries<'s> {
    pub fn new(service: &'s Service, exchange: &'s Exchange) -> Self {
        Entries {
            service,
            exchange,
            emitter: Emitter::new(&service.rules, &service.identity).following(),
            targets: service.rules.referred(),
            there: HashSet::new(),
            last: None,
            included: HashSet::new(),
            resources: 0,
            outcomes: 0,
        }
    }

    /// The owner has to be a resource, as for a read.
    pub fn owner(&self, rule: usize, records: &[Record], of: &str) -> Result<(), Error> {
        let not_found = || Error::NotFound { resource_type: of.to_owned() };
        let emitted = emit::only(self.service, rule, records).ok_or_else(not_found)?;
        if emitted.json.is_some() { Ok(()) } else { Err(Error::Unmappable(emitted.issues)) }
    }

    pub fn of(&mut self, mode: SearchMode, index: usize, record: &Record) -> Entry<'s> {
        let rules = &self.service.rules;
        let rule = &rules.rules[index];
        if self.targets.contains(&index)
            && let Some(key) = key_texts(rules, rule, &record.row)
        {
            self.there.insert((index, key));
        }
        let mut emitted = self.emitter.emit(rule, record);
        let id = Some((index, emitted.id.clone()));
        let second = match mode {
            SearchMode::Match => std::mem::replace(&mut self.last, id.clone()) == id,
            SearchMode::Include => id.is_some_and(|id| !self.included.insert(id)),
        };
        if emitted.json.is_some() && second {
            (emitted.json, emitted.issues) = (None, vec![duplicate_key(rule)]);
        }
        match emitted.json {
            Some(_) => self.resources += 1,
            None => self.outcomes += 1,
        }
        self.exchange.stages.count_issues(&emitted.issues);
        Entry { resource_type: &rule.resource, mode, emitted }
    }

    /// What the resources so far refer to and is not there, by rule.
    pub fn referred(&self, plan: &Plan) -> BTreeMap<usize, Vec<Vec<String>>> {
        let mut referred: BTreeMap<usize, Vec<Vec<String>>> = BTreeMap::new();
        let rules = &self.service.rules.rules;
        for (rule, key) in self.emitter.take_followed() {
            if plan.shows(&rules[rule].resource) && !self.there.contains(&(rule, key.clone())) {
                referred.entry(rule).or_default().push(key);
            }
        }
        referred
    }

    pub fn account(&self, tally: &mut Tally) {
        (tally.resources, tally.outcomes) = (self.resources, self.outcomes);
    }
}
