//! TLS of the running binary: who is let in, what changes for those who are, and what a client can't
//! do with it. The handshake itself is tested beside the code.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use genkan_tests::harness::{Authority, Client, Database, Engine, Genkan, Http2, Identity};
use genkan_tests::hospital::{configuration, fill_database, own_rules};
use http::Request;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use serde_json::{Value, json};
use tempfile::TempDir;

const HERE: &str = "127.0.0.1";
/// A server that hangs must fail its test.
const PATIENCE: Duration = Duration::from_secs(60);

struct Site {
    genkan: Genkan,
    servers: Authority,
    gateway: Identity,
    /// Of the authority, but none of `[clients]`.
    stranger: Identity,
    folder: TempDir,
    _database: Database,
}

/// The demo hospital over TLS, for clients with a certificate; `keys` are further ones of `[http]`.
fn serve(keys: &str) -> Result<Site> {
    let database = fill_database(Engine::Sqlite, 1)?.context("SQLite is always there")?;
    let folder = TempDir::new()?;
    let (servers, clients) = (Authority::new("servers")?, Authority::new("clients")?);
    renew(&servers, folder.path())?;
    fs::write(folder.path().join("clients.crt"), clients.pem())?;
    let config = configuration(&database, folder.path())?;
    let text = fs::read_to_string(&config)?.replace("[http]\n", &format!("[http]\n{keys}"));
    let sections = "[http.tls]\ncertificate_file = \"server.crt\"\nkey_file = \"server.key\"\n\
         client_ca_file = \"clients.crt\"\nclient_certificates = \"required\"\n\
         [clients.gateway]\ncertificates = [\"DNS:gateway.example.jp\"]\n\
         [operations]\nlisten = \"127.0.0.1:0\"\n[codes]\nreview = true\n";
    fs::write(&config, text + sections)?;
    own_rules(&config, &folder.path().join("rules"))?;
    let gateway = clients.issue(&["gateway.example.jp"])?;
    let stranger = clients.issue(&["stranger.example.jp"])?;
    let to_client = |base: &str| Client::over_tls(base, &servers, Some(&gateway));
    let genkan = Genkan::serve_file_to(&config, to_client)?;
    Ok(Site { genkan, servers, gateway, stranger, folder, _database: database })
}

fn renew(servers: &Authority, folder: &Path) -> Result<()> {
    servers.issue(&[HERE])?.write(&folder.join("server.crt"), &folder.join("server.key"))
}

impl Site {
    fn address(&self) -> &str {
        self.genkan.base.trim_start_matches("https://")
    }

    /// A client of this site's own choice of protocols.
    fn speaking(&self, protocols: &[&[u8]]) -> Result<Arc<ClientConfig>> {
        let mut config = self.servers.trusted_by(Some(&self.gateway))?;
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Ok(Arc::new(config))
    }

    /// TLS without any HTTP yet.
    fn raw(&self, protocols: &[&[u8]]) -> Result<StreamOwned<ClientConnection, TcpStream>> {
        let stream = TcpStream::connect(self.address())?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let name = ServerName::try_from(HERE)?;
        let session = ClientConnection::new(self.speaking(protocols)?, name)?;
        Ok(StreamOwned::new(session, stream))
    }

    async fn http_2(&self) -> Result<Http2> {
        Http2::connect(&self.genkan.base, self.servers.trusted_by(Some(&self.gateway))?).await
    }
}

#[test]
fn only_who_shows_a_certificate_of_the_authority_is_let_in() -> Result<()> {
    let site = serve("")?;
    let strangers = Authority::new("strangers")?;
    let foreign = strangers.issue(&["gateway.example.jp"])?;
    for shown in [None, Some(&foreign)] {
        let client = Client::over_tls(&site.genkan.base, &site.servers, shown)?;
        ensure!(client.get("/livez").is_err(), "shows a certificate: {}", shown.is_some());
    }
    let plain = Client::new(site.genkan.base.replace("https:", "http:"));
    ensure!(plain.get("/livez").is_err(), "plain bytes are no answer");
    // A client that trusts another authority does not take us for its server.
    let misled = Client::over_tls(&site.genkan.base, &strangers, Some(&site.gateway))?;
    ensure!(misled.get("/livez").is_err());
    ensure!(site.genkan.get("/fhir/metadata")?.status == 200);
    Ok(())
}

