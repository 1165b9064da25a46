//! "Map your EHR", step by step, on the clinic that it speaks of: every command says what the page says
//! that it says, every change fits, and at the end five types of resources are served.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use genkan_tests::harness::{Database, Engine, Genkan, genkan_command};
use serde_json::Value;
use tempfile::TempDir;

const GUIDE: &str = include_str!("../../../mapping-rules/MAP-YOUR-EHR.md");

/// A fenced block: what stands behind its fence, and its lines.
fn blocks() -> Vec<(&'static str, Vec<&'static str>)> {
    let mut found: Vec<(&str, Vec<&str>)> = Vec::new();
    let mut open = false;
    for line in GUIDE.lines() {
        match (line.strip_prefix("```"), open) {
            (Some(info), false) => {
                found.push((info, Vec::new()));
                open = true;
            }
            (Some(_), true) => open = false,
            (None, true) => found.last_mut().expect("a block is open").1.push(line),
            (None, false) => {}
        }
    }
    found
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    super::copy(from, to)
}

/// Each command, and that the lines below it are in what it says.
fn commands(lines: &[&str], folder: &Path) -> Result<usize> {
    let mut said: Option<(String, String)> = None;
    let mut count = 0;
    for line in lines {
        let Some(command) = line.strip_prefix("$ ") else {
            let (command, told) = said.as_ref().context("a command stands first")?;
            ensure!(told.contains(line.trim_end()), "{command}: `{line}` is not in: {told}");
            continue;
        };
        count += 1;
        let words: Vec<&str> = command.split_whitespace().collect();
        let told = match words.as_slice() {
            ["genkan", arguments @ ..] => {
                let mut genkan = genkan_command()?;
                genkan.args(arguments).current_dir(folder).env("LC_ALL", "C.UTF-8");
                let output = genkan.output()?;
                let told = String::from_utf8(output.stdout)? + &String::from_utf8(output.stderr)?;
                ensure!(output.status.success(), "{command}: {told}");
                told
            }
            ["cp", "-r", from, to] => {
                copy(&folder.join(from), &folder.join(to))?;
                String::new()
            }
            _ => bail!("the test does not know how to run `{command}`"),
        };
        said = Some((command.to_owned(), told));
    }
    Ok(count)
}

/// Lines that follow one another are one change: what goes has to be there, once.
fn change(lines: &[&str], file: &Path) -> Result<()> {
    let mut text = fs::read_to_string(file)?;
    let mut rest = lines;
    while !rest.is_empty() {
        let of = |lines: &[&str], sign: char| -> String {
            let lines = lines.iter().take_while(|line| line.starts_with(sign));
            lines.map(|line| format!("{}\n", &line[1..])).collect()
        };
        let gone = of(rest, '-');
        rest = &rest[gone.lines().count()..];
        let come = of(rest, '+');
        rest = &rest[come.lines().count()..];
        ensure!(!gone.is_empty(), "{file:?}: nothing says where {come} belongs");
        ensure!(text.matches(&gone).count() == 1, "{file:?}: `{gone}` is not there once: {text}");
        text = text.replacen(&gone, &come, 1);
    }
    fs::write(file, text)?;
    Ok(())
}

#[test]
fn the_guide_leads_from_an_unknown_database_to_five_resources() -> Result<()> {
    let database = Database::create(Engine::Sqlite)?.context("SQLite is always there")?;
    database.run(include_str!("clinic.sql"))?;
    let folder = TempDir::new()?;
    let path = folder.path();
    fs::write(path.join("site.key"), "0123456789abcdef".repeat(4))?;
    let (mut ran, mut changed) = (0, 0);
    for (info, lines) in blocks() {
        match info.split_once(' ').unwrap_or((info, "")) {
            ("toml", _) => {
                let text = lines.join("\n").replace("sqlite:clinic.db", &database.url);
                ensure!(text.contains(&database.url), "{text}");
                fs::write(path.join("genkan.toml"), text + "\n[http]\nlisten = \"127.0.0.1:0\"\n")?;
            }
            ("console", _) => ran += commands(&lines, path)?,
            ("diff", file) => {
                change(&lines, &path.join(file))?;
                changed += 1;
            }
            ("sh", _) => {}
            other => bail!("a block of {other:?}"),
        }
    }
    ensure!(ran > 15 && changed > 8, "{ran} commands, {changed} changes");
    // The last step, with the searches that the page speaks of.
    let genkan = Genkan::serve_file(&path.join("genkan.toml"))?;
    for (search, least) in [
        ("Patient?gender=female", 20),
        ("Condition?code=20061593&clinical-status=active", 30),
        ("Observation?code=3H010000002326101&status=final", 50),
        ("AllergyIntolerance?code=Y002", 5),
        ("MedicationRequest?status=completed", 100),
    ] {
        let answer = genkan.client.get(&format!("/fhir/{search}&_count=500"))?;
        let bundle: Value = serde_json::from_slice(&answer.body)?;
        let entries = bundle["entry"].as_array().map_or(0, Vec::len);
        ensure!(answer.status == 200 && entries >= least, "{search}: {entries}: {bundle}");
    }
    Ok(())
}
