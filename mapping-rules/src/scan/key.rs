//! Which columns may be a table's key, where the catalog says nothing: no two rows of the sample share
//! them. Whether no two rows of the table do, only the source can say.

use std::cmp::Reverse;
use std::collections::HashSet;

use genkan_adapter::{ColumnKind, Value};

use super::profile::{CellHashes, ColumnProfile};
use crate::evaluate::value_text;
use crate::image::value_of_kind;
use crate::vocabulary::{Meaning, Role};

const COLUMNS_MAX: usize = 3;
/// Of so many columns, pairs and triples are tried.
const TRIED_MAX: usize = 10;
const FOUND_MAX: usize = 3;
/// In fewer rows anything is unique.
const ROWS_MIN: usize = 2;

/// The smallest sets of columns that are unique in the sample, the likeliest first.
pub fn candidate_keys(columns: &[ColumnProfile], sample: &CellHashes) -> Vec<Vec<String>> {
    let CellHashes(rows) = sample;
    if rows.len() < ROWS_MIN {
        return Vec::new();
    }
    let mut usable: Vec<usize> = (0..columns.len()).filter(|at| is_usable(&columns[*at])).collect();
    usable.sort_by_key(|at| (Reverse(likeliness(&columns[*at])), *at));
    usable.truncate(TRIED_MAX);
    let mut found: Vec<Vec<usize>> = Vec::new();
    for size in 1..=COLUMNS_MAX {
        for set in combinations(&usable, size) {
            let smaller = found.iter().any(|known| known.iter().all(|at| set.contains(at)));
            if !smaller && is_unique(rows, &set) {
                found.push(set);
            }
        }
        if !found.is_empty() {
            break;
        }
    }
    found.truncate(FOUND_MAX);
    let named = |mut set: Vec<usize>| {
        set.sort_unstable();
        set.into_iter().map(|at| columns[at].name.clone()).collect()
    };
    found.into_iter().map(named).collect()
}

/// A cell as a value that may stand in a key of another kind of column; `None` for what is empty.
pub fn key_value(kind: ColumnKind, value: &Value) -> Option<Value> {
    let utc = chrono::Offset::fix(&chrono::Utc);
    let text = value_text(value, utc)?;
    let text = text.trim_end();
    if text.trim_start_matches(['0', ' ']).is_empty() {
        return None;
    }
    value_of_kind(kind, text)
}

fn is_usable(column: &ColumnProfile) -> bool {
    let full = column.nulls + column.blanks + column.unreadable == 0 && column.filled > 0;
    let kind = !matches!(
        column.kind,
        ColumnKind::Bytes | ColumnKind::Unsupported | ColumnKind::Decimal | ColumnKind::Boolean
    );
    let written = column.means.is_some_and(|known| {
        known.means.is_written()
            || matches!(known.means, Meaning::Updated | Meaning::Created)
            || (known.means.is_personal() && known.means != Meaning::PatientNumber)
    });
    full && kind && !written && column.length_max <= 32
}

/// Numbers of things first, then codes, then what the name says nothing of, then days.
fn likeliness(column: &ColumnProfile) -> u8 {
    let number = column.means.is_some_and(|known| {
        known.means.is_number() || matches!(known.means, Meaning::Sequence | Meaning::GroupNumber)
    });
    match column.role.map(|role| role.means) {
        _ if number => 5,
        Some(Role::Number) => 4,
        Some(Role::Code) => 3,
        None => 2,
        Some(Role::Date) => 1,
        Some(Role::Name | Role::Text | Role::Flag) => 0,
    }
}

fn is_unique(rows: &[Box<[u64]>], set: &[usize]) -> bool {
    let mut seen = HashSet::with_capacity(rows.len());
    rows.iter().all(|row| {
        let cells: Vec<u64> = set.iter().filter_map(|at| row.get(*at).copied()).collect();
        seen.insert(cells)
    })
}

fn combinations(of: &[usize], size: usize) -> Vec<Vec<usize>> {
    match size {
        0 => vec![Vec::new()],
        _ => of
            .iter()
            .enumerate()
            .flat_map(|(index, first)| {
                let rest = combinations(&of[index + 1..], size - 1);
                rest.into_iter().map(move |mut set| {
                    set.insert(0, *first);
                    set
                })
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::Profiler;
    use genkan_adapter::{Column, Row};

    fn keys(columns: &[&str], rows: &[&[&str]]) -> Vec<Vec<String>> {
        let kind = ColumnKind::Text;
        let columns: Vec<Column> = columns
            .iter()
            .map(|name| Column { name: (*name).to_owned(), kind, nullable: true })
            .collect();
        let mut profiler =
            Profiler::new(&columns, chrono::FixedOffset::east_opt(0).expect("an offset"));
        for row in rows {
            profiler.take(&Row(row.iter().map(|text| Value::text(*text)).collect()));
        }
        let (columns, sample) = profiler.finish();
        candidate_keys(&columns, &sample)
    }

    #[test]
    fn the_smallest_unique_sets_are_found_and_names_of_people_are_no_keys() {
        let rows: [&[&str]; 4] =
            [&["1", "1", "林"], &["1", "2", "森"], &["2", "1", "牧"], &["2", "2", "岡"]];
        assert_eq!(keys(&["PT_ID", "SEQ", "KANJI_NM"], &rows), [["PT_ID", "SEQ"]]);
        let rows: [&[&str]; 3] = [&["a", "1"], &["b", "1"], &["c", "2"]];
        assert_eq!(keys(&["CD", "NO"], &rows), [["CD"]]);
        // A blank is no key, and neither is one row.
        assert_eq!(keys(&["CD"], &[&["a"], &[""]]), Vec::<Vec<String>>::new());
        assert_eq!(keys(&["CD"], &[&["a"]]), Vec::<Vec<String>>::new());
    }
}
