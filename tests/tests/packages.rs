//! `genkan package` from outside: official packages of a site are added, used, and taken away; what can't
//! be used is refused, and then nothing has changed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use genkan_tests::fhir_package::{self, PATIENT, manifest, profile};
use genkan_tests::harness::genkan_command;
use serde_json::{Value, json};
use tempfile::TempDir;

struct Run {
    code: Option<i32>,
    out: String,
    err: String,
}

fn genkan(folder: &Path, arguments: &[&str]) -> Result<Run> {
    let run = genkan_command()?.args(arguments).current_dir(folder).output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Run { code: run.status.code(), out: text(&run.stdout), err: text(&run.stderr) })
}

fn package(folder: &Path, arguments: &[&str]) -> Result<Run> {
    let with = ["--packages-dir", "site", "--language", "en"];
    genkan(folder, &[&["package"], arguments, &with[..]].concat())
}

#[test]
fn packages_are_added_used_and_taken_away() -> Result<()> {
    let folder = TempDir::new()?;
    let path = folder.path();
    fhir_package::write(
        &path.join("a.tgz"),
        &[
            manifest("a.r4", "1.0.0", json!({"hl7.fhir.r4.core": "4.0.1"})),
            profile("a", PATIENT, "birthDate"),
        ],
    )?;
    fhir_package::write(
        &path.join("b.tgz"),
        &[
            manifest("b.r4", "2.0.0", json!({"a.r4": "1.0.0", "c.r4": "1.x"})),
            profile("b", "http://x.jp/a", "gender"),
        ],
    )?;
    fs::write(
        path.join("p.json"),
        json!({"resourceType": "Patient", "meta": {"profile": ["http://x.jp/b|1"]}}).to_string(),
    )?;
    let before = genkan(path, &["validate", "p.json", "--packages-dir", "site"])?;
    ensure!(
        before.code == Some(0) && before.out.contains("V2105"),
        "{} {}",
        before.out,
        before.err
    );
    // b builds on a: alone it is refused, and nothing is there.
    let alone = package(path, &["add", "b.tgz"])?;
    ensure!(alone.code == Some(64) && alone.err.contains("http://x.jp/a"), "{}", alone.err);
    ensure!(
        alone.err.contains("nothing was changed") && !path.join("site").exists(),
        "{}",
        alone.err
    );
    let added = package(path, &["add", "b.tgz", "a.tgz"])?;
    ensure!(added.code == Some(0), "{:?} {}", added.code, added.err);
    ensure!(added.out == "a.r4 1.0.0 added\nb.r4 2.0.0 added\n", "{}", added.out);
    ensure!(added.err.contains("b.r4 2.0.0 needs c.r4 1.x, which is not here"), "{}", added.err);
    let again = package(path, &["add", "a.tgz"])?;
    ensure!(again.out == "a.r4 1.0.0 is there already\n", "{}", again.out);
    let with = genkan(path, &["validate", "p.json", "--packages-dir", "site", "--language", "en"])?;
    ensure!(with.code == Some(65), "{:?} {}", with.code, with.err);
    for part in ["Patient.birthDate", "Patient.gender"] {
        ensure!(with.out.contains(part), "{part}: {}", with.out);
    }
    let list = package(path, &["list", "--format", "json"])?;
    let first: Value = serde_json::from_str(list.out.lines().next().context("a line")?)?;
    ensure!(
        first["name"] == "a.r4" && first["profiles"] == 1 && first["fhirVersions"][0] == "4.0.1",
        "{first}"
    );
    let base = package(path, &["remove", "a.r4"])?;
    ensure!(base.code == Some(64) && base.err.contains("http://x.jp/b"), "{}", base.err);
    ensure!(package(path, &["list"])?.out.lines().count() == 2, "nothing was removed");
    ensure!(package(path, &["remove", "b.r4#2.0.0"])?.code == Some(0));
    ensure!(package(path, &["remove", "a.r4"])?.code == Some(0));
    ensure!(package(path, &["list"])?.out.is_empty());
    let none = package(path, &["remove", "a.r4"])?;
    ensure!(none.code == Some(64) && none.err.contains("there is no package a.r4"), "{}", none.err);
    Ok(())
}

