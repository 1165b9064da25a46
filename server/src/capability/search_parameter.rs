//! SearchParameter resources: what each parameter of each type takes here, in fields where a
//! CapabilityStatement of R4 has texts. They are values, made from the compiled rules like the statement.
//!
//! Spec: <https://hl7.org/fhir/R4/searchparameter.html>. A SearchParameter with R4's own URL would be R4's
//! own: for all of its types, with every modifier. What is answered here is for one type and never all of
//! that, so that each has a URL of this server, at which it can be read, and `derivedFrom` names the one
//! "from which it is defined", of which it is "a proper subset". `CapabilityStatement.…searchParam.definition`
//! is this URL, because R4 says there: "If systems wish to document their support for modifiers,
//! comparators, target resource types, and chained parameters, they should do using a search parameter
//! resource."

use std::collections::BTreeSet;

use chrono::SecondsFormat;
use genkan_fhir::definitions::{Component, Definitions, SearchParameter};
use genkan_fhir::search::Modifier;
use genkan_mapping::plan::{self, Forms, OfferedChain};
use genkan_mapping::program::RuleSet;
use serde_json::{Value, json};

use super::{targets, texts, without_empty_lists};
use crate::in_memory::Shelf;
use crate::service::Service;

pub const TYPE: &str = "SearchParameter";
/// By which they are found. Nothing else is offered: no modifiers, no order, no includes.
pub const OWN: [&str; 7] = ["_id", "base", "code", "name", "target", "type", "url"];

/// All of them, by type and code; each is whole when it is compared.
pub fn shelf<'s>(service: &'s Service, base: &str) -> Shelf<'s> {
    let all = types(service).into_iter().flat_map(|of| of_type(service, base, of));
    Shelf {
        resource_type: TYPE,
        parameters: &OWN,
        heads: all.collect(),
        whole: Box::new(|head| Some(head.clone())),
    }
}

/// One of them, by its id.
pub fn of_id(service: &Service, base: &str, id: &str) -> Option<Value> {
    let begin = types(service).into_iter().filter(|of| id.starts_with(of));
    let mut near = begin.flat_map(|of| of_type(service, base, of));
    near.find(|resource| resource["id"] == id)
}

/// The types that have parameters here, this one behind those of rows.
fn types(service: &Service) -> Vec<&str> {
    let mut types = service.rules.resource_types();
    types.push(TYPE);
    types
}

fn of_type(service: &Service, base: &str, of: &str) -> Vec<Value> {
    if of == TYPE {
        return own().map(|one| Told::of_own(one).resource(service, base)).collect();
    }
    let rules = &service.rules;
    let chains = plan::chains(rules, of);
    let offered = plan::offered(rules, of).into_iter().filter_map(|offered| {
        let definition = Definitions::r4().search_parameter(of, &offered.code)?;
        Some(Told::of_rules(rules, of, definition, &chains).resource(service, base))
    });
    offered.collect()
}

/// The parameters of this type itself.
pub fn own() -> impl Iterator<Item = &'static SearchParameter> {
    OWN.into_iter().filter_map(|code| Definitions::r4().search_parameter(TYPE, code))
}

pub fn url(base: &str, of: &str, code: &str) -> String {
    format!("{base}/{TYPE}/{}", id(of, code))
}

/// `Observation-date`, `Observation.lastUpdated`: an id has no underscore, and no type a full stop.
fn id(of: &str, code: &str) -> String {
    match code.strip_prefix('_') {
        Some(of_all) => format!("{of}.{of_all}"),
        None => format!("{of}-{code}"),
    }
}

/// `ObservationDate`
fn name(of: &str, code: &str) -> String {
    let words = code.split(|letter: char| !letter.is_ascii_alphanumeric());
    let capital = |word: &str| match word.split_at_checked(1) {
        Some((first, rest)) => first.to_ascii_uppercase() + rest,
        None => String::new(),
    };
    words.fold(of.to_owned(), |name, word| name + &capital(word))
}

/// What is to be told of one.
struct Told<'a> {
    of: &'a str,
    definition: &'static SearchParameter,
    forms: Forms,
    /// What has no field, and what `/metadata` has as text.
    texts: Vec<String>,
    targets: BTreeSet<&'a str>,
    chain: BTreeSet<&'a str>,
}

impl<'a> Told<'a> {
    fn of_rules(
        rules: &'a RuleSet,
        of: &'a str,
        definition: &'static SearchParameter,
        chains: &[OfferedChain<'a>],
    ) -> Self {
        let code = definition.code;
        let own = chains.iter().filter(|chain| chain.parameter == code);
        Told {
            of,
            definition,
            forms: plan::forms(rules, of, code),
            texts: texts(rules, of, code, chains),
            targets: targets(rules, of, code),
            chain: own.flat_map(|chain| &chain.ends).map(|end| end.code.as_str()).collect(),
        }
    }

    fn of_own(definition: &'static SearchParameter) -> Self {
        let (forms, texts) = (Forms::default(), Vec::new());
        let (targets, chain) = (BTreeSet::new(), BTreeSet::new());
        Told { of: TYPE, definition, forms, texts, targets, chain }
    }

    fn resource(&self, service: &Service, base: &str) -> Value {
        let Told { of, definition, forms, texts, targets, chain } = self;
        let code = definition.code;
        let about = format!("R4's `{code}` of {of}, as far as it is answered here.");
        let about: Vec<&str> =
            std::iter::once(about.as_str()).chain(texts.iter().map(String::as_str)).collect();
        let modifiers: BTreeSet<&str> = forms.modifiers.iter().map(modifier).collect();
        let prefixes: Vec<&str> = forms.prefixes.iter().map(|prefix| prefix.code()).collect();
        let components: Vec<Value> = definition.components.iter().map(component).collect();
        without_empty_lists(json!({
            "resourceType": TYPE,
            "id": id(of, code),
            "url": url(base, of, code),
            "name": name(of, code),
            "derivedFrom": definition.url(),
            "status": "active",
            "date": service.rules_since.to_rfc3339_opts(SecondsFormat::Secs, true),
            "description": about.join(" "),
            "code": code,
            "base": [of],
            "type": definition.kind.code(),
            "expression": definition.expression_of(of),
            "target": targets,
            "multipleOr": true,
            "multipleAnd": true,
            "comparator": prefixes,
            "modifier": modifiers,
            "chain": chain,
            "component": components,
        }))
    }
}

fn component(component: &Component) -> Value {
    let url = format!("http://hl7.org/fhir/{TYPE}/{}", component.parameter);
    json!({"definition": url, "expression": component.expression})
}

/// A code of <http://hl7.org/fhir/search-modifier-code>, which has one for all types of references and
/// writes one otherwise than requests do.
fn modifier(modifier: &Modifier) -> &'static str {
    match modifier {
        Modifier::Missing => "missing",
        Modifier::Exact => "exact",
        Modifier::Contains => "contains",
        Modifier::Text => "text",
        Modifier::Not => "not",
        Modifier::Above => "above",
        Modifier::Below => "below",
        Modifier::In => "in",
        Modifier::NotIn => "not-in",
        Modifier::OfType => "ofType",
        Modifier::Identifier => "identifier",
        Modifier::Type(_) => "type",
    }
}
