//! Which chains a rule set can answer, by type: what `/metadata` says of them, and why another one is
//! refused.
//!
//! Where a chain names no type, every type counts that the rules refer to and that has the next
//! parameter. One of them that can't be followed exactly refuses the whole, because the answer would
//! lack what is behind it.

use std::collections::BTreeSet;

use genkan_fhir::definitions::{Definitions, ParameterType};
use genkan_fhir::search::{Chain, SearchRequest, Step};

use super::{PlanProblem, forms, is_offered, offered, withheld};
use crate::diagnostic::Text;
use crate::program::{ReferenceTo, RuleSet};
use crate::search::{Parameter, can_follow, can_follow_back, references_in};

/// `Type?parameter:target.end=…` for each of the ends.
#[derive(Debug, Clone)]
pub struct OfferedChain<'r> {
    pub resource_type: &'r str,
    pub parameter: &'r str,
    pub target: &'r str,
    pub ends: Vec<&'r Parameter>,
}

/// `Type?_has:source:parameter:end=…` for each of the ends.
#[derive(Debug, Clone)]
pub struct OfferedHas<'r> {
    pub resource_type: &'r str,
    pub source: &'r str,
    pub parameter: &'r str,
    pub ends: Vec<&'r Parameter>,
}

/// A step that no chain can take, and why.
#[derive(Debug, Clone)]
pub struct WithheldStep<'r> {
    /// `subject:Patient` or `_has:Observation:subject`
    pub step: String,
    pub resource_type: &'r str,
    pub reason: Text,
}

/// Every chain of one step forwards from a type. Chains of more are these, one after the other.
pub fn chains<'r>(rules: &'r RuleSet, resource_type: &'r str) -> Vec<OfferedChain<'r>> {
    let mut found = Vec::new();
    for (parameter, target) in forwards(rules, resource_type) {
        let Ok(contained) = forward(rules, resource_type, parameter, target) else { continue };
        let reached = edges(rules, resource_type, parameter).map(|(_, to)| to.rule);
        let mut ends = ends(rules, target, &reached.collect());
        ends.retain(|end| !(contained && is_own(&end.code)));
        if !ends.is_empty() {
            found.push(OfferedChain { resource_type, parameter, target, ends });
        }
    }
    found
}

/// Every `_has` of one step that finds resources of a type.
pub fn reverse_chains<'r>(rules: &'r RuleSet, resource_type: &'r str) -> Vec<OfferedHas<'r>> {
    let mut found = Vec::new();
    for (source, parameter) in backwards(rules, resource_type) {
        let referring = refers_back(rules, resource_type, source, parameter);
        let ends = ends(rules, source, &referring.map(|(index, _)| index).collect());
        if back(rules, resource_type, source, parameter).is_ok() && !ends.is_empty() {
            found.push(OfferedHas { resource_type, source, parameter, ends });
        }
    }
    found
}

/// The parameters of a type that a chain can end with: those that find something among what the rules
/// make that it comes to.
fn ends<'r>(
    rules: &'r RuleSet,
    resource_type: &'r str,
    reached: &BTreeSet<usize>,
) -> Vec<&'r Parameter> {
    let mut ends = offered(rules, resource_type);
    ends.retain(|end| {
        let mut of_rules = reached.iter().flat_map(|rule| &rules.rules[*rule].parameters);
        let finds = of_rules.any(|own| own.code == end.code && !own.branches.is_empty());
        finds && forms(rules, resource_type, &end.code).plain()
    });
    ends
}

/// The references of a type over which no chain can go, in either direction.
pub fn withheld_steps<'r>(rules: &'r RuleSet, resource_type: &'r str) -> Vec<WithheldStep<'r>> {
    let forwards = forwards(rules, resource_type).into_iter().filter_map(|(parameter, target)| {
        let reason = forward(rules, resource_type, parameter, target).err()?;
        Some(WithheldStep { step: format!("{parameter}:{target}"), resource_type, reason })
    });
    let backwards =
        backwards(rules, resource_type).into_iter().filter_map(|(source, parameter)| {
            let reason = back(rules, resource_type, source, parameter).err()?;
            Some(WithheldStep { step: format!("_has:{source}:{parameter}"), resource_type, reason })
        });
    forwards.chain(backwards).collect()
}

/// What is wrong with the chains of a request, by the rules: all of it.
pub fn chain_problems(rules: &RuleSet, request: &SearchRequest) -> Vec<PlanProblem> {
    let problem = |chain| Walk { rules, chain }.problem(request.resource_type);
    request.chains.iter().filter_map(problem).collect()
}

/// A resource that travels inside another has a local id, and no time of its own.
fn is_own(code: &str) -> bool {
    matches!(code, "_id" | "_lastUpdated")
}

