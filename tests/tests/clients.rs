//! Clients that others wrote, against the running binary: fhirpy and fhirclient of PyPI,
//! fhir-kit-client of npm. `tests/run` installs them into the build folder and says where; without
//! it, or where a registry can't be reached, these tests say that they skip.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use genkan_tests::harness::Engine;
use genkan_tests::hospital;

/// The interpreter of a virtual environment with `requirements.txt`.
const PYTHON: &str = "GENKAN_TEST_PYTHON";
/// A folder whose `node_modules` holds what `package.json` names.
const NODE: &str = "GENKAN_TEST_NODE";

fn set(variable: &str) -> Option<OsString> {
    let value = env::var_os(variable);
    if value.is_none() {
        eprintln!("skipped: {variable} is not set (tests/run sets it)");
    }
    value
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(name)
}

fn passes(command: &mut Command) -> Result<()> {
    let served = hospital::serve(Engine::Sqlite)?.context("SQLite is always there")?;
    let run = command.arg(format!("{}/fhir", served.genkan.base)).output()?;
    let (out, err) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    print!("{out}");
    ensure!(run.status.success(), "{out}{err}");
    Ok(())
}

#[test]
fn fhirpy_reads_searches_and_pages() -> Result<()> {
    let Some(python) = set(PYTHON) else { return Ok(()) };
    passes(Command::new(python).arg(script("fhirpy_reads.py")))
}

#[test]
fn every_resource_fits_the_models_of_fhirclient() -> Result<()> {
    let Some(python) = set(PYTHON) else { return Ok(()) };
    passes(Command::new(python).arg(script("fhirclient_reads.py")))
}

#[test]
fn fhir_kit_client_reads_searches_and_pages() -> Result<()> {
    let Some(folder) = set(NODE).map(PathBuf::from) else { return Ok(()) };
    // Node looks for packages beside the script.
    let copy = folder.join("fhir_kit_reads.mjs");
    std::fs::copy(script("fhir_kit_reads.mjs"), &copy)?;
    passes(Command::new("node").arg(copy))
}
