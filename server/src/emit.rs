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
pub struct Entry {
    pub resource_type: String,
    pub mode: SearchMode,
    pub emitted: Emitted,
}

/// Matches first, then what was included.
pub fn page(service: &Service, page: &Page) -> Vec<Entry> {
    let entry = |mode: SearchMode| {
        move |(rule, record): &(usize, Record)| Entry {
            resource_type: service.rules.rules[*rule].resource.clone(),
            mode,
            emitted: self::record(service, *rule, record),
        }
    };
    let matches = page.matches.iter().map(entry(SearchMode::Match));
    matches.chain(page.includes.iter().map(entry(SearchMode::Include))).collect()
}

pub fn record(service: &Service, rule: usize, record: &Record) -> Emitted {
    let emitter = Emitter { rules: &service.rules, identity: &service.identity };
    emitter.emit(&service.rules.rules[rule], record)
}
