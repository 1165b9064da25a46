//! `genkan rules record`: a live row as a test, with nobody in it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use genkan_tests::harness::{Database, Engine, available_engines};
use genkan_tests::hospital::{configuration, fill_database, private_values, rules as demo_rules};
use sqlx::{Connection, Row, SqliteConnection};
use tempfile::TempDir;

use super::{CONDITION, Small, fails, own_rules, run, says};

/// One resource of each kind, by the key of its rule.
const KEYS: [(&str, &str); 6] = [
    ("Patient", "SELECT PT_ID FROM PT_HOKEN WHERE YUKO_FLG = 1 ORDER BY PT_ID LIMIT 1 OFFSET 3"),
    ("Condition", "SELECT PT_ID, BYOMEI_SEQ FROM PT_BYOMEI_SYU ORDER BY PT_ID LIMIT 1"),
    (
        "AllergyIntolerance",
        "SELECT PT_ID, ALG_NO FROM PT_ALG WHERE DEL_FLG = 0 ORDER BY PT_ID LIMIT 1",
    ),
    (
        "Observation",
        "SELECT IRAI_NO, KOUMOKU_CD FROM LAB_KEKKA WHERE LATEST_FLG = 1 ORDER BY IRAI_NO, KOUMOKU_CD LIMIT 1",
    ),
    ("MedicationRequest", "SELECT RX_NO, RP_NO, YAKU_NO FROM RX_YAKU ORDER BY RX_NO LIMIT 1"),
    ("Encounter", "SELECT RAIIN_NO FROM PT_RAIIN ORDER BY RAIIN_NO LIMIT 1"),
];

fn keys(database: &Database) -> Result<Vec<(String, Vec<String>)>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut connection = SqliteConnection::connect(&database.url).await?;
        let mut keys = Vec::new();
        for (kind, sql) in KEYS {
            let row = sqlx::query(sql).fetch_one(&mut connection).await.context(kind)?;
            let text = |at: usize| -> Result<String> {
                let text = row.try_get::<String, _>(at).map(|text| text.trim().to_owned());
                Ok(text.or_else(|_| row.try_get::<i64, _>(at).map(|number| number.to_string()))?)
            };
            let key = (0..row.len()).map(text).collect::<Result<_>>()?;
            keys.push((kind.to_owned(), key));
        }
        Ok(keys)
    })
}

/// The same hospital in every engine: its rows become tests that pass at once, with the site's own
/// constants and without, and hold nobody.
#[test]
fn a_recorded_row_passes_at_once_and_nobody_is_in_it() -> Result<()> {
    let known = fill_database(Engine::Sqlite, 1)?.context("SQLite is always there")?;
    let (keys, private) = (keys(&known)?, private_values(&known)?);
    for engine in available_engines()? {
        let Some(database) = fill_database(engine, 1)? else { continue };
        let site = TempDir::new()?;
        let config = configuration(&database, site.path())?.display().to_string();
        let rules = own_rules(site.path())?.display().to_string();
        for (kind, key) in &keys {
            let mut arguments = vec!["rules", "record", kind];
            arguments.extend(key.iter().map(String::as_str));
            arguments.extend(["--config", &config, "--rules", &rules]);
            arguments.extend(["--append", "--name", "recorded of a row"]);
            run(&arguments).with_context(|| format!("{engine:?} {kind}"))?;
        }
        let told = added(Path::new(&rules))?;
        for source in [&["--config", config.as_str()][..], &[]] {
            let tested =
                run(&[&["rules", "test", &rules, "--only", "recorded of"], source].concat())?;
            says(&tested, &["6 passed, 0 failed"]).context(format!("{engine:?}"))?;
        }
        let words: BTreeSet<&str> = told.split(|c: char| !c.is_alphanumeric()).collect();
        let shown = private.iter().find(|value| match value.is_ascii() {
            // A number of the mask may be a number of somebody by chance; a long one is not.
            true => words.contains(value.as_str()) && value.len() > 6 && !is_small(value),
            false => value.chars().count() > 2 && told.contains(value.as_str()),
        });
        ensure!(shown.is_none(), "{engine:?}: {shown:?}");
        says(&told, &["rows:", "statements: 2", "family:", "code: '20", "valueQuantity:"])?;
    }
    Ok(())
}

