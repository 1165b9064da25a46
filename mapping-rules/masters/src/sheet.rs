//! Workbooks (`.xlsx`) as rows of text, within limits: a small file can hold a very large one, and two
//! cells can stand at the far ends of a sheet. Tables that come as CSV too are read as the same rows.

use std::io::{Cursor, Read};

use calamine::{DataRef, ExcelDateTime, Reader as _, Xlsx, XlsxError};
use chrono::{Days, NaiveDate};
use unicode_normalization::UnicodeNormalization as _;

use crate::reading::{ReadLimits, Reading, Reason};
use crate::references;
use crate::refused::ReadError;
use crate::text::{Columns, lines};

/// Titles stand above the headings.
const HEAD_ROWS_MAX: usize = 10;
/// What a sheet has in its XML, and nothing else.
const SHEET: &[u8] = b"sheetData";
/// Larger numbers have lost digits: a code of 17 digits was no text.
const EXACT_MAX: f64 = 1e15;

/// One row of a sheet. Cells that hold an error are `Err`.
pub(crate) struct SheetRow {
    pub number: u64,
    /// By their columns, from 0; what is blank is left out.
    cells: Vec<(usize, Result<String, ()>)>,
}

impl SheetRow {
    /// A cell by its column, from 0; trimmed. An error of the spreadsheet is told where it matters.
    pub fn cell(&self, column: usize) -> Result<&str, (usize, Reason)> {
        let place = self.cells.binary_search_by_key(&column, |(own, _)| *own);
        match place.ok().and_then(|place| self.cells.get(place)) {
            Some((_, Ok(text))) => Ok(text.trim()),
            Some((_, Err(()))) => Err((column + 1, Reason::BrokenCell)),
            None => Ok(""),
        }
    }

    /// The column of the first of these headings that is there.
    pub fn place(&self, headings: &[&str]) -> Option<usize> {
        headings.iter().find_map(|heading| {
            let is = |cell: &&(usize, Result<String, ()>)| {
                cell.1.as_ref().is_ok_and(|text| heading_of(text) == *heading)
            };
            self.cells.iter().find(is).map(|(column, _)| *column)
        })
    }

    /// The columns of these headings, each by one of its spellings.
    pub fn places(&self, headings: &[&[&str]]) -> Vec<Option<usize>> {
        headings.iter().map(|spellings| self.place(spellings)).collect()
    }
}

/// Headings are broken into lines here and there, and written in letters of both widths.
fn heading_of(text: &str) -> String {
    text.nfkc().filter(|c| !c.is_whitespace()).collect()
}

/// The columns of a table that has to have these headings, and how they are told.
pub(crate) struct Table {
    pub headings: &'static [&'static [&'static str]],
    /// So many of the headings, from the first on, make the table.
    pub needed: usize,
    pub expected: &'static str,
}

/// The place of each heading, and the rows behind the row of headings that hold anything.
pub(crate) type Rows = (Vec<Option<usize>>, Vec<SheetRow>);

impl Table {
    /// Of the first sheet with these headings.
    pub fn of_workbook(
        &self,
        bytes: &[u8],
        reading: &mut Reading,
        limits: &ReadLimits,
    ) -> Result<Rows, ReadError> {
        let found = find_sheet(bytes, limits, |_, rows| self.headed(rows))?;
        let rows = found.ok_or(ReadError::NoSheet { expected: self.expected })?;
        reading.rows = rows.1.len();
        Ok(rows)
    }

    /// Of a workbook, or of CSV with one of these numbers of columns.
    pub fn of_either(
        &self,
        bytes: &[u8],
        columns: Columns,
        reading: &mut Reading,
        limits: &ReadLimits,
    ) -> Result<Rows, ReadError> {
        if bytes.starts_with(b"PK") {
            return self.of_workbook(bytes, reading, limits);
        }
        let mut rows = lines(bytes, columns, reading, limits)?.into_iter().map(|line| {
            let cells = (0..line.columns()).map(|column| (column, line.field(column + 1)));
            let cells = cells.filter(|(_, text)| !text.is_empty());
            let cells = cells.map(|(column, text)| (column, Ok(text.to_owned()))).collect();
            SheetRow { number: line.number, cells }
        });
        let head = rows.next().ok_or(ReadError::Empty)?;
        let places = self.of_head(&head).ok_or(ReadError::NoSheet { expected: self.expected })?;
        reading.rows -= 1;
        Ok((places, rows.collect()))
    }

    fn headed(&self, rows: &mut Vec<SheetRow>) -> Option<Rows> {
        let heads = rows.iter().take(HEAD_ROWS_MAX).enumerate();
        let (at, places) = heads.filter_map(|(at, row)| Some((at, self.of_head(row)?))).next()?;
        Some((places, rows.split_off(at + 1)))
    }

