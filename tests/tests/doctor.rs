//! `genkan doctor` on sites that are well and on sites that are not: what it finds, what it says to do,
//! and how it ends. What each look finds is tested beside the code.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use genkan_tests::harness::{Database, Engine, Genkan, available_engines, genkan_command};
use genkan_tests::hospital::{configuration, fill_database, own_configuration};
use serde_json::Value;
use tempfile::TempDir;

struct Told {
    code: Option<i32>,
    findings: Vec<Value>,
    summary: Value,
}

impl Told {
    fn has(&self, code: &str, severity: &str) -> bool {
        let fits = |finding: &&Value| finding["code"] == code && finding["severity"] == severity;
        self.findings.iter().any(|finding| fits(&finding))
    }

    fn errors(&self) -> Vec<&Value> {
        self.findings.iter().filter(|finding| finding["severity"] == "error").collect()
    }
}

fn doctor(config: &Path) -> Result<Told> {
    let output = genkan_command()?
        .args(["doctor", "--format", "json", "--config"])
        .arg(config)
        .env("LANG", "C.UTF-8")
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let lines: Result<Vec<Value>, _> = text.lines().map(serde_json::from_str).collect();
    let mut findings = lines.with_context(|| text.clone())?;
    let summary = findings.pop().context("a summary")?;
    for finding in &findings {
        let told = |key: &str| finding[key].as_str().is_some_and(|text| !text.is_empty());
        ensure!(told("message") && told("message_ja"), "{finding}");
        ensure!(finding["severity"] == "ok" || told("code"), "{finding}");
    }
    Ok(Told { code: output.status.code(), findings, summary })
}

#[test]
fn a_site_that_is_well_is_told_so_on_every_engine() -> Result<()> {
    for engine in available_engines()? {
        let Some(database) = fill_database(engine, 1)? else { continue };
        let folder = TempDir::new()?;
        let config = configuration(&database, folder.path())?;
        for secret in ["site.key", "source.password"] {
            fs::set_permissions(folder.path().join(secret), Permissions::from_mode(0o600))?;
        }
        let told = doctor(&config)?;
        ensure!(told.code == Some(0), "{engine:?}: {:?}", told.errors());
        ensure!(told.summary["errors"] == 0 && told.summary["ok"].as_u64() > Some(5), "{engine:?}");
        let said: Vec<&str> =
            told.findings.iter().filter_map(|finding| finding["message"].as_str()).collect();
        let product = match engine {
            Engine::Sqlite => "SQLite",
            Engine::Postgres => "PostgreSQL",
            Engine::MariaDb => "MariaDB",
        };
        for part in [product, "read only", "rules for", "is free"] {
            ensure!(said.iter().any(|text| text.contains(part)), "{engine:?} {part}: {said:#?}");
        }
    }
    Ok(())
}

#[test]
fn what_is_wrong_has_its_code_and_the_exit_code_that_serve_would_end_with() -> Result<()> {
    for (from, to, code, exit) in [
        ("[http]", "[http]\nlistn = \"x\"", "GKN-701", 64),
        ("\"site.key\"", "\"none.key\"", "GKN-702", 64),
        ("127.0.0.1:0", "127.0.0.1:99999", "GKN-721", 64),
        ("url = \"", "url = \"sqlite:none.db\" #", "GKN-301", 1),
        ("url = \"", "url = \"nothing://x\" #", "GKN-304", 64),
        ("directory = \"", "directory = \"none\" #", "GKN-740", 64),
        (
            "[http]",
            "[http.tls]\ncertificate_file = \"a\"\nkey_file = \"site.key\"\n[http]",
            "GKN-710",
            64,
        ),
    ] {
        let database = fill_database(Engine::Sqlite, 1)?.context("SQLite is always there")?;
        let folder = TempDir::new()?;
        let config = configuration(&database, folder.path())?;
        let text = fs::read_to_string(&config)?;
        ensure!(text.contains(from), "{text}");
        fs::write(&config, text.replacen(from, to, 1))?;
        let told = doctor(&config)?;
        ensure!(told.code == Some(exit), "{to}: {:?} {:?}", told.code, told.errors());
        ensure!(told.has(code, "error"), "{to}: {:?}", told.findings);
    }
    Ok(())
}

#[test]
fn a_secret_that_everybody_reads_is_a_warning_and_no_error() -> Result<()> {
    let database = fill_database(Engine::Sqlite, 1)?.context("SQLite is always there")?;
    let folder = TempDir::new()?;
    let config = configuration(&database, folder.path())?;
    fs::set_permissions(folder.path().join("site.key"), Permissions::from_mode(0o644))?;
    let told = doctor(&config)?;
    ensure!(told.code == Some(0) && told.has("GKN-703", "warning"), "{:?}", told.findings);
    Ok(())
}

const PATIENT: &str = "rule: patient\nresource: Patient\nfrom:\n  p: {table: PT, key: [ID]}\n\
     emit:\n  identifier: [{system: urn:test, value: = p.ID}]\n";

