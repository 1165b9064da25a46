//! The OpenAPI document of the demo hospital, as a client reads and uses it.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use genkan_tests::harness::{Engine, Genkan};
use genkan_tests::hospital::serve;
use serde_json::Value;

const PATH: &str = "/fhir/openapi.json";

fn document(genkan: &Genkan) -> Result<Value> {
    let answer = genkan.get(PATH)?;
    ensure!(answer.status == 200, "{}", answer.text());
    ensure!(answer.header("content-type") == "application/json");
    answer.json()
}

fn parameters(operation: &Value) -> impl Iterator<Item = &Value> {
    let all = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().filter(|parameter| parameter["in"] == "query")
}

#[test]
fn the_document_is_json_and_nothing_else() -> Result<()> {
    let served = serve(Engine::Sqlite)?.context("SQLite is always there")?;
    let genkan = &served.genkan;
    let document = document(genkan)?;
    ensure!(document["openapi"] == "3.1.0");
    ensure!(document["servers"][0]["url"] == format!("{}/fhir", genkan.base));
    for (method, query, accept, status) in [
        ("HEAD", "", "*/*", 200),
        ("GET", "?_format=json&_pretty=true", "*/*", 200),
        ("GET", "", "text/html,application/xml;q=0.9,*/*;q=0.8", 200),
        ("GET", "?_format=xml", "*/*", 406),
        ("GET", "", "application/fhir+xml", 406),
        ("GET", "?_summary=true", "*/*", 400),
        ("POST", "", "*/*", 405),
    ] {
        let answer =
            genkan.client.send(method, &format!("{PATH}{query}"), &[("accept", accept)], None)?;
        ensure!(answer.status == status, "{method} {query} {accept}: {}", answer.status);
    }
    Ok(())
}

#[test]
fn every_search_parameter_of_metadata_is_in_the_document() -> Result<()> {
    let served = serve(Engine::Sqlite)?.context("SQLite is always there")?;
    let document = document(&served.genkan)?;
    let metadata = served.genkan.get("/fhir/metadata")?.json()?;
    let types = metadata["rest"][0]["resource"].as_array().context("resources")?;
    ensure!(types.len() > 10);
    for of in types {
        let name = of["type"].as_str().context("a type")?;
        let operation = &document["paths"][format!("/{name}")]["get"];
        let found: BTreeSet<&str> = parameters(operation)
            .filter_map(|parameter| parameter["name"].as_str())
            .filter(|name| !name.contains([':', '.']))
            .collect();
        let declared = of["searchParam"].as_array().context("parameters")?;
        let shaping = ["_count", "_elements", "_format", "_pretty", "_summary", "_total"];
        let includes = [("searchInclude", "_include"), ("searchRevInclude", "_revinclude")];
        let includes = includes.iter().filter(|(field, _)| of.get(field).is_some());
        let sorts = !of["documentation"].to_string().contains("`_sort` is not offered");
        let expected: BTreeSet<&str> = declared
            .iter()
            .filter(|parameter| !parameter["documentation"].to_string().contains("Only with "))
            .filter_map(|parameter| parameter["name"].as_str())
            .chain(shaping)
            .chain(includes.map(|(_, name)| *name))
            .chain(sorts.then_some("_sort"))
            .collect();
        ensure!(found == expected, "{name}: {found:?} are not {expected:?}");
    }
    Ok(())
}

/// Modifiers and chains too: each stands for itself, with the value that the document shows.
#[test]
fn every_parameter_of_the_document_is_answered_with_its_example() -> Result<()> {
    let served = serve(Engine::Sqlite)?.context("SQLite is always there")?;
    let document = document(&served.genkan)?;
    let mut asked = 0;
    for (path, methods) in document["paths"].as_object().context("paths")? {
        for parameter in parameters(&methods["get"]).filter(|_| !path.contains(['{', '$'])) {
            let name = parameter["name"].as_str().context("a name")?;
            // Small pages, where there are pages.
            let takes_count = parameters(&methods["get"]).any(|other| other["name"] == "_count");
            for value in examples(parameter) {
                let mut query = form_urlencoded::Serializer::new(String::new());
                query.append_pair(name, &value);
                if takes_count && name != "_count" {
                    query.append_pair("_count", "1");
                }
                let uri = format!("/fhir{path}?{}", query.finish());
                let headers = required_headers(&methods["get"]);
                let answer = served.genkan.client.send("GET", &uri, &headers, None)?;
                let status = answer.status.to_string();
                let told = answer.status < 300 && methods["get"]["responses"].get(status).is_some();
                ensure!(told, "{path}?{name}={value}: {}", answer.text());
                asked += 1;
            }
        }
    }
    ensure!(asked > 1000, "{asked}");
    Ok(())
}

/// What a request can't do without, with the value that the document has for it.
fn required_headers(operation: &Value) -> Vec<(&str, &str)> {
    let all = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    let required = all.iter().filter(|one| one["in"] == "header" && one["required"] == true);
    required
        .filter_map(|one| Some((one["name"].as_str()?, one["schema"]["enum"][0].as_str()?)))
        .collect()
}

fn examples(parameter: &Value) -> Vec<String> {
    let schema = &parameter["schema"];
    let texts = |values: &Value| -> Vec<String> {
        let values = values.as_array().map(Vec::as_slice).unwrap_or_default();
        values.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
    };
    let mut found = texts(&parameter["example"]);
    found.extend(texts(&schema["enum"]));
    found.extend(texts(&schema["items"]["enum"]));
    match schema["type"].as_str() {
        Some("boolean") => found.extend(["true", "false"].map(str::to_owned)),
        Some("integer") => found.extend(["minimum", "maximum"].map(|end| schema[end].to_string())),
        _ => {}
    }
    found
}
