//! What a rule says of the elements of a type, by their places in it: the walk finds the rules of an
//! element by a number, and sees at once whether one is missing.

use std::sync::OnceLock;

use super::{ElementRule, InvariantRule};
use crate::{
    definitions::UNBOUNDED,
    names::Name,
    validation::shape::{Cardinalities, Elements, Present, Shape},
};

/// What a child of a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Element(u16),
    /// One type of a choice: `valueQuantity`.
    Variant(u16, u16),
    /// The type doesn't have it.
    Nothing,
}

impl Target {
    fn of(rule: &ElementRule, name: &str, shape: &Shape) -> Self {
        let number = Some(rule.number).filter(|number| *number != Name::OTHER);
        let element = number.and_then(|number| shape.named_in_path(number));
        match (element, shape.by_text(name)) {
            (Some(element), _) => Self::Element(element),
            (None, Some((element, variant))) => Self::Variant(element, variant),
            (None, None) => Self::Nothing,
        }
    }

    fn is(self, element: u16, variant: u16) -> bool {
        match self {
            Self::Element(one) => one == element,
            Self::Variant(one, of_type) => (one, of_type) == (element, variant),
            Self::Nothing => false,
        }
    }
}

/// A rule as it stands to one type.
#[derive(Debug)]
pub(in crate::validation) struct Layout {
    shape: &'static Shape,
    /// What each of the rule's children is about.
    targets: Box<[Target]>,
    /// For each element of the type, the place of the rule on it among the children.
    by_element: Box<[Option<u16>]>,
    /// The places of rules on one type of a choice.
    by_variant: Box<[u16]>,
    cardinalities: Cardinalities,
    /// Whether there is more to count: one type of a choice, or what the type doesn't have.
    has_others: bool,
    /// Whether the items of an element are told apart.
    pub has_slices: bool,
    /// For each of the rule's invariants, the elements of which it needs all to be false.
    invariants: Box<[Elements]>,
}

/// Those of one rule: most stand to one type only.
#[derive(Debug, Default)]
pub(in crate::validation) struct Layouts {
    first: OnceLock<Layout>,
    others: OnceLock<Box<Layouts>>,
}

impl Layouts {
    fn of(&self, rule: &ElementRule, shape: &'static Shape) -> &Layout {
        let mut at = self;
        loop {
            let known = at.first.get_or_init(|| Layout::new(rule, shape));
            if std::ptr::eq(known.shape, shape) {
                return known;
            }
            at = at.others.get_or_init(Box::default);
        }
    }
}

impl Clone for Layouts {
    /// A copy of a rule is made to be changed.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl ElementRule {
    /// What it says of the elements of a type. For complete profiles: see [`ElementRule::finish`].
    pub fn layout(&self, shape: &'static Shape) -> &Layout {
        self.layouts.of(self, shape)
    }
}

impl Layout {
    fn new(rule: &ElementRule, shape: &'static Shape) -> Self {
        let mut by_element = vec![None; shape.elements.len()];
        let mut by_variant = Vec::new();
        let mut cardinalities = Cardinalities::default();
        let (mut has_others, mut has_slices) = (false, false);
        let targets: Box<[Target]> =
            rule.children.iter().map(|(name, of)| Target::of(of, name, shape)).collect();
        for (child, (target, (_, of))) in (0_u16..).zip(targets.iter().zip(&rule.children)) {
            let (min, max) = (of.min.unwrap_or(0), of.max.unwrap_or(UNBOUNDED));
            has_slices |= !of.slices.is_empty();
            if let Target::Element(element) = *target {
                cardinalities.add(element, min, max);
                if let Some(place) = by_element.get_mut(usize::from(element)) {
                    *place = Some(child);
                }
            } else {
                has_others |= min > 0 || max != UNBOUNDED;
                by_variant.push(child);
            }
        }
        let needs = |of: &InvariantRule| shape.needs(&of.expression);
        let invariants = rule.invariants.iter().map(|of| needs(of)).collect();
        let (by_element, by_variant) = (by_element.into(), by_variant.into());
        Self {
            shape,
            targets,
            by_element,
            by_variant,
            cardinalities,
            has_others,
            has_slices,
            invariants,
        }
    }

    /// Calls for what the rule says of an element, and of the type that it has there.
    #[inline]
    pub fn each<'r>(
        &self,
        rule: &'r ElementRule,
        (element, variant): (u16, u16),
        mut tell: impl FnMut(&'r ElementRule),
    ) {
        let mut tell_child = |at: u16| {
            if let Some((_, child)) = rule.children.get(usize::from(at)) {
                tell(child);
            }
        };
        if let Some(at) = self.by_element.get(usize::from(element)).copied().flatten() {
            tell_child(at);
        }
        for at in &self.by_variant {
            if self.is_about(*at, (element, variant)) {
                tell_child(*at);
            }
        }
    }

    /// Whether this child of the rule is about an element of this type of its choice.
    pub fn is_about(&self, child: u16, (element, variant): (u16, u16)) -> bool {
        self.targets.get(usize::from(child)).is_some_and(|target| target.is(element, variant))
    }

    /// Whether the slices of a child of the rule have to be looked at: there is something to put into
    /// them, or one of them is needed.
    pub fn has_work(&self, at: u16, child: &ElementRule, present: Present) -> bool {
        let is_there = match self.targets.get(usize::from(at)) {
            Some(Target::Element(element) | Target::Variant(element, _)) => {
                present.once.has(*element)
            }
            Some(Target::Nothing) | None => false,
        };
        !child.slices.is_empty() && (is_there || !child.index.needed.is_empty())
    }

    /// Whether there are as many of each element as the rule wants, for sure.
    pub fn is_kept(&self, present: Present) -> bool {
        !self.has_others && self.cardinalities.are_kept(present)
    }

    /// The rule's invariants that may be false of an element with these children.
    pub fn open<'r>(
        &self,
        rule: &'r ElementRule,
        present: Elements,
    ) -> impl Iterator<Item = &'r InvariantRule> {
        let all = rule.invariants.iter().zip(&self.invariants);
        all.filter(move |(_, needs)| present.contain(**needs)).map(|(invariant, _)| &**invariant)
    }
}