/// A site over a table of its own, with one rule.
fn site(rule: &str) -> Result<(Database, TempDir, std::path::PathBuf)> {
    let database = Database::create(Engine::Sqlite)?.context("SQLite is always there")?;
    database.run("CREATE TABLE PT (ID VARCHAR(8)); INSERT INTO PT VALUES ('1'), ('2'), ('2')")?;
    let folder = TempDir::new()?;
    fs::create_dir(folder.path().join("rules"))?;
    fs::write(folder.path().join("rules/patient.map.yaml"), rule)?;
    let config = own_configuration(&database, folder.path())?;
    Ok((database, folder, config))
}

#[test]
fn rules_that_do_not_fit_fail_their_tests_or_have_no_keys_are_errors() -> Result<()> {
    let test = "tests:\n  - name: a number\n    rows: {PT: [{ID: '7'}]}\n    expect:\n      \
         resourceType: Patient\n      identifier: [{system: urn:test, value: '8'}]\n";
    for (rule, code) in [
        (PATIENT.replace("p.ID}]", "p.IDD}]"), "GKN-740"),
        (format!("{PATIENT}{test}"), "GKN-742"),
        (PATIENT.to_owned(), "GKN-743"),
    ] {
        let (_database, _folder, config) = site(&rule)?;
        let told = doctor(&config)?;
        ensure!(told.code == Some(65), "{code}: {:?} {:?}", told.code, told.findings);
        ensure!(told.has(code, "error"), "{code}: {:?}", told.findings);
    }
    Ok(())
}

#[test]
fn the_port_of_a_running_genkan_is_known_as_such() -> Result<()> {
    let database = fill_database(Engine::Sqlite, 1)?.context("SQLite is always there")?;
    let folder = TempDir::new()?;
    let config = configuration(&database, folder.path())?;
    let genkan = Genkan::serve_file(&config)?;
    let port = genkan.base.rsplit(':').next().context("a port")?;
    let text = fs::read_to_string(&config)?;
    fs::write(&config, text.replace("127.0.0.1:0", &format!("127.0.0.1:{port}")))?;
    let told = doctor(&config)?;
    let found = told.findings.iter().any(|finding| {
        finding["severity"] == "ok"
            && finding["message"].as_str().is_some_and(|text| text.contains("a Genkan serves on"))
    });
    ensure!(found && told.code == Some(0), "{:?}", told.findings);
    Ok(())
}

#[test]
fn people_are_told_in_their_language_with_what_to_do() -> Result<()> {
    let (_database, _folder, config) = site(PATIENT)?;
    let config = config.display().to_string();
    let arguments = ["doctor", "--language", "ja", "--config", &config];
    let output = genkan_command()?.args(arguments).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.code() == Some(65), "{text}");
    for part in ["error   GKN-743 ", "→ ", "エラー 1 件", "重複しています"] {
        ensure!(text.contains(part), "{part}: {text}");
    }
    ensure!(!text.contains("'2'"), "no content of a row: {text}");
    Ok(())
}

#[test]
fn packages_that_are_broken_or_need_others_are_told() -> Result<()> {
    use genkan_tests::fhir_package::{self, PATIENT, manifest, profile};
    use serde_json::json;
    let database = fill_database(Engine::Sqlite, 1)?.context("SQLite is always there")?;
    let folder = TempDir::new()?;
    let config = configuration(&database, folder.path())?;
    let told = doctor(&config)?;
    let said = |told: &Told, part: &str| {
        told.findings.iter().any(|one| one["message"].as_str().is_some_and(|of| of.contains(part)))
    };
    ensure!(told.code == Some(0) && said(&told, "no packages"), "{:?}", told.findings);
    let (a, b) = (folder.path().join("a.tgz"), folder.path().join("b.tgz"));
    fhir_package::write(&a, &[manifest("a", "1", json!({})), profile("a", PATIENT, "gender")])?;
    let needs = json!({"a": "1", "c": "2"});
    fhir_package::write(&b, &[manifest("b", "1", needs), profile("b", "http://x.jp/a", "name")])?;
    let added =
        genkan_command()?.args(["package", "add", "--config"]).args([&config, &a, &b]).output()?;
    ensure!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    let told = doctor(&config)?;
    ensure!(told.code == Some(0) && told.has("GKN-772", "warning"), "{:?}", told.findings);
    ensure!(said(&told, "b 1 needs c 2, which is not here"), "{:?}", told.findings);
    // What b builds on is taken away by hand.
    fs::remove_file(folder.path().join("packages/a#1.package"))?;
    let told = doctor(&config)?;
    ensure!(told.code == Some(1) && told.has("GKN-771", "error"), "{:?}", told.findings);
    ensure!(said(&told, "http://x.jp/a"), "{:?}", told.findings);
    fs::write(folder.path().join("packages/b#1.package"), "half")?;
    let told = doctor(&config)?;
    ensure!(told.code == Some(1) && told.has("GKN-770", "error"), "{:?}", told.findings);
    fs::set_permissions(folder.path().join("packages"), Permissions::from_mode(0o777))?;
    ensure!(doctor(&config)?.has("GKN-704", "warning"), "{:?}", told.findings);
    Ok(())
}
