//! `genkan rules`: everything an author of rules needs, away from the hospital or connected to it.

mod check;
mod coverage;
mod diff;
mod explain;
mod json_schema;
pub mod keys;
mod preview;
mod record;
mod scan;
mod schema;
mod tables;
mod test;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use genkan_adapter::Adapter as _;
use genkan_adapter_sql::SqlAdapter;
use genkan_mapping::identity::Identity;
use genkan_mapping::program::{RuleSet, Site};
use genkan_mapping::{RuleFiles, SourceSchemas, Text};
use genkan_masters::Store;

pub use explain::describe;
pub use test::Hospital;

use crate::command::codes::masters_file;
use crate::command::{Failure, Manner, opening};
use crate::config::Config;
pub use crate::identity::plain_identity;
use crate::service::FhirConfig;
use crate::site::SiteConfig;
use crate::sources::{Source, Sources};

#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// Say everything that is wrong with a rule set
    Check(check::CheckArgs),
    /// Run the tests that stand in the rules
    Test(test::TestArgs),
    /// Write the source's schema as the file schema.yaml of a rule set
    Schema(schema::SchemaArgs),
    /// Write the JSON Schema of a rule set's file, for editors
    JsonSchema(json_schema::JsonSchemaArgs),
    /// Look into an unknown database: columns, keys, joins, what tables may be; draft rules for it
    Scan(scan::ScanArgs),
    /// Say what the rules leave open: house codes, 必須 elements, columns, rules without a test
    Coverage(coverage::CoverageArgs),
    /// Show for every leaf of a resource the rule line, the column and the raw value
    Preview(preview::PreviewArgs),
    /// Make a test of a live row, with nobody in it
    Record(record::RecordArgs),
    /// Say what a change of rules alters in the resources of some patients
    Diff(diff::DiffArgs),
    /// Show the plan and the statements of a search: 'Condition?code=20064049'
    Explain(explain::ExplainArgs),
}

pub async fn run(command: &RulesCommand, manner: Manner) -> Result<(), Failure> {
    match command {
        RulesCommand::Check(args) => check::run(args, manner).await,
        RulesCommand::Test(args) => test::run(args, manner).await,
        RulesCommand::Schema(args) => schema::run(args).await,
        RulesCommand::JsonSchema(args) => json_schema::run(args),
        RulesCommand::Scan(args) => scan::run(args, manner).await,
        RulesCommand::Coverage(args) => coverage::run(args, manner).await,
        RulesCommand::Preview(args) => preview::run(args, manner).await,
        RulesCommand::Record(args) => record::run(args, manner).await,
        RulesCommand::Diff(args) => diff::run(args, manner).await,
        RulesCommand::Explain(args) => explain::run(args, manner).await,
    }
}

/// Where the schema and the site's constants come from.
#[derive(Debug, Args)]
pub struct SourceArgs {
    /// genkan.toml: look at the hospital's source and use its constants
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A recorded schema; schema.yaml of the rule set if neither is given
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    schema: Option<PathBuf>,
    /// The file of `genkan codes import`, to compare code maps with; that of the configuration if there is one
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    masters: Option<PathBuf>,
}

/// A rule set as far as it can be read, with what it is compiled against.
pub struct Draft {
    pub files: RuleFiles,
    pub schemas: SourceSchemas,
    pub site: Site,
    pub masters: Store,
    /// The sources themselves, if there is a configuration.
    pub sources: Option<Sources>,
}

impl Draft {
    async fn read(directory: &Path, source: &SourceArgs, manner: Manner) -> Result<Self, Failure> {
        let files = opening::files(directory)?;
        if let Some(path) = &source.config {
            let config = Config::load(path)?;
            let (sources, schemas) = opening::sources(&config).await?;
            let site = config.site.site().map_err(Failure::usage)?;
            let masters = opening::masters(&config)?;
            return Ok(Draft { files, schemas, site, masters, sources: Some(sources) });
        }
        let schemas = match &source.schema {
            Some(path) => opening::recorded_schema(path, manner)?.into(),
            None => opening::recorded_schemas(directory, manner)?,
        };
        let site = SiteConfig::example().site().map_err(Failure::usage)?;
        let masters = match &source.masters {
            Some(path) => masters_file::open(path)?,
            None => Store::default(),
        };
        Ok(Draft { files, schemas, site, masters, sources: None })
    }

    /// The rules, if they can be used; otherwise the errors were printed.
    fn rules(&self, manner: Manner) -> Result<RuleSet, Failure> {
        opening::rules(&self.files, &self.schemas, &self.site, &self.masters, manner)
    }
}

/// Rules that work, with a source: the hospital's, or an empty database in memory.
#[derive(Debug, Args)]
pub struct WorkshopArgs {
    /// genkan.toml
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of the rule set, if it is not the one of the configuration
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
}

pub struct Workshop {
    pub rules: RuleSet,
    pub identity: Identity,
    pub sources: Sources,
    pub fhir: FhirConfig,
}

impl Workshop {
    pub async fn open(args: &WorkshopArgs, manner: Manner) -> Result<Self, Failure> {
        let config = args.config.as_deref().map(Config::load).transpose()?;
        let directory = match (&args.rules, &config) {
            (Some(directory), _) => directory.clone(),
            (None, Some(config)) => config.rules.directory.clone(),
            (None, None) => {
                return Err(Failure::usage(Text::new(
                    "give --config genkan.toml: the hospital's source and its rules; without a \
                     source, --rules DIR explains with the schema that is recorded there",
                    "--config genkan.toml（接続先と規則）を指定してください。接続しない場合は --rules \
                     DIR で、記録済みのスキーマを使って説明します",
                )));
            }
        };
        let files = opening::files(&directory)?;
        let Some(config) = config else {
            let schemas = opening::recorded_schemas(&directory, manner)?;
            let site = SiteConfig::example().site().map_err(Failure::usage)?;
            let rules = opening::rules(&files, &schemas, &site, &Store::default(), manner)?;
            let sources = empty(&schemas).await?;
            let (identity, fhir) = (plain_identity()?, FhirConfig::default());
            return Ok(Workshop { rules, identity, sources, fhir });
        };
        let (sources, schemas) = opening::sources(&config).await?;
        let site = config.site.site().map_err(Failure::usage)?;
        let masters = opening::masters(&config)?;
        let rules = opening::rules(&files, &schemas, &site, &masters, manner)?;
        let identity = opening::identity(&config.identity, manner)?;
        Ok(Workshop { rules, identity, sources, fhir: config.fhir })
    }
}

/// Databases in memory with the tables of each source and no rows.
async fn empty(schemas: &SourceSchemas) -> Result<Sources, Failure> {
    let mut sources = Vec::new();
    for (name, schema) in schemas.names().zip(schemas.schemas()) {
        let adapter = SqlAdapter::in_memory(schema, &[]).await?;
        // Statements are explained against a catalog that was read.
        adapter.schema().await?;
        sources.push(Source::new(name, Arc::new(adapter)));
    }
    Ok(Sources::new(sources))
}