    fn of_head(&self, row: &SheetRow) -> Option<Vec<Option<usize>>> {
        let places = row.places(self.headings);
        places.iter().take(self.needed).all(Option::is_some).then_some(places)
    }
}

/// Reads sheet after sheet until one is taken.
pub(crate) fn find_sheet<T>(
    bytes: &[u8],
    limits: &ReadLimits,
    mut take: impl FnMut(&str, &mut Vec<SheetRow>) -> Option<T>,
) -> Result<Option<T>, ReadError> {
    check_archive(bytes, limits.unpacked_bytes_max)?;
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(|error| broken(&error))?;
    let mut left = Left { cells: limits.cells_max, bytes: limits.unpacked_bytes_max };
    for name in workbook.sheet_names() {
        let mut rows = sheet(&mut workbook, &name, limits, &mut left)?;
        if let Some(taken) = take(&name, &mut rows) {
            return Ok(Some(taken));
        }
    }
    Ok(None)
}

/// What may still be read of a workbook: one text may stand in a million cells.
struct Left {
    cells: usize,
    bytes: u64,
}

impl Left {
    fn take(&mut self, text: &str, limits: &ReadLimits) -> Result<(), ReadError> {
        let bytes = self.bytes.checked_sub(text.len() as u64);
        match (self.cells.checked_sub(1), bytes) {
            (Some(cells), Some(bytes)) => {
                *self = Left { cells, bytes };
                Ok(())
            }
            _ => Err(ReadError::TooManyCells {
                cells_max: limits.cells_max,
                bytes_max: limits.unpacked_bytes_max,
            }),
        }
    }
}

/// The rows of a sheet that hold anything, in their order.
fn sheet(
    workbook: &mut Xlsx<Cursor<&[u8]>>,
    name: &str,
    limits: &ReadLimits,
    left: &mut Left,
) -> Result<Vec<SheetRow>, ReadError> {
    let mut cells = match workbook.worksheet_cells_reader(name) {
        Ok(cells) => cells,
        // A sheet of charts.
        Err(XlsxError::NotAWorksheet(_)) => return Ok(Vec::new()),
        Err(error) => return Err(broken(&error)),
    };
    let mut rows: Vec<SheetRow> = Vec::new();
    while let Some(cell) = cells.next_cell().map_err(|error| broken(&error))? {
        let (row, column) = cell.get_position();
        let text = text(cell.get_value());
        if text.as_ref().is_ok_and(|text| text.trim().is_empty()) {
            continue;
        }
        left.take(text.as_deref().unwrap_or_default(), limits)?;
        let (number, column) = (u64::from(row) + 1, column as usize);
        if column >= limits.columns_max {
            let (sheet, columns_max) = (name.to_owned(), limits.columns_max);
            return Err(ReadError::TooManyColumns { sheet, columns_max });
        }
        let is_full = rows.len() >= limits.rows_max;
        match rows.last_mut() {
            Some(last) if last.number == number => {
                if last.cells.last().is_some_and(|(before, _)| *before >= column) {
                    return Err(ReadError::Workbook("cells out of their order".to_owned()));
                }
                last.cells.push((column, text));
            }
            Some(last) if last.number > number => {
                return Err(ReadError::Workbook("rows out of their order".to_owned()));
            }
            _ if is_full => {
                return Err(ReadError::TooManyRows { rows_max: limits.rows_max });
            }
            _ => rows.push(SheetRow { number, cells: vec![(column, text)] }),
        }
    }
    Ok(rows)
}

fn text(cell: &DataRef<'_>) -> Result<String, ()> {
    Ok(match cell {
        DataRef::Empty => String::new(),
        DataRef::Error(_) => return Err(()),
        DataRef::String(text) if is_error(text) => return Err(()),
        DataRef::SharedString(text) if is_error(text) => return Err(()),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            text.clone()
        }
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) if number.abs() >= EXACT_MAX => return Err(()),
        DataRef::Float(number) => number.to_string(),
        DataRef::Bool(value) => value.to_string(),
        DataRef::DateTime(moment) => date(moment).ok_or(())?,
    })
}

/// `#REF!` and the like, as text.
fn is_error(text: &str) -> bool {
    text.starts_with('#') && text.ends_with(['!', '?', 'A'])
}

/// As the masters write dates. Spreadsheets count days, from a leap year on that never was.
fn date(moment: &ExcelDateTime) -> Option<String> {
    let days = moment.as_f64();
    let first = NaiveDate::from_ymd_opt(1899, 12, 30)?;
    if !(61.0..2_958_466.0).contains(&days) {
        return None;
    }
    let date = first.checked_add_days(Days::new(days as u64))?;
    Some(date.format("%Y%m%d").to_string())
}

fn broken(error: &dyn ToString) -> ReadError {
    ReadError::Workbook(error.to_string())
}

/// Unpacks everything once and counts, so that nobody has to believe what the archive says.
fn check_archive(bytes: &[u8], bytes_max: u64) -> Result<(), ReadError> {
    let too_large = ReadError::TooLarge { bytes_max };
    if bytes.len() as u64 > bytes_max {
        return Err(too_large);
    }
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| broken(&error))?;
    if !archive.file_names().any(|name| name.is_ok_and(|name| name == "xl/workbook.xml")) {
        return Err(ReadError::Packed);
    }
    let mut left = bytes_max;
    let mut part = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(|error| broken(&error))?;
        part.clear();
        let read = entry.take(left + 1).read_to_end(&mut part).map_err(|error| broken(&error))?;
        left = left.checked_sub(read as u64).ok_or_else(|| too_large.clone())?;
        if part.windows(SHEET.len()).any(|bytes| bytes == SHEET) {
            references::check(&part)?;
        }
    }
    Ok(())
}
