//! Questions worth asking of a parameter: made of what the resources hold, so that some of them
//! match and some don't, and of what none of them holds.

use std::collections::{BTreeSet, HashSet};

use genkan_fhir::definitions::{Definitions, ParameterType, SearchParameter};
use serde_json::Value;

use super::archive::{Archive, Element, kind_of};
use super::question::{Asked, Modifier, Prefix, Question, TokenSystem};

/// Elements that questions are made of, for each parameter.
const SAMPLES: usize = 60;
/// No resource holds it.
const NOWHERE: &str = "nowhere-9f3";

/// What can be asked of a parameter that is declared with these modifiers and prefixes.
pub fn candidates(
    archive: &Archive,
    resource_type: &str,
    code: &str,
    (modifiers, prefixes): (&[Modifier], &[Prefix]),
) -> Vec<Question> {
    let Some(parameter) = Definitions::r4().search_parameter(resource_type, code) else {
        return Vec::new();
    };
    let samples = samples(archive, resource_type, code);
    let (mut found, mut known) = (Vec::new(), HashSet::new());
    let mut ask = |modifier: Option<&Modifier>, prefix: Prefix, asked: Asked| {
        let question = Question {
            resource_type: resource_type.to_owned(),
            code: code.to_owned(),
            modifier: modifier.cloned(),
            prefix,
            asked,
        };
        if known.insert(question.clone()) {
            found.push(question);
        }
    };
    let ordered = matches!(
        parameter.kind,
        ParameterType::Date | ParameterType::Number | ParameterType::Quantity
    );
    let plain: &[Prefix] = if ordered { prefixes } else { &[Prefix::None] };
    for modifier in std::iter::once(None).chain(modifiers.iter().map(Some)) {
        if modifier == Some(&Modifier::Missing) {
            ask(modifier, Prefix::None, Asked::Missing(true));
            ask(modifier, Prefix::None, Asked::Missing(false));
            continue;
        }
        for prefix in plain {
            for element in &samples {
                for asked in of_element(element, (resource_type, parameter), modifier) {
                    ask(modifier, *prefix, asked);
                }
            }
            for asked in of_nothing(parameter.kind, modifier) {
                ask(modifier, *prefix, asked);
            }
        }
    }
    found
}

/// Elements that differ, the first few of them from all over the resources.
fn samples(archive: &Archive, resource_type: &str, code: &str) -> Vec<Element> {
    let mut seen = BTreeSet::new();
    let mut different = Vec::new();
    for element in archive.column(resource_type, code).iter().flatten() {
        if seen.insert(element.value.to_string()) {
            different.push(element.clone());
        }
    }
    let step = stride(different.len());
    let places = (0..different.len()).map(|turn| turn * step % different.len());
    places.take(SAMPLES).map(|place| different[place].clone()).collect()
}