#[test]
fn another_content_of_a_version_takes_its_place() -> Result<()> {
    let folder = TempDir::new()?;
    let path = folder.path();
    fhir_package::write(
        &path.join("a.tgz"),
        &[manifest("a", "1", json!({})), profile("a", PATIENT, "birthDate")],
    )?;
    ensure!(package(path, &["add", "a.tgz"])?.code == Some(0));
    fhir_package::write(
        &path.join("a.tgz"),
        &[manifest("a", "1", json!({})), profile("a", PATIENT, "gender")],
    )?;
    let replaced = package(path, &["add", "a.tgz"])?;
    ensure!(
        replaced.code == Some(0) && replaced.out.contains("took the place"),
        "{}",
        replaced.out
    );
    fs::write(
        path.join("p.json"),
        json!({"resourceType": "Patient", "meta": {"profile": ["http://x.jp/a"]}}).to_string(),
    )?;
    let with = genkan(path, &["validate", "p.json", "--packages-dir", "site"])?;
    ensure!(
        with.out.contains("Patient.gender") && !with.out.contains("Patient.birthDate"),
        "{}",
        with.out
    );
    fhir_package::write(
        &path.join("b.tgz"),
        &[manifest("b", "1", json!({})), profile("a", PATIENT, "name")],
    )?;
    let shared = package(path, &["add", "b.tgz"])?;
    ensure!(
        shared.err.contains("1 profiles are in both a 1 and b 1: the newest of each is used, and of one version that of b 1"),
        "{}",
        shared.err
    );
    fhir_package::write(&path.join("a2.tgz"), &[manifest("a", "2", json!({}))])?;
    ensure!(package(path, &["add", "a2.tgz"])?.code == Some(0));
    let several = package(path, &["remove", "a"])?;
    ensure!(
        several.code == Some(64) && several.err.contains("a is there as 1, 2"),
        "{}",
        several.err
    );
    let twice = package(path, &["add", "a.tgz", "a.tgz"])?;
    ensure!(twice.code == Some(64) && twice.err.contains("both a 1"), "{}", twice.err);
    Ok(())
}

