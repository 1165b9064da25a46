//! A drug's name in its parts: what it is, how much of it, in which form, by whom.

use super::normal::normal;
use crate::store::fold;

/// 規格 of a name: a number with its unit, in one unit for each kind.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Strength {
    /// As written.
    pub number: f64,
    /// What is measured, and how much in its smallest unit; `None`: a number alone.
    pub of: Option<(Measure, f64)>,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    Mass,
    Volume,
    Percent,
    Units,
    Equivalent,
    Length,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Parts {
    /// Normalised, without the other parts.
    pub base: String,
    pub strengths: Vec<Strength>,
    pub form: Option<&'static str>,
    /// Normalised.
    pub maker: Option<String>,
}

/// Units, longer ones first, with what they are of the smallest.
const UNITS: [(&str, Measure, f64); 20] = [
    ("万単位", Measure::Units, 10_000.0),
    ("億単位", Measure::Units, 100_000_000.0),
    ("単位", Measure::Units, 1.0),
    ("国際単位", Measure::Units, 1.0),
    ("iu", Measure::Units, 1.0),
    ("meq", Measure::Equivalent, 1.0),
    ("mmol", Measure::Equivalent, 1.0),
    ("mcg", Measure::Mass, 1.0),
    ("μg", Measure::Mass, 1.0),
    ("ug", Measure::Mass, 1.0),
    ("ng", Measure::Mass, 0.001),
    ("mg", Measure::Mass, 1_000.0),
    ("kg", Measure::Mass, 1_000_000_000.0),
    ("g", Measure::Mass, 1_000_000.0),
    ("ml", Measure::Volume, 1.0),
    ("dl", Measure::Volume, 100.0),
    ("l", Measure::Volume, 1_000.0),
    ("%", Measure::Percent, 1.0),
    ("cm", Measure::Length, 10.0),
    ("mm", Measure::Length, 1.0),
];

/// 剤形 as names write it, longer ones first, and what they are.
const FORMS: [(&str, &str); 58] = [
    ("口腔内崩壊錠", "OD錠"),
    ("odフィルム", "ODフィルム"),
    ("od錠", "OD錠"),
    ("rpd錠", "OD錠"),
    ("d錠", "OD錠"),
    ("徐放錠", "徐放錠"),
    ("徐放性錠", "徐放錠"),
    ("cr錠", "徐放錠"),
    ("sr錠", "徐放錠"),
    ("la錠", "徐放錠"),
    ("xr錠", "徐放錠"),
    ("腸溶錠", "腸溶錠"),
    ("チュアブル錠", "チュアブル錠"),
    ("舌下錠", "舌下錠"),
    ("腟錠", "腟錠"),
    ("配合錠", "配合錠"),
    ("徐放カプセル", "徐放カプセル"),
    ("カプセル", "カプセル"),
    ("cap", "カプセル"),
    ("ドライシロップ", "ドライシロップ"),
    ("ds", "ドライシロップ"),
    ("シロップ", "シロップ"),
    ("エリキシル", "エリキシル"),
    ("内用液", "内用液"),
    ("経口液", "内用液"),
    ("内服液", "内用液"),
    ("点眼液", "点眼液"),
    ("点眼", "点眼液"),
    ("眼軟膏", "眼軟膏"),
    ("点鼻", "点鼻"),
    ("点耳", "点耳"),
    ("吸入液", "吸入液"),
    ("吸入", "吸入"),
    ("エアゾール", "エアゾール"),
    ("含嗽", "含嗽"),
    ("うがい", "含嗽"),
    ("外用液", "外用液"),
    ("軟膏", "軟膏"),
    ("クリーム", "クリーム"),
    ("ローション", "ローション"),
    ("ゲル", "ゲル"),
    ("テープ", "貼付剤"),
    ("パップ", "パップ"),
    ("パッチ", "貼付剤"),
    ("坐剤", "坐剤"),
    ("坐薬", "坐剤"),
    ("注射用", "注射"),
    ("注射液", "注射"),
    ("静注", "注射"),
    ("筋注", "注射"),
    ("皮下注", "注射"),
    ("点滴", "注射"),
    ("注", "注射"),
    ("細粒", "細粒"),
    ("顆粒", "顆粒"),
    ("原末", "末"),
    ("錠", "錠"),
    ("散", "散"),
];

impl Parts {
    pub fn of(name: &str) -> Self {
        let mut text = fold(name).replace("【般】", "");
        let maker = quoted(&mut text);
        let strengths = strengths(&mut text);
        let form = form(&mut text);
        Parts { base: normal(&text), strengths, form, maker }
    }

    /// What a house says of it beside its name.
    pub fn add(&mut self, text: &str) {
        let mut text = fold(text);
        self.strengths = strengths(&mut text);
        self.form = self.form.or_else(|| form(&mut text));
    }

    /// 規格 of a master: ５ｍｇ１錠 is 5 mg, and the 1 is a count.
    pub fn add_listed(&mut self, text: &str) {
        for strength in strengths(&mut fold(text)) {
            if strength.of.is_some() && !self.strengths.contains(&strength) {
                self.strengths.push(strength);
            }
        }
    }
}

