//! What those see who watch over a serving Genkan: health and numbers on a listener of their own, and
//! nothing of a patient in them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use genkan_tests::harness::{Client, Engine, Genkan, NO_ROWS, available_engines, pause};
use genkan_tests::hospital::{self, Served, rules, serve_with};
use serde_json::Value;

const WATCHED: &str = "[operations]\nlisten = \"127.0.0.1:0\"\nsource_look_secs = 1\n";

fn watched() -> Result<(Served, Client)> {
    let mut served = serve_with(Engine::Sqlite, WATCHED)?.context("SQLite is always there")?;
    let operations = served.genkan.operations()?;
    Ok((served, operations))
}

/// One line of the text format: name, labels, value.
#[derive(Debug)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

fn samples(text: &str) -> Result<Vec<Sample>> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(|line| sample(line).with_context(|| line.to_owned())).collect()
}

fn sample(line: &str) -> Result<Sample> {
    let (series, value) = line.rsplit_once(' ').context("a value")?;
    let (name, labels) = match series.split_once('{') {
        Some((name, rest)) => (name, rest.strip_suffix('}').context("a closing brace")?),
        None => (series, ""),
    };
    let pairs = labels.split_terminator(',').map(|label| {
        let (key, value) = label.split_once("=\"").context("a label")?;
        Ok((key.to_owned(), value.strip_suffix('"').context("a quote")?.to_owned()))
    });
    let value = if value == "+Inf" { f64::INFINITY } else { value.parse()? };
    Ok(Sample { name: name.to_owned(), labels: pairs.collect::<Result<_>>()?, value })
}

fn metrics(operations: &Client) -> Result<Vec<Sample>> {
    let answer = operations.get("/metrics")?;
    ensure!(answer.status == 200, "{}", answer.text());
    ensure!(answer.header("content-type").starts_with("text/plain; version=0.0.4"));
    samples(&answer.text())
}

/// The sum over all series of a name that have these labels.
fn total(samples: &[Sample], name: &str, labels: &[(&str, &str)]) -> f64 {
    let fits = |sample: &&Sample| {
        let has = |(key, value): &(&str, &str)| {
            sample.labels.get(*key).is_some_and(|found| found == value)
        };
        sample.name == name && labels.iter().all(has)
    };
    samples.iter().filter(fits).map(|sample| sample.value).sum()
}

/// Every interaction on every type, with values of real rows. Returns the texts that no label may
/// hold.
fn exercise(genkan: &Genkan) -> Result<BTreeSet<String>> {
    let metadata = genkan.get("/fhir/metadata")?.json()?;
    let resources = metadata["rest"][0]["resource"].as_array().context("resources")?;
    let mut secrets = BTreeSet::new();
    for resource_type in resources.iter().filter_map(|resource| resource["type"].as_str()) {
        let page = genkan.get(&format!("/fhir/{resource_type}?_count=5"))?.json()?;
        for entry in page["entry"].as_array().into_iter().flatten() {
            if !NO_ROWS.contains(&resource_type) {
                texts(&entry["resource"], &mut secrets);
            }
            let Some(id) = entry["resource"]["id"].as_str() else { continue };
            let read = genkan.get(&format!("/fhir/{resource_type}/{id}"))?;
            ensure!([200, 422].contains(&read.status), "{}", read.text());
            genkan.get(&format!("/fhir/{resource_type}/{id}/_history/none"))?;
        }
    }
    let patients = genkan.get("/fhir/Patient?_count=20")?.json()?;
    for entry in patients["entry"].as_array().into_iter().flatten() {
        let patient = &entry["resource"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let id = text(&patient["id"]);
        let identifier = text(&patient["identifier"][0]["value"]);
        genkan
            .get(&format!("/fhir/Observation?subject=Patient/{id}&_include=Observation:subject"))?;
        genkan.get(&format!("/fhir/Patient/{id}/$jp-clins-bundle?kind=condition"))?;
        genkan.get(&format!("/fhir/Patient?identifier={identifier}&{identifier}=x"))?;
        genkan.get(&format!("/fhir/{identifier}/{id}"))?;
        genkan.get(&format!("/{identifier}"))?;
        let form = format!("identifier={identifier}");
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        genkan.client.send("POST", "/fhir/Patient/_search", &headers, Some(form.as_bytes()))?;
        genkan.client.send("GET", "/fhir/metadata", &[("X-Request-Id", &id)], None)?;
        secrets.extend([id, identifier]);
    }
    Ok(secrets)
}

/// The texts of a resource that could be somebody's: not codes, and long enough to be told apart.
fn texts(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let ours = ["resourceType", "system", "code", "status", "url", "profile", "use"];
                if !ours.contains(&name.as_str()) {
                    texts(value, found);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::String(text) if text.chars().count() > 3 => {
            found.insert(text.clone());
        }
        _ => {}
    }
}

/// The names of the code maps that the rule set has.
fn code_maps() -> Result<BTreeSet<String>> {
    let text = fs::read_to_string(rules().join("codes/codemaps.yaml"))?;
    let names = text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()));
    Ok(names.filter_map(|line| Some(line.split_once(':')?.0.to_owned())).collect())
}

