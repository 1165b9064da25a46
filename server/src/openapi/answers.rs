//! What may be answered: schemas of the few resources that every FHIR server has, and the responses
//! of each kind of request, by the one table of errors.

use serde_json::{Map, Value, json};

use crate::error::kinds::{Asked, Limits, refusals};
use crate::respond::{ANSWERED, UNCHANGED};

/// Every kind of request that the document has.
const KINDS: [Asked; 8] = [
    Asked::Fixed,
    Asked::Read,
    Asked::Vread,
    Asked::Search,
    Asked::SearchByForm,
    Asked::Operation,
    Asked::OperationByBody,
    Asked::Batch,
];

const OUTCOME: &str = "OperationOutcome";

/// `components.responses`: the refusals of each kind of request, and of all of them 304.
pub fn shared(limits: Limits) -> Map<String, Value> {
    let mut found = Map::new();
    let unchanged =
        json!({"description": "The client has it: `If-None-Match`, `If-Modified-Since`"});
    found.insert("unchanged".to_owned(), unchanged);
    for asked in KINDS {
        for (status, errors) in refusals(asked, limits) {
            let texts: Vec<String> = errors
                .iter()
                .map(|error| format!("{}: {}", error.code(), error.said_of_all()))
                .collect();
            let mut response = json!({"description": texts.join("\n\n"), "content": fhir(OUTCOME)});
            if errors.iter().any(|error| error.retry_after().is_some()) {
                response["headers"] = json!({"Retry-After": {
                    "description": "seconds", "schema": {"type": "integer"},
                }});
            }
            found.insert(name(asked, status), response);
        }
    }
    found
}

/// The responses of one operation; `schema` is that of what was asked for.
pub fn of(asked: Asked, limits: Limits, description: &str, content: Value) -> Value {
    let mut found = Map::new();
    let answered = json!({"description": description, "content": content});
    found.insert(ANSWERED.as_str().to_owned(), answered);
    let to = |name: &str| json!({"$ref": format!("#/components/responses/{name}")});
    if !asked.has_body() {
        found.insert(UNCHANGED.as_str().to_owned(), to("unchanged"));
    }
    for status in refusals(asked, limits).into_keys() {
        found.insert(status.to_string(), to(&name(asked, status)));
    }
    found.into()
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
        ("OperationDefinition", resource("OperationDefinition")),
        (OUTCOME, outcome()),
        ("Searchset", bundle("searchset", "search")),
        ("BatchResponse", bundle("batch-response", "response")),
        ("Unit", unit()),
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
