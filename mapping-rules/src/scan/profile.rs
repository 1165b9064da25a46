//! Counts over the cells of a sample: how many, how various, in which shapes.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::FixedOffset;
use genkan_adapter::{Column, ColumnKind, Row, Value};

use super::dates::{DateSpelling, spelling};
use crate::diagnostic::Text;
use crate::evaluate::value_text;
use crate::lens::{Lens, LensContext};
use crate::vocabulary::{self, Known, Meaning, Role};

/// Texts that are kept by themselves; of a column with more of them only their number is known.
const VALUES_MAX: usize = 1024;
/// A longer text is no code and no key.
const VALUE_LENGTH_MAX: usize = 64;
/// What is shown of a column's values.
const CODES_SHOWN_MAX: usize = 30;
const CODE_LENGTH_MAX: usize = 6;
/// A code stands in at least so many rows; what is rarer may be somebody's.
const CODE_ROWS_MIN: u64 = 5;
/// Of the values that are not empty, so many have a shape before the column is said to have it.
const MOSTLY_PERCENT: u64 = 80;

/// Everything that is known of a table.
#[derive(Debug, Clone)]
pub struct TableProfile {
    pub name: String,
    pub columns: Vec<ColumnProfile>,
    /// Rows that were read, and whether that is all of them.
    pub rows: u64,
    pub all: bool,
    /// The source's own estimate.
    pub rows_estimate: Option<u64>,
    /// As the catalog has it, or as the rows suggest it.
    pub key: Vec<String>,
    pub key_is_declared: bool,
}

#[derive(Debug, Clone)]
pub struct ColumnProfile {
    pub name: String,
    pub kind: ColumnKind,
    pub means: Option<Known<Meaning>>,
    pub role: Option<Known<Role>>,
    pub nulls: u64,
    /// Empty, or blanks only.
    pub blanks: u64,
    pub unreadable: u64,
    pub filled: u64,
    pub distinct: u64,
    /// `00000000`, `99999999`: dates that are none.
    pub sentinels: BTreeMap<String, u64>,
    pub dates: BTreeMap<DateSpelling, u64>,
    pub numbers: u64,
    pub half_kana: u64,
    pub full_kana: u64,
    pub kanji: u64,
    pub wide_ascii: u64,
    /// Characters of the private use area: 外字.
    pub private_use: u64,
    pub padded: u64,
    pub phones: u64,
    pub postal_codes: u64,
    /// Two words with a blank between.
    pub two_words: u64,
    pub length_min: usize,
    pub length_max: usize,
    pub years: Option<(i32, i32)>,
    /// Texts with their rows, the first of them. Not shown.
    values: BTreeMap<String, u64>,
    /// There were more, or longer ones.
    too_various: bool,
}

/// Takes rows in, one after the other.
pub struct Profiler {
    columns: Vec<ColumnProfile>,
    seen: Vec<HashSet<u64>>,
    zone: FixedOffset,
    rows: Vec<Box<[u64]>>,
}

/// The rows of a sample as one number for each cell, for the search for keys. Nothing can be read
/// from them.
pub struct CellHashes(pub(super) Vec<Box<[u64]>>);

impl Profiler {
    pub fn new(columns: &[Column], zone: FixedOffset) -> Self {
        Profiler {
            columns: columns.iter().map(ColumnProfile::new).collect(),
            seen: vec![HashSet::new(); columns.len()],
            zone,
            rows: Vec::new(),
        }
    }

    /// One row, its cells in the order of the columns.
    pub fn take(&mut self, row: &Row) {
        let mut cells = Vec::with_capacity(self.columns.len());
        let columns = self.columns.iter_mut().zip(&mut self.seen);
        for ((column, seen), value) in columns.zip(row.values()) {
            let text = value_text(value, self.zone);
            let hash = hash(text.as_deref());
            cells.push(hash);
            match (value, text) {
                (Value::Null, _) => column.nulls += 1,
                (Value::Unreadable(_), _) => column.unreadable += 1,
                (_, Some(text)) if text.trim().is_empty() => column.blanks += 1,
                (_, Some(text)) => {
                    if seen.insert(hash) {
                        column.distinct += 1;
                    }
                    column.take(&text, self.zone);
                }
                (_, None) => column.filled += 1,
            }
        }
        self.rows.push(cells.into());
    }

