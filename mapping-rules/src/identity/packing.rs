//! The key of a row in few bytes, because an id has room for 31 of them: digits, and what stands
//! between those of a date or a time, take half a byte each, a UUID takes 16.

use data_encoding::Encoding;

/// The texts of a key, one behind the other.
pub(super) fn pack(key: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(16);
    for text in key {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if digits {
            push_varint(&mut bytes, text.len() << 1 | 1);
            for pair in text.as_bytes().chunks(2) {
                let low = pair.get(1).map_or(0xF, |byte| byte - b'0');
                bytes.push((pair[0] - b'0') << 4 | low);
            }
        } else if let Some((form, uuid)) = Uuid::of(text) {
            bytes.extend([FORM, form as u8]);
            bytes.extend(uuid);
        } else if let Some(places) = places_of_moment(text) {
            bytes.extend([FORM, MOMENT]);
            push_varint(&mut bytes, text.len());
            let pairs = places.chunks(2);
            bytes.extend(pairs.map(|pair| pair[0] << 4 | pair.get(1).unwrap_or(&0)));
        } else {
            push_varint(&mut bytes, text.len() << 1);
            bytes.extend_from_slice(text.as_bytes());
        }
    }
    bytes
}

/// The head of a text in one of the forms: that of digits without any, which there are none of.
const FORM: u8 = 1;
/// Behind those of [`Uuid`].
const MOMENT: u8 = 4;
/// What dates and times are written with.
const OF_MOMENTS: &[u8; 16] = b"0123456789-:.T+ ";

fn places_of_moment(text: &str) -> Option<Vec<u8>> {
    let place = |byte| OF_MOMENTS.iter().position(|known| *known == byte);
    // Shorter ones gain nothing.
    let long = text.len() > 5;
    long.then(|| text.bytes().map(|byte| Some(place(byte)? as u8)).collect())?
}

fn take_moment(bytes: &[u8]) -> Option<(String, &[u8])> {
    let (length, rest) = take_varint(bytes)?;
    let stored = length.div_ceil(2);
    let (places, rest) = (rest.get(..stored)?, rest.get(stored..)?);
    let places = places.iter().flat_map(|byte| [byte >> 4, byte & 0xF]).take(length);
    Some((places.map(|place| char::from(OF_MOMENTS[usize::from(place)])).collect(), rest))
}

/// How a UUID is written; the text comes back as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Uuid {
    Lower,
    Upper,
    /// 32 digits without hyphens.
    PlainLower,
    PlainUpper,
}

impl Uuid {
    const FORMS: [Uuid; 4] = [Uuid::Lower, Uuid::Upper, Uuid::PlainLower, Uuid::PlainUpper];
    /// The hyphens of 8-4-4-4-12.
    const HYPHENS: [usize; 4] = [8, 13, 18, 23];

    fn of(text: &str) -> Option<(Uuid, Vec<u8>)> {
        if !matches!(text.len(), 32 | 36) {
            return None;
        }
        Uuid::FORMS.into_iter().find_map(|form| {
            let bytes = form.encoding().decode(text.replace('-', "").as_bytes()).ok()?;
            (bytes.len() == 16 && form.write(&bytes) == text).then_some((form, bytes))
        })
    }

    fn encoding(self) -> Encoding {
        match self {
            Uuid::Lower | Uuid::PlainLower => data_encoding::HEXLOWER,
            Uuid::Upper | Uuid::PlainUpper => data_encoding::HEXUPPER,
        }
    }

    fn write(self, bytes: &[u8]) -> String {
        let mut text = self.encoding().encode(bytes);
        if matches!(self, Uuid::Lower | Uuid::Upper) {
            Uuid::HYPHENS.into_iter().for_each(|place| text.insert(place, '-'));
        }
        text
    }
}

pub(super) fn unpack(mut bytes: &[u8]) -> Option<Vec<String>> {
    let mut key = Vec::new();
    while !bytes.is_empty() {
        if let [FORM, MOMENT, rest @ ..] = bytes {
            let (moment, rest) = take_moment(rest)?;
            key.push(moment);
            bytes = rest;
            continue;
        }
        if let [FORM, form, rest @ ..] = bytes {
            let (uuid, rest) = (rest.get(..16)?, rest.get(16..)?);
            key.push(Uuid::FORMS.get(usize::from(*form))?.write(uuid));
            bytes = rest;
            continue;
        }
        let (head, rest) = take_varint(bytes)?;
        let length = head >> 1;
        let stored = if head & 1 == 1 { length.div_ceil(2) } else { length };
        let (text, rest) = (rest.get(..stored)?, rest.get(stored..)?);
        key.push(if head & 1 == 1 {
            let digits = text.iter().flat_map(|byte| [byte >> 4, byte & 0xF]).take(length);
            digits.map(|digit| char::from(b'0' + digit)).collect()
        } else {
            String::from_utf8(text.to_vec()).ok()?
        });
        bytes = rest;
    }
    Some(key)
}

fn push_varint(bytes: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        bytes.push((value & 0x7F) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn take_varint(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0usize;
    for (index, byte) in bytes.iter().enumerate().take(4) {
        value |= usize::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[index + 1..]));
        }
    }
    None
}
