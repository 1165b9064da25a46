//! The demo hospital behind a running `genkan serve`, for tests that look from outside.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use genkan_demo_hospital::{Hospital, Target, create_reader, fill};
use indicatif::ProgressBar;
use sqlx::{Connection, Row, SqliteConnection};
use tempfile::TempDir;
use tokio::runtime;

use crate::harness::{Database, Engine, Genkan};

/// Small enough for a test, large enough for every kind of dirt.
pub const PATIENTS: u32 = 40;
const PASSWORD: &str = "a password only for tests";

/// A served hospital. The database lives as long as the value.
pub struct Served {
    pub genkan: Genkan,
    pub database: Database,
    pub folder: TempDir,
}

/// The rule set of the repository.
pub fn rules() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../mapping-rules/rules/demo-hospital")
}

/// The rule set of the repository in a folder of a test's own, which the configuration then names.
pub fn own_rules(config: &Path, folder: &Path) -> Result<()> {
    copy(&rules(), folder)?;
    let text = fs::read_to_string(config)?;
    let own = folder.display().to_string();
    Ok(fs::write(config, text.replace(&rules().display().to_string(), &own))?)
}

/// Copies a folder with everything in it.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let there = to.join(path.file_name().context("a name")?);
        match path.is_dir() {
            true => copy(&path, &there)?,
            false => fs::copy(&path, &there).map(|_| ())?,
        }
    }
    Ok(())
}

/// Fills a new database of this engine; `None` where there is no server for it.
pub fn fill_database(engine: Engine, seed: u64) -> Result<Option<Database>> {
    fill_patients(engine, seed, PATIENTS)
}

/// As [`fill_database`], with so many patients.
pub fn fill_patients(engine: Engine, seed: u64, patients: u32) -> Result<Option<Database>> {
    let Some(database) = Database::create(engine)? else { return Ok(None) };
    let hospital = Hospital { patients, ..Hospital::demo(seed) };
    let target: Target = database.url.parse()?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        fill(&target, &hospital, &ProgressBar::hidden()).await?;
        if engine != Engine::Sqlite {
            create_reader(&target, &reader(&database), PASSWORD).await?;
        }
        anyhow::Ok(())
    })?;
    Ok(Some(database))
}

/// The URL of the account that can only read.
pub fn reader_url(database: &Database) -> String {
    if database.engine == Engine::Sqlite {
        return database.url.clone();
    }
    let (scheme, rest) = database.url.split_once("://").unwrap_or(("", &database.url));
    let host = rest.split_once('@').map_or(rest, |(_, host)| host);
    format!("{scheme}://{}@{host}", reader(database))
}

/// Accounts belong to the whole server, so each database has one of its own.
fn reader(database: &Database) -> String {
    let name = database.url.rsplit('/').next().unwrap_or_default();
    let name = name.split('?').next().unwrap_or_default();
    format!("reader_{}", &name[name.len().saturating_sub(20)..])
}

/// A configuration over this database, in `folder`. The site key is the same for every engine, so
/// that the same row has the same id.
pub fn configuration(database: &Database, folder: &Path) -> Result<PathBuf> {
    fs::write(folder.join("site.key"), "0123456789abcdef".repeat(4))?;
    fs::write(folder.join("source.password"), PASSWORD)?;
    let password = match database.engine {
        Engine::Sqlite => "",
        _ => "password_file = \"source.password\"\n",
    };
    let text = format!(
        "[site]\ninstitution_no = \"1411234567\"\nname = \"みなと総合病院\"\n\
         [rules]\ndirectory = \"{}\"\n\
         [source]\nurl = \"{}\"\n{password}\
         [identity]\nkeys = [{{ generation = \"a\", secret_file = \"site.key\" }}]\n\
         [http]\nlisten = \"127.0.0.1:0\"\n",
        rules().display(),
        reader_url(database),
    );
    let path = folder.join("genkan.toml");
    fs::write(&path, text).with_context(|| path.display().to_string())?;
    Ok(path)
}

