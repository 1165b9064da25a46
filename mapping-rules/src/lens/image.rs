//! Searches on the FHIR text of a lens as searches on the stored text.
//!
//! Sound always: an image is built of stored texts whose forward is the target, tested by running
//! it. How complete each is stands at [`Lens::text_image`].

use std::borrow::Cow;

use super::width::{
    MARKS, full_kana, half_kana, hankaku, is_full_ascii, is_half_ascii, is_half_kana, is_space,
    kana_full, kana_half, marked, squeeze, trim, zen,
};
use super::{Lens, NotInvertible, TextTarget};

type Image = Result<Vec<TextTarget>, NotInvertible>;

pub(super) fn text_image(lens: &Lens, target: &TextTarget) -> Image {
    match lens {
        Lens::Map(table) | Lens::Codes(table) => return Ok(table.image(target)),
        Lens::Text => return Ok(vec![target.clone()]),
        Lens::Date | Lens::Wareki | Lens::DateTime | Lens::Number => {
            return Err(NotInvertible::NOT_A_TEXT_SEARCH);
        }
        Lens::IsNumber | Lens::NumberComparator | Lens::NameGiven => {
            return Err(NotInvertible::TOO_MANY_SPELLINGS);
        }
        _ => {}
    }
    if is_itself(lens, target) {
        return Ok(vec![target.clone()]);
    }
    match target {
        TextTarget::OneOf(values) => equals(lens, values),
        TextTarget::StartsWith(start) => starts_with(lens, start),
        TextTarget::Contains(part) => contains(lens, part),
        TextTarget::Except { target, not } => except(lens, target, not),
        _ => Err(NotInvertible::TOO_MANY_SPELLINGS),
    }
}

/// Whether the image misses no stored spelling, so that its negation is sound too.
pub(super) fn is_complete(lens: &Lens, target: &TextTarget) -> bool {
    let listed = |values: &[String]| values.iter().all(|value| spellings(lens, value).is_some());
    matches!(lens, Lens::Map(_) | Lens::Codes(_) | Lens::Text)
        || is_itself(lens, target)
        || matches!(target, TextTarget::OneOf(values) if listed(values))
}

/// The target is met before the lens exactly when it is met behind it.
fn is_itself(lens: &Lens, target: &TextTarget) -> bool {
    // Postal codes can be refused or be zeros, and a second name can be missing; the others have a
    // value wherever text is.
    if matches!(target, TextTarget::Present | TextTarget::Empty) {
        return !lens.is_partial();
    }
    touched(lens).is_some_and(|touches| !target.characters().any(touches))
}

/// The characters that a lens changes or makes, if it works on each character alone. A target
/// without them means the same on both sides.
fn touched(lens: &Lens) -> Option<fn(char) -> bool> {
    fn kana(c: char) -> bool {
        is_half_kana(c) || half_kana(c).is_some()
    }
    match lens {
        Lens::KanaFull | Lens::KanaHalf => Some(kana),
        Lens::Zen => Some(|c| kana(c) || is_half_ascii(c) || is_full_ascii(c)),
        Lens::Hankaku => Some(|c| is_half_ascii(c) || is_full_ascii(c)),
        _ => None,
    }
}

fn equals(lens: &Lens, values: &[String]) -> Image {
    let mut stored: Vec<String> = Vec::new();
    let mut image = Vec::new();
    for value in values {
        for candidate in spellings(lens, value).unwrap_or_else(|| candidates(lens, value)) {
            if forward(lens, &candidate).as_deref() == Some(value) && !stored.contains(&candidate) {
                stored.push(candidate);
            }
        }
        if *lens == Lens::NameFamily && is_word(value) {
            let followed = [' ', '\u{3000}', '\t'].map(|space| format!("{value}{space}"));
            image.extend(followed.map(TextTarget::StartsWith));
        }
    }
    if !stored.is_empty() {
        image.insert(0, TextTarget::OneOf(stored));
    }
    Ok(image)
}

fn forward(lens: &Lens, stored: &str) -> Option<String> {
    // No lens that comes here looks at the clock.
    let zone = chrono::FixedOffset::east_opt(0)?;
    let output = lens.forward(stored, &super::LensContext { zone });
    output.ok().flatten().map(Cow::into_owned)
}

/// Spellings of one value that are listed at most.
const SPELLINGS_MAX: usize = 512;

/// Every text that may give this value, where each character is written in one width or the other;
/// `None` if they are too many, or can't be listed for this lens.
fn spellings(lens: &Lens, value: &str) -> Option<Vec<String>> {
    match lens {
        Lens::KanaFull | Lens::KanaHalf | Lens::Zen | Lens::Hankaku => widths(lens, value),
        Lens::Insurer => {
            let zeros = value.bytes().take_while(|byte| *byte == b'0').count().min(4);
            let shorter = (0..=zeros).filter_map(|zeros| value.get(zeros..));
            let all: Option<Vec<_>> =
                shorter.map(|digits| widths(&Lens::Hankaku, digits)).collect();
            all.map(|all| all.concat()).filter(|all| all.len() <= SPELLINGS_MAX)
        }
        _ => None,
    }
}

