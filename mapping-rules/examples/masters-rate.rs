//! What the national masters cost: reading them, keeping them, comparing code maps with them and asking
//! them, on one core:
//! `cargo run --release -p genkan-mapping --example masters-rate -- RULES FILE…`. `RULES` is the folder of a rule
//! set with its `schema.yaml`; the files are masters as they are published, full ones before their updates.

use std::collections::BTreeMap;
use std::error::Error;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{FixedOffset, NaiveDate};
use genkan_mapping::program::{RuleSet, Site};
use genkan_mapping::terminology::{Asked, Content, Question, Terminology};
use genkan_mapping::{RuleFiles, SourceSchemas, compile, schema};
use genkan_masters::{Kind, Masters, Store, Words, read, system};

const SPAN: Duration = Duration::from_secs(2);
/// How this program asks itself for its memory in a process that did nothing else.
const RESIDENT: &str = "--resident";

type Any = Box<dyn Error>;

fn main() -> Result<(), Any> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, rules, packed] = arguments.as_slice()
        && flag == RESIDENT
    {
        return resident(Path::new(rules), Path::new(packed));
    }
    let [rules, files @ ..] = arguments.as_slice() else { return Err("RULES FILE…".into()) };
    let masters = imported(files)?;
    let begun = Instant::now();
    let bytes = masters.pack();
    println!("pack           {:>10.1} ms {:>8.1} MB", ms(begun), bytes.len() as f64 / 1e6);
    let packed = std::env::temp_dir().join(format!("masters-rate-{}.genkan", std::process::id()));
    std::fs::write(&packed, &bytes)?;
    drop((masters, bytes));
    let told = std::process::Command::new(std::env::current_exe()?)
        .args([RESIDENT.as_ref(), rules.as_ref(), packed.as_os_str()])
        .status();
    std::fs::remove_file(&packed)?;
    if told?.success() { Ok(()) } else { Err("the second process failed".into()) }
}

fn ms(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1e3
}

/// Time since `begun`, and how much of it this process was at work: on a shared machine they differ.
struct Clock {
    begun: Instant,
    cpu: f64,
}

impl Clock {
    fn start() -> Result<Self, Any> {
        Ok(Clock { begun: Instant::now(), cpu: Self::cpu()? })
    }

    fn told(&self) -> Result<String, Any> {
        Ok(format!("{:>10.1} ms {:>8.1} ms CPU", ms(self.begun), Self::cpu()? - self.cpu))
    }

    /// Milliseconds that the thread was at work.
    fn cpu() -> Result<f64, Any> {
        let told = std::fs::read_to_string("/proc/self/schedstat")?;
        let nanoseconds = told.split_whitespace().next().ok_or("an empty schedstat")?;
        Ok(nanoseconds.parse::<f64>()? / 1e6)
    }
}

/// Reads and applies each file; the diseases and drugs have a sum of their own.
fn imported(files: &[String]) -> Result<Masters, Any> {
    let mut masters = Masters::default();
    let mut receipts = Duration::ZERO;
    let day = NaiveDate::from_ymd_opt(2026, 4, 1).ok_or("a day")?;
    for (index, file) in files.iter().enumerate() {
        let bytes = std::fs::read(file)?;
        let begun = Instant::now();
        let name = Path::new(file).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let reading = read(&name, &bytes).map_err(|error| format!("{file}: {error}"))?;
        let took = begun.elapsed();
        let begun = Instant::now();
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&index.to_le_bytes());
        masters.apply(&reading, (&name, hash, day)).map_err(|error| format!("{file}: {error}"))?;
        if matches!(reading.kind, Kind::ReceiptDisease | Kind::ReceiptModifier | Kind::ReceiptDrug)
        {
            receipts += took + begun.elapsed();
        }
        println!(
            "{:<36} {:>6} rows {:>9.0} rows/s read {:>7.1} ms apply {:>7.1} ms",
            name,
            reading.rows,
            reading.rows as f64 / took.as_secs_f64(),
            took.as_secs_f64() * 1e3,
            ms(begun)
        );
    }
    println!("diseases, modifiers, drugs {:>10.2} s", receipts.as_secs_f64());
    Ok(masters)
}

