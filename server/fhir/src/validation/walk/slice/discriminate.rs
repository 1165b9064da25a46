//! One discriminator: what the item has at its path, and what the slice says that it must be.

use std::rc::Rc;

use serde_json::Value;
use smallvec::SmallVec;

use super::super::{
    Node, Part, Path, Shape, Spot, Trial, Walk,
    compare::{contains, equals},
    reference::Target,
    slice::type_of,
};
use crate::{
    canonical,
    definitions::BindingStrength,
    names::Name,
    validation::{
        profile::{
            Discriminator, DiscriminatorKind, ElementRule, Profiles, Step, core_type,
            extension_url, plain,
        },
        terminology::{CodeQuestion, Membership},
    },
};

/// What an item has at the path of a discriminator.
#[derive(Clone)]
pub(super) struct Found<'w> {
    node: Node<'w>,
    /// Its type; of a resource its own.
    code: &'w str,
    /// Where it is, if it is another resource.
    path: Option<Path<'w>>,
    spot: Option<Spot<'w>>,
}

pub(in crate::validation::walk) type Subrules<'w> = SmallVec<[&'w ElementRule; 4]>;

/// What one item has at the paths of the discriminators that were asked for.
pub(super) type Followed<'w> = SmallVec<[(*const Discriminator, Reached<'w>); 2]>;
/// What is at one path.
type Reached<'w> = SmallVec<[Found<'w>; 1]>;

/// What the slice wants there, for a message.
pub(super) fn wanted(slice: &ElementRule, discriminator: &Discriminator) -> String {
    let mut at = Some(slice);
    for step in &discriminator.path {
        if let Step::Child(_, name) = step {
            at = at.and_then(|rule| rule.child(name));
        }
    }
    let value = at.and_then(|rule| rule.fixed.as_ref().or(rule.pattern.as_ref()));
    match value {
        Some(value) => format!("= {value}").chars().take(200).collect(),
        None => String::new(),
    }
}

impl<'w> Walk<'w> {
    /// `None` when the slice says nothing that the discriminator looks at.
    pub(super) fn is_in(
        &mut self,
        item: Spot<'w>,
        slice: &'w ElementRule,
        discriminator: &Discriminator,
        followed: &mut Followed<'w>,
    ) -> Option<bool> {
        if discriminator.kind == DiscriminatorKind::Value
            && let Some(wanted) = plain(slice, &discriminator.path)
        {
            return Some(self.is_at(item.node, &discriminator.path, wanted));
        }
        // The slice may say its whole value, and the discriminator looks at a part of it.
        if discriminator.kind == DiscriminatorKind::Value
            && let Some(values) = stated(slice, &discriminator.path)
        {
            let found = self.follow(item, &discriminator.path);
            let is_one = |found: &Found<'w>| values.iter().any(|value| equals(found.node, value));
            return Some(found.iter().any(is_one));
        }
        // An extension's definition is its url.
        if discriminator.text == "url"
            && let Some(url) = extension_url(slice)
        {
            return Some(item.node.get_text(Name::URL) == Some(canonical::url(url)));
        }
        let rules = self.subrules(slice, discriminator);
        if rules.is_empty() {
            return None;
        }
        let key = std::ptr::from_ref(discriminator);
        let place = followed.iter().position(|(known, _)| *known == key);
        let place = place.unwrap_or_else(|| {
            followed.push((key, self.follow(item, &discriminator.path)));
            followed.len() - 1
        });
        let found = followed.get(place).map(|(_, found)| found.as_slice()).unwrap_or_default();
        match discriminator.kind {
            DiscriminatorKind::Value => self.has_value(found, &rules),
            DiscriminatorKind::Exists => Some(has_existence(found, &rules)),
            DiscriminatorKind::Type => {
                // `valueString` of `value[x]` says its type by its name.
                let name = item.node.name();
                let is_named = slice.id.strip_suffix(name).is_some_and(|of| of.ends_with(':'));
                Some(is_named || has_type(self.outside.profiles, found, &rules))
            }
            DiscriminatorKind::Profile => Some(self.has_profile(found, &rules)),
        }
    }

