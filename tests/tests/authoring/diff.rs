//! `genkan rules diff`: what a change of rules alters.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use genkan_tests::harness::available_engines;
use genkan_tests::hospital::{configuration, fill_database, rules as demo_rules};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{CONDITION, PATIENT, Small, copy, fails, lines, own_rules, run, says};

fn old(small: &Small) -> Result<String> {
    let old = small.folder.path().join("old");
    copy(Path::new(&small.rules()), &old)?;
    Ok(old.display().to_string())
}

#[test]
fn what_a_change_alters_is_counted_with_its_line() -> Result<()> {
    let small = Small::new()?;
    let (old, new, config) = (old(&small)?, small.rules(), small.config.as_str());
    let diff = ["rules", "diff", &old, &new, "--config", config];
    let json_diff = [&["--format", "json"], &diff[..]].concat();
    says(&run(&diff)?, &["10 resources of 3 patients", "0 rules differ"])?;
    let changed = CONDITION
        .replace("map 1=疑い else 確定", "map 1=疑い else 確診")
        .replace("onsetDateTime: = d.START_YMD | date\n", "recordedDate: = d.START_YMD | date\n")
        .replace("where: = d.DEL_FLG != \"1\"\n", "");
    small.write("condition.map.yaml", &changed)?;
    let text = run(&diff)?;
    let line = |part: &str| {
        let at = changed.lines().position(|line| line.contains(part)).unwrap_or(0) + 1;
        format!("{new}/condition.map.yaml:{at}")
    };
    says(
        &text,
        &[
            "condition: 7 in both, 0 only with OLD, 1 only with NEW",
            &format!("changed  Condition.verificationStatus.text  6  {}", line("確診")),
            &format!("added    Condition.recordedDate  7  {}", line("recordedDate")),
            &format!("removed  Condition.onsetDateTime  7  {old}/condition.map.yaml:"),
            "issues   unmapped  6 → 7",
        ],
    )?;
    // Nobody's values: a date is its outline.
    ensure!(text.contains("9999-99-99") && !text.contains("2024-01"), "{text}");
    ensure!(!text.contains("patient:"), "{text}");
    let found = lines(&run(&json_diff)?);
    let condition = found.iter().find(|line| line["rule"] == "condition").context("condition")?;
    ensure!(condition["both"] == 7 && condition["only_new"] == 1, "{condition}");
    ensure!(found.last().is_some_and(|line| line["patients"] == 3), "{found:?}");
    Ok(())
}

#[test]
fn codes_are_shown_and_people_are_not() -> Result<()> {
    let small = Small::new()?;
    let (old, new, config) = (old(&small)?, small.rules(), small.config.as_str());
    small.write(
        "patient.map.yaml",
        &PATIENT.replace("2=female", "2=other").replace("p.SIMEI}", "p.SIMEI | squeeze}"),
    )?;
    let found =
        lines(&run(&["--format", "json", "rules", "diff", &old, &new, "--config", config])?);
    let elements =
        &found.iter().find(|line| line["rule"] == "patient").context("patient")?["elements"];
    let of = |name: &str| -> Result<&Value> {
        let list = elements.as_array().context("a list")?;
        list.iter()
            .find(|element| element["element"] == name)
            .context(format!("{name}: {elements}"))
    };
    ensure!(of("Patient.gender")?["examples"] == json!([["female", "other"]]), "{elements}");
    let name = &of("Patient.name.text")?["examples"];
    ensure!(name[0] == json!(["漢漢　漢漢", "漢漢 漢漢"]), "{name}");
    // A rule that is renamed makes other resources; one that is gone makes none.
    small.write("patient.map.yaml", &PATIENT.replace("rule: patient", "rule: people"))?;
    small.write("condition.map.yaml", &CONDITION.replace("$ref: patient", "$ref: people"))?;
    let text = run(&["rules", "diff", &old, &new, "--config", config])?;
    says(
        &text,
        &[
            "patient: 0 in both, 3 only with OLD",
            "people: 0 in both, 0 only with OLD, 3 only",
            "Patient/… → Patient/…",
        ],
    )?;
    small.write("patient.map.yaml", "rule: x\n")?;
    fails(&["rules", "diff", &old, &new, "--config", config], 65, &["E0202"])?;
    fails(&["rules", "diff", &old, "nowhere", "--config", config], 64, &["nowhere"])
}

/// Every kind of resource of the demo hospital, those without patients too, in every engine.
#[test]
fn the_same_rules_alter_nothing_and_a_limit_is_told() -> Result<()> {
    for engine in available_engines()? {
        let Some(database) = fill_database(engine, 1)? else { continue };
        let site = TempDir::new()?;
        let config = configuration(&database, site.path())?.display().to_string();
        let (old, new) = (demo_rules().display().to_string(), own_rules(site.path())?);
        let there = new.display().to_string();
        let diff = ["rules", "diff", &old, &there, "--config", &config];
        let same = run(&[&diff[..], &["--patients", "12", "--rows", "100"]].concat())?;
        says(
            &same,
            &["resources of 12 patients", "0 rules differ", "Observation: not all patients"],
        )
        .context(format!("{engine:?}"))?;
        let ward = fs::read_to_string(new.join("ward.map.yaml"))?;
        ensure!(ward.contains("status: active"), "{ward}");
        fs::write(new.join("ward.map.yaml"), ward.replace("status: active", "status: suspended"))?;
        let changed = run(&[&diff[..], &["--patients", "2", "--rows", "50"]].concat())?;
        says(&changed, &["changed  Location.status", "active → suspended", "1 rules differ"])?;
    }
    Ok(())
}
