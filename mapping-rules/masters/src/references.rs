//! References to cells in the XML of a sheet. The library that reads workbooks computes with them before
//! it looks at their size, so that those beyond the largest sheet are refused here.

use crate::refused::ReadError;

/// `XFD`
const LETTERS_MAX: usize = 3;
/// `1048576`
const DIGITS_MAX: usize = 7;

/// Looks at every attribute `r` and `ref`.
pub(crate) fn check(xml: &[u8]) -> Result<(), ReadError> {
    let mut rest = xml;
    while let Some(at) = rest.iter().position(|byte| *byte == b'<') {
        let tag = &rest[at..];
        let end = tag.iter().position(|byte| *byte == b'>').unwrap_or(tag.len());
        if !attributes(&tag[..end]) {
            return Err(ReadError::Workbook("a reference beyond the largest sheet".to_owned()));
        }
        rest = &tag[end..];
    }
    Ok(())
}

/// Whether those of a tag are references that there are.
fn attributes(tag: &[u8]) -> bool {
    let mut rest = tag;
    while let Some(at) = rest.iter().position(|byte| *byte == b'=') {
        let (before, behind) = (rest[..at].trim_ascii_end(), rest[at + 1..].trim_ascii_start());
        let name = before.rsplit(u8::is_ascii_whitespace).next().unwrap_or_default();
        let Some((quote, value)) = behind.split_first() else { return true };
        let end = value.iter().position(|byte| byte == quote).unwrap_or(value.len());
        if matches!(name, b"r" | b"ref") && !is_range(&value[..end]) {
            return false;
        }
        rest = value.get(end + 1..).unwrap_or_default();
    }
    true
}

/// `A1`, `12`, or `A1:C3` whose end is not before its start. What is none is the library's to refuse.
fn is_range(text: &[u8]) -> bool {
    let mut before = (0, 0);
    for part in text.split(|byte| *byte == b':') {
        let letters = part.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let digits = part[letters..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if letters > LETTERS_MAX || digits > DIGITS_MAX {
            return false;
        }
        let column = part[..letters].iter().fold(0u32, |column, letter| {
            column * 26 + u32::from(letter.to_ascii_uppercase() - b'A') + 1
        });
        let digits = part[letters..letters + digits].iter();
        let row = digits.fold(0u32, |row, digit| row * 10 + u32::from(digit - b'0'));
        if row < before.0 || column < before.1 {
            return false;
        }
        before = (row, column);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_references_that_a_sheet_can_have_are_passed_on() {
        for (tag, passed) in [
            (r#"<c r="A1"/>"#, true),
            (r#"<c r = 'XFD1048576' t="s">"#, true),
            (r#"<row r="12" spans="1:3">"#, true),
            (r#"<dimension ref="A1:C3"/>"#, true),
            (r#"<dimension ref="C3:A1"/>"#, false),
            (r#"<c r="ABCD1"/>"#, false),
            (r#"<c s="1" r="A12345678"/>"#, false),
            (r#"<sheet r:id="rId123456789012"/>"#, true),
            (r#"<t>x r="schemas.example.org/long"</t>"#, true),
            (r#"<c r="#, true),
            (r#"<c r"#, true),
        ] {
            assert_eq!(check(tag.as_bytes()).is_ok(), passed, "{tag}");
        }
    }
}
