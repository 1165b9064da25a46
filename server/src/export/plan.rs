//! What an export reads: one scan for each rule that can have something in it. Pure.

use genkan_fhir::definitions::Definitions;
use genkan_fhir::search::{self, SearchRequest, Shape};
use genkan_mapping::diagnostic::Language;
use genkan_mapping::plan::{self, BulkPlan, BulkRequest, Scan, Untold, Within};
use genkan_mapping::program::RuleSet;
use genkan_mapping::search::Owners;

use super::hides;
use super::request::{Export, Level};
use crate::bulk::{self, refused};
use crate::error::{Error, Refusal, RefusedParameter};
use crate::parse;
use crate::respond;
use crate::service::Service;

/// The compartment that exports of patients go by.
pub const COMPARTMENT: &str = "Patient";

#[derive(Debug, Default)]
pub struct Planned {
    /// One for each file.
    pub files: Vec<Scan>,
    pub untold: Vec<Untold>,
}

/// All of an export. Of a Group it does not say whose compartments they are.
pub fn whole(service: &Service, export: &Export) -> Result<Planned, Error> {
    let types = types(&service.rules, export)?;
    let problems: Vec<RefusedParameter> =
        elements_problems(export, &types).chain(filter_problems(export, &types)).collect();
    if !problems.is_empty() {
        return Err(Error::Parameters(problems));
    }
    let mut planned = Planned::default();
    for resource_type in types {
        let owners = Owners::Of(COMPARTMENT);
        let BulkPlan { scans, untold } = of_type(service, export, resource_type, owners)?;
        planned.files.extend(scans);
        planned.untold.extend(untold);
    }
    // Who asks for a type by name is not given a part of it.
    if export.types.is_some() && planned.untold.iter().any(|untold| hides(&untold.of)) {
        let outcome = respond::of_untold(&service.rules, &planned.untold, Language::English);
        let said = outcome.issues.first().and_then(|issue| issue.diagnostics.clone());
        let en = format!("can't be exported whole: {}", said.unwrap_or_default());
        let ja = "に、全部をエクスポートできない型があります";
        return Err(Error::Parameters(vec![refused("_type", Refusal::NotSupported, &en, ja)]));
    }
    Ok(planned)
}

/// The scans of one type; `owners` of an export of patients.
pub fn of_type(
    service: &Service,
    export: &Export,
    resource_type: &'static str,
    owners: Owners,
) -> Result<BulkPlan, Error> {
    let any_of = requests(service, export, resource_type)?;
    let zone = service.rules.site.zone;
    let since = export.since.as_deref().map(|text| bulk::since(text, zone));
    let since = since.transpose().map_err(|problem| Error::Parameters(vec![problem]))?;
    let within = Within { compartment: COMPARTMENT, owners, with_owners: true };
    let request = BulkRequest {
        any_of: &any_of,
        since: since.as_ref(),
        within: (export.level != Level::System).then_some(within),
    };
    plan::bulk(&service.rules, &service.identity, resource_type, &request)
        .map_err(|problem| crate::plan::refusal(resource_type, problem))
}

/// The types of an export, sorted.
fn types(rules: &RuleSet, export: &Export) -> Result<Vec<&'static str>, Error> {
    let made = rules.resource_types();
    let inside = |name: &str| {
        let members = Definitions::r4().compartment(COMPARTMENT);
        export.level == Level::System
            || name == COMPARTMENT
            || members.iter().any(|member| member.resource == name)
    };
    let mut all: Vec<&'static str> =
        Definitions::r4().resource_names().filter(|name| made.contains(name)).collect();
    match &export.types {
        None => all.retain(|name| inside(name)),
        Some(asked) => {
            if let Some(outside) = asked.iter().find(|name| !inside(name)) {
                let en = format!(
                    "{outside} is not in the compartment of patients; use the system's $export"
                );
                let ja = format!(
                    "の {outside} は患者コンパートメントにありません。システム全体の $export を使ってください"
                );
                let problem = refused("_type", Refusal::NotSupported, &en, &ja);
                return Err(Error::Parameters(vec![problem]));
            }
            all.retain(|name| asked.contains(name));
        }
    }
    Ok(all)
}

