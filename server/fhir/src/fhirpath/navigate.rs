//! From an element to those inside it.

use serde_json::{Map, Value};

use super::{
    budget::Budget,
    error::Fault,
    evaluate::Evaluation,
    item::{Collection, Item, Node},
    model::{Model, TypeId, Variant},
    place::{self, Place},
};
use crate::{
    names::Name,
    tree::{Form, Node as Written},
};

/// Objects up to this size are looked through, which is faster than hashing the name.
const SMALL_OBJECT: usize = 12;

/// The name of a child, as a number and as text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Child {
    pub name: Name,
    pub text: u32,
}

/// How many children are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    All,
    /// One is enough, for `first()` and `exists()`: an array isn't walked to its end.
    First,
}

/// Adds the children of this name.
pub(super) fn child<'a>(
    evaluation: &Evaluation<'_, 'a>,
    item: &Item<'a>,
    child: Child,
    reach: Reach,
    found: &mut Collection<'a>,
) -> Result<(), Fault> {
    match item {
        Item::Node(node) => named(evaluation, *node, child.name, reach, found),
        Item::Unloaded(_) => Err(Fault::NotLoaded),
        Item::Type(of) => {
            let text = match evaluation.program.name(child.text) {
                "namespace" => of.namespace,
                "name" => of.name,
                "baseType" => {
                    let base = of.of.and_then(|of| evaluation.model.base_name(of));
                    let base = base.map_or("System.Any".into(), |base| format!("FHIR.{base}"));
                    found.0.push(Item::String(base.into()));
                    return Ok(());
                }
                _ => return Ok(()),
            };
            found.0.push(Item::String(text.into()));
            Ok(())
        }
        _ => Ok(()),
    }
}

fn named<'a>(
    evaluation: &Evaluation<'_, 'a>,
    node: Node<'a>,
    name: Name,
    reach: Reach,
    found: &mut Collection<'a>,
) -> Result<(), Fault> {
    let budget = &evaluation.budget;
    let (value, sibling) = match node.place {
        Place::Json { value, sibling } => (value, sibling),
        Place::Written(written) => {
            return each_written(evaluation, (written, node.of), name, |below| {
                found.0.push(Item::Node(below));
                reach == Reach::All
            });
        }
    };
    let Some(shape) = evaluation.model.shape(node.of) else { return Ok(()) };
    let Some(child) = shape.child(name) else { return Ok(()) };
    let Some(object) = object(node, value, sibling) else { return Ok(()) };
    if let [only] = child.variants.as_slice() {
        return Places::of(object, only).push(reach, found, budget);
    }
    if object.len() > SMALL_OBJECT {
        for variant in &child.variants {
            Places::of(object, variant).push(reach, found, budget)?;
        }
        return Ok(());
    }
    // A choice: look at the properties that are there, not at the fifty that could be.
    for property in object.keys() {
        let plain = property.strip_prefix('_').unwrap_or(property);
        let is_second = plain.len() < property.len() && object.contains_key(plain);
        if !is_second
            && let Some((of, variant)) = shape.property(plain)
            && std::ptr::eq(of, child)
        {
            Places::of(object, variant).push(reach, found, budget)?;
        }
    }
    Ok(())
}

/// Visits the children of this name of an element in a document, as long as that says so.
pub(super) fn each_written<'a>(
    evaluation: &Evaluation<'_, 'a>,
    (written, of): (Written<'a>, TypeId),
    name: Name,
    mut visit: impl FnMut(Node<'a>) -> bool,
) -> Result<(), Fault> {
    let Some(shape) = evaluation.model.shape(of) else { return Ok(()) };
    let Some(child) = shape.child(name) else { return Ok(()) };
    let mut goes_on = |below: Written<'a>, variant: &Variant| {
        if !is_there(below, variant) {
            return Ok(true);
        }
        evaluation.budget.spend(1)?;
        Ok(visit(element(Place::Written(below), variant)))
    };
    if let [only] = child.variants.as_slice() {
        for below in written.all_named(only.number, &only.property) {
            if !goes_on(below, only)? {
                break;
            }
        }
        return Ok(());
    }
    let may_be_it = |number: Name| number == Name::OTHER || child.is_numbered;
    for below in written.all_numbered(may_be_it) {
        match shape.meant(below) {
            Some((of, variant)) if std::ptr::eq(of, child) && !goes_on(below, variant)? => break,
            _ => {}
        }
    }
    Ok(())
}

/// Whether there is an element: nothing is one, nor an empty list.
fn is_there(written: Written<'_>, variant: &Variant) -> bool {
    match written.form() {
        Form::Null | Form::EmptyList => false,
        Form::Object | Form::EmptyObject | Form::NestedList if variant.is_primitive => {
            written.has_children()
        }
        _ => true,
    }
}

/// The node of what stands at a place; a resource says its own type.
fn element<'a>(place: Place<'a>, variant: &Variant) -> Node<'a> {
    let mut of = variant.of;
    if variant.is_resource {
        let own = place.resource_type();
        of = own.and_then(|own| Model::r4().resource(own)).unwrap_or(of);
    }
    Node { place, of }
}

