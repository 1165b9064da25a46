//! The figures as a table for people and as JSON. Of several rounds the median is shown, and how far
//! the ratios of the rounds lie apart.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use super::Arguments;
use super::account::Machine;
use super::bulk::Bulk;
use super::paging::Paging;
use super::peers::Compared;

const START_CEILING_MILLIS: f64 = 100.0;
const IDLE_CEILING_MB: f64 = 32.0;
const PAGING_CEILING: f64 = 2.0;

pub struct Report {
    /// Before and after.
    pub machine: [Machine; 2],
    pub rows: Vec<Line>,
    pub compared: Vec<Compared>,
    pub paging: Paging,
    pub bulk: Option<Bulk>,
    /// In order of length.
    pub starts: Vec<Duration>,
    pub idle_kb: u64,
    pub busy_kb: u64,
}

/// A workload with so many clients.
pub struct Line {
    pub workload: &'static str,
    pub ratio_floor: Option<f64>,
    pub cpu_micros_ceiling: Option<f64>,
    pub clients: usize,
    pub statements: usize,
    pub rounds: Vec<Round>,
}

/// One measurement of ours and the one of pgbench after it; times are for each request.
#[derive(Debug, Clone, Copy)]
pub struct Round {
    pub per_second: f64,
    pub alone_per_second: Option<f64>,
    pub p50_micros: f64,
    pub p99_micros: f64,
    pub genkan_micros: f64,
    pub postgres_micros: f64,
    pub alone_micros: Option<f64>,
    pub bytes: f64,
}

impl Line {
    fn sorted(&self, figure: impl Fn(&Round) -> Option<f64>) -> Vec<f64> {
        let mut figures: Vec<f64> = self.rounds.iter().filter_map(figure).collect();
        figures.sort_by(f64::total_cmp);
        figures
    }

    /// `None` where there is no such figure.
    fn median(&self, figure: impl Fn(&Round) -> Option<f64>) -> Option<f64> {
        let figures = self.sorted(figure);
        figures.get(figures.len() / 2).copied()
    }

    /// Least, median, most.
    fn ratio(&self) -> Option<[f64; 3]> {
        let ratios = self.sorted(|round| Some(round.per_second / round.alone_per_second?));
        let [least, .., most] = ratios.as_slice() else {
            return ratios.first().map(|only| [*only; 3]);
        };
        Some([*least, ratios[ratios.len() / 2], *most])
    }

    fn cells(&self) -> [String; 13] {
        let ratio = self.ratio();
        let micros = self.median(|round| Some(round.genkan_micros));
        let whole = |figure: Option<f64>| figure.map(|figure| format!("{figure:.0}"));
        let millis = |figure: Option<f64>| figure.map(|micros| format!("{:.2}", micros / 1000.0));
        let within_floor = self.ratio_floor.zip(ratio).map(|(floor, [_, median, _])| {
            format!(">={:.0}% {}", floor * 100.0, kept(median >= floor))
        });
        let within_ceiling = self.cpu_micros_ceiling.zip(micros);
        let bytes = whole(self.median(|round| Some(round.bytes))).unwrap_or_default();
        [
            Some(self.workload.to_owned()),
            Some(self.clients.to_string()),
            whole(self.median(|round| Some(round.per_second))),
            whole(self.median(|round| round.alone_per_second)),
            ratio.map(|ratio| {
                let [least, median, most] = ratio.map(|ratio| ratio * 100.0);
                format!("{median:.0}% ({least:.0}-{most:.0})")
            }),
            within_floor,
            millis(self.median(|round| Some(round.p50_micros))),
            millis(self.median(|round| Some(round.p99_micros))),
            whole(micros),
            within_ceiling.map(|(most, micros)| format!("<={most:.0} {}", kept(micros <= most))),
            whole(self.median(|round| Some(round.postgres_micros))),
            whole(self.median(|round| round.alone_micros)),
            Some(format!("{} / {bytes}", self.statements)),
        ]
        .map(Option::unwrap_or_default)
    }

    fn to_json(&self) -> Value {
        let ratio = self
            .ratio()
            .map(|[least, median, most]| json!({ "least": least, "median": median, "most": most }));
        let rounds = self.rounds.iter().map(|round| {
            json!({
                "per_second": round.per_second, "pgbench_per_second": round.alone_per_second,
                "p50_us": round.p50_micros, "p99_us": round.p99_micros,
                "genkan_cpu_us": round.genkan_micros, "postgres_cpu_us": round.postgres_micros,
                "pgbench_postgres_cpu_us": round.alone_micros, "bytes": round.bytes,
            })
        });
        json!({
            "workload": self.workload, "clients": self.clients, "statements": self.statements,
            "ratio": ratio,
            "ratio_floor": self.ratio_floor, "cpu_us_ceiling": self.cpu_micros_ceiling,
            "rounds": rounds.collect::<Vec<_>>(),
        })
    }
}

