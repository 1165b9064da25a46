//! What an update of the masters means for code maps that people have reviewed: accepted rows whose code
//! has ended, has another name, is another thing than it was, or no more goes with the house code's others.

use chrono::{Days, NaiveDate};
use genkan_masters::{Concept, Crosswalk, Property, Standing, Store, Successor};

use super::table::{self, Row};
use super::together::{Disagreement, disagreements};
use super::{CodeMap, Target, complete};
use crate::compile::RuleFiles;
use crate::diagnostic::Span;
use crate::program::RuleSet;

/// An accepted row that somebody should look at again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outdated {
    pub map: String,
    pub local: String,
    /// The house's own name of the code.
    pub name: Option<String>,
    pub target: String,
    pub code: String,
    pub display: Option<String>,
    /// Of its row.
    pub span: Span,
    pub what: What,
    /// What may take its place; the first is the nearest.
    pub successors: Vec<Successor>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// 廃止: its last day has passed, and the row holds longer.
    Retired { last: NaiveDate },
    /// Its last day is known and is still to come.
    Ending { last: NaiveDate },
    /// The name that the row shows is not the master's; since when, if it once was.
    Renamed { name: String, since: Option<NaiveDate> },
    /// What the master says of it is not what it said at the review.
    Changed { property: Property, before: String, now: String, since: NaiveDate },
    /// The loaded masters of its system don't have it.
    Unknown,
    /// By the masters, the code that the house code has in another target has these and not this one.
    Disagrees { target: String, code: String, given: Vec<String> },
}

/// Properties that make a code another thing, or lead to other codes.
const TELLING: [Property; 17] = [
    Property::KeyNumber,
    Property::Exchange,
    Property::Receipt,
    Property::Icd10,
    Property::Icd10Second,
    Property::Position,
    Property::Unit,
    Property::Strength,
    Property::Ingredient,
    Property::Form,
    Property::Yj,
    Property::Hot9,
    Property::PriceList,
    Property::GenericName,
    Property::Jlac10,
    Property::Item,
    Property::Section,
];

/// Compares every accepted row that holds on a day or later with the masters.
pub fn recheck(
    rules: &RuleSet,
    files: &RuleFiles,
    masters: &Store,
    on: NaiveDate,
) -> Vec<Outdated> {
    let masters = Crosswalk::new(masters);
    let mut found = Vec::new();
    for map in &rules.code_maps {
        let path = format!("codes/{}.csv", map.id);
        let bytes = files.0.iter().find(|(known, _)| *known == path).map(|(_, bytes)| bytes);
        let file = rules.files.iter().position(|file| file.path == path);
        let (Some(bytes), Some(file)) = (bytes, file) else { continue };
        let of = Recheck { map, masters: &masters, on, file: u16::try_from(file).unwrap_or(0) };
        let (mut rows, _) = table::read(bytes, &map.targets);
        complete(&map.targets, &mut rows, &masters);
        for (local, rows) in &rows {
            // What is history keeps the code of its time, and what follows from another row has its code.
            let lasting = |row: &&Row| row.until.is_none_or(|until| on < until);
            let own = rows.iter().filter(lasting).filter(|row| !row.derived);
            found.extend(own.flat_map(|row| of.row(local, row)));
            let wrong = disagreements(&map.targets, rows, &masters);
            let wrong = wrong.into_iter().filter(|one| lasting(&one.row) && lasting(&one.other));
            found.extend(wrong.map(|one| of.disagreement(local, one)));
        }
    }
    found
}

struct Recheck<'a> {
    map: &'a CodeMap,
    masters: &'a Crosswalk<'a>,
    on: NaiveDate,
    file: u16,
}

