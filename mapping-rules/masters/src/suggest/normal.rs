//! Names as they are compared: without what differs between two writings of one name.

use crate::store::fold;

/// 旧字, 異体字 and what hospitals write in kana, each as the one that is compared. After [`fold`].
const ALIKE: [(char, &str); 19] = [
    ('癌', "ガン"),
    ('頚', "頸"),
    ('囊', "嚢"),
    ('髙', "高"),
    ('﨑', "崎"),
    ('靱', "靭"),
    ('搔', "掻"),
    ('鹼', "鹸"),
    ('彎', "弯"),
    ('麪', "麺"),
    ('疹', "シン"),
    ('ヴ', "ブ"),
    ('ヂ', "ジ"),
    ('ヅ', "ズ"),
    ('ヵ', "カ"),
    ('ヶ', "ケ"),
    ('ヮ', "ワ"),
    ('×', ""),
    ('µ', "μ"),
];

/// Letters of all widths, sizes and kana alike; no spaces, brackets, marks and long vowels; small kana as
/// large ones. A point stays between digits: 2.5 is not 25.
pub(crate) fn normal(text: &str) -> String {
    let letters: Vec<char> = fold(text).chars().collect();
    let mut normal = String::new();
    for (index, &letter) in letters.iter().enumerate() {
        let beside = |at: Option<usize>| at.and_then(|at| letters.get(at));
        let digit = |at: Option<usize>| beside(at).is_some_and(char::is_ascii_digit);
        match letter {
            '.' if digit(index.checked_sub(1)) && digit(Some(index + 1)) => normal.push('.'),
            '%' | '+' => normal.push(letter),
            'ー' => {}
            'ァ' | 'ィ' | 'ゥ' | 'ェ' | 'ォ' | 'ッ' | 'ャ' | 'ュ' | 'ョ' => {
                // The large one is the next letter of the block.
                normal.extend(char::from_u32(u32::from(letter) + 1));
            }
            _ => match ALIKE.iter().find(|(from, _)| *from == letter) {
                Some((_, to)) => normal.push_str(to),
                None if letter.is_alphanumeric() => normal.push(letter),
                None => {}
            },
        }
    }
    normal
}

/// Remarks of a house: what stands in brackets, and words that are no part of a name.
const REMARKS: [&str; 8] = ["アレルギー", "による", "の疑い", "疑い", "様", "予定", "院内", "他"];

/// A name with fewer and fewer of its remarks: those behind it one after the other, then all brackets. What
/// looks like a remark may be a part of the master's own name: めん類（その他）.
pub(crate) fn trimmed(name: &str) -> Vec<String> {
    let mut all: Vec<&str> = Vec::new();
    let mut rest = name.trim();
    while let Some(shorter) = without_last(rest) {
        all.push(shorter);
        rest = shorter;
    }
    let outside = outside_brackets(rest);
    let mut last = outside.trim();
    while let Some(shorter) = REMARKS.iter().find_map(|remark| last.strip_suffix(remark)) {
        last = shorter.trim_end();
    }
    all.push(last);
    let mut found: Vec<String> = Vec::new();
    let mut before = normal(name);
    for text in all {
        let own = normal(text);
        if !own.is_empty() && own != before {
            found.push(text.to_owned());
        }
        before = own;
    }
    found
}

fn without_last(text: &str) -> Option<&str> {
    if let Some(shorter) = REMARKS.iter().find_map(|remark| text.strip_suffix(remark)) {
        return Some(shorter.trim_end());
    }
    text.ends_with(CLOSING).then_some(())?;
    let begin = text.rfind(OPENING)?;
    Some(text[..begin].trim_end())
}

const OPENING: [char; 7] = ['(', '（', '〔', '[', '［', '〈', '【'];
const CLOSING: [char; 7] = [')', '）', '〕', ']', '］', '〉', '】'];

fn outside_brackets(text: &str) -> String {
    let (mut outside, mut depth) = (String::new(), 0usize);
    for letter in text.chars() {
        if OPENING.contains(&letter) {
            depth += 1;
        } else if CLOSING.contains(&letter) {
            depth = depth.saturating_sub(1);
        } else if depth == 0 {
            outside.push(letter);
        }
    }
    outside
}

/// Pairs of neighbouring letters, with the beginning and the end of the text: a name of one letter has
/// two of them.
pub(crate) fn pairs(normal: &str) -> Vec<u64> {
    const BEGIN: char = '\u{2}';
    const END: char = '\u{3}';
    let mut before = BEGIN;
    let letters = normal.chars().chain([END]);
    letters
        .map(|letter| {
            let pair = u64::from(u32::from(before)) << 32 | u64::from(u32::from(letter));
            before = letter;
            pair
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writings_of_one_name_are_alike_and_other_names_are_not() {
        for (one, other, alike) in [
            ("ｱﾑﾛｼﾞﾝOD錠5mg", "アムロジンＯＤ錠５ｍｇ", true),
            ("そば", "ｿﾊﾞ", true),
            ("コンピューター", "コンピュータ", true),
            ("胃がん", "胃癌", true),
            ("頚椎症", "頸椎症", true),
            ("AST (GOT)", "ａｓｔ（ｇｏｔ）", true),
            ("フエノバルビタール", "フェノバルビタール", true),
            ("Ⅱ型", "II型", true),
            ("2.5mg", "25mg", false),
            ("PT(%)", "PT", false),
            ("Rh(+)", "Rh(-)", false),
        ] {
            assert_eq!(normal(one) == normal(other), alike, "{one} {other}");
        }
    }

    #[test]
    fn remarks_are_cut_off_and_names_stay() {
        for (name, expected) in [
            ("卵アレルギー（重症）", &["卵アレルギー", "卵"][..]),
            ("めん類（その他）アレルギー", &["めん類（その他）", "めん類"]),
            ("胃潰瘍の疑い", &["胃潰瘍"]),
            ("HbA1c(NGSP)", &["HbA1c"]),
            ("（院内）軟膏[混合]", &["（院内）軟膏", "軟膏"]),
            ("Ａ（Ｂ）Ｃ", &["ＡＣ"]),
            ("高血圧症", &[]),
            ("（）", &[]),
            ("疑い", &[]),
            ("((a)", &[]),
            ("", &[]),
        ] {
            assert_eq!(trimmed(name), expected, "{name}");
        }
    }
}
