//! Throw-away databases: each test makes its own, filled from rows of the plug, and drops it.

use std::sync::atomic::{AtomicU32, Ordering};

use genkan_adapter::memory::SourceRow;
use genkan_adapter::{ColumnKind, SourceSchema, Value};
use genkan_adapter_sql::{Charset, SqlAdapter, SqlConfig};
use sea_orm::{ConnectOptions, ConnectionTrait, Database as Connector, DatabaseConnection};

/// The servers and encodings that tests run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file whose `CHAR(n)` columns hold no blanks, one whose columns are filled up with them, and one
    /// that holds as many as it happens.
    Sqlite,
    SqlitePadded,
    SqliteRagged,
    Postgres,
    PostgresEucJp,
    PostgresEucJis2004,
    PostgresLatin1,
    /// EUC-JP, of which only the configuration knows.
    PostgresSqlAscii,
    Mariadb,
    MariadbEucJpMs,
    /// CP932, of which only the configuration knows.
    MariadbLatin1,
}

/// All that can hold what the suite is about.
pub const ALL: [Kind; 9] = [
    Kind::Sqlite,
    Kind::SqlitePadded,
    Kind::SqliteRagged,
    Kind::Postgres,
    Kind::PostgresEucJp,
    Kind::PostgresSqlAscii,
    Kind::Mariadb,
    Kind::MariadbEucJpMs,
    Kind::MariadbLatin1,
];

impl Kind {
    pub fn is_sqlite(self) -> bool {
        matches!(self, Kind::Sqlite | Kind::SqlitePadded | Kind::SqliteRagged)
    }

    pub fn is_postgres(self) -> bool {
        self.postgres_encoding().is_some()
    }

    fn postgres_encoding(self) -> Option<&'static str> {
        Some(match self {
            Kind::Postgres => "UTF8",
            Kind::PostgresEucJp => "EUC_JP",
            Kind::PostgresEucJis2004 => "EUC_JIS_2004",
            Kind::PostgresLatin1 => "LATIN1",
            Kind::PostgresSqlAscii => "SQL_ASCII",
            _ => return None,
        })
    }

    pub fn is_mariadb(self) -> bool {
        !self.is_sqlite() && !self.is_postgres()
    }

    fn text_encoding(self) -> Option<Charset> {
        match self {
            Kind::PostgresSqlAscii => Some(Charset::EucJp),
            Kind::MariadbLatin1 => Some(Charset::Cp932),
            _ => None,
        }
    }
}

pub struct Database {
    pub kind: Kind,
    pub url: String,
    /// May write.
    pub admin: DatabaseConnection,
    dropped_by: Option<(DatabaseConnection, String)>,
    _folder: Option<tempfile::TempDir>,
}

static COUNT: AtomicU32 = AtomicU32::new(0);

fn server(variable: &str) -> Option<String> {
    let url = std::env::var(variable).ok();
    if url.is_none() {
        assert!(
            std::env::var("GENKAN_TEST_REQUIRE_DATABASES").as_deref() != Ok("1"),
            "{variable} is not set"
        );
        eprintln!("skipped: {variable} is not set");
    }
    url
}

async fn connect(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.sqlx_logging(false).max_connections(1).min_connections(1);
    Connector::connect(options).await.unwrap()
}

impl Database {
    /// `None` where the server is not configured.
    pub async fn create(kind: Kind) -> Option<Database> {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("genkan_{}_{number}", std::process::id());
        let variable = match kind {
            _ if kind.is_sqlite() => {
                let folder = tempfile::tempdir().unwrap();
                let url = format!("sqlite:{}", folder.path().join("source.db").display());
                let admin = connect(&format!("{url}?mode=rwc")).await;
                let folder = Some(folder);
                return Some(Database { kind, url, admin, dropped_by: None, _folder: folder });
            }
            _ if kind.is_postgres() => "GENKAN_TEST_POSTGRES_URL",
            _ => "GENKAN_TEST_MARIADB_URL",
        };
        let server = server(variable)?;
        let owner = connect(&server).await;
        let creation = match kind.postgres_encoding() {
            Some("UTF8") => format!("CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0"),
            Some(encoding) => format!(
                "CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' \
                 TEMPLATE template0"
            ),
            None => {
                let charset = match kind {
                    Kind::MariadbEucJpMs => "eucjpms",
                    Kind::MariadbLatin1 => "latin1",
                    _ => "utf8mb4",
                };
                format!("CREATE DATABASE {name} CHARACTER SET {charset}")
            }
        };
        owner.execute_unprepared(&creation).await.unwrap();
        let base = server.rsplit_once('/').map_or(server.as_str(), |(base, _)| base);
        let url = format!("{base}/{name}");
        let admin = connect(&url).await;
        Some(Database { kind, url, admin, dropped_by: Some((owner, name)), _folder: None })
    }

