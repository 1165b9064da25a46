//! Whether a page far behind costs more than the first: pages are found by where the last one ended,
//! not by counting rows.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Arguments;
use super::load::Connection;
use super::served::Served;

const ROWS: usize = 50;
/// Of the pages on the way: a page token says where to go on, not how far.
const STRIDE: usize = 1000;
const TIMES: usize = 200;
/// For the way.
const WALK_PATIENCE: Duration = Duration::from_secs(60);
/// Slow pages are asked for less often.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub struct Paging {
    /// The page of 50 that was reached, counted from 1.
    pub page: usize,
    /// Medians.
    pub first: Duration,
    pub far: Duration,
}

pub async fn measure(genkan: &Served, arguments: &Arguments) -> Result<Paging> {
    eprintln!("walking to page {}", arguments.page);
    let mut connection = Connection::open(&genkan.address).await?;
    let first = format!("/fhir/Observation?_count={ROWS}");
    let mut next = format!("/fhir/Observation?_count={STRIDE}");
    let (mut rows, mut far) = (0, None);
    let began = Instant::now();
    while rows / ROWS + 1 < arguments.page && began.elapsed() < WALK_PATIENCE {
        let page = json(&mut connection, &next).await?;
        let Some(link) = next_link(&page) else { break };
        rows += page["entry"].as_array().map_or(0, Vec::len);
        far = Some(link.replace(&format!("_count={STRIDE}"), &format!("_count={ROWS}")));
        next = link;
    }
    let page = rows / ROWS + 1;
    let far = far.unwrap_or_else(|| first.clone());
    let (mut near_times, mut far_times) = (Vec::new(), Vec::new());
    let began = Instant::now();
    while near_times.is_empty() || (near_times.len() < TIMES && began.elapsed() < PATIENCE) {
        near_times.push(time(&mut connection, &first).await?);
        far_times.push(time(&mut connection, &far).await?);
    }
    near_times.sort();
    far_times.sort();
    let middle = near_times.len() / 2;
    Ok(Paging { page, first: near_times[middle], far: far_times[middle] })
}

async fn json(connection: &mut Connection, path: &str) -> Result<Value> {
    let answer = connection.get(path).await?;
    ensure!(answer.status() == "200", "{path}: {}", String::from_utf8_lossy(answer.body));
    serde_json::from_slice(answer.body).context("no JSON")
}

fn next_link(page: &Value) -> Option<String> {
    let link = page["link"].as_array()?.iter().find(|link| link["relation"] == "next")?;
    link["url"].as_str().map(str::to_owned)
}

async fn time(connection: &mut Connection, path: &str) -> Result<Duration> {
    let began = Instant::now();
    let answer = connection.get(path).await?;
    ensure!(answer.status() == "200", "{path}: {}", answer.status());
    Ok(began.elapsed())
}
