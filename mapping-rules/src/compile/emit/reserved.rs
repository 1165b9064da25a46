//! The reserved forms of `emit`: `$each`, `$code`, `$ref` and `$contained`.

use std::sync::Arc;

use super::value::required_codes;
use super::{EmitCompiler, Slot, from_row, plain};
use crate::compile::structure::{Entries, text};
use crate::diagnostic::{Diagnostic, Span};
use crate::program::{Coded, CodedShape, Contained, Node, NodeKind, Property, ReferenceTo, Term};
use crate::yaml::Yaml;

pub(super) const RESERVED: [&str; 8] =
    ["$if", "$each", "$use", "$value", "$code", "$ref", "$contained", "$first"];

const CODE_KEYS: [&str; 9] =
    ["$code", "from", "text", "display", "extension", "at", "with", "$if", "$each"];

impl EmitCompiler<'_, '_> {
    pub(super) fn only(&mut self, yaml: &Yaml, known: &[&str]) -> Option<()> {
        let checked = Entries::of(yaml).and_then(|entries| entries.only(known));
        self.complain(checked)
    }

    pub(super) fn each_child(&mut self, yaml: &Yaml) -> Option<usize> {
        let alias = self.complain(text(yaml))?.to_owned();
        let child = self.scope.child(&alias);
        if child.is_none() {
            let en = format!("`$each` needs a `many` table; `{alias}` is none");
            let ja = format!("$each には many の表が必要です（「{alias}」は違います）");
            let diagnostic = Diagnostic::error("E0515", yaml.span, en, ja)
                .nearest(&alias, self.scope.child_aliases());
            self.found.push(diagnostic);
        }
        if self.each.is_some() && child.is_some() {
            let en = "`$each` inside `$each` is not part of the language";
            self.found.push(Diagnostic::error(
                "E0515",
                yaml.span,
                en,
                "$each の中に $each は書けません",
            ));
            return None;
        }
        child
    }

    pub(super) fn coded(&mut self, yaml: &Yaml, slot: Slot) -> Option<Node> {
        self.only(yaml, &CODE_KEYS)?;
        let shape = match slot.type_code {
            "CodeableConcept" => CodedShape::CodeableConcept,
            "Coding" => CodedShape::Coding,
            "code" => CodedShape::Code,
            other => {
                let en = format!("`$code` makes a CodeableConcept, Coding or code, not a {other}");
                let ja = format!("$code は {other} 型の要素には使えません");
                self.found.push(Diagnostic::error("E0518", yaml.span, en, ja));
                return None;
            }
        };
        let name_yaml = yaml.get("$code")?;
        let name = self.complain(text(name_yaml))?.to_owned();
        let Some(map) = self.shared.code_maps.iter().position(|map| map.id == name) else {
            let en = format!("there is no code map `{name}`");
            let ja = format!("コードマップ「{name}」がありません");
            let known = self.shared.code_maps.iter().map(|map| map.id.as_str());
            let known: Vec<&str> = known.collect();
            self.found
                .push(Diagnostic::error("E0519", name_yaml.span, en, ja).nearest(&name, known));
            return None;
        };
        let Some(from) = yaml.get("from") else {
            let en = "`$code` needs `from`: the house code";
            self.found.push(Diagnostic::error(
                "E0202",
                yaml.span,
                en,
                "$code には from が必要です",
            ));
            return None;
        };
        let from = self.expression(from)?;
        let text = self.optional(yaml, "text")?;
        let at = self.optional(yaml, "at")?;
        let with = self.optional(yaml, "with")?;
        let is_row = from_row(&from) || text.as_ref().is_some_and(from_row);
        let display = self.optional(yaml, "display")?;
        let extension = self.code_extension(yaml, shape)?;
        let codes = required_codes(slot);
        let coded = Coded { map, from, text, display, extension, at, with, shape, codes };
        Some(plain(yaml.span, slot.type_code, is_row, NodeKind::Coded(Box::new(coded))))
    }

