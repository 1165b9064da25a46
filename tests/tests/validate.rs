//! `genkan validate` from outside: what Genkan makes is what the national service takes, and what it
//! doesn't take is told with its place, its rule and what to do.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use genkan_tests::harness::{Engine, genkan_command};
use genkan_tests::hospital::serve;
use serde_json::{Value, json};
use tempfile::TempDir;

const BUNDLE: &str = "http://jpfhir.jp/fhir/clins/StructureDefinition/JP_Bundle_CLINS";
const PATIENTS: usize = 25;

struct Run {
    code: Option<i32>,
    out: String,
    err: String,
}

fn validate(arguments: &[&str]) -> Result<Run> {
    let run = genkan_command()?.arg("validate").args(arguments).output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Run { code: run.status.code(), out: text(&run.stdout), err: text(&run.stderr) })
}

/// Bundles of the demo hospital, as the operation makes them.
fn bundles(folder: &Path) -> Result<Vec<PathBuf>> {
    let served = serve(Engine::Sqlite)?.context("SQLite is always there")?;
    let found = served.genkan.get(&format!("/fhir/Condition?_count={PATIENTS}"))?.json()?;
    let mut files = Vec::new();
    for entry in found["entry"].as_array().context("entries")? {
        let Some(patient) = entry["resource"]["subject"]["reference"].as_str() else { continue };
        for kind in ["condition", "allergy"] {
            let query = format!("kind={kind}&as-of=2026-04-01");
            let answer = served.genkan.get(&format!("/fhir/{patient}/$jp-clins-bundle?{query}"))?;
            if answer.status == 200 {
                let path = folder.join(format!("{}-{kind}.json", files.len()));
                fs::write(&path, &answer.body)?;
                files.push(path);
            }
        }
    }
    Ok(files)
}

#[test]
fn what_the_bundle_operation_makes_is_what_each_guide_asks_for() -> Result<()> {
    let folder = TempDir::new()?;
    let files = bundles(folder.path())?;
    ensure!(files.len() > PATIENTS / 2, "{} bundles", files.len());
    let path = folder.path().to_str().context("a path")?;
    for guide in ["1.5.3", "1.9.0", "1.10.0", "1.11.0", "1.12.0"] {
        let run = validate(&[path, "--guide", guide, "--profile", BUNDLE, "--format", "json"])?;
        let mut sound = 0;
        for line in run.out.lines() {
            let told: Value = serde_json::from_str(line)?;
            sound += usize::from(told["valid"] == true);
            let findings = told["findings"].as_array().context("findings")?;
            for finding in findings.iter().filter(|finding| finding["severity"] == "error") {
                // The rows are dirty on purpose: some names have no space, and so no given name.
                let text = finding.to_string();
                ensure!(text.contains("Patient.name.given"), "{guide}: {text}");
            }
        }
        ensure!(sound * 10 >= files.len() * 9, "{guide}: {sound} of {} are sound", files.len());
    }
    Ok(())
}

#[test]
fn what_is_wrong_is_told_with_place_rule_and_remedy() -> Result<()> {
    let folder = TempDir::new()?;
    let file = bundles(folder.path())?.into_iter().next().context("a bundle")?;
    let mut bundle: Value = serde_json::from_slice(&fs::read(&file)?)?;
    let patient = &mut bundle["entry"][0]["resource"];
    patient["identifier"] = json!([{"system": "urn:x", "value": "1"}]);
    patient["name"][0]["text"] = json!("山田　太郎");
    fs::write(&file, serde_json::to_string_pretty(&bundle)?)?;
    let name = file.to_str().context("a path")?;
    let run = validate(&[name, "--profile", BUNDLE, "--format", "json"])?;
    ensure!(run.code == Some(65), "{:?} {}", run.code, run.err);
    let told: Value = serde_json::from_str(run.out.lines().next().context("a line")?)?;
    ensure!(told["valid"] == false && told["file"] == name);
    let text = told.to_string();
    for part in ["R1012: ", "R1113: ", "JP_Patient_eCS", "Bundle.entry[0].resource"] {
        ensure!(text.contains(part), "{part}: {text}");
    }
    ensure!(!text.contains("山田"), "no name of a patient");
    let place = &told["findings"][0];
    ensure!(place["line"].as_u64() > Some(1) && place["column"].as_u64() > Some(0), "{place}");
    let japanese = validate(&[name, "--profile", BUNDLE, "--language", "ja"])?;
    ensure!(japanese.out.contains("被保険者識別子"), "{}", japanese.out);
    Ok(())
}

