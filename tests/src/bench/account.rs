//! What processes spent: from `/proc`, so that it is the kernel's own account and costs nothing
//! while it is not looked at.

use std::fs;

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// Microseconds of one tick: Linux shows 100 of them a second on every machine.
const TICK_MICROS: u64 = 10_000;

/// CPU time, user and system, in microseconds since each process began.
#[derive(Debug, Clone, Copy)]
pub struct Spent {
    pub genkan: u64,
    pub postgres: u64,
}

impl Spent {
    pub fn now(genkan: u32, postmaster: u32) -> Result<Self> {
        Ok(Spent { genkan: own_micros(genkan)?, postgres: family_micros(postmaster)? })
    }

    pub fn since(self, before: Spent) -> Spent {
        Spent {
            genkan: self.genkan.saturating_sub(before.genkan),
            postgres: self.postgres.saturating_sub(before.postgres),
        }
    }
}

/// The fields of `/proc/PID/stat` after the name, from `state` on.
fn stat(process: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(") ")?;
    Some(fields.split(' ').map(str::to_owned).collect())
}

fn sum(fields: &[String], indexes: &[usize]) -> u64 {
    let ticks = indexes.iter().filter_map(|index| fields.get(*index)?.trim().parse::<u64>().ok());
    ticks.sum::<u64>() * TICK_MICROS
}

/// CPU time of one process, user and system, in microseconds.
pub fn own_micros(process: u32) -> Result<u64> {
    let fields = stat(process).context("the process is gone")?;
    Ok(sum(&fields, &[11, 12]))
}

/// Of a process, of its children that live, and of those that have ended.
fn family_micros(process: u32) -> Result<u64> {
    let fields = stat(process).context("the database server is gone")?;
    let mut micros = sum(&fields, &[11, 12, 13, 14]);
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(child) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        if let Some(fields) =
            stat(child).filter(|fields| fields.get(1) == Some(&process.to_string()))
        {
            micros += sum(&fields, &[11, 12]);
        }
    }
    Ok(micros)
}

pub fn parent(process: u32) -> Option<u32> {
    stat(process)?.get(1)?.parse().ok()
}

/// Resident memory in KiB (`VmRSS`).
pub fn resident_kb(process: u32) -> Result<u64> {
    memory(process, "VmRSS:")
}

/// The most that was resident so far (`VmHWM`).
pub fn peak_kb(process: u32) -> Result<u64> {
    memory(process, "VmHWM:")
}

fn memory(process: u32, name: &str) -> Result<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)).context("no such line")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// How busy the machine is with all its work, ours and other people's.
#[derive(Debug, Clone)]
pub struct Machine {
    pub load: String,
    pub cores: usize,
}

impl Machine {
    pub fn look() -> Result<Self> {
        let text = fs::read_to_string("/proc/loadavg")?;
        let load = text.split(' ').take(3).collect::<Vec<_>>().join(" ");
        let cores = std::thread::available_parallelism()?.get();
        Ok(Machine { load, cores })
    }

    pub fn to_json(&self) -> Value {
        json!({ "loadavg": self.load, "cores": self.cores })
    }
}
