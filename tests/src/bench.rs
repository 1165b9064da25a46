//! What Genkan costs, beside what the database alone costs: the same statements with the same keys
//! by `pgbench`, in turn with ours, so that a busy machine slows both. No test runs this and no
//! figure of it fails anything; `tests/bench/README.md` says how to read them.

mod account;
mod baseline;
mod bulk;
mod keys;
mod load;
mod paging;
mod peers;
mod report;
mod served;
mod source;
mod statements;
mod workload;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;
use tempfile::TempDir;
use tokio::runtime;

use account::Machine;
use report::Report;
use served::Served;
use source::Source;

/// Measures a binary of Genkan against PostgreSQL alone.
#[derive(Debug, Clone, Parser)]
#[command(name = "genkan-bench")]
pub struct Arguments {
    /// The binary to measure
    #[arg(long, env = "GENKAN_BIN", default_value = "target/dist/genkan")]
    genkan: PathBuf,
    /// pgbench of the database server's own version
    #[arg(long, default_value = "pgbench")]
    pgbench: PathBuf,
    /// The rule set to serve
    #[arg(long, default_value = "mapping-rules/rules/demo-hospital")]
    rules: PathBuf,
    /// Patients of the demo hospital
    #[arg(long, default_value_t = 100_000)]
    patients: u32,
    /// Rows of LAB_KEKKA
    #[arg(long, default_value_t = 2_000_000)]
    lab_rows: u64,
    /// Of the hospital
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A demo hospital that was filled before, instead of a new one: an administrator's URL
    #[arg(long)]
    url: Option<String>,
    /// Length of one measurement
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Measurements of Genkan and of pgbench, in turn
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Open connections of clients
    #[arg(long, value_delimiter = ',', default_value = "1,16")]
    clients: Vec<usize>,
    /// `connections_max` of Genkan's source
    #[arg(long, default_value_t = 4)]
    connections: u32,
    /// Level of Genkan's log; it goes to /dev/null
    #[arg(long, default_value = "info")]
    log_level: String,
    /// Different patients asked for
    #[arg(long, default_value_t = 1_000)]
    keys: usize,
    /// The page, of 50, that is compared with the first; as far as there are rows
    #[arg(long, default_value_t = 30_000)]
    page: usize,
    /// Only workloads whose name contains this
    #[arg(long, default_value = "")]
    only: String,
    /// Export the whole hospital too
    #[arg(long)]
    export: bool,
    /// A folder with the facades of `tests/bench/peers` and what they need: they are measured too
    #[arg(long)]
    peers: Option<PathBuf>,
    /// Where the figures go as JSON
    #[arg(long)]
    json: Option<PathBuf>,
}

/// Runs everything and prints the report.
///
/// # Errors
/// Of the database, of Genkan's start, and an answer that is not the one that is measured.
pub fn run(arguments: &Arguments) -> Result<()> {
    let source = Source::open(arguments)?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(measure(arguments, &source))?;
    print!("{report}");
    if let Some(path) = &arguments.json {
        let text = serde_json::to_string_pretty(&report.to_json(arguments))?;
        std::fs::write(path, text + "\n").with_context(|| path.display().to_string())?;
        println!("figures: {}", path.display());
    }
    Ok(())
}

async fn measure(arguments: &Arguments, source: &Source) -> Result<Report> {
    let folder = TempDir::new()?;
    let config = source.configuration(arguments, folder.path())?;
    let before = Machine::look()?;
    eprintln!("choosing keys and learning the statements");
    let patients = keys::patients(source, arguments.keys).await?;
    let mut workloads = Vec::new();
    source.log_statements().await?;
    let genkan = Served::start(&arguments.genkan, &config).await?;
    for workload in workload::all(&genkan, source, patients.clone()).await? {
        if workload.name.contains(&arguments.only) {
            workloads.push(workload);
        }
    }
    let files = if arguments.export { bulk::files(&genkan, source).await? } else { Vec::new() };
    genkan.stop().await?;
    source.stop_log().await?;
    eprintln!("measuring starts");
    let starts = served::starts(&arguments.genkan, &config, arguments.rounds + 2).await?;
    let genkan = Served::start(&arguments.genkan, &config).await?;
    let idle_kb = account::resident_kb(genkan.process)?;
    let postmaster = source.postmaster().await?;
    let mut rows = Vec::new();
    for workload in &workloads {
        let run = workload::Run { arguments, source, genkan: &genkan, postmaster, workload };
        for clients in &arguments.clients {
            rows.push(run.measure(*clients, folder.path()).await?);
        }
    }
    let compared = match &arguments.peers {
        Some(folder) => {
            let asked = (workloads.as_slice(), patients.as_slice());
            peers::measure(folder, (arguments, source), &genkan, asked).await?
        }
        None => Vec::new(),
    };
    let paging = paging::measure(&genkan, arguments).await?;
    let busy_kb = account::resident_kb(genkan.process)?;
    genkan.stop().await?;
    let bulk = match arguments.export {
        true => {
            // Fresh, so that its memory is that of the export alone.
            let genkan = Served::start(&arguments.genkan, &config).await?;
            let bulk = bulk::measure(&genkan, source, postmaster, &files).await?;
            genkan.stop().await?;
            Some(bulk)
        }
        false => None,
    };
    let after = Machine::look()?;
    Ok(Report { machine: [before, after], rows, compared, paging, bulk, starts, idle_kb, busy_kb })
}
