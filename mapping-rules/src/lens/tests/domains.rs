//! The laws over whole domains: every character, every second of a day, every day that an era could
//! name, every short text of the signs that a converter reads.

use super::*;

/// Everything that one 16-bit character can be.
fn characters() -> impl Iterator<Item = char> {
    (0..=0xffff_u32).filter_map(char::from_u32)
}

/// Every text of these signs up to this length.
fn texts(signs: &str, length: usize) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut longest = 0..1;
    for _ in 0..length {
        let from = longest.end;
        for index in longest {
            all.extend(
                signs.chars().map(|sign| format!("{}{sign}", all[index])).collect::<Vec<_>>(),
            );
        }
        longest = from..all.len();
    }
    all
}

/// An image finds a stored text only if its forward is what was asked, and finds it always where it
/// is complete; what has an inverse reads back.
fn obeys(lens: &Lens, stored: &str) {
    let output = lens.forward(stored, &japan()).ok().flatten();
    let row = Some(stored).filter(|text| !width::trim(text).is_empty());
    if let Some(output) = output.as_deref() {
        let target = TextTarget::equals(output);
        if let Ok(image) = lens.text_image(&target) {
            let found = image.iter().any(|image| image.matches(row));
            assert!(found || !lens.image_is_complete(&target), "{lens:?} {stored:?} {image:?}");
        }
        if let Ok(written) = lens.inverse(output, &japan()) {
            let again = lens.forward(&written, &japan()).ok().flatten();
            assert_eq!(again.as_deref(), Some(output), "{lens:?} {stored:?} {written:?}");
        }
    }
    for target in [TextTarget::Present, TextTarget::Empty] {
        let Ok(image) = lens.text_image(&target) else { continue };
        let found = image.iter().any(|image| image.matches(row));
        assert_eq!(found, target.matches(output.as_deref()), "{lens:?} {stored:?} {target:?}");
    }
}

#[test]
fn every_character_obeys_the_laws_of_every_width() {
    for name in
        ["kana.full", "kana.half", "zen", "hankaku", "squeeze", "trim", "text", "name.family"]
    {
        let lens = lens(name);
        let mut changed = 0;
        for c in characters() {
            let alone = c.to_string();
            obeys(&lens, &alone);
            let once = lens.forward(&alone, &japan()).unwrap().map(Cow::into_owned);
            let twice = once.as_deref().and_then(|text| lens.forward(text, &japan()).unwrap());
            assert_eq!(twice.as_deref(), once.as_deref(), "{name} is done after one pass: {c:?}");
            changed += usize::from(once.as_deref().is_some_and(|text| text != alone));
        }
        // ASCII without the blank, which alone is nothing, and the kana of one byte.
        let expected = match name {
            "kana.full" => 63,
            // With those that become a kana and a mark: 20 and 5, ヴ, ヷ and ヺ.
            "kana.half" => 63 + 28,
            "zen" => 94 + 63,
            "hankaku" => 94,
            _ => 0,
        };
        assert_eq!(changed, expected, "{name}");
    }
}

#[test]
fn every_kana_with_each_mark_obeys_the_laws() {
    let kana =
        characters().filter(|c| matches!(*c, '\u{3041}'..='\u{30ff}' | '\u{ff61}'..='\u{ff9f}'));
    for c in kana {
        for mark in ["ﾞ", "ﾟ", "゛", "゜", "\u{3099}", "\u{309a}"] {
            for name in ["kana.full", "kana.half", "zen"] {
                obeys(&lens(name), &format!("{c}{mark}"));
                obeys(&lens(name), &format!("{c}{mark}{c}"));
            }
        }
    }
}

#[test]
fn every_short_text_obeys_the_laws_of_numbers_and_codes() {
    for (name, signs, length) in [
        ("num", "01.,-+<≧ e", 5),
        ("num.comparator", "1.<>=≦以上下未満 ", 4),
        ("is.number", "01.-+<e^(", 5),
        ("postal", "012-〒０－ ", 5),
        ("phone", "01-−()（ ", 5),
        ("insurer", "013０ ", 6),
        ("name.given", "山a \u{3000}\t", 5),
    ] {
        for text in texts(signs, length) {
            obeys(&lens(name), &text);
        }
    }
}

#[test]
fn seven_digits_are_a_postal_code_whatever_they_are() {
    for number in (0..10_000_000_u32).step_by(997) {
        let stored = format!("{number:07}");
        let expected = match number {
            0 => "empty".to_owned(),
            _ => format!("{}-{}", &stored[..3], &stored[3..]),
        };
        assert_eq!(forward("postal", &stored), expected);
        obeys(&Lens::Postal, &stored);
    }
}

#[test]
fn every_second_of_a_day_survives_datetime() {
    for second in 0..86_400_u32 {
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let stored = format!("20260401{hour:02}{minute:02}{second:02}");
        let fhir = format!("2026-04-01T{hour:02}:{minute:02}:{second:02}+09:00");
        assert_eq!(forward("datetime", &stored), fhir);
        assert_eq!(Lens::DateTime.inverse(&fhir, &japan()).as_deref(), Ok(stored.as_str()));
    }
}

#[test]
fn eight_digits_are_a_date_only_if_the_calendar_has_it() {
    for year in [1868, 1899, 1900, 1996, 2000, 2023, 2024, 2025, 2100] {
        for rest in 0..10_000_u32 {
            let (month, day) = (rest / 100, rest % 100);
            let stored = format!("{year:04}{month:02}{day:02}");
            let expected = match (month, day) {
                (0, 0) => format!("{year:04}"),
                (1..=12, 0) => format!("{year:04}-{month:02}"),
                _ => NaiveDate::from_ymd_opt(year, month, day)
                    .map_or_else(|| "bad-date".to_owned(), |day| day.to_string()),
            };
            assert_eq!(forward("date", &stored), expected, "{stored}");
        }
    }
}

/// The last day of an era is the day before the next one's first; both days are the calendar's own.
#[test]
fn every_day_that_an_era_could_name_is_in_it_or_refused() {
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    let eras = [
        ('M', 1868, "1868-01-25", "1912-07-29"),
        ('T', 1912, "1912-07-30", "1926-12-24"),
        ('S', 1926, "1926-12-25", "1989-01-07"),
        ('H', 1989, "1989-01-08", "2019-04-30"),
        ('R', 2019, "2019-05-01", "2117-12-31"),
    ];
    for (letter, first, from, until) in eras {
        for year in 1..=99_i32 {
            for month in 1..=13 {
                for number in 1..=32 {
                    let stored = format!("{letter}{year:02}{month:02}{number:02}");
                    let named = NaiveDate::from_ymd_opt(first + year - 1, month, number);
                    let expected = match named {
                        None => "bad-date".to_owned(),
                        Some(named) if named < day(from) || named > day(until) => {
                            "outside-era".to_owned()
                        }
                        Some(named) => named.to_string(),
                    };
                    assert_eq!(forward("date.wareki", &stored), expected, "{stored}");
                }
            }
        }
    }
}