/// What a server has and does of it: opening, comparing, asking; and its memory after each.
fn resident(rules: &Path, packed: &Path) -> Result<(), Any> {
    let files = RuleFiles(files(rules)?);
    let schemas: SourceSchemas =
        schema::parse(&std::fs::read_to_string(rules.join("schema.yaml"))?)
            .map_err(|diagnostic| diagnostic.message.en)?
            .into();
    let zone = FixedOffset::east_opt(9 * 3600).ok_or("a zone")?;
    let constants = BTreeMap::from([("institution_no".to_owned(), "1312345670".to_owned())]);
    let site = Site { constants, zone };
    let clock = Clock::start()?;
    let without = compile(&files, &schemas, &site, &Store::default());
    println!("rules alone    {}", clock.told()?);
    drop(without);
    let before = memory()?;
    let start = Clock::start()?;
    let store = Store::open(std::fs::read(packed)?)?;
    println!("open           {} {:>8.1} MB resident", start.told()?, memory()? - before);
    let clock = Clock::start()?;
    let compiled = compile(&files, &schemas, &site, &store);
    println!("rules compared {}", clock.told()?);
    let rows: usize = compiled.compared.iter().map(|one| one.rows).sum();
    println!("               {rows:>10} rows of code maps");
    let rules = Arc::new(compiled.rules.ok_or("the rules do not compile")?);
    let all = Terminology::new(Arc::clone(&rules), Arc::new(store));
    println!("start, in all  {} {:>8.1} MB resident", start.told()?, memory()? - before);
    let clock = Clock::start()?;
    black_box(all.systems().len());
    println!("catalog        {} {:>8.1} MB resident", clock.told()?, memory()? - before);
    asked(&all, &rules)?;
    println!(
        "in all                       {:>8.1} MB resident, every system searched",
        memory()? - before
    );
    Ok(())
}

fn asked(all: &Terminology, rules: &RuleSet) -> Result<(), Any> {
    let day = NaiveDate::from_ymd_opt(2026, 4, 1).ok_or("a day")?;
    let house: Vec<(&str, Vec<&str>)> = all
        .maps()
        .iter()
        .zip(&rules.code_maps)
        .map(|(map, code_map)| {
            let locals = map.rows.iter().map(|row| row.local.as_str()).collect();
            (code_map.local_system.as_str(), locals)
        })
        .collect();
    let locals: Vec<(&str, &str)> = house
        .iter()
        .flat_map(|(system, locals)| locals.iter().map(move |local| (*system, *local)))
        .collect();
    rate("translate", &locals, |(system, code)| {
        let (map, target_system, reverse) = (None, None, false);
        let question = Question { map, system, code, target_system, reverse, day };
        black_box(all.translate(&question).is_ok())
    });
    for url in [system::RECEIPT_DISEASE, system::ICD10, system::CORE_JLAC10, system::YJ] {
        let Some(place) = all.systems().iter().position(|one| one.url == url) else { continue };
        let set = Content::All(place);
        let asked = |text: &str, count| Asked {
            words: Words::of(text),
            day,
            active_only: false,
            offset: 0,
            count: Some(count),
            codes_max: 1000,
        };
        let title = &all.systems()[place].title;
        let begun = Instant::now();
        let first = all.expand(&set, &asked("糖尿病", 20)).map_or(0, |found| found.total);
        println!("{title}: {first} found, first search {:.1} ms", ms(begun));
        rate("  by words", &[()], |()| black_box(all.expand(&set, &asked("糖尿病", 20)).is_ok()));
        let some = all.expand(&set, &asked("", 500)).map_or(Vec::new(), |found| found.members);
        let codes: Vec<String> = some.into_iter().map(|member| member.coded.code).collect();
        rate("  lookup", &codes, |code| black_box(all.lookup((url, None), code, day).is_ok()));
    }
    for place in 0..all.systems().len() {
        let words = Words::of("薬");
        let asked =
            Asked { words, day, active_only: false, offset: 0, count: Some(1), codes_max: 1000 };
        black_box(all.expand(&Content::All(place), &asked).is_ok());
    }
    Ok(())
}

/// Asks one after the other, again and again.
fn rate<T>(name: &str, questions: &[T], ask: impl Fn(&T) -> bool) {
    let (begun, mut asked) = (Instant::now(), 0u32);
    for question in questions.iter().cycle() {
        ask(question);
        asked += 1;
        if begun.elapsed() >= SPAN {
            break;
        }
    }
    println!("{name:<14} {:>10.0} /s", f64::from(asked) / begun.elapsed().as_secs_f64());
}

/// Megabytes of this process in memory.
fn memory() -> Result<f64, Any> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    Ok(kilobytes.ok_or("no VmRSS in /proc/self/status")? / 1024.0)
}

/// The files of a rule set, as the compiler wants them.
fn files(folder: &Path) -> Result<Vec<(String, Vec<u8>)>, Any> {
    let mut files = Vec::new();
    for part in ["", "fragments", "codes", "lookups"] {
        let folder_of_part: PathBuf = folder.join(part);
        if !folder_of_part.is_dir() {
            continue;
        }
        for entry in std::fs::read_dir(folder_of_part)? {
            let path = entry?.path();
            let name = path.strip_prefix(folder)?.to_string_lossy().into_owned();
            let wanted = name.ends_with(".yaml") || name.ends_with(".csv");
            if path.is_file() && wanted && name != "schema.yaml" {
                files.push((name, std::fs::read(&path)?));
            }
        }
    }
    Ok(files)
}
