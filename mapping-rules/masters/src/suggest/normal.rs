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

/// A name without the remarks behind it; `None` if there are none.
pub(crate) fn trimmed(name: &str) -> Option<String> {
    let mut rest = String::new();
    let mut depth = 0usize;
    for letter in name.chars() {
        match letter {
            '(' | '（' | '〔' | '[' | '［' | '〈' | '【' => depth += 1,
            ')' | '）' | '〕' | ']' | '］' | '〉' | '】' => depth = depth.saturating_sub(1),
            _ if depth == 0 => rest.push(letter),
            _ => {}
        }
    }
    let mut rest = rest.trim();
    while let Some(shorter) = REMARKS.iter().find_map(|remark| rest.strip_suffix(remark)) {
        rest = shorter.trim_end();
    }
    let own = normal(rest);
    (!own.is_empty() && own != normal(name)).then(|| rest.to_owned())
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
            ("卵アレルギー（重症）", Some("卵")),
            ("胃潰瘍の疑い", Some("胃潰瘍")),
            ("HbA1c(NGSP)", Some("HbA1c")),
            ("高血圧症", None),
            ("（）", None),
            ("疑い", None),
            ("", None),
        ] {
            assert_eq!(trimmed(name).as_deref(), expected, "{name}");
        }
    }
}
