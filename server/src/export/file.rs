//! A file of an export: the rows of one rule in the order of its key, as lines, from the live tables
//! while it is fetched.
//!
//! Spec: <https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-output-file-request>

use std::rc::Rc;
use std::sync::Arc;

use async_stream::try_stream;
use chrono::{DateTime, Utc};
use futures::StreamExt as _;
use genkan_mapping::emit::{Emitter, Record, duplicate_key};
use genkan_mapping::plan::{Position, Scan};
use genkan_mapping::program::Rule;
use genkan_mapping::search::Owners;
use tokio::sync::OwnedSemaphorePermit;

use super::addresses::{File, Kind, Ticket};
use super::members::{self, Members};
use super::plan::{self, COMPARTMENT};
use super::request::{Export, Level};
use super::{GONE, now};
use crate::bulk::{check_window, place, refused};
use crate::error::{Error, Refusal};
use crate::exchange::Exchange;
use crate::fetch::Fetch;
use crate::parse::Pairs;
use crate::respond::{self, Answer, Body, Parts, Streamed, Tally};
use crate::service::Service;
use crate::sources::Source;
use crate::stages::Stage;

/// The parameter of a file: the id of the last resource that came whole.
pub const AFTER: &str = "_after";
pub const CONTENT_TYPE: &str = "application/fhir+ndjson";

pub async fn file(
    service: &Arc<Service>,
    exchange: &Rc<Exchange>,
    token: &str,
    pairs: &Pairs,
) -> Result<Answer, Error> {
    exchange.stages.enter(Stage::Parse);
    let File { ticket, kind, rule } = File::opened(service, token).ok_or(GONE)?;
    let after = after(pairs)?;
    check(service, &ticket, now())?;
    exchange.stages.enter(Stage::Plan);
    let parts = match kind {
        Kind::Notes if after.is_none() => notes(service, exchange, &ticket.export)?,
        Kind::Notes => return Err(no_such_row()),
        Kind::Output | Kind::Error => {
            let known = service.rules.rules.iter().position(|known| known.id == rule);
            let rule = known.ok_or(GONE)?;
            check_window(source(service, rule), now())?;
            let lines = Lines { ticket, kind, rule, after, _place: place(service)? };
            exchange.stages.enter(Stage::Fetch);
            lines.parts(Arc::clone(service), Rc::clone(exchange))
        }
    };
    let parts = respond::begun(parts).await?;
    let exchange = Rc::clone(exchange);
    Ok(Answer::with(Body::Streamed(Streamed { exchange, content_type: CONTENT_TYPE, parts })))
}

fn after(pairs: &Pairs) -> Result<Option<String>, Error> {
    let mut problems = Vec::new();
    let mut after = None;
    for (name, value) in pairs {
        match name.as_str() {
            AFTER if after.is_none() => after = Some(value.clone()),
            _ => {
                let en = "not a parameter of a file, or more than once";
                let ja = "はファイルのパラメータでないか、二度書かれています";
                problems.push(refused(name, Refusal::NotSupported, en, ja));
            }
        }
    }
    if problems.is_empty() { Ok(after) } else { Err(Error::Parameters(problems)) }
}

fn no_such_row() -> Error {
    let en = "has to be the id of a resource of this file that is still there; without it, the file \
              begins at its beginning";
    let ja = "は、このファイルに現在もあるリソースの id です。付けなければ先頭から始まります";
    Error::Parameters(vec![refused(AFTER, Refusal::Invalid, en, ja)])
}

fn check(service: &Service, ticket: &Ticket, now: DateTime<Utc>) -> Result<(), Error> {
    let is_over = now >= ticket.expires(service) || service.exports_ended.has(&ticket.id);
    if is_over { Err(GONE) } else { Ok(()) }
}

fn source(service: &Service, rule: usize) -> &Source {
    service.sources.at(service.rules.rules[rule].source)
}

/// What the tables don't tell, one line each.
fn notes(service: &Service, exchange: &Exchange, export: &Export) -> Result<Parts, Error> {
    let planned = plan::whole(service, export)?;
    let mut lines = String::new();
    for untold in &planned.untold {
        let one = std::slice::from_ref(untold);
        let outcome = respond::of_untold(&service.rules, one, exchange.language);
        lines.push_str(&outcome.to_json().to_string());
        lines.push('\n');
    }
    Ok(futures::stream::iter([Ok(lines.into())]).boxed_local())
}

/// What a file has in it.
struct Lines {
    ticket: Ticket,
    kind: Kind,
    /// Index into the rules.
    rule: usize,
    after: Option<String>,
    /// Free again when the file is sent, breaks off or is left.
    _place: OwnedSemaphorePermit,
}

