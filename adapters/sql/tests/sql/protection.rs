//! The hospital's database is protected: no write, no statement that goes on for nobody, and never
//! more connections than agreed, as the server itself sees it.

use std::time::{Duration, Instant};

use futures::{StreamExt, TryStreamExt};
use genkan_adapter::{
    Adapter, AdapterError, ColumnRef, ErrorCategory, Limit, Predicate, Row, RowQuery, TableAlias,
    Value,
};
use genkan_adapter_sql::{SqlAdapter, SqlConfig};
use sea_orm::{ConnectionTrait, Statement};

use crate::database::{Database, Kind};
use crate::network::Network;

const SERVERS: [Kind; 2] = [Kind::Postgres, Kind::Mariadb];
/// Until something has to have happened that is not waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longer than any test.
const LONG_MS: u64 = 120_000;

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

async fn answer(adapter: &SqlAdapter, table: &str) -> Result<Vec<Row>, AdapterError> {
    adapter.rows(&query(table)).try_collect().await
}

impl Database {
    async fn number(&self, sql: &str) -> i64 {
        let statement = Statement::from_string(self.admin.get_database_backend(), sql);
        let row = self.admin.query_one_raw(statement).await.unwrap().unwrap();
        row.try_get_by_index(0).unwrap()
    }

    fn name(&self) -> &str {
        self.url.rsplit_once('/').unwrap().1
    }

    /// Sessions of the adapter in the server's own list; all of them, or those at work.
    async fn sessions(&self, at_work: bool) -> i64 {
        let name = self.name();
        if self.kind.is_postgres() {
            let active = if at_work { "AND state = 'active'" } else { "" };
            self.number(&format!(
                "SELECT count(*) FROM pg_stat_activity \
                 WHERE datname = '{name}' AND application_name = 'genkan' {active}"
            ))
            .await
        } else {
            let active = if at_work { "AND COMMAND IN ('Query', 'Execute')" } else { "" };
            self.number(&format!(
                "SELECT count(*) FROM information_schema.PROCESSLIST \
                 WHERE DB = '{name}' AND ID <> CONNECTION_ID() {active}"
            ))
            .await
        }
    }

