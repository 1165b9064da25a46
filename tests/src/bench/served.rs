//! Genkan as a process under measurement. Not the harness's: that one reads the log and looks every
//! few milliseconds, which is right for a test and too coarse for a start.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::load::Connection;

const PATIENCE: Duration = Duration::from_secs(60);

pub struct Served {
    pub process: u32,
    /// `127.0.0.1:<port>`
    pub address: String,
    /// From its start to the first answer of `/readyz`.
    pub start: Duration,
    child: Child,
}

impl Served {
    pub async fn start(genkan: &Path, config: &Path) -> Result<Self> {
        let began = Instant::now();
        let mut child = Command::new(genkan)
            .arg("serve")
            .arg("--config")
            .arg(config)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} could not be started", genkan.display()))?;
        let process = child.id().context("genkan ended at once")?;
        let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        let line = timeout(PATIENCE, lines.next_line()).await??;
        let line = line.context("genkan ended without an address; start it by hand to see why")?;
        let (_, rest) = line.split_once("http://").context("no address on genkan's output")?;
        let address = rest.split('/').next().unwrap_or_default().to_owned();
        let mut connection = Connection::open(&address).await?;
        let answer = connection.get("/readyz").await?;
        ensure!(answer.status() == "200", "/readyz answers {}", answer.status());
        Ok(Served { process, address, start: began.elapsed(), child })
    }

    pub async fn stop(mut self) -> Result<()> {
        self.child.kill().await?;
        Ok(())
    }
}

/// Starts and stops it several times.
pub async fn starts(genkan: &Path, config: &Path, times: usize) -> Result<Vec<Duration>> {
    let mut starts = Vec::with_capacity(times);
    for _ in 0..times {
        let served = Served::start(genkan, config).await?;
        starts.push(served.start);
        served.stop().await?;
    }
    starts.sort();
    Ok(starts)
}