#[test]
fn what_cannot_be_used_is_refused_and_nothing_changes() -> Result<()> {
    let folder = TempDir::new()?;
    let path = folder.path();
    fhir_package::write(&path.join("good.tgz"), &[manifest("good", "1", json!({}))])?;
    let fhir = |version: Value| {
        ("package.json", json!({"name": "x", "version": "1", "fhirVersions": version}))
    };
    fhir_package::write(&path.join("r5.tgz"), &[fhir(json!(["5.0.0"]))])?;
    fhir_package::write(&path.join("silent.tgz"), &[fhir(Value::Null)])?;
    fhir_package::write(&path.join("name.tgz"), &[manifest("../../x", "1", json!({}))])?;
    fhir_package::write(
        &path.join("json.tgz"),
        &[manifest("x", "1", json!({})), ("a.json", json!("x"))],
    )?;
    let mut broken = profile("x", PATIENT, "name");
    broken.1["differential"]["element"][1]["constraint"] =
        json!([{"key": "x-1", "severity": "error", "human": "x", "expression": "name.("}]);
    fhir_package::write(&path.join("rule.tgz"), &[manifest("x", "1", json!({})), broken])?;
    fhir_package::write(&path.join("empty.tgz"), &[])?;
    fs::write(path.join("text.tgz"), "no archive")?;
    let good = fs::read(path.join("good.tgz"))?;
    fs::write(path.join("cut.tgz"), &good[..good.len() - 4])?;
    for (file, code, why) in [
        ("r5.tgz", 64, "it is for FHIR 5.0.0"),
        ("silent.tgz", 64, "fhirVersions"),
        ("name.tgz", 64, "other signs"),
        ("rule.tgz", 64, "x-1"),
        ("empty.tgz", 64, "not a FHIR package"),
        ("text.tgz", 64, "not a .tgz archive"),
        ("cut.tgz", 64, "not a .tgz archive"),
        ("gone.tgz", 1, "can't read gone.tgz"),
    ] {
        let run = package(path, &["add", "good.tgz", file])?;
        ensure!(
            run.code == Some(code) && run.err.contains(why),
            "{file}: {:?} {}",
            run.code,
            run.err
        );
        ensure!(!path.join("site").exists(), "{file}");
    }
    ensure!(
        package(path, &["add", "good.tgz", "json.tgz"])?.code == Some(0),
        "a text is no definition"
    );
    fs::write(path.join("site/good#1.package"), "{}")?;
    let run = package(path, &["list"])?;
    ensure!(run.code == Some(64) && run.err.contains("add it again"), "{}", run.err);
    fs::write(path.join("p.json"), r#"{"resourceType": "Patient"}"#)?;
    let run = genkan(path, &["validate", "p.json", "--packages-dir", "site", "--language", "ja"])?;
    ensure!(run.code == Some(64) && run.err.contains("もう一度追加"), "{}", run.err);
    Ok(())
}

#[test]
fn what_an_earlier_version_wrote_is_added_again() -> Result<()> {
    let folder = TempDir::new()?;
    let path = folder.path();
    for name in ["a", "b"] {
        let archive = path.join(format!("{name}.tgz"));
        fhir_package::write(
            &archive,
            &[manifest(name, "1", json!({})), profile(name, PATIENT, "gender")],
        )?;
    }
    ensure!(package(path, &["add", "a.tgz", "b.tgz"])?.code == Some(0));
    for name in ["a", "b"] {
        fs::write(path.join(format!("site/{name}#1.package")), "{\"layout\": 0}\n")?;
    }
    let one = package(path, &["add", "a.tgz"])?;
    let is_told = one.err.contains("b#1.package") && one.err.contains("all such packages at once");
    ensure!(one.code == Some(64) && is_told, "{}", one.err);
    let both = package(path, &["add", "a.tgz", "b.tgz"])?;
    ensure!(both.code == Some(0) && both.out.lines().count() == 2, "{} {}", both.out, both.err);
    let listed = package(path, &["list"])?;
    ensure!(listed.out.contains("a 1: 1 profiles") && listed.out.contains("b 1: 1 profiles"));
    Ok(())
}

#[test]
fn official_packages_judge_the_same_from_the_site() -> Result<()> {
    let shared = std::env::var_os("GENKAN_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let files = ["jp-core.r4-1.1.2-url.tgz", "jp-clins.r4-1.5.2-snap.tgz"]
        .map(|name| shared.join("packages").join(name));
    if !files.iter().all(|file| file.exists()) {
        println!("skipped: no packages in {}", shared.display());
        return Ok(());
    }
    let folder = TempDir::new()?;
    let files = files.each_ref().map(|file| file.to_str().unwrap_or_default());
    let added = package(folder.path(), &["add", files[0], files[1]])?;
    ensure!(added.code == Some(0), "{:?} {}", added.code, added.err);
    let examples = shared.join("examples/clins");
    let examples = examples.to_str().context("a path")?;
    let site = genkan(
        folder.path(),
        &["validate", examples, "--packages-dir", "site", "--format", "json"],
    )?;
    let given = genkan(
        folder.path(),
        &["validate", examples, "--package", files[0], "--package", files[1], "--format", "json"],
    )?;
    ensure!(
        site.code == given.code && site.out.lines().count() >= 50,
        "{:?} {}",
        site.code,
        site.err
    );
    // Packages are taken in the order of their names there, and as they are given here.
    ensure!(site.out == given.out, "the same findings");
    Ok(())
}

#[test]
fn the_configuration_names_the_packages_of_the_site() -> Result<()> {
    let folder = TempDir::new()?;
    let path = folder.path();
    let config = genkan(path, &["config", "example"])?;
    ensure!(config.out.contains("packages_dir = \"packages\""), "{}", config.err);
    fs::create_dir(path.join("etc"))?;
    fs::write(path.join("etc/genkan.toml"), config.out)?;
    fhir_package::write(
        &path.join("a.tgz"),
        &[manifest("a", "1", json!({})), profile("a", PATIENT, "birthDate")],
    )?;
    let patient = json!({"resourceType": "Patient", "meta": {"profile": ["http://x.jp/a"]}});
    fs::write(path.join("p.json"), patient.to_string())?;
    let site = ["--config", "etc/genkan.toml"];
    let validate = [&["validate", "p.json"], &site[..]].concat();
    let without = genkan(path, &validate)?;
    ensure!(without.code == Some(0) && without.out.contains("V2105"), "{}", without.err);
    let added = genkan(path, &[&["package", "add", "a.tgz"], &site[..]].concat())?;
    ensure!(added.code == Some(0), "{:?} {}", added.code, added.err);
    ensure!(path.join("etc/packages/a#1.package").exists(), "beside the configuration");
    ensure!(genkan(path, &validate)?.code == Some(65), "the package of the site");
    let elsewhere = [&validate[..], &["--packages-dir", "nowhere"]].concat();
    ensure!(genkan(path, &elsewhere)?.code == Some(0), "what is given counts");
    let neither = genkan(path, &["package", "list"])?;
    ensure!(neither.code == Some(64), "{:?} {}", neither.code, neither.err);
    Ok(())
}
