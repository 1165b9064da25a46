//! What is delivered is found again: by equality, in lists, in keys; and pages in its order meet
//! every row once. For each type of each database, with what legacy rows hold in it.

use std::collections::BTreeSet;

use futures::TryStreamExt;
use genkan_adapter::{
    Adapter, ColumnRef, ErrorCategory, Operand, Order, Predicate, Row, RowQuery, TableAlias, Value,
    memory,
};
use genkan_adapter_sql::SqlAdapter;

use crate::database::{Database, Kind};

/// A type, and cells of it as literals of SQL.
type Cells<'c> = (&'static str, &'c [&'static str]);

fn column(name: &str) -> ColumnRef {
    ColumnRef::new("t", name)
}

fn query(filter: Predicate, order: &[(&str, bool)]) -> RowQuery {
    let order = order.iter().map(|(name, descending)| Order::new(column(name), *descending));
    RowQuery {
        root: TableAlias::new("t", "t"),
        joins: Vec::new(),
        columns: vec![column("k"), column("id")],
        filter,
        order: order.collect(),
        after: None,
        limit: None,
    }
}

async fn rows(adapter: &SqlAdapter, query: &RowQuery, place: &str) -> Vec<Row> {
    match adapter.rows(query).try_collect().await {
        Ok(rows) => rows,
        Err(error) => panic!("{place}: {error}\n{query:?}\n{:?}", adapter.explain(query)),
    }
}

fn ids<'r>(rows: impl IntoIterator<Item = &'r Row>) -> Vec<Value> {
    rows.into_iter().map(|row| row.values()[1].clone()).collect()
}

fn set(ids: Vec<Value>) -> BTreeSet<String> {
    ids.iter().map(|id| format!("{id:?}")).collect()
}

async fn find(adapter: &SqlAdapter, all: &[Row], place: &str) {
    let values: Vec<Value> = all.iter().map(|row| row.values()[0].clone()).collect();
    let values = values.iter().filter(|value| !matches!(value, Value::Null | Value::Unreadable(_)));
    for value in values {
        let same =
            |row: &&Row| memory::holds(&row.values()[0], genkan_adapter::Comparison::Equal, value);
        let expected = set(ids(all.iter().filter(same)));
        let padding = vec![value.clone(), Value::Null];
        let keys = all.iter().map(|row| vec![value.clone(), row.values()[1].clone()]).collect();
        for filter in [
            Predicate::equal(column("k"), value.clone()),
            Predicate::In { operand: Operand::Column(column("k")), values: padding },
            Predicate::KeyIn { columns: vec![column("k")], keys: vec![vec![value.clone()]] },
            Predicate::KeyIn { columns: vec![column("k"), column("id")], keys },
        ] {
            let query = query(filter, &[]);
            let found = set(ids(&rows(adapter, &query, place).await));
            let statement = adapter.explain(&query);
            assert_eq!(found, expected, "{place}: {value:?}\n{statement:?}\n{all:?}");
        }
    }
}

async fn page(adapter: &SqlAdapter, all: &[Row], order: &[(&str, bool)], place: &str) {
    let mut query = query(Predicate::TRUE, order);
    let whole = rows(adapter, &query, place).await;
    assert_eq!(whole.len(), all.len(), "{place}");
    let mut paged: Vec<Row> = Vec::new();
    query.limit = Some(1);
    loop {
        let page = rows(adapter, &query, place).await;
        let Some(last) = page.last() else { break };
        query.after = Some(last.values()[..order.len()].to_vec());
        paged.extend(page);
        assert!(paged.len() <= whole.len(), "{place}: {order:?}: rows repeat\n{paged:?}");
    }
    assert_eq!(paged, whole, "{place}: {order:?}");
}

/// Each column `k` in a table of its own: first without, then with an index.
async fn check(database: &Database, name: &str, (column, cells): Cells<'_>, unique: bool) {
    let place = format!("{:?}: {name} {column}", database.kind);
    let rows_of: Vec<String> =
        cells.iter().enumerate().map(|(id, cell)| format!("({cell}, {id})")).collect();
    let (key, length) = match database.kind.is_mariadb() {
        true => ("id int NOT NULL", "(20)"),
        false => ("id integer NOT NULL", ""),
    };
    let length = if column.contains("TEXT") { length } else { "" };
    for index in ["", "INDEX", "UNIQUE INDEX"] {
        if !index.is_empty() && name == "no index" || index.starts_with("UNIQUE") && !unique {
            continue;
        }
        database.run(&format!("CREATE TABLE t (k {column}, {key})")).await;
        if !index.is_empty() {
            database.run(&format!("CREATE {index} by_k ON t (k{length})")).await;
        }
        database.run(&format!("INSERT INTO t VALUES {}", rows_of.join(", "))).await;
        let adapter = database.adapter().await;
        let all = rows(&adapter, &query(Predicate::TRUE, &[]), &place).await;
        find(&adapter, &all, &place).await;
        for down in [false, true] {
            page(&adapter, &all, &[("k", down), ("id", false)], &place).await;
            page(&adapter, &all, &[("k", down), ("id", true)], &place).await;
            if unique {
                page(&adapter, &all, &[("k", down)], &place).await;
            }
        }
        drop(adapter);
        database.run("DROP TABLE t").await;
    }
}

