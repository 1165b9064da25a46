//! Rust source as the checks see it: the same bytes with comments, strings and character literals
//! blanked out, so that what is left can be searched for words and its braces counted.

use std::ops::Range;

/// A Rust file with its blanked-out form; offsets are the same in both.
pub struct RustText<'a> {
    pub raw: &'a str,
    /// Comments and literals are spaces here; line breaks are kept.
    pub code: String,
    tests: Vec<Range<usize>>,
}

/// A function that has a body.
pub struct Function {
    pub name: String,
    pub first_line: usize,
    /// From the line of `fn` to the line of the closing brace.
    pub lines: usize,
}

impl<'a> RustText<'a> {
    pub fn new(raw: &'a str) -> Self {
        let code = blank(raw);
        let tests = test_ranges(&code);
        Self { raw, code, tests }
    }

    /// The line of an offset, from 1.
    pub fn line(&self, at: usize) -> usize {
        1 + self.code.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count()
    }

    /// Whether an offset is inside an item under `#[cfg(test)]`.
    pub fn in_tests(&self, at: usize) -> bool {
        self.tests.iter().any(|range| range.contains(&at))
    }

    /// Where a pattern stands in the code, as whole words where its ends are letters.
    pub fn find<'s>(&'s self, pattern: &'s str) -> impl Iterator<Item = usize> + 's {
        let whole = |at: &usize| stands_alone(&self.code, *at, pattern);
        self.code.match_indices(pattern).map(|(at, _)| at).filter(whole)
    }

    /// Every path that starts with `std::`, `core::` or `alloc::`, with braces of imports opened.
    pub fn std_paths(&self) -> Vec<(String, usize)> {
        let mut paths = Vec::new();
        for start in ["std::", "core::", "alloc::"] {
            for at in self.find(start) {
                open_path(&self.code, at, "", &mut paths);
            }
        }
        paths
    }

    pub fn functions(&self) -> Vec<Function> {
        let starts = self.find("fn").filter(|at| self.code[at + 2..].starts_with(' '));
        let function = |at| {
            let name = word(&self.code[at + 3..]);
            let body = item_end(&self.code, at).filter(|end| self.code[..*end].ends_with('}'))?;
            let first_line = self.line(at);
            let lines = self.line(body - 1) - first_line + 1;
            Some(Function { name: name.to_owned(), first_line, lines })
        };
        starts.filter_map(function).collect()
    }

    /// The names and offsets of modules, with a body here or in a file of their own.
    pub fn modules(&self) -> impl Iterator<Item = (&str, usize)> {
        self.find("mod ").map(|at| (word(&self.code[at + 4..]), at))
    }

    /// The modules under `#[cfg(test)]` that have a file of their own.
    pub fn test_modules(&self) -> impl Iterator<Item = &str> {
        let elsewhere = |range: &&Range<usize>| self.code[range.start..range.end].ends_with(';');
        self.tests.iter().filter(elsewhere).filter_map(|range| {
            let item = &self.code[range.start..range.end];
            item.find("mod ").map(|at| word(&item[at + 4..]))
        })
    }
}

fn is_word(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric() || !byte.is_ascii()
}

fn word(text: &str) -> &str {
    let end = text.bytes().position(|byte| !is_word(byte));
    &text[..end.unwrap_or(text.len())]
}

fn stands_alone(code: &str, at: usize, pattern: &str) -> bool {
    let bytes = code.as_bytes();
    let (first, last) = (pattern.as_bytes()[0], pattern.as_bytes()[pattern.len() - 1]);
    let before = at.checked_sub(1).is_some_and(|before| is_word(bytes[before]));
    let after = bytes.get(at + pattern.len()).is_some_and(|byte| is_word(*byte));
    let cut = (is_word(first) && before) || (is_word(last) && after);
    !cut
}

/// Adds the path at `at`, or each path of an import's braces, with `prefix` in front.
fn open_path(code: &str, at: usize, prefix: &str, paths: &mut Vec<(String, usize)>) {
    let is_part = |byte: u8| is_word(byte) || byte == b':';
    let length = code[at..].bytes().position(|byte| !is_part(byte)).unwrap_or(code.len() - at);
    let path = format!("{prefix}{}", &code[at..at + length]);
    let open = at + length;
    if !path.ends_with("::") || !code[open..].starts_with('{') {
        paths.push((path, at));
        return;
    }
    let end = matching(code, open).unwrap_or(code.len());
    let mut depth = 0;
    let mut expects_path = true;
    for (inner, byte) in code.bytes().enumerate().take(end).skip(open + 1) {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            b',' if depth == 0 => expects_path = true,
            _ if depth == 0 && expects_path && is_word(byte) => {
                expects_path = false;
                open_path(code, inner, &path, paths);
            }
            _ => {}
        }
    }
}

/// The offset of the brace that closes the one at `open`.
fn matching(code: &str, open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// The offset just after the item that starts at `start`: after its `;` or its closing brace.
/// Semicolons and braces in parentheses and brackets (`[u8; 4]`, attributes) don't end it.
fn item_end(code: &str, start: usize) -> Option<usize> {
    let mut depth = 0_i32;
    for (at, byte) in code.bytes().enumerate().skip(start) {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b';' if depth == 0 => return Some(at + 1),
            b'{' if depth == 0 => return matching(code, at).map(|close| close + 1),
            _ => {}
        }
    }
    None
}