impl Recheck<'_> {
    fn row(&self, local: &str, row: &Row) -> Vec<Outdated> {
        let Some(target) = self.map.targets.iter().find(|target| target.id == row.target) else {
            return Vec::new();
        };
        let found = match self.masters.standing(&target.system, &row.code) {
            Standing::Known(fact) => {
                let ended = fact.until.and_then(|last| self.ended(row, last));
                let renamed = self.renamed(row, target, &fact.names);
                let changed = self.changed(row, target);
                ended.into_iter().chain(renamed).chain(changed).collect()
            }
            Standing::Unknown | Standing::Elsewhere(_) => vec![What::Unknown],
            Standing::Unchecked(_) => Vec::new(),
        };
        let outdated = found.into_iter().map(|what| {
            let successors = self.successors(&what, target, row);
            self.outdated(local, row, (what, successors))
        });
        outdated.collect()
    }

    fn disagreement(&self, local: &str, found: Disagreement<'_>) -> Outdated {
        let what = What::Disagrees {
            target: found.of.id.clone(),
            code: found.other.code.clone(),
            given: found.given.into_iter().collect(),
        };
        self.outdated(local, found.row, (what, Vec::new()))
    }

    fn outdated(
        &self,
        local: &str,
        row: &Row,
        (what, successors): (What, Vec<Successor>),
    ) -> Outdated {
        Outdated {
            map: self.map.id.clone(),
            local: local.to_owned(),
            name: row.name.clone(),
            target: row.target.clone(),
            code: row.code.clone(),
            display: row.display.clone(),
            span: Span { file: self.file, line: row.line, column: 1, length: 1 },
            what,
            successors,
        }
    }

    fn ended(&self, row: &Row, last: NaiveDate) -> Option<What> {
        let next = last.checked_add_days(Days::new(1))?;
        let lasts = row.until.is_none_or(|until| next < until);
        let what = if last < self.on { What::Retired { last } } else { What::Ending { last } };
        lasts.then_some(what)
    }

    fn successors(&self, what: &What, target: &Target, row: &Row) -> Vec<Successor> {
        match what {
            What::Retired { last } | What::Ending { last } => {
                let next = last.checked_add_days(Days::new(1)).unwrap_or(*last).max(self.on);
                self.masters.successors(&target.system, &row.code, next)
            }
            _ => Vec::new(),
        }
    }

    fn renamed(&self, row: &Row, target: &Target, names: &[String]) -> Option<What> {
        let (display, name) = (row.display.as_ref()?, names.first()?);
        if names.contains(display) {
            return None;
        }
        let named =
            |concept: &Concept| concept.display == *display || concept.synonyms.contains(display);
        let histories = self.masters.history(&target.system, &row.code);
        let since = histories.iter().find_map(|history| {
            let last = history.iter().rposition(|(_, concept)| named(concept))?;
            history.get(last + 1).map(|(day, _)| *day)
        });
        Some(What::Renamed { name: name.clone(), since })
    }

    /// Against what the master said on the day of the review; without one, against its first word.
    fn changed(&self, row: &Row, target: &Target) -> Vec<What> {
        let histories = self.masters.history(&target.system, &row.code);
        histories.iter().flat_map(|history| Self::changed_by(history, row)).collect()
    }

    /// By one master.
    fn changed_by(history: &[(NaiveDate, Concept)], row: &Row) -> Vec<What> {
        let known = |(day, _): &&(NaiveDate, Concept)| row.reviewed.is_some_and(|at| *day <= at);
        let Some((_, then)) = history.iter().rfind(known).or(history.first()) else {
            return Vec::new();
        };
        let Some((_, now)) = history.last() else { return Vec::new() };
        let changed = TELLING.into_iter().filter_map(|property| {
            let (before, after) = (then.values(property), now.values(property));
            if before == after {
                return None;
            }
            let since = history.iter().rev().take_while(|(_, c)| c.values(property) == after);
            let since = since.last().map(|(day, _)| *day)?;
            Some(What::Changed { property, before: before.join(" "), now: after.join(" "), since })
        });
        changed.collect()
    }
}
