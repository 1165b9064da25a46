//! `$export` and `$everything` from outside: that they have exactly what searches have, that their
//! memory is bounded, and what becomes of them when a client or the source stops in the middle.

use std::collections::BTreeSet;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use genkan_tests::harness::{Answer, Database, Engine, Genkan, NO_ROWS, available_engines};
use genkan_tests::hospital::{own_configuration, serve};
use serde_json::Value;
use tempfile::TempDir;

const NDJSON: &str = "application/fhir+ndjson";

/// The path of an address of this server.
fn path(genkan: &Genkan, url: &str) -> String {
    url.replacen(&genkan.base, "", 1)
}

fn manifest(genkan: &Genkan, kick_off: &str) -> Result<Value> {
    let prefer = [("Prefer", "respond-async"), ("Accept", "application/fhir+json")];
    let answer = genkan.client.send("GET", kick_off, &prefer, None)?;
    ensure!(answer.status == 202, "{kick_off}: {} {}", answer.status, answer.text());
    let status = path(genkan, answer.header("content-location"));
    let accept = [("Accept", "application/json")];
    let answer = genkan.client.send("GET", &status, &accept, None)?;
    ensure!(answer.status == 200, "{}", answer.text());
    ensure!(answer.header("content-type") == "application/json");
    answer.json()
}

/// Type and path of each file in a list of the manifest.
fn files(genkan: &Genkan, manifest: &Value, list: &str) -> Result<Vec<(String, String)>> {
    let files = manifest[list].as_array().context("a list of files")?.iter();
    let file = |file: &Value| {
        let url = file["url"].as_str()?;
        Some((file["type"].as_str()?.to_owned(), path(genkan, url)))
    };
    files.map(file).collect::<Option<_>>().context("type and url")
}

fn file(genkan: &Genkan, path: &str) -> Result<String> {
    let answer = genkan.client.send("GET", path, &[("Accept", NDJSON)], None)?;
    ensure!(answer.status == 200, "{}", answer.text());
    ensure!(answer.header("content-type") == NDJSON);
    Ok(String::from_utf8(answer.body)?)
}

/// The resources of a searchset as they stand there, by `search.mode`.
fn entries(text: &str) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("\"resource\":{") {
        rest = &rest[at + "\"resource\":".len()..];
        let resource = &rest[..end_of_object(rest).context("a resource that ends")?];
        rest = &rest[resource.len()..];
        let mode = rest.split("\"mode\":\"").nth(1).and_then(|mode| mode.split('"').next());
        found.push((mode.context("a mode")?.to_owned(), resource.to_owned()));
    }
    Ok(found)
}

/// How long the object is that the text begins with.
fn end_of_object(text: &str) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0_u32, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' if !quoted => depth += 1,
            b'}' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// What all pages of a search have: the resources, and the number of rows that are none.
fn searched(genkan: &Genkan, resource_type: &str) -> Result<(BTreeSet<String>, usize)> {
    let (mut found, mut outcomes) = (BTreeSet::new(), 0);
    let mut next = Some(format!("/fhir/{resource_type}?_count=700"));
    while let Some(page) = next {
        let answer = genkan.get(&page)?;
        ensure!(answer.status == 200, "{page}: {}", answer.text());
        let text = answer.text();
        for (mode, resource) in entries(&text)? {
            let is_row = resource.contains("GKN-201");
            match mode.as_str() {
                "match" => ensure!(found.insert(resource), "a resource comes twice"),
                _ => outcomes += usize::from(is_row),
            }
        }
        let bundle = answer.json()?;
        let links = bundle["link"].as_array().context("links")?;
        let link = links.iter().find(|link| link["relation"] == "next");
        let url = link.and_then(|link| link["url"].as_str());
        next = url.map(|url| path(genkan, url));
    }
    Ok((found, outcomes))
}

