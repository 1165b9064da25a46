//! `genkan codes recheck`: what an update of the masters means for code maps, by the patients it affects;
//! and how far the maps are compared with masters at all.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{Small, fails, lines, run, says};

/// A line of 傷病名マスター, 46 columns.
fn disease([mark, code, next, name, key, icd10]: [&str; 6]) -> String {
    let value = |number| match number {
        1 => mark,
        2 => "B",
        3 => code,
        4 => next,
        6 => name,
        11 => key,
        13 => &key[4..],
        16 => icd10,
        19 => "00",
        24 if mark == "9" => "20260331",
        24 => "99999999",
        _ => "",
    };
    let fields: Vec<String> = (1..=46).map(|number| format!("\"{}\"", value(number))).collect();
    fields.join(",") + "\r\n"
}

/// The full master of 2025 and its update of 2026.
fn masters() -> [(&'static str, String); 2] {
    let full = disease(["0", "8830001", "8830001", "胃炎", "20050001", "K297"])
        + &disease(["0", "8830003", "8830003", "旧胃炎", "20050003", "K297"])
        + &disease(["0", "8830004", "8830004", "肺炎", "20050004", "J189"]);
    let update = disease(["9", "8830003", "8830001", "旧胃炎", "20050003", "K297"])
        + &disease(["5", "8830004", "8830004", "細菌性肺炎", "20050004", "J159"]);
    [("b_20250601.txt", full), ("b_20260401.txt", update)]
}

const CODES: &str = "local,local_name,target,code,display,status,valid_from,reviewed_at\n\
     B1,ｷｭｳ胃炎,medis,20050003,旧胃炎,accepted,2024-01-01,2025-07-01\n\
     B2,ﾊｲｴﾝ,medis,20050004,肺炎,accepted,,2025-07-01\n";

fn small() -> Result<Small> {
    let small = Small::new()?;
    small.write("codes/disease.csv", CODES)?;
    Ok(small)
}

fn import(small: &Small, (name, text): &(&str, String)) -> Result<()> {
    let path = small.folder.path().join(name);
    fs::write(&path, text)?;
    run(&["codes", "import", "--config", &small.config, &path.display().to_string()])?;
    Ok(())
}

#[test]
fn rows_that_an_update_outdates_are_told_by_the_patients_they_affect() -> Result<()> {
    let small = small()?;
    let config = small.config.as_str();
    let recheck = ["codes", "recheck", "--config", config, "--on", "2026-05-01"];
    fails(&recheck, 64, &["genkan codes import"])?;
    let [full, update] = masters();
    import(&small, &full)?;
    says(&run(&recheck)?, &["nothing to look at"])?;
    import(&small, &update)?;
    let told = [
        "condition: all 7 rows\n",
        "disease: 3 to look at",
        "codes/disease.csv:2  B1 ｷｭｳ胃炎  medis 20050003  retired, last day 2026-03-31  1 rows, 1 patients\n    \
         followed by 20050001 胃炎",
        "codes/disease.csv:3  B2 ﾊｲｴﾝ  medis 20050004  renamed on 2026-04-01: 細菌性肺炎  3 rows, 2 patients",
        "changed on 2026-04-01: icd10 J189 → J159",
    ];
    fails(&recheck, 65, &told)?;
    // Its last day is still to come.
    let earlier = ["codes", "recheck", "--config", config, "--on", "2026-03-31"];
    fails(&earlier, 65, &["ends, last day 2026-03-31"])?;
    // Nobody is counted where the source is not asked.
    fails(
        &[&recheck[..], &["--rows", "0"]].concat(),
        65,
        &["20050003  retired, last day 2026-03-31\n"],
    )?;
    fails(&[&recheck[..], &["--from", "2024-01-02"]].concat(), 65, &["0 rows, 0 patients"])?;
    // What has ended in the map keeps the code of its time.
    small.write(
        "codes/disease.csv",
        "local,target,code,display,status,valid_to\nB1,medis,20050003,旧胃炎,accepted,2026-03-31\n",
    )?;
    says(&run(&recheck)?, &["nothing to look at"])
}

/// A small set with two targets: the update gives B2 another ICD-10, which the other row does not have.
#[test]
fn codes_that_no_more_go_together_are_told() -> Result<()> {
    let small = small()?;
    let icd10 = "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/ICD10-2013-full";
    let target = format!("    - {{id: icd10, system: {icd10}}}\n  unmapped:");
    let maps = super::MAPS.replace("  unmapped:", &target);
    small.write("codes/codemaps.yaml", &maps)?;
    small.write(
        "codes/disease.csv",
        "local,target,code,status,reviewed_at\nB2,medis,20050004,accepted,2026-04-02\n\
         B2,icd10,J189,accepted,2026-04-02\n",
    )?;
    let [full, update] = masters();
    let recheck = ["codes", "recheck", "--config", &small.config, "--on", "2026-05-01"];
    import(&small, &full)?;
    says(&run(&recheck)?, &["nothing to look at"])?;
    import(&small, &update)?;
    fails(
        &recheck,
        65,
        &["disease: ", "icd10 J189  by the master medis 20050004 has J159  3 rows, 2 patients"],
    )?;
    let found = lines(&told(&[&recheck[..], &["--format", "json"]].concat())?);
    let found = found.iter().find(|line| line["outdated"] == "disagrees").context("none")?;
    let detail = json!({"target": "medis", "code": "20050004", "given": ["J159"]});
    ensure!(found["detail"] == detail && found["line"] == 3, "{found}");
    Ok(())
}

fn told(arguments: &[&str]) -> Result<String> {
    let output = genkan_tests::harness::genkan_command()?.args(arguments).output()?;
    ensure!(output.status.code() == Some(65), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

#[test]
fn programs_and_spreadsheets_get_the_same() -> Result<()> {
    let small = small()?;
    masters().iter().try_for_each(|file| import(&small, file))?;
    let config = small.config.as_str();
    let recheck = ["codes", "recheck", "--config", config, "--on", "2026-05-01"];
    let found = lines(&told(&[&recheck[..], &["--format", "json"]].concat())?);
    let of = |what: &str| -> Result<&Value> {
        found.iter().find(|line| line["outdated"] == what).context(what.to_owned())
    };
    let retired = of("retired")?;
    ensure!(retired["detail"] == json!({"last": "2026-03-31"}), "{retired}");
    ensure!(retired["successors"][0]["code"] == "20050001", "{retired}");
    ensure!(retired["successors"][0]["named"] == true, "{retired}");
    ensure!(retired["rows"] == 1 && retired["patients"] == 1 && retired["line"] == 2, "{retired}");
    let changed =
        json!({"property": "icd10", "before": "J189", "now": "J159", "since": "2026-04-01"});
    ensure!(of("changed")?["detail"] == changed, "{found:?}");
    ensure!(of("renamed")?["detail"]["since"] == "2026-04-01", "{found:?}");
    // Those of most patients first.
    let order: Vec<&Value> = found
        .iter()
        .filter(|line| line["outdated"].is_string())
        .map(|line| &line["line"])
        .collect();
    ensure!(order == [3, 3, 2], "{order:?}");
    let csv = told(&[&recheck[..], &["--csv"]].concat())?;
    let expected = "map,local,local_name,target,code,display,line,what,detail,successor,successor_name,rows,patients";
    ensure!(csv.lines().next() == Some(expected), "{csv}");
    let expected = "disease,B1,ｷｭｳ胃炎,medis,20050003,旧胃炎,2,retired,\"retired, last day 2026-03-31\",20050001,胃炎,1,1";
    ensure!(csv.lines().last() == Some(expected), "{csv}");
    Ok(())
}

/// What was not compared is said, by every way of loading the rules.
#[test]
fn a_check_says_how_far_the_maps_were_compared() -> Result<()> {
    let small = small()?;
    let (rules, config) = (small.rules(), small.config.as_str());
    let nothing = run(&["rules", "check", &rules])?;
    says(&nothing, &["code maps: not checked: no master of their systems is loaded"])?;
    let [full, update] = masters();
    import(&small, &full)?;
    let check = ["rules", "check", &rules, "--config", config];
    says(&run(&check)?, &["codes of disease, medis: 2 of 2 rows are in the masters\n"])?;
    import(&small, &update)?;
    let found = run(&check)?;
    let retired = "codes/disease.csv:2:16 W0621 `20050003` was in use until 2026-03-31, and the row holds longer";
    let renamed =
        "codes/disease.csv:3:24 W0623 the display is `肺炎`, and the master's is `細菌性肺炎`";
    says(
        &found,
        &[
            retired,
            "= valid_to 2026-03-31, and a row from 2026-04-01 on with `20050001` 胃炎",
            renamed,
        ],
    )?;
    let file = small.folder.path().join("masters.genkan").display().to_string();
    let checked = run(&["--format", "json", "rules", "check", &rules, "--masters", &file])?;
    let compared = lines(&checked).into_iter().find(|line| line["compared"] == "disease");
    let expected = json!({
        "compared": "disease", "target": "medis", "rows": 2, "known": 2, "unchecked": [],
        "system": "http://medis.or.jp/CodeSystem/master-disease-keyNumber",
    });
    ensure!(compared == Some(expected), "{checked}");
    fs::write(&file, "no masters")?;
    fails(&check, 1, &["not a file of masters"])
}

/// The demo hospital's maps against the masters as they are published, where they lie beside the repository.
#[test]
fn the_demo_hospitals_maps_are_compared_with_the_real_masters() -> Result<()> {
    let shared = std::env::var_os("GENKAN_SHARED").map(std::path::PathBuf::from);
    let shared = shared.unwrap_or_else(|| genkan_tests::tidy::root().join("../shared"));
    let masters = shared.join("masters");
    if !masters.is_dir() {
        eprintln!("skipped: {} is not there", masters.display());
        return Ok(());
    }
    let folder = tempfile::TempDir::new()?;
    let file = folder.path().join("masters.genkan").display().to_string();
    let published = [
        "ssk/b_20240601.txt",
        "ssk/z_20250601.txt",
        "ssk/y_ALL20240321.csv",
        "mhlw/ippanmeishohoumaster_250814.xlsx",
        "mhlw/tp20250814-01_01.xlsx",
        "mhlw/tp20250814-01_02.xlsx",
        "mhlw/tp20250814-01_03.xlsx",
        "jfagy/utf8_JFAGY_J9FN_20250401_R01.csv",
    ];
    let published = published.map(|name| masters.join(name).display().to_string());
    let names: Vec<&str> = published.iter().map(String::as_str).collect();
    run(&[&["codes", "import", "--masters", &file], &names[..]].concat())?;
    let items = masters.join("jlac/clins-jlac10-jlac11.xlsx").display().to_string();
    run(&["codes", "import", "--masters", &file, "--effective", "2024-09-01", &items])?;
    let rules = genkan_tests::hospital::rules().display().to_string();
    let told = run(&["--format", "json", "rules", "check", &rules, "--masters", &file])?;
    let told = lines(&told);
    let compared = told.iter().filter(|line| line["compared"].is_string());
    let number = |value: &Value| value.as_u64().unwrap_or_default();
    let rows: Vec<(String, u64, u64, u64)> = compared
        .map(|line| {
            let name = format!("{}.{}", line["compared"], line["target"]).replace('"', "");
            let unchecked = line["unchecked"].as_array().into_iter().flatten();
            let unchecked = unchecked.map(|one| number(&one["rows"])).sum();
            (name, number(&line["rows"]), number(&line["known"]), unchecked)
        })
        .collect();
    let expected = [
        ("allergen.food", 16, 16, 0),
        ("allergen.other", 9, 9, 0),
        ("allergen.ycm", 2, 2, 0),
        ("allergen.gcm", 2, 2, 0),
        // ニトラゼパム「テバ」 is in HOT alone.
        ("contraindication.ycm", 69, 68, 1),
        ("department.ssmix2", 13, 0, 13),
        ("disease.medis", 75, 75, 0),
        ("disease.receipt", 75, 75, 0),
        ("disease.exchange", 75, 75, 0),
        ("disease.icd10", 75, 75, 0),
        ("drug.yj", 69, 68, 1),
        ("drug.hot9", 2, 0, 2),
        ("drug.generic", 54, 50, 0),
        ("lab.core", 47, 47, 0),
        ("lab.infection", 11, 11, 0),
        ("modifier.medis", 16, 16, 0),
        ("modifier.exchange", 16, 16, 0),
        ("modifier.receipt", 16, 16, 0),
        ("usage.epresc", 14, 0, 14),
    ];
    let expected = expected.map(|(name, rows, known, open)| (name.to_owned(), rows, known, open));
    ensure!(rows == expected, "{rows:#?}");
    // Four generic names that the list of 2025 has no more; two names with another letter for 血.
    let codes = told.iter().filter_map(|line| line["code"].as_str());
    let count = |code: &str| codes.clone().filter(|found| *found == code).count();
    let found = ["W0620", "W0621", "E0622", "W0623", "W0624", "W0628", "W0630"].map(count);
    ensure!(found == [4, 0, 0, 2, 0, 0, 0], "{found:?}");
    Ok(())
}
