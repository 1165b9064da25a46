//! The file of masters: which one, opened, and replaced as a whole.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use genkan_mapping::Text;
use genkan_masters::{ReadLimits, Store};

use crate::command::Failure;
use crate::config::Config;

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct MastersArgs {
    /// genkan.toml, whose [codes] names the file of masters
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The file of masters itself
    #[arg(long, value_name = "FILE")]
    masters: Option<PathBuf>,
}

impl MastersArgs {
    pub fn path(&self) -> Result<PathBuf, Failure> {
        match (&self.masters, &self.config) {
            (Some(path), _) => Ok(path.clone()),
            (None, Some(config)) => Ok(Config::load(config)?.codes.masters_file),
            (None, None) => Err(Failure::usage(Text::new(
                "give --config or --masters",
                "--config か --masters を指定してください",
            ))),
        }
    }

    /// How much of a file is read: as configured, or as much as published files have.
    pub fn limits(&self) -> Result<ReadLimits, Failure> {
        match &self.config {
            Some(config) => Ok(Config::load(config)?.codes.import),
            None => Ok(ReadLimits::default()),
        }
    }
}

/// The store; empty if there is no file yet.
pub fn open(path: &Path) -> Result<Store, Failure> {
    let shown = path.display();
    match std::fs::read(path) {
        Ok(bytes) => {
            Store::open(bytes).map_err(|error| Failure::runtime(format!("{shown}: {error}")))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Store::default()),
        Err(error) => Err(Failure::runtime(format!("{shown}: {error}"))),
    }
}

/// Puts the new file in the place of the old one.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let replaced = crate::replace::replace(path, bytes, || Ok(()));
    Ok(replaced.with_context(|| path.display().to_string())?)
}
