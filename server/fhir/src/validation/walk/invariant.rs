//! Invariants in FHIRPath: R4's and the profiles'.

use smallvec::SmallVec;

use super::{Code, ElementRule, Node, Shape, Walk, narrative};
use crate::{
    definitions::Severity,
    fhirpath::{Context, Item, Limits, Node as PathNode, Resolved},
    names::Name,
    validation::{
        shape::{Elements, Rule},
        terminology::{CodeQuestion, Membership},
    },
};

impl<'w> Walk<'w> {
    /// Those of a type and of the profiles on it, and those that R4 gives to one element: `own`.
    pub(super) fn invariants(
        &mut self,
        node: Node<'w>,
        shape: &'static Shape,
        own: &'static [Rule],
        rules: &[&'w ElementRule],
        present: Elements,
    ) {
        if shape.invariants.is_empty()
            && own.is_empty()
            && rules.iter().all(|rule| rule.invariants.is_empty())
        {
            return;
        }
        let of_type = shape.invariants.iter().filter(|(_, needs)| present.contain(*needs));
        let own = own.iter().filter(|own| present.contain(shape.needs(&own.expression)));
        let mut of_r4 = of_type.map(|(rule, _)| rule).chain(own);
        let open = |rule: &'w ElementRule| {
            let has_some = !rule.invariants.is_empty();
            has_some.then(|| rule.layout(shape).open(rule, present)).into_iter().flatten()
        };
        if of_r4.clone().next().is_none() && !rules.iter().any(|rule| open(rule).next().is_some()) {
            return;
        }
        let is_resource =
            self.frames.last().is_some_and(|frame| frame.node.index() == node.index());
        let frames = self.frames.len();
        // What a profile says of an element that holds a resource belongs to the resource around.
        let around = if is_resource && frames > 1 { frames - 1 } else { frames };
        let mut failed: SmallVec<[_; 2]> = SmallVec::new();
        self.in_context(shape.seen(node), [frames, around], |[here, around]| {
            for rule in of_r4.by_ref() {
                match rule.expression.holds(&here.with_limits(self.path_limits())) {
                    Ok(true) => {}
                    // R4's own words are the standard's prose: the expression says the same.
                    failure => {
                        let human = rule.expression.text();
                        failed.push((failure, rule.severity, rule.key, human, None));
                    }
                }
            }
            for rule in rules.iter().copied() {
                let here = if rule.id.contains('.') { around } else { here };
                for invariant in open(rule) {
                    match invariant.expression.holds(&here.with_limits(self.path_limits())) {
                        Ok(true) => {}
                        failure => {
                            let (key, human) = (invariant.key.as_str(), invariant.human.as_str());
                            failed.push((failure, invariant.severity, key, human, Some(rule)));
                        }
                    }
                }
            }
        });
        for (failure, severity, key, human, rule) in failed {
            let failure = failure.map_err(|error| error.to_string());
            self.judge(node, failure, severity, key, human, rule);
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

    /// What an expression on an element may ask of the walk, seen from the innermost of the first so
    /// many resources.
    fn in_context<T, const N: usize>(
        &self,
        focus: PathNode<'w>,
        counts: [usize; N],
        ask: impl FnOnce([&Context<'_>; N]) -> T,
    ) -> T {
        let resolver = |reference: &str| self.resolve(reference);
        let members = |item: &Item<'_>, canonical: &str| self.is_member(item, canonical);
        let profiles = |item: &Item<'_>, canonical: &str| self.conforms(item, canonical);
        let limits = self.outside.limits;
        let html = |text: &str| narrative::is_good(text, limits);
        let context = Context::of_node(focus)
            .with_resolver(&resolver)
            .with_terminology(&members)
            .with_profiles(&profiles)
            .with_html_checks(&html)
            .with_steps(&self.path_steps);
        let contexts = counts.map(|count| {
            let frames = self.frames.get(..count).unwrap_or_default();
            let outer = frames.iter().rev().find(|frame| !frame.is_contained);
            match (frames.last(), outer) {
                (Some(inner), Some(outer)) => context.in_resource(inner.seen, outer.seen),
                _ => context,
            }
        });
        ask(contexts.each_ref())
    }

    /// What is left for an expression: of its own allowance, and of that of all in this document.
    fn path_limits(&self) -> Limits {
        let limits = self.outside.limits.expression;
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
            |coding: Node<'_>| ask(coding.get_text(Name::SYSTEM), coding.get_text(Name::CODE)?);
        let Some(node) = item.node().and_then(|node| node.written()) else {
            return item.text().and_then(|code| ask(None, &code));
        };
        if let Some(code) = node.text() {
            return ask(None, code);
        }
        let answers: Vec<_> = node.all_of(Name::CODING).map(coding).collect();
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
