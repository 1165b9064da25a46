//! Second room: what was asked, against the compiled rules, to queries. Pure. The planning itself is
//! in `genkan-mapping`; here its refusals become errors of the request.

use chrono::NaiveDateTime;
use genkan_fhir::search::{Modifier, SearchRequest, Shape};
use genkan_mapping::diagnostic::{Text, nearest_name};
use genkan_mapping::plan::{self, PlanProblem, ReadPlan, SearchPlan};
use genkan_mapping::program::RuleSet;

use crate::error::{Error, Refusal, RefusedParameter};
use crate::service::Service;

pub fn search(
    service: &Service,
    request: &SearchRequest,
    now: NaiveDateTime,
) -> Result<SearchPlan, Error> {
    let rules = &service.rules;
    let mut refused: Vec<RefusedParameter> = Vec::new();
    for (_, one) in not_offered(rules, request) {
        // Filtered and sorted by the same: told once.
        if !refused.contains(&one) {
            refused.push(one);
        }
    }
    let chained = plan::chain_problems(rules, request);
    for problem in plan::modifier_problems(rules, request).into_iter().chain(chained) {
        if let Error::Parameters(of_one) = refusal(request.resource_type, problem) {
            refused.extend(of_one);
        }
    }
    if !refused.is_empty() {
        return Err(Error::Parameters(refused));
    }
    plan::search(rules, &service.identity, request, &service.limits, now)
        .map_err(|problem| refusal(request.resource_type, problem))
}

/// Parameters of a request that the rules don't answer at all.
#[derive(Debug)]
pub struct Unanswered {
    pub pairs: Named,
    pub refused: RefusedParameter,
}

/// Which pairs of the request are meant.
#[derive(Debug)]
pub enum Named {
    /// A parameter, with any modifier.
    Code(String),
    /// Exactly this name.
    Whole(String),
    /// An include by its name, and how its value begins.
    Include(String, String),
}

impl Named {
    pub fn has(&self, name: &str, value: &str) -> bool {
        let is_chain = name.contains('.') || name.starts_with("_has:");
        match self {
            Named::Code(code) => !is_chain && name.split(':').next() == Some(code),
            Named::Whole(whole) => name == whole,
            Named::Include(kind, begin) => {
                let rest = value.strip_prefix(begin.as_str());
                name == kind && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
            }
        }
    }
}

/// What a search can do without: parameters, chains, orders and includes that the rules don't answer.
pub fn unanswered(rules: &RuleSet, request: &SearchRequest) -> Vec<Unanswered> {
    let mut found: Vec<Unanswered> = not_offered(rules, request)
        .into_iter()
        .map(|(pairs, refused)| Unanswered { pairs, refused })
        .collect();
    let problems = plan::chain_problems(rules, request).into_iter();
    for problem in problems
        .chain(plan::order_problem(rules, request))
        .chain(plan::include_problem(rules, request))
    {
        let pairs = match &problem {
            PlanProblem::NotOffered { parameter, .. } => Named::Whole(parameter.clone()),
            PlanProblem::Refused { parameter, .. } => match parameter.split_once('=') {
                Some(("_sort", _)) => Named::Whole("_sort".to_owned()),
                Some((kind, begin)) => Named::Include(kind.to_owned(), begin.to_owned()),
                None => continue,
            },
            _ => continue,
        };
        if let Error::Parameters(refused) = refusal(request.resource_type, problem)
            && let Some(refused) = refused.into_iter().next()
        {
            let refused = RefusedParameter { reason: Refusal::NotSupported, ..refused };
            found.push(Unanswered { pairs, refused });
        }
    }
    found
}

pub fn read(
    service: &Service,
    resource_type: &str,
    id: &str,
    shape: &Shape,
) -> Result<ReadPlan, Error> {
    plan::read(&service.rules, &service.identity, resource_type, id, shape)
        .map_err(|problem| refusal(resource_type, problem))
}