#[test]
fn a_guide_that_is_not_known_is_refused_with_those_that_are() -> Result<()> {
    let folder = TempDir::new()?;
    let file = folder.path().join("a.json");
    fs::write(&file, r#"{"resourceType": "Patient"}"#)?;
    let name = file.to_str().context("a path")?;
    let unknown = validate(&[name, "--guide", "9.0.0", "--language", "en"])?;
    ensure!(unknown.code == Some(64) && unknown.err.contains("1.12.0"), "{}", unknown.err);
    let japanese = validate(&[name, "--guide", "9.0.0", "--language", "ja"])?;
    ensure!(japanese.err.contains("実装ガイド 9.0.0"), "{}", japanese.err);
    let malformed = validate(&[name, "--guide", "new", "--language", "en"])?;
    ensure!(malformed.code == Some(64) && malformed.err.contains("1.12.0"), "{}", malformed.err);
    Ok(())
}

#[test]
fn an_extension_that_nothing_defines_is_an_error_or_told_as_unchecked() -> Result<()> {
    let folder = TempDir::new()?;
    let file = folder.path().join("a.json");
    let name = file.to_str().context("a path")?;
    let core = "http://jpfhir.jp/fhir/core/Extension/StructureDefinition/JP_Patient_Race";
    for (url, code, told) in [(core, 0, "V1019 note"), ("http://x.jp/y", 65, "V1013 error")] {
        let extension = json!([{"url": url, "valueString": "x"}]);
        fs::write(&file, json!({"resourceType": "Patient", "extension": extension}).to_string())?;
        let run = validate(&[name, "--language", "en"])?;
        ensure!(run.code == Some(code) && run.out.contains(told), "{:?} {}", run.code, run.out);
    }
    Ok(())
}

#[test]
fn a_code_that_the_master_has_not_is_told_only_with_the_master() -> Result<()> {
    let folder = TempDir::new()?;
    let path = folder.path();
    let mut fields = vec![""; 19];
    (fields[1], fields[3], fields[7]) = ("0", "8002", "の疑い");
    (fields[16], fields[17], fields[18]) = ("99999999", "27000001", "5395");
    let line = fields.iter().skip(1).map(|field| format!("\"{field}\"")).collect::<Vec<_>>();
    fs::write(path.join("z_20260401.txt"), format!("{},\"\"\n", line.join(",")))?;
    let mut import = genkan_command()?;
    import.args(["codes", "import", "--masters", "m.genkan", "z_20260401.txt"]);
    let import = import.current_dir(path).output()?;
    ensure!(import.status.success(), "{}", String::from_utf8_lossy(&import.stderr));
    let condition = json!({
        "resourceType": "Condition", "subject": {"reference": "Patient/1"},
        "code": {"coding": [{
            "system": "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/masterZ-disease-modifier",
            "code": "8003", "display": "の疑い"}]}
    });
    fs::write(path.join("c.json"), condition.to_string())?;
    let (file, masters) = (path.join("c.json"), path.join("m.genkan"));
    let (file, masters) = (file.to_str().context("a path")?, masters.to_str().context("a path")?);
    let without = validate(&[file])?;
    ensure!(without.code == Some(0), "{}{}", without.out, without.err);
    let with = validate(&[file, "--masters", masters, "--language", "en"])?;
    ensure!(with.code == Some(65) && with.out.contains("8003"), "{}{}", with.out, with.err);
    let none = validate(&[file, "--masters", file, "--language", "en"])?;
    ensure!(none.code == Some(64), "{:?} {}", none.code, none.err);
    Ok(())
}
