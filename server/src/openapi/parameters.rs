//! The parameters of searches and reads: those that the rules offer, and those that shape an answer.

use genkan_fhir::definitions::{Definitions, ParameterType};
use genkan_fhir::search::modifiers;
use genkan_mapping::plan::{offered, sortable};
use genkan_mapping::program::RuleSet;
use genkan_mapping::search::Parameter;
use serde_json::{Map, Value, json};

use super::pattern;
use crate::capability;

/// One query parameter: its name, its schema and what is said of it.
pub struct Query {
    /// The type that it is of; empty if it is the same everywhere.
    pub of: String,
    pub name: String,
    pub schema: Value,
    pub description: String,
    pub example: Option<&'static str>,
}

impl Query {
    /// Its name among the components: each is said once.
    pub fn component(&self) -> String {
        let dot = if self.of.is_empty() { "" } else { "." };
        format!("{}{dot}{}", self.of, self.name)
    }

    pub fn reference(&self) -> Value {
        json!({"$ref": format!("#/components/parameters/{}", self.component())})
    }

    /// As OpenAPI has it.
    pub fn parameter(&self) -> Value {
        let mut parameter = json!({
            "name": self.name, "in": "query", "schema": self.schema,
            "description": self.description,
        });
        if let Some(example) = self.example {
            parameter["example"] = example.into();
        }
        parameter
    }
}

/// Everything that a search of a type takes. Parameters with modifiers have names of their own, which
/// OpenAPI has no word for; the description of each says them.
pub fn of_search(rules: &RuleSet, resource_type: &str, page_size_default: usize) -> Vec<Query> {
    let own = offered(rules, resource_type).into_iter();
    let mut queries: Vec<Query> = own.map(|parameter| of_rules(resource_type, parameter)).collect();
    queries.extend(result_parameters(rules, resource_type, page_size_default));
    queries.extend(of_shape(resource_type, "", &["true", "text", "data", "count", "false"]));
    queries.extend(of_form());
    queries
}

/// What a read takes.
pub fn of_read(resource_type: &str) -> Vec<Query> {
    let shape = of_shape(resource_type, "read", &["true", "text", "data", "false"]);
    shape.into_iter().chain(of_form()).collect()
}

fn of_rules(resource_type: &str, parameter: &Parameter) -> Query {
    let known = Definitions::r4().search_parameter(resource_type, &parameter.code);
    let targets = known.map(|known| known.targets.clone()).unwrap_or_default();
    let kind = parameter.kind;
    let modifiers = modifiers(kind);
    let description = format!(
        "{}: {}. Several values joined by commas: one of them; the parameter again: all of them.{} \
         A value that the hospital's tables can't answer exactly is refused (400).",
        kind.code(),
        parameter.url,
        if modifiers.is_empty() { String::new() } else { format!(" Modifiers: {modifiers}.") },
    );
    Query {
        of: resource_type.to_owned(),
        name: parameter.code.clone(),
        schema: json!({"type": "string", "pattern": pattern::of(kind, &targets)}),
        description,
        example: example(kind),
    }
}

fn example(kind: ParameterType) -> Option<&'static str> {
    Some(match kind {
        ParameterType::Date => "ge2026-04-01",
        ParameterType::Number => "gt5",
        ParameterType::Quantity => "le5.4",
        _ => return None,
    })
}

fn result_parameters(rules: &RuleSet, resource_type: &str, page_size_default: usize) -> Vec<Query> {
    let query = |name: &str, schema: Value, description: String| Query {
        of: if ["_count", "_total"].contains(&name) { "" } else { resource_type }.to_owned(),
        name: name.to_owned(),
        schema,
        description,
        example: None,
    };
    let mut queries = vec![
        query(
            "_count",
            json!({"type": "integer", "minimum": 0, "maximum": u32::MAX, "default": page_size_default}),
            "matches on a page, at most as many as the server allows; 0: the total alone"
                .to_owned(),
        ),
        query(
            "_total",
            json!({"type": "string", "enum": ["none", "estimate", "accurate"]}),
            "whether `Bundle.total` is there, and how it is found; none is the default".to_owned(),
        ),
    ];
    let sorts = sortable(rules, resource_type);
    if !sorts.is_empty() {
        let description = "keys in order of weight, `-` for descending".to_owned();
        let schema = json!({"type": "string", "pattern": pattern::sort(&sorts)});
        queries.push(query("_sort", schema, description));
    }
    for (name, values) in [
        ("_include", capability::includes(rules, resource_type)),
        ("_revinclude", capability::rev_includes(rules, resource_type)),
    ] {
        if !values.is_empty() {
            let description = "what comes along with the matches; may stand several times";
            let schema = json!({"type": "string", "enum": values});
            queries.push(query(name, schema, description.to_owned()));
        }
    }
    queries
}

fn of_shape(resource_type: &str, of: &str, summaries: &[&str]) -> Vec<Query> {
    let elements = Definitions::r4().children(resource_type).unwrap_or_default();
    let names: Vec<&str> = elements.iter().map(|element| element.name).collect();
    vec![
        Query {
            of: of.to_owned(),
            name: "_summary".to_owned(),
            schema: json!({"type": "string", "enum": summaries}),
            description: "which part of a resource is shown; not beside `_elements`, and text not \
                          beside included resources"
                .to_owned(),
            example: None,
        },
        Query {
            of: resource_type.to_owned(),
            name: "_elements".to_owned(),
            schema: json!({"type": "string", "pattern": pattern::list(&names)}),
            description: "top-level elements to be shown, besides the mandatory ones; not beside \
                          `_summary`"
                .to_owned(),
            example: None,
        },
    ]
}

/// What every interaction takes.
pub fn of_form() -> Vec<Query> {
    let formats = [
        "json",
        "xml",
        "application/fhir+json",
        "application/fhir+xml",
        "application/json",
        "application/xml",
        "text/json",
        "text/xml",
    ];
    vec![
        Query {
            of: String::new(),
            name: "_format".to_owned(),
            schema: json!({"type": "string", "enum": formats}),
            description: "the form of the answer; it wins over `Accept`".to_owned(),
            example: None,
        },
        Query {
            of: String::new(),
            name: "_pretty".to_owned(),
            schema: json!({"type": "boolean"}),
            description: "with line breaks and indents".to_owned(),
            example: None,
        },
    ]
}

/// The same parameters as a form, for `POST _search`.
pub fn form(queries: &[Query]) -> Value {
    let schema = |query: &Query| {
        let of = query.component();
        (query.name.clone(), json!({"$ref": format!("#/components/parameters/{of}/schema")}))
    };
    let properties: Map<String, Value> = queries.iter().map(schema).collect();
    json!({
        "type": "object", "properties": properties, "additionalProperties": false,
        // An address can't say that of its parameters.
        "not": {"required": ["_summary", "_elements"]},
    })
}
