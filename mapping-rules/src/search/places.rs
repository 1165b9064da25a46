//! What a node of the emit program offers to a parameter of each type.

use genkan_fhir::definitions::{Definitions, Element};

use super::walk::{Found, primitive};
use super::{Part, PlaceKind, Quantity, System, TypeOf};
use crate::diagnostic::Text;
use crate::expression::ExpressionKind as K;
use crate::lens::Lens;
use crate::program::{Coded, CodedShape, Node, NodeKind, Property, Term};

pub(super) fn date_place(node: &Node) -> Result<PlaceKind, Text> {
    match &node.kind {
        NodeKind::Primitive { term, .. } => Ok(PlaceKind::Date(term.clone())),
        NodeKind::Object { properties, .. } if node.type_path == "Period" => {
            let end = |name| match primitive(properties, name) {
                Some((_, Some(_))) => Err(Text::new(
                    "an end of the period depends on a condition",
                    "期間の端に条件が付いているため検索できません",
                )),
                other => Ok(other.map(|(term, _)| term.clone())),
            };
            Ok(PlaceKind::Period { start: end("start")?, end: end("end")? })
        }
        _ => {
            let en = "timings can't be searched in this release";
            Err(Text::new(en, "Timing 型の日付検索には未対応です"))
        }
    }
}

pub(super) fn is_constant(term: &Term) -> bool {
    matches!(term.kind, K::Text(_))
}

pub(super) fn token_places(
    found: &Found,
    push: &mut impl FnMut(&Found, PlaceKind, bool),
) -> Result<(), Text> {
    match &found.node.kind {
        NodeKind::Coded(coded) => push(found, PlaceKind::Coded(Coded::clone(coded)), false),
        NodeKind::Primitive { term, .. } => {
            let system =
                found.element.and_then(implied_system).map_or(System::None, System::Implied);
            push(found, PlaceKind::Token { system, code: term.clone() }, is_constant(term));
        }
        NodeKind::Object { properties, .. } => {
            let name = match found.node.type_path.as_str() {
                "CodeableConcept" => {
                    return codings(found, properties)
                        .iter()
                        .try_for_each(|coding| token_places(coding, push));
                }
                "Coding" => "code",
                "Identifier" | "ContactPoint" => "value",
                // Of a choice that R4 does not narrow: a Quantity has no code of its own.
                _ => return Ok(()),
            };
            let Some((code, condition)) = primitive(properties, name) else {
                return match properties.iter().any(|property| property.name == name) {
                    true => Err(code_alone()),
                    false => Ok(()),
                };
            };
            let system = system(found, properties);
            let place = PlaceKind::Token { system, code: code.clone() };
            push(&found.only_if(condition), place, is_constant(code));
        }
        NodeKind::List(_) | NodeKind::Reference(_) => {}
    }
    Ok(())
}

/// The items of `CodeableConcept.coding`.
fn codings<'r>(found: &Found<'r>, properties: &'r [Property]) -> Vec<Found<'r>> {
    let coding = properties.iter().find(|property| property.name == "coding");
    let Some(Property { node, .. }) = coding else { return Vec::new() };
    let NodeKind::List(items) = &node.kind else { return Vec::new() };
    let list = found.inside(node);
    items.iter().map(|item| list.inside(item)).collect()
}

/// The system of a ContactPoint is its kind, not a code system.
fn system(found: &Found, properties: &[Property]) -> System {
    match part(properties, "system") {
        Some(system) if found.node.type_path != "ContactPoint" => System::Part(system),
        _ => System::None,
    }
}

/// An element beside another in its object.
pub(super) fn part(properties: &[Property], name: &str) -> Option<Part> {
    let (term, condition) = primitive(properties, name)?;
    Some(Part { term: term.clone(), condition: condition.cloned() })
}

/// What `:text` reads: CodeableConcept.text, Coding.display, Identifier.type.text.
pub(super) fn texts_of_tokens(found: &Found, push: &mut impl FnMut(&Found, PlaceKind, bool)) {
    let text = |found: &Found, properties, name, push: &mut dyn FnMut(&Found, PlaceKind, bool)| {
        if let Some((term, condition)) = primitive(properties, name) {
            push(&found.only_if(condition), PlaceKind::Text(term.clone()), is_constant(term));
        }
    };
    match &found.node.kind {
        NodeKind::Coded(coded) if coded.shape != CodedShape::Code => {
            push(found, PlaceKind::CodedText(Coded::clone(coded)), false);
        }
        NodeKind::Object { properties, .. } => match found.node.type_path.as_str() {
            "CodeableConcept" => {
                text(found, properties, "text", push);
                codings(found, properties).iter().for_each(|coding| texts_of_tokens(coding, push));
            }
            "Coding" => text(found, properties, "display", push),
            "Identifier" => {
                let kind = properties.iter().find(|property| property.name == "type");
                let Some(kind) = kind.map(|property| found.inside(&property.node)) else { return };
                match &kind.node.kind {
                    NodeKind::Object { properties, .. } => text(&kind, properties, "text", push),
                    NodeKind::Coded(coded) => coded_text(&kind, coded, push),
                    _ => {}
                }
            }
            _ => {}
        },
        _ => {}
    }
}

/// `CodeableConcept.text` behind a `$code`.
pub(super) fn coded_text(
    found: &Found,
    coded: &Coded,
    push: &mut impl FnMut(&Found, PlaceKind, bool),
) {
    if let (Some(text), CodedShape::CodeableConcept) = (&coded.text, coded.shape) {
        push(found, PlaceKind::Text(text.clone()), false);
    }
}

