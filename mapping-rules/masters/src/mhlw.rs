//! 厚生労働省: 薬価基準収載品目リスト (`tp*.xlsx`) and 一般名処方マスタ (`ippanmeishohoumaster_*.xlsx`).

use crate::concept::{Concept, Property};
use crate::kind::Kind;
use crate::reading::{ReadError, Reading, Reason, Scope};
use crate::sheet::{SheetRow, table};
use crate::system;
use crate::text::is_code;

const PRICE_LIST: [&str; 6] =
    ["薬価基準収載医薬品コード", "品名", "区分", "成分名", "規格", "メーカー名"];

/// Each of the three lists (内用薬, 注射薬, 外用薬) is a part of the master: an update.
pub(crate) fn price_list(bytes: &[u8]) -> Result<Reading, ReadError> {
    let mut reading = Reading::new(Kind::PriceList, Scope::Update);
    let (head, rows) = table(bytes, &PRICE_LIST, "薬価基準収載医薬品コード, 品名", &mut reading)?;
    let places = head.places(&PRICE_LIST);
    for row in &rows {
        match priced(row, &places) {
            Ok(concept) => reading.is(system::PRICE_LIST, concept),
            Err((column, reason)) => reading.reject(row.number, column, reason),
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
    Ok(concept)
}

const GENERIC_NAME: [&str; 5] =
    ["一般名コード", "一般名処方の標準的な記載", "区分", "成分名", "規格"];

pub(crate) fn generic_names(bytes: &[u8]) -> Result<Reading, ReadError> {
    let mut reading = Reading::new(Kind::GenericName, Scope::Full);
    let (head, rows) =
        table(bytes, &GENERIC_NAME, "一般名コード, 一般名処方の標準的な記載", &mut reading)?;
    let places = head.places(&GENERIC_NAME);
    for row in &rows {
        match generic(row, &places) {
            Ok(concept) => reading.is(system::GENERIC_NAME, concept),
            Err((column, reason)) => reading.reject(row.number, column, reason),
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