#[test]
fn an_export_is_byte_by_byte_what_all_pages_of_searches_show() -> Result<()> {
    for engine in available_engines()? {
        let Some(served) = serve(engine)? else { continue };
        let genkan = &served.genkan;
        let manifest = manifest(genkan, "/fhir/$export")?;
        let metadata = genkan.get("/fhir/metadata")?.json()?;
        let types = metadata["rest"][0]["resource"].as_array().context("types")?;
        let (mut all, mut lost) = (0, 0);
        let types = types.iter().filter_map(|resource| resource["type"].as_str());
        for resource_type in types.filter(|name| !NO_ROWS.contains(name)) {
            let (expected, outcomes) = searched(genkan, resource_type)?;
            let mut found = BTreeSet::new();
            for (_, path) in
                files(genkan, &manifest, "output")?.iter().filter(|(name, _)| name == resource_type)
            {
                for line in file(genkan, path)?.lines() {
                    ensure!(found.insert(line.to_owned()), "{engine:?} {resource_type}: twice");
                }
            }
            ensure!(found == expected, "{engine:?} {resource_type}: {} lines", found.len());
            (all, lost) = (all + found.len(), lost + outcomes);
        }
        let mut told = 0;
        for (_, path) in files(genkan, &manifest, "error")? {
            told += file(genkan, &path)?.lines().count();
        }
        ensure!(told == lost, "{engine:?}: {told} rows are told of {lost}");
        ensure!(all > 5000, "{engine:?}: {all} resources");
        println!("{engine:?}: {all} resources, {told} rows that are none");
    }
    Ok(())
}

#[test]
fn a_group_is_everything_of_its_members() -> Result<()> {
    for engine in available_engines()? {
        let Some(served) = serve(engine)? else { continue };
        let genkan = &served.genkan;
        let groups = genkan.get("/fhir/Group")?.json()?;
        let group = groups["entry"]
            .as_array()
            .context("groups")?
            .iter()
            .max_by_key(|entry| entry["resource"]["member"].as_array().map_or(0, Vec::len));
        let group = &group.context("a group")?["resource"];
        let id = group["id"].as_str().context("an id")?;
        let members = group["member"].as_array().context("members")?;
        let mut expected = BTreeSet::new();
        let mut patients = 0;
        for member in members {
            // The rules of the demo have no member who left later than today.
            if member["period"].get("end").is_some() {
                continue;
            }
            let patient = member["entity"]["reference"].as_str().context("a reference")?;
            let answer = genkan.get(&format!("/fhir/{patient}/$everything"))?;
            ensure!(answer.status == 200, "{}", answer.text());
            let matches = entries(&answer.text())?.into_iter().filter(|(mode, _)| mode == "match");
            expected.extend(matches.map(|(_, resource)| resource));
            patients += 1;
        }
        ensure!(patients > 1, "{engine:?}: {patients} members");
        let manifest = manifest(genkan, &format!("/fhir/Group/{id}/$export"))?;
        let mut found = BTreeSet::new();
        for (_, path) in files(genkan, &manifest, "output")? {
            for line in file(genkan, &path)?.lines() {
                ensure!(found.insert(line.to_owned()), "{engine:?}: a resource comes twice");
            }
        }
        let missing = expected.difference(&found).count();
        let more = found.difference(&expected).count();
        ensure!(missing + more == 0, "{engine:?}: {missing} missing, {more} too many");
    }
    Ok(())
}

const PATIENT_RULE: &str = "\
rule: patient
resource: Patient
from:
  p: {table: pt, key: [id]}
emit:
  name: [{text: = p.nm}]
";

const NOTE_RULE: &str = "\
rule: note
resource: Observation
from:
  n: {table: note, key: [no]}
emit:
  status: final
  code: {text: = n.txt}
  subject: {$ref: patient, key: [= n.pt]}
";

/// Rows that make about a kilobyte each.
const NOTES: u32 = 60_000;

