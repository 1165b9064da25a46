//! `genkan rules coverage`: what a rule set leaves open.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use genkan_tests::harness::{Engine, available_engines};
use genkan_tests::hospital::{configuration, fill_database, private_values, rules};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{CONDITION, Small, fails, lines, run, says};

fn unmapped(found: &[Value]) -> Vec<(Value, u64, u64)> {
    let count = |line: &Value, name: &str| line[name].as_u64().unwrap_or_default();
    let mut codes: Vec<_> = found
        .iter()
        .filter(|line| line["unmapped"] == "disease")
        .map(|line| (line["local"].clone(), count(line, "rows"), count(line, "patients")))
        .collect();
    codes.sort_by_key(|(local, ..)| local.to_string());
    codes
}

/// A deleted row, a code on a day that its map covers, and a draft in the map: each counts as it
/// would for a reader of the resources.
#[test]
fn house_codes_without_a_standard_code_are_counted_by_rows_and_patients() -> Result<()> {
    let small = Small::new()?;
    let (rules, config) = (small.rules(), small.config.as_str());
    let arguments = ["--format", "json", "rules", "coverage", &rules, "--config", config];
    let found = lines(&run(&arguments)?);
    let expected =
        [(json!(""), 1, 1), (json!("B1"), 1, 1), (json!("B2"), 3, 2), (Value::Null, 1, 1)];
    ensure!(unmapped(&found) == expected, "{:?}", unmapped(&found));
    let looked = json!({"looked": "condition", "rows": 7, "all": true, "since": true});
    ensure!(found.contains(&looked), "{found:?}");
    // Words in the place of a code are counted, and never shown.
    let text = run(&["rules", "coverage", &rules, "--config", config, "--most", "1"])?;
    says(&text, &["disease  B2  3 rows, 2 patients  condition", "3 more codes, 3 rows"])?;
    ensure!(!text.contains('林') && !text.contains("秘密"), "{text}");
    let words = run(&["rules", "coverage", &rules, "--config", config])?;
    says(&words, &["(words, no code)  1 rows", "(no code)  1 rows"])?;
    ensure!(!words.contains('林'), "{words}");
    // The young rows only, and the first only.
    let young = lines(&run(&[&arguments[..], &["--since", "2025-01-01"]].concat())?);
    let expected = [(json!(""), 1, 1), (json!("B2"), 2, 2), (Value::Null, 1, 1)];
    ensure!(unmapped(&young) == expected, "{:?}", unmapped(&young));
    // Those of a clinical period.
    let period = ["--from", "2024-01-01", "--to", "2024-12-31"];
    let period = lines(&run(&[&arguments[..], &period].concat())?);
    let expected = [(json!(""), 1, 1), (json!("B2"), 3, 2), (Value::Null, 1, 1)];
    ensure!(unmapped(&period) == expected, "{:?}", unmapped(&period));
    let csv = run(&["rules", "coverage", &rules, "--config", config, "--csv"])?;
    let expected = "map,local,rows,patients,rules\ndisease,B2,3,2,condition\ndisease,B1,1,1,condition\n\
                    disease,,1,1,condition\ndisease,(words),1,1,condition\n";
    ensure!(csv == expected, "{csv}");
    small.write(
        "condition.map.yaml",
        &CONDITION.replace("updated: = d.UPD_DT | datetime", "updated: hash"),
    )?;
    let all = run(&["rules", "coverage", &rules, "--config", config, "--since", "2025-01-01"])?;
    says(&all, &["can't be searched by _lastUpdated, so all of them count", "B1"])?;
    small.write(
        "condition.map.yaml",
        &CONDITION.replace("  onsetDateTime: = d.START_YMD | date\n", ""),
    )?;
    let all = run(&["rules", "coverage", &rules, "--config", config, "--from", "2026-01-01"])?;
    says(&all, &["can't be searched by a clinical day, so all of them count", "B1"])?;
    let none = run(&["rules", "coverage", &rules, "--config", config, "--rows", "0"])?;
    says(&none, &["without a standard code: not counted"])
}