    /// With tables and rows.
    pub async fn filled(kind: Kind, schema: &SourceSchema, rows: &[SourceRow]) -> Option<Database> {
        let database = Database::create(kind).await?;
        for (name, table) in &schema.tables {
            let mut parts: Vec<String> = table
                .columns
                .iter()
                .map(|column| {
                    let null = if column.nullable { "NULL" } else { "NOT NULL" };
                    format!(
                        "{} {} {null}",
                        database.quote(&column.name),
                        database.declared(column.kind)
                    )
                })
                .collect();
            if !table.primary_key.is_empty() {
                let columns: Vec<String> =
                    table.primary_key.iter().map(|name| database.quote(name)).collect();
                parts.push(format!("PRIMARY KEY ({})", columns.join(", ")));
            }
            database
                .run(&format!("CREATE TABLE {} ({})", database.quote(name), parts.join(", ")))
                .await;
            for index in &table.indexes {
                let columns: Vec<String> =
                    index.columns.iter().map(|name| database.quote(name)).collect();
                let (index, table) = (database.quote(&index.name), database.quote(name));
                database
                    .run(&format!("CREATE INDEX {index} ON {table} ({})", columns.join(", ")))
                    .await;
            }
        }
        for (table, cells) in rows {
            let columns: Vec<String> = cells.iter().map(|(name, _)| database.quote(name)).collect();
            let values: Vec<String> = cells
                .iter()
                .map(|(name, value)| {
                    let column = schema.table(table).unwrap().column(name).unwrap();
                    database.written(column.kind, value)
                })
                .collect();
            let table = database.quote(table);
            let (columns, values) = (columns.join(", "), values.join(", "));
            database.run(&format!("INSERT INTO {table} ({columns}) VALUES ({values})")).await;
        }
        Some(database)
    }

    pub async fn run(&self, sql: &str) {
        if let Err(error) = self.admin.execute_unprepared(sql).await {
            panic!("{sql}: {error}");
        }
    }

    /// An account that may read the tables that are there now, and its name; dropped with
    /// [`Database::drop_account`].
    pub async fn reader(&self) -> (String, String) {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("reader_{}_{number}", std::process::id());
        let (scheme, rest) = self.url.split_once("://").unwrap();
        let (_, place) = rest.split_once('@').unwrap();
        if self.kind.is_postgres() {
            self.run(&format!("CREATE ROLE {name} LOGIN")).await;
            self.run(&format!("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}")).await;
        } else {
            let database = place.rsplit_once('/').unwrap().1;
            self.run(&format!("CREATE USER {name}@'%'")).await;
            self.run(&format!("GRANT SELECT, SHOW VIEW ON {database}.* TO {name}@'%'")).await;
        }
        (format!("{scheme}://{name}@{place}"), name)
    }

    pub async fn drop_account(&self, name: &str) {
        if self.kind.is_postgres() {
            self.run(&format!("DROP OWNED BY {name}; DROP ROLE {name}")).await;
        } else {
            self.run(&format!("DROP USER {name}@'%'")).await;
        }
    }

    pub fn config(&self) -> SqlConfig {
        SqlConfig { text_encoding: self.kind.text_encoding(), ..SqlConfig::new(&self.url) }
    }

    pub async fn adapter(&self) -> SqlAdapter {
        SqlAdapter::connect(&self.config()).await.unwrap()
    }

    pub async fn drop(self) {
        self.admin.close().await.unwrap();
        if let Some((owner, name)) = self.dropped_by {
            let force = if self.kind.is_mariadb() { "" } else { " WITH (FORCE)" };
            owner.execute_unprepared(&format!("DROP DATABASE {name}{force}")).await.unwrap();
        }
    }

    fn quote(&self, name: &str) -> String {
        if self.kind.is_mariadb() { format!("`{name}`") } else { format!("\"{name}\"") }
    }

