//! Invariants in FHIRPath: R4's and the profiles'.

use super::{Code, ElementRule, Node, Rules, Shape, Spot, Walk, narrative};
use crate::{
    definitions::Severity,
    fhirpath::{Context, Expression, Item, Limits, Node as PathNode, Resolved},
    validation::{
        shape::Rule,
        terminology::{CodeQuestion, Membership},
    },
};

impl<'w> Walk<'w> {
    /// Those of an element, of its type, and of the profiles on it.
    pub(super) fn element_invariants(
        &mut self,
        spot: Spot<'w>,
        shape: &'static Shape,
        rules: &Rules<'w>,
    ) {
        self.invariants(spot.node, shape, &spot.child.invariants, rules);
    }

    /// Those of a type and of the profiles on it, with more of R4's `own`.
    pub(super) fn invariants(
        &mut self,
        node: Node<'w>,
        shape: &'static Shape,
        own: &'static [Rule],
        rules: &Rules<'w>,
    ) {
        let is_resource =
            self.frames.last().is_some_and(|frame| frame.node.index() == node.index());
        let focus = shape.seen(node);
        let frames = self.frames.len();
        // What a profile says of an element that holds a resource belongs to the resource around.
        let around = if is_resource && frames > 1 { frames - 1 } else { frames };
        for rule in shape.invariants.iter().chain(own) {
            let failed = self.evaluate(&rule.expression, focus, frames);
            // R4's own words are the standard's prose: the expression says the same.
            self.judge(node, failed, rule.severity, rule.key, rule.expression.text(), None);
        }
        for rule in rules {
            for invariant in &rule.invariants {
                let frames = if rule.id.contains('.') { around } else { frames };
                let failed = self.evaluate(&invariant.expression, focus, frames);
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
        focus: PathNode<'w>,
        frames: usize,
    ) -> Result<bool, String> {
        let frames = self.frames.get(..frames).unwrap_or_default();
        let inner = frames.last();
        let outer = frames.iter().rev().find(|frame| !frame.is_contained);
        let resolver = |reference: &str| self.resolve(reference);
        let members = |item: &Item<'_>, canonical: &str| self.is_member(item, canonical);
        let profiles = |item: &Item<'_>, canonical: &str| self.conforms(item, canonical);
        let html = |text: &str| narrative::is_good(text);
        let mut context = Context::of_node(focus)
            .with_resolver(&resolver)
            .with_terminology(&members)
            .with_profiles(&profiles)
            .with_html_checks(&html)
            .with_steps(&self.path_steps)
            .with_limits(self.path_limits());
        if let (Some(inner), Some(outer)) = (inner, outer) {
            context = context.in_resource(inner.seen, outer.seen);
        }
        expression.holds(&context).map_err(|error| error.to_string())
    }

    /// What is left for an expression: of its own allowance, and of that of all in this document.
    fn path_limits(&self) -> Limits {
        let limits = Limits::default();
        let left = self.path_steps_max.saturating_sub(self.path_steps.get());
        Limits { steps_max: limits.steps_max.min(left), ..limits }
    }

    fn resolve(&self, reference: &str) -> Resolved<'w> {
        if let Some(resource) = self.bundle.resource(reference)
            && let Some(node) = PathNode::of_written_resource(resource)
        {
            return Resolved::Node(node);
        }
        match super::reference::type_of_url(reference) {
            Some(name) => Resolved::type_only(name),
            None => Resolved::Nothing,
        }
    }

    fn is_member(&self, item: &Item<'_>, canonical: &str) -> Option<bool> {
        let ask = |system: Option<&str>, code: &str| {
            let question = CodeQuestion { value_set: Some(canonical), system, code, display: None };
            match self.ask(&question) {
                Membership::Member | Membership::WrongDisplay { .. } => Some(true),
                Membership::NotMember => Some(false),
                Membership::NotLoaded => None,
            }
        };
        let coding =
            |coding: Node<'_>| ask(coding.child_text("system"), coding.child_text("code")?);
        let Some(node) = item.node().and_then(|node| node.written()) else {
            return item.text().and_then(|code| ask(None, &code));
        };
        if let Some(code) = node.text() {
            return ask(None, code);
        }
        let answers: Vec<_> = node.all("coding").map(coding).collect();
        match answers.as_slice() {
            [] => coding(node),
            answers if answers.contains(&Some(true)) => Some(true),
            answers if answers.contains(&None) => None,
            _ => Some(false),
        }
    }

    /// `conformsTo` for R4's own types; a profile is walked by the walk, not by an expression.
    fn conforms(&self, item: &Item<'_>, canonical: &str) -> Option<bool> {
        let core = super::core_type(canonical)?;
        item.node().map(|node| node.type_path() == core)
    }
}
