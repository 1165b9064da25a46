//! MEDIS-DC: ICD10対応標準病名マスター, of which 病名基本テーブル (`nmain*.txt`, 20 columns), 修飾語テーブル (`mdfy*.txt`,
//! 10) and 索引テーブル (`index*.txt`, 9) have no header, and HOTコードマスター (24 columns with one); in CP932 or
//! UTF-8.
//!
//! Layouts of the tables: <http://byomei.org/dispack/disEXPANDER.html> and the files of headings beside
//! the published ones (`option/ttl_mdfy.txt`, `option/ttl_idx.txt`); of version 5 they are
//! <https://www2.medis.or.jp/stdcd/byomei/spc515.pdf>.

use std::collections::BTreeMap;

use crate::concept::{Change, Concept, Property};
use crate::kind::Kind;
use crate::reading::{ReadLimits, Reading, Reason, Scope};
use crate::refused::ReadError;
use crate::ssk::position;
use crate::store::fold;
use crate::system;
use crate::text::{Columns, Line, day, is_code, is_number, lines};

type Row = Result<(), (usize, Reason)>;

fn read(
    kind: Kind,
    bytes: &[u8],
    columns: Columns,
    mut row: impl FnMut(&mut Reading, &Line) -> Row,
    limits: &ReadLimits,
) -> Result<Reading, ReadError> {
    let mut reading = Reading::new(kind, Scope::Full);
    for line in &lines(bytes, columns, &mut reading, limits)? {
        if let Err(why) = row(&mut reading, line) {
            reading.reject(line.number, why, limits)?;
        }
    }
    Ok(reading)
}

/// 病名基本テーブル.
pub(crate) fn diseases(bytes: &[u8], limits: &ReadLimits) -> Result<Reading, ReadError> {
    let mut reading = read(Kind::MedisDisease, bytes, (&[20], "20"), disease, limits)?;
    reading.merge(system::DISEASE_EXCHANGE);
    Ok(reading)
}

/// 変更区分: 1 of the documents is a deletion, 9 in files since 2019.
fn is_deleted(line: &Line) -> bool {
    matches!(line.field(1), "1" | "9")
}

/// An 8-digit key in column 2.
fn key(line: &Line) -> Result<&str, (usize, Reason)> {
    match line.field(2) {
        key if is_number(key, 8) => Ok(key),
        "" => Err((2, Reason::NoCode)),
        _ => Err((2, Reason::BadCode)),
    }
}

