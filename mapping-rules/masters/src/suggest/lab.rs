//! What a laboratory says of an item beside its name: unit, material, kind of result, and the numbers
//! that it has of it.

use super::Values;
use super::normal::normal;
use crate::store::fold;

/// A unit as it is compared: what hospitals write for the same is the same.
pub(super) fn unit(text: &str) -> String {
    let folded: String = fold(text)
        .replace("sec", "s")
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '・' | '.' | '{' | '}' | '[' | ']' | '_'))
        .map(|c| if c == '^' { '*' } else { c })
        .collect();
    let plain = folded.trim_start_matches(['x', '×']).replace("10e", "10*");
    let plain = plain.replace("/ul", "/μl").replace("/mm3", "/μl").replace("ug", "μg");
    let same = match plain.as_str() {
        "iu/l" => "u/l",
        "meq/l" => "mmol/l",
        "秒" => "s",
        "千/μl" | "10*9/l" => "10*3/μl",
        "万/μl" | "10**4/μl" => "10*4/μl",
        "百万/μl" | "10*12/l" => "10*6/μl",
        "個/μl" => "/μl",
        "ng/l" => "pg/ml",
        "mg/l" => "μg/ml",
        "pct" | "パーセント" => "%",
        other => other,
    };
    same.to_owned()
}

/// 材料 by what it is, without what was put in.
pub(super) fn material(text: &str) -> String {
    const KINDS: [(&str, &str); 12] = [
        ("毛細管血", "毛細管血"),
        ("動脈血", "動脈血"),
        ("ろ紙", "血液ろ紙"),
        ("血清", "血清"),
        ("serum", "血清"),
        ("血漿", "血漿"),
        ("plasma", "血漿"),
        ("全血", "全血"),
        ("血液", "全血"),
        ("蓄尿", "蓄尿"),
        ("尿", "尿"),
        ("髄液", "髄液"),
    ];
    let folded = fold(text);
    let known = KINDS.iter().find(|(word, _)| folded.contains(word));
    known.map_or_else(|| normal(text), |(_, kind)| (*kind).to_owned())
}

/// The material that a name says: 尿蛋白, U-TP; but not 尿酸, 尿素.
pub(super) fn material_in_name(name: &str) -> Option<String> {
    let folded = fold(name).replace("尿酸", "").replace("尿素", "");
    let urine = folded.contains('尿') || folded.starts_with("u-") || folded.contains("(u)");
    let fluid = ["髄液", "胸水", "腹水", "穿刺液"].into_iter().find(|word| folded.contains(word));
    match (urine, fluid) {
        (true, _) => Some("尿".to_owned()),
        (false, fluid) => fluid.map(material),
    }
}

/// 測定法 without the reagent that JLAC11 puts behind it.
pub(super) fn method(text: &str) -> String {
    normal(text.split('_').next().unwrap_or(text))
}

/// What a result is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Result {
    Number,
    /// 半定量
    Step,
    /// 定性
    Word,
    /// A code by which an item is ordered: nothing has it as a result.
    Order,
}

impl Result {
    pub fn name(self) -> &'static str {
        match self {
            Self::Number => "定量",
            Self::Step => "半定量",
            Self::Word => "定性",
            Self::Order => "依頼",
        }
    }

    /// As a name or a unit says it.
    pub fn in_text(text: &str) -> Option<Self> {
        let folded = fold(text);
        let has = |word: &str| folded.contains(word);
        match () {
            () if has("半定量") => Some(Self::Step),
            () if has("定性") || has("判定") => Some(Self::Word),
            () if has("定量") => Some(Self::Number),
            () if folded.trim() == "依頼" => Some(Self::Order),
            () => None,
        }
    }
}

