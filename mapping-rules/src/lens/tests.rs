//! The laws of all lenses: what is written reads back, and an image finds what forward makes.

mod dates;
mod domains;
mod forward;

use std::borrow::Cow;

use chrono::{FixedOffset, NaiveDate};
use proptest::prelude::*;

use super::*;

fn japan() -> LensContext {
    LensContext { zone: FixedOffset::east_opt(9 * 3600).unwrap() }
}

fn lens(name: &str) -> Lens {
    Lens::by_name(name).unwrap_or_else(|| panic!("no lens {name}"))
}

/// Output, `empty`, or the code of the fault.
fn forward(name: &str, stored: &str) -> String {
    match lens(name).forward(stored, &japan()) {
        Ok(Some(text)) => text.into_owned(),
        Ok(None) => "empty".to_owned(),
        Err(fault) => fault.code.to_owned(),
    }
}

fn gender() -> Lens {
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let pairs =
        vec![pair("1", "male"), pair("2", "female"), pair("02", "female"), pair("9", "unknown")];
    Lens::Map(MapTable { pairs, otherwise: Some("unknown".to_owned()) })
}

#[test]
fn every_name_is_a_lens_and_blank_text_is_empty() {
    for name in Lens::NAMES {
        for blank in ["", " ", "\u{3000} ", "\t"] {
            assert_eq!(forward(name, blank), "empty", "{name}");
        }
    }
    assert_eq!(Lens::by_name("map"), None);
    assert_eq!(Lens::by_name("Date"), None);
}

#[test]
fn the_zone_of_a_site_is_the_offset_of_its_times() {
    let cx = LensContext { zone: FixedOffset::west_opt(5 * 3600).unwrap() };
    let at = |stored| Lens::DateTime.forward(stored, &cx).unwrap().unwrap();
    assert_eq!(at("20210705111941"), "2021-07-05T11:19:41-05:00");
    assert_eq!(at("2021-07-05T02:19:41Z"), "2021-07-04T21:19:41-05:00");
}

#[test]
fn every_day_of_the_modern_calendar_survives_wareki_and_date() {
    let (cx, mut days) = (japan(), 0);
    let mut day = NaiveDate::from_ymd_opt(1868, 1, 25).unwrap();
    while day <= NaiveDate::from_ymd_opt(2029, 12, 31).unwrap() {
        let fhir = day.to_string();
        for lens in [Lens::Date, Lens::Wareki, Lens::DateTime] {
            let stored = lens.inverse(&fhir, &cx).unwrap();
            assert_eq!(
                lens.forward(&stored, &cx),
                Ok(Some(Cow::Borrowed(fhir.as_str()))),
                "{stored}"
            );
        }
        days += 1;
        day = day.succ_opt().unwrap();
    }
    assert_eq!(days, 59_146);
}

#[test]
fn inverse_gives_the_canonical_stored_text_or_refuses() {
    for (name, fhir, stored) in [
        ("date", "2020-04", Some("20200400")),
        ("date", "2020", Some("20200000")),
        ("date", "2020-4-1", None),
        ("date", "2021-02-29", None),
        ("date.wareki", "1975-03-02", Some("S500302")),
        ("date.wareki", "1989", Some("H010000")),
        ("date.wareki", "1989-01", Some("H010100")),
        ("date.wareki", "1868-01-24", None),
        ("datetime", "2021-07-05T11:19:41+09:00", Some("20210705111941")),
        ("datetime", "2021-07-05T02:19:41Z", Some("20210705111941")),
        ("datetime", "2021-07-05T11:19:41.5+09:00", None),
        ("datetime", "2021-07-05", Some("20210705")),
        ("datetime", "soon", None),
        ("kana.full", "ガパヴ①", Some("ｶﾞﾊﾟｳﾞ①")),
        ("kana.full", "ｶﾞ", None),
        ("kana.full", "カ゛", None),
        ("postal", "781-8125", Some("7818125")),
        ("postal", "7818125", None),
        ("phone", "03-123-1234", Some("03-123-1234")),
        ("phone", "０３", None),
        ("num", "0.50", Some("0.50")),
        ("num", "1e3", None),
        ("zen", "Ａ", None),
        ("trim", "A", None),
        ("is.number", "true", None),
        ("name.family", "牧野", None),
    ] {
        let written = lens(name).inverse(fhir, &japan()).ok();
        assert_eq!(written.as_deref(), stored, "{fhir} | {name}");
    }
    assert_eq!(gender().inverse("female", &japan()).as_deref(), Ok("2"));
    assert_eq!(gender().inverse("other", &japan()), Err(NotInvertible::NO_MAP_KEY));
}

#[test]
fn a_map_without_else_reports_new_codes_and_keeps_blanks_empty() {
    let table = MapTable { pairs: vec![("F".to_owned(), "final".to_owned())], otherwise: None };
    let map = Lens::Map(table);
    assert_eq!(map.forward("F", &japan()), Ok(Some(Cow::Borrowed("final"))));
    assert_eq!(map.forward("", &japan()), Ok(None));
    assert_eq!(map.forward("X", &japan()), Err(Fault::NO_MAP_ENTRY));
    let nothing = map.text_image(&TextTarget::equals("draft")).unwrap();
    assert_eq!(nothing, Vec::new());
}

