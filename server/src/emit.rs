//! Fourth room: records to resources, by the emit programs of the rules. Pure.

use std::collections::HashSet;

use genkan_mapping::emit::{Emitted, Emitter, Record, duplicate_key};

use crate::fetch::Page;
use crate::service::Service;

/// `Bundle.entry.search.mode`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchMode {
    Match,
    Include,
}

/// One row of the answer, as a resource or as the issues that it became instead.
#[derive(Debug)]
pub struct Entry<'s> {
    pub resource_type: &'s str,
    pub mode: SearchMode,
    pub emitted: Emitted,
}

/// Matches first, then what was included. No two entries have one address: of two rows with one id,
/// the second is an entry that says so.
pub fn page<'s>(service: &'s Service, page: &Page) -> Vec<Entry<'s>> {
    let emitter = emitter(service);
    let matches = page.matches.iter().map(|found| (SearchMode::Match, found));
    let includes = page.includes.iter().map(|found| (SearchMode::Include, found));
    let mut seen: HashSet<(&str, String)> = HashSet::new();
    let entries = matches.chain(includes).map(|(mode, (rule, record))| {
        let rule = &service.rules.rules[*rule];
        let mut emitted = emitter.emit(rule, record);
        if emitted.json.is_some() && !seen.insert((&rule.resource, emitted.id.clone())) {
            (emitted.json, emitted.issues) = (None, vec![duplicate_key(rule)]);
        }
        Entry { resource_type: &rule.resource, mode, emitted }
    });
    entries.collect()
}

pub fn record(service: &Service, rule: usize, record: &Record) -> Emitted {
    emitter(service).emit(&service.rules.rules[rule], record)
}

/// What a read found; `None` if nothing. Two rows are no resource.
pub fn only(service: &Service, rule: usize, records: &[Record]) -> Option<Emitted> {
    let mut emitted = record(service, rule, records.first()?);
    if records.len() > 1 {
        let issue = duplicate_key(&service.rules.rules[rule]);
        (emitted.json, emitted.issues) = (None, vec![issue]);
    }
    Some(emitted)
}

fn emitter(service: &Service) -> Emitter<'_> {
    Emitter::new(&service.rules, &service.identity)
}
