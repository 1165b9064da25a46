//! JFAGY アレルゲンコード: CSV in UTF-8 or Shift_JIS, 11 columns with a header. Its codes belong to three
//! code systems, and the code says to which.

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
    for (number, fields) in rows {
        match fields.and_then(|fields| allergen(&fields)) {
            Ok((system, concept)) => reading.push(system, Change::Is(concept)),
            Err((column, reason)) => reading.reject(number, column, reason),
        }
    }
    Ok(reading)
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
