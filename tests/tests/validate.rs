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

const MAN: &str = r#"{"resourceType": "Patient", "gender": "man"}"#;
const SOUND: &str = r#"{"resourceType": "Patient", "active": true}"#;

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path")
}

#[test]
fn each_line_of_ndjson_is_a_resource_with_its_own_place() -> Result<()> {
    let folder = TempDir::new()?;
    let file = folder.path().join("a.ndjson");
    fs::write(&file, format!("{SOUND}\n\n{MAN}\r\n{{\n{SOUND}"))?;
    let run = validate(&[text(folder.path())?, "--format", "json"])?;
    ensure!(run.code == Some(65), "{:?} {}", run.code, run.err);
    let told: Vec<Value> = run.out.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let lines: Vec<_> =
        told.iter().map(|one| (one["line"].as_u64(), one["valid"].as_bool())).collect();
    let expected = [(1, true), (3, false), (4, false), (5, true)];
    ensure!(lines == expected.map(|(line, valid)| (Some(line), Some(valid))), "{lines:?}");
    let finding = &told[1]["findings"][0];
    ensure!(finding["line"] == 3 && finding["column"] == 39, "{finding}");
    ensure!(told[2]["findings"][0]["line"] == 4, "{}", told[2]);
    let run = validate(&[text(&file)?, "--language", "en"])?;
    ensure!(run.out.contains("a.ndjson:3:39 Patient.gender"), "{}", run.out);
    ensure!(run.out.contains("4 resources in 1 files, 2 with errors"), "{}", run.out);
    Ok(())
}

#[test]
fn many_files_are_told_in_their_order_and_without_progress_in_a_pipe() -> Result<()> {
    let folder = TempDir::new()?;
    for at in 0..300 {
        let text = if at % 3 == 0 { MAN } else { SOUND };
        // The first ones take longest.
        let blanks = " ".repeat(if at < 10 { 2_000_000 } else { 1 });
        fs::write(folder.path().join(format!("{at:03}.json")), format!("{blanks}{text}"))?;
    }
    let run = validate(&[text(folder.path())?, "--format", "json"])?;
    ensure!(run.code == Some(65) && run.err.is_empty(), "{:?} {}", run.code, run.err);
    for (at, line) in run.out.lines().enumerate() {
        let told: Value = serde_json::from_str(line)?;
        let file = told["file"].as_str().context("a file")?;
        ensure!(file.ends_with(&format!("{at:03}.json")), "{at}: {file}");
        ensure!(told["valid"] == (at % 3 != 0), "{told}");
    }
    ensure!(run.out.lines().count() == 300);
    // What can't be read ends it there, with what was told before.
    let gone = folder.path().join("150x.json");
    std::os::unix::fs::symlink("/nowhere", &gone)?;
    let run = validate(&[text(folder.path())?, "--format", "json"])?;
    ensure!(run.code == Some(1) && run.err.contains("150x.json"), "{:?} {}", run.code, run.err);
    ensure!(run.out.lines().count() == 151, "{} lines", run.out.lines().count());
    Ok(())
}

#[test]
fn a_page_stands_by_itself_and_shows_what_text_shows() -> Result<()> {
    let folder = TempDir::new()?;
    let name = "<b>&\"a.json";
    let patient = json!({"resourceType": "Patient", "gender": "<script>alert(1)</script>",
        "name": [{"text": "山田 太郎"}], "extension": [{"url": "http://x.jp/<i>", "valueString": "秘密"}]});
    fs::write(folder.path().join(name), patient.to_string())?;
    fs::write(folder.path().join("b.json"), SOUND)?;
    fs::write(folder.path().join("c.ndjson"), format!("{SOUND}\n{MAN}"))?;
    let run = validate(&[text(folder.path())?, "--format", "html", "--language", "ja"])?;
    ensure!(run.code == Some(65), "{:?} {}", run.code, run.err);
    ensure!(run.out.starts_with("<!DOCTYPE html>\n<html lang=\"ja\">"), "{}", run.out);
    for part in [
        "FHIR リソースの検証結果",
        "&lt;b&gt;&amp;&quot;a.json",
        "c.ndjson:2",
        "V1501",
        "3 ファイル、4 リソース中 2 リソースにエラー",
        "Patient.gender",
        "&lt;i&gt;",
    ] {
        ensure!(run.out.contains(part), "{part}: {}", run.out);
    }
    for part in ["<script", "<i>", "<b>&", "山田", "秘密", "http-equiv=\"refresh", "src=", "href="]
    {
        ensure!(!run.out.contains(part), "{part}: {}", run.out);
    }
    let english = validate(&[text(folder.path())?, "--format", "html", "--language", "en"])?;
    ensure!(english.out.contains("4 resources in 3 files, 2 with errors"), "{}", english.out);
    let other =
        genkan_command()?.args(["codes", "list", "--masters", "x", "--format", "html"]).output()?;
    ensure!(other.status.code() == Some(64), "{:?}", other.status);
    Ok(())
}

/// `places` of errors.
fn outcome(places: &[&str]) -> Value {
    let issue = |place: &&str| json!({"severity": "error", "code": "invalid", "expression": [place], "diagnostics": "山田"});
    let mut issues: Vec<Value> = places.iter().map(issue).collect();
    issues.push(json!({"severity": "warning", "code": "invalid", "expression": ["Patient"]}));
    json!({"resourceType": "OperationOutcome", "issue": issues})
}