    fn declared(&self, kind: ColumnKind) -> String {
        let (sqlite, mariadb) = (self.kind.is_sqlite(), self.kind.is_mariadb());
        let choose = |sqlite_type: &str, postgres: &str, mysql: &str| {
            let name = match (sqlite, mariadb) {
                (true, _) => sqlite_type,
                (_, true) => mysql,
                _ => postgres,
            };
            name.to_owned()
        };
        match kind {
            ColumnKind::Text => choose("VARCHAR(8000)", "varchar(8000)", "varchar(8000)"),
            ColumnKind::PaddedText { length } => format!("char({length})"),
            ColumnKind::Boolean => choose("BOOLEAN", "boolean", "bit(1)"),
            ColumnKind::Integer => choose("INTEGER", "integer", "int"),
            ColumnKind::Decimal => choose("DECIMAL_TEXT", "numeric", "decimal(30,2)"),
            ColumnKind::Date => choose("DATE_TEXT", "date", "date"),
            ColumnKind::Time => choose("TIME_TEXT", "time", "time(6)"),
            ColumnKind::DateTime => choose("DATETIME_TEXT", "timestamp", "datetime(6)"),
            ColumnKind::Instant => choose("INSTANT_TEXT", "timestamptz", "timestamp(6)"),
            ColumnKind::Bytes => choose("BLOB", "bytea", "varbinary(200)"),
            ColumnKind::Unsupported => unreachable!("no fixture has such a column"),
        }
    }

    fn written(&self, kind: ColumnKind, value: &Value) -> String {
        let quoted = |text: &str| {
            let text = text.replace('\'', "''");
            // MariaDB reads backslashes in a literal.
            let text = if self.kind.is_mariadb() { text.replace('\\', "\\\\") } else { text };
            self.encoded(&format!("'{text}'"))
        };
        match (value, kind) {
            (Value::Null, _) => "NULL".to_owned(),
            (Value::Boolean(truth), _) => match self.kind {
                kind if kind.is_postgres() => truth.to_string(),
                _ => i32::from(*truth).to_string(),
            },
            (Value::Integer(number), _) => number.to_string(),
            (Value::Decimal(decimal), _) => quoted(decimal.as_str()),
            (Value::Text(text), ColumnKind::PaddedText { length })
                if self.kind == Kind::SqlitePadded =>
            {
                let text = text.trim_end_matches(' ');
                quoted(&format!("{text:<width$}", width = length as usize))
            }
            (Value::Text(text), ColumnKind::PaddedText { length })
                if self.kind == Kind::SqliteRagged =>
            {
                let text = text.trim_end_matches(' ');
                let room = (length as usize).saturating_sub(text.chars().count());
                let blanks = text.bytes().map(usize::from).sum::<usize>() + length as usize;
                quoted(&format!("{text}{:1$}", "", std::cmp::min(blanks % 4, room)))
            }
            (Value::Text(text), ColumnKind::PaddedText { .. }) => {
                quoted(text.trim_end_matches(' '))
            }
            (Value::Text(text), _) => quoted(text),
            (Value::Date(date), _) => quoted(&date.to_string()),
            (Value::Time(time), _) => quoted(&time.to_string()),
            (Value::DateTime(moment), _) => quoted(&moment.to_string()),
            (Value::Instant(instant), _) => {
                let zone = if self.kind.is_postgres() { "+00" } else { "" };
                quoted(&format!("{}{zone}", instant.naive_utc()))
            }
            (Value::Bytes(bytes), _) => self.bytes(bytes),
            (Value::Unreadable(cell), _) => {
                let bytes = self.bytes(cell.bytes());
                match self.kind {
                    kind if kind.is_sqlite() => format!("CAST({bytes} AS TEXT)"),
                    kind if kind.is_postgres() => {
                        format!("convert_from({bytes}::bytea, getdatabaseencoding())")
                    }
                    Kind::MariadbLatin1 => format!("CONVERT({bytes} USING latin1)"),
                    _ => format!("CONVERT({bytes} USING eucjpms)"),
                }
            }
        }
    }

    fn bytes(&self, bytes: &[u8]) -> String {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        if self.kind.is_postgres() { format!("'\\x{hex}'") } else { format!("x'{hex}'") }
    }

    /// A literal as the rows of this database hold it, by the server's own tables.
    fn encoded(&self, literal: &str) -> String {
        match self.kind {
            _ if literal.is_ascii() => literal.to_owned(),
            Kind::PostgresSqlAscii => format!(
                "convert_from(convert(convert_to({literal}, 'SQL_ASCII'), 'UTF8', 'EUC_JP'), \
                 'SQL_ASCII')"
            ),
            Kind::MariadbLatin1 => {
                format!("CONVERT(CAST(CONVERT({literal} USING cp932) AS BINARY) USING latin1)")
            }
            _ => literal.to_owned(),
        }
    }
}
