//! What legacy databases hold that no modern type expects: other encodings, padding, zero dates,
//! infinities, numbers in the wrong place, folding collations.

use futures::TryStreamExt;
use genkan_adapter::{
    Adapter, ColumnKind, ColumnRef, Comparison, Decimal, ErrorCategory, Operand, Position,
    Predicate, Row, RowQuery, TableAlias, Unreadable, Value,
};
use genkan_adapter_sql::{SqlAdapter, SqlConfig};

use crate::database::{Database, Kind};

fn query(table: &str, columns: &[&str], filter: Predicate) -> RowQuery {
    RowQuery {
        root: TableAlias::new(table, "t"),
        joins: Vec::new(),
        columns: columns.iter().map(|column| ColumnRef::new("t", *column)).collect(),
        filter,
        order: Vec::new(),
        after: None,
        limit: None,
    }
}

async fn rows(adapter: &SqlAdapter, query: &RowQuery) -> Vec<Row> {
    adapter.rows(query).try_collect().await.unwrap()
}

async fn count(adapter: &SqlAdapter, table: &str, filter: Predicate) -> usize {
    rows(adapter, &query(table, &["id"], filter)).await.len()
}

/// The cells of one row.
async fn cells(adapter: &SqlAdapter, table: &str, columns: &[&str]) -> Vec<Value> {
    let rows = rows(adapter, &query(table, columns, Predicate::TRUE)).await;
    assert_eq!(rows.len(), 1, "{table}");
    rows[0].values().to_vec()
}

fn column(name: &str) -> ColumnRef {
    ColumnRef::new("t", name)
}

fn equal(name: &str, text: &str) -> Predicate {
    Predicate::equal(column(name), Value::text(text))
}

fn text(text: &str) -> Value {
    Value::text(text)
}

fn decimal(digits: &str) -> Value {
    Value::Decimal(Decimal::parse(digits).unwrap())
}

#[tokio::test]
async fn euc_jp_takes_every_search_text() {
    let Some(database) = Database::create(Kind::PostgresEucJp).await else { return };
    let stored = "～－∥μ￠￡￢―￥￣";
    database.run("CREATE TABLE t (id integer PRIMARY KEY, v varchar(40), c char(12))").await;
    for (id, c) in stored.chars().enumerate() {
        database.run(&format!("INSERT INTO t VALUES ({id}, '{c}', '{c}')")).await;
    }
    let adapter = database.adapter().await;
    let all = stored.chars().count();
    for (id, typed) in "〜−‖µ¢£¬—¥‾".chars().enumerate() {
        let typed = typed.to_string();
        let expected = vec![Row(Box::new([Value::Integer(i64::try_from(id).unwrap())]))];
        for name in ["v", "c"] {
            let found = rows(&adapter, &query("t", &["id"], equal(name, &typed))).await;
            assert_eq!(found, expected, "{typed} in {name}");
        }
    }
    let listed = |name, texts: &[&str]| Predicate::In {
        operand: Operand::Column(column(name)),
        values: texts.iter().map(|text| Value::text(*text)).collect(),
    };
    let keys = Predicate::KeyIn {
        columns: vec![column("id"), column("v")],
        keys: vec![vec![Value::Integer(0), text("〜")], vec![Value::Integer(1), text("𩸽")]],
    };
    let like = Predicate::Like {
        operand: Operand::Column(column("v")),
        position: Position::Anywhere,
        text: "😀".to_owned(),
        ignore_case: true,
    };
    assert_eq!(count(&adapter, "t", listed("c", &["𠮷", "～", "♡", "−"])).await, 2);
    assert_eq!(count(&adapter, "t", keys).await, 1);
    assert_eq!(count(&adapter, "t", like.clone()).await, 0);
    assert_eq!(count(&adapter, "t", Predicate::Not(Box::new(like))).await, all);
    assert_eq!(count(&adapter, "t", equal("v", "\0")).await, 0);
    for comparison in [Comparison::Less, Comparison::GreaterOrEqual] {
        let (left, right) = (Operand::Column(column("v")), Operand::Value(text("𠮷")));
        let range = Predicate::Compare { left, comparison, right };
        assert_eq!(count(&adapter, "t", range).await, 0);
    }
    // No row can hold it: nothing is asked.
    let known = query("t", &["id"], equal("v", "𠮷"));
    assert!(rows(&adapter, &known).await.is_empty());
    assert_eq!(adapter.explain(&known), None);
    drop(adapter);
    database.drop().await;
}

