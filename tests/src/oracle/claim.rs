//! A search with what it must bring, and how an answer stands to it. Nothing of it belongs to an
//! engine: made once, it is asked of every server that shows the same resources.

use std::collections::{BTreeSet, HashMap};

use super::ask::{Found, Refused, ask, difference};
use super::linked::SortKey;
use crate::harness::Genkan;

#[derive(Debug, Clone)]
pub struct Claim {
    pub resource_type: String,
    /// As it stands in a URL.
    pub query: String,
    /// Others with the same answer, asked one after the other where a server refuses.
    pub others: Vec<String>,
    pub matches: BTreeSet<String>,
    /// Each of these for each match, the first one first; descending where so said.
    pub order: Vec<(HashMap<String, SortKey>, bool)>,
    /// Beside the matches.
    pub includes: BTreeSet<String>,
    /// Matches of one page.
    pub count: Option<usize>,
    /// What was asked of `Bundle.total`.
    pub total: Option<&'static str>,
    /// Asked by POST.
    pub post: bool,
}

/// What became of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Right,
    /// 400, or too costly: the server does not take the question and says why.
    Refused(String),
    Wrong(String),
}

impl Claim {
    pub fn new(resource_type: &str, query: String, matches: BTreeSet<String>) -> Self {
        Claim {
            resource_type: resource_type.to_owned(),
            query,
            others: Vec::new(),
            matches,
            order: Vec::new(),
            includes: BTreeSet::new(),
            count: None,
            total: None,
            post: false,
        }
    }

    /// Asks over all pages; of what is refused, the last reason.
    pub fn judge(&self, genkan: &Genkan) -> Verdict {
        let mut verdict = Verdict::Refused(String::new());
        for query in std::iter::once(&self.query).chain(&self.others) {
            verdict = match ask(genkan, &self.resource_type, query, self.post) {
                Ok(found) => self.fault(&found).map_or(Verdict::Right, Verdict::Wrong),
                Err(error) if error.is::<Refused>() => Verdict::Refused(error.to_string()),
                Err(error) => Verdict::Wrong(format!("{error:#}")),
            };
            if !matches!(verdict, Verdict::Refused(_)) {
                break;
            }
        }
        verdict
    }

    fn fault(&self, found: &Found) -> Option<String> {
        let matches = found.set();
        if let Some(said) = difference(&matches, &self.matches) {
            return Some(said);
        }
        if matches.len() < found.matches.len() {
            return Some(format!("{} matches come twice", found.matches.len() - matches.len()));
        }
        if self.count.is_some_and(|count| found.page_max > count) {
            return Some(format!("{} matches on a page", found.page_max));
        }
        if let Some(said) = self.total_fault(found) {
            return Some(said);
        }
        // A match of another page may be there as an include.
        let beside = found.includes.difference(&matches).cloned().collect();
        if let Some(said) = difference(&beside, &self.includes) {
            return Some(format!("includes: {said}"));
        }
        // R4 doesn't say where a resource without a value stands. Here it is the beginning.
        let wrong = found.matches.windows(2).find(|pair| !self.ordered(&pair[0], &pair[1]));
        wrong.map(|pair| format!("{} stands before {}", pair[0], pair[1]))
    }

    /// Rows are counted: one that is no resource counts, and an entry of the answer says so.
    fn total_fault(&self, found: &Found) -> Option<String> {
        let matches = found.matches.len() as u64;
        let right = |total: &Option<u64>| match (self.total, total) {
            (Some("estimate"), _) => true,
            (Some("accurate"), Some(total)) => {
                *total == matches || *total > matches && found.outcomes > 0
            }
            (asked, total) => asked != Some("accurate") && total.is_none(),
        };
        let wrong = found.totals.iter().find(|total| !right(total))?;
        Some(format!("total {wrong:?} of {matches} matches"))
    }

    fn ordered(&self, one: &str, next: &str) -> bool {
        for (keys, descending) in &self.order {
            let (one, next) = (keys.get(one), keys.get(next));
            if one != next {
                return (one < next) != *descending;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(addresses: &[&str]) -> BTreeSet<String> {
        addresses.iter().map(|one| (*one).to_owned()).collect()
    }

    #[test]
    fn an_answer_is_right_in_its_matches_pages_includes_and_order() {
        let keys =
            [("A/1", None), ("A/2", Some((5, String::new()))), ("A/3", Some((7, String::new())))];
        let keys: HashMap<String, SortKey> =
            keys.into_iter().map(|(address, key)| (address.to_owned(), key)).collect();
        let mut claim = Claim::new("A", "x=1".to_owned(), set(&["A/1", "A/2", "A/3"]));
        claim.order = vec![(keys, false)];
        claim.includes = set(&["B/1"]);
        claim.count = Some(2);
        let found = |matches: &[&str], includes: &[&str], page_max| Found {
            matches: matches.iter().map(|one| (*one).to_owned()).collect(),
            includes: set(includes),
            page_max,
            ..Found::default()
        };
        for (answer, fault) in [
            (found(&["A/1", "A/2", "A/3"], &["B/1"], 2), ""),
            (found(&["A/1", "A/2", "A/3"], &["B/1", "A/3"], 2), ""),
            (found(&["A/1", "A/2"], &["B/1"], 2), "1 (A/3) missing"),
            (found(&["A/1", "A/2", "A/3", "A/3"], &["B/1"], 2), "come twice"),
            (found(&["A/1", "A/2", "A/3"], &["B/1"], 3), "3 matches on a page"),
            (found(&["A/1", "A/2", "A/3"], &["B/1", "B/2"], 2), "includes: 2 found"),
            (found(&["A/2", "A/1", "A/3"], &["B/1"], 2), "A/2 stands before A/1"),
        ] {
            let said = claim.fault(&answer).unwrap_or_default();
            assert!(said.contains(fault) && said.is_empty() == fault.is_empty(), "{fault}: {said}");
        }
        for (asked, total, outcomes, fault) in [
            (None, None, 0, ""),
            (None, Some(3), 0, "total"),
            (Some("none"), Some(3), 0, "total"),
            (Some("estimate"), Some(7), 0, ""),
            (Some("accurate"), Some(3), 0, ""),
            (Some("accurate"), Some(4), 1, ""),
            (Some("accurate"), Some(4), 0, "total"),
            (Some("accurate"), Some(2), 1, "total"),
            (Some("accurate"), None, 0, "total"),
        ] {
            let told = Claim { total: asked, ..claim.clone() };
            let matches = found(&["A/1", "A/2", "A/3"], &["B/1"], 2);
            let said = told.fault(&Found { totals: vec![total], outcomes, ..matches });
            let said = said.unwrap_or_default();
            assert!(
                said.contains(fault) && said.is_empty() == fault.is_empty(),
                "{asked:?}: {said}"
            );
        }
        claim.order[0].1 = true;
        assert_eq!(claim.fault(&found(&["A/3", "A/2", "A/1"], &["B/1"], 2)), None);
    }
}
