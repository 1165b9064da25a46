//! What goes wrong in a hospital, and how it is reported: by category, without secrets.

use futures::{StreamExt, TryStreamExt};
use genkan_adapter::{
    Adapter, AdapterError, ColumnRef, ErrorCategory, Limit, Operand, Predicate, Row, RowQuery,
    TableAlias, Value,
};
use genkan_adapter_sql::{SqlAdapter, SqlConfig};

use crate::database::{Database, Kind};
use crate::network::Network;

const SERVERS: [Kind; 3] = [Kind::Sqlite, Kind::Postgres, Kind::Mariadb];

fn query(table: &str) -> RowQuery {
    RowQuery {
        root: TableAlias::new(table, "t"),
        joins: Vec::new(),
        columns: vec![ColumnRef::new("t", "id")],
        filter: Predicate::TRUE,
        order: Vec::new(),
        after: None,
        limit: None,
    }
}

/// More values than a statement takes.
async fn long(adapter: &SqlAdapter) -> Result<Vec<Row>, AdapterError> {
    let operand = Operand::Column(ColumnRef::new("t", "id"));
    let values = (0..32_001).map(Value::Integer).collect();
    let long = RowQuery { filter: Predicate::In { operand, values }, ..query("t") };
    adapter.rows(&long).try_collect().await
}

async fn answer(adapter: &SqlAdapter, table: &str) -> Result<Vec<Row>, AdapterError> {
    adapter.rows(&query(table)).try_collect().await
}

async fn refusal(config: &SqlConfig) -> AdapterError {
    match SqlAdapter::connect(config).await {
        Ok(_) => panic!("connected to {config:?}"),
        Err(error) => error,
    }
}

fn quick(url: &str) -> SqlConfig {
    SqlConfig { connect_timeout_ms: 500, statement_timeout_ms: 500, ..SqlConfig::new(url) }
}

#[tokio::test]
async fn what_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = format!("sqlite:{}", folder.path().join("none.db").display());
    // Longer than a name can be, so that nobody has to be asked.
    let no_host = format!("postgres://user:geheim@{}.example.jp/ehr", "x".repeat(64));
    for (url, category, why) in [
        (missing.as_str(), ErrorCategory::Unreachable, "check the path"),
        ("postgres://user:geheim@127.0.0.1:9/ehr", ErrorCategory::Unreachable, "is the server up?"),
        ("mysql://user:geheim@127.0.0.1:9/ehr", ErrorCategory::Unreachable, "is the server up?"),
        (no_host.as_str(), ErrorCategory::Unreachable, "lookup address"),
        ("oracle://user:geheim@127.0.0.1/ehr", ErrorCategory::Mismatch, "starts with none of"),
    ] {
        let error = refusal(&quick(url)).await;
        assert_eq!(error.category, category, "{error}");
        assert!(error.to_string().contains(why), "{why}: {error}");
        assert!(!format!("{error} {error:?}").contains("geheim"), "{error:?}");
    }
    let both = SqlConfig { url_file: Some("x".into()), ..SqlConfig::new("sqlite:x") };
    assert_eq!(refusal(&both).await.category, ErrorCategory::Mismatch);
}

#[tokio::test]
async fn a_refused_account_is_denied() {
    if let Some(database) = Database::create(Kind::Postgres).await {
        let (_, place) = database.url.rsplit_once('@').unwrap();
        let error = refusal(&quick(&format!("postgres://nobody:geheim@{place}"))).await;
        assert_eq!(error.category, ErrorCategory::Denied, "{error}");
        assert!(!format!("{error:?}").contains("geheim"));
        database.drop().await;
    }
    if let Some(database) = Database::create(Kind::Mariadb).await {
        let name = format!("genkan{}", std::process::id());
        database.run(&format!("CREATE USER {name}@'%' IDENTIFIED BY 'right'")).await;
        let (_, place) = database.url.rsplit_once('@').unwrap();
        let error = refusal(&quick(&format!("mysql://{name}:geheim@{place}"))).await;
        assert_eq!(error.category, ErrorCategory::Denied, "{error}");
        assert!(!format!("{error:?}").contains("geheim"));
        database.run(&format!("DROP USER {name}@'%'")).await;
        database.drop().await;
    }
}

