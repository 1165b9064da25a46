//! The shape of a text: of which kind each letter is.

/// Letters that stand for others. No name, and plainly none.
const KANJI: [char; 10] = ['見', '本', '東', '西', '南', '北', '上', '下', '左', '右'];
const HIRAGANA: [char; 5] = ['あ', 'い', 'う', 'え', 'お'];
const KATAKANA: [char; 5] = ['ア', 'イ', 'ウ', 'エ', 'オ'];
const HALF_KANA: [char; 5] = ['ｱ', 'ｲ', 'ｳ', 'ｴ', 'ｵ'];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Letter {
    Digit,
    WideDigit,
    Upper,
    Lower,
    WideUpper,
    WideLower,
    HalfKana,
    Hiragana,
    Katakana,
    /// Kanji, 外字 and the letters of all other scripts.
    Other,
    /// Blanks, hyphens, brackets: they are nobody's.
    Sign,
}

fn letter(c: char) -> Letter {
    match c {
        '0'..='9' => Letter::Digit,
        '０'..='９' => Letter::WideDigit,
        'A'..='Z' => Letter::Upper,
        'a'..='z' => Letter::Lower,
        'Ａ'..='Ｚ' => Letter::WideUpper,
        'ａ'..='ｚ' => Letter::WideLower,
        '\u{FF66}'..='\u{FF9F}' if c != '\u{FF70}' => Letter::HalfKana,
        '\u{3041}'..='\u{3096}' => Letter::Hiragana,
        '\u{30A1}'..='\u{30FA}' => Letter::Katakana,
        '\u{E000}'..='\u{F8FF}' => Letter::Other,
        c if c.is_alphanumeric() && !matches!(c, 'ー' | '\u{FF70}') => Letter::Other,
        _ => Letter::Sign,
    }
}

/// Each letter by one that stands for its kind: `牧野　爛漫` is `漢漢　漢漢`. Two texts with the same
/// outline differ in nothing that may be shown.
pub fn outline(text: &str) -> String {
    let shown = |c: char| match letter(c) {
        Letter::Digit => '9',
        Letter::WideDigit => '９',
        Letter::Upper => 'A',
        Letter::Lower => 'a',
        Letter::WideUpper => 'Ａ',
        Letter::WideLower => 'ａ',
        Letter::HalfKana => 'ｱ',
        Letter::Hiragana => 'あ',
        Letter::Katakana => 'ア',
        Letter::Other => '漢',
        Letter::Sign => c,
    };
    text.chars().map(shown).collect()
}

/// Other letters of the same kinds; `number` makes different ones.
pub(super) fn words(text: &str, number: u64) -> String {
    let number = usize::try_from(number).unwrap_or_default();
    let replaced = |(at, c): (usize, char)| {
        // Neighbours differ, and so do two words.
        let place = at + number * 3;
        let of = |letters: &[char]| {
            let mut own = (0..letters.len()).map(|more| letters[(place + more) % letters.len()]);
            own.find(|made| *made != c).unwrap_or(c)
        };
        let within = |first: char, count: usize| -> char {
            let letters: Vec<char> = (first..).take(count).collect();
            of(&letters)
        };
        match letter(c) {
            Letter::Digit => within('1', 9),
            Letter::WideDigit => within('１', 9),
            Letter::Upper => within('A', 26),
            Letter::Lower => within('a', 26),
            Letter::WideUpper => within('Ａ', 26),
            Letter::WideLower => within('ａ', 26),
            Letter::HalfKana => of(&HALF_KANA),
            Letter::Hiragana => of(&HIRAGANA),
            Letter::Katakana => of(&KATAKANA),
            Letter::Other => of(&KANJI),
            Letter::Sign => c,
        }
    };
    text.chars().enumerate().map(replaced).collect()
}

/// The digits of the text by those of `number`, from the right; its other letters by others where it has
/// no digits. `None` once the number needs more places.
pub(super) fn numbered(text: &str, mut number: u64) -> Option<String> {
    let digits = |c: char| matches!(letter(c), Letter::Digit | Letter::WideDigit);
    if !text.chars().any(digits) {
        return Some(words(text, number));
    }
    let mut made: Vec<char> = Vec::with_capacity(text.len());
    for c in text.chars().rev() {
        let first = match letter(c) {
            Letter::Digit => u32::from('0'),
            Letter::WideDigit => u32::from('０'),
            // A prefix says which kind of number it is.
            Letter::Upper | Letter::Lower | Letter::Sign => {
                made.push(c);
                continue;
            }
            _ => {
                made.extend(words(&c.to_string(), 1).chars());
                continue;
            }
        };
        let digit = u32::try_from(number % 10).unwrap_or_default();
        made.push(char::from_u32(first + digit)?);
        number /= 10;
    }
    (number == 0).then(|| made.into_iter().rev().collect())
}
