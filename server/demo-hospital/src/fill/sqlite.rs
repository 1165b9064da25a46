//! SQLite: prepared inserts of many rows, no journal while loading.

use futures::TryStreamExt;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteRow, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, Row};

use crate::rows::{Cell, MultisetHash, TableRows, canonical_text, decimal_text};
use crate::schema::{ColumnType, Dialect, Table};

/// Bound values of one statement; SQLite allows 32,766.
const VALUES_PER_STATEMENT: usize = 1_600;

pub(super) struct Sink {
    connection: SqliteConnection,
}

impl Sink {
    pub async fn open(options: &SqliteConnectOptions) -> anyhow::Result<Self> {
        let options = options
            .clone()
            .journal_mode(SqliteJournalMode::Delete)
            .synchronous(SqliteSynchronous::Off)
            .pragma("cache_size", "-65536")
            .disable_statement_logging();
        Ok(Sink { connection: SqliteConnection::connect_with(&options).await? })
    }

    pub async fn execute(&mut self, sql: String) -> anyhow::Result<()> {
        self.connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
        Ok(())
    }

    pub async fn write(&mut self, table: &Table, rows: &TableRows) -> anyhow::Result<()> {
        let per_statement = (VALUES_PER_STATEMENT / table.columns.len().max(1)).max(1);
        let rows: Vec<&[Cell]> = rows.rows().collect();
        for chunk in rows.chunks(per_statement) {
            let marks = format!("({})", vec!["?"; table.columns.len()].join(","));
            let marks = vec![marks; chunk.len()].join(",");
            let sql = format!("INSERT INTO {} VALUES {marks}", Dialect::Sqlite.quote(&table.name));
            let mut query =
                sqlx::query(AssertSqlSafe(sql)).persistent(chunk.len() == per_statement);
            for (cell, column) in chunk.iter().flat_map(|row| row.iter().zip(&table.columns)) {
                query = match cell {
                    Cell::Null => query.bind(None::<String>),
                    Cell::Integer(number) => query.bind(*number),
                    Cell::Text(text) => match column.kind {
                        // Counted in characters, as the other databases do.
                        ColumnType::Char(length) => {
                            query.bind(format!("{text:<width$}", width = length as usize))
                        }
                        _ => query.bind(text.clone().into_owned()),
                    },
                    Cell::Decimal { units, scale } => query.bind(decimal_text(*units, *scale)),
                };
            }
            query.execute(&mut self.connection).await?;
        }
        Ok(())
    }

    pub async fn read_back(&mut self, table: &Table) -> anyhow::Result<MultisetHash> {
        let sql = Dialect::Sqlite.select_as_text(table);
        let mut hash = MultisetHash::default();
        let mut line = Vec::new();
        let mut rows = sqlx::query(AssertSqlSafe(sql)).fetch(&mut self.connection);
        while let Some(row) = rows.try_next().await? {
            line.clear();
            hash_row(&row, table, &mut line)?;
            hash.add(&line);
        }
        Ok(hash)
    }
}

fn hash_row(row: &SqliteRow, table: &Table, line: &mut Vec<u8>) -> anyhow::Result<()> {
    for (at, column) in table.columns.iter().enumerate() {
        canonical_text(line, column.kind, row.try_get::<Option<&str>, _>(at)?);
    }
    Ok(())
}
