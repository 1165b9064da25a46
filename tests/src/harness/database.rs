//! A fresh database per test on the servers that `tests/run` started, dropped with the value.
//! Databases are made here and not in the tests so that two tests can never share rows.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::{env, fs, process, thread};

use anyhow::{Context, Result, bail};
use sqlx::{AssertSqlSafe, Connection, MySqlConnection, PgConnection, SqliteConnection};
use tempfile::TempDir;
use tokio::runtime;

use super::Server;

/// An engine that Genkan reads from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
    MariaDb,
}

impl Engine {
    pub const ALL: [Self; 3] = [Self::Sqlite, Self::Postgres, Self::MariaDb];

    /// The variable that holds the administrator's URL of the test server.
    fn variable(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("GENKAN_TEST_POSTGRES_URL"),
            Self::MariaDb => Some("GENKAN_TEST_MARIADB_URL"),
        }
    }
}

/// The character encoding of a PostgreSQL database. Old hospital systems store EUC-JP, with or
/// without the server's knowledge; the other engines ignore this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    EucJp,
    /// No encoding: bytes.
    SqlAscii,
}

impl Encoding {
    fn postgres_name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF8",
            Self::EucJp => "EUC_JP",
            Self::SqlAscii => "SQL_ASCII",
        }
    }
}

/// The engines that can be tested here. One without a server is skipped with a plain message,
/// or is a failure where `GENKAN_TEST_REQUIRE_DATABASES=1` promises that there is one.
pub fn available_engines() -> Result<Vec<Engine>> {
    let mut engines = Vec::new();
    for engine in Engine::ALL {
        if admin_url(engine)?.is_some() {
            engines.push(engine);
        }
    }
    Ok(engines)
}

/// A database of one test.
pub struct Database {
    pub engine: Engine,
    /// The URL to reach it with all rights, as sqlx and Genkan's configuration take it.
    pub url: String,
    name: String,
    admin_url: String,
    folder: Option<TempDir>,
}

impl Database {
    /// Makes an empty UTF-8 database, or `None` with a message where there is no server for it.
    pub fn create(engine: Engine) -> Result<Option<Self>> {
        Self::create_encoded(engine, Encoding::Utf8)
    }

    /// As `create`, in the given encoding.
    pub fn create_encoded(engine: Engine, encoding: Encoding) -> Result<Option<Self>> {
        let Some(admin_url) = admin_url(engine)? else { return Ok(None) };
        Ok(Some(Self::on(engine, admin_url, encoding)?))
    }

    /// Makes an empty UTF-8 database on a server of the test's own.
    pub fn create_on(server: &Server) -> Result<Self> {
        Self::on(server.engine, server.url.clone(), Encoding::Utf8)
    }

    fn on(engine: Engine, admin_url: String, encoding: Encoding) -> Result<Self> {
        let database = Self::named(engine, admin_url)?;
        let name = &database.name;
        match engine {
            Engine::Sqlite => database.run("PRAGMA journal_mode = WAL")?,
            Engine::Postgres => {
                let encoding = encoding.postgres_name();
                // template0 with locale C: the only combination that every encoding accepts.
                let statement = format!(
                    "CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0 \
                     LC_COLLATE 'C' LC_CTYPE 'C'"
                );
                execute(engine, &database.admin_url, statement)?;
            }
            Engine::MariaDb => {
                let statement = format!("CREATE DATABASE {name} CHARACTER SET utf8mb4");
                execute(engine, &database.admin_url, statement)?;
            }
        }
        Ok(database)
    }

    /// Runs SQL text of one or more statements with all rights.
    pub fn run(&self, sql: &str) -> Result<()> {
        execute(self.engine, &self.url, sql.to_owned())
    }

    /// The only number of the only row.
    pub fn number(&self, sql: &str) -> Result<i64> {
        let (engine, url, sql) = (self.engine, self.url.clone(), sql.to_owned());
        on_a_thread(async move { number_once(engine, &url, sql).await })
    }

    /// Runs SQL text in a session that stays open, with the locks it took, until the value is dropped.
    pub fn hold(&self, sql: &str) -> Result<Held> {
        let (engine, url, sql) = (self.engine, self.url.clone(), sql.to_owned());
        let (release, released) = mpsc::channel::<()>();
        let (ready, is_ready) = mpsc::channel();
        let thread = thread::spawn(move || {
            let held = || -> Result<(runtime::Runtime, AnyConnection)> {
                let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
                let connection = runtime.block_on(AnyConnection::open(engine, &url, sql))?;
                Ok((runtime, connection))
            };
            let (held, answer) = match held() {
                Ok(held) => (Some(held), Ok(())),
                Err(error) => (None, Err(error)),
            };
            let _ = ready.send(answer);
            let _ = released.recv();
            if let Some((runtime, connection)) = held {
                runtime.block_on(connection.close());
            }
        });
        let held = Held { release: Some(release), thread: Some(thread) };
        is_ready.recv().context("the session ended")??;
        Ok(held)
    }

    /// The file of a SQLite database.
    pub fn file(&self) -> Option<&Path> {
        self.folder.as_ref().and(self.url.strip_prefix("sqlite://")).map(Path::new)
    }

