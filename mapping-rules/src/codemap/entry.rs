//! Every row of a code map's CSV as it stands there, whatever its state: what leaves Genkan as a
//! ConceptMap, and comes back.

use csv::{Terminator, WriterBuilder};

use super::sheet::Sheet;
use super::table::{KNOWN, STATES};

/// One row. Fields are trimmed and may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MapRow {
    pub local: String,
    pub local_name: String,
    /// Of the targets in `codemaps.yaml`.
    pub target: String,
    pub code: String,
    pub display: String,
    pub relationship: String,
    pub valid_from: String,
    pub valid_to: String,
    pub status: String,
    pub reviewed_by: String,
    pub reviewed_at: String,
    pub master_version: String,
    pub note: String,
    /// In the file, from 1; 0: in none.
    pub line: u32,
}

impl MapRow {
    /// The fields in the order of [`KNOWN`].
    fn fields(&self) -> [&str; 13] {
        [
            &self.local,
            &self.local_name,
            &self.target,
            &self.code,
            &self.display,
            &self.relationship,
            &self.valid_from,
            &self.valid_to,
            &self.status,
            &self.reviewed_by,
            &self.reviewed_at,
            &self.master_version,
            &self.note,
        ]
    }

    pub(super) fn field(&mut self, name: &str) -> Option<&mut String> {
        Some(match name {
            "local" => &mut self.local,
            "local_name" => &mut self.local_name,
            "target" => &mut self.target,
            "code" => &mut self.code,
            "display" => &mut self.display,
            "relationship" => &mut self.relationship,
            "valid_from" => &mut self.valid_from,
            "valid_to" => &mut self.valid_to,
            "status" => &mut self.status,
            "reviewed_by" => &mut self.reviewed_by,
            "reviewed_at" => &mut self.reviewed_at,
            "master_version" => &mut self.master_version,
            "note" => &mut self.note,
            _ => return None,
        })
    }

    /// Whether translations use it.
    pub fn is_used(&self) -> bool {
        matches!(self.status.as_str(), "accepted" | "auto")
    }

    pub fn has_known_status(&self) -> bool {
        STATES.contains(&self.status.as_str())
    }
}

/// The rows of a file that compiled: what is wrong in one was said there.
pub fn rows(text: &str) -> Vec<MapRow> {
    let mut sheet = Sheet::new(text);
    let Some(header) = sheet.next() else { return Vec::new() };
    let names: Vec<String> = header.record.iter().map(|name| name.trim().to_owned()).collect();
    sheet
        .map(|line| {
            let mut row = MapRow { line: line.line, ..MapRow::default() };
            for (name, value) in names.iter().zip(line.record.iter()) {
                if let Some(field) = row.field(name) {
                    value.trim().clone_into(field);
                }
            }
            row
        })
        .collect()
}

/// The file of these rows, with every column, in UTF-8 with line feeds.
pub fn csv(rows: &[MapRow]) -> String {
    let mut options = WriterBuilder::new();
    let mut writer = options.terminator(Terminator::Any(b'\n')).from_writer(Vec::new());
    let mut records = vec![KNOWN];
    records.extend(rows.iter().map(MapRow::fields));
    for record in records {
        // Into memory: there is nothing that could fail.
        let _ = writer.write_record(record);
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}
