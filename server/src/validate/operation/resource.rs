//! A resource that is here, with the row behind it: what the row records and the rule does not send is
//! told too (準必須).

use genkan_fhir::search::Shape;

use super::asked::Asked;
use super::{Judged, against};
use crate::bundle::UnitIssue;
use crate::error::Error;
use crate::exchange::Exchange;
use crate::fetch::Fetch;
use crate::service::Service;
use crate::stages::Stage;
use crate::{emit, parse, plan};

pub async fn judge(
    service: &Service,
    exchange: &Exchange,
    (resource_type, id): (&str, &str),
    asked: &Asked,
) -> Result<Judged, Error> {
    parse::known_type(service, resource_type)?;
    exchange.stages.enter(Stage::Plan);
    let plan = plan::read(service, resource_type, id, &Shape::Whole)?;
    exchange.stages.enter(Stage::Fetch);
    let mut fetch = Fetch::new(&service.sources, &service.rules).until(exchange.deadline());
    let found = fetch.of_key(&plan).await;
    exchange.stages.count_statements(fetch.statements(), fetch.in_source());
    let records = found?;
    exchange.stages.enter(Stage::Emit);
    let not_found = || Error::NotFound { resource_type: resource_type.to_owned() };
    let emitted = emit::watched(service, plan.rule, &records).ok_or_else(not_found)?;
    let json = emitted.json.ok_or(Error::Unmappable(emitted.issues.clone()))?;
    exchange.stages.count_issues(&emitted.issues);
    exchange.stages.enter(Stage::Validate);
    let profiles: Vec<&str> = asked.profile.as_deref().into_iter().collect();
    let report = service.validation.validate(service.terminology.masters(), &json, &profiles)?;
    let of_row = emitted.issues.into_iter().map(|issue| {
        let place = service.rules.place(issue.span);
        UnitIssue::of_row(issue, None, place)
    });
    Ok(Judged {
        against: against(service, &report),
        report,
        of_row: of_row.collect(),
        mode: asked.mode,
    })
}
