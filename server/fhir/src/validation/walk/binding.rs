//! Codes against the value sets that R4 and profiles bind them to.

use smallvec::SmallVec;

use super::{Code, ElementRule, Node, Part, Spot, Walk};
use crate::{
    definitions::{BindingStrength, Definitions},
    names::Name,
    validation::{
        shape::Kind,
        terminology::{CodeQuestion, Membership},
    },
};

const LANGUAGES: &str = "http://hl7.org/fhir/ValueSet/languages";
const ALL_LANGUAGES: &str = "http://hl7.org/fhir/ValueSet/all-languages";
const BCP_47: &str = "urn:ietf:bcp:47";

/// A code and its system.
#[derive(Clone, Copy)]
struct Coded<'w> {
    system: Option<&'w str>,
    code: &'w str,
}

impl<'w> Walk<'w> {
    /// R4's own binding.
    pub(super) fn base_binding(&mut self, spot: Spot<'w>) {
        if let Some(binding) = spot.child.element.binding {
            let path = spot.child.element.path;
            self.binding(spot, path, None, binding.strength, binding.value_set);
            if binding.value_set.starts_with(LANGUAGES) {
                self.language(spot, path);
            }
        }
        if spot.variant.kind == Kind::Coding {
            self.coding(spot.node);
        }
    }

    /// R4 prefers the common languages, but takes no code that is none of BCP 47.
    fn language(&mut self, spot: Spot<'w>, element: &str) {
        // What stands for half a character was told when it was read.
        let is_whole = |code: &str| !code.contains(char::REPLACEMENT_CHARACTER);
        let of_bcp_47 = |one: &&Coded<'w>| {
            one.system.is_none_or(|system| system == BCP_47) && is_whole(one.code)
        };
        let coded = coded(spot);
        if let Some(wrong) = coded.iter().filter(of_bcp_47).find(|one| !is_language(one.code)) {
            self.report(spot.node, Code::NotInValueSet, element, wrong.code, ALL_LANGUAGES);
        }
    }

    pub(super) fn rule_binding(&mut self, spot: Spot<'w>, rule: &'w ElementRule) {
        for binding in rule.binding.iter().chain(&rule.more_bindings) {
            self.binding(spot, &rule.id, Some(rule), binding.strength, &binding.value_set);
        }
    }

    fn binding(
        &mut self,
        spot: Spot<'w>,
        element: &str,
        rule: Option<&'w ElementRule>,
        strength: BindingStrength,
        value_set: &str,
    ) {
        // Preferred and example ones are no rules.
        if strength < BindingStrength::Extensible {
            return;
        }
        let coded = coded(spot);
        let is_required = strength == BindingStrength::Required;
        if coded.is_empty() {
            // A text alone is enough where codes only should come from the set.
            let has_extension = spot.node.get(Name::EXTENSION).is_some();
            let is_code = spot.variant.kind == Kind::Code && spot.node.text().is_none();
            if is_required && (is_code || can_have_code(spot.variant.kind) && !has_extension) {
                self.tell(spot.node, Code::NoCode, element, rule, "", value_set);
            }
            return;
        }
        let mut unknown = false;
        let mut wrong = None;
        for one in &coded {
            if one.system.is_none() && can_have_code(spot.variant.kind) {
                // Without its system a code says nothing.
                wrong = wrong.or(Some(*one));
                continue;
            }
            let question = CodeQuestion {
                value_set: Some(value_set),
                system: one.system,
                code: one.code,
                display: None,
            };
            match self.ask(&question) {
                // One of the codings is enough.
                Membership::Member | Membership::WrongDisplay { .. } => return,
                Membership::NotLoaded => unknown = true,
                Membership::NotMember => wrong = wrong.or(Some(*one)),
            }
        }
        match wrong {
            _ if unknown => self.tell(spot.node, Code::NotChecked, element, rule, "", value_set),
            Some(one) => {
                let found = format!("{}#{}", one.system.unwrap_or_default(), one.code);
                let found = if one.system.is_none() { one.code.to_owned() } else { found };
                let code = if is_required { Code::NotInValueSet } else { Code::NotInExtensible };
                self.tell(spot.node, code, element, rule, &found, value_set);
            }
            None => {}
        }
    }

    fn tell(
        &mut self,
        node: Node<'w>,
        code: Code,
        element: &str,
        rule: Option<&'w ElementRule>,
        found: &str,
        allowed: &str,
    ) {
        match rule {
            Some(rule) => self.report_rule(node, code, rule, found, allowed),
            None => self.report(node, code, element, found, allowed),
        }
    }

    /// A coding by itself: does its system have the code, and is the display right?
    fn coding(&mut self, node: Node<'w>) {
        let (Some(system), Some(code)) = (node.get(Name::SYSTEM), node.get(Name::CODE)) else {
            return;
        };
        let (Some(url), Some(text)) = (system.text(), code.text()) else { return };
        if url.contains("/ValueSet/") || self.outside.value_sets.has_value_set(url) {
            self.at_child(system, |walk| {
                walk.report(system, Code::SystemIsValueSet, "Coding.system", url, "");
            });
            return;
        }
        if self.outside.value_sets.is_supplement(url) {
            self.at_child(system, |walk| {
                walk.report(system, Code::SystemIsSupplement, "Coding.system", url, "");
            });
            return;
        }
        let display = node.get(Name::DISPLAY);
        let question = CodeQuestion {
            value_set: None,
            system: Some(url),
            code: text,
            display: display.and_then(Node::text),
        };
        match self.ask(&question) {
            Membership::NotMember => self.at_child(code, |walk| {
                walk.report(code, Code::UnknownCode, "Coding.code", text, url);
            }),
            Membership::WrongDisplay { right } => {
                let at = display.unwrap_or(node);
                self.at_child(at, |walk| {
                    walk.report(at, Code::WrongDisplay, "Coding.display", text, &right);
                });
            }
            Membership::NotLoaded if is_later_than_r4(url, text) => {
                self.at_child(code, |walk| {
                    walk.report(code, Code::NotInRelease, "Coding.code", text, url);
                });
            }
            // Most code systems of the world aren't loaded; bindings say what matters.
            Membership::Member | Membership::NotLoaded => {}
        }
    }

    /// Reports at a child without walking into it.
    pub(super) fn at_child(&mut self, child: Node<'w>, tell: impl FnOnce(&mut Self)) {
        self.path.push(Part::One(child.name()));
        tell(self);
        self.path.pop();
    }

    /// Packages and R4 first, then the caller's masters.
    pub(super) fn ask(&self, question: &CodeQuestion<'_>) -> Membership {
        match self.outside.value_sets.ask(question) {
            Membership::NotLoaded => {
                self.outside.lookup.map_or(Membership::NotLoaded, |lookup| lookup(question))
            }
            answer => answer,
        }
    }
}

