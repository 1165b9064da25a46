//! What a snapshot repeats of R4 goes: the walk checks R4's rules by itself, and once.

use std::{collections::HashMap, sync::OnceLock};

use super::{ElementRule, SliceRules, Slicing, TypeRule};
use crate::{
    definitions::{Definitions, Element},
    validation::shape::{Child, Shape},
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
        let known = shape.and_then(|shape| known(shape, name));
        let below = known.and_then(|known| below(known, child));
        if let Some(known) = known {
            own(child, known.element);
        }
        children(child, below);
        for (_, slice) in &mut child.slices {
            slices(slice, known, below);
        }
        implied_slicing(name, child);
        repeated_in_slices(child);
    }
    rule.children.retain(|(_, child)| !child.is_empty());
}

/// The element of a type by its name, or by that of a choice with its type.
pub(super) fn known(shape: &'static Shape, name: &str) -> Option<&'static Child> {
    let element = shape.element(name).or_else(|| shape.named(name).map(|(at, _)| at));
    shape.elements.get(element?)
}

/// The type that the rules below an element are about.
pub(super) fn below(known: &'static Child, rule: &ElementRule) -> Option<&'static Shape> {
    let code = match (known.variants.as_slice(), rule.types.as_slice()) {
        ([only], _) => return only.shape(),
        (_, [of]) => of.code.as_str(),
        _ => return None,
    };
    known.variants.iter().find(|of| of.code == code)?.shape()
}

/// A slice keeps its counts: they are about its own items.
fn slices(slice: &mut ElementRule, known: Option<&'static Child>, around: Option<&'static Shape>) {
    let (min, max) = (slice.min, slice.max);
    let below = known.and_then(|known| below(known, slice)).or(around);
    if let Some(known) = known {
        own(slice, known.element);
    }
    slice.min = min.filter(|min| *min > 0);
    slice.max = max;
    children(slice, below);
    for (_, inner) in &mut slice.slices {
        slices(inner, known, below);
    }
}

/// Extensions are always told apart by url; a differential needn't say so.
fn implied_slicing(name: &str, list: &mut ElementRule) {
    if name.ends_with("xtension") && !list.slices.is_empty() {
        list.slicing.get_or_insert_with(|| Slicing::by_url(SliceRules::Open));
    }
}

/// A slice's items have the rules of the whole list too: what the slice only repeats goes. Values
/// and bindings stay, for they tell the slices apart.
fn repeated_in_slices(list: &mut ElementRule) {
    let mut slices = std::mem::take(&mut list.slices);
    for (_, slice) in &mut slices {
        slice.invariants.retain(|own| list.invariants.iter().all(|known| known.key != own.key));
        repeated(list, slice);
        repeated_in_slices(slice);
    }
    list.slices = slices;
}

fn repeated(list: &ElementRule, slice: &mut ElementRule) {
    for (name, child) in &mut slice.children {
        let Some(known) = list.child(name) else { continue };
        child.min = child.min.filter(|_| child.min != known.min);
        child.max = child.max.filter(|_| child.max != known.max);
        if child.types == known.types {
            child.types.clear();
        }
        child.invariants.retain(|own| known.invariants.iter().all(|known| known.key != own.key));
        repeated(known, child);
    }
    slice.children.retain(|(_, child)| !child.is_empty());
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
    if ALSO.contains(&key) {
        return true;
    }
    static KNOWN: OnceLock<HashMap<&'static str, &'static str>> = OnceLock::new();
    let known = KNOWN.get_or_init(|| Definitions::r4().all_invariants().collect());
    let plain = |text: &str| text.split_whitespace().collect::<String>();
    known.get(key).is_some_and(|known| plain(known) == plain(expression))
}

/// Invariants of every R4 type whose expression changed between its releases.
const ALSO: [&str; 11] = [
    "ele-1", "ext-1", "dom-2", "dom-3", "dom-4", "dom-5", "dom-6", "ref-1",
    // Slips of 4.0.1 that the fact table has as they were mended later.
    "app-4", "bdl-8", "tim-9",
];
