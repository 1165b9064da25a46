//! The account that can only read: with any other the product does not start, and says what to do.

use std::fs;

use anyhow::{Context, Result, ensure};
use genkan_tests::harness::{Database, Engine, Genkan, genkan_command};
use genkan_tests::hospital::own_configuration;
use tempfile::TempDir;

const RULE: &str = "rule: patient\nresource: Patient\nfrom:\n  p: {table: pt, key: [id]}\nemit:\n  \
     name: [{text: = p.nm}]\n";
const TABLE: &str = "CREATE TABLE pt (id integer PRIMARY KEY, nm varchar(20)); \
     INSERT INTO pt VALUES (1, 'a')";

/// A right of the account `{a}` in the database `{d}`, and what is said of it and how it is revoked.
const RIGHTS: [(Engine, &str, &str, &str); 4] = [
    (
        Engine::Postgres,
        "GRANT INSERT, UPDATE ON pt TO PUBLIC",
        "INSERT, UPDATE on table public.pt, granted to PUBLIC",
        "REVOKE INSERT, UPDATE ON TABLE public.pt FROM PUBLIC",
    ),
    (
        Engine::Postgres,
        "GRANT pg_write_all_data TO {a}",
        "membership in role pg_write_all_data",
        "REVOKE pg_write_all_data FROM {a}",
    ),
    (
        Engine::MariaDb,
        "GRANT DELETE ON {d}.pt TO {a}@'%'",
        "DELETE on `{d}`.`pt`, granted to `{a}`@`%`",
        "REVOKE DELETE ON `{d}`.`pt` FROM `{a}`@`%`",
    ),
    (
        Engine::MariaDb,
        "GRANT FILE ON *.* TO {a}@'%'",
        "FILE on *.*, granted to `{a}`@`%`",
        "REVOKE FILE ON *.* FROM `{a}`@`%`",
    ),
];

/// A folder with the rule and a configuration over the database, and the account in it.
fn site(database: &Database) -> Result<(TempDir, String)> {
    let folder = TempDir::new()?;
    fs::create_dir(folder.path().join("rules"))?;
    fs::write(folder.path().join("rules/patient.map.yaml"), RULE)?;
    let config = fs::read_to_string(own_configuration(database, folder.path())?)?;
    let url = config.lines().find(|line| line.starts_with("url")).context("a URL")?;
    let account = url.split_once("://").and_then(|(_, rest)| rest.split_once(':'));
    let account = account.map(|(account, _)| account.to_owned()).unwrap_or_default();
    Ok((folder, account))
}

/// What `genkan serve` says, in both languages, before it ends with the code of a configuration.
fn refused(folder: &TempDir) -> Result<[String; 2]> {
    let said = |language: &str| {
        let mut command = genkan_command()?;
        command.args(["--language", language, "serve", "--config"]);
        let output = command.arg(folder.path().join("genkan.toml")).output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.code() == Some(64), "{}: {said}", output.status);
        Ok(said)
    };
    Ok([said("en")?, said("ja")?])
}

#[test]
fn a_right_too_many_is_named_and_with_it_gone_the_product_starts() -> Result<()> {
    for (engine, given, named, remedy) in RIGHTS {
        let Some(database) = Database::create(engine)? else { continue };
        database.run(TABLE)?;
        let (folder, account) = site(&database)?;
        let (_, name) = database.url.rsplit_once('/').context("a database")?;
        let of_this = |text: &str| text.replace("{a}", &account).replace("{d}", name);
        database.run(&of_this(given))?;
        for said in refused(&folder)? {
            for part in ["[source]", &of_this(named), &of_this(remedy), "functions_allowed"] {
                ensure!(said.contains(part), "`{part}` is not in: {said}");
            }
        }
        database.run(&of_this(remedy))?;
        let genkan = Genkan::serve_file(&folder.path().join("genkan.toml"))?;
        ensure!(genkan.get("/fhir/Patient")?.status == 200, "{engine:?}");
    }
    Ok(())
}

#[test]
fn an_administrator_is_refused_by_every_command_that_asks_the_source() -> Result<()> {
    for (engine, right) in
        [(Engine::Postgres, "the attribute SUPERUSER"), (Engine::MariaDb, "ALL PRIVILEGES")]
    {
        let Some(database) = Database::create(engine)? else { continue };
        database.run(TABLE)?;
        let (folder, _) = site(&database)?;
        let config = folder.path().join("genkan.toml");
        let of_administrator = |line: &str| match line.starts_with("url") {
            true => format!("url = \"{}\"\n", database.url),
            false => format!("{line}\n"),
        };
        let text: String = fs::read_to_string(&config)?.lines().map(of_administrator).collect();
        fs::write(&config, text)?;
        let rules = folder.path().join("rules").display().to_string();
        for command in [&["serve"] as &[&str], &["rules", "check", &rules], &["rules", "schema"]] {
            let output = genkan_command()?.args(command).arg("--config").arg(&config).output()?;
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            ensure!(
                output.status.code() == Some(64) && said.contains(right),
                "{command:?}: {said}"
            );
        }
    }
    Ok(())
}

#[test]
fn a_file_that_could_be_written_to_is_served_with_a_warning() -> Result<()> {
    let database = Database::create(Engine::Sqlite)?.context("SQLite is always there")?;
    database.run(TABLE)?;
    let (folder, _) = site(&database)?;
    let genkan = Genkan::serve_file(&folder.path().join("genkan.toml"))?;
    ensure!(genkan.get("/fhir/Patient")?.status == 200);
    let (_, log) = genkan.stop()?;
    let warning = log.lines().find(|line| line.contains("write access to the file"));
    let warning = warning.context(log.clone())?;
    let remedy = warning.contains("chmod") || warning.contains("not as root");
    ensure!(warning.contains("WARN") && remedy, "{warning}");
    Ok(())
}
