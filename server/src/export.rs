//! Bulk Data `$export` of the system, of all patients and of a Group: kick-off, status, files, end.
//!
//! Spec: <https://hl7.org/fhir/uv/bulkdata/STU2/export.html>
//!
//! Nothing is prepared and nothing is stored. What was asked for is sealed with the site key into the
//! addresses of status and files; a file is made from the live tables while it is fetched. So a file
//! has the rows as they are when it is fetched, at or after `transactionTime`, and the same file can
//! be fetched again. Files are read as bulk work, which the governor of each source holds down.

mod addresses;
mod ended;
mod file;
mod members;
mod plan;
mod request;

use std::time::SystemTime;

use actix_web::http::header::{self, HeaderName};
use chrono::{DateTime, SecondsFormat, Utc};
use genkan_mapping::diagnostic::Text;
use genkan_mapping::plan::UntoldOf;
use serde_json::{Value, json};

use crate::bulk::BulkRefusal;
use crate::error::Error;
use crate::exchange::Exchange;
use crate::fetch::Fetch;
use crate::respond::{self, Answer, Body};
use crate::service::Service;
use crate::stages::Stage;

pub use addresses::{FILE, STATUS};
use addresses::{Kind, Ticket};
pub use ended::Ended;
pub use file::{AFTER, CONTENT_TYPE, file};
pub use request::{Export, FORMATS, Level, PARAMETERS};

pub const NAME: &str = "export";
const PROGRESS: HeaderName = HeaderName::from_static("x-progress");

/// Checks what is asked for and gives it an address; nothing of the sources is read but the Group.
pub async fn kick_off(
    service: &Service,
    exchange: &Exchange,
    export: Export,
) -> Result<Answer, Error> {
    exchange.stages.enter(Stage::Plan);
    let planned = plan::whole(service, &export)?;
    if let Level::Group(id) = &export.level {
        exchange.stages.enter(Stage::Fetch);
        let plan = crate::plan::read(service, "Group", id, &Default::default())?;
        let mut fetch = Fetch::new(&service.sources, &service.rules).until(exchange.deadline());
        let found = fetch.rows_of_key(&plan).await;
        exchange.stages.count_statements(fetch.statements(), fetch.in_source());
        if found?.is_empty() {
            return Err(Error::NotFound { resource_type: "Group".to_owned() });
        }
    }
    exchange.stages.enter(Stage::Respond);
    let ticket = Ticket { id: service.trace_ids.next().to_string(), kicked_off: now(), export };
    let files = planned.files.iter().map(|file| {
        let rule = &service.rules.rules[file.rule].id;
        ticket.file_url(service, exchange, Kind::Output, rule)
    });
    // The length of a base is the client's; what is behind it is ours.
    let longest = files.map(|url| url.len() - exchange.base.len()).max().unwrap_or_default();
    let bytes_max = service.uri_bytes_max.saturating_sub(addresses::BASE_BYTES);
    if longest > bytes_max {
        return Err(Error::Bulk(BulkRefusal::AddressTooLong { bytes_max }));
    }
    let said = Text::new(
        "the export was accepted; `Content-Location` is the address of its status",
        "エクスポートを受け付けました。状態は Content-Location の URL で確認できます",
    );
    let mut answer = accepted(exchange, &said);
    answer.headers.push((header::CONTENT_LOCATION, ticket.status_url(service, exchange)));
    Ok(answer)
}

/// The manifest, as soon as one of the sources may be asked for it.
pub fn status(service: &Service, exchange: &Exchange, token: &str) -> Result<Answer, Error> {
    exchange.stages.enter(Stage::Parse);
    let ticket = Ticket::of_status(service, token).ok_or(GONE)?;
    let now = now();
    let expires = ticket.expires(service);
    if now >= expires || service.exports_ended.has(&ticket.id) {
        return Err(GONE);
    }
    exchange.stages.enter(Stage::Plan);
    let planned = plan::whole(service, &ticket.export)?;
    exchange.stages.enter(Stage::Respond);
    let opens_in = planned.files.iter().map(|file| {
        let source = service.rules.rules[file.rule].source;
        service.sources.at(source).governor.opens_in(now)
    });
    if let Some(opens_in) = opens_in.min().flatten() {
        let said = Text::new(
            "waiting for the hours in which bulk work is allowed",
            "一括処理できる時間帯を待っています",
        );
        let mut answer = accepted(exchange, &said);
        answer.headers.push((PROGRESS, said.en.clone()));
        answer.headers.push((header::RETRY_AFTER, opens_in.as_secs().max(1).to_string()));
        return Ok(answer);
    }
    let manifest = manifest(service, exchange, &ticket, &planned);
    let mut answer = Answer::with(Body::Manifest(manifest.to_string().into()));
    answer.headers.push((header::EXPIRES, respond::http_date(expires)));
    Ok(answer)
}

