//! Extensions: known, where they may be, with what they say they hold.

use std::sync::Arc;

use serde_json::Value;

use super::{Code, Rules, Spot, Walk, json, primitive::is_absolute};
use crate::{
    definitions::Definitions,
    fhirpath::{Context, Expression},
    validation::{
        extensions,
        profile::{ExtensionContext, Profile},
    },
};

/// Where an extension stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Holder<'w> {
    /// The definition of the element: `Patient.name`, `Patient`.
    pub path: &'static str,
    /// Its type: `HumanName`, `Patient`.
    pub code: &'static str,
    /// The url, if it is an extension itself.
    pub url: Option<&'w str>,
}

impl<'w> Walk<'w> {
    pub(super) fn extension(&mut self, spot: Spot<'w>, rules: &mut Rules<'w>, holder: Holder<'w>) {
        let node = spot.node;
        // R4's cardinality tells of a missing one.
        let Some(url) = node.child_text("url") else { return };
        if !is_absolute(url) {
            if holder.code != "Extension" {
                self.report(node, Code::ExtensionUrl, "", url, "");
            }
            return;
        }
        let plain = url.split('|').next().unwrap_or(url);
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

    /// Whether it may be on this element.
    fn context(&mut self, spot: Spot<'w>, definition: &'w Arc<Profile>, holder: Holder<'w>) {
        let contexts = &definition.contexts;
        let is_here = contexts.is_empty()
            || contexts.iter().any(|context| match context {
                ExtensionContext::Element(id) => is_element(id, holder),
                ExtensionContext::Extension(url) => holder.url == Some(url),
                ExtensionContext::Path(path) => self.is_path(path),
            });
        let keeps = definition.context_invariants.iter().all(|rule| self.keeps(rule));
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
    fn is_path(&self, path: &str) -> bool {
        let (Ok(expression), Some(root)) = (Expression::compile(path), json(self.outside)) else {
            return false;
        };
        let (Some(frame), Some(holder)) = (self.frames.last(), self.path.depth().checked_sub(1))
        else {
            return false;
        };
        let place = self.path.json(root, holder);
        let resource = self.path.json(root, frame.path).0;
        let Some(context) = resource.and_then(Context::of_resource) else { return false };
        expression.evaluate(&context).is_ok_and(|found| {
            found.items().iter().any(|item| {
                item.node().is_some_and(|node| {
                    is_same(node.value(), place.0) || is_same(node.sibling(), place.1)
                })
            })
        })
    }

    fn keeps(&self, rule: &Expression) -> bool {
        let Some(root) = json(self.outside) else { return false };
        let Some(holder) = self.path.depth().checked_sub(1) else { return false };
        let (Some(value), _) = self.path.json(root, holder) else { return true };
        // Such rules are about resources; on elements the context says enough.
        Context::of_resource(value).is_none_or(|context| rule.holds(&context).unwrap_or(false))
    }
}

fn is_same(left: Option<&Value>, right: Option<&Value>) -> bool {
    matches!((left, right), (Some(left), Some(right)) if std::ptr::eq(left, right))
}

fn is_element(id: &str, holder: Holder<'_>) -> bool {
    let plain = |path: &str| path.replace("[x]", "");
    if matches!(id, "*" | "Element") && id != holder.code {
        // Any element; a resource is none.
        return id == "*" || !Definitions::r4().is_resource(holder.code);
    }
    if plain(id) == plain(holder.path) {
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
