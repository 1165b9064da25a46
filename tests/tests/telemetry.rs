//! What is sent to a collector: traces and metrics over OTLP, without patients; and that a collector
//! that is away is nobody's problem.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result, ensure};
use genkan_tests::harness::{Engine, Genkan};
use genkan_tests::hospital::{Served, serve_with};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

const CLIENT: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CLIENT_SPAN: &str = "00f067aa0ba902b7";

/// Path and body of each request.
type Taken = Vec<(String, Vec<u8>)>;

/// A collector that takes everything.
struct Collector {
    endpoint: String,
    taken: Arc<Mutex<Taken>>,
}

impl Collector {
    fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let taken = Arc::new(Mutex::new(Vec::new()));
        let store = Arc::clone(&taken);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let store = Arc::clone(&store);
                thread::spawn(move || while take(&stream, &store).is_some() {});
            }
        });
        Ok(Self { endpoint, taken })
    }

    fn bodies(&self, path: &str) -> Vec<Vec<u8>> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.iter().filter(|(known, _)| known == path).map(|(_, body)| body.clone()).collect()
    }

    fn spans(&self) -> Result<Vec<Span>> {
        let mut spans = Vec::new();
        for body in self.bodies("/v1/traces") {
            let request = ExportTraceServiceRequest::decode(body.as_slice())?;
            let scopes = request.resource_spans.into_iter().flat_map(|of| of.scope_spans);
            spans.extend(scopes.flat_map(|scope| scope.spans));
        }
        Ok(spans)
    }
}

/// One request of HTTP/1.1; `None` when the connection ends.
fn take(mut stream: &TcpStream, store: &Mutex<Taken>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|bytes| *bytes > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        if header.trim().is_empty() {
            break;
        }
        if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    store.lock().unwrap_or_else(PoisonError::into_inner).push((path, body));
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").ok()
}

fn served(endpoint: &str, ratio: &str) -> Result<Served> {
    let section = format!(
        "[telemetry]\notlp_endpoint = \"{endpoint}\"\ntraces_ratio = {ratio}\n\
         metrics_interval_secs = 3600\nexport_timeout_secs = 2\n"
    );
    serve_with(Engine::Sqlite, &section)?.context("SQLite is always there")
}

fn within(genkan: &Genkan, path: &str, flags: &str) -> Result<u16> {
    let traceparent = format!("00-{CLIENT}-{CLIENT_SPAN}-{flags}");
    Ok(genkan.client.send("GET", path, &[("traceparent", &traceparent)], None)?.status)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_request_is_a_span_with_its_stages_in_the_trace_of_the_client() -> Result<()> {
    let collector = Collector::start()?;
    let served = served(&collector.endpoint, "0.0")?;
    let page = served.genkan.get("/fhir/Patient?_count=1")?.json()?;
    let id = page["entry"][0]["resource"]["id"].as_str().context("an id")?.to_owned();
    ensure!(within(&served.genkan, &format!("/fhir/Patient/{id}"), "01")? == 200);
    let (status, log) = served.genkan.stop()?;
    ensure!(status.success() && log.contains(CLIENT), "the log names the trace: {log}");
    let spans = collector.spans()?;
    let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    let stages = ["parse", "plan", "fetch", "emit", "respond"];
    ensure!(
        names.len() == 6 && spans.iter().all(|span| hex(&span.trace_id) == CLIENT),
        "{names:?}"
    );
    let request = spans.iter().find(|span| span.name == "read Patient").context("the request")?;
    ensure!(hex(&request.parent_span_id) == CLIENT_SPAN);
    let mut since = request.start_time_unix_nano;
    for stage in stages {
        let span = spans.iter().find(|span| span.name == stage).context(stage)?;
        ensure!(span.parent_span_id == request.span_id, "{stage}");
        ensure!(span.start_time_unix_nano >= since, "{stage} begins after the one before");
        ensure!(span.end_time_unix_nano <= request.end_time_unix_nano, "{stage}");
        since = span.start_time_unix_nano;
    }
    let mut told: Vec<&str> = request.attributes.iter().map(|one| one.key.as_str()).collect();
    told.sort_unstable();
    let expected = [
        "genkan.client",
        "genkan.interaction",
        "genkan.resource_type",
        "http.request.method",
        "http.response.status_code",
    ];
    ensure!(told == expected, "{told:?}");
    for body in collector.bodies("/v1/traces") {
        ensure!(!String::from_utf8_lossy(&body).contains(&id), "the id of a patient was sent");
    }
    Ok(())
}

#[test]
fn so_many_traces_are_sent_as_the_configuration_says() -> Result<()> {
    // A client's own decision is followed; one that makes none is asked for its share.
    for (ratio, flags, expected) in
        [("0.0", None, 0), ("1.0", None, 1), ("1.0", Some("00"), 0), ("0.0", Some("01"), 1)]
    {
        let collector = Collector::start()?;
        let served = served(&collector.endpoint, ratio)?;
        match flags {
            Some(flags) => ensure!(within(&served.genkan, "/fhir/metadata", flags)? == 200),
            None => ensure!(served.genkan.get("/fhir/metadata")?.status == 200),
        }
        let (_, log) = served.genkan.stop()?;
        let spans = collector.spans()?;
        let sent = spans.iter().filter(|span| span.name == "capabilities").count();
        ensure!(sent == expected, "{ratio} {flags:?}: {sent}");
        if let (None, Some(span)) = (flags, spans.first()) {
            ensure!(log.contains(&hex(&span.trace_id)), "the log names the same trace: {log}");
        }
    }
    Ok(())
}

#[test]
fn metrics_are_sent_by_the_same_names() -> Result<()> {
    let collector = Collector::start()?;
    let served = served(&collector.endpoint, "0.0")?;
    ensure!(served.genkan.get("/fhir/Patient?_count=1")?.status == 200);
    served.genkan.stop()?;
    let mut names = Vec::new();
    for body in collector.bodies("/v1/metrics") {
        let request = ExportMetricsServiceRequest::decode(body.as_slice())?;
        let scopes = request.resource_metrics.into_iter().flat_map(|of| of.scope_metrics);
        names.extend(scopes.flat_map(|scope| scope.metrics).map(|metric| metric.name));
    }
    for name in ["genkan_request_duration", "genkan_source_statements", "genkan_build_info"] {
        ensure!(names.iter().any(|known| known == name), "{name}: {names:?}");
    }
    Ok(())
}

/// Nobody listens; somebody listens and says nothing; somebody refuses.
#[test]
fn a_collector_that_takes_nothing_disturbs_no_request_and_is_told_once() -> Result<()> {
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.local_addr()?
    };
    for address in [silent.local_addr()?, closed] {
        let served = served(&format!("http://{address}"), "1.0")?;
        for _ in 0..20 {
            ensure!(served.genkan.get("/fhir/Patient?_count=1")?.status == 200);
        }
        served.genkan.says("the collector takes no telemetry", 1)?;
        ensure!(served.genkan.get("/fhir/Patient?_count=1")?.status == 200);
        let (status, log) = served.genkan.stop()?;
        ensure!(status.success(), "{status}: {log}");
        ensure!(log.matches("GKN-761").count() == 1, "once: {log}");
    }
    Ok(())
}
