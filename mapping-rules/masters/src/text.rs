//! Lines of the masters that are CSV: CP932 or UTF-8, with or without quotes.
//!
//! Records are taken apart as bytes, which is safe in CP932: no second byte of a character is a
//! quote, a comma or the end of a line. So one line that is no text spoils no other.

use chrono::NaiveDate;
use csv::{ByteRecord, ReaderBuilder};
use encoding_rs::{Encoding, SHIFT_JIS, UTF_8};

use crate::reading::{Reading, Reason};

const BOM: &[u8] = b"\xef\xbb\xbf";

/// One line, decoded.
pub(crate) struct Line {
    pub number: u64,
    fields: Vec<String>,
}

impl Line {
    /// A field by its number in the documents, from 1; trimmed.
    pub fn field(&self, number: usize) -> &str {
        self.fields.get(number.wrapping_sub(1)).map_or("", |field| field.trim())
    }

    pub fn columns(&self) -> usize {
        self.fields.len()
    }
}

/// The lines of a file; those that are no text are noted and left out.
pub(crate) fn lines(bytes: &[u8], reading: &mut Reading) -> Vec<Line> {
    let bytes = bytes.strip_prefix(BOM).unwrap_or(bytes);
    let encoding = if std::str::from_utf8(bytes).is_ok() { UTF_8 } else { SHIFT_JIS };
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    let mut lines = Vec::new();
    let mut counted = Counted::default();
    let mut record = ByteRecord::new();
    // Reading from memory fails for nothing but records of unequal length, which are allowed.
    while reader.read_byte_record(&mut record).unwrap_or(false) {
        let number = counted.line_at(bytes, record.position().map_or(0, csv::Position::byte));
        if record.iter().all(|field| field.trim_ascii().is_empty()) {
            continue;
        }
        reading.rows += 1;
        match decoded(&record, encoding) {
            Ok(fields) => lines.push(Line { number, fields }),
            Err(column) => reading.reject(number, column, Reason::NotText),
        }
    }
    lines
}

/// Lines so far. The library's own count is behind where lines end in CR LF or are empty.
#[derive(Default)]
struct Counted {
    bytes: usize,
    ends: u64,
}

impl Counted {
    /// The line on which the record begins that the library found from this byte on.
    fn line_at(&mut self, bytes: &[u8], from: u64) -> u64 {
        let from = usize::try_from(from).unwrap_or(usize::MAX).min(bytes.len());
        let rest = bytes.get(from..).unwrap_or_default();
        let blank = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let passed = bytes.get(self.bytes..from + blank).unwrap_or_default();
        self.ends += passed.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.bytes = from + blank;
        self.ends + 1
    }
}

fn decoded(record: &ByteRecord, encoding: &'static Encoding) -> Result<Vec<String>, usize> {
    let fields = record.iter().enumerate().map(|(index, field)| {
        let (text, broken) = encoding.decode_without_bom_handling(field);
        if broken { Err(index + 1) } else { Ok(text.into_owned()) }
    });
    fields.collect()
}

/// `YYYYMMDD`; blank, zeros and nines are open. `Err` is no date.
pub(crate) fn day(text: &str) -> Result<Option<NaiveDate>, Reason> {
    let text = text.trim();
    if text.is_empty() || text.bytes().all(|byte| byte == b'0') || text == "99999999" {
        return Ok(None);
    }
    let date = NaiveDate::parse_from_str(text, "%Y%m%d").map_err(|_| Reason::BadDate)?;
    if text.len() == 8 { Ok(Some(date)) } else { Err(Reason::BadDate) }
}

/// So many ASCII letters and digits.
pub(crate) fn is_code(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// So many digits.
pub(crate) fn is_number(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())
}
