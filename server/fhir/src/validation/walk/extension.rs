//! Extensions: known, where they may be, with what they say they hold.

use std::sync::Arc;

use super::{Code, Node, Rules, Spot, Walk, primitive::is_absolute};
use crate::{
    canonical,
    definitions::Definitions,
    fhirpath::{Context, Expression, Node as PathNode},
    names::Name,
    validation::{
        extensions,
        profile::{ExtensionContext, Profile},
    },
};

const EXT_1: &str = "extension.exists() != value.exists()";

/// Where an extension stands.
#[derive(Debug)]
pub(super) struct Holder<'w> {
    pub node: Node<'w>,
    /// The definition of the element: `Patient.name`, `Patient`.
    pub path: &'static str,
    /// Its type: `HumanName`, `Patient`.
    pub code: &'static str,
    /// The url, if it is an extension itself.
    pub url: Option<&'w str>,
}

impl<'w> Walk<'w> {
    pub(super) fn extension(&mut self, spot: Spot<'w>, rules: &mut Rules<'w>, holder: &Holder<'w>) {
        let node = spot.node;
        self.content(node);
        // R4's cardinality tells of a missing one.
        let Some(url) = node.get_text(Name::URL) else { return };
        if !is_absolute(url) {
            if holder.code != "Extension" {
                self.report(node, Code::ExtensionUrl, "", url, "");
            }
            return;
        }
        let plain = canonical::url(url);
        if plain.len() < url.len() {
            self.report(node, Code::ExtensionUrl, "", url, "");
        }
        let loaded = self.outside.profiles.get(plain);
        let definition = match loaded {
            Some(Ok(profile)) => Some(profile),
            Some(Err(error)) => {
                let error = error.to_string();
                self.report(node, Code::UnknownProfile, "", &error, "");
                return;
            }
            None => extensions::core(plain),
        };
        let Some(definition) = definition.filter(|of| of.of_type == "Extension") else {
            let passes =
                self.outside.unknown_extensions.iter().any(|start| plain.starts_with(start));
            let code = if passes { Code::ExtensionNotChecked } else { Code::ExtensionUnknown };
            self.report(node, code, "", plain, "");
            return;
        };
        let is_modifier = spot.child.element.name == "modifierExtension";
        if is_modifier != definition.is_modifier {
            let right = if definition.is_modifier { "modifierExtension" } else { "extension" };
            self.report(node, Code::ExtensionModifier, "", plain, right);
        }
        self.context(spot, definition, holder);
        super::add(rules, &definition.root);
    }

    /// R4's ext-1: a value or parts, not both, and not nothing.
    fn content(&mut self, node: Node<'w>) {
        let has_value = node.children().any(|child| child.name().starts_with("value"));
        let has_parts = node.get(Name::EXTENSION).is_some();
        if has_value == has_parts && (has_value || !self.asks_content(node)) {
            self.report(node, Code::Invariant, "", "ext-1", EXT_1);
        }
    }

    /// Whether its definition asks for what is in it, and so tells what is missing.
    fn asks_content(&self, node: Node<'w>) -> bool {
        let url = node.get_text(Name::URL).unwrap_or_default();
        let definition = self.outside.profiles.good(url).or_else(|| extensions::core(url));
        definition.is_some_and(|definition| {
            definition.root.children.iter().any(|(name, rule)| name != "url" && rule.min > Some(0))
        })
    }

    /// Whether it may be on this element.
    fn context(&mut self, spot: Spot<'w>, definition: &'w Arc<Profile>, holder: &Holder<'w>) {
        let contexts = &definition.contexts;
        let is_here = contexts.is_empty()
            || contexts.iter().any(|context| match context {
                ExtensionContext::Element(id) => is_element(id, holder),
                ExtensionContext::Extension(url) => holder.url == Some(url),
                ExtensionContext::Path(path) => self.is_path(path, holder.node),
            });
        let keeps = definition.context_invariants.iter().all(|rule| keeps(rule, holder.node));
        if is_here && keeps {
            return;
        }
        let name = |context: &ExtensionContext| match context {
            ExtensionContext::Element(text)
            | ExtensionContext::Extension(text)
            | ExtensionContext::Path(text) => text.clone(),
        };
        let mut allowed = contexts.iter().map(name).collect::<Vec<_>>().join(", ");
        if !keeps {
            let rules = definition.context_invariants.iter().map(Expression::text);
            allowed = rules.collect::<Vec<_>>().join(", ");
        }
        // What is wrong is the place: the element that has it.
        let mut finding =
            self.finding(spot.node, Code::ExtensionContext, holder.path, &definition.url, &allowed);
        finding.expression = self.path.parent();
        finding.profile = Some(definition.canonical.clone());
        self.put(finding);
    }

    /// Whether a FHIRPath from the resource finds the element that the extension is on.
    fn is_path(&self, path: &str, holder: Node<'w>) -> bool {
        let (Ok(expression), Some(frame)) = (Expression::compile(path), self.frames.last()) else {
            return false;
        };
        let is_holder = |found: PathNode<'_>| {
            found.written().is_some_and(|found| found.index() == holder.index())
        };
        let found = expression.evaluate(&Context::of_node(frame.seen));
        found.is_ok_and(|found| found.items().iter().any(|item| item.node().is_some_and(is_holder)))
    }
}

/// Such rules are about resources; on elements the context says enough.
fn keeps(rule: &Expression, holder: Node<'_>) -> bool {
    let Some(resource) = PathNode::of_written_resource(holder) else { return true };
    rule.holds(&Context::of_node(resource)).unwrap_or(false)
}

fn is_element(id: &str, holder: &Holder<'_>) -> bool {
    // Anything: HL7's own validator takes a resource for an element here.
    if matches!(id, "*" | "Element") {
        return true;
    }
    if is_same_path(id, holder.path) {
        return true;
    }
    let mut at = Some(holder.code);
    while let Some(name) = at {
        if name == id {
            return true;
        }
        at = Definitions::r4().base_of(name);
    }
    false
}

/// Whether two ids of elements are the same but for `[x]`.
fn is_same_path(left: &str, right: &str) -> bool {
    let plain = |path: &str| path.replace("[x]", "");
    left == right || (left.contains('[') || right.contains('[')) && plain(left) == plain(right)
}
