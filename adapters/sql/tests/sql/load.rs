//! What an adapter tells those who look after a source: how much of its connections is taken, and what
//! its server says of itself.

use std::time::{Duration, SystemTime};

use futures::{FutureExt, StreamExt, TryStreamExt};
use genkan_adapter::{Adapter, ColumnRef, Load, Predicate, Row, RowQuery, TableAlias};
use genkan_adapter_sql::{SqlAdapter, SqlConfig};

use crate::database::{Database, Kind};

const SERVERS: [Kind; 3] = [Kind::Sqlite, Kind::Postgres, Kind::Mariadb];

fn numbers(limit: u64) -> RowQuery {
    RowQuery {
        root: TableAlias::new("t", "t"),
        joins: Vec::new(),
        columns: vec![ColumnRef::new("t", "id")],
        filter: Predicate::TRUE,
        order: Vec::new(),
        after: None,
        limit: Some(limit),
    }
}

fn load(connections_in_use: u32, waiting: u32) -> Option<Load> {
    Some(Load { connections_max: 2, connections_in_use, waiting })
}

#[tokio::test]
async fn connections_in_use_and_statements_that_wait_are_counted() {
    for kind in SERVERS {
        let Some(database) = Database::create(kind).await else { continue };
        database.run("CREATE TABLE t (id integer); INSERT INTO t VALUES (1), (2), (3)").await;
        let config = SqlConfig { connections_max: 2, ..database.config() };
        let adapter = SqlAdapter::connect(&config).await.unwrap();
        assert_eq!(adapter.load(), load(0, 0), "{kind:?}");
        let query = numbers(3);
        let mut held = [adapter.rows(&query), adapter.rows(&query)];
        for rows in &mut held {
            assert!(rows.next().await.unwrap().is_ok(), "{kind:?}");
        }
        assert_eq!(adapter.load(), load(2, 0), "{kind:?}");
        let mut third = adapter.rows(&query);
        assert!(third.next().now_or_never().is_none(), "{kind:?}: it has to wait");
        assert_eq!(adapter.load(), load(2, 1), "{kind:?}");
        // Who gives up waits no more.
        drop(third);
        assert_eq!(adapter.load(), load(2, 0), "{kind:?}");
        drop(held);
        let rows: Vec<Row> = adapter.rows(&query).try_collect().await.unwrap();
        assert_eq!(rows.len(), 3, "{kind:?}");
        // What nobody reads any more is ended first.
        for _ in 0..1000 {
            if adapter.load() == load(0, 0) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(adapter.load(), load(0, 0), "{kind:?}");
        drop(adapter);
        database.drop().await;
    }
}

#[tokio::test]
async fn a_server_tells_its_encoding_its_connections_and_its_clock() {
    for (kind, encoding) in [
        (Kind::Sqlite, "UTF-8"),
        (Kind::Postgres, "UTF8"),
        (Kind::PostgresEucJp, "EUC_JP"),
        (Kind::Mariadb, "utf8mb4"),
    ] {
        let Some(database) = Database::create(kind).await else { continue };
        let adapter = database.adapter().await;
        let server = adapter.server().await.unwrap();
        assert_eq!(server.encoding.as_deref(), Some(encoding), "{kind:?}");
        // A file has neither.
        assert_eq!(server.connections_max.is_none(), kind.is_sqlite(), "{server:?}");
        assert_ne!(server.connections_max, Some(0), "{server:?}");
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let told = server.unix_time_ms.map(|ms| Duration::from_millis(ms.try_into().unwrap()));
        let same_day = told.is_none_or(|told| told.abs_diff(now) < Duration::from_secs(86_400));
        assert!(same_day && told.is_none() == kind.is_sqlite(), "{server:?} {now:?}");
        drop(adapter);
        database.drop().await;
    }
}

/// The least of all that holds: of the server, of the account, of the database.
#[tokio::test]
async fn a_limit_of_the_account_or_the_database_counts_before_the_server_s() {
    if let Some(database) = Database::create(Kind::Postgres).await {
        let adapter = database.adapter().await;
        let of_server = adapter.server().await.unwrap().connections_max.unwrap();
        let name = database.url.rsplit('/').next().unwrap();
        let name = name.split('?').next().unwrap();
        database.run(&format!("ALTER DATABASE {name} CONNECTION LIMIT 7")).await;
        let limited = adapter.server().await.unwrap().connections_max;
        assert!(of_server > 7 && limited == Some(7), "{of_server} {limited:?}");
        drop(adapter);
        database.drop().await;
    }
}
