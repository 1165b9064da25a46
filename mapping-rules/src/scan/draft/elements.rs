//! What a draft emits, type by type. Elements without a column that feeds them are left out; those
//! that FHIR requires get the value that claims least.

use std::collections::BTreeMap;

use genkan_adapter::ColumnKind;

use super::Found;
use super::codes::Maps;
use super::tables::{Cell, Tables};
use super::text::{Sheet, is_word, yaml_name};
use crate::diagnostic::{Language, Text};
use crate::scan::guess::{Guess, ResourceKind as K};
use crate::scan::profile::ColumnProfile;
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

    fn patient(&mut self) {
        let key = self.tables.root().key.first().cloned().unwrap_or_default();
        let number = self.find(M::PatientNumber).map(|cell| cell.text());
        let number = number.or_else(|| is_word(&key).then(|| format!("r.{key}")));
        if let Some(number) = number {
            self.element([
                "identifier:".to_owned(),
                "  - system: = \"urn:oid:1.2.392.100495.20.3.51.1$(site.institution_no)\""
                    .to_owned(),
                format!("    value: = {number}"),
            ]);
        }
        self.names();
        let phones = [(M::Phone, "home"), (M::Mobile, "mobile")].into_iter();
        let phones = phones.filter_map(|(means, uses)| {
            let cell = self.find(means)?;
            Some(format!("  - {{system: phone, use: {uses}, value: = {} | phone}}", cell.text()))
        });
        let phones: Vec<String> = phones.collect();
        if !phones.is_empty() {
            self.element(std::iter::once("telecom:".to_owned()).chain(phones));
        }
        self.gender();
        self.moment("birthDate", M::BirthDate);
        self.moment("deceasedDateTime", M::DeathDate);
        let address = self.find(M::Address).map(|cell| format!("text: = {}", cell.text()));
        let zip = self.find(M::PostalCode);
        let zip = zip.map(|cell| format!("postalCode: = {} | postal", cell.text()));
        let parts: Vec<String> = address.into_iter().chain(zip).collect();
        if !parts.is_empty() {
            self.element(["address:".to_owned(), format!("  - {{{}}}", parts.join(", "))]);
        }
    }

    fn names(&mut self) {
        let mut lines = vec!["name:".to_owned()];
        let url = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation";
        for (means, code) in [(M::PersonName, "IDE"), (M::PersonKana, "SYL")] {
            let Some(cell) = self.find(means) else { continue };
            let half = cell.column.half_kana > 0;
            let name = format!("{}{}", cell.text(), if half { " | kana.full" } else { "" });
            lines.extend([
                format!("  - extension: [{{url: {url}, valueCode: {code}}}]"),
                "    use: official".to_owned(),
                format!("    text: = {name} | squeeze"),
                format!("    family: = {name} | name.family"),
                format!("    given: [= {name} | name.given]"),
            ]);
        }
        if lines.len() > 1 {
            self.element(lines);
        }
    }

    fn gender(&mut self) {
        let Some(cell) = self.find(M::Sex) else { return };
        let (codes, _) = cell.column.codes().unwrap_or_default();
        let pairs: Vec<String> = codes.iter().map(|(code, _)| format!("{code}=unknown")).collect();
        let pairs = if pairs.is_empty() { "1=unknown".to_owned() } else { pairs.join(" ") };
        let counts = cell.counts();
        let todo = self.say(
            format!("which is male, which female? {counts}"),
            format!("male・female はどの値ですか？ {counts}"),
        );
        self.element([format!(
            "gender: = {} | map {pairs} else unknown   # TODO: {todo}",
            cell.text()
        )]);
    }

    fn practitioner(&mut self) {
        if let Some(cell) = self.find(M::StaffNumber) {
            let todo = self.say("an address of your own", "自院の URL に");
            self.element([
                "identifier:".to_owned(),
                format!("  - system: http://hospital.example.jp/staff-number   # TODO: {todo}"),
                format!("    value: = {}", cell.text()),
            ]);
        }
        match self.find(M::PersonName) {
            Some(_) => self.names(),
            None => {
                if let Some(cell) = self.find(M::StaffName) {
                    self.element([format!("name: [{{text: = {} | squeeze}}]", cell.text())]);
                }
            }
        }
    }

    fn encounter(&mut self) {
        let todo =
            self.say("planned, in-progress, finished, cancelled …", "finished・cancelled など");
        self.element([format!("status: unknown   # TODO: {todo}")]);
        let todo = self.say(
            "system http://terminology.hl7.org/CodeSystem/v3-ActCode, code AMB, IMP or EMER",
            "system http://terminology.hl7.org/CodeSystem/v3-ActCode、code は外来 AMB・入院 IMP・救急 EMER",
        );
        self.element([format!("class: {{display: 不明}}   # TODO: {todo}")]);
        self.subject("subject");
        let start = self.find(M::AdmittedAt).or_else(|| self.find(M::VisitDate));
        let start = start.map(|cell| format!("start: = {}", cell.date()));
        let end = self.find(M::DischargedAt).map(|cell| format!("end: = {}", cell.date()));
        let parts: Vec<String> = start.into_iter().chain(end).collect();
        if !parts.is_empty() {
            self.element([format!("period: {{{}}}", parts.join(", "))]);
        }
    }

    fn condition(&mut self) {
        if let Some(cell) = self.find(M::Outcome) {
            let counts = cell.counts();
            self.todo(
                format!("clinicalStatus from {}: {counts}", cell.name()),
                format!("clinicalStatus を {} から: {counts}", cell.name()),
            );
        }
        if let Some(cell) = self.find(M::SuspectedFlag) {
            let counts = cell.counts();
            self.todo(
                format!("verificationStatus from {}: {counts}", cell.name()),
                format!("verificationStatus を {} から: {counts}", cell.name()),
            );
        }
        self.concept("code", M::DiseaseCode, M::DiseaseName, Some(M::StartDate));
        self.subject("subject");
        self.visit();
        self.moment("onsetDateTime", M::StartDate);
        self.moment("abatementDateTime", M::EndDate);
        self.moment("recordedDate", M::Created);
    }

    fn allergy(&mut self) {
        match self.find(M::AllergenCode).or_else(|| self.find(M::AllergenName)) {
            Some(_) => self.concept("code", M::AllergenCode, M::AllergenName, None),
            None => self.concept("code", M::DrugCode, M::DrugName, None),
        }
        if let Some(cell) = self.find(M::Severity) {
            let counts = cell.counts();
            self.todo(
                format!("criticality (low, high) from {}: {counts}", cell.name()),
                format!("criticality（low・high）を {} から: {counts}", cell.name()),
            );
        }
        self.subject("patient");
        self.moment("onsetDateTime", M::StartDate);
        self.moment("recordedDate", M::Created);
        if let Some(cell) = self.find(M::Reaction) {
            self.element([format!("reaction: [{{manifestation: [{{text: = {}}}]}}]", cell.text())]);
        }
        self.note();
    }

    fn observation(&mut self) {
        let status = self.find(M::ResultStatus).map(|cell| cell.counts());
        let counts = status.unwrap_or_default();
        let todo = self.say(
            format!("preliminary, final, corrected … {counts}"),
            format!("preliminary・final・corrected など {counts}"),
        );
        self.element([format!("status: unknown   # TODO: {}", todo.trim_end())]);
        self.concept("code", M::ItemCode, M::ItemName, Some(M::CollectedAt));
        self.subject("subject");
        self.visit();
        self.moment("effectiveDateTime", M::CollectedAt);
        self.moment("issued", M::ReportedAt);
        self.result();
        if let Some(cell) = self.find(M::AbnormalFlag) {
            let counts = cell.counts();
            self.todo(
                format!("interpretation from {}: {counts}", cell.name()),
                format!("interpretation を {} から: {counts}", cell.name()),
            );
        }
        self.limits();
        if let Some(cell) = self.find(M::Specimen) {
            self.element([format!("specimen: {{display: = {}}}", cell.text())]);
        }
        self.note();
    }

    fn result(&mut self) {
        let Some(cell) = self.find(M::ResultValue).or_else(|| self.find(M::ResultNumber)) else {
            return;
        };
        let value = cell.text();
        let mut lines = vec!["valueQuantity:".to_owned()];
        if cell.column.kind.is_text() {
            lines.push(format!("  $if: = {value} | is.number"));
            lines.push(format!("  comparator: = {value} | num.comparator"));
            lines.push(format!("  value: = {value} | num"));
        } else {
            lines.push(format!("  $if: = {value} exists"));
            lines.push(format!("  value: = {value}"));
        }
        lines.extend(self.unit().map(|unit| format!("  unit: = {unit}")));
        self.element(lines);
        if cell.column.kind.is_text() {
            self.element([format!(
                "valueString: {{$if: = not ({value} | is.number), $value: = {value}}}"
            )]);
        }
    }

    fn limits(&mut self) {
        let unit = self.unit().map(|unit| format!(", unit: = {unit}"));
        let unit = unit.unwrap_or_default();
        let limits = [("low", M::LowerLimit), ("high", M::UpperLimit)].into_iter();
        let limits = limits.filter_map(|(element, means)| {
            let cell = self.find(means)?;
            let value = cell.text();
            Some(match cell.column.kind.is_text() {
                true => format!(
                    "{element}: {{$if: = {value} | is.number, value: = {value} | num{unit}}}"
                ),
                false => format!("{element}: {{$if: = {value} exists, value: = {value}{unit}}}"),
            })
        });
        let limits: Vec<String> = limits.collect();
        if !limits.is_empty() {
            let mut lines = vec!["referenceRange:".to_owned()];
            lines.extend(
                limits.iter().enumerate().map(|(index, limit)| {
                    format!("  {} {limit}", if index == 0 { "-" } else { " " })
                }),
            );
            self.element(lines);
        }
    }

    fn medication_request(&mut self) {
        let todo = self.say("active, completed, cancelled …", "active・completed・cancelled など");
        self.element([format!("status: unknown   # TODO: {todo}")]);
        self.element(["intent: order".to_owned()]);
        self.concept("medicationCodeableConcept", M::DrugCode, M::DrugName, Some(M::PrescribedAt));
        self.subject("subject");
        self.visit();
        self.moment("authoredOn", M::PrescribedAt);
        self.dosage();
        if let Some(cell) = self.find(M::Days) {
            let days = format!(
                "{}{}",
                cell.text(),
                if cell.column.kind.is_text() { " | num" } else { "" }
            );
            self.element([
                "dispenseRequest:".to_owned(),
                format!(
                    "  expectedSupplyDuration: {{$if: = {} exists, value: = {days}, unit: 日, system: http://unitsofmeasure.org, code: d}}",
                    cell.text()
                ),
            ]);
        }
    }

    fn dosage(&mut self) {
        let mut lines = vec!["dosageInstruction:".to_owned()];
        let names =
            [self.tables.name_of(M::UsageCode), self.find(M::UsageName)].into_iter().flatten();
        let mut names: Vec<String> = names.map(|cell| cell.name()).collect();
        names.dedup();
        if !names.is_empty() {
            lines.push(format!("  - text: = {}", names.join(" else ")));
        }
        if let Some(cell) = self.find(M::UsageCode)
            && let Some(map) = self.maps.of(M::UsageCode, cell, self.tables, self.found)
        {
            let dash = if lines.len() == 1 { "-" } else { " " };
            lines.push(format!(
                "  {dash} timing: {{code: {{$code: {map}, from: = {}}}}}",
                cell.text()
            ));
        }
        if let Some(cell) = self.find(M::Dose) {
            let dash = if lines.len() == 1 { "-" } else { " " };
            let dose = format!(
                "{}{}",
                cell.text(),
                if cell.column.kind.is_text() { " | num" } else { "" }
            );
            let unit = self.unit().map(|unit| format!(", unit: = {unit}"));
            lines.push(format!(
                "  {dash} doseAndRate: [{{doseQuantity: {{$if: = {} exists, value: = {dose}{}}}}}]",
                cell.text(),
                unit.unwrap_or_default()
            ));
        }
        if lines.len() > 1 {
            self.element(lines);
        }
    }

    fn coverage(&mut self) {
        let todo =
            self.say("active, cancelled: which cards are in use?", "使用中の保険だけを active に");
        self.element([format!("status: draft   # TODO: {todo}")]);
        self.subject("beneficiary");
        if let Some(cell) = self.find(M::InsurerNumber) {
            self.element([format!(
                "payor: [{{identifier: {{value: = {} | insurer}}}}]",
                cell.text()
            )]);
        }
    }

    fn note(&mut self) {
        if let Some(cell) = self.find(M::Comment) {
            self.element([format!("note: [{{text: = {}}}]", cell.text())]);
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

impl Cell<'_> {
    fn name(&self) -> String {
        format!("{}.{}", self.alias, self.column.name)
    }

    /// As an expression: columns of other kinds are texts by themselves.
    fn text(&self) -> String {
        self.name()
    }

    /// Through the converter that reads most of its values.
    fn date(&self) -> String {
        format!("{} | {}", self.name(), self.converter(true))
    }

    fn day(&self) -> String {
        format!("{} | {}", self.name(), self.converter(false))
    }

    fn converter(&self, time: bool) -> &'static str {
        let ColumnProfile { kind, .. } = self.column;
        let japanese = self.column.dates.keys().any(|spelling| spelling.is_japanese());
        let timed = self.column.dates.keys().any(|spelling| spelling.has_time());
        match kind {
            ColumnKind::DateTime | ColumnKind::Instant if time => "datetime",
            _ if japanese => "date.wareki",
            _ if timed && time => "datetime",
            _ => "date",
        }
    }

    /// The codes that are seen with their rows, or that there are others.
    fn counts(&self) -> String {
        let name = &self.column.name;
        match self.column.codes() {
            Some((codes, rarer)) => {
                let mut parts: Vec<String> =
                    codes.iter().map(|(code, rows)| format!("{code} ×{rows}")).collect();
                parts.extend((rarer > 0).then(|| format!("… ×{rarer}")));
                format!("{name}: {}", parts.join(", "))
            }
            None => format!("{name}: {} values", self.column.distinct),
        }
    }
}