    /// `extension` of the CodeableConcept, where JP-CLINS has prefixes and suffixes of a disease.
    fn code_extension(&mut self, yaml: &Yaml, shape: CodedShape) -> Option<Arc<[Property]>> {
        let entries = yaml.as_map().unwrap_or_default();
        let Some(entry) = entries.iter().find(|(key, _)| key.name == "extension") else {
            return Some(Arc::default());
        };
        if shape != CodedShape::CodeableConcept {
            let en = "only a CodeableConcept made by `$code` takes an `extension`";
            let ja = "extension を付けられるのは CodeableConcept の $code だけです";
            self.found.push(Diagnostic::error("E0511", entry.0.span, en, ja));
            return None;
        }
        Some(self.properties("CodeableConcept", &[entry]).into())
    }

    /// `None`: something is wrong with it; `Some(None)`: it isn't there.
    fn optional(&mut self, yaml: &Yaml, name: &str) -> Option<Option<Term>> {
        match yaml.get(name) {
            None => Some(None),
            Some(value) => self.expression(value).map(Some),
        }
    }

    pub(super) fn reference(&mut self, yaml: &Yaml, slot: Slot) -> Option<Node> {
        self.only(yaml, &["$ref", "$contained", "key", "display", "$if", "$each"])?;
        if slot.type_code != "Reference" {
            let en = format!("`$ref` makes a Reference, not a {}", slot.type_code);
            let ja = format!("$ref は {} 型の要素には使えません", slot.type_code);
            self.found.push(Diagnostic::error("E0518", yaml.span, en, ja));
            return None;
        }
        let travels = yaml.get("$contained").is_some();
        let name_yaml = yaml.get("$contained").or_else(|| yaml.get("$ref"))?;
        let name = self.complain(text(name_yaml))?.to_owned();
        let Some(rule) = self.shared.headers.iter().position(|header| header.id == name) else {
            let en = format!("there is no rule `{name}`");
            let ja = format!("規則「{name}」がありません");
            let known: Vec<&str> = self.shared.headers.iter().map(|h| h.id.as_str()).collect();
            self.found
                .push(Diagnostic::error("E0520", name_yaml.span, en, ja).nearest(&name, known));
            return None;
        };
        let key = self.reference_key(yaml, rule)?;
        self.check_target(name_yaml.span, rule, slot);
        let display = self.optional(yaml, "display")?;
        let is_row = key.iter().any(from_row);
        let mut reference = ReferenceTo { rule, key, display, contained: None };
        if travels {
            if self.each.is_some() {
                let en = "`$contained` under `$each` is not part of the language";
                let ja = "$each の中に $contained は書けません";
                self.found.push(Diagnostic::error("E0521", yaml.span, en, ja));
                return None;
            }
            reference.contained = Some(self.contained.len());
            let same_row = None;
            self.contained.push(Contained { reference: reference.clone(), same_row });
        }
        Some(plain(yaml.span, slot.type_code, is_row, NodeKind::Reference(reference)))
    }

    fn reference_key(&mut self, yaml: &Yaml, rule: usize) -> Option<Vec<Term>> {
        let header = &self.shared.headers[rule];
        let parts: &[Yaml] = match yaml.get("key") {
            Some(key) => key.as_list().unwrap_or(std::slice::from_ref(key)),
            None => &[],
        };
        if parts.len() != header.key_length {
            let (id, wanted) = (&header.id, header.key_length);
            let en = format!("the key of rule `{id}` has {wanted} columns, not {}", parts.len());
            let ja = format!("規則「{id}」のキーは {wanted} 列です（{} 列あります）", parts.len());
            self.found.push(Diagnostic::error("E0522", yaml.span, en, ja));
            return None;
        }
        parts.iter().map(|part| self.expression(part)).collect()
    }

    /// FHIR says which types a reference may point to.
    fn check_target(&mut self, span: Span, rule: usize, slot: Slot) {
        let Some(of) = slot.element.type_named("Reference") else { return };
        let resource = &self.shared.headers[rule].resource;
        let any = of.targets.is_empty() || of.targets.contains(&"Resource");
        if !any && !of.targets.iter().any(|target| target == resource) {
            let list = of.targets.join(", ");
            let en = format!("`{}` may refer to {list}; not to {resource}", slot.element.path);
            let ja =
                format!("「{}」の参照先は {list} です（{resource} は不可）", slot.element.path);
            self.found.push(Diagnostic::error("E0508", span, en, ja));
        }
    }
}
