//! MySQL and MariaDB: the tables and views of the connection's database.

use genkan_adapter::ColumnKind;
use sea_orm::sqlx::mysql::MySqlRow;
use sea_orm::sqlx::{self, MySqlConnection, Row};

use super::column;
use crate::catalog::{Catalog, ColumnType, Storage};
use crate::charset::Charset;
use crate::wire::Wire;

// The catalogs of MySQL 8 deliver names as bytes unless they are cast.
macro_rules! columns {
    ($which:literal) => {
        concat!(
            "SELECT CAST(TABLE_NAME AS CHAR), CAST(COLUMN_NAME AS CHAR), CAST(DATA_TYPE AS CHAR), \
                    CAST(COLUMN_TYPE AS CHAR), CAST(CHARACTER_MAXIMUM_LENGTH AS SIGNED), \
                    CAST(IS_NULLABLE AS CHAR), CAST(COLLATION_NAME AS CHAR) \
             FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()",
            $which,
            " ORDER BY TABLE_NAME, ORDINAL_POSITION"
        )
    };
}

const COLUMNS: &str = columns!("");
// Of one table: for several at once, MariaDB would open all that there are.
const COLUMNS_OF_TABLE: &str = columns!(" AND TABLE_NAME = ?");

const INDEXES: &str = "SELECT CAST(TABLE_NAME AS CHAR), CAST(INDEX_NAME AS CHAR), \
            CAST(NON_UNIQUE AS SIGNED), CAST(COLUMN_NAME AS CHAR), CAST(SUB_PART AS SIGNED) \
     FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() \
     ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX";

const ESTIMATES: &str = "SELECT CAST(TABLE_NAME AS CHAR), CAST(TABLE_ROWS AS SIGNED) \
     FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()";

pub(crate) async fn read(connection: &mut MySqlConnection) -> Result<Catalog, sqlx::Error> {
    let mut catalog = Catalog::default();
    for row in sqlx::query(COLUMNS).fetch_all(&mut *connection).await? {
        let (table, name): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let (type_name, whole): (String, String) = (row.try_get(2)?, row.try_get(3)?);
        let length: Option<i64> = row.try_get(4)?;
        let nullable: String = row.try_get(5)?;
        let collation: Option<String> = row.try_get(6)?;
        catalog.declare_column(&table, &in_words(&row)?);
        let mut found = of_type(&type_name, &whole, length, nullable == "YES");
        let collation = collation.unwrap_or_default();
        found.narrow = narrow(&collation);
        found.wire = wire(&collation);
        // PAD SPACE takes blanks at the end for nothing, which only CHAR(n) does itself.
        let pads = found.storage == Storage::Padded
            || collation.contains("nopad")
            || collation.contains("0900");
        found.exact = found.narrow.is_none() && collation.ends_with("_bin") && pads;
        catalog.add_column(&table, &name, found);
    }
    for row in sqlx::query(INDEXES).fetch_all(&mut *connection).await? {
        let (table, index): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let not_unique: i64 = row.try_get(2)?;
        let Some(name) = row.try_get::<Option<String>, _>(3)? else { continue };
        let prefix: Option<i64> = row.try_get(4)?;
        let unique = not_unique == 0 && prefix.is_none();
        if index == "PRIMARY" {
            catalog.table(&table).primary_key.push(name.clone());
        }
        catalog.add_index_column(&table, &index, unique, &name);
    }
    for row in sqlx::query(ESTIMATES).fetch_all(&mut *connection).await? {
        let table: String = row.try_get(0)?;
        let estimate: Option<i64> = row.try_get(1)?;
        if catalog.types(&table).is_some() {
            catalog.table(&table).rows_estimate =
                estimate.and_then(|count| u64::try_from(count).ok());
        }
    }
    catalog.mark_keys();
    Ok(catalog)
}

/// See [`Catalog::declared`]. Reads no table, and takes no lock that lasts.
pub(crate) async fn declared(
    connection: &mut MySqlConnection,
    table: &str,
) -> Result<String, sqlx::Error> {
    let mut words = String::new();
    for row in sqlx::query(COLUMNS_OF_TABLE).bind(table).fetch_all(connection).await? {
        // Names that differ in case only are one to this comparison.
        if row.try_get::<String, _>(0)? == table {
            words.push_str(&in_words(&row)?);
        }
    }
    Ok(words)
}

fn in_words(row: &MySqlRow) -> Result<String, sqlx::Error> {
    let (name, whole): (String, String) = (row.try_get(1)?, row.try_get(3)?);
    let nullable: String = row.try_get(5)?;
    let collation: Option<String> = row.try_get(6)?;
    Ok(format!("{name:?} {whole} {nullable} {}\n", collation.unwrap_or_default()))
}

/// Character sets that lack some of Unicode, by the names of their collations.
fn narrow(collation: &str) -> Option<&'static str> {
    Some(match collation.split('_').next()? {
        "ujis" => "CHAR CHARACTER SET ujis",
        "eucjpms" => "CHAR CHARACTER SET eucjpms",
        "sjis" => "CHAR CHARACTER SET sjis",
        "cp932" => "CHAR CHARACTER SET cp932",
        // MySQL and older MariaDB say utf8 for what has three bytes at most.
        "utf8" | "utf8mb3" => "CHAR CHARACTER SET utf8",
        "ucs2" => "CHAR CHARACTER SET ucs2",
        "latin1" => "CHAR CHARACTER SET latin1",
        "ascii" => "CHAR CHARACTER SET ascii",
        _ => return None,
    })
}

/// Which of them may hold what has no Unicode. MySQL's own default of many years says nothing of
/// what a Japanese system keeps in it.
fn wire(collation: &str) -> Wire {
    match collation.split('_').next() {
        Some("ujis" | "eucjpms") => Wire::Marked(Charset::EucJp),
        Some("sjis" | "cp932") => Wire::Marked(Charset::Cp932),
        Some("latin1") => Wire::Doubtful,
        _ => Wire::Unicode,
    }
}

fn of_type(name: &str, whole: &str, length: Option<i64>, nullable: bool) -> ColumnType {
    let (kind, storage) = match name.to_ascii_lowercase().as_str() {
        // `tinyint(1)` may be a truth or a small number; only the rules know.
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "year" => {
            (ColumnKind::Integer, Storage::Integer)
        }
        "decimal" => (ColumnKind::Decimal, Storage::Exact),
        "float" => (ColumnKind::Decimal, Storage::Single),
        "double" => (ColumnKind::Decimal, Storage::Double),
        "bit" if whole.eq_ignore_ascii_case("bit(1)") => (ColumnKind::Boolean, Storage::Boolean),
        "char" => {
            let length = length.and_then(|length| u32::try_from(length).ok()).unwrap_or(0);
            (ColumnKind::PaddedText { length }, Storage::Padded)
        }
        "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" => {
            (ColumnKind::Text, Storage::Text)
        }
        "enum" | "set" => (ColumnKind::Text, Storage::Enumerated),
        "json" | "uuid" | "inet4" | "inet6" => (ColumnKind::Text, Storage::TextForm),
        "date" => (ColumnKind::Date, Storage::Date),
        "time" => (ColumnKind::Time, Storage::Time),
        "datetime" => (ColumnKind::DateTime, Storage::DateTime),
        "timestamp" => (ColumnKind::Instant, Storage::Instant),
        "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => {
            (ColumnKind::Bytes, Storage::Bytes)
        }
        _ => (ColumnKind::Unsupported, Storage::TextForm),
    };
    column(kind, storage, nullable)
}
