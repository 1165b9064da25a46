//! Values of a row in which nobody is found again: days moved, numbers replaced, words made of other
//! letters. What makes a value interesting for a rule stays: its length, its width, its blanks and
//! signs, and that equal values are equal.

mod day;
mod shape;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{FixedOffset, TimeDelta};
use genkan_adapter::{Decimal, Value};

use crate::lens::{Lens, LensContext};

pub use shape::outline;

/// What is done with the values of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Treatment {
    /// Of a master (マスタ): nobody's.
    Kept,
    /// Kept if it looks like a code.
    Code,
    /// Kept if it is a number or a sign (`1+`, `(-)`).
    Number,
    /// Moved by the days of the mask.
    Day,
    /// Other letters in the same places.
    Words,
    /// Replaced by a number of the mask.
    Identifier,
}

/// A longer text is no code.
const CODE_LENGTH_MAX: usize = 12;
/// Numbers that are tried until one is free.
const NUMBERS_MAX: u64 = 10_000;

/// One masking: the same value becomes the same, whatever column it stands in.
pub struct Mask {
    /// By so many days everything moves back.
    days: i64,
    zone: FixedOffset,
    replaced: BTreeMap<String, String>,
    taken: BTreeSet<String>,
    next: u64,
}

impl Mask {
    pub fn new(days: i64, zone: FixedOffset) -> Self {
        let (replaced, taken) = (BTreeMap::new(), BTreeSet::new());
        Mask { days, zone, replaced, taken, next: 0 }
    }

    /// The value as it may be shown. `blanks`: texts that mean "nothing" stay what they are.
    pub fn value(&mut self, treatment: Treatment, value: &Value) -> Value {
        match (treatment, value) {
            (_, Value::Text(text)) => Value::Text(self.text(treatment, text)),
            (_, Value::Date(day)) => {
                Value::Date(day.checked_sub_signed(self.delta()).unwrap_or(*day))
            }
            (_, Value::DateTime(at)) => {
                Value::DateTime(at.checked_sub_signed(self.delta()).unwrap_or(*at))
            }
            (_, Value::Instant(at)) => {
                Value::Instant(at.checked_sub_signed(self.delta()).unwrap_or(*at))
            }
            (Treatment::Identifier | Treatment::Words, Value::Integer(number)) => {
                let text = self.identifier(&number.to_string());
                text.parse().map_or(Value::Null, Value::Integer)
            }
            (Treatment::Identifier | Treatment::Words, Value::Decimal(number)) => {
                Decimal::parse(&self.identifier(number.as_str()))
                    .map_or(Value::Null, Value::Decimal)
            }
            // Nothing of it could be written down.
            (_, Value::Bytes(_) | Value::Unreadable(_)) => Value::Null,
            (_, value) => value.clone(),
        }
    }

    fn delta(&self) -> TimeDelta {
        TimeDelta::try_days(self.days).unwrap_or_default()
    }

    fn text(&mut self, treatment: Treatment, text: &str) -> String {
        let trimmed = text.trim();
        if trimmed.is_empty() || is_no_date(trimmed) {
            return text.to_owned();
        }
        // What was replaced once is replaced everywhere, in a code that holds a patient's number too.
        let known = |text: &str| self.replaced.iter().find(|(from, _)| is_inside(from, text));
        match treatment {
            Treatment::Kept => text.to_owned(),
            Treatment::Code if is_code(trimmed) && known(trimmed).is_none() => text.to_owned(),
            Treatment::Number if self.is_number(trimmed) => text.to_owned(),
            Treatment::Day => match day::moved(trimmed, self.delta(), self.zone) {
                Some(moved) => text.replacen(trimmed, &moved, 1),
                None => self.words(text),
            },
            Treatment::Identifier => {
                let masked = self.identifier(trimmed);
                text.replacen(trimmed, &masked, 1)
            }
            Treatment::Code | Treatment::Number | Treatment::Words => self.words(text),
        }
    }

    fn is_number(&self, text: &str) -> bool {
        let cx = LensContext { zone: self.zone };
        let read = Lens::IsNumber.forward(text, &cx);
        let sign = |c: char| "0123456789０１２３４５６７８９+-±()＋－（）<>=≦≧.．".contains(c);
        let signs = text.chars().count() <= 8 && text.chars().all(sign);
        signs || read.is_ok_and(|is| is.as_deref() == Some("true")) && text.chars().count() <= 12
    }

    fn words(&mut self, text: &str) -> String {
        self.replace(text, |text, number| Some(shape::words(text, number)))
    }

    fn identifier(&mut self, text: &str) -> String {
        self.replace(text, shape::numbered)
    }

