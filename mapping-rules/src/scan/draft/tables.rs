//! The tables of a drafted rule: the root, the tables that it hangs on, and the masters (マスタ) that
//! name its codes.

use genkan_adapter::ColumnKind;

use super::Found;
use super::text::{is_word, yaml_name};
use crate::scan::guess::ResourceKind as K;
use crate::scan::join::{Candidate, Joined};
use crate::scan::profile::{ColumnProfile, TableProfile};
use crate::scan::{DateSpelling, join};
use crate::vocabulary::{Meaning as M, Role};

/// A column in a rule's words.
#[derive(Clone, Copy)]
pub(super) struct Cell<'a> {
    pub alias: &'a str,
    pub column: &'a ColumnProfile,
}

pub(super) struct Tables<'a> {
    found: Found<'a>,
    /// Alias, place of the table, and how it is joined.
    pub joined: Vec<(String, usize, Option<&'a Joined>)>,
}

/// Steps away from the root.
const STEPS_MAX: usize = 2;

/// What a code's name is looked up by.
const NAMED_CODES: [M; 5] =
    [M::DiseaseCode, M::AllergenCode, M::ItemCode, M::DrugCode, M::UsageCode];

impl<'a> Tables<'a> {
    /// The root with everything that one row of it needs one row of.
    pub fn around(found: Found<'a>, root: usize) -> Self {
        let mut tables = Tables { found, joined: vec![("r".to_owned(), root, None)] };
        let mut begin = 0;
        for _ in 0..STEPS_MAX {
            let here: Vec<usize> = tables.joined[begin..].iter().map(|(_, at, _)| *at).collect();
            begin = tables.joined.len();
            for joined in found.joins.iter().filter(|joined| here.contains(&joined.candidate.from))
            {
                if tables.is_header(joined) {
                    let alias = format!("h{}", tables.joined.len());
                    tables.joined.push((alias, joined.candidate.to, Some(joined)));
                }
            }
        }
        for code in NAMED_CODES {
            if let Some(master) = tables.master_of(code) {
                let alias = format!("m{}", tables.joined.len());
                tables.joined.push((alias, master.candidate.to, Some(master)));
            }
        }
        tables
    }

