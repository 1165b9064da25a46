//! JSON, strictly: RFC 8259 with what FHIR asks beyond it.

use super::{Code, Limits, Problem, Problems, decoded_span, keep, narrow, source_span, twins};
use crate::{
    names::Name,
    tree::{Form, Format, Record, Span, Tree},
};

/// The resource, as far as it could be read.
pub(super) fn read<'s>(
    source: &'s str,
    limits: Limits,
    problems: &mut Problems,
) -> Option<Tree<'s>> {
    let start = if source.starts_with('\u{FEFF}') { 3 } else { 0 };
    let tree = Tree {
        source,
        decoded: String::new(),
        records: Vec::with_capacity(source.len() / 24),
        format: Format::Json,
    };
    let names = Vec::with_capacity(USUAL_NAMES);
    let mut reader =
        Reader { bytes: source.as_bytes(), at: start, depth: 0, tree, names, problems, limits };
    match reader.document() {
        Ok(()) => Some(reader.tree),
        Err(problem) => {
            keep(reader.problems, *problem);
            None
        }
    }
}

/// Most documents have no more in the objects that are open at once.
const USUAL_NAMES: usize = 64;

struct Reader<'s, 'p> {
    bytes: &'s [u8],
    at: usize,
    depth: usize,
    tree: Tree<'s>,
    /// Those of the open objects, the outermost first.
    names: Vec<Key>,
    problems: &'p mut Problems,
    limits: Limits,
}

/// The name of a member.
#[derive(Clone, Copy)]
struct Key {
    text: Span,
    number: Name,
}

impl Key {
    const NONE: Self = Self { text: Span::EMPTY, number: Name::OTHER };
}

/// What makes the rest unreadable.
type Stop = Box<Problem>;

