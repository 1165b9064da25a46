//! `genkan rules json-schema`: the rule language for editors.

use clap::{Args, ValueEnum};
use genkan_mapping::json_schema::{self, File};

use crate::command::Failure;

#[derive(Debug, Args)]
pub struct JsonSchemaArgs {
    /// The file of a rule set that the schema describes
    #[arg(value_enum, default_value = "rule")]
    file: FileArg,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FileArg {
    /// *.map.yaml
    Rule,
    /// fragments/*.yaml
    Fragments,
    /// codes/codemaps.yaml
    Codemaps,
    /// schema.yaml, the recorded schema of a source
    Schema,
}

pub fn run(args: &JsonSchemaArgs) -> Result<(), Failure> {
    let file = match args.file {
        FileArg::Rule => File::Rule,
        FileArg::Fragments => File::Fragments,
        FileArg::Codemaps => File::CodeMaps,
        FileArg::Schema => File::Schema,
    };
    say!("{}", json_schema::of(file));
    Ok(())
}
