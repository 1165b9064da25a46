//! Contained resources: one level, each with an id and with a reference to it (dom-2, dom-3).

use std::collections::HashSet;

use super::{Code, Node, Part, Walk};
use crate::names::Name;

impl<'w> Walk<'w> {
    pub(super) fn check_contained(&mut self, node: Node<'w>, is_contained: bool) {
        let mut contained = node.all_of(Name::CONTAINED).peekable();
        if contained.peek().is_none() {
            return;
        }
        if is_contained {
            self.report(node, Code::NestedContained, "", "", "");
            return;
        }
        let mut referred = HashSet::new();
        local_references(node, &mut referred);
        let mut ids = HashSet::new();
        for (index, resource) in contained.enumerate() {
            let Some(id) = resource.get_text(Name::ID) else { continue };
            if !ids.insert(id) {
                self.path.push(Part::item("contained", index));
                self.report(resource, Code::DuplicateId, "", id, "");
                self.path.pop();
            }
            // One that refers to its container is at home there.
            let has_container = || resource.below().any(|below| below.text() == Some("#"));
            if !referred.contains(id) && !has_container() {
                self.path.push(Part::item("contained", index));
                self.report(resource, Code::ContainedUnused, "", id, "");
                self.path.pop();
            }
        }
    }
}

/// The ids in `#id`, of references, canonicals and URIs.
fn local_references<'w>(node: Node<'w>, found: &mut HashSet<&'w str>) {
    for below in node.below() {
        let text = below.text().unwrap_or_default();
        if below.number() == Name::DIV {
            // A narrative shows a contained image by its id.
            let parts = text.split(['"', '\'']).filter_map(|part| part.strip_prefix('#'));
            found.extend(parts.filter(|id| !id.is_empty()));
        }
        found.extend(text.strip_prefix('#'));
    }
}
