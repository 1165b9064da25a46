//! 電子処方箋用法マスタ (xlsx): codes of 16 characters by JAMI's 処方・注射オーダ標準用法規格, as the e-prescription service
//! takes them.
//!
//! Columns: 用法コード; 基本用法区分, 用法詳細区分 and タイミング指定区分, each as code and name; 用法名称; 標準用法整理番号; 使用開始日;
//! 使用終了日; 用法コード区分; what has to be supplemented. The headings stand in two rows above them.
//! <https://www.mhlw.go.jp/stf/denshishohousen.html>

use crate::concept::{Concept, Property};
use crate::kind::Kind;
use crate::reading::{ReadLimits, Reading, Reason, Scope};
use crate::refused::ReadError;
use crate::sheet::{SheetRow, find_sheet};
use crate::system;
use crate::text::{day, is_code};

const CODE_LETTERS: usize = 16;
/// Above the codes stand titles and headings.
const HEAD_ROWS_MAX: usize = 10;
/// Columns, from 0.
const CODE: usize = 0;
const FORM_CODE: usize = 1;
const FORM: usize = 2;
const TIMING: usize = 6;
const NAME: usize = 7;
const FROM: usize = 9;
const UNTIL: usize = 10;
const KIND: usize = 11;

pub(crate) fn usages(bytes: &[u8], limits: &ReadLimits) -> Result<Reading, ReadError> {
    let mut reading = Reading::new(Kind::Usage, Scope::Full);
    let found = find_sheet(bytes, limits, |_, rows| {
        let first = rows.iter().take(HEAD_ROWS_MAX + 1).position(is_row)?;
        Some(rows.split_off(first))
    })?;
    let expected = "用法コード in column A, 用法名称 in column H";
    let rows = found.ok_or(ReadError::NoSheet { expected })?;
    reading.rows = rows.len();
    for row in &rows {
        match concept(row) {
            Ok(concept) => reading.is(system::USAGE, concept),
            Err(why) => reading.reject(row.number, why, limits)?,
        }
    }
    Ok(reading)
}

/// A code of 16, of which the first two columns say the same, and a name.
fn is_row(row: &SheetRow) -> bool {
    let cell = |column| row.cell(column).unwrap_or_default();
    let (code, form) = (cell(CODE), cell(FORM_CODE));
    is_code(code, CODE_LETTERS)
        && form.len() == 1
        && (code.starts_with(form) || form == "X")
        && !cell(NAME).is_empty()
}

fn concept(row: &SheetRow) -> Result<Concept, (usize, Reason)> {
    let code = row.cell(CODE)?;
    if !is_code(code, CODE_LETTERS) {
        let reason = if code.is_empty() { Reason::NoCode } else { Reason::BadCode };
        return Err((CODE + 1, reason));
    }
    let name = row.cell(NAME)?;
    if name.is_empty() {
        return Err((NAME + 1, Reason::NoName));
    }
    let mut concept = Concept::new(code, name)
        .with(Property::Form, row.cell(FORM)?)
        .with(Property::Timing, row.cell(TIMING)?)
        .with(Property::UsageKind, row.cell(KIND)?);
    concept.from = day(row.cell(FROM)?).map_err(|reason| (FROM + 1, reason))?;
    concept.until = day(row.cell(UNTIL)?).map_err(|reason| (UNTIL + 1, reason))?;
    Ok(concept)
}
