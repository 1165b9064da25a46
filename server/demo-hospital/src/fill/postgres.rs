//! PostgreSQL: `COPY FROM STDIN` in text format.

use futures::TryStreamExt;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Connection, Executor, Row};

use crate::rows::{Cell, MultisetHash, TableRows, canonical_text, decimal_text};
use crate::schema::{Dialect, Table};

/// Bytes sent at once.
const BYTES_PER_SEND: usize = 1 << 20;

pub(super) struct Sink {
    connection: PgConnection,
}

impl Sink {
    pub async fn open(options: &PgConnectOptions) -> anyhow::Result<Self> {
        let mut connection = PgConnection::connect_with(options).await?;
        connection.execute("SET synchronous_commit = off").await?;
        Ok(Sink { connection })
    }

    pub async fn execute(&mut self, sql: String) -> anyhow::Result<()> {
        self.connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
        Ok(())
    }

    pub async fn write(&mut self, table: &Table, rows: &TableRows) -> anyhow::Result<()> {
        let statement = format!("COPY {} FROM STDIN", Dialect::Postgres.quote(&table.name));
        let mut copy = self.connection.copy_in_raw(&statement).await?;
        let mut text = String::with_capacity(BYTES_PER_SEND + 4096);
        for row in rows.rows() {
            for (at, cell) in row.iter().enumerate() {
                text.push_str(if at == 0 { "" } else { "\t" });
                push(&mut text, cell);
            }
            text.push('\n');
            if text.len() >= BYTES_PER_SEND {
                copy.send(text.as_bytes()).await?;
                text.clear();
            }
        }
        copy.send(text.as_bytes()).await?;
        copy.finish().await?;
        Ok(())
    }

    pub async fn read_back(&mut self, table: &Table) -> anyhow::Result<MultisetHash> {
        let sql = Dialect::Postgres.select_as_text(table);
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

fn push(text: &mut String, cell: &Cell) {
    match cell {
        Cell::Null => text.push_str("\\N"),
        Cell::Integer(number) => text.push_str(&number.to_string()),
        Cell::Decimal { units, scale } => text.push_str(&decimal_text(*units, *scale)),
        Cell::Text(value) => {
            for c in value.chars() {
                match c {
                    '\\' => text.push_str("\\\\"),
                    '\n' => text.push_str("\\n"),
                    '\t' => text.push_str("\\t"),
                    c => text.push(c),
                }
            }
        }
    }
}

fn hash_row(row: &PgRow, table: &Table, line: &mut Vec<u8>) -> anyhow::Result<()> {
    for (at, column) in table.columns.iter().enumerate() {
        canonical_text(line, column.kind, row.try_get::<Option<&str>, _>(at)?);
    }
    Ok(())
}
