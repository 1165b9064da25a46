//! The query parameters of a search: what `/metadata` declares, each modifier and each chain of one
//! step as a parameter of its own, and those that shape the answer.

use std::collections::{BTreeMap, BTreeSet};

use genkan_fhir::definitions::{Definitions, SearchParameter};
use genkan_fhir::search::Modifier;
use genkan_mapping::plan::{self, Forms};
use genkan_mapping::program::RuleSet;
use serde_json::{Value, json};

use super::values::{self, Asked};
use crate::bulk;
use crate::bundle::operation;
use crate::capability;
use crate::export;
use crate::parse;
use crate::service::Service;

/// One parameter, in a query or in a form.
#[derive(Debug, Clone)]
pub struct Declared {
    pub name: String,
    /// Of one value.
    pub schema: Value,
    /// It may stand more than once: all of them hold.
    pub repeats: bool,
    pub required: bool,
    pub description: Option<String>,
    pub example: Option<Value>,
}

/// Schemas of values by the name under which parameters refer to them.
#[derive(Debug, Default)]
pub struct Schemas {
    pub named: BTreeMap<String, Value>,
    /// The name and the example of each parameter without a modifier: many chains end in the same.
    plain: BTreeMap<(String, String), (String, String)>,
}

impl Schemas {
    fn of(
        &mut self,
        rules: &RuleSet,
        (of, code): (&str, &str),
        modifier: Option<&Modifier>,
    ) -> Option<(String, String)> {
        let key = (of.to_owned(), code.to_owned());
        if let Some(known) = self.plain.get(&key).filter(|_| modifier.is_none()) {
            return Some(known.clone());
        }
        let definition = Definitions::r4().search_parameter(of, code)?;
        let forms = plan::forms(rules, of, code);
        let targets: BTreeSet<&str> = capability::targets(rules, of, code);
        let found = self.asked(&Asked { definition, modifier, forms: &forms, targets: &targets });
        if modifier.is_none() {
            self.plain.insert(key, found.clone());
        }
        Some(found)
    }

    /// Codes of SearchParameter resources have no system.
    fn of_own(&mut self, definition: &SearchParameter) -> (String, String) {
        let (forms, targets) = (Forms { bare: true, ..Forms::default() }, BTreeSet::new());
        self.asked(&Asked { definition, modifier: None, forms: &forms, targets: &targets })
    }

    fn asked(&mut self, asked: &Asked<'_>) -> (String, String) {
        let schema = || json!({"type": "string", "pattern": asked.pattern()});
        self.named.entry(asked.name()).or_insert_with(schema);
        (asked.name(), asked.example())
    }
}

impl Declared {
    pub fn once(name: &str, schema: Value, description: impl Into<String>) -> Self {
        Declared {
            name: name.to_owned(),
            schema,
            repeats: false,
            required: false,
            description: Some(description.into()),
            example: None,
        }
    }

    fn several(name: &str, schema: Value, description: impl Into<String>) -> Self {
        Declared { repeats: true, ..Declared::once(name, schema, description) }
    }

    /// Of one or several values, as it stands in a query or a form.
    pub fn whole_schema(&self) -> Value {
        match self.repeats {
            false => self.schema.clone(),
            true => json!({"type": "array", "items": self.schema, "minItems": 1}),
        }
    }

    pub fn in_query(&self) -> Value {
        let mut parameter = json!({"name": self.name, "in": "query"});
        if self.required {
            parameter["required"] = true.into();
        }
        if let Some(description) = &self.description {
            parameter["description"] = description.as_str().into();
        }
        parameter["schema"] = self.whole_schema();
        if let Some(example) = &self.example {
            parameter["example"] = match self.repeats {
                false => example.clone(),
                true => json!([example]),
            };
        }
        parameter
    }
}

/// Everything that a search for a type takes.
pub fn of_search(service: &Service, resource_type: &str, schemas: &mut Schemas) -> Vec<Declared> {
    let rules = &service.rules;
    let mut found = filters(rules, resource_type, schemas);
    found.extend(chains(rules, resource_type, schemas));
    found.extend(orders(rules, resource_type));
    found.extend(pages(service));
    found.extend(includes(rules, resource_type));
    found.extend(shapes(resource_type, true));
    found.extend(forms());
    found
}

/// What a search for SearchParameter resources takes.
pub fn of_own_search(service: &Service, schemas: &mut Schemas) -> Vec<Declared> {
    of_listed(service, capability::TYPE, capability::own(), schemas)
}

