//! A SQLite database in memory, filled from rows of the plug: the tests of a rule set run on the
//! same SQL as the hospital's database, without one.

use futures::TryStreamExt;
use genkan_adapter::memory::SourceRow;
use genkan_adapter::{AdapterError, ColumnKind, ErrorCategory, SourceSchema, Table, Value};
use sea_orm::sqlx::{self, AssertSqlSafe, Executor, Sqlite, SqliteConnection};
use sea_query::{Alias, ColumnDef, Expr, Index, Query, SqliteQueryBuilder, Table as TableSql};

use crate::SqlAdapter;
use crate::catalog::Dialect;
use crate::config::SqlConfig;
use crate::connect::{self, MEMORY_URL};
use crate::driver::Driver;
use crate::failure::classify;
use crate::introspect::sqlite;
use crate::literal::text_form;
use crate::statement::{Cells, Plan};
use crate::ties::Ties;

impl SqlAdapter {
    /// Tables of the schema with these rows; a column that a row leaves out is NULL.
    pub async fn in_memory(
        schema: &SourceSchema,
        rows: &[SourceRow],
    ) -> Result<SqlAdapter, AdapterError> {
        let mut config = SqlConfig::new(MEMORY_URL);
        // One more, which keeps the database alive.
        config.connections_max += 1;
        let pool = connect::open(&config, MEMORY_URL, Dialect::Sqlite).await?;
        config.connections_max -= 1;
        let acquired = pool.get_sqlite_connection_pool().acquire().await;
        let mut keeper = acquired.map_err(|error| classify(&error, MEMORY_URL))?;
        fill(&mut keeper, schema, rows).await?;
        let mut adapter = SqlAdapter::over(pool, Dialect::Sqlite, &config, MEMORY_URL.to_owned());
        adapter.keeper = Some(keeper);
        Ok(adapter)
    }
}

async fn fill(
    connection: &mut SqliteConnection,
    schema: &SourceSchema,
    rows: &[SourceRow],
) -> Result<(), AdapterError> {
    let failed = |error: sqlx::Error| classify(&error, MEMORY_URL);
    connection.execute("PRAGMA query_only = off; BEGIN").await.map_err(failed)?;
    for (name, table) in &schema.tables {
        for statement in create(name, table) {
            connection.execute(AssertSqlSafe(statement)).await.map_err(failed)?;
        }
    }
    for (table, cells) in rows {
        let plan = insert(schema, table, cells)?;
        let added = Sqlite::rows(connection, &plan).map_err(failed)?;
        added.try_for_each(|_| async { Ok(()) }).await.map_err(|error| {
            let category = ErrorCategory::Mismatch;
            let message = format!("a row of table {table} breaks a key or a NOT NULL");
            AdapterError::new(category, message).with_source(failed(error))
        })?;
    }
    connection.execute("COMMIT; PRAGMA query_only = on").await.map_err(failed)?;
    Ok(())
}

fn create(name: &str, table: &Table) -> Vec<String> {
    let mut create = TableSql::create();
    create.table(Alias::new(name));
    for column in &table.columns {
        let mut definition = ColumnDef::new(Alias::new(&column.name));
        definition.custom(Alias::new(declared(column.kind)));
        if !column.nullable {
            definition.not_null();
        }
        create.col(&mut definition);
    }
    if !table.primary_key.is_empty() {
        let mut key = Index::create();
        for column in &table.primary_key {
            key.col(Alias::new(column));
        }
        create.primary_key(&mut key);
    }
    let mut statements = vec![create.to_string(SqliteQueryBuilder)];
    for (place, index) in table.indexes.iter().enumerate() {
        // Names of indexes are unique in SQLite, of tables elsewhere.
        let mut create = Index::create();
        create.name(format!("{name}.{place}")).table(Alias::new(name));
        for column in &index.columns {
            create.col(Alias::new(column));
        }
        if index.unique {
            create.unique();
        }
        statements.push(create.to_string(SqliteQueryBuilder));
    }
    statements
}

/// What the catalog reader of SQLite understands as this kind, stored without loss.
fn declared(kind: ColumnKind) -> String {
    match kind {
        ColumnKind::Text => "TEXT".to_owned(),
        ColumnKind::PaddedText { length } => format!("CHAR({length})"),
        ColumnKind::Boolean => "BOOLEAN".to_owned(),
        ColumnKind::Integer => "BIGINT".to_owned(),
        // A number would lose the zeros at its end.
        ColumnKind::Decimal => "DECIMAL_TEXT".to_owned(),
        ColumnKind::Date => sqlite::DATE.to_owned(),
        ColumnKind::Time => sqlite::TIME.to_owned(),
        ColumnKind::DateTime => sqlite::DATE_TIME.to_owned(),
        ColumnKind::Instant => sqlite::INSTANT.to_owned(),
        ColumnKind::Bytes | ColumnKind::Unsupported => "BLOB".to_owned(),
    }
}

fn insert(
    schema: &SourceSchema,
    table: &str,
    cells: &[(String, Value)],
) -> Result<Plan, AdapterError> {
    let mismatch = |message| AdapterError::new(ErrorCategory::Mismatch, message);
    let known =
        schema.table(table).ok_or_else(|| mismatch(format!("the schema has no table {table}")))?;
    let mut insert = Query::insert();
    insert.into_table(Alias::new(table));
    let mut values = Vec::with_capacity(cells.len());
    for (name, value) in cells {
        let column = known.column(name);
        let column =
            column.ok_or_else(|| mismatch(format!("table {table} has no column {name}")))?;
        values.push(stored(column.kind, value));
    }
    insert.columns(cells.iter().map(|(name, _)| Alias::new(name)));
    insert
        .values(values)
        .map_err(|_| mismatch(format!("a row of table {table} repeats a column")))?;
    let (sql, values) = insert.build(SqliteQueryBuilder);
    Ok(Plan {
        sql,
        values: values.0,
        cells: Cells::InOrder(Vec::new()),
        ties: Ties::default(),
        tables: Vec::new(),
    })
}

fn stored(kind: ColumnKind, value: &Value) -> Expr {
    match (value, kind) {
        (Value::Null, _) => Expr::cust("NULL"),
        (Value::Boolean(truth), _) => Expr::val(i64::from(*truth)),
        (Value::Integer(number), _) => Expr::val(*number),
        (Value::Bytes(bytes), _) => Expr::val(bytes.clone()),
        (Value::Text(text), ColumnKind::PaddedText { .. }) => Expr::val(text.trim_end_matches(' ')),
        (other, _) => Expr::val(text_form(other)),
    }
}
