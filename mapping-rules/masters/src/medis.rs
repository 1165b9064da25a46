//! MEDIS-DC: 標準病名マスター (`nmain*.txt`, 20 columns), 修飾語 (`mdfy*.txt`) and HOTコードマスター (24 columns with a
//! header), in CP932 or UTF-8.

use std::collections::BTreeMap;

use crate::concept::{Change, Concept, Property};
use crate::kind::Kind;
use crate::reading::{ReadError, Reading, Reason, Scope};
use crate::system;
use crate::text::{Line, day, is_code, is_number, lines};

/// 病名基本テーブル.
pub(crate) fn diseases(bytes: &[u8]) -> Result<Reading, ReadError> {
    let mut reading = Reading::new(Kind::MedisDisease, Scope::Full);
    let all = lines(bytes, &mut reading);
    if !all.iter().any(|line| line.columns() == 20) {
        return Err(if reading.rows == 0 {
            ReadError::Empty
        } else {
            ReadError::Layout { expected: "20" }
        });
    }
    for line in &all {
        let done = match line.columns() {
            20 => disease(&mut reading, line),
            found => Err((0, Reason::Columns { found })),
        };
        if let Err((column, reason)) = done {
            reading.reject(line.number, column, reason);
        }
    }
    reading.merge(system::DISEASE_EXCHANGE);
    Ok(reading)
}

fn disease(reading: &mut Reading, line: &Line) -> Result<(), (usize, Reason)> {
    let (key, name, exchange, receipt) =
        (line.field(2), line.field(3), line.field(6), line.field(11));
    if !is_number(key, 8) {
        return Err((2, if key.is_empty() { Reason::NoCode } else { Reason::BadCode }));
    }
    let successor = Some(line.field(16).to_owned()).filter(|to| is_number(to, 8) && to != key);
    // 変更区分: 1 of the documents is a deletion, 9 in files since 2019.
    if matches!(line.field(1), "1" | "9") {
        let until = day(line.field(15)).map_err(|reason| (15, reason))?;
        let code = key.to_owned();
        reading.push(system::DISEASE_KEY, Change::Ends { code, until, successor });
        return Ok(());
    }
    if name.is_empty() {
        return Err((3, Reason::NoName));
    }
    let mut concept = Concept::new(key, name);
    concept.kana = Some(line.field(4).to_owned()).filter(|kana| !kana.is_empty());
    concept
        .synonyms
        .extend(Some(line.field(12).to_owned()).filter(|short| !short.is_empty() && short != name));
    concept.successor = successor;
    for (property, field) in [
        (Property::Exchange, 6),
        (Property::Icd10, 7),
        (Property::Icd10Second, 8),
        (Property::Receipt, 11),
        (Property::OutsideInsurance, 18),
    ] {
        concept.add(property, line.field(field));
    }
    if !matches!(line.field(17), "" | "00") {
        concept.add(Property::NotAlone, line.field(17));
    }
    if is_code(exchange, 4) {
        let named = Concept::new(exchange, name).with(Property::KeyNumber, key);
        reading.is(system::DISEASE_EXCHANGE, named.with(Property::Receipt, receipt));
    }
    reading.is(system::DISEASE_KEY, concept);
    Ok(())
}

/// HOT9 with the codes that a package has elsewhere. One HOT9 code may stand on several lines with
/// different YJ codes: it has all of them then, and nobody chooses here.
pub(crate) fn drugs(bytes: &[u8]) -> Result<Reading, ReadError> {
    let mut reading = Reading::new(Kind::Hot, Scope::Full);
    let mut all = lines(bytes, &mut reading).into_iter().peekable();
    if all.peek().is_some_and(|line| line.field(1).contains("ＨＯＴ")) {
        all.next();
        reading.rows -= 1;
    }
    let all: Vec<Line> = all.collect();
    if !all.iter().any(|line| line.columns() == 24) {
        return Err(if reading.rows == 0 {
            ReadError::Empty
        } else {
            ReadError::Layout { expected: "24" }
        });
    }
    let (mut by_hot, mut by_yj) = (BTreeMap::new(), BTreeMap::new());
    for line in &all {
        let done = match line.columns() {
            24 => drug(line, &mut by_hot, &mut by_yj),
            found => Err((0, Reason::Columns { found })),
        };
        if let Err((column, reason)) = done {
            reading.reject(line.number, column, reason);
        }
    }
    for (system, concepts) in [(system::HOT9, by_hot), (system::YJ, by_yj)] {
        concepts.into_values().for_each(|concept| reading.is(system, concept));
    }
    Ok(reading)
}

type Concepts = BTreeMap<String, Concept>;

fn drug(line: &Line, by_hot: &mut Concepts, by_yj: &mut Concepts) -> Result<(), (usize, Reason)> {
    let (hot, yj, name) = (line.field(1), line.field(8), line.field(12));
    // HOT13 begins with HOT9.
    let hot9 = hot.get(..9).unwrap_or(hot);
    if !is_number(hot9, 9) || !matches!(hot.len(), 9 | 13) {
        return Err((1, if hot.is_empty() { Reason::NoCode } else { Reason::BadCode }));
    }
    if name.is_empty() {
        return Err((12, Reason::NoName));
    }
    day(line.field(24)).map_err(|reason| (24, reason))?;
    let concept = by_hot.entry(hot9.to_owned()).or_insert_with(|| Concept::new(hot9, name));
    describe(concept, line);
    concept.add(Property::Yj, yj);
    if is_code(yj, 12) {
        let concept = by_yj.entry(yj.to_owned()).or_insert_with(|| Concept::new(yj, name));
        describe(concept, line);
        concept.add(Property::Hot9, hot9);
    }
    Ok(())
}

fn describe(concept: &mut Concept, line: &Line) {
    for (property, field) in [
        (Property::PriceList, 7),
        (Property::Receipt, 9),
        (Property::Receipt, 10),
        (Property::Strength, 14),
        (Property::Form, 20),
        (Property::Maker, 21),
    ] {
        concept.add(property, line.field(field));
    }
    for name in [line.field(11), line.field(12), line.field(13)] {
        if !name.is_empty()
            && name != concept.display
            && !concept.synonyms.iter().any(|known| known == name)
        {
            concept.synonyms.push(name.to_owned());
        }
    }
}
