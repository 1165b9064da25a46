//! CodeSystems, ValueSets and ConceptMaps: what they say of codes must be so. Profiles and expressions:
//! the engine must be able to go by them.

use super::{Code, Node, Part, Walk, primitive::is_absolute};
use crate::{
    canonical,
    fhirpath::Expression,
    outcome::IssueSeverity,
    validation::{
        profile::ProfileFault,
        terminology::{CodeQuestion, Membership},
        to_json,
    },
};

/// Properties that FHIR gives every code system, and that are true or false.
const YES_OR_NO: [&str; 2] = ["notSelectable", "inactive"];
/// Operators whose value is one code.
const OF_ONE_CODE: [&str; 4] = ["is-a", "descendent-of", "is-not-a", "generalizes"];

impl<'w> Walk<'w> {
    pub(super) fn definition(&mut self, node: Node<'w>, name: &str) {
        match name {
            "CodeSystem" => self.code_system(node),
            "ValueSet" => self.value_set(node),
            "ConceptMap" => self.concept_map(node),
            "StructureDefinition" => self.profile(node),
            _ => {}
        }
    }

    fn code_system(&mut self, node: Node<'w>) {
        let content = node.child("content");
        let kind = content.and_then(Node::text).unwrap_or_default();
        let supplements = node.child_text("supplements");
        if let (Some(content), Some(_)) = (content, supplements)
            && kind != "supplement"
        {
            self.at_child(content, |walk| {
                walk.report(content, Code::SupplementContent, "", kind, "supplement");
            });
        }
        if let (Some(first), "not-present") = (node.child("concept"), kind) {
            self.at_item(first, 0, |walk| walk.report(first, Code::ConceptsPresent, "", "", ""));
        }
        if let (Some(count), "complete") = (node.child("count"), kind) {
            let found = concepts(node).to_string();
            let said = count.text().unwrap_or_default();
            if said.parse::<usize>().is_ok() && said != found {
                self.at_child(count, |walk| {
                    walk.report(count, Code::ConceptCount, "", &found, said);
                });
            }
        }
        if let Some(system) = supplements {
            self.concepts(node, canonical::url(system));
        }
    }

    /// The concepts of a supplement, or those that a value set lists, are of the code system.
    fn concepts(&mut self, node: Node<'w>, system: &str) {
        for (index, concept) in node.all("concept").enumerate() {
            let Some(code) = concept.child_text("code") else { continue };
            self.at_item(concept, index, |walk| {
                walk.has_code(concept, system, code);
                walk.concepts(concept, system);
            });
        }
    }

    fn has_code(&mut self, at: Node<'w>, system: &str, code: &str) {
        if self.is_unknown(system, code) {
            self.report(at, Code::UnknownCode, "", code, system);
        }
    }

    fn is_unknown(&self, system: &str, code: &str) -> bool {
        let question = CodeQuestion { value_set: None, system: Some(system), code, display: None };
        self.ask(&question) == Membership::NotMember
    }

    fn value_set(&mut self, node: Node<'w>) {
        let Some(compose) = node.child("compose") else { return };
        self.at_child(compose, |walk| {
            for name in ["include", "exclude"] {
                for (index, part) in compose.all(name).enumerate() {
                    walk.at_item(part, index, |walk| walk.value_set_part(part));
                }
            }
        });
    }

    fn value_set_part(&mut self, part: Node<'w>) {
        let Some(system) = part.child_text("system") else { return };
        if !is_absolute(system) {
            self.report(part, Code::RelativeUri, "ValueSet.compose.include.system", "", "");
            return;
        }
        self.concepts(part, system);
        for (index, filter) in part.all("filter").enumerate() {
            self.at_item(filter, index, |walk| walk.filter(filter, system));
        }
    }

    fn filter(&mut self, filter: Node<'w>, system: &str) {
        let text = |name: &str| filter.child_text(name);
        let (Some(property), Some(op), Some(value)) = (text("property"), text("op"), text("value"))
        else {
            return;
        };
        let of_type = self.outside.value_sets.property_type(system, property);
        let wanted = match of_type {
            _ if property == "concept" && OF_ONE_CODE.contains(&op) => {
                self.is_unknown(system, value).then(|| format!("a code of {system}"))
            }
            _ if op == "exists" || YES_OR_NO.contains(&property) || of_type == Some("boolean") => {
                (!matches!(value, "true" | "false")).then(|| "true, false".to_owned())
            }
            Some("integer") => value.parse::<i64>().is_err().then(|| "an integer".to_owned()),
            Some("Coding") if op == "=" => self.coding_text(value),
            _ => None,
        };
        if let Some(wanted) = wanted {
            self.report(filter, Code::FilterValue, "", property, &wanted);
        }
    }

