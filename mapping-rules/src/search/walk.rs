//! The steps of a parameter's path through the emit program, with the conditions on the way.

use genkan_fhir::definitions::{Definitions, Element, ParameterPath, PathStep};

use crate::expression::{Expression, ExpressionKind as K};
use crate::program::{Node, NodeKind, Property, Rule, Term};

/// A node with everything that leads to it.
#[derive(Clone)]
pub(super) struct Found<'r> {
    pub node: &'r Node,
    pub element: Option<&'r Element>,
    pub each: Option<usize>,
    pub conditions: Vec<Term>,
    /// The nearest surrounding object that disappears when its row data are empty.
    pub disappears: Option<&'r Node>,
}

impl<'r> Found<'r> {
    /// A node inside this one.
    pub fn inside(&self, node: &'r Node) -> Self {
        let mut found = Found { node, element: None, ..self.clone() };
        found.conditions.extend(node.condition.clone());
        found.each = node.each.or(self.each);
        if node.from_row && matches!(node.kind, NodeKind::Object { .. }) {
            found.disappears = Some(node);
        }
        found
    }

    /// The same, where a primitive inside has a condition of its own.
    pub fn only_if(&self, condition: Option<&Term>) -> Self {
        let mut found = self.clone();
        found.conditions.extend(condition.cloned());
        found
    }
}

/// Walks the steps of a path into the emit program.
pub(super) fn follow<'r>(rule: &'r Rule, path: &ParameterPath) -> Vec<Found<'r>> {
    let mut found = Vec::new();
    walk(&rule.resource, &rule.emit, &path.steps, &Trail::default(), &mut found);
    found
}

#[derive(Clone, Default)]
struct Trail<'r> {
    each: Option<usize>,
    conditions: Vec<Term>,
    disappears: Option<&'r Node>,
}

fn walk<'r>(
    type_path: &str,
    properties: &'r [Property],
    steps: &[PathStep],
    trail: &Trail<'r>,
    found: &mut Vec<Found<'r>>,
) {
    let Some((step, rest)) = steps.split_first() else { return };
    let definitions = Definitions::r4();
    for property in properties {
        let Some(known) = definitions.property(type_path, &property.name) else { continue };
        let wanted = step.of_type.is_none_or(|of_type| of_type == known.type_code);
        if known.element.name != step.name || !wanted {
            continue;
        }
        descend(&property.node, Some(known.element), step, rest, trail, found);
    }
}

fn descend<'r>(
    node: &'r Node,
    element: Option<&'r Element>,
    step: &PathStep,
    rest: &[PathStep],
    trail: &Trail<'r>,
    found: &mut Vec<Found<'r>>,
) {
    let mut trail = trail.clone();
    trail.conditions.extend(node.condition.clone());
    trail.each = node.each.or(trail.each);
    match &node.kind {
        NodeKind::List(items) => {
            for item in items {
                descend(item, element, step, rest, &trail, found);
            }
        }
        NodeKind::Object { properties, .. } => {
            if let Some((name, value)) = step.filter {
                let Some(condition) = filter_condition(properties, name, value) else { return };
                trail.conditions.push(condition);
            }
            if node.from_row {
                trail.disappears = Some(node);
            }
            if rest.is_empty() {
                found.push(finish(node, element, trail));
            } else {
                walk(&node.type_path, properties, rest, &trail, found);
            }
        }
        _ if rest.is_empty() => found.push(finish(node, element, trail)),
        _ => {}
    }
}

fn finish<'r>(node: &'r Node, element: Option<&'r Element>, trail: Trail<'r>) -> Found<'r> {
    let Trail { each, conditions, disappears } = trail;
    Found { node, element, each, conditions, disappears }
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
