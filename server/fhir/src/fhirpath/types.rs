//! `is`, `as`, `ofType` and `type()`.
//!
//! R4 says of `ofType` that "all primitives are considered to be independent types", and its test
//! suite wants the same of `as`: a `code` is a `string`, but not taken as one. Complex types and
//! resources are taken as what they specialise, as N1 says. `as` takes several items and keeps
//! those of the type, because R4's own `dom-3` and its search parameters use it like that.

use super::{
    error::Fault,
    item::{Collection, Item, Node, TypeName},
    model::{Kind, Model, TypeId},
    program::{SystemType, TypeSpecifier},
};

/// Whether an element is of a type of FHIR or of one that specialises it.
pub(super) fn is_fhir(model: &Model, item: &Item<'_>, of: TypeId) -> bool {
    match item {
        Item::Node(node) => model.is_a(node.of, of),
        Item::Unloaded(TypeName { of: Some(own), .. }) => model.is_a(*own, of),
        _ => false,
    }
}

fn is_system(item: &Item<'_>, of: SystemType) -> bool {
    of == SystemType::Any || item.system_type() == Some(of)
}

pub(super) fn is<'a>(
    model: &Model,
    input: &Collection<'a>,
    of: TypeSpecifier,
) -> Result<Collection<'a>, Fault> {
    let answer = input.single()?.map(|item| match of {
        TypeSpecifier::Fhir(of) => is_fhir(model, item, of),
        TypeSpecifier::System(of) => is_system(item, of),
        TypeSpecifier::Either(fhir, system) => {
            is_fhir(model, item, fhir) || is_system(item, system)
        }
        TypeSpecifier::Nothing => false,
    });
    Ok(Collection::of_boolean(answer))
}

/// The items of the type.
pub(super) fn of_type<'a>(
    model: &Model,
    input: Collection<'a>,
    of: TypeSpecifier,
) -> Result<Collection<'a>, Fault> {
    let mut taken = Collection::default();
    for item in input {
        let item = match of {
            TypeSpecifier::Fhir(of) => Some(item).filter(|item| is_taken_as(model, item, of)),
            TypeSpecifier::System(of) => as_system(item, of)?,
            TypeSpecifier::Either(fhir, system) => Some(item)
                .filter(|item| is_taken_as(model, item, fhir) || is_system(item, system)),
            TypeSpecifier::Nothing => None,
        };
        taken.0.extend(item);
    }
    Ok(taken)
}

fn is_taken_as(model: &Model, item: &Item<'_>, of: TypeId) -> bool {
    match (item, model.kind(of)) {
        (Item::Node(Node { of: own, .. }), Kind::Primitive(_)) => *own == of,
        _ => is_fhir(model, item, of),
    }
}

/// R4: `as(System.String)` takes the value of a primitive element.
fn as_system(item: Item<'_>, of: SystemType) -> Result<Option<Item<'_>>, Fault> {
    if is_system(&item, of) {
        return Ok(Some(item));
    }
    let value = match &item {
        Item::Node(node) => node.system_value()?,
        _ => None,
    };
    Ok(value.filter(|value| is_system(value, of)))
}
