//! Sorts what a driver reports into the categories of the plug. A driver's own message may
//! quote values, so it is passed on only where it can name nothing but tables and columns.

use std::io::ErrorKind;

use genkan_adapter::{AdapterError, ErrorCategory, Limit};
use sea_orm::sqlx::postgres::{PgDatabaseError, PgSeverity};
use sea_orm::sqlx::{self, error::DatabaseError};

/// PostgreSQL: "cached plan must not change result type"; nothing else that is asked here has it.
const CACHED_PLAN: &str = "0A000";
/// MySQL: a prepared statement kept changing under the server itself.
const NEED_REPREPARE: u16 = 1615;

/// SQLite: the file begins with something else.
const NOT_A_DATABASE: &str = "26";

/// SQLite: our own clock stopped the statement.
const INTERRUPTED: &str = "9";

/// A driver's error on its way to its category; kept apart so that a caller can still look at it.
#[derive(Debug)]
pub(crate) enum Failure {
    Driver(sqlx::Error),
    Adapter(AdapterError),
    /// A column travels as another type than the catalog knows it with: it was changed meanwhile.
    OtherType,
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Failure::Driver(error)
    }
}

impl From<AdapterError> for Failure {
    fn from(error: AdapterError) -> Self {
        Failure::Adapter(error)
    }
}

impl Failure {
    /// Of an attempt to connect: what breaks off then, or speaks another language, is no database.
    pub fn of_connecting(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Protocol(_) => {
                Failure::Driver(sqlx::Error::Io(ErrorKind::ConnectionAborted.into()))
            }
            error => Failure::Driver(error),
        }
    }

    /// `source` is the redacted URL.
    pub fn classify(self, source: &str) -> AdapterError {
        match self {
            Failure::Adapter(error) => error,
            Failure::Driver(error) => classify(&error, source),
            Failure::OtherType => {
                let message = format!(
                    "{source}: a column has another type than before; run `genkan rules check`"
                );
                AdapterError::new(ErrorCategory::Mismatch, message)
            }
        }
    }

    /// PostgreSQL: a parameter has no equivalent in the server's encoding.
    pub fn is_untranslatable(&self) -> bool {
        matches!(self, Failure::Driver(sqlx::Error::Database(error))
            if matches!(error.code().as_deref(), Some("22P05")))
    }

    /// A column's type was changed under a statement that the session keeps prepared, where every
    /// further run of it fails until it is prepared anew, or under the catalog that it was made by.
    pub fn is_outdated_statement(&self) -> bool {
        let Failure::Driver(sqlx::Error::Database(error)) = self else {
            return matches!(self, Failure::OtherType);
        };
        let mysql = error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>();
        match mysql {
            Some(mysql) => mysql.number() == NEED_REPREPARE,
            None => error.code().as_deref() == Some(CACHED_PLAN),
        }
    }

    /// The connection is gone, which says nothing about the server: a pooled one may be stale.
    pub fn is_broken_connection(&self) -> bool {
        match self {
            Failure::Driver(sqlx::Error::Io(_)) => true,
            Failure::Driver(sqlx::Error::WorkerCrashed) => true,
            Failure::Driver(sqlx::Error::Database(error)) => ends_the_connection(error.as_ref()),
            _ => false,
        }
    }
}

/// The server's last words on a connection.
fn ends_the_connection(error: &dyn DatabaseError) -> bool {
    if let Some(error) = error.try_downcast_ref::<PgDatabaseError>() {
        return matches!(error.severity(), PgSeverity::Fatal | PgSeverity::Panic);
    }
    let mysql = error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>();
    // Shutting down, killed, unused for too long.
    mysql.is_some_and(|error| matches!(error.number(), 1053 | 1927 | 4031))
}

pub(crate) fn classify(error: &sqlx::Error, source: &str) -> AdapterError {
    use ErrorCategory::*;
    let (category, what) = match error {
        sqlx::Error::Database(database) => return of_database(database.as_ref(), source),
        // The system's own words: a name that nobody knows has no kind of its own.
        sqlx::Error::Io(io) => {
            (Unreachable, format!("no connection ({io}); is the address right, and the server up?"))
        }
        sqlx::Error::Tls(_) => (Unreachable, "the TLS handshake failed; check certificates".into()),
        sqlx::Error::PoolTimedOut => {
            (Unreachable, "no connection within `connect_timeout_ms`; is the server up?".into())
        }
        sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
            (Unreachable, "the connection was closed".into())
        }
        sqlx::Error::Configuration(_) => {
            (Mismatch, "the URL or its parameters are not understood; check the source".into())
        }
        sqlx::Error::Protocol(_) => (Unreadable, "the server's answer is not understood".into()),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
            (Unreadable, "a cell of the answer is not understood".into())
        }
        _ => (Unreadable, "the driver failed".into()),
    };
    AdapterError::new(category, format!("{source}: {what}"))
}

