//! `/fhir/openapi.json`: the same as `/metadata`, for tools that know no FHIR. Derived from the
//! compiled rules by the same functions, so that it can't say more either.
//!
//! Spec: <https://spec.openapis.org/oas/v3.1.1.html>. Not here, because a list of parameters can't say
//! it: chains of more than one step, modifiers behind a chain, what contradicts what, and `_page`,
//! which only links have.

mod answers;
mod bulk;
mod parameters;
mod review;
mod terminology;
mod validate;
mod values;

use genkan_fhir::search::MAX_PARAMETERS;
use serde_json::{Map, Value, json};

use crate::bundle::operation;
use crate::capability;
use crate::documents::Document;
use crate::error::kinds::{Asked, Limits};
use crate::exchange::Exchange;
use crate::respond::{Answer, Body};
use crate::service::Service;
use crate::stages::Stage;
use answers::fhir;
use parameters::{Declared, Schemas};

pub fn document(service: &Service, exchange: &Exchange) -> Answer {
    exchange.stages.enter(Stage::Respond);
    let make = || described(service, &exchange.base);
    let made = service.documents.of(Document::OpenApi, &exchange.base, make);
    Answer::with(Body::Manifest(made.json)).tagged(made.tag)
}

fn described(service: &Service, base: &str) -> Value {
    let mut writing = Writing {
        service,
        limits: Limits::of(service),
        schemas: Schemas::default(),
        paths: Map::new(),
    };
    writing.fixed();
    for resource_type in service.rules.resource_types() {
        writing.reads(resource_type, &READS);
        let declared = parameters::of_search(service, resource_type, &mut writing.schemas);
        writing.searches(resource_type, &declared);
    }
    // They have no versions.
    writing.reads(capability::TYPE, &READS[..1]);
    let declared = parameters::of_own_search(service, &mut writing.schemas);
    writing.searches(capability::TYPE, &declared);
    writing.operation();
    writing.everything();
    writing.export();
    writing.terminology();
    writing.review();
    writing.validate();
    let is_offered = |asked: &Asked| match asked {
        asked if asked.is_of_codes() => terminology::is_offered(service),
        asked => service.review.is_some() || !asked.is_of_review(),
    };
    let mut schemas = answers::schemas();
    schemas.extend(writing.schemas.named);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": service.name,
            "summary": "HL7 FHIR R4 (4.0.1), by Genkan",
            "description": capability::terms(service),
            "version": crate::VERSION,
        },
        "servers": [{"url": base}],
        "paths": writing.paths,
        "components": {"schemas": schemas, "responses": answers::shared(writing.limits, is_offered)},
    })
}

const READS: [(Asked, &str, &[&str]); 2] =
    [(Asked::Read, "/{id}", &["id"]), (Asked::Vread, "/{id}/_history/{vid}", &["id", "vid"])];

/// The paths, and the schemas that they refer to, as they come.
struct Writing<'s> {
    service: &'s Service,
    limits: Limits,
    schemas: Schemas,
    paths: Map<String, Value>,
}

