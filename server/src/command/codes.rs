//! `genkan codes`: the national code masters of a site.

pub mod compared;
mod import;
mod list;
pub mod masters_file;
mod recheck;

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
}

pub async fn run(command: &CodesCommand, manner: Manner) -> Result<(), Failure> {
    match command {
        CodesCommand::Import(args) => import::run(args, manner),
        CodesCommand::List(args) => list::run(args, manner),
        CodesCommand::Recheck(args) => recheck::run(args, manner).await,
    }
}
