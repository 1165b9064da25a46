//! MariaDB: inserts of many rows. `LOAD DATA LOCAL` would be faster, but servers forbid it.

use futures::TryStreamExt;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlRow};
use sqlx::{AssertSqlSafe, Connection, Executor, Row};

use crate::rows::{Cell, MultisetHash, TableRows, canonical_text, decimal_text};
use crate::schema::{Dialect, Table};

/// Bytes of one statement; far below the smallest `max_allowed_packet` in use (4 MiB).
const BYTES_PER_STATEMENT: usize = 1 << 20;

pub(super) struct Sink {
    connection: MySqlConnection,
}

impl Sink {
    pub async fn open(options: &MySqlConnectOptions) -> anyhow::Result<Self> {
        let mut connection = MySqlConnection::connect_with(options).await?;
        connection.execute("SET unique_checks = 0, foreign_key_checks = 0").await?;
        Ok(Sink { connection })
    }

    pub async fn execute(&mut self, sql: String) -> anyhow::Result<()> {
        self.connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
        Ok(())
    }

    pub async fn write(&mut self, table: &Table, rows: &TableRows) -> anyhow::Result<()> {
        let start = format!("INSERT INTO {} VALUES ", Dialect::MariaDb.quote(&table.name));
        let mut sql = String::with_capacity(BYTES_PER_STATEMENT + 4096);
        sql.push_str(&start);
        for row in rows.rows() {
            sql.push_str(if sql.len() == start.len() { "(" } else { ",(" });
            for (at, cell) in row.iter().enumerate() {
                sql.push_str(if at == 0 { "" } else { "," });
                push(&mut sql, cell);
            }
            sql.push(')');
            if sql.len() >= BYTES_PER_STATEMENT {
                self.execute(std::mem::replace(&mut sql, start.clone())).await?;
            }
        }
        if sql.len() > start.len() {
            self.execute(sql).await?;
        }
        Ok(())
    }

    pub async fn read_back(&mut self, table: &Table) -> anyhow::Result<MultisetHash> {
        let sql = Dialect::MariaDb.select_as_text(table);
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

fn push(sql: &mut String, cell: &Cell) {
    match cell {
        Cell::Null => sql.push_str("NULL"),
        Cell::Integer(number) => sql.push_str(&number.to_string()),
        Cell::Decimal { units, scale } => sql.push_str(&decimal_text(*units, *scale)),
        Cell::Text(value) => {
            sql.push('\'');
            for c in value.chars() {
                match c {
                    '\'' => sql.push_str("''"),
                    '\\' => sql.push_str("\\\\"),
                    c => sql.push(c),
                }
            }
            sql.push('\'');
        }
    }
}

fn hash_row(row: &MySqlRow, table: &Table, line: &mut Vec<u8>) -> anyhow::Result<()> {
    for (at, column) in table.columns.iter().enumerate() {
        canonical_text(line, column.kind, row.try_get::<Option<&str>, _>(at)?);
    }
    Ok(())
}