    /// `system|version#code`; what it should be, if it isn't.
    fn coding_text(&self, value: &str) -> Option<String> {
        let Some((system, code)) = value.split_once('#') else {
            return Some("system|version#code".to_owned());
        };
        let system = canonical::url(system);
        self.is_unknown(system, code).then(|| format!("a code of {system}"))
    }

    fn concept_map(&mut self, node: Node<'w>) {
        let named = |side: &str| {
            let [uri, canonical] = ["Uri", "Canonical"].map(|end| format!("{side}{end}"));
            node.child_text(&uri).or_else(|| node.child_text(&canonical))
        };
        let (sources, targets) = (named("source"), named("target"));
        for (index, group) in node.all("group").enumerate() {
            self.at_item(group, index, |walk| walk.map_group(group, sources, targets));
        }
    }

    fn map_group(&mut self, group: Node<'w>, sources: Option<&str>, targets: Option<&str>) {
        let (source, target) = (group.child_text("source"), group.child_text("target"));
        for (index, element) in group.all("element").enumerate() {
            self.at_item(element, index, |walk| {
                // What is mapped is in the source set; the target set is only the context.
                walk.is_in_set(element, (source, sources), Code::NotInValueSet);
                for (index, to) in element.all("target").enumerate() {
                    walk.at_item(to, index, |walk| {
                        walk.is_in_set(to, (target, targets), Code::NotInExtensible);
                    });
                }
            });
        }
    }

    fn is_in_set(
        &mut self,
        node: Node<'w>,
        (system, value_set): (Option<&str>, Option<&str>),
        missing: Code,
    ) {
        let (Some(at), Some(_)) = (node.child("code"), system) else { return };
        let code = at.text().unwrap_or_default();
        let question = CodeQuestion { value_set, system, code, display: None };
        if self.ask(&question) != Membership::NotMember {
            return;
        }
        let found = format!("{}#{code}", system.unwrap_or_default());
        self.at_child(at, |walk| match value_set {
            Some(value_set) => walk.report(at, missing, "", &found, value_set),
            None => walk.report(at, Code::UnknownCode, "", code, system.unwrap_or_default()),
        });
    }

    /// What says that it is FHIRPath can be read as such.
    pub(super) fn expression(&mut self, node: Node<'w>) {
        if node.child_text("language") != Some("text/fhirpath") {
            return;
        }
        let Some(text) = node.child_text("expression") else { return };
        if let Err(error) = Expression::compile(text) {
            let error = error.to_string();
            self.report(node, Code::ExpressionSyntax, "Expression.expression", &error, "");
        }
    }

    /// A profile that nobody could validate by.
    fn profile(&mut self, node: Node<'w>) {
        if node.child_text("derivation") != Some("constraint") {
            return;
        }
        let definition = to_json::resource(node);
        let fault = definition.and_then(|definition| self.outside.profiles.fault_of(&definition));
        let Some(error) = fault else { return };
        let view = ["snapshot", "differential"].into_iter().find_map(|name| node.child(name));
        let Some(view) = view else { return };
        let id = |element: &Node<'w>| element.child_text("id").or(element.child_text("path"));
        let elements = view.all("element").enumerate();
        let at = elements.into_iter().find(|(_, element)| id(element) == Some(&error.element));
        // What builds on something that isn't at hand may be right.
        let is_wrong = !matches!(
            &error.fault,
            ProfileFault::NoBase(_) | ProfileFault::NotSupported(_) | ProfileFault::TooLarge
        );
        let put = |walk: &mut Self, at: Node<'w>| {
            let found = error.to_string();
            let mut finding = walk.finding(at, Code::ProfileUnusable, "", &found, "");
            if !is_wrong {
                finding.severity = IssueSeverity::Warning;
            }
            walk.put(finding);
        };
        let Some((index, element)) = at else {
            put(self, node);
            return;
        };
        self.at_child(view, |walk| {
            walk.at_item(element, index, |walk| match (&error.fault, element.child("slicing")) {
                (ProfileFault::Discriminator(text), Some(slicing)) => {
                    let mut all = slicing.all("discriminator").enumerate();
                    let wrong = all.find(|(_, one)| one.child_text("path") == Some(text));
                    walk.at_child(slicing, |walk| match wrong {
                        Some((index, one)) => walk.at_item(one, index, |walk| put(walk, one)),
                        None => put(walk, slicing),
                    });
                }
                _ => put(walk, element),
            });
        });
    }

    fn at_item(&mut self, item: Node<'w>, index: usize, tell: impl FnOnce(&mut Self)) {
        self.path.push(Part::Item(item.name(), index));
        tell(self);
        self.path.pop();
    }
}

/// With those below them.
fn concepts(node: Node<'_>) -> usize {
    node.all("concept").map(|concept| 1 + concepts(concept)).sum()
}
