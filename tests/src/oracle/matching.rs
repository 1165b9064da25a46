//! Whether a resource answers a question, element by element.

use chrono::{DateTime, FixedOffset, TimeDelta};
use serde_json::Value;

use super::archive::{Archive, Element, fold};
use super::number::{Exact, around, exact};
use super::question::{Asked, Modifier, Prefix, Question, TokenSystem};
use super::span::Span;

/// The whole of R4's answer for a resource in which the parameter looks at these elements; `None` where
/// R4 leaves it open.
pub fn matches(archive: &Archive, elements: &[Element], question: &Question) -> Option<bool> {
    if let Asked::Missing(missing) = question.asked {
        return Some(elements.is_empty() == missing);
    }
    let mut found = false;
    for element in elements {
        found |=
            look(archive, element, question.modifier.as_ref(), question.prefix, &question.asked)?;
    }
    Some(if question.modifier == Some(Modifier::Not) { !found } else { found })
}

fn look(
    archive: &Archive,
    element: &Element,
    modifier: Option<&Modifier>,
    prefix: Prefix,
    asked: &Asked,
) -> Option<bool> {
    let Element { kind, value, parts: found_parts } = element;
    match asked {
        Asked::Token { system, code } => match modifier {
            Some(Modifier::Identifier) => {
                let identifier = value.get("identifier");
                Some(
                    identifier.is_some_and(|found| coding(found, "value", system, code.as_deref())),
                )
            }
            _ => token(kind, value, system, code.as_deref()),
        },
        Asked::Typed { system, code, value: wanted } => {
            let types = value["type"]["coding"].as_array().into_iter().flatten();
            let mut typed =
                types.filter(|found| found["system"] == **system && found["code"] == **code);
            Some(typed.next().is_some() && value["value"] == **wanted)
        }
        Asked::Text(text) => {
            let folded = fold(text);
            Some(texts(kind, value, modifier).iter().any(|found| match modifier {
                Some(Modifier::Exact) => found == text,
                Some(Modifier::Contains) => fold(found).contains(&folded),
                _ => fold(found).starts_with(&folded),
            }))
        }
        Asked::Date(text) => {
            let asked = Span::of(text, archive.zone)?;
            date(&span(kind, value, archive.zone)?, prefix, &asked, archive.now)
        }
        Asked::Number(text) => {
            let found = exact(&value.to_string())?;
            Some(number((found, found), prefix, text)?)
        }
        Asked::Quantity { value: text, system, code } => {
            quantity(value, prefix, text, (system.as_deref(), code.as_deref()))
        }
        Asked::Reference { resource_type, id } => {
            let wanted = match (modifier, resource_type) {
                (Some(Modifier::Type(name)), _) | (_, Some(name)) => Some(name),
                _ => None,
            };
            let reference = value["reference"].as_str().unwrap_or_default();
            let mut parts = reference.rsplit('/');
            let same_id = parts.next() == Some(id);
            Some(same_id && wanted.is_none_or(|name| parts.next() == Some(name)))
        }
        Asked::Uri(uri) => self::uri(value.as_str()?, uri, modifier),
        Asked::Missing(_) => None,
        Asked::Composite(parts) => {
            let mut all = true;
            for (found, (prefix, asked)) in found_parts.iter().zip(parts) {
                let mut any = false;
                for part in found {
                    any |= look(archive, part, None, *prefix, asked)?;
                }
                all &= any;
            }
            Some(all)
        }
    }
}

fn uri(found: &str, asked: &str, modifier: Option<&Modifier>) -> Option<bool> {
    Some(match modifier {
        Some(Modifier::Below) => found.starts_with(asked),
        Some(Modifier::Above) => asked.starts_with(found),
        _ => found == asked,
    })
}