/// The form that a text names.
pub(super) fn form_of(text: &str) -> Option<&'static str> {
    form(&mut fold(text))
}

/// 「…」 is who makes it; it is cut out of the text.
fn quoted(text: &mut String) -> Option<String> {
    let (begin, end) = (text.find('「')?, text.rfind('」')?);
    let inner = text.get(begin + '「'.len_utf8()..end)?;
    let maker = normal(inner);
    text.replace_range(begin..end + '」'.len_utf8(), "");
    Some(maker).filter(|maker| !maker.is_empty())
}

fn form(text: &mut String) -> Option<&'static str> {
    let places = FORMS.iter().filter_map(|(word, form)| Some((text.find(word)?, word, form)));
    // The longest of those that begin first in their list.
    let (place, word, form) = places.max_by_key(|(_, word, _)| word.len())?;
    text.replace_range(place..place + word.len(), "");
    Some(form)
}

/// Numbers with units; they are cut out of the text. In names of drugs every number is one.
fn strengths(text: &mut String) -> Vec<Strength> {
    let (mut found, mut rest) = (Vec::new(), String::new());
    let mut at = 0;
    while let Some(letter) = text[at..].chars().next() {
        if !letter.is_ascii_digit() {
            rest.push(letter);
            at += letter.len_utf8();
            continue;
        }
        let digits = text[at..].find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ',')));
        let end = digits.map_or(text.len(), |length| at + length);
        let number = text[at..end].trim_end_matches(['.', ',']);
        let behind = at + number.len();
        let parsed: f64 = number.replace(',', "").parse().unwrap_or(0.0);
        let unit = UNITS.iter().find(|(unit, ..)| text[behind..].starts_with(unit));
        // B12 and the like are names.
        if unit.is_none() && rest.ends_with(|c: char| c.is_ascii_alphabetic()) {
            rest.push_str(&text[at..behind]);
            at = behind;
            continue;
        }
        let length = unit.map_or(0, |(unit, ..)| unit.len());
        found.push(Strength {
            number: parsed,
            of: unit.map(|(_, measure, factor)| (*measure, parsed * factor)),
            text: text[at..behind + length].to_owned(),
        });
        at = behind + length;
    }
    *text = rest;
    found
}

impl Strength {
    pub fn is(&self, other: &Strength) -> bool {
        let same = |a: f64, b: f64| (a - b).abs() <= 1e-9 * a.abs().max(b.abs());
        match (self.of, other.of) {
            (Some((measure, amount)), Some((own, other))) => measure == own && same(amount, other),
            _ => same(self.number, other.number),
        }
    }
}

/// How much of what is asked for is there: 1 all of it, 0 nothing; `None` if one of them says nothing.
pub(super) fn compared(asked: &[Strength], own: &[Strength]) -> Option<f64> {
    if asked.is_empty() || own.is_empty() {
        return None;
    }
    let met = asked.iter().filter(|one| own.iter().any(|other| one.is(other))).count();
    Some(met as f64 / asked.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_drugs_come_apart_into_their_parts() {
        for (name, base, strengths, form, maker) in [
            ("アムロジンＯＤ錠５ｍｇ", "アムロジン", "5mg", Some("OD錠"), None),
            ("ﾆﾌｪｼﾞﾋﾟﾝCR錠20mg｢ｻﾜｲ｣", "ニフエジピン", "20mg", Some("徐放錠"), Some("サワイ")),
            ("アマリール１ｍｇ錠", "アマリル", "1mg", Some("錠"), None),
            ("【般】ニトラゼパム細粒１％", "ニトラゼパム", "1%", Some("細粒"), None),
            ("ユニコン錠４００", "ユニコン", "400", Some("錠"), None),
            ("メインテート錠２．５ｍｇ", "メインテト", "2.5mg", Some("錠"), None),
            ("ビタミンB12錠", "ビタミンb12", "", Some("錠"), None),
            ("葛根湯エキス顆粒", "葛根湯エキス", "", Some("顆粒"), None),
            ("", "", "", None, None),
        ] {
            let parts = Parts::of(name);
            let texts: Vec<&str> = parts.strengths.iter().map(|one| one.text.as_str()).collect();
            let found = (parts.base.as_str(), texts.join(" "), parts.form, parts.maker.as_deref());
            assert_eq!(found, (base, strengths.to_owned(), form, maker), "{name}");
        }
    }

    #[test]
    fn the_same_amount_is_one_in_every_unit() {
        let of = |text: &str| Parts::of(text).strengths;
        for (asked, own, expected) in [
            ("0.5g", "500mg", Some(1.0)),
            ("5mg", "50mg", Some(0.0)),
            ("400", "４００ｍｇ１錠", Some(1.0)),
            ("5mg 2%", "5mg", Some(0.5)),
            ("1%", "1mg", Some(0.0)),
            ("", "1mg", None),
            ("1mg", "", None),
        ] {
            assert_eq!(compared(&of(asked), &of(own)), expected, "{asked} {own}");
        }
    }
}
