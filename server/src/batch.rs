//! `POST /fhir` with a Bundle of type `batch`: several reads and searches in one request, each with an
//! answer and a status of its own.
//!
//! Spec: <https://hl7.org/fhir/R4/http.html#transaction>. A transaction is refused: its promise, all
//! or nothing, is about changes, and nothing can be changed here.

mod entry;

use futures::StreamExt as _;
use genkan_mapping::diagnostic::Text;
use serde_json::Value;

use crate::error::Error;
use crate::exchange::Exchange;
use crate::interaction;
use crate::respond::batch::{Answered, EntryAnswer};
use crate::respond::{self, Answer};
use crate::service::Service;
use crate::stages::Stage;

use entry::Request;

/// Limits of the configuration.
#[derive(Debug, Clone, Copy)]
pub struct BatchLimits {
    pub entries_max: usize,
    /// Of all answers together.
    pub bytes_max: usize,
    /// Entries in work at one time.
    pub parallel_max: usize,
}

pub async fn batch(service: &Service, exchange: &Exchange, body: &[u8]) -> Result<Answer, Error> {
    exchange.stages.enter(Stage::Parse);
    let limits = service.batch;
    let bundle: Value = serde_json::from_slice(body).map_err(|_| Error::BodyUnreadable)?;
    let entries = entries(&bundle, limits.entries_max)?;
    let requests = entries.iter().map(|entry| entry::read(exchange, entry));
    let requests: Vec<Result<Request, Error>> = requests.collect();
    exchange.stages.enter(Stage::Fetch);
    let answers = answers(service, exchange, requests).await;
    exchange.stages.enter(Stage::Respond);
    Ok(respond::batch::response(&answers))
}

/// The entries of a bundle that can be a batch.
fn entries(bundle: &Value, entries_max: usize) -> Result<&[Value], Error> {
    let wrong = |en: &str, ja: &str| Err(Error::NotABatch(Text::new(en, ja)));
    if bundle["resourceType"] != "Bundle" {
        return wrong("the body is no Bundle", "本文が Bundle ではありません");
    }
    match bundle["type"].as_str() {
        Some("batch") => {}
        Some("transaction") => return Err(Error::Transaction),
        _ => {
            let ja = "type が batch の Bundle だけを受け付けます";
            return wrong("only a Bundle of type `batch` is answered", ja);
        }
    }
    let entries = match bundle.get("entry") {
        None => &[],
        Some(Value::Array(entries)) => entries.as_slice(),
        Some(_) => return wrong("`Bundle.entry` is a list", "Bundle.entry は配列です"),
    };
    if entries.len() > entries_max {
        return Err(Error::BatchTooLong { entries_max });
    }
    Ok(entries)
}

/// In the order of the entries. More than one at a time only as far as there is room for further
/// requests: a batch must not take more than its callers could one by one.
async fn answers(
    service: &Service,
    exchange: &Exchange,
    requests: Vec<Result<Request, Error>>,
) -> Vec<EntryAnswer> {
    let bytes_max = service.batch.bytes_max;
    let places: Vec<_> = (1..service.batch.parallel_max.min(requests.len()))
        .map_while(|_| service.places.clone().try_acquire_owned().ok())
        .collect();
    let count = requests.len();
    let running = requests.into_iter().map(|request| run(service, exchange, request));
    let mut running = futures::stream::iter(running).buffered(places.len() + 1);
    let mut answers = Vec::with_capacity(count);
    let mut bytes = 0;
    while let Some(answered) = running.next().await {
        bytes += answered.bytes();
        if bytes > bytes_max {
            // What is not begun is not begun any more.
            break;
        }
        answers.push(answered);
    }
    drop(running);
    while answers.len() < count {
        answers.push(respond::batch::entry(exchange, Err(Error::BatchTooLarge { bytes_max })));
    }
    answers
}

async fn run(
    service: &Service,
    exchange: &Exchange,
    request: Result<Request, Error>,
) -> EntryAnswer {
    let Request { path, query, conditions, wants } = match request {
        Ok(request) => request,
        Err(error) => return respond::batch::entry(exchange, Err(error)),
    };
    let own = exchange.entry(conditions);
    let answer = interaction::get(service, &own, &path, &query).await;
    exchange.stages.add(&own.stages);
    respond::batch::entry(&own, answer.map(|answer| Answered { answer, wants }))
}
