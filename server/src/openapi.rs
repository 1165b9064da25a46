//! `/openapi.json`: the interface as an OpenAPI 3.1 document, made of the compiled rules like
//! `/metadata`, for tools that know HTTP and no FHIR.
//!
//! Spec: <https://spec.openapis.org/oas/v3.1.0>

mod components;
mod parameters;
mod pattern;

use genkan_mapping::program::RuleSet;
use serde_json::{Map, Value, json};

use crate::exchange::Exchange;
use crate::operations::{self, Operation};
use crate::respond::Answer;
use crate::service::Service;
use crate::stages::Stage;

use components::{answers, refused};
use parameters::Query;

/// What of a request goes wrong on any path.
const ALWAYS: [&str; 5] = ["400", "404", "406", "414", "503"];
/// What a source can bring besides.
const OF_SOURCES: [&str; 2] = ["502", "504"];

pub fn document(service: &Service, exchange: &Exchange) -> Answer {
    exchange.stages.enter(Stage::Respond);
    let mut paths = Map::new();
    for resource_type in service.rules.resource_types() {
        of_type(service, resource_type, &mut paths);
    }
    for operation in operations::offered(service) {
        paths.insert(format!("/{}", operation.path()), of_operation(&operation));
        let definition = [("OperationDefinition", "200")];
        let get = reading("definition of an operation", &parameters::of_form(), &definition);
        paths.insert(format!("/{}", operation.definition), both(&get, &operation.definition));
    }
    let statement = [("CapabilityStatement", "200")];
    let get = reading("what this server offers", &parameters::of_form(), &statement);
    paths.insert("/metadata".to_owned(), both(&get, "metadata"));
    paths.insert("/".to_owned(), json!({"post": batch(service)}));
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": format!("Genkan: {}", service.name),
            "version": env!("CARGO_PKG_VERSION"),
            "description": description(service),
        },
        "servers": [{"url": exchange.base}],
        "paths": paths,
        "components": components::all(service),
    });
    Answer::document(document.to_string().into_bytes())
}

fn description(service: &Service) -> String {
    let (page, batch) = (&service.limits, &service.batch);
    format!(
        "FHIR R4 (4.0.1), read only, straight from the tables of the hospital's own system. Unknown \
         parameters are refused. Pages follow the `next` link as it is. Limits: {} matches on a page, \
         {} included resources, {} entries and {} bytes of a batch, {} bytes of an address, {} bytes \
         of a body, {} s for an answer. Errors are OperationOutcome with a stable code (`GKN-…`).",
        page.page_size_max,
        page.include_rows_max,
        batch.entries_max,
        batch.bytes_max,
        service.uri_bytes_max,
        service.body_bytes_max,
        service.request_timeout_secs,
    )
}

fn of_type(service: &Service, resource_type: &str, paths: &mut Map<String, Value>) {
    let rules: &RuleSet = &service.rules;
    let search = parameters::of_search(rules, resource_type, service.limits.page_size_default);
    let bundle = [("Bundle", "200"), ("", "304")];
    let mut get = reading(&format!("search {resource_type}"), &search, &bundle);
    with_codes(&mut get, &OF_SOURCES);
    with_conditions(&mut get, &["If-None-Match"]);
    paths.insert(format!("/{resource_type}"), both(&get, &format!("search-{resource_type}")));
    paths.insert(
        format!("/{resource_type}/_search"),
        json!({"post": search_by_post(resource_type, &search)}),
    );
    let read = parameters::of_read(resource_type);
    let resource = [(resource_type, "200"), ("", "304"), ("OperationOutcome", "422")];
    let mut get = reading(&format!("read one {resource_type}"), &read, &resource);
    with_codes(&mut get, &OF_SOURCES);
    with_conditions(&mut get, &["If-None-Match", "If-Modified-Since"]);
    with_path(&mut get, &["id"]);
    paths.insert(format!("/{resource_type}/{{id}}"), both(&get, &format!("read-{resource_type}")));
    with_path(&mut get, &["id", "vid"]);
    get["summary"] = format!("read one {resource_type} in its current version").into();
    let path = format!("/{resource_type}/{{id}}/_history/{{vid}}");
    paths.insert(path, both(&get, &format!("vread-{resource_type}")));
}

/// A GET; `answers`: the schema of each status.
fn reading(summary: &str, queries: &[Query], answered: &[(&str, &str)]) -> Value {
    let parameters: Vec<Value> = queries.iter().map(Query::reference).collect();
    let mut responses = Map::new();
    for (schema, status) in answered {
        responses.insert((*status).to_owned(), answers(schema, status));
    }
    let mut get = json!({"summary": summary, "parameters": parameters, "responses": responses});
    with_codes(&mut get, &ALWAYS);
    get
}

