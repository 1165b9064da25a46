//! What `/metadata` says of all this.
//!
//! Spec: <https://hl7.org/fhir/R4/terminologycapabilities.html>

use chrono::{NaiveDate, SecondsFormat};
use genkan_fhir::definitions::Definitions;
use genkan_mapping::terminology::{CodeSystem, Holding};
use serde_json::{Value, json};

use super::operations::Operation;
use super::{PARAMETERS, types};
use crate::documents::Document;
use crate::exchange::Exchange;
use crate::respond::Answer;
use crate::review;
use crate::service::Service;
use crate::stages::Stage;

/// The `rest.resource` entries.
pub fn declared(service: &Service) -> Vec<Value> {
    types(service).map(|resource_type| resource(service, resource_type)).collect()
}

fn resource(service: &Service, resource_type: &str) -> Value {
    let parameters = PARAMETERS.map(|code| {
        let known = Definitions::r4().search_parameter(resource_type, code);
        known.map(
            |known| json!({"name": code, "definition": known.url(), "type": known.kind.code()}),
        )
    });
    let parameters: Vec<Value> = parameters.into_iter().flatten().collect();
    let max = service.codes.read_codes_max;
    let documentation = format!(
        "`_sort` is not offered. Of the site's masters and code maps, not of a table. Up to {max} codes \
         are spelled out; what has more says so in `description`."
    );
    let operations: Vec<Value> = Operation::ALL
        .into_iter()
        .filter(|one| one.resource_type() == resource_type)
        .map(|one| {
            json!({
                "name": one.name(),
                "definition": format!(
                    "http://hl7.org/fhir/OperationDefinition/{resource_type}-{}", one.name()
                ),
                "documentation": told_of(one, service),
            })
        })
        .chain(if resource_type == "ConceptMap" { review::declared(service) } else { Vec::new() })
        .collect();
    json!({
        "type": resource_type,
        "documentation": documentation,
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "versioning": "no-version",
        "readHistory": false,
        "updateCreate": false,
        "conditionalRead": "not-match",
        "searchParam": parameters,
        "operation": operations,
    })
}

/// The parameters that are answered, in prose: R4's definitions have more.
fn told_of(operation: Operation, service: &Service) -> String {
    let text = match operation {
        Operation::Lookup => "`code` and `system` or `coding`, `version`, `date`, `property`.",
        Operation::ValidateCode => {
            "`url`, `code` with `display`, `coding` or `codeableConcept`, `version`, `date`. A code that \
             is not in use is one, with `inactive`."
        }
        Operation::Subsumes => {
            "`codeA`, `codeB` and `system`, or `codingA`, `codingB`; where the masters say a hierarchy."
        }
        Operation::Expand => {
            "`url`, `filter` (words of code, names and reading), `offset`, `count`, `date`, `activeOnly`, \
             `includeDesignations`."
        }
        Operation::ValidateIn => {
            "`url`, `code` with `system` and `display`, `coding` or `codeableConcept`, `systemVersion`, \
             `date`."
        }
        Operation::Translate => {
            "`code` and `system`, `coding` or `codeableConcept`; `url`, `source`, `target`, \
             `targetsystem`, `reverse`. `date`, which R4 does not have here, is the clinical day that \
             chooses among dated rows."
        }
    };
    let instance =
        if operation.on_instance() { " Of the type or of one resource" } else { " Of the type" };
    let limit = match operation {
        Operation::Expand => {
            format!(" At most {} codes in one answer.", service.codes.expand_codes_max)
        }
        _ => String::new(),
    };
    format!("{text}{instance}, by GET or POST. `displayLanguage` is ja.{limit}")
}

/// `/metadata?mode=terminology`
pub fn capabilities(service: &Service, exchange: &Exchange) -> Answer {
    exchange.stages.enter(Stage::Respond);
    let make = || statement(service, &exchange.base);
    let made = service.documents.of(Document::Terminology, &exchange.base, make);
    Answer::of(made.json).tagged(made.tag)
}

fn statement(service: &Service, base: &str) -> Value {
    let systems: Vec<Value> = service
        .terminology
        .systems()
        .iter()
        .map(|system| code_system(system, &service.terminology.earlier(system)))
        .collect();
    let parameters = ["activeOnly", "count", "date", "filter", "includeDesignations", "offset"];
    let parameters = parameters.map(|name| json!({"name": name}));
    let mut statement = json!({
        "resourceType": "TerminologyCapabilities",
        "url": format!("{base}/metadata?mode=terminology"),
        "status": "active",
        "date": service.rules_since.to_rfc3339_opts(SecondsFormat::Secs, true),
        "kind": "instance",
        "software": {"name": "Genkan", "version": crate::VERSION},
        "implementation": {"description": service.name, "url": base},
        "lockedDate": false,
        "expansion": {
            "hierarchical": false, "paging": true, "incomplete": false, "parameter": parameters,
            "textFilter": "words of code, names and reading; widths, sizes and kana are alike",
        },
        "codeSearch": "all",
        "validateCode": {"translations": false},
        "translation": {"needsMap": false},
        "closure": {"translation": false},
    });
    if !systems.is_empty() {
        statement["codeSystem"] = systems.into();
    }
    statement
}

/// A system that is not loaded is not promised.
fn code_system(system: &CodeSystem, earlier: &[NaiveDate]) -> Value {
    let mut declared = json!({"uri": system.url, "subsumption": system.hierarchy});
    if let Some(newest) = system.version.as_deref().filter(|_| system.holding != Holding::Nothing) {
        let version = |code: &str, is_default| json!({"code": code, "isDefault": is_default, "compositional": false});
        let before = earlier.iter().map(|day| version(&day.to_string(), false));
        let all: Vec<Value> = std::iter::once(version(newest, true)).chain(before).collect();
        declared["version"] = all.into();
    }
    declared
}
