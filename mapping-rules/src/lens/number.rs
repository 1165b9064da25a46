//! Laboratory results as numbers. A result is text first (`1+`, `陰性`, `3-5`); it is a number only
//! if nothing is lost by saying so. Digits stay digits: no binary float anywhere.

use super::width::{hankaku, trim, zen};

/// A number as a result states it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Quantity {
    /// A JSON number without exponent: `0.50`, `-3`.
    pub digits: String,
    /// A FHIR comparator: `<`, `<=`, `>` or `>=`.
    pub comparator: Option<&'static str>,
}

/// A comparator of FHIR: the value is any number on one side of the one that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparator {
    Less,
    LessOrEqual,
    GreaterOrEqual,
    Greater,
}

impl Comparator {
    pub const ALL: [Comparator; 4] = [
        Comparator::Less,
        Comparator::LessOrEqual,
        Comparator::GreaterOrEqual,
        Comparator::Greater,
    ];

    pub fn code(self) -> &'static str {
        match self {
            Comparator::Less => "<",
            Comparator::LessOrEqual => "<=",
            Comparator::GreaterOrEqual => ">=",
            Comparator::Greater => ">",
        }
    }

    /// The values lie below the number.
    pub fn is_below(self) -> bool {
        matches!(self, Comparator::Less | Comparator::LessOrEqual)
    }

    /// The number is one of the values.
    pub fn is_inclusive(self) -> bool {
        matches!(self, Comparator::LessOrEqual | Comparator::GreaterOrEqual)
    }

    /// Every way in which a result writes it. In a text that [`quantity`] reads, one of them stands
    /// exactly if the number has this comparator, or the [`longer`](Self::longer) one.
    pub fn words(self) -> Vec<String> {
        let known = PREFIXES.iter().chain(&SUFFIXES);
        let own = known.filter(|(_, code)| *code == self.code()).map(|(word, _)| *word);
        own.flat_map(widths).collect()
    }

    /// The comparator in whose words those of this one may stand.
    pub fn longer(self) -> Option<Self> {
        match self {
            Comparator::Less => Some(Comparator::LessOrEqual),
            Comparator::Greater => Some(Comparator::GreaterOrEqual),
            Comparator::LessOrEqual | Comparator::GreaterOrEqual => None,
        }
    }
}

/// A word with each sign in either width.
fn widths(word: &str) -> Vec<String> {
    word.chars().fold(vec![String::new()], |written, sign| {
        let wide = zen(&sign.to_string()).into_owned();
        let ways = if wide == sign.to_string() { vec![wide] } else { vec![sign.to_string(), wide] };
        written.iter().flat_map(|text| ways.iter().map(move |end| format!("{text}{end}"))).collect()
    })
}

const PREFIXES: [(&str, &str); 10] = [
    ("<=", "<="),
    ("=<", "<="),
    ("≦", "<="),
    ("≤", "<="),
    (">=", ">="),
    ("=>", ">="),
    ("≧", ">="),
    ("≥", ">="),
    ("<", "<"),
    (">", ">"),
];
const SUFFIXES: [(&str, &str); 5] =
    [("以上", ">="), ("以下", "<="), ("未満", "<"), ("超過", ">"), ("超", ">")];

/// Reads `＜０．５`, `5.0以上`, `-2.1`. `+3` is a grade as `3+` is, so it is no number here.
pub(super) fn quantity(text: &str) -> Option<Quantity> {
    let folded = hankaku(text);
    let text = trim(&folded);
    let prefix = PREFIXES.iter().find_map(|(word, code)| Some((text.strip_prefix(word)?, *code)));
    let suffix = SUFFIXES.iter().find_map(|(word, code)| Some((text.strip_suffix(word)?, *code)));
    let (number, comparator) = match (prefix, suffix) {
        (Some(_), Some(_)) => return None,
        (Some((rest, code)), None) | (None, Some((rest, code))) => (rest, Some(code)),
        (None, None) => (text, None),
    };
    Some(Quantity { digits: decimal(trim(number))?, comparator })
}

/// A JSON number of plain digits: leading zeros go, a missing one before the point is put, the
/// decimals stay.
fn decimal(text: &str) -> Option<String> {
    let unsigned = text.strip_prefix(['-', '−']);
    let sign = if unsigned.is_some() { "-" } else { "" };
    let text = unsigned.unwrap_or(text);
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let numeric = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !numeric(whole) || !fraction.is_none_or(|part| !part.is_empty() && numeric(part)) {
        return None;
    }
    if whole.is_empty() && fraction.is_none() {
        return None;
    }
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    Some(match fraction {
        Some(fraction) => format!("{sign}{whole}.{fraction}"),
        None => format!("{sign}{whole}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_digits() {
        for (text, digits, comparator) in [
            ("＜０．５", "0.5", Some("<")),
            ("5.0以上", "5.0", Some(">=")),
            ("5.0 以下", "5.0", Some("<=")),
            ("10未満", "10", Some("<")),
            ("10超", "10", Some(">")),
            ("10超過", "10", Some(">")),
            ("≧ 3", "3", Some(">=")),
            ("=<3", "3", Some("<=")),
            ("0.50", "0.50", None),
            (".5", "0.5", None),
            ("-.5", "-0.5", None),
            ("005", "5", None),
            ("000", "0", None),
            ("００．１０", "0.10", None),
            ("－２．１", "-2.1", None),
            ("−2", "-2", None),
            ("123456789012345678901234567890.10", "123456789012345678901234567890.10", None),
        ] {
            let expected = Quantity { digits: digits.to_owned(), comparator };
            assert_eq!(quantity(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn the_words_of_a_comparator_stand_in_the_numbers_that_have_it_and_in_no_others() {
        for text in [
            "<0.5",
            "＜０．５",
            "<=3",
            "＜=3",
            "<＝3",
            "=<3",
            "＝＜3",
            "≦3",
            "≤3",
            "5以下",
            " 5.0 未満",
            ">1",
            "＞1",
            ">=2",
            "＝>2",
            "≧ 3",
            "≥3",
            "5以上",
            "10超",
            "10超過",
            "7",
            "-2.1",
        ] {
            let read = quantity(text).expect("a number").comparator;
            let has = |of: Comparator| of.words().iter().any(|word| text.contains(word.as_str()));
            let found: Vec<_> = Comparator::ALL
                .into_iter()
                .filter(|one| has(*one) && !one.longer().is_some_and(has))
                .map(Comparator::code)
                .collect();
            assert_eq!(found, read.into_iter().collect::<Vec<_>>(), "{text}");
        }
    }

    #[test]
    fn grades_ranges_and_words_are_not_numbers() {
        for text in [
            "1+",
            "+3",
            "(-)",
            "（－）",
            "10^5",
            "3-5",
            "1,234",
            "陰性",
            "",
            "-",
            "－",
            ".",
            "5.",
            "1.2.3",
            "1e3",
            "0x1",
            "<",
            "以上",
            "<5以上",
            "--1",
            "١",
            "NaN",
            "inf",
            "5 6",
            "<<5",
        ] {
            assert_eq!(quantity(text), None, "{text}");
        }
    }
}
