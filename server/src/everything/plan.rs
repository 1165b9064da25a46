//! Which rows are everything: the owner first, then each rule that can have something in its
//! compartment, in the order of R4's definition of it.

use genkan_fhir::definitions::Definitions;
use genkan_fhir::outcome::OperationOutcome;
use genkan_fhir::search::{self, SearchRequest};
use genkan_mapping::diagnostic::Language;
use genkan_mapping::plan::{self, BulkRequest, Scan, Untold, Within};
use genkan_mapping::search::Owners;

use super::asked::Asked;
use crate::bulk::refused;
use crate::error::{Error, Refusal};
use crate::respond;
use crate::service::Service;

pub struct Plan {
    /// The type of the owner.
    pub of: &'static str,
    /// That of the owner first.
    pub scans: Vec<Scan>,
    /// Nobody asked for other types only.
    pub shows_owner: bool,
    pub types: Option<Vec<&'static str>>,
    untold: Vec<Untold>,
    /// What a page token is sealed with.
    pub context: Vec<u8>,
}

impl Plan {
    /// What the answer can't be sure of.
    pub fn untold(&self, service: &Service, language: Language) -> Option<OperationOutcome> {
        let told = !self.untold.is_empty();
        told.then(|| respond::of_untold(&service.rules, &self.untold, language))
    }

    pub fn shows(&self, resource_type: &str) -> bool {
        self.types.as_ref().is_none_or(|types| types.contains(&resource_type))
    }
}

pub fn plan(
    service: &Service,
    (of, id): (&'static str, &str),
    asked: &Asked,
) -> Result<Plan, Error> {
    let (rules, identity) = (&service.rules, &service.identity);
    let not_found = || Error::NotFound { resource_type: of.to_owned() };
    let owner =
        rules.rules_of(of).find_map(|(index, rule)| Some((index, identity.decode(&rule.id, id)?)));
    let (owner, key) = owner.ok_or_else(not_found)?;
    let keys = [key];
    let own = plan::alone(rules, owner, &keys[0]).ok_or_else(not_found)?;
    let mut plan = Plan {
        of,
        scans: vec![own],
        shows_owner: asked.types.as_ref().is_none_or(|types| types.contains(&of)),
        types: asked.types.clone(),
        untold: Vec::new(),
        context: Vec::new(),
    };
    let owners = Owners::These { rule: owner, keys: &keys };
    let within = Within { compartment: of, owners, with_owners: false };
    for member in Definitions::r4().compartment(of) {
        let resource_type = member.resource;
        if rules.rules_of(resource_type).next().is_none() || !plan.shows(resource_type) {
            continue;
        }
        let request = [care(service, resource_type, &asked.care)?];
        let request =
            BulkRequest { any_of: &request, since: asked.since.as_ref(), within: Some(within) };
        let found = plan::bulk(rules, identity, resource_type, &request)
            .map_err(|problem| crate::plan::refusal(resource_type, problem))?;
        plan.scans.extend(found.scans);
        plan.untold.extend(found.untold);
    }
    let text = format!(
        "everything|{of}|{id}|{asked:?}",
        asked = (&asked.care, &asked.since, &asked.types)
    );
    plan.context = plan::context_of(rules, &text, &plan.scans);
    if let Some(token) = &asked.page {
        plan::resume(identity, &plan.context, token, &mut plan.scans)
            .map_err(|problem| crate::plan::refusal(of, problem))?;
    }
    Ok(plan)
}

/// Resources of the type whose care was given in this time; all of a type that tells of no time.
fn care(
    service: &Service,
    resource_type: &'static str,
    care: &[String],
) -> Result<SearchRequest, Error> {
    let (rules, definitions) = (&service.rules, Definitions::r4());
    let everything = || SearchRequest::of(resource_type);
    if care.is_empty() {
        return Ok(everything());
    }
    let is_offered = |code: &&&str| plan::is_offered(rules, resource_type, code);
    let dates = definitions.care_dates(resource_type);
    if let Some(code) = dates.iter().find(is_offered) {
        let pairs: Vec<_> = care.iter().map(|value| ((*code).to_owned(), value.clone())).collect();
        let request = search::parse(definitions, resource_type, &pairs, rules.site.zone);
        return request.map_err(|_| Error::Internal("a date of the operation is none"));
    }
    // A date that is there and can't be asked for must not be passed over.
    let hidden = rules.rules_of(resource_type).flat_map(|(_, rule)| &rule.withheld);
    let mut hidden =
        hidden.filter(|held| !held.never_matches && dates.contains(&held.code.as_str()));
    match hidden.next() {
        None => Ok(everything()),
        Some(held) => {
            let en = format!(
                "{resource_type} can't be limited to a time: `{}` is not offered ({}); leave it out \
                 with `_type`",
                held.code, held.reason.en
            );
            let ja = format!(
                "では {resource_type} を絞り込めません（{} を提供していません: {}）。_type で除いてください",
                held.code, held.reason.ja
            );
            let name =
                if care.iter().any(|value| value.starts_with("ge")) { "start" } else { "end" };
            Err(Error::Parameters(vec![refused(name, Refusal::NotSupported, &en, &ja)]))
        }
    }
}
