//! House codes without a standard code: what the emitter says of the codes of each row is counted.

use std::collections::{BTreeMap, HashSet};

use genkan_mapping::emit::{Emitted, Emitter};
use genkan_mapping::program::RuleSet;

use super::super::plain_identity;
use crate::coded_rows::{Looked, Pace, RowsArgs, has_code, patient, visit};
use crate::command::{Failure, printed};
use crate::sources::Sources;

/// Longer texts, and those with other signs, are nobody's code; they may be anybody's words.
const CODE_LENGTH_MAX: usize = 20;

/// How often a house code stood without a standard code.
#[derive(Debug, Default)]
pub struct Count {
    pub rows: u64,
    patients: HashSet<u64>,
    /// The rules whose rows these are.
    pub rules: Vec<usize>,
}

impl Count {
    pub fn patients(&self) -> usize {
        self.patients.len()
    }
}

/// What stands in the place of a code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum House {
    Code(String),
    /// No code, only a text.
    Blank,
    /// A text that does not look like a code, and is not shown.
    Words,
}

/// By code map, then by house code.
#[derive(Default)]
pub struct Uncoded {
    pub looked: Vec<Looked>,
    pub codes: BTreeMap<(String, House), Count>,
}

pub async fn uncoded(
    sources: &Sources,
    rules: &RuleSet,
    args: &RowsArgs,
) -> Result<Uncoded, Failure> {
    let identity = plain_identity()?;
    let emitter = Emitter::new(rules, &identity);
    let mut codes = Uncoded::default();
    let with_codes = |rule: &_| has_code(rule, None);
    let pace = Pace::Command(printed::rows_so_far());
    let looked = visit((sources, rules), with_codes, args, &pace, |index, record| {
        let emitted = emitter.emit(&rules.rules[index], record);
        codes.take(index, &emitted);
    })
    .await?;
    Ok(Uncoded { looked, ..codes })
}

impl Uncoded {
    fn take(&mut self, rule: usize, emitted: &Emitted) {
        // What is contained is a resource of another rule, which counts its own rows.
        let own = |expression: &str| !expression.contains(".contained[");
        let issues = emitted.issues.iter().filter(|issue| own(&issue.expression));
        let uncoded: Vec<&(String, String)> =
            issues.filter_map(|issue| issue.map.as_ref()).collect();
        if uncoded.is_empty() {
            return;
        }
        let patient = patient(emitted);
        let mut counted: Vec<(&str, House)> = Vec::new();
        for (map, local) in uncoded {
            let key = (map.as_str(), house(local));
            if counted.contains(&key) {
                continue;
            }
            let count = self.codes.entry((map.clone(), key.1.clone())).or_default();
            count.rows += 1;
            count.patients.extend(patient);
            if !count.rules.contains(&rule) {
                count.rules.push(rule);
            }
            counted.push(key);
        }
    }
}

fn house(local: &str) -> House {
    let code = |text: &str| {
        text.chars().count() <= CODE_LENGTH_MAX && text.chars().all(|c| c.is_ascii_graphic())
    };
    match local {
        "" => House::Blank,
        text if code(text) => House::Code(text.to_owned()),
        _ => House::Words,
    }
}
