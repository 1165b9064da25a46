//! `genkan rules diff OLD NEW`: what a change of rules alters in the resources of some patients.

mod report;
mod rows;

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use genkan_mapping::difference::OfRule;
use genkan_mapping::identity::{IdMode, Identity, SiteKey};
use genkan_mapping::program::RuleSet;
use indicatif::ProgressBar;

use crate::command::{ConfigArg, Failure, Manner, opening};
use crate::config::Config;
use crate::sources::Sources;

#[derive(Debug, Args)]
pub struct DiffArgs {
    /// Folder of the rules as they were
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// Folder of the rules as they are to be
    #[arg(value_name = "NEW")]
    new: PathBuf,
    #[command(flatten)]
    config: ConfigArg,
    /// Patients whose resources are compared: the first and the last by their key
    #[arg(long, value_name = "PATIENTS", default_value_t = 100)]
    patients: u64,
    /// Rows of each rule that are compared at most
    #[arg(long, value_name = "ROWS", default_value_t = 10_000)]
    rows: u64,
}

/// One of the two rule sets.
pub struct Side {
    pub rules: RuleSet,
    /// The folder, as it was given.
    pub folder: String,
}

/// Both, and what they read.
pub struct Pair<'a> {
    pub old: &'a Side,
    pub new: &'a Side,
    pub sources: &'a Sources,
    pub identity: &'a Identity,
    pub rows_max: u64,
}

/// By rule.
#[derive(Default)]
pub struct Found {
    pub rules: BTreeMap<String, OfRule>,
    pub patients: usize,
    /// Rules of which there were more rows.
    pub cut: Vec<String>,
}

pub async fn run(args: &DiffArgs, manner: Manner) -> Result<(), Failure> {
    let config = Config::load(&args.config.config)?;
    let (sources, schemas) = opening::sources(&config).await?;
    let masters = opening::masters(&config)?;
    let site = config.site.site().map_err(Failure::usage)?;
    let side = |directory: &PathBuf| -> Result<Side, Failure> {
        let files = opening::files(directory)?;
        let rules = opening::rules(&files, &schemas, &site, &masters, manner)?;
        Ok(Side { rules, folder: directory.display().to_string() })
    };
    let (old, new) = (side(&args.old)?, side(&args.new)?);
    // Both make the same ids, whatever the site's keys are, and keys of any length have one.
    let key = SiteKey { generation: 'a', secret: [0; 32] };
    let identity = Identity::new(IdMode::Opaque, &[key]).map_err(anyhow::Error::from)?;
    let pair = Pair {
        old: &old,
        new: &new,
        sources: &sources,
        identity: &identity,
        rows_max: args.rows.max(1),
    };
    let progress = ProgressBar::new_spinner();
    let found = rows::compare(&pair, args.patients.max(1), &progress).await;
    progress.finish_and_clear();
    report::print(&found?, &pair, manner);
    Ok(())
}
