//! Searches of several parameters, drawn by a seed: chains, modifiers, prefixes, lists of values, orders,
//! includes and pages, all of them declared. What they must bring is put together from what the oracle
//! says of each parameter.

use std::collections::{BTreeSet, HashMap};

use super::archive::{Archive, Set};
use super::ask::pair;
use super::claim::Claim;
use super::declared::{Include, Link};
use super::linked::sort_key;
use super::question::Question;

/// `_count` where none is asked: one page holds all of them, or nearly.
const COUNT_MAX: usize = 1000;

#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    pub resource_type: String,
    /// All of them hold.
    pub terms: Vec<Term>,
    /// The codes; descending where so said.
    pub sort: Vec<(String, bool)>,
    pub includes: Vec<Include>,
    pub count: Option<usize>,
    /// Only ids are shown.
    pub brief: bool,
    /// `_total`: `none`, `estimate` or `accurate`.
    pub total: Option<&'static str>,
    /// Asked by POST.
    pub post: bool,
}

/// One parameter of a request: any of its values may hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    pub links: Vec<Link>,
    /// They differ in their values only.
    pub questions: Vec<Question>,
}

impl Term {
    /// As it stands in a URL.
    pub fn text(&self) -> String {
        let links: String = self.links.iter().map(Link::text).collect();
        let name = self.questions.first().map(Question::name).unwrap_or_default();
        let values: Vec<String> = self.questions.iter().map(Question::value).collect();
        pair(&format!("{links}{name}"), &values.join(","))
    }

    /// `None` where R4 leaves it open.
    pub fn holding(&self, archive: &Archive) -> Option<Set> {
        archive.linked(&self.links, &self.questions)
    }
}

impl Query {
    /// As it stands in a URL.
    pub fn text(&self) -> String {
        let mut parts: Vec<String> = self.terms.iter().map(Term::text).collect();
        if !self.sort.is_empty() {
            let key = |(code, descending): &(String, bool)| {
                format!("{}{code}", if *descending { "-" } else { "" })
            };
            let keys: Vec<String> = self.sort.iter().map(key).collect();
            parts.push(format!("_sort={}", keys.join(",")));
        }
        let includes = self.includes.iter().map(Include::pair);
        parts.extend(includes.map(|(name, value)| pair(name, &value)));
        parts.push(format!("_count={}", self.count.unwrap_or(COUNT_MAX)));
        parts.extend(self.brief.then(|| "_elements=id".to_owned()));
        parts.extend(self.total.map(|total| format!("_total={total}")));
        parts.join("&")
    }

    pub fn matches(&self, archive: &Archive) -> Option<Set> {
        let mut found: Set = (0..archive.of(&self.resource_type).len()).collect();
        for term in &self.terms {
            let holding = term.holding(archive)?;
            found.retain(|place| holding.contains(place));
        }
        Some(found)
    }

    /// What a server must answer; `None` where R4 leaves it open.
    pub fn claim(&self, archive: &Archive) -> Option<Claim> {
        let found = self.matches(archive)?;
        let resource_type = &self.resource_type;
        let matches = archive.addresses(resource_type, &found);
        let mut claim = Claim::new(resource_type, self.text(), matches);
        for (code, descending) in &self.sort {
            let column = archive.column(resource_type, code);
            let keys = found.iter().map(|place| {
                let address = archive.of(resource_type)[*place].address.clone();
                (address, sort_key(archive, &column[*place]))
            });
            claim.order.push((keys.collect::<HashMap<_, _>>(), *descending));
        }
        claim.includes = archive.brought((resource_type, &found), &self.includes);
        claim.count = self.count;
        claim.total = self.total;
        claim.post = self.post;
        Some(claim)
    }

    /// Every query that asks for one thing less.
    pub fn simpler(&self) -> Vec<Query> {
        let mut simpler = Vec::new();
        let mut add = |change: &dyn Fn(&mut Query)| {
            let mut query = self.clone();
            change(&mut query);
            if query != *self {
                simpler.push(query);
            }
        };
        for index in 0..self.terms.len() {
            add(&|query| drop(query.terms.remove(index)));
        }
        add(&|query| query.includes.clear());
        add(&|query| query.sort.clear());
        add(&|query| query.count = None);
        add(&|query| query.brief = true);
        add(&|query| query.total = None);
        add(&|query| query.post = false);
        for index in 0..self.includes.len() {
            add(&|query| drop(query.includes.remove(index)));
        }
        for index in 0..self.sort.len() {
            add(&|query| drop(query.sort.remove(index)));
        }
        for (index, term) in self.terms.iter().enumerate() {
            for value in 0..term.questions.len() {
                if term.questions.len() > 1 {
                    add(&|query| drop(query.terms[index].questions.remove(value)));
                }
            }
        }
        simpler
    }

    /// Each value of each parameter, asked alone.
    pub fn single_values(&self) -> Vec<Query> {
        let values = self.terms.iter().flat_map(|term| {
            let of_term = |one: &Question| Term { questions: vec![one.clone()], ..term.clone() };
            term.questions.iter().map(of_term).collect::<Vec<_>>()
        });
        let alone = |term| Query {
            resource_type: self.resource_type.clone(),
            terms: vec![term],
            sort: Vec::new(),
            includes: Vec::new(),
            count: Some(1),
            brief: true,
            total: None,
            post: false,
        };
        values.map(alone).collect()
    }
}

/// Leaves out of a query what can be left out while it is still so.
pub fn simplest(query: &Query, still: impl Fn(&Query) -> bool) -> Query {
    let mut simplest = query.clone();
    let mut asked = BTreeSet::new();
    while let Some(simpler) = simplest.simpler().into_iter().find(|one| {
        // A query that is not so will not become so.
        asked.insert(one.text()) && still(one)
    }) {
        simplest = simpler;
    }
    simplest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::{Asked, Prefix, TokenSystem};

    fn term(code: &str, values: &[&str]) -> Term {
        let question = |value: &&str| Question {
            resource_type: "Patient".to_owned(),
            code: code.to_owned(),
            modifier: None,
            prefix: Prefix::None,
            asked: Asked::Token { system: TokenSystem::Any, code: Some((*value).to_owned()) },
        };
        Term { links: Vec::new(), questions: values.iter().map(question).collect() }
    }

    #[test]
    fn what_can_be_left_out_is_left_out() {
        let query = Query {
            resource_type: "Patient".to_owned(),
            terms: vec![term("gender", &["male", "female"]), term("active", &["true"])],
            sort: vec![("birthdate".to_owned(), true)],
            includes: Vec::new(),
            count: Some(3),
            brief: false,
            total: Some("none"),
            post: true,
        };
        assert_eq!(
            query.text(),
            "gender=male%2Cfemale&active=true&_sort=-birthdate&_count=3&_total=none"
        );
        let simple = simplest(&query, |one| one.text().contains("female"));
        assert_eq!(simple.text(), "gender=female&_count=1000&_elements=id");
        let alone: Vec<String> = query.single_values().iter().map(Query::text).collect();
        assert_eq!(alone.len(), 3);
        assert_eq!(alone[1], "gender=female&_count=1&_elements=id");
    }
}