#[test]
fn another_validators_outcome_is_compared_by_verdict_and_place() -> Result<()> {
    let folder = TempDir::new()?;
    let (ours, theirs) = (folder.path().join("ours"), folder.path().join("theirs"));
    fs::create_dir(&ours)?;
    fs::create_dir(&theirs)?;
    let place = |name: &str, resource: &str, outcome: Value| -> Result<()> {
        fs::write(ours.join(format!("{name}.json")), resource)?;
        fs::write(theirs.join(format!("{name}.json")), outcome.to_string())?;
        Ok(())
    };
    place("a", SOUND, outcome(&[]))?;
    place("b", MAN, outcome(&["Patient/*Patient/x*/.gender"]))?;
    let (files, with) = (text(&ours)?, text(&theirs)?);
    let compare = |more: &[&str]| validate(&[&[files, "--compare-with", with], more].concat());
    let run = compare(&["--language", "en"])?;
    ensure!(run.code == Some(0), "{:?} {} {}", run.code, run.out, run.err);
    ensure!(run.out.contains("same verdict: 2 of 2 files"), "{}", run.out);
    ensure!(
        run.out.contains("errors at the same place: 1; only theirs: 0; only ours: 0"),
        "{}",
        run.out
    );
    // Another place, but the same verdict.
    place("b", MAN, outcome(&["Patient.name[0]"]))?;
    let run = compare(&["--language", "en"])?;
    ensure!(run.code == Some(0), "{:?} {}", run.code, run.out);
    for part in ["only theirs Patient.name[0] invalid", "only ours Patient.gender V1501 1:39"] {
        ensure!(run.out.contains(part), "{part}: {}", run.out);
    }
    ensure!(!run.out.contains("山田"), "{}", run.out);
    place("b", MAN, outcome(&[]))?;
    place("c", SOUND, outcome(&["Patient.x"]))?;
    fs::write(ours.join("d.json"), SOUND)?;
    let run = compare(&["--format", "json"])?;
    ensure!(run.code == Some(65), "{:?} {}", run.code, run.out);
    let last: Value = serde_json::from_str(run.out.lines().last().context("a line")?)?;
    let expected = json!({"files": 3, "agreed": 1, "both_valid": 1, "both_with_errors": 0,
        "only_theirs_with_errors": 1, "only_ours_with_errors": 1, "without_outcome": 1,
        "errors": {"both": 0, "only_theirs": 1, "only_ours": 1}});
    ensure!(last == expected, "{last}");
    Ok(())
}

#[test]
fn outcomes_come_in_a_file_a_folder_or_a_bundle() -> Result<()> {
    let folder = TempDir::new()?;
    let path = |name: &str| folder.path().join(name);
    fs::write(path("a.json"), SOUND)?;
    fs::write(
        path("b.xml"),
        r#"<Patient xmlns="http://hl7.org/fhir"><gender value="man"/></Patient>"#,
    )?;
    let named = |file: &str, places: &[&str]| {
        let mut outcome = outcome(places);
        let url = "http://hl7.org/fhir/StructureDefinition/operationoutcome-file";
        outcome["extension"] = json!([{"url": url, "valueString": format!("/elsewhere/{file}")}]);
        json!({"resource": outcome})
    };
    let bundle = json!({"resourceType": "Bundle", "type": "collection",
        "entry": [named("b.xml", &["Patient.gender"]), named("a.json", &[])]});
    fs::write(path("theirs"), bundle.to_string())?;
    let (a, b, theirs) = (path("a.json"), path("b.xml"), path("theirs"));
    let (a, b, theirs) = (text(&a)?, text(&b)?, text(&theirs)?);
    let run = validate(&[a, b, "--compare-with", theirs, "--language", "en"])?;
    ensure!(
        run.code == Some(0) && run.out.contains("2 of 2"),
        "{:?} {}{}",
        run.code,
        run.out,
        run.err
    );
    fs::write(path("theirs"), outcome(&[]).to_string())?;
    ensure!(validate(&[a, "--compare-with", theirs])?.code == Some(0), "one file, one outcome");
    ensure!(validate(&[b, "--compare-with", theirs])?.code == Some(65), "one file, one outcome");
    for (theirs_text, why) in [
        (SOUND.to_owned(), "no OperationOutcome"),
        ("{".to_owned(), "EOF"),
        (
            json!({"resourceType": "Bundle", "entry": [named("z.json", &[])]}).to_string(),
            "about any of the files",
        ),
    ] {
        fs::write(path("theirs"), theirs_text)?;
        let run = validate(&[a, b, "--compare-with", theirs, "--language", "en"])?;
        ensure!(run.code == Some(64) && run.err.contains(why), "{why}: {:?} {}", run.code, run.err);
    }
    fs::write(path("l.ndjson"), SOUND)?;
    let lines = path("l.ndjson");
    let run = validate(&[text(&lines)?, "--compare-with", theirs, "--language", "en"])?;
    ensure!(run.code == Some(64) && run.err.contains("NDJSON"), "{}", run.err);
    let run = validate(&[a, "--compare-with", theirs, "--format", "html"])?;
    ensure!(run.code == Some(64), "{:?}", run.code);
    Ok(())
}
