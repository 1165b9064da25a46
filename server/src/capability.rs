//! `/metadata`: the CapabilityStatement, derived from the compiled rules. It can't promise more than
//! the rules do, because it is made of nothing else.
//!
//! Spec: <https://hl7.org/fhir/R4/capabilitystatement.html>

mod search_parameter;

use std::collections::BTreeSet;

use chrono::SecondsFormat;
use genkan_fhir::definitions::ParameterType;
use genkan_fhir::search::MAX_CHAIN_STEPS;
use genkan_mapping::plan::{self, Forms, OfferedChain, OfferedHas, PlanLimits, Referring, offered};
use genkan_mapping::program::RuleSet;
use genkan_mapping::search::Parameter;
use serde_json::{Value, json};

use crate::bundle::operation;
use crate::documents::Document;
use crate::error::Error;
use crate::everything;
use crate::exchange::Exchange;
use crate::export;
use crate::parse::{self, Mode};
use crate::respond::Answer;
use crate::service::Service;
use crate::stages::Stage;
use crate::terminology;
use crate::validate;

pub use search_parameter::{OWN, TYPE, of_id, own, shelf};

const ONLY_CHAINS: &str = "Only with chains: what it refers to is contained.";
const ONLY_MODIFIERS: &str =
    "Only with modifiers: no resource has a value that is compared without.";
/// Of a parameter for which a rule names a column under `search:`.
pub const NAMED: &str = "Compared with a column of the hospital beside what is shown: a resource of which \
                     that column holds nothing is not found.";

/// `GET /metadata`, with `mode` in its query.
pub fn metadata(service: &Service, exchange: &Exchange, query: &str) -> Result<Answer, Error> {
    let (mode, rest) = parse::mode(query)?;
    parse::form_only(&rest)?;
    Ok(match mode {
        Mode::Terminology => terminology::capabilities(service, exchange),
        Mode::Full => capabilities(service, exchange),
    })
}

fn capabilities(service: &Service, exchange: &Exchange) -> Answer {
    exchange.stages.enter(Stage::Respond);
    let make = || statement(service, &exchange.base);
    let made = service.documents.of(Document::Capabilities, &exchange.base, make);
    Answer::of(made.json).tagged(made.tag)
}

fn statement(service: &Service, base: &str) -> Value {
    let resources: Vec<Value> = service
        .rules
        .resource_types()
        .into_iter()
        .map(|resource_type| {
            let mut operations = operation::declared(service, base, resource_type);
            operations.extend(everything::declared(resource_type));
            operations.extend(export::declared(service, Some(resource_type)));
            operations.push(validate::operation::declared());
            resource(&service.rules, base, resource_type, operations)
        })
        .chain([own_resource(base)])
        .chain(terminology::declared(service))
        .collect();
    json!({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": service.rules_since.to_rfc3339_opts(SecondsFormat::Secs, true),
        "kind": "instance",
        "software": {"name": "Genkan", "version": crate::VERSION},
        "implementation": {"description": service.name, "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "application/fhir+xml", "json", "xml"],
        "rest": [{
            "mode": "server",
            "documentation": terms(service),
            "resource": resources,
            "interaction": [{"code": "batch"}],
            "operation": [export::declared(service, None), validate::operation::declared()],
        }],
    })
}

/// What holds for every request, in prose.
pub fn terms(service: &Service) -> String {
    let PlanLimits { page_size_max, include_depth_max, .. } = service.limits;
    let explain = match service.explain {
        true => " `__explain=true` tells the plan of a search instead of its matches.",
        false => "",
    };
    format!(
        "Read only, straight from the tables of the hospital's own system. Unknown \
         parameters are refused; `Prefer: handling=lenient` leaves them out and says so. What a \
         parameter takes beside a plain value stands in its documentation: other modifiers are \
         refused. `ap` means a tenth of a number, or of the time between a date and now. `_count` is at most \
         {page_size_max}; pages follow the `next` link. Entries with `search.mode` `outcome` \
         tell of rows and their problems. Only the current version of a resource can be read, \
         and there is no history. `_total` counts rows, also those that are no resource; \
         without it there is no total. `_summary` and `_elements` shape matches, not what is \
         included. `If-None-Match` is answered on reads and searches, `If-Modified-Since` on \
         reads. Chains and `_has` go over at most {MAX_CHAIN_STEPS} references, each of which \
         its parameter and resource name here; `:iterate` over at most {include_depth_max}.{explain}"
    )
}

fn resource(rules: &RuleSet, base: &str, resource_type: &str, operations: Vec<Value>) -> Value {
    let profiles: BTreeSet<&str> =
        rules.rules_of(resource_type).filter_map(|(_, rule)| rule.profile.as_deref()).collect();
    let offered = offered(rules, resource_type);
    let chains = plan::chains(rules, resource_type);
    let parameters: Vec<Value> = offered
        .iter()
        .map(|parameter| {
            let (code, kind) = (parameter.code.as_str(), parameter.kind);
            let mut declared = declared(base, resource_type, code, kind);
            let texts = texts(rules, resource_type, code, &chains);
            if !texts.is_empty() {
                declared["documentation"] = texts.join(" ").into();
            }
            declared
        })
        .collect();
    without_empty_lists(json!({
        "type": resource_type,
        "supportedProfile": profiles,
        "documentation": documentation(rules, resource_type, &offered),
        "interaction": [{"code": "read"}, {"code": "vread"}, {"code": "search-type"}],
        "versioning": "versioned",
        "readHistory": false,
        "updateCreate": false,
        "conditionalRead": conditional_read(rules, resource_type),
        "searchInclude": includes(rules, resource_type),
        "searchRevInclude": rev_includes(rules, resource_type),
        "searchParam": parameters,
        "operation": operations,
    }))
}

/// Of the SearchParameter resources, which are no rows.
fn own_resource(base: &str) -> Value {
    let parameters: Vec<Value> =
        search_parameter::own().map(|one| declared(base, TYPE, one.code, one.kind)).collect();
    json!({
        "type": TYPE,
        "documentation": "What each parameter of each type takes here. `_sort` is not offered.",
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "versioning": "no-version",
        "readHistory": false,
        "updateCreate": false,
        "conditionalRead": "not-match",
        "searchParam": parameters,
    })
}

fn declared(base: &str, resource_type: &str, code: &str, kind: ParameterType) -> Value {
    json!({
        "name": code,
        "definition": search_parameter::url(base, resource_type, code),
        "type": kind.code(),
    })
}

/// FHIR has no empty lists.
fn without_empty_lists(mut resource: Value) -> Value {
    if let Some(elements) = resource.as_object_mut() {
        elements.retain(|_, value| value.as_array().is_none_or(|list| !list.is_empty()));
    }
    resource
}

/// What a parameter takes, in words.
fn texts(rules: &RuleSet, resource_type: &str, code: &str, chains: &[OfferedChain]) -> Vec<String> {
    let forms = forms(rules, resource_type, code);
    forms.into_iter().chain(chained(chains, code)).collect()
}

/// A time can be compared only where some rule says one.
fn conditional_read(rules: &RuleSet, resource_type: &str) -> &'static str {
    let dated = rules.rules_of(resource_type).any(|(_, rule)| !rule.updated.is_empty());
    if dated { "full-support" } else { "not-match" }
}

