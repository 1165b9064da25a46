//! What the database does alone: pgbench with a script, its figures read from its output.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use super::Arguments;
use super::source::Source;
use super::statements::Script;

/// Session settings that our driver also makes.
const SETTINGS: &str = "-c jit=off -c default_transaction_read_only=on -c TimeZone=UTC";

#[derive(Debug, Clone, Copy)]
pub struct Alone {
    pub per_second: f64,
    pub transactions: u64,
}

pub async fn run(
    arguments: &Arguments,
    source: &Source,
    script: &Script,
    clients: usize,
    folder: &Path,
) -> Result<Alone> {
    let file = folder.join("pgbench.sql");
    std::fs::write(&file, &script.text)?;
    let mut command = Command::new(&arguments.pgbench);
    command.args(["--no-vacuum", "--protocol=prepared", "--jobs=1"]);
    command.arg(format!("--client={clients}"));
    command.arg(format!("--time={}", arguments.seconds.ceil().max(1.0)));
    command.arg("--file").arg(&file);
    for (name, value) in &script.variables {
        command.arg(format!("--define={name}={value}"));
    }
    command.arg(source.reader_url());
    command.env("PGOPTIONS", SETTINGS).env("PGPASSWORD", source.password());
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await;
    let output =
        output.with_context(|| format!("{} did not start", arguments.pgbench.display()))?;
    let (printed, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "pgbench: {errors}");
    figures(&printed).with_context(|| format!("pgbench printed {printed}"))
}

fn figures(printed: &str) -> Option<Alone> {
    let after = |start: &str| printed.lines().find_map(|line| line.strip_prefix(start));
    let first = |text: &str| text.split([' ', '/']).next().map(str::to_owned);
    let per_second = first(after("tps = ")?)?.parse().ok()?;
    let transactions =
        first(after("number of transactions actually processed: ")?)?.parse().ok()?;
    Some(Alone { per_second, transactions })
}