fn with_codes(operation: &mut Value, codes: &[&str]) {
    for code in codes {
        operation["responses"][*code] = refused();
    }
}

fn with_conditions(operation: &mut Value, names: &[&str]) {
    let conditions: Vec<Value> = names
        .iter()
        .map(|name| json!({"name": name, "in": "header", "schema": {"type": "string"}}))
        .collect();
    push(operation, conditions);
    with_codes(operation, &["412"]);
}

fn with_path(operation: &mut Value, names: &[&str]) {
    let pattern = format!("^{}$", pattern::ID);
    let missing: Vec<Value> = names
        .iter()
        .filter(|name| {
            let known = operation["parameters"].as_array().into_iter().flatten();
            !known.into_iter().any(|one| one["name"] == **name && one["in"] == "path")
        })
        .map(|name| {
            let schema = json!({"type": "string", "pattern": pattern});
            json!({"name": name, "in": "path", "required": true, "schema": schema})
        })
        .collect();
    push(operation, missing);
}

fn push(operation: &mut Value, more: Vec<Value>) {
    if let Some(parameters) = operation["parameters"].as_array_mut() {
        parameters.extend(more);
    }
}

/// GET and HEAD of one path; a HEAD has the same headers and no content.
fn both(get: &Value, id: &str) -> Value {
    let id: String = id.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let (mut get, mut head) = (get.clone(), get.clone());
    get["operationId"] = id.clone().into();
    head["operationId"] = format!("{id}-head").into();
    if let Some(responses) = head["responses"].as_object_mut() {
        for (status, response) in responses.iter_mut() {
            *response = json!({"description": components::word(status)});
        }
    }
    json!({"get": get, "head": head})
}

fn search_by_post(resource_type: &str, queries: &[Query]) -> Value {
    let form = "application/x-www-form-urlencoded";
    let mut post = reading(
        &format!("search {resource_type} without parameters in the address"),
        &[],
        &[("Bundle", "200")],
    );
    with_codes(&mut post, &OF_SOURCES);
    with_codes(&mut post, &["408", "413", "415"]);
    post["operationId"] = format!("search-{resource_type}-by-post").into();
    let schema = parameters::form(queries);
    post["requestBody"] = json!({"required": true, "content": {form: {"schema": schema}}});
    post
}

fn batch(service: &Service) -> Value {
    let mut post = reading("several reads at once", &parameters::of_form(), &[("Bundle", "200")]);
    with_codes(&mut post, &["408", "413", "415"]);
    post["operationId"] = "batch".into();
    let schema = components::batch(service.batch.entries_max);
    let json_form = json!({"schema": schema});
    post["requestBody"] = json!({
        "required": true,
        "content": {"application/fhir+json": json_form, "application/json": json_form},
    });
    post
}

fn of_operation(operation: &Operation) -> Value {
    let queries: Vec<Query> = operation
        .parameters
        .iter()
        .map(|parameter| Query {
            of: String::new(),
            name: parameter.name.to_owned(),
            schema: components::of_type(parameter.kind, &parameter.values),
            description: parameter.documentation.to_owned(),
            example: None,
        })
        .collect();
    let mut get = reading(&operation.documentation, &parameters::of_form(), &[]);
    // Its own parameters are nobody else's.
    push(&mut get, queries.iter().map(Query::parameter).collect());
    with_codes(&mut get, &OF_SOURCES);
    get["responses"]["200"] = components::one_of(operation.returns);
    get["responses"]["422"] = refused();
    with_path(&mut get, &["id"]);
    for parameter in operation.parameters.iter().filter(|parameter| parameter.required) {
        let known = get["parameters"].as_array_mut().into_iter().flatten();
        known.filter(|one| one["name"] == parameter.name).for_each(|one| {
            one["required"] = true.into();
        });
    }
    let id = format!("{}-{}", operation.resource_type, operation.name);
    let mut path = both(&get, &id);
    let mut post = get;
    post["operationId"] = format!("{id}-by-post").into();
    with_codes(&mut post, &["408", "413", "415"]);
    let in_address = post["parameters"].as_array_mut();
    in_address.into_iter().for_each(|all| all.retain(|one| one["in"] == "path"));
    let body = json!({"schema": {"$ref": "#/components/schemas/Parameters"}});
    post["requestBody"] = json!({
        "required": true,
        "content": {"application/fhir+json": body, "application/json": body},
    });
    path["post"] = post;
    path
}