/// Steps of this length come to each of so many places once, and soon to every region: about the golden
/// ratio, without a common divisor.
fn stride(places: usize) -> usize {
    let divisor = |mut a: usize, mut b: usize| {
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    (places * 5 / 8..=places).find(|step| divisor(*step, places) == 1).unwrap_or(1)
}

fn of_element(
    element: &Element,
    (resource_type, parameter): (&str, &SearchParameter),
    modifier: Option<&Modifier>,
) -> Vec<Asked> {
    let Element { kind: type_name, value, .. } = element;
    match parameter.kind {
        ParameterType::Token => tokens(type_name, value, modifier),
        ParameterType::String => strings(value, modifier),
        ParameterType::Date => dates(value),
        ParameterType::Number => {
            numbers(&value.to_string()).into_iter().map(Asked::Number).collect()
        }
        ParameterType::Quantity => quantities(value),
        ParameterType::Reference => references(value, modifier),
        ParameterType::Uri => uris(value),
        ParameterType::Composite => composites(element, (resource_type, parameter)),
        ParameterType::Special => Vec::new(),
    }
}

/// Each part from the same place; then one part asked in another way, or for what nothing holds.
fn composites(
    element: &Element,
    (resource_type, parameter): (&str, &SearchParameter),
) -> Vec<Asked> {
    let mut parts: Vec<Vec<(Prefix, Asked)>> = Vec::new();
    for (component, found) in parameter.components.iter().zip(&element.parts) {
        let (Some(kind), Some(first)) = (kind_of(component, resource_type), found.first()) else {
            return Vec::new();
        };
        let asked = match kind {
            ParameterType::Token => tokens(&first.kind, &first.value, None),
            ParameterType::String => strings(&first.value, None),
            ParameterType::Date => dates(&first.value),
            ParameterType::Quantity => quantities(&first.value),
            ParameterType::Reference => references(&first.value, None),
            _ => Vec::new(),
        };
        let mut ways: Vec<_> = asked.into_iter().map(|one| (Prefix::None, one)).collect();
        let Some((_, first)) = ways.first().cloned() else { return Vec::new() };
        if matches!(kind, ParameterType::Date | ParameterType::Quantity) {
            ways.extend([Prefix::Gt, Prefix::Le].map(|prefix| (prefix, first.clone())));
        }
        let nothing = of_nothing(kind, None);
        ways.extend(nothing.into_iter().map(|one| (Prefix::None, one)));
        parts.push(ways);
    }
    let first: Vec<(Prefix, Asked)> = parts.iter().map(|ways| ways[0].clone()).collect();
    let mut asked = vec![Asked::Composite(first.clone())];
    for (index, ways) in parts.into_iter().enumerate() {
        asked.extend(ways.into_iter().skip(1).map(|way| {
            let mut other = first.clone();
            other[index] = way;
            Asked::Composite(other)
        }));
    }
    asked
}

fn of_nothing(kind: ParameterType, modifier: Option<&Modifier>) -> Vec<Asked> {
    let nowhere = || NOWHERE.to_owned();
    match (kind, modifier) {
        (_, Some(Modifier::Text)) | (ParameterType::String, _) => vec![Asked::Text(nowhere())],
        (ParameterType::Token, Some(Modifier::OfType)) => {
            vec![Asked::Typed { system: nowhere(), code: nowhere(), value: nowhere() }]
        }
        (ParameterType::Token, _) | (ParameterType::Reference, Some(Modifier::Identifier)) => {
            vec![Asked::Token { system: TokenSystem::Any, code: Some(nowhere()) }]
        }
        (ParameterType::Date, _) => {
            vec![Asked::Date("1801-05".to_owned()), Asked::Date("2199-01-01".to_owned())]
        }
        (ParameterType::Number, _) => {
            vec![Asked::Number("-77.5".to_owned()), Asked::Number("9900000".to_owned())]
        }
        (ParameterType::Quantity, _) => ["-77.5", "9900000"]
            .map(|value| Asked::Quantity { value: value.to_owned(), system: None, code: None })
            .to_vec(),
        (ParameterType::Reference, _) => {
            vec![Asked::Reference { resource_type: None, id: nowhere() }]
        }
        (ParameterType::Uri, _) => vec![Asked::Uri(format!("urn:{NOWHERE}"))],
        (ParameterType::Composite | ParameterType::Special, _) => Vec::new(),
    }
}

fn tokens(kind: &str, value: &Value, modifier: Option<&Modifier>) -> Vec<Asked> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match modifier {
        Some(Modifier::Text) => {
            let texts = [
                &value["text"],
                &value["display"],
                &value["coding"][0]["display"],
                &value["type"]["text"],
            ];
            return texts
                .into_iter()
                .filter_map(text)
                .flat_map(|t| beginnings(&t))
                .map(Asked::Text)
                .collect();
        }
        Some(Modifier::OfType) => {
            let coding = &value["type"]["coding"][0];
            let typed = || {
                Some(Asked::Typed {
                    system: text(&coding["system"])?,
                    code: text(&coding["code"])?,
                    value: text(&value["value"])?,
                })
            };
            return typed().into_iter().collect();
        }
        _ => {}
    }
    let of = |found: &Value, name: &str| {
        let (system, code) = (text(&found["system"]), text(&found[name]));
        let mut asked = Vec::new();
        let mut add = |system, code| asked.push(Asked::Token { system, code });
        if let Some(code) = &code {
            add(TokenSystem::Any, Some(code.clone()));
            add(TokenSystem::None, Some(code.clone()));
        }
        if let (Some(system), Some(code)) = (&system, &code) {
            add(TokenSystem::Is(system.clone()), Some(code.clone()));
            add(TokenSystem::Is(format!("{system}-{NOWHERE}")), Some(code.clone()));
        }
        if let Some(system) = system {
            add(TokenSystem::Is(system), None);
        }
        asked
    };
    match kind {
        "CodeableConcept" => {
            let codings = value["coding"].as_array().into_iter().flatten();
            codings.flat_map(|found| of(found, "code")).collect()
        }
        "Coding" => of(value, "code"),
        "Identifier" => of(value, "value"),
        "ContactPoint" => {
            let code = text(&value["value"]);
            vec![Asked::Token { system: TokenSystem::Any, code }]
        }
        _ => {
            let code = Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            vec![Asked::Token { system: TokenSystem::Any, code }]
        }
    }
}