/// Where the children of an element of JSON stand: of a primitive beside its value.
fn object<'a>(
    node: Node<'a>,
    value: Option<&'a Value>,
    sibling: Option<&'a Value>,
) -> Option<&'a Map<String, Value>> {
    place::object(if node.is_primitive() { sibling } else { value })
}

/// The values of two properties. Of small objects in one walk.
fn get_both<'a>(
    object: &'a Map<String, Value>,
    name: &str,
    second: Option<&str>,
) -> (Option<&'a Value>, Option<&'a Value>) {
    if object.len() > SMALL_OBJECT {
        return (object.get(name), second.and_then(|second| object.get(second)));
    }
    let (mut value, mut sibling) = (None, None);
    for (known, found) in object {
        if is_same(known, name) {
            value = Some(found);
        } else if second.is_some_and(|second| is_same(known, second)) {
            sibling = Some(found);
        }
    }
    (value, sibling)
}

/// The length and the first letter tell most names apart without a call.
fn is_same(left: &str, right: &str) -> bool {
    left.len() == right.len()
        && left.as_bytes().first() == right.as_bytes().first()
        && left == right
}

/// The two properties that an element may be in.
struct Places<'a> {
    variant: &'static Variant,
    value: Option<&'a Value>,
    sibling: Option<&'a Value>,
}

impl<'a> Places<'a> {
    fn of(object: &'a Map<String, Value>, variant: &'static Variant) -> Self {
        let second = variant.is_primitive.then_some(&*variant.sibling);
        let (value, sibling) = get_both(object, &variant.property, second);
        Self { variant, value, sibling }
    }

    /// One item, or those of an array; of a primitive also those that have no value.
    fn push(&self, reach: Reach, found: &mut Collection<'a>, budget: &Budget) -> Result<(), Fault> {
        let values = self.value.and_then(Value::as_array);
        let siblings = self.sibling.and_then(Value::as_array);
        if values.is_none() && siblings.is_none() {
            return self.push_one(self.value, self.sibling, found, budget);
        }
        let count = |of: Option<&Vec<Value>>| of.map_or(0, Vec::len);
        for index in 0..count(values).max(count(siblings)) {
            let value = values.and_then(|values| values.get(index));
            let sibling = siblings.and_then(|siblings| siblings.get(index));
            self.push_one(value, sibling, found, budget)?;
            if reach == Reach::First && !found.is_empty() {
                break;
            }
        }
        Ok(())
    }

    /// How many items [`Places::push`] would add.
    fn count(&self) -> usize {
        let is_one = |of: Option<&Value>| of.is_some_and(|value| !value.is_null());
        match (self.value, self.sibling) {
            (Some(Value::Array(values)), None) | (None, Some(Value::Array(values))) => {
                values.iter().filter(|value| !value.is_null()).count()
            }
            (Some(Value::Array(values)), Some(Value::Array(siblings))) => {
                let is_there = |at: &usize| is_one(values.get(*at)) || is_one(siblings.get(*at));
                (0..values.len().max(siblings.len())).filter(is_there).count()
            }
            (value, sibling) => usize::from(is_one(value) || is_one(sibling)),
        }
    }

    fn push_one(
        &self,
        value: Option<&'a Value>,
        sibling: Option<&'a Value>,
        found: &mut Collection<'a>,
        budget: &Budget,
    ) -> Result<(), Fault> {
        let value = value.filter(|value| !value.is_null());
        let sibling = sibling.filter(|sibling| !sibling.is_null());
        if value.is_none() && sibling.is_none() {
            return Ok(());
        }
        budget.spend(1)?;
        found.0.push(Item::Node(element(Place::Json { value, sibling }, self.variant)));
        Ok(())
    }
}

/// All children of the items, in the order of the JSON.
pub(super) fn children<'a>(
    evaluation: &Evaluation<'_, 'a>,
    input: &Collection<'a>,
) -> Result<Collection<'a>, Fault> {
    let mut found = Collection::default();
    for item in input.items() {
        add_children(evaluation, item, &mut found)?;
    }
    Ok(found)
}

/// Everything below the items, level by level.
pub(super) fn descendants<'a>(
    evaluation: &Evaluation<'_, 'a>,
    input: &Collection<'a>,
) -> Result<Collection<'a>, Fault> {
    let mut found = children(evaluation, input)?;
    let mut next = 0;
    while let Some(item) = found.items().get(next).cloned() {
        add_children(evaluation, &item, &mut found)?;
        next += 1;
    }
    Ok(found)
}

fn add_children<'a>(
    evaluation: &Evaluation<'_, 'a>,
    item: &Item<'a>,
    found: &mut Collection<'a>,
) -> Result<(), Fault> {
    let budget = &evaluation.budget;
    match item {
        Item::Node(node) => each_child(*node, budget, |children| children.push(found, budget)),
        Item::Unloaded(_) => Err(Fault::NotLoaded),
        _ => Ok(()),
    }
}

