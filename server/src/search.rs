//! `GET /fhir/[type]?…` and `POST /fhir/[type]/_search`: the way of a search, room by room.
//!
//! Spec: <https://hl7.org/fhir/R4/http.html#search>

use crate::error::Error;
use crate::exchange::Exchange;
use crate::fetch::Fetch;
use crate::links::{self, Asked};
use crate::respond::{self, Answer, Links};
use crate::service::Service;
use crate::stages::Stage;
use crate::{emit, parse, plan};

pub async fn search(
    service: &Service,
    exchange: &Exchange,
    resource_type: &str,
    asked: impl Into<Asked>,
) -> Result<Answer, Error> {
    exchange.stages.enter(Stage::Parse);
    let search = parse::search(service, &exchange.base, resource_type, asked)?;
    exchange.stages.enter(Stage::Plan);
    let plan = plan::search(service, &search.request)?;
    exchange.stages.enter(Stage::Fetch);
    let mut fetch = Fetch::new(&service.sources, &service.rules);
    let page = fetch.page(&plan).await;
    exchange.stages.count_statements(fetch.statements(), fetch.in_source());
    let page = page?;
    exchange.stages.enter(Stage::Emit);
    let entries = emit::page(service, &page);
    for entry in &entries {
        exchange.stages.count_issues(&entry.emitted.issues);
    }
    exchange.stages.enter(Stage::Respond);
    let next = page.next.map(|cursor| cursor.seal(&service.identity, &plan.context));
    let url = |next| links::url(service, exchange, &search, next);
    let links = Links { own: url(None), next: next.as_deref().map(|token| url(Some(token))) };
    let ended = page.includes_end.then_some(plan.include_depth_max);
    Ok(respond::searchset(exchange, &links, &entries, ended, &service.page_issues))
}