#[tokio::test]
async fn a_server_of_another_encoding_is_asked_once_what_it_lacks() {
    let Some(database) = Database::create(Kind::PostgresLatin1).await else { return };
    database.run("CREATE TABLE t (id integer, v varchar(40)); INSERT INTO t VALUES (1, 'é')").await;
    let adapter = database.adapter().await;
    assert_eq!(count(&adapter, "t", equal("v", "é")).await, 1);
    let like = Predicate::Like {
        operand: Operand::Column(column("v")),
        position: Position::Start,
        text: "山".to_owned(),
        ignore_case: false,
    };
    assert_eq!(count(&adapter, "t", Predicate::Not(Box::new(like))).await, 1);
    let list = Predicate::In {
        operand: Operand::Column(column("v")),
        values: vec![text("山"), text("é"), text("〜")],
    };
    assert_eq!(count(&adapter, "t", list).await, 1);
    let known = query("t", &["id"], equal("v", "〜"));
    assert!(rows(&adapter, &known).await.is_empty());
    assert_eq!(adapter.explain(&known), None);
    drop(adapter);
    database.drop().await;
}

/// Bytes that the server itself would not have taken, as a damaged file has them: most functions of
/// the server fail on them.
#[tokio::test]
async fn what_stands_beside_damaged_text_is_served() {
    for (kind, hex, bytes, at) in [
        (Kind::Postgres, "41e5b1", vec![0x41, 0xe5, 0xb1], 1),
        (Kind::PostgresEucJp, "41fe", vec![0x41, 0xfe], 1),
        (Kind::PostgresEucJp, "bbb38f41", vec![0xbb, 0xb3, 0x8f, 0x41], 2),
        (Kind::PostgresEucJis2004, "8e", vec![0x8e], 0),
    ] {
        let Some(database) = Database::create(kind).await else { return };
        database
            .run(&format!(
                "CREATE CAST (bytea AS text) WITHOUT FUNCTION; CREATE TABLE t (id integer, v text); \
                 INSERT INTO t VALUES (1, '山\\'), (2, '\\x{hex}'::bytea::text), (3, '\\x41')"
            ))
            .await;
        let adapter = database.adapter().await;
        let query = query("t", &["v"], Predicate::TRUE);
        let found: Vec<Value> =
            rows(&adapter, &query).await.iter().map(|row| row.values()[0].clone()).collect();
        let broken = Value::Unreadable(Unreadable::new(bytes, at));
        assert_eq!(found, [text("山\\"), broken, text("\\x41")], "{kind:?}");
        assert_eq!(count(&adapter, "t", equal("v", "山\\")).await, 1, "{kind:?}");
        drop(adapter);
        database.drop().await;
    }
}

#[tokio::test]
async fn a_database_without_an_encoding_needs_one_of_the_configuration() {
    let Some(database) = Database::create(Kind::PostgresSqlAscii).await else { return };
    database.run("CREATE TABLE t (id integer, v text)").await;
    let Err(error) = SqlAdapter::connect(&SqlConfig::new(&database.url)).await else {
        panic!("it connects");
    };
    assert_eq!(error.category, ErrorCategory::Mismatch);
    assert!(error.message.contains("text_encoding"), "{error}");
    drop(database.adapter().await);
    database.drop().await;
}