#[test]
fn else_becomes_the_complement_of_the_keys() {
    let image = gender().text_image(&TextTarget::equals("unknown")).unwrap();
    let keys = ["1", "2", "02"].map(str::to_owned).to_vec();
    assert_eq!(image, [TextTarget::NoneOf { values: keys, include_empty: true }]);
    let image = gender().text_image(&TextTarget::equals("female")).unwrap();
    assert_eq!(image, [TextTarget::OneOf(vec!["2".to_owned(), "02".to_owned()])]);
}

/// Targets that a search may have, around one FHIR text.
fn targets(fhir: &str) -> Vec<TextTarget> {
    let mut targets = vec![
        TextTarget::equals(fhir),
        TextTarget::NoneOf { values: vec![fhir.to_owned()], include_empty: true },
        TextTarget::NoneOf { values: vec![fhir.to_owned()], include_empty: false },
        TextTarget::Present,
        TextTarget::Empty,
    ];
    let bounds: Vec<usize> = fhir.char_indices().map(|(at, _)| at).chain([fhir.len()]).collect();
    for (index, from) in bounds.iter().enumerate() {
        for to in &bounds[index..] {
            targets.push(TextTarget::Contains(fhir[*from..*to].to_owned()));
            targets.push(TextTarget::StartsWith(fhir[*from..*to].to_owned()));
        }
    }
    targets
}

fn stored_text() -> impl Strategy<Value = String> {
    let letters = prop::sample::select(
        "カｶガｶﾞﾞﾟ゛゜パﾊﾊﾟハヴウｳワヷアーｰ漢A1Ａ１ \u{3000}-－−ー7".chars().collect::<Vec<_>>(),
    );
    prop::collection::vec(letters, 0..7).prop_map(|letters| letters.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn an_image_never_finds_a_text_whose_forward_does_not_match(
        stored in stored_text(), asked in stored_text(),
    ) {
        for name in Lens::NAMES {
            let lens = lens(name);
            let output = lens.forward(&stored, &japan()).ok().flatten();
            let stored = Some(stored.as_str()).filter(|text| !width::trim(text).is_empty());
            let seed = lens.forward(&asked, &japan()).ok().flatten().unwrap_or_default();
            for target in targets(&seed).into_iter().chain(output.as_deref().map_or(vec![], targets)) {
                let Ok(image) = lens.text_image(&target) else { continue };
                let found = image.iter().any(|image| image.matches(stored));
                let wanted = target.matches(output.as_deref());
                prop_assert!(wanted || !found, "{name} {target:?} {image:?}");
                if lens.image_is_complete(&target) {
                    prop_assert!(found || !wanted, "{name} {target:?} {image:?}");
                }
            }
        }
    }

    #[test]
    fn the_image_of_a_map_is_complete(stored in "[0129]{0,2}", asked in "(male|female|unknown|fem|x)?") {
        let map = gender();
        let output = map.forward(&stored, &japan()).unwrap();
        let text = Some(stored.as_str()).filter(|text| !text.is_empty());
        for target in targets(&asked) {
            let found = map.text_image(&target).unwrap().iter().any(|image| image.matches(text));
            prop_assert_eq!(found, target.matches(output.as_deref()), "{:?}", target);
        }
    }

    #[test]
    fn usual_spellings_are_found(kana in "[ア-ロー ]{1,6}") {
        let full = kana.as_str();
        for stored in [width::kana_half(full), Cow::Borrowed(full)] {
            let fhir = width::kana_full(&stored);
            if width::trim(&stored).is_empty() || fhir != full { continue }
            for target in [TextTarget::equals(full), TextTarget::StartsWith(full.to_owned())] {
                let image = Lens::KanaFull.text_image(&target).unwrap();
                prop_assert!(image.iter().any(|image| image.matches(Some(&stored))));
            }
        }
    }

    #[test]
    fn kana_survive_the_round_trip(full in "[ァ-ヺー。-゜①㎎Ⅲ漢a ]{0,8}") {
        prop_assume!(!full.contains(['゛', '゜']));
        let half = width::kana_half(&full);
        prop_assert_eq!(width::kana_full(&half), full.as_str());
    }

    #[test]
    fn what_is_written_reads_back(text in ".{0,12}") {
        for name in Lens::NAMES.iter().filter(|name| **name != "datetime") {
            let lens = lens(name);
            if let Ok(stored) = lens.inverse(&text, &japan()) {
                let again = lens.forward(&stored, &japan()).unwrap();
                prop_assert_eq!(again.as_deref(), Some(text.as_str()), "{}", name);
            }
        }
    }

    #[test]
    fn no_text_makes_a_lens_panic(text in "[0-9SHRTあ年月元.:/ +Z－-]{0,20}") {
        for name in Lens::NAMES {
            let _ = lens(name).forward(&text, &japan());
            let _ = lens(name).inverse(&text, &japan());
        }
    }
}
