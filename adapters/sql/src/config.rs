//! The part of a site's configuration that says where the source is and how much may be asked of
//! it. Secrets may stand in files of their own; none of them is ever printed.

use std::fmt;
use std::path::{Path, PathBuf};

use genkan_adapter::{AdapterError, ErrorCategory};
use serde::Deserialize;

use crate::charset::Charset;

/// One SQL source. Either `url` or `url_file` is given.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SqlConfig {
    /// `postgres://user@host:5432/database`, `mysql://…` or `sqlite:/path/of/file.db`.
    #[serde(default)]
    pub url: Option<String>,
    /// A file that holds the URL, for URLs with a password.
    #[serde(default)]
    pub url_file: Option<PathBuf>,
    /// A file that holds the password of the URL's user.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// PostgreSQL only: the schema (or schemas, with commas) whose tables are read.
    #[serde(default)]
    pub schema: Option<String>,
    /// What text really is where the source does not say it: `cp932`, `euc-jp`, `euc-jis-2004` or
    /// `utf-8`. PostgreSQL in SQL_ASCII needs it; MySQL's columns in `latin1` are taken for what
    /// they say without it. Text of every other kind is not touched by it.
    #[serde(default)]
    pub text_encoding: Option<Charset>,
    /// Connections that Genkan may hold at one time; a hospital's system feels each of them, so that the
    /// server takes no more than ten.
    #[serde(default = "connections_max")]
    pub connections_max: u32,
    /// For opening a connection, and for waiting until one is free.
    #[serde(default = "connect_timeout_ms")]
    pub connect_timeout_ms: u64,
    /// For one statement. The server is told to stop it, and Genkan stops waiting shortly after.
    #[serde(default = "statement_timeout_ms")]
    pub statement_timeout_ms: u64,
    /// Rows of one statement; more is an error, never a silent cut.
    #[serde(default = "rows_max")]
    pub rows_max: u64,
    /// Bytes of the cells of one statement's rows; more is an error as well.
    #[serde(default = "bytes_max")]
    pub bytes_max: u64,
    /// MySQL and MariaDB only, which compare anything with anything: how long a table is taken for what it
    /// was; 0: each statement looks. Others say themselves that it has changed.
    #[serde(default = "catalog_check_secs")]
    pub catalog_check_secs: u64,
    /// Functions that run with another account's rights, `schema.name` (MySQL: `database.name`), and
    /// that the site knows to write nothing: the account may have the right to run them.
    #[serde(default)]
    pub functions_allowed: Vec<String>,
    /// Failures in a row (no connection, no answer, a time limit) after which the source is not asked
    /// for a while; 0: it always is. Whoever asks sees to it, not the adapter.
    #[serde(default = "breaker_failures")]
    pub breaker_failures: u32,
    /// For so long; then one statement shows whether it is well again. If not, for twice as long.
    #[serde(default = "breaker_open_secs")]
    pub breaker_open_secs: u64,
    /// And so on, but no longer than that.
    #[serde(default = "breaker_open_secs_max")]
    pub breaker_open_secs_max: u64,
    /// Of the time, for statements of bulk work (`$export`): who uses the source keeps to it.
    #[serde(default = "bulk_share_percent")]
    pub bulk_share_percent: u32,
    /// Connections for bulk work, of those above.
    #[serde(default = "bulk_connections_max")]
    pub bulk_connections_max: u32,
    /// When bulk work may run, as `22:00-06:00` of the site's clock; empty: always.
    #[serde(default)]
    pub bulk_windows: Vec<String>,
}

fn connections_max() -> u32 {
    4
}

fn connect_timeout_ms() -> u64 {
    5_000
}

fn statement_timeout_ms() -> u64 {
    10_000
}

fn rows_max() -> u64 {
    1_000_000
}

fn bytes_max() -> u64 {
    268_435_456
}

fn catalog_check_secs() -> u64 {
    1
}

/// As many as there are connections: when all of them hang, that is enough.
fn breaker_failures() -> u32 {
    4
}

fn breaker_open_secs() -> u64 {
    10
}

fn breaker_open_secs_max() -> u64 {
    300
}

fn bulk_share_percent() -> u32 {
    20
}

fn bulk_connections_max() -> u32 {
    1
}

impl SqlConfig {
    /// The defaults, for a URL that holds no secret.
    pub fn new(url: impl Into<String>) -> Self {
        SqlConfig {
            url: Some(url.into()),
            url_file: None,
            password_file: None,
            schema: None,
            text_encoding: None,
            connections_max: connections_max(),
            connect_timeout_ms: connect_timeout_ms(),
            statement_timeout_ms: statement_timeout_ms(),
            rows_max: rows_max(),
            bytes_max: bytes_max(),
            catalog_check_secs: catalog_check_secs(),
            functions_allowed: Vec::new(),
            breaker_failures: breaker_failures(),
            breaker_open_secs: breaker_open_secs(),
            breaker_open_secs_max: breaker_open_secs_max(),
            bulk_share_percent: bulk_share_percent(),
            bulk_connections_max: bulk_connections_max(),
            bulk_windows: Vec::new(),
        }
    }

    pub(crate) fn resolve_url(&self) -> Result<String, AdapterError> {
        match (&self.url, &self.url_file) {
            (Some(url), None) => Ok(url.clone()),
            (None, Some(path)) => read_secret(path),
            _ => Err(AdapterError::new(
                ErrorCategory::Mismatch,
                "source configuration: give either `url` or `url_file`",
            )),
        }
    }

    pub(crate) fn resolve_password(&self) -> Result<Option<String>, AdapterError> {
        self.password_file.as_deref().map(read_secret).transpose()
    }
}

fn read_secret(path: &Path) -> Result<String, AdapterError> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let message = format!("cannot read {}: {}", path.display(), error.kind());
        AdapterError::new(ErrorCategory::Denied, message)
    })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// The URL for people: who and where, without password and parameters.
pub(crate) fn redact(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.split('?').next().unwrap_or_default().to_owned();
    };
    let rest = rest.split('?').next().unwrap_or_default();
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    format!("{scheme}://{place}")
}

impl fmt::Debug for SqlConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlConfig")
            .field("url", &self.url.as_deref().map(redact))
            .field("url_file", &self.url_file)
            .field("password_file", &self.password_file)
            .field("schema", &self.schema)
            .field("text_encoding", &self.text_encoding)
            .field("connections_max", &self.connections_max)
            .field("connect_timeout_ms", &self.connect_timeout_ms)
            .field("statement_timeout_ms", &self.statement_timeout_ms)
            .field("rows_max", &self.rows_max)
            .field("bytes_max", &self.bytes_max)
            .field("catalog_check_secs", &self.catalog_check_secs)
            .field("functions_allowed", &self.functions_allowed)
            .field("breaker_failures", &self.breaker_failures)
            .field("breaker_open_secs", &self.breaker_open_secs)
            .field("breaker_open_secs_max", &self.breaker_open_secs_max)
            .field("bulk_share_percent", &self.bulk_share_percent)
            .field("bulk_connections_max", &self.bulk_connections_max)
            .field("bulk_windows", &self.bulk_windows)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_password() {
        for (url, shown) in [
            ("postgres://u:p%40ss@db.local:5432/ehr?x=secret", "postgres://db.local:5432/ehr"),
            ("mysql://root@127.0.0.1:3306/", "mysql://127.0.0.1:3306/"),
            ("sqlite:/srv/ehr.db?mode=ro", "sqlite:/srv/ehr.db"),
            ("postgres://u:p@ss@db/ehr", "postgres://db/ehr"),
        ] {
            assert_eq!(redact(url), shown);
        }
    }
}