async fn check_all(kind: Kind, types: &[(Cells<'_>, bool)]) {
    let Some(database) = Database::create(kind).await else { return };
    if kind.is_postgres() {
        database.run("CREATE TYPE mood AS ENUM ('b', 'a')").await;
    }
    if kind.is_mariadb() {
        database.run("SET SESSION sql_mode = ''").await;
    }
    for (cells, unique) in types {
        check(&database, "", *cells, *unique).await;
    }
    database.drop().await;
}

#[tokio::test]
async fn in_postgres() {
    let stamps = &[
        "'0044-03-15 01:02:03.5 BC'",
        "'12021-07-05 11:19:41'",
        "'infinity'",
        "NULL",
        "'-infinity'",
        "'2021-07-05 11:19:41.123456'",
        "'2021-07-05 11:19:41.123457'",
    ];
    check_all(
        Kind::Postgres,
        &[
            (("VARCHAR(10)", &["'a'", "'a '", "'b'", "'A'", "'é'", "'い'"]), true),
            (("CHAR(5)", &["'a'", "'b'", "' b'", "'B'"]), true),
            (
                ("VARCHAR(9) COLLATE \"en-x-icu\"", &["'a'", "'B'", "'A'", "'あ'", "'ｱ'", "'-a'"]),
                true,
            ),
            (("TIMESTAMP", stamps), true),
            (("TIMESTAMPTZ", stamps), true),
            (
                (
                    "DATE",
                    &[
                        "'2021-07-05'",
                        "'infinity'",
                        "'-infinity'",
                        "'0044-03-15 BC'",
                        "'12021-07-05'",
                    ],
                ),
                true,
            ),
            (("TIME", &["'09:30'", "'24:00:00'", "'10:00:00.5'"]), true),
            (("NUMERIC", &["1.50", "1.5000001", "NULL", "'NaN'", "1e30", "-2"]), true),
            (
                (
                    "DOUBLE PRECISION",
                    &["0.1", "1e300", "-2.5", "'NaN'", "'infinity'", "'-infinity'"],
                ),
                true,
            ),
            (("REAL", &["0.1", "3.3"]), true),
            (
                (
                    "UUID",
                    &[
                        "'00000000-0000-0000-0000-000000000001'",
                        "'a0000000-0000-0000-0000-000000000001'",
                    ],
                ),
                true,
            ),
            (("mood", &["'b'", "'a'"]), true),
        ],
    )
    .await;
}

#[tokio::test]
async fn in_mariadb() {
    let texts = &["'a'", "'A'", "'a '", "'ａ'", "'b'", "NULL", "'あ'", "'ア'"];
    check_all(
        Kind::Mariadb,
        &[
            (("CHAR(5)", &["'a'", "'b'", "' b'"]), true),
            (("VARCHAR(10) COLLATE utf8mb4_bin", &["'a'", "'A'", "'b'"]), true),
            (
                (
                    "DATETIME",
                    &["'2021-07-05 11:19:41'", "'0000-00-00 00:00:00'", "'2021-07-00 00:00:00'"],
                ),
                true,
            ),
            (
                ("DATETIME(6)", &["'2021-07-05 11:19:41.123456'", "'2021-07-05 11:19:41.123457'"]),
                true,
            ),
            (("TIMESTAMP NULL", &["'2021-07-05 11:19:41'", "'2021-07-05 00:00:00'", "NULL"]), true),
            (("DECIMAL(10,3)", &["1.5", "2", "1.501"]), true),
            (("TINYINT(1)", &["0", "1", "5"]), true),
            (("BIT(1)", &["b'0'", "b'1'"]), true),
            (("YEAR", &["2021", "1999"]), true),
            (("TIME", &["'09:30:00'", "'-10:00:00'", "'100:00:00'"]), true),
            (("DOUBLE", &["0.1", "3.3"]), true),
            (("FLOAT", &["0.1", "3.3"]), true),
            (("BIGINT UNSIGNED", &["18446744073709551615", "1"]), true),
            (("VARCHAR(10) CHARACTER SET cp932", &["'ア'", "'髙'", "'①'", "'a'", "'Z'"]), true),
            (
                ("ENUM('b','a','B2','い','ア')", &["'b'", "'a'", "'B2'", "'ア'", "'い'", "NULL"]),
                true,
            ),
            (("SET('b','a')", &["'a,b'", "'a'", "'b'", "''"]), true),
            (("VARCHAR(10)", texts), false),
        ],
    )
    .await;
}

/// What is in columns for dates of files that nobody checks.
const DATES: &[&str] = &[
    "'2021-07-05 11:19:41'",
    "'2021-07-05T11:19:41'",
    "'2021-07-05T11:19:41Z'",
    "NULL",
    "'2021-07-05 11:19:41.5'",
    "'2021-07-05 11:19:41.500'",
    "'2021-07-05'",
    "'2021/07/05'",
    "20210705",
    "1625451581",
    "2459400.97189815",
    "-5",
    "''",
    "'0000-00-00 00:00:00'",
    "'2021-07-05 11:19'",
    "0.1",
    "'bad'",
    "CAST(x'8341' AS TEXT)",
];

/// Columns of no type that SQLite knows.
#[tokio::test]
async fn in_loose_sqlite() {
    let dates = &[DATES, &["x'32303231'"]].concat();
    check_all(
        Kind::Sqlite,
        &[
            (("DATE", &["'2021-07-05'", "'0000-00-00'", "'2021-07-00'"]), true),
            (("DATE", dates), true),
            (("DATETIME", dates), true),
            (("TIMESTAMP", dates), true),
            (("TIME", dates), true),
            (("DATETIME COLLATE NOCASE", dates), true),
            (("STRING", &["'a'", "'007'", "'x7'", "1.5", "'b '"]), true),
            (("", &["'a'", "1", "'1x'", "2.5", "x'7a'", "'007'"]), true),
        ],
    )
    .await;
}

#[tokio::test]
async fn in_sqlite() {
    check_all(
        Kind::Sqlite,
        &[
            (("INTEGER", &["1", "2", "'x'", "'007x'", "NULL", "3", "2.5"]), true),
            (("REAL", &["1.5", "0.1", "1e20", "3", "-2.25"]), true),
            (("DECIMAL(10,2)", &["1.5", "2", "'x'", "3.25"]), true),
            (("BOOLEAN", &["0", "1", "2", "NULL", "'yes'"]), true),
            (
                (
                    "VARCHAR(10)",
                    &[
                        "'a'",
                        "'a '",
                        "'b'",
                        "' b'",
                        "'a  '",
                        "'B'",
                        "''",
                        "NULL",
                        "CAST(x'8341' AS TEXT)",
                    ],
                ),
                true,
            ),
            (("DATETIME_TEXT", DATES), true),
            (("DATE_TEXT", DATES), true),
            (("TIME_TEXT", &["'09:30:00'", "'9:30'", "'09:30:00.5'", "'09:30:00.500'"]), true),
            (("BLOB", &["x'61'", "x'fffe'", "'c'"]), true),
            (
                (
                    "CHAR(5)",
                    &[
                        "'a'",
                        "'b '",
                        "' b'",
                        "'c  '",
                        "'d    '",
                        "'B'",
                        "''",
                        "NULL",
                        "'e        '",
                        "'a b'",
                        "1",
                        "'long text  '",
                        "CAST(x'834120' AS TEXT)",
                    ],
                ),
                true,
            ),
            (("CHAR(5)", &["'a'", "'a '", "'a    '", "'b  '", "' b'"]), false),
            (("CHAR(5) COLLATE NOCASE", &["'a'", "'A  '", "'b '", "'c'"]), false),
        ],
    )
    .await;
}

/// Keys that differ only in what the collation of their column folds.
#[tokio::test]
async fn keys_that_a_collation_folds_are_paged_or_refused() {
    let icu = "CREATE COLLATION folding (provider = icu, locale = 'und-u-ks-level1', \
               deterministic = false)";
    for (kind, declared, prepare) in [
        (Kind::Sqlite, "VARCHAR(10) COLLATE NOCASE", ""),
        (Kind::Postgres, "VARCHAR(10) COLLATE folding", icu),
        (Kind::Mariadb, "VARCHAR(10)", ""),
        (Kind::Mariadb, "CHAR(10) CHARACTER SET cp932", ""),
    ] {
        let Some(database) = Database::create(kind).await else { continue };
        if !prepare.is_empty() {
            database.run(prepare).await;
        }
        let place = format!("{kind:?} {declared}");
        database.run(&format!("CREATE TABLE t (k {declared}, id integer)")).await;
        database.run("CREATE INDEX by_k ON t (k)").await;
        database.run("INSERT INTO t VALUES ('b', 1), ('a', 2), ('A', 3), ('B', 4), ('c', 5)").await;
        let adapter = database.adapter().await;
        let all = rows(&adapter, &query(Predicate::TRUE, &[]), &place).await;
        find(&adapter, &all, &place).await;
        if kind.is_mariadb() {
            let mut page = query(Predicate::TRUE, &[("k", false)]);
            page.limit = Some(2);
            let refused = adapter.rows(&page).try_collect::<Vec<_>>().await.unwrap_err();
            assert_eq!(refused.category, ErrorCategory::Mismatch, "{place}: {refused}");
            assert!(refused.message.contains("collation"), "{refused}");
            page.filter = Predicate::equal(column("k"), Value::text("c"));
            assert_eq!(rows(&adapter, &page, &place).await.len(), 1);
        } else {
            for down in [false, true] {
                page(&adapter, &all, &[("k", down)], &place).await;
                page(&adapter, &all, &[("k", down), ("id", false)], &place).await;
            }
        }
        drop(adapter);
        database.drop().await;
    }
}
