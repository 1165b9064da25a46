//! `$ref` and `$contained`: which rule's resource is referred to, and by which key.

use chrono::FixedOffset;
use genkan_adapter::ColumnKind;

use super::{EmitCompiler, Slot, from_row, plain};
use crate::compile::structure::{Entries, text};
use crate::diagnostic::{Diagnostic, Span};
use crate::evaluate;
use crate::expression::ExpressionKind as K;
use crate::grammar;
use crate::image::value_of_kind;
use crate::lens::Lens;
use crate::program::{Contained, Node, NodeKind, ReferenceTo, Term};
use crate::yaml::Yaml;

impl EmitCompiler<'_, '_> {
    pub(super) fn reference(&mut self, yaml: &Yaml, slot: Slot) -> Option<Node> {
        self.only(yaml, &grammar::REFERENCE);
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
            if self.shared.broken.rules {
                return None;
            }
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
        let key = Entries::of(yaml).and_then(|entries| entries.required("key"));
        let key = self.complain(key)?;
        let parts = key.as_list().unwrap_or(std::slice::from_ref(key));
        if parts.len() != header.key.len() {
            let (id, wanted) = (&header.id, header.key.len());
            let en = format!("the key of rule `{id}` has {wanted} columns, not {}", parts.len());
            let ja = format!("規則「{id}」のキーは {wanted} 列です（{} 列あります）", parts.len());
            self.found.push(Diagnostic::error("E0522", yaml.span, en, ja));
            return None;
        }
        let mut terms = Vec::with_capacity(parts.len());
        for (part, kind) in parts.iter().zip(&header.key) {
            let term = self.expression(part)?;
            if kind.is_some_and(|kind| !gives_key(&term, kind)) {
                let en = format!("the key of rule `{}` is no text, and this may be one", header.id);
                let ja = format!("規則「{}」のキーは文字列ではありません", header.id);
                self.found.push(Diagnostic::error("E0523", part.span, en, ja).hint(
                    "name a column of the key's type, or read a number with `| num`: `007` is not the id of 7",
                    "キーと同じ型の列を指定するか、数値なら | num を付けてください（007 は 7 の id になりません）",
                ));
            }
            terms.push(term);
        }
        Some(terms)
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

/// The text is the one that the key itself has in an id. Any text may be a text's; of a number or a
/// day there is one spelling, which only such a column or `num` is sure to have.
fn gives_key(term: &Term, key: ColumnKind) -> bool {
    let spelt = |text: &str| {
        let value = value_of_kind(key, text);
        let zone = FixedOffset::east_opt(0);
        value.zip(zone).is_some_and(|(value, zone)| {
            evaluate::value_text(&value, zone).is_some_and(|again| again == text)
        })
    };
    match &term.kind {
        _ if key.is_text() => true,
        K::Name(column) => match key {
            ColumnKind::Integer | ColumnKind::Decimal => {
                matches!(column.kind, ColumnKind::Integer | ColumnKind::Decimal)
            }
            _ => column.kind == key,
        },
        K::Text(text) => spelt(text),
        // Leading zeros are gone behind it.
        K::Pipe(_, Lens::Number) => matches!(key, ColumnKind::Integer | ColumnKind::Decimal),
        K::Pipe(_, Lens::Map(map)) => {
            map.pairs.iter().map(|(_, value)| value).chain(&map.otherwise).all(|text| spelt(text))
        }
        K::Else(first, second) => gives_key(first, key) && gives_key(second, key),
        _ => false,
    }
}
