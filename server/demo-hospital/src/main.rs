//! Fills a database with the demo hospital, or prints what belongs to it.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use genkan_demo_hospital::fill::progress_bar;
use genkan_demo_hospital::{
    Hospital, Target, code_maps, create_reader, fill, schema_markdown, schema_yaml,
};

/// みなと総合病院: an invented Japanese hospital in the tables of a legacy system.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    fill: Fill,
}

#[derive(Args)]
struct Fill {
    /// Database to fill: `sqlite://FILE`, `postgres://USER@HOST/DATABASE`, `mysql://USER@HOST/DATABASE`
    #[arg(long)]
    url: Option<String>,
    #[arg(long, default_value_t = 300)]
    patients: u32,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Wanted number of laboratory results; 100 for each patient if not given
    #[arg(long)]
    lab_rows: Option<u64>,
    /// Also write the manifest to this file, as JSON
    #[arg(long)]
    manifest: Option<PathBuf>,
    /// Also create an account that can only read (PostgreSQL, MariaDB); needs --reader-password-file
    #[arg(long, requires = "reader_password_file")]
    reader: Option<String>,
    #[arg(long)]
    reader_password_file: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Print the source schema (schema.yaml of a rule set)
    Schema {
        /// As Markdown, for SCHEMA.md
        #[arg(long)]
        markdown: bool,
    },
    /// Write the code maps as CSV files into a folder
    CodeMaps { folder: PathBuf },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    match cli.command {
        Some(Command::Schema { markdown: false }) => print!("{}", schema_yaml()?),
        Some(Command::Schema { markdown: true }) => print!("{}", schema_markdown()?),
        Some(Command::CodeMaps { folder }) => {
            std::fs::create_dir_all(&folder)?;
            for (name, text) in code_maps()? {
                std::fs::write(folder.join(name), text).with_context(|| name.to_owned())?;
            }
        }
        None => run(&cli.fill).await?,
    }
    Ok(())
}

async fn run(options: &Fill) -> anyhow::Result<()> {
    let url = options.url.as_deref().context("give --url, or a command (see --help)")?;
    let target: Target = url.parse()?;
    let hospital =
        Hospital { seed: options.seed, patients: options.patients, lab_rows: options.lab_rows };
    let manifest = fill(&target, &hospital, &progress_bar(&hospital)).await?;
    let text = serde_json::to_string_pretty(&manifest)?;
    if let Some(path) = &options.manifest {
        std::fs::write(path, &text).context("writing the manifest")?;
    }
    println!("{text}");
    if let (Some(user), Some(path)) = (&options.reader, &options.reader_password_file) {
        let password = std::fs::read_to_string(path).context("reading the password")?;
        create_reader(&target, user, password.trim_end()).await?;
    }
    Ok(())
}
