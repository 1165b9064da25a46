//! `_include` and `_revinclude`: what comes along with the matches, and with `:iterate` with what came
//! along.
//!
//! Spec: <https://hl7.org/fhir/R4/search.html#include>

use std::collections::BTreeSet;

use genkan_fhir::search::{self, SearchRequest};

use super::PlanProblem;
use crate::diagnostic::Text;
use crate::program::{ReferenceTo, RuleSet};
use crate::search::references_in;

/// What comes along with the matches: one statement in each round that finds something to follow.
#[derive(Debug, Clone)]
pub struct Include {
    pub follow: Follow,
    /// Also with what was included.
    pub iterate: bool,
}

#[derive(Debug, Clone)]
pub enum Follow {
    /// `_include`: what the rows of `source` refer to.
    Forward { source: usize, reference: ReferenceTo, each: Option<usize> },
    /// `_revinclude`: the rows of `source` that refer to the resources at hand.
    Reverse { source: usize, reference: ReferenceTo },
}

pub(super) fn includes(
    rules: &RuleSet,
    request: &SearchRequest,
) -> Result<Vec<Include>, PlanProblem> {
    let mut found = Vec::new();
    for include in &request.includes {
        let before = found.len();
        for (source, reference, each) in references(rules, &include.source, include.parameter) {
            let target = &rules.rules[reference.rule].resource;
            if include.target.as_ref().is_none_or(|wanted| wanted == target) {
                let follow = Follow::Forward { source, reference, each };
                found.push(Include { follow, iterate: include.iterate });
            }
        }
        if found.len() == before {
            return Err(no_reference("_include", include));
        }
    }
    for include in &request.rev_includes {
        let before = found.len();
        for (source, reference, each) in references(rules, &include.source, include.parameter) {
            let target = rules.rules[reference.rule].resource.as_str();
            // What did not iterate was told to be about the type of the search.
            let is_wanted = match include.iterate {
                true => include.target.as_ref().is_none_or(|wanted| wanted == target),
                false => target == request.resource_type,
            };
            if is_wanted && each.is_none() {
                let follow = Follow::Reverse { source, reference };
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
                Follow::Forward { source, reference, .. } => (*source, reference.rule),
                Follow::Reverse { source, reference } => (reference.rule, *source),
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
        !references.iter().any(|(_, to, _)| types.contains(resource(to.rule)))
    };
    match request.rev_includes.iter().find(to_nothing) {
        Some(lost) => Err(refused("_revinclude", lost, NOTHING_BEFORE)),
        None => Ok(()),
    }
}

/// Every reference that a reference parameter of a type looks at.
pub fn references(
    rules: &RuleSet,
    source: &str,
    parameter: &str,
) -> Vec<(usize, ReferenceTo, Option<usize>)> {
    let mut found = Vec::new();
    for (index, rule) in rules.rules_of(source) {
        let own = references_in(rule, parameter);
        found.extend(own.map(|(branch, reference)| (index, reference.clone(), branch.each)));
    }
    found
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
