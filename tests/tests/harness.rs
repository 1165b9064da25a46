//! The harness keeps its word: a test's database is its own and is gone afterwards, and the HTTP
//! client reports what a server says.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::thread;

use anyhow::{Context, Result};
use genkan_tests::harness::{Client, Database, Encoding, Engine, Genkan, available_engines};

#[test]
fn every_test_has_a_database_of_its_own() -> Result<()> {
    for engine in available_engines()? {
        let first = Database::create(engine)?.context("the engine is available")?;
        let second = Database::create(engine)?.context("the engine is available")?;
        first.run("CREATE TABLE kanja (id INTEGER); INSERT INTO kanja VALUES (1)")?;
        second.run("CREATE TABLE kanja (id INTEGER)")?;
        assert!(second.run("SELECT id FROM kensa").is_err(), "{engine:?}: an unknown table");
    }
    Ok(())
}

#[test]
fn a_database_is_gone_with_its_value() -> Result<()> {
    for engine in available_engines()? {
        let database = Database::create(engine)?.context("the engine is available")?;
        let url = database.url.clone();
        drop(database);
        let mut again = Database::create(engine)?.context("the engine is available")?;
        again.url = url;
        assert!(again.run("SELECT 1").is_err(), "{engine:?}: the database is still there");
    }
    Ok(())
}

#[test]
fn a_euc_jp_database_refuses_what_euc_jp_lacks() -> Result<()> {
    let Some(database) = Database::create_encoded(Engine::Postgres, Encoding::EucJp)? else {
        return Ok(());
    };
    database.run("CREATE TABLE kanja (shimei TEXT); INSERT INTO kanja VALUES ('髙橋')")?;
    assert!(database.run("INSERT INTO kanja VALUES ('😀')").is_err());
    Ok(())
}

#[test]
fn every_status_is_an_answer() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let client = Client::new(format!("http://{}", listener.local_addr()?));
    let server = thread::spawn(move || -> Result<String> {
        let (mut stream, _) = listener.accept()?;
        let mut request = Vec::new();
        let mut piece = [0; 1024];
        while !request.ends_with(b"{\"a\":1}") {
            let read = stream.read(&mut piece)?;
            request.extend_from_slice(&piece[..read]);
        }
        stream
            .write_all(b"HTTP/1.1 422 X\r\nETag: W/\"1\"\r\nContent-Length: 8\r\n\r\n{\"b\": 2}")?;
        Ok(String::from_utf8(request)?)
    });
    let headers = [("Content-Type", "application/fhir+json")];
    let answer = client.send("POST", "/fhir/Patient?a=1", &headers, Some(b"{\"a\":1}"))?;
    assert_eq!((answer.status, answer.header("etag")), (422, "W/\"1\""));
    assert_eq!(answer.json()?["b"], 2);
    let request = server.join().expect("the server thread ends")?;
    assert!(request.starts_with("POST /fhir/Patient?a=1 HTTP/1.1\r\n"), "{request}");
    Ok(())
}

#[test]
fn a_server_that_ends_at_once_is_reported_with_its_last_words() {
    let mut command = Command::new("sh");
    command.args(["-c", "echo listening soon; echo 'no rule set' >&2; exit 65"]);
    let error = Genkan::start(command).err().map(|error| format!("{error:#}")).unwrap_or_default();
    for part in ["exit status: 65", "listening soon\n", "no rule set\n"] {
        assert!(error.contains(part), "`{part}` is not in: {error}");
    }
}
