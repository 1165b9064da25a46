//! `ConceptMap/[id]/$local-codes`, `$suggest` and `$review`: what a console of reviewers asks for. Their
//! answers are Parameters.

mod decide;
mod local_codes;
mod suggest;

use std::time::SystemTime;

use genkan_mapping::codemap::CodeMap;
use genkan_mapping::codemap::MapRow;
use genkan_mapping::terminology::Map;
use serde_json::{Value, json};

use super::{Document, Refused, Review, SeenCodes, seen};
use crate::bulk;
use crate::coded_rows::{NotVisited, Pace, RowsArgs, has_code};
use crate::error::{Error, Refusal};
use crate::exchange::Exchange;
use crate::respond::Answer;
use crate::service::Service;
use crate::stages::Stage;
use crate::terminology::Given;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    LocalCodes,
    Suggest,
    Review,
}

/// Why a reviewer gets no answer.
#[derive(Debug)]
pub enum ReviewRefusal {
    /// `[codes] review` is not set.
    Off,
    /// Neither the map nor the rows that were read have the house code, and the question has no name.
    NoHouseCode,
    /// What was decided can't be written.
    Change(genkan_mapping::codemap::review::NotWritten),
    /// The file is another than the client has seen, or somebody is writing it.
    Changed,
    /// The machine does not let it be read or written.
    File,
    /// The configuration tells clients apart, and this one is none of them.
    UnknownClient,
}

impl Operation {
    pub const ALL: [Self; 3] = [Self::LocalCodes, Self::Suggest, Self::Review];

    pub fn name(self) -> &'static str {
        match self {
            Self::LocalCodes => "local-codes",
            Self::Suggest => "suggest",
            Self::Review => "review",
        }
    }

    /// It is a POST, and nothing else.
    pub fn writes(self) -> bool {
        self == Self::Review
    }
}

/// The `rest.resource.operation` entries of ConceptMap; none where review is off.
pub fn declared(service: &Service) -> Vec<Value> {
    if service.review.is_none() {
        return Vec::new();
    }
    let one = |operation: Operation| {
        let text = match operation {
            Operation::LocalCodes => {
                "On an instance, by GET: house codes of the map with their rows of the code map, and, \
                 with `rows`, what the source holds of them. `code`, `state`, `rows`, `offset`, `count`."
            }
            Operation::Suggest => {
                "On an instance, by GET: standard codes that a house code may be, ranked, with reasons. \
                 `code`, `name`, `kana`, `unit`, `material`, `method`, `ingredient`, `strength`, `form`, \
                 `maker`, `median`, `rows`, `count`."
            }
            Operation::Review => {
                "On an instance, by POST; writes the code map: `code`, `state` and `by`; `target`, \
                 `standard`, `validFrom`, `name`, `note`, `version`. Of a client that is known by its \
                 certificate, its name stands before `by`, which may then be left out."
            }
        };
        json!({
            "name": operation.name(),
            "definition": format!("urn:x-genkan:operation:ConceptMap-{}", operation.name()),
            "documentation": text,
        })
    };
    Operation::ALL.map(one).to_vec()
}

/// Answers an operation of the code map with this id.
pub async fn run(
    service: &Service,
    exchange: &Exchange,
    (operation, id): (Operation, &str),
    given: Given,
) -> Result<Answer, Error> {
    exchange.stages.enter(Stage::Parse);
    let review = service.review.as_ref().ok_or(Error::Review(ReviewRefusal::Off))?;
    let not_found = || Error::NotFound { resource_type: "ConceptMap".to_owned() };
    let map = service.terminology.maps().iter().find(|map| map.id == id).ok_or_else(not_found)?;
    let call = Call { service, exchange, review, code_map: service.terminology.code_map(map), map };
    let parts = match operation {
        Operation::LocalCodes => local_codes::run(&call, given).await?,
        Operation::Suggest => suggest::run(&call, given).await?,
        Operation::Review => decide::run(&call, given).await?,
    };
    exchange.stages.enter(Stage::Respond);
    let resource = json!({"resourceType": "Parameters", "parameter": parts});
    Ok(Answer::of(resource.to_string().into_bytes()))
}

/// What all of them need.
struct Call<'c> {
    service: &'c Service,
    exchange: &'c Exchange,
    review: &'c Review,
    map: &'c Map,
    code_map: &'c CodeMap,
}

impl Call<'_> {
    /// The file as it is now: what was written a moment ago may not be served yet.
    async fn document(&self) -> Result<Document, Error> {
        let (directory, map) = (self.review.directory.clone(), self.code_map.id.clone());
        let read = tokio::task::spawn_blocking(move || Document::read(&directory, &map)).await;
        let read = read.map_err(|_| Error::Internal("a file could not be read"))?;
        read.map_err(refused)
    }

    /// The rows of the source, as many as were asked for.
    async fn seen(&self, rows: usize) -> Result<SeenCodes, Error> {
        if rows == 0 {
            return Ok(SeenCodes::default());
        }
        let service = self.service;
        let (sources, rules) = (&*service.sources, &*service.rules);
        let maps = [self.map.place()];
        // As a file of an export: everybody else goes first, and not at every hour.
        let _place = bulk::place(service)?;
        for rule in rules.rules.iter().filter(|rule| has_code(rule, Some(&maps))) {
            bulk::check_window(sources.at(rule.source), SystemTime::now().into())?;
        }
        self.exchange.stages.enter(Stage::Fetch);
        let args = RowsArgs { rows: rows as u64, since: None, from: None, to: None };
        let pace = Pace::Bulk { until: self.exchange.deadline() };
        seen((sources, rules), &maps, &args, &pace).await.map_err(|why| match why {
            NotVisited::Source(error) => error.into(),
            NotVisited::Arguments(_) | NotVisited::Rules(_) => {
                Error::Internal("the rows of a code map could not be asked for")
            }
        })
    }

    /// `rows`: so many of each rule are read; none if it is not given.
    fn rows(&self, given: &mut Given) -> usize {
        at_most(given, "rows", 0, self.service.codes.review_rows_max)
    }
}

/// A number with a default and a limit.
fn at_most(given: &mut Given, name: &str, default: usize, most: usize) -> usize {
    let asked = given.number(name).unwrap_or(default);
    if asked > most {
        let en = format!("has to be {most} or less");
        let ja = format!("は {most} 以下です");
        given.refuse(name, Refusal::Invalid, &en, &ja);
    }
    asked
}

fn refused(why: Refused) -> Error {
    Error::Review(match why {
        Refused::Change(why) => ReviewRefusal::Change(why),
        Refused::Changed => ReviewRefusal::Changed,
        Refused::File(error) => {
            tracing::error!(%error, "a code map can't be read or written");
            ReviewRefusal::File
        }
    })
}

fn text(name: &str, value: &str) -> Option<Value> {
    (!value.is_empty()).then(|| json!({"name": name, "valueString": value}))
}

/// A row of the code map.
fn row_part(row: &MapRow) -> Value {
    let fields = [
        text("target", &row.target),
        text("code", &row.code),
        text("display", &row.display),
        text("state", &row.status),
        text("validFrom", &row.valid_from),
        text("validTo", &row.valid_to),
        text("by", &row.reviewed_by),
        text("at", &row.reviewed_at),
        text("note", &row.note),
    ];
    let parts: Vec<Value> = fields.into_iter().flatten().collect();
    json!({"name": "row", "part": parts})
}
