//! `genkan rules schema`: records the source's schema, so that rules can be checked and tested away
//! from the hospital.

use clap::Args;
use genkan_adapter::Adapter;
use genkan_mapping::{MAIN, schema};

use super::tables::TablesArgs;
use crate::command::{ConfigArg, Failure, opening};
use crate::config::Config;

#[derive(Debug, Args)]
pub struct SchemaArgs {
    #[command(flatten)]
    config: ConfigArg,
    #[command(flatten)]
    tables: TablesArgs,
}

pub async fn run(args: &SchemaArgs) -> Result<(), Failure> {
    let config = Config::load(&args.config.config)?;
    let name = args.tables.source();
    let (section, shown) = match name {
        MAIN => (Some(&config.source), "[source]".to_owned()),
        name => (config.sources.get(name), format!("[sources.{name}]")),
    };
    let section = section.ok_or_else(|| args.tables.no_source())?;
    let source = opening::source(section, &shown).await?.schema().await?;
    let source = args.tables.chosen(source)?;
    say!("{}", schema::write(&source).trim_end());
    Ok(())
}
