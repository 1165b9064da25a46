//! From a reference to what it points to.

use super::{
    context::Resolved,
    error::{Fault, Needed},
    evaluate::Evaluation,
    item::{Collection, Item, Node},
    place::Scalar,
};

/// The targets of references, of URIs and of strings that are URIs.
pub(super) fn targets<'c: 'a, 'a>(
    evaluation: &Evaluation<'c, 'a>,
    input: &Collection<'a>,
) -> Result<Collection<'a>, Fault> {
    let mut targets = Collection::default();
    for item in input.items() {
        evaluation.budget.spend(1)?;
        let text = match item {
            Item::String(text) => Some(text.as_ref()),
            Item::Node(node) if node.is_primitive() => match node.scalar() {
                Some(Scalar::Text(text)) => Some(text),
                _ => None,
            },
            Item::Node(node) => node.place.text_of("reference"),
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
        Resolved::Node(resource) => Some(Item::Node(resource)),
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
    root.place.contained(id).and_then(Node::resource)
}
