//! What a primitive may hold: values that are known now are checked now, codes that only the rows
//! know are checked there.

use genkan_fhir::definitions::{BindingStrength, Definitions, ValueSetCode, check_primitive};

use super::{EmitCompiler, Slot};
use crate::diagnostic::{Diagnostic, Span};
use crate::expression::{Expression, ExpressionKind as K};
use crate::lens::{Lens, MapTable};
use crate::program::Term;

impl EmitCompiler<'_, '_> {
    /// The term of a primitive; behind it the codes of a required binding, if it may have others.
    pub(super) fn checked(&mut self, term: Term, slot: Slot) -> Term {
        let bound = match slot.element.path {
            "Coding.code" => self.coding,
            _ if slot.type_code == "code" => Bound::of(slot),
            _ => None,
        };
        let known = self.check_outputs(&term, slot, bound);
        match bound {
            Some(bound) if !known => {
                let pairs = bound.codes().map(|code| (code.to_owned(), code.to_owned()));
                let table = MapTable { pairs: pairs.collect(), otherwise: None };
                let span = term.span;
                Expression { kind: K::Pipe(Box::new(term), Lens::Codes(table)), span }
            }
            _ => term,
        }
    }

    /// Constants and the values of a `map` are known now: they have to be values of the type, and
    /// codes of a required binding. False if the term may have others.
    fn check_outputs(&mut self, term: &Term, slot: Slot, bound: Option<Bound>) -> bool {
        let texts: Vec<&str> = match &term.kind {
            K::Text(text) => vec![text],
            K::Else(first, second) => {
                let first = self.check_outputs(first, slot, bound);
                return self.check_outputs(second, slot, bound) && first;
            }
            K::Pipe(_, Lens::Map(map)) => {
                map.pairs.iter().map(|(_, v)| v).chain(&map.otherwise).map(String::as_str).collect()
            }
            _ => return false,
        };
        for text in texts {
            if matches!(term.kind, K::Text(_)) && text.contains("$(") {
                self.found.push(unfilled(term.span));
            } else if check_primitive(slot.type_code, text).is_err() {
                let en = format!("`{text}` is no FHIR {}", slot.type_code);
                let ja = format!("「{text}」は FHIR の {} 型の値ではありません", slot.type_code);
                self.found.push(Diagnostic::error("E0505", term.span, en, ja));
            } else if let Some(bound) = bound
                && !bound.codes().any(|known| known == text)
            {
                let en = format!("`{text}` is no code of `{}`", bound.path);
                let ja = format!("「{text}」は「{}」の値集合にないコードです", bound.path);
                let diagnostic = Diagnostic::error("E0506", term.span, en, ja);
                self.found.push(diagnostic.nearest(text, bound.codes()));
            }
        }
        true
    }
}

/// The codes that FHIR requires somewhere, if it lists them.
#[derive(Clone, Copy)]
pub(super) struct Bound {
    /// The element that requires them.
    path: &'static str,
    pub list: &'static [ValueSetCode],
    system: Option<&'static str>,
}

impl Bound {
    pub fn of(slot: Slot) -> Option<Self> {
        let binding = slot.element.binding?;
        let required = binding.strength == BindingStrength::Required;
        let list = required.then(|| Definitions::r4().value_set_codes(binding.value_set))?;
        Some(Bound { path: slot.element.path, list: list?, system: None })
    }

    /// Of a Coding with this system. One with a system that the value set doesn't have is a
    /// translation, and free.
    pub fn in_system(self, system: &str) -> Option<Self> {
        let known = self.list.iter().find(|of| of.system == system)?;
        Some(Bound { system: Some(known.system), ..self })
    }

    fn codes(self) -> impl Iterator<Item = &'static str> {
        let own = move |of: &&ValueSetCode| self.system.is_none_or(|system| of.system == system);
        self.list.iter().filter(own).map(|of| of.code)
    }
}

/// `$(…)` in a text that no `=` stands before: it would be served as it is written.
fn unfilled(span: Span) -> Diagnostic {
    let en = "`$(…)` is put in behind `=` only; this is a constant";
    let ja = "$(…) は = で始まる式の中でだけ置き換わります。これは定数です";
    Diagnostic::error("E0529", span, en, ja).hint(
        "begin with `=`, and quote the text inside: `= \"a$(t.COLUMN)\"`",
        "= で始め、文字列を引用符で囲みます: = \"a$(t.COLUMN)\"",
    )
}
