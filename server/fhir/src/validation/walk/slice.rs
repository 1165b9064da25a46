//! Slicing: which item belongs to which slice, and whether the slices are as the profile wants them.
//!
//! Spec: <https://hl7.org/fhir/R4/profiling.html#slicing>

mod discriminate;

use discriminate::Followed;
pub(super) use discriminate::Subrules;
use smallvec::SmallVec;

use super::{
    Code, ElementRule, Node, Shape, Spot, Walk,
    element::{Sliced, Slots, spot},
    primitive::is_absolute,
};
use crate::{
    names::Name,
    validation::profile::{Discriminator, SliceRules, Slicing, Step},
};

/// The items of the list that is sliced, by their place among the slots.
type Items = SmallVec<[usize; 8]>;

/// How far an item is from a slice.
struct Judged<'d> {
    /// Discriminators that it passed.
    passed: usize,
    /// The first one that keeps it out.
    failing: Option<&'d Discriminator>,
}

impl<'w> Walk<'w> {
    /// Gives each item the rules of its slice, and counts.
    pub(super) fn slices(
        &mut self,
        node: Node<'w>,
        shape: &'static Shape,
        rule: &'w ElementRule,
        items: &Items,
        slots: &Slots<'w>,
        inside: &mut Sliced<'w>,
    ) {
        let slicing = rule.slicing.as_ref().or(rule.implied.as_deref());
        let Some(slicing) = slicing else { return };
        // The slice and the item, for each pair that fits.
        let mut sliced: SmallVec<[(usize, usize); 8]> = SmallVec::new();
        let mut last = 0;
        // Whether an item of no slice was met: then the open end has begun.
        let mut is_at_end = false;
        for at in items {
            let Some(slot) = slots.get(*at) else { continue };
            let Some(item) = spot(shape, slot) else { continue };
            self.enter(item, slot);
            let found = self.slices_of(item, rule, &slicing.discriminators);
            match found.as_slice() {
                [] => {
                    is_at_end = true;
                    self.unmatched(item, rule, slicing);
                }
                [one] => {
                    let is_late = is_at_end && slicing.rules == SliceRules::OpenAtEnd;
                    if is_late || slicing.is_ordered && *one < last {
                        let name = |slice: usize| rule.slices.get(slice).map_or("", |of| &of.0);
                        let (found, before) = (name(*one), name(last));
                        self.report_rule(item.node, Code::SliceOrder, rule, found, before);
                    }
                    last = last.max(*one);
                }
                several => self.ambiguous(item, rule, several),
            }
            // In several: which rules hold for it can't be told.
            let is_clear = found.len() == 1;
            for one in &found {
                sliced.push((*one, *at));
                if is_clear && let Some((_, slice)) = rule.slices.get(*one) {
                    inside.add(*at, slice);
                }
            }
            self.path.pop();
        }
        let found = sliced.iter().map(|(slice, _)| *slice);
        let mut counted: SmallVec<[usize; 8]> =
            rule.index.needed.iter().copied().chain(found).collect();
        counted.sort_unstable();
        counted.dedup();
        for at in counted {
            let Some((_, slice)) = rule.slices.get(at) else { continue };
            let of_slice = sliced.iter().filter(|(of, _)| *of == at).map(|(_, item)| *item);
            let items: Items = of_slice.collect();
            self.count_rule(node, slice, items.len(), (Code::SliceMinimum, Code::SliceMaximum));
            if !slice.slices.is_empty() {
                self.slices(node, shape, slice, &items, slots, inside);
            }
        }
    }

