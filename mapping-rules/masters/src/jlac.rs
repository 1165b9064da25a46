//! The service's table of laboratory and infection items with their JLAC10 and JLAC11 codes, as xlsx or
//! CSV (共有項目JLACコードマスタ).
//!
//! One JLAC10 code stands on many rows, one for each reagent's JLAC11 code: it is one concept, with all
//! of them. A JLAC11 code stands once.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::concept::{Concept, Property};
use crate::kind::Kind;
use crate::reading::{ReadLimits, Reading, Reason, Scope};
use crate::refused::ReadError;
use crate::sheet::{SheetRow, Table};
use crate::system;
use crate::text::{day, is_code};

/// As the working copy heads its columns, and as the published 共有項目JLACコードマスタ does.
const TABLE: Table = Table {
    headings: &[
        &["JLAC11コード"],
        &["JLAC10コード"],
        &["FHIR項目名称"],
        &["FHIR識別文字列"],
        &["大項目"],
        &["略称"],
        &["販売名称"],
        &["単位", "表示用単位"],
        &["材料(JLAC11)"],
        &["測定法(JLAC11)"],
        &["材料(JLAC10)"],
        &["検査方法(JLAC10-測定法)"],
        &["データタイプ"],
        &["適用開始日"],
        &["適用終了日"],
        &["親コード"],
        &["データ区分(感染症/検査)", "データ区分"],
    ],
    needed: 4,
    expected: "JLAC11コード, JLAC10コード, FHIR項目名称",
};
/// The published master has 32 columns, those before it 30.
const COLUMNS: &[usize] = &[30, 31, 32, 33, 34, 35, 36];

pub(crate) fn items(bytes: &[u8], limits: &ReadLimits) -> Result<Reading, ReadError> {
    let mut reading = Reading::new(Kind::LabItems, Scope::Full);
    let (places, rows) = TABLE.of_either(bytes, (COLUMNS, "30 to 36"), &mut reading, limits)?;
    let (mut by_jlac10, mut by_jlac11) = (Codes::default(), Codes::default());
    for row in &rows {
        if let Err(why) = item(row, &places, &mut by_jlac10, &mut by_jlac11) {
            reading.reject(row.number, why, limits)?;
        }
    }
    for (system, codes) in [(system::JLAC10, by_jlac10), (system::JLAC11, by_jlac11)] {
        codes.0.into_values().for_each(|concept| reading.is(system, concept));
    }
    Ok(reading)
}

/// The part of the service's table: 1 and 2 in the published master.
fn section(text: &str) -> &str {
    match text {
        text if text == "1" || text.starts_with("検査") => "検査",
        text if text == "2" || text.starts_with("感染症") => "感染症",
        other => other,
    }
}

#[derive(Default)]
struct Codes(BTreeMap<String, Concept>);

impl Codes {
    /// The concept of a code; what further rows say is added.
    fn of(&mut self, code: &str, name: &str) -> &mut Concept {
        self.0.entry(code.to_owned()).or_insert_with(|| Concept::new(code, name))
    }
}

fn item(
    row: &SheetRow,
    places: &[Option<usize>],
    by_jlac10: &mut Codes,
    by_jlac11: &mut Codes,
) -> Result<(), (usize, Reason)> {
    let cell = |index: usize| row.cell(places.get(index).copied().flatten().unwrap_or(usize::MAX));
    let column = |index: usize| places.get(index).copied().flatten().map_or(0, |place| place + 1);
    let (jlac11, jlac10, name) = (cell(0)?, cell(1)?, cell(2)?);
    if name.is_empty() {
        return Err((column(2), Reason::NoName));
    }
    let valid = |code: &str, index: usize| match code {
        "" => Ok(false),
        code if is_code(code, 17) => Ok(true),
        _ => Err((column(index), Reason::BadCode)),
    };
    let (has11, has10) = (valid(jlac11, 0)?, valid(jlac10, 1)?);
    if !has11 && !has10 {
        return Err((column(0), Reason::NoCode));
    }
    let from = day(cell(13)?).map_err(|reason| (column(13), reason))?;
    let until = day(cell(14)?).map_err(|reason| (column(14), reason))?;
    let shared = [
        (Property::Item, 3),
        (Property::Group, 4),
        (Property::Unit, 7),
        (Property::ValueType, 12),
        (Property::Parent, 15),
    ];
    for (codes, code, there, other, other_property, [material, method]) in [
        (by_jlac11, jlac11, has11, jlac10, Property::Jlac10, [8, 9]),
        (by_jlac10, jlac10, has10, jlac11, Property::Jlac11, [10, 11]),
    ] {
        if !there {
            continue;
        }
        let concept = codes.of(code, name);
        for (property, index) in shared {
            // A broken formula in the parent spoils no row.
            concept.add(property, cell(index).unwrap_or_default());
        }
        concept.add(Property::Section, section(cell(16).unwrap_or_default()));
        concept.add(Property::Material, cell(material)?);
        concept.add(Property::Method, cell(method)?);
        concept.add(other_property, other);
        for name in [cell(5)?, cell(6)?] {
            if !name.is_empty()
                && name != concept.display
                && !concept.synonyms.iter().any(|known| known == name)
            {
                concept.synonyms.push(name.to_owned());
            }
        }
        widen(concept, from, until);
    }
    Ok(())
}

/// A code of several rows is in use as long as one of them.
fn widen(concept: &mut Concept, from: Option<NaiveDate>, until: Option<NaiveDate>) {
    let first = concept.from.is_none() && concept.until.is_none();
    concept.from = if first { from } else { concept.from.zip(from).map(|(a, b)| a.min(b)) };
    concept.until = if first { until } else { concept.until.zip(until).map(|(a, b)| a.max(b)) };
}
