//! Workbooks (`.xlsx`) as rows of text, within limits: a small file can hold a very large one.

use std::io::{Cursor, Read};

use calamine::{Data, Reader as _, Xlsx};

use crate::reading::{ReadError, Reading, Reason};

/// Of the file, and of everything in it unpacked. The largest real one unpacks to 25 MB.
const BYTES_MAX: u64 = 128 * 1024 * 1024;
const ROWS_MAX: usize = 1_000_000;

/// One row of a sheet. Cells that hold an error are `Err`.
pub(crate) struct SheetRow {
    pub number: u64,
    cells: Vec<Result<String, ()>>,
}

impl SheetRow {
    /// A cell by its column, from 0; trimmed. An error of the spreadsheet is told where it matters.
    pub fn cell(&self, column: usize) -> Result<&str, (usize, Reason)> {
        match self.cells.get(column) {
            Some(Ok(text)) => Ok(text.trim()),
            Some(Err(())) => Err((column + 1, Reason::BrokenCell)),
            None => Ok(""),
        }
    }

    fn is_empty(&self) -> bool {
        self.cells.iter().all(|cell| cell.as_ref().is_ok_and(|text| text.trim().is_empty()))
    }

    fn holds(&self, headings: &[&str]) -> bool {
        let own = |heading: &str| {
            self.cells
                .iter()
                .any(|cell| cell.as_ref().is_ok_and(|text| heading_of(text) == heading))
        };
        headings.iter().all(|heading| own(heading))
    }

    /// The columns of these headings.
    pub fn places(&self, headings: &[&str]) -> Vec<Option<usize>> {
        let place = |heading: &&str| {
            self.cells
                .iter()
                .position(|cell| cell.as_ref().is_ok_and(|text| heading_of(text) == *heading))
        };
        headings.iter().map(place).collect()
    }
}

/// Headings are broken into lines here and there.
fn heading_of(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// The first sheet with a row of these headings: that row, and those behind it that hold anything.
pub(crate) fn table(
    bytes: &[u8],
    headings: &[&str],
    expected: &'static str,
    reading: &mut Reading,
) -> Result<(SheetRow, Vec<SheetRow>), ReadError> {
    check_size(bytes)?;
    let broken = |error: calamine::XlsxError| ReadError::Workbook(error.to_string());
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(broken)?;
    for name in workbook.sheet_names() {
        let range = workbook.worksheet_range(&name).map_err(broken)?;
        if range.height() > ROWS_MAX {
            return Err(ReadError::TooLarge { bytes_max: BYTES_MAX });
        }
        let first = range.start().map_or(0, |(row, _)| u64::from(row));
        let mut rows = range.rows().enumerate().map(|(index, cells)| SheetRow {
            number: first + index as u64 + 1,
            cells: cells.iter().map(text).collect(),
        });
        // Titles stand above the headings.
        let Some(head) = rows.by_ref().take(10).find(|row| row.holds(headings)) else { continue };
        let rows: Vec<SheetRow> = rows.filter(|row| !row.is_empty()).collect();
        reading.rows = rows.len();
        return Ok((head, rows));
    }
    Err(ReadError::NoSheet { expected })
}

fn text(cell: &Data) -> Result<String, ()> {
    Ok(match cell {
        Data::Empty => String::new(),
        Data::Error(_) => return Err(()),
        Data::String(text) if text.starts_with('#') && text.ends_with(['!', '?', 'A']) => {
            return Err(());
        }
        other => other.to_string(),
    })
}

/// Unpacks everything once and counts, so that nobody has to believe what the archive says.
fn check_size(bytes: &[u8]) -> Result<(), ReadError> {
    let too_large = ReadError::TooLarge { bytes_max: BYTES_MAX };
    if bytes.len() as u64 > BYTES_MAX {
        return Err(too_large);
    }
    let broken = |error: &dyn ToString| ReadError::Workbook(error.to_string());
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| broken(&error))?;
    let mut left = BYTES_MAX;
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(|error| broken(&error))?;
        let mut part = entry.take(left + 1);
        let read =
            std::io::copy(&mut part, &mut std::io::sink()).map_err(|error| broken(&error))?;
        left = left.checked_sub(read).ok_or_else(|| too_large.clone())?;
    }
    Ok(())
}
