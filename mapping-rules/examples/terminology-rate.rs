//! How many questions about codes one core answers in a second, on the masters and the code map files
//! that are given: `cargo run --release -p genkan-mapping --example terminology-rate -- MASTERS MAP.csv`.
//! `MASTERS` is the file that `genkan codes import` writes.

use std::collections::BTreeMap;
use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{FixedOffset, NaiveDate};
use genkan_mapping::codemap::rows;
use genkan_mapping::program::{RuleFile, Site};
use genkan_mapping::terminology::{Asked, Content, Question, Terminology};
use genkan_mapping::{RuleFiles, SourceSchemas, compile, schema};
use genkan_masters::{Store, Words, system};

const SPAN: Duration = Duration::from_secs(2);
const SCHEMA: &str = "T: {key: [ID], columns: {ID: char(4)}}";
const RULE: &str = "rule: t\nresource: Basic\nfrom:\n  t: {table: T, key: [ID]}\nupdated: hash\n\
                    emit:\n  code: {text: = t.ID}\n";
const HOUSE: &str = "urn:house";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [masters, map] = arguments.as_slice() else { return Err("MASTERS MAP.csv".into()) };
    let bytes = std::fs::read(masters)?;
    let begun = Instant::now();
    let store = Arc::new(Store::open(bytes)?);
    println!("open           {:>10.1} ms", begun.elapsed().as_secs_f64() * 1e3);
    let csv = std::fs::read_to_string(map)?;
    let rules = Arc::new(rule_set(&csv)?);
    let begun = Instant::now();
    let all = Terminology::new(rules, Arc::clone(&store));
    println!("catalog        {:>10.1} ms", begun.elapsed().as_secs_f64() * 1e3);
    let day = NaiveDate::from_ymd_opt(2026, 4, 1).ok_or("a day")?;
    let diseases: Vec<String> =
        store.all(system::RECEIPT_DISEASE).map(|known| known.concept.code).collect();
    let locals: Vec<String> = rows(&csv).into_iter().map(|row| row.local).collect();
    rate("lookup", &diseases, |code| {
        black_box(all.lookup((system::RECEIPT_DISEASE, None), code, day).is_ok())
    });
    rate("translate", &locals, |code| {
        let (map, target_system, reverse) = (None, None, false);
        let question = Question { map, system: HOUSE, code, target_system, reverse, day };
        black_box(all.translate(&question).is_ok())
    });
    let place = all.systems.iter().position(|one| one.url == system::RECEIPT_DISEASE);
    let set = Content::All(place.ok_or("no diseases in these masters")?);
    let asked = |text: &str| Asked {
        words: Words::of(text),
        day,
        active_only: false,
        offset: 0,
        count: Some(20),
        codes_max: 1000,
    };
    for (name, asked) in [("expand, page", asked("")), ("expand, words", asked("糖尿病"))] {
        rate(name, &diseases, |_| black_box(all.expand(&set, &asked).is_ok()));
    }
    Ok(())
}

/// Asks one after the other, again and again.
fn rate(name: &str, codes: &[String], ask: impl Fn(&str) -> bool) {
    let (begun, mut asked) = (Instant::now(), 0u32);
    for code in codes.iter().cycle() {
        ask(code);
        asked += 1;
        if begun.elapsed() >= SPAN {
            break;
        }
    }
    println!("{name:<14} {:>10.0} /s", f64::from(asked) / begun.elapsed().as_secs_f64());
}

/// A rule set with this file as its one code map.
fn rule_set(csv: &str) -> Result<genkan_mapping::program::RuleSet, Box<dyn Error>> {
    let mut targets: Vec<String> = rows(csv).into_iter().map(|row| row.target).collect();
    targets.sort_unstable();
    targets.dedup();
    targets.retain(|target| !target.is_empty());
    let listed: String =
        targets.iter().map(|id| format!("    - {{id: {id}, system: 'urn:{id}'}}\n")).collect();
    let maps = format!(
        "m:\n  local: {{system: '{HOUSE}', emit: always}}\n  targets:\n{listed}  unmapped: {{policy: warn}}\n"
    );
    let files = [("t.map.yaml", RULE), ("codes/codemaps.yaml", &maps), ("codes/m.csv", csv)];
    let files = files.map(|(path, text)| RuleFile { path: path.to_owned(), text: text.to_owned() });
    let files = files.map(|file| (file.path, file.text.into_bytes()));
    let schemas: SourceSchemas = schema::parse(SCHEMA).map_err(|d| d.message.en)?.into();
    let zone = FixedOffset::east_opt(9 * 3600).ok_or("a zone")?;
    let site = Site { constants: BTreeMap::new(), zone };
    let compiled = compile(&RuleFiles(files.into()), &schemas, &site, &Store::default());
    compiled.rules.ok_or_else(|| format!("{:?}", compiled.diagnostics).into())
}