fn is_known(label: &str, value: &str, types: &BTreeSet<String>, maps: &BTreeSet<String>) -> bool {
    let words = |words: &str| words.split(' ').any(|word| word == value);
    let digits = |text: &str| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    match label {
        "interaction" => {
            words("read vread search-type capabilities operation history-instance other")
        }
        "resource_type" => words("none other") || types.contains(value),
        "status" => words("2xx 3xx 4xx 5xx"),
        "stage" => words("parse plan fetch emit respond"),
        "code" => {
            value.strip_prefix("GKN-").is_some_and(digits)
                || value.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
        }
        "map" => value.is_empty() || maps.contains(value),
        "source" => value == "main",
        "category" => words("unreachable denied busy limit-exceeded mismatch unreadable"),
        "client" => value == "other",
        "version" => value == env!("CARGO_PKG_VERSION"),
        "le" => value == "+Inf" || value.parse::<f64>().is_ok(),
        _ => false,
    }
}

#[test]
fn no_label_of_a_metric_holds_anything_of_a_row_a_path_or_a_query() -> Result<()> {
    let (served, operations) = watched()?;
    let mut secrets = exercise(&served.genkan)?;
    let metadata = served.genkan.get("/fhir/metadata")?.json()?;
    let resources = metadata["rest"][0]["resource"].as_array().context("resources")?;
    let types: BTreeSet<String> =
        resources.iter().filter_map(|r| Some(r["type"].as_str()?.to_owned())).collect();
    // `Reference.type` is a word of R4.
    secrets.retain(|text| !types.contains(text));
    ensure!(secrets.len() > 100, "{}", secrets.len());
    let maps = code_maps()?;
    ensure!(maps.len() > 3, "{maps:?}");
    let told = metrics(&operations)?;
    for sample in &told {
        for (label, value) in &sample.labels {
            ensure!(is_known(label, value, &types, &maps), "{}: {label}={value}", sample.name);
            ensure!(label == "le" || !secrets.contains(value), "{label}={value} is of a row");
        }
    }
    // All of it was counted: otherwise nothing was proven.
    for (name, labels) in [
        ("genkan_request_duration_seconds_count", [("interaction", "read")]),
        ("genkan_request_duration_seconds_count", [("interaction", "vread")]),
        ("genkan_request_duration_seconds_count", [("interaction", "search-type")]),
        ("genkan_request_duration_seconds_count", [("interaction", "operation")]),
        ("genkan_request_duration_seconds_count", [("resource_type", "other")]),
        ("genkan_stage_duration_seconds_count", [("stage", "emit")]),
        ("genkan_refusals_total", [("code", "GKN-113")]),
        ("genkan_issues_total", [("code", "unmapped")]),
        ("genkan_client_source_time_seconds_total", [("client", "other")]),
        ("genkan_source_statements_total", [("source", "main")]),
        ("genkan_source_rows_total", [("source", "main")]),
    ] {
        ensure!(total(&told, name, &labels) > 0.0, "{name} {labels:?}");
    }
    Ok(())
}

