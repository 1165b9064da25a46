//! What is asked: reads and searches of the same patients; and one measurement of it, ours and the
//! database's in turn.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Arguments;
use super::account::Spent;
use super::baseline;
use super::keys::PAGE_ROWS;
use super::load::{self, Connection};
use super::report::{Line, Round};
use super::served::Served;
use super::source::Source;
use super::statements::{self, Script};

const WARM_UP: Duration = Duration::from_millis(500);

/// Requests of one kind, and the same for pgbench.
pub struct Workload {
    pub name: &'static str,
    /// The least share of the database's own rate that we want to reach.
    pub ratio_floor: Option<f64>,
    /// The most processor time of ours that a request may cost, in microseconds.
    pub cpu_micros_ceiling: Option<f64>,
    paths: Vec<String>,
    /// `None` where the database is not asked.
    script: Option<Script>,
    /// As `Server-Timing` tells it.
    statements: usize,
}

impl Workload {
    pub fn paths(&self) -> &[String] {
        &self.paths
    }
}

/// Asks the running Genkan for the ids of the patients and watches which statements it sends.
pub async fn all(genkan: &Served, source: &Source, keys: Vec<String>) -> Result<Vec<Workload>> {
    let mut connection = Connection::open(&genkan.address).await?;
    let (mut shown, mut ids) = (Vec::new(), Vec::new());
    for key in keys {
        let page = connection.get(&format!("/fhir/Patient?identifier={key}")).await?;
        ensure!(page.status() == "200", "{}", String::from_utf8_lossy(page.body));
        let page: Value = serde_json::from_slice(page.body)?;
        if let Some(id) = page["entry"][0]["resource"]["id"].as_str() {
            ids.push(id.to_owned());
            shown.push(key);
        }
    }
    ensure!(!ids.is_empty(), "the rules show none of the patients");
    let read = |id: &String| format!("/fhir/Patient/{id}");
    let search = |id: &String| {
        format!("/fhir/Observation?patient={id}&category=laboratory&_count={PAGE_ROWS}")
    };
    let everything = |id: &String| format!("/fhir/Patient/{id}/$everything");
    let mut workloads = vec![http_alone()];
    for (name, ratio_floor, cpu_micros_ceiling, paths) in [
        ("read", Some(0.50), Some(40.0), ids.iter().map(read).collect::<Vec<_>>()),
        ("search of 20", Some(0.45), Some(100.0), ids.iter().map(search).collect()),
        ("$everything", None, None, ids.iter().map(everything).collect()),
    ] {
        let from = source.log_bytes().await?;
        let answer = connection.get(&paths[0]).await?;
        ensure!(answer.status() == "200", "{}", String::from_utf8_lossy(answer.body));
        let count = told_statements(answer.header("server-timing"))?;
        if name == "search of 20" {
            let page: Value = serde_json::from_slice(answer.body)?;
            let rows = page["entry"].as_array().map_or(0, Vec::len);
            ensure!(rows == PAGE_ROWS, "a page of {rows} results: {}", paths[0]);
        }
        let log = source.log_since(from).await?;
        let seen = statements::in_log(&log);
        // The head of a stream is sent before its last statements.
        let count = if name == "$everything" { seen.len() } else { count };
        ensure!(seen.len() == count, "{name}: {count} statements, {} in the log", seen.len());
        let script = statements::script(&seen, &shown[0], &shown)?;
        workloads.push(Workload {
            name,
            ratio_floor,
            cpu_micros_ceiling,
            paths,
            script: Some(script),
            statements: count,
        });
    }
    Ok(workloads)
}

fn told_statements(timing: &str) -> Result<usize> {
    let (_, count) = timing.split_once("statements=").context("statements in Server-Timing")?;
    Ok(count.split('"').next().unwrap_or_default().parse()?)
}

/// What this machine, today, needs for a request of which nothing is asked.
fn http_alone() -> Workload {
    Workload {
        name: "/livez",
        ratio_floor: None,
        cpu_micros_ceiling: None,
        paths: vec!["/livez".to_owned()],
        script: None,
        statements: 0,
    }
}

/// Everything that one measurement needs.
pub struct Run<'a> {
    pub arguments: &'a Arguments,
    pub source: &'a Source,
    pub genkan: &'a Served,
    pub postmaster: u32,
    pub workload: &'a Workload,
}

impl Run<'_> {
    pub async fn measure(&self, clients: usize, folder: &Path) -> Result<Line> {
        let Run { arguments, source, genkan, workload, .. } = *self;
        eprintln!("{}, {clients} at a time", workload.name);
        load::run(&genkan.address, &workload.paths, clients, WARM_UP).await?;
        let length = Duration::from_secs_f64(arguments.seconds);
        let mut rounds = Vec::with_capacity(arguments.rounds);
        for _ in 0..arguments.rounds {
            let before = self.spent()?;
            let seen = load::run(&genkan.address, &workload.paths, clients, length).await?;
            let ours = self.spent()?.since(before);
            let before = self.spent()?;
            let alone = match &workload.script {
                Some(script) => {
                    Some(baseline::run(arguments, source, script, clients, folder).await?)
                }
                None => None,
            };
            let theirs = self.spent()?.since(before);
            let requests = seen.latencies.len() as f64;
            rounds.push(Round {
                per_second: seen.per_second(),
                alone_per_second: alone.map(|alone| alone.per_second),
                p50_micros: seen.percentile(50).as_secs_f64() * 1e6,
                p99_micros: seen.percentile(99).as_secs_f64() * 1e6,
                genkan_micros: ours.genkan as f64 / requests,
                postgres_micros: ours.postgres as f64 / requests,
                alone_micros: alone
                    .map(|alone| theirs.postgres as f64 / alone.transactions.max(1) as f64),
                bytes: seen.bytes as f64 / requests,
            });
        }
        Ok(Line {
            workload: workload.name,
            ratio_floor: workload.ratio_floor,
            cpu_micros_ceiling: workload.cpu_micros_ceiling,
            clients,
            statements: workload.statements,
            rounds,
        })
    }

    fn spent(&self) -> Result<Spent> {
        Spent::now(self.genkan.process, self.postmaster)
    }
}
