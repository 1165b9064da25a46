//! The converters of the rule language. Each is a lens: forward makes FHIR text of stored text,
//! inverse makes the canonical stored text again, and an image turns a search on the FHIR text into
//! one on the stored text. All three stand together because one that disagrees with the others is
//! a wrong answer to a search.
//!
//! The laws: `forward(inverse(v)) == v` wherever `inverse` answers, and an image never matches a
//! stored text whose forward does not match the target. Where an image is also complete, and where
//! it only finds the usual spellings, stands at [`Lens::text_image`] and [`Lens::date_image`].

mod calendar;
mod contact;
mod date;
mod date_image;
mod image;
mod map;
mod number;
mod period;
mod spellings;
mod target;
#[cfg(test)]
mod tests;
mod wareki;
mod width;

use std::borrow::Cow;

use chrono::FixedOffset;
use genkan_adapter::{ColumnKind, ColumnRef, Predicate};

pub use date::MIDNIGHTS;
pub use map::MapTable;
pub use number::Comparator;
pub use period::DateSearch;
pub use target::TextTarget;
pub(crate) use wareki::{Era, era_of};

/// One converter named in a rule. Every lens but `map` answers blank text with nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lens {
    /// `date`: a western date, to the year, the month or the day.
    Date,
    /// `date.wareki`: a date of the Japanese calendar (和暦); western dates pass too.
    Wareki,
    /// `datetime`: a date and time of the hospital's wall clock.
    DateTime,
    /// `kana.full`: half-width kana to full width, nothing else.
    KanaFull,
    /// `kana.half`: full-width katakana to half width, nothing else.
    KanaHalf,
    /// `zen`: ASCII, blank and half-width kana to full width.
    Zen,
    /// `hankaku`: full-width ASCII and blank to half width; kana stay.
    Hankaku,
    /// `squeeze`: runs of blanks to one space, none at the ends.
    Squeeze,
    /// `trim`: no blanks at the ends.
    Trim,
    /// `num`: the number of a result, its decimals kept.
    Number,
    /// `num.comparator`: `<`, `<=`, `>` or `>=` of a result; empty without one, and for text that
    /// is no number.
    NumberComparator,
    /// `is.number`: the text `true` or `false`.
    IsNumber,
    Phone,
    Postal,
    /// `insurer`: 保険者番号, filled up to eight digits with zeros.
    Insurer,
    /// `name.family`: the first word of a name.
    NameFamily,
    /// `name.given`: what follows the first blank of a name.
    NameGiven,
    /// `text`: the text itself; for columns of other kinds.
    Text,
    Map(MapTable),
    /// The codes of a required binding, each giving itself. No word of the language: the compiler
    /// puts it behind an expression whose values only the rows know, so that emission and search
    /// agree on what is no code.
    Codes(MapTable),
}

/// What a lens may know beside its input.
#[derive(Debug, Clone, Copy)]
pub struct LensContext {
    /// Offset of the hospital's wall clock.
    pub zone: FixedOffset,
}

/// A stored text that a lens can't read. Carries no value: it goes into logs and reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Stable, for counting: `bad-date`.
    pub code: &'static str,
    pub message_en: &'static str,
    pub message_ja: &'static str,
}

impl Fault {
    const BAD_DATE: Fault = Fault {
        code: "bad-date",
        message_en: "not a date that the calendar has",
        message_ja: "日付として読めません",
    };
    const BAD_TIME: Fault = Fault {
        code: "bad-time",
        message_en: "not a time of day",
        message_ja: "時刻として読めません",
    };
    const OUTSIDE_ERA: Fault = Fault {
        code: "outside-era",
        message_en: "the date does not lie in the era that it names",
        message_ja: "元号の期間外の日付です",
    };
    const BAD_NUMBER: Fault = Fault {
        code: "bad-number",
        message_en: "not a number",
        message_ja: "数値として読めません",
    };
    const BAD_POSTAL_CODE: Fault = Fault {
        code: "bad-postal-code",
        message_en: "not a postal code of seven digits",
        message_ja: "7桁の郵便番号として読めません",
    };
    const BAD_INSURER_NUMBER: Fault = Fault {
        code: "bad-insurer-number",
        message_en: "not an insurer's number of four to eight digits",
        message_ja: "4〜8桁の保険者番号として読めません",
    };
    const NO_MAP_ENTRY: Fault = Fault {
        code: "no-map-entry",
        message_en: "the rule's `map` has no entry for this value",
        message_ja: "map にない値です",
    };
    pub(crate) const BAD_CODE: Fault = Fault {
        code: "bad-code",
        message_en: "not a code of the value set that FHIR requires here",
        message_ja: "FHIR が求める値集合にないコードです",
    };
}