fn of_database(error: &dyn DatabaseError, source: &str) -> AdapterError {
    use ErrorCategory::*;
    let code = error.code().unwrap_or_default().into_owned();
    let number =
        error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>().map(|mysql| mysql.number());
    let category = match number {
        Some(number) => of_mysql(number),
        None if error.try_downcast_ref::<PgDatabaseError>().is_some() => of_sqlstate(&code),
        None => of_sqlite(&code, error.message()),
    };
    let code = number.map_or(code, |number| number.to_string());
    let sqlite = error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some();
    let what = match category {
        Unreachable if sqlite => {
            "the database file can't be opened; check the path and the right to read it".to_owned()
        }
        Busy if sqlite => "another program has locked the database file; try again".into(),
        Busy => "the database is locked or has no connection free; try again".into(),
        Unreadable if sqlite && code == NOT_A_DATABASE => {
            "the file is no SQLite database, or it is encrypted; check the path".into()
        }
        Unreachable => "the database does not answer; is it up?".to_owned(),
        Denied => "the database refused the account; check user, password and SELECT rights".into(),
        LimitExceeded => {
            "the statement was stopped by a limit; narrow the search, add an index or \
                          raise `statement_timeout_ms`"
                .into()
        }
        // These messages name tables and columns only.
        Mismatch if names_only(&code, number) => {
            format!("{}; run `genkan rules check`", error.message())
        }
        Mismatch => "the statement does not fit the database; run `genkan rules check`".into(),
        Unreadable => "the database could not answer the statement".into(),
    };
    let failure = AdapterError::new(category, format!("{source}: {what} (code {code})"));
    if ran_out_of_time(&code, number) {
        failure.with_limit(Limit::Time)
    } else if is_too_complex(&code, number) {
        failure.with_limit(Limit::Question)
    } else {
        failure
    }
}

/// Of a statement, or of its wait for a lock.
fn ran_out_of_time(code: &str, mysql: Option<u16>) -> bool {
    match mysql {
        Some(number) => matches!(number, 1205 | 1317 | 1969 | 3024),
        None => matches!(code, "57014" | "55P03" | INTERRUPTED),
    }
}

/// Too long, too deep, or with too many values for this server: the next time as well.
fn is_too_complex(code: &str, mysql: Option<u16>) -> bool {
    mysql.is_none() && matches!(code, "54000" | "54001")
}

fn names_only(code: &str, mysql: Option<u16>) -> bool {
    match mysql {
        Some(number) => matches!(number, 1049 | 1054 | 1146),
        None => matches!(code, "42P01" | "42703" | "3D000" | "3F000"),
    }
}

fn of_sqlstate(code: &str) -> ErrorCategory {
    use ErrorCategory::*;
    match code {
        "57014" | "53000" | "53100" | "53200" | "53400" | "54000" | "54001" => LimitExceeded,
        // Locked, too many connections.
        "55P03" | "53300" => Busy,
        "42501" | "25006" => Denied,
        "3D000" | "3F000" | CACHED_PLAN => Mismatch,
        _ => match code.get(..2) {
            Some("08" | "57" | "58") => Unreachable,
            Some("28") => Denied,
            Some("42" | "22") => Mismatch,
            Some("40") => Busy,
            _ => Unreadable,
        },
    }
}

fn of_mysql(number: u16) -> ErrorCategory {
    use ErrorCategory::*;
    match number {
        1044 | 1045 | 1142 | 1143 | 1227 | 1370 | 1698 | 1792 | 1820 | 4151 => Denied,
        1040 | 1203 | 1205 | 1213 | 1226 => Busy,
        1317 | 1969 | 3024 => LimitExceeded,
        1053
        | 1077
        | 1079
        | 1129
        | 1130
        | 1152
        | 1158..=1161
        | 1184
        | 1927
        | 2002..=2013
        | 4031 => Unreachable,
        1049 | 1054 | 1064 | 1146 | 1267 | 1271 | 1305 | NEED_REPREPARE => Mismatch,
        _ => Unreadable,
    }
}

/// The primary result codes; extended ones carry them in their low byte.
fn of_sqlite(code: &str, message: &str) -> ErrorCategory {
    use ErrorCategory::*;
    match code.parse::<u32>().map(|code| code & 0xff) {
        Ok(1) if message.starts_with("no such") => Mismatch,
        Ok(3 | 8 | 23) => Denied,
        Ok(5 | 6) => Busy,
        Ok(7 | 9 | 13 | 18) => LimitExceeded,
        Ok(10 | 14) => Unreachable,
        _ => Unreadable,
    }
}
