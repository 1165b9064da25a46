//! Schemathesis of PyPI against the running binary: requests that it makes up from the OpenAPI
//! document, right and wrong ones. `tests/run` installs it and says where; without it, this test says
//! that it skips.

use std::collections::HashSet;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use genkan_tests::harness::{Engine, Genkan};
use genkan_tests::hospital;
use serde_json::Value;
use tempfile::TempDir;

/// The interpreter of a virtual environment with `requirements.txt`.
const PYTHON: &str = "GENKAN_TEST_PYTHON";

/// Paths that are searches. They have many parameters, and making up cases for them is slow.
const SEARCHES: &str = "^/[A-Za-z]+(/_search)?$";

#[test]
fn everything_else_answers_as_the_document_says() -> Result<()> {
    run(&["--exclude-path-regex", SEARCHES, "--phases", "coverage,fuzzing"])
}

#[test]
fn searches_answer_as_the_document_says() -> Result<()> {
    run(&["--include-path-regex", SEARCHES, "--phases", "fuzzing"])
}

/// What reviewers ask for and write, into rules of the test's own.
#[test]
fn reviews_answer_as_the_document_says() -> Result<()> {
    let Some(python) = python() else { return Ok(()) };
    let database = hospital::fill_database(Engine::Sqlite, 1)?.context("SQLite is always there")?;
    let folder = TempDir::new()?;
    let config = hospital::configuration(&database, folder.path())?;
    hospital::own_rules(&config, &folder.path().join("rules"))?;
    let text = fs::read_to_string(&config)?;
    fs::write(&config, text + "[codes]\nreview = true\n")?;
    let genkan = Genkan::serve_file(&config)?;
    let only = r"^/ConceptMap/\{id\}/\$(local-codes|suggest|review)$";
    examine(
        &genkan,
        (&python, folder.path()),
        &["--include-path-regex", only, "--phases", "coverage,fuzzing"],
    )
}

fn run(selection: &[&str]) -> Result<()> {
    let Some(python) = python() else { return Ok(()) };
    let served = hospital::serve(Engine::Sqlite)?.context("SQLite is always there")?;
    examine(&served.genkan, (&python, served.folder.path()), selection)
}

fn python() -> Option<OsString> {
    let python = env::var_os(PYTHON);
    if python.is_none() {
        eprintln!("skipped: {PYTHON} is not set (tests/run sets it)");
    }
    python
}

fn examine(genkan: &Genkan, (python, folder): (&OsStr, &Path), selection: &[&str]) -> Result<()> {
    let document = genkan.get("/fhir/openapi.json")?.json()?;
    let file = folder.join("openapi.json");
    fs::write(&file, testable(genkan, document)?.to_string())?;
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/schemathesis.toml");
    let run = Command::new(python)
        .args(["-m", "schemathesis.cli", "--config-file"])
        .arg(config)
        .arg("run")
        .arg(&file)
        .args(["--url", &format!("{}/fhir", genkan.base), "--no-color"])
        .args(selection)
        .current_dir(folder)
        .output()?;
    let (out, err) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    print!("{out}");
    ensure!(run.status.success(), "{out}{err}");
    Ok(())
}

/// The document, with less of what is many times the same, and with ids that exist.
fn testable(genkan: &Genkan, mut document: Value) -> Result<Value> {
    let paths = document["paths"].as_object_mut().context("paths")?;
    for (path, methods) in paths {
        for operation in methods.as_object_mut().context("methods")?.values_mut() {
            fewer_chains(operation);
            if let Some((of, _)) = path.split_once("/{id}") {
                let page = genkan.get(&format!("/fhir{of}?_count=1"))?.json()?;
                operation["parameters"][0]["example"] = page["entry"][0]["resource"]["id"].clone();
            }
            if path.contains("{token}") {
                operation["parameters"][0]["example"] = token(genkan, path)?.into();
            }
        }
    }
    // A list of two is a list.
    let text = document.to_string().replace("{0,499}", "{0,1}");
    Ok(serde_json::from_str(&text)?)
}

/// Of an export of its own: to end it leaves the others alone.
fn token(genkan: &Genkan, path: &str) -> Result<String> {
    let prefer = [("Prefer", "respond-async")];
    let begun = genkan.client.send("GET", "/fhir/$export?_type=Organization", &prefer, None)?;
    let status = begun.header("content-location").replacen(&genkan.base, "", 1);
    let address = match path.contains("file") {
        false => status,
        true => {
            let url = &genkan.get(&status)?.json()?["output"][0]["url"];
            url.as_str().context("a file")?.to_owned()
        }
    };
    Ok(address.rsplit('/').next().context("a token")?.to_owned())
}

/// One chain in each direction: they are asked one by one in `openapi.rs`.
fn fewer_chains(operation: &mut Value) {
    if let Some(parameters) = operation["parameters"].as_array_mut() {
        let mut seen = HashSet::new();
        parameters.retain(|one| one["name"].as_str().is_some_and(|name| stays(name, &mut seen)));
    }
    let place = "/requestBody/content/application~1x-www-form-urlencoded/schema/properties";
    if let Some(properties) = operation.pointer_mut(place).and_then(Value::as_object_mut) {
        let mut seen = HashSet::new();
        properties.retain(|name, _| stays(name, &mut seen));
    }
}

fn stays(name: &str, seen: &mut HashSet<bool>) -> bool {
    let reverse = name.starts_with("_has:");
    !(reverse || name.contains('.')) || seen.insert(reverse)
}