#[test]
fn links_are_secure_and_the_client_is_counted_by_its_name() -> Result<()> {
    let mut site = serve("")?;
    let answer = site.genkan.get("/fhir/Patient?_count=2")?;
    ensure!(answer.status == 200, "{}", answer.text());
    ensure!(answer.header("strict-transport-security") == "max-age=31536000");
    let page = answer.json()?;
    let base = format!("{}/fhir/", site.genkan.base);
    for link in page["link"].as_array().context("links")? {
        let url = link["url"].as_str().context("a URL")?;
        ensure!(url.starts_with(&base) && url.starts_with("https://"), "{url}");
    }
    let operations = site.genkan.operations()?;
    let told = operations.get("/metrics")?.text();
    ensure!(told.contains("genkan_client_source_time_seconds_total{client=\"gateway\"}"), "{told}");
    ensure!(told.contains("genkan_tls_certificate_end_timestamp_seconds "), "{told}");
    let ready = operations.get("/readyz")?.json()?;
    ensure!(ready["tls"]["status"] == "ok", "{ready}");
    Ok(())
}

#[test]
fn http_2_answers_what_http_1_does() -> Result<()> {
    let site = serve("")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(both_answer_alike(&site))
}

async fn both_answer_alike(site: &Site) -> Result<()> {
    let mut client = site.http_2().await?;
    let first = site.genkan.get("/fhir/Patient?_count=3")?.json()?;
    let id = first["entry"][0]["resource"]["id"].as_str().context("an id")?.to_owned();
    for path in ["/fhir/Patient?_count=3".to_owned(), format!("/fhir/Patient/{id}")] {
        let one = site.genkan.get(&path)?;
        let (parts, body) = client.send(Request::builder(), &path, None).await?;
        ensure!(parts.status == 200 && body == one.body, "{path}: {:?}", parts.status);
        for name in ["content-type", "etag", "cache-control", "content-length", "last-modified"] {
            let two = parts.headers.get(name).map(|value| value.to_str()).transpose()?;
            ensure!(two.unwrap_or_default() == one.header(name), "{path} {name}: {two:?}");
        }
        ensure!(parts.headers.contains_key("date") && !parts.headers.contains_key("connection"));
    }
    let search = Request::builder()
        .method("POST")
        .header("content-type", "application/x-www-form-urlencoded");
    let (parts, body) = client.send(search, "/fhir/Patient/_search", Some("_count=1")).await?;
    let page: Value = serde_json::from_slice(&body)?;
    ensure!(parts.status == 200 && page["resourceType"] == "Bundle", "{page}");
    let path = format!("/fhir/Patient/{id}");
    let (parts, body) = client.send(Request::builder().method("HEAD"), &path, None).await?;
    ensure!(parts.status == 200 && body.is_empty());
    let path = "/fhir/Patient?nothing=1";
    let (parts, body) = client.send(Request::builder(), path, None).await?;
    ensure!(parts.status == 400 && String::from_utf8_lossy(&body).contains("GKN-113"));
    Ok(())
}

/// Frames of HTTP/2 by hand. Spec: RFC 9113, 4.1
mod frames {
    pub const PREFACE: &[u8] =
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";
    pub const HEADERS: u8 = 1;
    pub const RESET: u8 = 3;
    pub const SETTINGS: u8 = 4;
    pub const GO_AWAY: u8 = 7;

    pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap_or_default().to_be_bytes();
        [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
    }