#[tokio::test]
async fn secrets_come_from_files() {
    let folder = tempfile::tempdir().unwrap();
    let (secret, source) = (folder.path().join("url"), folder.path().join("source.db"));
    std::fs::write(&source, "").unwrap();
    std::fs::write(&secret, format!("sqlite:{}\n", source.display())).unwrap();
    let config: SqlConfig =
        toml::from_str(&format!("url_file = {:?}\nrows_max = 5", secret.display().to_string()))
            .unwrap();
    assert_eq!((config.connections_max, config.rows_max), (4, 5));
    assert!(SqlAdapter::connect(&config).await.is_ok());
    assert!(toml::from_str::<SqlConfig>("url = \"sqlite:x\"\nrow_max = 5").is_err());
}

#[tokio::test]
async fn a_dropped_table_is_a_mismatch_until_it_is_back() {
    for kind in SERVERS {
        let Some(database) = Database::create(kind).await else { continue };
        database.run("CREATE TABLE t (id integer)").await;
        let adapter = database.adapter().await;
        assert!(answer(&adapter, "t").await.unwrap().is_empty());
        database.run("DROP TABLE t").await;
        let error = answer(&adapter, "t").await.unwrap_err();
        assert_eq!(error.category, ErrorCategory::Mismatch, "{kind:?}: {error}");
        database.run("CREATE TABLE t (id integer, v integer)").await;
        database.run("INSERT INTO t VALUES (7, 8)").await;
        let expected = vec![Row(Box::new([Value::Integer(7)]))];
        assert_eq!(answer(&adapter, "t").await.unwrap(), expected, "{kind:?}");
        drop(adapter);
        database.drop().await;
    }
}

/// A request in the meantime reads the catalog without the table.
#[tokio::test]
async fn a_table_that_was_seen_missing_is_found_when_it_is_back() {
    for kind in SERVERS {
        let Some(database) = Database::create(kind).await else { continue };
        database.run("CREATE TABLE t (id integer)").await;
        let adapter = database.adapter().await;
        database.run("DROP TABLE t").await;
        for _ in 0..2 {
            let error = answer(&adapter, "t").await.unwrap_err();
            assert_eq!(error.category, ErrorCategory::Mismatch, "{kind:?}: {error}");
        }
        database.run("CREATE TABLE t (id integer)").await;
        tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
        assert!(answer(&adapter, "t").await.unwrap().is_empty(), "{kind:?}");
        drop(adapter);
        database.drop().await;
    }
}

#[tokio::test]
async fn a_column_that_changes_its_width_is_read_at_once() {
    for kind in SERVERS {
        let Some(database) = Database::create(kind).await else { continue };
        database.run("CREATE TABLE t (id integer)").await;
        database.run("INSERT INTO t VALUES (7)").await;
        let adapter = database.adapter().await;
        let expected = vec![Row(Box::new([Value::Integer(7)]))];
        let few = query("t");
        let held: Vec<_> = (0..3).map(|_| adapter.rows(&few)).collect();
        futures::future::join_all(held.into_iter().map(|rows| rows.count())).await;
        match kind {
            Kind::Postgres => database.run("ALTER TABLE t ALTER id TYPE bigint").await,
            Kind::Mariadb => database.run("ALTER TABLE t MODIFY id bigint").await,
            _ => {
                let rebuilt = "DROP TABLE t; CREATE TABLE t (id bigint); INSERT INTO t VALUES (7)";
                database.run(rebuilt).await;
            }
        }
        for _ in 0..4 {
            assert_eq!(answer(&adapter, "t").await.unwrap(), expected, "{kind:?}");
        }
        drop(adapter);
        database.drop().await;
    }
}

