//! The steps of a parameter's path through the emit program, with the conditions on the way.

use genkan_fhir::definitions::{Definitions, Element, ParameterPath, PathStep};

use crate::expression::{Expression, ExpressionKind as K};
use crate::program::{Node, NodeKind, Property, Rule, Term};

/// A node with everything that leads to it.
#[derive(Clone)]
pub(super) struct Found<'r> {
    pub node: &'r Node,
    pub element: Option<&'r Element>,
    /// Where the path goes on inside a `$code` or `$ref`, of which the rule writes no elements.
    pub beyond: Option<&'r str>,
    pub trail: Trail<'r>,
}

/// What leads to a node.
#[derive(Clone, Default)]
pub(super) struct Trail<'r> {
    pub each: Option<usize>,
    pub conditions: Vec<Term>,
    /// The nearest surrounding object that disappears when its row data are empty.
    pub disappears: Option<Around<'r>>,
    /// Surrounding objects that need some of their elements.
    pub needy: Vec<Around<'r>>,
}

/// An object around a node.
#[derive(Clone, Copy)]
pub(super) struct Around<'r> {
    pub node: &'r Node,
    /// The child in whose rows it stands.
    pub each: Option<usize>,
}

impl<'r> Trail<'r> {
    /// Goes into a node.
    fn enter(&mut self, node: &'r Node) {
        self.conditions.extend(node.condition.clone());
        self.each = node.each.or(self.each);
        let NodeKind::Object { required, .. } = &node.kind else { return };
        // Genkan writes `meta` by itself, with whatever the rule adds.
        if node.type_path == "Meta" {
            return;
        }
        let around = Around { node, each: self.each };
        if node.from_row {
            self.disappears = Some(around);
        }
        if !required.is_empty() {
            self.needy.push(around);
        }
    }
}

impl<'r> Found<'r> {
    /// A node inside this one.
    pub fn inside(&self, node: &'r Node) -> Self {
        let mut found = Found { node, element: None, ..self.clone() };
        found.trail.enter(node);
        found
    }

    /// The same, where a primitive inside has a condition of its own.
    pub fn only_if(&self, condition: Option<&Term>) -> Self {
        let mut found = self.clone();
        found.trail.conditions.extend(condition.cloned());
        found
    }
}

/// Walks the steps of a path into the emit program.
pub(super) fn follow<'r>(rule: &'r Rule, path: &'r ParameterPath) -> Vec<Found<'r>> {
    follow_in((&rule.resource, &rule.emit), &path.steps, &Trail::default())
}

/// Walks on from an object that a trail led to.
pub(super) fn follow_in<'r>(
    (type_path, properties): (&str, &'r [Property]),
    steps: &'r [PathStep],
    trail: &Trail<'r>,
) -> Vec<Found<'r>> {
    let mut found = Vec::new();
    walk(type_path, properties, steps, trail, &mut found);
    found
}

fn walk<'r>(
    type_path: &str,
    properties: &'r [Property],
    steps: &'r [PathStep],
    trail: &Trail<'r>,
    found: &mut Vec<Found<'r>>,
) {
    let Some((step, rest)) = steps.split_first() else { return };
    let definitions = Definitions::r4();
    for property in properties {
        let Some(known) = definitions.property(type_path, &property.name) else { continue };
        // R4 writes `DateTime` in one place.
        let is = |of_type: &str| of_type.eq_ignore_ascii_case(known.type_code);
        if known.element.name == step.name && step.of_type.is_none_or(is) {
            descend(&property.node, Some(known.element), (step, rest), trail, found);
        }
    }
}

fn descend<'r>(
    node: &'r Node,
    element: Option<&'r Element>,
    (step, rest): (&'r PathStep, &'r [PathStep]),
    trail: &Trail<'r>,
    found: &mut Vec<Found<'r>>,
) {
    let mut trail = trail.clone();
    trail.enter(node);
    let mut found_here = |trail, beyond| found.push(Found { node, element, beyond, trail });
    match (&node.kind, rest) {
        (NodeKind::List(items), _) => {
            for item in items {
                descend(item, element, (step, rest), &trail, found);
            }
        }
        (NodeKind::Object { properties, .. }, _) => {
            if let Some((name, value)) = step.filter {
                let Some(condition) = filter_condition(properties, name, value) else { return };
                trail.conditions.push(condition);
            }
            match rest {
                [] => found_here(trail, None),
                _ => walk(&node.type_path, properties, rest, &trail, found),
            }
        }
        (_, []) => found_here(trail, None),
        (NodeKind::Coded(_) | NodeKind::Reference(_), [next, ..]) => {
            found_here(trail, Some(next.name));
        }
        (NodeKind::Primitive { .. }, _) => {}
    }
}

/// `where(system = 'phone')` on an object of the rule.
fn filter_condition(properties: &[Property], name: &str, value: &str) -> Option<Term> {
    let (term, condition) = primitive(properties, name)?;
    let span = term.span;
    let value = Box::new(Expression::text(value, span));
    let kind = K::Compare(Box::new(term.clone()), genkan_adapter::Comparison::Equal, value);
    let equal = Expression { kind, span };
    Some(match condition {
        Some(condition) => Expression { kind: K::And(vec![condition.clone(), equal]), span },
        None => equal,
    })
}

/// A primitive of an object with its `$if`.
pub(super) fn primitive<'r>(
    properties: &'r [Property],
    name: &str,
) -> Option<(&'r Term, Option<&'r Term>)> {
    let property = properties.iter().find(|property| property.name == name)?;
    match &property.node.kind {
        NodeKind::Primitive { term, .. } => Some((term, property.node.condition.as_ref())),
        _ => None,
    }
}
