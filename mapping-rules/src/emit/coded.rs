//! `$code`: a house code with the standard codes that its map gives it on the clinical day.

use std::borrow::Cow;

use chrono::NaiveDate;
use genkan_fhir::definitions::check_primitive;
use serde_json::Value as Json;

use super::writer::{Step, Writer, Written};
use super::{IssueSeverity, Record};
use crate::codemap::{CodeMap, Coding, LocalEmit, Modifier, UnmappedPolicy, UnmappedSeverity};
use crate::diagnostic::Text;
use crate::evaluate::{self, FaultAt, Frame};
use crate::lens::Fault;
use crate::program::{Coded, CodedShape, Node, Term};

impl<'a> Writer<'a, '_> {
    pub(super) fn coded(
        &mut self,
        node: &'a Node,
        coded: &'a Coded,
        record: &'a Record,
        frame: &Frame<'a>,
    ) -> Written {
        let map = &self.emitter.rules.code_maps[coded.map];
        let local = self.term_text(Some(&coded.from), frame);
        let text = self.checked_text(coded.text.as_ref(), "string", frame);
        if local.is_none() && text.is_none() {
            return Written::Nothing;
        }
        let display = self.checked_text(coded.display.as_ref(), "string", frame);
        let display = display.or_else(|| text.clone());
        let (codings, modifiers) = self.codings(map, coded, (local.as_deref(), display), frame);
        let written = match coded.shape {
            CodedShape::CodeableConcept => {
                self.concept((&codings, modifiers), text.as_deref(), coded, record, frame)
            }
            CodedShape::Coding => codings.first().map(|coding| self.coding(coding, coded, frame)),
            CodedShape::Code => codings.first().and_then(|coding| self.code(coding, coded, frame)),
        };
        match written {
            Some(()) if node.from_row => Written::FromRow,
            Some(()) => Written::Constant,
            None => Written::Nothing,
        }
    }

    pub(super) fn term_text(
        &mut self,
        term: Option<&'a Term>,
        frame: &Frame<'a>,
    ) -> Option<Cow<'a, str>> {
        let term = term?;
        let text = evaluate::text(term, frame, &mut self.faults);
        self.flush_faults(term);
        text
    }

    /// Standard codings first, in the map's order, then the house code as the map says. It too has
    /// a display, because the profiles ask every coding for one.
    fn codings(
        &mut self,
        map: &'a CodeMap,
        coded: &'a Coded,
        (local, display): (Option<&str>, Option<Cow<'a, str>>),
        frame: &Frame<'a>,
    ) -> (Vec<Cow<'a, Coding>>, &'a [Modifier]) {
        let at = self.term_text(coded.at.as_ref(), frame);
        let day = at.as_deref().and_then(clinical_day);
        let segment = local.and_then(|local| map.translate(local, day));
        let mut codings: Vec<Cow<'a, Coding>> = Vec::new();
        if let Some(segment) = segment {
            codings.extend(segment.codings.iter().map(Cow::Borrowed));
            for target in &segment.ambiguous {
                let en = format!("two `{target}` codes hold at once; none was taken");
                let ja = format!("「{target}」のコードが同時期に 2 つあるため採用しませんでした");
                let about = Some((map.id.clone(), local.unwrap_or_default().to_owned()));
                let severity = IssueSeverity::Warning;
                self.issue(severity, "ambiguous", &coded.from, Text::new(en, ja), about);
            }
        }
        let mapped = !codings.is_empty();
        let modifiers = segment.filter(|_| mapped).map_or(&[][..], |segment| &segment.modifiers);
        if !mapped {
            let with = self.term_text(coded.with.as_ref(), frame);
            if map.unmapped.policy == UnmappedPolicy::Uncoded {
                codings.extend(map.uncoded(with.as_deref()).iter().map(Cow::Borrowed));
            }
            self.unmapped(map, coded, local);
        }
        let text_only = !mapped && map.unmapped.policy == UnmappedPolicy::TextOnly;
        let emit_local = match map.local_emit {
            _ if text_only => false,
            LocalEmit::Always => true,
            LocalEmit::WhenUnmapped => !mapped,
            LocalEmit::Never => false,
        };
        if let (true, Some(local)) = (emit_local, local) {
            if check_primitive("code", local).is_ok() {
                let (system, code) = (map.local_system.clone(), local.to_owned());
                let display = display.map(Cow::into_owned);
                let house = Coding { system, version: None, code, display, span: None };
                codings.push(Cow::Owned(house));
            } else {
                self.bad_value("code", &coded.from);
            }
        }
        (codings, modifiers)
    }

    fn unmapped(&mut self, map: &'a CodeMap, coded: &'a Coded, local: Option<&str>) {
        let severity = match (map.unmapped.policy, map.unmapped.severity) {
            (UnmappedPolicy::Error, _) => {
                self.unusable = true;
                IssueSeverity::Error
            }
            (_, UnmappedSeverity::Error) => IssueSeverity::Error,
            (_, UnmappedSeverity::Warning) => IssueSeverity::Warning,
            (_, UnmappedSeverity::Information) => IssueSeverity::Information,
        };
        let local = local.unwrap_or_default();
        let (en, ja) = if local.is_empty() {
            (
                "there is no house code, only a text".to_owned(),
                "院内コードがなく文字列だけです".to_owned(),
            )
        } else {
            let id = &map.id;
            (
                format!("house code `{local}` has no standard code in map `{id}`"),
                format!("院内コード「{local}」に対応する標準コードがマップ「{id}」にありません"),
            )
        };
        let about = Some((map.id.clone(), local.to_owned()));
        self.issue(severity, "unmapped", &coded.from, Text::new(en, ja), about);
    }

    fn concept(
        &mut self,
        (codings, modifiers): (&[Cow<'a, Coding>], &'a [Modifier]),
        text: Option<&str>,
        coded: &'a Coded,
        record: &'a Record,
        frame: &Frame<'a>,
    ) -> Option<()> {
        if codings.is_empty() && text.is_none() {
            return None;
        }
        self.out.push(b'{');
        let open = self.out.len();
        self.properties(&coded.extension, record, frame, open);
        if !modifiers.is_empty() {
            self.modifiers(modifiers, coded, frame, open);
        }
        if !codings.is_empty() {
            self.name("coding", open);
            self.out.push(b'[');
            for (index, coding) in codings.iter().enumerate() {
                if index > 0 {
                    self.out.push(b',');
                }
                self.path.extend([Step::Name("coding"), Step::Index(index)]);
                self.coding(coding, coded, frame);
                self.path.truncate(self.path.len() - 2);
            }
            self.out.push(b']');
        }
        if let Some(text) = text {
            self.name("text", open);
            self.text(text);
            self.path.push(Step::Name("text"));
            self.leaf(text, coded.text.as_ref().unwrap_or(&coded.from), frame);
            self.path.pop();
        }
        self.out.push(b'}');
        Some(())
    }

    /// Behind the extensions that the rule has written, which are all that there is yet.
    fn modifiers(
        &mut self,
        modifiers: &'a [Modifier],
        coded: &'a Coded,
        frame: &Frame<'a>,
        open: usize,
    ) {
        let mut index = 0;
        let list = self.out[open..].iter().position(|byte| *byte == b'[').map(|at| open + at);
        if let Some(list) = list {
            let known: Result<Vec<Json>, _> = serde_json::from_slice(&self.out[list..]);
            index = known.map_or(0, |known| known.len());
            self.out.pop();
        } else {
            self.name("extension", open);
            self.out.push(b'[');
        }
        for Modifier { extension, coding } in modifiers {
            if index > 0 {
                self.out.push(b',');
            }
            self.out.push(b'{');
            let open = self.out.len();
            self.path.extend([Step::Name("extension"), Step::Index(index)]);
            self.named_text("url", extension, open);
            self.name("valueCodeableConcept", open);
            self.out.extend(b"{\"coding\":[");
            let steps = [Step::Name("valueCodeableConcept"), Step::Name("coding"), Step::Index(0)];
            self.path.extend(steps);
            self.coding(coding, coded, frame);
            self.path.truncate(self.path.len() - 2);
            self.out.push(b']');
            if let Some(display) = &coding.display {
                self.out.extend(b",\"text\":");
                self.text(display);
                self.path.push(Step::Name("text"));
                self.coded_leaf(display, coding, coded, frame);
                self.path.pop();
            }
            self.out.extend(b"}}");
            self.path.truncate(self.path.len() - 3);
            index += 1;
        }
        self.out.push(b']');
    }

    /// The code alone. The value set of a required binding says which there are.
    fn code(&mut self, coding: &Coding, coded: &'a Coded, frame: &Frame<'a>) -> Option<()> {
        let code = coding.code.as_str();
        if coded.codes.is_some_and(|codes| !codes.iter().any(|known| known.code == code)) {
            self.faults.push(FaultAt { fault: Fault::BAD_CODE, span: coded.from.span });
            self.flush_faults(&coded.from);
            return None;
        }
        self.text(code);
        self.coded_leaf(code, coding, coded, frame);
        Some(())
    }

    fn coding(&mut self, coding: &Coding, coded: &'a Coded, frame: &Frame<'a>) {
        self.out.push(b'{');
        let open = self.out.len();
        let parts = [
            ("system", Some(&coding.system)),
            ("version", coding.version.as_ref()),
            ("code", Some(&coding.code)),
            ("display", coding.display.as_ref()),
        ];
        for (name, text) in parts.into_iter().filter_map(|(name, text)| Some((name, text?))) {
            self.named_text(name, text, open);
            self.path.push(Step::Name(name));
            // The house's own name of the code is a term of the rule.
            match coded.display.as_ref().or(coded.text.as_ref()) {
                Some(term) if name == "display" && coding.span.is_none() => {
                    self.leaf(text, term, frame);
                }
                _ => self.coded_leaf(text, coding, coded, frame),
            }
            self.path.pop();
        }
        self.out.push(b'}');
    }

    /// A leaf that the map chose: by the house code, and by what else decides.
    fn coded_leaf(&mut self, value: &str, coding: &Coding, coded: &'a Coded, frame: &Frame<'a>) {
        let decides = [coded.at.as_ref(), coded.with.as_ref()].into_iter().flatten();
        let decides = decides.filter(|_| coding.span.is_some());
        let terms = std::iter::once(&coded.from).chain(decides);
        self.leaf_of(value, coded.from.span, coding.span, terms, frame);
    }
}

/// The day of a FHIR date or dateTime; a year or a month counts from its first day.
pub(crate) fn clinical_day(text: &str) -> Option<NaiveDate> {
    let day = match text.len() {
        4 => format!("{text}-01-01"),
        7 => format!("{text}-01"),
        _ => text.get(..10)?.to_owned(),
    };
    day.parse().ok()
}
