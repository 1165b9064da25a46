//! `genkan demo`, the first thing that a newcomer runs: what it prints is true.

use std::ffi::OsStr;

use anyhow::{Context, Result, ensure};
use genkan_tests::harness::{Genkan, genkan_command};
use tempfile::TempDir;

fn start(folder: &TempDir) -> Result<Genkan> {
    start_with(folder, &[])
}

/// Until it has printed everything.
fn start_with(folder: &TempDir, arguments: &[&OsStr]) -> Result<Genkan> {
    let mut command = genkan_command()?;
    command.args(["demo", "--listen", "127.0.0.1:0", "--patients", "60", "--directory"]);
    let genkan = Genkan::start({
        command.arg(folder.path()).args(arguments);
        command
    })?;
    genkan.says("Ctrl-C", 1)?;
    Ok(genkan)
}

/// The URLs of the printed curl commands.
fn printed(genkan: &Genkan) -> Vec<String> {
    let log = genkan.log();
    let commands = log.lines().filter_map(|line| line.trim().strip_prefix("curl '"));
    commands.filter_map(|rest| Some(rest.split('\'').next()?.to_owned())).collect()
}

#[test]
fn every_url_that_it_prints_shows_what_it_says() -> Result<()> {
    let folder = TempDir::new()?;
    let genkan = start(&folder)?;
    let urls = printed(&genkan);
    ensure!(urls.len() >= 7, "{}", genkan.log());
    for url in &urls {
        let path = url.strip_prefix(&genkan.base).context("a URL of this server")?;
        let answer = genkan.get(path)?;
        if path.contains("brithdate") {
            ensure!(answer.status == 400 && answer.text().contains("birthdate"), "{path}");
            continue;
        }
        ensure!(answer.status == 200, "{path}: {}", answer.text());
        if path.contains("_count") {
            ensure!(answer.json()?["entry"][0].is_object(), "{path} finds nothing");
        }
    }
    Ok(())
}

#[test]
fn its_folder_serves_the_other_commands_and_a_second_start() -> Result<()> {
    let folder = TempDir::new()?;
    let genkan = start(&folder)?;
    let first = printed(&genkan);
    let patient = first.iter().find(|url| url.contains("/Patient/")).context("a patient")?;
    let id = patient.split("/Patient/").nth(1).and_then(|rest| rest.split('?').next());
    let id = id.context("an id")?.to_owned();
    ensure!(genkan.stop()?.0.success());
    let config = folder.path().join("hospital-60-1.toml");
    let rules = folder.path().join("rules");
    let output = genkan_command()?.args(["rules", "check"]).arg(&rules).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let mut bundle = genkan_command()?;
    bundle.args(["bundle", "--patient", &id, "--kind", "condition", "--as-of", "2026-04-01"]);
    bundle.arg("--config").arg(&config);
    let (once, again) = (bundle.output()?, bundle.output()?);
    let told = String::from_utf8_lossy(&once.stderr).into_owned();
    ensure!(once.status.success(), "{told}");
    ensure!(once.stdout == again.stdout, "other bytes for the same rows");
    let json: serde_json::Value = serde_json::from_slice(&once.stdout)?;
    ensure!(
        json["type"] == "collection" && json["entry"][0]["resource"]["resourceType"] == "Patient"
    );
    let second = start(&folder)?;
    ensure!(second.get(&format!("/fhir/Patient/{id}"))?.status == 200, "ids change with a restart");
    ensure!(!second.log().contains("--rules"), "nobody changed a rule: {}", second.log());
    Ok(())
}

#[test]
fn changed_rules_are_served_when_they_are_named_and_by_the_configuration_that_it_prints()
-> Result<()> {
    let folder = TempDir::new()?;
    start(&folder)?.stop()?;
    let rules = folder.path().join("rules");
    let patient = rules.join("patient.map.yaml");
    let text = std::fs::read_to_string(&patient)?;
    std::fs::write(&patient, text.replace("rule: patient", "rule: kanja"))?;
    for file in std::fs::read_dir(&rules)? {
        let path = file?.path();
        if path.is_file() {
            let text = std::fs::read_to_string(&path)?;
            std::fs::write(&path, text.replace("$ref: patient", "$ref: kanja"))?;
        }
    }
    let built_in = start(&folder)?;
    let told = format!("--rules {}", rules.display());
    ensure!(built_in.log().contains(&told), "{}", built_in.log());
    built_in.stop()?;
    let genkan = start_with(&folder, &["--rules".as_ref(), rules.as_ref()])?;
    let log = genkan.log();
    let config =
        log.lines().find_map(|line| line.trim().strip_prefix("--config ")).context("none")?;
    let url =
        printed(&genkan).into_iter().find(|url| url.contains("/Patient/")).context("a patient")?;
    let id =
        url.split("/Patient/").nth(1).and_then(|rest| rest.split('?').next()).context("an id")?;
    let mut bundle = genkan_command()?;
    bundle.args(["bundle", "--patient", id, "--kind", "condition", "--config", config]);
    let told = String::from_utf8_lossy(&bundle.output()?.stderr).into_owned();
    ensure!(!told.contains("no such patient"), "other rules: {told}");
    Ok(())
}