/// One patient with many long notes; the second patient has one.
fn notes(engine: Engine, further: &str) -> Result<Option<(Database, Genkan, TempDir)>> {
    let Some(database) = Database::create(engine)? else { return Ok(None) };
    let numbers = match engine {
        Engine::Sqlite => format!(
            "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {NOTES}) \
             SELECT n FROM s"
        ),
        Engine::Postgres => format!("SELECT generate_series(1, {NOTES}) AS n"),
        Engine::MariaDb => format!("SELECT seq AS n FROM seq_1_to_{NOTES}"),
    };
    let text = match engine {
        Engine::Sqlite => "hex(zeroblob(400))",
        Engine::Postgres | Engine::MariaDb => "repeat('0', 800)",
    };
    database.run(&format!(
        "CREATE TABLE pt (id integer PRIMARY KEY, nm varchar(20));\
         CREATE TABLE note (no integer PRIMARY KEY, pt integer, txt varchar(1000));\
         INSERT INTO pt VALUES (1, 'a'), (2, 'b');\
         INSERT INTO note SELECT n, CASE WHEN n = 7 THEN 2 ELSE 1 END, {text} FROM ({numbers}) x;\
         CREATE INDEX note_pt ON note (pt)"
    ))?;
    let folder = TempDir::new()?;
    fs::create_dir(folder.path().join("rules"))?;
    fs::write(folder.path().join("rules/patient.map.yaml"), PATIENT_RULE)?;
    fs::write(folder.path().join("rules/note.map.yaml"), NOTE_RULE)?;
    let genkan = configured(&database, folder.path(), further)?;
    Ok(Some((database, genkan, folder)))
}

/// `further`: lines of `[source]`, and sections behind it.
fn configured(database: &Database, folder: &Path, further: &str) -> Result<Genkan> {
    let config = own_configuration(database, folder)?;
    let text = fs::read_to_string(&config)?;
    let (before, behind) = text.split_once("[identity]").context("the section behind [source]")?;
    let source = format!("{before}bulk_share_percent = 100\n{further}[identity]{behind}");
    fs::write(&config, source)?;
    Genkan::serve_file(&config)
}

fn notes_file(genkan: &Genkan) -> Result<String> {
    let manifest = manifest(genkan, "/fhir/$export?_type=Observation")?;
    let (_, path) = files(genkan, &manifest, "output")?.pop().context("a file")?;
    Ok(path)
}

fn patient_of(genkan: &Genkan, name: &str) -> Result<String> {
    let bundle = genkan.get("/fhir/Patient")?.json()?;
    let entries = bundle["entry"].as_array().context("patients")?;
    let named = entries.iter().find(|entry| entry["resource"]["name"][0]["text"] == name);
    let id = named.context("the patient")?["resource"]["id"].as_str().context("an id")?.to_owned();
    Ok(format!("/fhir/Patient/{id}"))
}

/// A request on a connection of its own; the answer is read as the test goes on.
struct Slow(TcpStream);

impl Slow {
    fn get(genkan: &Genkan, path: &str) -> Result<Self> {
        Self::get_coded(genkan, path, "identity")
    }

    /// `coding`: of `Accept-Encoding`.
    fn get_coded(genkan: &Genkan, path: &str, coding: &str) -> Result<Self> {
        let address = genkan.base.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept-Encoding: {coding}\r\n\r\n"
        )?;
        Ok(Slow(stream))
    }

    fn read(&mut self, bytes: usize) -> Result<Vec<u8>> {
        let mut read = vec![0; bytes];
        self.0.read_exact(&mut read)?;
        Ok(read)
    }

    /// Until the server closes the connection; whether the last chunk came.
    fn rest(&mut self) -> Result<bool> {
        let mut buffer = vec![0; 1 << 20];
        let mut tail: Vec<u8> = Vec::new();
        loop {
            match self.0.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => {
                    tail.extend_from_slice(&buffer[..read]);
                    let behind = tail.len().saturating_sub(64);
                    tail.drain(..behind);
                    if tail.ends_with(b"\r\n0\r\n\r\n") {
                        return Ok(true);
                    }
                }
                Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(false)
    }
}

