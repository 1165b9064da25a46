//! The three databases hold what the manifest says, read back from each of them.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as the tests do")]

use std::env;

use genkan_demo_hospital::fill::{create_database, drop_database, read_back};
use genkan_demo_hospital::{Hospital, Manifest, Target, create_reader, fill};
use indicatif::ProgressBar;
use sqlx::{AssertSqlSafe, Connection, Executor};

const HOSPITAL: Hospital = Hospital { seed: 3, patients: 110, lab_rows: Some(6_000) };

/// The administrator's target, or None after saying that the test is skipped.
fn administrator(variable: &str) -> Option<(Target, String)> {
    match env::var(variable) {
        Ok(url) => Some((url.parse().unwrap(), url)),
        Err(_) if env::var("GENKAN_TEST_REQUIRE_DATABASES").is_ok_and(|value| value == "1") => {
            panic!("{variable} is not set, but databases are required")
        }
        Err(_) => {
            println!("skipped: {variable} is not set");
            None
        }
    }
}

async fn filled(target: &Target) -> Manifest {
    let manifest = fill(target, &HOSPITAL, &ProgressBar::hidden()).await.unwrap();
    assert_eq!(read_back(target).await.unwrap(), manifest.tables);
    manifest
}

/// A hospital in memory-backed SQLite, as the yardstick for the others.
async fn sqlite() -> (tempfile::TempDir, Target, Manifest) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("hospital.db").display());
    let target: Target = url.parse().unwrap();
    let manifest = filled(&target).await;
    (folder, target, manifest)
}

#[tokio::test]
async fn sqlite_holds_the_rows_of_the_manifest() {
    let (_folder, target, manifest) = sqlite().await;
    assert!(manifest.rows() > 10_000);
    let again = fill(&target, &HOSPITAL, &ProgressBar::hidden()).await;
    assert!(again.is_err(), "a hospital was written over");
}

#[tokio::test]
async fn sqlite_compares_padded_columns_without_their_padding() {
    let (folder, _, _) = sqlite().await;
    let url = format!("sqlite://{}", folder.path().join("hospital.db").display());
    let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let found: (i64, i64) = sqlx::query_as(
        "SELECT count(*), max(length(\"KOUMOKU_CD\")) FROM \"LAB_KEKKA\" WHERE \"KOUMOKU_CD\" = '00101'",
    )
    .fetch_one(&mut connection)
    .await
    .unwrap();
    assert!(found.0 > 50 && found.1 == 8, "{found:?}");
}

#[tokio::test]
async fn postgresql_holds_the_same_rows_and_its_reader_cannot_write() {
    let Some((admin, url)) = administrator("GENKAN_TEST_POSTGRES_URL") else { return };
    let name = format!("demo_hospital_{}", std::process::id());
    let target = create_database(&admin, &name).await.unwrap();
    let manifest = filled(&target).await;
    assert_eq!(manifest, sqlite().await.2);

    let user = format!("reader_{}", std::process::id());
    create_reader(&target, &user, "only-for-reading").await.unwrap();
    let options: sqlx::postgres::PgConnectOptions = url.parse().unwrap();
    let options = options.database(&name).username(&user).password("only-for-reading");
    let mut connection = sqlx::PgConnection::connect_with(&options).await.unwrap();
    let patients: (i64,) =
        sqlx::query_as("SELECT count(*) FROM \"PT_MST\"").fetch_one(&mut connection).await.unwrap();
    assert_eq!(patients.0.unsigned_abs(), manifest.tables["PT_MST"].rows);
    assert!(connection.execute("DELETE FROM \"PT_MST\"").await.is_err());
    connection.close().await.unwrap();
    drop_database(&admin, &name).await.unwrap();
    let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
    let sql = format!("DROP ROLE \"{user}\"");
    connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await.unwrap();
}

#[tokio::test]
async fn mariadb_holds_the_same_rows_and_its_reader_cannot_write() {
    let Some((admin, url)) = administrator("GENKAN_TEST_MARIADB_URL") else { return };
    let name = format!("demo_hospital_{}", std::process::id());
    let target = create_database(&admin, &name).await.unwrap();
    let manifest = filled(&target).await;
    assert_eq!(manifest, sqlite().await.2);

    let user = format!("reader_{}", std::process::id());
    create_reader(&target, &user, "only-for-reading").await.unwrap();
    let options: sqlx::mysql::MySqlConnectOptions = url.parse().unwrap();
    let options = options.database(&name).username(&user).password("only-for-reading");
    let mut connection = sqlx::MySqlConnection::connect_with(&options).await.unwrap();
    let patients: (i64,) =
        sqlx::query_as("SELECT count(*) FROM `PT_MST`").fetch_one(&mut connection).await.unwrap();
    assert_eq!(patients.0.unsigned_abs(), manifest.tables["PT_MST"].rows);
    assert!(connection.execute("DELETE FROM `PT_MST`").await.is_err());
    connection.close().await.unwrap();
    drop_database(&admin, &name).await.unwrap();
    let mut connection = sqlx::MySqlConnection::connect(&url).await.unwrap();
    let sql = format!("DROP USER '{user}'@'%', '{user}'@'localhost'");
    connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await.unwrap();
}

#[tokio::test]
async fn accounts_and_databases_with_odd_names_are_refused() {
    let target: Target = "postgres://nobody@127.0.0.1:1/none".parse().unwrap();
    for name in ["", "A", "a\"b", "a b", "x'; DROP TABLE y"] {
        assert!(create_database(&target, name).await.is_err(), "{name}");
        let refused = create_reader(&target, name, "p").await.unwrap_err().to_string();
        assert!(refused.contains("names may hold"), "{refused}");
    }
    let refused = create_reader(&target, "reader", "a'b").await.unwrap_err().to_string();
    assert!(refused.contains("password") && !refused.contains("a'b"), "{refused}");
}

#[test]
fn a_url_of_another_kind_is_refused_without_repeating_it() {
    let refused = "oracle://scott:tiger@host/db".parse::<Target>().unwrap_err().to_string();
    assert!(!refused.contains("tiger"), "{refused}");
}
