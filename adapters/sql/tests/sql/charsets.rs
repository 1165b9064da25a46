//! Every code of the legacy encodings, held against what the server itself makes of it: the same
//! text where it has one, the stored bytes where it would fail or write `?`; and what is delivered is
//! found again.

use std::collections::BTreeSet;

use futures::TryStreamExt;
use genkan_adapter::{
    Adapter, ColumnRef, Operand, Predicate, Row, RowQuery, TableAlias, Unreadable, Value,
};
use genkan_adapter_sql::SqlAdapter;

use crate::database::{Database, Kind};

async fn rows(adapter: &SqlAdapter, filter: Predicate) -> Vec<Row> {
    let columns = ["v", "code", "unicode"];
    let query = RowQuery {
        root: TableAlias::new("t", "t"),
        joins: Vec::new(),
        columns: columns.iter().map(|column| ColumnRef::new("t", *column)).collect(),
        filter,
        order: Vec::new(),
        after: None,
        limit: None,
    };
    adapter.rows(&query).try_collect().await.unwrap()
}

/// Checks table `t`: the code as text, its bytes, and the UTF-8 that the server makes of it. Gives
/// back how many codes have one and how many have none.
async fn check(adapter: &SqlAdapter, place: &str) -> (usize, usize) {
    let (mut texts, mut unreadable) = (BTreeSet::new(), 0);
    let all = rows(adapter, Predicate::TRUE).await;
    for row in &all {
        let [v, Value::Bytes(code), unicode] = row.values() else { panic!("{place}: {row:?}") };
        let expected = match unicode {
            Value::Bytes(unicode) => {
                let text = String::from_utf8(unicode.clone()).unwrap();
                // MySQL reads wide forms of these as ASCII, and writes ASCII as wide forms.
                if !text.contains(['\\', '~']) {
                    texts.insert(text.clone());
                }
                Value::Text(text)
            }
            _ => {
                unreadable += 1;
                Value::Unreadable(Unreadable::new(code.as_slice(), 0))
            }
        };
        assert_eq!(*v, expected, "{place}: {code:02x?}");
    }
    let mut found = BTreeSet::new();
    let asked: Vec<&String> = texts.iter().collect();
    for texts in asked.chunks(1000) {
        let list = Predicate::In {
            operand: Operand::Column(ColumnRef::new("t", "v")),
            values: texts.iter().map(|text| Value::text(*text)).collect(),
        };
        for row in rows(adapter, list).await {
            let Some(Value::Text(text)) = row.values().first().cloned() else { panic!("{row:?}") };
            found.insert(text);
        }
    }
    let missed: Vec<_> = texts.difference(&found).collect();
    assert!(missed.is_empty(), "{place}: {missed:?}");
    (all.len() - unreadable, unreadable)
}

#[tokio::test]
async fn every_code_of_postgres_is_what_the_server_makes_of_it() {
    for (kind, encoding, expected) in [
        (Kind::PostgresEucJp, "EUC_JP", (13_197, 4_538)),
        (Kind::PostgresEucJis2004, "EUC_JIS_2004", (11_296, 6_439)),
    ] {
        let Some(database) = Database::create(kind).await else { return };
        database
            .run(&format!(
                "CREATE FUNCTION unicode(code bytea) RETURNS bytea LANGUAGE plpgsql AS $$ BEGIN \
                 RETURN convert(code, '{encoding}', 'UTF8'); \
                 EXCEPTION WHEN untranslatable_character THEN RETURN NULL; END $$"
            ))
            .await;
        database
            .run(&format!(
                "CREATE TABLE t AS SELECT convert_from(code, '{encoding}') AS v, code, \
                 unicode(code) AS unicode \
                 FROM generate_series(161, 254) a, generate_series(161, 254) b, \
                 LATERAL (SELECT decode(to_hex(a) || to_hex(b), 'hex') AS pair) p, \
                 LATERAL (VALUES (pair), ('\\x8f' || pair), \
                   (CASE WHEN a = 161 AND b < 224 THEN set_byte(pair, 0, 142) END)) c(code) \
                 WHERE code IS NOT NULL"
            ))
            .await;
        database.run("CREATE INDEX ON t (v); ANALYZE t").await;
        let adapter = database.adapter().await;
        assert_eq!(check(&adapter, encoding).await, expected);
        drop(adapter);
        database.drop().await;
    }
}

#[tokio::test]
async fn every_code_of_mariadb_is_what_the_server_makes_of_it() {
    for charset in ["ujis", "eucjpms", "sjis", "cp932"] {
        let Some(database) = Database::create(Kind::Mariadb).await else { return };
        hold(&database, charset, charset).await;
        let adapter = database.adapter().await;
        let (texts, unreadable) = check(&adapter, charset).await;
        assert!(texts > 6_000 && unreadable > 1_000, "{charset}: {texts}, {unreadable}");
        drop(adapter);
        database.drop().await;
    }
}

/// The server knows nothing of it here, and is asked all the same.
#[tokio::test]
async fn every_code_of_cp932_in_disguise_is_what_mariadb_would_make_of_it() {
    let Some(database) = Database::create(Kind::MariadbLatin1).await else { return };
    hold(&database, "cp932", "latin1").await;
    let adapter = database.adapter().await;
    let (texts, unreadable) = check(&adapter, "cp932").await;
    assert!(texts > 6_000 && unreadable > 1_000, "{texts}, {unreadable}");
    drop(adapter);
    database.drop().await;
}

/// Makes table `t` of every code of a character set that it takes for one, in a column of `column`.
async fn hold(database: &Database, charset: &str, column: &str) {
    let in_euc = matches!(charset, "ujis" | "eucjpms");
    let (leads, trails) = if in_euc { (161..=254, 161..=254) } else { (129..=252, 64..=252) };
    let pairs = leads.flat_map(|lead| trails.clone().map(move |trail| (lead, trail)));
    let codes: Vec<String> = pairs
        .flat_map(|(lead, trail)| {
            let third = in_euc.then(|| format!("(x'8f{lead:02x}{trail:02x}')"));
            [Some(format!("(x'{lead:02x}{trail:02x}')")), third]
        })
        .flatten()
        .collect();
    database.run("CREATE TABLE c (code varbinary(4))").await;
    database.run(&format!("INSERT INTO c VALUES {}", codes.join(","))).await;
    database
        .run(&format!(
            "CREATE TABLE held (v varchar(4) CHARACTER SET {column} COLLATE {column}_bin, \
             code varbinary(4))"
        ))
        .await;
    database
        .run(&format!(
            "INSERT IGNORE INTO held SELECT CONVERT(code USING {column}), code FROM c \
             WHERE CAST(CONVERT(code USING {charset}) AS BINARY) = code"
        ))
        .await;
    database
        .run(&format!(
            "CREATE VIEW t AS SELECT v, code, NULLIF(CAST(CONVERT(CONVERT(code USING {charset}) \
             USING utf8mb4) AS BINARY), '?') AS unicode FROM held"
        ))
        .await;
}