/// `VmHWM`, the most that was resident so far, in KiB.
fn most_resident_kb(genkan: &Genkan) -> Result<u64> {
    let text = fs::read_to_string(format!("/proc/{}/status", genkan.process()))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

#[test]
fn memory_does_not_grow_with_the_number_of_rows() -> Result<()> {
    for engine in available_engines()? {
        let Some((_database, genkan, _folder)) = notes(engine, "")? else { continue };
        let file = notes_file(&genkan)?;
        let everything = format!("{}/$everything", patient_of(&genkan, "a")?);
        // Both ways are warm.
        genkan.get(&format!("{}/$everything", patient_of(&genkan, "b")?))?;
        let before = most_resident_kb(&genkan)?;
        for path in [&file, &everything] {
            let mut slow = Slow::get(&genkan, path)?;
            ensure!(slow.rest()?, "{engine:?}: the answer broke off");
        }
        let grown = most_resident_kb(&genkan)? - before;
        // Sixty megabytes go through each.
        ensure!(grown < 24 * 1024, "{engine:?}: {grown} KiB more for two answers");
        println!("{engine:?}: {grown} KiB more than {before}");
    }
    Ok(())
}

#[test]
fn a_client_that_stops_reading_holds_no_connection_of_the_source_and_is_cut_off() -> Result<()> {
    for engine in available_engines()? {
        let further = "connections_max = 1\nconnect_timeout_ms = 2000\n";
        let Some((_database, genkan, _folder)) = notes(engine, further)? else { continue };
        let file = notes_file(&genkan)?;
        let everything = format!("{}/$everything", patient_of(&genkan, "a")?);
        let mut stopped = Vec::new();
        for path in [&file, &everything] {
            let mut slow = Slow::get(&genkan, path)?;
            ensure!(slow.read(64 * 1024)?.starts_with(b"HTTP/1.1 200"));
            stopped.push(slow);
        }
        // The one connection is free for others.
        for _ in 0..20 {
            let answer = genkan.get("/fhir/Patient")?;
            ensure!(answer.status == 200, "{engine:?}: {}", answer.text());
        }
        let until = Instant::now() + Duration::from_secs(60);
        while genkan.log().matches("complete=false").count() < 2 {
            ensure!(Instant::now() < until, "{engine:?}: {}", genkan.log());
            genkan.get("/fhir/Patient?_count=1")?;
        }
        for mut slow in stopped {
            ensure!(!slow.rest()?, "{engine:?}: it looks complete");
        }
    }
    Ok(())
}

/// A statement of a stream for a client that is not there any more ends on the server, also where the
/// stream would have nothing to send for long: rows that are no resource are looked for among many.
#[test]
fn a_client_that_goes_away_takes_its_statement_with_it() -> Result<()> {
    for engine in available_engines()? {
        let (at_work, slow) = match engine {
            // Its statements run in our own process, and end with their step.
            Engine::Sqlite => continue,
            Engine::Postgres => (
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                 AND application_name = 'genkan' AND state = 'active'",
                "pg_sleep(1) IS NOT NULL",
            ),
            Engine::MariaDb => (
                "SELECT count(*) FROM information_schema.PROCESSLIST WHERE DB = DATABASE() \
                 AND ID <> CONNECTION_ID() AND COMMAND IN ('Query', 'Execute')",
                "SLEEP(1) = 0",
            ),
        };
        let Some((database, genkan, _folder)) = notes(engine, "statement_timeout_ms = 600000\n")?
        else {
            continue;
        };
        let manifest = manifest(&genkan, "/fhir/$export?_type=Observation")?;
        let everything = format!("{}/$everything", patient_of(&genkan, "a")?);
        let mut paths = vec![everything];
        for list in ["output", "error"] {
            paths.push(files(&genkan, &manifest, list)?.pop().context("a file")?.1);
        }
        database.run(&format!(
            "ALTER TABLE note RENAME TO kept;\
             CREATE VIEW note AS SELECT no, pt, txt FROM kept WHERE {slow}"
        ))?;
        let until = Instant::now() + Duration::from_secs(120);
        let wait_for = |statements: &str| -> Result<()> {
            // A statement of ours brings no rows, but it can fail: two rows are no value.
            let sql = format!(
                "SELECT CASE WHEN ({at_work}) {statements} THEN 1 \
                 ELSE (SELECT 1 UNION ALL SELECT 2) END"
            );
            while database.run(&sql).is_err() {
                ensure!(Instant::now() < until, "{engine:?}: not {statements} statements at work");
            }
            Ok(())
        };
        for path in paths {
            let gone = Slow::get(&genkan, &path)?;
            wait_for("> 0")?;
            drop(gone);
            wait_for("= 0")?;
        }
    }
    Ok(())
}

#[test]
fn an_answer_whose_source_fails_in_the_middle_does_not_look_complete() -> Result<()> {
    for engine in available_engines()? {
        let Some((database, genkan, _folder)) = notes(engine, "")? else { continue };
        let file = notes_file(&genkan)?;
        let everything = format!("{}/$everything", patient_of(&genkan, "a")?);
        // A coded answer is small: what it is made of has to be much, to be cut in the middle.
        for (path, coding, begins) in [
            (&file, "identity", 64 * 1024),
            (&everything, "identity", 64 * 1024),
            (&file, "gzip", 512),
            (&everything, "zstd", 512),
        ] {
            let mut slow = Slow::get_coded(&genkan, path, coding)?;
            ensure!(slow.read(begins)?.starts_with(b"HTTP/1.1 200"));
            database.run("ALTER TABLE note RENAME TO gone")?;
            ensure!(!slow.rest()?, "{engine:?} {path:.20}: it looks complete");
            database.run("ALTER TABLE gone RENAME TO note")?;
            // A client that reads bodies to their end sees an error, not a short answer.
            let until = Instant::now() + Duration::from_secs(60);
            while genkan.get("/fhir/Observation?_count=1")?.status != 200 {
                ensure!(Instant::now() < until, "{engine:?}: it does not recover");
            }
        }
        genkan.says("GKN-304", 1).with_context(|| format!("{engine:?}"))?;
    }
    Ok(())
}

#[test]
fn outside_of_the_hours_files_wait_and_another_site_opens_no_address() -> Result<()> {
    let Some((database, genkan, folder)) = notes(Engine::Sqlite, "")? else { return Ok(()) };
    let file = notes_file(&genkan)?;
    let answer = |genkan: &Genkan| genkan.client.send("GET", &file, &[], None);
    let refused = |answer: &Answer, status: u16, code: &str| -> Result<()> {
        ensure!(answer.status == status && answer.text().contains(code), "{}", answer.text());
        Ok(())
    };
    // An hour that is not now, whatever the time is: the next but one.
    let hours: Vec<String> =
        (0..24).map(|hour| format!("\"{hour:02}:00-{:02}:00\"", hour + 1)).collect();
    let mut closed = 0;
    for hour in [3, 15] {
        let windows = format!("bulk_windows = [{}]\n", hours[hour]);
        let genkan = configured(&database, folder.path(), &windows)?;
        let answer = answer(&genkan)?;
        if answer.status == 200 {
            continue;
        }
        refused(&answer, 503, "GKN-132")?;
        let wait: u64 = answer.header("retry-after").parse()?;
        ensure!(wait <= 24 * 3600, "{wait}");
        closed += 1;
    }
    ensure!(closed >= 1, "both windows are open");
    fs::write(folder.path().join("site.key"), "fedcba9876543210".repeat(4))?;
    let config = folder.path().join("genkan.toml");
    let other = Genkan::serve_file(&config)?;
    refused(&answer(&other)?, 404, "GKN-131")
}
