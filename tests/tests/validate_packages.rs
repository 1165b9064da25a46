//! `$validate` of a served hospital with packages of its own: their profiles and value sets, several
//! versions of one, and what becomes of a package that goes or breaks.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use genkan_tests::fhir_package::{self, PATIENT, manifest, profile};
use genkan_tests::harness::{Engine, Genkan, genkan_command};
use genkan_tests::hospital::{Served, serve_with};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The errors of a resource: code and place, and the profiles that it was held against.
fn judged(genkan: &Genkan, query: &str, resource: &Value) -> Result<(Vec<String>, String)> {
    let headers = [("content-type", "application/fhir+json"), ("accept-language", "en")];
    let path = format!("/fhir/$validate{query}");
    let body = resource.to_string();
    let answer = genkan.client.send("POST", &path, &headers, Some(body.as_bytes()))?;
    ensure!(answer.status == 200, "{} {}", answer.status, answer.text());
    let outcome = answer.json()?;
    let issues = outcome["issue"].as_array().context("issues")?;
    let said = |issue: &Value| issue["diagnostics"].as_str().unwrap_or_default().to_owned();
    let errors = issues.iter().filter(|issue| issue["severity"] == "error").map(said).collect();
    Ok((errors, issues.last().map(said).context("what it was held against")?))
}

fn add(folder: &Path, files: &[&Path]) -> Result<()> {
    let run = genkan_command()?
        .args(["package", "add", "--language", "en", "--packages-dir"])
        .arg(folder)
        .args(files)
        .output()?;
    ensure!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    Ok(())
}

fn serve(packages: &Path) -> Result<Served> {
    let section = format!("[validation]\npackages_dir = \"{}\"\n", packages.display());
    serve_with(Engine::Sqlite, &section)?.context("SQLite is always there")
}

/// Codes of the ward, as a value set of its own.
fn wards() -> [(&'static str, Value); 3] {
    let concepts = json!([{"code": "E3", "display": "東3"}, {"code": "W1", "display": "西1"}]);
    let system = json!({"resourceType": "CodeSystem", "url": "http://x.jp/wards", "status": "active",
        "content": "complete", "concept": concepts});
    let set = json!({"resourceType": "ValueSet", "url": "http://x.jp/ward-set", "status": "active",
        "compose": {"include": [{"system": "http://x.jp/wards"}]}});
    let (name, mut bound) = profile("ward", PATIENT, "maritalStatus");
    bound["differential"]["element"][1]["binding"] =
        json!({"strength": "required", "valueSet": "http://x.jp/ward-set"});
    [("CodeSystem-w.json", system), ("ValueSet-w.json", set), (name, bound)]
}

#[test]
fn profiles_versions_and_value_sets_of_packages_are_gone_by() -> Result<()> {
    let folder = TempDir::new()?;
    let (path, site) = (folder.path(), folder.path().join("site"));
    let [system, set, bound] = wards();
    fhir_package::write(
        &path.join("w.tgz"),
        &[manifest("w.r4", "1.0.0", json!({})), system, set, bound],
    )?;
    let mut second = profile("a", PATIENT, "gender");
    second.1["version"] = json!("2");
    fhir_package::write(
        &path.join("a1.tgz"),
        &[manifest("a.r4", "1.0.0", json!({})), profile("a", PATIENT, "birthDate")],
    )?;
    fhir_package::write(&path.join("a2.tgz"), &[manifest("a.r4", "2.0.0", json!({})), second])?;
    let files = ["w.tgz", "a1.tgz", "a2.tgz"].map(|name| path.join(name));
    add(&site, &files.each_ref().map(PathBuf::as_path))?;
    let served = serve(&site)?;
    let claims = |profile: &str| json!({"resourceType": "Patient", "meta": {"profile": [profile]}});
    let ward = |code: &str| {
        let mut of = claims("http://x.jp/ward");
        of["maritalStatus"] = json!({"coding": [{"system": "http://x.jp/wards", "code": code}]});
        of
    };
    let patient = json!({"resourceType": "Patient", "active": true});
    for (query, resource, expected, against) in [
        // The newest, where no version is said.
        ("", claims("http://x.jp/a"), "Patient.gender", "http://x.jp/a|2"),
        ("", claims("http://x.jp/a|1"), "Patient.birthDate", "http://x.jp/a|1"),
        ("?profile=http://x.jp/a|1", patient.clone(), "Patient.birthDate", "http://x.jp/a|1"),
        ("?profile=http://x.jp/a|3", patient.clone(), "V2101", "profiles -"),
        ("", ward("E3"), "", "http://x.jp/ward|1"),
        ("", ward("N9"), "N9", "http://x.jp/ward|1"),
    ] {
        let (errors, last) = judged(&served.genkan, query, &resource)?;
        let is_right = match expected {
            "" => errors.is_empty(),
            part => !errors.is_empty() && errors.iter().any(|error| error.contains(part)),
        };
        ensure!(is_right && last.contains(against), "{query} {resource}: {errors:?} {last}");
    }
    Ok(())
}

#[test]
fn a_package_that_goes_while_serving_is_gone_by_until_the_next_start() -> Result<()> {
    let folder = TempDir::new()?;
    let (path, site) = (folder.path(), folder.path().join("site"));
    let [a, b] = ["a", "b"].map(|name| path.join(format!("{name}.tgz")));
    let of = |name: &str, element: &str| {
        [manifest(name, "1", json!({})), profile(name, PATIENT, element)]
    };
    fhir_package::write(&a, &of("a", "birthDate"))?;
    fhir_package::write(&b, &of("b", "gender"))?;
    add(&site, &[&a, &b])?;
    let claims = |name: &str| {
        let profile = format!("http://x.jp/{name}");
        json!({"resourceType": "Patient", "meta": {"profile": [profile]}})
    };
    {
        let served = serve(&site)?;
        ensure!(!judged(&served.genkan, "", &claims("a"))?.0.is_empty(), "it is there");
        for entry in fs::read_dir(&site)? {
            fs::remove_file(entry?.path())?;
        }
        // One that was read, and one that was not.
        for name in ["a", "b"] {
            let (errors, last) = judged(&served.genkan, "", &claims(name))?;
            ensure!(
                errors.len() == 1 && last.contains(&format!("http://x.jp/{name}|1")),
                "{errors:?}"
            );
        }
    }
    let served = serve(&site)?;
    let (errors, last) = judged(&served.genkan, "", &claims("a"))?;
    ensure!(errors.is_empty() && last.contains("profiles -"), "{errors:?} {last}");
    Ok(())
}

#[test]
fn with_a_broken_package_nothing_is_called_valid() -> Result<()> {
    let folder = TempDir::new()?;
    let site = folder.path().join("site");
    fs::create_dir(&site)?;
    fs::write(site.join("a#1.package"), "{\"layout\": 0}\n")?;
    let served = serve(&site)?;
    let patient = "{\"resourceType\": \"Patient\"}";
    let headers = [("content-type", "application/fhir+json"), ("accept-language", "en")];
    let answer =
        served.genkan.client.send("POST", "/fhir/$validate", &headers, Some(patient.as_bytes()))?;
    ensure!(answer.status == 500, "{} {}", answer.status, answer.text());
    // Reading goes on: it needs no package.
    ensure!(served.genkan.get("/fhir/Patient?_count=1")?.status == 200);
    Ok(())
}
