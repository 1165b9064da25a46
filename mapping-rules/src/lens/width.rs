//! Full and half width: what one character becomes, and nothing more. Apart from the lenses because
//! images need the same tables backwards, and because NFKC is not an option: it would turn `①`, `㎎`
//! and `Ⅲ` into other text.

use std::borrow::Cow;

/// The full-width forms of U+FF61 to U+FF9F, in that order.
const FULL_KANA: [char; 63] = [
    '。', '「', '」', '、', '・', 'ヲ', 'ァ', 'ィ', 'ゥ', 'ェ', 'ォ', 'ャ', 'ュ', 'ョ', 'ッ', 'ー',
    'ア', 'イ', 'ウ', 'エ', 'オ', 'カ', 'キ', 'ク', 'ケ', 'コ', 'サ', 'シ', 'ス', 'セ', 'ソ', 'タ',
    'チ', 'ツ', 'テ', 'ト', 'ナ', 'ニ', 'ヌ', 'ネ', 'ノ', 'ハ', 'ヒ', 'フ', 'ヘ', 'ホ', 'マ', 'ミ',
    'ム', 'メ', 'モ', 'ヤ', 'ユ', 'ヨ', 'ラ', 'リ', 'ル', 'レ', 'ロ', 'ワ', 'ン', '゛', '゜',
];
const FIRST_HALF_KANA: char = '\u{FF61}';
const LAST_HALF_KANA: char = '\u{FF9F}';
/// Half-width dakuten (濁点).
pub(super) const VOICED_MARK: char = '\u{FF9E}';
/// Half-width handakuten (半濁点).
pub(super) const SEMI_VOICED_MARK: char = '\u{FF9F}';
/// Both marks, in the order of their full-width letters in Unicode.
pub(super) const MARKS: [char; 2] = [VOICED_MARK, SEMI_VOICED_MARK];

/// Blanks of any width; U+3000 among them.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace()
}

pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// Runs of blanks become one ASCII space; none at either end.
pub(super) fn squeeze(text: &str) -> Cow<'_, str> {
    let trimmed = trim(text);
    let mut previous_is_space = false;
    let tidy = trimmed.chars().all(|c| {
        let twice = is_space(c) && (previous_is_space || c != ' ');
        previous_is_space = is_space(c);
        !twice
    });
    if tidy {
        return Cow::Borrowed(trimmed);
    }
    let mut squeezed = String::with_capacity(trimmed.len());
    for word in trimmed.split(is_space).filter(|word| !word.is_empty()) {
        if !squeezed.is_empty() {
            squeezed.push(' ');
        }
        squeezed.push_str(word);
    }
    Cow::Owned(squeezed)
}

pub(super) fn is_half_kana(c: char) -> bool {
    (FIRST_HALF_KANA..=LAST_HALF_KANA).contains(&c)
}

/// The letter that `full` and a half-width mark make together: `カ` + `ﾞ` = `ガ`.
pub(super) fn marked(full: char, mark: char) -> Option<char> {
    let next = |step: u32| char::from_u32(u32::from(full) + step);
    match (full, mark) {
        ('ウ', VOICED_MARK) => Some('ヴ'),
        ('ワ', VOICED_MARK) => Some('ヷ'),
        ('ヲ', VOICED_MARK) => Some('ヺ'),
        (
            'カ' | 'キ' | 'ク' | 'ケ' | 'コ' | 'サ' | 'シ' | 'ス' | 'セ' | 'ソ' | 'タ' | 'チ'
            | 'ツ' | 'テ' | 'ト',
            VOICED_MARK,
        ) => next(1),
        ('ハ' | 'ヒ' | 'フ' | 'ヘ' | 'ホ', VOICED_MARK) => next(1),
        ('ハ' | 'ヒ' | 'フ' | 'ヘ' | 'ホ', SEMI_VOICED_MARK) => next(2),
        _ => None,
    }
}

/// The full-width form of one half-width kana; any other character is itself.
pub(super) fn full_kana(c: char) -> char {
    if !is_half_kana(c) {
        return c;
    }
    let index = u32::from(c) - u32::from(FIRST_HALF_KANA);
    usize::try_from(index).ok().and_then(|index| FULL_KANA.get(index)).copied().unwrap_or(c)
}

/// The half-width form of one full-width kana, with its mark; `None` if it has none (`ヶ`, `あ`, `漢`).
pub(super) fn half_kana(c: char) -> Option<(char, Option<char>)> {
    if !('\u{3001}'..='\u{30FC}').contains(&c) {
        return None;
    }
    let half = |full: char| {
        let index = FULL_KANA.iter().position(|letter| *letter == full)?;
        char::from_u32(u32::from(FIRST_HALF_KANA) + u32::try_from(index).ok()?)
    };
    if let Some(half) = half(c) {
        return Some((half, None));
    }
    FULL_KANA.iter().find_map(|base| {
        let mark = MARKS.into_iter().find(|mark| marked(*base, *mark) == Some(c))?;
        Some((half(*base)?, Some(mark)))
    })
}

/// Half-width kana become full-width; a half-width letter and its mark become one letter.
pub(super) fn kana_full(text: &str) -> Cow<'_, str> {
    if !text.contains(is_half_kana) {
        return Cow::Borrowed(text);
    }
    let mut widened = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let full = full_kana(letter);
        let joined = match letters.peek() {
            Some(mark) if is_half_kana(letter) => marked(full, *mark),
            _ => None,
        };
        if joined.is_some() {
            letters.next();
        }
        widened.push(joined.unwrap_or(full));
    }
    Cow::Owned(widened)
}

/// Full-width katakana and its punctuation become half-width, voiced letters as two characters.
pub(super) fn kana_half(text: &str) -> Cow<'_, str> {
    if !text.contains(|c| half_kana(c).is_some()) {
        return Cow::Borrowed(text);
    }
    let mut narrowed = String::with_capacity(text.len());
    for letter in text.chars() {
        match half_kana(letter) {
            Some((half, mark)) => {
                narrowed.push(half);
                narrowed.extend(mark);
            }
            None => narrowed.push(letter),
        }
    }
    Cow::Owned(narrowed)
}

fn full_ascii(c: char) -> char {
    match c {
        ' ' => '\u{3000}',
        '!'..='~' => char::from_u32(u32::from(c) + 0xFEE0).unwrap_or(c),
        _ => c,
    }
}

fn half_ascii(c: char) -> char {
    match c {
        '\u{3000}' => ' ',
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        _ => c,
    }
}

/// ASCII, blank and half-width kana become full-width (全角).
pub(super) fn zen(text: &str) -> Cow<'_, str> {
    map_characters(kana_full(text), full_ascii)
}

/// Full-width ASCII and the ideographic space become half-width (半角); kana stay as they are.
pub(super) fn hankaku(text: &str) -> Cow<'_, str> {
    map_characters(Cow::Borrowed(text), half_ascii)
}

/// The spellings that `zen` would make full: its ASCII only, backwards.
pub(super) fn is_full_ascii(c: char) -> bool {
    half_ascii(c) != c
}

/// ASCII that has a full-width form.
pub(super) fn is_half_ascii(c: char) -> bool {
    full_ascii(c) != c
}

fn map_characters(text: Cow<'_, str>, each: fn(char) -> char) -> Cow<'_, str> {
    if text.chars().all(|c| each(c) == c) {
        text
    } else {
        Cow::Owned(text.chars().map(each).collect())
    }
}
