//! `genkan config`: the example that is the documentation, and the check before a start.

use std::path::PathBuf;

use clap::Subcommand;

use crate::command::{Failure, Manner, serve};
use crate::config::{Config, EXAMPLE};
use crate::identity;

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print a commented configuration
    Example,
    /// Check a configuration, its files, the source and the rules, without serving
    Check {
        /// genkan.toml
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

pub async fn run(command: &ConfigCommand, manner: Manner) -> Result<(), Failure> {
    match command {
        ConfigCommand::Example => say!("{}", EXAMPLE.trim_end()),
        ConfigCommand::Check { file } => {
            let config = Config::load(file)?;
            let service = serve::service(&config, manner).await?;
            for warning in identity::warnings(&config.identity) {
                eprintln!("{}", warning.in_language(manner.language));
            }
            let mut products = Vec::new();
            for source in service.sources.iter() {
                products.push(source.adapter().health().await?.product);
            }
            say!("ok: {} rules on {}", service.rules.rules.len(), products.join(", "));
        }
    }
    Ok(())
}
