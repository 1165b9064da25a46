//! `genkan rules coverage`: what a rule set leaves open. House codes without a standard code, by rows
//! and patients; 必須 and 準必須 elements that a rule feeds nothing; columns that no rule reads; rules
//! that no test exercises. Of the rows it tells codes and counts.

mod codes;
mod report;

use std::path::PathBuf;

use clap::Args;
use genkan_adapter::{Column, ColumnKind, Row, Table, Value};
use genkan_mapping::SourceSchemas;
use genkan_mapping::coverage::{self, Unfed, Unread};
use genkan_mapping::program::RuleSet;

use super::{Draft, SourceArgs};
use crate::coded_rows::RowsArgs;
use crate::command::{Failure, Manner};
use crate::fetch::sample::{self, Columns};
use crate::sources::Sources;

use codes::Uncoded;

/// Rows in which a column that no rule reads is looked for values.
const FILLED_ROWS_MAX: u64 = 1000;

#[derive(Debug, Args)]
pub struct CoverageArgs {
    /// Folder of the rule set
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    rows: RowsArgs,
    /// Codes that are shown of each code map; with --format json all are
    #[arg(long, value_name = "CODES", default_value_t = 20)]
    most: usize,
    /// Only the house codes without a standard code, as CSV
    #[arg(long, requires = "config", conflicts_with = "most")]
    csv: bool,
}

/// What was found, rule by rule and table by table.
struct Coverage {
    /// `None` if no source was asked.
    uncoded: Option<Uncoded>,
    /// Rule, and what is missing of its profile.
    unfed: Vec<(usize, &'static str, Vec<Unfed>)>,
    unread: Vec<UnreadTable>,
    untested: Vec<usize>,
}

struct UnreadTable {
    unread: Unread,
    /// For each column, in how many of the rows that were looked at it has a value.
    filled: Option<(u64, Vec<u64>)>,
}

pub async fn run(args: &CoverageArgs, manner: Manner) -> Result<(), Failure> {
    let draft = Draft::read(&args.directory, &args.source, manner).await?;
    if draft.sources.is_none() && args.rows.chooses() {
        return Err(Failure::usage(
            "--since, --from and --to look at rows: give --config genkan.toml / --since・--from・--to には \
             --config が必要です",
        ));
    }
    let rules = draft.rules(manner)?;
    let uncoded = match &draft.sources {
        Some(sources) if args.rows.rows > 0 => {
            Some(codes::uncoded(sources, &rules, &args.rows).await?)
        }
        _ => None,
    };
    if args.csv {
        return report::print_csv(&uncoded.unwrap_or_default(), &rules);
    }
    let indexes = 0..rules.rules.len();
    let unfed = indexes.clone().filter_map(|index| {
        let rule = &rules.rules[index];
        Some((index, coverage::profile_of(rule)?, coverage::unfed(&rules, rule)))
    });
    let unfed = unfed.filter(|(_, _, missing)| !missing.is_empty()).collect();
    let unread = unread(&rules, &draft.schemas, draft.sources.as_ref()).await?;
    let untested = indexes.filter(|index| coverage::is_untested(&rules.rules[*index])).collect();
    let found = Coverage { uncoded, unfed, unread, untested };
    report::print(&found, &rules, args.most, manner);
    Ok(())
}

async fn unread(
    rules: &RuleSet,
    schemas: &SourceSchemas,
    sources: Option<&Sources>,
) -> Result<Vec<UnreadTable>, Failure> {
    let mut found = Vec::new();
    for unread in coverage::unread(rules, schemas) {
        let table = schemas.at(unread.source).table(&unread.table);
        let filled = match (sources, table) {
            (Some(sources), Some(table)) if unread.is_read => {
                Some(filled(sources, &unread, table).await?)
            }
            _ => None,
        };
        found.push(UnreadTable { unread, filled });
    }
    Ok(found)
}

async fn filled(
    sources: &Sources,
    unread: &Unread,
    table: &Table,
) -> Result<(u64, Vec<u64>), Failure> {
    let carried = |column: &&Column| column.kind != ColumnKind::Bytes;
    let key = table.primary_key.iter().chain(&unread.columns);
    let mut columns: Vec<&Column> = Vec::new();
    for column in key.filter_map(|name| table.column(name)).filter(carried) {
        if !columns.iter().any(|known| known.name == column.name) {
            columns.push(column);
        }
    }
    let places: Vec<Option<usize>> = unread
        .columns
        .iter()
        .map(|name| columns.iter().position(|column| column.name == *name))
        .collect();
    let mut counts = vec![0; unread.columns.len()];
    let of = Columns { table: &unread.table, columns };
    let take = |row: &Row| {
        for (count, place) in counts.iter_mut().zip(&places) {
            let value = place.and_then(|at| row.values().get(at));
            *count += u64::from(value.is_some_and(has_value));
        }
    };
    let source = sources.at(unread.source);
    let sampled = sample::sample(source, &of, &table.primary_key, FILLED_ROWS_MAX, take).await?;
    Ok((sampled.rows, counts))
}

fn has_value(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Text(text) => !text.trim().is_empty(),
        _ => true,
    }
}