/// Why a lens can't be run backwards here; a search or a write that needs it is refused when the
/// rules are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotInvertible {
    pub reason_en: &'static str,
    pub reason_ja: &'static str,
}

impl NotInvertible {
    const LOSSY: NotInvertible = NotInvertible {
        reason_en: "this converter loses the stored spelling, so nothing can be written through it",
        reason_ja: "元の表記が失われる変換のため、書き戻せません",
    };
    const NOT_AN_OUTPUT: NotInvertible = NotInvertible {
        reason_en: "this converter never gives such a value, so it has no stored form",
        reason_ja: "この変換からは得られない値のため、格納形式がありません",
    };
    const NO_MAP_KEY: NotInvertible = NotInvertible {
        reason_en: "no key of the `map` gives this value",
        reason_ja: "map にこの値となるキーがありません",
    };
    const TOO_MANY_SPELLINGS: NotInvertible = NotInvertible {
        reason_en: "the stored spellings of such a value can't be listed for this kind of search",
        reason_ja: "格納表記を列挙できないため、この検索には使えません",
    };
    const NOT_A_TEXT_SEARCH: NotInvertible = NotInvertible {
        reason_en: "dates and numbers are searched by value, not as text",
        reason_ja: "日付・数値は文字列としては検索できません",
    };
    const NOT_A_DATE: NotInvertible = NotInvertible {
        reason_en: "this converter makes no date",
        reason_ja: "日付への変換ではありません",
    };
    const COLUMN_KIND: NotInvertible = NotInvertible {
        reason_en: "a column of this type can't be searched by date",
        reason_ja: "この型の列は日付では検索できません",
    };
    const WITHIN_A_SECOND: NotInvertible = NotInvertible {
        reason_en: "times in a text column are searched to the second",
        reason_ja: "文字列の日時は秒単位で検索してください",
    };
}

impl Lens {
    /// For suggestions; `map` is a word of the grammar.
    pub const NAMES: &[&str] = &[
        "date",
        "date.wareki",
        "datetime",
        "kana.full",
        "kana.half",
        "zen",
        "hankaku",
        "squeeze",
        "trim",
        "num",
        "num.comparator",
        "is.number",
        "phone",
        "postal",
        "insurer",
        "name.family",
        "name.given",
        "text",
    ];

    pub fn by_name(name: &str) -> Option<Lens> {
        Some(match name {
            "date" => Lens::Date,
            "date.wareki" => Lens::Wareki,
            "datetime" => Lens::DateTime,
            "kana.full" => Lens::KanaFull,
            "kana.half" => Lens::KanaHalf,
            "zen" => Lens::Zen,
            "hankaku" => Lens::Hankaku,
            "squeeze" => Lens::Squeeze,
            "trim" => Lens::Trim,
            "num" => Lens::Number,
            "num.comparator" => Lens::NumberComparator,
            "is.number" => Lens::IsNumber,
            "phone" => Lens::Phone,
            "postal" => Lens::Postal,
            "insurer" => Lens::Insurer,
            "name.family" => Lens::NameFamily,
            "name.given" => Lens::NameGiven,
            "text" => Lens::Text,
            _ => return None,
        })
    }

