//! HTTP/2 requests that are taken back while the hospital's database works for them: the statement ends,
//! and the connection, with all that is asked on it besides, goes on.

use anyhow::{Context, Result, ensure};
use genkan_tests::harness::{Authority, Client, Database, Engine, Http2};
use genkan_tests::illness::{Site, fill, serve_to};
use http::Request;
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime;

#[test]
fn a_request_that_is_taken_back_ends_its_statement_and_not_its_connection() -> Result<()> {
    for engine in [Engine::Postgres, Engine::MariaDb] {
        let Some(database) = Database::create(engine)? else { continue };
        let url = fill(&database)?;
        let (folder, servers) = (TempDir::new()?, Authority::new("servers")?);
        let [certificate, key] = ["server.crt", "server.key"].map(|name| folder.path().join(name));
        servers.issue(&["127.0.0.1"])?.write(&certificate, &key)?;
        // Longer than is waited for: only that the request is taken back can end its statement.
        let limits = "connections_max = 2\nstatement_timeout_ms = 90000";
        let http = format!(
            "request_timeout_secs = 90\n[http.tls]\ncertificate_file = \"{}\"\nkey_file = \"{}\"",
            certificate.display(),
            key.display()
        );
        let to_client = |base: &str| Client::over_tls(base, &servers, None);
        let site = serve_to(&url, limits, &http, to_client)?;
        // One thread asks the database, another drives the connection.
        let runtime =
            runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let config = servers.trusted_by(None)?;
        let mut client = runtime.block_on(Http2::connect(&site.genkan.base, config))?;
        runtime.block_on(taken_back(&site, &database, &mut client))?;
        ensure!(site.settled_sessions(&database, 2)? <= 2, "{engine:?}");
        ensure!(site.ready()? == "ready\n", "who takes back says nothing of the source");
    }
    Ok(())
}

async fn taken_back(site: &Site, database: &Database, client: &mut Http2) -> Result<()> {
    for turn in 0..3 {
        let slow = client.begin("/fhir/Practitioner").await?;
        site.waits_for_at_work(database, 1, "the statement has begun")?;
        // The other connection of the source is free, and so is this one.
        whole(client).await.with_context(|| format!("beside it, turn {turn}"))?;
        slow.take_back();
        site.waits_for_at_work(database, 0, "the statement of a request that was taken back")?;
        whole(client).await.with_context(|| format!("behind it, turn {turn}"))?;
    }
    Ok(())
}

async fn whole(client: &mut Http2) -> Result<()> {
    let path = "/fhir/Patient?_count=1000";
    let (parts, body) = client.send(Request::builder(), path, None).await?;
    let page: Value = serde_json::from_slice(&body)?;
    let entries = page["entry"].as_array().map_or(0, Vec::len);
    ensure!(parts.status == 200 && entries == 300, "{}: {entries} entries", parts.status);
    Ok(())
}