/// Itself, what is above it and what is below it.
fn uris(value: &Value) -> Vec<Asked> {
    let Some(uri) = value.as_str() else { return Vec::new() };
    let above = uri.rsplit_once('/').map(|(above, _)| above.to_owned());
    let all = above.into_iter().chain([uri.to_owned(), format!("{uri}/{NOWHERE}")]);
    all.map(Asked::Uri).collect()
}

/// Whole texts and their beginnings, which end between characters.
fn beginnings(text: &str) -> Vec<String> {
    let two: String = text.chars().take(2).collect();
    vec![text.to_owned(), two]
}

fn strings(value: &Value, modifier: Option<&Modifier>) -> Vec<Asked> {
    let mut texts = Vec::new();
    gather(value, &mut texts);
    let mut asked = Vec::new();
    for text in texts {
        asked.extend(beginnings(&text));
        if modifier == Some(&Modifier::Contains) {
            asked.push(text.chars().skip(1).take(2).collect());
        }
        if text.is_ascii() {
            asked.push(text.to_uppercase());
            asked.push(text.to_lowercase());
        }
    }
    asked.retain(|text| !text.trim().is_empty());
    asked.into_iter().map(Asked::Text).collect()
}

fn gather(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| gather(item, texts)),
        Value::Object(members) => {
            let shown = members.iter().filter(|(name, _)| {
                !["use", "system", "period", "extension", "type"].contains(&name.as_str())
            });
            shown.for_each(|(_, value)| gather(value, texts));
        }
        _ => {}
    }
}

fn dates(value: &Value) -> Vec<Asked> {
    let ends = [value, &value["start"], &value["end"]];
    let mut asked = Vec::new();
    for text in ends.into_iter().filter_map(Value::as_str) {
        for length in [4, 7, 10, text.len()] {
            asked.extend(text.get(..length).map(|part| Asked::Date(part.to_owned())));
        }
        // To the minute, and by the clock of the hospital.
        if let (Some(minute), Some(offset)) = (text.get(..16), text.get(19..)) {
            asked.push(Asked::Date(format!("{minute}{offset}")));
            asked.extend(text.get(..19).map(|second| Asked::Date(second.to_owned())));
        }
    }
    asked
}

fn numbers(text: &str) -> Vec<String> {
    let whole = text.split('.').next().unwrap_or(text);
    vec![text.to_owned(), whole.to_owned(), format!("{whole}.5")]
}

fn quantities(value: &Value) -> Vec<Asked> {
    let text = |name: &str| value[name].as_str().map(str::to_owned);
    let Some(number) = value.get("value").map(ToString::to_string) else { return Vec::new() };
    let mut asked = Vec::new();
    for value in numbers(&number) {
        let mut add = |system, code| {
            asked.push(Asked::Quantity { value: value.clone(), system, code });
        };
        add(None, None);
        add(None, text("code").or_else(|| text("unit")));
        add(None, Some(NOWHERE.to_owned()));
        if text("system").is_some() {
            add(text("system"), text("code"));
        }
    }
    asked
}

fn references(value: &Value, modifier: Option<&Modifier>) -> Vec<Asked> {
    if modifier == Some(&Modifier::Identifier) {
        return tokens("Identifier", &value["identifier"], None);
    }
    let reference = value["reference"].as_str().unwrap_or_default();
    let Some((resource_type, id)) = reference.rsplit_once('/') else { return Vec::new() };
    let of = |resource_type| Asked::Reference { resource_type, id: id.to_owned() };
    if matches!(modifier, Some(Modifier::Type(_))) {
        return vec![of(None)];
    }
    vec![of(Some(resource_type.to_owned())), of(None)]
}
