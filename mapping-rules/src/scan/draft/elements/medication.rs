//! What is prescribed.

use super::Draft;
use crate::vocabulary::Meaning as M;

impl Draft<'_, '_> {
    pub(super) fn medication_request(&mut self) {
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
}