    /// Stored text to FHIR text; `Ok(None)` is empty. `map` takes `""` for a cell that is absent.
    pub fn forward<'a>(
        &'a self,
        input: &'a str,
        cx: &LensContext,
    ) -> Result<Option<Cow<'a, str>>, Fault> {
        if let Lens::Map(table) = self {
            return Ok(table.forward(input)?.map(Cow::Borrowed));
        }
        if width::trim(input).is_empty() {
            return Ok(None);
        }
        Ok(match self {
            Lens::Date => date::date(input, cx.zone)?.map(|date| Cow::Owned(date.to_string())),
            Lens::Wareki => wareki::date(input, cx.zone)?.map(|date| Cow::Owned(date.to_string())),
            Lens::DateTime => date::moment(input, cx.zone)?.map(|at| Cow::Owned(at.text(cx.zone))),
            Lens::KanaFull => Some(width::kana_full(input)),
            Lens::KanaHalf => Some(width::kana_half(input)),
            Lens::Zen => Some(width::zen(input)),
            Lens::Hankaku => Some(width::hankaku(input)),
            Lens::Squeeze => Some(width::squeeze(input)),
            Lens::Trim => Some(Cow::Borrowed(width::trim(input))),
            Lens::Number => {
                let quantity = number::quantity(input).ok_or(Fault::BAD_NUMBER)?;
                Some(Cow::Owned(quantity.digits))
            }
            Lens::NumberComparator => {
                number::quantity(input).and_then(|q| q.comparator).map(Cow::Borrowed)
            }
            Lens::IsNumber => {
                let number = number::quantity(input).is_some();
                Some(Cow::Borrowed(if number { "true" } else { "false" }))
            }
            Lens::Phone => Some(Cow::Owned(contact::phone(input))),
            Lens::Postal => contact::postal(input)?.map(Cow::Owned),
            Lens::Insurer => contact::insurer(input)?.map(Cow::Owned),
            Lens::NameFamily => Some(Cow::Borrowed(contact::family(input))),
            Lens::NameGiven => contact::given(input),
            Lens::Codes(codes) => {
                codes.forward(input).map_err(|_| Fault::BAD_CODE)?.map(Cow::Borrowed)
            }
            Lens::Text | Lens::Map(_) => Some(Cow::Borrowed(input)),
        })
    }

    /// `(day & time) | datetime`: the two are read each for itself. A time without a day is nothing,
    /// and a day stays when its time can't be read; the fault says so.
    pub fn day_and_time(
        day: Option<&str>,
        time: Option<&str>,
        cx: &LensContext,
    ) -> (Option<String>, Option<Fault>) {
        let (at, fault) = date::day_and_time(day, time, cx.zone);
        (at.map(|at| at.text(cx.zone)), fault)
    }

    /// FHIR text to the canonical stored text: `YYYYMMDD`, `GYYMMDD` (`S500302`),
    /// `YYYYMMDDhhmmss`, half-width kana for `kana.full`, digits only for `postal`.
    pub fn inverse(&self, output: &str, cx: &LensContext) -> Result<String, NotInvertible> {
        let stored = match self {
            Lens::Date => date::stored_date(output),
            Lens::Wareki => wareki::stored(output),
            Lens::DateTime => return date::stored_moment(output, cx.zone),
            Lens::KanaFull => Some(width::kana_half(output).into_owned()),
            Lens::KanaHalf => Some(width::kana_full(output).into_owned()),
            Lens::Text | Lens::Phone | Lens::Number | Lens::Insurer => Some(output.to_owned()),
            Lens::Postal => Some(output.replace('-', "")),
            Lens::Map(table) | Lens::Codes(table) => return table.inverse(output),
            Lens::Zen | Lens::Hankaku | Lens::Squeeze | Lens::Trim => {
                return Err(NotInvertible::LOSSY);
            }
            Lens::NumberComparator | Lens::IsNumber | Lens::NameFamily | Lens::NameGiven => {
                return Err(NotInvertible::LOSSY);
            }
        };
        let stored = stored.ok_or(NotInvertible::NOT_AN_OUTPUT)?;
        match self.forward(&stored, cx) {
            Ok(Some(again)) if again == output => {}
            _ => return Err(NotInvertible::NOT_AN_OUTPUT),
        }
        Ok(stored)
    }

    /// Stored texts that give a value as in `target`, as targets of which one must match.
    ///
    /// Sound for all lenses. Complete for `text`, `map` and `insurer`, for targets without a character
    /// that the lens changes or makes (`高知` through `zen`), and for values whose mixtures of width
    /// are few enough to be listed. Otherwise it finds the spellings that a column holds in practice:
    /// all kana half or all full, all ASCII half or all full, one kind of blank and of hyphen, no
    /// blanks at the beginning.
    pub fn text_image(&self, target: &TextTarget) -> Result<Vec<TextTarget>, NotInvertible> {
        image::text_image(self, target)
    }

    /// Whether [`text_image`](Self::text_image) of this target finds every stored spelling. Only
    /// then may it be negated: the negation of an image that misses one finds that one.
    pub fn image_is_complete(&self, target: &TextTarget) -> bool {
        image::is_complete(self, target)
    }

    /// Some text that is not blank has no value behind this lens.
    fn is_partial(&self) -> bool {
        match self {
            Lens::Date | Lens::Wareki | Lens::DateTime | Lens::Postal => true,
            Lens::Map(_) | Lens::Codes(_) => true,
            Lens::Number | Lens::NumberComparator => true,
            Lens::Insurer | Lens::NameGiven => true,
            Lens::KanaFull | Lens::KanaHalf | Lens::Zen | Lens::Hankaku | Lens::Squeeze => false,
            Lens::Trim | Lens::Phone | Lens::NameFamily | Lens::Text | Lens::IsNumber => false,
        }
    }

    /// Rows whose date matches `search` as R4 says of a stored period: `2005` is the whole year.
    ///
    /// Exact for native date and time columns, and on text columns for every text that `forward`
    /// reads, whatever spellings stand in one column. Sentinels (`00000000`, `99999999`) are never
    /// matched; text that `forward` refuses may be if it sorts between two matched days
    /// (`20210231`).
    pub fn date_image(
        &self,
        column: &ColumnRef,
        kind: ColumnKind,
        search: &DateSearch,
        cx: &LensContext,
    ) -> Result<Predicate, NotInvertible> {
        date_image::date_image(self, column, kind, search, cx)
    }
}