/// A filled and served hospital; `None` where there is no server for the engine.
pub fn serve(engine: Engine) -> Result<Option<Served>> {
    serve_with(engine, "")
}

/// As [`serve`], with further sections in its configuration.
pub fn serve_with(engine: Engine, sections: &str) -> Result<Option<Served>> {
    serve_patients(engine, PATIENTS, sections)
}

/// One of so many patients.
pub fn serve_patients(engine: Engine, patients: u32, sections: &str) -> Result<Option<Served>> {
    let database = fill_patients(engine, 1, patients)?;
    database.map(|database| serve_database(database, sections)).transpose()
}

/// Serves a database that is filled.
pub fn serve_database(database: Database, sections: &str) -> Result<Served> {
    let folder = TempDir::new()?;
    let config = configuration(&database, folder.path())?;
    let text = fs::read_to_string(&config)?;
    fs::write(&config, text + sections)?;
    let genkan = Genkan::serve_file(&config)?;
    Ok(Served { genkan, database, folder })
}

/// A configuration over a database of a test's own tables, with the rules in `folder/rules`.
pub fn own_configuration(database: &Database, folder: &Path) -> Result<PathBuf> {
    fs::write(folder.join("site.key"), "0123456789abcdef".repeat(4))?;
    let text = format!(
        "[site]\ninstitution_no = \"1411234567\"\nname = \"みなと総合病院\"\n\
         [rules]\ndirectory = \"rules\"\n[source]\nurl = \"{}\"\n\
         [identity]\nkeys = [{{ generation = \"a\", secret_file = \"site.key\" }}]\n\
         [http]\nlisten = \"127.0.0.1:0\"\n",
        reading_url(database)?
    );
    let path = folder.join("genkan.toml");
    fs::write(&path, text).with_context(|| path.display().to_string())?;
    Ok(path)
}

/// The URL of an account that can only read, now and what comes later; made for this database.
pub fn reading_url(database: &Database) -> Result<String> {
    if database.engine == Engine::Sqlite {
        return Ok(database.url.clone());
    }
    let (user, password) = (reader(database), "read-only");
    let target: Target = database.url.parse()?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(create_reader(&target, &user, password))?;
    if database.engine == Engine::Postgres {
        database.run(&format!(
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO \"{user}\""
        ))?;
    }
    Ok(reader_url(database).replacen('@', &format!(":{password}@"), 1))
}

/// What people of a hospital in SQLite are known by: no command of the rules may show it.
pub fn private_values(database: &Database) -> Result<BTreeSet<String>> {
    const COLUMNS: [(&str, &str); 16] = [
        ("PT_MST", "PT_ID"),
        ("PT_MST", "KANJI_NM"),
        ("PT_MST", "KANA_NM"),
        ("PT_MST", "BIRTH"),
        ("PT_MST", "TEL"),
        ("PT_MST", "KEITAI"),
        ("PT_MST", "ADDR"),
        ("PT_MST", "ZIP"),
        ("PT_HOKEN", "BANGOU"),
        ("PT_HOKEN", "HOKENSYA_NO"),
        ("PT_RAIIN", "RAIIN_NO"),
        ("LAB_IRAI", "IRAI_NO"),
        ("LAB_IRAI", "SAISYU_DT"),
        ("PT_BYOMEI", "BIKO"),
        ("PT_ALG", "SYOJO"),
        ("M_SYOKUIN", "KANJI_NM"),
    ];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut connection = SqliteConnection::connect(&database.url).await?;
        let mut found = BTreeSet::new();
        for (table, column) in COLUMNS {
            let sql = format!("SELECT DISTINCT \"{column}\" FROM \"{table}\"");
            for row in sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&mut connection).await? {
                let value: Option<String> = row.try_get(0)?;
                let value = value.unwrap_or_default().trim().to_owned();
                // Dates that are none, and words that stand in a rule anyhow.
                let telling = value.chars().count() > 2 && !value.starts_with("000000");
                found.extend((telling && value != "99999999").then_some(value));
            }
        }
        Ok(found)
    })
}
