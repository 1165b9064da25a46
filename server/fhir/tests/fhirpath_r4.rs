//! The expressions that R4 itself and the official packages have.

use std::collections::BTreeSet;

use genkan_fhir::{
    definitions::{Definitions, Element},
    fhirpath::Expression,
};

/// Every invariant with the path of the element that it stands on.
fn invariants() -> BTreeSet<(String, &'static str, &'static str)> {
    let r4 = Definitions::r4();
    let mut found = BTreeSet::new();
    let mut paths: Vec<String> = r4.resource_names().map(str::to_owned).collect();
    paths.extend(["DomainResource", "Resource", "Element", "BackboneElement"].map(str::to_owned));
    let mut seen: BTreeSet<String> = paths.iter().cloned().collect();
    while let Some(path) = paths.pop() {
        let own = r4.invariants(&path).into_iter().map(|of| (of.key, of.expression));
        found.extend(own.map(|(key, expression)| (path.clone(), key, expression)));
        for element in r4.children(&path).unwrap_or_default() {
            for type_path in type_paths(element) {
                for invariant in &element.invariants {
                    found.insert((type_path.clone(), invariant.key, invariant.expression));
                }
                if seen.insert(type_path.clone()) {
                    paths.push(type_path);
                }
            }
        }
    }
    found
}

fn type_paths(element: &Element) -> Vec<String> {
    if let Some(path) = element.content_reference {
        return vec![path.to_owned()];
    }
    let path_of = |code: &'static str| match code {
        "BackboneElement" | "Element" => element.path.to_owned(),
        code => code.to_owned(),
    };
    element.types.iter().map(|of| path_of(of.code)).collect()
}

#[test]
fn every_search_parameter_of_r4_compiles_and_means_something() {
    let r4 = Definitions::r4();
    let mut expressions = BTreeSet::new();
    for resource in r4.resource_names() {
        for parameter in r4.search_parameters(resource) {
            expressions.insert(parameter.expression);
        }
    }
    expressions.remove("");
    for text in &expressions {
        Expression::compile(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
    println!("{} expressions of search parameters compile", expressions.len());
    assert!(expressions.len() > 1_000);
}

/// Where R4's invariants say nothing, by key and the type they stand on.
const SAY_NOTHING: &[(&str, &str, &str)] = &[
    ("cid-0", "ChargeItemDefinition", "R4's ChargeItemDefinition has no name; R5's has"),
    ("ras-1", "decimal", "it stands on a choice, and is about its Range"),
];

#[test]
fn every_invariant_of_r4_compiles_and_means_something() {
    let mut wrong = Vec::new();
    let invariants = invariants();
    for (path, key, text) in &invariants {
        let expression =
            Expression::compile(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let is_known = SAY_NOTHING.iter().any(|(known, on, _)| known == key && on == path);
        match expression.check(path) {
            Err(error) if !is_known => wrong.push(format!("{key} on {path}: {error}: {text}")),
            Ok(()) if is_known => wrong.push(format!("{key} on {path} says something now")),
            _ => {}
        }
    }
    let keys: BTreeSet<&str> = invariants.iter().map(|(_, key, _)| *key).collect();
    println!("{} invariants compile", keys.len());
    assert_eq!(keys.len(), 237, "as many as the table has");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
