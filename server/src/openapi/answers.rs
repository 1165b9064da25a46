//! What may be answered: schemas of the few resources that every FHIR server has, and the responses
//! of each kind of request, by the one table of errors.

use serde_json::{Map, Value, json};

use crate::error::kinds::{Asked, Limits, refusals};
use crate::respond::{ACCEPTED, ANSWERED, UNCHANGED};

const OUTCOME: &str = "OperationOutcome";

/// `components.responses`: the refusals of each kind of request, and of all of them 304.
pub fn shared(limits: Limits, is_offered: impl Fn(&Asked) -> bool) -> Map<String, Value> {
    let mut found = Map::new();
    let unchanged =
        json!({"description": "The client has it: `If-None-Match`, `If-Modified-Since`"});
    found.insert("unchanged".to_owned(), unchanged);
    for asked in Asked::ALL.into_iter().filter(is_offered) {
        for (status, errors) in refusals(asked, limits) {
            let texts: Vec<String> = errors
                .iter()
                .map(|error| format!("{}: {}", error.code(), error.said_of_all()))
                .collect();
            let mut response = json!({"description": texts.join("\n\n"), "content": fhir(OUTCOME)});
            if errors.iter().any(|error| error.retry_after().is_some()) {
                response["headers"] = json!({"Retry-After": retry_after()});
            }
            found.insert(name(asked, status), response);
        }
    }
    found
}

/// The responses of one operation; `schema` is that of what was asked for.
pub fn of(asked: Asked, limits: Limits, description: &str, content: Value) -> Value {
    let mut found = Map::new();
    let mut answered = json!({"description": description, "content": content});
    if asked.kicks_off() {
        answered["headers"] = json!({"Content-Location": {
            "description": "Address of the status", "schema": {"type": "string"},
        }});
    }
    let accepted = asked.kicks_off() || asked == Asked::ExportEnd;
    let status = if accepted { ACCEPTED } else { ANSWERED };
    found.insert(status.as_str().to_owned(), answered);
    if asked == Asked::ExportStatus {
        found.insert(ACCEPTED.as_str().to_owned(), waiting());
    }
    let to = |name: &str| json!({"$ref": format!("#/components/responses/{name}")});
    if asked.has_conditions() {
        found.insert(UNCHANGED.as_str().to_owned(), to("unchanged"));
    }
    for status in refusals(asked, limits).into_keys() {
        found.insert(status.to_string(), to(&name(asked, status)));
    }
    found.into()
}

/// An export outside of the hours for bulk work.
fn waiting() -> Value {
    json!({
        "description": "It waits for the hours in which bulk work is allowed",
        "content": fhir(OUTCOME),
        "headers": {"Retry-After": retry_after(), "X-Progress": {"schema": {"type": "string"}}},
    })
}

fn retry_after() -> Value {
    json!({"description": "seconds", "schema": {"type": "integer"}})
}

fn name(asked: Asked, status: u16) -> String {
    format!("{}-{status}", asked.name())
}

/// A resource in both of FHIR's forms; what its XML looks like is not said here.
pub fn fhir(schema: &str) -> Value {
    json!({
        "application/fhir+json": {"schema": reference(schema)},
        "application/fhir+xml": {},
    })
}

/// What `/metadata` tells of, by its `mode`.
pub fn capabilities() -> Value {
    let of = ["CapabilityStatement", "TerminologyCapabilities"].map(reference);
    json!({"application/fhir+json": {"schema": {"oneOf": of}}, "application/fhir+xml": {}})
}

pub fn reference(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

/// A resource of a type, as far as all of them are alike.
pub fn resource(resource_type: &str) -> Value {
    json!({
        "type": "object",
        "properties": {
            "resourceType": {"const": resource_type},
            "id": {"type": "string", "pattern": "^[A-Za-z0-9.\\-]{1,64}$"},
            "meta": {"type": "object"},
        },
        "required": ["resourceType"],
    })
}

/// The resources that are answered whatever the rules are.
pub fn schemas() -> Map<String, Value> {
    let fixed = [
        ("Resource", any_resource()),
        ("CapabilityStatement", resource("CapabilityStatement")),
        ("TerminologyCapabilities", resource("TerminologyCapabilities")),
        ("OperationDefinition", resource("OperationDefinition")),
        (OUTCOME, outcome()),
        ("Searchset", bundle("searchset", "search")),
        ("BatchResponse", bundle("batch-response", "response")),
        ("Unit", unit()),
        ("Manifest", manifest()),
    ];
    fixed.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

fn any_resource() -> Value {
    json!({
        "type": "object",
        "properties": {"resourceType": {"type": "string"}},
        "required": ["resourceType"],
    })
}

fn outcome() -> Value {
    let mut schema = resource(OUTCOME);
    schema["properties"]["issue"] = json!({
        "type": "array",
        "minItems": 1,
        "items": {
            "type": "object",
            "properties": {
                "severity": {"enum": ["fatal", "error", "warning", "information"]},
                "code": {"type": "string"},
                "details": {"type": "object"},
                "diagnostics": {"type": "string"},
                "expression": {"type": "array", "items": {"type": "string"}},
            },
            "required": ["severity", "code"],
        },
    });
    schema["required"] = json!(["resourceType", "issue"]);
    schema
}

/// `beside`: what an entry has beside its resource.
fn bundle(kind: &str, beside: &str) -> Value {
    let mut schema = resource("Bundle");
    let properties = &mut schema["properties"];
    properties["type"] = json!({"const": kind});
    properties["total"] = json!({"type": "integer", "minimum": 0});
    properties["link"] = json!({
        "type": "array",
        "items": {
            "type": "object",
            "properties": {"relation": {"type": "string"}, "url": {"type": "string"}},
            "required": ["relation", "url"],
        },
    });
    properties["entry"] = json!({
        "type": "array",
        "minItems": 1,
        "items": {
            "type": "object",
            "properties": {"resource": reference("Resource"), beside: {"type": "object"}},
            "required": [beside],
        },
    });
    schema["required"] = json!(["resourceType", "type"]);
    schema
}

/// A registration unit, or Parameters with it and what is to be said of it.
fn unit() -> Value {
    let mut schema = any_resource();
    schema["properties"]["resourceType"] = json!({"enum": ["Bundle", "Parameters"]});
    schema
}

/// Of the files of an export.
fn manifest() -> Value {
    let files = json!({
        "type": "array",
        "items": {
            "type": "object",
            "properties": {"type": {"type": "string"}, "url": {"type": "string"}},
            "required": ["type", "url"],
        },
    });
    json!({
        "type": "object",
        "properties": {
            "transactionTime": {"type": "string"},
            "request": {"type": "string"},
            "requiresAccessToken": {"type": "boolean"},
            "output": files,
            "error": files,
        },
        "required": ["transactionTime", "request", "requiresAccessToken", "output", "error"],
    })
}
