//! Codes across systems: how they stand, where the masters lead, and names in parts.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use genkan_masters::{Crosswalk, Fact, Kind, Standing, Store, Successor, Unchecked, system};

#[path = "support/hospital.rs"]
mod hospital;
#[path = "support/line.rs"]
mod line;

use hospital::{disease, drug, hot, modifier, store};

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

fn diseases() -> (&'static str, &'static str, String) {
    let text = disease(["0", "8830001", "8830001", "胃炎", "20050001", "0001", "K297"])
        + &disease(["0", "8830002", "8830002", "急性胃炎", "20050002", "0002", "K291"])
        + &disease(["0", "8830003", "8830003", "肺炎", "20050003", "0003", "J189"])
        + &disease(["0", "8830004", "8830004", "旧肺炎", "20050004", "0004", "J180"]);
    ("b_20260101.txt", "2026-01-01", text)
}

fn modifiers() -> (&'static str, &'static str, String) {
    let text = modifier(["4012", "急性", "27000225", "0225", "A4000000"])
        + &modifier(["2056", "右", "27000354", "0354", "A2000000"])
        + &modifier(["8002", "の疑い", "27000001", "0001", "A8000000"])
        + &modifier(["8003", "の", "27000002", "0002", "A8000000"]);
    ("z_20260101.txt", "2026-01-01", text)
}

fn drugs() -> (&'static str, &'static str, String) {
    let text = drug(["620000001", "甲錠１０ｍｇ", "1111001F1011", "1111001F1ZZZ", "99999999"])
        + &drug(["620000002", "乙錠１０ｍｇ", "1111001F1020", "1111001F1ZZZ", "20260331"])
        + &drug(["620000003", "丙錠「局」", "2222001F1018", "", "99999999"]);
    ("y_20260101.csv", "2026-01-01", text)
}

fn hots() -> (&'static str, &'static str, String) {
    let text = hot(["100000001", "1111001F1011", "1111001F1011", "620000001", "甲錠１０ｍｇ"])
        + &hot(["100000002", "2222001F1018", "2222001F1115", "620000003", "丙錠「甲社」"])
        + &hot(["100000002", "2222001F1018", "2222001F1123", "620000003", "丙錠「乙社」"]);
    ("hot9_20260401.csv", "2026-04-01", text)
}

fn known(names: &[&str], until: Option<&str>) -> Standing {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    Standing::Known(Fact { names, from: None, until: until.map(day) })
}

#[test]
fn a_master_that_is_not_loaded_says_neither_yes_nor_no() {
    let nothing = Store::default();
    let nothing = Crosswalk::new(&nothing);
    for of in system::ALL {
        let unchecked = nothing.standing(of, "20050001");
        // Of an ingredient the form alone is wrong.
        let expected = of == system::INGREDIENT;
        assert_eq!(unchecked == Standing::Unknown, expected, "{of}: {unchecked:?}");
        assert!(!matches!(unchecked, Standing::Known(_)), "{of}");
    }
    let none = Standing::Unchecked(Unchecked::NoMaster);
    assert_eq!(nothing.standing("urn:other", "1"), none);
    let needed = Standing::Unchecked(Unchecked::NotLoaded(&[Kind::Hot]));
    assert_eq!(nothing.standing(system::HOT9, "100000001"), needed);
}

#[test]
fn codes_are_known_by_the_tables_that_hold_them() {
    let store = store(&[diseases(), drugs()]);
    let masters = Crosswalk::new(&store);
    for (of, code, expected) in [
        (system::DISEASE_KEY, "20050001", known(&["胃炎"], None)),
        (system::DISEASE_KEY, "8830001", Standing::Unknown),
        (system::DISEASE_EXCHANGE, "0002", known(&["急性胃炎"], None)),
        (system::ICD10, "K291", known(&[], None)),
        (system::ICD10, "K29.1", Standing::Unchecked(Unchecked::Partial(&[]))),
        // The product's own code is the one of the price list; its receipt name is another's.
        (system::YJ, "1111001F1011", known(&[], None)),
        (system::YJ, "1111001F1020", known(&[], Some("2026-03-31"))),
        (system::YJ, "2222001F1115", Standing::Unchecked(Unchecked::Partial(&[Kind::Hot]))),
        (system::JFAGY_PRODUCT, "YCM1111001F1020", known(&[], Some("2026-03-31"))),
        (system::JFAGY_INGREDIENT, "GCM1111001F1ZZZ", known(&[], None)),
        (system::INGREDIENT, "1111001F1ZZZ", known(&[], None)),
        (system::INGREDIENT, "1111001F1011", Standing::Unknown),
    ] {
        assert_eq!(masters.standing(of, code), expected, "{of} {code}");
    }
    assert_eq!(masters.systems_of("20050001"), [system::DISEASE_KEY]);
    assert_eq!(masters.systems_of("1111001F1011"), [system::YJ, system::PRICE_LIST]);
}

#[test]
fn the_letters_of_an_allergen_code_say_its_system_whatever_is_loaded() {
    let store = Store::default();
    let masters = Crosswalk::new(&store);
    for (of, code, elsewhere) in [
        (system::JFAGY_OTHER, "J9FA19140000", Some(system::JFAGY_FOOD)),
        (system::JFAGY_FOOD, "J9NA19140000", Some(system::JFAGY_OTHER)),
        (system::JFAGY_FOOD, "YCM1111001F1011", Some(system::JFAGY_PRODUCT)),
        (system::JFAGY_PRODUCT, "GCM1111001F1ZZZ", Some(system::JFAGY_INGREDIENT)),
        (system::JFAGY_PRODUCT, "D9F000000000", Some(system::JFAGY_FOOD)),
        (system::JFAGY_MEDICATION, "YCM1111001F1011", None),
        (system::JFAGY_FOOD, "J9FA19140000", None),
        (system::JFAGY_FOOD, "00F", None),
    ] {
        let found = match masters.standing(of, code) {
            Standing::Elsewhere(system) => Some(system),
            _ => None,
        };
        assert_eq!(found, elsewhere, "{of} {code}");
    }
}