    pub fn root(&self) -> &'a TableProfile {
        &self.found.tables[self.joined[0].1]
    }

    /// Of a row that other rows hang on; patients, visits and people are referred to instead.
    fn is_header(&self, joined: &Joined) -> bool {
        let Candidate { to, dated, by_values, .. } = &joined.candidate;
        let guess = self.found.guesses[*to].as_ref().map(|guess| guess.kind);
        let referred =
            matches!(guess, Some(K::Patient | K::Practitioner | K::Encounter | K::Coverage));
        joined.is_probable()
            && dated.is_empty()
            && !by_values
            && !referred
            && !self.is_coincidence(joined)
            && !self.joined.iter().any(|(_, at, _)| at == to)
            && self.found.tables[*to].meaning(M::PatientNumber).is_some()
            || (self.is_group(joined) && !self.joined.iter().any(|(_, at, _)| at == to))
    }

    /// The second disease and the second allergy of a patient share a number, and nothing else.
    fn is_coincidence(&self, joined: &Joined) -> bool {
        let Candidate { from, to, columns, .. } = &joined.candidate;
        let patient = |(own, _): &(String, String)| {
            let number = self.found.tables[*from].meaning(M::PatientNumber);
            number.is_some_and(|column| column.name == *own)
        };
        self.found.guesses[*to].is_some() && columns.iter().any(patient)
    }

    /// A group between lines and their order: it has no patient of its own.
    fn is_group(&self, joined: &Joined) -> bool {
        let Candidate { to, columns, dated, by_values, .. } = &joined.candidate;
        joined.is_probable()
            && dated.is_empty()
            && !by_values
            && columns.len() > 1
            && self.found.guesses[*to].is_none()
    }

    fn master_of(&self, code: M) -> Option<&'a Joined> {
        let cell = self.find(code)?;
        let from = self.joined.iter().find(|(alias, ..)| alias == cell.alias)?.1;
        let fits = |joined: &&Joined| {
            let Candidate { columns, to, dated, .. } = &joined.candidate;
            let one = matches!(columns.as_slice(), [(own, _)] if *own == cell.column.name);
            let table = &self.found.tables[*to];
            joined.candidate.from == from
                && one
                && joined.is_probable()
                && table.meaning(M::PatientNumber).is_none()
                && name_column(table).is_some()
                && (dated.is_empty() || self.validity(joined).is_some())
                && !self.joined.iter().any(|(_, at, _)| at == to)
        };
        self.found.joins.iter().find(fits)
    }

    /// The column of this meaning, in the root or else in a table that it hangs on.
    pub fn find(&self, means: M) -> Option<Cell<'_>> {
        self.joined.iter().find_map(|(alias, at, _)| {
            let column = self.found.tables[*at].meaning(means)?;
            is_word(&column.name).then_some(Cell { alias, column })
        })
    }

    /// All columns of this meaning, the root's first.
    pub fn all(&self, means: M) -> Vec<Cell<'_>> {
        let found = self.joined.iter().filter_map(|(alias, at, _)| {
            let column = self.found.tables[*at].meaning(means)?;
            is_word(&column.name).then_some(Cell { alias, column })
        });
        found.collect()
    }

    /// The name of a code, from its master.
    pub fn name_of(&self, code: M) -> Option<Cell<'_>> {
        let cell = self.find(code)?;
        self.joined.iter().find_map(|(alias, at, joined)| {
            let columns = &joined.as_ref()?.candidate.columns;
            let own = matches!(columns.as_slice(), [(own, _)] if *own == cell.column.name);
            let column = name_column(&self.found.tables[*at]).filter(|_| own)?;
            alias.starts_with('m').then_some(Cell { alias, column })
        })
    }

    /// The day that decides which row of a dated master holds: stored as its ends are.
    fn validity(&self, joined: &Joined) -> Option<(String, String, String)> {
        let table = &self.found.tables[joined.candidate.to];
        let (from, to) = (table.meaning(M::ValidFrom)?, table.meaning(M::ValidTo)?);
        let compact = |column: &ColumnProfile| {
            let first = column.spellings().first().map(|(spelling, _)| *spelling);
            column.kind.is_text()
                && matches!(
                    first,
                    None | Some(
                        DateSpelling::Compact | DateSpelling::Compact12 | DateSpelling::Compact14
                    )
                )
        };
        let day = [M::CollectedAt, M::PrescribedAt, M::StartDate, M::VisitDate, M::ReportedAt]
            .into_iter()
            .find_map(|means| self.find(means))?;
        let alike = compact(from) && compact(to) && compact(day.column)
            || (from.kind == ColumnKind::Date && day.column.kind == ColumnKind::Date);
        alike.then(|| {
            let at = format!("{}.{}", day.alias, day.column.name);
            (from.name.clone(), to.name.clone(), at)
        })
    }

    /// The entries of `from`, one line each; the first is the root.
    pub fn entries(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (alias, at, joined) in &self.joined {
            let table = &self.found.tables[*at];
            let name = yaml_name(&table.name);
            let Some(joined) = joined else {
                let key: Vec<String> = table.key.iter().map(|name| yaml_name(name)).collect();
                lines.push(format!("  {alias}: {{table: {name}, key: [{}]}}", key.join(", ")));
                continue;
            };
            let from = self.joined.iter().find(|(_, at, _)| *at == joined.candidate.from);
            let outer = from.map_or("r", |(alias, ..)| alias.as_str());
            let pairs = joined.candidate.columns.iter();
            let pairs: Vec<String> =
                pairs.map(|(own, key)| format!("{} = {outer}.{own}", yaml_name(key))).collect();
            let header = alias.starts_with('h');
            let how = if header && joined.is_complete() { "one" } else { "maybe" };
            let valid = match self.validity(joined).filter(|_| !joined.candidate.dated.is_empty()) {
                Some((from, to, at)) => {
                    format!(", valid: [{}, {}], at: = {at}", yaml_name(&from), yaml_name(&to))
                }
                None => String::new(),
            };
            let counted = format!("{} of {} values found", joined.found, joined.tested);
            lines.push(format!(
                "  {alias}: {{table: {name}, {how}: [{}]{valid}}}   # {counted}",
                pairs.join(", ")
            ));
        }
        lines
    }

    /// Rows that hang on the root by its key: child tables.
    pub fn children(&self) -> impl Iterator<Item = (&'a Joined, &'a TableProfile)> + '_ {
        let root = self.joined[0].1;
        let (found, key) = (self.found, self.root().key.len());
        let fits = move |joined: &&Joined| {
            let Candidate { to, columns, by_values, .. } = &joined.candidate;
            let shorter = columns.len() == key && !by_values;
            let guess = &found.guesses[joined.candidate.from];
            *to == root && joined.is_probable() && shorter && guess.is_none() && key > 1
        };
        found
            .joins
            .iter()
            .filter(fits)
            .map(move |joined| (joined, &found.tables[joined.candidate.from]))
    }

    /// The columns here that name a row of another table of this place.
    pub fn reference_to(&self, target: usize) -> Option<Vec<String>> {
        let key = &self.found.tables[target].key;
        self.joined.iter().find_map(|(alias, at, _)| {
            let fits = |joined: &&join::Joined| {
                let Candidate { from, to, .. } = &joined.candidate;
                from == at && *to == target && joined.is_probable()
            };
            let joined = self.found.joins.iter().find(fits)?;
            let own = |name: &String| {
                let mut pairs = joined.candidate.columns.iter();
                let (own, _) = pairs.find(|(_, key)| key == name)?;
                is_word(own).then(|| format!("= {alias}.{own}"))
            };
            key.iter().map(own).collect()
        })
    }
}

/// What a master calls its codes.
pub(super) fn name_column(table: &TableProfile) -> Option<&ColumnProfile> {
    let named = |column: &&ColumnProfile| {
        let person = column.means.is_some_and(|known| known.means.is_personal());
        let name = column.role.is_some_and(|role| role.means == Role::Name)
            || column.means.is_some_and(|known| known.means.is_written());
        name && !person && is_word(&column.name) && column.kind.is_text()
    };
    table.columns.iter().find(named)
}
