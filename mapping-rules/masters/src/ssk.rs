//! 支払基金 基本マスター: 傷病名 (`b_*.txt`), 修飾語 (`z_*.txt`), 医薬品 (`y_*.csv`), in CP932. Column numbers
//! are those of its documents (レセプト電算処理システム マスターファイル仕様説明書).

use crate::concept::{Change, Concept, Property};
use crate::kind::Kind;
use crate::reading::{ReadLimits, Reading, Reason, Scope};
use crate::refused::ReadError;
use crate::system;
use crate::text::{Columns, Line, day, is_code, is_number, lines};

/// 変更区分: 0 unchanged, 2 and 3 new, 5 changed, 9 retired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Stays,
    New,
    Changes,
    Ends,
}

fn mark(line: &Line) -> Result<Mark, (usize, Reason)> {
    match line.field(1) {
        "0" => Ok(Mark::Stays),
        "2" | "3" => Ok(Mark::New),
        "5" => Ok(Mark::Changes),
        "9" => Ok(Mark::Ends),
        _ => Err((1, Reason::UnknownChange)),
    }
}

/// A full file says of every code that it stays or how it changed; an update has only changes.
fn scope(lines: &[Line]) -> Scope {
    if lines.iter().any(|line| line.field(1) == "0") { Scope::Full } else { Scope::Update }
}

type Row = Result<(), (usize, Reason)>;

fn read(
    kind: Kind,
    bytes: &[u8],
    columns: Columns,
    row: impl Fn(&mut Reading, &Line) -> Row,
    limits: &ReadLimits,
) -> Result<Reading, ReadError> {
    let mut reading = Reading::new(kind, Scope::Full);
    let lines = lines(bytes, columns, &mut reading, limits)?;
    reading.scope = scope(&lines);
    for line in &lines {
        if let Err(why) = row(&mut reading, line) {
            reading.reject(line.number, why, limits)?;
        }
    }
    Ok(reading)
}

/// 傷病名マスター, 46 columns.
pub(crate) fn diseases(bytes: &[u8], limits: &ReadLimits) -> Result<Reading, ReadError> {
    let mut reading = read(Kind::ReceiptDisease, bytes, (&[46], "46"), disease, limits)?;
    reading.merge(system::DISEASE_EXCHANGE);
    Ok(reading)
}

fn disease(reading: &mut Reading, line: &Line) -> Row {
    let mark = mark(line)?;
    let (code, key, exchange) = (line.field(3), line.field(11), line.field(13));
    if !is_number(code, 7) {
        return Err((3, if code.is_empty() { Reason::NoCode } else { Reason::BadCode }));
    }
    if !is_number(key, 8) {
        return Err((11, if key.is_empty() { Reason::NoCode } else { Reason::BadCode }));
    }
    let name = line.field(6);
    if name.is_empty() {
        return Err((6, Reason::NoName));
    }
    let mut concept = Concept::new(code, name);
    concept.kana = Some(line.field(10).to_owned()).filter(|kana| !kana.is_empty());
    concept.synonyms = synonyms(&[line.field(8), line.field(39)], name);
    concept.from = day(line.field(22)).map_err(|reason| (22, reason))?;
    concept.until = day(line.field(24)).map_err(|reason| (24, reason))?;
    concept.successor = Some(line.field(4).to_owned()).filter(|to| is_number(to, 7) && to != code);
    for (property, field) in [
        (Property::KeyNumber, 11),
        (Property::Exchange, 13),
        (Property::Icd10, 16),
        (Property::Icd10Second, 17),
        (Property::OutsideInsurance, 20),
    ] {
        concept.add(property, line.field(field));
    }
    if line.field(19) != "00" {
        concept.add(Property::NotAlone, line.field(19));
    }
    let mut by_key = Concept { code: key.to_owned(), successor: None, ..concept.clone() };
    by_key.properties.remove(&Property::KeyNumber);
    by_key.add(Property::Receipt, code);
    if mark == Mark::Ends {
        let ends = |code: &str, successor| Change::Ends {
            code: code.to_owned(),
            until: concept.until,
            successor,
        };
        reading.push(system::RECEIPT_DISEASE, ends(code, concept.successor.clone()));
        reading.push(system::DISEASE_KEY, ends(key, None));
        return Ok(());
    }
    if is_code(exchange, 4) {
        let named = Concept { kana: concept.kana.clone(), ..Concept::new(exchange, name) };
        reading.is(
            system::DISEASE_EXCHANGE,
            named.with(Property::KeyNumber, key).with(Property::Receipt, code),
        );
    }
    reading.is(system::RECEIPT_DISEASE, concept);
    reading.is(system::DISEASE_KEY, by_key);
    Ok(())
}

