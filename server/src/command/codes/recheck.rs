//! `genkan codes recheck`: the rows of code maps that an update of the masters has outdated, those of most
//! patients first. Exit code 65: some row needs work.

mod report;

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use chrono::NaiveDate;
use clap::Args;
use genkan_mapping::codemap::{Outdated, recheck};
use genkan_mapping::emit::Emitter;
use genkan_mapping::program::RuleSet;
use genkan_mapping::{Span, Text};

use crate::coded_rows::{Looked, Pace, RowsArgs, has_code, patient, visit};
use crate::command::rules::plain_identity;
use crate::command::{ConfigArg, Failure, Manner, opening, printed};
use crate::config::Config;
use crate::service::wall_clock;
use crate::sources::Sources;

#[derive(Debug, Args)]
pub struct RecheckArgs {
    #[command(flatten)]
    config: ConfigArg,
    /// Folder of the rule set, if it is not the one of the configuration
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// The day on which codes have to be in use; today if not given
    #[arg(long, value_name = "YYYY-MM-DD")]
    on: Option<NaiveDate>,
    #[command(flatten)]
    rows: RowsArgs,
    /// As CSV, for spreadsheets
    #[arg(long)]
    csv: bool,
}

/// How often a row of a code map was used.
#[derive(Debug, Default)]
struct Used {
    rows: u64,
    patients: HashSet<u64>,
}

/// An outdated row; how often it was used, if that was counted.
struct Line {
    outdated: Outdated,
    used: Option<Used>,
}

struct Report {
    lines: Vec<Line>,
    looked: Vec<Looked>,
}

pub async fn run(args: &RecheckArgs, manner: Manner) -> Result<(), Failure> {
    let config = Config::load(&args.config.config)?;
    let directory = args.rules.clone().unwrap_or_else(|| config.rules.directory.clone());
    let files = opening::files(&directory)?;
    let site = config.site.site().map_err(Failure::usage)?;
    let masters = opening::masters(&config)?;
    if masters.imports().is_empty() {
        let file = config.codes.masters_file.display();
        return Err(Failure::usage(Text::new(
            format!("{file} holds no masters: import them with `genkan codes import`"),
            format!("{file} にマスタがありません。genkan codes import で取り込んでください"),
        )));
    }
    let on = args.on.unwrap_or_else(|| wall_clock(site.zone).date());
    // Without rows to count, nobody has to ask the hospital's database.
    if args.rows.rows == 0 {
        let schemas = opening::recorded_schemas(&directory, manner)?;
        let rules = opening::rules(&files, &schemas, &site, &masters, manner)?;
        return told(&rules, sorted(recheck(&rules, &files, &masters, on), None), args, manner);
    }
    let (sources, schemas) = opening::sources(&config).await?;
    let rules = opening::rules(&files, &schemas, &site, &masters, manner)?;
    let outdated = recheck(&rules, &files, &masters, on);
    let used = used(&sources, &rules, &outdated, &args.rows).await?;
    told(&rules, sorted(outdated, Some(used)), args, manner)
}

fn told(
    rules: &RuleSet,
    report: Report,
    args: &RecheckArgs,
    manner: Manner,
) -> Result<(), Failure> {
    match args.csv {
        true => report::print_csv(&report)?,
        false => report::print(&report, rules, manner),
    }
    if report.lines.is_empty() { Ok(()) } else { Err(Failure::rules()) }
}

type Counted = (BTreeMap<(u16, u32), Used>, Vec<Looked>);

/// How often the outdated rows give resources their codes: each leaf of a resource knows the row of the
/// map that it came from, so that dates and fallbacks count as they do for a reader.
async fn used(
    sources: &Sources,
    rules: &RuleSet,
    outdated: &[Outdated],
    args: &RowsArgs,
) -> Result<Counted, Failure> {
    let place = |span: Span| (span.file, span.line);
    let mut used: BTreeMap<(u16, u32), Used> =
        outdated.iter().map(|one| (place(one.span), Used::default())).collect();
    let maps: Vec<usize> = (0..rules.code_maps.len())
        .filter(|map| outdated.iter().any(|one| one.map == rules.code_maps[*map].id))
        .collect();
    let identity = plain_identity()?;
    let emitter = Emitter::new(rules, &identity);
    let with_codes = |rule: &_| has_code(rule, Some(&maps));
    let pace = Pace::Command(printed::rows_so_far());
    let looked = visit((sources, rules), with_codes, args, &pace, |index, record| {
        let (emitted, leaves) = emitter.preview(&rules.rules[index], record);
        let patient = patient(&emitted);
        let own = leaves.iter().filter(|leaf| !leaf.expression.contains(".contained["));
        let places: HashSet<(u16, u32)> =
            own.filter_map(|leaf| leaf.mapped_by).map(place).collect();
        for at in places {
            if let Some(used) = used.get_mut(&at) {
                used.rows += 1;
                used.patients.extend(patient);
            }
        }
    })
    .await?;
    Ok((used, looked))
}

/// Those of most patients first.
fn sorted(outdated: Vec<Outdated>, counted: Option<Counted>) -> Report {
    let (mut used, looked) =
        counted.map_or((None, Vec::new()), |(used, looked)| (Some(used), looked));
    let mut lines = Vec::new();
    for one in outdated {
        let used = used.as_mut().map(|used| {
            let used = used.get(&(one.span.file, one.span.line));
            used.map(|used| Used { rows: used.rows, patients: used.patients.clone() })
        });
        lines.push(Line { outdated: one, used: used.map(Option::unwrap_or_default) });
    }
    lines.sort_by_key(|line| {
        let weight = line.used.as_ref().map_or((0, 0), |used| (used.patients.len(), used.rows));
        (line.outdated.map.clone(), Reverse(weight), line.outdated.span.line)
    });
    Report { lines, looked }
}