    fn replace(&mut self, text: &str, make: impl Fn(&str, u64) -> Option<String>) -> String {
        if let Some(known) = self.replaced.get(text) {
            return known.clone();
        }
        let mut masked = shape::words(text, 0);
        for number in self.next + 1..self.next + NUMBERS_MAX {
            match make(text, number) {
                Some(made) if made != text && !self.taken.contains(&made) => {
                    masked = made;
                    self.next = number;
                    break;
                }
                Some(_) => {}
                // The digits of this text are used up: it is too short to name anybody.
                None => break,
            }
        }
        self.taken.insert(masked.clone());
        self.replaced.insert(text.to_owned(), masked.clone());
        masked
    }
}

/// A number of somebody inside a text; very short ones are inside many.
fn is_inside(from: &str, text: &str) -> bool {
    from.chars().count() >= 4 && text.contains(from)
}

/// Zeros or nines only: a date that is none.
fn is_no_date(text: &str) -> bool {
    let only = |digit: u8| text.bytes().all(|byte| byte == digit);
    matches!(text.len(), 6 | 8 | 12 | 14) && (only(b'0') || only(b'9'))
}

fn is_code(text: &str) -> bool {
    text.len() <= CODE_LENGTH_MAX && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask() -> Mask {
        Mask::new(100, FixedOffset::east_opt(9 * 3600).expect("an offset"))
    }

    fn masked(mask: &mut Mask, treatment: Treatment, text: &str) -> String {
        match mask.value(treatment, &Value::text(text)) {
            Value::Text(text) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn nothing_of_a_person_is_left_and_its_shape_is() {
        let mut mask = mask();
        for (treatment, text) in [
            (Treatment::Words, "牧野　爛漫"),
            (Treatment::Words, "ﾏｷﾉ ﾗﾝﾏﾝ"),
            (Treatment::Words, "神奈川県みなと市本町1-1-1"),
            (Treatment::Identifier, "0000999739"),
            (Treatment::Identifier, "０３−１２３−１２３４"),
            (Treatment::Identifier, "K00012"),
            (Treatment::Number, "牧野様に電話で報告"),
            (Treatment::Code, "牧野"),
        ] {
            let made = masked(&mut mask, treatment, text);
            assert_eq!(made.chars().count(), text.chars().count(), "{text}");
            assert_eq!(outline(&made), outline(text), "{text}");
            let kept = text.chars().zip(made.chars()).filter(|(a, b)| a == b && a.is_alphabetic());
            assert!(kept.count() <= usize::from(text.starts_with('K')), "{text} {made}");
            assert_eq!(masked(&mut mask, treatment, text), made, "the same again");
        }
    }

    #[test]
    fn different_numbers_stay_different_and_equal_ones_equal() {
        let mut mask = mask();
        let numbers: Vec<String> = (1..200).map(|n| format!("{n:06}")).collect();
        let made: BTreeSet<String> =
            numbers.iter().map(|n| masked(&mut mask, Treatment::Identifier, n)).collect();
        assert_eq!(made.len(), numbers.len());
        let other = mask.value(Treatment::Identifier, &Value::Integer(7));
        assert_eq!(mask.value(Treatment::Identifier, &Value::Integer(7)), other);
        assert_ne!(other, Value::Integer(7));
    }

    #[test]
    fn days_move_in_their_own_spelling() {
        let mut mask = mask();
        for (text, moved) in [
            ("20210705", "20210327"),
            ("2021-07-05", "2021-03-27"),
            ("2021/7/5", "2021/3/27"),
            ("20210705111941", "20210327111941"),
            ("2021-07-05 11:19:41", "2021-03-27 11:19:41"),
            // Into the era before.
            ("H010301", "S631121"),
            ("平成1年3月1日", "昭和63年11月21日"),
            ("4010301", "3631121"),
            ("S50.12.20", "S50.09.11"),
            ("202107", "202103"),
            // No dates are no days of anybody.
            ("00000000", "00000000"),
            ("99999999", "99999999"),
            ("", ""),
        ] {
            assert_eq!(masked(&mut mask, Treatment::Day, text), moved, "{text}");
        }
        // What can't be read is words.
        let unread = masked(&mut mask, Treatment::Day, "昭和50年頃");
        assert!(!unread.contains("50") && !unread.contains("昭和"), "{unread}");
    }

    #[test]
    fn codes_and_results_are_kept_unless_they_hold_a_number_of_somebody() {
        let mut mask = mask();
        for (treatment, text) in [
            (Treatment::Code, "B0123"),
            (Treatment::Number, "＜０．５"),
            (Treatment::Number, "(-)"),
            (Treatment::Kept, "２型糖尿病"),
        ] {
            assert_eq!(masked(&mut mask, treatment, text), text);
        }
        masked(&mut mask, Treatment::Identifier, "123456");
        assert_ne!(masked(&mut mask, Treatment::Code, "A-123456"), "A-123456");
    }
}
