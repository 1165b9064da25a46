//! What a snapshot repeats of R4 goes: the walk checks R4's rules by itself, and once.

use std::{collections::HashMap, sync::OnceLock};

use super::{ElementRule, TypeRule};
use crate::{
    definitions::{Definitions, Element},
    validation::shape::Shape,
};

/// Takes away what R4 says too of a type's elements, and what then asks for nothing.
pub(super) fn prune(root: &mut ElementRule, of_type: &str) {
    root.min = None;
    root.max = None;
    root.types.clear();
    let shape = Shape::of(of_type);
    children(root, shape);
}

fn children(rule: &mut ElementRule, shape: Option<&'static Shape>) {
    for (name, child) in &mut rule.children {
        let known = shape.and_then(|shape| {
            let element = shape.element(name).or_else(|| shape.named(name).map(|(at, _)| at));
            shape.elements.get(element?)
        });
        let below = known.and_then(|known| match known.variants.as_slice() {
            [only] => only.shape(),
            variants => {
                let code = child.types.first().map(|of| of.code.clone());
                let of = variants.iter().find(|of| code.as_deref() == Some(of.code));
                of.filter(|_| child.types.len() == 1).and_then(|of| of.shape())
            }
        });
        if let Some(known) = known {
            own(child, known.element);
        }
        children(child, below);
        for (_, slice) in &mut child.slices {
            slices(slice, known.map(|known| known.element), below);
        }
    }
    rule.children.retain(|(_, child)| !child.is_empty());
}

/// A slice keeps its counts: they are about its own items.
fn slices(slice: &mut ElementRule, element: Option<&Element>, below: Option<&'static Shape>) {
    let (min, max) = (slice.min, slice.max);
    if let Some(element) = element {
        own(slice, element);
    }
    slice.min = min;
    slice.max = max;
    children(slice, below);
    for (_, inner) in &mut slice.slices {
        slices(inner, element, below);
    }
}

fn own(rule: &mut ElementRule, element: &Element) {
    rule.min = rule.min.filter(|min| *min > element.min);
    rule.max = rule.max.filter(|max| *max < element.max);
    if rule.types.iter().all(|of| is_of_r4_type(of, element)) && has_all_types(rule, element) {
        rule.types.clear();
    }
    if let (Some(own), Some(known)) = (&rule.binding, element.binding)
        && own.value_set == known.value_set
        && own.strength <= known.strength
    {
        rule.binding = None;
    }
    // Slicing of nothing but R4's own: extensions by url.
    if rule.slices.is_empty() && element.name == "extension" {
        rule.slicing = None;
    }
    if rule.content_reference.as_deref() == element.content_reference {
        rule.content_reference = None;
    }
}

fn has_all_types(rule: &ElementRule, element: &Element) -> bool {
    let is_there = |code: &str| rule.types.iter().any(|of| of.code == code || of.code == "System");
    element.types.iter().all(|known| is_there(known.code))
}

fn is_of_r4_type(of: &TypeRule, element: &Element) -> bool {
    if of.code == "System" {
        return true;
    }
    let Some(known) = element.type_named(&of.code) else { return false };
    let short = |canonical: &String| canonical.rsplit('/').next().map(str::to_owned);
    let is_core = |canonical: &String| super::core_type(canonical).is_some();
    let targets: Vec<String> = of.targets.iter().filter_map(short).collect();
    // `Reference(Any)` has no targets in the facts.
    let is_any = known.targets.is_empty() && targets.iter().all(|target| target == "Resource");
    let has_all = known.targets.iter().all(|target| targets.iter().any(|own| own == target));
    let is_known = |profile: &String| {
        super::core_type(profile) == Some(known.code) || short(profile).as_deref() == known.profile
    };
    of.profiles.iter().all(is_known)
        && of.aggregation.is_empty()
        && of.targets.iter().all(is_core)
        && (is_any || (has_all && !known.targets.is_empty()))
}

/// Whether R4 has this invariant: key and expression are the same but for white space.
pub(super) fn is_of_r4(key: &str, expression: &str) -> bool {
    static KNOWN: OnceLock<HashMap<&'static str, &'static str>> = OnceLock::new();
    let known = KNOWN.get_or_init(|| Definitions::r4().all_invariants().collect());
    let plain = |text: &str| text.split_whitespace().collect::<String>();
    known.get(key).is_some_and(|known| plain(known) == plain(expression)) || ALSO.contains(&key)
}

/// Invariants of every R4 type whose expression changed between its releases.
const ALSO: [&str; 8] = ["ele-1", "ext-1", "dom-2", "dom-3", "dom-4", "dom-5", "dom-6", "ref-1"];
