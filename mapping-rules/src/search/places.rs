//! What a node of the emit program offers to a parameter of each type.

use genkan_fhir::definitions::{Definitions, Element};

use super::walk::{Found, primitive};
use super::{PlaceKind, System};
use crate::diagnostic::Text;
use crate::expression::ExpressionKind as K;
use crate::lens::Lens;
use crate::program::{Coded, Node, NodeKind, Property, Term};

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
            let type_path = found.node.type_path.as_str();
            if type_path == "CodeableConcept" {
                let coding = properties.iter().find(|property| property.name == "coding");
                if let Some(Property { node, .. }) = coding
                    && let NodeKind::List(items) = &node.kind
                {
                    let list = found.inside(node);
                    return items.iter().try_for_each(|i| token_places(&list.inside(i), push));
                }
                return Ok(());
            }
            let name = if type_path == "Coding" { "code" } else { "value" };
            let Some((code, condition)) = primitive(properties, name) else {
                return match properties.iter().any(|property| property.name == name) {
                    true => Err(Text::new(
                        "a code without its system comes from a code map here",
                        "コードマップのコードだけを出力しているため検索できません",
                    )),
                    false => Ok(()),
                };
            };
            // The system of a ContactPoint is its kind, not a code system.
            let system = match unconditional(properties, "system")? {
                Some(system) if type_path != "ContactPoint" => System::Term(system.clone()),
                _ => System::None,
            };
            let place = PlaceKind::Token { system, code: code.clone() };
            push(&found.only_if(condition), place, is_constant(code));
        }
        NodeKind::List(_) | NodeKind::Reference(_) => {}
    }
    Ok(())
}

/// A part of a place that has to be there whenever the place is.
fn unconditional<'r>(properties: &'r [Property], name: &str) -> Result<Option<&'r Term>, Text> {
    match primitive(properties, name) {
        Some((_, Some(_))) => {
            let en = format!("`{name}` beside the searched value has a condition of its own");
            Err(Text::new(en, format!("検索対象の「{name}」に個別の条件があります")))
        }
        found => Ok(found.map(|(term, _)| term)),
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
    if let NodeKind::Object { properties, .. } = &found.node.kind
        && let Some((value, condition)) = primitive(properties, "value")
    {
        let part = |name| Ok::<_, Text>(unconditional(properties, name)?.cloned());
        let (system, code, unit) = (part("system")?, part("code")?, part("unit")?);
        let place = PlaceKind::Quantity { value: value.clone(), system, code, unit };
        push(&found.only_if(condition), place, false);
    }
    Ok(())
}
