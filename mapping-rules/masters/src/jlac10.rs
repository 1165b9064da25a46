//! JLAC10 as a list of codes: the sheet 17桁コード表 of 臨床検査マスター「まとめ表」 (xlsx; MEDIS-DC, since April 2025
//! JLACセンター). Each row has a code of 17 digits and the five parts that it is made of.
//!
//! Columns, from that of the code on: the code; 分析物, 識別, 材料, 測定法 and 結果識別 (共通), each as 拡張, code and
//! name; 結果識別 (固有) as 拡張, name and code; further on 標準検査名称. New codes stand at the end under a
//! heading of their own.
//! <https://www2.medis.or.jp/master/kensa/index.html>
//!
//! 日本臨床検査医学会 publishes the tables of the parts, which name no code: <https://www.jslm.org/committees/code/>.

use crate::concept::{Concept, Property};
use crate::kind::Kind;
use crate::reading::{ReadLimits, Reading, Reason, Scope};
use crate::refused::ReadError;
use crate::sheet::{SheetRow, find_sheet};
use crate::system;
use crate::text::is_code;

const CODE: &str = "JLAC10コード(17桁)";
const NAME: &str = "標準検査名称";
const CODE_LETTERS: usize = 17;
/// A heading stands among the first rows, in one or two of them.
const HEAD_ROWS_MAX: usize = 10;
/// Of the parts that stand in the code before 結果識別: the letters of each.
const PARTS: [usize; 4] = [5, 4, 3, 3];

/// Where what is asked for stands in a row.
struct Places {
    code: usize,
    /// Not in every edition.
    name: Option<usize>,
}

pub(crate) fn codes(bytes: &[u8], limits: &ReadLimits) -> Result<Reading, ReadError> {
    let mut reading = Reading::new(Kind::Jlac10, Scope::Full);
    let mut has_parts = false;
    let found = find_sheet(bytes, limits, |sheet, rows| {
        has_parts |= sheet.trim() == "分析物コード";
        let heads = &rows[..rows.len().min(HEAD_ROWS_MAX)];
        let code = heads.iter().find_map(|row| row.place(&[CODE]))?;
        let name = heads.iter().find_map(|row| row.place(&[NAME]));
        let first = rows
            .iter()
            .position(|row| row.cell(code).is_ok_and(|text| is_code(text, CODE_LETTERS)))?;
        Some((Places { code, name }, rows.split_off(first)))
    })?;
    let Some((places, rows)) = found else {
        let expected = ReadError::NoSheet { expected: CODE };
        return Err(if has_parts { ReadError::PartsOnly } else { expected });
    };
    for row in rows.iter().filter(|row| !is_heading(row, &places)) {
        reading.rows += 1;
        match concept(row, &places) {
            Ok(concept) => reading.is(system::JLAC10, concept),
            Err(why) => reading.reject(row.number, why, limits)?,
        }
    }
    Ok(reading)
}

fn is_heading(row: &SheetRow, places: &Places) -> bool {
    let again = row.place(&[CODE, "新コード"]);
    again.is_some_and(|place| place == places.code)
}

fn concept(row: &SheetRow, places: &Places) -> Result<Concept, (usize, Reason)> {
    let cell = |offset: usize| row.cell(places.code + offset);
    let code = cell(0)?;
    if !is_code(code, CODE_LETTERS) {
        let reason = if code.is_empty() { Reason::NoCode } else { Reason::BadCode };
        return Err((places.code + 1, reason));
    }
    let mut made = String::with_capacity(CODE_LETTERS);
    for (index, letters) in PARTS.into_iter().enumerate() {
        // A part of zeros may be a number of the spreadsheet.
        made += &format!("{:0>letters$}", cell(2 + index * 3)?);
    }
    if !code.starts_with(&made) {
        return Err((places.code + 3, Reason::OtherParts));
    }
    let [analyte, identification, material, method, common] =
        [cell(3)?, cell(6)?, cell(9)?, cell(12)?, cell(15)?];
    if analyte.is_empty() {
        return Err((places.code + 4, Reason::NoName));
    }
    let of_parts = || {
        // 0000 is no 識別 of its own.
        let identification = if code[5..9] == *"0000" { "" } else { identification };
        let result = if common.is_empty() { cell(17).unwrap_or_default() } else { common };
        let parts = [analyte, identification, material, method, result];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    };
    let name = places.name.map_or(Ok(""), |place| row.cell(place))?;
    let name = if name.is_empty() { of_parts() } else { name.to_owned() };
    Ok(Concept::new(code, name)
        .with(Property::Analyte, analyte)
        .with(Property::Material, material)
        .with(Property::Method, method))
}