    async fn wait_until_at_work(&self, expected: i64, what: &str) {
        let start = Instant::now();
        while self.sessions(true).await != expected {
            assert!(start.elapsed() < PATIENCE, "{:?}: {what}", self.kind);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// A view `slow` that takes as long as it is let, without a row; one `long` with many rows.
    async fn make_slow(&self) {
        self.run("CREATE TABLE t (id integer); INSERT INTO t VALUES (1), (2), (3), (4)").await;
        if self.kind.is_postgres() {
            self.run("CREATE VIEW slow AS SELECT 1 AS id FROM pg_sleep(100)").await;
            let long = "SELECT i AS id, repeat('x', 500) AS x FROM generate_series(1, 200000) i";
            self.run(&format!("CREATE VIEW \"long\" AS {long}")).await;
        } else {
            self.run("CREATE VIEW slow AS SELECT SLEEP(100) + id AS id FROM t").await;
            let long = "SELECT seq AS id, repeat('x', 500) AS x FROM seq_1_to_200000";
            self.run(&format!("CREATE VIEW `long` AS {long}")).await;
        }
    }
}

fn patient(url: &str) -> SqlConfig {
    SqlConfig { statement_timeout_ms: LONG_MS, ..SqlConfig::new(url) }
}

/// Also where the account may write, and where an earlier statement has told the session that it may.
#[tokio::test]
async fn a_write_inside_of_a_query_is_refused() {
    for kind in SERVERS {
        let Some(database) = Database::create(kind).await else { continue };
        database.run("CREATE TABLE t (id integer)").await;
        if kind.is_postgres() {
            database
                .run(
                    "CREATE FUNCTION w() RETURNS integer LANGUAGE sql SECURITY DEFINER \
                     AS 'INSERT INTO t VALUES (1) RETURNING id'; \
                     CREATE VIEW writes AS SELECT w() AS id; \
                     CREATE VIEW loosens AS SELECT 1 AS id FROM \
                     set_config('default_transaction_read_only', 'off', false); \
                     CREATE VIEW unlocks AS SELECT 1 AS id FROM \
                     set_config('transaction_read_only', 'off', true)",
                )
                .await;
        } else {
            for statement in [
                "CREATE FUNCTION w() RETURNS integer MODIFIES SQL DATA BEGIN \
                 INSERT INTO t VALUES (1); RETURN 1; END",
                // The server hides a view that writes from a catalog that is read; this is known.
                "CREATE TABLE writes (id integer)",
                "CREATE FUNCTION l() RETURNS integer BEGIN \
                 SET SESSION tx_read_only = 0; RETURN 1; END",
                "CREATE VIEW loosens AS SELECT l() AS id",
            ] {
                database.run(statement).await;
            }
        }
        let config = SqlConfig { connections_max: 1, ..database.config() };
        let adapter = SqlAdapter::connect(&config).await.unwrap();
        assert!(adapter.health().await.unwrap().read_only, "{kind:?}");
        if !kind.is_postgres() {
            database.run("DROP TABLE writes; CREATE VIEW writes AS SELECT w() AS id").await;
        }
        let loosened = answer(&adapter, "loosens").await.unwrap();
        assert_eq!(loosened.len(), 1, "{kind:?}: the session's default was changed");
        for pause in [0, 300] {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            let error = answer(&adapter, "writes").await.unwrap_err();
            assert_eq!(error.category, ErrorCategory::Denied, "{kind:?}: {error}");
        }
        if kind.is_postgres() {
            answer(&adapter, "unlocks").await.unwrap_err();
            answer(&adapter, "writes").await.unwrap_err();
        }
        assert!(answer(&adapter, "t").await.unwrap().is_empty(), "{kind:?}");
        assert_eq!(database.number("SELECT count(*) FROM t").await, 0, "{kind:?}");
        drop(adapter);
        database.drop().await;
    }
}

/// Statements share a transaction for a moment; none of them may see the rows of the one before.
#[tokio::test]
async fn every_statement_sees_what_is_committed_when_it_begins() {
    for kind in SERVERS {
        let Some(database) = Database::create(kind).await else { continue };
        database.run("CREATE TABLE t (id integer)").await;
        let config = SqlConfig { connections_max: 1, ..database.config() };
        let adapter = SqlAdapter::connect(&config).await.unwrap();
        for rows in 0..20 {
            assert_eq!(answer(&adapter, "t").await.unwrap().len(), rows, "{kind:?}");
            database.run("INSERT INTO t VALUES (1)").await;
        }
        drop(adapter);
        database.drop().await;
    }
}

/// A session that has read a table and rests is in nobody's way.
#[tokio::test]
async fn a_session_that_rests_holds_no_lock() {
    for kind in SERVERS {
        let Some(database) = Database::create(kind).await else { continue };
        database.run("CREATE TABLE t (id integer)").await;
        let adapter = database.adapter().await;
        assert!(answer(&adapter, "t").await.unwrap().is_empty(), "{kind:?}");
        let patience = if kind.is_postgres() {
            "SET lock_timeout = '9s'"
        } else {
            "SET SESSION lock_wait_timeout = 9"
        };
        database.run(patience).await;
        database.run("ALTER TABLE t ADD more integer").await;
        if kind.is_postgres() {
            let start = Instant::now();
            let resting = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'genkan' \
                           AND datname = current_database() AND state <> 'idle'";
            while database.number(resting).await > 0 {
                assert!(start.elapsed() < PATIENCE, "still in a transaction");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        assert!(answer(&adapter, "t").await.unwrap().is_empty(), "{kind:?}");
        drop(adapter);
        database.drop().await;
    }
}

#[tokio::test]
async fn a_statement_that_nobody_waits_for_ends_on_the_server() {
    for kind in SERVERS {
        let Some(database) = Database::create(kind).await else { continue };
        database.make_slow().await;
        let config = SqlConfig { connections_max: 2, ..patient(&database.url) };
        let adapter = SqlAdapter::connect(&config).await.unwrap();
        for table in ["slow", "long"] {
            let query = query(table);
            let mut rows = adapter.rows(&query);
            if table == "slow" {
                let soon = Duration::from_millis(200);
                assert!(tokio::time::timeout(soon, rows.next()).await.is_err(), "{kind:?}");
                database.wait_until_at_work(1, "the statement has begun").await;
            } else {
                assert!(rows.next().await.unwrap().is_ok(), "{kind:?}");
            }
            drop(rows);
            database.wait_until_at_work(0, "the statement has ended").await;
            assert_eq!(answer(&adapter, "t").await.unwrap().len(), 4, "{kind:?}");
            assert!(settled(&database, 2).await <= 2, "{kind:?}");
        }
        drop(adapter);
        database.drop().await;
    }
}

/// Whatever the server does about its own limit.
#[tokio::test]
async fn a_statement_that_outlasts_our_own_clock_ends_on_the_server() {
    for kind in SERVERS {
        let Some(database) = Database::create(kind).await else { continue };
        database.make_slow().await;
        // The session's own limit is taken away, as a statement of an earlier query could.
        let unlimited = if kind.is_postgres() {
            "CREATE VIEW endless AS SELECT 1 AS id \
             FROM set_config('statement_timeout', '0', false), slow"
        } else {
            "CREATE FUNCTION n() RETURNS integer BEGIN \
             SET SESSION max_statement_time = 0; RETURN 1; END"
        };
        database.run(unlimited).await;
        if !kind.is_postgres() {
            database.run("CREATE VIEW unlimited AS SELECT n() AS id").await;
        }
        let config = SqlConfig {
            connections_max: 2,
            statement_timeout_ms: 300,
            ..SqlConfig::new(&database.url)
        };
        let adapter = SqlAdapter::connect(&config).await.unwrap();
        let table = if kind.is_postgres() { "endless" } else { "slow" };
        if !kind.is_postgres() {
            answer(&adapter, "unlimited").await.unwrap();
        }
        // On PostgreSQL the first one lives under the old limit.
        for _ in 0..2 {
            let error = answer(&adapter, table).await.unwrap_err();
            let expected = [ErrorCategory::LimitExceeded, ErrorCategory::Unreachable];
            assert!(expected.contains(&error.category), "{kind:?}: {error}");
        }
        database.wait_until_at_work(0, "the statement has ended").await;
        assert_eq!(answer(&adapter, "t").await.unwrap().len(), 4, "{kind:?}");
        drop(adapter);
        database.drop().await;
    }
}

/// Clients that come and go, and a network that breaks: the server never has more of our sessions
/// than agreed, but for those whose break it has not noticed, and they do not last.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cap_holds_under_load_and_when_clients_go() {
    const CAP: u32 = 3;
    for kind in SERVERS {
        let Some(database) = Database::create(kind).await else { continue };
        database.make_slow().await;
        // When all connections are at work for nobody, the server's own limit is what ends them.
        let config = SqlConfig {
            connections_max: CAP,
            statement_timeout_ms: 1_000,
            connect_timeout_ms: 30_000,
            ..SqlConfig::new(&database.url)
        };
        let adapter = std::sync::Arc::new(SqlAdapter::connect(&config).await.unwrap());
        let clients: Vec<_> = (0..12)
            .map(|client| {
                let adapter = std::sync::Arc::clone(&adapter);
                tokio::spawn(async move {
                    for turn in 0..6 {
                        if (client + turn) % 6 == 0 {
                            let slow = query("slow");
                            let soon = Duration::from_millis(30);
                            let gone = tokio::time::timeout(soon, adapter.rows(&slow).next()).await;
                            assert!(gone.is_err(), "{gone:?}");
                        } else if (client + turn) % 6 == 3 {
                            let long = query("long");
                            assert!(adapter.rows(&long).next().await.unwrap().is_ok());
                        } else {
                            assert_eq!(answer(&adapter, "t").await.unwrap().len(), 4);
                        }
                    }
                })
            })
            .collect();
        let all = futures::future::join_all(clients);
        let mut all = std::pin::pin!(all);
        let mut most = 0;
        loop {
            most = most.max(settled(&database, i64::from(CAP)).await);
            tokio::select! {
                done = &mut all => {
                    assert!(done.iter().all(Result::is_ok), "{kind:?}: {done:?}");
                    break;
                }
                () = tokio::time::sleep(Duration::from_millis(5)) => {}
            }
        }
        assert!((1..=i64::from(CAP)).contains(&most), "{kind:?}: {most} sessions");
        database.wait_until_at_work(0, "all statements have ended").await;
        drop(adapter);
        database.drop().await;
    }
}

/// The sessions of a database. The server notices a moment later than the client that one has ended, and
/// lists it meanwhile beside the one that came in its place.
async fn settled(database: &Database, cap: i64) -> i64 {
    let mut sessions = database.sessions(false).await;
    for _ in 0..20 {
        if sessions <= cap {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        sessions = database.sessions(false).await;
    }
    sessions
}

/// The server does not notice: its end of the connection goes on with its statement.
#[tokio::test]
async fn the_session_of_a_connection_that_broke_is_ended_by_the_next_one() {
    for kind in SERVERS {
        let Some(database) = Database::create(kind).await else { continue };
        database.make_slow().await;
        let network = Network::before(&database).await;
        let config = SqlConfig { connections_max: 1, ..patient(&network.url(&database)) };
        let adapter = SqlAdapter::connect(&config).await.unwrap();
        let (address, server) = (network.address, network.server.clone());
        let slow = query("slow");
        let mut rows = adapter.rows(&slow);
        let soon = Duration::from_millis(300);
        assert!(tokio::time::timeout(soon, rows.next()).await.is_err(), "{kind:?}");
        database.wait_until_at_work(1, "the statement has begun").await;
        network.cut().await;
        let error = rows.next().await.unwrap().unwrap_err();
        assert_eq!(error.category, ErrorCategory::Unreachable, "{kind:?}: {error}");
        assert_eq!(database.sessions(true).await, 1, "{kind:?}: the server has not noticed");
        let network = Network::open(&address.to_string(), &server).await;
        assert_eq!(answer(&adapter, "t").await.unwrap().len(), 4, "{kind:?}");
        assert_eq!(settled(&database, 1).await, 1, "{kind:?}");
        drop(rows);
        drop(adapter);
        network.cut().await;
        database.drop().await;
    }
}

/// Wherever the connection is cut: all rows, or an error; never some of them and an end.
#[tokio::test]
async fn a_connection_that_is_cut_in_the_middle_of_rows_is_no_short_answer() {
    for kind in SERVERS {
        let Some(database) = Database::create(kind).await else { continue };
        database.run("CREATE TABLE t (id integer)").await;
        let numbers: Vec<String> = (0..2000).map(|number| format!("({number})")).collect();
        database.run(&format!("INSERT INTO t VALUES {}", numbers.join(","))).await;
        let network = Network::before(&database).await;
        let config = SqlConfig { connections_max: 2, ..patient(&network.url(&database)) };
        let adapter = SqlAdapter::connect(&config).await.unwrap();
        let mut short = 0;
        for bytes in (0..26_000).step_by(1300) {
            network.cut_after(bytes);
            match answer(&adapter, "t").await {
                Ok(rows) => assert_eq!(rows.len(), 2000, "{kind:?} after {bytes} bytes"),
                Err(error) => {
                    short += 1;
                    assert_eq!(error.category, ErrorCategory::Unreachable, "{kind:?}: {error}");
                }
            }
            network.mend();
            assert_eq!(answer(&adapter, "t").await.unwrap().len(), 2000, "{kind:?}");
        }
        assert!(short > 5, "{kind:?}: {short} answers were cut");
        drop(adapter);
        network.cut().await;
        database.drop().await;
    }
}

#[tokio::test]
async fn a_locked_table_is_waited_for_no_longer_than_a_statement() {
    for kind in SERVERS {
        let Some(database) = Database::create(kind).await else { continue };
        database.run("CREATE TABLE t (id integer)").await;
        database.run("CREATE TABLE u (id integer)").await;
        let config = SqlConfig { statement_timeout_ms: 500, ..SqlConfig::new(&database.url) };
        let adapter = SqlAdapter::connect(&config).await.unwrap();
        let (lock, unlock) = if kind.is_postgres() {
            ("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE", "COMMIT")
        } else {
            ("LOCK TABLES t WRITE", "UNLOCK TABLES")
        };
        database.run(lock).await;
        for _ in 0..2 {
            let error = answer(&adapter, "t").await.unwrap_err();
            let expected = [ErrorCategory::LimitExceeded, ErrorCategory::Busy];
            assert!(expected.contains(&error.category), "{kind:?}: {error}");
            assert_eq!(error.limit, Some(Limit::Time), "{kind:?}: {error}");
            assert!(answer(&adapter, "u").await.unwrap().is_empty(), "{kind:?}");
        }
        database.run(unlock).await;
        assert!(answer(&adapter, "t").await.unwrap().is_empty(), "{kind:?}");
        drop(adapter);
        database.drop().await;
    }
}

#[tokio::test]
async fn more_bytes_than_allowed_are_an_error() {
    for kind in [Kind::Sqlite, Kind::Postgres, Kind::Mariadb] {
        let Some(database) = Database::create(kind).await else { continue };
        database.run("CREATE TABLE t (id varchar(2000))").await;
        let text = "あ".repeat(600);
        for _ in 0..5 {
            database.run(&format!("INSERT INTO t VALUES ('{text}')")).await;
        }
        let config = SqlConfig { bytes_max: 5 * 1800, ..database.config() };
        let adapter = SqlAdapter::connect(&config).await.unwrap();
        let expected = vec![Row(Box::new([Value::Text(text.clone())])); 5];
        assert_eq!(answer(&adapter, "t").await.unwrap(), expected, "{kind:?}");
        database.run("INSERT INTO t VALUES ('x')").await;
        let error = answer(&adapter, "t").await.unwrap_err();
        assert_eq!(error.category, ErrorCategory::LimitExceeded, "{kind:?}: {error}");
        assert_eq!(error.limit, Some(Limit::Size), "{kind:?}: {error}");
        assert!(error.message.contains("bytes_max"), "{error}");
        let few = RowQuery { limit: Some(2), ..query("t") };
        let rows: Vec<Row> = adapter.rows(&few).try_collect().await.unwrap();
        assert_eq!(rows.len(), 2, "{kind:?}");
        drop(adapter);
        database.drop().await;
    }
}
