//! The lexical rules of R4's primitive types (R4, 2.24.0.1).

use thiserror::Error;

use crate::datetime;

/// R4 limits a string to 1 MB; the same bound stops other texts from growing without end.
pub const MAX_STRING_BYTES: usize = 1024 * 1024;
const MAX_ID_BYTES: usize = 64;

/// The shape of a primitive value: how JSON holds it, and what an expression may do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PrimitiveKind {
    /// JSON `true` and `false`.
    Boolean,
    /// A JSON number without fraction: integer, positiveInt, unsignedInt.
    Integer,
    /// A JSON number whose digits are kept as they are.
    Decimal,
    Date,
    DateTime,
    Instant,
    Time,
    /// A JSON string: string, code, id, uri, markdown and their kin.
    Text,
    /// A JSON string of base64.
    Base64,
    /// A JSON string with an XHTML `div`.
    Xhtml,
}

impl PrimitiveKind {
    /// Whether the JSON value stands without quotes.
    pub fn is_bare_in_json(self) -> bool {
        matches!(self, Self::Boolean | Self::Integer | Self::Decimal)
    }
}

/// Why a text isn't a value of its type. Never holds the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PrimitiveFault {
    #[error("empty")]
    Empty,
    #[error("longer than {0} bytes")]
    TooLong(usize),
    #[error("outside {0}")]
    Range(&'static str),
    #[error("expected {0}")]
    Form(&'static str),
    #[error(transparent)]
    DateTime(#[from] datetime::DateTimeError),
    #[error("not a primitive type")]
    NotPrimitive,
}

/// A primitive type of R4 (プリミティブ型), each with its own lexical rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PrimitiveType {
    Base64Binary,
    Boolean,
    Canonical,
    Code,
    Date,
    DateTime,
    Decimal,
    Id,
    Instant,
    Integer,
    Markdown,
    Oid,
    PositiveInt,
    String,
    Time,
    UnsignedInt,
    Uri,
    Url,
    Uuid,
    Xhtml,
}

impl PrimitiveType {
    pub fn named(type_code: &str) -> Option<Self> {
        Some(match type_code {
            "base64Binary" => Self::Base64Binary,
            "boolean" => Self::Boolean,
            "canonical" => Self::Canonical,
            "code" => Self::Code,
            "date" => Self::Date,
            "dateTime" => Self::DateTime,
            "decimal" => Self::Decimal,
            "id" => Self::Id,
            "instant" => Self::Instant,
            "integer" => Self::Integer,
            "markdown" => Self::Markdown,
            "oid" => Self::Oid,
            "positiveInt" => Self::PositiveInt,
            "string" => Self::String,
            "time" => Self::Time,
            "unsignedInt" => Self::UnsignedInt,
            "uri" => Self::Uri,
            "url" => Self::Url,
            "uuid" => Self::Uuid,
            "xhtml" => Self::Xhtml,
            _ => return None,
        })
    }

    pub fn kind(self) -> PrimitiveKind {
        match self {
            Self::Boolean => PrimitiveKind::Boolean,
            Self::Integer | Self::PositiveInt | Self::UnsignedInt => PrimitiveKind::Integer,
            Self::Decimal => PrimitiveKind::Decimal,
            Self::Date => PrimitiveKind::Date,
            Self::DateTime => PrimitiveKind::DateTime,
            Self::Instant => PrimitiveKind::Instant,
            Self::Time => PrimitiveKind::Time,
            Self::Base64Binary => PrimitiveKind::Base64,
            Self::Xhtml => PrimitiveKind::Xhtml,
            Self::Canonical
            | Self::Code
            | Self::Id
            | Self::Markdown
            | Self::Oid
            | Self::String
            | Self::Uri
            | Self::Url
            | Self::Uuid => PrimitiveKind::Text,
        }
    }

    /// See [`check_primitive`].
    pub fn check(self, text: &str) -> Result<(), PrimitiveFault> {
        // What has neither control characters nor the first two bytes of the others needs no second look.
        let is_plain = text.bytes().fold(true, |all, byte| all & (byte >= b' '));
        let mut rare = memchr::memchr_iter(0xEF, text.as_bytes());
        let is_rare = |at| matches!(text.as_bytes().get(at + 1), Some(0xB7 | 0xBF));
        if (!is_plain || rare.any(is_rare)) && !text.chars().all(is_carried) {
            return Err(PrimitiveFault::Form("characters that XML can hold too"));
        }
        self.check_plain(text)
    }

    /// The same of a text without control characters and others that XML can't hold.
    pub fn check_plain(self, text: &str) -> Result<(), PrimitiveFault> {
        if text.is_empty() {
            return Err(PrimitiveFault::Empty);
        }
        if text.len() > MAX_STRING_BYTES && !matches!(self, Self::Base64Binary | Self::Xhtml) {
            return Err(PrimitiveFault::TooLong(MAX_STRING_BYTES));
        }
        match self {
            Self::Boolean => form(matches!(text, "true" | "false"), "true or false"),
            Self::Integer => integer(text, i32::MIN, "-2147483648 to 2147483647"),
            Self::UnsignedInt => integer(text, 0, "0 to 2147483647"),
            Self::PositiveInt => integer(text, 1, "1 to 2147483647"),
            Self::Decimal => form(is_decimal(text), "a decimal number"),
            Self::Date => Ok(datetime::parse_date(text).map(|_| ())?),
            Self::DateTime => Ok(datetime::parse_date_time(text).map(|_| ())?),
            Self::Instant => Ok(datetime::parse_instant(text).map(|_| ())?),
            Self::Time => Ok(datetime::parse_time(text).map(|_| ())?),
            // XML trims white space: a string of nothing else would come back as none.
            Self::String | Self::Markdown => {
                form(text.bytes().any(|byte| !is_blank(byte)), "more than blanks")
            }
            Self::Code => form(is_code(text), "words with single spaces between them"),
            Self::Id => {
                if text.len() > MAX_ID_BYTES {
                    return Err(PrimitiveFault::TooLong(MAX_ID_BYTES));
                }
                form(is_id(text), "letters, digits, - and .")
            }
            Self::Uri | Self::Url | Self::Canonical => {
                let is_forbidden = |letter: char| letter.is_whitespace() || letter.is_control();
                let is_plain = text.bytes().fold(true, |all, byte| all & byte.is_ascii_graphic());
                form(is_plain || !text.contains(is_forbidden), "a URI without white space")
            }
            Self::Oid => form(is_oid(text), "urn:oid:"),
            Self::Uuid => form(is_uuid(text), "urn:uuid: in lower case"),
            Self::Base64Binary => form(is_base64(text), "base64"),
            Self::Xhtml => form(text.trim_start().starts_with("<div"), "a div element"),
        }
    }
}

/// Checks the text of a value (as JSON writes it, without quotes) against its type.
///
/// # Errors
/// What R4 says is wrong with it.
pub fn check_primitive(type_code: &str, text: &str) -> Result<(), PrimitiveFault> {
    PrimitiveType::named(type_code).ok_or(PrimitiveFault::NotPrimitive)?.check(text)
}

/// Whether JSON and XML can both carry the character. XML 1.0 has no control characters but tab and
/// line breaks, and no U+FFFE and U+FFFF; R4 forbids the former in a string too. U+FDD0 … U+FDEF are
/// no characters either, which is why [`crate::xml`] may use them for itself.
pub(crate) fn is_carried(letter: char) -> bool {
    match letter {
        '\t' | '\r' | '\n' => true,
        '\u{FDD0}'..='\u{FDEF}' | '\u{FFFE}' | '\u{FFFF}' => false,
        letter => letter >= ' ',
    }
}

fn form(holds: bool, expected: &'static str) -> Result<(), PrimitiveFault> {
    if holds { Ok(()) } else { Err(PrimitiveFault::Form(expected)) }
}

fn integer(text: &str, min: i32, range: &'static str) -> Result<(), PrimitiveFault> {
    // R4's pattern allows a plus sign, JSON doesn't: refused, since the value will stand in JSON.
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_canonical = digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.is_empty()
        && (text == "0" || !digits.starts_with('0'));
    form(is_canonical, "an integer")?;
    match text.parse::<i32>() {
        Ok(number) if number >= min => Ok(()),
        _ => Err(PrimitiveFault::Range(range)),
    }
}

/// `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?`: also what JSON calls a number.
pub(crate) fn is_decimal(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let mantissa = mantissa.strip_prefix('-').unwrap_or(mantissa);
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|text| digits(text.strip_prefix(['+', '-']).unwrap_or(text)))
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// `[^\s]+(\s[^\s]+)*`
fn is_code(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic()) && !text.is_empty()
        || text.split(char::is_whitespace).all(|word| !word.is_empty())
}