/// What stands behind the files as they were.
fn added(folder: &Path) -> Result<String> {
    let mut told = String::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(name) = path.file_name().filter(|_| path.is_file()) else { continue };
        let (before, after) =
            (fs::read_to_string(demo_rules().join(name))?, fs::read_to_string(&path)?);
        told += after.strip_prefix(before.trim_end()).context("a test is added at the end")?;
    }
    Ok(told)
}

/// `0000000007`, `V00000000012`: what the mask counts with.
fn is_small(number: &str) -> bool {
    let digits = number.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    digits.parse::<u64>().is_ok_and(|number| number < 1000)
}

#[test]
fn what_a_rule_needs_stays_and_what_is_a_persons_goes() -> Result<()> {
    let small = Small::new()?;
    let (rules, config) = (small.rules(), small.config.as_str());
    let record = ["rules", "record", "Condition", "000101", "1", "--config", config];
    let told = run(&record)?;
    says(&told, &["# condition.map.yaml", "CD: B1", "code: B1", "UTAGAI: 0", "text: 確定"])?;
    for gone in ["000101", "糖尿病", "20240101", "2024-01-01", "20240101000000"] {
        ensure!(!told.contains(gone), "{gone}: {told}");
    }
    // Somebody vouches for a column.
    let kept = run(&[&record[..], &["--keep", "BYO.NM"]].concat())?;
    says(&kept, &["NM: 糖尿病", "text: 糖尿病"])?;
    fails(&[&record[..], &["--keep", "BYO.NMM"]].concat(), 64, &["no column `BYO.NMM`"])?;
    // A row that is no resource is a case too; a row that isn't there is none.
    small.write(
        "condition.map.yaml",
        &CONDITION
            .replace("where: = d.DEL_FLG != \"1\"\n", "")
            .replace("policy: warn", "policy: error"),
    )?;
    small.write("codes/codemaps.yaml", &super::MAPS.replace("policy: warn", "policy: error"))?;
    let none =
        run(&["rules", "record", "Condition", "000102", "2", "--config", config, "--append"])?;
    says(&none, &["condition.map.yaml: recorded 1"])?;
    says(
        &small.read("condition.map.yaml")?,
        &["expect: []", "severity: error, code: unmapped, map: disease, local: B2"],
    )?;
    says(&run(&["rules", "test", &rules])?, &["2 passed"])?;
    fails(
        &["rules", "record", "Condition", "000101", "99", "--config", config],
        1,
        &["no such row"],
    )?;
    fails(&["rules", "record", "Condition", "x", "--config", config], 64, &["PT_NO"])?;
    fails(&["rules", "record", "Device", "x", "--config", config], 64, &["no rule makes Device"])
}

/// The file stays what it was, with one test more.
#[test]
fn a_test_is_added_and_nothing_else_of_the_file_changes() -> Result<()> {
    let small = Small::new()?;
    let config = small.config.as_str();
    let before = small.read("patient.map.yaml")?;
    let record = ["rules", "record", "Patient", "000102", "--config", config, "--append"];
    run(&record)?;
    let after = small.read("patient.map.yaml")?;
    ensure!(after.starts_with(before.trim_end()), "{after}");
    says(&after, &["  - name: 'recorded 2'", "gender: female"])?;
    run(&record)?;
    says(&run(&["rules", "test", &small.rules()])?, &["3 passed"])?;
    let flow = before.replace("tests:\n  - name: one\n    rows: {PT: [{PT_NO: '1', SEX: 1}]}\n    expect: {gender: male}\n", "tests: [{name: one, rows: {PT: [{PT_NO: '1', SEX: 1}]}, expect: {gender: male}}]\n");
    small.write("patient.map.yaml", &flow)?;
    fails(&record, 64, &["`tests` stands in brackets"])?;
    ensure!(small.read("patient.map.yaml")? == flow);
    // A rule that hangs on a value that is masked can't be recorded without somebody's word.
    small.write(
        "patient.map.yaml",
        &before
            .replace("updated:", "where: = p.TEL == \"045-111-2222\"\nupdated:")
            .replace("SEX: 1}", "SEX: 1, TEL: 045-111-2222}"),
    )?;
    let masked = ["rules", "record", "Patient", "000101", "--config", config];
    fails(&masked, 1, &["--keep TABLE.COLUMN"])?;
    says(&run(&[&masked[..], &["--keep", "PT.TEL"]].concat())?, &["045-111-2222"])
}
