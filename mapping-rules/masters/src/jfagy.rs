//! JFAGY アレルゲンコード: CSV in UTF-8 or Shift_JIS, 11 columns with a header. Its codes belong to three
//! code systems, and the code says to which.

use std::collections::BTreeMap;

use crate::concept::{Change, Concept, Property};
use crate::kind::Kind;
use crate::reading::{ReadLimits, Reading, Reason, Scope};
use crate::refused::ReadError;
use crate::sheet::{SheetRow, Table};
use crate::system;
use crate::text::day;

const TABLE: Table = Table {
    headings: &[
        &["DISPLAYSEQ"],
        &["JFAGYCODE"],
        &["JPTERM"],
        &["JPKANA"],
        &["ENTERM"],
        &["LEVEL"],
        &["MAINFLAG"],
        &["GUIDELINE"],
        &["CXGCATEGORY"],
        &["RECORDDATE"],
        &["ENDDATE"],
    ],
    needed: 11,
    expected: "JFAGYCODE, JPTERM",
};

pub(crate) fn allergens(bytes: &[u8], limits: &ReadLimits) -> Result<Reading, ReadError> {
    let mut reading = Reading::new(Kind::Allergens, Scope::Full);
    let (places, rows) = TABLE.of_either(bytes, (&[11], "11"), &mut reading, limits)?;
    let mut allergens = Vec::new();
    for row in &rows {
        match allergen(row, &places) {
            Ok(found) => allergens.push(found),
            Err(why) => reading.reject(row.number, why, limits)?,
        }
    }
    let levels: BTreeMap<String, u8> = allergens
        .iter()
        .filter_map(|(_, concept)| Some((concept.code.clone(), level(concept)?)))
        .collect();
    for (system, mut concept) in allergens {
        if let Some(parent) = level(&concept).and_then(|own| parent(&concept.code, own, &levels)) {
            concept.add(Property::Parent, &parent);
        }
        reading.push(system, Change::Is(concept));
    }
    Ok(reading)
}

fn level(concept: &Concept) -> Option<u8> {
    concept.values(Property::Level).first()?.parse().ok()
}

/// The code above: of a lower LEVEL, and the same but for zeros where this one goes on. Those of level
/// 2 are below the code of their kind, `00F` or `00N`.
fn parent(code: &str, level: u8, levels: &BTreeMap<String, u8>) -> Option<String> {
    let above = |other: &String| levels.get(other).is_some_and(|found| *found < level);
    let kind = code.strip_prefix("J9")?.chars().next()?;
    let begins = (3..code.len()).rev().filter_map(|length| code.get(..length));
    let mut above_it = begins
        .map(|begin| format!("{begin:0<width$}", width = code.len()))
        .filter(|other| other != code)
        .chain(std::iter::once(format!("00{kind}")));
    above_it.find(above)
}

fn allergen(
    row: &SheetRow,
    places: &[Option<usize>],
) -> Result<(&'static str, Concept), (usize, Reason)> {
    let place = |number: usize| places.get(number - 1).copied().flatten().unwrap_or(usize::MAX);
    let field = |number: usize| row.cell(place(number));
    let at = |number: usize, reason| (place(number).saturating_add(1), reason);
    let (code, name) = (field(2)?, field(3)?);
    let system = match code {
        "" => return Err(at(2, Reason::NoCode)),
        "D9M000000000" => system::JFAGY_MEDICATION,
        "D9F000000000" => system::JFAGY_FOOD,
        "D9N000000000" => system::JFAGY_OTHER,
        _ if code.len() > 12 || !code.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            return Err(at(2, Reason::BadCode));
        }
        _ if code.starts_with("J9F") || code.len() == 3 && code.ends_with('F') => {
            system::JFAGY_FOOD
        }
        _ if code.starts_with("J9N") || code.len() == 3 && code.ends_with('N') => {
            system::JFAGY_OTHER
        }
        _ => return Err(at(2, Reason::BadCode)),
    };
    if name.is_empty() {
        return Err(at(3, Reason::NoName));
    }
    let mut concept = Concept::new(code, name);
    concept.kana = Some(field(4)?.to_owned()).filter(|kana| !kana.is_empty());
    concept.synonyms.extend(Some(field(5)?.to_owned()).filter(|english| !english.is_empty()));
    concept.add(Property::Level, field(6)?);
    concept.from = day(field(10)?).map_err(|reason| at(10, reason))?;
    concept.until = day(field(11)?).map_err(|reason| at(11, reason))?;
    Ok((system, concept))
}
