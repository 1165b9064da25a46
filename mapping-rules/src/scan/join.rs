//! Which columns of one table may hold the key of another. Names propose, the source disposes: how
//! many of the values are there is asked by a query.

use std::collections::BTreeSet;

use super::profile::{ColumnProfile, TableProfile};
use crate::image::comparable;
use crate::vocabulary::{Meaning, Role};

/// Fewer different values prove nothing.
const VALUES_MIN: usize = 3;

/// Columns of a table that may name a row of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Places in the list of tables.
    pub from: usize,
    pub to: usize,
    /// Pairs: a column here, and the column of the other table's key.
    pub columns: Vec<(String, String)>,
    /// Columns of the other table's key that no column here holds, because they are days: a row of it
    /// is valid for a time.
    pub dated: Vec<String>,
    /// Only the values say so, not the names.
    pub by_values: bool,
}

/// A candidate that was asked of the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    pub candidate: Candidate,
    /// Different values that were looked for, and how many of them are there.
    pub tested: u64,
    pub found: u64,
}

impl Joined {
    /// Every value was there, or all but a few (rows without a partner happen).
    pub fn is_probable(&self) -> bool {
        self.tested > 0 && self.found * 100 >= self.tested * 90
    }

    pub fn is_complete(&self) -> bool {
        self.tested > 0 && self.found == self.tested
    }
}

/// Everything worth a query, the likelier first.
pub fn candidates(tables: &[TableProfile]) -> Vec<Candidate> {
    let mut found = Vec::new();
    for (to, target) in tables.iter().enumerate() {
        let keys: Vec<&ColumnProfile> =
            target.key.iter().filter_map(|name| target.column(name)).collect();
        let is_day = |column: &&ColumnProfile| {
            column.meaning().is_some_and(|means| {
                matches!(means, Meaning::ValidFrom | Meaning::ValidTo | Meaning::StartDate)
            })
        };
        let (dated, keys): (Vec<_>, Vec<_>) = keys.into_iter().partition(is_day);
        if keys.is_empty() || keys.len() + dated.len() != target.key.len() {
            continue;
        }
        let dated: Vec<String> = dated.iter().map(|column| column.name.clone()).collect();
        for (from, table) in tables.iter().enumerate().filter(|(from, _)| *from != to) {
            let named = keys.iter().map(|key| Some((partner(table, key)?, *key)));
            let sets = match named.collect::<Option<Vec<_>>>() {
                Some(pairs) => vec![(pairs, false)],
                None => by_values(table, &keys, target),
            };
            found.extend(sets.into_iter().map(|(pairs, by_values)| {
                let name = |(own, key): (&ColumnProfile, &ColumnProfile)| {
                    (own.name.clone(), key.name.clone())
                };
                let columns = pairs.into_iter().map(name).collect();
                Candidate { from, to, columns, dated: dated.clone(), by_values }
            }));
        }
    }
    found.sort_by_key(|candidate| (candidate.by_values, candidate.from, candidate.to));
    found
}

/// The column that has the key's name, or means the same number or code.
fn partner<'t>(table: &'t TableProfile, key: &ColumnProfile) -> Option<&'t ColumnProfile> {
    let fits = |column: &&ColumnProfile| comparable(column.kind, key.kind) && column.filled > 0;
    let same_name = |column: &&ColumnProfile| column.name.eq_ignore_ascii_case(&key.name);
    let named = table.columns.iter().filter(fits).find(same_name);
    let means = key.meaning().filter(|means| {
        let code = key.role.is_some_and(|role| role.means == Role::Code);
        means.is_number() || (code && !means.is_written())
    });
    let same = |column: &&ColumnProfile| means.is_some() && column.meaning() == means;
    named.or_else(|| table.columns.iter().filter(fits).find(same))
}

/// Of a key of one column whose values were all read: columns that hold nothing but such values.
fn by_values<'t>(
    table: &'t TableProfile,
    keys: &[&'t ColumnProfile],
    target: &TableProfile,
) -> Vec<(Vec<(&'t ColumnProfile, &'t ColumnProfile)>, bool)> {
    let [key] = keys else { return Vec::new() };
    if !target.all || !key.kind.is_text() {
        return Vec::new();
    }
    let known: BTreeSet<&str> = key.values().keys().map(String::as_str).collect();
    let holds = |column: &&ColumnProfile| {
        let values: Vec<&str> = column.values().keys().map(|text| text.trim_end()).collect();
        // Short digits are in every list of short digits.
        let telling = column.length_max > 3 || values.iter().any(|text| text.contains(is_letter));
        let all = values.iter().all(|text| known.contains(text));
        comparable(column.kind, key.kind)
            && values.len() >= VALUES_MIN
            && telling
            && all
            && !column.is_date()
    };
    let found = table.columns.iter().filter(holds);
    found.map(|column| (vec![(column, *key)], true)).collect()
}

fn is_letter(c: char) -> bool {
    c.is_alphabetic()
}

impl TableProfile {
    pub fn column(&self, name: &str) -> Option<&ColumnProfile> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The column of this meaning; of several, the first that is filled.
    pub fn meaning(&self, means: Meaning) -> Option<&ColumnProfile> {
        let mut fits = self.columns.iter().filter(|column| column.meaning() == Some(means));
        let first = fits.next()?;
        Some(std::iter::once(first).chain(fits).find(|column| column.real() > 0).unwrap_or(first))
    }
}
