//! `$export` of the whole hospital, file by file, beside `COPY` of the same statement without its
//! limit: what the database alone needs to hand out the rows, on one connection as we have.

use std::fmt;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use futures::TryStreamExt as _;
use serde_json::{Value, json};

use super::account::{self, Spent};
use super::load::Connection;
use super::served::Served;
use super::source::Source;
use super::statements::{self, Statement};

/// Files of fewer resources say nothing of a rate.
const RESOURCES_MIN: u64 = 1_000;
const BUDGET_PER_SECOND: f64 = 200_000.0;
const MEMORY_CEILING_MB: f64 = 64.0;

/// A file that can be fetched, from any process with the same site key.
pub struct File {
    resource_type: String,
    path: String,
    /// `COPY (…) TO STDOUT`
    copy: String,
}

/// One file, ours and the database's.
#[derive(Debug)]
pub struct Exported {
    resource_type: String,
    resources: u64,
    bytes: u64,
    seconds: f64,
    genkan_micros: u64,
    postgres_micros: u64,
    copy_rows: u64,
    copy_seconds: f64,
}

#[derive(Debug, Default)]
pub struct Bulk {
    pub files: Vec<Exported>,
    /// `VmHWM` before and after.
    pub peak_kb: [u64; 2],
}

/// Asks a running Genkan for an export and watches the first statement of each file.
pub async fn files(genkan: &Served, source: &Source) -> Result<Vec<File>> {
    let mut connection = Connection::open(&genkan.address).await?;
    let answer = connection.get_with("/fhir/$export", "Prefer: respond-async\r\n").await?;
    ensure!(answer.status() == "202", "{}", String::from_utf8_lossy(answer.body));
    let status = answer.header("content-location").to_owned();
    let answer = connection.get(&status).await?;
    ensure!(answer.status() == "200", "{}", String::from_utf8_lossy(answer.body));
    let manifest: Value = serde_json::from_slice(answer.body)?;
    let mut files = Vec::new();
    for file in manifest["output"].as_array().context("no output")? {
        let url = file["url"].as_str().context("no url")?;
        let from = source.log_bytes().await?;
        // The rest is not read: the connection is closed.
        Connection::open(&genkan.address).await?.begin(url).await?;
        let log = source.log_since(from).await?;
        let seen = statements::in_log(&log);
        let path = url.split_once(&genkan.address).map_or(url, |(_, path)| path).to_owned();
        let resource_type = file["type"].as_str().context("no type")?.to_owned();
        let copy = copy(seen.first().context("no statement in the log")?)?;
        files.push(File { resource_type, path, copy });
    }
    Ok(files)
}

/// The statement with its values and without its limit.
fn copy(statement: &Statement) -> Result<String> {
    let (text, _) = statement.text.rsplit_once(" LIMIT ").context("a statement without a limit")?;
    let mut copy = String::from("COPY (");
    let mut rest = text;
    while let Some((before, parameter)) = rest.split_once('$') {
        let digits = parameter.bytes().take_while(u8::is_ascii_digit).count();
        let index: usize = parameter[..digits].parse().context("a dollar that is no parameter")?;
        copy.push_str(before);
        match statement.values.get(index - 1).context("a parameter without its value")? {
            None => copy.push_str("NULL"),
            Some(value) => {
                copy.push('\'');
                copy.push_str(&value.replace('\'', "''"));
                copy.push('\'');
            }
        }
        rest = &parameter[digits..];
    }
    Ok(format!("{copy}{rest}) TO STDOUT"))
}