/// 修飾語マスター, 19 columns.
pub(crate) fn modifiers(bytes: &[u8], limits: &ReadLimits) -> Result<Reading, ReadError> {
    read(Kind::ReceiptModifier, bytes, (&[19], "19"), modifier, limits)
}

fn modifier(reading: &mut Reading, line: &Line) -> Row {
    let mark = mark(line)?;
    let (code, name, key, exchange) =
        (line.field(3), line.field(7), line.field(17), line.field(18));
    if !is_number(code, 4) {
        return Err((3, if code.is_empty() { Reason::NoCode } else { Reason::BadCode }));
    }
    if name.is_empty() {
        return Err((7, Reason::NoName));
    }
    let mut concept = Concept::new(code, name);
    concept.kana = Some(line.field(10).to_owned()).filter(|kana| !kana.is_empty());
    concept.from = day(line.field(14)).map_err(|reason| (14, reason))?;
    concept.until = day(line.field(16)).map_err(|reason| (16, reason))?;
    concept.add(Property::KeyNumber, key);
    concept.add(Property::Exchange, exchange);
    concept.add(Property::Position, position(line.field(19)));
    let of = |code: &str| {
        Concept { code: code.to_owned(), ..concept.clone() }.with(Property::Receipt, line.field(3))
    };
    if mark == Mark::Ends {
        for (system, code) in [(system::RECEIPT_MODIFIER, code), (system::MODIFIER_KEY, key)] {
            let code = code.to_owned();
            reading.push(system, Change::Ends { code, until: concept.until, successor: None });
        }
        return Ok(());
    }
    if is_number(key, 8) {
        reading.is(system::MODIFIER_KEY, of(key));
    }
    if is_code(exchange, 4) {
        reading.is(system::MODIFIER_EXCHANGE, of(exchange));
    }
    reading.is(system::RECEIPT_MODIFIER, concept);
    Ok(())
}

/// Of a 修飾語区分: A8 is what stands behind the disease.
pub(crate) fn position(kind: &str) -> &'static str {
    if kind.starts_with("A8") { "suffix" } else { "prefix" }
}

/// 医薬品マスター: 40 columns, and 42 since September 2024.
pub(crate) fn drugs(bytes: &[u8], limits: &ReadLimits) -> Result<Reading, ReadError> {
    read(Kind::ReceiptDrug, bytes, (&[40, 42], "40 or 42"), drug, limits)
}

fn drug(reading: &mut Reading, line: &Line) -> Row {
    let mark = mark(line)?;
    let (code, name) = (line.field(3), line.field(5));
    if !is_number(code, 9) {
        return Err((3, if code.is_empty() { Reason::NoCode } else { Reason::BadCode }));
    }
    let until = day(line.field(31)).map_err(|reason| (31, reason))?;
    day(line.field(30)).map_err(|reason| (30, reason))?;
    if mark == Mark::Ends {
        let code = code.to_owned();
        reading.push(system::RECEIPT_DRUG, Change::Ends { code, until, successor: None });
        return Ok(());
    }
    let amends = mark == Mark::Changes && reading.scope == Scope::Update;
    if name.is_empty() && !amends {
        return Err((5, Reason::NoName));
    }
    let mut concept = Concept::new(code, name);
    concept.kana = Some(line.field(7).to_owned()).filter(|kana| !kana.is_empty());
    concept.synonyms = synonyms(&[line.field(35)], name);
    concept.until = until;
    for (property, field) in
        [(Property::Unit, 10), (Property::PriceList, 32), (Property::GenericName, 37)]
    {
        concept.add(property, line.field(field));
    }
    concept.add(
        Property::Form,
        match line.field(28) {
            "1" => "内用",
            "3" => "その他",
            "4" => "注射",
            "6" => "外用",
            "8" => "歯科用",
            other => other,
        },
    );
    let change = if amends { Change::Amends(concept) } else { Change::Is(concept) };
    reading.push(system::RECEIPT_DRUG, change);
    Ok(())
}

/// The other names of a code, without its own.
fn synonyms(names: &[&str], own: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for name in names {
        if !name.is_empty() && *name != own && !found.iter().any(|known| known == name) {
            found.push((*name).to_owned());
        }
    }
    found
}