    pub fn finish(self) -> (Vec<ColumnProfile>, CellHashes) {
        (self.columns, CellHashes(self.rows))
    }
}

/// The same in every run.
fn hash(text: Option<&str>) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

impl ColumnProfile {
    fn new(column: &Column) -> Self {
        ColumnProfile {
            name: column.name.clone(),
            kind: column.kind,
            means: vocabulary::of_column(&column.name),
            role: vocabulary::role_of(&column.name),
            nulls: 0,
            blanks: 0,
            unreadable: 0,
            filled: 0,
            distinct: 0,
            sentinels: BTreeMap::new(),
            dates: BTreeMap::new(),
            numbers: 0,
            half_kana: 0,
            full_kana: 0,
            kanji: 0,
            wide_ascii: 0,
            private_use: 0,
            padded: 0,
            phones: 0,
            postal_codes: 0,
            two_words: 0,
            length_min: usize::MAX,
            length_max: 0,
            years: None,
            values: BTreeMap::new(),
            too_various: false,
        }
    }

    fn take(&mut self, text: &str, zone: FixedOffset) {
        self.filled += 1;
        let trimmed = text.trim();
        let length = trimmed.chars().count();
        (self.length_min, self.length_max) =
            (self.length_min.min(length), self.length_max.max(length));
        self.padded += u64::from(trimmed.len() < text.len());
        self.keep(text, length);
        if is_sentinel(trimmed) {
            *self.sentinels.entry(trimmed.to_owned()).or_default() += 1;
            return;
        }
        if let Some((spelling, year)) = spelling(text, zone) {
            *self.dates.entry(spelling).or_default() += 1;
            let (first, last) = self.years.unwrap_or((year, year));
            self.years = Some((first.min(year), last.max(year)));
        }
        let cx = LensContext { zone };
        let number = Lens::IsNumber.forward(text, &cx);
        self.numbers += u64::from(number.is_ok_and(|is| is.as_deref() == Some("true")));
        let any = |test: fn(char) -> bool| u64::from(trimmed.chars().any(test));
        self.half_kana += any(|c| ('\u{FF66}'..='\u{FF9F}').contains(&c));
        self.full_kana += any(|c| ('\u{3041}'..='\u{30FA}').contains(&c));
        self.kanji += any(|c| ('\u{4E00}'..='\u{9FFF}').contains(&c));
        self.wide_ascii += any(|c| ('\u{FF01}'..='\u{FF5E}').contains(&c));
        self.private_use += any(|c| ('\u{E000}'..='\u{F8FF}').contains(&c));
        self.phones += u64::from(is_phone(trimmed));
        self.postal_codes += u64::from(is_postal_code(trimmed));
        self.two_words += u64::from(trimmed.split_whitespace().count() == 2);
    }

    fn keep(&mut self, text: &str, length: usize) {
        if length > VALUE_LENGTH_MAX {
            self.too_various = true;
        } else if let Some(rows) = self.values.get_mut(text) {
            *rows += 1;
        } else if self.values.len() < VALUES_MAX {
            self.values.insert(text.to_owned(), 1);
        } else {
            self.too_various = true;
        }
    }

    /// What the name means, unless the values deny it; or else what the values look like.
    pub fn meaning(&self) -> Option<Meaning> {
        match self.means {
            Some(Known { means, .. }) if self.doubt().is_none() => Some(means),
            Some(_) => None,
            None => self.by_values(),
        }
    }

