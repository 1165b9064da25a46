//! Fourth room: records to resources, by the emit programs of the rules. Pure.

use std::collections::HashSet;

use genkan_adapter::Row;
use genkan_mapping::emit::{Emitted, Emitter, Record, Tag, duplicate_key};
use genkan_mapping::plan::SearchPlan;
use genkan_mapping::projection::Projection;

use crate::fetch::{Page, PageRows};
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

/// The tags of a page's records, matches first: what its resources will be, before they are made.
pub fn tags(service: &Service, plan: &SearchPlan, page: &Page) -> Vec<Tag> {
    let emitter = emitter(service);
    let tag = |rule: usize, record, part| emitter.tag(&service.rules.rules[rule], record, part);
    let matches = page.matches.iter().map(|(rule, record)| tag(*rule, record, plan.part(*rule)));
    let includes = page.includes.iter().map(|(rule, record)| tag(*rule, record, None));
    matches.chain(includes).collect()
}

/// The same from the rows alone, if all of their rules let a row tell it.
pub fn tags_of_rows(service: &Service, page: &PageRows) -> Option<Vec<Tag>> {
    let emitter = emitter(service);
    let rows = page.rows.iter();
    rows.map(|(rule, row)| emitter.tag_of_row(&service.rules.rules[*rule], row)).collect()
}

/// Matches first, then what was included, which is whole. No two entries have one address: of two
/// rows with one id, the second is an entry that says so.
pub fn page<'s>(
    service: &'s Service,
    plan: &SearchPlan,
    page: &Page,
    tags: Vec<Tag>,
) -> Vec<Entry<'s>> {
    let emitter = emitter(service);
    let matches = page.matches.iter().map(|found| (SearchMode::Match, found));
    let includes = page.includes.iter().map(|found| (SearchMode::Include, found));
    let mut seen: HashSet<(&str, String)> = HashSet::new();
    let entries = matches.chain(includes).zip(tags).map(|((mode, (index, record)), tag)| {
        let rule = &service.rules.rules[*index];
        let part = if mode == SearchMode::Match { plan.part(*index) } else { None };
        let mut emitted = emitter.emit_part(rule, record, part, tag);
        if emitted.json.is_some() && !seen.insert((&rule.resource, emitted.id.clone())) {
            (emitted.json, emitted.issues) = (None, vec![duplicate_key(rule)]);
        }
        Entry { resource_type: &rule.resource, mode, emitted }
    });
    entries.collect()
}

/// What a record will be.
pub fn tag(service: &Service, rule: usize, record: &Record, part: Option<&Projection>) -> Tag {
    emitter(service).tag(&service.rules.rules[rule], record, part)
}

/// `meta.lastUpdated` of it.
pub fn updated(service: &Service, rule: usize, record: &Record) -> Option<String> {
    emitter(service).last_updated(&service.rules.rules[rule], record)
}

/// What the root row alone says of its resource.
pub struct OfRow {
    pub tag: Option<Tag>,
    pub last_updated: Option<String>,
}

/// `None` if it says neither.
pub fn of_row(service: &Service, rule: usize, row: &Row) -> Option<OfRow> {
    let rule = &service.rules.rules[rule];
    if !rule.updated_in_root() {
        return None;
    }
    let emitter = emitter(service);
    let record = Record { row: row.clone(), children: Vec::new(), contained: Vec::new() };
    let last_updated = emitter.last_updated(rule, &record);
    Some(OfRow { tag: emitter.tag_of_row(rule, row), last_updated })
}

/// What a read found; `None` if nothing.
pub fn only(service: &Service, rule: usize, records: &[Record]) -> Option<Emitted> {
    let tag = tag(service, rule, records.first()?, None);
    only_part(service, rule, records, None, tag)
}

/// What a read of a part found; `tag` is that of the first record. Two rows are no resource.
pub fn only_part(
    service: &Service,
    rule: usize,
    records: &[Record],
    part: Option<&Projection>,
    tag: Tag,
) -> Option<Emitted> {
    let rule = &service.rules.rules[rule];
    let mut emitted = emitter(service).emit_part(rule, records.first()?, part, tag);
    if records.len() > 1 {
        (emitted.json, emitted.issues) = (None, vec![duplicate_key(rule)]);
    }
    Some(emitted)
}

/// The whole of what a read found, with what its row records and it does not have (準必須).
pub fn watched(service: &Service, rule: usize, records: &[Record]) -> Option<Emitted> {
    let mut emitted = watching(service).emit(&service.rules.rules[rule], records.first()?);
    if records.len() > 1 {
        (emitted.json, emitted.issues) = (None, vec![duplicate_key(&service.rules.rules[rule])]);
    }
    Some(emitted)
}

/// An emitter that tells 準必須 elements too.
pub fn watching(service: &Service) -> Emitter<'_> {
    emitter(service).watching()
}

fn emitter(service: &Service) -> Emitter<'_> {
    Emitter::new(&service.rules, &service.identity)
}
