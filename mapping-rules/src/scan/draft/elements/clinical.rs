//! What is found in a patient: diseases, allergies, results.

use super::Draft;
use crate::vocabulary::Meaning as M;

impl Draft<'_, '_> {
    pub(super) fn condition(&mut self) {
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
        self.note();
    }

    pub(super) fn allergy(&mut self) {
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

    pub(super) fn observation(&mut self) {
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

    fn note(&mut self) {
        if let Some(cell) = self.find(M::Comment) {
            self.element([format!("note: [{{text: = {}}}]", cell.text())]);
        }
    }
}
