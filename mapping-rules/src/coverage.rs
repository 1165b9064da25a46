//! What a rule set leaves open: 必須 and 準必須 elements that a rule feeds nothing, columns that no rule
//! reads, rules that no test exercises. For `genkan rules coverage`, which asks the source what is
//! unmapped.

pub(crate) mod elements;

use genkan_adapter::{ColumnKind, Table};

use crate::program::{Rule, RuleSet};
use crate::reads;
use crate::sources::SourceSchemas;
use crate::testing::RuleTest;

pub use elements::{Need, Unfed, profile_of, unfed};

/// A table with the columns that no rule reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// The place of its source.
    pub source: usize,
    pub table: String,
    /// Some rule reads the table; otherwise all of its columns are unread.
    pub is_read: bool,
    pub columns: Vec<String>,
}

/// Every table with an unread column, by source and name.
pub fn unread(rules: &RuleSet, schemas: &SourceSchemas) -> Vec<Unread> {
    let read = reads::all(rules);
    let mut found = Vec::new();
    for (source, schema) in schemas.schemas().enumerate() {
        for (table, known) in &schema.tables {
            let columns = read.get(&(source, table.clone()));
            let left: Vec<String> = readable(known)
                .filter(|name| !columns.is_some_and(|columns| columns.contains(*name)))
                .map(str::to_owned)
                .collect();
            let (table, is_read) = (table.clone(), columns.is_some());
            if !left.is_empty() {
                found.push(Unread { source, table, is_read, columns: left });
            }
        }
    }
    found
}

/// A rule can read these.
fn readable(table: &Table) -> impl Iterator<Item = &str> {
    let readable = table.columns.iter().filter(|column| column.kind != ColumnKind::Unsupported);
    readable.map(|column| column.name.as_str())
}

/// No test of the rule makes a resource and looks at it.
pub fn is_untested(rule: &Rule) -> bool {
    let looks = |test: &RuleTest| {
        let made = test.expect.as_ref().is_some_and(|expected| !expected.is_empty());
        made || !test.finds.is_empty() || !test.absent.is_empty()
    };
    !rule.tests.iter().any(looks)
}
