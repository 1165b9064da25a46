//! `genkan rules scan`: what an unknown database seems to hold, and drafts of rules for it. A sample of
//! each table is read; whether keys and joins are what they seem is asked by queries.

mod drafts;
mod report;

use std::path::PathBuf;

use clap::Args;
use genkan_adapter::{Column, ColumnKind, ErrorCategory, SourceSchema, Table};
use genkan_mapping::Text;
use genkan_mapping::scan::draft::Found;
use genkan_mapping::scan::{
    Candidate, Guess, Joined, Profiler, TableProfile, candidate_keys, candidates, guess,
};
use indicatif::{ProgressBar, ProgressStyle};

use crate::command::{ConfigArg, Failure, Manner, opening};
use crate::config::Config;
use crate::fetch::sample::{self, Columns};
use crate::fetch::{FetchError, Keys};
use crate::sources::Source;

use super::tables::TablesArgs;
use drafts::Recorded;

/// Joins that are asked of the source.
const CANDIDATES_MAX: usize = 400;

#[derive(Debug, Args)]
pub struct ScanArgs {
    #[command(flatten)]
    config: ConfigArg,
    #[command(flatten)]
    tables: TablesArgs,
    /// Rows that are read of each table
    #[arg(long, value_name = "ROWS", default_value_t = 10_000)]
    rows: u64,
    /// A new folder for the drafted rules, code maps and schema.yaml
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// What the scan found, and what it could not look at.
struct Scan {
    schema: SourceSchema,
    tables: Vec<TableProfile>,
    joins: Vec<Joined>,
    guesses: Vec<Option<Guess>>,
    troubles: Vec<Text>,
}

pub async fn run(args: &ScanArgs, manner: Manner) -> Result<(), Failure> {
    let config = Config::load(&args.config.config)?;
    if let Some(folder) = &args.output {
        drafts::check_folder(folder)?;
    }
    let name = args.tables.source();
    let (sources, schemas) = opening::sources(&config).await?;
    let place = schemas.place(name).ok_or_else(|| args.tables.no_source())?;
    let schema = args.tables.chosen(schemas.at(place).clone())?;
    let site = config.site.site().map_err(Failure::usage)?;
    let source = sources.at(place);
    let scanner = Scanner { source, rows_max: args.rows.max(1), zone: site.zone };
    let scan = scanner.all(schema).await?;
    report::print(&scan, manner);
    if let Some(folder) = &args.output {
        let names = scanner.names(&scan).await;
        let recorded = Recorded { schemas, source: name, site };
        drafts::write(folder, &scan, &names, &recorded, manner)?;
    }
    Ok(())
}

struct Scanner<'a> {
    source: &'a Source,
    rows_max: u64,
    zone: chrono::FixedOffset,
}