/// Whether R4 publishes the code system without this code.
fn is_later_than_r4(system: &str, code: &str) -> bool {
    Definitions::r4().system_has_code(system, code) == Some(false)
}

/// The codes that an element has, by its type.
fn coded<'w>(spot: Spot<'w>) -> SmallVec<[Coded<'w>; 4]> {
    let node = spot.node;
    let of_coding = |node: Node<'w>| {
        Some(Coded { system: node.get_text(Name::SYSTEM), code: node.get_text(Name::CODE)? })
    };
    match spot.variant.kind {
        Kind::Code | Kind::Text => {
            let plain = |code| Coded { system: None, code };
            node.text().map(plain).into_iter().collect()
        }
        Kind::Coding | Kind::Quantity => of_coding(node).into_iter().collect(),
        Kind::CodeableConcept => node.all_of(Name::CODING).filter_map(of_coding).collect(),
        _ => SmallVec::new(),
    }
}

/// `ja`, `ja-JP`, `zh-Hant-TW`: the form of BCP 47 (RFC 5646), without the registry's words.
fn is_language(code: &str) -> bool {
    let mut parts = code.split('-');
    let first = parts.next().unwrap_or_default();
    let is_alphabetic = first.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_first = is_alphabetic && (2..=8).contains(&first.len());
    let is_private = matches!(first, "x" | "i" | "X" | "I") && code.len() > 2;
    let is_part = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    (is_first || is_private) && parts.all(is_part)
}

fn can_have_code(kind: Kind) -> bool {
    matches!(kind, Kind::Coding | Kind::CodeableConcept)
}