impl Reader<'_, '_> {
    fn document(&mut self) -> Result<(), Stop> {
        self.blanks();
        if self.peek() != Some(b'{') {
            return Err(self.unexpected("{"));
        }
        self.value(Key::NONE, false)?;
        self.blanks();
        if self.at < self.bytes.len() {
            return Err(self.unexpected("the end of the document"));
        }
        Ok(())
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek() {
            self.at += 1;
            // Files are mostly indented.
            while self.peek() == Some(b' ')
                && let Some(word) = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk)
            {
                let others = u64::from_le_bytes(*word) ^ u64::from_le_bytes([b' '; 8]);
                self.at += others.trailing_zeros() as usize / 8;
            }
        }
    }

    fn unexpected(&self, allowed: &'static str) -> Stop {
        let problem = Problem::new(Code::JsonSyntax, self.at).allowed(allowed);
        let found = match self.peek() {
            None => "the end of the document".to_owned(),
            Some(sign) if sign.is_ascii_punctuation() => char::from(sign).to_string(),
            Some(_) => "something else".to_owned(),
        };
        Box::new(problem.found(found))
    }

    fn value(&mut self, name: Key, is_item: bool) -> Result<(), Stop> {
        let at = self.at;
        match self.peek() {
            Some(b'{') => self.object(name, is_item)?,
            Some(b'[') if is_item => {
                self.push(name, Span::EMPTY, Form::NestedList, is_item, at);
                self.skip_list()?;
            }
            Some(b'[') => self.list(name)?,
            Some(b'"') => {
                let value = self.string()?;
                self.push(name, value, Form::String, is_item, at);
            }
            Some(b't') => self.word("true", name, Form::Boolean, is_item)?,
            Some(b'f') => self.word("false", name, Form::Boolean, is_item)?,
            Some(b'n') => self.word("null", name, Form::Null, is_item)?,
            Some(b'-' | b'0'..=b'9') => self.number(name, is_item)?,
            _ => return Err(self.unexpected("a value")),
        }
        Ok(())
    }

    fn push(&mut self, name: Key, value: Span, form: Form, is_item: bool, at: usize) -> usize {
        let index = self.tree.records.len();
        self.tree.records.push(Record {
            name: name.text,
            number: name.number,
            value,
            form,
            is_item,
            is_twin: false,
            at: narrow(at),
            end: narrow(index + 1),
            list: 0,
        });
        index
    }

    fn deeper(&mut self) -> Result<(), Stop> {
        self.depth += 1;
        if self.depth > self.limits.depth_levels() {
            return Err(Box::new(Problem::new(Code::TooDeep, self.at)));
        }
        Ok(())
    }

    fn object(&mut self, name: Key, is_item: bool) -> Result<(), Stop> {
        self.deeper()?;
        let index = self.push(name, Span::EMPTY, Form::Object, is_item, self.at);
        self.at += 1;
        let first_name = self.names.len();
        let mut has_twins = false;
        let mut is_first = true;
        loop {
            self.blanks();
            match self.peek() {
                Some(b'}') if is_first => break,
                Some(b'"') => {}
                _ => return Err(self.unexpected(if is_first { "\" or }" } else { "\"" })),
            }
            let key_at = self.at;
            let text = self.string()?;
            let name = self.tree.text(text);
            has_twins |= name.starts_with('_');
            let key = Key { text, number: Name::of(name) };
            self.check_new(first_name, key, key_at)?;
            self.blanks();
            if self.peek() != Some(b':') {
                return Err(self.unexpected(":"));
            }
            self.at += 1;
            self.blanks();
            self.value(key, false)?;
            self.blanks();
            is_first = false;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return Err(self.unexpected(", or }")),
            }
        }
        self.at += 1;
        self.depth -= 1;
        self.names.truncate(first_name);
        if is_first && let Some(record) = self.tree.records.get_mut(index) {
            record.form = Form::EmptyObject;
        }
        let end = narrow(self.tree.records.len());
        if let Some(record) = self.tree.records.get_mut(index) {
            record.end = end;
        }
        if has_twins {
            twins::join(&mut self.tree, index, self.problems);
        }
        Ok(())
    }

    /// A name twice in an object: which of the two counts depends on the reader. `first` is where
    /// the names of the object start.
    fn check_new(&mut self, first: usize, key: Key, key_at: usize) -> Result<(), Stop> {
        let known = self.names.get(first..).unwrap_or_default();
        let is_same = |known: &Key| {
            let of_text = || self.tree.text(known.text) == self.tree.text(key.text);
            known.number == key.number && (key.number != Name::OTHER || of_text())
        };
        if known.iter().any(is_same) {
            let found = self.tree.text(key.text).chars().take(64).collect::<String>();
            keep(self.problems, Problem::new(Code::DuplicateName, key_at).found(found));
        }
        if known.len() >= self.limits.object_names_max {
            return Err(Box::new(Problem::new(Code::TooLarge, key_at).found("names in an object")));
        }
        self.names.push(key);
        Ok(())
    }

    fn list(&mut self, name: Key) -> Result<(), Stop> {
        self.deeper()?;
        let start = self.at;
        self.at += 1;
        self.blanks();
        if self.peek() == Some(b']') {
            self.at += 1;
            self.depth -= 1;
            self.push(name, Span::EMPTY, Form::EmptyList, false, start);
            return Ok(());
        }
        let first = self.tree.records.len();
        loop {
            self.blanks();
            self.value(name, true)?;
            self.blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Err(self.unexpected(", or ]")),
            }
        }
        self.at += 1;
        self.depth -= 1;
        let count = self.tree.records.len() - first;
        if let Some(record) = self.tree.records.get_mut(first) {
            record.list = narrow(count);
        }
        Ok(())
    }

    /// A list in a list is no FHIR: it is read for its syntax only.
    fn skip_list(&mut self) -> Result<(), Stop> {
        let (count, problems) = (self.tree.records.len(), self.problems.kept.len());
        self.list(Key::NONE)?;
        self.tree.records.truncate(count);
        self.problems.kept.truncate(problems);
        Ok(())
    }

    fn word(
        &mut self,
        word: &'static str,
        name: Key,
        form: Form,
        is_item: bool,
    ) -> Result<(), Stop> {
        let end = self.at + word.len();
        if self.bytes.get(self.at..end) != Some(word.as_bytes()) {
            return Err(self.unexpected("a value"));
        }
        let value = source_span(self.at, end);
        self.push(name, value, form, is_item, self.at);
        self.at = end;
        Ok(())
    }

    fn number(&mut self, name: Key, is_item: bool) -> Result<(), Stop> {
        let start = self.at;
        while let Some(b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        let value = source_span(start, self.at);
        if !crate::definitions::is_decimal(self.tree.text(value)) {
            self.at = start;
            return Err(self.unexpected("a JSON number"));
        }
        self.push(name, value, Form::Number, is_item, start);
        Ok(())
    }

    /// The content of a string: of the source, or decoded when it has escapes.
    fn string(&mut self) -> Result<Span, Stop> {
        let quote = self.at;
        self.at += 1;
        let start = self.at;
        let is_plain = self.pass_plain();
        match self.peek() {
            Some(b'"') => {
                let span = Span { is_plain, ..source_span(start, self.at) };
                self.at += 1;
                Ok(span)
            }
            Some(b'\\') => self.escaped(quote, start),
            Some(_) => Err(Box::new(Problem::new(Code::ControlCharacter, self.at))),
            None => Err(self.unexpected("\"")),
        }
    }

    /// Up to the next byte that means something in a string: a quote, a backslash or a control
    /// character. Whether those before it were ASCII.
    fn pass_plain(&mut self) -> bool {
        const HIGH: u64 = u64::from_le_bytes([0x80; 8]);
        let mut seen = 0;
        while let Some(word) = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk) {
            let word = u64::from_le_bytes(*word);
            let marks = marks(word);
            if marks != 0 {
                let before = marks.trailing_zeros() & !7;
                self.at += before as usize / 8;
                return (seen | word & !(u64::MAX << before)) & HIGH == 0;
            }
            seen |= word;
            self.at += 8;
        }
        while let Some(byte) = self.peek().filter(|byte| !matches!(byte, ..b' ' | b'"' | b'\\')) {
            seen |= u64::from(byte);
            self.at += 1;
        }
        seen & HIGH == 0
    }

    fn escaped(&mut self, quote: usize, start: usize) -> Result<Span, Stop> {
        let from = self.tree.decoded.len();
        let mut copied = start;
        loop {
            self.pass_plain();
            match self.peek() {
                Some(b'"') => {
                    self.copy(copied);
                    self.at += 1;
                    let end = self.tree.decoded.len();
                    return Ok(decoded_span(narrow(from)..narrow(end)));
                }
                Some(b'\\') => {
                    self.copy(copied);
                    self.escape(quote)?;
                    copied = self.at;
                }
                Some(_) => {
                    return Err(Box::new(Problem::new(Code::ControlCharacter, self.at)));
                }
                None => return Err(self.unexpected("\"")),
            }
        }
    }

    fn copy(&mut self, from: usize) {
        let text = self.tree.source.get(from..self.at).unwrap_or_default();
        self.tree.decoded.push_str(text);
    }

    fn escape(&mut self, quote: usize) -> Result<(), Stop> {
        self.at += 1;
        let letter = match self.peek() {
            Some(letter @ (b'"' | b'\\' | b'/')) => char::from(letter),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{C}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let letter = self.unicode(quote)?;
                self.tree.decoded.push(letter);
                return Ok(());
            }
            _ => return Err(self.unexpected("an escape of JSON")),
        };
        self.at += 1;
        self.tree.decoded.push(letter);
        Ok(())
    }

    /// `\uXXXX`, or two of them for a character beyond the first plane.
    fn unicode(&mut self, quote: usize) -> Result<char, Stop> {
        let first = self.hexadecimal()?;
        let code = match first {
            0xD800..=0xDBFF if self.bytes.get(self.at..self.at + 2) == Some(b"\\u") => {
                self.at += 1;
                let second = self.hexadecimal()?;
                match second {
                    0xDC00..=0xDFFF => 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00),
                    _ => first,
                }
            }
            other => other,
        };
        match char::from_u32(code) {
            Some(letter) => Ok(letter),
            None => {
                keep(self.problems, Problem::new(Code::LoneSurrogate, quote));
                Ok(char::REPLACEMENT_CHARACTER)
            }
        }
    }

    /// At the `u`.
    fn hexadecimal(&mut self) -> Result<u32, Stop> {
        let digits = self.tree.source.get(self.at + 1..self.at + 5);
        let is_hexadecimal = |digits: &&str| digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let code =
            digits.filter(is_hexadecimal).and_then(|text| u32::from_str_radix(text, 16).ok());
        match code {
            Some(code) => {
                self.at += 5;
                Ok(code)
            }
            None => Err(self.unexpected("four hexadecimal digits")),
        }
    }
}

/// The high bit of the first of eight bytes that is a quote, a backslash or less than a blank, with
/// whatever bits above it; 0 if there is none. Taking `n` from a byte without a high bit borrows if it
/// is less, and what differs from a quote by nothing is less than 1.
fn marks(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = u64::from_le_bytes([0x80; 8]);
    let less = |word: u64, than: u64| word.wrapping_sub(ONES * than) & !word & HIGH;
    let same = |byte: u8| less(word ^ u64::from_le_bytes([byte; 8]), 1);
    less(word, 0x20) | same(b'"') | same(b'\\')
}
