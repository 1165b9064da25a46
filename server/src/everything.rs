//! `Patient/[id]/$everything` and `Encounter/[id]/$everything`: what is in the compartment of the one
//! resource, and what that refers to.
//!
//! Spec: <https://hl7.org/fhir/R4/patient-operation-everything.html>,
//! <https://hl7.org/fhir/R4/encounter-operation-everything.html>
//!
//! Without `_count` the answer is one searchset that is made while it is sent: a statement for each
//! rule that can have something there and for each of its children, further ones only where there are
//! more rows than a chunk holds, and one for each rule that was referred to. Its statements can't be
//! in `Server-Timing`, which is sent before; they are in the log. With `_count` it is paged like a
//! search, and what a page refers to comes with the page.

mod asked;
mod entries;
mod plan;

use std::rc::Rc;
use std::sync::Arc;

use async_stream::try_stream;
use genkan_mapping::plan::{Cursor, Position};
use serde_json::{Value, json};

use crate::bulk::BulkRefusal;
use crate::emit::SearchMode;
use crate::error::Error;
use crate::exchange::Exchange;
use crate::fetch::{Fetch, Found};
use crate::negotiate::{Form, Format};
use crate::parse::Pairs;
use crate::respond::{self, Answer, Body, Links, Parts, Searchset, Streamed, Tally};
use crate::service::Service;
use crate::stages::Stage;

use entries::Entries;
use plan::Plan;

pub use asked::parameters;

pub const NAME: &str = "everything";
/// The types that have it.
pub const TYPES: [&str; 2] = ["Patient", "Encounter"];
/// A part is sent when it is about so large.
const PART_BYTES: usize = 64 * 1024;

/// `of`: one of [`TYPES`].
pub async fn everything(
    service: &Arc<Service>,
    exchange: &Rc<Exchange>,
    (of, id): (&'static str, &str),
    pairs: Pairs,
) -> Result<Answer, Error> {
    exchange.stages.enter(Stage::Parse);
    crate::parse::known_type(service, of)?;
    let asked = asked::read(service, of, &pairs)?;
    exchange.stages.enter(Stage::Plan);
    let plan = plan::plan(service, (of, id), &asked)?;
    exchange.stages.enter(Stage::Fetch);
    let address = Address { of, id, pairs: &pairs };
    match asked.count {
        Some(count) => page(service, exchange, &plan, count, &address).await,
        None => stream(service, exchange, plan, &address).await,
    }
}

/// The `rest.resource.operation` entry of `/metadata`.
pub fn declared(resource_type: &str) -> Option<Value> {
    let of = TYPES.iter().find(|of| **of == resource_type)?;
    let care = if *of == "Patient" { "`start`, `end` (of the care), " } else { "" };
    Some(json!({
        "name": NAME,
        "definition": format!("http://hl7.org/fhir/OperationDefinition/{of}-{NAME}"),
        "documentation": format!(
            "On an instance, GET or POST: what R4's compartment of {of} has, and what that refers to. \
             {care}`_since`, `_type`, `_count`. Without `_count` it comes as one stream of compact JSON, \
             which breaks off if the source fails; with it in pages, each with what it refers to."
        ),
    }))
}

async fn stream(
    service: &Arc<Service>,
    exchange: &Rc<Exchange>,
    plan: Plan,
    address: &Address<'_>,
) -> Result<Answer, Error> {
    if exchange.form() != (Form { format: Format::Json, pretty: false }) {
        return Err(Error::Bulk(BulkRefusal::OnlyCompactJson));
    }
    let links = Links { own: address.url(exchange, None), next: None };
    let parts = parts(Arc::clone(service), Rc::clone(exchange), plan, links);
    let parts = respond::begun(parts).await?;
    let content_type = Format::Json.content_type();
    Ok(Answer::with(Body::Streamed(Streamed {
        exchange: Rc::clone(exchange),
        content_type,
        parts,
    })))
}

/// The rooms fetch, emit and respond, again and again.
fn parts(service: Arc<Service>, exchange: Rc<Exchange>, plan: Plan, links: Links) -> Parts {
    Box::pin(try_stream! {
        let mut tally = Tally::new(Rc::clone(&exchange));
        let mut fetch =
            Fetch::new(&service.sources, &service.rules).until(exchange.deadline());
        let mut entries = Entries::new(&service, &exchange);
        let shown = &service.page_issues;
        let mut bundle = Searchset::begin(&exchange, shown, &links, Found::NotAsked, PART_BYTES);
        let rows = service.export.chunk_rows;
        for (place, scan) in plan.scans.iter().enumerate() {
            let mut position = Position::Start;
            while position != Position::Done {
                let chunk = fetch.chunk(scan, &position, rows).await?;
                position = chunk.next;
                if place == 0 {
                    entries.owner(scan.rule, &chunk.records, plan.of)?;
                }
                if place > 0 || plan.shows_owner {
                    for record in &chunk.records {
                        bundle.entry(&entries.of(SearchMode::Match, scan.rule, record));
                    }
                }
                entries.account(&mut tally);
                if bundle.waiting() >= PART_BYTES {
                    yield tally.part(bundle.take(), &fetch);
                    // The answer has begun: from now on only the client gives up.
                    fetch = fetch.until(None);
                }
            }
        }
        for (rule, keys) in entries.referred(&plan) {
            for keys in keys.chunks(rows) {
                for record in &fetch.by_keys(rule, keys).await? {
                    bundle.entry(&entries.of(SearchMode::Include, rule, record));
                }
                entries.account(&mut tally);
                if bundle.waiting() >= PART_BYTES {
                    yield tally.part(bundle.take(), &fetch);
                    // The answer has begun: from now on only the client gives up.
                    fetch = fetch.until(None);
                }
            }
        }
        if let Some(outcome) = plan.untold(&service, exchange.language) {
            bundle.outcome(&outcome);
        }
        let end = tally.part(bundle.end(), &fetch);
        tally.complete = true;
        yield end;
    })
}

/// One page of it, as of a search.
async fn page(
    service: &Service,
    exchange: &Exchange,
    plan: &Plan,
    count: usize,
    address: &Address<'_>,
) -> Result<Answer, Error> {
    let mut fetch = Fetch::new(&service.sources, &service.rules).until(exchange.deadline());
    let fetched = fetched(service, exchange, &mut fetch, plan, count).await;
    exchange.stages.count_statements(fetch.statements(), fetch.in_source());
    let Fetched { matches, included, next } = fetched?;
    exchange.stages.enter(Stage::Respond);
    let next = next.map(|cursor| cursor.seal(&service.identity, &plan.context));
    let next = next.map(|token| address.url(exchange, Some(&token)));
    let links = Links { own: address.url(exchange, None), next };
    let size = PART_BYTES;
    let mut bundle =
        Searchset::begin(exchange, &service.page_issues, &links, Found::NotAsked, size);
    matches.iter().chain(&included).for_each(|entry| bundle.entry(entry));
    if let Some(outcome) = plan.untold(service, exchange.language).filter(|_| links.next.is_none())
    {
        bundle.outcome(&outcome);
    }
    Ok(Answer::of(bundle.end()))
}

struct Fetched<'s> {
    matches: Vec<crate::emit::Entry<'s>>,
    included: Vec<crate::emit::Entry<'s>>,
    next: Option<Cursor>,
}

