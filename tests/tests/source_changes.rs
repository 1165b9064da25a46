//! The hospital's system is changed while it is served: what is refused meanwhile is answered again
//! without a start.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use genkan_tests::harness::{Answer, Database, Engine, Genkan, available_engines};
use genkan_tests::hospital::own_configuration;
use tempfile::TempDir;

const RULE: &str = "rule: patient\nresource: Patient\nfrom:\n  p: {table: PT, key: [ID]}\nemit:\n  \
     name: [{text: = p.NM}]\n";

fn table(engine: Engine, name: &str) -> String {
    if engine == Engine::MariaDb { format!("`{name}`") } else { format!("\"{name}\"") }
}

fn create(engine: Engine, number: &str, rows: &[&str]) -> String {
    let (table, id, name) = (table(engine, "PT"), table(engine, "ID"), table(engine, "NM"));
    let rows: Vec<String> = rows.iter().map(|name| format!("({}, '{name}')", name.len())).collect();
    format!(
        "CREATE TABLE {table} ({id} {number} PRIMARY KEY, {name} varchar(20));\
         INSERT INTO {table} VALUES {}",
        rows.join(", ")
    )
}

fn serve(database: &Database) -> Result<(Genkan, TempDir)> {
    let folder = TempDir::new()?;
    fs::create_dir(folder.path().join("rules"))?;
    fs::write(folder.path().join("rules/patient.map.yaml"), RULE)?;
    let config = own_configuration(database, folder.path())?;
    Ok((Genkan::serve_file(&config)?, folder))
}

fn names(answer: &Answer) -> Result<Vec<String>> {
    ensure!(answer.status == 200, "{}: {:?}", answer.status, answer.json());
    let bundle = answer.json()?;
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    let name = |entry: &serde_json::Value| {
        entry["resource"]["name"][0]["text"].as_str().map(str::to_owned)
    };
    Ok(entries.iter().filter_map(name).collect())
}

fn refused(answer: &Answer, status: u16, code: &str) -> Result<()> {
    let told = answer.json()?.to_string();
    ensure!(answer.status == status && told.contains(code), "{}: {told}", answer.status);
    Ok(())
}

/// Within a moment: the source is looked at once a second at most.
fn served(genkan: &Genkan, expected: &[&str]) -> Result<()> {
    let start = Instant::now();
    loop {
        let answer = genkan.get("/fhir/Patient")?;
        if answer.status == 200 && names(&answer)? == expected {
            return Ok(());
        }
        ensure!(start.elapsed() < Duration::from_secs(20), "still {:?}", answer.json());
    }
}

#[test]
fn a_table_that_comes_back_is_served_again() -> Result<()> {
    for engine in available_engines()? {
        let Some(database) = Database::create(engine)? else { continue };
        database.run(&create(engine, "integer", &["a", "bb"]))?;
        let (genkan, _folder) = serve(&database)?;
        ensure!(names(&genkan.get("/fhir/Patient")?)? == ["a", "bb"], "{engine:?}");
        database.run(&format!("DROP TABLE {}", table(engine, "PT")))?;
        for _ in 0..3 {
            refused(&genkan.get("/fhir/Patient")?, 502, "GKN-304")?;
        }
        database.run(&create(engine, "integer", &["ccc"]))?;
        served(&genkan, &["ccc"])?;
    }
    Ok(())
}

#[test]
fn a_column_that_is_widened_is_served_on() -> Result<()> {
    for engine in [Engine::Postgres, Engine::MariaDb] {
        let Some(database) = Database::create(engine)? else { continue };
        database.run(&create(engine, "integer", &["a", "bb"]))?;
        let (genkan, _folder) = serve(&database)?;
        ensure!(names(&genkan.get("/fhir/Patient")?)? == ["a", "bb"], "{engine:?}");
        let (table, id) = (table(engine, "PT"), table(engine, "ID"));
        let change = if engine == Engine::Postgres { "ALTER COLUMN" } else { "MODIFY" };
        let of = if engine == Engine::Postgres { "TYPE bigint" } else { "bigint" };
        database.run(&format!("ALTER TABLE {table} {change} {id} {of}"))?;
        for _ in 0..5 {
            ensure!(names(&genkan.get("/fhir/Patient")?)? == ["a", "bb"], "{engine:?}");
        }
    }
    Ok(())
}

#[test]
fn a_file_that_is_moved_into_place_is_served() -> Result<()> {
    let database = Database::create(Engine::Sqlite)?.context("SQLite is always there")?;
    let copy = Database::create(Engine::Sqlite)?.context("SQLite is always there")?;
    database.run(&create(Engine::Sqlite, "integer", &["a"]))?;
    copy.run(&create(Engine::Sqlite, "integer", &["bb"]))?;
    let (genkan, _folder) = serve(&database)?;
    ensure!(names(&genkan.get("/fhir/Patient")?)? == ["a"]);
    fs::rename(copy.file().context("a file")?, database.file().context("a file")?)?;
    served(&genkan, &["bb"])?;
    Ok(())
}