/// Its bytes could be read as the value that it was before, and would be another one: on a session that
/// was there before, and on a new one.
#[tokio::test]
async fn a_column_of_another_type_is_not_read_as_what_it_was() {
    const NUMBERS: (&str, &str) = ("integer", "1701");
    const TEXTS: (&str, &str) = ("varchar(8)", "'1701'");
    const DECIMALS: (&str, &str) = ("decimal(8,2)", "1701");
    const DOUBLES: (&str, &str) = ("double precision", "1701");
    const DAYS: (&str, &str) = ("date", "'1701-01-01'");
    for kind in [Kind::Postgres, Kind::Mariadb] {
        let Some(database) = Database::create(kind).await else { continue };
        for (before, after) in [
            (NUMBERS, TEXTS),
            (TEXTS, NUMBERS),
            (TEXTS, DECIMALS),
            (TEXTS, DAYS),
            (DOUBLES, NUMBERS),
            (NUMBERS, DOUBLES),
            (NUMBERS, DAYS),
        ] {
            for new_session in [false, true] {
                let table = |(column, value): (&str, &str)| {
                    format!("CREATE TABLE t (id {column}); INSERT INTO t VALUES ({value})")
                };
                database.run(&table(before)).await;
                let config = SqlConfig { connections_max: 1, ..database.config() };
                let adapter = SqlAdapter::connect(&config).await.unwrap();
                let known = adapter.schema().await.unwrap();
                if !new_session {
                    assert_eq!(answer(&adapter, "t").await.unwrap().len(), 1, "{kind:?}");
                }
                database.run(&format!("DROP TABLE t; {}", table(after))).await;
                let error = answer(&adapter, "t").await.unwrap_err();
                let what = format!("{kind:?} {before:?} {after:?} {new_session}: {error}");
                assert_eq!(error.category, ErrorCategory::Mismatch, "{what}");
                assert_ne!(adapter.schema().await.unwrap(), known, "{what}");
                assert_eq!(answer(&adapter, "t").await.unwrap().len(), 1, "{what}");
                drop(adapter);
                database.run("DROP TABLE t").await;
            }
        }
        database.drop().await;
    }
}

/// A text that is now a number would be found by no search for text: silence is no answer.
#[tokio::test]
async fn a_column_of_another_kind_is_a_mismatch() {
    for kind in SERVERS {
        let Some(database) = Database::create(kind).await else { continue };
        database.run("CREATE TABLE t (id varchar(8))").await;
        let adapter = database.adapter().await;
        assert!(answer(&adapter, "t").await.unwrap().is_empty(), "{kind:?}");
        database.run("DROP TABLE t").await;
        assert!(answer(&adapter, "t").await.is_err(), "{kind:?}");
        database.run("CREATE TABLE t (id integer)").await;
        let error = answer(&adapter, "t").await.unwrap_err();
        assert_eq!(error.category, ErrorCategory::Mismatch, "{kind:?}: {error}");
        assert!(error.message.contains("another type"), "{kind:?}: {error}");
        adapter.schema().await.unwrap();
        assert!(answer(&adapter, "t").await.unwrap().is_empty(), "{kind:?}");
        drop(adapter);
        database.drop().await;
    }
}

#[tokio::test]
async fn what_is_locked_is_busy_and_what_is_no_database_is_named() {
    let database = Database::create(Kind::Sqlite).await.unwrap();
    database.run("CREATE TABLE t (id integer)").await;
    let adapter = database.adapter().await;
    database.run("BEGIN EXCLUSIVE").await;
    let error = answer(&adapter, "t").await.unwrap_err();
    assert_eq!(error.category, ErrorCategory::Busy, "{error}");
    assert!(error.message.contains("locked"), "{error}");
    database.run("COMMIT").await;
    assert!(answer(&adapter, "t").await.unwrap().is_empty());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("source.db");
    std::fs::write(&file, "患者番号,氏名\n".repeat(100)).unwrap();
    let error = refusal(&quick(&format!("sqlite:{}", file.display()))).await;
    assert_eq!(error.category, ErrorCategory::Unreadable, "{error}");
    assert!(error.message.contains("no SQLite database"), "{error}");
}