    /// Why the values deny what the name says.
    pub fn doubt(&self) -> Option<Text> {
        let Known { means, word } = self.means?;
        let undated = self.filled > 0 && !self.is_date() && self.real() > 0;
        if means.is_date() && undated {
            let name = &self.name;
            return Some(Text::new(
                format!("{name} has `{word}` in its name, but its values are no dates"),
                format!("{name} は名前（{word}）に反して日付ではありません"),
            ));
        }
        None
    }

    /// Of a column whose name says nothing.
    fn by_values(&self) -> Option<Meaning> {
        let old = self.years.is_some_and(|(first, last)| first < 1960 && last - first > 60);
        if self.is_date() && old {
            Some(Meaning::BirthDate)
        } else if self.mostly(self.phones) {
            Some(Meaning::Phone)
        } else if self.mostly(self.postal_codes) {
            Some(Meaning::PostalCode)
        } else if self.mostly(self.two_words) && self.mostly(self.half_kana) {
            Some(Meaning::PersonKana)
        } else if self.mostly(self.two_words) && self.mostly(self.kanji) && self.length_max < 20 {
            Some(Meaning::PersonName)
        } else {
            None
        }
    }

    /// Cells with a value that is no sentinel.
    pub fn real(&self) -> u64 {
        self.filled.saturating_sub(self.sentinels.values().sum())
    }

    /// So many of the real values.
    pub fn mostly(&self, count: u64) -> bool {
        self.real() > 0 && count * 100 >= self.real() * MOSTLY_PERCENT
    }

    /// Holds days or times: by its type, or because most texts are read as such.
    pub fn is_date(&self) -> bool {
        if matches!(self.kind, ColumnKind::Date | ColumnKind::DateTime | ColumnKind::Instant) {
            return true;
        }
        let by_name = self.role.is_some_and(|role| role.means == Role::Date)
            || self.means.is_some_and(|known| known.means.is_date());
        let clear = self.dates.iter().filter(|(spelling, _)| by_name || !spelling.is_ambiguous());
        self.kind.is_text() && self.mostly(clear.map(|(_, count)| count).sum())
    }

    /// The spellings of its dates, the commonest first.
    pub fn spellings(&self) -> Vec<(DateSpelling, u64)> {
        let mut found: Vec<_> = self.dates.iter().map(|(spelling, n)| (*spelling, *n)).collect();
        found.sort_by_key(|(spelling, count)| (std::cmp::Reverse(*count), *spelling));
        found
    }

    /// The codes of this column with their rows, the commonest first, and in how many rows something
    /// rarer stands. `None` for a column that may hold anything else than a few house codes: names,
    /// numbers of people, results, days and free text are never among them.
    pub fn codes(&self) -> Option<(Vec<(&str, u64)>, u64)> {
        let named = self.role.is_some_and(|role| matches!(role.means, Role::Code | Role::Flag));
        let means = self.means.map(|known| known.means);
        let hidden = means.is_some_and(|means| {
            means.is_personal() || means.is_written() || means.is_date() || means.is_number()
        });
        let most = if named || means.is_some() { CODES_SHOWN_MAX } else { CODES_SHOWN_MAX / 3 };
        let length = if named || means.is_some() { CODE_LENGTH_MAX } else { CODE_LENGTH_MAX / 2 };
        // An age is no code, and nothing says that the column has no ages.
        let number = |text: &str| text.len() > 1 && text.bytes().all(|b| b.is_ascii_digit());
        let kind = self.kind.is_text()
            || matches!(self.kind, ColumnKind::Integer | ColumnKind::Boolean) && named;
        if hidden || !kind || self.too_various || self.values.len() > most || self.is_date() {
            return None;
        }
        let code = |text: &str| {
            let letters = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-./_".contains(&b));
            letters && text.len() <= length && (named || means.is_some() || !number(text))
        };
        let mut shown: Vec<(&str, u64)> = Vec::new();
        let mut rarer = 0;
        for (text, rows) in &self.values {
            match code(text) && *rows >= CODE_ROWS_MIN {
                true => shown.push((text, *rows)),
                false => rarer += rows,
            }
        }
        shown.sort_by_key(|(text, rows)| (std::cmp::Reverse(*rows), *text));
        // Mostly other things: not a column of codes.
        (!shown.is_empty() && rarer * 10 <= self.filled).then_some((shown, rarer))
    }

