//! Contained resources: one level, each with an id and with a reference to it (dom-2, dom-3).

use super::{Code, Node, Part, Walk};
use crate::names::Name;

/// The contained resources of a resource that have an id, by it, each with its place among all of them.
/// In order, not hashed: a document may say what it likes.
#[derive(Debug)]
pub(super) struct Contained<'w>(Vec<(&'w str, usize, Node<'w>)>);

impl<'w> Contained<'w> {
    pub fn of(resource: Node<'w>) -> Self {
        let all = resource.all_of(Name::CONTAINED).enumerate();
        let named = all.filter_map(|(at, node)| Some((node.get_text(Name::ID)?, at, node)));
        let mut named: Vec<_> = named.collect();
        named.sort_by_key(|(id, at, _)| (*id, *at));
        Self(named)
    }

    /// Of several with one id, the first.
    pub fn find(&self, id: &str) -> Option<(usize, Node<'w>)> {
        let first = self.0.partition_point(|(known, ..)| *known < id);
        let (known, at, node) = self.0.get(first)?;
        (*known == id).then_some((*at, *node))
    }
}

impl<'w> Walk<'w> {
    pub(super) fn check_contained(&mut self, node: Node<'w>, is_contained: bool) {
        if node.get(Name::CONTAINED).is_none() {
            return;
        }
        if is_contained {
            self.report(node, Code::NestedContained, "", "", "");
            return;
        }
        let referred = local_references(node);
        let mut before = None;
        for (id, at, resource) in Contained::of(node).0 {
            if before.replace(id) == Some(id) {
                self.path.push(Part::Item("contained", at));
                self.report(resource, Code::DuplicateId, "", id, "");
                self.path.pop();
            }
            // One that refers to its container is at home there.
            let has_container = || resource.below().any(|below| below.text() == Some("#"));
            if referred.binary_search(&id).is_err() && !has_container() {
                self.path.push(Part::Item("contained", at));
                self.report(resource, Code::ContainedUnused, "", id, "");
                self.path.pop();
            }
        }
    }
}

/// The ids in `#id`, of references, canonicals and URIs, in order.
fn local_references(node: Node<'_>) -> Vec<&str> {
    let mut found = Vec::new();
    for below in node.below() {
        if below.number() == Name::DIV {
            // A narrative shows a contained image by its id.
            let parts = below.text().unwrap_or_default().split(['"', '\'']);
            found.extend(parts.filter_map(|part| part.strip_prefix('#')));
        } else if below.starts_with(b'#') {
            found.extend(below.text().and_then(|text| text.strip_prefix('#')));
        }
    }
    found.sort_unstable();
    found
}