    /// `GET https://a/` from HPACK's static table, complete.
    pub fn get(stream: u32) -> Vec<u8> {
        frame(HEADERS, 0x5, stream, &[0x82, 0x87, 0x84, 0x41, 1, b'a'])
    }
}

/// The next frame: kind, payload.
fn read_frame(stream: &mut impl Read) -> Result<(u8, Vec<u8>)> {
    let mut head = [0; 9];
    stream.read_exact(&mut head)?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let mut payload = vec![0; length as usize];
    stream.read_exact(&mut payload)?;
    Ok((head[3], payload))
}

#[test]
fn a_connection_carries_no_more_than_a_hundred_requests_at_once() -> Result<()> {
    let site = serve("")?;
    let mut stream = site.raw(&[b"h2"])?;
    stream.write_all(frames::PREFACE)?;
    let (kind, settings) = read_frame(&mut stream)?;
    ensure!(kind == frames::SETTINGS);
    let settings: Vec<(u16, u32)> = settings
        .chunks_exact(6)
        .map(|pair| {
            let value = u32::from_be_bytes([pair[2], pair[3], pair[4], pair[5]]);
            (u16::from_be_bytes([pair[0], pair[1]]), value)
        })
        .collect();
    // SETTINGS_MAX_CONCURRENT_STREAMS, SETTINGS_MAX_HEADER_LIST_SIZE
    ensure!(settings.contains(&(3, 100)) && settings.contains(&(6, 64 * 1024)), "{settings:?}");
    Ok(())
}

/// CVE-2023-44487
#[test]
fn requests_that_are_taken_back_at_once_end_the_connection_and_not_the_service() -> Result<()> {
    let site = serve("")?;
    let mut stream = site.raw(&[b"h2"])?;
    let mut flood = frames::PREFACE.to_vec();
    for request in 0..2000 {
        let number = 2 * request + 1;
        flood.extend(frames::get(number));
        flood.extend(frames::frame(frames::RESET, 0, number, &8u32.to_be_bytes()));
    }
    // The server may be gone before all of it is written.
    let _ = stream.write_all(&flood);
    let reason = loop {
        let (kind, payload) = read_frame(&mut stream).context("it ends with GOAWAY")?;
        if kind == frames::GO_AWAY {
            break payload[7];
        }
    };
    // ENHANCE_YOUR_CALM
    ensure!(reason == 11, "{reason}");
    ensure!(site.genkan.get("/fhir/Patient?_count=1")?.status == 200);
    Ok(())
}

/// Each of them has its time, then the connection is closed; a test without that waits for
/// [`PATIENCE`] and fails.
#[test]
fn a_client_that_does_not_go_on_is_cut_in_every_state() -> Result<()> {
    let site = serve("header_read_timeout_secs = 1\nidle_timeout_secs = 1\n")?;
    let mut silent = TcpStream::connect(site.address())?;
    silent.set_read_timeout(Some(PATIENCE))?;
    let mut half_a_handshake = TcpStream::connect(site.address())?;
    half_a_handshake.set_read_timeout(Some(PATIENCE))?;
    half_a_handshake.write_all(&[22, 3, 1, 2, 0, 1, 0])?;
    for stream in [&mut silent, &mut half_a_handshake] {
        ensure!(ends(stream), "a handshake that does not end");
    }
    for (protocol, sent) in [
        (&b"http/1.1"[..], &b"GET /livez HTTP/1.1\r\nHost: a\r\nX-"[..]),
        (b"http/1.1", b""),
        (b"h2", b""),
        (b"h2", &frames::PREFACE[..10]),
        (b"h2", frames::PREFACE),
    ] {
        let mut stream = site.raw(&[protocol])?;
        stream.write_all(sent)?;
        stream.flush()?;
        let told = String::from_utf8_lossy(sent).into_owned();
        ensure!(ends(&mut stream), "{}: {told:?}", String::from_utf8_lossy(protocol));
    }
    // A ping is no request.
    let mut stream = site.raw(&[b"h2"])?;
    stream.write_all(frames::PREFACE)?;
    stream.write_all(&frames::frame(6, 0, 0, &[0; 8]))?;
    ensure!(ends(&mut stream), "a ping");
    ensure!(site.genkan.get("/livez")?.status == 200);
    Ok(())
}

