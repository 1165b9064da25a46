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
use super::load::{self, Asked, Connection};
use super::report::{Line, Round};
use super::served::Served;
use super::source::Source;
use super::statements::{self, Script, Statement};

const EVERYTHING: &str = "$everything";
const WARM_UP: Duration = Duration::from_millis(500);

/// Requests of one kind, and the same for pgbench.
pub struct Workload {
    pub name: &'static str,
    /// The least share of the database's own rate that we want to reach.
    pub ratio_floor: Option<f64>,
    /// The most processor time of ours that a request may cost, in microseconds.
    pub cpu_micros_ceiling: Option<f64>,
    pub asked: Vec<Asked>,
    /// `None` where the database is not asked.
    script: Option<Script>,
    /// As `Server-Timing` tells it.
    statements: usize,
}

/// Asks the running Genkan for the ids of the patients and watches which statements it sends.
pub async fn all(genkan: &Served, source: &Source, keys: Vec<String>) -> Result<Vec<Workload>> {
    let mut connection = Connection::open(&genkan.address).await?;
    let (shown, ids) = shown(&mut connection, keys).await?;
    let plain = |of: &[String], path: &dyn Fn(&String) -> String| -> Vec<Asked> {
        of.iter().map(|one| Asked::plain(path(one))).collect()
    };
    let page =
        |link: String| format!("/fhir/Observation?{link}&category=laboratory&_count={PAGE_ROWS}");
    let read = plain(&ids, &|id| format!("/fhir/Patient/{id}"));
    let search = plain(&ids, &|id| page(format!("patient={id}")));
    let chained = plain(&shown, &|key| page(format!("subject:Patient.identifier={key}")));
    let everything = plain(&ids, &|id| format!("/fhir/Patient/{id}/$everything"));
    let unchanged = unchanged(&mut connection, &read).await?;
    let mut workloads = vec![http_alone()];
    for (name, ratio_floor, cpu_micros_ceiling, asked) in [
        ("read", Some(0.50), Some(40.0), read),
        ("304", None, None, unchanged),
        ("search of 20", Some(0.45), Some(100.0), search),
        ("chained of 20", None, None, chained),
        (EVERYTHING, None, None, everything),
    ] {
        let (seen, count) = watched(&mut connection, source, name, &asked[0]).await?;
        workloads.push(Workload {
            name,
            ratio_floor,
            cpu_micros_ceiling,
            asked,
            script: Some(statements::script(&seen, &shown[0], &shown)?),
            statements: count,
        });
    }
    Ok(workloads)
}

/// The patients that the rules show, with their ids.
async fn shown(
    connection: &mut Connection,
    keys: Vec<String>,
) -> Result<(Vec<String>, Vec<String>)> {
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
    Ok((shown, ids))
}

/// The same with the tags of what the client has already.
async fn unchanged(connection: &mut Connection, read: &[Asked]) -> Result<Vec<Asked>> {
    let mut unchanged = Vec::with_capacity(read.len());
    for Asked { path, .. } in read {
        let tag = connection.get(path).await?.header("etag").to_owned();
        let lines = format!("If-None-Match: {tag}\r\n");
        unchanged.push(Asked { path: path.clone(), lines, status: "304" });
    }
    Ok(unchanged)
}

/// The statements that one question costs, with their values, and their number.
async fn watched(
    connection: &mut Connection,
    source: &Source,
    name: &str,
    asked: &Asked,
) -> Result<(Vec<Statement>, usize)> {
    let from = source.log_bytes().await?;
    let answer = connection.get_with(&asked.path, &asked.lines).await?;
    ensure!(answer.status() == asked.status, "{}", String::from_utf8_lossy(answer.body));
    let told = told_statements(answer.header("server-timing"))?;
    if asked.path.contains("_count") {
        let page: Value = serde_json::from_slice(answer.body)?;
        let rows = page["entry"].as_array().map_or(0, Vec::len);
        ensure!(rows == PAGE_ROWS, "a page of {rows} results: {}", asked.path);
    }
    let seen = statements::in_log(&source.log_since(from).await?);
    // The head of a stream is sent before its last statements.
    let count = if name == EVERYTHING { seen.len() } else { told };
    ensure!(seen.len() == count, "{name}: {count} statements, {} in the log", seen.len());
    Ok((seen, count))
}

/// As `Server-Timing` has it.
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
        asked: vec![Asked::plain("/livez".to_owned())],
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
        load::run(&genkan.address, &workload.asked, clients, WARM_UP).await?;
        let length = Duration::from_secs_f64(arguments.seconds);
        let mut rounds = Vec::with_capacity(arguments.rounds);
        for _ in 0..arguments.rounds {
            let before = self.spent()?;
            let seen = load::run(&genkan.address, &workload.asked, clients, length).await?;
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
