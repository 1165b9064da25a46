//! 厚生労働省: 薬価基準収載品目リスト (`tp*.xlsx`) and 一般名処方マスタ (`ippanmeishohoumaster_*.xlsx`).

use chrono::NaiveDate;

use crate::concept::{Concept, Property};
use crate::kind::Kind;
use crate::reading::{ReadLimits, Reading, Reason, Scope};
use crate::refused::ReadError;
use crate::sheet::{SheetRow, Table};
use crate::system;
use crate::text::is_code;

const PRICE_LIST: Table = Table {
    headings: &[
        &["薬価基準収載医薬品コード"],
        &["品名"],
        &["区分"],
        &["成分名"],
        &["規格"],
        &["メーカー名"],
        &["経過措置による使用期限"],
    ],
    needed: 6,
    expected: "薬価基準収載医薬品コード, 品名",
};

/// Each of the three lists (内用薬, 注射薬, 外用薬) is a part of the master: an update.
pub(crate) fn price_list(bytes: &[u8], limits: &ReadLimits) -> Result<Reading, ReadError> {
    let mut reading = Reading::new(Kind::PriceList, Scope::Update);
    let (places, rows) = PRICE_LIST.of_workbook(bytes, &mut reading, limits)?;
    for row in &rows {
        match priced(row, &places) {
            Ok(concept) => reading.is(system::PRICE_LIST, concept),
            Err(why) => reading.reject(row.number, why, limits)?,
        }
    }
    Ok(reading)
}

fn priced(row: &SheetRow, places: &[Option<usize>]) -> Result<Concept, (usize, Reason)> {
    let cell = |index: usize| row.cell(places.get(index).copied().flatten().unwrap_or(usize::MAX));
    let mut concept = named(cell(0)?, cell(1)?, places)?;
    concept.add(Property::Form, cell(2)?);
    concept.add(Property::Ingredient, cell(3)?);
    concept.add(Property::Strength, cell(4)?);
    concept.add(Property::Maker, cell(5)?);
    let column = places.get(6).copied().flatten().map_or(0, |place| place + 1);
    concept.until = last_day(cell(6)?).map_err(|reason| (column, reason))?;
    Ok(concept)
}

/// `R8.3.31まで`
fn last_day(text: &str) -> Result<Option<NaiveDate>, Reason> {
    if text.is_empty() {
        return Ok(None);
    }
    let day = text.trim_end_matches("まで").trim_start_matches(['R', 'Ｒ']);
    let parts: Result<Vec<u32>, _> = day.split('.').map(str::parse).collect();
    let Ok([year, month, day]) = parts.as_deref() else { return Err(Reason::BadDate) };
    let year = i32::try_from(*year).ok().and_then(|year| year.checked_add(2018));
    let date = year.and_then(|year| NaiveDate::from_ymd_opt(year, *month, *day));
    date.map(Some).ok_or(Reason::BadDate)
}

const GENERIC_NAME: Table = Table {
    headings: &[
        &["一般名コード"],
        &["一般名処方の標準的な記載"],
        &["区分"],
        &["成分名"],
        &["規格"],
    ],
    needed: 5,
    expected: "一般名コード, 一般名処方の標準的な記載",
};

pub(crate) fn generic_names(bytes: &[u8], limits: &ReadLimits) -> Result<Reading, ReadError> {
    let mut reading = Reading::new(Kind::GenericName, Scope::Full);
    let (places, rows) = GENERIC_NAME.of_workbook(bytes, &mut reading, limits)?;
    for row in &rows {
        match generic(row, &places) {
            Ok(concept) => reading.is(system::GENERIC_NAME, concept),
            Err(why) => reading.reject(row.number, why, limits)?,
        }
    }
    Ok(reading)
}

fn generic(row: &SheetRow, places: &[Option<usize>]) -> Result<Concept, (usize, Reason)> {
    let cell = |index: usize| row.cell(places.get(index).copied().flatten().unwrap_or(usize::MAX));
    let mut concept = named(cell(0)?, cell(1)?, places)?;
    concept.add(Property::Form, cell(2)?);
    concept.add(Property::Ingredient, cell(3)?);
    concept.add(Property::Strength, cell(4)?);
    Ok(concept)
}

fn named(code: &str, name: &str, places: &[Option<usize>]) -> Result<Concept, (usize, Reason)> {
    let column = |index: usize| places.get(index).copied().flatten().map_or(0, |place| place + 1);
    if !is_code(code, 12) {
        return Err((column(0), if code.is_empty() { Reason::NoCode } else { Reason::BadCode }));
    }
    if name.is_empty() {
        return Err((column(1), Reason::NoName));
    }
    Ok(Concept::new(code, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_day_of_a_transitional_price_is_a_day_of_reiwa() {
        for (text, expected) in [
            ("", Ok(None)),
            ("R8.3.31まで", Ok(NaiveDate::from_ymd_opt(2026, 3, 31))),
            ("Ｒ7.9.30まで", Ok(NaiveDate::from_ymd_opt(2025, 9, 30))),
            ("R8.2.30まで", Err(Reason::BadDate)),
            ("R4294967295.1.1", Err(Reason::BadDate)),
            ("当分の間", Err(Reason::BadDate)),
        ] {
            assert_eq!(last_day(text), expected, "{text}");
        }
    }
}
