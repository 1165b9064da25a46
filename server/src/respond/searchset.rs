//! A page of a search as a Bundle of type searchset, written around the resources as they are:
//! nothing that was emitted is parsed again.
//!
//! Spec: <https://hl7.org/fhir/R4/http.html#search>, <https://hl7.org/fhir/R4/bundle.html#searchset>

use genkan_fhir::outcome::{IssueSeverity, OperationOutcome};
use genkan_mapping::emit::Tag;

use crate::emit::{Entry, SearchMode};
use crate::error::RefusedParameter;
use crate::exchange::Exchange;
use crate::fetch::Found;
use crate::respond::{Answer, outcome, page_issues, tag};
use crate::service::PageIssues;

/// The addresses of this page and of the one after it.
#[derive(Debug)]
pub struct Links {
    pub own: String,
    pub next: Option<String>,
}

/// What is said of a page beside its entries.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    pub found: Found,
    /// After so many rounds `:iterate` was not followed further.
    pub includes_end_at: Option<usize>,
    /// Parameters that the search left out.
    pub ignored: &'a [RefusedParameter],
    /// Which problems of its resources the page tells.
    pub shown: &'a PageIssues,
}

/// What the ETag of a page says: everything that the page is made of, without making it. The form
/// and the language are in it, because a page, unlike a resource, has no version that they share.
/// `tags`: of the matches, which are so many, and of what is included.
pub fn page_tag(
    exchange: &Exchange,
    links: &Links,
    told: Told<'_>,
    (matches, tags): (usize, &[Tag]),
) -> String {
    let mut hasher = blake3::Hasher::new();
    let settings = (exchange.form(), exchange.language, &exchange.base, links);
    hasher.update(format!("{told:?} {matches}").as_bytes());
    hasher.update(format!("{settings:?}").as_bytes());
    for Tag { text, .. } in tags {
        hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
    }
    tag(&hasher.finalize())
}

/// `total` is left out unless it was asked for: nobody counts rows that nobody asked to count.
pub fn searchset(
    exchange: &Exchange,
    links: &Links,
    entries: &[Entry<'_>],
    told: Told<'_>,
) -> Answer {
    let Told { found, includes_end_at, ignored, shown } = told;
    let resources = entries.iter().filter_map(|entry| entry.emitted.json.as_ref());
    let size: usize = resources.map(|json| json.len() + 256).sum();
    let mut searchset = Searchset::begin(exchange, shown, links, found, size + 1024);
    entries.iter().for_each(|entry| searchset.entry(entry));
    if let Some(ignored) = outcome::of_ignored(ignored, exchange.language) {
        searchset.outcome(&ignored);
    }
    if let Some(depth) = includes_end_at {
        searchset.outcome(&page_issues::includes_end(depth, exchange.language));
    }
    if found == Found::Unsaid {
        searchset.outcome(&page_issues::no_estimate(exchange.language));
    }
    Answer::of(searchset.end())
}

/// A searchset on its way: what is written so far can be taken away.
pub struct Searchset<'e> {
    exchange: &'e Exchange,
    shown: &'e PageIssues,
    out: Vec<u8>,
    entries: usize,
    problems: page_issues::Kinds,
}

impl<'e> Searchset<'e> {
    pub fn begin(
        exchange: &'e Exchange,
        shown: &'e PageIssues,
        links: &Links,
        found: Found,
        capacity: usize,
    ) -> Self {
        let mut out = Vec::with_capacity(capacity);
        out.extend_from_slice(br#"{"resourceType":"Bundle","type":"searchset","#);
        if let Found::Rows(rows) = found {
            out.extend_from_slice(format!(r#""total":{rows},"#).as_bytes());
        }
        out.extend_from_slice(br#""link":["#);
        link(&mut out, "self", &links.own);
        if let Some(next) = &links.next {
            out.push(b',');
            link(&mut out, "next", next);
        }
        out.push(b']');
        Searchset { exchange, shown, out, entries: 0, problems: page_issues::Kinds::default() }
    }

    pub fn entry(&mut self, entry: &Entry<'_>) {
        self.problems.note(self.entries, entry, self.shown);
        self.separate();
        self::entry(&mut self.out, self.exchange, entry);
    }

    pub fn outcome(&mut self, outcome: &OperationOutcome) {
        self.separate();
        outcome_entry(&mut self.out, outcome);
    }

    fn separate(&mut self) {
        let separator: &[u8] = if self.entries == 0 { br#","entry":["# } else { b"," };
        self.out.extend_from_slice(separator);
        self.entries += 1;
    }

    /// Bytes that wait to be taken.
    pub fn waiting(&self) -> usize {
        self.out.len()
    }

    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// What remains, with what is to be said of the entries.
    pub fn end(mut self) -> Vec<u8> {
        if let Some(outcome) = self.problems.outcome(self.shown, self.exchange.language) {
            self.outcome(&outcome);
        }
        if self.entries > 0 {
            self.out.push(b']');
        }
        self.out.push(b'}');
        self.out
    }
}

fn entry(out: &mut Vec<u8>, exchange: &Exchange, entry: &Entry<'_>) {
    let Some(json) = &entry.emitted.json else {
        let issues = &entry.emitted.issues;
        let outcome = outcome::of_row(issues, IssueSeverity::Warning, exchange.language);
        return outcome_entry(out, &outcome);
    };
    // Base, type and id hold no letter that JSON would escape.
    out.extend_from_slice(br#"{"fullUrl":""#);
    for part in [&exchange.base, "/", entry.resource_type, "/", &entry.emitted.id] {
        out.extend_from_slice(part.as_bytes());
    }
    out.extend_from_slice(br#"","resource":"#);
    out.extend_from_slice(json);
    out.extend_from_slice(match entry.mode {
        SearchMode::Match => br#","search":{"mode":"match"}}"#.as_slice(),
        SearchMode::Include => br#","search":{"mode":"include"}}"#.as_slice(),
    });
}

fn outcome_entry(out: &mut Vec<u8>, outcome: &OperationOutcome) {
    out.extend_from_slice(br#"{"resource":"#);
    out.extend_from_slice(outcome.to_json().to_string().as_bytes());
    out.extend_from_slice(br#","search":{"mode":"outcome"}}"#);
}

/// A form-encoded URL holds no letter that JSON would escape.
fn link(out: &mut Vec<u8>, relation: &str, url: &str) {
    let text = format!(r#"{{"relation":"{relation}","url":"{url}"}}"#);
    out.extend_from_slice(text.as_bytes());
}
