//! `GET /fhir/[type]?…` and `POST /fhir/[type]/_search`: the way of a search, room by room.
//!
//! Spec: <https://hl7.org/fhir/R4/http.html#search>

use crate::error::Error;
use crate::exchange::Exchange;
use crate::fetch::Fetch;
use crate::parse::{self, Pairs};
use crate::respond::{self, Answer};
use crate::service::Service;
use crate::stages::Stage;
use crate::{emit, plan};

pub async fn search(
    service: &Service,
    exchange: &Exchange,
    resource_type: &str,
    pairs: Pairs,
) -> Result<Answer, Error> {
    exchange.stages.enter(Stage::Parse);
    let search = parse::search(service, &exchange.base, resource_type, pairs)?;
    exchange.stages.enter(Stage::Plan);
    let plan = plan::search(service, &search.request)?;
    exchange.stages.enter(Stage::Fetch);
    let mut fetch = Fetch::new(&*service.adapter, &service.rules);
    let page = fetch.page(&plan).await;
    exchange.stages.count_statements(fetch.statements());
    let page = page?;
    exchange.stages.enter(Stage::Emit);
    let entries = emit::page(service, &page);
    for entry in &entries {
        exchange.stages.count_issues(&entry.emitted.issues);
    }
    exchange.stages.enter(Stage::Respond);
    let next = page.next.map(|cursor| cursor.seal(&service.identity, &plan.context));
    Ok(respond::searchset(exchange, &search, next.as_deref(), &entries, &service.page_issues))
}
