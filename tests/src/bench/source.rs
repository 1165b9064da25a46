//! The hospital's database of a benchmark: filled, analysed, with an account that can only read,
//! and able to log the statements that this account sends.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use genkan_demo_hospital::{Hospital, Target, create_reader, fill};
use indicatif::ProgressBar;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use tokio::runtime;

use super::Arguments;
use super::account;
use crate::harness::{Database, Engine};

const PASSWORD: &str = "a password only for tests";

pub struct Source {
    /// With all rights.
    url: String,
    reader: String,
    /// Dropped with this value, if it was made here.
    _database: Option<Database>,
}

impl Source {
    pub fn open(arguments: &Arguments) -> Result<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let reader = format!("genkan_bench_{}", std::process::id());
        if let Some(url) = arguments.url.clone() {
            runtime.block_on(create_reader(&url.parse()?, &reader, PASSWORD))?;
            return Ok(Source { url, reader, _database: None });
        }
        let database = Database::create(Engine::Postgres)?;
        let database =
            database.context("GENKAN_TEST_POSTGRES_URL is not set; use tests/bench/run")?;
        let started = Instant::now();
        let Arguments { seed, patients, lab_rows, .. } = *arguments;
        eprintln!("filling {patients} patients, {lab_rows} laboratory results");
        let target: Target = database.url.parse()?;
        let hospital = Hospital { seed, patients, lab_rows: Some(lab_rows) };
        runtime.block_on(async {
            fill(&target, &hospital, &ProgressBar::hidden()).await?;
            create_reader(&target, &reader, PASSWORD).await
        })?;
        // Also sets the hint bits that the first readers of new rows would have to write.
        database.run("VACUUM (ANALYZE)")?;
        eprintln!("filled and analysed in {:.0} s", started.elapsed().as_secs_f64());
        Ok(Source { url: database.url.clone(), reader, _database: Some(database) })
    }

    /// For the account that can only read.
    pub fn reader_url(&self) -> String {
        let (scheme, rest) = self.url.split_once("://").unwrap_or(("", &self.url));
        let host = rest.split_once('@').map_or(rest, |(_, host)| host);
        format!("{scheme}://{}@{host}", self.reader)
    }

    /// For programs that take no password file.
    pub fn reader_url_with_password(&self) -> String {
        let password = PASSWORD.replace(' ', "%20");
        self.reader_url().replacen('@', &format!(":{password}@"), 1)
    }

    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    /// Writes `genkan.toml` and its secrets into a folder.
    pub fn configuration(&self, arguments: &Arguments, folder: &Path) -> Result<PathBuf> {
        let rules = fs::canonicalize(&arguments.rules)
            .with_context(|| arguments.rules.display().to_string())?;
        fs::write(folder.join("site.key"), "0123456789abcdef".repeat(4))?;
        fs::write(folder.join("source.password"), PASSWORD)?;
        let text = format!(
            "[site]\ninstitution_no = \"1411234567\"\nname = \"みなと総合病院\"\n\
             [rules]\ndirectory = \"{}\"\n\
             [source]\nurl = \"{}\"\npassword_file = \"source.password\"\nconnections_max = {}\n\
             bulk_share_percent = 100\n\
             [identity]\nkeys = [{{ generation = \"a\", secret_file = \"site.key\" }}]\n\
             [http]\nlisten = \"127.0.0.1:0\"\n[log]\nlevel = \"{}\"\n",
            rules.display(),
            self.reader_url(),
            arguments.connections,
            arguments.log_level,
        );
        let path = folder.join("genkan.toml");
        fs::write(&path, text)?;
        Ok(path)
    }

    pub async fn connect(&self) -> Result<PgConnection> {
        Ok(PgConnection::connect(&self.url).await?)
    }

    pub async fn query(&self, sql: impl Into<String>) -> Result<Vec<PgRow>> {
        let mut connection = PgConnection::connect(&self.url).await?;
        Ok(sqlx::query(AssertSqlSafe(sql.into())).fetch_all(&mut connection).await?)
    }

    /// The process whose children serve the connections.
    pub async fn postmaster(&self) -> Result<u32> {
        let mut connection = PgConnection::connect(&self.url).await?;
        let backend: i32 =
            sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut connection).await?;
        account::parent(u32::try_from(backend)?)
            .context("the database server has to run on this machine")
    }

    /// From now on, new connections of the reader log each statement with its values.
    pub async fn log_statements(&self) -> Result<()> {
        let rows = self.query("SELECT pg_current_logfile() IS NOT NULL").await?;
        let logs: bool = rows.first().context("no row")?.try_get(0)?;
        ensure!(logs, "the database server has to run with logging_collector = on");
        self.query(format!("ALTER ROLE {} SET log_statement = 'all'", self.reader)).await?;
        Ok(())
    }

    pub async fn stop_log(&self) -> Result<()> {
        self.query(format!("ALTER ROLE {} RESET log_statement", self.reader)).await?;
        Ok(())
    }

    /// The length of the server's log, in bytes.
    pub async fn log_bytes(&self) -> Result<i64> {
        let rows = self.query("SELECT size FROM pg_stat_file(pg_current_logfile())").await?;
        Ok(rows.first().context("no row")?.try_get(0)?)
    }

    /// The log from a position on.
    pub async fn log_since(&self, from: i64) -> Result<String> {
        let sql = format!(
            "SELECT convert_from(pg_read_binary_file(name, {from}, size - {from}), 'UTF8') \
             FROM pg_current_logfile() AS name, LATERAL pg_stat_file(name)"
        );
        Ok(self.query(sql).await?.first().context("no row")?.try_get(0)?)
    }
}
