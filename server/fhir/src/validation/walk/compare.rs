//! Fixed values, patterns and bounds of profiles.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::element::{self, Slots};
use super::{Code, ElementRule, Node, Spot, Walk};
use crate::{fhirpath::Quantity, names::Name, validation::tree::Form};

/// How much of an expected value is told.
const MAX_TOLD: usize = 200;

impl<'w> Walk<'w> {
    /// What a profile says of the value of an element.
    pub(super) fn values(&mut self, spot: Spot<'w>, rule: &'w ElementRule) {
        let node = spot.node;
        if let Some(fixed) = &rule.fixed
            && !equals(node, fixed)
        {
            self.not_fixed(spot, rule, fixed);
        }
        if let Some(pattern) = &rule.pattern
            && !contains(node, pattern)
        {
            let (found, allowed) = (told_node(node), told(pattern));
            self.report_rule(node, Code::Pattern, rule, &found, &allowed);
        }
        if let Some(min) = &rule.min_value {
            self.bound(node, rule, min, (Ordering::Less, ">="));
        }
        if let Some(max) = &rule.max_value {
            self.bound(node, rule, max, (Ordering::Greater, "<="));
        }
        self.rule_binding(spot, rule);
    }

    /// Tells the parts that differ; what is missing is told of the whole.
    fn not_fixed(&mut self, spot: Spot<'w>, rule: &'w ElementRule, fixed: &Value) {
        let (node, allowed) = (spot.node, told(fixed));
        let parts = match (fixed, spot.variant.shape()) {
            (Value::Object(parts), Some(shape)) if is_object(node) => Some((parts, shape)),
            _ => None,
        };
        let mut is_told = false;
        if let Some((parts, shape)) = parts {
            let mut slots = Slots::new();
            self.slots(node, shape, &mut slots);
            for slot in slots {
                let is_right = parts.get(slot.node.name()).is_some_and(|wanted| match wanted {
                    Value::Array(items) => {
                        items.get(slot.index as usize).is_some_and(|item| equals(slot.node, item))
                    }
                    one => equals(slot.node, one),
                });
                if !is_right && let Some(part) = element::spot(shape, &slot) {
                    is_told = true;
                    self.enter(part, &slot);
                    self.report_rule(slot.node, Code::Fixed, rule, &told_node(slot.node), &allowed);
                    self.path.pop();
                }
            }
        }
        if !is_told {
            self.report_rule(node, Code::Fixed, rule, &told_node(node), &allowed);
        }
    }

    /// `wrong` is how a value beyond the bound stands to it, with the sign of what is allowed.
    fn bound(
        &mut self,
        node: Node<'w>,
        rule: &'w ElementRule,
        bound: &Value,
        (wrong, sign): (Ordering, &str),
    ) {
        let code = match order(node, bound) {
            Some(order) if order == wrong => Code::OutOfRange,
            Some(_) => return,
            None => Code::BoundUnknown,
        };
        self.report_rule(node, code, rule, "", &format!("{sign} {}", told(bound)));
    }
}

/// Codes and systems help; the text of a patient's element isn't repeated.
fn told_node(node: Node<'_>) -> String {
    match node.form() {
        Form::Object => String::new(),
        _ => node
            .text()
            .map(|text| format!("{} characters", text.chars().count()))
            .unwrap_or_default(),
    }
}

fn told(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text.chars().take(MAX_TOLD).collect()
}

/// Whether the element is exactly this value.
pub(super) fn equals(node: Node<'_>, fixed: &Value) -> bool {
    match fixed {
        Value::Object(object) => {
            is_object(node)
                && node.children().all(|child| object.contains_key(child.name()))
                && members(node, object, true)
        }
        Value::Array(_) => false,
        value => same_text(node, value),
    }
}

/// Whether the element has at least what the pattern has.
pub(super) fn contains(node: Node<'_>, pattern: &Value) -> bool {
    match pattern {
        Value::Object(object) => is_object(node) && members(node, object, false),
        Value::Array(_) => false,
        value => same_text(node, value),
    }
}

fn is_object(node: Node<'_>) -> bool {
    node.form() == Form::Object
}

fn members(node: Node<'_>, object: &Map<String, Value>, exactly: bool) -> bool {
    object.iter().all(|(name, wanted)| {
        let Some(plain) = name.strip_prefix('_') else {
            return member(node, name, wanted, exactly);
        };
        // The id and extensions of a primitive.
        match wanted {
            Value::Object(twin) => {
                node.child(plain).is_some_and(|child| members(child, twin, false))
            }
            _ => true,
        }
    })
}

fn member(node: Node<'_>, name: &str, wanted: &Value, exactly: bool) -> bool {
    let one = |child: Node<'_>, wanted: &Value| {
        if exactly { equals(child, wanted) } else { contains(child, wanted) }
    };
    match wanted {
        Value::Array(items) if exactly => {
            let children: Vec<Node<'_>> = node.all(name).collect();
            children.len() == items.len()
                && children.iter().zip(items).all(|(child, item)| one(*child, item))
        }
        // Each item of the pattern must be there, in whatever place.
        Value::Array(items) => {
            items.iter().all(|item| node.all(name).any(|child| one(child, item)))
        }
        value => node.child(name).is_some_and(|child| one(child, value)),
    }
}

fn same_text(node: Node<'_>, value: &Value) -> bool {
    let Some(text) = node.text() else { return false };
    match value {
        Value::String(wanted) => wanted == text,
        Value::Bool(wanted) => text == if *wanted { "true" } else { "false" },
        Value::Number(wanted) => {
            wanted.as_str() == text
                || number(text).is_some_and(|found| number(wanted.as_str()) == Some(found))
        }
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

fn number(text: &str) -> Option<rust_decimal::Decimal> {
    text.parse().ok().or_else(|| rust_decimal::Decimal::from_scientific(text).ok())
}

/// How an element stands to a bound; `None` if that can't be told.
fn order(node: Node<'_>, bound: &Value) -> Option<Ordering> {
    match bound {
        Value::Number(bound) => Some(number(node.text()?)?.cmp(&number(bound.as_str())?)),
        // Dates of the same precision and offset, which are ordered as their texts are.
        Value::String(bound) => {
            let text = node.text()?;
            (text.len() == bound.len()).then(|| text.cmp(bound))
        }
        Value::Object(bound) => quantity_order(node, bound),
        Value::Null | Value::Bool(_) | Value::Array(_) => None,
    }
}

fn quantity_order(node: Node<'_>, bound: &Map<String, Value>) -> Option<Ordering> {
    let text = |name: &str| bound.get(name).and_then(Value::as_str);
    let value = bound.get("value")?;
    let found = number(node.get_text(Name::VALUE)?)?;
    let Value::Number(limit) = value else { return None };
    let limit = number(limit.as_str())?;
    if node.get_text(Name::CODE) == text("code") && node.get_text(Name::SYSTEM) == text("system") {
        return Some(found.cmp(&limit));
    }
    // Another unit: UCUM knows how they stand to each other.
    let quantity =
        |value: &rust_decimal::Decimal, code: &str| Quantity::parse(&format!("{value} '{code}'"));
    let found = quantity(&found, node.get_text(Name::CODE)?)?;
    found.compare(&quantity(&limit, text("code")?)?)
}
