//! Lines of the masters that are CSV: CP932 or UTF-8, with or without quotes.
//!
//! Records are taken apart as bytes, which is safe in CP932: no second byte of a character is a
//! quote, a comma or the end of a line. So one line that is no text spoils no other.

use chrono::NaiveDate;
use csv::{ByteRecord, ReaderBuilder};
use encoding_rs::{EUC_JP, Encoding, SHIFT_JIS, UTF_8};

use crate::reading::{ReadLimits, Reading, Reason};
use crate::refused::ReadError;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// One line, decoded.
pub(crate) struct Line {
    pub number: u64,
    text: String,
    /// Where each field ends in the text.
    ends: Vec<u32>,
}

impl Line {
    /// A field by its number in the documents, from 1; trimmed.
    pub fn field(&self, number: usize) -> &str {
        let end = |number: usize| self.ends.get(number.wrapping_sub(1)).map(|end| *end as usize);
        let begin = end(number.wrapping_sub(1)).unwrap_or_default();
        let field = end(number).and_then(|end| self.text.get(begin..end));
        field.unwrap_or_default().trim()
    }

    pub fn columns(&self) -> usize {
        self.ends.len()
    }
}

/// The layouts of a master by their number of columns, and how they are told.
pub(crate) type Columns = (&'static [usize], &'static str);

/// The lines of a file with these numbers of columns; others, and those that are no text, are noted
/// and left out.
///
/// # Errors
/// None has, or the file is beyond a limit.
pub(crate) fn lines(
    bytes: &[u8],
    (columns, expected): Columns,
    reading: &mut Reading,
    limits: &ReadLimits,
) -> Result<Vec<Line>, ReadError> {
    let bytes = bytes.strip_prefix(BOM).unwrap_or(bytes);
    let encoding = encoding(bytes)?;
    check_lengths(bytes, limits.line_bytes_max)?;
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    let (mut lines, mut is_ours) = (Vec::new(), false);
    let mut first_other = (1, 0);
    let mut counted = Counted::default();
    let mut record = ByteRecord::new();
    // Reading from memory fails for nothing but records of unequal length, which are allowed.
    while reader.read_byte_record(&mut record).unwrap_or(false) {
        let number = counted.line_at(bytes, record.position().map_or(0, csv::Position::byte));
        if record.iter().all(|field| field.trim_ascii().is_empty()) {
            continue;
        }
        reading.rows += 1;
        if reading.rows > limits.rows_max {
            return Err(ReadError::TooManyRows { rows_max: limits.rows_max });
        }
        if !columns.contains(&record.len()) {
            if first_other.1 == 0 {
                first_other = (number, record.len());
            }
            let reason = Reason::Columns { found: record.len() };
            reading.reject(number, (0, reason), limits)?;
            continue;
        }
        is_ours = true;
        match decoded(&record, encoding) {
            Ok((text, ends)) => lines.push(Line { number, text, ends }),
            Err(column) => reading.reject(number, (column, Reason::NotText), limits)?,
        }
    }
    match (reading.rows, is_ours) {
        (0, _) => Err(ReadError::Empty),
        (_, false) => {
            let (line, found) = first_other;
            Err(ReadError::Layout { expected, line, found })
        }
        _ => Ok(lines),
    }
}

/// # Errors
/// Of another encoding that would be read as other words without a sign of it.
fn encoding(bytes: &[u8]) -> Result<&'static Encoding, ReadError> {
    let wide = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    if wide || bytes.contains(&0) {
        return Err(ReadError::Encoding { found: "UTF-16, or no text" });
    }
    if bytes.contains(&b'\x1b') {
        return Err(ReadError::Encoding { found: "ISO-2022-JP" });
    }
    if std::str::from_utf8(bytes).is_ok() {
        return Ok(UTF_8);
    }
    // The first bytes of CP932's hiragana and of most of its kanji are none of EUC-JP.
    if EUC_JP.decode_without_bom_handling_and_without_replacement(bytes).is_some() {
        return Err(ReadError::Encoding { found: "EUC-JP" });
    }
    Ok(SHIFT_JIS)
}

fn check_lengths(bytes: &[u8], bytes_max: usize) -> Result<(), ReadError> {
    let long = bytes.split(|byte| *byte == b'\n').position(|line| line.len() > bytes_max);
    match long {
        Some(index) => Err(ReadError::LongLine { line: index as u64 + 1, bytes_max }),
        None => Ok(()),
    }
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

/// The text of all fields and where each ends; or the column that is no text.
fn decoded(record: &ByteRecord, encoding: &'static Encoding) -> Result<(String, Vec<u32>), usize> {
    let mut text = String::with_capacity(record.as_slice().len() * 2);
    let mut ends = Vec::with_capacity(record.len());
    for (index, field) in record.iter().enumerate() {
        let (field, broken) = encoding.decode_without_bom_handling(field);
        if broken {
            return Err(index + 1);
        }
        text.push_str(&field);
        ends.push(u32::try_from(text.len()).map_err(|_| index + 1)?);
    }
    text.shrink_to_fit();
    Ok((text, ends))
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