/// Every parameter that FHIR knows and the rules can't answer: all at once, with the reason and the
/// nearest one that they can.
fn not_offered(rules: &RuleSet, request: &SearchRequest) -> Vec<(Named, RefusedParameter)> {
    let resource_type = request.resource_type;
    let mut asked: Vec<(&str, Named)> = Vec::new();
    let filters = request.filters.iter().map(|filter| (filter.code, false));
    for (code, sorts) in filters.chain(request.sort.iter().map(|key| (key.code, true))) {
        let named = match sorts {
            true => Named::Whole("_sort".to_owned()),
            false => Named::Code(code.to_owned()),
        };
        let known = |(other, _): &(&str, Named)| *other == code;
        if !plan::is_offered(rules, resource_type, code) && (sorts || !asked.iter().any(known)) {
            asked.push((code, named));
        }
    }
    if asked.is_empty() {
        return Vec::new();
    }
    let offered: Vec<&str> = plan::offered(rules, resource_type)
        .into_iter()
        .map(|parameter| parameter.code.as_str())
        .collect();
    let refused = asked.into_iter().map(|(code, named)| {
        let refused = RefusedParameter {
            name: code.to_owned(),
            reason: Refusal::NotSupported,
            message: not_offered_message(rules, resource_type, code, &offered),
        };
        (named, refused)
    });
    refused.collect()
}

fn not_offered_message(rules: &RuleSet, resource_type: &str, code: &str, offered: &[&str]) -> Text {
    let withheld = rules
        .rules_of(resource_type)
        .flat_map(|(_, rule)| &rule.withheld)
        .find(|withheld| withheld.code == code && !withheld.never_matches);
    let mut text = Text::new(
        format!("{code}: FHIR has this parameter for {resource_type}, but it is not offered here"),
        format!("「{code}」は FHIR の {resource_type} にありますが、ここでは提供していません"),
    );
    if let Some(withheld) = withheld {
        text.en.push_str(&format!(": {}", withheld.reason.en));
        text.ja.push_str(&format!("。{}", withheld.reason.ja));
    }
    if let Some(near) = nearest_name(code, offered.iter().copied()) {
        text.en.push_str(&format!("; `{near}` is"));
        text.ja.push_str(&format!("（近いもの: {near}）"));
    }
    text
}

pub fn refusal(resource_type: &str, problem: PlanProblem) -> Error {
    match problem {
        PlanProblem::UnknownType { nearest } => {
            Error::UnknownType { resource_type: format!("`{resource_type}`"), hint: nearest }
        }
        PlanProblem::UnknownId => Error::NotFound { resource_type: resource_type.to_owned() },
        PlanProblem::NotOffered { parameter, reason } => {
            refused(parameter, Refusal::NotSupported, &reason)
        }
        PlanProblem::Modifier { parameter, modifier, reason, offered } => {
            let message = modifier_message(&parameter, &modifier, &reason, &offered);
            let name = format!("{parameter}:{modifier}");
            Error::Parameters(vec![RefusedParameter {
                name,
                reason: Refusal::NotSupported,
                message,
            }])
        }
        PlanProblem::Refused { parameter, reason } => refused(parameter, Refusal::Invalid, &reason),
        PlanProblem::BadPage => {
            let reason = Text::new(
                "not a page of this search; follow the `next` link as it is",
                "この検索のページではありません。`next` リンクをそのまま使ってください",
            );
            refused("_page".to_owned(), Refusal::Invalid, &reason)
        }
    }
}

/// With what the parameter can be asked instead.
pub fn modifier_message(
    parameter: &str,
    modifier: &Modifier,
    reason: &Text,
    offered: &[Modifier],
) -> Text {
    let offered: Vec<String> = offered.iter().map(|one| format!(":{one}")).collect();
    let mut text = Text::new(
        format!("{parameter}:{modifier} is not offered here: {}", reason.en),
        format!("「{parameter}:{modifier}」は提供していません。{}", reason.ja),
    );
    if !offered.is_empty() {
        let list = offered.join(" ");
        text.en.push_str(&format!("; {parameter} takes {list}"));
        text.ja.push_str(&format!("（{parameter} で使える修飾子: {list}）"));
    }
    text
}

/// `parameter` may come as `_sort=code`: the name is in front of the `=`.
fn refused(parameter: String, reason: Refusal, text: &Text) -> Error {
    let name = parameter.split('=').next().unwrap_or_default().to_owned();
    let message =
        Text::new(format!("{parameter}: {}", text.en), format!("「{parameter}」{}", text.ja));
    Error::Parameters(vec![RefusedParameter { name, reason, message }])
}