/// The offered reference parameters of a type, each with each type that the rules refer to by it.
fn forwards<'r>(rules: &'r RuleSet, resource_type: &'r str) -> Vec<(&'r str, &'r str)> {
    let mut found = Vec::new();
    for parameter in offered(rules, resource_type) {
        let targets: BTreeSet<&str> = edges(rules, resource_type, &parameter.code)
            .map(|(_, to)| rules.rules[to.rule].resource.as_str())
            .collect();
        found.extend(targets.into_iter().map(|target| (parameter.code.as_str(), target)));
    }
    found
}

/// The offered reference parameters by which something refers to a type.
fn backwards<'r>(rules: &'r RuleSet, resource_type: &str) -> Vec<(&'r str, &'r str)> {
    let mut found = Vec::new();
    for source in rules.resource_types() {
        for parameter in offered(rules, source) {
            if refers_back(rules, resource_type, source, &parameter.code).next().is_some() {
                found.push((source, parameter.code.as_str()));
            }
        }
    }
    found
}

/// The references of a type that a parameter looks at, with the rule that makes each.
fn edges<'r>(
    rules: &'r RuleSet,
    resource_type: &'r str,
    code: &'r str,
) -> impl Iterator<Item = (usize, &'r ReferenceTo)> + 'r {
    rules.rules_of(resource_type).flat_map(move |(index, rule)| {
        references_in(rule, code).map(move |(_, reference)| (index, reference))
    })
}

/// Those that refer to resources of a type which stand for themselves.
fn refers_back<'r>(
    rules: &'r RuleSet,
    resource_type: &str,
    source: &'r str,
    code: &'r str,
) -> impl Iterator<Item = (usize, &'r ReferenceTo)> {
    edges(rules, source, code).filter(move |(_, to)| {
        to.contained.is_none() && rules.rules[to.rule].resource == resource_type
    })
}

/// Whether a chain can go over this reference; if so, whether the target may travel inside.
fn forward(rules: &RuleSet, from: &str, code: &str, target: &str) -> Result<bool, Text> {
    let mut contained = false;
    for (index, to) in edges(rules, from, code) {
        if rules.rules[to.rule].resource == target {
            can_follow(rules, &rules.rules[index], to)?;
            contained |= to.contained.is_some();
        }
    }
    Ok(contained)
}

fn back(rules: &RuleSet, to: &str, source: &str, code: &str) -> Result<(), Text> {
    refers_back(rules, to, source, code)
        .try_for_each(|(index, to)| can_follow_back(rules, &rules.rules[index], to))
}

/// Where a chain has come to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct At<'r> {
    resource_type: &'r str,
    /// It may be a resource inside another.
    contained: bool,
}

struct Walk<'r> {
    rules: &'r RuleSet,
    chain: &'r Chain,
}

impl<'r> Walk<'r> {
    fn problem(&self, resource_type: &'r str) -> Option<PlanProblem> {
        let mut at = BTreeSet::from([At { resource_type, contained: false }]);
        for (index, step) in self.chain.steps.iter().enumerate() {
            let next = match *step {
                Step::Forward { parameter, target } => self.forwards(&at, index, parameter, target),
                Step::Reverse { source, parameter } => self.back(&at, index, source, parameter),
            };
            match next {
                Ok(next) => at = next,
                Err(problem) => return Some(problem),
            }
        }
        self.end(&at).err()
    }

