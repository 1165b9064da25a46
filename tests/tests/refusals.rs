//! What the binary says when it can't do its work: configuration, rules, source. Each refusal names
//! what is wrong and where, ends with the documented exit code, and shows no secret.

use std::fs;
use std::path::Path;
use std::process::Output;

use anyhow::{Context, Result, ensure};
use genkan_tests::harness::{Engine, Genkan, available_engines, genkan_command};
use genkan_tests::hospital::{configuration, fill_database, serve};
use tempfile::TempDir;

fn run(arguments: &[&str]) -> Result<Output> {
    Ok(genkan_command()?.args(["--language", "en"]).args(arguments).output()?)
}

fn told(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// Serves a configuration that must be refused.
fn refused(config: &Path, code: i32, parts: &[&str]) -> Result<()> {
    let output = run(&["serve", "--config", &config.display().to_string()])?;
    let told = told(&output);
    ensure!(output.status.code() == Some(code), "{:?}: {told}", output.status);
    for part in parts {
        ensure!(told.contains(part), "`{part}` is not in: {told}");
    }
    Ok(())
}

/// A good configuration over SQLite, with one line replaced.
fn spoiled(from: &str, to: &str) -> Result<(TempDir, std::path::PathBuf)> {
    let database = fill_database(Engine::Sqlite, 1)?.context("SQLite is always there")?;
    let folder = TempDir::new()?;
    let config = configuration(&database, folder.path())?;
    let text = fs::read_to_string(&config)?;
    ensure!(text.contains(from), "{text}");
    fs::write(&config, text.replace(from, to))?;
    // The database may go: none of these cases gets so far, or it is what the case is about.
    Ok((folder, config))
}

#[test]
fn an_unknown_key_of_the_configuration_is_named_with_its_line() -> Result<()> {
    let (_folder, config) = spoiled("[http]", "[http]\nlistn = \"x\"")?;
    refused(&config, 64, &["listn", "genkan.toml"])
}

#[test]
fn a_missing_site_key_says_how_to_make_one() -> Result<()> {
    let (folder, config) = spoiled("[http]", "[http]")?;
    fs::remove_file(folder.path().join("site.key"))?;
    refused(&config, 64, &["site.key", "openssl rand -hex 32 > "])
}

#[test]
fn a_site_key_of_zeros_is_refused() -> Result<()> {
    let (folder, config) = spoiled("[http]", "[http]")?;
    fs::write(folder.path().join("site.key"), "00".repeat(32))?;
    refused(&config, 64, &["site.key", "too simple"])
}

#[test]
fn a_url_of_no_database_is_the_configuration_s_fault() -> Result<()> {
    let (_folder, config) = spoiled("url = \"", "url = \"nothing://x\" #")?;
    refused(&config, 64, &["[source]", "sqlite:"])
}

#[test]
fn a_refusal_comes_in_the_language_and_form_that_was_asked_for() -> Result<()> {
    let (_folder, config) = spoiled("institution_no = \"", "institution_no = \"x")?;
    let config = config.display().to_string();
    let told = |manner: &[&str]| -> Result<String> {
        let output = genkan_command()?.args(["config", "check", &config]).args(manner).output()?;
        ensure!(output.status.code() == Some(64), "{:?}", output.status);
        Ok(String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let japanese = told(&["--language", "ja"])?;
    ensure!(japanese.contains("10 桁の数字"), "{japanese}");
    let json: serde_json::Value = serde_json::from_str(&told(&["--format", "json"])?)?;
    ensure!(json["error"].as_str().is_some_and(|told| told.contains("10 digits")), "{json}");
    Ok(())
}

#[test]
fn an_address_that_is_none_is_the_configuration_s_fault() -> Result<()> {
    let database = fill_database(Engine::Sqlite, 1)?.context("SQLite is always there")?;
    let folder = TempDir::new()?;
    let config = configuration(&database, folder.path())?;
    let text = fs::read_to_string(&config)?;
    fs::write(&config, text.replace("127.0.0.1:0", "127.0.0.1:99999"))?;
    refused(&config, 64, &["127.0.0.1:99999", "HOST:PORT"])
}

#[test]
fn a_missing_database_file_is_named() -> Result<()> {
    let (_folder, config) = spoiled("[http]", "[http]")?;
    refused(&config, 1, &["source.sqlite", "can't be opened"])
}

#[test]
fn a_closed_port_is_no_mystery() -> Result<()> {
    let (_folder, config) = spoiled("url = \"", "url = \"postgres://x@127.0.0.1:1/none\" #")?;
    refused(&config, 1, &["127.0.0.1"])
}

/// A wrong password where the test server asks for one (MariaDB), an unknown account where it trusts
/// everybody (PostgreSQL).
#[test]
fn a_refused_account_is_told_without_the_password() -> Result<()> {
    for engine in available_engines()? {
        if engine == Engine::Sqlite {
            continue;
        }
        let Some(database) = fill_database(engine, 1)? else { continue };
        let folder = TempDir::new()?;
        let config = configuration(&database, folder.path())?;
        fs::write(folder.path().join("source.password"), "wrong-and-secret")?;
        let text = fs::read_to_string(&config)?;
        if engine == Engine::Postgres {
            fs::write(&config, text.replace("reader_", "nobody_"))?;
        }
        let output = run(&["serve", "--config", &config.display().to_string()])?;
        ensure!(output.status.code() == Some(1), "{engine:?}: {}", told(&output));
        ensure!(told(&output).contains("refused the account"), "{engine:?}: {}", told(&output));
        ensure!(!told(&output).contains("wrong-and-secret"), "{engine:?}: {}", told(&output));
    }
    Ok(())
}

#[test]
fn rules_with_mistakes_are_all_shown_and_not_served() -> Result<()> {
    let folder = TempDir::new()?;
    let rules = folder.path();
    fs::write(
        rules.join("schema.yaml"),
        "PT:\n  key: [ID]\n  columns: {ID: char(10), SEX: char(1)}\n",
    )?;
    fs::write(
        rules.join("patient.map.yaml"),
        "rule: patient\nresource: Patient\nfrom:\n  p: {table: PT, key: [ID]}\nemit:\n  \
         gender: = p.SXE | map 1=male\n  birthDat: = p.ID | date.warekl\n",
    )?;
    let output = run(&["rules", "check", &rules.display().to_string()])?;
    let told = told(&output);
    ensure!(output.status.code() == Some(65), "{told}");
    for part in [
        "patient.map.yaml:6:13 E0402",
        "did you mean `SEX`?",
        "patient.map.yaml:7:3 E0501",
        "did you mean `birthDate`?",
    ] {
        ensure!(told.contains(part), "`{part}` is not in: {told}");
    }
    Ok(())
}

/// The hospital changes its database while Genkan serves it.
#[test]
fn a_dropped_table_is_a_clear_error_and_the_rest_is_still_served() -> Result<()> {
    for engine in available_engines()? {
        let Some(served) = serve(engine)? else { continue };
        let quote = if engine == Engine::MariaDb { '`' } else { '"' };
        served.database.run(&format!("DROP TABLE {quote}PT_ALG{quote}"))?;
        let answer = served.genkan.get("/fhir/AllergyIntolerance?_count=1")?;
        ensure!(answer.status == 502, "{engine:?}: {} {}", answer.status, answer.text());
        ensure!(answer.text().contains("GKN-304"), "{engine:?}: {}", answer.text());
        ensure!(served.genkan.get("/fhir/Patient?_count=1")?.status == 200, "{engine:?}");
    }
    Ok(())
}

#[test]
fn nothing_of_a_patient_is_in_the_log() -> Result<()> {
    let served = serve(Engine::Sqlite)?.context("SQLite is always there")?;
    let page = served.genkan.get("/fhir/Patient?_count=3&birthdate=ge1900")?.json()?;
    let mut secrets = Vec::new();
    for entry in page["entry"].as_array().context("entries")? {
        let resource = &entry["resource"];
        let id = resource["id"].as_str().context("id")?;
        served.genkan.get(&format!("/fhir/Patient/{id}"))?;
        secrets.push(("an id", id.to_owned()));
        let name = resource["name"][0]["text"].as_str().context("name")?;
        secrets.push(("a name", name.to_owned()));
        let number = resource["identifier"][0]["value"].as_str().context("number")?;
        secrets.push(("a patient's number", number.to_owned()));
    }
    // A value where a name should be.
    served.genkan.get("/fhir/Patient?0000000001&yamada:exact=x&brithdate=1970")?;
    secrets.push(("an unknown name", "0000000001".to_owned()));
    secrets.push(("an unknown name", "yamada".to_owned()));
    let (_, log) = stop(served.genkan)?;
    ensure!(log.contains("parameters=\"unknown unknown unknown\""), "{log}");
    for (what, secret) in secrets {
        ensure!(!secret.is_empty() && !log.contains(&secret), "{what} is in the log: {log}");
    }
    Ok(())
}

fn stop(genkan: Genkan) -> Result<(std::process::ExitStatus, String)> {
    let (status, log) = genkan.stop()?;
    ensure!(status.success(), "{status}: {log}");
    Ok((status, log))
}
