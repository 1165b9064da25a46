//! `genkan demo`, the first thing that a newcomer runs: what it prints is true.

use anyhow::{Context, Result, ensure};
use genkan_tests::harness::{Genkan, genkan_command};
use tempfile::TempDir;

fn start(folder: &TempDir) -> Result<Genkan> {
    let mut command = genkan_command()?;
    command.args(["demo", "--listen", "127.0.0.1:0", "--patients", "60", "--directory"]);
    command.arg(folder.path());
    Genkan::start(command)
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
    let config = folder.path().join("genkan.toml");
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
    Ok(())
}