    /// Where the references of all these types lead, as far as the chain goes on there.
    fn forwards(
        &self,
        at: &BTreeSet<At<'r>>,
        index: usize,
        code: &'static str,
        wanted: Option<&str>,
    ) -> Result<BTreeSet<At<'r>>, PlanProblem> {
        let mut next = BTreeSet::new();
        for of in self.offering(at, index, code)? {
            for (rule, to) in edges(self.rules, of, code) {
                let resource_type = self.rules.rules[to.rule].resource.as_str();
                let is_wanted = wanted.is_none_or(|wanted| wanted == resource_type);
                if !is_wanted || !self.goes_on(resource_type, index + 1) {
                    continue;
                }
                can_follow(self.rules, &self.rules.rules[rule], to)
                    .map_err(|reason| self.refused(index, of, &reason))?;
                next.insert(At { resource_type, contained: to.contained.is_some() });
            }
        }
        if next.is_empty() {
            return Err(self.nowhere(index));
        }
        Ok(next)
    }

    fn back(
        &self,
        at: &BTreeSet<At<'r>>,
        index: usize,
        source: &'static str,
        code: &'static str,
    ) -> Result<BTreeSet<At<'r>>, PlanProblem> {
        let mut found = false;
        for At { resource_type, contained } in at {
            if *contained {
                let en = "nothing refers to a resource that travels inside another";
                let reason = Text::new(en, "contained のリソースはほかから参照されません");
                return Err(self.refused(index, resource_type, &reason));
            }
            for (rule, to) in refers_back(self.rules, resource_type, source, code) {
                can_follow_back(self.rules, &self.rules.rules[rule], to)
                    .map_err(|reason| self.refused(index, source, &reason))?;
                found = true;
            }
        }
        if !is_offered(self.rules, source, code) {
            return Err(self.not_offered(index, source, code));
        }
        match found {
            true => Ok(BTreeSet::from([At { resource_type: source, contained: false }])),
            false => Err(self.nowhere(index)),
        }
    }

    fn end(&self, at: &BTreeSet<At<'r>>) -> Result<(), PlanProblem> {
        let index = self.chain.steps.len();
        let has_end = |of: &&At<'r>| self.chain.end_at(of.resource_type).is_some();
        let mut code = "";
        for of in at.iter().filter(has_end) {
            match self.chain.end_at(of.resource_type) {
                Some(Ok(filter)) => code = filter.code,
                _ => {
                    let en = "this type can't read the value; name the type that is meant";
                    let ja = "この型では値を読めません。対象の型を指定してください";
                    return Err(self.refused(index, of.resource_type, &Text::new(en, ja)));
                }
            }
            if of.contained && is_own(code) {
                let en = "a resource that travels inside another has only a local id, and no time";
                let ja = "contained のリソースにはこの項目がありません";
                return Err(self.refused(index, of.resource_type, &Text::new(en, ja)));
            }
        }
        let known = at.iter().filter(has_end).cloned().collect();
        for of in self.offering(&known, index, code)? {
            if let Some(Ok(filter)) = self.chain.end_at(of)
                && let Some(PlanProblem::Modifier { modifier, reason, offered, .. }) =
                    forms::problem(self.rules, of, filter)
            {
                let suffix = format!(":{modifier}");
                let name = self.chain.name.strip_suffix(&suffix).unwrap_or(&self.chain.name);
                let parameter = name.to_owned();
                return Err(PlanProblem::Modifier { parameter, modifier, reason, offered });
            }
        }
        Ok(())
    }

    /// The types among these whose rules answer a parameter. A type on which FHIR has none, or of
    /// which no rule emits anything there, has no match; any other that can't answer is an error.
    fn offering(
        &self,
        at: &BTreeSet<At<'r>>,
        index: usize,
        code: &str,
    ) -> Result<BTreeSet<&'r str>, PlanProblem> {
        let mut answering = BTreeSet::new();
        for At { resource_type, .. } in at {
            if is_offered(self.rules, resource_type, code) {
                answering.insert(*resource_type);
            } else if withheld(self.rules, resource_type, code).is_some() {
                return Err(self.not_offered(index, resource_type, code));
            }
        }
        match at.first() {
            Some(first) if answering.is_empty() => {
                Err(self.not_offered(index, first.resource_type, code))
            }
            _ => Ok(answering),
        }
    }

    /// FHIR has the next parameter on this type.
    fn goes_on(&self, resource_type: &str, index: usize) -> bool {
        let definitions = Definitions::r4();
        match self.chain.steps.get(index) {
            None => self.chain.end_at(resource_type).is_some(),
            Some(Step::Forward { parameter, .. }) => definitions
                .search_parameter(resource_type, parameter)
                .is_some_and(|known| known.kind == ParameterType::Reference),
            Some(Step::Reverse { source, parameter }) => {
                definitions.search_parameter(source, parameter).is_some_and(|known| {
                    known.targets.is_empty() || known.targets.contains(&resource_type)
                })
            }
        }
    }

    fn not_offered(&self, index: usize, of: &str, code: &str) -> PlanProblem {
        let mut reason = Text::new(
            format!("step {}: `{code}` of {of} is not offered here", index + 1),
            format!("{} 段目: {of} の「{code}」は提供していません", index + 1),
        );
        if let Some(held) = withheld(self.rules, of, code) {
            reason.en.push_str(&format!(": {}", held.en));
            reason.ja.push_str(&format!("。{}", held.ja));
        }
        PlanProblem::NotOffered { parameter: self.chain.name.clone(), reason }
    }

    fn refused(&self, index: usize, of: &str, why: &Text) -> PlanProblem {
        let reason = Text::new(
            format!("step {} ({of}): {}", index + 1, why.en),
            format!("{} 段目（{of}）: {}", index + 1, why.ja),
        );
        PlanProblem::NotOffered { parameter: self.chain.name.clone(), reason }
    }

    fn nowhere(&self, index: usize) -> PlanProblem {
        let en = format!(
            "step {}: no rule makes such a reference to a type that has the next parameter",
            index + 1
        );
        let ja =
            format!("{} 段目: 次の検索項目を持つ型への参照を出力する規則がありません", index + 1);
        PlanProblem::NotOffered { parameter: self.chain.name.clone(), reason: Text::new(en, ja) }
    }
}
