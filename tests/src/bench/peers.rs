//! The same read and search by facades that were written by hand on the frameworks there are:
//! node-fhir-server-core and fhirstarter (`tests/bench/peers`). In turn with ours, over the same tables.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use super::Arguments;
use super::account::own_micros;
use super::load::{self, Asked, Connection};
use super::served::Served;
use super::source::Source;
use super::workload::Workload;

const PATIENCE: Duration = Duration::from_secs(60);
const WARM_UP: Duration = Duration::from_secs(1);

/// One workload on one peer, with ours beside it.
pub struct Compared {
    pub peer: &'static str,
    pub workload: &'static str,
    pub clients: usize,
    pub ours: Cost,
    pub theirs: Cost,
}

/// Medians of the rounds.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    pub per_second: f64,
    pub cpu_micros: f64,
    pub bytes: f64,
}

struct Peer {
    name: &'static str,
    /// In front of `/Patient/[id]`.
    prefix: &'static str,
    program: &'static str,
    script: &'static str,
}

const PEERS: [Peer; 2] = [
    Peer {
        name: "node-fhir-server-core",
        prefix: "/4_0_0",
        program: "node",
        script: "node_facade.cjs",
    },
    Peer {
        name: "fhirstarter",
        prefix: "",
        program: "python/bin/python",
        script: "python_facade.py",
    },
];

struct Running {
    process: u32,
    address: String,
    _child: Child,
}

/// `folder` holds the scripts and what they need: `node_modules`, and `python` as a virtual
/// environment.
pub async fn measure(
    folder: &Path,
    (arguments, source): (&Arguments, &Source),
    genkan: &Served,
    (workloads, keys): (&[Workload], &[String]),
) -> Result<Vec<Compared>> {
    let mut compared = Vec::new();
    for peer in &PEERS {
        let running = start(folder, peer, source).await.context(peer.name)?;
        for workload in workloads {
            let Some(paths) = paths(peer, workload.name, keys) else { continue };
            check(&running.address, &paths[0].path, workload.name).await.context(peer.name)?;
            for clients in &arguments.clients {
                eprintln!("{} {}, {clients} at a time", peer.name, workload.name);
                let length = Duration::from_secs_f64(arguments.seconds);
                let (mut ours, mut theirs) = (Vec::new(), Vec::new());
                for _ in 0..arguments.rounds {
                    let own = (genkan.address.as_str(), genkan.process);
                    ours.push(cost(own, &workload.asked, *clients, length).await?);
                    let other = (running.address.as_str(), running.process);
                    theirs.push(cost(other, &paths, *clients, length).await?);
                }
                compared.push(Compared {
                    peer: peer.name,
                    workload: workload.name,
                    clients: *clients,
                    ours: median(ours),
                    theirs: median(theirs),
                });
            }
        }
    }
    Ok(compared)
}

fn paths(peer: &Peer, workload: &str, keys: &[String]) -> Option<Vec<Asked>> {
    let prefix = peer.prefix;
    let path = |key: &String| match workload {
        "read" => Some(Asked::plain(format!("{prefix}/Patient/{key}"))),
        "search of 20" => Some(Asked::plain(format!("{prefix}/Observation?patient={key}"))),
        _ => None,
    };
    keys.iter().map(path).collect()
}

/// The answer is what is meant to be measured.
async fn check(address: &str, path: &str, workload: &str) -> Result<()> {
    let mut connection = Connection::open(address).await?;
    let answer = connection.get(path).await?;
    ensure!(answer.status() == "200", "{path}: {}", String::from_utf8_lossy(answer.body));
    let body: Value = serde_json::from_slice(answer.body)?;
    let right = match workload {
        "read" => body["resourceType"] == "Patient" && body["birthDate"].is_string(),
        _ => body["entry"].as_array().is_some_and(|entries| entries.len() == 20),
    };
    ensure!(right, "{path}: {body}");
    Ok(())
}

async fn cost(
    (address, process): (&str, u32),
    asked: &[Asked],
    clients: usize,
    length: Duration,
) -> Result<Cost> {
    load::run(address, asked, clients, WARM_UP).await?;
    let before = own_micros(process)?;
    let seen = load::run(address, asked, clients, length).await?;
    let requests = seen.latencies.len() as f64;
    Ok(Cost {
        per_second: seen.per_second(),
        cpu_micros: own_micros(process)?.saturating_sub(before) as f64 / requests,
        bytes: seen.bytes as f64 / requests,
    })
}

fn median(costs: Vec<Cost>) -> Cost {
    let of = |figure: fn(&Cost) -> f64| {
        let mut figures: Vec<f64> = costs.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        figures.get(figures.len() / 2).copied().unwrap_or_default()
    };
    Cost {
        per_second: of(|cost| cost.per_second),
        cpu_micros: of(|cost| cost.cpu_micros),
        bytes: of(|cost| cost.bytes),
    }
}

async fn start(folder: &Path, peer: &Peer, source: &Source) -> Result<Running> {
    let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
    let program = folder.join(peer.program);
    let program = if program.exists() { program } else { peer.program.into() };
    let mut child = Command::new(program)
        .arg(peer.script)
        .arg(source.reader_url_with_password())
        .arg(port.to_string())
        .current_dir(folder)
        .env("FHIR_SEQUENCE", "R4B")
        .env("NODE_ENV", "production")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let process = child.id().context("it ended at once")?;
    let address = format!("127.0.0.1:{port}");
    let began = Instant::now();
    while TcpStream::connect(&address).await.is_err() {
        if let Some(status) = child.try_wait()? {
            bail!("it ended: {status}");
        }
        ensure!(began.elapsed() < PATIENCE, "it does not listen");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(Running { process, address, _child: child })
}

impl Compared {
    pub fn line(&self) -> String {
        let Compared { peer, workload, clients, ours, theirs } = self;
        format!(
            "{peer:<22} {workload:<13} {clients:>3}  {:>7.0}/s {:>7.0}/s {:>6.1}x   {:>5.0} us {:>6.0} us {:>6.1}x   {:>6.0} {:>6.0} bytes",
            ours.per_second,
            theirs.per_second,
            ours.per_second / theirs.per_second,
            ours.cpu_micros,
            theirs.cpu_micros,
            theirs.cpu_micros / ours.cpu_micros,
            ours.bytes,
            theirs.bytes,
        )
    }

    pub fn to_json(&self) -> Value {
        let cost = |cost: &Cost| json!({ "per_second": cost.per_second, "cpu_us": cost.cpu_micros, "bytes": cost.bytes });
        json!({
            "peer": self.peer, "workload": self.workload, "clients": self.clients,
            "ours": cost(&self.ours), "theirs": cost(&self.theirs),
        })
    }
}
