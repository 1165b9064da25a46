//! What a draft emits, type by type. Elements without a column that feeds them are left out; those
//! that FHIR requires get the value that claims least.

mod clinical;
mod medication;
mod person;

use std::collections::BTreeMap;

use super::Found;
use super::codes::Maps;
use super::tables::{Cell, Tables};
use super::text::{Sheet, yaml_name};
use crate::diagnostic::{Language, Text};
use crate::scan::guess::{Guess, ResourceKind as K};
use crate::vocabulary::Meaning as M;

pub(super) fn rule_id(kind: K) -> &'static str {
    match kind {
        K::Patient => "patient",
        K::Practitioner => "practitioner",
        K::Encounter => "encounter",
        K::Condition => "condition",
        K::AllergyIntolerance => "allergy",
        K::Observation => "lab",
        K::MedicationRequest => "medicationrequest",
        K::Coverage => "coverage",
    }
}

/// The profile of 電子カルテ情報共有サービス that such a rule will want to declare.
fn profile(kind: K) -> Option<&'static str> {
    Some(match kind {
        K::Patient => "JP_Patient_eCS",
        K::Condition => "JP_Condition_eCS",
        K::AllergyIntolerance => "JP_AllergyIntolerance_eCS",
        K::Observation => "JP_Observation_LabResult_eCS",
        K::MedicationRequest => "JP_MedicationRequest_eCS",
        K::Practitioner | K::Encounter | K::Coverage => return None,
    })
}

/// What the elements of one draft are made of.
struct Draft<'a, 'm> {
    found: Found<'a>,
    tables: &'a Tables<'a>,
    ids: &'a BTreeMap<usize, String>,
    maps: &'m mut Maps,
    language: Language,
    sheet: Sheet,
}

pub(super) fn sheet(
    found: Found,
    tables: &Tables,
    (id, source, guess): (&str, &str, &Guess),
    ids: &BTreeMap<usize, String>,
    maps: &mut Maps,
    language: Language,
) -> Sheet {
    let mut draft = Draft { found, tables, ids, maps, language, sheet: Sheet::default() };
    draft.head(id, source, guess);
    draft.filter();
    draft.updated();
    draft.blank();
    draft.sheet.head(["emit:".to_owned()]);
    match guess.kind {
        K::Patient => draft.patient(),
        K::Practitioner => draft.practitioner(),
        K::Encounter => draft.encounter(),
        K::Condition => draft.condition(),
        K::AllergyIntolerance => draft.allergy(),
        K::Observation => draft.observation(),
        K::MedicationRequest => draft.medication_request(),
        K::Coverage => draft.coverage(),
    }
    draft.children();
    draft.unused(guess.kind);
    draft.sheet
}

