//! `genkan codes export-map` and `import-map`: a code map as a ConceptMap, with all of its rows, and the
//! CSV of a ConceptMap.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use genkan_mapping::Text;
use genkan_mapping::codemap::concept_map::{NoRows, concept_map, rows_of};
use genkan_mapping::codemap::csv;
use genkan_mapping::terminology::{Map, Terminology};
use serde_json::Value;

use super::masters_file::replace;
use super::suggest::unknown_map;
use crate::command::rules::{Workshop, WorkshopArgs};
use crate::command::{Failure, Manner};

/// A map of a million rows is smaller.
const FILE_BYTES_MAX: u64 = 1024 * 1024 * 1024;

#[derive(Debug, Args)]
pub struct ExportMapArgs {
    /// Its name in codemaps.yaml
    map: String,
    #[command(flatten)]
    workshop: WorkshopArgs,
    /// Where to write it; printed if not given
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct ImportMapArgs {
    /// The map in codemaps.yaml whose rows these are to be
    map: String,
    /// A ConceptMap in JSON
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    workshop: WorkshopArgs,
    /// The CSV to write, as codes/disease.csv; printed if not given
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub async fn export(args: &ExportMapArgs, manner: Manner) -> Result<(), Failure> {
    let terminology = terminology(&args.workshop, manner).await?;
    let map = named(&terminology, &args.map)?;
    let frame = terminology.frame(map);
    let resource = concept_map(terminology.code_map(map), &frame, map.rows.iter());
    put(args.out.as_deref(), &format!("{resource:#}\n"))
}

pub async fn import(args: &ImportMapArgs, manner: Manner) -> Result<(), Failure> {
    let shown = args.file.display();
    let size = std::fs::metadata(&args.file).with_context(|| shown.to_string())?.len();
    if size > FILE_BYTES_MAX {
        return Err(Failure::usage(format!("{shown}: more than {FILE_BYTES_MAX} bytes")));
    }
    let bytes = std::fs::read(&args.file).with_context(|| shown.to_string())?;
    let resource: Value = serde_json::from_slice(&bytes)
        .map_err(|error| Failure::runtime(format!("{shown}: no JSON: {error}")))?;
    let terminology = terminology(&args.workshop, manner).await?;
    let map = named(&terminology, &args.map)?;
    let rows = rows_of(terminology.code_map(map), &resource).map_err(|NoRows(wrong)| {
        let list = |of: fn(&Text) -> &String| {
            let lines = wrong.iter().map(|(place, text)| format!("{shown}: {place}: {}", of(text)));
            lines.collect::<Vec<_>>().join("\n")
        };
        Failure::runtime(Text::new(list(|text| &text.en), list(|text| &text.ja)))
    })?;
    put(args.out.as_deref(), &csv(&rows))
}

async fn terminology(args: &WorkshopArgs, manner: Manner) -> Result<Terminology, Failure> {
    let workshop = Workshop::open(args, manner).await?;
    Ok(Terminology::new(Arc::new(workshop.rules), Arc::default()))
}

fn named<'t>(terminology: &'t Terminology, name: &str) -> Result<&'t Map, Failure> {
    let found = terminology.maps().iter().find(|map| terminology.code_map(map).id == name);
    found.ok_or_else(|| {
        unknown_map(terminology.maps().iter().map(|map| terminology.code_map(map)), name)
    })
}

fn put(out: Option<&Path>, text: &str) -> Result<(), Failure> {
    match out {
        Some(path) => replace(path, text.as_bytes()),
        None => {
            say!("{}", text.trim_end_matches('\n'));
            Ok(())
        }
    }
}