const HEADINGS: [&str; 13] = [
    "workload",
    "clients",
    "ours/s",
    "pgbench/s",
    "ours/pgbench",
    "budget",
    "p50 ms",
    "p99 ms",
    "CPU us",
    "budget",
    "PG CPU us",
    "alone",
    "statements / bytes",
];

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = vec![HEADINGS.map(str::to_owned)];
        lines.extend(self.rows.iter().map(Line::cells));
        for line in &lines {
            for (column, cell) in line.iter().enumerate() {
                let width = lines.iter().map(|line| line[column].chars().count()).max();
                let width = width.unwrap_or_default();
                match column {
                    0 => write!(f, "{cell:<width$}")?,
                    _ => write!(f, "  {cell:>width$}")?,
                }
            }
            writeln!(f)?;
        }
        if !self.compared.is_empty() {
            writeln!(f, "\nbeside others, of the same tables: ours, theirs, ratio; CPU; bytes")?;
        }
        for compared in &self.compared {
            writeln!(f, "{}", compared.line())?;
        }
        writeln!(f)?;
        let start = self.start_millis();
        let far = self.paging.far.as_secs_f64() / self.paging.first.as_secs_f64().max(1e-9);
        for (name, figure, budget, within) in [
            (
                "start to /readyz",
                format!("{start:.1} ms"),
                "<=100 ms",
                start <= START_CEILING_MILLIS,
            ),
            ("idle memory", mb(self.idle_kb), "<=32 MB", self.idle_mb() <= IDLE_CEILING_MB),
            (
                "far page / first page",
                format!(
                    "{far:.2}x (page {} {:.2} ms, page 1 {:.2} ms)",
                    self.paging.page,
                    self.paging.far.as_secs_f64() * 1000.0,
                    self.paging.first.as_secs_f64() * 1000.0
                ),
                "<=2x",
                far <= PAGING_CEILING,
            ),
        ] {
            writeln!(f, "{name:<22} {figure}  ({budget} {})", kept(within))?;
        }
        writeln!(f, "{:<22} {}", "memory after", mb(self.busy_kb))?;
        if let Some(bulk) = &self.bulk {
            write!(f, "{bulk}")?;
        }
        let [before, after] = &self.machine;
        let (load, later, cores) = (&before.load, &after.load, before.cores);
        writeln!(f, "{:<22} {load} before, {later} after, on {cores} cores", "load average")
    }
}

impl Report {
    fn start_millis(&self) -> f64 {
        let median = self.starts.get(self.starts.len() / 2).copied().unwrap_or_default();
        median.as_secs_f64() * 1000.0
    }

    fn idle_mb(&self) -> f64 {
        self.idle_kb as f64 / 1024.0
    }

    pub fn to_json(&self, arguments: &Arguments) -> Value {
        let [before, after] = &self.machine;
        json!({
            "hospital": {
                "patients": arguments.patients, "lab_rows": arguments.lab_rows,
                "seed": arguments.seed, "filled_before": arguments.url.is_some(),
            },
            "seconds": arguments.seconds, "connections": arguments.connections,
            "log_level": arguments.log_level,
            "machine": { "before": before.to_json(), "after": after.to_json() },
            "workloads": self.rows.iter().map(Line::to_json).collect::<Vec<_>>(),
            "peers": self.compared.iter().map(Compared::to_json).collect::<Vec<_>>(),
            "export": self.bulk.as_ref().map(Bulk::to_json),
            "paging": {
                "page": self.paging.page,
                "first_us": self.paging.first.as_micros() as u64,
                "far_us": self.paging.far.as_micros() as u64,
            },
            "start_ms": self.starts.iter().map(|start| start.as_secs_f64() * 1000.0).collect::<Vec<_>>(),
            "idle_rss_kb": self.idle_kb, "rss_after_kb": self.busy_kb,
        })
    }
}

fn mb(kb: u64) -> String {
    format!("{:.1} MB", kb as f64 / 1024.0)
}

fn kept(within: bool) -> &'static str {
    if within { "ok" } else { "over" }
}