#[tokio::test]
async fn postgres_delivers_what_does_not_fit_as_text() {
    let Some(database) = Database::create(Kind::Postgres).await else { return };
    database.run("CREATE TYPE mood AS ENUM ('sad', 'ok')").await;
    database.run("CREATE DOMAIN day8 AS char(8)").await;
    database
        .run(
            "CREATE TABLE t (id bigint, d1 date, d2 date, ts timestamp, tz timestamptz, tm time, \
             n numeric, nn numeric, f4 real, f8 double precision, fi double precision, u uuid, \
             m mood, j jsonb, day day8, tag integer[], s smallint, old date)",
        )
        .await;
    database
        .run(
            "INSERT INTO t VALUES (1, 'infinity', '-infinity', 'infinity', \
             '2024-01-01 09:00:00.5+09', '24:00:00', 100.1000, 'NaN', 4.2, 0.1, 'Infinity', \
             'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'ok', '{\"a\": 1}', '2024', '{1}', -3, \
             '0044-03-15 BC')",
        )
        .await;
    database.run("CREATE VIEW v AS SELECT id, day, m FROM t").await;
    let adapter = database.adapter().await;
    let names =
        ["d1", "d2", "ts", "tz", "tm", "n", "nn", "f4", "f8", "fi", "u", "m", "j", "day", "s"];
    let expected = vec![
        text("infinity"),
        text("-infinity"),
        text("infinity"),
        Value::Instant("2024-01-01T00:00:00.5Z".parse().unwrap()),
        text("24:00:00"),
        decimal("100.1000"),
        text("NaN"),
        decimal("4.2"),
        decimal("0.1"),
        text("inf"),
        text("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        text("ok"),
        text("{\"a\": 1}"),
        text("2024"),
        Value::Integer(-3),
    ];
    assert_eq!(cells(&adapter, "t", &names).await, expected);
    for (name, value) in [
        ("f4", decimal("4.2")),
        ("f8", decimal("0.10")),
        ("n", decimal("100.1")),
        ("s", decimal("-3.0")),
        ("s", Value::Integer(-3)),
        ("m", text("ok")),
        ("u", text("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")),
        ("day", text("2024")),
    ] {
        let one = Predicate::equal(column(name), value.clone());
        assert_eq!(count(&adapter, "t", one).await, 1, "{name}");
        let list = Predicate::In { operand: Operand::Column(column(name)), values: vec![value] };
        assert_eq!(count(&adapter, "t", list).await, 1, "{name} in a list");
    }
    beyond_the_kinds(&adapter).await;
    drop(adapter);
    database.drop().await;
}

/// A number that no column holds, a domain seen through a view, a type that no rule can use.
async fn beyond_the_kinds(adapter: &SqlAdapter) {
    let huge = Predicate::equal(column("s"), Value::Integer(i64::MAX));
    assert_eq!(count(adapter, "t", huge).await, 0);
    assert_eq!(count(adapter, "v", equal("day", "2024    ")).await, 1);
    let kind = |table: &str, name: &str, schema: &genkan_adapter::SourceSchema| {
        schema.table(table).unwrap().column(name).unwrap().kind
    };
    let schema = adapter.schema().await.unwrap();
    assert_eq!(kind("v", "day", &schema), ColumnKind::PaddedText { length: 8 });
    assert_eq!(kind("t", "tag", &schema), ColumnKind::Unsupported);
    let error = adapter.rows(&query("t", &["tag"], Predicate::TRUE)).try_collect::<Vec<_>>().await;
    assert_eq!(error.unwrap_err().category, ErrorCategory::Mismatch);
}

#[tokio::test]
async fn mariadb_delivers_what_does_not_fit_as_text() {
    let Some(database) = Database::create(Kind::Mariadb).await else { return };
    database
        .run(
            "CREATE TABLE t (id int, d date, dt datetime, ts timestamp(3) NULL, tm time, \
             tiny tinyint(1), big bigint unsigned, small smallint, y year, f float, g double, \
             e enum('あ', 'い'), n decimal(6,3), b bit(1))",
        )
        .await;
    database.run("SET SESSION sql_mode = ''").await;
    database.run("SET time_zone = '+09:00'").await;
    database
        .run(
            "INSERT INTO t VALUES (1, '0000-00-00', '2024-02-00 00:00:00', \
             '2024-01-01 09:00:00.5', '-25:00:01', 2, 18446744073709551615, -5, 1999, 4.2, 0.1, \
             'い', 1.5, 1)",
        )
        .await;
    let adapter = database.adapter().await;
    let names = ["d", "dt", "ts", "tm", "tiny", "big", "small", "y", "f", "g", "e", "n", "b"];
    let expected = vec![
        text("0000-00-00"),
        text("2024-02-00 00:00:00"),
        Value::Instant("2024-01-01T00:00:00.5Z".parse().unwrap()),
        text("-25:00:01"),
        Value::Integer(2),
        text("18446744073709551615"),
        Value::Integer(-5),
        Value::Integer(1999),
        decimal("4.2"),
        decimal("0.1"),
        text("い"),
        decimal("1.500"),
        Value::Boolean(true),
    ];
    assert_eq!(cells(&adapter, "t", &names).await, expected);
    for (name, value) in [
        ("f", decimal("4.2")),
        ("g", decimal("0.10")),
        ("n", decimal("1.5")),
        ("y", Value::Integer(1999)),
        ("e", text("い")),
        ("b", Value::Boolean(true)),
    ] {
        assert_eq!(count(&adapter, "t", Predicate::equal(column(name), value)).await, 1, "{name}");
    }
    assert_eq!(count(&adapter, "t", equal("e", "あ")).await, 0);
    drop(adapter);
    database.drop().await;
}

#[tokio::test]
async fn mariadb_in_japanese_character_sets_takes_every_search_text() {
    for charset in ["ujis", "cp932", "sjis", "eucjpms", "utf8mb3"] {
        let Some(database) = Database::create(Kind::Mariadb).await else { return };
        database
            .run(&format!(
                "CREATE TABLE t (id int, v varchar(40), c char(10), KEY (v)) CHARACTER SET {charset}"
            ))
            .await;
        database.run("INSERT INTO t VALUES (1, '山田', 'あ'), (2, 'ヤマダ', 'ア')").await;
        let adapter = database.adapter().await;
        assert_eq!(count(&adapter, "t", equal("v", "山田")).await, 1, "{charset}");
        assert_eq!(count(&adapter, "t", equal("c", "ア")).await, 1, "{charset}");
        for unknown in ["𠮷", "😀", "山田𠮷"] {
            assert_eq!(count(&adapter, "t", equal("v", unknown)).await, 0, "{charset} {unknown}");
            let list = Predicate::In {
                operand: Operand::Column(column("c")),
                values: vec![text(unknown), text("あ")],
            };
            assert_eq!(count(&adapter, "t", list).await, 1, "{charset} {unknown} in a list");
            for (position, ignore_case) in
                [(Position::Start, false), (Position::Anywhere, false), (Position::Exact, true)]
            {
                let like = Predicate::Like {
                    operand: Operand::Column(column("v")),
                    position,
                    text: format!("{unknown}a"),
                    ignore_case,
                };
                assert_eq!(count(&adapter, "t", like).await, 0, "{charset} {unknown} like");
            }
        }
        drop(adapter);
        database.drop().await;
    }
}

#[tokio::test]
async fn sqlite_delivers_what_does_not_fit_as_text() {
    let Some(database) = Database::create(Kind::Sqlite).await else { return };
    database
        .run(
            "CREATE TABLE t (id integer, day date, at datetime, n decimal(8,2), i integer, \
             c char(8), v varchar(10) COLLATE NOCASE, b boolean, r real, raw text)",
        )
        .await;
    database
        .run(
            "INSERT INTO t VALUES (1, 20240101, '2024-01-01T10:00:00', '12a', 1.5, 20240101, 'A', \
             2, 4.2, CAST(x'E3FF41' AS TEXT))",
        )
        .await;
    let adapter = database.adapter().await;
    let names = ["day", "at", "n", "i", "c", "v", "b", "r", "raw"];
    let expected = vec![
        text("20240101"),
        text("2024-01-01T10:00:00"),
        text("12a"),
        text("1.5"),
        text("20240101"),
        text("A"),
        text("2"),
        decimal("4.2"),
        Value::Unreadable(Unreadable::new([0xe3, 0xff, 0x41], 0)),
    ];
    assert_eq!(cells(&adapter, "t", &names).await, expected);
    assert_eq!(count(&adapter, "t", equal("v", "a")).await, 0);
    assert_eq!(count(&adapter, "t", equal("v", "A")).await, 1);
    assert_eq!(count(&adapter, "t", equal("c", "20240101")).await, 1);
    drop(adapter);
    database.drop().await;
}