    /// What a slice says of the elements at a path: the same for all items.
    fn subrules(
        &mut self,
        slice: &'w ElementRule,
        discriminator: &Discriminator,
    ) -> Rc<Subrules<'w>> {
        let profiles = self.outside.profiles;
        let key = (std::ptr::from_ref(slice), std::ptr::from_ref(discriminator));
        let rules = self.subrules.entry(key);
        Rc::clone(rules.or_insert_with(|| subrules(profiles, slice, &discriminator.path).into()))
    }

    /// Whether an element at the path agrees. Without profiles and slices on the way, names are enough.
    fn is_at(&self, node: Node<'w>, path: &[Step], wanted: &ElementRule) -> bool {
        match path.split_first() {
            Some((Step::Child(number, name), rest)) => {
                node.all_named(*number, name).any(|child| self.is_at(child, rest, wanted))
            }
            _ => self.accepts(node, wanted) == Some(true),
        }
    }

    /// The elements at a path from the item.
    fn follow(&self, item: Spot<'w>, path: &[Step]) -> Reached<'w> {
        let mut at = Reached::new();
        at.push(Found { node: item.node, code: type_of(item), path: None, spot: Some(item) });
        for step in path {
            let mut next = Reached::new();
            for found in &at {
                self.step_into(found, step, &mut next);
            }
            at = next;
        }
        at
    }

    fn step_into(&self, found: &Found<'w>, step: &Step, next: &mut Reached<'w>) {
        match step {
            Step::Child(_, name) => {
                let shape = match found.spot {
                    Some(spot) if !spot.variant.is_resource => spot.variant.shape(),
                    _ => Shape::of(found.code),
                };
                let Some(shape) = shape else { return };
                for node in found.node.children() {
                    let Some((element, variant)) = shape.named(node.name()) else { continue };
                    let Some(child) = shape.elements.get(element) else { continue };
                    let Some(variant) = child.variants.get(variant) else { continue };
                    if child.element.name == name || node.name() == name {
                        let spot = Spot { child, variant, node };
                        let (code, spot) = (type_of(spot), Some(spot));
                        next.push(Found { node, code, path: None, spot });
                    }
                }
            }
            Step::Extension(url) => {
                let is_it = |node: &Node<'w>| node.get_text(Name::URL) == Some(url);
                next.extend(found.node.all_of(Name::EXTENSION).filter(is_it).map(|node| Found {
                    node,
                    code: "Extension",
                    path: None,
                    spot: None,
                }));
            }
            Step::Resolve => {
                let text = found.node.get_text(Name::REFERENCE).or(found.node.text());
                let target = text.map(|text| self.target(text));
                if let Some(Target::Contained(node, path) | Target::Bundled(node, path)) = target {
                    let code = node.resource_type().unwrap_or_default();
                    next.push(Found { node, code, path: Some(path), spot: None });
                } else if let Some(name) = text.and_then(super::super::reference::type_of_url) {
                    next.push(Found { node: found.node, code: name, path: None, spot: None });
                }
            }
            Step::OfType(name) => {
                if found.code == name {
                    next.push(found.clone());
                }
            }
        }
    }

    fn has_value(&mut self, found: &[Found<'w>], rules: &Subrules<'w>) -> Option<bool> {
        let mut answer = None;
        for rule in rules.iter().filter(|rule| rule.expects) {
            let agrees = |found: &Found<'w>| self.accepts(found.node, rule) == Some(true);
            answer = Some(true);
            if !found.iter().any(agrees) {
                return Some(false);
            }
        }
        // Nothing is said of the value: being there is all that can tell.
        let is_counted = rules.iter().any(|rule| rule.min.is_some() || rule.max.is_some());
        answer.or_else(|| is_counted.then(|| has_existence(found, rules)))
    }

    /// Whether the values agree with all that is fixed; `None` if nothing is.
    fn accepts(&self, node: Node<'w>, rule: &ElementRule) -> Option<bool> {
        if let Some(fixed) = &rule.fixed {
            return Some(equals(node, fixed));
        }
        if let Some(pattern) = &rule.pattern {
            return Some(contains(node, pattern));
        }
        let mut answer = None;
        if let Some(binding) = &rule.binding
            && binding.strength == BindingStrength::Required
        {
            answer = Some(self.is_bound(node, &binding.value_set));
        }
        for (name, child) in rule.children.iter().filter(|(_, child)| child.expects) {
            let mut named = node.all_named(child.number, name);
            let agrees = named.any(|node| self.accepts(node, child) == Some(true));
            answer = Some(answer.unwrap_or(true) && agrees);
        }
        answer
    }

    /// What isn't loaded can't tell slices apart; the binding itself then says so.
    fn is_bound(&self, node: Node<'w>, value_set: &str) -> bool {
        let ask = |system: Option<&str>, code: &str| {
            let question = CodeQuestion { value_set: Some(value_set), system, code, display: None };
            self.ask(&question) != Membership::NotMember
        };
        let coding = |node: Node<'w>| {
            node.get_text(Name::CODE).is_some_and(|code| ask(node.get_text(Name::SYSTEM), code))
        };
        match node.text() {
            Some(code) => ask(None, code),
            None => coding(node) || node.all_of(Name::CODING).any(coding),
        }
    }

    fn has_profile(&mut self, found: &[Found<'w>], rules: &Subrules<'w>) -> bool {
        let mut wanted: Vec<&'w str> = Vec::new();
        for rule in rules {
            for of in &rule.types {
                // Of a reference that is resolved, its targets count.
                wanted.extend(of.profiles.iter().chain(&of.targets).map(String::as_str));
            }
        }
        found.iter().any(|found| wanted.iter().any(|canonical| self.conforms_to(found, canonical)))
    }

    fn conforms_to(&mut self, found: &Found<'w>, canonical: &str) -> bool {
        if let Some(core) = core_type(canonical) {
            return core == found.code || core == "Resource";
        }
        let Some(profile) = self.outside.profiles.good(canonical) else { return false };
        if profile.of_type != found.code {
            return false;
        }
        // One that says itself what it is belongs there, whatever else is wrong with it: its
        // faults are then told, not only that it is in no slice.
        let claims = |node: Node<'w>| {
            node.get(Name::META).is_some_and(|meta| {
                meta.all_of(Name::PROFILE)
                    .filter_map(Node::text)
                    .any(|claimed| canonical::url(claimed) == profile.url)
            })
        };
        if claims(found.node) {
            return true;
        }
        let what = match (found.spot, &found.path) {
            (_, Some(path)) => Trial::Resource(found.node, path.clone()),
            (Some(spot), None) if spot.variant.is_resource => {
                Trial::Resource(found.node, self.path_to(spot))
            }
            (Some(spot), None) => Trial::Element(spot),
            (None, None) => return false,
        };
        !self.trial(what, &profile.root).iter().any(|found| found.is_error())
    }

    /// The path of a resource directly in the item that the walk is at.
    fn path_to(&self, spot: Spot<'w>) -> Path<'w> {
        let mut path = self.path.clone();
        if path.last() != Some(spot.node.name()) {
            path.push(Part::One(spot.node.name()));
        }
        path
    }
}

/// Whether a name is this one, or that of a choice with its type: `contentString` of `content`.
fn is_named(known: &str, name: &str) -> bool {
    known.strip_prefix(name).is_some_and(|rest| {
        rest.is_empty() || rest.starts_with(|letter: char| letter.is_ascii_uppercase())
    })
}

/// What the fixed value or pattern of the slice, or of an element on the way, has at the path.
fn stated<'r>(slice: &'r ElementRule, path: &[Step]) -> Option<Vec<&'r Value>> {
    let mut rule = slice;
    for (at, step) in path.iter().enumerate() {
        if let Some(value) = rule.fixed.as_ref().or(rule.pattern.as_ref()) {
            let mut values: Vec<&Value> = vec![value];
            for step in path.get(at..)? {
                let Step::Child(_, name) = step else { return None };
                let parts = values.into_iter().filter_map(|value| value.get(name));
                values = parts.flat_map(items).collect();
            }
            return (!values.is_empty()).then_some(values);
        }
        let Step::Child(_, name) = step else { return None };
        rule = rule.child(name)?;
    }
    None
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}

