//! Opens the pool: read-only, in UTC, with the server's own time limit, without a sign of life
//! before each statement.

use std::time::Duration;

use genkan_adapter::{AdapterError, ErrorCategory};
use sea_orm::sqlx::{self, AssertSqlSafe, Executor, MySqlConnection};
use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbErr, RuntimeErr};

use crate::catalog::Dialect;
use crate::config::{SqlConfig, redact};
use crate::failure::classify;

/// Statements that the driver keeps prepared on each connection.
const STATEMENTS_PREPARED: usize = 256;

/// A database that lives as long as one of its connections.
pub(crate) const MEMORY_URL: &str = "sqlite::memory:";

pub(crate) fn dialect(url: &str) -> Result<Dialect, AdapterError> {
    match url.split(':').next().unwrap_or_default() {
        "sqlite" => Ok(Dialect::Sqlite),
        "postgres" | "postgresql" => Ok(Dialect::Postgres),
        "mysql" | "mariadb" => Ok(Dialect::Mysql),
        _ => Err(AdapterError::new(
            ErrorCategory::Mismatch,
            "the source's URL starts with none of postgres:, mysql:, mariadb:, sqlite:",
        )),
    }
}

/// A pool that connects when it is first asked.
pub(crate) async fn open(
    config: &SqlConfig,
    url: &str,
    dialect: Dialect,
) -> Result<DatabaseConnection, AdapterError> {
    let password = config.resolve_password()?;
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(config.connections_max)
        .acquire_timeout(Duration::from_millis(config.connect_timeout_ms))
        .connect_lazy(true)
        .test_before_acquire(false)
        .test_before_acquire_if_idle_for(Duration::from_secs(10))
        .sqlx_logging(false);
    match dialect {
        Dialect::Sqlite => sqlite(&mut options, url == MEMORY_URL),
        Dialect::Postgres => postgres(&mut options, config, password),
        Dialect::Mysql => mysql(&mut options, config, password),
    }
    Database::connect(options).await.map_err(|error| of_connect(error, url))
}

fn of_connect(error: DbErr, url: &str) -> AdapterError {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error)) => classify(&error, &redact(url)),
        _ => AdapterError::new(
            ErrorCategory::Mismatch,
            format!("{}: the URL or its parameters are not understood", redact(url)),
        ),
    }
}

fn sqlite(options: &mut ConnectOptions, in_memory: bool) {
    options.map_sqlx_sqlite_opts(move |options| {
        options
            .read_only(!in_memory)
            .create_if_missing(false)
            .statement_cache_capacity(STATEMENTS_PREPARED)
            .pragma("query_only", "on")
    });
}

fn postgres(options: &mut ConnectOptions, config: &SqlConfig, password: Option<String>) {
    let timeout = config.statement_timeout_ms.to_string();
    if let Some(schema) = &config.schema {
        options.set_schema_search_path(schema);
    }
    options.set_application_name("genkan");
    options.map_sqlx_postgres_opts(move |options| {
        let options = options.statement_cache_capacity(STATEMENTS_PREPARED).options([
            ("default_transaction_read_only", "on"),
            ("statement_timeout", &timeout),
            ("lock_timeout", &timeout),
            ("DateStyle", "ISO"),
            ("TimeZone", "UTC"),
            // Short statements only: compiling them costs more than running them.
            ("jit", "off"),
            // `connections_max` says how many of the server's processes work for us.
            ("max_parallel_workers_per_gather", "0"),
            // A server finds out in two minutes, not in two hours, that we have vanished.
            ("tcp_keepalives_idle", "60"),
            ("tcp_keepalives_interval", "20"),
            ("tcp_keepalives_count", "3"),
        ]);
        match &password {
            Some(password) => options.password(password),
            None => options,
        }
    });
}

fn mysql(options: &mut ConnectOptions, config: &SqlConfig, password: Option<String>) {
    options.map_sqlx_mysql_opts(move |options| {
        let options = options.statement_cache_capacity(STATEMENTS_PREPARED);
        match &password {
            Some(password) => options.password(password),
            None => options,
        }
    });
    let timeout_ms = config.statement_timeout_ms;
    options.map_sqlx_mysql_pool_opts(move |pool| {
        pool.after_connect(move |connection, _| Box::pin(mysql_session(connection, timeout_ms)))
    });
}

/// MariaDB counts seconds, MySQL milliseconds, each under a name of its own.
async fn mysql_session(
    connection: &mut MySqlConnection,
    timeout_ms: u64,
) -> Result<(), sqlx::Error> {
    let version: String =
        sqlx::query_scalar("SELECT VERSION()").fetch_one(&mut *connection).await?;
    let settings = if version.contains("MariaDB") {
        // MariaDB remembers what EXISTS found for a text, and takes `a` and `A` for one text then. Of
        // a list of a thousand values or more it makes a table, and misses rows whose text is in it;
        // the comment is for the versions that can be told not to.
        format!(
            "SET SESSION max_statement_time = {}.{:03}, optimizer_switch = 'subquery_cache=off' \
             /*M!100318 , in_predicate_conversion_threshold = 0 */",
            timeout_ms / 1000,
            timeout_ms % 1000
        )
    } else {
        format!("SET SESSION max_execution_time = {timeout_ms}")
    };
    let seconds = timeout_ms.div_ceil(1000).max(1);
    // A table that is being altered, and a session of ours that the network has swallowed.
    let waits = format!("SET SESSION lock_wait_timeout = {seconds}, wait_timeout = 3600");
    connection.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY").await?;
    connection.execute(AssertSqlSafe(settings)).await?;
    connection.execute(AssertSqlSafe(waits)).await?;
    Ok(())
}
