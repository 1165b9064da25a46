//! Throw-away databases: each test makes its own, filled from rows of the plug, and drops it.

use std::sync::atomic::{AtomicU32, Ordering};

use genkan_adapter::memory::SourceRow;
use genkan_adapter::{ColumnKind, SourceSchema, Value};
use genkan_adapter_sql::{SqlAdapter, SqlConfig};
use sea_orm::{ConnectOptions, ConnectionTrait, Database as Connector, DatabaseConnection};

/// The servers and encodings that tests run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file whose `CHAR(n)` columns hold no blanks, and one whose columns do.
    Sqlite,
    SqlitePadded,
    Postgres,
    PostgresEucJp,
    Mariadb,
}

pub const ALL: [Kind; 5] =
    [Kind::Sqlite, Kind::SqlitePadded, Kind::Postgres, Kind::PostgresEucJp, Kind::Mariadb];

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
            Kind::Sqlite | Kind::SqlitePadded => {
                let folder = tempfile::tempdir().unwrap();
                let url = format!("sqlite:{}", folder.path().join("source.db").display());
                let admin = connect(&format!("{url}?mode=rwc")).await;
                let folder = Some(folder);
                return Some(Database { kind, url, admin, dropped_by: None, _folder: folder });
            }
            Kind::Postgres | Kind::PostgresEucJp => "GENKAN_TEST_POSTGRES_URL",
            Kind::Mariadb => "GENKAN_TEST_MARIADB_URL",
        };
        let server = server(variable)?;
        let owner = connect(&server).await;
        let creation = match kind {
            Kind::Postgres => format!("CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0"),
            Kind::PostgresEucJp => format!(
                "CREATE DATABASE {name} ENCODING 'EUC_JP' LC_COLLATE 'C' LC_CTYPE 'C' \
                 TEMPLATE template0"
            ),
            _ => format!("CREATE DATABASE {name} CHARACTER SET utf8mb4"),
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

    pub async fn adapter(&self) -> SqlAdapter {
        SqlAdapter::connect(&SqlConfig::new(&self.url)).await.unwrap()
    }

    pub async fn drop(self) {
        self.admin.close().await.unwrap();
        if let Some((owner, name)) = self.dropped_by {
            let force = if self.kind == Kind::Mariadb { "" } else { " WITH (FORCE)" };
            owner.execute_unprepared(&format!("DROP DATABASE {name}{force}")).await.unwrap();
        }
    }

    fn quote(&self, name: &str) -> String {
        if self.kind == Kind::Mariadb { format!("`{name}`") } else { format!("\"{name}\"") }
    }

    fn declared(&self, kind: ColumnKind) -> String {
        let sqlite = matches!(self.kind, Kind::Sqlite | Kind::SqlitePadded);
        let mariadb = self.kind == Kind::Mariadb;
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
            ColumnKind::Date => "date".to_owned(),
            ColumnKind::Time => choose("TIME", "time", "time(6)"),
            ColumnKind::DateTime => choose("DATETIME", "timestamp", "datetime(6)"),
            ColumnKind::Instant => choose("TIMESTAMPTZ", "timestamptz", "timestamp(6)"),
            ColumnKind::Bytes => choose("BLOB", "bytea", "varbinary(200)"),
            ColumnKind::Unsupported => unreachable!("no fixture has such a column"),
        }
    }

    fn written(&self, kind: ColumnKind, value: &Value) -> String {
        let quoted = |text: &str| {
            let text = text.replace('\'', "''");
            // MariaDB reads backslashes in a literal.
            let text = if self.kind == Kind::Mariadb { text.replace('\\', "\\\\") } else { text };
            format!("'{text}'")
        };
        match (value, kind) {
            (Value::Null, _) => "NULL".to_owned(),
            (Value::Boolean(truth), _) => match self.kind {
                Kind::Postgres | Kind::PostgresEucJp => truth.to_string(),
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
            (Value::Text(text), ColumnKind::PaddedText { .. }) => {
                quoted(text.trim_end_matches(' '))
            }
            (Value::Text(text), _) => quoted(text),
            (Value::Date(date), _) => quoted(&date.to_string()),
            (Value::Time(time), _) => quoted(&time.to_string()),
            (Value::DateTime(moment), _) => quoted(&moment.to_string()),
            (Value::Instant(instant), _) => {
                let zone = if matches!(self.kind, Kind::Postgres | Kind::PostgresEucJp) {
                    "+00"
                } else {
                    ""
                };
                quoted(&format!("{}{zone}", instant.naive_utc()))
            }
            (Value::Unreadable(_), _) => unreachable!("no fixture has such a cell"),
            (Value::Bytes(bytes), _) => {
                let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                match self.kind {
                    Kind::Postgres | Kind::PostgresEucJp => format!("'\\x{hex}'"),
                    _ => format!("x'{hex}'"),
                }
            }
        }
    }
}
