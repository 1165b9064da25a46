//! Bytes that must be UTF-8, and the lines of a text.

use std::borrow::Cow;

use super::{Code, Limits, Problem, Problems, keep, narrow};

/// A place in a document; both count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub line: u32,
    pub column: u32,
}

/// The text of a document. What isn't UTF-8 becomes U+FFFD, so that the rest is looked at too.
pub(super) fn text<'s>(
    source: &'s [u8],
    limits: Limits,
    problems: &mut Problems,
) -> Option<Cow<'s, str>> {
    if source.len() > limits.document_bytes_max {
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

/// Where the lines of a text are: made once, when the first place is asked for.
#[derive(Debug)]
pub struct Lines<'s> {
    source: &'s str,
    blocks: Vec<Block>,
}

/// What is before a stretch of the text: a document may be one long line, or have many.
#[derive(Debug, Clone, Copy)]
struct Block {
    lines: u32,
    /// Byte where the last of these lines starts.
    line_at: u32,
    characters: u32,
}

const BLOCK_BYTES: usize = 1024;
/// A text up to this size is looked through for each place.
const SMALL_BYTES: usize = 16 * BLOCK_BYTES;

impl<'s> Lines<'s> {
    pub fn of(source: &'s str) -> Self {
        let mut block = Block { lines: 0, line_at: 0, characters: 0 };
        if source.len() <= SMALL_BYTES {
            return Self { source, blocks: vec![block] };
        }
        let mut blocks = Vec::with_capacity(source.len() / BLOCK_BYTES + 2);
        blocks.push(block);
        for (index, bytes) in source.as_bytes().chunks(BLOCK_BYTES).enumerate() {
            block = block.after(bytes, index * BLOCK_BYTES);
            blocks.push(block);
        }
        Self { source, blocks }
    }

    pub fn place(&self, at: u32) -> Place {
        let here = self.before(at);
        let line = self.source.as_bytes().get(here.line_at as usize..at as usize);
        let characters = match line.filter(|line| line.len() < BLOCK_BYTES) {
            Some(line) => narrow(characters(line)),
            None => here.characters - self.before(here.line_at).characters,
        };
        Place { line: here.lines + 1, column: characters + 1 }
    }

    fn before(&self, at: u32) -> Block {
        let at = (at as usize).min(self.source.len());
        let index = (at / BLOCK_BYTES).min(self.blocks.len().saturating_sub(1));
        let start = index * BLOCK_BYTES;
        let known = self.blocks.get(index).copied();
        let known = known.unwrap_or(Block { lines: 0, line_at: 0, characters: 0 });
        known.after(self.source.as_bytes().get(start..at).unwrap_or_default(), start)
    }
}

impl Block {
    /// The same after some bytes that start at `start`.
    fn after(self, bytes: &[u8], start: usize) -> Self {
        let breaks = count(bytes, |byte| byte == b'\n');
        let last = if breaks > 0 { bytes.iter().rposition(|byte| *byte == b'\n') } else { None };
        Self {
            lines: self.lines + narrow(breaks),
            line_at: last.map_or(self.line_at, |last| narrow(start + last + 1)),
            characters: self.characters + narrow(characters(bytes)),
        }
    }
}

/// Every byte of a character but the first is like this.
fn characters(bytes: &[u8]) -> usize {
    count(bytes, |byte| byte & 0xC0 != 0x80)
}

/// In small sums, which the processor makes of many bytes at once.
fn count(bytes: &[u8], is_it: impl Fn(u8) -> bool) -> usize {
    let sums = bytes.chunks(192).map(|some| {
        let sum: u8 = some.iter().map(|byte| u8::from(is_it(*byte))).sum();
        usize::from(sum)
    });
    sums.sum()
}
