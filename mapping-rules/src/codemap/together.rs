//! The codes of one house code against each other: 管理番号, 交換用コード, レセ電 and ICD-10 of one disease, YJ and
//! HOT9 of one drug.

use std::collections::BTreeSet;

use genkan_masters::Crosswalk;

use super::Target;
use super::table::Row;

/// A row whose code is not the one that the master gives the code of another row.
pub(super) struct Disagreement<'r> {
    pub target: &'r Target,
    pub row: &'r Row,
    /// The other row, with its target.
    pub of: &'r Target,
    pub other: &'r Row,
    /// What the master gives.
    pub given: BTreeSet<String>,
}

/// Each row is compared with the first before it, in the order of the targets, from which a master leads.
pub(super) fn disagreements<'r>(
    targets: &'r [Target],
    rows: &'r [Row],
    masters: &Crosswalk<'_>,
) -> Vec<Disagreement<'r>> {
    let own = |target: &'r Target| {
        rows.iter().filter(|row| row.target == target.id).map(move |row| (target, row))
    };
    let rows: Vec<(&Target, &Row)> = targets.iter().flat_map(own).collect();
    let mut found = Vec::new();
    for (index, (target, row)) in rows.iter().enumerate().filter(|(_, (_, row))| !row.derived) {
        let before =
            rows[..index].iter().filter(|(of, other)| of.id != target.id && other.meets(row));
        for (of, other) in before {
            let start = (of.system.as_str(), other.code.as_str());
            match masters.agree(start, (target.system.as_str(), row.code.as_str())) {
                Some(true) => break,
                Some(false) => {
                    let tables = Crosswalk::tables(&of.system, &target.system);
                    let given =
                        tables.flat_map(|table| masters.codes(table, start, &target.system));
                    let given = given.collect();
                    found.push(Disagreement { target, row, of, other, given });
                    break;
                }
                None => {}
            }
        }
    }
    found
}