/// Where the median of a hospital's results is to be expected: FHIR識別名 of the service's items, unit,
/// from, to, and the method if only that one gives such numbers. Wide around 共用基準範囲
/// (JCCLS, 2022), because patients are ill: to tell serum from urine and mg from g, not to judge anybody.
const EXPECTED: [(&str, &str, f64, f64, &str); 55] = [
    ("TP", "g/dL", 4.5, 9.0, ""),
    ("TP", "g/L", 45.0, 90.0, ""),
    ("ALB", "g/dL", 2.0, 5.5, ""),
    ("ALB", "g/L", 20.0, 55.0, ""),
    ("CK", "U/L", 20.0, 400.0, ""),
    ("AST", "U/L", 8.0, 100.0, ""),
    ("ALT", "U/L", 4.0, 100.0, ""),
    ("LD", "U/L", 100.0, 450.0, ""),
    ("ALP", "U/L", 30.0, 130.0, "IFCC"),
    ("ALP", "U/L", 130.0, 500.0, "以外"),
    ("GGT", "U/L", 5.0, 150.0, ""),
    ("ChE", "U/L", 100.0, 500.0, ""),
    ("AMY", "U/L", 30.0, 250.0, ""),
    ("Cre", "mg/dL", 0.3, 4.0, ""),
    ("Cre", "μmol/L", 30.0, 400.0, ""),
    ("Cys-C", "mg/L", 0.4, 4.0, ""),
    ("UA", "mg/dL", 2.0, 10.0, ""),
    ("BUN", "mg/dL", 5.0, 60.0, ""),
    ("BUN", "mmol/L", 1.5, 22.0, ""),
    ("BG", "mg/dL", 60.0, 300.0, ""),
    ("FBG", "mg/dL", 60.0, 250.0, ""),
    ("CBG", "mg/dL", 60.0, 400.0, ""),
    ("HbA1c-NGSP", "%", 4.0, 12.0, ""),
    ("HbA1c-NGSP", "mmol/mol", 20.0, 110.0, ""),
    ("TG", "mg/dL", 30.0, 400.0, ""),
    ("T-CHO", "mg/dL", 100.0, 300.0, ""),
    ("HDL-C", "mg/dL", 25.0, 110.0, ""),
    ("LDL-C", "mg/dL", 40.0, 220.0, ""),
    ("Na", "mmol/L", 125.0, 150.0, ""),
    ("K", "mmol/L", 3.0, 6.0, ""),
    ("Cl", "mmol/L", 90.0, 115.0, ""),
    ("Ca", "mg/dL", 7.0, 11.5, ""),
    ("Ca", "mEq/L", 3.5, 6.0, ""),
    ("T-Bil", "mg/dL", 0.2, 4.0, ""),
    ("D-Bil", "mg/dL", 0.0, 2.0, ""),
    ("WBC", "10*2/μL", 25.0, 160.0, ""),
    ("WBC", "10*3/μL", 2.5, 16.0, ""),
    ("WBC", "/μL", 2500.0, 16000.0, ""),
    ("RBC", "10*4/μL", 200.0, 600.0, ""),
    ("RBC", "10*6/μL", 2.0, 6.0, ""),
    ("Hb", "g/dL", 6.0, 18.0, ""),
    ("PLT", "10*4/μL", 5.0, 50.0, ""),
    ("PLT", "10*3/μL", 50.0, 500.0, ""),
    ("APTT", "s", 20.0, 80.0, ""),
    ("PT-秒", "s", 8.0, 30.0, ""),
    ("PT-活性%", "%", 30.0, 150.0, ""),
    ("PT-INR", "INR", 0.8, 4.0, ""),
    ("DD", "μg/mL", 0.1, 15.0, ""),
    ("U-P/C", "g/g・Cr", 0.01, 5.0, ""),
    ("U-A/C", "mg/g・Cr", 2.0, 800.0, ""),
    ("BNP", "pg/mL", 4.0, 800.0, ""),
    ("NT-proBNP", "pg/mL", 10.0, 5000.0, ""),
    ("CRP", "mg/dL", 0.0, 15.0, ""),
    ("CRP", "mg/L", 0.0, 150.0, ""),
    ("PT比", "比", 0.8, 4.0, ""),
];

/// Whether the hospital's numbers can be results of an item by one of these methods; `None`: nobody knows.
pub(super) fn plausible(item: &str, methods: &[String], values: &[Values]) -> Option<bool> {
    let methods = methods.concat();
    let bands: Vec<_> = EXPECTED
        .iter()
        .filter(|(of, .., by)| *of == item && (by.is_empty() || methods.contains(&normal(by))))
        .collect();
    let mut known = None;
    for own in values {
        let measured = unit(&own.unit);
        let same = |of: &str| measured.is_empty() || unit(of) == measured;
        let mut fitting = bands.iter().filter(|(_, of, ..)| same(of)).peekable();
        if fitting.peek().is_some() {
            known = Some(fitting.any(|(_, _, low, high, _)| (*low..=*high).contains(&own.median)));
        }
        if known == Some(true) {
            break;
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_laboratories_write_for_one_unit_is_one() {
        for (one, other, alike) in [
            ("IU/L", "U/L  ", true),
            ("mEq/L", "mmol/L", true),
            ("×10^3/uL", "X10*3/μL", true),
            ("万/μL", "X10*4/μL", true),
            ("ｍｇ／ｄＬ", "mg/dl", true),
            ("秒", "sec", true),
            ("mg/dL", "g/dL", false),
            ("10*3/μL", "10*4/μL", false),
        ] {
            assert_eq!(unit(one) == unit(other), alike, "{one} {other}");
        }
    }

    #[test]
    fn materials_are_known_by_what_they_are() {
        for (text, expected) in [
            ("血漿(ヘパリン入り)", "血漿"),
            ("全血（毛細管血）", "毛細管血"),
            ("全血(静脈血、EDTA入り)", "全血"),
            ("部分尿", "尿"),
            ("Serum", "血清"),
        ] {
            assert_eq!(material(text), expected, "{text}");
        }
        for (name, expected) in
            [("U-TP", Some("尿")), ("尿蛋白(定性)", Some("尿")), ("尿酸", None), ("尿素窒素", None)]
        {
            assert_eq!(material_in_name(name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn numbers_that_an_item_can_not_have_speak_against_it() {
        let values = |unit: &str, median: f64| {
            let unit = unit.to_owned();
            vec![Values { unit, count: 9, low: median, median, high: median }]
        };
        for (item, by, own, expected) in [
            ("K", "", values("mEq/L", 4.2), Some(true)),
            ("K", "", values("mEq/L", 60.0), Some(false)),
            ("K", "", values("", 4.2), Some(true)),
            ("ALP", "可視吸光光度法(IFCC対応法)", values("U/L", 75.0), Some(true)),
            ("ALP", "可視吸光光度法(JSCC標準化対応法以外)", values("U/L", 75.0), Some(false)),
            ("K", "", values("g/dL", 4.2), None),
            ("HCV", "", values("", 4.2), None),
            ("K", "", Vec::new(), None),
        ] {
            let found = plausible(item, &[normal(by)], &own);
            assert_eq!(found, expected, "{item} {own:?}");
        }
    }
}