/// Of a search that no rule answers: these parameters, without modifiers.
pub fn of_listed(
    service: &Service,
    resource_type: &str,
    definitions: impl Iterator<Item = &'static SearchParameter>,
    schemas: &mut Schemas,
) -> Vec<Declared> {
    let own = definitions.map(|definition| {
        let (schema, example) = schemas.of_own(definition);
        let description = format!("{}: {}", definition.kind.code(), definition.url());
        referring(definition.code, &schema, example, Some(description))
    });
    let mut found: Vec<Declared> = own.collect();
    found.extend(pages(service).into_iter().filter(|one| one.name != parse::EXPLAIN));
    found.extend(shapes(resource_type, true));
    found.extend(forms());
    found
}

/// What a read takes.
pub fn of_read(resource_type: &str) -> Vec<Declared> {
    shapes(resource_type, false).into_iter().chain(forms()).collect()
}

/// How an answer is written.
pub fn forms() -> Vec<Declared> {
    let formats =
        ["json", "application/fhir+json", "application/json", "xml", "application/fhir+xml"];
    written(&formats)
}

/// How the OpenAPI document is written.
pub fn json_forms() -> Vec<Declared> {
    written(&["json", "application/json"])
}

fn written(formats: &[&str]) -> Vec<Declared> {
    vec![
        Declared::once("_format", json!({"enum": formats}), "Wins over `Accept`."),
        Declared::once("_pretty", json!({"type": "boolean"}), "With line breaks and indents."),
    ]
}

/// Of `/metadata`.
pub fn of_metadata() -> Vec<Declared> {
    let modes = json!({"enum": ["full", "terminology"]});
    let mode = Declared::once("mode", modes, "All, or of code systems and value sets only.");
    std::iter::once(mode).chain(forms()).collect()
}

/// Of the operation that makes registration units.
pub fn of_operation(service: &Service) -> Vec<Declared> {
    let own = operation::parameters().into_iter().map(|(name, required, text)| {
        let schema = match name {
            operation::KIND => json!({"enum": operation::kinds(service)}),
            operation::AS_OF => json!({"type": "string", "pattern": values::day()}),
            operation::WITH_ISSUES => json!({"type": "boolean"}),
            _ => json!({"type": "string", "minLength": 1}),
        };
        Declared { required, ..Declared::once(name, schema, text) }
    });
    own.chain(forms()).collect()
}

/// Of an operation that brings many resources, by the table by which it is read.
pub fn of_bulk<T>(service: &Service, offered: &[&bulk::Parameter<T>]) -> Vec<Declared> {
    let types = service.rules.resource_types();
    let own = offered.iter().filter_map(|parameter| {
        let (schema, example) = bulk_value(parameter.name, &types);
        Some(Declared {
            repeats: parameter.repeats,
            example,
            ..Declared::once(parameter.name, schema, parameter.text?)
        })
    });
    own.chain(forms()).collect()
}

/// What a value looks like, and one that every hospital answers.
fn bulk_value(name: &str, types: &[&str]) -> (Value, Option<Value>) {
    let some = types.first().copied().unwrap_or_default();
    let matching = |pattern: String| json!({"type": "string", "pattern": pattern});
    match name {
        "_type" => (matching(values::words(types.iter().copied())), Some(some.into())),
        "_since" => (matching(values::instant()), Some("2020-01-01T00:00:00Z".into())),
        "start" | "end" => (matching(values::calendar()), Some("2020".into())),
        "_count" => (json!({"type": "integer", "minimum": 1, "maximum": u32::MAX}), None),
        "_outputFormat" => (json!({"enum": export::FORMATS}), None),
        "_elements" => (json!({"type": "string", "minLength": 1}), Some("id".into())),
        "_typeFilter" => {
            let example = format!("{some}?_id=example");
            (json!({"type": "string", "minLength": 1}), Some(example.into()))
        }
        _ => (json!({"type": "string"}), None),
    }
}

/// Of a file of an export.
pub fn of_file() -> Vec<Declared> {
    let schema = json!({"type": "string", "pattern": values::id()});
    vec![Declared::once(export::AFTER, schema, "The id of the last line that came whole.")]
}

