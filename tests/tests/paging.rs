//! Paging as a promise: whatever is asked, in whatever order and page size, and whatever is written
//! meanwhile, the pages of a search are disjoint and hold every resource that was there from the
//! first page to the last, in order. What comes in behind the place where a page ended may be shown
//! late, because shown out of order is better than not shown.

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use anyhow::{Context, Result, ensure};
use genkan_tests::harness::{Database, Engine, Genkan, available_engines};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use serde_json::Value;
use tempfile::TempDir;

/// Two tables whose resources are one type: a search merges them.
const RULES: [(&str, &str); 2] = [
    (
        "event.map.yaml",
        "rule: event\nresource: Observation\nfrom:\n  e: {table: ev, key: [no]}\nemit:\n  status: final\n  \
         code: {coding: [{system: \"urn:k\", code: = e.kind}]}\n  effectiveDateTime: = e.day | date\n",
    ),
    (
        "note.map.yaml",
        "rule: note\nresource: Observation\nfrom:\n  n: {table: note, key: [ward, no]}\nemit:\n  status: final\n  \
         code: {coding: [{system: \"urn:k\", code: = n.kind}]}\n  effectiveDateTime: = n.day | date\n",
    ),
];

/// Room between two rows for those that come in later.
const GAP: u32 = 100_000;

struct Random(ChaCha8Rng);

impl Random {
    fn below(&mut self, bound: u32) -> u32 {
        u32::try_from((u64::from(self.0.next_u32()) * u64::from(bound)) >> 32).unwrap_or(0)
    }

    /// A row of one of the tables; few days and kinds, so that many rows are alike.
    fn row(&mut self, number: u32) -> String {
        let day = match self.below(10) {
            0 => "NULL".to_owned(),
            _ => format!("'202604{:02}'", 1 + self.below(9)),
        };
        let kind = ["a", "b", "c"][self.below(3) as usize];
        if self.below(2) == 0 {
            format!("INSERT INTO ev VALUES ({number}, {day}, '{kind}')")
        } else {
            let ward = ["E1", "W2"][self.below(2) as usize];
            format!("INSERT INTO note VALUES ('{ward}', {number}, {day}, '{kind}')")
        }
    }
}

fn hospital(
    engine: Engine,
    random: &mut Random,
    rows: u32,
) -> Result<Option<(Database, Genkan, TempDir)>> {
    let Some(database) = Database::create(engine)? else { return Ok(None) };
    let mut statements = vec![
        "CREATE TABLE ev (no integer PRIMARY KEY, day char(8), kind char(1))".to_owned(),
        "CREATE TABLE note (ward char(4), no integer, day char(8), kind char(1), PRIMARY KEY (ward, no))".to_owned(),
    ];
    statements.extend((0..rows).map(|number| random.row(number * GAP)));
    database.run(&statements.join(";"))?;
    let folder = TempDir::new()?;
    fs::create_dir(folder.path().join("rules"))?;
    for (name, text) in RULES {
        fs::write(folder.path().join("rules").join(name), text)?;
    }
    let config = genkan_tests::hospital::own_configuration(&database, folder.path())?;
    let genkan = Genkan::serve_file(&config)?;
    Ok(Some((database, genkan, folder)))
}

#[derive(Debug, Clone, PartialEq)]
struct Seen {
    id: String,
    day: Option<String>,
}

fn page(genkan: &Genkan, path: &str) -> Result<(Vec<Seen>, Option<String>)> {
    let answer = genkan.get(path)?;
    ensure!(answer.status == 200, "{path}: {} {}", answer.status, answer.text());
    let bundle = answer.json()?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let entries = bundle["entry"].as_array().map(Vec::as_slice).unwrap_or_default();
    let seen = entries.iter().filter(|entry| entry["search"]["mode"] == "match").map(|entry| {
        let resource = &entry["resource"];
        Some(Seen { id: text(&resource["id"])?, day: text(&resource["effectiveDateTime"]) })
    });
    let links = bundle["link"].as_array().map(Vec::as_slice).unwrap_or_default();
    let next = links.iter().find(|link| link["relation"] == "next");
    let next =
        next.and_then(|link| text(&link["url"])).map(|url| url.replacen(&genkan.base, "", 1));
    Ok((seen.collect::<Option<_>>().context("ids")?, next))
}

