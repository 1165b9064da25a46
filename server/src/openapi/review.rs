//! What reviewers of code maps ask for and decide; nothing of it where review is off.

use genkan_mapping::codemap::review::{Event, State};
use serde_json::{Value, json};

use super::answers::fhir;
use super::parameters::{self, Declared};
use super::{Writing, in_path, in_query, json_body, parameters_of};
use crate::error::kinds::Asked;
use crate::review::Operation;
use crate::service::Service;

impl Writing<'_> {
    pub fn review(&mut self) {
        if self.service.review.is_none() {
            return;
        }
        for operation in Operation::ALL {
            let declared = of_operation(operation, self.service);
            let path = format!("/ConceptMap/{{id}}/${}", operation.name());
            let methods = match operation {
                Operation::LocalCodes => self.asked(
                    ("localCodes", "House codes of a code map, and what to review"),
                    declared,
                ),
                Operation::Suggest => {
                    self.asked(("suggest", "Standard codes that a house code may be"), declared)
                }
                Operation::Review => self.decided(&declared),
            };
            self.paths.insert(path, methods);
        }
    }

    fn asked(&self, named: (&str, &str), declared: Vec<Declared>) -> Value {
        let all: Vec<Declared> = declared.into_iter().chain(parameters::forms()).collect();
        let own = [in_path("id")].into_iter().chain(in_query(&all)).collect();
        json!({"get": self.operation_object(Asked::Review, named, own, fhir("Parameters"))})
    }

    fn decided(&self, declared: &[Declared]) -> Value {
        let own = [in_path("id")].into_iter().chain(in_query(&parameters::forms())).collect();
        let named = ("review", "Decide of a row of a code map");
        let mut decided =
            self.operation_object(Asked::ReviewByBody, named, own, fhir("Parameters"));
        decided["requestBody"] = json_body(&parameters_of(declared));
        json!({"post": decided})
    }
}

fn of_operation(operation: Operation, service: &Service) -> Vec<Declared> {
    let codes = &service.codes;
    let text = |name: &str, told: &str| {
        Declared::once(name, json!({"type": "string", "minLength": 1}), told)
    };
    let needed = |name: &str, told: &str| Declared { required: true, ..text(name, told) };
    let number = |name: &str, most: usize, told: &str| {
        Declared::once(name, json!({"type": "integer", "minimum": 0, "maximum": most}), told)
    };
    let rows = || number("rows", codes.review_rows_max, "Rows of each rule that are read");
    match operation {
        Operation::LocalCodes => {
            let mut states: Vec<&str> = State::ALL.map(State::word).to_vec();
            states.push("none");
            let states = json!({"type": "string", "enum": states});
            vec![
                text("code", "Only this house code"),
                Declared::once(
                    "state",
                    states,
                    "Only codes with a row in this state; none: no row",
                ),
                rows(),
                number("offset", i32::MAX as usize, "Codes that are left out at the beginning"),
                number("count", codes.review_codes_max, "Codes that are shown"),
            ]
        }
        Operation::Suggest => vec![
            needed("code", "The house code"),
            text("name", "Its name; that of the code map if not given"),
            text("kana", "Its reading"),
            text("unit", "Of an item"),
            text("material", "Of an item"),
            text("method", "Of an item"),
            text("ingredient", "Of a drug"),
            text("strength", "Of a drug"),
            text("form", "Of a drug"),
            text("maker", "Of a drug"),
            Declared::once("median", json!({"type": "number"}), "Of the results of an item"),
            rows(),
            number("count", codes.suggest_codes_max, "Candidates for each target"),
        ],
        Operation::Review => {
            let events = json!({"type": "string", "enum": Event::ALL.map(Event::word)});
            vec![
                needed("code", "The house code"),
                Declared { required: true, ..Declared::once("state", events, "What it becomes") },
                needed("by", "Who decides"),
                text("target", "Of the map"),
                text("standard", "The standard code"),
                text("validFrom", "First day of the row"),
                text("name", "Of the house code, for a new row"),
                text("note", "Why"),
                text("version", "Of the code map as it was seen"),
            ]
        }
    }
}