fn test_ranges(code: &str) -> Vec<Range<usize>> {
    if code.contains("#![cfg(test)]") {
        return std::iter::once(0..code.len()).collect();
    }
    let item = |(at, attribute): (usize, &str)| {
        let end = item_end(code, at + attribute.len()).unwrap_or(code.len());
        at..end
    };
    code.match_indices("#[cfg(test)]").map(item).collect()
}

fn blank(raw: &str) -> String {
    let bytes = raw.as_bytes();
    let mut code = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let Some(end) = hidden_end(bytes, at) else {
            at += 1;
            continue;
        };
        for byte in &mut code[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end;
    }
    // Whole comments and literals were replaced, so what is left is still UTF-8.
    String::from_utf8_lossy(&code).into_owned()
}

/// The end of the comment or literal that starts at `at`, if one does.
fn hidden_end(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..];
    let end = match rest[0] {
        b'/' if rest.starts_with(b"//") => rest.iter().position(|byte| *byte == b'\n'),
        b'/' if rest.starts_with(b"/*") => block_comment_end(rest),
        b'"' => string_end(rest),
        b'r' if starts_raw_string(bytes, at) => raw_string_end(rest),
        b'\'' => return char_end(rest).map(|end| at + end),
        _ => return None,
    };
    Some(at + end.unwrap_or(rest.len()))
}

fn block_comment_end(rest: &[u8]) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return Some(at);
            }
        } else {
            at += 1;
        }
    }
    None
}

fn string_end(rest: &[u8]) -> Option<usize> {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'"' => return Some(at + 1),
            _ => at += 1,
        }
    }
    None
}

/// `r"`, `r#"`, `br"`, `cr#"` …, but neither `r#type` nor an `r` at the end of a word.
fn starts_raw_string(bytes: &[u8], at: usize) -> bool {
    let before = bytes[..at].iter().rev().take_while(|byte| is_word(**byte)).count();
    let prefix = &bytes[at - before..at];
    let hashes = bytes[at + 1..].iter().take_while(|byte| **byte == b'#').count();
    matches!(prefix, b"" | b"b" | b"c") && bytes.get(at + 1 + hashes) == Some(&b'"')
}

fn raw_string_end(rest: &[u8]) -> Option<usize> {
    let hashes = rest[1..].iter().take_while(|byte| **byte == b'#').count();
    let mut close = vec![b'"'];
    close.resize(1 + hashes, b'#');
    let body = 2 + hashes;
    let length = rest[body..].windows(close.len()).position(|window| window == close)?;
    Some(body + length + close.len())
}

/// `None` for a lifetime.
fn char_end(rest: &[u8]) -> Option<usize> {
    if rest.get(1) == Some(&b'\\') {
        let close = rest.iter().skip(3).position(|byte| *byte == b'\'')?;
        return Some(3 + close + 1);
    }
    let continues = |byte: &&u8| **byte & 0b1100_0000 == 0b1000_0000;
    let width = 1 + rest.iter().skip(2).take_while(continues).count();
    (rest.get(1 + width) == Some(&b'\'')).then_some(2 + width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked_and_code_is_kept() {
        for (raw, expected) in [
            ("a // b\nc", "a c"),
            ("a /* b /* c */ d */ e", "a e"),
            (r#"f("x \" {", 1)"#, "f( , 1)"),
            ("f(r#\"a \" {\"#)", "f( )"),
            ("f(br\"\\\", c)", "f(b , c)"),
            ("r#type", "r#type"),
            ("['{', '\\'', '\\u{7B}', '語']", "[ , , , ]"),
            ("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}"),
            ("\"never closed {", ""),
        ] {
            let text = RustText::new(raw);
            let words: Vec<&str> = text.code.split_ascii_whitespace().collect();
            assert_eq!(words.join(" "), expected, "{raw}");
            assert_eq!(text.code.len(), raw.len(), "{raw}");
        }
    }

    #[test]
    fn imports_in_braces_are_opened() {
        let text = RustText::new("use std::{fs::{self, File}, net, fmt as f}; std::env::var(x)");
        let paths: Vec<String> = text.std_paths().into_iter().map(|(path, _)| path).collect();
        let expected = ["std::fs::self", "std::fs::File", "std::net", "std::fmt", "std::env::var"];
        assert_eq!(paths, expected);
    }

    #[test]
    fn items_for_tests_are_known() {
        let text = RustText::new("fn a() {}\n#[cfg(test)]\n#[path = \"x\"]\nmod t { b }\nc");
        let at = |part| text.code.find(part).expect("the part is in the text");
        assert!(text.in_tests(at("b }")) && !text.in_tests(at("a()")));
        assert!(!text.in_tests(text.code.len() - 1));
        let parent = RustText::new("#[cfg(test)]\nmod oracle;\nmod real;\n");
        assert_eq!(parent.test_modules().collect::<Vec<_>>(), ["oracle"]);
    }
}