#[test]
fn elements_columns_and_tests_that_are_missing_are_named() -> Result<()> {
    let small = Small::new()?;
    let (rules, config) = (small.rules(), small.config.as_str());
    let text = run(&["rules", "coverage", &rules])?;
    says(
        &text,
        &[
            "not counted; give --config",
            "condition (JP_Condition_eCS)\n",
            "必須　  category",
            "準必須  verificationStatus.coding",
            "準必須  clinicalStatus\n",
            "必須　  identifier[system=",
            "patient (JP_Patient_eCS, not declared)",
            "必須　  name.family",
            "BYO: BIKO, KARA\n",
            "PT: TEL\n",
            "no rule reads: RAIIN",
            "Rules that no test exercises: 1\n  condition\n",
        ],
    )?;
    for fed in ["  subject", "  code.text", "  meta.lastUpdated", "  name.text", "keyNumber"] {
        ensure!(!text.contains(fed), "{fed}: {text}");
    }
    // Inside an element that is missing nothing is missing.
    ensure!(!text.contains("clinicalStatus.coding"), "{text}");
    let found =
        lines(&run(&["--format", "json", "rules", "coverage", &rules, "--config", config])?);
    let unread = |table: &str| found.iter().find(|line| line["unread"] == table).context("a table");
    let columns = json!([{"name": "BIKO", "filled": 1}, {"name": "KARA", "filled": 0}]);
    ensure!(unread("BYO")?["columns"] == columns && unread("BYO")?["rows"] == 8, "{found:?}");
    ensure!(unread("RAIIN")?["is_read"] == false, "{found:?}");
    let category = json!({
        "unfed": "category",
        "need": "必須",
        "rule": "condition",
        "profile": "http://jpfhir.jp/fhir/eCS/StructureDefinition/JP_Condition_eCS",
        "declared": true,
    });
    ensure!(found.contains(&category), "{found:?}");
    // A test that only sees that nothing is made exercises nothing.
    let none = "tests:\n  - name: none\n    rows: {BYO: [{PT_NO: '1', SEQ: 1, DEL_FLG: 1}]}\n    expect: []\n";
    small.write("condition.map.yaml", &format!("{CONDITION}{none}"))?;
    says(&run(&["rules", "coverage", &rules])?, &["no test exercises: 1"])?;
    small.write(
        "condition.map.yaml",
        &format!(
            "{CONDITION}  category: [{{text: = d.NM}}]\n{}",
            none.replace("expect: []", "finds: ['Condition?patient=Patient/patient.1']")
        ),
    )?;
    let mended = run(&["rules", "coverage", &rules])?;
    ensure!(!mended.contains("  category\n") && mended.contains("exercises: 0"), "{mended}");
    fails(&["rules", "coverage", &rules, "--since", "2025-01-01"], 64, &["--config"])?;
    small.write("condition.map.yaml", "rule: x\n")?;
    fails(&["rules", "coverage", &rules], 65, &["E0202"])
}

/// Codes and counts, of every engine the same; nobody is in them.
#[test]
fn nobody_is_shown_and_every_engine_counts_the_same() -> Result<()> {
    let rules = rules().display().to_string();
    let mut counted: Option<Vec<Value>> = None;
    for engine in available_engines()? {
        let Some(database) = fill_database(engine, 1)? else { continue };
        let site = TempDir::new()?;
        let config = configuration(&database, site.path())?.display().to_string();
        let told = run(&["--format", "json", "rules", "coverage", &rules, "--config", &config])?;
        let codes: Vec<Value> =
            lines(&told).into_iter().filter(|line| line["unmapped"].is_string()).collect();
        ensure!(codes.len() > 10, "{engine:?}: {told}");
        match &counted {
            None => counted = Some(codes),
            Some(first) => ensure!(*first == codes, "{engine:?}: {codes:?}"),
        }
        if engine == Engine::Sqlite {
            let told =
                told + &run(&["rules", "coverage", &rules, "--config", &config, "--most", "1000"])?;
            let words: BTreeSet<&str> = told.split(|c: char| !c.is_alphanumeric()).collect();
            let shown =
                private_values(&database)?.into_iter().find(|value| match value.is_ascii() {
                    true => words.contains(value.as_str()),
                    false => told.contains(value.as_str()),
                });
            ensure!(shown.is_none(), "{shown:?}");
        }
    }
    Ok(())
}