impl Writing<'_> {
    /// What is there whatever the rules are.
    fn fixed(&mut self) {
        let metadata = self.operation_object(
            Asked::Fixed,
            ("capabilities", "What this server can do, in FHIR's words"),
            in_query(&parameters::of_metadata()),
            answers::capabilities(),
        );
        self.paths.insert("/metadata".to_owned(), json!({"get": metadata}));
        let own = self.operation_object(
            Asked::Fixed,
            ("openapi", "This document"),
            in_query(&parameters::json_forms()),
            json!({"application/json": {"schema": {"type": "object", "required": ["openapi"]}}}),
        );
        self.paths.insert("/openapi.json".to_owned(), json!({"get": own}));
        let mut batch = self.operation_object(
            Asked::Batch,
            ("batch", "Several reads and searches in one request"),
            in_query(&parameters::forms()),
            fhir("BatchResponse"),
        );
        batch["requestBody"] = json_body(&batch_of(self.limits.batch.entries_max));
        self.paths.insert("/".to_owned(), json!({"post": batch}));
    }

    fn reads(&mut self, resource_type: &str, reads: &[(Asked, &str, &[&str])]) {
        self.schemas.named.insert(resource_type.to_owned(), answers::resource(resource_type));
        for (asked, end, segments) in reads {
            let (asked, path) = (*asked, format!("/{resource_type}{end}"));
            let declared = segments
                .iter()
                .map(|name| in_path(name))
                .chain(in_query(&parameters::of_read(resource_type)));
            let (name, text) = match asked {
                Asked::Read => ("read", format!("One {resource_type}")),
                _ => ("vread", format!("One {resource_type}, if this is its current version")),
            };
            let named = (format!("{name}{resource_type}"), text);
            let named = (named.0.as_str(), named.1.as_str());
            let read = self.operation_object(asked, named, declared.collect(), fhir(resource_type));
            self.paths.insert(path, json!({"get": read}));
        }
    }

    /// By GET, and by POST, which keeps values out of addresses.
    fn searches(&mut self, resource_type: &str, declared: &[Declared]) {
        let name = format!("search{resource_type}");
        let text = format!("Resources of type {resource_type}");
        let searchset = || fhir("Searchset");
        let named = (name.as_str(), text.as_str());
        let by_get = self.operation_object(Asked::Search, named, in_query(declared), searchset());
        let name = format!("search{resource_type}ByForm");
        let named = (name.as_str(), text.as_str());
        let mut by_form =
            self.operation_object(Asked::SearchByForm, named, Vec::new(), searchset());
        by_form["requestBody"] = json!({
            "required": true,
            "content": {"application/x-www-form-urlencoded": {"schema": form(declared)}},
        });
        self.paths.insert(format!("/{resource_type}"), json!({"get": by_get}));
        self.paths.insert(format!("/{resource_type}/_search"), json!({"post": by_form}));
    }

    /// `$jp-clins-bundle`, where the rules make what it is made of.
    fn operation(&mut self) {
        if operation::kinds(self.service).is_empty() {
            return;
        }
        let unit = || fhir("Unit");
        let text = "The Bundle of one registration unit (登録単位)";
        let declared = parameters::of_operation(self.service);
        let own = [in_path("id")].into_iter().chain(in_query(&declared)).collect();
        let by_get = self.operation_object(Asked::Operation, ("jpClinsBundle", text), own, unit());
        let own = [in_path("id")].into_iter().chain(in_query(&parameters::forms())).collect();
        let named = ("jpClinsBundleByBody", text);
        let mut by_body = self.operation_object(Asked::OperationByBody, named, own, unit());
        by_body["requestBody"] = json_body(&parameters_of(&declared));
        let path = format!("/Patient/{{id}}/${}", operation::NAME);
        self.paths.insert(path, json!({"get": by_get, "post": by_body}));
        let definition = self.operation_object(
            Asked::Fixed,
            ("jpClinsBundleDefinition", "The operation in FHIR's words"),
            in_query(&parameters::forms()),
            fhir("OperationDefinition"),
        );
        let path = format!("/OperationDefinition/Patient-{}", operation::NAME);
        self.paths.insert(path, json!({"get": definition}));
    }

    fn operation_object(
        &self,
        asked: Asked,
        (id, text): (&str, &str),
        mut declared: Vec<Value>,
        content: Value,
    ) -> Value {
        if asked.has_conditions() {
            declared.extend(conditions(asked));
        }
        json!({
            "operationId": id,
            "summary": text,
            "parameters": declared,
            "responses": answers::of(asked, self.limits, text, content),
        })
    }
}

fn in_query(declared: &[Declared]) -> Vec<Value> {
    declared.iter().map(Declared::in_query).collect()
}

fn in_path(name: &str) -> Value {
    let schema = json!({"type": "string", "pattern": "^[A-Za-z0-9.\\-]{1,64}$"});
    json!({"name": name, "in": "path", "required": true, "schema": schema})
}

/// What the client has already.
fn conditions(asked: Asked) -> Vec<Value> {
    let of_one = matches!(asked, Asked::Read | Asked::Vread);
    let names = ["If-None-Match", "If-Match", "If-Modified-Since"];
    let names = if of_one { &names[..] } else { &names[..2] };
    let header = |name: &&str| json!({"name": name, "in": "header", "schema": {"type": "string"}});
    names.iter().map(header).collect()
}

/// The same parameters in a body.
fn form(declared: &[Declared]) -> Value {
    let properties: Map<String, Value> =
        declared.iter().map(|one| (one.name.clone(), one.whole_schema())).collect();
    json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "maxProperties": MAX_PARAMETERS,
    })
}

fn json_body(schema: &Value) -> Value {
    json!({
        "required": true,
        "content": {
            "application/fhir+json": {"schema": schema},
            "application/json": {"schema": schema},
        },
    })
}

fn batch_of(entries_max: usize) -> Value {
    json!({
        "type": "object",
        "properties": {
            "resourceType": {"const": "Bundle"},
            "type": {"const": "batch"},
            "entry": {
                "type": "array",
                "maxItems": entries_max,
                "items": {
                    "type": "object",
                    "properties": {"request": {
                        "type": "object",
                        "properties": {
                            "method": {"const": "GET"},
                            "url": {"type": "string"},
                            "ifNoneMatch": {"type": "string"},
                            "ifMatch": {"type": "string"},
                            "ifModifiedSince": {"type": "string"},
                        },
                        "required": ["method", "url"],
                    }},
                    "required": ["request"],
                },
            },
        },
        "required": ["resourceType", "type"],
    })
}

/// A Parameters resource that holds these.
fn parameters_of(declared: &[Declared]) -> Value {
    let names: Vec<&str> = declared.iter().map(|one| one.name.as_str()).collect();
    json!({
        "type": "object",
        "properties": {
            "resourceType": {"const": "Parameters"},
            "parameter": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "name": {"enum": names},
                        "valueCode": {"type": "string"},
                        "valueDate": {"type": "string"},
                        "valueInstant": {"type": "string"},
                        "valueInteger": {"type": "integer"},
                        "valueString": {"type": "string"},
                        "valueBoolean": {"type": "boolean"},
                    },
                    "required": ["name"],
                },
            },
        },
        "required": ["resourceType", "parameter"],
    })
}

#[cfg(test)]
mod tests;