/// The copy of the night takes the place of the file that is being read.
#[tokio::test]
async fn a_file_that_another_one_replaces_is_let_go() {
    let database = Database::create(Kind::Sqlite).await.unwrap();
    let copy = Database::create(Kind::Sqlite).await.unwrap();
    database.run("CREATE TABLE t (id integer); INSERT INTO t VALUES (1)").await;
    copy.run("CREATE TABLE t (more text, id integer); INSERT INTO t VALUES ('', 2), ('', 3)").await;
    let adapter = database.adapter().await;
    let two = RowQuery { limit: Some(2), ..query("t") };
    let mut held = adapter.rows(&two);
    assert!(held.next().await.unwrap().is_ok());
    assert_eq!(answer(&adapter, "t").await.unwrap().len(), 1);
    let path = |database: &Database| database.url.trim_start_matches("sqlite:").to_owned();
    std::fs::rename(path(&copy), path(&database)).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    assert_eq!(answer(&adapter, "t").await.unwrap().len(), 2);
    // What was at work meanwhile is not used again.
    drop(held);
    for _ in 0..5 {
        assert_eq!(answer(&adapter, "t").await.unwrap().len(), 2);
    }
    std::fs::remove_file(path(&database)).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let error = answer(&adapter, "t").await.unwrap_err();
    assert_eq!(error.category, ErrorCategory::Unreachable, "{error}");
}

#[tokio::test]
async fn limits_are_kept_and_the_adapter_goes_on() {
    for kind in SERVERS {
        let Some(database) = Database::create(kind).await else { continue };
        database.run("CREATE TABLE t (id integer)").await;
        database.run("INSERT INTO t VALUES (1), (2), (3), (4)").await;
        let slow = match kind {
            Kind::Postgres => "SELECT 1 AS id FROM pg_sleep(60)",
            Kind::Sqlite => {
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
                 SELECT count(*) AS id FROM n"
            }
            _ => {
                "SELECT CAST(count(*) AS SIGNED) AS id FROM t a, t b, t c, t d, t e, t f, t g, \
                 t h, t i, t j, t k, t l, t m, t n, t o, t p, t q"
            }
        };
        database.run(&format!("CREATE VIEW slow AS {slow}")).await;
        let config = SqlConfig { rows_max: 3, connections_max: 1, ..quick(&database.url) };
        let adapter = SqlAdapter::connect(&config).await.unwrap();
        for _ in 0..2 {
            let error = answer(&adapter, "slow").await.unwrap_err();
            let met = (ErrorCategory::LimitExceeded, Some(Limit::Time));
            assert_eq!((error.category, error.limit), met, "{kind:?}: {error}");
            let error = answer(&adapter, "t").await.unwrap_err();
            let met = (ErrorCategory::LimitExceeded, Some(Limit::Size));
            assert_eq!((error.category, error.limit), met, "{kind:?}: {error}");
            // PostgreSQL takes a list as one value.
            if kind != Kind::Postgres {
                let error = long(&adapter).await.unwrap_err();
                let met = (ErrorCategory::LimitExceeded, Some(Limit::Question));
                assert_eq!((error.category, error.limit), met, "{kind:?}: {error}");
            }
            let mut few = query("t");
            few.limit = Some(3);
            let rows: Vec<Row> = adapter.rows(&few).try_collect().await.unwrap();
            assert_eq!(rows.len(), 3, "{kind:?}");
        }
        let few = RowQuery { limit: Some(2), ..query("t") };
        // A caller that goes away while a statement runs leaves nothing behind that is in the way.
        let slow = query("slow");
        let patience = std::time::Duration::from_millis(100);
        assert!(tokio::time::timeout(patience, adapter.rows(&slow).next()).await.is_err());
        let rows: Vec<Row> = adapter.rows(&few).try_collect().await.unwrap();
        assert_eq!(rows.len(), 2, "{kind:?}");
        let many = RowQuery { limit: Some(3), ..query("t") };
        let mut held = adapter.rows(&many);
        assert!(held.next().await.unwrap().is_ok());
        let error = answer(&adapter, "t").await.unwrap_err();
        let met = (ErrorCategory::Busy, Some(Limit::Connections));
        assert_eq!((error.category, error.limit), met, "{kind:?}: {error}");
        assert!(error.message.contains("connections_max"), "{error}");
        drop(held);
        let rows: Vec<Row> = adapter.rows(&few).try_collect().await.unwrap();
        assert_eq!(rows.len(), 2, "{kind:?}");
        drop(adapter);
        database.drop().await;
    }
}

