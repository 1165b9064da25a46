//! The plug's own suite, on every database and on SQLite in memory.

use genkan_adapter::Unreadable;
use genkan_adapter::conformance::{
    CaseResult, check, check_unreadable, fixture, unreadable_fixture,
};
use genkan_adapter_sql::SqlAdapter;

use crate::database::{ALL, Database, Kind};

fn failures(place: &str, results: &[CaseResult]) -> Vec<String> {
    assert!(results.len() > 10, "{place}: the suite ran");
    let failed = results.iter().filter_map(|result| {
        Some(format!("{place}: {}: {}", result.name, result.failure.as_ref()?))
    });
    failed.collect()
}

#[tokio::test]
async fn every_database_answers_the_suite() {
    let fixture = fixture();
    let mut failed = Vec::new();
    for kind in ALL {
        let Some(database) = Database::filled(kind, &fixture.schema, &fixture.rows).await else {
            continue;
        };
        let adapter = database.adapter().await;
        failed.extend(failures(&format!("{kind:?}"), &check(&adapter).await));
        drop(adapter);
        database.drop().await;
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[tokio::test]
async fn what_stands_beside_unreadable_text_is_served() {
    let mut failed = Vec::new();
    for (kind, bytes, at) in [
        (Kind::Sqlite, [0xe5, 0xb1, 0xb1, 0xff], 3),
        (Kind::SqlitePadded, [0xe5, 0xb1, 0xb1, 0xff], 3),
        (Kind::SqliteRagged, [0xe5, 0xb1, 0xb1, 0xff], 3),
        (Kind::PostgresEucJp, [0xbb, 0xb3, 0xfc, 0xfe], 2),
        (Kind::PostgresSqlAscii, [0xbb, 0xb3, 0xfc, 0xfe], 2),
        (Kind::MariadbEucJpMs, [0xbb, 0xb3, 0xa9, 0xa1], 2),
        (Kind::MariadbLatin1, [0x8e, 0x52, 0x85, 0xbf], 2),
    ] {
        let cell = Unreadable::new(bytes, at);
        let fixture = unreadable_fixture(&cell);
        let Some(database) = Database::filled(kind, &fixture.schema, &fixture.rows).await else {
            continue;
        };
        let adapter = database.adapter().await;
        failed.extend(failures(&format!("{kind:?}"), &check_unreadable(&adapter, &cell).await));
        drop(adapter);
        database.drop().await;
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[tokio::test]
async fn sqlite_in_memory_answers_the_suite() {
    let fixture = fixture();
    let adapter = SqlAdapter::in_memory(&fixture.schema, &fixture.rows).await.unwrap();
    let failed = failures("in memory", &check(&adapter).await);
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
