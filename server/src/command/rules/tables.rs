//! Which tables of which source a command looks at.

use clap::Args;
use genkan_adapter::SourceSchema;
use genkan_mapping::{MAIN, Text};

use crate::command::Failure;

#[derive(Debug, Args)]
pub struct TablesArgs {
    /// The source of `[sources.NAME]`; `[source]` if not given
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Only these tables; all if none is named
    #[arg(value_name = "TABLE")]
    tables: Vec<String>,
}

impl TablesArgs {
    pub fn source(&self) -> &str {
        self.source.as_deref().unwrap_or(MAIN)
    }

    /// For a name that no section has.
    pub fn no_source(&self) -> Failure {
        let name = self.source();
        Failure::usage(Text::new(
            format!("there is no [sources.{name}]"),
            format!("[sources.{name}] がありません"),
        ))
    }

    /// The tables that were named, or all.
    pub fn chosen(&self, mut schema: SourceSchema) -> Result<SourceSchema, Failure> {
        if let Some(unknown) = self.tables.iter().find(|name| schema.table(name).is_none()) {
            return Err(Failure::usage(Text::new(
                format!("the source has no table `{unknown}`"),
                format!("接続先に表「{unknown}」がありません"),
            )));
        }
        if !self.tables.is_empty() {
            schema.tables.retain(|name, _| self.tables.contains(name));
        }
        Ok(schema)
    }
}
