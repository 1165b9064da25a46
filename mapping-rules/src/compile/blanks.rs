//! `blank:` of a rule: which stored texts mean nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use genkan_adapter::Name;

use crate::compile::structure::{Entries, text_list};
use crate::diagnostic::{Diagnostic, Span};
use crate::yaml::Yaml;

type Result<T> = std::result::Result<T, Diagnostic>;

/// `blank:`: texts that mean "nothing", for all columns, for a table, or for one column.
#[derive(Default)]
pub(crate) struct Blanks {
    everywhere: Arc<[Name]>,
    by_name: BTreeMap<String, Arc<[Name]>>,
    names: Vec<(String, Span)>,
}

impl Blanks {
    pub fn parse(yaml: Option<&Yaml>) -> Result<Self> {
        let names = |yaml: &Yaml| -> Result<Arc<[Name]>> {
            Ok(text_list(yaml)?.into_iter().map(|(text, _)| Name::from(text)).collect())
        };
        match yaml {
            None => Ok(Blanks::default()),
            Some(yaml) if yaml.as_list().is_some() => {
                Ok(Blanks { everywhere: names(yaml)?, ..Blanks::default() })
            }
            Some(yaml) => {
                let mut blanks = Blanks::default();
                for (key, value) in Entries::of(yaml)?.iter() {
                    match key.name.as_str() {
                        "all" => blanks.everywhere = names(value)?,
                        name => {
                            blanks.names.push((name.to_owned(), key.span));
                            blanks.by_name.insert(name.to_owned(), names(value)?);
                        }
                    }
                }
                Ok(blanks)
            }
        }
    }

    /// What the lists are for, besides all columns.
    pub fn names(&self) -> impl Iterator<Item = &(String, Span)> {
        self.names.iter()
    }

    /// The most particular list wins: `alias.COLUMN`, then the alias, the table, then all.
    pub fn of(&self, alias: &str, table: &str, column: &str) -> Arc<[Name]> {
        [format!("{alias}.{column}"), alias.to_owned(), table.to_owned()]
            .iter()
            .find_map(|name| self.by_name.get(name))
            .unwrap_or(&self.everywhere)
            .clone()
    }
}
