//! PostgreSQL: tables, views, materialised and foreign tables on the search path.

use genkan_adapter::ColumnKind;
use sea_orm::sqlx::{self, AssertSqlSafe, PgConnection, Row};

use super::column;
use crate::catalog::{Catalog, ColumnType, Storage};
use crate::charset::Charset;
use crate::wire::Wire;

const COLUMNS: &str = "SELECT c.relname::text, a.attname::text, t.typname::text, \
            t.typtype::text, CASE WHEN d.typtype = 'd' THEN d.typtypmod ELSE a.atttypmod END, \
            a.attnotnull OR d.typnotnull, COALESCE(DETERMINISTIC, true), c.reltuples::float8, \
            a.attcollation::int8 \
     FROM pg_catalog.pg_attribute a \
     JOIN pg_catalog.pg_class c ON c.oid = a.attrelid \
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     JOIN pg_catalog.pg_type d ON d.oid = a.atttypid \
     JOIN pg_catalog.pg_type t \
       ON t.oid = CASE WHEN d.typtype = 'd' THEN d.typbasetype ELSE d.oid END \
     LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation \
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped \
       AND n.nspname NOT IN ('pg_catalog', 'information_schema') \
       AND pg_catalog.pg_table_is_visible(c.oid) \
     ORDER BY c.relname, a.attnum";

const INDEXES: &str = "SELECT c.relname::text, i.relname::text, x.indisunique, x.indisprimary, \
            a.attname::text \
     FROM pg_catalog.pg_index x \
     JOIN pg_catalog.pg_class c ON c.oid = x.indrelid \
     JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid \
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     CROSS JOIN LATERAL unnest(x.indkey) WITH ORDINALITY AS k(attnum, place) \
     LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum \
     WHERE x.indpred IS NULL AND k.place <= KEY_LENGTH \
       AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') \
       AND pg_catalog.pg_table_is_visible(c.oid) \
     ORDER BY c.relname, i.relname, k.place";

pub(crate) async fn read(connection: &mut PgConnection) -> Result<Catalog, sqlx::Error> {
    let (encoding, version): (String, String) = sqlx::query_as(
        "SELECT current_setting('server_encoding'), current_setting('server_version_num')",
    )
    .fetch_one(&mut *connection)
    .await?;
    let version: u32 = version.parse().unwrap_or(0);
    let wire = wire(&encoding);
    let mut catalog = Catalog::default();
    // Hospitals keep their servers for long; older ones lack these columns.
    let deterministic = if version >= 120_000 { "l.collisdeterministic" } else { "true" };
    let key_length = if version >= 110_000 { "x.indnkeyatts" } else { "x.indnatts" };
    let columns = COLUMNS.replace("DETERMINISTIC", deterministic);
    for row in sqlx::query(AssertSqlSafe(columns)).fetch_all(&mut *connection).await? {
        let (table, name): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let (type_name, class): (String, String) = (row.try_get(2)?, row.try_get(3)?);
        let (modifier, not_null): (i32, bool) = (row.try_get(4)?, row.try_get(5)?);
        let mut found = of_type(&type_name, &class, modifier, !not_null);
        found.exact = row.try_get(6)?;
        found.wire = wire;
        let collation: i64 = row.try_get(8)?;
        found.collation = u32::try_from(collation).unwrap_or_default();
        catalog.add_column(&table, &name, found);
        let estimate: f64 = row.try_get(7)?;
        // Negative: never analysed.
        catalog.table(&table).rows_estimate = (estimate >= 0.0).then_some(estimate as u64);
    }
    let indexes = INDEXES.replace("KEY_LENGTH", key_length);
    let mut ended: Option<String> = None;
    for row in sqlx::query(AssertSqlSafe(indexes)).fetch_all(&mut *connection).await? {
        let (table, index): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let (unique, primary): (bool, bool) = (row.try_get(2)?, row.try_get(3)?);
        // An expression ends what is known of an index.
        let Some(name) = row.try_get::<Option<String>, _>(4)? else {
            ended = Some(index);
            continue;
        };
        if ended.as_ref() == Some(&index) || catalog.types(&table).is_none() {
            continue;
        }
        catalog.add_index_column(&table, &index, unique, &name);
        if primary {
            catalog.table(&table).primary_key.push(name);
        }
    }
    catalog.mark_keys();
    Ok(catalog)
}

/// By the encoding of the server; what it converts of other encodings has never a hole in it.
fn wire(encoding: &str) -> Wire {
    match encoding {
        "EUC_JP" => Wire::Stored(Charset::EucJp),
        "EUC_JIS_2004" => Wire::Stored(Charset::EucJis2004),
        "SQL_ASCII" => Wire::Undeclared,
        _ => Wire::Unicode,
    }
}

fn of_type(name: &str, class: &str, modifier: i32, nullable: bool) -> ColumnType {
    let (kind, storage) = match (name, class) {
        ("int2" | "int4" | "int8", _) => (ColumnKind::Integer, Storage::Integer),
        ("text" | "varchar", _) => (ColumnKind::Text, Storage::Text),
        ("bpchar", _) => {
            // The modifier counts its own four bytes.
            let length = u32::try_from(modifier - 4).unwrap_or(0);
            (ColumnKind::PaddedText { length }, Storage::Padded)
        }
        ("numeric", _) => (ColumnKind::Decimal, Storage::Exact),
        ("float4", _) => (ColumnKind::Decimal, Storage::Single),
        ("float8", _) => (ColumnKind::Decimal, Storage::Double),
        ("bool", _) => (ColumnKind::Boolean, Storage::Boolean),
        ("date", _) => (ColumnKind::Date, Storage::Date),
        ("time", _) => (ColumnKind::Time, Storage::Time),
        ("timestamp", _) => (ColumnKind::DateTime, Storage::DateTime),
        ("timestamptz", _) => (ColumnKind::Instant, Storage::Instant),
        ("bytea", _) => (ColumnKind::Bytes, Storage::Bytes),
        (_, "e")
        | (
            "name" | "char" | "uuid" | "json" | "jsonb" | "xml" | "citext" | "inet" | "cidr"
            | "macaddr" | "interval" | "timetz" | "money" | "oid",
            _,
        ) => (ColumnKind::Text, Storage::TextForm),
        _ => (ColumnKind::Unsupported, Storage::TextForm),
    };
    column(kind, storage, nullable)
}
