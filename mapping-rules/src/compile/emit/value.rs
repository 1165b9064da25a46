//! What a primitive may hold: values that are known now are checked now, codes that only the rows
//! know are checked there.

use genkan_fhir::definitions::{BindingStrength, Definitions, ValueSetCode, check_primitive};

use super::{EmitCompiler, Slot};
use crate::diagnostic::Diagnostic;
use crate::expression::{Expression, ExpressionKind as K};
use crate::lens::{Lens, MapTable};
use crate::program::Term;

impl EmitCompiler<'_, '_> {
    /// The term of a primitive; behind it the codes of a required binding, if it may have others.
    pub(super) fn checked(&mut self, term: Term, slot: Slot) -> Term {
        let codes = required_codes(slot);
        let known = self.check_outputs(&term, slot, codes);
        match codes {
            Some(codes) if !known => {
                let pairs = codes.iter().map(|of| (of.code.to_owned(), of.code.to_owned()));
                let table = MapTable { pairs: pairs.collect(), otherwise: None };
                let span = term.span;
                Expression { kind: K::Pipe(Box::new(term), Lens::Codes(table)), span }
            }
            _ => term,
        }
    }

    /// Constants and the values of a `map` are known now: they have to be values of the type, and
    /// codes of a required binding. False if the term may have others.
    fn check_outputs(&mut self, term: &Term, slot: Slot, codes: Option<&[ValueSetCode]>) -> bool {
        let texts: Vec<&str> = match &term.kind {
            K::Text(text) => vec![text],
            K::Else(first, second) => {
                let first = self.check_outputs(first, slot, codes);
                return self.check_outputs(second, slot, codes) && first;
            }
            K::Pipe(_, Lens::Map(map)) => {
                map.pairs.iter().map(|(_, v)| v).chain(&map.otherwise).map(String::as_str).collect()
            }
            _ => return false,
        };
        for text in texts {
            if check_primitive(slot.type_code, text).is_err() {
                let en = format!("`{text}` is no FHIR {}", slot.type_code);
                let ja = format!("「{text}」は FHIR の {} 型の値ではありません", slot.type_code);
                self.found.push(Diagnostic::error("E0505", term.span, en, ja));
            } else if let Some(codes) = codes
                && !codes.iter().any(|known| known.code == text)
            {
                let en = format!("`{text}` is no code of `{}`", slot.element.path);
                let ja = format!("「{text}」は「{}」の値集合にないコードです", slot.element.path);
                let known = codes.iter().map(|known| known.code);
                self.found.push(Diagnostic::error("E0506", term.span, en, ja).nearest(text, known));
            }
        }
        true
    }
}

/// The codes that a `code` may have; `None` where FHIR leaves it open or doesn't list them.
pub(super) fn required_codes(slot: Slot) -> Option<&'static [ValueSetCode]> {
    let binding = slot.element.binding.filter(|_| slot.type_code == "code")?;
    let required = binding.strength == BindingStrength::Required;
    required.then(|| Definitions::r4().value_set_codes(binding.value_set)).flatten()
}