#[test]
fn a_master_leads_from_one_code_to_the_others() {
    let store = store(&[diseases(), modifiers(), drugs(), hots()]);
    let masters = Crosswalk::new(&store);
    let (b, z, y, h) = (Kind::ReceiptDisease, Kind::ReceiptModifier, Kind::ReceiptDrug, Kind::Hot);
    for (table, from, to, expected) in [
        (b, (system::DISEASE_KEY, "20050002"), system::RECEIPT_DISEASE, &["8830002"][..]),
        (b, (system::DISEASE_KEY, "20050002"), system::ICD10, &["K291"]),
        (b, (system::DISEASE_EXCHANGE, "0002"), system::ICD10, &["K291"]),
        (b, (system::DISEASE_EXCHANGE, "0002"), system::DISEASE_KEY, &["20050002"]),
        (b, (system::ICD10, "K291"), system::DISEASE_KEY, &[]),
        (z, (system::RECEIPT_MODIFIER, "8002"), system::MODIFIER_KEY, &["27000001"]),
        (h, (system::YJ, "1111001F1011"), system::HOT9, &["100000001"]),
        (h, (system::HOT9, "100000002"), system::YJ, &["2222001F1115", "2222001F1123"]),
        (y, (system::YJ, "1111001F1011"), system::GENERIC_NAME, &["1111001F1ZZZ"]),
        // Not in HOT: its price-list code is its own.
        (y, (system::YJ, "1111001F1020"), system::GENERIC_NAME, &["1111001F1ZZZ"]),
        // Listed by its generic name: only HOT knows the receipt code.
        (y, (system::YJ, "2222001F1123"), system::RECEIPT_DRUG, &["620000003"]),
        (y, (system::HOT9, "100000001"), system::GENERIC_NAME, &["1111001F1ZZZ"]),
        (b, (system::YJ, "1111001F1011"), system::HOT9, &[]),
    ] {
        let expected: BTreeSet<String> = expected.iter().map(|code| (*code).to_owned()).collect();
        assert_eq!(masters.codes(table, from, to), expected, "{table:?} {from:?} {to}");
    }
    let key = (system::DISEASE_KEY, "20050002");
    assert_eq!(masters.agree(key, (system::ICD10, "K291")), Some(true));
    assert_eq!(masters.agree(key, (system::ICD10, "K297")), Some(false));
    assert_eq!(masters.agree((system::YJ, "0"), (system::HOT9, "1")), None);
    let tables: Vec<Kind> = Crosswalk::tables(system::YJ, system::GENERIC_NAME).collect();
    assert_eq!(tables, [Kind::ReceiptDrug]);
}

#[test]
fn what_follows_a_code_is_named_by_the_master_or_shares_its_generic_name() {
    let update = disease(["9", "8830004", "8830003", "旧肺炎", "20050004", "0004", "J180"]);
    let update = ("b_20260401.txt", "2026-04-01", update);
    let without = store(&[diseases(), drugs(), update.clone()]);
    let store = store(&[diseases(), drugs(), hots(), update]);
    let masters = Crosswalk::new(&store);
    let successor = |code: &str, name: &str, named| Successor {
        code: code.to_owned(),
        name: name.to_owned(),
        named,
    };
    let day = day("2026-04-01");
    assert_eq!(
        masters.standing(system::RECEIPT_DISEASE, "8830004"),
        known(&["旧肺炎"], Some("2026-03-31"))
    );
    let of = |system, code| masters.successors(system, code, day);
    assert_eq!(of(system::RECEIPT_DISEASE, "8830004"), [successor("8830003", "肺炎", true)]);
    assert_eq!(of(system::DISEASE_KEY, "20050004"), [successor("20050003", "肺炎", true)]);
    assert_eq!(of(system::YJ, "1111001F1020"), [successor("1111001F1011", "甲錠１０ｍｇ", false)]);
    assert_eq!(of(system::YJ, "1111001F1011"), [], "the other one has ended");
    // 統一名収載: the code of the price list is that of no product, and only HOT has those.
    assert_eq!(Crosswalk::new(&without).successors(system::YJ, "1111001F1020", day), []);
    assert_eq!(of(system::DISEASE_KEY, "20050001"), []);
}

#[test]
fn a_name_is_split_at_the_longest_disease_that_modifiers_complete() {
    let store = store(&[diseases(), modifiers()]);
    let masters = Crosswalk::new(&store);
    for (name, expected) in [
        ("胃炎", Some("胃炎")),
        ("急性胃炎", Some("急性胃炎")),
        ("急性胃炎の疑い", Some("急性胃炎+の疑い")),
        ("右肺炎の疑い", Some("右+肺炎+の疑い")),
        ("右急性肺炎", Some("右+急性+肺炎")),
        ("左肺炎", None),
        ("肺炎の疑いだった", None),
        ("", None),
        ("の疑い", None),
    ] {
        let split = masters.split(name).map(|split| {
            let all = split.prefixes.iter().chain([&split.disease]).chain(&split.suffixes);
            all.map(|part| part.name.as_str()).collect::<Vec<_>>().join("+")
        });
        assert_eq!(split.as_deref(), expected, "{name}");
    }
    assert!(masters.split(&"右".repeat(101)).is_none());
}