fn widths(lens: &Lens, value: &str) -> Option<Vec<String>> {
    let letters: Vec<char> = value.chars().collect();
    // By how many letters are written so far. A half-width letter and its mark were one letter.
    let mut written: Vec<Vec<String>> = vec![Vec::new(); letters.len() + 2];
    written[0].push(String::new());
    for (at, letter) in letters.iter().enumerate() {
        let before = std::mem::take(&mut written[at]);
        let mark = letters.get(at + 1).filter(|_| *lens == Lens::KanaHalf);
        let joined = mark.and_then(|mark| marked(full_kana(*letter), *mark));
        for text in &before {
            let longer = |end: &str| format!("{text}{end}");
            written[at + 1].extend(widths_of(lens, *letter).iter().map(|end| longer(end)));
            written[at + 2].extend(joined.map(|letter| longer(letter.encode_utf8(&mut [0; 4]))));
        }
        if written[at + 1].len() > SPELLINGS_MAX {
            return None;
        }
    }
    written.into_iter().nth(letters.len())
}

/// The ways to store one character that the lens makes.
fn widths_of(lens: &Lens, letter: char) -> Vec<String> {
    let mut ways = vec![letter.to_string()];
    let text = letter.to_string();
    match lens {
        Lens::KanaFull => ways.push(kana_half(&text).into_owned()),
        Lens::KanaHalf => ways.push(kana_full(&text).into_owned()),
        Lens::Zen => ways.extend([hankaku(&text).into_owned(), kana_half(&text).into_owned()]),
        _ => ways.push(wide(&text)),
    }
    ways.sort();
    ways.dedup();
    ways
}

/// Stored spellings to be tried: the text itself and those that columns hold in practice.
fn candidates(lens: &Lens, value: &str) -> Vec<String> {
    let half = |text: &str| hankaku(text).into_owned();
    match lens {
        Lens::KanaFull => vec![value.to_owned(), kana_half(value).into_owned()],
        Lens::KanaHalf => vec![value.to_owned(), kana_full(value).into_owned()],
        Lens::Zen => {
            let (ascii, kana) = (half(value), kana_half(value).into_owned());
            let both = half(&kana);
            vec![value.to_owned(), ascii, kana, both]
        }
        Lens::Hankaku => vec![value.to_owned(), wide(value)],
        Lens::Squeeze => vec![value.to_owned(), value.replace(' ', "\u{3000}")],
        Lens::Phone | Lens::Postal => {
            let mut spellings = vec![value.to_owned(), value.replace('-', "")];
            for number in spellings.clone() {
                let wide = wide(&number);
                spellings.extend(["－", "−", "ー", "‐"].map(|dash| wide.replace('－', dash)));
                spellings.push(number.replace('-', "−"));
            }
            spellings
        }
        _ => vec![value.to_owned()],
    }
}

/// ASCII only to full width: half-width kana are not what `hankaku` makes.
fn wide(text: &str) -> String {
    let each = |c: char| if is_half_ascii(c) { zen(&c.to_string()).into_owned() } else { c.into() };
    text.chars().map(each).collect()
}

fn starts_with(lens: &Lens, start: &str) -> Image {
    match lens {
        Lens::KanaFull => Ok(kana_full_part(start, TextTarget::StartsWith)),
        Lens::KanaHalf => Ok(kana_half_part(start, TextTarget::StartsWith)),
        Lens::Zen => Ok(zen_part(start, TextTarget::StartsWith)),
        Lens::Hankaku => Ok(hankaku_part(start, TextTarget::StartsWith)),
        Lens::Trim | Lens::Squeeze => edges_kept(lens, start, TextTarget::StartsWith),
        Lens::NameFamily if start.contains(is_space) => Ok(Vec::new()),
        Lens::NameFamily => Ok(vec![TextTarget::StartsWith(start.to_owned())]),
        Lens::Postal if !fits_postal_code(start, 0) => Ok(Vec::new()),
        // A full code is the beginning of nothing but itself.
        Lens::Postal if start.len() == "781-8125".len() => equals(lens, &[start.to_owned()]),
        _ => Err(NotInvertible::TOO_MANY_SPELLINGS),
    }
}

