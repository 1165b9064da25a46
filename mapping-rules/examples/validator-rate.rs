//! What validation costs on one core, with Genkan's own profiles, and packages and masters where they are
//! given: `cargo run --release -p genkan-mapping --example validator-rate -- FILE…`. Each file is what its
//! extension says: `.genkan` masters as `genkan codes import` wrote them, `.tgz` a package, `.json` or `.xml`
//! a resource to validate. A resource is looked at by itself; of a Bundle, one of 10 MB is made too.

use std::error::Error;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use genkan_fhir::definitions::Definitions;
use genkan_fhir::fhirpath::{Context, Expression, Item, Node, Resolved};
use genkan_fhir::validation::{CodeQuestion, Package, Profiles, Text, Validator, ValueSets};
use genkan_mapping::conformance::{self, Codes, PlannedProfile, WholeSets};
use genkan_masters::Store;
use serde_json::{Value, json};

const SPAN: Duration = Duration::from_secs(2);
const LARGE_BYTES: usize = 10_000_000;
/// How this program asks itself for a large file in a process that did nothing else.
const LARGE: &str = "--large";

type Any = Box<dyn Error>;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Any> {
    let begun = Instant::now();
    let mut paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let is_large = paths.first().is_some_and(|path| path.as_os_str() == LARGE);
    paths.drain(..usize::from(is_large));
    let with = |extensions: &[&str]| -> Vec<&Path> {
        let is_one = |path: &&Path| {
            let extension = path.extension().and_then(|extension| extension.to_str());
            extension.is_some_and(|extension| extensions.contains(&extension))
        };
        paths.iter().map(PathBuf::as_path).filter(is_one).collect()
    };
    let (profiles, value_sets, own) = definitions(&with(&["tgz"]))?;
    let defined = ms(begun);
    let opened = Instant::now();
    let masters = match with(&["genkan"]).first() {
        Some(path) => Store::open(std::fs::read(path)?)?,
        None => Store::default(),
    };
    let of_masters = WholeSets::of(&own);
    let codes = Codes::new(&masters, &of_masters);
    let opened = ms(opened);
    let lookup = |question: &CodeQuestion<'_>| codes.ask(question);
    let validator = Validator::new(&profiles, &value_sets).with_lookup(&lookup);
    let files = with(&["json", "xml"]);
    let first = files.first().ok_or("no resource")?;
    if is_large {
        return measured(&validator, &std::fs::read(first)?);
    }
    println!("definitions    {defined:>9.1} ms");
    println!("masters        {opened:>9.1} ms");
    validator.validate(&std::fs::read(first)?, None, &[]);
    println!("first verdict  {:>9.1} ms after the start", ms(begun));
    for path in &files {
        let source = std::fs::read(path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        println!("{name}");
        alone(&validator, &source);
        invariants(&source);
    }
    println!("resident       {:>9.1} MB, at most {:.1} MB", memory("VmRSS")?, memory("VmHWM")?);
    let others: Vec<&Path> = with(&["genkan", "tgz"]);
    files.iter().try_for_each(|path| large(&std::fs::read(path)?, &others))
}

/// Genkan's own for all guides, and those of packages on top.
fn definitions(packages: &[&Path]) -> Result<(Profiles, ValueSets, Vec<Value>), Any> {
    let (mut profiles, mut value_sets) = (Profiles::default(), ValueSets::default());
    let planned = conformance::planned(&conformance::built_in(), None);
    let planned = planned.map_err(|_| "the profiles that come with Genkan")?;
    for PlannedProfile { url, version, make } in planned.profiles {
        profiles.add_later(url, Some(version), make);
    }
    let own = planned.value_sets;
    for resource in &own {
        value_sets.add(resource);
    }
    for path in packages {
        for resource in Package::read(&std::fs::read(path)?)?.resources {
            if resource["resourceType"] == "StructureDefinition" {
                profiles.add(resource)?;
            } else {
                value_sets.add(&resource);
            }
        }
    }
    Ok((profiles, value_sets, own))
}

/// Again and again, each by itself.
fn alone(validator: &Validator<'_>, source: &[u8]) {
    let report = validator.validate(source, None, &[]);
    let reading = rate("  read", &|| Text::of(source).read(None).tree.is_some());
    let whole = rate("  validate", &|| validator.validate(source, None, &[]).is_valid());
    println!(
        "  {} bytes, {} profiles, {} findings; {:.0} % of it reading",
        source.len(),
        report.profiles.len(),
        report.findings.len(),
        100.0 * whole / reading
    );
}

/// How many each second; the best tenth of the batches counts, for other work on the machine only makes the
/// others slower.
fn rate(name: &str, work: &dyn Fn() -> bool) -> f64 {
    let (begun, mut taken) = (Instant::now(), Vec::new());
    while begun.elapsed() < SPAN {
        let one = Instant::now();
        black_box(work());
        taken.push(one.elapsed());
    }
    taken.sort();
    let at = |share: usize| taken.get(taken.len() * share / 1000).copied().unwrap_or_default();
    let rate = 1.0 / at(100).as_secs_f64();
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    println!(
        "{name:<14} {rate:>9.0} /s {:>8.1} µs, half {:.1} µs, 99 % {:.1} µs",
        micros(at(100)),
        micros(at(500)),
        micros(at(990))
    );
    rate
}

/// R4's own invariants on every element, on the document as it was read and on its JSON.
fn invariants(source: &[u8]) {
    let text = Text::of(source);
    let reading = text.read(None);
    let root = reading.tree.as_ref().and_then(|tree| tree.root());
    if let Some(root) = root.and_then(Node::of_written_resource) {
        evaluated("  as read", root);
    }
    let json: Option<Value> = serde_json::from_slice(source).ok();
    if let Some(root) = json.as_ref().and_then(Node::of_resource) {
        evaluated("  as JSON", root);
    }
}

fn evaluated(name: &str, root: Node<'_>) {
    let Ok(all) = Expression::compile("descendants()") else { return };
    let Ok(below) = all.evaluate(&Context::of_node(root)) else { return };
    let nodes = std::iter::once(root).chain(below.items().iter().filter_map(Item::node));
    let mut compiled: Vec<Expression> = Vec::new();
    let mut places: Vec<(usize, Node<'_>)> = Vec::new();
    for node in nodes {
        let path = node.type_path();
        let of_type = if path.contains('.') { "BackboneElement" } else { path };
        for invariant in Definitions::r4().invariants(of_type) {
            let known = compiled.iter().position(|known| known.text() == invariant.expression);
            let place = known.unwrap_or(compiled.len());
            if known.is_none() {
                compiled.extend(Expression::compile(invariant.expression));
            }
            places.push((place, node));
        }
    }
    let nothing = |_: &str| Resolved::Nothing;
    let good = |_: &str| true;
    let context = Context::of_node(root).with_resolver(&nothing).with_html_checks(&good);
    let rate = rate(name, &|| {
        let holding = places.iter().filter(|(place, node)| {
            compiled.get(*place).is_some_and(|of| of.holds(&context.at(*node)) == Ok(true))
        });
        holding.count() > 0
    });
    println!("  {} invariants, {:.2} million/s", places.len(), rate * places.len() as f64 / 1e6);
}

/// A Bundle of 10 MB: its entries after the first one, which may be there once, again and again.
fn large(source: &[u8], others: &[&Path]) -> Result<(), Any> {
    let Ok(mut bundle) = serde_json::from_slice::<Value>(source) else { return Ok(()) };
    let Some([first, rest @ ..]) = bundle["entry"].as_array().map(Vec::as_slice) else {
        return Ok(());
    };
    let each: usize = rest.iter().map(|entry| entry.to_string().len()).sum();
    let count = LARGE_BYTES.checked_div(each).unwrap_or_default() * rest.len();
    let numbered = |(index, entry): (usize, &Value)| {
        let mut entry = entry.clone();
        if index >= rest.len() {
            entry["fullUrl"] = json!(format!("urn:uuid:00000000-0000-4000-8000-{index:012}"));
            entry["resource"]["id"] = json!(format!("n{index}"));
        }
        entry
    };
    let repeated = rest.iter().cycle().take(count).enumerate().map(numbered);
    bundle["entry"] = std::iter::once(first.clone()).chain(repeated).collect();
    let path = std::env::temp_dir().join(format!("validator-rate-{}.json", std::process::id()));
    std::fs::write(&path, bundle.to_string())?;
    let mut itself = std::process::Command::new(std::env::current_exe()?);
    let told = itself.arg(LARGE).args(others).arg(&path).status();
    std::fs::remove_file(&path)?;
    if told?.success() { Ok(()) } else { Err("the second process failed".into()) }
}

/// The best of a few times, and what it takes of memory.
fn measured(validator: &Validator<'_>, source: &[u8]) -> Result<(), Any> {
    let resident = memory("VmRSS")?;
    let (mut best, mut findings) = (f64::INFINITY, 0);
    for _ in 0..5 {
        let begun = Instant::now();
        findings = validator.validate(source, None, &[]).findings.len();
        best = best.min(ms(begun));
    }
    let read = Instant::now();
    black_box(Text::of(source).read(None).tree.is_some());
    println!(
        "Bundle of {:.1} MB: {best:.0} ms, of which reading {:.0} ms; {findings} findings; \
         {resident:.1} MB resident with it, at most {:.1} MB",
        source.len() as f64 / 1e6,
        ms(read),
        memory("VmHWM")?
    );
    Ok(())
}

fn ms(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1e3
}

/// Megabytes of this process in memory: `VmRSS` now, `VmHWM` at most.
fn memory(which: &str) -> Result<f64, Any> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(which)?.strip_prefix(':'));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    Ok(kilobytes.ok_or("no such line in /proc/self/status")? / 1024.0)
}
