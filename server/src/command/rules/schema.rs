//! `genkan rules schema`: records the source's schema, so that rules can be checked and tested away
//! from the hospital.

use clap::Args;
use genkan_adapter::Adapter;
use genkan_mapping::schema;

use crate::command::{ConfigArg, Failure, opening};
use crate::config::Config;

#[derive(Debug, Args)]
pub struct SchemaArgs {
    #[command(flatten)]
    config: ConfigArg,
    /// The source of `[sources.NAME]`; `[source]` if not given
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Only these tables; all if none is named
    #[arg(value_name = "TABLE")]
    tables: Vec<String>,
}

pub async fn run(args: &SchemaArgs) -> Result<(), Failure> {
    let config = Config::load(&args.config.config)?;
    let name = args.source.as_deref();
    let section = match name {
        None => &config.source,
        Some(name) => config.sources.get(name).ok_or_else(|| {
            Failure::usage(format!("there is no [sources.{name}] / [sources.{name}] がありません"))
        })?,
    };
    let shown = name.map_or_else(|| "[source]".to_owned(), |name| format!("[sources.{name}]"));
    let mut source = opening::source(section, &shown).await?.schema().await?;
    if let Some(unknown) = args.tables.iter().find(|name| source.table(name).is_none()) {
        return Err(Failure::usage(format!(
            "the source has no table `{unknown}` / 接続先に表「{unknown}」がありません"
        )));
    }
    if !args.tables.is_empty() {
        source.tables.retain(|name, _| args.tables.contains(name));
    }
    say!("{}", schema::write(&source).trim_end());
    Ok(())
}
