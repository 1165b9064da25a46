//! From an element to those inside it, and along references.

use serde_json::{Map, Value};

use super::{
    budget::Budget,
    context::Resolved,
    error::{Fault, Needed},
    evaluate::Evaluation,
    item::{Collection, Item, Node},
    model::{Kind, Model, Name, Variant},
};

/// Objects up to this size are looked through, which is faster than hashing the name.
const SMALL_OBJECT: usize = 12;

/// The name of a child, as a number and as text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Child {
    pub name: Name,
    pub text: u32,
}

/// Adds the children of this name.
pub(super) fn child<'a>(
    evaluation: &Evaluation<'_, 'a>,
    item: &Item<'a>,
    child: Child,
    found: &mut Collection<'a>,
) -> Result<(), Fault> {
    match item {
        Item::Node(node) => named(evaluation, *node, child.name, found),
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
    found: &mut Collection<'a>,
) -> Result<(), Fault> {
    let (model, budget) = (evaluation.model, &evaluation.budget);
    let Some(object) = object(node) else { return Ok(()) };
    let Some(shape) = model.shape(node.of) else { return Ok(()) };
    let Some(child) = shape.child(name) else { return Ok(()) };
    if let [only] = child.variants.as_slice() {
        return Places::of(model, object, only).push(found, budget);
    }
    if object.len() > SMALL_OBJECT {
        for variant in &child.variants {
            Places::of(model, object, variant).push(found, budget)?;
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
            Places::of(model, object, variant).push(found, budget)?;
        }
    }
    Ok(())
}

/// Where the children of an element stand: of a primitive beside its value.
fn object(node: Node<'_>) -> Option<&Map<String, Value>> {
    let holder = if node.is_primitive() { node.sibling } else { node.value };
    holder.and_then(Value::as_object)
}

fn get<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    if object.len() > SMALL_OBJECT {
        return object.get(name);
    }
    object.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
}

/// The two properties that an element may be in.
struct Places<'m, 'a> {
    model: &'m Model,
    variant: &'m Variant,
    value: Option<&'a Value>,
    sibling: Option<&'a Value>,
}

impl<'m, 'a> Places<'m, 'a> {
    fn of(model: &'m Model, object: &'a Map<String, Value>, variant: &'m Variant) -> Self {
        let is_primitive = matches!(model.kind(variant.of), Kind::Primitive(_));
        let sibling = if is_primitive { get(object, &variant.sibling) } else { None };
        Self { model, variant, value: get(object, &variant.property), sibling }
    }

    /// One item, or those of an array; of a primitive also those that have no value.
    fn push(self, found: &mut Collection<'a>, budget: &Budget) -> Result<(), Fault> {
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
        }
        Ok(())
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
        let mut of = self.variant.of;
        if self.variant.is_resource {
            let own = value.and_then(|value| value.get("resourceType")).and_then(Value::as_str);
            of = own.and_then(|own| self.model.resource(own)).unwrap_or(of);
        }
        found.0.push(Item::Node(Node { value, sibling, of }));
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
    let (model, budget) = (evaluation.model, &evaluation.budget);
    let node = match item {
        Item::Node(node) => *node,
        Item::Unloaded(_) => return Err(Fault::NotLoaded),
        _ => return Ok(()),
    };
    let (Some(object), Some(shape)) = (object(node), model.shape(node.of)) else { return Ok(()) };
    for property in object.keys() {
        budget.spend(1)?;
        let plain = property.strip_prefix('_').unwrap_or(property);
        // `_given` beside `given` is the same elements.
        if plain.len() < property.len() && object.contains_key(plain) {
            continue;
        }
        if let Some((_, variant)) = shape.property(plain) {
            Places::of(model, object, variant).push(found, budget)?;
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
    let extension = evaluation.model.name("extension");
    for item in input.items() {
        if let Item::Node(node) = item {
            named(evaluation, *node, extension, &mut found)?;
        }
    }
    found.0.retain(|item| url_of(item) == Some(url));
    Ok(found)
}

pub(super) fn url_of<'a>(extension: &Item<'a>) -> Option<&'a str> {
    extension.node()?.value?.get("url")?.as_str()
}

/// The input, if no modifier extension is in it but these.
pub(super) fn check_modifiers<'a>(
    evaluation: &Evaluation<'_, 'a>,
    input: Collection<'a>,
    known: &[&str],
) -> Result<Collection<'a>, Fault> {
    let mut found = Collection::default();
    let name = evaluation.model.name("modifierExtension");
    for item in input.items() {
        if let Item::Node(node) = item {
            named(evaluation, *node, name, &mut found)?;
        }
    }
    let is_known = |item: &Item<'a>| url_of(item).is_some_and(|url| known.contains(&url));
    if found.items().iter().all(is_known) { Ok(input) } else { Err(Fault::Modifier) }
}

/// The targets of references, of URIs and of strings that are URIs.
pub(super) fn resolve<'c: 'a, 'a>(
    evaluation: &Evaluation<'c, 'a>,
    input: &Collection<'a>,
) -> Result<Collection<'a>, Fault> {
    let mut targets = Collection::default();
    for item in input.items() {
        evaluation.budget.spend(1)?;
        let text = match item {
            Item::String(text) => Some(text.as_ref()),
            Item::Node(Node { value: Some(Value::String(text)), .. }) => Some(text.as_str()),
            Item::Node(Node { value: Some(Value::Object(reference)), .. }) => {
                reference.get("reference").and_then(Value::as_str)
            }
            _ => None,
        };
        if let Some(text) = text {
            targets.0.extend(target(evaluation, text)?);
        }
    }
    Ok(targets)
}

fn target<'c: 'a, 'a>(
    evaluation: &Evaluation<'c, 'a>,
    text: &str,
) -> Result<Option<Item<'a>>, Fault> {
    if let Some(contained) = text.strip_prefix('#').and_then(|id| contained(evaluation, id)) {
        return Ok(Some(Item::Node(contained)));
    }
    let resolver = evaluation.context.resolver;
    let resolver = resolver.ok_or(Fault::NotGiven { what: Needed::Resolver })?;
    Ok(match resolver(text) {
        Resolved::Resource(resource) => Node::of_resource(resource).map(Item::Node),
        Resolved::TypeOnly(of) => Some(Item::Unloaded(of)),
        Resolved::Nothing => None,
    })
}

/// `#` alone is the resource that contains the others.
fn contained<'c: 'a, 'a>(evaluation: &Evaluation<'c, 'a>, id: &str) -> Option<Node<'a>> {
    let root = evaluation.context.root_resource;
    if id.is_empty() {
        return Some(root);
    }
    let contained = root.value?.get("contained")?.as_array()?;
    let has_id = |of: &&Value| of.get("id").and_then(Value::as_str) == Some(id);
    contained.iter().find(has_id).and_then(Node::of_resource)
}