/// What `:of-type` reads: each coding of `Identifier.type`, with the value.
pub(super) fn types_of_identifiers(
    found: &Found,
    push: &mut impl FnMut(&Found, PlaceKind, bool),
) -> Result<(), Text> {
    let NodeKind::Object { properties, .. } = &found.node.kind else { return Ok(()) };
    let kind = properties.iter().find(|property| property.name == "type");
    let (Some(kind), Some((value, condition))) = (kind, primitive(properties, "value")) else {
        return Ok(());
    };
    if found.node.type_path != "Identifier" {
        return Ok(());
    }
    let kind = found.only_if(condition).inside(&kind.node);
    let codings = match &kind.node.kind {
        NodeKind::Object { properties, .. } => codings(&kind, properties),
        _ => vec![kind],
    };
    let mut typed = |coding: &Found, of, constant| {
        push(coding, PlaceKind::Typed { of, value: value.clone() }, constant);
    };
    for coding in codings {
        match &coding.node.kind {
            NodeKind::Coded(coded) => {
                typed(&coding, TypeOf::Coded(coded.clone()), is_constant(value));
            }
            NodeKind::Object { properties, .. } => match primitive(properties, "code") {
                Some((code, condition)) => {
                    let system = system(&coding, properties);
                    let constant = is_constant(value) || is_constant(code);
                    let of = TypeOf::Coding(Box::new((system, code.clone())));
                    typed(&coding.only_if(condition), of, constant);
                }
                None if properties.iter().any(|property| property.name == "code") => {
                    return Err(code_alone());
                }
                None => {}
            },
            _ => {}
        }
    }
    Ok(())
}

fn code_alone() -> Text {
    Text::new(
        "a code without its system comes from a code map here",
        "コードマップのコードだけを出力しているため検索できません",
    )
}

/// What `:identifier` reads of a reference that the rule writes by itself.
pub(super) fn identifier_of(
    found: &Found,
    push: &mut impl FnMut(&Found, PlaceKind, bool),
) -> Result<(), Text> {
    let NodeKind::Object { properties, .. } = &found.node.kind else { return Ok(()) };
    match properties.iter().find(|property| property.name == "identifier") {
        Some(property) => token_places(&found.inside(&property.node), push),
        None => Ok(()),
    }
}

/// The one system of a required value set: `gender=http://…/administrative-gender|male`.
fn implied_system(element: &Element) -> Option<&'static str> {
    let binding = element.binding?;
    let codes = Definitions::r4().value_set_codes(binding.value_set)?;
    let first = codes.first()?;
    codes.iter().all(|code| code.system == first.system).then_some(first.system)
}

/// A string; for HumanName and Address every text in it, as FHIR leaves the choice to the server.
pub(super) fn text_places(found: &Found, push: &mut impl FnMut(&Found, PlaceKind, bool)) {
    match &found.node.kind {
        NodeKind::Primitive { term, .. } => {
            push(found, PlaceKind::Text(term.clone()), is_constant(term));
        }
        NodeKind::Object { properties, .. }
            if matches!(found.node.type_path.as_str(), "HumanName" | "Address") =>
        {
            let searched = [
                "text",
                "family",
                "given",
                "prefix",
                "suffix",
                "line",
                "city",
                "district",
                "state",
                "postalCode",
                "country",
            ];
            let family = primitive(properties, "family").map(|(term, _)| term);
            for property in properties.iter().filter(|p| searched.contains(&p.name.as_str())) {
                let part = found.inside(&property.node);
                match property.name.as_str() {
                    "given" => given_places(&part, family, push),
                    _ => text_places(&part, push),
                }
            }
        }
        NodeKind::List(items) => {
            items.iter().for_each(|item| text_places(&found.inside(item), push));
        }
        _ => {}
    }
}

/// Given names as parts of a HumanName. FHIR leaves it to the server what `name` finds in it: of a
/// whole name, whose first word is the family name here, it finds the words behind that as well.
fn given_places(
    found: &Found,
    family: Option<&Term>,
    push: &mut impl FnMut(&Found, PlaceKind, bool),
) {
    let of_family = |name: &Term| match family.map(|family| &family.kind) {
        Some(K::Pipe(whole, Lens::NameFamily)) => same_source(whole, name),
        _ => false,
    };
    match &found.node.kind {
        NodeKind::Primitive { term, .. } => match &term.kind {
            K::Pipe(name, Lens::NameGiven) if of_family(name) => {
                push(found, PlaceKind::Words((**name).clone()), false);
            }
            _ => text_places(found, push),
        },
        NodeKind::List(items) => {
            items.iter().for_each(|item| given_places(&found.inside(item), family, push));
        }
        _ => {}
    }
}

/// The same expression, wherever it is written.
fn same_source(left: &Term, right: &Term) -> bool {
    match (&left.kind, &right.kind) {
        (K::Pipe(left, a), K::Pipe(right, b)) => a == b && same_source(left, right),
        (left, right) => left == right,
    }
}

pub(super) fn quantity_places(
    found: &Found,
    push: &mut impl FnMut(&Found, PlaceKind, bool),
) -> Result<(), Text> {
    let NodeKind::Object { properties, .. } = &found.node.kind else { return Ok(()) };
    if matches!(found.node.type_path.as_str(), "Range" | "SampledData") {
        let en = format!("a {} is not compared with numbers here", found.node.type_path);
        return Err(Text::new(en, format!("{} 型の数値検索には未対応です", found.node.type_path)));
    }
    if let Some((value, condition)) = primitive(properties, "value") {
        let part = |name| part(properties, name);
        let place = PlaceKind::Quantity(Box::new(Quantity {
            value: value.clone(),
            comparator: part("comparator"),
            system: part("system"),
            code: part("code"),
            unit: part("unit"),
        }));
        push(&found.only_if(condition), place, is_constant(value));
    }
    Ok(())
}
