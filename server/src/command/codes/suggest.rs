//! `genkan codes suggest`: standard codes that the house codes of a map may be, ranked, with reasons.
//!
//! House codes are those of the source's rows that show no standard code, or those of a CSV. Nothing is
//! written unless asked for, and nothing serves unless somebody accepts it or asks for that too.

mod given;
mod report;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::NaiveDate;
use clap::Args;
use genkan_mapping::Text;
use genkan_mapping::codemap::review::State;
use genkan_mapping::codemap::suggest::{Suggester, Suggestion, proposed};
use genkan_mapping::codemap::{CodeMap, MapRow};
use genkan_mapping::program::RuleSet;
use genkan_masters::Store;
use genkan_masters::suggest::{HouseCode, Unsearchable};

use crate::coded_rows::{Looked, Pace, RowsArgs};
use crate::command::{ConfigArg, Failure, Manner, opening, printed};
use crate::config::Config;
use crate::review::{Document, Seen, seen};
use crate::service::wall_clock;

#[derive(Debug, Args)]
pub struct SuggestArgs {
    /// Of codemaps.yaml; all of them if not given
    map: Option<String>,
    #[command(flatten)]
    config: ConfigArg,
    /// Folder of the rule set, if it is not the one of the configuration
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// Only this house code; may be given several times
    #[arg(long = "code", value_name = "CODE")]
    codes: Vec<String>,
    /// House codes of a CSV instead of the source's rows: code, name, and what else is known (kana, unit,
    /// material, method, ingredient, strength, form, maker, median)
    #[arg(long, value_name = "FILE", requires = "map")]
    from_file: Option<PathBuf>,
    /// Candidates that are shown for each target
    #[arg(long, value_name = "N", default_value_t = 5)]
    top: usize,
    /// Less likely candidates are left out
    #[arg(long, value_name = "0..1", default_value_t = 0.01)]
    at_least: f64,
    #[command(flatten)]
    rows: RowsArgs,
    /// As CSV, for spreadsheets
    #[arg(long)]
    csv: bool,
    /// Write what is shown into the code maps, as `proposed` rows
    #[arg(long)]
    write: bool,
    /// What is the only one with the very code or name is written as `auto`, and serves at once
    #[arg(long, requires = "write", requires = "by")]
    accept_exact: bool,
    /// Who answers for --accept-exact
    #[arg(long, value_name = "WHO")]
    by: Option<String>,
}

/// A house code with its candidates.
struct Line {
    map: usize,
    house: HouseCode,
    /// If rows were read.
    seen: Option<Seen>,
    suggestions: Vec<Suggestion>,
}

struct Report {
    lines: Vec<Line>,
    looked: Vec<Looked>,
    /// Map, target, and why nothing can be suggested for it.
    unsearchable: Vec<(usize, String, Unsearchable)>,
}

pub async fn run(args: &SuggestArgs, manner: Manner) -> Result<(), Failure> {
    let config = Config::load(&args.config.config)?;
    let directory = args.rules.clone().unwrap_or_else(|| config.rules.directory.clone());
    let files = opening::files(&directory)?;
    let site = config.site.site().map_err(Failure::usage)?;
    let masters = Arc::new(opening::masters(&config)?);
    if masters.imports().is_empty() {
        let file = config.codes.masters_file.display();
        return Err(Failure::usage(Text::new(
            format!("{file} holds no masters: import them with `genkan codes import`"),
            format!("{file} にマスタがありません。genkan codes import で取り込んでください"),
        )));
    }
    let on = wall_clock(site.zone).date();
    // The code maps are read before the work begins: what is written later has to be what was there.
    let (rules, maps, documents, found) = match &args.from_file {
        // Nobody has to ask the hospital's database.
        Some(file) => {
            let schemas = opening::recorded_schemas(&directory, manner)?;
            let rules = opening::rules(&files, &schemas, &site, &masters, manner)?;
            let maps = chosen(&rules, args.map.as_deref())?;
            let documents = documents(&rules, &maps, &directory)?;
            let given = given::house_codes(file)?;
            let codes = given.into_iter().map(|house| (maps[0], house, None)).collect();
            (rules, maps, documents, (codes, Vec::new()))
        }
        None => {
            let (sources, schemas) = opening::sources(&config).await?;
            let rules = opening::rules(&files, &schemas, &site, &masters, manner)?;
            let maps = chosen(&rules, args.map.as_deref())?;
            let documents = documents(&rules, &maps, &directory)?;
            let pace = Pace::Command(printed::rows_so_far());
            let found = seen((&sources, &rules), &maps, &args.rows, &pace).await?;
            let codes = found
                .codes
                .into_iter()
                .map(|((map, code), seen)| (map, seen.house_code(&code), Some(seen)));
            (rules, maps, documents, (codes.collect(), found.looked))
        }
    };
    let report = ranked((&rules, &maps), found, args, (masters.clone(), on))?;
    match args.csv {
        true => report::print_csv(&report, &rules)?,
        false => report::print(&report, &rules, manner),
    }
    if args.write {
        write(report, (&rules, &masters), documents, args, (on, manner))
    } else {
        Ok(())
    }
}