    /// The texts that were kept, with their rows: for comparing columns, and not for showing.
    pub(super) fn values(&self) -> &BTreeMap<String, u64> {
        &self.values
    }
}

/// Zeros or nines only, as many as a date has digits.
fn is_sentinel(text: &str) -> bool {
    let only = |digit: u8| text.bytes().all(|byte| byte == digit);
    matches!(text.len(), 6 | 7 | 8 | 12 | 14) && (only(b'0') || only(b'9'))
}

fn is_phone(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let plain = text.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '(' | ')' | ' '));
    plain && text.starts_with(['0', '(']) && matches!(digits, 10 | 11) && digits < text.len()
}

fn is_postal_code(text: &str) -> bool {
    let parts = text.split_once('-').map(|(area, rest)| (area.len(), rest.len()));
    parts == Some((3, 4)) && text.chars().all(|c| c.is_ascii_digit() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(name: &str, values: impl IntoIterator<Item = &'static str>) -> ColumnProfile {
        let column = Column { name: name.to_owned(), kind: ColumnKind::Text, nullable: true };
        let zone = FixedOffset::east_opt(9 * 3600).expect("an offset");
        let mut profiler = Profiler::new(std::slice::from_ref(&column), zone);
        for value in values {
            let value = if value == "NULL" { Value::Null } else { Value::text(value) };
            profiler.take(&Row(Box::new([value])));
        }
        profiler.finish().0.remove(0)
    }

    #[test]
    fn what_may_be_a_persons_is_never_shown() {
        for (name, values) in [
            ("PT_ID", &["000012", "000013"][..]),
            ("KANJI_NM", &["林", "森"]),
            ("X1", &["林", "森"]),
            ("X2", &["1234567"]),
            ("KEKKA", &["1", "2"]),
            ("AGE", &["101", "99"]),
            ("BIRTH", &["19500101", "19510101"]),
            ("X3", &["090-1234-5678"]),
            ("BIKO", &["A", "B"]),
        ] {
            let many = values.iter().cycle().take(400).copied();
            let column = profile(name, many);
            let shown = column.codes().map(|(codes, _)| codes);
            assert_eq!(shown, None, "{name}");
        }
        // A value that few rows share is counted and not shown.
        let values = ["1"; 300].into_iter().chain(["2"; 80]).chain(["7"; 3]);
        let sex = profile("SEX", values);
        assert_eq!(sex.codes(), Some((vec![("1", 300), ("2", 80)], 3)));
        let various = profile("KA_CD", ["01", "02", "03"]);
        assert_eq!(various.codes(), None);
    }

    #[test]
    fn a_column_is_told_by_its_values_too() {
        let birth = profile("C07", ["S250302", "S500302", "H010108", "R020101", "00000000"]);
        assert_eq!(birth.meaning(), Some(Meaning::BirthDate));
        assert_eq!(birth.spellings(), [(DateSpelling::EraLetter, 4)]);
        assert_eq!(birth.sentinels.get("00000000"), Some(&1));
        let kana = profile("C02", ["ﾏｷﾉ ﾗﾝﾏﾝ", "ﾊﾔｼ ｱｲ"]);
        assert_eq!((kana.meaning(), kana.half_kana), (Some(Meaning::PersonKana), 2));
        // The name says a date, the values deny it.
        let denied = profile("START_YMD", ["abc", "def"]);
        assert_eq!(denied.meaning(), None);
        assert!(denied.doubt().is_some_and(|text| text.en.contains("START_YMD")));
        let counted = profile("X", ["NULL", "", " ", "a", "a", "b"]);
        let counts = (counted.nulls, counted.blanks, counted.filled, counted.distinct);
        assert_eq!(counts, (1, 2, 3, 2));
    }
}
