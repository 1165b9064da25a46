//! The commands: what they find, what they write, and what they refuse.

use std::fs;

use anyhow::{Context, Result, ensure};
use genkan_tests::hospital;
use serde_json::Value;

use super::{Site, UNMAPPED, read_only};

fn lines(told: &str) -> Vec<Value> {
    told.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// The first candidate of each target.
fn first_of_each(line: &Value) -> Vec<(String, String, String)> {
    let all = line["suggestions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut found: Vec<(String, String, String)> = Vec::new();
    for one in all {
        let target = text(&one["target"]);
        if !found.iter().any(|(known, ..)| *known == target) {
            found.push((target, text(&one["code"]), text(&one["reasons"][0]["reason"])));
        }
    }
    found.sort();
    found
}

#[test]
fn unmapped_codes_of_the_rows_get_candidates_with_reasons() -> Result<()> {
    let site = Site::new("")?;
    let suggest = ["suggest", "disease", "--format", "json"];
    site.run(&suggest)?.ends(64, &["genkan codes import"])?;
    site.import()?;
    let run = site.run(&suggest)?;
    run.ends(0, &[])?;
    let found = lines(&run.out);
    let of = |code: &str| found.iter().find(|line| line["local"] == code).context(code.to_owned());
    for (code, expected) in [
        ("B0135", ["L9HQ", "E785", "20091221", "8844446"]),
        ("B0149", ["VTF4", "E790", "20061658", "7906015"]),
    ] {
        let line = of(code)?;
        let targets = ["exchange", "icd10", "medis", "receipt"].into_iter().zip(expected);
        let expected: Vec<_> = targets
            .map(|(target, code)| (target.to_owned(), code.to_owned(), "exact-name".to_owned()))
            .collect();
        ensure!(first_of_each(line) == expected, "{line}");
        ensure!(line["patients"].as_u64() > Some(0), "{line}");
        ensure!(line["rows"].as_u64() >= line["patients"].as_u64(), "{line}");
        ensure!(line["suggestions"][0]["score"].as_f64() > Some(0.5), "{line}");
    }
    // Mapped codes need none, unless somebody asks.
    ensure!(!found.iter().any(|line| line["local"] == "B0107"), "{}", run.out);
    let asked = site.run(&["suggest", "disease", "--code", "B0107", "--format", "json"])?;
    ensure!(lines(&asked.out).iter().any(|line| line["local"] == "B0107"), "{}", asked.out);
    ensure!(lines(&asked.out)[0]["looked"] == "condition", "{}", asked.out);
    // Nobody of the hospital is told of.
    for private in hospital::private_values(&site.database)? {
        ensure!(!run.out.contains(&private), "{private}");
    }
    let told = site.run(&["suggest", "--code", "B0135", "--top", "1"])?;
    told.ends(0, &["脂質異常症", "medis  20091221  脂質異常症  (the same name: 脂質異常症)"])?;
    told.ends(0, &["usage epresc: no candidates: there is no master"])?;
    let csv = site.run(&["suggest", "disease", "--csv"])?;
    csv.ends(0, &["map,local,local_name,patients,target", ",exact-name\n"])?;
    site.run(&["suggest", "colour"])?.ends(64, &["no map `colour`", "disease, modifier"])?;
    site.run(&["suggest", "disease", "--code", "B9999"])?.ends(64, &["B9999"])?;
    ensure!(site.run(&["suggest", "disease", "--accept-exact"])?.code == Some(64));
    Ok(())
}

#[test]
fn what_is_written_is_proposed_and_serves_only_when_it_is_accepted() -> Result<()> {
    let site = Site::new("")?;
    site.import()?;
    let before = site.text("disease")?;
    let write = ["suggest", "disease", "--code", "B0135", "--top", "2", "--write"];
    site.run(&write)?.ends(0, &["rows added, 0 of them accepted"])?;
    let written = site.text("disease")?;
    let added = written.strip_prefix(&before).context("what was there stays")?.to_owned();
    ensure!(
        added.contains(
            "B0135,脂質異常症,medis,20091221,脂質異常症,equivalent,,,proposed,,,2026-04-01,"
        ),
        "{added}"
    );
    ensure!(!added.contains("accepted") && !added.contains("auto"), "{added}");
    // What is there already is not proposed again, whatever became of it.
    site.run(&write)?.ends(0, &[])?;
    ensure!(site.text("disease")? == written);
    let unmapped = |site: &Site| -> Result<bool> {
        let run = site.run(&["suggest", "disease", "--format", "json"])?;
        Ok(lines(&run.out).iter().any(|line| line["local"] == "B0135"))
    };
    let review = |state: &str| {
        let own = ["--target", "medis", "--standard", "20091221", "--by", "診療情報管理室"];
        site.run(&[&["review", "disease", "B0135", "--state", state][..], &own].concat())
    };
    review("accepted")?.ends(64, &["E0636", "proposed can't become accepted"])?;
    ensure!(site.text("disease")? == written, "nothing was written");
    for (state, is_unmapped) in [("draft", true), ("reviewed", true), ("accepted", false)] {
        review(state)?.ends(0, &[&format!("{state} by 診療情報管理室 on 2")])?;
        ensure!(unmapped(&site)? == is_unmapped, "{state}");
    }
    let mut now: Vec<String> = site.text("disease")?.lines().map(str::to_owned).collect();
    let row = now.iter().position(|line| line.starts_with("B0135,脂質異常症,medis,20091221"));
    let row = now.remove(row.context("the row")?);
    ensure!(row.contains(",accepted,診療情報管理室,20"), "{row}");
    let others: Vec<&str> =
        written.lines().filter(|line| !line.contains(",medis,20091221")).collect();
    ensure!(now == others, "no other row has changed");
    Ok(())
}

#[test]
fn decisions_that_make_no_sense_are_refused() -> Result<()> {
    let site = Site::new("")?;
    site.import()?;
    let before = site.text("disease")?;
    let review =
        |rest: &[&str]| site.run(&[&["review", "disease"][..], rest, &["--by", "佐藤"]].concat());
    review(&["B0107", "--state", "draft"])?.ends(64, &["E0635", "several rows"])?;
    review(&["B0107", "--target", "medis", "--state", "rejected"])?
        .ends(64, &["E0636", "reopen"])?;
    review(&["B0135", "--target", "colour", "--state", "draft"])?.ends(64, &["E0637"])?;
    review(&["B0135", "--state", "draft"])?.ends(64, &["E0638"])?;
    let unknown = ["--target", "medis", "--standard", "20999999", "--state", "draft"];
    review(&[&["B0135"][..], &unknown].concat())?.ends(64, &["E0639", "no such code"])?;
    ensure!(review(&["B0135", "--state", "finished"])?.code == Some(64));
    site.run(&["review", "colour", "B0135", "--state", "draft", "--by", "佐藤"])?
        .ends(64, &["no map `colour`"])?;
    read_only(&site.csv("disease"), true)?;
    review(&["B0135", "--state", "no-map"])?
        .ends(1, &["disease.csv", "can't be read or written"])?;
    site.run(&["suggest", "disease", "--write"])?.ends(1, &["can't be read or written"])?;
    read_only(&site.csv("disease"), false)?;
    ensure!(site.text("disease")? == before);
    review(&["B0135", "B0149", "--state", "no-map"])?.ends(0, &["B0149  : no-map by 佐藤"])?;
    // Two codes of one target at one time: neither would serve.
    let new = ["--target", "medis", "--standard", "20061512"];
    for state in ["draft", "reviewed"] {
        review(&[&["B0107", "--state", state][..], &new].concat())?.ends(0, &[])?;
    }
    review(&[&["B0107", "--state", "accepted"][..], &new].concat())?.ends(64, &["W0612"])?;
    Ok(())
}

#[test]
fn exact_matches_are_accepted_only_if_asked_for_and_by_somebody() -> Result<()> {
    let site = Site::new("")?;
    site.import()?;
    let accept = ["suggest", "disease", "--write", "--accept-exact", "--top", "2"];
    ensure!(site.run(&accept)?.code == Some(64), "nobody answers for it");
    site.run(&[&accept[..], &["--by", "佐藤"]].concat())?.ends(0, &["accepted as exact"])?;
    let text = site.text("disease")?;
    for code in UNMAPPED {
        let of_medis: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with(code) && line.contains(",medis,"))
            .collect();
        let auto = of_medis.iter().filter(|line| line.contains(",auto,佐藤,20")).count();
        ensure!(auto == 1, "{of_medis:?}");
        ensure!(of_medis.iter().filter(|line| line.contains(",accepted,")).count() == 0);
    }
    let run = site.run(&["suggest", "disease", "--format", "json"])?;
    let left = lines(&run.out);
    ensure!(
        !left.iter().any(|line| UNMAPPED.iter().any(|code| line["local"] == *code)),
        "{left:?}"
    );
    Ok(())
}

#[test]
fn a_site_without_a_table_gives_its_codes_in_a_file() -> Result<()> {
    let site = Site::new("")?;
    site.import()?;
    // Nobody asks the source: there is none.
    let config = fs::read_to_string(&site.config)?;
    let config = config.replace(&site.database.url, "sqlite:///nowhere/hospital.db");
    fs::write(&site.config, config)?;
    let path = site.folder.path().join("house.csv");
    let file = path.display().to_string();
    let suggest = ["suggest", "disease", "--from-file", &file, "--format", "json", "--top", "1"];
    for (text, code) in [
        ("code,name\nX1,ｺｳｺﾚｽﾃﾛｰﾙ血症\n", "20061550"),
        ("code,name,kana\nX1,脂質異常症の疑い,\n", "20091221"),
    ] {
        fs::write(&path, text)?;
        let run = site.run(&suggest)?;
        run.ends(0, &[])?;
        let line = &lines(&run.out)[0];
        let medis = first_of_each(line).into_iter().find(|(target, ..)| target == "medis");
        ensure!(medis.context("medis")?.1 == code, "{line}");
    }
    for (text, told) in [
        ("code\nX1\n", "house.csv:1: name: this column is missing"),
        ("code,name,colour\n", "house.csv:1: colour: no column of house codes"),
        ("code,name\n,名\n", "house.csv:2: code: no code"),
        ("code,name,median\nX1,名,NaN\n", "house.csv:2: median: no number"),
    ] {
        fs::write(&path, text)?;
        site.run(&suggest)?.ends(64, &[told])?;
    }
    Ok(())
}

/// A line of 修飾語マスター, 19 columns.
fn modifier([code, name, key, kind]: [&str; 4]) -> String {
    let value = |number| match number {
        1 => "0",
        3 => code,
        7 => name,
        16 => "99999999",
        17 => key,
        19 => kind,
        _ => "",
    };
    let fields: Vec<String> = (1..=19).map(|number| format!("\"{}\"", value(number))).collect();
    fields.join(",") + "\r\n"
}

/// From a name of the house to a disease with extensions: proposed, reviewed, accepted, checked.
#[test]
fn the_modifiers_of_a_name_become_rows_of_their_own() -> Result<()> {
    let site = Site::new("")?;
    site.import()?;
    let modifiers = site.folder.path().join("z_20260401.txt");
    let rows = [["4012", "急性", "27000225", "A1"], ["8002", "の疑い", "27000001", "A8"]];
    fs::write(&modifiers, rows.map(modifier).concat())?;
    site.run(&["import", &modifiers.display().to_string()])?.ends(0, &[])?;
    let maps = site.folder.path().join("rules/codes/codemaps.yaml");
    let jp = "http://jpfhir.jp/fhir/core/Extension/StructureDefinition/JP_Condition_Disease";
    let key = "http://medis.or.jp/CodeSystem/master-disease-modKeyNumber";
    let target =
        |id, end| format!("    - {{id: {id}, system: {key}, extension: {jp}{end}Modifier}}\n");
    let targets = target("pre", "Prefix") + &target("post", "Postfix");
    let text = fs::read_to_string(&maps)?;
    fs::write(&maps, text.replacen("  unmapped:", &format!("{targets}  unmapped:"), 1))?;
    let names = site.folder.path().join("names.csv");
    fs::write(&names, "code,name\nX0001,急性高脂血症の疑い\n")?;
    let names = names.display().to_string();
    let write = ["suggest", "disease", "--from-file", &names, "--top", "1", "--write"];
    site.run(&write)?.ends(0, &[])?;
    let own = |state: &str| -> Result<Vec<String>> {
        let text = site.text("disease")?;
        let rows = text.lines().filter(|line| line.starts_with("X0001"));
        let rows = rows.filter(|line| line.contains(state));
        Ok(rows.map(|line| line.split(',').skip(2).take(2).collect::<Vec<_>>().join(" ")).collect())
    };
    let mut proposed = own(",proposed,")?;
    proposed.sort();
    let expected = [
        "exchange DP3C",
        "icd10 E785",
        "medis 20061512",
        "post 27000001",
        "pre 27000225",
        "receipt 2724002",
    ];
    ensure!(proposed == expected, "{proposed:?}");
    // A second time nothing is added.
    let before = site.text("disease")?;
    site.run(&write)?.ends(0, &[])?;
    ensure!(site.text("disease")? == before);
    for target in ["medis", "receipt", "exchange", "icd10", "pre", "post"] {
        for state in ["draft", "reviewed", "accepted"] {
            let of = ["--target", target, "--state", state, "--by", "診療情報管理室"];
            site.run(&[&["review", "disease", "X0001"], &of[..]].concat())?.ends(0, &[])?;
        }
    }
    ensure!(own(",accepted,")?.len() == expected.len());
    let rules = site.folder.path().join("rules");
    let checked = genkan_tests::harness::genkan_command()?
        .args(["rules", "check", &rules.display().to_string(), "--masters"])
        .arg(site.folder.path().join("masters.genkan"))
        .output()?;
    let told = String::from_utf8(checked.stdout)? + &String::from_utf8(checked.stderr)?;
    ensure!(
        !told.contains("W0628") && !told.contains("X0001") && !told.contains("W0612"),
        "{told}"
    );
    Ok(())
}