/// A map by its name, or all of them.
fn chosen(rules: &RuleSet, name: Option<&str>) -> Result<Vec<usize>, Failure> {
    let Some(name) = name else { return Ok((0..rules.code_maps.len()).collect()) };
    let place = rules.code_maps.iter().position(|map| map.id == name);
    place.map(|place| vec![place]).ok_or_else(|| unknown_map(&rules.code_maps, name))
}

pub fn unknown_map<'m>(maps: impl IntoIterator<Item = &'m CodeMap>, name: &str) -> Failure {
    let known: Vec<&str> = maps.into_iter().map(|map| map.id.as_str()).collect();
    let known = known.join(", ");
    Failure::usage(Text::new(
        format!("codemaps.yaml has no map `{name}`; it has {known}"),
        format!("codemaps.yaml にマップ「{name}」はありません（{known}）"),
    ))
}

fn documents(
    rules: &RuleSet,
    maps: &[usize],
    directory: &std::path::Path,
) -> Result<BTreeMap<usize, Document>, Failure> {
    let read = |map: &usize| {
        let id = &rules.code_maps[*map].id;
        let path = directory.join("codes").join(format!("{id}.csv"));
        let document = Document::read(directory, id);
        document.map(|one| (*map, one)).map_err(|why| Failure::runtime(why.message(&path)))
    };
    maps.iter().map(read).collect()
}

type Found = (Vec<(usize, HouseCode, Option<Seen>)>, Vec<Looked>);

/// The candidates of each house code; those of most patients first.
fn ranked(
    (rules, maps): (&RuleSet, &[usize]),
    (found, looked): Found,
    args: &SuggestArgs,
    (masters, on): (Arc<Store>, NaiveDate),
) -> Result<Report, Failure> {
    let suggester = Suggester::new(masters);
    // A code that was asked for is shown, mapped or not.
    let asked = |house: &HouseCode, seen: Option<&Seen>| match args.codes.is_empty() {
        true => seen.is_none_or(|seen| seen.is_unmapped),
        false => args.codes.contains(&house.code),
    };
    let mut lines: Vec<Line> = found
        .into_iter()
        .filter(|(_, house, seen)| asked(house, seen.as_ref()))
        .map(|(map, house, seen)| {
            let limits = (args.top, args.at_least);
            let suggestions = suggester.suggest(&rules.code_maps[map], &house, limits, on);
            Line { map, house, seen, suggestions }
        })
        .collect();
    if let Some(code) = args.codes.iter().find(|code| !lines.iter().any(|l| l.house.code == **code))
    {
        return Err(Failure::usage(Text::new(
            format!(
                "house code `{code}` is in none of the rows that were read (--rows reads more)"
            ),
            format!("読み取った行に院内コード「{code}」はありません（--rows で行数を増やせます）"),
        )));
    }
    lines.sort_by_cached_key(|line| {
        let weight = line.seen.as_ref().map_or((0, 0), |seen| (seen.patients(), seen.rows));
        (line.map, std::cmp::Reverse(weight), line.house.code.clone())
    });
    let unsearchable = maps.iter().flat_map(|map| {
        let why = suggester.unsearchable(&rules.code_maps[*map], on);
        why.into_iter().map(|(target, why)| (*map, target, why))
    });
    Ok(Report { unsearchable: unsearchable.collect(), lines, looked })
}

/// Adds the candidates to the code maps. What somebody has said of a code before stays, whatever it was.
fn write(
    report: Report,
    (rules, masters): (&RuleSet, &Arc<Store>),
    documents: BTreeMap<usize, Document>,
    args: &SuggestArgs,
    (on, manner): (NaiveDate, Manner),
) -> Result<(), Failure> {
    let suggester = Suggester::new(Arc::clone(masters));
    for (map, document) in documents {
        let (code_map, path) = (&rules.code_maps[map], document.path().to_owned());
        let failed = |why: crate::review::Refused| Failure::runtime(why.message(&path));
        let mut file = document.rows().map_err(failed)?;
        let known: Vec<MapRow> = file.rows().collect();
        let (mut added, mut accepted) = (0usize, 0usize);
        for line in report.lines.iter().filter(|line| line.map == map) {
            for one in &line.suggestions {
                let mut row = proposed(&line.house, one, suggester.version(&one.system));
                let same = |known: &&MapRow| known.local == row.local && known.target == row.target;
                let of_target: Vec<&MapRow> = known.iter().filter(same).collect();
                if of_target.iter().any(|known| known.code == row.code) {
                    continue;
                }
                let decided = of_target.iter().any(|known| known.is_used());
                if args.accept_exact && one.is_only_exact && !decided {
                    State::Auto.word().clone_into(&mut row.status);
                    row.reviewed_by = args.by.clone().unwrap_or_default();
                    row.reviewed_at = on.to_string();
                    accepted += 1;
                }
                added += 1;
                file.add(row);
            }
        }
        if added == 0 {
            continue;
        }
        document.replace(&file, code_map, masters).map_err(failed)?;
        report::print_written(&path, (added, accepted), manner);
    }
    Ok(())
}
