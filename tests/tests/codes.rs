//! `genkan codes` from outside: imports are whole, in order, and done once.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use genkan_tests::harness::genkan_command;
use genkan_tests::hospital;
use tempfile::TempDir;

/// A modifier master of 支払基金: 19 columns, in UTF-8 as some hospitals convert it.
fn modifiers(rows: &[(&str, &str)]) -> String {
    let line = |(code, name): &(&str, &str)| {
        let value = |number| match number {
            1 => "0",
            3 => code,
            7 => name,
            16 => "99999999",
            17 => "27000001",
            18 => "5395",
            _ => "",
        };
        let fields: Vec<String> = (1..=19).map(|number| format!("\"{}\"", value(number))).collect();
        fields.join(",") + "\n"
    };
    rows.iter().map(line).collect()
}

struct Run {
    code: Option<i32>,
    out: String,
    err: String,
}

fn codes(folder: &Path, arguments: &[&str]) -> Result<Run> {
    let run = genkan_command()?.arg("codes").args(arguments).current_dir(folder).output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Run { code: run.status.code(), out: text(&run.stdout), err: text(&run.stderr) })
}

#[test]
fn masters_are_imported_as_a_whole_in_order_and_once() -> Result<()> {
    let folder = TempDir::new()?;
    let path = folder.path();
    fs::write(path.join("z_20260401.txt"), modifiers(&[("8002", "の疑い"), ("4012", "急性")]))?;
    fs::write(path.join("z_20260601.txt"), modifiers(&[("8002", "の疑い")]))?;
    fs::write(path.join("z_20260501.txt"), "no master\n")?;
    let import = ["import", "--masters", "m.genkan", "--language", "en"];
    let refused = codes(path, &[&import[..], &["z_20260401.txt", "z_20260501.txt"]].concat())?;
    ensure!(refused.code == Some(1) && refused.err.contains("z_20260501.txt"), "{}", refused.err);
    ensure!(!path.join("m.genkan").exists(), "nothing is half imported");
    // The later one first: files of one command are put in order.
    let done = codes(path, &[&import[..], &["z_20260601.txt", "z_20260401.txt"]].concat())?;
    ensure!(done.code == Some(0), "{}{}", done.out, done.err);
    ensure!(done.out.contains("2 added") && done.out.contains("1 retired"), "{}", done.out);
    let bytes = fs::read(path.join("m.genkan"))?;
    let again = codes(path, &[&import[..], &["z_20260401.txt"]].concat())?;
    ensure!(again.code == Some(0) && again.out.contains("imported before"), "{}", again.out);
    ensure!(fs::read(path.join("m.genkan"))? == bytes, "the same file");
    let listed = codes(path, &["list", "--masters", "m.genkan", "--format", "json"])?;
    let listed: serde_json::Value = serde_json::from_str(&listed.out)?;
    ensure!(listed["imports"].as_array().is_some_and(|imports| imports.len() == 2), "{listed}");
    fs::write(path.join("z_20260301.txt"), modifiers(&[("9999", "新")]))?;
    let older = codes(path, &[&import[..], &["z_20260301.txt"]].concat())?;
    ensure!(older.code == Some(1) && older.err.contains("in order"), "{}", older.err);
    fs::write(path.join("m.genkan"), &bytes[..bytes.len() - 1])?;
    let damaged = codes(path, &["list", "--masters", "m.genkan"])?;
    ensure!(damaged.code == Some(1) && damaged.err.contains("damaged"), "{}", damaged.err);
    Ok(())
}

#[test]
fn what_can_not_be_used_is_told_with_its_line() -> Result<()> {
    let folder = TempDir::new()?;
    let path = folder.path();
    fs::write(
        path.join("z.txt"),
        modifiers(&[("8002", "の疑い"), ("80", "短い"), ("4012", "")])
            + "\n"
            + &modifiers(&[("4013", "慢性"), ("4014", "両側")]),
    )?;
    let undated = codes(path, &["import", "--masters", "m.genkan", "z.txt"])?;
    ensure!(undated.code == Some(64) && undated.err.contains("--effective"), "{}", undated.err);
    let arguments = [
        "import",
        "--masters",
        "m.genkan",
        "--effective",
        "2026-04-01",
        "z.txt",
        "--language",
        "ja",
    ];
    let done = codes(path, &arguments)?;
    ensure!(done.code == Some(0), "{}{}", done.out, done.err);
    for told in ["z.txt:2:3: コードの桁数", "z.txt:3:7: 名称がありません"] {
        ensure!(done.out.contains(told), "{told}: {}", done.out);
    }
    Ok(())
}

/// The maps of the demo, there and back: not a byte is another.
#[test]
fn a_code_map_leaves_as_a_concept_map_and_comes_back_as_it_was() -> Result<()> {
    let rules = hospital::rules();
    let rules = rules.to_str().context("a path")?;
    let folder = TempDir::new()?;
    for map in ["allergen", "disease", "drug", "lab", "usage"] {
        let (json, csv) = (format!("{map}.json"), format!("{map}.csv"));
        let out = codes(folder.path(), &["export-map", map, "--rules", rules, "--out", &json])?;
        ensure!(out.code == Some(0), "{}", out.err);
        let back = ["import-map", map, &json, "--rules", rules, "--out", &csv];
        let back = codes(folder.path(), &back)?;
        ensure!(back.code == Some(0), "{}", back.err);
        let own = fs::read_to_string(Path::new(rules).join("codes").join(&csv))?;
        ensure!(fs::read_to_string(folder.path().join(&csv))? == own, "{map}");
    }
    let told = codes(folder.path(), &["export-map", "colour", "--rules", rules])?;
    ensure!(told.code == Some(64) && told.err.contains("allergen"), "{}", told.err);
    let other = ["import-map", "drug", "disease.json", "--rules", rules, "--language", "en"];
    let other = codes(folder.path(), &other)?;
    ensure!(other.code == Some(1) && other.err.contains("ConceptMap.group[0]"), "{}", other.err);
    Ok(())
}
