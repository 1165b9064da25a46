//! `GET /fhir/[type]/[id]` and its `_history/[vid]`: the way of a read. A read is a plan with one
//! key.
//!
//! Spec: <https://hl7.org/fhir/R4/http.html#read>. Versions before the current one are not kept by
//! the hospital's tables, so that they do not exist here either.

use genkan_mapping::emit::Emitted;

use crate::error::Error;
use crate::exchange::Exchange;
use crate::fetch::Fetch;
use crate::respond::{self, Answer};
use crate::service::Service;
use crate::stages::Stage;
use crate::{emit, parse, plan};

pub async fn read(
    service: &Service,
    exchange: &Exchange,
    resource_type: &str,
    id: &str,
) -> Result<Answer, Error> {
    let emitted = resource(service, exchange, resource_type, id).await?;
    exchange.stages.enter(Stage::Respond);
    respond::resource(emitted)
}

/// Answers only if the version asked for is the current one.
pub async fn vread(
    service: &Service,
    exchange: &Exchange,
    resource_type: &str,
    id: &str,
    version_id: &str,
) -> Result<Answer, Error> {
    let emitted = resource(service, exchange, resource_type, id).await?;
    if emitted.version_id != version_id {
        return Err(Error::UnknownVersion);
    }
    exchange.stages.enter(Stage::Respond);
    respond::resource(emitted)
}

async fn resource(
    service: &Service,
    exchange: &Exchange,
    resource_type: &str,
    id: &str,
) -> Result<Emitted, Error> {
    exchange.stages.enter(Stage::Parse);
    parse::known_type(service, resource_type)?;
    exchange.stages.enter(Stage::Plan);
    let plan = plan::read(service, resource_type, id)?;
    exchange.stages.enter(Stage::Fetch);
    let mut fetch = Fetch::new(&service.sources, &service.rules);
    let found = fetch.of_key(&plan).await;
    exchange.stages.count_statements(fetch.statements(), fetch.in_source());
    let records = found?;
    exchange.stages.enter(Stage::Emit);
    let not_found = || Error::NotFound { resource_type: resource_type.to_owned() };
    let emitted = emit::only(service, plan.rule, &records).ok_or_else(not_found)?;
    exchange.stages.count_issues(&emitted.issues);
    Ok(emitted)
}
