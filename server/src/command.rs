//! The command line: one module for each command, and what all of them share.
//!
//! Exit codes: 0 ok, 1 runtime, 64 usage or configuration, 65 rule errors, rows that
//! make no Bundle, resources with errors, or rows of code maps to look at again.

/// A line on standard output. A reader that has gone (`| head`) is no error of the command.
macro_rules! say {
    ($($argument:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($argument)*);
    }};
}

mod bundle;
mod codes;
mod config;
mod demo;
mod doctor;
mod opening;
mod package;
mod printed;
mod rules;
mod serve;
mod validate;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use genkan_mapping::{Language, Text};
use serde_json::json;

/// FHIR R4 in front of a hospital's own tables — 玄関
#[derive(Debug, Parser)]
#[command(name = "genkan", version, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    manner: MannerArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the hospital's tables as FHIR
    Serve(serve::ServeArgs),
    /// An invented hospital, served: nothing to install, nothing to configure
    Demo(demo::DemoArgs),
    /// The Bundle of one registration unit for 電子カルテ情報共有サービス
    Bundle(bundle::BundleArgs),
    /// Check FHIR resources against R4 and profiles: what a receiver would refuse
    Validate(validate::ValidateArgs),
    /// The FHIR packages of the site, with profiles and value sets
    #[command(subcommand)]
    Package(package::PackageCommand),
    /// Look at everything that serving needs, and say what to do
    Doctor(doctor::DoctorArgs),
    /// Check, test and look into a rule set
    #[command(subcommand)]
    Rules(rules::RulesCommand),
    /// The national code masters
    #[command(subcommand)]
    Codes(codes::CodesCommand),
    /// The configuration file
    #[command(subcommand)]
    Config(config::ConfigCommand),
}

#[derive(Debug, Args)]
struct MannerArgs {
    /// Language of messages; from LANG if not given
    #[arg(long, global = true, value_enum)]
    language: Option<LanguageArg>,
    /// text for people, json for programs; html of `genkan validate` only
    #[arg(long, global = true, value_enum, default_value = "text")]
    format: FormatArg,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FormatArg {
    Text,
    Json,
    Html,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LanguageArg {
    Ja,
    En,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    Text,
    Json,
}

/// How a command speaks.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    pub language: Language,
    pub output: Output,
}

impl MannerArgs {
    fn manner(&self) -> Manner {
        let language = match self.language {
            Some(LanguageArg::Ja) => Language::Japanese,
            Some(LanguageArg::En) => Language::English,
            None => language_of_environment(),
        };
        // Beside a page, what is said is for people.
        let output = match self.format {
            FormatArg::Json => Output::Json,
            FormatArg::Text | FormatArg::Html => Output::Text,
        };
        Manner { language, output }
    }
}

fn language_of_environment() -> Language {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = set("LC_ALL").or_else(|| set("LC_MESSAGES")).or_else(|| set("LANG"));
    if locale.is_some_and(|locale| locale.starts_with("ja")) {
        Language::Japanese
    } else {
        Language::English
    }
}

/// Why a command ended without its result.
#[derive(Debug)]
pub struct Failure {
    kind: FailureKind,
    message: Text,
}

/// A message in both languages, or one that only the system or a library says, in its own.
pub struct Said(Text);

impl From<Text> for Said {
    fn from(text: Text) -> Self {
        Said(text)
    }
}

impl From<String> for Said {
    fn from(text: String) -> Self {
        Said(Text::new(text.clone(), text))
    }
}

impl From<&str> for Said {
    fn from(text: &str) -> Self {
        Said(Text::new(text, text))
    }
}

#[derive(Debug, Clone, Copy)]
enum FailureKind {
    Runtime,
    Usage,
    Rules,
}

impl Failure {
    /// Usage or configuration.
    pub fn usage(message: impl Into<Said>) -> Self {
        Failure { kind: FailureKind::Usage, message: message.into().0 }
    }

    pub fn runtime(message: impl Into<Said>) -> Self {
        Failure { kind: FailureKind::Runtime, message: message.into().0 }
    }

    /// The rule set is wrong, or its tests fail. What is wrong was printed already.
    pub fn rules() -> Self {
        Failure { kind: FailureKind::Rules, message: Text::default() }
    }

    /// The rules or rows don't yield the Bundle that was asked for.
    pub fn no_bundle(message: impl Into<Said>) -> Self {
        Failure { kind: FailureKind::Rules, message: message.into().0 }
    }

    pub fn text(self) -> Text {
        self.message
    }

    /// The last line on standard error, for people or for programs.
    pub fn tell(&self, manner: Manner) {
        let Text { en, ja } = &self.message;
        match manner.output {
            _ if en.is_empty() => {}
            Output::Text => eprintln!("genkan: {}", self.message.in_language(manner.language)),
            Output::Json => eprintln!("{}", json!({"error": en, "error_ja": ja})),
        }
    }

    pub fn exit_code(&self) -> ExitCode {
        match self.kind {
            FailureKind::Runtime => ExitCode::from(1),
            FailureKind::Usage => ExitCode::from(64),
            FailureKind::Rules => ExitCode::from(65),
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Failure::runtime(format!("{error:#}"))
    }
}

impl From<genkan_adapter::AdapterError> for Failure {
    fn from(error: genkan_adapter::AdapterError) -> Self {
        Failure::runtime(error.to_string())
    }
}

impl From<crate::fetch::FetchError> for Failure {
    fn from(error: crate::fetch::FetchError) -> Self {
        Failure::runtime(error.to_string())
    }
}

impl From<crate::config::ConfigError> for Failure {
    fn from(error: crate::config::ConfigError) -> Self {
        Failure::usage(error.text())
    }
}

impl Cli {
    /// How the commands speak, and whatever ends them.
    pub fn manner(&self) -> Manner {
        self.manner.manner()
    }
}

pub fn run(cli: Cli, manner: Manner) -> Result<(), Failure> {
    let is_page = cli.manner.format == FormatArg::Html;
    if is_page && !matches!(cli.command, Command::Validate(_)) {
        return Err(Failure::usage(Text::new(
            "--format html is for `genkan validate`",
            "--format html が使えるのは genkan validate だけです",
        )));
    }
    match cli.command {
        Command::Serve(args) => block_on(serve::run(&args, manner)),
        Command::Demo(args) => block_on(demo::run(&args, manner)),
        Command::Bundle(args) => block_on(bundle::run(&args, manner)),
        Command::Validate(args) => validate::run(&args, is_page, manner),
        Command::Package(command) => package::run(&command, manner),
        Command::Doctor(args) => block_on(doctor::run(&args, manner)),
        Command::Rules(command) => block_on(rules::run(&command, manner)),
        Command::Codes(command) => block_on(codes::run(&command, manner)),
        Command::Config(command) => block_on(config::run(&command, manner)),
    }
}

fn block_on(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    // The HTTP server brings threads of its own; nothing else has work for more than one.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)?;
    runtime.block_on(command)
}

/// `--config FILE`
#[derive(Debug, Args)]
pub struct ConfigArg {
    /// genkan.toml
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}
