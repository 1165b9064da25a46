//! Telephone numbers, postal codes, numbers of insurers and the two parts of a name.

use super::Fault;
use super::width::{hankaku, is_space, squeeze, trim};

/// Everything that a keyboard or a host font offers as a hyphen. `ー` and `ｰ` are letters too, so
/// they count only behind a digit.
const DASHES: [char; 11] = [
    '-', '\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}', '\u{2014}', '\u{2015}', '\u{2212}',
    '\u{2500}', '\u{FE63}', '\u{FF0D}',
];
const LONG_VOWELS: [char; 2] = ['ー', 'ｰ'];

/// `０３−１２３−１２３４` to `03-123-1234`. Words (`内線12`) and brackets stay; digits are not
/// regrouped, because area codes can't be told from digits alone.
pub(super) fn phone(text: &str) -> String {
    let mut number = String::with_capacity(text.len());
    for c in hankaku(trim(text)).chars() {
        let behind_digit = number.ends_with(|last: char| last.is_ascii_digit() || last == ')');
        let dash = DASHES.contains(&c) || (behind_digit && LONG_VOWELS.contains(&c));
        number.push(if dash { '-' } else { c });
    }
    number
}

/// Seven digits as `781-8125`; the codes of three and five digits that were used until 1998 as
/// `781` and `781-01`. Zeros only means that there is none.
pub(super) fn postal(text: &str) -> Result<Option<String>, Fault> {
    let number = phone(text);
    let number = trim(number.trim_start_matches('〒'));
    let digits = match number.split_once('-') {
        Some((area, rest)) if area.len() == 3 => format!("{area}{rest}"),
        Some(_) => return Err(Fault::BAD_POSTAL_CODE),
        None => number.to_owned(),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Fault::BAD_POSTAL_CODE);
    }
    if digits.bytes().all(|byte| byte == b'0') {
        return Ok(None);
    }
    match digits.len() {
        3 => Ok(Some(digits)),
        5 | 7 => Ok(digits.split_at_checked(3).map(|(area, rest)| format!("{area}-{rest}"))),
        _ => Err(Fault::BAD_POSTAL_CODE),
    }
}

/// 保険者番号 as JP-CLINS writes it: eight digits, those of 国保 (six) and of old cards with zeros in
/// front. Zeros only means that there is none. Digits in either width and nothing else, so that a
/// search can list every spelling.
pub(super) fn insurer(text: &str) -> Result<Option<String>, Fault> {
    let number = hankaku(text);
    if !(4..=8).contains(&number.len()) || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Fault::BAD_INSURER_NUMBER);
    }
    Ok(number.bytes().any(|byte| byte != b'0').then(|| format!("{number:0>8}")))
}

/// The first word. A name without a blank is all family name: sources hold foreign and unknown
/// patients that way.
pub(super) fn family(text: &str) -> &str {
    let name = trim(text);
    name.split_once(is_space).map_or(name, |(family, _)| family)
}

/// Everything behind the first blank, with blanks squeezed.
pub(super) fn given(text: &str) -> Option<std::borrow::Cow<'_, str>> {
    let (_, given) = trim(text).split_once(is_space)?;
    Some(squeeze(given))
}