/// R4 has no place for chains but the text of the reference that they begin with.
fn chained(chains: &[OfferedChain], code: &str) -> Option<String> {
    let of_target =
        |chain: &OfferedChain| format!("`{code}:{}.` with {}", chain.target, codes(&chain.ends));
    let own = chains.iter().filter(|chain| chain.parameter == code);
    let texts: Vec<String> = own.map(of_target).collect();
    (!texts.is_empty()).then(|| format!("Chains: {}.", texts.join("; ")))
}

/// Nor has it one for what a parameter takes beside a plain value.
fn forms(rules: &RuleSet, resource_type: &str, code: &str) -> Option<String> {
    let Forms { modifiers, prefixes, named, only_chains, only_modifiers, .. } =
        plan::forms(rules, resource_type, code);
    let modifiers: Vec<String> = modifiers.iter().map(|one| format!(":{one}")).collect();
    let prefixes: Vec<&str> = prefixes.iter().map(|prefix| prefix.code()).collect();
    let mut texts = Vec::new();
    if !modifiers.is_empty() {
        texts.push(format!("Modifiers: {}.", modifiers.join(" ")));
    }
    if !prefixes.is_empty() {
        texts.push(format!("Prefixes: {}.", prefixes.join(" ")));
    }
    if only_chains {
        texts.push(ONLY_CHAINS.to_owned());
    } else if only_modifiers {
        texts.push(ONLY_MODIFIERS.to_owned());
    }
    if named {
        texts.push(NAMED.to_owned());
    }
    (!texts.is_empty()).then(|| texts.join(" "))
}

fn documentation(rules: &RuleSet, resource_type: &str, offered: &[&Parameter]) -> String {
    let sorts = |parameter: &&Parameter| plan::sorts(rules, resource_type, &parameter.code);
    let sorted: Vec<&Parameter> = offered.iter().copied().filter(sorts).collect();
    let mut text = match sorted.as_slice() {
        [] => "`_sort` is not offered.".to_owned(),
        sorted => format!("`_sort` by: {}.", codes(sorted)),
    };
    let has = plan::reverse_chains(rules, resource_type);
    let of_source = |has: &OfferedHas| {
        format!("`_has:{}:{}:` with {}", has.source, has.parameter, codes(&has.ends))
    };
    let has: Vec<String> = has.iter().map(of_source).collect();
    if !has.is_empty() {
        text.push_str(&format!(" Reverse chains: {}.", has.join("; ")));
    }
    text
}

fn codes(parameters: &[&Parameter]) -> String {
    let codes: Vec<&str> = parameters.iter().map(|parameter| parameter.code.as_str()).collect();
    codes.join(", ")
}

/// `Observation:subject`, and with each type it can point to.
pub fn includes(rules: &RuleSet, resource_type: &str) -> Vec<String> {
    let mut includes = BTreeSet::new();
    for parameter in offered(rules, resource_type) {
        for target in targets(rules, resource_type, &parameter.code) {
            includes.insert(format!("{resource_type}:{}", parameter.code));
            includes.insert(format!("{resource_type}:{}:{target}", parameter.code));
        }
    }
    includes.into_iter().collect()
}

pub fn rev_includes(rules: &RuleSet, resource_type: &str) -> Vec<String> {
    let mut includes = BTreeSet::new();
    for source in rules.resource_types() {
        for parameter in offered(rules, source) {
            let refers = |found: &Referring| {
                let to = &rules.rules[found.reference.rule].resource;
                to == resource_type && plan::can_be_sought(rules, found)
            };
            if plan::references(rules, source, &parameter.code).iter().any(refers) {
                includes.insert(format!("{source}:{}", parameter.code));
            }
        }
    }
    includes.into_iter().collect()
}

/// The types that a parameter points to by these rules.
pub fn targets<'a>(rules: &'a RuleSet, source: &str, code: &str) -> BTreeSet<&'a str> {
    plan::references(rules, source, code)
        .into_iter()
        .filter_map(|found| rules.rules.get(found.reference.rule))
        .map(|rule| rule.resource.as_str())
        .collect()
}
