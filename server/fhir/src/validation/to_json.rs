//! The tree as FHIR's JSON, for definitions that were written in XML.
//!
//! What R4 doesn't have is left out: the walk has reported it.

use serde_json::{Map, Number, Value};

use super::{
    shape::{Shape, Variant},
    tree::{Node, Scalar},
};
use crate::definitions::{PrimitiveKind, PrimitiveType};

/// The resource at this node; `None` if its type isn't one of R4.
pub(super) fn resource(node: Node<'_>) -> Option<Value> {
    let name = node.resource_type()?;
    let shape = Shape::of(name)?;
    let mut object = Map::new();
    object.insert("resourceType".to_owned(), name.into());
    children(node, shape, &mut object);
    Some(Value::Object(object))
}

fn children(node: Node<'_>, shape: &'static Shape, object: &mut Map<String, Value>) {
    let mut groups: Vec<(&str, Vec<Node<'_>>)> = Vec::new();
    for child in node.children() {
        let name = child.name();
        match groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, nodes)) => nodes.push(child),
            None => groups.push((name, vec![child])),
        }
    }
    for (name, nodes) in groups {
        let Some((element, variant)) = shape.named(name) else { continue };
        let Some(child) = shape.elements.get(element) else { continue };
        let Some(variant) = child.variants.get(variant) else { continue };
        let is_list = child.is_list || nodes.len() > 1;
        group(name, &nodes, variant, is_list, object);
    }
}

fn group(
    name: &str,
    nodes: &[Node<'_>],
    variant: &Variant,
    is_list: bool,
    object: &mut Map<String, Value>,
) {
    let shape = variant.shape();
    let Some(kind) = shape.and_then(|shape| shape.primitive).map(PrimitiveType::kind) else {
        let values = nodes.iter().map(|node| complex(*node, variant));
        put(name, values.collect(), is_list, object);
        return;
    };
    let values: Vec<Value> =
        nodes.iter().map(|node| primitive(*node, kind).unwrap_or(Value::Null)).collect();
    let twins: Vec<Value> = nodes
        .iter()
        .map(|node| {
            let mut twin = Map::new();
            if let Some(shape) = shape.filter(|_| node.has_children()) {
                children(*node, shape, &mut twin);
            }
            if twin.is_empty() { Value::Null } else { Value::Object(twin) }
        })
        .collect();
    if values.iter().any(|value| !value.is_null()) {
        put(name, values, is_list, object);
    }
    if twins.iter().any(|twin| !twin.is_null()) {
        put(&format!("_{name}"), twins, is_list, object);
    }
}

fn put(name: &str, mut values: Vec<Value>, is_list: bool, object: &mut Map<String, Value>) {
    let value = if is_list { Value::Array(values) } else { values.pop().unwrap_or(Value::Null) };
    object.insert(name.to_owned(), value);
}

fn complex(node: Node<'_>, variant: &Variant) -> Value {
    if variant.is_resource {
        return resource(node).unwrap_or(Value::Null);
    }
    let mut object = Map::new();
    if let Some(shape) = variant.shape() {
        children(node, shape, &mut object);
    }
    Value::Object(object)
}

fn primitive(node: Node<'_>, kind: PrimitiveKind) -> Option<Value> {
    Some(match node.scalar(kind)? {
        Scalar::Boolean(boolean) => Value::Bool(boolean),
        Scalar::Number(text) => text.parse::<Number>().map_or_else(|_| text.into(), Value::Number),
        Scalar::Text(text) => text.into(),
    })
}
