//! Second room: what was asked, against the compiled rules, to queries. Pure. The planning itself is
//! in `genkan-mapping`; here its refusals become errors of the request.

use genkan_fhir::search::{SearchRequest, Shape};
use genkan_mapping::diagnostic::{Text, nearest_name};
use genkan_mapping::plan::{self, PlanProblem, ReadPlan, SearchPlan};
use genkan_mapping::program::RuleSet;

use crate::error::{Error, Refusal, RefusedParameter};
use crate::service::Service;

pub fn search(service: &Service, request: &SearchRequest) -> Result<SearchPlan, Error> {
    let mut not_offered = not_offered(&service.rules, request);
    for problem in plan::chain_problems(&service.rules, request) {
        if let Error::Parameters(refused) = refusal(request.resource_type, problem) {
            not_offered.extend(refused);
        }
    }
    if !not_offered.is_empty() {
        return Err(Error::Parameters(not_offered));
    }
    plan::search(&service.rules, &service.identity, request, &service.limits)
        .map_err(|problem| refusal(request.resource_type, problem))
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
fn not_offered(rules: &RuleSet, request: &SearchRequest) -> Vec<RefusedParameter> {
    let resource_type = request.resource_type;
    let mut asked: Vec<&str> = Vec::new();
    let codes = request.filters.iter().map(|filter| filter.code);
    for code in codes.chain(request.sort.iter().map(|key| key.code)) {
        if !plan::is_offered(rules, resource_type, code) && !asked.contains(&code) {
            asked.push(code);
        }
    }
    if asked.is_empty() {
        return Vec::new();
    }
    let offered: Vec<&str> = plan::offered(rules, resource_type)
        .into_iter()
        .map(|parameter| parameter.code.as_str())
        .collect();
    let refused = asked.into_iter().map(|code| RefusedParameter {
        name: code.to_owned(),
        reason: Refusal::NotSupported,
        message: not_offered_message(rules, resource_type, code, &offered),
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

fn refusal(resource_type: &str, problem: PlanProblem) -> Error {
    match problem {
        PlanProblem::UnknownType { nearest } => {
            Error::UnknownType { resource_type: format!("`{resource_type}`"), hint: nearest }
        }
        PlanProblem::UnknownId => Error::NotFound { resource_type: resource_type.to_owned() },
        PlanProblem::NotOffered { parameter, reason } => {
            refused(parameter, Refusal::NotSupported, &reason)
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

/// `parameter` may come as `_sort=code`: the name is in front of the `=`.
fn refused(parameter: String, reason: Refusal, text: &Text) -> Error {
    let name = parameter.split('=').next().unwrap_or_default().to_owned();
    let message =
        Text::new(format!("{parameter}: {}", text.en), format!("「{parameter}」{}", text.ja));
    Error::Parameters(vec![RefusedParameter { name, reason, message }])
}