fn is_id(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    (1..=MAX_ID_BYTES).contains(&text.len()) && text.bytes().all(is_allowed)
}

fn is_oid(text: &str) -> bool {
    let Some(arcs) = text.strip_prefix("urn:oid:") else { return false };
    let mut arcs = arcs.split('.');
    let root = arcs.next().is_some_and(|root| matches!(root, "0" | "1" | "2"));
    let mut below = arcs.peekable();
    let is_arc = |arc: &str| {
        !arc.is_empty()
            && arc.bytes().all(|byte| byte.is_ascii_digit())
            && (arc == "0" || !arc.starts_with('0'))
    };
    root && below.peek().is_some() && below.all(is_arc)
}

fn is_uuid(text: &str) -> bool {
    let Some(uuid) = text.strip_prefix("urn:uuid:") else { return false };
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    uuid.split('-').map(str::len).eq([8, 4, 4, 4, 12])
        && uuid.bytes().all(|byte| byte == b'-' || is_hex(byte))
}

/// Groups of four, padded at the end; white space may stand anywhere.
fn is_base64(text: &str) -> bool {
    let mut length = 0_usize;
    let mut padding = 0_usize;
    for byte in text.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
        match byte {
            b'=' => padding += 1,
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' if padding == 0 => {}
            _ => return false,
        }
        length += 1;
    }
    length > 0 && length.is_multiple_of(4) && padding <= 2
}
