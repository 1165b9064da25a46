//! `genkan codes`: the national code masters of a site, and its code maps.

pub mod compared;
mod import;
mod list;
mod map;
pub mod masters_file;
mod recheck;
mod review;
mod suggest;

use clap::Subcommand;

use crate::command::{Failure, Manner};

#[derive(Debug, Subcommand)]
pub enum CodesCommand {
    /// Import masters as they are published; files that were imported before are left out
    Import(import::ImportArgs),
    /// What was imported, and how many codes there are of each system
    List(list::ListArgs),
    /// After an update of the masters: code map rows to look at again, by the patients they affect
    Recheck(recheck::RecheckArgs),
    /// Standard codes that house codes may be, ranked, with the reasons
    Suggest(suggest::SuggestArgs),
    /// Decide of rows of a code map: draft, reviewed, accepted, rejected, no-map
    Review(review::ReviewArgs),
    /// Write a code map as a ConceptMap, with all of its rows
    ExportMap(map::ExportMapArgs),
    /// Make the CSV of a code map from a ConceptMap
    ImportMap(map::ImportMapArgs),
}

pub async fn run(command: &CodesCommand, manner: Manner) -> Result<(), Failure> {
    match command {
        CodesCommand::Import(args) => import::run(args, manner),
        CodesCommand::List(args) => list::run(args, manner),
        CodesCommand::Recheck(args) => recheck::run(args, manner).await,
        CodesCommand::Suggest(args) => suggest::run(args, manner).await,
        CodesCommand::Review(args) => review::run(args, manner),
        CodesCommand::ExportMap(args) => map::export(args, manner).await,
        CodesCommand::ImportMap(args) => map::import(args, manner).await,
    }
}