/// Spec: <https://hl7.org/fhir/R4/search.html#token>
fn token(kind: &str, value: &Value, system: &TokenSystem, code: Option<&str>) -> Option<bool> {
    Some(match kind {
        "CodeableConcept" => {
            let codings = value["coding"].as_array().into_iter().flatten();
            codings.into_iter().any(|found| coding(found, "code", system, code))
        }
        "Coding" => coding(value, "code", system, code),
        "Identifier" => coding(value, "value", system, code),
        // R4 has `use` for the system, which nobody means.
        "ContactPoint" => match system {
            TokenSystem::Any => value["value"].as_str() == code,
            _ => return None,
        },
        _ => match system {
            TokenSystem::Any => Some(plain(value)) == code.map(str::to_owned),
            // The system of a code is that of its binding: not in the resource.
            _ if kind == "code" => return None,
            TokenSystem::None => Some(plain(value)) == code.map(str::to_owned),
            TokenSystem::Is(_) => false,
        },
    })
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn coding(found: &Value, of: &str, system: &TokenSystem, code: Option<&str>) -> bool {
    let own = found["system"].as_str();
    let right = match system {
        TokenSystem::Any => true,
        TokenSystem::None => own.is_none(),
        TokenSystem::Is(system) => own == Some(system),
    };
    right
        && match code {
            Some(code) => found[of].as_str() == Some(code),
            None => found.get(of).is_some(),
        }
}

/// What a string parameter, or `:text`, reads of an element.
fn texts(kind: &str, value: &Value, modifier: Option<&Modifier>) -> Vec<String> {
    let mut found = Vec::new();
    let mut add = |value: &Value| match value {
        Value::Array(items) => {
            found.extend(items.iter().filter_map(|item| item.as_str().map(str::to_owned)));
        }
        Value::String(text) => found.push(text.clone()),
        _ => {}
    };
    match (modifier, kind) {
        (Some(Modifier::Text), "CodeableConcept") => {
            add(&value["text"]);
            value["coding"].as_array().into_iter().flatten().for_each(|c| add(&c["display"]));
        }
        (Some(Modifier::Text), "Coding" | "Reference") => add(&value["display"]),
        (Some(Modifier::Text), "Identifier") => add(&value["type"]["text"]),
        (_, "HumanName") => {
            ["text", "family", "given", "prefix", "suffix"].iter().for_each(|n| add(&value[*n]));
        }
        (_, "Address") => {
            ["text", "line", "city", "district", "state", "country", "postalCode"]
                .iter()
                .for_each(|n| add(&value[*n]));
        }
        _ => add(value),
    }
    found
}

fn span(kind: &str, value: &Value, zone: FixedOffset) -> Option<Span> {
    if kind != "Period" {
        return Span::of(value.as_str()?, zone);
    }
    let end = |name: &str| match value[name].as_str() {
        Some(text) => Span::of(text, zone).map(Some),
        None => Some(None),
    };
    Some(Span { start: end("start")?.and_then(|s| s.start), end: end("end")?.and_then(|s| s.end) })
}

/// Spec: <https://hl7.org/fhir/R4/search.html#prefix>
fn date(found: &Span, prefix: Prefix, asked: &Span, now: DateTime<FixedOffset>) -> Option<bool> {
    let after = Span { start: asked.end, end: None };
    let before = Span { start: None, end: asked.start };
    Some(match prefix {
        Prefix::None | Prefix::Eq => asked.contains(found),
        Prefix::Ne => !asked.contains(found),
        Prefix::Gt => after.overlaps(found),
        Prefix::Lt => before.overlaps(found),
        Prefix::Ge => after.overlaps(found) || asked.contains(found),
        Prefix::Le => before.overlaps(found) || asked.contains(found),
        Prefix::Sa => after.contains(found),
        Prefix::Eb => before.contains(found),
        Prefix::Ap => return about(found, asked, now),
    })
}

/// A tenth of the gap to now, as R4 proposes. What is about as far as that is left open.
fn about(found: &Span, asked: &Span, now: DateTime<FixedOffset>) -> Option<bool> {
    let (start, end) = (asked.start?, asked.end?);
    let distance = if now < start { start - now } else { (now - end).max(TimeDelta::zero()) };
    let within =
        |gap: TimeDelta| Span { start: Some(start - gap), end: Some(end + gap) }.overlaps(found);
    let near = within(distance / 12);
    (near == within(distance / 8)).then_some(near)
}

/// `found`: the lowest and the highest that the element means.
fn number(found: (Exact, Exact), prefix: Prefix, text: &str) -> Option<bool> {
    let (low, high) = around(text)?;
    let asked = exact(text)?;
    let equal = low <= found.0 && found.1 < high;
    Some(match prefix {
        Prefix::None | Prefix::Eq => equal,
        Prefix::Ne => !equal,
        Prefix::Gt => found.1 > asked,
        Prefix::Lt => found.0 < asked,
        Prefix::Ge => found.1 >= asked,
        Prefix::Le => found.0 <= asked,
        Prefix::Sa => found.0 > asked,
        Prefix::Eb => found.1 < asked,
        Prefix::Ap => {
            let tenth = asked.abs() / 10;
            found.1 >= asked - tenth && found.0 <= asked + tenth
        }
    })
}

fn quantity(
    value: &Value,
    prefix: Prefix,
    text: &str,
    (system, code): (Option<&str>, Option<&str>),
) -> Option<bool> {
    let unit = match (system, code) {
        (None, None) => true,
        (None, Some(code)) => {
            value["code"].as_str() == Some(code) || value["unit"].as_str() == Some(code)
        }
        (Some(system), code) => {
            value["system"].as_str() == Some(system)
                && code.is_none_or(|code| value["code"].as_str() == Some(code))
        }
    };
    let Some(number_text) = value.get("value").map(ToString::to_string) else { return Some(false) };
    let stored = exact(&number_text)?;
    // `<0.5` is every number below it.
    let found = match value["comparator"].as_str() {
        None => (stored, stored),
        Some("<") => (Exact::MIN / 2, stored - 1),
        Some("<=") => (Exact::MIN / 2, stored),
        Some(">") => (stored + 1, Exact::MAX / 2),
        Some(">=") => (stored, Exact::MAX / 2),
        Some(_) => return None,
    };
    Some(unit && number(found, prefix, text)?)
}