/// `781-8125`, or what of it can stand from this place on.
fn fits_postal_code(part: &str, from: usize) -> bool {
    let fits = |(at, byte): (usize, u8)| match from + at {
        3 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    from + part.len() <= "781-8125".len() && part.bytes().enumerate().all(fits)
}

fn contains(lens: &Lens, part: &str) -> Image {
    match lens {
        Lens::Postal if (0..8).all(|from| !fits_postal_code(part, from)) => Ok(Vec::new()),
        Lens::Postal if part.len() == "781-8125".len() => equals(lens, &[part.to_owned()]),
        Lens::KanaFull => Ok(kana_full_part(part, TextTarget::Contains)),
        Lens::KanaHalf => Ok(kana_half_part(part, TextTarget::Contains)),
        Lens::Zen => Ok(zen_part(part, TextTarget::Contains)),
        Lens::Hankaku => Ok(hankaku_part(part, TextTarget::Contains)),
        Lens::Trim | Lens::Squeeze => edges_kept(lens, part, TextTarget::Contains),
        _ => Err(NotInvertible::TOO_MANY_SPELLINGS),
    }
}

/// Of a part with a blank at an end it can't be said whether the lens takes that blank away.
fn edges_kept(lens: &Lens, part: &str, make: fn(String) -> TextTarget) -> Image {
    if trim(part) != part || part.is_empty() {
        return Err(NotInvertible::TOO_MANY_SPELLINGS);
    }
    if *lens == Lens::Squeeze && squeeze(part) != part {
        return Ok(Vec::new());
    }
    let mut image = vec![make(part.to_owned())];
    if *lens == Lens::Squeeze && part.contains(' ') {
        image.push(make(part.replace(' ', "\u{3000}")));
    }
    Ok(image)
}

/// Stored full, or stored half; in the latter a mark behind the last letter makes it another one.
fn kana_full_part(part: &str, make: fn(String) -> TextTarget) -> Vec<TextTarget> {
    if part.contains(is_half_kana) {
        return Vec::new();
    }
    let mut image = vec![make(part.to_owned())];
    let half = kana_half(part);
    // A mark that begins the part may belong to the letter before it.
    if half == part || half.starts_with(MARKS) || kana_full(&half) != part {
        return image;
    }
    let last = half.chars().next_back().filter(|c| is_half_kana(*c)).map(full_kana);
    let joins = |mark: &char| last.is_some_and(|last| marked(last, *mark).is_some());
    let not = MARKS.iter().filter(|mark| joins(mark)).map(|mark| make(format!("{half}{mark}")));
    let not: Vec<TextTarget> = not.collect();
    let target = make(half.into_owned());
    image.push(if not.is_empty() {
        target
    } else {
        TextTarget::Except { target: Box::new(target), not }
    });
    image
}

/// Stored half, or stored full; in the latter a last letter also stands in its voiced forms.
fn kana_half_part(part: &str, make: fn(String) -> TextTarget) -> Vec<TextTarget> {
    if part.chars().any(|c| half_kana(c).is_some()) {
        return Vec::new();
    }
    let mut image = vec![make(part.to_owned())];
    let full = kana_full(part);
    if full == part {
        return image;
    }
    image.push(make(full.clone().into_owned()));
    let mut letters = full.chars();
    if let Some(last) = letters.next_back().filter(|_| part.ends_with(is_half_kana)) {
        let before = letters.as_str();
        let voiced = MARKS.into_iter().filter_map(|mark| marked(last, mark));
        image.extend(voiced.map(|letter| make(format!("{before}{letter}"))));
    }
    image
}

/// Stored as it is asked, or with its ASCII half; kana as for `kana.full`.
fn zen_part(part: &str, make: fn(String) -> TextTarget) -> Vec<TextTarget> {
    if part.contains(is_half_ascii) {
        return Vec::new();
    }
    let mut image = kana_full_part(part, make);
    let half = hankaku(part);
    if half != part {
        image.extend(kana_full_part(&half, make));
    }
    image
}

fn hankaku_part(part: &str, make: fn(String) -> TextTarget) -> Vec<TextTarget> {
    if part.contains(is_full_ascii) {
        return Vec::new();
    }
    vec![make(part.to_owned()), make(wide(part))]
}

/// Only lenses that leave the inner characters alone: what they keep of the exceptions is exact.
fn except(lens: &Lens, target: &TextTarget, not: &[TextTarget]) -> Image {
    let keeps = matches!(lens, Lens::Trim | Lens::NameFamily);
    let prefixes = std::iter::once(target).chain(not);
    let plain = |target: &TextTarget| matches!(target, TextTarget::StartsWith(s) if is_word(s));
    if !keeps || !prefixes.into_iter().all(plain) {
        return Err(NotInvertible::TOO_MANY_SPELLINGS);
    }
    Ok(vec![TextTarget::Except { target: Box::new(target.clone()), not: not.to_vec() }])
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.contains(is_space)
}
