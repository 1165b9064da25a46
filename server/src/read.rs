//! `GET /fhir/[type]/[id]` and its `_history/[vid]`: the way of a read. A read is a plan with one
//! key.
//!
//! Spec: <https://hl7.org/fhir/R4/http.html#read>. Versions before the current one are not kept by
//! the hospital's tables, so that they do not exist here either.

use genkan_adapter::Row;
use genkan_fhir::search::Shape;
use genkan_mapping::emit::Record;
use genkan_mapping::plan::ReadPlan;
use genkan_mapping::projection::Projection;

use crate::error::Error;
use crate::exchange::Exchange;
use crate::fetch::{Fetch, FetchError};
use crate::respond::{self, Answer};
use crate::service::Service;
use crate::stages::Stage;
use crate::{capability, emit, in_memory, parse, plan, terminology};

/// What was asked of one resource.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'p> {
    pub resource_type: &'p str,
    pub id: &'p str,
    /// Only this version of it.
    pub version_id: Option<&'p str>,
    /// The query of the address.
    pub query: &'p str,
}

pub async fn read(
    service: &Service,
    exchange: &Exchange,
    wanted: Wanted<'_>,
) -> Result<Answer, Error> {
    exchange.stages.enter(Stage::Parse);
    let shape = parse::read(service, wanted.resource_type, wanted.query)?;
    if in_memory::parameters(service, wanted.resource_type).is_some() {
        let Wanted { resource_type, id, version_id, .. } = wanted;
        let found = match resource_type {
            capability::TYPE => capability::of_id(service, &exchange.base, id),
            of_codes => terminology::of_id(service, of_codes, id),
        };
        return in_memory::read(exchange, (resource_type, found), version_id, &shape);
    }
    exchange.stages.enter(Stage::Plan);
    // A version is of the whole: a part of it can't be told from another's.
    let read = if wanted.version_id.is_some() { &Shape::Whole } else { &shape };
    let plan = plan::read(service, wanted.resource_type, wanted.id, read)?;
    exchange.stages.enter(Stage::Fetch);
    let mut fetch = Fetch::new(&service.sources, &service.rules).until(exchange.deadline());
    let found = found(service, exchange, &mut fetch, &plan).await;
    exchange.stages.count_statements(fetch.statements(), fetch.in_source());
    let records = match found? {
        Found::Records(records) => records,
        Found::Unchanged(answer) => return Ok(answer),
    };
    exchange.stages.enter(Stage::Emit);
    let shown = match wanted.version_id {
        None => plan.part,
        Some(_) => Projection::of(&service.rules, &service.rules.rules[plan.rule], &shape),
    };
    resource(service, exchange, (plan.rule, shown.as_ref()), &records, wanted)
}

enum Found {
    Records(Vec<Record>),
    Unchanged(Answer),
}

/// Fetches no further than it takes to see that the client has the resource already.
async fn found(
    service: &Service,
    exchange: &Exchange,
    fetch: &mut Fetch<'_>,
    plan: &ReadPlan,
) -> Result<Found, FetchError> {
    let rows = fetch.rows_of_key(plan).await?;
    if let [row] = rows.as_slice() {
        let known = of_row(service, exchange, plan.rule, row);
        if let Some(answer) = known.filter(|answer| respond::is_unchanged(exchange, answer)) {
            return Ok(Found::Unchanged(answer));
        }
    }
    Ok(Found::Records(fetch.records_of_key(plan, rows).await?))
}

/// What the root row alone says of its resource, if a condition of the request asks for that.
fn of_row(service: &Service, exchange: &Exchange, rule: usize, row: &Row) -> Option<Answer> {
    let conditions = &exchange.conditions;
    if !conditions.has_tags() && !conditions.has_time() {
        return None;
    }
    let known = emit::of_row(service, rule, row)?;
    Some(Answer::unchanged(known.tag.map(|tag| tag.text), known.last_updated))
}

fn resource(
    service: &Service,
    exchange: &Exchange,
    (rule, part): (usize, Option<&Projection>),
    records: &[Record],
    wanted: Wanted<'_>,
) -> Result<Answer, Error> {
    let not_found = || Error::NotFound { resource_type: wanted.resource_type.to_owned() };
    let record = records.first().ok_or_else(not_found)?;
    let read = if wanted.version_id.is_some() { None } else { part };
    let tag = emit::tag(service, rule, record, read);
    if wanted.version_id.is_some_and(|version_id| tag.text != version_id) {
        return Err(Error::UnknownVersion);
    }
    if records.len() == 1 && exchange.conditions.has_tags() {
        let answer =
            Answer::unchanged(Some(tag.text.clone()), emit::updated(service, rule, record));
        if respond::is_unchanged(exchange, &answer) {
            return Ok(answer);
        }
    }
    let emitted = emit::only_part(service, rule, records, part, tag).ok_or_else(not_found)?;
    exchange.stages.count_issues(&emitted.issues);
    exchange.stages.enter(Stage::Respond);
    respond::resource(emitted)
}
