//! The file of masters: which one, opened, and replaced as a whole.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
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
            Some(config) => Ok(Config::load(config)?.codes.import.limits()),
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

/// Puts the new file in the place of the old one. Whoever reads sees one or the other, also after a
/// power cut.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let name = path.file_name().context("the file of masters has no name")?;
    let new = folder.join(format!(".{}.new", name.to_string_lossy()));
    let written = File::create(&new).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.with_context(|| new.display().to_string())?;
    std::fs::rename(&new, path).with_context(|| path.display().to_string())?;
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(synced.with_context(|| folder.display().to_string())?)
}
