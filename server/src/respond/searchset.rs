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
use crate::respond::{Answer, outcome, page_issues};
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
    let mut text = data_encoding::BASE32_NOPAD.encode(&hasher.finalize().as_bytes()[..10]);
    text.make_ascii_lowercase();
    text
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
    let mut out = Vec::with_capacity(size + 1024);
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
    let mut separator: &[u8] = br#","entry":["#;
    for entry in entries {
        out.extend_from_slice(separator);
        separator = b",";
        self::entry(&mut out, exchange, entry);
    }
    let ignored = outcome::of_ignored(ignored, exchange.language);
    let ended = includes_end_at.map(|depth| page_issues::includes_end(depth, exchange.language));
    let unsaid = (found == Found::Unsaid).then(|| page_issues::no_estimate(exchange.language));
    let of_page = page_issues::of_page(entries, shown, exchange.language);
    for outcome in ignored.into_iter().chain(ended).chain(unsaid).chain(of_page) {
        out.extend_from_slice(separator);
        separator = b",";
        outcome_entry(&mut out, &outcome);
    }
    // FHIR has no empty lists.
    if separator == b"," {
        out.push(b']');
    }
    out.push(b'}');
    Answer::of(out)
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
