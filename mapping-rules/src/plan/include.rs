//! `_include` and `_revinclude`: what comes along with the matches, and with `:iterate` with what came
//! along.
//!
//! Spec: <https://hl7.org/fhir/R4/search.html#include>

use std::collections::BTreeSet;

use genkan_fhir::search::{self, SearchRequest};

use super::PlanProblem;
use super::follow::referrers;
use crate::diagnostic::Text;
use crate::program::{ReferenceTo, RuleSet, Term};
use crate::search::{Branch, references_in};

/// What comes along with the matches: one statement in each round that finds something to follow.
#[derive(Debug, Clone)]
pub struct Include {
    pub follow: Follow,
    /// Also with what was included.
    pub iterate: bool,
}

#[derive(Debug, Clone)]
pub enum Follow {
    /// `_include`: what the resources of a rule refer to.
    Forward(Referring),
    /// `_revinclude`: the resources of a rule that refer to those at hand.
    Reverse(Referring),
}

/// A reference that the resources of a rule write.
#[derive(Debug, Clone)]
pub struct Referring {
    /// The rule.
    pub source: usize,
    pub reference: ReferenceTo,
    /// Where it stands, and what has to hold for that.
    pub(super) branch: Branch,
}

impl Referring {
    /// The child in whose rows it stands.
    pub fn each(&self) -> Option<usize> {
        self.branch.each
    }

    /// What has to hold for it to be written.
    pub fn conditions(&self) -> &[Term] {
        &self.branch.conditions
    }
}

pub(super) fn includes(
    rules: &RuleSet,
    request: &SearchRequest,
) -> Result<Vec<Include>, PlanProblem> {
    let mut found = Vec::new();
    for include in &request.includes {
        let before = found.len();
        for referring in references(rules, &include.source, include.parameter) {
            let target = &rules.rules[referring.reference.rule].resource;
            if include.target.as_ref().is_none_or(|wanted| wanted == target) {
                let follow = Follow::Forward(referring);
                found.push(Include { follow, iterate: include.iterate });
            }
        }
        if found.len() == before {
            return Err(no_reference("_include", include));
        }
    }
    for include in &request.rev_includes {
        let before = found.len();
        for referring in references(rules, &include.source, include.parameter) {
            let target = rules.rules[referring.reference.rule].resource.as_str();
            // What did not iterate was told to be about the type of the search.
            let is_wanted = match include.iterate {
                true => include.target.as_ref().is_none_or(|wanted| wanted == target),
                false => target == request.resource_type,
            };
            if is_wanted && can_be_sought(rules, &referring) {
                let follow = Follow::Reverse(referring);
                found.push(Include { follow, iterate: include.iterate });
            }
        }
        if found.len() == before {
            return Err(no_reference("_revinclude", include));
        }
    }
    reachable(rules, request, &found)?;
    Ok(found)
}

/// Every include finds something to start from: in the matches, or in what another one brings.
fn reachable(
    rules: &RuleSet,
    request: &SearchRequest,
    includes: &[Include],
) -> Result<(), PlanProblem> {
    let resource = |rule: usize| rules.rules[rule].resource.as_str();
    let mut types = BTreeSet::from([request.resource_type]);
    loop {
        let before = types.len();
        for include in includes {
            let (from, to) = match &include.follow {
                Follow::Forward(referring) => (referring.source, referring.reference.rule),
                Follow::Reverse(referring) => (referring.reference.rule, referring.source),
            };
            let starts = match include.iterate {
                true => types.contains(resource(from)),
                false => resource(from) == request.resource_type,
            };
            if starts {
                types.insert(resource(to));
            }
        }
        if types.len() == before {
            break;
        }
    }
    let from_nothing = |include: &&search::Include| !types.contains(include.source.as_str());
    if let Some(lost) = request.includes.iter().find(from_nothing) {
        return Err(refused("_include", lost, NOTHING_BEFORE));
    }
    let to_nothing = |include: &&search::Include| {
        let references = references(rules, &include.source, include.parameter);
        !references.iter().any(|found| types.contains(resource(found.reference.rule)))
    };
    match request.rev_includes.iter().find(to_nothing) {
        Some(lost) => Err(refused("_revinclude", lost, NOTHING_BEFORE)),
        None => Ok(()),
    }
}

/// Every reference to another resource that a reference parameter of a type looks at. What travels inside
/// the resource is no other one: it is not included, and nothing asks for it by its id.
pub fn references(rules: &RuleSet, source: &str, parameter: &str) -> Vec<Referring> {
    let mut found = Vec::new();
    for (source, rule) in rules.rules_of(source) {
        let own = references_in(rule, parameter).filter(|(_, to)| to.contained.is_none());
        found.extend(own.map(|(branch, reference)| Referring {
            source,
            reference: reference.clone(),
            branch: branch.clone(),
        }));
    }
    found
}

/// Whether `_revinclude` can ask the source for the rows that refer so. References in child rows are
/// not followed backwards.
pub fn can_be_sought(rules: &RuleSet, referring: &Referring) -> bool {
    let any_key = vec![String::from("0"); referring.reference.key.len()];
    referring.branch.each.is_none() && referrers(rules, referring, &[any_key]).is_ok()
}

const NOTHING_BEFORE: (&str, &str) = (
    "neither the search nor another include brings what this one starts from",
    "この参照の起点となるリソースが、検索結果にもほかの include にもありません",
);

fn no_reference(kind: &str, include: &search::Include) -> PlanProblem {
    refused(kind, include, ("no rule makes such a reference", "この参照を出力する規則がありません"))
}

fn refused(kind: &str, include: &search::Include, (en, ja): (&str, &str)) -> PlanProblem {
    let search::Include { source, parameter, .. } = include;
    let iterate = if include.iterate { ":iterate" } else { "" };
    PlanProblem::Refused {
        parameter: format!("{kind}{iterate}={source}:{parameter}"),
        reason: Text::new(en, ja),
    }
}