    fn slices_of(
        &mut self,
        item: Spot<'w>,
        rule: &'w ElementRule,
        discriminators: &[Discriminator],
    ) -> SmallVec<[usize; 2]> {
        let index = &rule.index;
        // Slices that its text or type tells.
        let mut told: SmallVec<[usize; 2]> = SmallVec::new();
        if let Some(discriminator) = discriminators.get(index.discriminator) {
            let mut add = |text: &str| {
                told.extend(index.by_text.get(text).into_iter().flatten().copied());
            };
            if discriminator.is_own_type() {
                add(type_of(item));
            } else {
                texts(item.node, &discriminator.path, &mut add);
            }
        }
        // Nothing else has to hold for those.
        if index.others.is_empty() && discriminators.len() < 2 && told.len() < 2 {
            return told;
        }
        let mut candidates: SmallVec<[usize; 8]> = SmallVec::from_slice(&index.others);
        candidates.extend(told);
        candidates.sort_unstable();
        candidates.dedup();
        let mut followed = Followed::new();
        let mut is_found = |at: &usize| {
            rule.slices.get(*at).is_some_and(|(_, slice)| {
                let judged = self.judge_slice(item, slice, discriminators, &mut followed);
                judged.failing.is_none() && judged.passed > 0
            })
        };
        candidates.into_iter().filter(|at| is_found(at)).collect()
    }

    /// How the item stands to a slice. What the slice says nothing of keeps nothing out.
    fn judge_slice<'d>(
        &mut self,
        item: Spot<'w>,
        slice: &'w ElementRule,
        discriminators: &'d [Discriminator],
        followed: &mut Followed<'w>,
    ) -> Judged<'d> {
        let mut judged = Judged { passed: 0, failing: None };
        for discriminator in discriminators {
            match self.is_in(item, slice, discriminator, followed) {
                Some(true) => judged.passed += 1,
                Some(false) => {
                    judged.failing = Some(discriminator);
                    break;
                }
                None => {}
            }
        }
        judged
    }

    /// An item outside all slices: the nearest one tells what is wrong with it.
    fn unmatched(&mut self, item: Spot<'w>, rule: &'w ElementRule, slicing: &Slicing) {
        let url = item.node.get_text(Name::URL).unwrap_or_default();
        if item.variant.code == "Extension" && !is_absolute(url) {
            // A part of an extension, and its definition has all of them.
            let parts: Vec<&str> = rule.slices.iter().map(|(name, _)| name.as_str()).collect();
            self.report_rule(item.node, Code::SubExtension, rule, url, &parts.join(", "));
            return;
        }
        if slicing.rules != SliceRules::Closed {
            return;
        }
        let mut nearest: Option<(usize, &'w str, String)> = None;
        let mut followed = Followed::new();
        for (name, slice) in &rule.slices {
            let discriminators = &slicing.discriminators;
            let judged = self.judge_slice(item, slice, discriminators, &mut followed);
            let Judged { passed, failing: Some(failing) } = judged else { continue };
            if nearest.as_ref().is_none_or(|(best, ..)| passed > *best) {
                let wanted = discriminate::wanted(slice, failing);
                nearest = Some((passed, name, format!("{} {wanted}", failing.text)));
            }
        }
        let (_, name, why) = nearest.unwrap_or_default();
        self.report_rule(item.node, Code::SliceClosed, rule, &why, name);
    }

    fn ambiguous(&mut self, item: Spot<'w>, rule: &'w ElementRule, found: &[usize]) {
        let names = found.iter().filter_map(|at| rule.slices.get(*at).map(|(name, _)| &**name));
        let names = names.collect::<Vec<_>>().join(", ");
        self.report_rule(item.node, Code::SliceAmbiguous, rule, &names, "");
    }
}

/// The type of an element; a resource says its own.
fn type_of<'w>(item: Spot<'w>) -> &'w str {
    match item.variant.is_resource {
        true => item.node.resource_type().unwrap_or_default(),
        false => item.variant.code,
    }
}

/// The texts of the elements at a path of names.
fn texts<'w>(node: Node<'w>, path: &[Step], visit: &mut impl FnMut(&'w str)) {
    match path {
        [Step::Child(number, name), rest @ ..] => {
            node.all_named(*number, name).for_each(|child| texts(child, rest, visit));
        }
        [] => node.text().into_iter().for_each(visit),
        _ => {}
    }
}
