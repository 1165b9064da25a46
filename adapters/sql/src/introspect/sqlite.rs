//! SQLite: the declared type says what a column is meant to hold; each value says what it is.

use genkan_adapter::ColumnKind;
use sea_orm::sqlx::{self, Row, SqliteConnection};

use super::column;
use crate::catalog::{Catalog, ColumnType, Storage};

const COLUMNS: &str = "SELECT m.name, p.name, p.type, p.\"notnull\", p.pk \
     FROM sqlite_schema m, pragma_table_xinfo(m.name) p \
     WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
     ORDER BY m.name, p.cid";

const INDEXES: &str = "SELECT m.name, i.name, i.\"unique\", x.name \
     FROM sqlite_schema m, pragma_index_list(m.name) i, pragma_index_info(i.name) x \
     WHERE m.type = 'table' AND i.partial = 0 ORDER BY m.name, i.seq, x.seqno";

pub(crate) async fn read(connection: &mut SqliteConnection) -> Result<Catalog, sqlx::Error> {
    let mut catalog = Catalog::default();
    // No pragma tells a column's collation, so one that is declared anywhere makes all suspect.
    let collated: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE upper(sql) LIKE '%COLLATE%'")
            .fetch_one(&mut *connection)
            .await?;
    let mut keys: Vec<(String, i64, String)> = Vec::new();
    for row in sqlx::query(COLUMNS).fetch_all(&mut *connection).await? {
        let (table, name, declared): (String, String, String) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let (not_null, key): (bool, i64) = (row.try_get(3)?, row.try_get(4)?);
        let mut found = of_declared(&declared, !not_null);
        found.exact = collated == 0;
        catalog.add_column(&table, &name, found);
        if key > 0 {
            keys.push((table, key, name));
        }
    }
    keys.sort();
    for (table, _, name) in keys {
        catalog.table(&table).primary_key.push(name);
    }
    for row in sqlx::query(INDEXES).fetch_all(&mut *connection).await? {
        let (table, index): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let unique: bool = row.try_get(2)?;
        if let Some(name) = row.try_get::<Option<String>, _>(3)? {
            catalog.add_index_column(&table, &index, unique, &name);
        }
    }
    catalog.mark_keys();
    estimates(connection, &mut catalog).await?;
    Ok(catalog)
}

/// Only a file that was analysed has estimates.
async fn estimates(
    connection: &mut SqliteConnection,
    catalog: &mut Catalog,
) -> Result<(), sqlx::Error> {
    let analysed: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_stat1'")
            .fetch_one(&mut *connection)
            .await?;
    if analysed == 0 {
        return Ok(());
    }
    let rows = sqlx::query("SELECT tbl, stat FROM sqlite_stat1 WHERE stat IS NOT NULL")
        .fetch_all(&mut *connection)
        .await?;
    for row in rows {
        let (table, stat): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let first = stat.split(' ').next().and_then(|count| count.parse().ok());
        if catalog.schema.table(&table).is_some() {
            catalog.table(&table).rows_estimate = first;
        }
    }
    Ok(())
}

/// Columns of these types hold text in the one form in which such values are bound.
pub(crate) const DATE: &str = "DATE_TEXT";
pub(crate) const TIME: &str = "TIME_TEXT";
pub(crate) const DATE_TIME: &str = "DATETIME_TEXT";
pub(crate) const INSTANT: &str = "INSTANT_TEXT";

/// By the words of SQLite's own affinity rules, and those of the databases that files come from.
fn of_declared(declared: &str, nullable: bool) -> ColumnType {
    let declared = declared.to_ascii_uppercase();
    let has = |word: &str| declared.contains(word);
    let own = |name: &str| declared == name;
    let (kind, storage) = if has("DECIMAL_TEXT") {
        (ColumnKind::Decimal, Storage::DecimalText)
    } else if own(DATE) {
        (ColumnKind::Date, Storage::Date)
    } else if own(TIME) {
        (ColumnKind::Time, Storage::Time)
    } else if own(DATE_TIME) {
        (ColumnKind::DateTime, Storage::DateTime)
    } else if own(INSTANT) {
        (ColumnKind::Instant, Storage::Instant)
    } else if let Some(length) = padded_length(&declared) {
        (ColumnKind::PaddedText { length }, Storage::Padded)
    } else if has("BOOL") {
        (ColumnKind::Boolean, Storage::Boolean)
    } else if has("INT") && !has("INTERVAL") {
        (ColumnKind::Integer, Storage::Integer)
    } else if has("CHAR") || has("CLOB") || has("TEXT") {
        (ColumnKind::Text, Storage::Text)
    } else if ["REAL", "FLOA", "DOUB", "NUM", "DEC", "MONEY"].iter().any(|word| has(word)) {
        (ColumnKind::Decimal, Storage::Double)
    } else if has("BLOB") || has("BINARY") || has("BYTEA") {
        (ColumnKind::Bytes, Storage::Bytes)
    } else {
        // Also `DATE`, `DATETIME` and `TIMESTAMP`: to SQLite they say nothing, and files hold every
        // spelling there is, some of them numbers. What it is, a converter of the rules has to say.
        (ColumnKind::Text, Storage::Loose)
    };
    column(kind, storage, nullable)
}

/// `CHAR(8)`, `CHARACTER(8)`, `NCHAR(8)`, `BPCHAR(8)`; not `VARCHAR(8)`.
fn padded_length(declared: &str) -> Option<u32> {
    let (name, rest) = declared.split_once('(').unwrap_or((declared, "1)"));
    if !matches!(name.trim(), "CHAR" | "CHARACTER" | "NCHAR" | "NATIVE CHARACTER" | "BPCHAR") {
        return None;
    }
    rest.split(')').next()?.trim().parse().ok()
}
