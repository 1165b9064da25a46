//! `genkan rules scan` on databases that it knows nothing of.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use genkan_tests::harness::{Database, Engine, available_engines, genkan_command};
use genkan_tests::hospital::{configuration, fill_database, own_configuration, private_values};
use serde_json::Value;
use tempfile::TempDir;

fn run(arguments: &[&str]) -> Result<String> {
    let output = genkan_command()?.args(["--language", "en"]).args(arguments).output()?;
    let (said, wrong) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
    ensure!(output.status.success(), "{arguments:?}: {said}{wrong}");
    Ok(said + &wrong)
}

/// Every text of a folder's files.
fn texts(folder: &Path) -> Result<String> {
    let mut all = String::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        all += &if path.is_dir() { texts(&path)? } else { fs::read_to_string(&path)? };
    }
    Ok(all)
}

/// The scan says the same of every engine, and its drafts have no error.
#[test]
fn the_demo_hospital_is_found_out_without_a_rule() -> Result<()> {
    for engine in available_engines()? {
        let Some(database) = fill_database(engine, 1)? else { continue };
        let site = TempDir::new()?;
        let config = configuration(&database, site.path())?.display().to_string();
        let drafts = site.path().join("drafts");
        let folder = drafts.display().to_string();
        let said = run(&["rules", "scan", "--config", &config, "--output", &folder])?;
        for part in [
            "may be Patient: the table has `pt_mst` in its name, BIRTH (BirthDate, by `birth`)",
            "may be Condition",
            "may be MedicationRequest",
            "和暦 S500302",
            "also 00000000",
            "half-width kana",
            "→ LAB_IRAI [IRAI_NO] by [IRAI_NO]",
            "→ PT_MST [PT_ID] by [PT_ID]",
            "key [IRAI_NO, KOUMOKU_CD, GEN_NO]",
            "codes F ×",
        ] {
            ensure!(said.contains(part), "{engine:?}: `{part}` is not in: {said}");
        }
        let checked = run(&["rules", "check", &folder])?;
        ensure!(
            checked.contains("12 rules, 0 errors") || checked.contains("11 rules, 0 errors"),
            "{checked}"
        );
        let against_source = run(&["rules", "check", &folder, "--config", &config])?;
        ensure!(against_source.contains(", 0 errors"), "{engine:?}: {against_source}");
        let lab = fs::read_to_string(drafts.join("lab.map.yaml"))?;
        for part in [
            "one: [IRAI_NO = r.IRAI_NO]",
            "valid: [TEKIYO_FROM, TEKIYO_TO]",
            "subject: {$ref: patient, key: [= h1.PT_ID]}",
            "TODO",
        ] {
            ensure!(lab.contains(part), "{engine:?}: `{part}` is not in: {lab}");
        }
        // No code is invented: a row of a map has no target and no code.
        for map in ["lab", "disease", "drug"] {
            let csv = fs::read_to_string(drafts.join(format!("codes/{map}.csv")))?;
            ensure!(csv.lines().count() > 10, "{map}: {csv}");
            let invented = csv.lines().skip(1).find(|line| !line.contains(",,,,,,,draft,,,,"));
            ensure!(invented.is_none(), "{map}: {invented:?}");
        }
    }
    Ok(())
}

/// Whatever a person is known by is neither on the screen nor in a draft.
#[test]
fn nobody_is_shown() -> Result<()> {
    let database = fill_database(Engine::Sqlite, 3)?.context("SQLite is always there")?;
    let site = TempDir::new()?;
    let config = configuration(&database, site.path())?.display().to_string();
    let drafts = site.path().join("drafts");
    let folder = drafts.display().to_string();
    let mut said = run(&["rules", "scan", "--config", &config, "--output", &folder])?;
    said += &run(&["--format", "json", "rules", "scan", "--config", &config])?;
    said += &texts(&drafts)?;
    let words: BTreeSet<&str> = said.split(|c: char| !c.is_alphanumeric()).collect();
    let private = private_values(&database)?;
    ensure!(private.len() > 200, "{}", private.len());
    for value in &private {
        let shown = match value.is_ascii() {
            true => words.contains(value.as_str()),
            false => said.contains(value.as_str()),
        };
        ensure!(!shown, "`{value}` is shown");
    }
    Ok(())
}

/// A catalog without keys: the rows say what the catalog doesn't, and the source is asked.
#[test]
fn keys_and_joins_that_no_catalog_declares_are_found() -> Result<()> {
    for engine in available_engines()? {
        let Some(database) = Database::create(engine)? else { continue };
        let quote = if engine == Engine::MariaDb { '`' } else { '"' };
        let sql = LEGACY.replace('"', &quote.to_string());
        database.run(&sql)?;
        let mut rows = Vec::new();
        for n in 0..60 {
            rows.push(format!(
                "('K{n:05}', '氏{n} 名{n}', '{}', 'S{:02}.{}.{}')",
                1 + n % 2,
                20 + n % 40,
                1 + n % 12,
                1 + n % 28
            ));
        }
        database.run(&format!("INSERT INTO {quote}Kanja{quote} VALUES {}", rows.join(", ")))?;
        let rows: Vec<String> = (0..300)
            .map(|n| {
                format!(
                    "('K{:05}', {}, 'S{:02}', '2024{:02}{:02}')",
                    n % 60,
                    n / 60,
                    n % 7,
                    1 + n % 12,
                    1 + n % 28
                )
            })
            .collect();
        database.run(&format!("INSERT INTO {quote}Byomei{quote} VALUES {}", rows.join(", ")))?;
        let site = TempDir::new()?;
        let config = own_configuration(&database, site.path())?.display().to_string();
        let drafts = site.path().join("drafts").display().to_string();
        let said = run(&[
            "--format", "json", "rules", "scan", "--config", &config, "--rows", "100", "--output",
            &drafts,
        ])?;
        let tables: Vec<Value> =
            said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let of = |name: &str| tables.iter().find(|table| table["table"] == name).context("a table");
        let (patients, problems) = (of("Kanja")?, of("Byomei")?);
        ensure!(patients["key"] == serde_json::json!(["KanjaNo"]), "{patients}");
        ensure!(
            patients["key_is_declared"] == false && patients["resource"] == "Patient",
            "{patients}"
        );
        ensure!(
            problems["key"] == serde_json::json!(["KanjaNo", "Renban"]),
            "{engine:?} {problems}"
        );
        ensure!(problems["all"] == false && problems["rows_read"] == 100, "{problems}");
        let join = &problems["joins"][0];
        ensure!(join["table"] == "Kanja" && join["probable"] == true, "{problems}");
        ensure!(problems["resource"] == "Condition", "{problems}");
        let rule = fs::read_to_string(Path::new(&drafts).join("condition.map.yaml"))?;
        ensure!(rule.contains("the catalog declares no key"), "{rule}");
        run(&["rules", "check", &drafts])?;
        // Drafts go nowhere where something is.
        let again = genkan_command()?
            .args(["rules", "scan", "--config", &config, "--output", &drafts])
            .output()?;
        ensure!(again.status.code() == Some(64), "{again:?}");
    }
    Ok(())
}

const LEGACY: &str = r#"
CREATE TABLE "Kanja" ("KanjaNo" char(6), "Shimei" varchar(40), "Seibetu" char(1), "SeinenYmd" varchar(12));
CREATE TABLE "Byomei" ("KanjaNo" char(6), "Renban" integer, "ByomeiCd" varchar(8), "KaisiYmd" char(8));
"#;