#[test]
fn requests_statements_rows_and_refusals_are_counted_as_they_are() -> Result<()> {
    let (served, operations) = watched()?;
    let read = [("interaction", "read"), ("resource_type", "Patient"), ("status", "2xx")];
    let search = [("interaction", "search-type"), ("resource_type", "Patient")];
    let before = metrics(&operations)?;
    let page = served.genkan.get("/fhir/Patient?_count=3")?.json()?;
    for entry in page["entry"].as_array().context("entries")? {
        let id = entry["resource"]["id"].as_str().context("id")?;
        ensure!(served.genkan.get(&format!("/fhir/Patient/{id}"))?.status == 200);
    }
    ensure!(served.genkan.get("/fhir/Patient?nothing=1")?.status == 400);
    let after = metrics(&operations)?;
    let grown =
        |name: &str, labels: &[_]| total(&after, name, labels) - total(&before, name, labels);
    let count = "genkan_request_duration_seconds_count";
    ensure!(grown(count, &read) == 3.0, "{}", grown(count, &read));
    ensure!(grown(count, &search) == 2.0, "{}", grown(count, &search));
    ensure!(grown("genkan_refusals_total", &[("code", "GKN-113")]) == 1.0);
    let statements = grown("genkan_source_statements_total", &[]);
    ensure!(statements >= 4.0, "{statements}");
    ensure!(statements == grown("genkan_request_statements_sum", &[]), "both count the same");
    ensure!(grown("genkan_source_rows_total", &[]) >= 6.0, "4 rows of the page, 1 of each read");
    for gauge in [
        "genkan_build_info",
        "genkan_rules",
        "genkan_rules_loaded_timestamp_seconds",
        "genkan_requests_max",
        "genkan_source_connections_max",
        "genkan_source_up",
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_max_fds",
        "process_start_time_seconds",
    ] {
        ensure!(total(&after, gauge, &[]) > 0.0, "{gauge}");
    }
    Ok(())
}

#[test]
fn a_source_that_is_away_degrades_readiness_and_stops_nothing() -> Result<()> {
    let (served, operations) = watched()?;
    let report = || -> Result<Value> {
        let answer = operations.get("/readyz")?;
        ensure!(answer.status == 200, "{}", answer.text());
        answer.json()
    };
    let well = report()?;
    ensure!(well["status"] == "ok" && well["sources"][0]["status"] == "ok", "{well}");
    ensure!(well["rules"]["count"].as_u64() > Some(10), "{well}");
    ensure!(well["rules"]["fingerprint"].as_str().is_some_and(|text| text.len() == 16), "{well}");
    ensure!(well["clock"]["status"] == "ok", "{well}");
    let file = served.database.file().context("a file")?;
    fs::rename(file, file.with_extension("away"))?;
    ensure!(served.genkan.get("/fhir/Patient?_count=1")?.status == 503);
    let degraded = report()?;
    let source = &degraded["sources"][0];
    ensure!(degraded["status"] == "degraded" && source["status"] == "degraded", "{degraded}");
    ensure!(source["code"] == "GKN-301" && source["category"] == "unreachable", "{degraded}");
    ensure!(total(&metrics(&operations)?, "genkan_source_up", &[]) == 0.0);
    // The data API says what it always said: the process is not to be restarted for this.
    let plain = served.genkan.get("/readyz")?;
    ensure!(plain.status == 200 && plain.text() == "ready\n", "{}", plain.text());
    let breaker = |name: &str| Ok::<_, anyhow::Error>(total(&metrics(&operations)?, name, &[]));
    ensure!(breaker("genkan_source_breaker_open")? == 0.0 && source["breaker"] == "closed");
    for _ in 1..4 {
        ensure!(served.genkan.get("/fhir/Patient?_count=1")?.status == 503);
    }
    let spared = served.genkan.get("/fhir/Patient?_count=1")?;
    ensure!(spared.text().contains("GKN-307"), "{}", spared.text());
    let open = report()?;
    ensure!(open["sources"][0]["breaker"] == "open", "{open}");
    ensure!(breaker("genkan_source_breaker_open")? == 1.0);
    ensure!(breaker("genkan_source_breaker_opened_total")? == 1.0);
    fs::rename(file.with_extension("away"), file)?;
    let start = Instant::now();
    while served.genkan.get("/fhir/Patient?_count=1")?.status != 200 {
        ensure!(start.elapsed() < Duration::from_secs(60), "{}", report()?);
        pause(Duration::from_millis(100));
    }
    let well = report()?;
    ensure!(well["status"] == "ok" && well["sources"][0]["breaker"] == "closed", "{well}");
    Ok(())
}

