//! A differential on top of its base: what makes a snapshot, in the form of rules.

use super::{ElementRule, InvariantRule, TypeRule};
use std::sync::Arc;

/// The base's rules with those of the differential over them.
pub(super) fn onto(mut base: ElementRule, own: ElementRule) -> ElementRule {
    let replaced = |base: &mut ElementRule, own: &ElementRule| {
        base.origin = Arc::clone(&own.origin);
        if !own.id.is_empty() {
            base.id.clone_from(&own.id);
        }
    };
    replaced(&mut base, &own);
    base.min = own.min.or(base.min);
    base.max = own.max.or(base.max);
    base.fixed = own.fixed.or(base.fixed);
    base.pattern = own.pattern.or(base.pattern);
    base.min_value = own.min_value.or(base.min_value);
    base.max_value = own.max_value.or(base.max_value);
    base.min_length = own.min_length.or(base.min_length);
    base.max_length = own.max_length.or(base.max_length);
    base.value_required |= own.value_required;
    base.must_support |= own.must_support;
    base.binding = own.binding.or(base.binding);
    base.more_bindings.extend(own.more_bindings);
    base.slicing = own.slicing.or(base.slicing);
    base.content_reference = own.content_reference.or(base.content_reference);
    types(&mut base.types, own.types);
    invariants(&mut base.invariants, own.invariants);
    all(&mut base.children, own.children);
    all(&mut base.slices, own.slices);
    base
}

/// A type that is only named again keeps its profiles and targets.
fn types(base: &mut Vec<TypeRule>, own: Vec<TypeRule>) {
    if own.is_empty() {
        return;
    }
    let known = std::mem::replace(base, own);
    for of in base {
        let Some(known) = known.iter().find(|known| known.code == of.code) else { continue };
        if of.profiles.is_empty() {
            of.profiles.clone_from(&known.profiles);
        }
        if of.targets.is_empty() {
            of.targets.clone_from(&known.targets);
        }
    }
}

/// Invariants add up; one with the same key is the newer one.
fn invariants(base: &mut Vec<Arc<InvariantRule>>, own: Vec<Arc<InvariantRule>>) {
    base.retain(|known| own.iter().all(|new| new.key != known.key));
    base.extend(own);
}

fn all(base: &mut Vec<(String, ElementRule)>, own: Vec<(String, ElementRule)>) {
    for (name, rule) in own {
        match base.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = onto(std::mem::take(known), rule),
            None => base.push((name, rule)),
        }
    }
}
