//! What answers look like: enough for a client that knows no FHIR to find its way; what each element
//! means, the profiles say.

use genkan_mapping::program::RuleSet;
use serde_json::{Map, Value, json};

use super::{parameters, pattern};
use crate::service::Service;

const JSON: &str = "application/fhir+json";
const XML: &str = "application/fhir+xml";

/// All schemas and responses that paths refer to.
pub fn all(service: &Service) -> Value {
    let rules: &RuleSet = &service.rules;
    let (mut schemas, mut known) = (Map::new(), Map::new());
    for resource_type in rules.resource_types() {
        schemas.insert(resource_type.to_owned(), resource(resource_type));
        let search = parameters::of_search(rules, resource_type, service.limits.page_size_default);
        for query in search.into_iter().chain(parameters::of_read(resource_type)) {
            known.insert(query.component(), query.parameter());
        }
    }
    for named in ["CapabilityStatement", "OperationDefinition", "Parameters"] {
        schemas.insert(
            named.to_owned(),
            json!({
                "type": "object",
                "required": ["resourceType"],
                "properties": {"resourceType": {"const": named}},
            }),
        );
    }
    schemas.insert("OperationOutcome".to_owned(), outcome());
    schemas.insert("Bundle".to_owned(), bundle());
    json!({
        "schemas": schemas,
        "parameters": known,
        "responses": {
            "Refused": {
                "description": "why there is no other answer",
                "content": content(&json!({"$ref": "#/components/schemas/OperationOutcome"})),
            },
        },
    })
}

fn resource(resource_type: &str) -> Value {
    json!({
        "type": "object",
        "required": ["resourceType", "id"],
        "properties": {
            "resourceType": {"const": resource_type},
            "id": {"type": "string", "pattern": format!("^{}$", pattern::ID)},
            "meta": {
                "type": "object",
                "properties": {
                    "versionId": {"type": "string"},
                    "lastUpdated": {"type": "string", "format": "date-time"},
                },
            },
        },
    })
}

fn outcome() -> Value {
    json!({
        "type": "object",
        "required": ["resourceType", "issue"],
        "properties": {
            "resourceType": {"const": "OperationOutcome"},
            "issue": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["severity", "code"],
                    "properties": {
                        "severity": {"enum": ["fatal", "error", "warning", "information"]},
                        "code": {"type": "string"},
                        "diagnostics": {"type": "string"},
                        "details": {"type": "object"},
                        "expression": {"type": "array", "items": {"type": "string"}},
                    },
                },
            },
        },
    })
}

fn bundle() -> Value {
    json!({
        "type": "object",
        "required": ["resourceType", "type"],
        "properties": {
            "resourceType": {"const": "Bundle"},
            "type": {"enum": ["searchset", "batch-response", "collection"]},
            "total": {"type": "integer", "minimum": 0},
            "link": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["relation", "url"],
                    "properties": {
                        "relation": {"enum": ["self", "next"]},
                        "url": {"type": "string", "format": "uri"},
                    },
                },
            },
            "entry": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "properties": {
                        "fullUrl": {"type": "string"},
                        "resource": {"type": "object", "required": ["resourceType"]},
                        "search": {
                            "type": "object",
                            "properties": {"mode": {"enum": ["match", "include", "outcome"]}},
                        },
                        "response": {"type": "object", "required": ["status"]},
                    },
                },
            },
        },
    })
}

/// The body of a batch. An entry that is no read is answered as well, with its own status.
pub fn batch(entries_max: usize) -> Value {
    json!({
        "type": "object",
        "required": ["resourceType", "type"],
        "properties": {
            "resourceType": {"const": "Bundle"},
            "type": {"const": "batch"},
            "entry": {
                "type": "array",
                "description": format!(
                    "At most {entries_max}. `request.method` is GET or HEAD, `request.url` is \
                     relative to the base; `request.ifNoneMatch` and `request.ifModifiedSince` are \
                     conditions of the entry."
                ),
            },
        },
        "examples": [{
            "resourceType": "Bundle",
            "type": "batch",
            "entry": [{"request": {"method": "GET", "url": "metadata"}}],
        }],
    })
}

/// The answer of one status; without a schema it has no content.
pub fn answers(schema: &str, status: &str) -> Value {
    if schema.is_empty() {
        return json!({"description": word(status)});
    }
    let schema = json!({"$ref": format!("#/components/schemas/{schema}")});
    let mut answer = json!({"description": word(status), "content": content(&schema)});
    if status == "200" {
        let text = json!({"schema": {"type": "string"}});
        answer["headers"] = json!({"ETag": text, "Last-Modified": text, "Server-Timing": text});
    }
    answer
}

pub fn refused() -> Value {
    json!({"$ref": "#/components/responses/Refused"})
}

pub fn one_of(names: &[&str]) -> Value {
    let schemas: Vec<Value> =
        names.iter().map(|name| json!({"$ref": format!("#/components/schemas/{name}")})).collect();
    json!({"description": word("200"), "content": content(&json!({"oneOf": schemas}))})
}

/// A value of a FHIR type in a query.
pub fn of_type(kind: &str, values: &[&str]) -> Value {
    if !values.is_empty() {
        return json!({"type": "string", "enum": values});
    }
    match kind {
        "boolean" => json!({"type": "boolean"}),
        "date" => json!({"type": "string", "format": "date"}),
        "positiveInt" => json!({"type": "integer", "minimum": 1}),
        _ => json!({"type": "string", "minLength": 1}),
    }
}

fn content(schema: &Value) -> Value {
    // What XML looks like, JSON Schema can't say.
    json!({JSON: {"schema": schema}, XML: {"schema": {"type": "string"}}})
}

/// What a status means.
pub fn word(status: &str) -> &'static str {
    match status {
        "200" => "the answer",
        "304" => "the client has it already",
        "400" => "what was asked can't be read or is not offered",
        "404" => "there is no such thing here",
        "406" => "not in that form",
        "408" => "the request came too slowly",
        "412" => "`If-Match` names another version",
        "413" => "the body is too large",
        "414" => "the address is too long",
        "415" => "the body is of another type",
        "422" => "the row is there, but it is no resource",
        "502" | "503" | "504" => "the hospital's system does not answer",
        _ => "refused",
    }
}
