//! CSV files as spreadsheets write them, UTF-8 or Shift_JIS, with the place of every field.

use csv::{Reader, ReaderBuilder, StringRecord};

/// UTF-8 with or without BOM, or Shift_JIS as Excel writes it.
pub fn decode(bytes: &[u8]) -> Option<String> {
    [encoding_rs::UTF_8, encoding_rs::SHIFT_JIS].into_iter().find_map(|encoding| {
        let (text, _, malformed) = encoding.decode(bytes);
        (!malformed).then(|| text.into_owned())
    })
}

/// A line and a column, both from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cell {
    pub line: u32,
    pub column: u32,
}

/// The records behind the header, and the header itself as a record.
pub(crate) struct Sheet<'t> {
    text: &'t str,
    reader: Reader<&'t [u8]>,
    /// Up to where lines are counted, and how many there were.
    counted: (usize, u32),
}

/// A record with its place.
pub(crate) struct Line<'t> {
    pub record: StringRecord,
    pub line: u32,
    /// The file from this record on.
    text: &'t str,
}

impl<'t> Sheet<'t> {
    pub fn new(text: &'t str) -> Self {
        let mut options = ReaderBuilder::new();
        let reader = options.flexible(true).has_headers(false).from_reader(text.as_bytes());
        Sheet { text, reader, counted: (0, 1) }
    }

    fn at(&mut self, byte: usize, record: StringRecord) -> Line<'t> {
        let rest = self.text.get(byte..).unwrap_or_default();
        // The reader takes blank lines to the record behind them.
        let begin = byte + rest.len() - rest.trim_start_matches(['\r', '\n']).len();
        let (from, before) = self.counted;
        let between = self.text.get(from..begin).unwrap_or_default();
        let line = before + u32::try_from(between.matches('\n').count()).unwrap_or(0);
        self.counted = (begin, line);
        Line { record, line, text: self.text.get(begin..).unwrap_or_default() }
    }
}

impl<'t> Iterator for Sheet<'t> {
    type Item = Line<'t>;

    fn next(&mut self) -> Option<Line<'t>> {
        let mut record = StringRecord::new();
        // Text in memory, any number of fields: there is nothing that could fail.
        match self.reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) | Err(_) => return None,
        }
        let byte = record.position().map_or(0, |place| place.byte());
        Some(self.at(usize::try_from(byte).unwrap_or(0), record))
    }
}

impl Line<'_> {
    /// Where a field of this record begins.
    pub fn cell(&self, index: usize) -> Cell {
        let mut cell = Cell { line: self.line, column: 1 };
        let (mut field, mut quoted) = (0, false);
        for c in self.text.chars() {
            if field == index || (c == '\n' && !quoted) {
                break;
            }
            match c {
                '"' => quoted = !quoted,
                ',' if !quoted => field += 1,
                _ => {}
            }
            cell = match c {
                '\n' => Cell { line: cell.line + 1, column: 1 },
                _ => Cell { column: cell.column + 1, ..cell },
            };
        }
        cell
    }
}