#[tokio::test]
async fn a_server_that_comes_back_is_used_again() {
    for kind in [Kind::Postgres, Kind::Mariadb] {
        let Some(database) = Database::create(kind).await else { continue };
        database.run("CREATE TABLE t (id integer)").await;
        let network = Network::before(&database).await;
        let (address, server) = (network.address, network.server.clone());
        let url = network.url(&database);
        let adapter = SqlAdapter::connect(&quick(&url)).await.unwrap();
        let query = query("t");
        let held: Vec<_> = (0..3).map(|_| adapter.rows(&query)).collect();
        let all = futures::future::join_all(held.into_iter().map(|rows| rows.count())).await;
        assert_eq!(all, [0, 0, 0]);
        network.cut().await;
        let error = answer(&adapter, "t").await.unwrap_err();
        assert_eq!(error.category, ErrorCategory::Unreachable, "{kind:?}: {error}");
        let network = Network::open(&address.to_string(), &server).await;
        assert!(answer(&adapter, "t").await.unwrap().is_empty(), "{kind:?}");
        // Connections that died unseen are replaced within one query.
        network.cut().await;
        let network = Network::open(&address.to_string(), &server).await;
        assert!(answer(&adapter, "t").await.unwrap().is_empty(), "{kind:?}");
        drop(adapter);
        network.cut().await;
        database.drop().await;
    }
}

/// MySQL compares a number with any text, and says nothing. The column is not among those that are
/// delivered, so that no row could show it either.
#[tokio::test]
async fn a_text_that_became_a_number_is_no_empty_answer_to_a_filter() {
    for kind in [Kind::Postgres, Kind::Mariadb] {
        let Some(database) = Database::create(kind).await else { continue };
        database.run("CREATE TABLE t (id integer PRIMARY KEY, code varchar(10))").await;
        database.run("INSERT INTO t VALUES (1, '007'), (2, '8')").await;
        let config = SqlConfig { catalog_check_secs: 0, ..database.config() };
        let adapter = SqlAdapter::connect(&config).await.unwrap();
        let code = ColumnRef::new("t", "code");
        let filter = Predicate::equal(code.clone(), Value::text("007"));
        let own = RowQuery { filter: filter.clone(), ..query("t") };
        let target = TableAlias::new("t", "o");
        let of_other = Predicate::equal(ColumnRef::new("o", "code"), Value::text("007"));
        let other = RowQuery { filter: Predicate::exists(target, of_other), ..query("t") };
        for (query, found) in [(&own, 1), (&other, 2)] {
            let rows: Vec<Row> = adapter.rows(query).try_collect().await.unwrap();
            assert_eq!(rows.len(), found, "{kind:?}");
            assert_eq!(adapter.count(query).await.unwrap(), found as u64, "{kind:?}");
        }
        let (change, back) = match kind {
            Kind::Postgres => (
                "ALTER TABLE t ALTER COLUMN code TYPE integer USING code::integer",
                "ALTER TABLE t ALTER COLUMN code TYPE varchar(10)",
            ),
            _ => ("ALTER TABLE t MODIFY code integer", "ALTER TABLE t MODIFY code varchar(10)"),
        };
        database.run(change).await;
        for query in [&own, &other] {
            let answer: Result<Vec<Row>, _> = adapter.rows(query).try_collect().await;
            let category = answer.map_err(|error| error.category);
            assert_eq!(category, Err(ErrorCategory::Mismatch), "{kind:?}");
            let count = adapter.count(query).await.map_err(|error| error.category);
            assert_eq!(count, Err(ErrorCategory::Mismatch), "{kind:?}");
        }
        database.run(back).await;
        let eight = Predicate::equal(code, Value::text("8"));
        let eight = RowQuery { filter: eight, ..query("t") };
        let known = adapter.schema().await.map(|_| ());
        assert!(known.is_ok(), "{kind:?}: {known:?}");
        let rows: Vec<Row> = adapter.rows(&eight).try_collect().await.unwrap();
        assert_eq!(rows.len(), 1, "{kind:?}");
        drop(adapter);
        database.drop().await;
    }
}
