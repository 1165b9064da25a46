//! JFAGY アレルゲンコード: CSV in UTF-8 or Shift_JIS, 11 columns with a header. Its codes belong to three
//! code systems, and the code says to which.

use std::collections::BTreeMap;

use crate::concept::{Change, Concept, Property};
use crate::kind::Kind;
use crate::reading::{ReadError, Reading, Reason, Scope};
use crate::sheet::table;
use crate::system;
use crate::text::{day, lines};

const HEADINGS: [&str; 11] = [
    "DISPLAYSEQ",
    "JFAGYCODE",
    "JPTERM",
    "JPKANA",
    "ENTERM",
    "LEVEL",
    "MAINFLAG",
    "GUIDELINE",
    "CXGCATEGORY",
    "RECORDDATE",
    "ENDDATE",
];

/// Of one line, or where it can't be read and why.
type Fields = Result<Vec<String>, (usize, Reason)>;

pub(crate) fn allergens(bytes: &[u8]) -> Result<Reading, ReadError> {
    let mut reading = Reading::new(Kind::Allergens, Scope::Full);
    let rows: Vec<(u64, Fields)> = if bytes.starts_with(b"PK") {
        let (head, rows) = table(bytes, &HEADINGS, "JFAGYCODE, JPTERM", &mut reading)?;
        let places = head.places(&HEADINGS);
        let cells = |row: &crate::sheet::SheetRow| {
            places
                .iter()
                .map(|place| Ok(row.cell(place.unwrap_or(usize::MAX))?.to_owned()))
                .collect()
        };
        rows.iter().map(|row| (row.number, cells(row))).collect()
    } else {
        let mut all = lines(bytes, &mut reading).into_iter();
        let head = all.next().ok_or(ReadError::Empty)?;
        if head.columns() != HEADINGS.len() || head.field(2) != HEADINGS[1] {
            return Err(ReadError::Layout { expected: "11" });
        }
        reading.rows -= 1;
        let fields = |line: &crate::text::Line| match line.columns() {
            11 => Ok((1..=11).map(|number| line.field(number).to_owned()).collect()),
            found => Err((0, Reason::Columns { found })),
        };
        all.map(|line| (line.number, fields(&line))).collect()
    };
    let mut allergens = Vec::new();
    for (number, fields) in rows {
        match fields.and_then(|fields| allergen(&fields)) {
            Ok(found) => allergens.push(found),
            Err((column, reason)) => reading.reject(number, column, reason),
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

fn allergen(fields: &[String]) -> Result<(&'static str, Concept), (usize, Reason)> {
    let field = |number: usize| fields.get(number - 1).map_or("", String::as_str);
    let (code, name) = (field(2), field(3));
    let system = match code {
        "" => return Err((2, Reason::NoCode)),
        "D9M000000000" => system::JFAGY_MEDICATION,
        "D9F000000000" => system::JFAGY_FOOD,
        "D9N000000000" => system::JFAGY_OTHER,
        _ if code.len() > 12 || !code.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            return Err((2, Reason::BadCode));
        }
        _ if code.starts_with("J9F") || code.len() == 3 && code.ends_with('F') => {
            system::JFAGY_FOOD
        }
        _ if code.starts_with("J9N") || code.len() == 3 && code.ends_with('N') => {
            system::JFAGY_OTHER
        }
        _ => return Err((2, Reason::BadCode)),
    };
    if name.is_empty() {
        return Err((3, Reason::NoName));
    }
    let mut concept = Concept::new(code, name);
    concept.kana = Some(field(4).to_owned()).filter(|kana| !kana.is_empty());
    concept.synonyms.extend(Some(field(5).to_owned()).filter(|english| !english.is_empty()));
    concept.add(Property::Level, field(6));
    concept.from = day(field(10)).map_err(|reason| (10, reason))?;
    concept.until = day(field(11)).map_err(|reason| (11, reason))?;
    Ok((system, concept))
}
