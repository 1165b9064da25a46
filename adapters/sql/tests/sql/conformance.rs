//! The plug's own suite, on every database and on SQLite in memory.

use genkan_adapter::conformance::{CaseResult, check, fixture};
use genkan_adapter_sql::SqlAdapter;

use crate::database::{ALL, Database};

fn failures(place: &str, results: &[CaseResult]) -> Vec<String> {
    assert!(results.len() > 50, "{place}: the suite ran");
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
async fn sqlite_in_memory_answers_the_suite() {
    let fixture = fixture();
    let adapter = SqlAdapter::in_memory(&fixture.schema, &fixture.rows).await.unwrap();
    let failed = failures("in memory", &check(&adapter).await);
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
