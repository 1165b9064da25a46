//! The elements of a type: which are there, how many, and what each holds.

use std::cell::OnceCell;

use smallvec::SmallVec;

use super::primitive::is_absolute;
use super::{Code, ElementRule, Holder, Node, Part, Rules, Shape, Spot, Trial, Walk, add};
use crate::{
    definitions::UNBOUNDED,
    names::Name,
    validation::{
        profile::{TypeRule, core_type},
        shape::{Elements, Kind, Present},
        tree::{Form, Format},
    },
};

const EXTENSION_VALUE: &str = "Extension.value[x]";

/// A child of an element, and what R4 says it is.
#[derive(Clone, Copy)]
pub(super) struct Slot<'w> {
    pub node: Node<'w>,
    element: u16,
    variant: u16,
    /// Among those of the same element.
    pub index: u32,
}

impl Slot<'_> {
    /// The place of its element in the type, and which type of a choice it has.
    fn of(&self) -> (u16, u16) {
        (self.element, self.variant)
    }
}

pub(super) type Slots<'w> = SmallVec<[Slot<'w>; 12]>;

/// What the slices say that items are in.
#[derive(Default)]
pub(super) struct Sliced<'w> {
    /// The place of the item among the slots, which of the rules on the whole has the slice, and what
    /// the slice says.
    found: SmallVec<[(usize, usize, &'w ElementRule); 8]>,
    turn: usize,
}

impl<'w> Sliced<'w> {
    pub fn add(&mut self, item: usize, slice: &'w ElementRule) {
        if slice.says_content {
            self.found.push((item, self.turn, slice));
        }
    }

    /// Before the slices of an item are asked for: there may be thousands of items.
    fn sort(&mut self) {
        self.found.sort_by_key(|(item, turn, _)| (*item, *turn));
    }

    fn each(&self, item: usize, turn: usize, tell: impl FnMut(&'w ElementRule)) {
        let first = self.found.partition_point(|of| (of.0, of.1) < (item, turn));
        let rest = self.found.iter().skip(first);
        rest.take_while(|of| (of.0, of.1) == (item, turn)).map(|of| of.2).for_each(tell);
    }
}

impl<'w> Walk<'w> {
    /// The children of an element of this type, and what the profiles say of them. `holder` is the
    /// element itself.
    pub(super) fn children(
        &mut self,
        node: Node<'w>,
        shape: &'static Shape,
        rules: &[&'w ElementRule],
        holder: &Holder<'w>,
    ) -> Elements {
        if !self.step() {
            return Elements::ALL;
        }
        let mut slots = Slots::new();
        let present = self.slots(node, shape, &mut slots);
        if node.format() == Format::Xml {
            self.order(node, shape, &slots);
        }
        self.count(node, shape, &slots, present);
        let mut sliced = Sliced::default();
        for (turn, rule) in rules.iter().enumerate() {
            sliced.turn = turn;
            self.rule_children(node, shape, rule, (&slots, present), &mut sliced);
        }
        sliced.sort();
        for (at, slot) in slots.iter().enumerate() {
            let mut own = Rules::new();
            for (turn, rule) in rules.iter().enumerate() {
                rule.layout(shape).each(rule, slot.of(), |child| {
                    if child.says_content {
                        add(&mut own, child);
                    }
                });
                if !sliced.found.is_empty() {
                    sliced.each(at, turn, |slice| add(&mut own, slice));
                }
            }
            let Some(spot) = spot(shape, slot) else { continue };
            if spot.child.is_element_id {
                self.check_id(node, slot.node);
            }
            self.enter(spot, slot);
            self.element(spot, own, holder);
            self.path.pop();
        }
        present.once
    }

    pub(super) fn enter(&mut self, Spot { child, variant, node }: Spot<'w>, slot: &Slot<'w>) {
        self.path.push(Part::Element { child, variant, node, index: slot.index });
    }

    /// What each child is, and which elements are there; what R4 doesn't know is reported and left out.
    pub(super) fn slots(
        &mut self,
        node: Node<'w>,
        shape: &'static Shape,
        slots: &mut Slots<'w>,
    ) -> Present {
        let mut present = Present::default();
        for child in node.children() {
            match shape.meant(child) {
                Some((element, variant)) => {
                    // In JSON those of one element follow each other.
                    let is_again = present.once.has(element);
                    let mut before = slots.iter().rev();
                    let last =
                        if is_again { before.find(|of| of.element == element) } else { None };
                    let index = last.map_or(0, |last| last.index + 1);
                    slots.push(Slot { node: child, element, variant, index });
                    present.add(element);
                }
                None if child.name() == "resourceType" => self.check_type_name(child),
                None => {
                    let found = child.name().chars().take(64).collect::<String>();
                    let nearest = shape.nearest(&found).unwrap_or_default();
                    self.report(child, Code::UnknownElement, "", &found, nearest);
                }
            }
        }
        present
    }

    /// One word, without an id or extensions.
    fn check_type_name(&mut self, node: Node<'w>) {
        let path = "resourceType";
        if node.is_item() {
            self.at_child(node, |walk| walk.report(node, Code::List, path, "", ""));
        }
        if node.has_children() {
            self.at_child(node, |walk| {
                walk.report(node, Code::UnknownElement, "", "_resourceType", "");
            });
        }
    }

    /// In XML the elements have an order.
    fn order(&mut self, node: Node<'w>, shape: &'static Shape, slots: &[Slot<'w>]) {
        let mut last = 0;
        // Attributes have none; they begin where their element does.
        for slot in slots.iter().filter(|slot| slot.node.at() != node.at()) {
            if slot.element < last {
                let of = |element: u16| shape.elements.get(usize::from(element));
                let after = of(last).map_or("", |child| child.element.name);
                let path = of(slot.element).map_or("", |child| child.element.path);
                if let Some(spot) = spot(shape, slot) {
                    self.enter(spot, slot);
                    self.report(slot.node, Code::OutOfOrder, path, "", after);
                    self.path.pop();
                }
            }
            // What follows is compared with this one: each turn is told once.
            last = slot.element;
        }
    }

    /// R4's own cardinalities.
    fn count(&mut self, node: Node<'w>, shape: &'static Shape, slots: &[Slot<'w>], has: Present) {
        if shape.cardinalities.are_kept(has) {
            return;
        }
        for (at, child) in shape.elements.iter().enumerate() {
            let element = child.element;
            let found = slots.iter().filter(|slot| usize::from(slot.element) == at).count();
            if found < element.min as usize {
                let (found, min) = (found.to_string(), element.min.to_string());
                self.report(node, Code::Minimum, element.path, &found, &min);
            } else if element.max != UNBOUNDED && found > element.max as usize {
                let (found, max) = (found.to_string(), element.max.to_string());
                self.report(node, Code::Maximum, element.path, &found, &max);
            }
        }
    }

    /// How many children one profile wants, and in which slices they are.
    fn rule_children(
        &mut self,
        node: Node<'w>,
        shape: &'static Shape,
        rule: &'w ElementRule,
        (slots, present): (&Slots<'w>, Present),
        sliced: &mut Sliced<'w>,
    ) {
        let layout = rule.layout(shape);
        let is_kept = layout.is_kept(present);
        if is_kept && !layout.has_slices {
            return;
        }
        for (at, (_, child)) in (0_u16..).zip(&rule.children) {
            if is_kept && !layout.has_work(at, child, present) {
                continue;
            }
            let items = slots.iter().enumerate();
            let items = items.filter(|(_, slot)| layout.is_about(at, slot.of()));
            let items: SmallVec<[usize; 8]> = items.map(|(at, _)| at).collect();
            self.count_rule(node, child, items.len(), (Code::Minimum, Code::Maximum));
            if !child.slices.is_empty() {
                self.slices(node, shape, child, &items, slots, sliced);
            }
        }
    }

    pub(super) fn count_rule(
        &mut self,
        node: Node<'w>,
        rule: &'w ElementRule,
        count: usize,
        (minimum, maximum): (Code, Code),
    ) {
        if let Some(min) = rule.min.filter(|min| count < *min as usize) {
            self.report_rule(node, minimum, rule, &count.to_string(), &min.to_string());
        }
        if let Some(max) = rule.max.filter(|max| count > *max as usize) {
            self.report_rule(node, maximum, rule, &count.to_string(), &max.to_string());
        }
    }

    /// One element: how it is written, and what is in it.
    fn element(&mut self, spot: Spot<'w>, mut rules: Rules<'w>, holder: &Holder<'w>) {
        let Spot { child, variant, node } = spot;
        if !self.check_form(spot) {
            return;
        }
        if variant.kind == Kind::Extension {
            self.extension(spot, &mut rules, holder);
        }
        if let Some(rule) = variant.profile() {
            add(&mut rules, rule);
        }
        if rules.iter().any(|rule| !rule.types.is_empty()) {
            for at in 0..rules.len() {
                if let Some(rule) = rules.get(at).copied() {
                    self.type_rules(spot, rule, &mut rules);
                }
            }
        }
        if variant.is_resource {
            self.check_resource_type(spot);
            let is_contained = child.number == Name::CONTAINED;
            self.resource(node, rules, is_contained);
        } else {
            self.contents(spot, &rules, holder);
        }
    }

    /// What is in an element that is no resource.
    pub(super) fn contents(
        &mut self,
        spot: Spot<'w>,
        rules: &[&'w ElementRule],
        holder: &Holder<'w>,
    ) {
        let Spot { variant, node, .. } = spot;
        let Some(shape) = variant.shape() else { return };
        let present = match shape.primitive {
            Some(of_type) => {
                self.primitive(spot, of_type, rules);
                let has_rules = || rules.iter().any(|rule| !rule.children.is_empty());
                match node.has_children() || has_rules() {
                    true => self.inside(spot, shape, rules, holder),
                    // Most elements are plain values.
                    false if self.step() => Elements::default(),
                    false => Elements::ALL,
                }
            }
            None => self.inside(spot, shape, rules, holder),
        };
        match variant.kind {
            Kind::Reference => self.reference(spot, rules),
            Kind::Identifier => self.identifier(node),
            Kind::Expression => self.expression(node),
            _ => {}
        }
        self.base_binding(spot);
        for rule in rules.iter().filter(|rule| rule.says_value) {
            self.values(spot, rule);
        }
        self.invariants(node, shape, &spot.child.invariants, rules, present);
    }

    /// The elements inside one.
    fn inside(
        &mut self,
        Spot { child, variant, node }: Spot<'w>,
        shape: &'static Shape,
        rules: &[&'w ElementRule],
        holder: &Holder<'w>,
    ) -> Elements {
        // The value of an extension is part of it.
        let url = match variant.kind {
            Kind::Extension => node.get_text(Name::URL),
            _ => holder.url.filter(|_| holder.code == "Extension"),
        };
        let own = Holder { node, path: child.element.path, code: variant.code, url };
        self.children(node, shape, rules, &own)
    }

    /// With this system, the value is a URI itself.
    fn identifier(&mut self, node: Node<'w>) {
        let is_uri = node.get_text(Name::SYSTEM) == Some("urn:ietf:rfc:3986");
        if is_uri && !node.get_text(Name::VALUE).is_none_or(is_absolute) {
            self.report(node, Code::RelativeUri, "Identifier.value", "", "");
        }
    }

    /// The id of an element is the only one in its resource.
    fn check_id(&mut self, node: Node<'w>, id: Node<'w>) {
        let Some(id) = id.text() else { return };
        // While a profile is tried, the element was seen before.
        let is_new = self.ids.last_mut().is_none_or(|ids| ids.insert(id));
        if !is_new && self.trials.is_empty() {
            self.report(node, Code::DuplicateId, "", id, "");
        }
    }

    /// Whether it is written as its type asks; what is wrong with it otherwise is of no use.
    fn check_form(&mut self, spot: Spot<'w>) -> bool {
        let Spot { child, node, .. } = spot;
        let path = child.element.path;
        match node.form() {
            Form::Null => self.report(node, Code::Null, path, "", ""),
            Form::EmptyList => self.report_list(node, Code::Empty, path, "[]"),
            Form::EmptyObject => self.report(node, Code::Empty, path, "{}", ""),
            Form::NestedList => self.report(node, Code::List, path, "", ""),
            _ => return self.check_kind(spot),
        }
        false
    }

    fn check_kind(&mut self, spot: Spot<'w>) -> bool {
        let Spot { child, variant, node } = spot;
        let path = child.element.path;
        if node.format() == Format::Json {
            match (child.is_list, node.is_item()) {
                (true, false) => self.report_list(node, Code::NotList, path, ""),
                (false, true) => self.report(node, Code::List, path, "", ""),
                _ => {}
            }
        }
        let is_primitive = variant.shape().is_some_and(|shape| shape.primitive.is_some());
        let is_object = node.form() == Form::Object;
        let is_json = node.format() == Format::Json;
        match (is_primitive, is_object) {
            (true, true) if is_json && !node.is_twin() => {
                self.report(node, Code::NotPrimitive, path, "{}", variant.code);
                false
            }
            (false, false) => {
                self.report(node, Code::NotComplex, path, "", variant.code);
                false
            }
            (false, true) if node.is_twin() => {
                let found = format!("_{}", child.element.name);
                self.report(node, Code::UnknownElement, path, &found, "");
                false
            }
            _ => true,
        }
    }

    /// The types and type profiles of a rule; profiles that must hold join the rules.
    fn type_rules(&mut self, spot: Spot<'w>, rule: &'w ElementRule, rules: &mut Rules<'w>) {
        if rule.types.is_empty() {
            return;
        }
        let code = if spot.variant.is_resource {
            spot.node.resource_type().unwrap_or_default()
        } else {
            spot.variant.code
        };
        // A choice says its type by its name: `valueCode` is no `string`, though a code is one.
        let is_choice = spot.child.is_choice;
        let bases = OnceCell::new();
        let is_base = |name: &str| bases.get_or_init(|| bases_of(code)).contains(&name);
        let fits = |of: &&TypeRule| {
            let is_it = of.code == code || of.code == "System";
            is_it || !is_choice && is_base(of.code.as_str())
        };
        let mut fitting = rule.types.iter().filter(fits).peekable();
        if fitting.peek().is_none() {
            let allowed: Vec<&str> = rule.types.iter().map(|of| of.code.as_str()).collect();
            let wrong = if spot.variant.is_resource {
                Code::ResourceTypeNotAllowed
            } else {
                Code::WrongType
            };
            let allowed = allowed.join(", ");
            let mut finding = self.finding(spot.node, wrong, &rule.id, code, &allowed);
            finding.profile = Some(rule.origin.to_string());
            if spot.child.element.path == EXTENSION_VALUE {
                // It is the extension that has another value than it is defined with.
                finding.expression = self.path.parent();
            }
            self.put(finding);
            return;
        }
        let profiles: SmallVec<[&'w str; 4]> =
            fitting.flat_map(|of| of.profiles.iter().map(String::as_str)).collect();
        self.type_profiles(spot, rule, &profiles, rules);
    }

    fn type_profiles(
        &mut self,
        spot: Spot<'w>,
        rule: &'w ElementRule,
        profiles: &[&'w str],
        rules: &mut Rules<'w>,
    ) {
        let core = |canonical: &&&str| core_type(canonical).is_some();
        if profiles.is_empty() || profiles.iter().any(|canonical| core(&canonical)) {
            return;
        }
        let mut known: Vec<&'w ElementRule> = Vec::new();
        for canonical in profiles {
            match self.outside.profiles.rules(canonical) {
                Some(rules) => known.push(rules),
                // An extension is looked for by its url, and reported if it isn't known.
                None if spot.variant.code == "Extension" => return,
                None => self.report_rule(spot.node, Code::UnknownProfile, rule, canonical, ""),
            }
        }
        if let [only] = known.as_slice() {
            add(rules, only);
            return;
        }
        let mut nearest: Option<Vec<_>> = None;
        for profile in known {
            let what = if spot.variant.is_resource {
                Trial::Resource(spot.node, self.path.clone())
            } else {
                Trial::Element(spot)
            };
            let mut found = self.trial(what, profile);
            found.retain(super::Finding::is_error);
            if found.is_empty() {
                add(rules, profile);
                return;
            }
            if nearest.as_ref().is_none_or(|nearest| nearest.len() > found.len()) {
                nearest = Some(found);
            }
        }
        if let Some(consequences) = nearest {
            let names = profiles.join(", ");
            let mut finding = self.finding(spot.node, Code::NoProfileMatch, &rule.id, "", &names);
            finding.profile = Some(rule.origin.to_string());
            finding.consequences = consequences;
            self.put(finding);
        }
    }

    fn check_resource_type(&mut self, spot: Spot<'w>) {
        let Some(name) = spot.node.resource_type() else { return };
        let wanted = spot.variant.code;
        if !matches!(wanted, "Resource" | "DomainResource") && wanted != name {
            let path = spot.child.element.path;
            self.report(spot.node, Code::ResourceTypeNotAllowed, path, name, wanted);
        }
    }
}

pub(super) fn spot<'w>(shape: &'static Shape, slot: &Slot<'w>) -> Option<Spot<'w>> {
    let child = shape.elements.get(usize::from(slot.element))?;
    Some(Spot { child, variant: child.variants.get(usize::from(slot.variant))?, node: slot.node })
}

/// The types that R4's type specialises: `Quantity` and `Element` of an `Age`.
fn bases_of(of: &str) -> SmallVec<[&'static str; 4]> {
    let definitions = crate::definitions::Definitions::r4();
    std::iter::successors(definitions.base_of(of), |name| definitions.base_of(name)).collect()
}
