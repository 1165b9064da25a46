//! The spellings of dates in text: what the converters read and what a search lists, from one place,
//! so that neither knows a text that the other does not. Spellings of fixed width are ranges as
//! well; those stand in `date_image`.

use super::wareki::Era;
use super::width::zen;

/// Separators of western dates: those of `date`, and all that `date.wareki` reads. `年` begins
/// `1975年3月2日`.
pub(super) const WESTERN: [char; 2] = ['-', '/'];
pub(super) const JAPANESE: [char; 4] = ['-', '/', '.', '年'];
/// Between the numbers of an era's date, in half width.
pub(super) const OF_ERAS: [char; 3] = ['.', '/', '-'];

/// How a time stands behind a day: the separator of the day, what is between, and the separator of
/// the time.
pub(super) type TimeShape = (&'static str, &'static str, &'static str);
pub(super) const TIMES: [TimeShape; 7] = [
    ("", "", ""),
    ("", " ", ""),
    ("", " ", ":"),
    ("", "T", ""),
    ("-", " ", ":"),
    ("-", "T", ":"),
    ("/", " ", ":"),
];
/// The only shape with an offset behind it: `Z`, or the site's own.
pub(super) const WITH_OFFSET: TimeShape = ("-", "T", ":");

/// How an era is named, with the width of the digits behind.
#[derive(Clone, Copy)]
pub(super) struct Hand {
    pub name: &'static str,
    pub wide: bool,
}

/// Longer names first, so that 昭和 is not taken for 昭.
pub(super) fn hands(era: &Era) -> [Hand; 7] {
    let [name, short, sign] = era.names;
    let [letter, small, wide] = era.letters;
    let half = |name| Hand { name, wide: false };
    let full = |name| Hand { name, wide: true };
    [half(name), full(name), half(short), half(sign), half(letter), half(small), full(wide)]
}

/// Every text of a date of an era in one hand; month and day are zero where unknown.
pub(super) fn of_era(hand: Hand, [year, month, day]: [u32; 3]) -> Vec<String> {
    let mut texts = match (month, day) {
        (0, _) => vec![format!("{year:02}"), format!("{year:02}00"), format!("{year:02}0000")],
        (_, 0) => vec![format!("{year:02}{month:02}"), format!("{year:02}{month:02}00")],
        _ => vec![format!("{year:02}{month:02}{day:02}")],
    };
    if !hand.wide {
        let years = years(year, false);
        texts
            .extend(OF_ERAS.iter().flat_map(|sign| separated(&years, *sign, (month, day), &ALIKE)));
    }
    texts.extend(kanji(&years(year, true), month, day));
    texts.into_iter().map(|text| named(hand, &text)).collect()
}

/// What the texts of a whole month of an era begin with, and no text of another.
pub(super) fn months_of_era(hand: Hand, year: u32, month: u32) -> Vec<String> {
    let mut heads = vec![format!("{year:02}{month:02}")];
    if !hand.wide {
        heads
            .extend(OF_ERAS.iter().flat_map(|sign| month_heads(&years(year, false), *sign, month)));
    }
    heads.extend(kanji(&years(year, true), month, 0));
    heads.into_iter().map(|head| named(hand, &head)).collect()
}

/// The same for a whole year.
pub(super) fn years_of_era(hand: Hand, year: u32) -> Vec<String> {
    let mut heads = vec![format!("{year:02}")];
    let ends = OF_ERAS.iter().filter(|_| !hand.wide).chain(&['年']);
    let one = years(year, false).into_iter().filter(|year| year.chars().count() == 1);
    let one: Vec<String> = one.collect();
    heads.extend(ends.flat_map(|end| one.iter().map(move |year| format!("{year}{end}"))));
    heads.extend((year < 10).then(|| format!(" {year}年")));
    heads.into_iter().map(|head| named(hand, &head)).collect()
}

fn named(hand: Hand, text: &str) -> String {
    let text = if hand.wide { zen(text) } else { text.into() };
    format!("{}{text}", hand.name)
}

/// Every text of a western date with this separator.
pub(super) fn western(sign: char, [year, month, day]: [u32; 3]) -> Vec<String> {
    let year = [format!("{year:04}")];
    match sign {
        '年' => kanji(&year, month, day),
        _ => separated(&year, sign, (month, day), &MIXED),
    }
}

/// What the texts of a whole month begin with.
pub(super) fn months_of_western(sign: char, year: u32, month: u32) -> Vec<String> {
    let year = [format!("{year:04}")];
    match sign {
        '年' => kanji(&year, month, 0),
        _ => month_heads(&year, sign, month),
    }
}

fn month_heads(years: &[String], sign: char, month: u32) -> Vec<String> {
    let months = numbers(month, false);
    let of_year = |year| months.iter().map(move |month| format!("{year}{sign}{month}{sign}"));
    years.iter().flat_map(of_year).collect()
}

/// `50.3.2`, `50.03.02`; zeros or nothing for what is unknown.
fn separated(
    years: &[String],
    sign: char,
    (month, day): (u32, u32),
    pads: &[(Pad, Pad)],
) -> Vec<String> {
    let mut texts = Vec::new();
    for year in years {
        if day == 0 {
            texts.extend(numbers(month, false).iter().map(|month| format!("{year}{sign}{month}")));
        }
        texts.extend(pads.iter().map(|(of_month, of_day)| {
            let (month, day) = (of_month.number(month), of_day.number(day));
            format!("{year}{sign}{month}{sign}{day}")
        }));
    }
    texts
}

/// `50年3月2日`, `50年 3月 2日`, `元年5月`.
fn kanji(years: &[String], month: u32, day: u32) -> Vec<String> {
    let mut texts = Vec::new();
    for year in years {
        for pad in [Pad::None, Pad::Zero, Pad::Blank] {
            let mut text = format!("{year}年");
            for (number, unit) in [(month, '月'), (day, '日')].iter().filter(|(n, _)| *n > 0) {
                text = format!("{text}{}{unit}", pad.number(*number));
            }
            texts.push(text);
        }
    }
    texts.sort();
    texts.dedup();
    texts
}

/// Month and day of an era are written alike; an export of western dates may treat each for itself.
const ALIKE: [(Pad, Pad); 2] = [(Pad::None, Pad::None), (Pad::Zero, Pad::Zero)];
const MIXED: [(Pad, Pad); 4] = [ALIKE[0], ALIKE[1], (Pad::None, Pad::Zero), (Pad::Zero, Pad::None)];

/// What stands before a number.
#[derive(Clone, Copy)]
enum Pad {
    None,
    /// Where it has one digit.
    Zero,
    Blank,
}

impl Pad {
    fn number(self, number: u32) -> String {
        match self {
            Pad::None => number.to_string(),
            Pad::Zero => format!("{number:02}"),
            Pad::Blank => format!(" {number}"),
        }
    }
}

fn years(year: u32, blanks: bool) -> Vec<String> {
    // Behind a blank, one digit could not be told from two.
    let mut years = numbers(year, blanks && year < 10);
    years.extend((year == 1).then(|| "元".to_owned()));
    years
}

/// A number of two digits: without zero, with it, or with a blank before it.
fn numbers(number: u32, blanks: bool) -> Vec<String> {
    let mut texts = vec![number.to_string()];
    texts.extend((number < 10).then(|| format!("{number:02}")));
    texts.extend(blanks.then(|| Pad::Blank.number(number)));
    texts
}
