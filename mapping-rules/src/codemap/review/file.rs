//! The CSV of a code map with some rows changed: every other byte stays as it was.

use csv::{ByteRecord, ReaderBuilder, Terminator, WriterBuilder};
use encoding_rs::{Encoding, SHIFT_JIS, UTF_8};

use super::NotWritten;
use crate::codemap::entry::MapRow;
use crate::codemap::table::KNOWN;

/// A file of rows, taken apart.
#[derive(Debug, Clone)]
pub struct MapFile {
    bytes: Vec<u8>,
    encoding: &'static Encoding,
    line_end: &'static str,
    columns: Vec<String>,
    records: Vec<Record>,
    added: Vec<Vec<String>>,
}

#[derive(Debug, Clone)]
struct Record {
    /// Its bytes, without the end of the line.
    place: std::ops::Range<usize>,
    fields: Vec<String>,
    is_changed: bool,
}

const BOM: &[u8] = b"\xef\xbb\xbf";

impl MapFile {
    /// # Errors
    /// It is no text, or its columns are not those of a code map.
    pub fn open(bytes: Vec<u8>) -> Result<Self, NotWritten> {
        let encoding = [UTF_8, SHIFT_JIS]
            .into_iter()
            .find(|one| one.decode_without_bom_handling_and_without_replacement(&bytes).is_some())
            .ok_or(NotWritten::NoText)?;
        let begin = if bytes.starts_with(BOM) { BOM.len() } else { 0 };
        let mut reader =
            ReaderBuilder::new().has_headers(false).flexible(true).from_reader(&bytes[begin..]);
        let mut records = Vec::new();
        let mut record = ByteRecord::new();
        // No second byte of a letter in Shift_JIS is a quote, a comma or the end of a line.
        while reader.read_byte_record(&mut record).unwrap_or(false) {
            let from = record.position().map_or(0, csv::Position::byte);
            let offset = |byte: u64| usize::try_from(byte).unwrap_or(usize::MAX);
            let (from, to) = (begin + offset(from), begin + offset(reader.position().byte()));
            let taken = bytes.get(from..to.min(bytes.len())).unwrap_or_default();
            let blank = taken.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            let ends = taken.iter().rev().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            let place = from + blank..(from + taken.len() - ends).max(from + blank);
            let text = |field: &[u8]| encoding.decode_without_bom_handling(field).0.into_owned();
            let fields = record.iter().map(text).collect();
            records.push(Record { place, fields, is_changed: false });
        }
        let crlf = bytes.windows(2).any(|pair| pair == b"\r\n");
        let line_end = if crlf { "\r\n" } else { "\n" };
        if records.is_empty() {
            return Err(NotWritten::Column("local"));
        }
        let columns = records.remove(0).fields.iter().map(|name| name.trim().to_owned()).collect();
        let added = Vec::new();
        let file = MapFile { encoding, line_end, columns, records, added, bytes };
        file.check()?;
        Ok(file)
    }

    /// Without these columns nobody could say who decided what, and when.
    fn check(&self) -> Result<(), NotWritten> {
        for name in ["local", "target", "code", "status", "reviewed_by", "reviewed_at"] {
            if !self.columns.iter().any(|known| known == name) {
                return Err(NotWritten::Column(name));
            }
        }
        match self.columns.iter().find(|name| !KNOWN.contains(&name.as_str())) {
            Some(name) => Err(NotWritten::UnknownColumn(name.clone())),
            None => Ok(()),
        }
    }

    pub fn rows(&self) -> impl Iterator<Item = MapRow> {
        self.records.iter().map(|record| &record.fields).chain(&self.added).map(|fields| {
            let mut row = MapRow::default();
            for (name, value) in self.columns.iter().zip(fields) {
                if let Some(field) = row.field(name) {
                    value.trim().clone_into(field);
                }
            }
            row
        })
    }

    /// Gives the row at this place (as [`Self::rows`] has it) these fields, by their columns. A column
    /// that the file doesn't have is left out.
    pub fn change(&mut self, place: usize, fields: &[(&str, &str)]) {
        let own = self.records.len();
        let columns = &self.columns;
        let record = match place.checked_sub(own) {
            None => {
                let record = &mut self.records[place];
                record.is_changed = true;
                Some(&mut record.fields)
            }
            Some(place) => self.added.get_mut(place),
        };
        let Some(record) = record else { return };
        record.resize(record.len().max(columns.len()), String::new());
        for (name, value) in fields {
            if let Some(column) = columns.iter().position(|known| known == name) {
                (*value).clone_into(&mut record[column]);
            }
        }
    }

    /// Adds a row at the end.
    pub fn add(&mut self, mut row: MapRow) {
        let fields = self.columns.iter().map(|name| {
            let field = row.field(name);
            field.map(std::mem::take).unwrap_or_default()
        });
        self.added.push(fields.collect());
    }

    /// # Errors
    /// A letter that the file's encoding does not have.
    pub fn write(&self) -> Result<Vec<u8>, NotWritten> {
        let mut written = Vec::with_capacity(self.bytes.len());
        let mut at = 0;
        for record in self.records.iter().filter(|record| record.is_changed) {
            written.extend(&self.bytes[at..record.place.start]);
            written.extend(self.encoded(&record.fields)?);
            at = record.place.end;
        }
        written.extend(&self.bytes[at..]);
        if !self.added.is_empty() && !written.ends_with(b"\n") && !written.is_empty() {
            written.extend(self.line_end.as_bytes());
        }
        for fields in &self.added {
            written.extend(self.encoded(fields)?);
            written.extend(self.line_end.as_bytes());
        }
        Ok(written)
    }

    /// One line, without its end.
    fn encoded(&self, fields: &[String]) -> Result<Vec<u8>, NotWritten> {
        let mut writer = WriterBuilder::new()
            .terminator(Terminator::Any(b'\n'))
            .flexible(true)
            .from_writer(Vec::new());
        // Into memory: there is nothing that could fail.
        let _ = writer.write_record(fields);
        let text = String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default();
        let (bytes, _, is_broken) = self.encoding.encode(text.trim_end_matches('\n'));
        if is_broken { Err(NotWritten::Letter) } else { Ok(bytes.into_owned()) }
    }
}