fn filters(rules: &RuleSet, resource_type: &str, schemas: &mut Schemas) -> Vec<Declared> {
    let mut found = Vec::new();
    for parameter in plan::offered(rules, resource_type) {
        let end = (resource_type, parameter.code.as_str());
        let forms = plan::forms(rules, resource_type, &parameter.code);
        let named = if forms.named { format!(". {}", capability::NAMED) } else { String::new() };
        let description = format!("{}: {}{named}", parameter.kind.code(), parameter.url);
        let plain = match forms.plain() {
            false => None,
            true => compared(rules, &parameter.code, end, None, schemas),
        };
        found.extend(plain.map(|plain| Declared { description: Some(description), ..plain }));
        for modifier in &forms.modifiers {
            let name = format!("{}:{modifier}", parameter.code);
            found.extend(compared(rules, &name, end, Some(modifier), schemas));
        }
    }
    found
}

/// Chains of one step, forwards and back.
fn chains(rules: &RuleSet, resource_type: &str, schemas: &mut Schemas) -> Vec<Declared> {
    let mut found = Vec::new();
    for chain in plan::chains(rules, resource_type) {
        for end in &chain.ends {
            let name = format!("{}:{}.{}", chain.parameter, chain.target, end.code);
            found.extend(compared(rules, &name, (chain.target, &end.code), None, schemas));
        }
    }
    for chain in plan::reverse_chains(rules, resource_type) {
        for end in &chain.ends {
            let name = format!("_has:{}:{}:{}", chain.source, chain.parameter, end.code);
            found.extend(compared(rules, &name, (chain.source, &end.code), None, schemas));
        }
    }
    found
}

/// `end`: the type and the parameter that is compared in the end.
fn compared(
    rules: &RuleSet,
    name: &str,
    end: (&str, &str),
    modifier: Option<&Modifier>,
    schemas: &mut Schemas,
) -> Option<Declared> {
    let (schema, example) = schemas.of(rules, end, modifier)?;
    Some(referring(name, &schema, example, None))
}

fn referring(name: &str, schema: &str, example: String, description: Option<String>) -> Declared {
    Declared {
        name: name.to_owned(),
        schema: json!({"$ref": format!("#/components/schemas/{schema}")}),
        repeats: true,
        required: false,
        description,
        example: Some(example.into()),
    }
}

fn orders(rules: &RuleSet, resource_type: &str) -> Option<Declared> {
    let offered = plan::offered(rules, resource_type);
    let sorted = offered.iter().filter(|one| plan::sorts(rules, resource_type, &one.code));
    let keys: Vec<String> =
        sorted.flat_map(|one| [one.code.clone(), format!("-{}", one.code)]).collect();
    let text = "Several keys are joined by commas; each may stand once.";
    (!keys.is_empty()).then(|| Declared::once("_sort", json!({"enum": keys}), text))
}

fn pages(service: &Service) -> Vec<Declared> {
    let limits = service.limits;
    let (default, max) = (limits.page_size_default, limits.page_size_max);
    let count = json!({"type": "integer", "minimum": 0, "maximum": u32::MAX});
    let text = format!("Matches on a page: {default} if not said, {max} at most. 0 counts them.");
    let mut found = vec![
        Declared::once("_count", count, text),
        Declared::once(
            "_total",
            json!({"enum": ["none", "estimate", "accurate"]}),
            "What `Bundle.total` says.",
        ),
    ];
    if service.explain {
        let text = "The plan of the search instead of its matches.";
        found.push(Declared::once(parse::EXPLAIN, json!({"type": "boolean"}), text));
    }
    found
}

fn includes(rules: &RuleSet, resource_type: &str) -> Vec<Declared> {
    let mut found = Vec::new();
    for (name, values) in [
        ("_include", capability::includes(rules, resource_type)),
        ("_revinclude", capability::rev_includes(rules, resource_type)),
    ] {
        if !values.is_empty() {
            let schema = json!({"enum": values});
            found.push(Declared::several(name, schema.clone(), "What comes along with matches."));
            let text = "What comes along with matches, and with what came along.";
            found.push(Declared::several(&format!("{name}:iterate"), schema, text));
        }
    }
    found
}

fn shapes(resource_type: &str, of_search: bool) -> Vec<Declared> {
    let elements = Definitions::r4().children(resource_type).unwrap_or_default();
    let names = elements.iter().map(|element| element.name);
    let pattern = values::words(names);
    let mut summaries = vec!["true", "false", "text", "data"];
    if of_search {
        summaries.push("count");
    }
    let elements = json!({"type": "string", "pattern": pattern});
    vec![
        Declared::once("_summary", json!({"enum": summaries}), "Not beside `_elements`."),
        Declared::once("_elements", elements, "Elements of matches, joined by commas."),
    ]
}
