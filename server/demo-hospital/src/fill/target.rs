//! Where a hospital goes, and the accounts and databases around it.

use std::str::FromStr;

use anyhow::{Context, bail, ensure};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

use crate::schema::Dialect;

/// A database given by URL: `sqlite://FILE`, `postgres://…/DATABASE`, `mysql://…/DATABASE`.
#[derive(Debug, Clone)]
pub enum Target {
    Sqlite(Box<SqliteConnectOptions>),
    Postgres(Box<PgConnectOptions>),
    MariaDb(Box<MySqlConnectOptions>),
}

impl FromStr for Target {
    type Err = anyhow::Error;

    fn from_str(url: &str) -> anyhow::Result<Self> {
        // The URL may hold a password: no error repeats it.
        let scheme = url.split(':').next().unwrap_or_default();
        Ok(match scheme {
            "sqlite" => {
                let options = SqliteConnectOptions::from_str(url);
                let options = options.context("bad sqlite URL")?.create_if_missing(true);
                Target::Sqlite(Box::new(options))
            }
            "postgres" | "postgresql" => {
                let options = PgConnectOptions::from_str(url).context("bad postgres URL")?;
                Target::Postgres(Box::new(options.disable_statement_logging()))
            }
            "mysql" | "mariadb" => {
                let options = MySqlConnectOptions::from_str(url).context("bad mysql URL")?;
                Target::MariaDb(Box::new(options.disable_statement_logging()))
            }
            _ => bail!("the URL must start with sqlite:, postgres: or mysql:"),
        })
    }
}

impl Target {
    pub fn dialect(&self) -> Dialect {
        match self {
            Target::Sqlite(_) => Dialect::Sqlite,
            Target::Postgres(_) => Dialect::Postgres,
            Target::MariaDb(_) => Dialect::MariaDb,
        }
    }

    /// Runs statements one after the other on a connection of their own.
    async fn run(&self, statements: &[String]) -> anyhow::Result<()> {
        match self {
            Target::Sqlite(_) => bail!("SQLite has no accounts and no databases"),
            Target::Postgres(options) => {
                let mut connection = PgConnection::connect_with(options).await?;
                for sql in statements {
                    connection.execute(sqlx::raw_sql(AssertSqlSafe(sql.as_str()))).await?;
                }
                connection.close().await?;
            }
            Target::MariaDb(options) => {
                let mut connection = MySqlConnection::connect_with(options).await?;
                for sql in statements {
                    connection.execute(sqlx::raw_sql(AssertSqlSafe(sql.as_str()))).await?;
                }
                connection.close().await?;
            }
        }
        Ok(())
    }

    fn database(&self) -> Option<&str> {
        match self {
            Target::Sqlite(_) => None,
            Target::Postgres(options) => options.get_database(),
            Target::MariaDb(options) => options.get_database(),
        }
    }
}

/// Names of accounts and databases: small letters, digits and `_`, at most 60.
fn check_name(name: &str) -> anyhow::Result<()> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    ensure!(
        (1..=60).contains(&name.len()) && name.bytes().all(plain),
        "names may hold a-z, 0-9 and _ only"
    );
    Ok(())
}

/// Creates an account that may read every table of the target and nothing else. PostgreSQL and
/// MariaDB only; the account of `target` must be allowed to create accounts.
pub async fn create_reader(target: &Target, user: &str, password: &str) -> anyhow::Result<()> {
    check_name(user)?;
    ensure!(
        password.chars().all(|c| !c.is_control() && !matches!(c, '\'' | '\\')),
        "the password may not hold quotes, backslashes or control characters"
    );
    let database = target.database().context("the URL names no database")?;
    let dialect = target.dialect();
    let quoted = dialect.quote(database);
    let statements = match dialect {
        Dialect::Sqlite => bail!("SQLite has no accounts"),
        Dialect::Postgres => vec![
            format!("CREATE ROLE \"{user}\" LOGIN PASSWORD '{password}'"),
            format!("ALTER ROLE \"{user}\" SET default_transaction_read_only = on"),
            format!("GRANT CONNECT ON DATABASE {quoted} TO \"{user}\""),
            format!("GRANT USAGE ON SCHEMA public TO \"{user}\""),
            format!("GRANT SELECT ON ALL TABLES IN SCHEMA public TO \"{user}\""),
        ],
        // Twice, since an anonymous account on localhost would hide the one for every host.
        Dialect::MariaDb => ["%", "localhost"]
            .iter()
            .flat_map(|host| {
                [
                    format!("CREATE USER '{user}'@'{host}' IDENTIFIED BY '{password}'"),
                    format!("GRANT SELECT, SHOW VIEW ON {quoted}.* TO '{user}'@'{host}'"),
                ]
            })
            .collect(),
    };
    target.run(&statements).await
}

/// Creates an empty database beside the one of an administrator's target.
pub async fn create_database(admin: &Target, name: &str) -> anyhow::Result<Target> {
    check_name(name)?;
    let quoted = admin.dialect().quote(name);
    let (sql, target) = match admin {
        Target::Sqlite(_) => bail!("a SQLite database is a file"),
        Target::Postgres(options) => (
            format!("CREATE DATABASE {quoted} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'"),
            Target::Postgres(Box::new(options.as_ref().clone().database(name))),
        ),
        Target::MariaDb(options) => (
            format!("CREATE DATABASE {quoted} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"),
            Target::MariaDb(Box::new(options.as_ref().clone().database(name))),
        ),
    };
    admin.run(&[sql]).await?;
    Ok(target)
}

pub async fn drop_database(admin: &Target, name: &str) -> anyhow::Result<()> {
    check_name(name)?;
    admin.run(&[format!("DROP DATABASE {}", admin.dialect().quote(name))]).await
}