impl<'a> Draft<'a, '_> {
    fn say(&self, en: impl Into<String>, ja: impl Into<String>) -> String {
        Text::new(en, ja).in_language(self.language).to_owned()
    }

    fn find(&self, means: M) -> Option<Cell<'a>> {
        self.tables.find(means)
    }

    fn head(&mut self, id: &str, source: &str, guess: &Guess) {
        let (table, kind) = (&self.tables.root().name, guess.kind.name());
        let reasons: Vec<&str> =
            guess.reasons.iter().map(|reason| reason.in_language(self.language)).collect();
        let mut lines = vec![
            format!("# {table} → {kind}"),
            self.say(
                "# Drafted by `genkan rules scan`: a guess until somebody has looked at each line.",
                "# genkan rules scan の下書きです。1 行ずつ確認してください。",
            ),
            self.say(
                format!("# Why: {}", reasons.join(", ")),
                format!("# 理由: {}", reasons.join("、")),
            ),
            format!("rule: {id}"),
            format!("resource: {kind}"),
        ];
        if source != crate::sources::MAIN {
            lines.push(format!("source: {source}"));
        }
        if let Some(profile) = profile(guess.kind) {
            let todo = self.say(
                "declare it when `genkan rules coverage` misses nothing",
                "genkan rules coverage で不足がなくなったら宣言します",
            );
            lines.push(format!(
                "# profile: http://jpfhir.jp/fhir/eCS/StructureDefinition/{profile}   # TODO: {todo}"
            ));
        }
        if !self.tables.root().key_is_declared {
            let todo = self.say(
                "the catalog declares no key; the sample suggests this one",
                "キーの宣言がないため、標本から推定しました",
            );
            lines.push(format!("# TODO: {todo}"));
        }
        lines.push("from:".to_owned());
        let mut entries = self.tables.entries().into_iter();
        lines.extend(entries.next());
        self.sheet.head(lines);
        entries.for_each(|entry| self.sheet.part([entry]));
    }

    fn filter(&mut self) {
        let flags = [M::DeleteFlag, M::TestFlag].into_iter().filter_map(|means| self.find(means));
        let flags = flags.filter(|cell| cell.column.codes().is_some());
        let flags: Vec<Cell> = flags.collect();
        if flags.is_empty() {
            return;
        }
        let terms: Vec<String> =
            flags.iter().map(|cell| format!("{} != \"1\"", cell.name())).collect();
        let seen: Vec<String> = flags.iter().map(|cell| cell.counts()).collect();
        let todo = self.say(
            format!("does 1 mean that the row must not be shown? {}", seen.join("; ")),
            format!("1 は表示しない行ですか？ {}", seen.join("; ")),
        );
        self.sheet.part([format!("where: = {}   # TODO: {todo}", terms.join(" and "))]);
    }

    fn updated(&mut self) {
        match self.find(M::Updated).filter(|cell| cell.alias == "r") {
            Some(cell) => {
                self.sheet.part([format!("updated: = {}", cell.date())]);
            }
            None => self.sheet.head(["updated: hash".to_owned()]),
        }
    }

    /// What dates hold that are none.
    fn blank(&mut self) {
        let columns = self.tables.joined.iter();
        let columns = columns.flat_map(|(_, at, _)| &self.found.tables[*at].columns);
        let mut seen: Vec<&str> = columns
            .filter(|column| column.is_date())
            .flat_map(|column| column.sentinels.keys().map(String::as_str))
            .collect();
        seen.sort_unstable();
        seen.dedup();
        if !seen.is_empty() {
            let list: Vec<String> = seen.iter().map(|text| format!("\"{text}\"")).collect();
            self.sheet.part([format!("blank: [{}]", list.join(", "))]);
        }
    }

    /// One element, under `emit`.
    fn element(&mut self, lines: impl IntoIterator<Item = String>) {
        self.sheet.part(lines.into_iter().map(|line| format!("  {line}")).collect::<Vec<_>>());
    }

    fn todo(&mut self, en: impl Into<String>, ja: impl Into<String>) {
        let text = self.say(en, ja);
        self.sheet.part([format!("  # TODO: {text}")]);
    }

    /// An element of a day or time.
    fn moment(&mut self, element: &str, means: M) {
        if let Some(cell) = self.find(means) {
            self.element([format!("{element}: = {}", cell.date())]);
        }
    }

    /// References to the rules of this type whose rows a column names.
    fn referred(&self, kind: K) -> Vec<String> {
        let of = |(at, id): (&usize, &String)| {
            let guess = self.found.guesses[*at].as_ref()?;
            let drafted = guess.kind == kind && !self.found.tables[*at].key.is_empty();
            let key = self.tables.reference_to(*at).filter(|_| drafted)?;
            Some(format!("{{$ref: {id}, key: [{}]}}", key.join(", ")))
        };
        self.ids.iter().filter_map(of).collect()
    }

    /// The reference, or the first that has a row if there are several.
    fn refer(&self, kind: K) -> Option<String> {
        match self.referred(kind).as_slice() {
            [] => None,
            [one] => Some(one.clone()),
            several => Some(format!("{{$first: [{}]}}", several.join(", "))),
        }
    }

    /// The unit of the row, or else that of a master.
    fn unit(&self) -> Option<String> {
        let cells = self.tables.all(M::Unit);
        let names: Vec<String> = cells.iter().map(Cell::name).collect();
        (!names.is_empty()).then(|| names.join(" else "))
    }

    fn subject(&mut self, element: &str) {
        match self.refer(K::Patient) {
            Some(reference) => self.element([format!("{element}: {reference}")]),
            None => {
                let todo = self.say(
                    "no column was found that names a row of a patients' table",
                    "患者の表を指す列が見つかりません",
                );
                self.element([format!("{element}: {{display: 不明}}   # TODO: {todo}")]);
            }
        }
    }

    fn visit(&mut self) {
        if let Some(reference) = self.refer(K::Encounter) {
            self.element([format!("encounter: {reference}")]);
        }
    }

    /// A CodeableConcept of a house code with its name, or of the name alone.
    fn concept(&mut self, element: &str, code: M, name: M, at: Option<M>) {
        let names = [self.tables.name_of(code), self.find(name)].into_iter().flatten();
        let mut names: Vec<String> = names.map(|cell| cell.name()).collect();
        names.dedup();
        let text = names.join(" else ");
        let coded = self.find(code).filter(|cell| cell.column.real() > 0);
        let map =
            coded.and_then(|cell| Some((cell, self.maps.of(code, cell, self.tables, self.found)?)));
        match map {
            Some((cell, map)) => {
                let mut parts = vec![format!("$code: {map}, from: = {}", cell.text())];
                if !text.is_empty() {
                    parts.push(format!("text: = {text}"));
                }
                if let Some(day) = at.and_then(|at| self.find(at)) {
                    parts.push(format!("at: = {}", day.day()));
                }
                self.element([format!("{element}: {{{}}}", parts.join(", "))]);
            }
            None if !text.is_empty() => {
                self.element([format!("{element}: {{text: = {text}}}")]);
            }
            None => {}
        }
    }

    /// Tables whose rows hang on these: many for one.
    fn children(&mut self) {
        let lines: Vec<(String, String)> = self
            .tables
            .children()
            .map(|(joined, table)| {
                let pairs = joined.candidate.columns.iter();
                let pairs: Vec<String> =
                    pairs.map(|(own, key)| format!("{} = r.{key}", yaml_name(own))).collect();
                let entry = format!(
                    "c: {{table: {}, many: [{}]}}",
                    yaml_name(&table.name),
                    pairs.join(", ")
                );
                (table.name.clone(), entry)
            })
            .collect();
        for (table, entry) in lines {
            self.todo(
                format!("rows of {table} hang on this one; under `from`: {entry}"),
                format!("{table} の行がぶら下がっています。from に: {entry}"),
            );
        }
    }

    /// What no element of the draft reads, for whoever looks for it.
    fn unused(&mut self, kind: K) {
        let text = self.sheet.text();
        let root = self.tables.root();
        let unread = root
            .columns
            .iter()
            .filter(|column| !text.contains(&format!("r.{}", column.name)) && column.real() > 0);
        let names: Vec<&str> = unread.map(|column| column.name.as_str()).collect();
        if !names.is_empty() {
            let (list, kind) = (names.join(", "), kind.name());
            self.todo(
                format!("filled columns that nothing of this {kind} reads: {list}"),
                format!("値があるのに使っていない列: {list}"),
            );
        }
    }
}