fn disease(reading: &mut Reading, line: &Line) -> Row {
    let key = key(line)?;
    let (name, exchange, receipt) = (line.field(3), line.field(6), line.field(11));
    let successor = Some(line.field(16).to_owned()).filter(|to| is_number(to, 8) && to != key);
    if is_deleted(line) {
        let until = day(line.field(15)).map_err(|reason| (15, reason))?;
        let code = key.to_owned();
        reading.push(system::DISEASE_KEY, Change::Ends { code, until, successor });
        return Ok(());
    }
    if name.is_empty() {
        return Err((3, Reason::NoName));
    }
    for (column, is_right) in [
        (6, exchange.is_empty() || is_code(exchange, 4)),
        (7, is_icd10(line.field(7))),
        (8, is_icd10(line.field(8))),
        (11, receipt.is_empty() || is_number(receipt, 7)),
    ] {
        if !is_right {
            return Err((column, Reason::BadCode));
        }
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

/// 修飾語テーブル. It says no days: what it deletes ends when it holds.
pub(crate) fn modifiers(bytes: &[u8], limits: &ReadLimits) -> Result<Reading, ReadError> {
    let mut reading = read(Kind::MedisModifier, bytes, (&[10], "10"), modifier, limits)?;
    reading.merge(system::MODIFIER_EXCHANGE);
    Ok(reading)
}

fn modifier(reading: &mut Reading, line: &Line) -> Row {
    let key = key(line)?;
    let (name, exchange) = (line.field(3), line.field(5));
    if is_deleted(line) {
        let ends = Change::Ends { code: key.to_owned(), until: None, successor: None };
        reading.push(system::MODIFIER_KEY, ends);
        return Ok(());
    }
    if name.is_empty() {
        return Err((3, Reason::NoName));
    }
    let (kind, receipt) = (line.field(7), line.field(9));
    for (column, is_right) in [
        (5, exchange.is_empty() || is_code(exchange, 4)),
        // What decides between 接頭語 and 接尾語.
        (7, kind.starts_with(|c: char| c.is_ascii_uppercase())),
        (9, receipt.is_empty() || is_number(receipt, 4)),
    ] {
        if !is_right {
            return Err((column, Reason::BadCode));
        }
    }
    let mut concept = Concept::new(key, name);
    concept.kana = Some(line.field(4).to_owned()).filter(|kana| !kana.is_empty());
    concept.add(Property::Receipt, receipt);
    concept.add(Property::Position, position(line.field(7)));
    if is_code(exchange, 4) {
        let of_exchange = Concept { code: exchange.to_owned(), ..concept.clone() };
        reading.is(system::MODIFIER_EXCHANGE, of_exchange.with(Property::KeyNumber, key));
    }
    concept.add(Property::Exchange, exchange);
    reading.is(system::MODIFIER_KEY, concept);
    Ok(())
}

/// Nothing, or a letter and digits, without the dot.
fn is_icd10(text: &str) -> bool {
    let digits = text.strip_prefix(|c: char| c.is_ascii_uppercase());
    text.is_empty() || digits.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// 索引テーブル: the words by which people look for what the other tables hold, by exchange code.
pub(crate) fn index(bytes: &[u8], limits: &ReadLimits) -> Result<Reading, ReadError> {
    let mut words: BTreeMap<(&'static str, String), Concept> = BTreeMap::new();
    let mut reading = read(
        Kind::MedisIndex,
        bytes,
        (&[9], "9"),
        |_, line| {
            let (system, code, word) = entry(line)?;
            let new = || Concept::new(code, "");
            let concept = words.entry((system, code.to_owned())).or_insert_with(new);
            if !concept.synonyms.iter().any(|known| known == word) {
                concept.synonyms.push(word.to_owned());
            }
            Ok(())
        },
        limits,
    )?;
    for ((system, _), concept) in words {
        reading.push(system, Change::Adds(concept));
    }
    Ok(reading)
}

fn entry(line: &Line) -> Result<(&'static str, &str, &str), (usize, Reason)> {
    let (word, code) = (line.field(1), line.field(2));
    if word.is_empty() {
        return Err((1, Reason::NoName));
    }
    if !is_code(code, 4) {
        return Err((2, if code.is_empty() { Reason::NoCode } else { Reason::BadCode }));
    }
    match line.field(3) {
        "1" => Ok((system::DISEASE_EXCHANGE, code, word)),
        "2" => Ok((system::MODIFIER_EXCHANGE, code, word)),
        _ => Err((3, Reason::UnknownTable)),
    }
}

/// HOT with the codes that a product has elsewhere: of the file by packages (HOT13) or of the one by
/// products (HOT9), which have the same columns. One HOT9 code may stand on several lines with
/// different YJ codes: it has all of them then, and nobody chooses here.
pub(crate) fn drugs(bytes: &[u8], limits: &ReadLimits) -> Result<Reading, ReadError> {
    let mut reading = Reading::new(Kind::Hot, Scope::Full);
    let all = lines(bytes, (&[24], "24"), &mut reading, limits)?;
    let is_head = |line: &Line| line.field(1).contains("ＨＯＴ");
    all.first().filter(|line| is_head(line)).map_or(Ok(()), check_heading)?;
    reading.rows -= usize::from(all.first().is_some_and(is_head));
    let mut drugs = Drugs::default();
    for line in all.iter().skip_while(|line| is_head(line)) {
        if let Err(why) = drugs.take(line) {
            reading.reject(line.number, why, limits)?;
        }
    }
    let Drugs { packages, products, individual } = drugs;
    for (system, concepts) in
        [(system::HOT13, packages), (system::HOT9, products), (system::YJ, individual)]
    {
        concepts.into_values().for_each(|concept| reading.is(system, concept));
    }
    Ok(reading)
}

/// A word of each heading that is used, by its column.
const HEADINGS: [(usize, &str); 10] = [
    (1, "ＨＯＴ"),
    (6, "ＪＡＮ"),
    (7, "薬価"),
    (8, "個別医薬品"),
    (9, "レセプト"),
    (10, "レセプト"),
    (12, "販売名"),
    (14, "規格"),
    (21, "会社"),
    (24, "年月日"),
];

/// A file with its columns in another order would be read as other codes.
fn check_heading(line: &Line) -> Result<(), ReadError> {
    let other = |(column, word): &&(usize, &str)| !fold(line.field(*column)).contains(&fold(word));
    match HEADINGS.iter().find(other) {
        None => Ok(()),
        Some((column, expected)) => {
            let found = line.field(*column).chars().take(HEADING_LETTERS).collect();
            Err(ReadError::Heading { line: line.number, column: *column, found, expected })
        }
    }
}

/// Of a heading that is told.
const HEADING_LETTERS: usize = 40;

type Concepts = BTreeMap<String, Concept>;

/// By HOT13, HOT9 and YJ.
#[derive(Default)]
struct Drugs {
    packages: Concepts,
    products: Concepts,
    individual: Concepts,
}

impl Drugs {
    fn take(&mut self, line: &Line) -> Row {
        let (hot, yj, name) = (line.field(1), line.field(8), line.field(12));
        // HOT13 begins with HOT9.
        let hot9 = hot.get(..9).unwrap_or(hot);
        if !matches!(hot.len(), 9 | 13) || !is_number(hot, hot.len()) {
            return Err((1, if hot.is_empty() { Reason::NoCode } else { Reason::BadCode }));
        }
        if name.is_empty() {
            return Err((12, Reason::NoName));
        }
        for column in [7, 8] {
            let code = line.field(column);
            if !code.is_empty() && !is_code(code, 12) {
                return Err((column, Reason::BadCode));
            }
        }
        for column in [9, 10] {
            let receipt = line.field(column);
            if !receipt.is_empty() && !is_number(receipt, 9) {
                return Err((column, Reason::BadCode));
            }
        }
        day(line.field(24)).map_err(|reason| (24, reason))?;
        let of = |concepts: &mut Concepts, code: &str, (property, other): (Property, &str)| {
            let new = || Concept::new(code, name);
            let concept = concepts.entry(code.to_owned()).or_insert_with(new);
            describe(concept, line);
            concept.add(property, other);
        };
        of(&mut self.products, hot9, (Property::Yj, yj));
        if is_code(yj, 12) {
            of(&mut self.individual, yj, (Property::Hot9, hot9));
        }
        // What else there is to say of a package is said of its product.
        if hot.len() == 13 {
            let new = || Concept::new(hot, name).with(Property::Hot9, hot9);
            let package = self.packages.entry(hot.to_owned()).or_insert_with(new);
            package.add(Property::Gtin, line.field(6));
        }
        Ok(())
    }
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