impl Scanner<'_> {
    async fn all(&self, schema: SourceSchema) -> Result<Scan, Failure> {
        let progress = bar(schema.tables.len());
        let (mut tables, mut troubles) = (Vec::new(), Vec::new());
        for (name, table) in &schema.tables {
            progress.set_message(name.clone());
            match self.table(name, table).await {
                Ok(profile) => tables.push(profile),
                Err(error) => troubles.push(trouble(name, error)?),
            }
            progress.inc(1);
        }
        let mut wanted = candidates(&tables);
        if wanted.len() > CANDIDATES_MAX {
            let rest = wanted.len() - CANDIDATES_MAX;
            troubles.push(Text::new(
                format!("{rest} more joins by name or values were not asked of the source"),
                format!("結合候補のうち {rest} 件は確認していません"),
            ));
            wanted.truncate(CANDIDATES_MAX);
        }
        progress.inc_length(wanted.len() as u64);
        let mut joins = Vec::new();
        for candidate in wanted {
            let name = tables[candidate.from].name.clone();
            progress.set_message(name.clone());
            match self.join(&schema, &tables, candidate).await {
                Ok(joined) => joins.extend(joined),
                Err(error) => troubles.push(trouble(&name, error)?),
            }
            progress.inc(1);
        }
        progress.finish_and_clear();
        let guesses = guess(&tables, &joins);
        Ok(Scan { schema, tables, joins, guesses, troubles })
    }

    async fn table(&self, name: &str, table: &Table) -> Result<TableProfile, FetchError> {
        let readable =
            |column: &&Column| !matches!(column.kind, ColumnKind::Unsupported | ColumnKind::Bytes);
        let columns: Vec<&Column> = table.columns.iter().filter(readable).collect();
        let owned: Vec<Column> = columns.iter().map(|column| (*column).clone()).collect();
        let mut profile = TableProfile {
            name: name.to_owned(),
            columns: Vec::new(),
            rows: 0,
            all: true,
            rows_estimate: table.rows_estimate,
            key: declared_key(table),
            key_is_declared: true,
        };
        if columns.is_empty() {
            return Ok(profile);
        }
        let mut profiler = Profiler::new(&owned, self.zone);
        let of = Columns { table: name, columns };
        let take = |row: &genkan_adapter::Row| profiler.take(row);
        let sampled = sample::sample(self.source, &of, &profile.key, self.rows_max, take).await?;
        let (columns, cells) = profiler.finish();
        (profile.rows, profile.all) = (sampled.rows, sampled.all);
        if profile.key.is_empty() {
            profile.key_is_declared = false;
            for candidate in candidate_keys(&columns, &cells) {
                if profile.all || self.is_key(name, table, &candidate).await? {
                    profile.key = candidate;
                    break;
                }
            }
        }
        profile.columns = columns;
        Ok(profile)
    }

    /// No two rows share the columns, as far as so many rows can say.
    async fn is_key(&self, name: &str, table: &Table, key: &[String]) -> Result<bool, FetchError> {
        let columns = key.iter().filter_map(|name| table.column(name)).collect();
        let of = Columns { table: name, columns };
        // Ten times the sample: only the key is read.
        let keys = sample::shared(self.source, &of, self.rows_max.saturating_mul(10)).await?;
        let Keys { repeated, .. } = keys;
        Ok(repeated == 0)
    }

    async fn join(
        &self,
        schema: &SourceSchema,
        tables: &[TableProfile],
        candidate: Candidate,
    ) -> Result<Option<Joined>, FetchError> {
        let (from, to) = (&tables[candidate.from].name, &tables[candidate.to].name);
        let (Some(here), Some(there)) = (schema.table(from), schema.table(to)) else {
            return Ok(None);
        };
        let own = candidate.columns.iter().filter_map(|(own, _)| here.column(own)).collect();
        let key = candidate.columns.iter().filter_map(|(_, key)| there.column(key)).collect();
        let own = Columns { table: from, columns: own };
        let key = Columns { table: to, columns: key };
        let (tested, found) = sample::held(self.source, &own, &key).await?;
        Ok((tested > 0).then_some(Joined { candidate, tested, found }))
    }
}

/// The primary key, or else the shortest unique index whose columns always have a value.
fn declared_key(table: &Table) -> Vec<String> {
    if !table.primary_key.is_empty() {
        return table.primary_key.clone();
    }
    let filled = |name: &String| table.column(name).is_some_and(|column| !column.nullable);
    let unique = table.indexes.iter().filter(|index| index.unique);
    let unique = unique.filter(|index| index.columns.iter().all(filled));
    unique.min_by_key(|index| index.columns.len()).map_or_else(Vec::new, |i| i.columns.clone())
}

/// A table that can't be read is told of; a source that is away ends the scan.
fn trouble(table: &str, error: FetchError) -> Result<Text, Failure> {
    match &error {
        FetchError::Source(failed) if failed.error.category != ErrorCategory::Unreachable => {
            let error = &failed.error;
            Ok(Text::new(
                format!("{table} could not be looked at: {error}"),
                format!("{table} を調べられませんでした: {error}"),
            ))
        }
        _ => Err(Failure::from(error)),
    }
}

fn bar(length: usize) -> ProgressBar {
    let bar = ProgressBar::new(length as u64);
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}");
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

impl Scan {
    fn found(&self) -> Found<'_> {
        Found { tables: &self.tables, joins: &self.joins, guesses: &self.guesses }
    }
}
