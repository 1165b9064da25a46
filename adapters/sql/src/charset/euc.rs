//! EUC-JP and EUC-JIS-2004 by tables of what PostgreSQL makes of each code, so that a search finds
//! what a resource shows: the server reads the parameters of a search by the same tables. The
//! encoding of browsers has the same name and lacks, among others, 髙 and 﨑.
//!
//! A table is a text: 94 lines for each of the two sets of characters, 94 cells in each line,
//! parted by tabs. `tests/sql/charsets.rs` holds them against a server, code by code.

use std::collections::HashMap;
use std::sync::LazyLock;

pub(super) static EUC_JP: LazyLock<Table> =
    LazyLock::new(|| Table::read(include_str!("euc-jp.txt")));
pub(super) static EUC_JIS_2004: LazyLock<Table> =
    LazyLock::new(|| Table::read(include_str!("euc-jis-2004.txt")));

/// Rows and cells of a set, and the first byte of both.
const SIDE: usize = 94;
const FIRST: u8 = 0xA1;

/// Before the one byte of half-width kana, and before the two of the second set.
const KANA: u8 = 0x8E;
const SECOND_SET: u8 = 0x8F;
const KANA_FIRST: u32 = 0xFF61;
const KANA_LAST: u32 = 0xFF9F;

pub(super) struct Table {
    /// Both sets, row by row; empty where there is no character. JIS X 0213 has some that are two
    /// of Unicode's.
    cells: Vec<&'static str>,
    /// The first place of each character.
    places: HashMap<&'static str, usize>,
}

impl Table {
    fn read(text: &'static str) -> Table {
        let mut cells = vec![""; 2 * SIDE * SIDE];
        let mut places = HashMap::with_capacity(cells.len());
        for (line, row) in text.lines().zip(cells.chunks_mut(SIDE)) {
            for (cell, place) in line.split('\t').zip(row) {
                *place = cell;
            }
        }
        for (place, cell) in cells.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
            places.entry(*cell).or_insert(place);
        }
        Table { cells, places }
    }

    pub fn decode(&self, bytes: &[u8]) -> Result<String, usize> {
        let mut text = String::with_capacity(bytes.len() * 3 / 2);
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            at += match *rest {
                [byte @ ..0x80, ..] => {
                    text.push(char::from(byte));
                    1
                }
                [KANA, kana @ FIRST..=0xDF, ..] => {
                    let kana = char::from_u32(KANA_FIRST + u32::from(kana - FIRST));
                    text.extend(kana);
                    2
                }
                [SECOND_SET, row, cell, ..] => {
                    text.push_str(self.cell(SIDE, row, cell).ok_or(at)?);
                    3
                }
                [row, cell, ..] => {
                    text.push_str(self.cell(0, row, cell).ok_or(at)?);
                    2
                }
                _ => return Err(at),
            };
        }
        Ok(text)
    }

    /// `rows_before`: of the set before.
    fn cell(&self, rows_before: usize, row: u8, cell: u8) -> Option<&'static str> {
        let row = usize::from(row.checked_sub(FIRST)?);
        let cell = usize::from(cell.checked_sub(FIRST)?);
        if row >= SIDE || cell >= SIDE {
            return None;
        }
        let found = self.cells.get((rows_before + row) * SIDE + cell)?;
        (!found.is_empty()).then_some(*found)
    }

    pub fn encode(&self, text: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let length = match u32::from(first) {
                0..0x80 => {
                    bytes.extend(rest.bytes().take(1));
                    1
                }
                kana @ KANA_FIRST..=KANA_LAST => {
                    bytes.extend([KANA, FIRST + u8::try_from(kana - KANA_FIRST).ok()?]);
                    first.len_utf8()
                }
                _ => self.encode_longest(rest, first, &mut bytes)?,
            };
            rest = &rest[length..];
        }
        Some(bytes)
    }

    /// Two of Unicode's characters where they are one here; gives back the length of the text.
    fn encode_longest(&self, text: &str, first: char, bytes: &mut Vec<u8>) -> Option<usize> {
        let one = first.len_utf8();
        let two = text[one..].chars().next().map(|second| one + second.len_utf8());
        let (length, place) = [two, Some(one)]
            .into_iter()
            .flatten()
            .find_map(|length| Some((length, *self.places.get(&text[..length])?)))?;
        let (row, cell) = (place / SIDE, place % SIDE);
        if row >= SIDE {
            bytes.push(SECOND_SET);
        }
        bytes.push(FIRST + u8::try_from(row % SIDE).ok()?);
        bytes.push(FIRST + u8::try_from(cell).ok()?);
        Some(length)
    }
}