/// All pages; between two pages, `meanwhile` runs.
fn pages(
    genkan: &Genkan,
    first: &str,
    mut meanwhile: impl FnMut() -> Result<()>,
) -> Result<Vec<Seen>> {
    let mut all = Vec::new();
    let mut next = Some(first.to_owned());
    while let Some(path) = next {
        let (seen, further) = page(genkan, &path)?;
        ensure!(!seen.is_empty() || further.is_none(), "an empty page that goes on");
        all.extend(seen);
        ensure!(all.len() < 10_000, "paging does not end");
        next = further;
        meanwhile()?;
    }
    Ok(all)
}

/// Those that were there all the time.
fn throughout(seen: &[Seen], before: &[Seen]) -> Vec<Seen> {
    seen.iter().filter(|seen| before.contains(seen)).cloned().collect()
}

/// No day sorts first when ascending and last when descending.
fn in_order(seen: &[Seen], descending: bool) -> bool {
    let days: Vec<&Option<String>> = seen.iter().map(|seen| &seen.day).collect();
    days.windows(2).all(|pair| if descending { pair[0] >= pair[1] } else { pair[0] <= pair[1] })
}

fn search(random: &mut Random) -> (String, Option<bool>) {
    let (sort, descending) =
        [("", None), ("&_sort=date", Some(false)), ("&_sort=-date", Some(true))]
            [random.below(3) as usize];
    let filter = [
        "",
        "&code=a",
        "&code=a,b",
        "&date=ge2026-04-03",
        "&date=lt2026-04-08&code=c",
        "&date:missing=true",
    ][random.below(6) as usize];
    let count = [2, 5, 9, 50][random.below(4) as usize];
    (format!("/fhir/Observation?_count={count}{filter}{sort}"), descending)
}

#[test]
fn pages_are_disjoint_ordered_and_complete_while_rows_are_inserted() -> Result<()> {
    for engine in available_engines()? {
        let mut random = Random(ChaCha8Rng::seed_from_u64(7));
        let Some((database, genkan, _folder)) = hospital(engine, &mut random, 60)? else {
            continue;
        };
        let written = AtomicU32::new(1);
        for round in 0..10 {
            let (path, descending) = search(&mut random);
            let before = pages(&genkan, &path, || Ok(()))?;
            let seen = pages(&genkan, &path, || {
                // Numbers between those that are there, so that rows come in everywhere.
                let number = written.fetch_add(1, Ordering::Relaxed);
                let number = random.below(60) * GAP + number;
                database.run(&random.row(number))
            })?;
            let ids: BTreeSet<&str> = seen.iter().map(|seen| seen.id.as_str()).collect();
            let told = || format!("{engine:?}, round {round}: {path}");
            ensure!(ids.len() == seen.len(), "{}: a resource on two pages", told());
            let lost = before.iter().find(|before| !ids.contains(before.id.as_str()));
            ensure!(lost.is_none(), "{}: {lost:?} was there all the time and on no page", told());
            if let Some(descending) = descending {
                let seen = throughout(&seen, &before);
                ensure!(in_order(&seen, descending), "{}: out of order: {seen:?}", told());
            }
        }
    }
    Ok(())
}

#[test]
fn a_writer_that_never_rests_loses_no_resource_from_a_search() -> Result<()> {
    for engine in available_engines()? {
        let mut random = Random(ChaCha8Rng::seed_from_u64(11));
        let Some((database, genkan, _folder)) = hospital(engine, &mut random, 40)? else {
            continue;
        };
        let stop = AtomicBool::new(false);
        let path = "/fhir/Observation?_sort=date&_count=3";
        let before = pages(&genkan, path, || Ok(()))?;
        let found = std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                let mut written = 0;
                while !stop.load(Ordering::Relaxed) && written < 300 {
                    written += 1;
                    let number = random.below(40) * GAP + written;
                    database.run(&random.row(number))?;
                }
                anyhow::Ok(written)
            });
            let found = pages(&genkan, path, || Ok(()));
            stop.store(true, Ordering::Relaxed);
            let written = writer.join().map_err(|_| anyhow::anyhow!("the writer panicked"))??;
            ensure!(written > 0, "nothing was written meanwhile");
            found
        })?;
        let ids: BTreeSet<&str> = found.iter().map(|seen| seen.id.as_str()).collect();
        ensure!(ids.len() == found.len(), "{engine:?}: a resource on two pages");
        let old = throughout(&found, &before);
        ensure!(in_order(&old, false), "{engine:?}: out of order: {old:?}");
        for seen in before {
            ensure!(ids.contains(seen.id.as_str()), "{engine:?}: {seen:?} was lost");
        }
    }
    Ok(())
}
