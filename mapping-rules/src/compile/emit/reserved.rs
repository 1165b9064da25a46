//! The reserved forms of `emit`: `$each` and `$code`.

use std::sync::Arc;

use super::value::Bound;
use super::{EmitCompiler, Slot, from_row, plain};
use crate::codemap::CodeMap;
use crate::compile::structure::{Entries, text};
use crate::diagnostic::Diagnostic;
use crate::grammar::{CODE, FIRST, RESERVED};
use crate::program::{Coded, CodedShape, Node, NodeKind, Property, Term};
use crate::yaml::{Key, Yaml};

/// A `$` key among the elements.
pub(super) fn misplaced(key: &Key) -> Diagnostic {
    let name = key.name.as_str();
    if !RESERVED.contains(&name) {
        let (en, ja) = (format!("`{name}` has no meaning"), format!("「{name}」は使えません"));
        return Diagnostic::error("E0511", key.span, en, ja).nearest(name, RESERVED);
    }
    let (en, ja) =
        (format!("`{name}` can't stand here"), format!("「{name}」はここには書けません"));
    let diagnostic = Diagnostic::error("E0511", key.span, en, ja);
    match name {
        FIRST => diagnostic.hint(
            "it stands alone under an element that doesn't repeat",
            "繰り返しのない要素の下に単独で書きます",
        ),
        _ => diagnostic.hint(
            "it stands under an element, not beside the elements of the resource",
            "リソース直下ではなく、要素の下に書きます",
        ),
    }
}

impl EmitCompiler<'_, '_> {
    pub(super) fn only(&mut self, yaml: &Yaml, known: &[&str]) {
        match Entries::of(yaml) {
            Ok(entries) => entries.only(known, self.found),
            Err(diagnostic) => self.found.push(diagnostic),
        }
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
        self.only(yaml, &CODE);
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
            if self.shared.broken.has_map(&name) {
                return None;
            }
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
        self.check_choice(&self.shared.code_maps[map], yaml);
        let is_row = from_row(&from) || text.as_ref().is_some_and(from_row);
        let display = self.optional(yaml, "display")?;
        let extension = self.code_extension(yaml, shape)?;
        let codes = Bound::of(slot).filter(|_| slot.type_code == "code").map(|bound| bound.list);
        let coded = Coded { map, from, text, display, extension, at, with, shape, codes };
        Some(plain(yaml.span, slot.type_code, is_row, NodeKind::Coded(Box::new(coded))))
    }

    /// `with` of the rule and `by` of the map choose together; one alone does nothing.
    fn check_choice(&mut self, map: &CodeMap, yaml: &Yaml) {
        match (map.unmapped.by.is_empty(), yaml.get("with")) {
            (true, Some(with)) => {
                let en = format!("map `{}` has no `by`, so that `with` chooses nothing", map.id);
                let ja = format!("マップ「{}」に by がないため with は使われません", map.id);
                self.found.push(Diagnostic::warning("W0527", with.span, en, ja));
            }
            (false, None) => {
                let en =
                    format!("map `{}` chooses by `with`, which this place doesn't give", map.id);
                let ja = format!("マップ「{}」の by に渡す with がありません", map.id);
                self.found.push(Diagnostic::warning("W0528", yaml.span, en, ja));
            }
            _ => {}
        }
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
    pub(super) fn optional(&mut self, yaml: &Yaml, name: &str) -> Option<Option<Term>> {
        match yaml.get(name) {
            None => Some(None),
            Some(value) => self.expression(value).map(Some),
        }
    }
}