    fn named(engine: Engine, admin_url: String) -> Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("genkan_test_{}_{number}", process::id());
        if engine != Engine::Sqlite {
            let url = with_database(&admin_url, &name)?;
            return Ok(Self { engine, url, name, admin_url, folder: None });
        }
        let folder = tempfile::tempdir().context("a folder for the SQLite file")?;
        let file = folder.path().join("source.sqlite");
        fs::File::create(&file)?;
        let url = format!("sqlite://{}", file.display());
        Ok(Self { engine, url, name, admin_url, folder: Some(folder) })
    }
}

/// A session that is kept open.
pub struct Held {
    release: Option<mpsc::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.release.take());
        // Its locks are gone when this returns.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let statement = match self.engine {
            Engine::Sqlite => return,
            // FORCE: a Genkan that a failed test left behind may still be connected.
            Engine::Postgres => format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name),
            Engine::MariaDb => format!("DROP DATABASE IF EXISTS {}", self.name),
        };
        if let Err(error) = execute(self.engine, &self.admin_url, statement) {
            eprintln!("database {} was not dropped: {error:#}", self.name);
        }
    }
}

/// `Some("")` for SQLite, which needs no server.
fn admin_url(engine: Engine) -> Result<Option<String>> {
    let Some(variable) = engine.variable() else { return Ok(Some(String::new())) };
    match env::var(variable) {
        Ok(url) => Ok(Some(url)),
        Err(_) if env::var("GENKAN_TEST_REQUIRE_DATABASES").as_deref() == Ok("1") => {
            bail!("{variable} is not set although GENKAN_TEST_REQUIRE_DATABASES=1; use tests/run")
        }
        Err(_) => {
            eprintln!("skipped on {engine:?}: {variable} is not set (tests/run sets it)");
            Ok(None)
        }
    }
}

/// The administrator's URL with another database: everything after the authority is replaced.
fn with_database(admin_url: &str, name: &str) -> Result<String> {
    let authority = admin_url.find("://").map(|at| at + 3).context("the URL has no scheme")?;
    let end = admin_url[authority..].find('/').map_or(admin_url.len(), |at| authority + at);
    Ok(format!("{}/{name}", &admin_url[..end]))
}

/// A connection to any engine.
enum AnyConnection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
    MariaDb(MySqlConnection),
}

impl AnyConnection {
    /// Connects and runs SQL text of one or more statements.
    async fn open(engine: Engine, url: &str, sql: String) -> Result<Self> {
        let what = format!("{engine:?}: {sql:.200}");
        let statements = sqlx::raw_sql(AssertSqlSafe(sql));
        Ok(match engine {
            Engine::Sqlite => {
                let mut connection = SqliteConnection::connect(url).await?;
                statements.execute(&mut connection).await.context(what)?;
                Self::Sqlite(connection)
            }
            Engine::Postgres => {
                let mut connection = PgConnection::connect(url).await?;
                statements.execute(&mut connection).await.context(what)?;
                Self::Postgres(connection)
            }
            Engine::MariaDb => {
                let mut connection = MySqlConnection::connect(url).await?;
                statements.execute(&mut connection).await.context(what)?;
                Self::MariaDb(connection)
            }
        })
    }

    async fn close(self) {
        // It is of no use any more, whatever the server says.
        let _ = match self {
            Self::Sqlite(connection) => connection.close().await,
            Self::Postgres(connection) => connection.close().await,
            Self::MariaDb(connection) => connection.close().await,
        };
    }
}

pub(super) fn execute(engine: Engine, url: &str, sql: String) -> Result<()> {
    let url = url.to_owned();
    on_a_thread(async move {
        AnyConnection::open(engine, &url, sql).await?.close().await;
        Ok(())
    })
}

async fn number_once(engine: Engine, url: &str, sql: String) -> Result<i64> {
    let query = sqlx::AssertSqlSafe(sql);
    Ok(match engine {
        Engine::Sqlite => {
            let mut connection = SqliteConnection::connect(url).await?;
            sqlx::query_scalar(query).fetch_one(&mut connection).await?
        }
        Engine::Postgres => {
            let mut connection = PgConnection::connect(url).await?;
            sqlx::query_scalar(query).fetch_one(&mut connection).await?
        }
        Engine::MariaDb => {
            let mut connection = MySqlConnection::connect(url).await?;
            sqlx::query_scalar(query).fetch_one(&mut connection).await?
        }
    })
}

/// On a thread and runtime of its own: callable from a test with a runtime, one without, and
/// from `drop`.
fn on_a_thread<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let worker = thread::spawn(move || {
        runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
    });
    worker.join().unwrap_or_else(|_| bail!("the thread of a statement panicked"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_database_of_a_url_is_replaced() -> Result<()> {
        for (admin, expected) in [
            ("postgres://genkan@127.0.0.1:5/postgres", "postgres://genkan@127.0.0.1:5/a"),
            ("mysql://root@127.0.0.1:5/", "mysql://root@127.0.0.1:5/a"),
            ("mysql://root:pw@127.0.0.1:5", "mysql://root:pw@127.0.0.1:5/a"),
        ] {
            assert_eq!(with_database(admin, "a")?, expected);
        }
        assert!(with_database("127.0.0.1", "a").is_err());
        Ok(())
    }
}
