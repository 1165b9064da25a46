//! Which element of a document a problem of its writing is in.

use std::fmt::Write as _;

use crate::validation::{shape::Shape, tree::Tree};

/// FHIRPath of the innermost of these records, outermost first: as far as R4 knows them. They are
/// still open, so what is below them doesn't end yet.
pub(super) fn expression(tree: &Tree<'_>, open: &[usize]) -> String {
    let Some((first, below)) = open.split_first() else { return String::new() };
    let Some(name) = resource_type(tree, *first) else { return String::new() };
    let (mut text, mut shape, mut around) = (name.to_owned(), Shape::of(name), *first);
    for record in below {
        if *record == around {
            // A resource, in the record of the element around it.
            continue;
        }
        let node = tree.node(*record);
        let named = shape.and_then(|shape| {
            let (element, variant) = shape.named(node.name())?;
            let child = shape.elements.get(element)?;
            Some((child, child.variants.get(variant)?))
        });
        let Some((child, variant)) = named else { break };
        let _ = write!(text, ".{}", child.element.name);
        if child.is_choice {
            let _ = write!(text, ".ofType({})", variant.code);
        }
        if child.is_list {
            let _ = write!(text, "[{}]", index(tree, around, *record));
        }
        shape = match variant.is_resource {
            true => resource_type(tree, *record).and_then(Shape::of),
            false => variant.shape(),
        };
        around = *record;
    }
    text
}

/// It is the first thing below a resource.
fn resource_type<'t>(tree: &'t Tree<'_>, record: usize) -> Option<&'t str> {
    let first = tree.node(record + 1);
    (first.name() == "resourceType").then(|| first.text())?
}

/// How many of the same name stand before it in the element around.
fn index(tree: &Tree<'_>, around: usize, record: usize) -> usize {
    let (mut at, mut count) = (around + 1, 0);
    while at < record {
        count += usize::from(tree.node(at).name() == tree.node(record).name());
        let end = tree.records.get(at).map_or(0, |record| record.end as usize);
        at = end.max(at + 1);
    }
    count
}
