//! What `genkan rules` says to the author of a rule set.

use std::fs;
use std::path::Path;
use std::process::Output;

use anyhow::{Context, Result, ensure};
use genkan_tests::harness::{Database, Engine, available_engines, genkan_command};
use genkan_tests::hospital::{configuration, fill_database, rules as demo_rules};
use tempfile::TempDir;

fn run(arguments: &[&str]) -> Result<Output> {
    Ok(genkan_command()?.args(["--language", "en"]).args(arguments).output()?)
}

/// Runs a command on a folder and compares its exit code and a part of what it says.
fn says(arguments: &[&str], code: i32, parts: &[&str]) -> Result<()> {
    let output = run(arguments)?;
    let told = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(code), "{arguments:?}: {:?}: {told}", output.status);
    for part in parts {
        ensure!(told.contains(part), "{arguments:?}: `{part}` is not in: {told}");
    }
    Ok(())
}

const RULE: &str = "rule: patient\nresource: Patient\nfrom:\n  p: {table: PT, key: [ID]}\nemit:\n  \
     gender: = p.SEX | map 1=male\ntests:\n  - name: one\n    rows: {PT: [{ID: '1', SEX: 1}]}\n";

/// A rule set of one rule with one test.
fn rule_set(test: &str) -> Result<TempDir> {
    let folder = TempDir::new()?;
    let schema = "PT:\n  key: [ID]\n  columns: {ID: char(10), SEX: char(1)}\n";
    fs::write(folder.path().join("schema.yaml"), schema)?;
    fs::write(folder.path().join("patient.map.yaml"), format!("{RULE}    {test}\n"))?;
    Ok(folder)
}

#[test]
fn a_test_that_says_nothing_does_not_pass() -> Result<()> {
    let good = rule_set("finds: ['Patient?gender=male']")?;
    let folder = good.path().display().to_string();
    says(&["rules", "check", &folder], 0, &["0 errors, 0 warnings"])?;
    says(&["rules", "test", &folder], 0, &["1 passed"])?;
    says(&["rules", "test", &folder, "--only", "one"], 0, &["1 passed"])?;
    says(&["rules", "test", &folder, "--only", "zzz"], 64, &["`zzz`"])?;
    let bad = rule_set(
        "finds: ['Patient?gendr=male', 'Patient?birthdate=2020', 'Patient?gender=female']",
    )?;
    let folder = bad.path().display().to_string();
    let parts = ["patient.map.yaml:10:13 E0805", "perhaps gender", "10:35 E0805", "2 errors"];
    says(&["rules", "check", &folder], 65, &parts)?;
    says(&["rules", "test", &folder], 65, &["gendr", "birthdate", "female did not find it"])?;
    Ok(())
}

#[test]
fn what_is_no_part_of_the_rule_set_is_named() -> Result<()> {
    let folder = rule_set("expect: {}")?;
    for name in ["README.md", "other.map.yml", ".hidden"] {
        fs::write(folder.path().join(name), "x")?;
    }
    fs::create_dir(folder.path().join("code"))?;
    let parts = ["other.map.yml:1:1 W0110", "code/", "0 errors, 2 warnings"];
    says(&["rules", "check", &folder.path().display().to_string()], 0, &parts)
}

#[test]
fn a_missing_schema_says_how_to_make_one() -> Result<()> {
    let folder = rule_set("expect: {}")?;
    fs::remove_file(folder.path().join("schema.yaml"))?;
    let parts = ["schema.yaml is missing", "genkan rules schema --config"];
    says(&["rules", "check", &folder.path().display().to_string()], 64, &parts)
}

/// The schema that a source gives serves the tests of the rules as the recorded one does.
#[test]
fn the_schema_of_every_source_is_recorded_so_that_the_rules_test_against_it() -> Result<()> {
    for engine in available_engines()? {
        let Some(database) = fill_database(engine, 1)? else { continue };
        let folder = TempDir::new()?;
        let config = configuration(&database, folder.path())?.display().to_string();
        let output = run(&["rules", "schema", "--config", &config])?;
        ensure!(output.status.success(), "{engine:?}: {output:?}");
        let rules = folder.path().join("recorded");
        copy(&demo_rules(), &rules)?;
        fs::write(rules.join("schema.yaml"), &output.stdout)?;
        let rules = rules.display().to_string();
        says(&["rules", "test", &rules], 0, &[", 0 failed"]).context(format!("{engine:?}"))?;
        let arguments = ["rules", "schema", "--config", &config, "PT_MST", "NOPE"];
        says(&arguments, 64, &["no table `NOPE`"])?;
        let one = run(&["rules", "schema", "--config", &config, "PT_MST"])?;
        let text = String::from_utf8(one.stdout)?;
        ensure!(
            text.starts_with("PT_MST:\n  key: [PT_ID]\n") && !text.contains("PT_ALG"),
            "{text}"
        );
    }
    Ok(())
}

/// Catalogs of views confirm no key; the rows do, or don't.
#[test]
fn a_declared_key_is_compared_with_the_rows_of_the_source() -> Result<()> {
    let database = Database::create(Engine::Sqlite)?.context("SQLite is always there")?;
    database.run(
        "CREATE TABLE PT_ROWS (ID CHAR(10), SEX CHAR(1), KBN CHAR(1));
         CREATE TABLE M_ROWS (KBN CHAR(1), NM VARCHAR(10), DEL INTEGER);
         CREATE VIEW PT AS SELECT * FROM PT_ROWS; CREATE VIEW MST AS SELECT * FROM M_ROWS;
         INSERT INTO PT_ROWS VALUES ('1', '1', 'a'), ('2', '1', 'b'), ('3', '2', 'a');
         INSERT INTO M_ROWS VALUES ('a', 'A', 0), ('b', 'B', 0), ('b', 'B', 1);",
    )?;
    let (folder, site) = (rule_set("expect: {}")?, TempDir::new()?);
    let config = configuration(&database, site.path())?.display().to_string();
    let rules = folder.path().display().to_string();
    let check = |keys: &str, code, parts: &[&str]| {
        says(&["rules", "check", &rules, "--config", &config, "--keys", keys], code, parts)
    };
    let write = |from: &str| {
        let text = format!(
            "rule: patient\nresource: Patient\nfrom:\n{from}\nemit:\n  gender: = p.SEX | map 1=male 2=female\n  active: \"true\"\n"
        );
        fs::write(folder.path().join("patient.map.yaml"), text)
    };
    write("  p: {table: PT, key: [ID]}")?;
    check("100", 0, &["0 errors, 0 warnings"])?;
    // Not all rows were read, or none.
    check("2", 0, &["W0415", "0 errors, 1 warnings"])?;
    check("0", 0, &["W0415", "0 errors, 1 warnings"])?;
    write("  p: {table: PT, key: [SEX]}")?;
    check("100", 65, &["E0419", "1 rows, of 3", "[SEX]", "W0415"])?;
    write(
        "  p: {table: PT, key: [ID]}\n  m: {table: MST, maybe: [KBN = p.KBN]}\nwhere: = not (m.NM == \"x\")",
    )?;
    check("100", 65, &["E0419", "1 rows, of 4", "W0417"])?;
    write(
        "  p: {table: PT, key: [ID]}\n  m: {table: MST, maybe: [KBN = p.KBN, DEL = \"0\"]}\nwhere: = not (m.NM == \"x\")",
    )?;
    check("100", 0, &["0 errors, 0 warnings"])
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
