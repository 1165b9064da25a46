//! The masters as they are published, where they lie beside the repository.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::{FOOD, ask, codes, serve, value};

/// 27,437 diseases, 2,375 modifiers, 1,738 allergens and the service's items.
#[test]
fn the_published_masters_answer_too() -> Result<()> {
    let shared = std::env::var_os("GENKAN_SHARED").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let masters = shared.unwrap_or(beside).join("masters");
    if !masters.is_dir() {
        eprintln!("skipped: {} is not there", masters.display());
        return Ok(());
    }
    let files = [
        "ssk/b_20240601.txt",
        "ssk/z_20250601.txt",
        "jfagy/utf8_JFAGY_J9FN_20250401_R01.csv",
        "jlac/clins-jlac10-jlac11.xlsx",
    ];
    let files: Vec<PathBuf> = files.iter().map(|file| masters.join(file)).collect();
    let served = serve(&files, "2025-06-01", "")?;
    let genkan = &served.genkan;
    let disease = "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/masterB-disease";
    let (_, found) = ask(genkan, &format!("/fhir/CodeSystem?url={disease}"))?;
    let system = &found["entry"][0]["resource"];
    ensure!(system["count"] == 27_437 && system["content"] == "not-present", "{system}");
    let set = system["valueSet"].as_str().context("a value set")?;
    let words = format!("/fhir/ValueSet/$expand?url={set}&filter=2型糖尿病&count=5");
    let (status, found) = ask(genkan, &words)?;
    let total = found["expansion"]["total"].as_u64().unwrap_or(0);
    ensure!(status == 200 && total > 20 && codes(&found).split(' ').count() == 5, "{found}");
    let (_, found) =
        ask(genkan, &format!("/fhir/ValueSet/$expand?url={set}&count=1&offset=27436"))?;
    ensure!(found["expansion"]["contains"].as_array().is_some_and(|all| all.len() == 1), "{found}");
    let (status, outcome) = ask(genkan, &format!("/fhir/ValueSet/$expand?url={set}"))?;
    ensure!(status == 422, "{outcome}");
    let lookup = format!("/fhir/CodeSystem/$lookup?system={disease}&code=8833421&property=icd10");
    let (_, found) = ask(genkan, &lookup)?;
    ensure!(value(&found, "display") == "高血圧症" && found.to_string().contains("I10"), "{found}");
    let path = format!("/fhir/CodeSystem/$subsumes?system={FOOD}&codeA=00F&codeB=J9FA12000011");
    ensure!(value(&ask(genkan, &path)?.1, "outcome") == "subsumes");
    // What has no master of its own.
    let icd10 = "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/ICD10-2013-full";
    let core = "http://jpfhir.jp/fhir/clins/CodeSystem/JLAC10/JP_CLINS_ObsLabResult_CoreLabo_CS";
    for (system, code, result) in [
        (icd10, "I10&display=高血圧", true),
        (core, "3A010000002327101&display=TP", true),
        (core, "3A010000002327101&display=総蛋白", false),
    ] {
        let path = format!("/fhir/CodeSystem/$validate-code?url={system}&code={code}");
        let (status, found) = ask(genkan, &path)?;
        ensure!(status == 200 && value(&found, "result") == result, "{path}: {found}");
    }
    for (code, result) in [("3A010000002327101", true), ("3A010000002327199", false)] {
        let jlac = "http://medis.or.jp/CodeSystem/master-JLAC10-17digits";
        let path = format!("/fhir/CodeSystem/$validate-code?url={jlac}&code={code}");
        let (_, found) = ask(genkan, &path)?;
        ensure!(value(&found, "result") == result, "{found}");
        let is_part = found.to_string().contains("a part of all");
        ensure!(result != is_part, "{found}");
    }
    Ok(())
}