impl Lines {
    /// The rooms fetch, emit and respond, again and again.
    fn parts(self, service: Arc<Service>, exchange: Rc<Exchange>) -> Parts {
        Box::pin(try_stream! {
            let mut tally = Tally::new(Rc::clone(&exchange));
            let mut fetch = Fetch::bulk(&service.sources, &service.rules);
            let emitter = Emitter::new(&service.rules, &service.identity);
            let members = match &self.ticket.export.level {
                Level::Group(id) => Some(members::members(&service, &mut fetch, id, now()).await?),
                Level::System | Level::Patient => None,
            };
            let (mut batch, mut position) = self.begin(&service, &mut fetch, &members).await?;
            let batches = members.as_ref().map_or(1, |members| members.batches.len());
            // Equal keys are neighbours: the second is no resource.
            let mut last = String::new();
            while batch < batches {
                let scan = self.scan(&service, &members, batch)?;
                while let Some(scan) = scan.as_ref().filter(|_| position != Position::Done) {
                    check(&service, &self.ticket, now())?;
                    check_window(source(&service, self.rule), now())?;
                    let chunk = fetch.chunk(scan, &position, service.export.chunk_rows).await?;
                    position = chunk.next;
                    let mut out = Vec::with_capacity(1024 * chunk.records.len());
                    for record in &chunk.records {
                        let elsewhere = members.as_ref().is_some_and(|members| {
                            let first = members.first_batch(&service.rules, self.rule, record);
                            first.is_some_and(|first| first < batch)
                        });
                        if !elsewhere {
                            let line = Line { scan, record, last: &mut last };
                            self.line(&emitter, line, &exchange, &mut tally, &mut out);
                        }
                    }
                    // Also without a line: who waits for the head need not wait for the first one.
                    yield tally.part(out, &fetch);
                }
                batch += 1;
                position = Position::Start;
            }
            tally.part(Vec::new(), &fetch);
            tally.complete = true;
        })
    }

    /// Writes a record, if it is what the file has in it.
    fn line<'r>(
        &self,
        emitter: &Emitter<'r>,
        Line { scan, record, last }: Line<'_, 'r>,
        exchange: &Exchange,
        tally: &mut Tally,
        out: &mut Vec<u8>,
    ) {
        let rule = emitter.rule(scan.rule);
        let part = scan.part.as_ref();
        let tag = emitter.tag(rule, record, part);
        let mut emitted = emitter.emit_part(rule, record, part, tag);
        let is_second = !emitted.id.is_empty() && *last == emitted.id;
        last.clone_from(&emitted.id);
        if emitted.json.is_some() && is_second {
            (emitted.json, emitted.issues) = (None, vec![duplicate_key(rule)]);
        }
        exchange.stages.count_issues(&emitted.issues);
        match (emitted.json, self.kind) {
            (Some(json), Kind::Output) => {
                tally.resources += 1;
                out.extend_from_slice(&json);
                out.push(b'\n');
            }
            (None, Kind::Error) => {
                tally.outcomes += 1;
                respond::row_line(rule, &emitted.id, &emitted.issues, exchange.language, out);
            }
            _ => {}
        }
    }

    /// The scan of a batch of members, or of all; `None` if nothing can be there.
    fn scan(
        &self,
        service: &Service,
        members: &Option<Members>,
        batch: usize,
    ) -> Result<Option<Scan>, Error> {
        let owners = match members {
            None => Owners::Of(COMPARTMENT),
            Some(members) => {
                let batch = &members.batches[batch];
                Owners::These { rule: batch.rule, keys: &batch.keys }
            }
        };
        let resource_type = self.rule(service).resource.as_str();
        let mut names = genkan_fhir::definitions::Definitions::r4().resource_names();
        let resource_type = names.find(|name| *name == resource_type).ok_or(GONE)?;
        let planned = plan::of_type(service, &self.ticket.export, resource_type, owners)?;
        Ok(planned.scans.into_iter().find(|scan| scan.rule == self.rule))
    }

    fn rule<'s>(&self, service: &'s Service) -> &'s Rule {
        &service.rules.rules[self.rule]
    }

    /// Batch and position from which on the file is read.
    async fn begin(
        &self,
        service: &Service,
        fetch: &mut Fetch<'_>,
        members: &Option<Members>,
    ) -> Result<(usize, Position), Error> {
        let Some(id) = &self.after else { return Ok((0, Position::Start)) };
        let key = service.identity.decode(&self.rule(service).id, id).ok_or_else(no_such_row)?;
        let batch = match members {
            None => 0,
            Some(members) => {
                let found = fetch.by_keys(self.rule, std::slice::from_ref(&key)).await?;
                let record = found.first().ok_or_else(no_such_row)?;
                members.first_batch(&service.rules, self.rule, record).ok_or_else(no_such_row)?
            }
        };
        let scan = self.scan(service, members, batch)?.ok_or_else(no_such_row)?;
        Ok((batch, scan.behind(&service.rules, &key).ok_or_else(no_such_row)?))
    }
}

/// A record on its way into a file.
struct Line<'l, 'r> {
    scan: &'r Scan,
    record: &'r Record,
    last: &'l mut String,
}
