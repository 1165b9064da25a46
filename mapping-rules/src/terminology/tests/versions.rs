//! What codes were in earlier files of their masters.

use super::*;

const NAMES: [(&str, &str); 3] =
    [("2024-04-01", "甲錠"), ("2024-10-01", "甲錠（改）"), ("2025-04-01", "甲錠「院」")];

/// A drug whose name changes twice; 乙錠 comes with the second file and goes with the third.
fn renamed() -> Terminology {
    let line = |code: &str, name: &str, price: &str| {
        let field = |number| match number {
            1 => "0",
            3 => code,
            5 => name,
            31 => "99999999",
            32 => price,
            _ => "",
        };
        (1..=40).map(|number| format!("\"{}\"", field(number))).collect::<Vec<_>>().join(",") + "\n"
    };
    let mut masters = Masters::default();
    for (place, (from, name)) in NAMES.into_iter().enumerate() {
        let mut text = line("620000001", name, "1111001F1011");
        if place == 1 {
            text += &line("620000002", "乙錠", "1111001F1020");
        }
        let reading = read("y_1.csv", text.as_bytes()).expect("drugs");
        let hash = *blake3::hash(text.as_bytes()).as_bytes();
        masters.apply(&reading, ("y_1.csv", hash, day(from))).expect("applied");
    }
    let store = Store::open(masters.pack()).expect("a store");
    Terminology::new(Arc::clone(&terminology().rules), Arc::new(store))
}

#[test]
fn a_version_is_what_its_file_said() {
    let all = renamed();
    let on = day("2026-01-01");
    for (version, name) in NAMES {
        let found = all.lookup((system::RECEIPT_DRUG, Some(version)), "620000001", on);
        let found = found.expect(version);
        assert_eq!(found.display.as_deref(), Some(name));
        assert_eq!(found.version.as_deref(), Some(version));
        for (asked, right) in NAMES {
            let code = ("620000001", Some(right));
            let verdict = all.validate((system::RECEIPT_DRUG, Some(asked)), code, on);
            let valid = matches!(verdict, Ok(Verdict::Valid(_)));
            assert_eq!(valid, asked == NAMES.iter().find(|one| one.1 == right).expect("one").0);
        }
    }
    // The systems that are made of its rows have its versions.
    for url in [system::RECEIPT_DRUG, system::YJ, system::PRICE_LIST] {
        let code = if url == system::RECEIPT_DRUG { "620000002" } else { "1111001F1020" };
        let at = |version| all.lookup((url, Some(version)), code, on);
        assert!(at("2024-10-01").is_ok_and(|coded| coded.until.is_none()), "{url}");
        assert!(
            at("2025-04-01").is_ok_and(|coded| coded.until == Some(day("2025-03-31"))),
            "{url}"
        );
        let before = at("2024-04-01");
        assert!(matches!(before, Err(Unanswered::NoSuchCode { .. })), "{url} {before:?}");
        let other = at("2024-10-02");
        let (here, earlier) = (Some("2025-04-01"), ["2024-10-01", "2024-04-01"]);
        let here = here.map(str::to_owned);
        let earlier = earlier.map(str::to_owned).into();
        assert_eq!(other, Err(Unanswered::OtherVersion { here, earlier }), "{url}");
    }
}

#[test]
fn a_day_has_the_names_of_its_version_and_the_days_that_are_known_now() {
    let all = renamed();
    let look = |code, on| all.lookup((system::RECEIPT_DRUG, None), code, day(on)).expect("a code");
    for (on, version, name) in [
        ("2020-01-01", "2024-04-01", "甲錠"),
        ("2024-09-30", "2024-04-01", "甲錠"),
        ("2024-10-01", "2024-10-01", "甲錠（改）"),
        ("2025-04-01", "2025-04-01", "甲錠「院」"),
        ("2026-01-01", "2025-04-01", "甲錠「院」"),
    ] {
        let found = look("620000001", on);
        let told = (found.display.as_deref(), found.version.as_deref());
        assert_eq!(told, (Some(name), Some(version)), "{on}");
    }
    // Only the newest file knows that it has ended.
    let ended = look("620000002", "2024-12-01");
    assert_eq!((ended.active, ended.until), (true, Some(day("2025-03-31"))));
    assert!(!look("620000002", "2025-12-01").active);
    // A file of later brought it: what is known is of that one.
    let later = look("620000002", "2024-05-01");
    assert_eq!(
        (later.display.as_deref(), later.version.as_deref()),
        (Some("乙錠"), Some("2025-04-01"))
    );
    let named = |name, on| {
        let verdict =
            all.validate((system::RECEIPT_DRUG, None), ("620000001", Some(name)), day(on));
        matches!(verdict, Ok(Verdict::Valid(_)))
    };
    assert!(named("甲錠", "2024-05-01") && !named("甲錠", "2026-01-01"));
}