/// How many children the items have, without naming them.
pub(super) fn count_children<'a>(
    evaluation: &Evaluation<'_, 'a>,
    input: &[Item<'a>],
) -> Result<usize, Fault> {
    let mut count = 0;
    for item in input {
        match item {
            Item::Node(node) => each_child(*node, &evaluation.budget, |children| {
                count += children.count();
                Ok(())
            })?,
            Item::Unloaded(_) => return Err(Fault::NotLoaded),
            _ => {}
        }
    }
    Ok(count)
}

/// The children of an element with the properties that they are written as, in their order.
pub(super) fn named_children<'a>(
    node: Node<'a>,
    budget: &Budget,
) -> Result<Vec<(&'static str, Node<'a>)>, Fault> {
    let mut named = Vec::new();
    let mut found = Collection::default();
    each_child(node, budget, |children| {
        children.push(&mut found, budget)?;
        let property: &'static str = &children.variant().property;
        let nodes = found.0.drain(..).filter_map(|item| item.node());
        named.extend(nodes.map(|node| (property, node)));
        Ok(())
    })?;
    Ok(named)
}

/// Children of one name, or one of them.
enum Children<'a> {
    Json(Places<'a>),
    Written(Written<'a>, &'static Variant),
}

impl<'a> Children<'a> {
    fn push(&self, found: &mut Collection<'a>, budget: &Budget) -> Result<(), Fault> {
        match self {
            Self::Json(places) => places.push(Reach::All, found, budget),
            Self::Written(written, variant) if is_there(*written, variant) => {
                budget.spend(1)?;
                found.0.push(Item::Node(element(Place::Written(*written), variant)));
                Ok(())
            }
            Self::Written(..) => Ok(()),
        }
    }

    fn count(&self) -> usize {
        match self {
            Self::Json(places) => places.count(),
            Self::Written(written, variant) => usize::from(is_there(*written, variant)),
        }
    }

    fn variant(&self) -> &'static Variant {
        match self {
            Self::Json(places) => places.variant,
            Self::Written(_, variant) => variant,
        }
    }
}

fn each_child<'a>(
    node: Node<'a>,
    budget: &Budget,
    mut visit: impl FnMut(&Children<'a>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let Some(shape) = Model::r4().shape(node.of) else { return Ok(()) };
    let (value, sibling) = match node.place {
        Place::Json { value, sibling } => (value, sibling),
        Place::Written(written) => {
            for below in written.children() {
                budget.spend(1)?;
                if let Some((_, variant)) = shape.meant(below) {
                    visit(&Children::Written(below, variant))?;
                }
            }
            return Ok(());
        }
    };
    let Some(object) = object(node, value, sibling) else { return Ok(()) };
    budget.spend(object.len())?;
    let has_siblings = object.keys().any(|property| property.starts_with('_'));
    for (property, value) in object {
        let plain = property.strip_prefix('_').unwrap_or(property);
        let is_sibling = plain.len() < property.len();
        // `_given` beside `given` is the same elements.
        if is_sibling && object.contains_key(plain) {
            continue;
        }
        let Some((_, variant)) = shape.property(plain) else { continue };
        if is_sibling {
            visit(&Children::Json(Places { variant, value: None, sibling: Some(value) }))?;
        } else {
            let has_one = has_siblings && variant.is_primitive;
            let sibling = if has_one { object.get(&*variant.sibling) } else { None };
            visit(&Children::Json(Places { variant, value: Some(value), sibling }))?;
        }
    }
    Ok(())
}

/// The extensions with this URL.
pub(super) fn extensions<'a>(
    evaluation: &Evaluation<'_, 'a>,
    input: &Collection<'a>,
    url: &str,
) -> Result<Collection<'a>, Fault> {
    let mut found = Collection::default();
    for item in input.items() {
        if let Item::Node(node) = item {
            named(evaluation, *node, Name::EXTENSION, Reach::All, &mut found)?;
        }
    }
    found.0.retain(|item| url_of(item) == Some(url));
    Ok(found)
}

pub(super) fn url_of<'a>(extension: &Item<'a>) -> Option<&'a str> {
    extension.node()?.place.text_of("url")
}

/// The input, if no modifier extension is in it but these.
pub(super) fn check_modifiers<'a>(
    evaluation: &Evaluation<'_, 'a>,
    input: Collection<'a>,
    known: &[&str],
) -> Result<Collection<'a>, Fault> {
    let mut found = Collection::default();
    let name = Name::of("modifierExtension");
    for item in input.items() {
        if let Item::Node(node) = item {
            named(evaluation, *node, name, Reach::All, &mut found)?;
        }
    }
    let is_known = |item: &Item<'a>| url_of(item).is_some_and(|url| known.contains(&url));
    if found.items().iter().all(is_known) { Ok(input) } else { Err(Fault::Modifier) }
}