/// Reads until there is no more; whatever is said before that is no matter here.
fn ends(stream: &mut impl Read) -> bool {
    let mut bytes = [0; 4096];
    loop {
        match stream.read(&mut bytes) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => {
                use std::io::ErrorKind::{TimedOut, WouldBlock};
                return !matches!(error.kind(), WouldBlock | TimedOut);
            }
        }
    }
}

#[test]
fn renewed_certificates_are_used_without_a_restart() -> Result<()> {
    let site = serve("")?;
    let renewed = Authority::new("renewed")?;
    renew(&renewed, site.folder.path())?;
    site.genkan.hang_up()?;
    site.genkan.says("certificates were read again", 1)?;
    let old = Client::over_tls(&site.genkan.base, &site.servers, Some(&site.gateway))?;
    ensure!(old.get("/livez").is_err(), "the old one is not used any more");
    let new = Client::over_tls(&site.genkan.base, &renewed, Some(&site.gateway))?;
    ensure!(new.get("/livez")?.status == 200);
    // Half a file is no certificate: what was read before is used further.
    fs::write(site.folder.path().join("server.crt"), "half a file")?;
    site.genkan.hang_up()?;
    site.genkan.says("used further", 1)?;
    let again = Client::over_tls(&site.genkan.base, &renewed, Some(&site.gateway))?;
    ensure!(again.get("/livez")?.status == 200);
    Ok(())
}

/// Who reviewed is who showed the certificate; the person is whom it names.
#[test]
fn a_decision_has_the_name_of_the_client_that_showed_its_certificate() -> Result<()> {
    let site = serve("")?;
    let decide = |client: &Client, by: &str| -> Result<(u16, Value)> {
        let given = [("code", "B0632"), ("target", "medis"), ("state", "draft"), ("by", by)];
        let given = given.iter().filter(|(_, value)| !value.is_empty());
        let parameters: Vec<Value> =
            given.map(|(name, value)| json!({"name": name, "valueString": value})).collect();
        let body = json!({"resourceType": "Parameters", "parameter": parameters}).to_string();
        let header = [("Content-Type", "application/fhir+json")];
        let path = "/fhir/ConceptMap/disease/$review";
        let answer = client.send("POST", path, &header, Some(body.as_bytes()))?;
        Ok((answer.status, answer.json()?))
    };
    let csv = site.folder.path().join("rules/codes/disease.csv");
    let before = fs::read_to_string(&csv)?;
    let stranger = Client::over_tls(&site.genkan.base, &site.servers, Some(&site.stranger))?;
    let (status, outcome) = decide(&stranger, "gateway: 佐藤")?;
    ensure!(status == 403 && outcome.to_string().contains("GKN-161"), "{outcome}");
    ensure!(fs::read_to_string(&csv)? == before, "nothing is written");
    let (status, told) = decide(&site.genkan.client, "佐藤")?;
    ensure!(status == 200, "{told}");
    let row = |text: &str| {
        text.lines()
            .find(|line| line.starts_with("B0632,健診異常（要精査）,medis"))
            .map(str::to_owned)
    };
    let own = row(&fs::read_to_string(&csv)?).context("a row")?;
    ensure!(own.contains(",draft,gateway: 佐藤,"), "{own}");
    // Without a person it is the client.
    fs::write(&csv, before)?;
    let (status, told) = decide(&site.genkan.client, "")?;
    ensure!(status == 200, "{told}");
    let own = row(&fs::read_to_string(&csv)?).context("a row")?;
    ensure!(own.contains(",draft,gateway,"), "{own}");
    Ok(())
}
