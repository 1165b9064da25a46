//! The JSON of constants and of objects that are made of constants only, so that the emitter copies
//! bytes where a row changes nothing.

use genkan_fhir::definitions::check_primitive;

use crate::expression::ExpressionKind as K;
use crate::program::{Node, NodeKind};

/// `None` for everything that has to be looked at again for each row.
pub(super) fn json(type_path: &str, kind: &NodeKind) -> Option<Box<[u8]>> {
    let mut out = Vec::new();
    match kind {
        NodeKind::Primitive { term, kind } => {
            let K::Text(text) = &term.kind else { return None };
            if text.is_empty() || check_primitive(type_path, text).is_err() {
                return None;
            }
            if kind.is_bare_in_json() {
                out.extend_from_slice(text.as_bytes());
            } else {
                serde_json::to_writer(&mut out, text).ok()?;
            }
        }
        NodeKind::Object { properties, required } => {
            let present: Vec<&str> = properties.iter().map(|property| property.element).collect();
            let twice =
                |element: &&str| present.iter().filter(|known| known == &element).count() > 1;
            let unclear = present.iter().any(|element| !element.is_empty() && twice(element));
            if unclear
                || properties.is_empty()
                || !required.iter().all(|name| present.contains(name))
            {
                return None;
            }
            for (index, property) in properties.iter().enumerate() {
                out.push(if index == 0 { b'{' } else { b',' });
                serde_json::to_writer(&mut out, &property.name).ok()?;
                out.push(b':');
                out.extend_from_slice(of(&property.node)?);
            }
            out.push(b'}');
        }
        NodeKind::List(items) => {
            if items.is_empty() {
                return None;
            }
            for (index, item) in items.iter().enumerate() {
                out.push(if index == 0 { b'[' } else { b',' });
                out.extend_from_slice(of(item)?);
            }
            out.push(b']');
        }
        NodeKind::Coded(_) | NodeKind::Reference(_) => return None,
    }
    Some(out.into_boxed_slice())
}

/// A child that is always there, and always the same.
fn of(node: &Node) -> Option<&[u8]> {
    let always = node.condition.is_none() && node.each.is_none();
    node.fixed.as_deref().filter(|_| always)
}