pub async fn measure(
    genkan: &Served,
    source: &Source,
    postmaster: u32,
    files: &[File],
) -> Result<Bulk> {
    let mut bulk = Bulk { peak_kb: [account::peak_kb(genkan.process)?; 2], ..Bulk::default() };
    for file in files {
        eprintln!("exporting {}", file.resource_type);
        let before = Spent::now(genkan.process, postmaster)?;
        let began = Instant::now();
        let (resources, bytes) = Connection::open(&genkan.address).await?.lines(&file.path).await?;
        let seconds = began.elapsed().as_secs_f64();
        let spent = Spent::now(genkan.process, postmaster)?.since(before);
        if resources < RESOURCES_MIN {
            continue;
        }
        let began = Instant::now();
        let copy_rows = source.copied(&file.copy).await?;
        bulk.files.push(Exported {
            resource_type: file.resource_type.clone(),
            resources,
            bytes,
            seconds,
            genkan_micros: spent.genkan,
            postgres_micros: spent.postgres,
            copy_rows,
            copy_seconds: began.elapsed().as_secs_f64(),
        });
    }
    bulk.peak_kb[1] = account::peak_kb(genkan.process)?;
    Ok(bulk)
}

impl Source {
    /// Rows that a `COPY … TO STDOUT` brings.
    async fn copied(&self, copy: &str) -> Result<u64> {
        let mut connection = self.connect().await?;
        let mut rows = connection.copy_out_raw(copy).await?;
        let mut lines = 0;
        while let Some(part) = rows.try_next().await? {
            lines += part.iter().filter(|byte| **byte == b'\n').count() as u64;
        }
        Ok(lines)
    }
}

impl Exported {
    fn per_second(&self) -> f64 {
        self.resources as f64 / self.seconds
    }

    fn line(&self) -> String {
        let copy = self.copy_rows as f64 / self.copy_seconds;
        let each = |micros: u64| micros as f64 / self.resources as f64;
        format!(
            "{:<20} {:>9} resources  {:>8.0}/s  {:>6.1} MB/s  CPU {:>5.1} us  PG CPU {:>5.1} us  \
             COPY {copy:>9.0} rows/s  {:>4.0}%",
            self.resource_type,
            self.resources,
            self.per_second(),
            self.bytes as f64 / 1e6 / self.seconds,
            each(self.genkan_micros),
            each(self.postgres_micros),
            self.per_second() / copy * 100.0,
        )
    }

    fn to_json(&self) -> Value {
        json!({
            "type": self.resource_type, "resources": self.resources, "bytes": self.bytes,
            "seconds": self.seconds, "genkan_cpu_us": self.genkan_micros,
            "postgres_cpu_us": self.postgres_micros,
            "copy_rows": self.copy_rows, "copy_seconds": self.copy_seconds,
        })
    }
}

impl Bulk {
    pub fn to_json(&self) -> Value {
        json!({
            "files": self.files.iter().map(Exported::to_json).collect::<Vec<_>>(),
            "peak_rss_kb_before": self.peak_kb[0], "peak_rss_kb_after": self.peak_kb[1],
        })
    }
}

impl fmt::Display for Bulk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\nexport without a governor, one file after the other, beside COPY of the same rows"
        )?;
        for file in &self.files {
            writeln!(f, "{}", file.line())?;
        }
        let (resources, seconds) =
            self.files.iter().fold((0, 0.0), |(resources, seconds), file| {
                (resources + file.resources, seconds + file.seconds)
            });
        let rate = resources as f64 / seconds;
        let [before, after] = self.peak_kb.map(|kb| kb as f64 / 1024.0);
        let kept = |within: bool| if within { "ok" } else { "over" };
        writeln!(
            f,
            "all of it            {resources:>9} resources  {rate:>8.0}/s (>=200000/s {}), memory at \
             most {after:.1} MB (before {before:.1}; <=64 MB {})",
            kept(rate >= BUDGET_PER_SECOND),
            kept(after <= MEMORY_CEILING_MB),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_copied_with_its_values_and_without_its_limit() {
        let text =
            "SELECT a FROM t WHERE a > $1 AND b = ANY(CAST($2 AS bpchar[])) ORDER BY a LIMIT $3";
        let values = ["it's", "{\"1\"}", "1001"].map(|value| Some(value.to_owned())).to_vec();
        let copy = copy(&Statement { text: text.to_owned(), values }).expect("a copy");
        let expected = "COPY (SELECT a FROM t WHERE a > 'it''s' AND b = ANY(CAST('{\"1\"}' AS \
                        bpchar[])) ORDER BY a) TO STDOUT";
        assert_eq!(copy, expected);
    }
}
