//! `genkan demo`: an invented hospital on SQLite, the built-in rules over it, served on this machine.
//! It writes into one folder and nowhere else.

mod examples;
mod folder;

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use actix_web::web;
use anyhow::Context;
use clap::Args;
use genkan_adapter::Adapter;
use genkan_adapter_sql::SqlConfig;
use genkan_demo_hospital::{Hospital, Target, fill};
use genkan_mapping::RuleFiles;
use genkan_masters::Store;
use include_dir::{Dir, include_dir};

use crate::command::{Failure, Manner, opening};
use crate::http::{self, HttpConfig};
use crate::identity::{IdentityConfig, KeyConfig, Mode};
use crate::log;
use crate::log::{Level, LogConfig};
use crate::service::{FhirConfig, Served, Service};
use crate::sources::Sources;
use crate::telemetry::{Telemetry, TelemetryConfig};

/// So that the demo works wherever the binary is.
static RULES: Dir = include_dir!("$CARGO_MANIFEST_DIR/../mapping-rules/rules/demo-hospital");

const PORT: u16 = 8080;
/// Ports to try after the first one.
const PORTS_MORE: u16 = 20;

#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Address to listen on; 127.0.0.1:8080, or the next free port, if not given
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Patients of the hospital
    #[arg(long, default_value_t = 300)]
    patients: u32,
    /// The same seed makes the same hospital
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Folder for the database and the site key; in the user's cache if not given
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Another rule set than the built-in one: try your own changes
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
}

pub async fn run(args: &DemoArgs, manner: Manner) -> Result<(), Failure> {
    log::start(&LogConfig { level: Level::Warn, ..LogConfig::default() });
    let directory = args.directory.clone().unwrap_or_else(default_directory);
    std::fs::create_dir_all(&directory).with_context(|| directory.display().to_string())?;
    let database = hospital(args, &directory).await?;
    let files = match &args.rules {
        Some(rules) => opening::files(rules)?,
        None => built_in_rules(),
    };
    let built_in = built_in_rules();
    let config = folder::keep(&directory, &database, args.rules.as_deref(), &built_in)?;
    let service = service(&directory, &database, &files, manner).await?;
    let listener = match &args.listen {
        Some(address) => opening::listener(address)?,
        None => free_port()?,
    };
    let address = listener.local_addr().context("no local address")?;
    let base = format!("http://{address}/fhir");
    say!("genkan demo: みなと総合病院, {} patients, {}", args.patients, database.display());
    say!("{base}\n");
    for example in examples::of(&service, &base).await {
        say!("{}  {}\n    curl '{}'\n", example.title, example.title_ja, example.url);
    }
    say!(
        "the same hospital for the other commands, its rules to change  他のコマンド用の設定と規則"
    );
    say!("    --config {}\n", config.display());
    if let (None, Some(changed)) = (&args.rules, folder::changed_rules(&directory, &built_in)) {
        say!("these rules are not the built-in ones that are served here; to serve them:");
        say!("組み込みの規則とは異なります。この規則で動かすには:");
        say!("    genkan demo --rules {}\n", changed.display());
    }
    say!("Ctrl-C ends it / Ctrl-C で終了");
    let served = web::Data::new(Served::new(service));
    let silent = Telemetry::start(&TelemetryConfig::default(), false).map_err(Failure::usage)?;
    http::serve(served, web::Data::new(silent), &HttpConfig::default(), listener, None).await?;
    Ok(())
}

fn default_directory() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let cache = set("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| set("HOME").map(|home| Path::new(&home).join(".cache")));
    cache.map_or_else(|| PathBuf::from("genkan-demo"), |cache| cache.join("genkan-demo"))
}

/// The database of this seed and size; made if it is not there yet.
async fn hospital(args: &DemoArgs, directory: &Path) -> anyhow::Result<PathBuf> {
    let name = format!("hospital-{}-{}.db", args.patients, args.seed);
    let database = directory.join(&name);
    if database.exists() {
        return Ok(database);
    }
    // A half-made hospital must never be taken for a whole one.
    let unfinished = directory.join(format!("{name}.unfinished"));
    if unfinished.exists() {
        std::fs::remove_file(&unfinished).with_context(|| unfinished.display().to_string())?;
    }
    let hospital = Hospital { patients: args.patients, ..Hospital::demo(args.seed) };
    let target: Target = format!("sqlite://{}", unfinished.display()).parse()?;
    let progress = genkan_demo_hospital::fill::progress_bar(&hospital);
    fill(&target, &hospital, &progress).await?;
    std::fs::rename(&unfinished, &database).with_context(|| database.display().to_string())?;
    Ok(database)
}

async fn service(
    directory: &Path,
    database: &Path,
    files: &RuleFiles,
    manner: Manner,
) -> Result<Service, Failure> {
    let config = folder::site_config();
    let site = config.site().map_err(Failure::usage)?;
    let source = SqlConfig::new(format!("sqlite:{}", database.display()));
    let adapter = opening::source(&source, "[source]").await?;
    let schemas = adapter.schema().await?.into();
    let rules = opening::rules(files, &schemas, &site, &Store::default(), manner)?;
    let keys = vec![KeyConfig { generation: 'a', secret_file: site_key(directory)? }];
    let identity = opening::identity(&IdentityConfig { mode: Mode::Opaque, keys }, manner)?;
    // As the file says that is written beside the database.
    let fhir = FhirConfig { explain: true, ..FhirConfig::default() };
    let http = HttpConfig::default();
    let sources = Sources::of_one(Arc::new(adapter));
    Ok(Service::new(config.name, rules, identity, sources, &fhir, &http))
}

fn built_in_rules() -> RuleFiles {
    fn add(folder: &Dir, files: &mut Vec<(String, Vec<u8>)>) {
        for file in folder.files() {
            let path = file.path().to_string_lossy().replace('\\', "/");
            files.push((path, file.contents().to_vec()));
        }
        folder.dirs().for_each(|folder| add(folder, files));
    }
    let mut files = Vec::new();
    add(&RULES, &mut files);
    RuleFiles(files)
}

/// A random key for this folder, so that ids of the demo mean nothing elsewhere.
fn site_key(directory: &Path) -> anyhow::Result<PathBuf> {
    let path = directory.join("site.key");
    if !path.exists() {
        let mut secret = [0u8; 32];
        getrandom::fill(&mut secret)
            .map_err(|error| anyhow::anyhow!("no randomness from the system: {error}"))?;
        let text = data_encoding::HEXLOWER.encode(&secret);
        write_secret(&path, &text).with_context(|| path.display().to_string())?;
    }
    Ok(path)
}

/// For this account only, from its first moment.
fn write_secret(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

fn free_port() -> anyhow::Result<TcpListener> {
    let mut ports = PORT..=PORT + PORTS_MORE;
    ports
        .find_map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok())
        .with_context(|| format!("no free port from {PORT} to {}", PORT + PORTS_MORE))
}
