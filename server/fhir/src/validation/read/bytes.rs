//! Bytes that must be UTF-8, and the lines of a text.

use std::borrow::Cow;

use super::{Code, MAX_DOCUMENT_BYTES, Problem, keep};

/// A place in a document; both count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub line: u32,
    pub column: u32,
}

/// The text of a document. What isn't UTF-8 becomes U+FFFD, so that the rest is looked at too.
pub fn text<'s>(source: &'s [u8], problems: &mut Vec<Problem>) -> Option<Cow<'s, str>> {
    if source.len() > MAX_DOCUMENT_BYTES {
        let found = format!("{} bytes", source.len());
        keep(problems, Problem::new(Code::TooLarge, 0).found(found));
        return None;
    }
    if let [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..] = source {
        keep(problems, Problem::new(Code::NotUtf8, 0).found("UTF-16"));
        return None;
    }
    match std::str::from_utf8(source) {
        Ok(text) => {
            if text.starts_with('\u{FEFF}') {
                keep(problems, Problem::new(Code::ByteOrderMark, 0));
            }
            Some(Cow::Borrowed(text))
        }
        Err(error) => {
            let problem = Problem::new(Code::NotUtf8, error.valid_up_to());
            let rest = source.get(error.valid_up_to()..).unwrap_or_default();
            let found = if is_shift_jis(rest) { "Shift_JIS" } else { "bytes that are not UTF-8" };
            keep(problems, problem.found(found));
            Some(String::from_utf8_lossy(source))
        }
    }
}

/// Whether the bytes can all be Shift_JIS, with at least one character of two bytes: a hint for the
/// message, nothing is decoded.
fn is_shift_jis(bytes: &[u8]) -> bool {
    let mut pairs = 0;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            0x00..=0x7F | 0xA1..=0xDF => at += 1,
            0x81..=0x9F | 0xE0..=0xFC => match bytes.get(at + 1) {
                Some(0x40..=0x7E | 0x80..=0xFC) => {
                    pairs += 1;
                    at += 2;
                }
                _ => return false,
            },
            _ => return false,
        }
    }
    pairs > 0
}

/// Bytes between two places whose characters are counted beforehand: a document can be one long line.
const BLOCK_BYTES: usize = 4096;

/// Where the lines of a text start: made once, when the first place is asked for.
#[derive(Debug)]
pub struct Lines<'s> {
    source: &'s [u8],
    starts: Vec<usize>,
    /// The characters before each block.
    characters: Vec<usize>,
}

impl<'s> Lines<'s> {
    pub fn of(source: &'s str) -> Self {
        let source = source.as_bytes();
        let breaks = source.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let starts = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        let counted = source.chunks(BLOCK_BYTES).scan(0, |before, block| {
            let here = *before;
            *before += characters(block);
            Some(here)
        });
        Self { source, starts, characters: counted.collect() }
    }

    pub fn place(&self, at: u32) -> Place {
        let at = (at as usize).min(self.source.len());
        let line = self.starts.partition_point(|start| *start <= at).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        let characters = self.before(at) - self.before(start);
        let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Place { line: narrow(line), column: narrow(characters + 1) }
    }

    /// The characters before a byte.
    fn before(&self, at: usize) -> usize {
        let block = at / BLOCK_BYTES;
        let rest = self.source.get(block * BLOCK_BYTES..at).unwrap_or_default();
        match self.characters.get(block) {
            Some(before) => before + characters(rest),
            // The end of a text that fills its blocks.
            None => characters(self.source),
        }
    }
}

/// How many characters start in these bytes of UTF-8.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| (**byte & 0xC0) != 0x80).count()
}