#[test]
fn the_listeners_answer_only_what_is_theirs() -> Result<()> {
    let (served, operations) = watched()?;
    ensure!(served.genkan.get("/metrics")?.status == 404, "not on the data API");
    ensure!(operations.get("/fhir/metadata")?.status == 404, "not on operations");
    ensure!(operations.get("/livez")?.text() == "live\n");
    let head = operations.send("HEAD", "/readyz", &[], None)?;
    ensure!(head.status == 200 && head.body.is_empty());
    let (status, log) = served.genkan.stop()?;
    ensure!(status.success(), "{log}");
    ensure!(operations.get("/livez").is_err(), "it ends with the process");
    Ok(())
}

/// On servers too, connections are told.
#[test]
fn the_connections_of_every_engine_are_told() -> Result<()> {
    for engine in available_engines()? {
        let Some(mut served) = hospital::serve_with(engine, WATCHED)? else { continue };
        let operations = served.genkan.operations()?;
        ensure!(served.genkan.get("/fhir/Patient?_count=1")?.status == 200);
        let told = metrics(&operations)?;
        ensure!(total(&told, "genkan_source_connections_max", &[]) == 4.0, "{engine:?}");
        ensure!(total(&told, "genkan_source_connections_in_use", &[]) == 0.0, "{engine:?}");
    }
    Ok(())
}

/// The operator's guide.
fn guide() -> Result<String> {
    let path = genkan_tests::tidy::root().join("deploy/operators-guide.ja.md");
    fs::read_to_string(&path).with_context(|| path.display().to_string())
}

/// The first cells of its tables, without backticks.
fn first_cells(guide: &str) -> BTreeSet<&str> {
    let rows = guide.lines().filter_map(|line| line.strip_prefix("| "));
    rows.filter_map(|row| row.split(" | ").next()).map(|cell| cell.trim_matches('`')).collect()
}

#[test]
fn the_guide_names_every_metric_with_its_kind_and_labels() -> Result<()> {
    let (served, operations) = watched()?;
    exercise(&served.genkan)?;
    let text = operations.get("/metrics")?.text();
    let guide = guide()?;
    let mut told = BTreeSet::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').context("a kind")?;
        let row = guide.lines().find(|row| row.starts_with(&format!("| `{name}` | {kind} |")));
        let row = row.with_context(|| format!("{name} ({kind}) is not in the guide"))?;
        let of_name = |sample: &&Sample| {
            ["", "_bucket", "_sum", "_count"]
                .iter()
                .any(|end| sample.name == format!("{name}{end}"))
        };
        for sample in samples(&text)?.iter().filter(of_name) {
            for label in sample.labels.keys().filter(|label| *label != "le") {
                ensure!(row.contains(&format!("`{label}`")), "{name} has a label {label}: {row}");
            }
        }
        told.insert(name);
    }
    // Only where there is TLS.
    told.insert("genkan_tls_certificate_end_timestamp_seconds");
    let named = first_cells(&guide);
    let is_name = |name: &&&str| {
        let word = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        word && (name.starts_with("genkan_") || name.starts_with("process_"))
    };
    for name in named.iter().filter(is_name) {
        ensure!(told.contains(name), "the guide names {name}, which is not there");
    }
    Ok(())
}

#[test]
fn the_guide_names_every_code_of_operation() -> Result<()> {
    let guide = guide()?;
    let named = first_cells(&guide);
    let mut known = BTreeSet::new();
    let mut folders = vec![genkan_tests::tidy::root().join("server/src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path)?;
            let codes = text.split('"').filter(|part| part.len() == 7);
            let codes = codes.filter(|part| part.starts_with("GKN-7") || part.starts_with("GKN-3"));
            known.extend(codes.map(str::to_owned));
        }
    }
    ensure!(known.len() > 25, "{known:?}");
    for code in &known {
        ensure!(named.contains(code.as_str()), "{code} is not in the guide");
    }
    let of_operation = |code: &&&str| code.starts_with("GKN-7") && code.len() == 7;
    for code in named.iter().filter(of_operation) {
        ensure!(known.contains(*code), "the guide names {code}, which nobody says");
    }
    Ok(())
}
