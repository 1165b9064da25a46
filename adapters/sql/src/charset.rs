//! The encodings that legacy text is stored in, as far as Genkan reads the stored bytes itself:
//! bytes to text and back, and where the first byte stands that is no text.

mod euc;

use std::borrow::Cow;

use encoding_rs::{DecoderResult, SHIFT_JIS};
use serde::Deserialize;

/// An encoding of stored text, by the name that the configuration has for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Charset {
    #[serde(rename = "utf-8")]
    Utf8,
    /// JIS X 0208 and 0212 with the additions of NEC and IBM, as PostgreSQL reads it.
    EucJp,
    /// JIS X 0213.
    #[serde(rename = "euc-jis-2004")]
    EucJis2004,
    /// Shift_JIS with the additions of NEC and IBM; 外字 become U+E000 and the following.
    #[serde(rename = "cp932")]
    Cp932,
}

impl Charset {
    /// The text, or the index of the first byte that can't be read.
    pub(crate) fn decode(self, bytes: &[u8]) -> Result<Cow<'_, str>, usize> {
        if let Ok(text) = std::str::from_utf8(bytes)
            && (self == Charset::Utf8 || text.is_ascii())
        {
            return Ok(Cow::Borrowed(text));
        }
        match self {
            Charset::Utf8 => {
                std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|error| error.valid_up_to())
            }
            Charset::EucJp => euc::EUC_JP.decode(bytes).map(Cow::Owned),
            Charset::EucJis2004 => euc::EUC_JIS_2004.decode(bytes).map(Cow::Owned),
            Charset::Cp932 => cp932(bytes).map(Cow::Owned),
        }
    }

    /// The bytes that a row would hold; `None` if no row can hold this text.
    pub(crate) fn encode(self, text: &str) -> Option<Cow<'_, [u8]>> {
        if self == Charset::Utf8 || text.is_ascii() {
            return Some(Cow::Borrowed(text.as_bytes()));
        }
        match self {
            Charset::Utf8 => None,
            Charset::EucJp => euc::EUC_JP.encode(text).map(Cow::Owned),
            Charset::EucJis2004 => euc::EUC_JIS_2004.encode(text).map(Cow::Owned),
            Charset::Cp932 => {
                let bytes = cp932_bytes(text)?;
                // The encoder of browsers is lenient: `¥` becomes a backslash.
                (cp932(&bytes).as_deref() == Ok(text)).then_some(Cow::Owned(bytes))
            }
        }
    }

    /// The length of the character that begins with this byte.
    pub(crate) fn width(self, lead: u8) -> usize {
        match (self, lead) {
            (Charset::Utf8, 0xC2..=0xDF) => 2,
            (Charset::Utf8, 0xE0..=0xEF) => 3,
            (Charset::Utf8, 0xF0..=0xF4) => 4,
            (Charset::EucJp | Charset::EucJis2004, 0x8F) => 3,
            (Charset::EucJp | Charset::EucJis2004, 0x8E | 0xA1..=0xFE) => 2,
            (Charset::Cp932, 0x81..=0x9F | 0xE0..=0xFC) => 2,
            _ => 1,
        }
    }

    /// Any one character in hexadecimal digits, as alternatives of a regular expression that every
    /// database knows; the same characters as [`Charset::width`].
    pub(crate) fn characters(self) -> &'static str {
        match self {
            // No character of UTF-8 begins inside another.
            Charset::Utf8 => "..",
            Charset::EucJp | Charset::EucJis2004 => {
                "[0-7].|8[0-9a-d]|9.|a0|ff|8e..|8f....|a[1-9a-f]..|[b-e]...|f[0-9a-e].."
            }
            Charset::Cp932 => "[0-7].|80|[a-d].|f[d-f]|8[1-9a-f]..|[9e]...|f[0-9a-c]..",
        }
    }
}

fn cp932(bytes: &[u8]) -> Result<String, usize> {
    let mut decoder = SHIFT_JIS.new_decoder_without_bom_handling();
    let most = decoder.max_utf8_buffer_length_without_replacement(bytes.len());
    let mut text = String::with_capacity(most.unwrap_or(bytes.len()));
    let (result, read) = decoder.decode_to_string_without_replacement(bytes, &mut text, true);
    match result {
        DecoderResult::InputEmpty => Ok(text),
        // What was read ends with the malformed bytes, and up to three good ones behind them.
        DecoderResult::Malformed(length, behind) => {
            Err(read.saturating_sub(usize::from(length) + usize::from(behind)))
        }
        DecoderResult::OutputFull => Err(read),
    }
}

/// 外字 too, which browsers read and don't write: 188 for each first byte from 0xF0.
fn cp932_bytes(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        if let place @ 0..1880 = u32::from(c).wrapping_sub(0xE000) {
            let (row, cell) = (u8::try_from(place / 188).ok()?, u8::try_from(place % 188).ok()?);
            // The second byte leaves out 0x7F.
            bytes.extend([0xF0 + row, if cell < 63 { 0x40 + cell } else { 0x41 + cell }]);
            continue;
        }
        let mut buffer = [0; 4];
        let (encoded, _, unmappable) = SHIFT_JIS.encode(c.encode_utf8(&mut buffer));
        if unmappable {
            return None;
        }
        bytes.extend_from_slice(&encoded);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_comes_back_and_the_first_bad_byte_is_named() {
        for (charset, text, bytes) in [
            (
                Charset::Cp932,
                "山ｱA表①\u{e000}\u{e757}",
                b"\x8eR\xb1A\x95\\\x87@\xf0@\xf9\xfc".as_slice(),
            ),
            (Charset::EucJp, "山ｱA髙①", b"\xbb\xb3\x8e\xb1A\x8f\xf4\xfb\xad\xa1"),
            (Charset::EucJis2004, "か\u{309a}か\u{20089}", b"\xa4\xf7\xa4\xab\x8f\xa1\xa1"),
            (Charset::Utf8, "山A", "山A".as_bytes()),
        ] {
            assert_eq!(charset.decode(bytes).as_deref(), Ok(text), "{charset:?}");
            assert_eq!(charset.encode(text).as_deref(), Some(bytes), "{charset:?}");
        }
        for (charset, bytes, at) in [
            (Charset::Cp932, b"\x8eR\x85\xbfA".as_slice(), 2),
            (Charset::Cp932, b"\x8eR\x85", 2),
            (Charset::Cp932, b"A\xff\xb1\xb1", 1),
            (Charset::EucJp, b"\xbb\xb3\xfc\xfeA", 2),
            (Charset::EucJp, b"A\x8f\xf4", 1),
            (Charset::EucJp, b"A\x8e\xe0", 1),
            (Charset::EucJp, b"A\x80", 1),
            (Charset::EucJp, b"\xbb", 0),
            (Charset::Utf8, b"A\xe5\xb1", 1),
        ] {
            assert_eq!(charset.decode(bytes), Err(at), "{charset:?} {bytes:02x?}");
        }
        for (charset, text) in
            [(Charset::Cp932, "山¥"), (Charset::Cp932, "𠮷"), (Charset::EucJp, "é𠮷")]
        {
            assert_eq!(charset.encode(text), None, "{charset:?} {text}");
        }
    }
}
