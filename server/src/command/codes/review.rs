//! `genkan codes review`: what somebody decides of rows of a code map, with who and when.

use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;
use genkan_mapping::codemap::MapRow;
use genkan_mapping::codemap::review::{Decision, Event, NotWritten};
use genkan_mapping::codemap::suggest::Suggester;
use genkan_mapping::{Language, Text};
use serde_json::json;

use super::suggest::unknown_map;
use crate::command::{ConfigArg, Failure, Manner, Output, opening};
use crate::config::Config;
use crate::review::{Document, Refused};
use crate::service::wall_clock;

#[derive(Debug, Args)]
pub struct ReviewArgs {
    /// Of codemaps.yaml
    map: String,
    /// House codes whose rows are meant; all of them change, or none
    #[arg(value_name = "CODE", required = true)]
    locals: Vec<String>,
    /// What the row is to be
    #[arg(long, value_parser = PossibleValuesParser::new(Event::ALL.map(Event::word)))]
    state: String,
    /// Who decides
    #[arg(long, value_name = "WHO")]
    by: String,
    /// Only the row of this target
    #[arg(long, value_name = "TARGET")]
    target: Option<String>,
    /// Only the row with this standard code; a new row gets it
    #[arg(long, value_name = "CODE")]
    standard: Option<String>,
    /// Only the row that begins on this day, as the file has it
    #[arg(long, value_name = "DAY")]
    valid_from: Option<String>,
    /// Why, for the note of the row
    #[arg(long)]
    note: Option<String>,
    #[command(flatten)]
    config: ConfigArg,
    /// Folder of the rule set, if it is not the one of the configuration
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
}

pub fn run(args: &ReviewArgs, manner: Manner) -> Result<(), Failure> {
    let config = Config::load(&args.config.config)?;
    let directory = args.rules.clone().unwrap_or_else(|| config.rules.directory.clone());
    let site = config.site.site().map_err(Failure::usage)?;
    let masters = std::sync::Arc::new(opening::masters(&config)?);
    let files = opening::files(&directory)?;
    let schemas = opening::recorded_schemas(&directory, manner)?;
    let rules = opening::rules(&files, &schemas, &site, &masters, manner)?;
    let map = rules.code_maps.iter().find(|map| map.id == args.map);
    let map = map.ok_or_else(|| unknown_map(&rules.code_maps, &args.map))?;
    let path = directory.join("codes").join(format!("{}.csv", map.id));
    let failed = |why: Refused| {
        let text = why.message(&path);
        match why {
            Refused::Change(_) => Failure::usage(text),
            Refused::Changed | Refused::File(_) => Failure::runtime(text),
        }
    };
    let Some(event) = Event::by_word(&args.state) else {
        return Err(Failure::usage("--state"));
    };
    let suggester = Suggester::new(masters.clone());
    let document = Document::read(&directory, &map.id).map_err(failed)?;
    let mut file = document.rows().map_err(failed)?;
    let mut rows = Vec::new();
    for local in &args.locals {
        let decision = Decision {
            local: local.clone(),
            name: None,
            target: args.target.clone(),
            code: args.standard.clone(),
            valid_from: args.valid_from.clone(),
            event,
            by: args.by.clone(),
            on: wall_clock(site.zone).date(),
            note: args.note.clone(),
        };
        let row = file.decide(map, &decision).map_err(|why| {
            let Text { en, ja } = Refused::from(why).message(&path);
            Failure::usage(Text::new(format!("{en} ({local})"), format!("{ja}（{local}）")))
        })?;
        let target = map.targets.iter().find(|target| target.id == row.target);
        let keeps = matches!(event, Event::Reject | Event::NoMap);
        if target.is_some_and(|target| suggester.denies(&target.system, &row.code)) && !keeps {
            return Err(failed(NotWritten::UnknownCode { target: row.target }.into()));
        }
        rows.push(row);
    }
    document.replace(&file, map, &masters).map_err(failed)?;
    rows.iter().for_each(|row| print(row, manner));
    Ok(())
}

fn print(row: &MapRow, manner: Manner) {
    let MapRow { local, target, code, status, reviewed_by, reviewed_at, .. } = row;
    match manner.output {
        Output::Json => say!(
            "{}",
            json!({
                "local": local, "target": target, "code": code, "state": status,
                "by": reviewed_by, "at": reviewed_at,
            })
        ),
        Output::Text => match manner.language {
            Language::English => {
                say!("{local} {target} {code}: {status} by {reviewed_by} on {reviewed_at}");
            }
            Language::Japanese => {
                say!("{local} {target} {code}: {status}（{reviewed_by}、{reviewed_at}）");
            }
        },
    }
}
