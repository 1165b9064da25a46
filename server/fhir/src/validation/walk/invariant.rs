//! Invariants in FHIRPath: R4's and the profiles'.

use serde_json::Value;

use super::{
    Code, ElementRule, Frame, Node, Rules, Shape, Spot, Walk, element::path_node, json, narrative,
};
use crate::{
    definitions::Severity,
    fhirpath::{Context, Expression, Item, Node as PathNode, Resolved},
    validation::terminology::{CodeQuestion, Membership},
};

impl<'w> Walk<'w> {
    /// Those of a resource as a whole.
    pub(super) fn type_invariants(
        &mut self,
        node: Node<'w>,
        shape: &'static Shape,
        rules: &Rules<'w>,
        name: &str,
    ) {
        self.all(node, name, shape, &[], rules);
    }

    /// Those of an element, of its type, and of the profiles on it.
    pub(super) fn element_invariants(
        &mut self,
        spot: Spot<'w>,
        shape: &'static Shape,
        rules: &Rules<'w>,
    ) {
        let own = &spot.child.invariants;
        if own.is_empty()
            && shape.invariants.is_empty()
            && rules.iter().all(|rule| rule.invariants.is_empty())
        {
            return;
        }
        self.all(spot.node, shape.path, shape, own, rules);
    }

    fn all(
        &mut self,
        node: Node<'w>,
        type_path: &str,
        shape: &'static Shape,
        own: &'static [super::super::shape::Rule],
        rules: &Rules<'w>,
    ) {
        let Some(root) = json(self.outside) else { return };
        let place = self.path.json(root, self.path.depth());
        let is_resource =
            self.frames.last().is_some_and(|frame| frame.node.index() == node.index());
        let focus = if is_resource {
            place.0.and_then(PathNode::of_resource)
        } else {
            path_node(type_path, place)
        };
        let Some(focus) = focus else { return };
        let frames = self.frames.len();
        // What a profile says of an element that holds a resource belongs to the resource around.
        let around = if is_resource && frames > 1 { frames - 1 } else { frames };
        for rule in shape.invariants.iter().chain(own) {
            let failed = self.evaluate(&rule.expression, focus, root, frames);
            // R4's own words are the standard's prose: the expression says the same.
            self.judge(node, failed, rule.severity, rule.key, rule.expression.text(), None);
        }
        for rule in rules {
            for invariant in &rule.invariants {
                let frames = if rule.id.contains('.') { around } else { frames };
                let failed = self.evaluate(&invariant.expression, focus, root, frames);
                let (severity, key) = (invariant.severity, invariant.key.as_str());
                self.judge(node, failed, severity, key, &invariant.human, Some(rule));
            }
        }
    }

    fn judge(
        &mut self,
        node: Node<'w>,
        failed: Result<bool, String>,
        severity: Severity,
        key: &str,
        human: &str,
        rule: Option<&'w ElementRule>,
    ) {
        let (code, allowed) = match failed {
            Ok(true) => return,
            Ok(false) if severity == Severity::Error => (Code::Invariant, human.to_owned()),
            Ok(false) => (Code::InvariantWarning, human.to_owned()),
            Err(error) => (Code::InvariantUnknown, error),
        };
        let mut finding = self.finding(node, code, "", key, &allowed);
        finding.profile = rule.map(|rule| rule.origin.to_string());
        self.put(finding);
    }

    /// Whether it holds, seen from the innermost of the first `frames` resources; the text says why
    /// that can't be told.
    pub(super) fn evaluate(
        &self,
        expression: &Expression,
        focus: PathNode<'_>,
        root: &Value,
        frames: usize,
    ) -> Result<bool, String> {
        let frames = self.frames.get(..frames).unwrap_or_default();
        let resource = |frame: Option<&Frame<'w>>| {
            let depth = frame.map_or(0, |frame| frame.path);
            self.path.json(root, depth).0.and_then(PathNode::of_resource)
        };
        let inner = frames.last();
        let outer = frames.iter().rev().find(|frame| !frame.is_contained);
        let resolver = |reference: &str| self.resolve_json(reference, root);
        let members = |item: &Item<'_>, canonical: &str| self.is_member(item, canonical);
        let profiles = |item: &Item<'_>, canonical: &str| self.conforms(item, canonical);
        let html = |text: &str| narrative::is_good(text);
        let mut context = Context::of_node(focus)
            .with_resolver(&resolver)
            .with_terminology(&members)
            .with_profiles(&profiles)
            .with_html_checks(&html);
        if let (Some(inner), Some(outer)) = (resource(inner), resource(outer)) {
            context = context.in_resource(inner, outer);
        }
        expression.holds(&context).map_err(|error| error.to_string())
    }

    fn resolve_json<'j>(&self, reference: &str, root: &'j Value) -> Resolved<'j> {
        if let Some(steps) = self.bundle.find_json(reference) {
            let (value, _) = steps.json(root, steps.depth());
            if let Some(value) = value {
                return Resolved::Resource(value);
            }
        }
        match super::reference::type_of_url(reference) {
            Some(name) => Resolved::type_only(name),
            None => Resolved::Nothing,
        }
    }

    fn is_member(&self, item: &Item<'_>, canonical: &str) -> Option<bool> {
        let value = item.node().and_then(|node| node.value());
        let ask = |system: Option<&str>, code: &str| {
            let question = CodeQuestion { value_set: Some(canonical), system, code, display: None };
            match self.ask(&question) {
                Membership::Member | Membership::WrongDisplay { .. } => Some(true),
                Membership::NotMember => Some(false),
                Membership::NotLoaded => None,
            }
        };
        let coding = |coding: &Value| {
            let text = |name: &str| coding.get(name).and_then(Value::as_str);
            ask(text("system"), text("code")?)
        };
        match value {
            Some(Value::String(code)) => ask(None, code),
            Some(concept) => match concept.get("coding").and_then(Value::as_array) {
                Some(codings) => {
                    let answers: Vec<_> = codings.iter().map(coding).collect();
                    if answers.contains(&Some(true)) {
                        Some(true)
                    } else if answers.contains(&None) {
                        None
                    } else {
                        Some(false)
                    }
                }
                None => coding(concept),
            },
            None => item.text().and_then(|code| ask(None, &code)),
        }
    }

    /// `conformsTo` for R4's own types; a profile is walked by the walk, not by an expression.
    fn conforms(&self, item: &Item<'_>, canonical: &str) -> Option<bool> {
        let core = super::core_type(canonical)?;
        item.node().map(|node| node.type_path() == core)
    }
}