/// The searches of which a resource has to meet one; a search without conditions where none is given.
fn requests(
    service: &Service,
    export: &Export,
    resource_type: &'static str,
) -> Result<Vec<SearchRequest>, Error> {
    let shape = shape(export, resource_type);
    let mut requests = Vec::new();
    for (name, query) in export.type_filters.iter().filter_map(|filter| filter.split_once('?')) {
        if name == resource_type {
            let pairs = parse::pairs(query.as_bytes());
            let zone = service.rules.site.zone;
            let request = search::parse(Definitions::r4(), resource_type, &pairs, zone);
            requests.push(request.map_err(|problems| {
                Error::Parameters(problems.iter().map(parse::refused).collect())
            })?);
        }
    }
    if requests.is_empty() {
        requests.push(SearchRequest::of(resource_type));
    }
    requests.iter_mut().for_each(|request| request.shape = shape.clone());
    Ok(requests)
}

/// `_elements`: names without a type are for all types that have them.
fn shape(export: &Export, resource_type: &str) -> Shape {
    let known = Definitions::r4().children(resource_type).unwrap_or_default();
    let mut limited = false;
    let mut names = Vec::new();
    for element in &export.elements {
        let name = match element.split_once('.') {
            None => element.as_str(),
            Some((of, name)) if of == resource_type => name,
            Some(_) => continue,
        };
        limited = true;
        names.extend(known.iter().map(|element| element.name).find(|known| *known == name));
    }
    names.sort_unstable();
    names.dedup();
    if limited { Shape::Elements(names) } else { Shape::Whole }
}

/// Elements that no exported type has.
fn elements_problems<'e>(
    export: &'e Export,
    types: &'e [&'static str],
) -> impl Iterator<Item = RefusedParameter> + 'e {
    let has = |of: &str, name: &str| Definitions::r4().element(of, name).is_some();
    let unknown = export.elements.iter().filter(move |element| match element.split_once('.') {
        None => !types.iter().any(|of| has(of, element)),
        Some((of, name)) => !types.contains(&of) || !has(of, name),
    });
    unknown.map(|element| {
        // A name that is none may be anything.
        let is_word = element.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
        let shown = if is_word && element.len() <= 64 { element.as_str() } else { "a name" };
        let en = format!("`{shown}` is no top-level element of the types of this export");
        let ja = format!("の {shown} は、このエクスポートの型の最上位の要素ではありません");
        refused("_elements", Refusal::Invalid, &en, &ja)
    })
}

/// Searches that are none, or that do more than to choose.
fn filter_problems<'e>(
    export: &'e Export,
    types: &'e [&'static str],
) -> impl Iterator<Item = RefusedParameter> + 'e {
    let problem = |en: String, ja: &str| refused("_typeFilter", Refusal::Invalid, &en, ja);
    export.type_filters.iter().filter_map(move |filter| {
        let Some((name, query)) = filter.split_once('?') else {
            let en = "has to be searches like `Observation?status=final`".to_owned();
            return Some(problem(en, "は Observation?status=final の形の検索です"));
        };
        let Some(resource_type) = types.iter().find(|known| **known == name) else {
            let en = "begins with a type that this export does not have".to_owned();
            return Some(problem(en, "が、このエクスポートにない型で始まっています"));
        };
        let pairs = parse::pairs(query.as_bytes());
        let zone = chrono::Offset::fix(&chrono::Utc);
        // What can't be read is refused with the plan, parameter by parameter.
        let request = search::parse(Definitions::r4(), resource_type, &pairs, zone).ok()?;
        let request = SearchRequest { filters: Vec::new(), chains: Vec::new(), ..request };
        let chooses = request == SearchRequest::of(resource_type);
        (!chooses).then(|| {
            let en = "may only choose: no `_sort`, `_include`, `_count` or `_elements`".to_owned();
            problem(en, "では絞り込みだけができます（_sort、_include、_count、_elements は不可）")
        })
    })
}
