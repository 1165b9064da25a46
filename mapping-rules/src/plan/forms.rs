//! How each parameter of a type may be asked: with which modifiers and prefixes, and why not with the
//! others. What `/metadata` says and what a refusal says are the same.

use std::collections::BTreeSet;

use genkan_fhir::search::{Filter, Modifier, Prefix, SearchRequest};

use super::{PlanProblem, is_offered, references};
use crate::diagnostic::Text;
use crate::program::RuleSet;
use crate::search::{Answer, Branch, Parameter, prefixes, references_in};

/// The forms of one parameter, as all rules of its type answer them.
#[derive(Debug, Clone, Default)]
pub struct Forms {
    /// With `:Type` for each type that the rules refer to.
    pub modifiers: Vec<Modifier>,
    /// Of R4's modifiers for this type of parameter.
    pub withheld: Vec<(Modifier, Text)>,
    pub prefixes: &'static [Prefix],
    /// A reference to nothing but contained resources: a chain can ask for it, its id can't.
    pub only_chains: bool,
    /// No rule emits a value that is compared without a modifier: such a search finds nothing.
    pub only_modifiers: bool,
    /// Some rule names a column for it under `search:`, and what that column holds is what is found.
    pub named: bool,
    /// Some column that is named says no system and no unit: a value is asked for without.
    pub bare: bool,
}

impl Forms {
    /// A value without a modifier can find something.
    pub fn plain(&self) -> bool {
        !self.only_chains && !self.only_modifiers
    }
}

/// The forms of an offered parameter; none of any other.
pub fn forms(rules: &RuleSet, resource_type: &str, code: &str) -> Forms {
    let own: Vec<&Parameter> = parameters(rules, resource_type, code).collect();
    let Some(first) = own.first() else { return Forms::default() };
    let mut forms = Forms { prefixes: prefixes(first.kind), ..Forms::default() };
    let branches = || own.iter().flat_map(|one| &one.branches);
    forms.named = branches().any(|branch| branch.stated);
    forms.only_modifiers = branches().next().is_none();
    forms.bare = branches().any(Branch::is_bare);
    for modifier in first.forms.iter().map(|form| &form.modifier) {
        match together(&own, modifier) {
            Ok(()) => forms.modifiers.push(modifier.clone()),
            Err(reason) => forms.withheld.push((modifier.clone(), reason.clone())),
        }
    }
    let mut inside = rules.rules_of(resource_type).flat_map(|(_, rule)| references_in(rule, code));
    let other = references(rules, resource_type, code);
    forms.only_chains = other.is_empty() && inside.next().is_some();
    let targets: BTreeSet<String> =
        other.into_iter().map(|found| rules.rules[found.reference.rule].resource.clone()).collect();
    forms.modifiers.extend(targets.into_iter().map(Modifier::Type));
    forms
}

/// Every filter of a request that its parameter doesn't take in this form; chains are asked for by
/// themselves.
pub fn modifier_problems(rules: &RuleSet, request: &SearchRequest) -> Vec<PlanProblem> {
    let resource_type = request.resource_type;
    let offered = |filter: &&Filter| is_offered(rules, resource_type, filter.code);
    let filters = request.filters.iter().filter(offered);
    filters.filter_map(|filter| problem(rules, resource_type, filter)).collect()
}

/// Why a filter can't be asked so, if it can't; its parameter is offered.
pub(super) fn problem(
    rules: &RuleSet,
    resource_type: &str,
    filter: &Filter,
) -> Option<PlanProblem> {
    if filter.modifier.is_none() && forms(rules, resource_type, filter.code).only_chains {
        let reason = Text::new(
            "it refers to what travels inside the resource, which has no id of its own; ask by a \
             chain",
            "リソースに含まれるもの（contained）への参照で、固有の id がありません。連鎖検索で指定してください",
        );
        return Some(PlanProblem::Refused { parameter: filter.code.to_owned(), reason });
    }
    let modifier = filter.modifier.as_ref()?;
    let own: Vec<&Parameter> = parameters(rules, resource_type, filter.code).collect();
    let offered = || forms(rules, resource_type, filter.code).modifiers;
    let reason = match modifier {
        Modifier::Type(_) if offered().contains(modifier) => return None,
        Modifier::Type(_) => {
            let en = "no rule makes a reference to this type";
            Text::new(en, "この型への参照を出力する規則がありません")
        }
        _ => together(&own, modifier).err()?.clone(),
    };
    Some(PlanProblem::Modifier {
        parameter: filter.code.to_owned(),
        modifier: modifier.clone(),
        reason,
        offered: offered(),
    })
}

fn parameters<'r>(
    rules: &'r RuleSet,
    resource_type: &'r str,
    code: &'r str,
) -> impl Iterator<Item = &'r Parameter> {
    let all = rules.rules_of(resource_type).flat_map(|(_, rule)| &rule.parameters);
    all.filter(move |parameter| parameter.code == code)
}

/// One rule that can't say keeps the others from answering; of rules that never match one is enough
/// that can.
fn together<'r>(own: &[&'r Parameter], modifier: &Modifier) -> Result<(), &'r Text> {
    let answers = own.iter().flat_map(|parameter| &parameter.forms);
    let mut answers: Vec<&Answer> =
        answers.filter(|form| form.modifier == *modifier).map(|form| &form.answer).collect();
    answers.sort_by_key(|answer| match answer {
        Answer::Withheld(_) => 0,
        Answer::Same | Answer::Elsewhere(_) => 1,
        Answer::Never(_) => 2,
    });
    match answers.first() {
        Some(Answer::Withheld(reason) | Answer::Never(reason)) => Err(reason),
        _ => Ok(()),
    }
}
