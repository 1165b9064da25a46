//! Two sources behind one base: the ward's system and the laboratory's, on any engines.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use genkan_tests::harness::{Database, Engine, Genkan, genkan_command};
use tempfile::TempDir;

const PATIENT: &str = "\
rule: patient
resource: Patient
from:
  p: {table: PT, key: [ID]}
emit:
  name: [{text: = p.NM}]
";

/// The rows of its test stand in two databases.
const RESULT: &str = "\
rule: result
resource: Observation
source: lab
from:
  l: {table: LAB, key: [NO]}
emit:
  status: final
  code: {text: = l.ITEM}
  subject: {$ref: patient, key: [= l.PT]}
tests:
  - name: a result
    rows:
      LAB: [{NO: 1, PT: 7, ITEM: Na}]
      PT: [{ID: 7, NM: 山田}]
    expect: {subject: {reference: Patient/patient.7}}
    finds: ['Observation?subject=Patient/patient.7']
    statements: 1
";

fn database(sql: &str) -> Result<Database> {
    let database = Database::create(Engine::Sqlite)?.context("SQLite is always there")?;
    database.run(sql)?;
    Ok(database)
}

/// A configuration with both databases and the two rules beside it.
fn site(main: &Database, lab: &Database) -> Result<TempDir> {
    let folder = TempDir::new()?;
    let rules = folder.path().join("rules");
    fs::create_dir(&rules)?;
    fs::write(rules.join("patient.map.yaml"), PATIENT)?;
    fs::write(rules.join("result.map.yaml"), RESULT)?;
    fs::write(folder.path().join("site.key"), "0123456789abcdef".repeat(4))?;
    let config = format!(
        "[site]\ninstitution_no = \"1312345670\"\nname = \"病院\"\n\
         [identity]\nkeys = [{{ generation = \"a\", secret_file = \"site.key\" }}]\n\
         [rules]\ndirectory = \"rules\"\n[http]\nlisten = \"127.0.0.1:0\"\n\
         [source]\nurl = \"{}\"\n[sources.lab]\nurl = \"{}\"\n",
        main.url, lab.url
    );
    fs::write(folder.path().join("genkan.toml"), config)?;
    Ok(folder)
}

fn hospital() -> Result<(Database, Database, TempDir)> {
    let main = database(
        "CREATE TABLE PT (ID INTEGER PRIMARY KEY, NM VARCHAR(20));\
                         INSERT INTO PT VALUES (7, '山田'), (8, '鈴木')",
    )?;
    let lab = database(
        "CREATE TABLE LAB (NO INTEGER PRIMARY KEY, PT INTEGER, ITEM VARCHAR(9));\
                        INSERT INTO LAB VALUES (1, 7, 'Na'), (2, 8, 'K')",
    )?;
    let folder = site(&main, &lab)?;
    Ok((main, lab, folder))
}

#[test]
fn a_reference_leads_from_one_source_to_another() -> Result<()> {
    let (_main, _lab, folder) = hospital()?;
    let genkan = Genkan::serve_file(&folder.path().join("genkan.toml"))?;
    let page = genkan.get("/fhir/Observation?_include=Observation:subject")?;
    ensure!(page.status == 200, "{:?}", page.json());
    let page = page.json()?;
    let entries = page["entry"].as_array().context("entries")?;
    let types: Vec<_> =
        entries.iter().filter_map(|entry| entry["resource"]["resourceType"].as_str()).collect();
    ensure!(types == ["Observation", "Observation", "Patient", "Patient"], "{types:?}");
    Ok(())
}

#[test]
fn a_source_that_is_away_stops_only_what_its_rules_make() -> Result<()> {
    let (_main, lab, folder) = hospital()?;
    let genkan = Genkan::serve_file(&folder.path().join("genkan.toml"))?;
    let file = lab.file().context("a file")?;
    fs::rename(file, file.with_extension("away"))?;
    let results = genkan.get("/fhir/Observation")?;
    ensure!(results.status == 503, "{}: {:?}", results.status, results.json());
    ensure!(!results.header("retry-after").is_empty(), "when to come again");
    let patients = genkan.get("/fhir/Patient")?;
    ensure!(patients.status == 200, "{}: {:?}", patients.status, patients.json());
    fs::rename(file.with_extension("away"), file)?;
    let results = genkan.get("/fhir/Observation")?;
    ensure!(results.status == 200, "{}: {:?}", results.status, results.json());
    let (_, log) = genkan.stop()?;
    ensure!(log.contains("source=\"lab\""), "the log names the source: {log}");
    Ok(())
}

#[test]
fn rules_of_two_sources_are_recorded_checked_and_tested_away_from_them() -> Result<()> {
    let (_main, _lab, folder) = hospital()?;
    let config = folder.path().join("genkan.toml");
    let rules = folder.path().join("rules");
    let record = |arguments: &[&str], file: &Path| -> Result<()> {
        let schema = ["rules", "schema", "--config"];
        let run = genkan_command()?.args(schema).arg(&config).args(arguments).output()?;
        ensure!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        Ok(fs::write(file, run.stdout)?)
    };
    record(&[], &rules.join("schema.yaml"))?;
    record(&["--source", "lab"], &rules.join("schema.lab.yaml"))?;
    for (command, expected) in [("check", "2 rules, 0 errors"), ("test", "1 passed, 0 failed")] {
        let run = genkan_command()?.args(["rules", command]).arg(&rules).output()?;
        let said = String::from_utf8_lossy(&run.stdout);
        ensure!(run.status.success() && said.contains(expected), "{command}: {said}");
    }
    fs::remove_file(rules.join("schema.lab.yaml"))?;
    let run = genkan_command()?.args(["rules", "check"]).arg(&rules).output()?;
    let said = String::from_utf8_lossy(&run.stdout);
    ensure!(run.status.code() == Some(65) && said.contains("E0209"), "{said}");
    Ok(())
}