async fn fetched<'s>(
    service: &'s Service,
    exchange: &'s Exchange,
    fetch: &mut Fetch<'_>,
    plan: &Plan,
    count: usize,
) -> Result<Fetched<'s>, Error> {
    let mut entries = Entries::new(service, exchange);
    let mut matches = Vec::with_capacity(count);
    let mut positions: Vec<Position> =
        plan.scans.iter().map(|scan| scan.position.clone()).collect();
    let mut goes_on = false;
    for (place, scan) in plan.scans.iter().enumerate() {
        if scan.position == Position::Done {
            continue;
        }
        let room = count - matches.len().min(count);
        let chunk = fetch.chunk(scan, &scan.position, room).await?;
        positions[place] = chunk.next;
        if place == 0 {
            entries.owner(scan.rule, &chunk.records, plan.of)?;
        }
        if place > 0 || plan.shows_owner {
            let made = chunk.records.iter();
            matches.extend(made.map(|record| entries.of(SearchMode::Match, scan.rule, record)));
        }
        if positions[place] != Position::Done {
            goes_on = true;
            break;
        }
    }
    let mut included = Vec::new();
    for (rule, keys) in entries.referred(plan) {
        for record in &fetch.by_keys(rule, &keys).await? {
            included.push(entries.of(SearchMode::Include, rule, record));
        }
    }
    Ok(Fetched { matches, included, next: goes_on.then_some(Cursor(positions)) })
}

/// Where the operation was called.
struct Address<'a> {
    of: &'a str,
    id: &'a str,
    pairs: &'a Pairs,
}

impl Address<'_> {
    /// With the token of the next page, the address of that one.
    fn url(&self, exchange: &Exchange, next: Option<&str>) -> String {
        let own = self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let own = own.filter(|(name, _)| next.is_none() || *name != asked::PAGE);
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(own.chain(next.map(|token| (asked::PAGE, token))));
        let query = query.finish();
        let question = if query.is_empty() { "" } else { "?" };
        // An id that was opened has no letter that an address would escape.
        format!("{}/{}/{}/${NAME}{question}{query}", exchange.base, self.of, self.id)
    }
}