/// What the slice, and the profiles on its types, say of the elements at a path.
fn subrules<'w>(profiles: &'w Profiles, slice: &'w ElementRule, path: &[Step]) -> Subrules<'w> {
    let mut at = Subrules::from_slice(&[slice]);
    for step in path {
        let mut next = Subrules::new();
        for rule in &at {
            let mut from = Subrules::from_slice(&[*rule]);
            let canonicals = rule.types.iter().flat_map(|of| {
                let targets = if *step == Step::Resolve { of.targets.as_slice() } else { &[] };
                of.profiles.iter().chain(targets)
            });
            from.extend(canonicals.filter_map(|url| profiles.rules(url)));
            match step {
                Step::Child(_, name) => {
                    let named = |rule: &'w ElementRule| {
                        rule.children.iter().filter(|(known, _)| is_named(known, name))
                    };
                    for (_, child) in from.into_iter().flat_map(named) {
                        next.push(child);
                        // Slices that must be there say what it is too.
                        let needed =
                            child.slices.iter().filter(|(_, slice)| slice.min.unwrap_or(0) > 0);
                        next.extend(needed.map(|(_, slice)| slice));
                    }
                }
                Step::Extension(url) => {
                    let extension = rule.child("extension").into_iter();
                    let slices = extension.flat_map(|rule| rule.slices.iter());
                    // Slices of slices too: `a/b`.
                    let deeper = slices.flat_map(|(_, slice)| {
                        std::iter::once(slice).chain(slice.slices.iter().map(|(_, slice)| slice))
                    });
                    let is_it = |slice: &&ElementRule| extension_url(slice) == Some(url);
                    next.extend(deeper.filter(is_it));
                }
                Step::Resolve | Step::OfType(_) => next.extend(from),
            }
        }
        at = next;
    }
    at
}

fn has_existence(found: &[Found<'_>], rules: &Subrules<'_>) -> bool {
    let is_absent = rules.iter().any(|rule| rule.max == Some(0));
    found.is_empty() == is_absent
}

fn has_type(profiles: &Profiles, found: &[Found<'_>], rules: &Subrules<'_>) -> bool {
    let is_type = |canonical: &String, code: &str| match core_type(canonical) {
        Some(core) => core == code,
        None => profiles.good(canonical).is_some_and(|profile| profile.of_type == code),
    };
    let is_one = |found: &Found<'_>| {
        rules.iter().flat_map(|rule| &rule.types).any(|of| {
            // Of a reference that is resolved, the types of its targets count.
            let mut targets = of.targets.iter().chain(&of.profiles);
            of.code == found.code || targets.any(|canonical| is_type(canonical, found.code))
        })
    };
    found.iter().any(is_one)
}
