//! Fourth room: records to resources, by the emit programs of the rules. Pure.

use genkan_mapping::emit::{Emitted, Emitter, Record};

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

/// Matches first, then what was included.
pub fn page<'s>(service: &'s Service, page: &Page) -> Vec<Entry<'s>> {
    let emitter = emitter(service);
    let matches = page.matches.iter().map(|found| (SearchMode::Match, found));
    let includes = page.includes.iter().map(|found| (SearchMode::Include, found));
    let entries = matches.chain(includes).map(|(mode, (rule, record))| {
        let rule = &service.rules.rules[*rule];
        Entry { resource_type: &rule.resource, mode, emitted: emitter.emit(rule, record) }
    });
    entries.collect()
}

pub fn record(service: &Service, rule: usize, record: &Record) -> Emitted {
    emitter(service).emit(&service.rules.rules[rule], record)
}

fn emitter(service: &Service) -> Emitter<'_> {
    Emitter::new(&service.rules, &service.identity)
}