/// Ends an export: its addresses open no more, and files that are being sent break off. That is known
/// to this process alone, and until it is started again: the addresses hold what was asked for, and
/// nothing is stored.
pub fn end(service: &Service, exchange: &Exchange, token: &str) -> Result<Answer, Error> {
    exchange.stages.enter(Stage::Parse);
    let ticket = Ticket::of_status(service, token).ok_or(GONE)?;
    let now = now();
    if now >= ticket.expires(service) || service.exports_ended.has(&ticket.id) {
        return Err(GONE);
    }
    service.exports_ended.end(&ticket.id, ticket.expires(service), now);
    exchange.stages.enter(Stage::Respond);
    let said = Text::new("the export has ended", "エクスポートを終了しました");
    Ok(accepted(exchange, &said))
}

const GONE: Error = Error::Bulk(BulkRefusal::NoSuchExport);

fn manifest(
    service: &Service,
    exchange: &Exchange,
    ticket: &Ticket,
    planned: &plan::Planned,
) -> Value {
    let rules = &service.rules.rules;
    let entry = |kind: Kind, resource_type: &str, rule: &str| json!({"type": resource_type, "url": ticket.file_url(service, exchange, kind, rule)});
    let output: Vec<Value> = planned
        .files
        .iter()
        .map(|file| entry(Kind::Output, &rules[file.rule].resource, &rules[file.rule].id))
        .collect();
    let outcome = "OperationOutcome";
    let told = (!planned.untold.is_empty()).then(|| entry(Kind::Notes, outcome, ""));
    let rows = planned.files.iter().map(|file| entry(Kind::Error, outcome, &rules[file.rule].id));
    json!({
        "transactionTime": ticket.kicked_off.to_rfc3339_opts(SecondsFormat::Millis, true),
        "request": ticket.export.url(&exchange.base),
        // Whoever has an address may use it: there is no authorization yet.
        "requiresAccessToken": false,
        "output": output,
        "error": told.into_iter().chain(rows).collect::<Vec<_>>(),
    })
}

fn accepted(exchange: &Exchange, said: &Text) -> Answer {
    let outcome = respond::of_progress(said, exchange.language).to_json().to_string();
    Answer::with(Body::Accepted(outcome.into()))
}

fn now() -> DateTime<Utc> {
    SystemTime::now().into()
}

/// The `rest.operation` and `rest.resource.operation` entries of `/metadata`; `None` is the system.
pub fn declared(service: &Service, resource_type: Option<&str>) -> Option<Value> {
    let (definition, about) = match resource_type {
        None => ("export", "everything that the rules make"),
        Some("Patient") => ("patient-export", "what is in the compartments of all patients"),
        Some("Group") => ("group-export", "what is in the compartments of the members"),
        Some(_) => return None,
    };
    let since =
        service.rules.rules.iter().filter(|rule| {
            !rule.parameters.iter().any(|parameter| parameter.code == "_lastUpdated")
        });
    let blind: Vec<&str> = since.map(|rule| rule.id.as_str()).collect();
    let blind = match blind.is_empty() {
        true => String::new(),
        false => format!(
            " Rules without a time of change, of which `_since` leaves nothing out: {}.",
            blind.join(", ")
        ),
    };
    Some(json!({
        "name": NAME,
        "definition": format!("http://hl7.org/fhir/uv/bulkdata/OperationDefinition/{definition}"),
        "documentation": format!(
            "GET or POST with `Prefer: respond-async`: {about}, as NDJSON, one file for each rule, from \
             the live tables while it is fetched. `_type`, `_since`, `_elements`, `_typeFilter` (searches \
             that are offered here), `_outputFormat` (ndjson). `_after=[id]` on the address of a file \
             goes on behind the last resource that came whole.{blind}"
        ),
    }))
}

/// Whether an untold thing hides resources.
fn hides(of: &UntoldOf) -> bool {
    matches!(of, UntoldOf::Membership { .. })
}
