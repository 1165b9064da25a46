//! A hospital with three code maps and two masters.

use std::collections::BTreeMap;

use chrono::{FixedOffset, NaiveDate};
use genkan_masters::{Masters, Words, read, system};

use super::*;
use crate::codemap::{
    CodeMap, Coding, LocalEmit, Target, Unmapped, UnmappedPolicy, UnmappedSeverity,
    read as read_rows,
};
use crate::diagnostic::Span;
use crate::program::{RuleFile, Site};

mod versions;

const HOUSE: &str = "http://house.example.jp/CodeSystem/allergen";
const EXCHANGE: &str = system::MODIFIER_EXCHANGE;

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

fn masters() -> Store {
    let mut masters = Masters::default();
    let modifier = |mark: &str, code: &str, name: &str, until: &str| {
        let value = |number| match number {
            1 => mark,
            3 => code,
            7 => name,
            16 => until,
            17 => "2700000",
            _ => "",
        };
        let fields: Vec<String> = (1..=19).map(|number| format!("\"{}\"", value(number))).collect();
        fields.join(",") + "\n"
    };
    let modifiers =
        modifier("0", "8002", "の疑い", "99999999") + &modifier("0", "4012", "急性", "20260331");
    let allergens = "\"DISPLAYSEQ\",\"JFAGYCODE\",\"JPTERM\",\"JPKANA\",\"ENTERM\",\"LEVEL\",\"MAINFLAG\",\"GUIDELINE\",\"CXGCATEGORY\",\"RECORDDATE\",\"ENDDATE\"\n\
        1,00F,食品,しょくひん,Food,1,,,0,00000000,99999999\n\
        2,J9FA00000000,農産食品,,,2,,,0,00000000,99999999\n\
        3,J9FA15000000,小麦,こむぎ,Wheat,3,,,0,00000000,99999999\n\
        4,J9FB00000000,畜産食品,,,2,,,0,00000000,99999999\n";
    for (name, text) in [("z_1.txt", modifiers.as_str()), ("jfagy.csv", allergens)] {
        let reading = read(name, text.as_bytes()).expect("a master");
        let hash = *blake3::hash(text.as_bytes()).as_bytes();
        masters.apply(&reading, (name, hash, day("2025-04-01"))).expect("applied");
    }
    Store::open(masters.pack()).expect("a store")
}

fn map(id: &str, local: &str, targets: &[(&str, &str)], csv: &str) -> CodeMap {
    let target = |(id, system): &(&str, &str)| Target {
        id: (*id).to_owned(),
        system: (*system).to_owned(),
        only_if_none: Vec::new(),
        derive: None,
        extension: None,
    };
    let uncoded = Coding {
        system: targets[0].1.to_owned(),
        version: None,
        code: "D9F000000000".to_owned(),
        display: None,
        span: None,
    };
    let unmapped = Unmapped {
        policy: UnmappedPolicy::Uncoded,
        severity: UnmappedSeverity::Warning,
        codings: vec![uncoded],
        by: Vec::new(),
    };
    let targets: Vec<Target> = targets.iter().map(target).collect();
    let local = (local.to_owned(), LocalEmit::Always);
    let mut map = CodeMap::new(id.to_owned(), Span::default(), local, targets, unmapped);
    let (rows, problems) = read_rows(csv.as_bytes(), &map.targets);
    assert_eq!(problems, []);
    map.fill(0, &rows);
    map
}

const ALLERGENS: &str = "local,local_name,target,code,relationship,valid_from,valid_to,status\n\
    F1,ｺﾑｷﾞ,food,J9FA15000000,narrower,,,accepted\n\
    F2,肉,food,J9FA00000000,equivalent,,2025-12-31,accepted\n\
    F2,肉,food,J9FB00000000,equivalent,2026-01-01,,accepted\n\
    F3,謎,food,J9FA00000000,,,,proposed\n\
    F4,両方,food,J9FA00000000,,,,accepted\n\
    F4,両方,food,J9FB00000000,,,,accepted\n";
const DRUGS: &str = "local,local_name,target,code,status\nD1,甲,yj,111,accepted\n";

fn terminology() -> Terminology {
    let maps = [
        ("allergen", HOUSE, &[("food", system::JFAGY_FOOD)][..], ALLERGENS),
        ("drug", "urn:drug", &[("yj", system::YJ), ("food", system::JFAGY_FOOD)], DRUGS),
    ];
    let files = maps
        .map(|(id, _, _, csv)| RuleFile { path: format!("codes/{id}.csv"), text: csv.to_owned() });
    let rules = RuleSet {
        files: files.into(),
        rules: Vec::new(),
        code_maps: maps.map(|(id, local, targets, csv)| map(id, local, targets, csv)).into(),
        lookups: BTreeMap::new(),
        site: Site {
            constants: BTreeMap::from([("institution_no".to_owned(), "1312345670".to_owned())]),
            zone: FixedOffset::east_opt(9 * 3600).expect("an offset"),
        },
        sources: Vec::new(),
        unindexed: Vec::new(),
        fingerprint: [0; 32],
    };
    Terminology::new(Arc::new(rules), Arc::new(masters()))
}

fn question<'q>(system: &'q str, code: &'q str, on: &str) -> Question<'q> {
    let (map, target_system, reverse) = (None, None, false);
    Question { map, system, code, target_system, reverse, day: day(on) }
}

#[test]
fn a_code_is_looked_up_with_its_state_on_the_day() {
    let all = terminology();
    let look = |url, code, on| all.lookup((url, None), code, day(on));
    let modifier = system::RECEIPT_MODIFIER;
    for (on, active) in [("2026-03-31", true), ("2026-04-01", false)] {
        let found = look(modifier, "4012", on).expect("a code");
        assert_eq!((found.display.as_deref(), found.active), (Some("急性"), active), "{on}");
    }
    let house = look(HOUSE, "F1", "2026-01-01").expect("a code of the house");
    assert_eq!(house.display.as_deref(), Some("ｺﾑｷﾞ"));
    let none = |url: &str, holding| Unanswered::NoSuchCode { system: url.to_owned(), holding };
    assert_eq!(look(modifier, "9999", "2026-01-01"), Err(none(modifier, Holding::Whole)));
    assert_eq!(look(HOUSE, "F9", "2026-01-01"), Err(none(HOUSE, Holding::Part)));
    let masters = Kind::of_system(system::YJ);
    let not_loaded = Unanswered::NotLoaded { system: system::YJ.to_owned(), masters };
    assert_eq!(look(system::YJ, "111", "2026-01-01"), Err(not_loaded));
    assert_eq!(look("urn:x", "111", "2026-01-01"), Err(Unanswered::UnknownSystem));
    for (version, right) in [("2025-04-01", true), ("2025-04-02", false)] {
        let found = all.lookup((modifier, Some(version)), "8002", day("2026-01-01"));
        assert_eq!(found.is_ok(), right, "{version}");
    }
}

/// 胃炎 with K29.7, a drug that has ended and one that has not, and an item of the service.
fn others() -> Terminology {
    let line = |columns: usize, fields: &[(usize, &str)]| {
        let value =
            |number| fields.iter().find(|(own, _)| *own == number).map_or("", |(_, text)| text);
        let fields: Vec<String> =
            (1..=columns).map(|number| format!("\"{}\"", value(number))).collect();
        fields.join(",") + "\n"
    };
    let disease = [(1, "0"), (3, "8830001"), (6, "胃炎"), (11, "20050001"), (16, "K297")];
    let drug = |code, price, until| {
        line(40, &[(1, "0"), (3, code), (5, "甲錠"), (31, until), (32, price)])
    };
    let hot = |hot, yj, receipt| {
        line(24, &[(1, hot), (7, yj), (8, yj), (9, receipt), (12, "甲錠"), (24, "20260401")])
    };
    let drugs = drug("620000001", "1111001F1011", "99999999")
        + &drug("620000002", "1111001F1020", "20260331");
    let hots = hot("100000001", "1111001F1011", "620000001")
        + &hot("100000002", "1111001F1020", "620000002");
    let head = (1..=30).map(|n| format!("h{n}")).collect::<Vec<_>>();
    let named = ["JLAC11コード", "JLAC10コード", "FHIR項目名称", "FHIR識別文字列", "データ区分"];
    let head = named.into_iter().map(str::to_owned).chain(head.into_iter().skip(5));
    let head = head.collect::<Vec<_>>().join(",");
    let item = format!(",3A010000002327101,総蛋白,TP,1{}", ",".repeat(25));
    let items = format!("{head}\n{item}\n");
    let mut masters = Masters::default();
    for (name, effective, text) in [
        ("b_1.txt", "2024-06-01", line(46, &disease)),
        ("b_2.txt", "2025-06-01", line(46, &disease) + "\n"),
        ("y_1.csv", "2025-06-01", drugs),
        ("hot.csv", "2025-06-01", hots),
        ("jlac.csv", "2025-06-01", items),
    ] {
        let reading = read(name, text.as_bytes()).expect(name);
        let hash = *blake3::hash(text.as_bytes()).as_bytes();
        masters.apply(&reading, (name, hash, day(effective))).expect(name);
    }
    let store = Store::open(masters.pack()).expect("a store");
    Terminology::new(Arc::clone(&terminology().rules), Arc::new(store))
}

#[test]
fn systems_without_a_master_of_their_own_are_answered_from_the_rows_of_others() {
    let all = others();
    let on = day("2026-05-01");
    let look = |url, code| all.lookup((url, None), code, on);
    for (url, code, display, active) in [
        (system::ICD10, "K297", None, true),
        (system::CORE_JLAC10, "3A010000002327101", Some("TP"), true),
        (system::JLAC10, "3A010000002327101", Some("総蛋白"), true),
        (system::JFAGY_PRODUCT, "YCM1111001F1011", Some("甲錠"), true),
        (system::JFAGY_PRODUCT, "YCM1111001F1020", Some("甲錠"), false),
        (system::HOT9, "100000002", Some("甲錠"), false),
        (system::JFAGY_INGREDIENT, "GCM1111001F1ZZZ", None, true),
    ] {
        let found = look(url, code).unwrap_or_else(|error| panic!("{url} {code}: {error:?}"));
        assert_eq!((found.display.as_deref(), found.active), (display, active), "{url} {code}");
    }
    let none = |url: &str, holding| Unanswered::NoSuchCode { system: url.to_owned(), holding };
    for (url, code, holding) in [
        (system::ICD10, "K299", Holding::Part),
        (system::CORE_JLAC10, "3A010000002327102", Holding::Whole),
        (system::JLAC10, "3A010000002327102", Holding::Part),
        (system::JFAGY_PRODUCT, "GCM1111001F1ZZZ", Holding::Whole),
    ] {
        assert_eq!(look(url, code), Err(none(url, holding)), "{url} {code}");
    }
    // No master names the code: nobody can say that it is not called so.
    let judge = |url, code, name| all.validate((url, None), (code, Some(name)), on);
    let jlac10 = judge(system::JLAC10, "3A010000002327101", "蛋白");
    assert!(matches!(jlac10, Ok(Verdict::Unnamed(_))), "{jlac10:?}");
    let core = judge(system::CORE_JLAC10, "3A010000002327101", "総蛋白");
    assert!(matches!(core, Ok(Verdict::OtherDisplay(_))), "{core:?}");
    let version = |version| all.lookup((system::ICD10, Some(version)), "K297", on);
    assert_eq!(version("2024-06-01").map(|coded| coded.version), Ok(Some("2024-06-01".to_owned())));
    let (here, earlier) = (Some("2025-06-01".to_owned()), vec!["2024-06-01".to_owned()]);
    assert_eq!(version("2024-06-02"), Err(Unanswered::OtherVersion { here, earlier }));
}

#[test]
fn they_are_searched_by_every_name_of_their_rows() {
    let all = others();
    let found = |url: &str, text: &str, active_only| {
        let place = all.systems().iter().position(|one| one.url == url).expect(url);
        let asked = Asked {
            words: Words::of(text),
            day: day("2026-05-01"),
            active_only,
            offset: 0,
            count: Some(9),
            codes_max: 9,
        };
        let found = all.expand(&Content::All(place), &asked).expect(url);
        let codes = found.members.into_iter().map(|member| member.coded.code);
        (found.total, codes.collect::<Vec<_>>().join(" "))
    };
    for (url, text, active_only, expected) in [
        (system::ICD10, "k29", false, "K297"),
        (system::CORE_JLAC10, "総蛋白", false, "3A010000002327101"),
        (system::JFAGY_PRODUCT, "甲", false, "YCM1111001F1011 YCM1111001F1020"),
        (system::JFAGY_PRODUCT, "甲", true, "YCM1111001F1011"),
        (system::HOT9, "", true, "100000001"),
        (system::INGREDIENT, "", false, "1111001F1ZZZ"),
    ] {
        let (total, codes) = found(url, text, active_only);
        assert_eq!(codes, expected, "{url} {text}");
        assert_eq!(total, expected.split(' ').count(), "{url} {text}");
    }
}

#[test]
fn a_code_is_judged_by_itself_its_name_and_the_value_set() {
    let all = terminology();
    let on = day("2026-01-01");
    let food = system::JFAGY_FOOD;
    let judge = |code, display| all.validate((food, None), (code, display), on).expect("a verdict");
    for display in [None, Some("小麦"), Some("ｗｈｅａｔ")] {
        assert!(matches!(judge("J9FA15000000", display), Verdict::Valid(_)), "{display:?}");
    }
    assert!(matches!(judge("J9FA15000000", Some("大麦")), Verdict::OtherDisplay(_)));
    assert!(matches!(judge("J9FA99999999", None), Verdict::NotFound(_)));
    let set = |id: &str| {
        let found = all.value_sets().iter().find(|set| set.id == id);
        &found.unwrap_or_else(|| panic!("{id}: {:?}", all.value_sets())).content
    };
    let within =
        |id, system, code, on| all.validate_in(set(id), (system, None), (code, None), day(on));
    let targets = "map-allergen-targets";
    for (code, on, inside) in [
        ("J9FA15000000", "2026-01-01", true),
        ("J9FA00000000", "2025-12-31", true),
        ("J9FA00000000", "2026-01-01", false),
        ("00F", "2026-01-01", false),
    ] {
        let found = within(targets, None, code, on).expect("a verdict");
        assert_eq!(matches!(found, Verdict::Valid(_)), inside, "{code} {on} {found:?}");
        assert!(inside || matches!(found, Verdict::Outside(_)), "{code} {on} {found:?}");
    }
    let other = within(targets, Some(HOUSE), "F1", "2026-01-01");
    assert_eq!(other, Ok(Verdict::NotFound(Unanswered::NoWay)));
    let local = within("map-allergen-local", Some(HOUSE), "F1", "2026-01-01");
    assert!(matches!(local, Ok(Verdict::Valid(_))));
    // It is in the map, but there is no master to say that it is a code.
    let unloaded = within("map-drug-targets", None, "111", "2026-01-01");
    assert!(matches!(unloaded, Err(Unanswered::NotLoaded { .. })), "{unloaded:?}");
}

#[test]
fn the_day_chooses_the_translation_and_the_way_back_is_turned_round() {
    let all = terminology();
    let codes = |question: &Question<'_>| -> Vec<(&'static str, String)> {
        let found = all.translate(question).expect("a way");
        found.matches.into_iter().map(|one| (one.equivalence, one.coding.code)).collect()
    };
    for (code, on, expected) in [
        ("F1", "2026-01-01", vec![("narrower", "J9FA15000000")]),
        ("F2", "2025-12-31", vec![("equivalent", "J9FA00000000")]),
        ("F2", "2026-01-01", vec![("equivalent", "J9FB00000000")]),
        ("F3", "2026-01-01", vec![("unmatched", "D9F000000000")]),
        ("F9", "2026-01-01", vec![("unmatched", "D9F000000000")]),
    ] {
        let expected: Vec<_> = expected.into_iter().map(|(e, code)| (e, code.to_owned())).collect();
        assert_eq!(codes(&question(HOUSE, code, on)), expected, "{code} {on}");
        let found = all.translate(&question(HOUSE, code, on)).expect("a way");
        assert_eq!(found.is_translated(), expected[0].0 != "unmatched", "{code} {on}");
    }
    let ambiguous = all.translate(&question(HOUSE, "F4", "2026-01-01")).expect("a way");
    assert_eq!(
        (ambiguous.ambiguous.as_slice(), ambiguous.is_translated()),
        (&["food".to_owned()][..], false)
    );
    let back = |code, on| {
        let asked = question(system::JFAGY_FOOD, code, on);
        codes(&Question { reverse: true, ..asked })
    };
    assert_eq!(back("J9FA15000000", "2026-01-01"), [("wider", "F1".to_owned())]);
    assert_eq!(back("J9FA00000000", "2025-12-31"), [("equivalent", "F2".to_owned())]);
    assert_eq!(back("J9FA00000000", "2026-01-01"), []);
    let nowhere = |question: &Question<'_>| all.translate(question) == Err(Unanswered::NoWay);
    assert!(nowhere(&question("urn:x", "F1", "2026-01-01")));
    let to =
        |system| Question { target_system: Some(system), ..question(HOUSE, "F1", "2026-01-01") };
    assert!(nowhere(&to(EXCHANGE)) && !nowhere(&to(system::JFAGY_FOOD)));
    assert!(nowhere(&Question { map: Some(1), ..question(HOUSE, "F1", "2026-01-01") }));
}

#[test]
fn a_value_set_is_shown_in_pages_and_by_words() {
    let all = terminology();
    let set = |id: &str| {
        let found = all.value_sets().iter().find(|set| set.id.starts_with(id));
        &found.unwrap_or_else(|| panic!("{id}")).content
    };
    let asked = |text: &str, (offset, count), active_only| Asked {
        words: Words::of(text),
        day: day("2026-05-01"),
        active_only,
        offset,
        count,
        codes_max: 3,
    };
    let codes = |id, asked: &Asked| {
        let found = all.expand(set(id), asked)?;
        let codes: Vec<String> =
            found.members.into_iter().map(|member| member.coded.code).collect();
        Ok((found.total, codes.join(" ")))
    };
    let food = "JP-JfagyFoodAllergen-CS";
    for (id, text, page, active_only, expected) in [
        (food, "", (0, Some(2)), false, (4, "00F J9FA00000000")),
        (food, "", (3, Some(2)), false, (4, "J9FB00000000")),
        (food, "", (1, None), false, (4, "J9FA00000000 J9FA15000000 J9FB00000000")),
        (food, "食品", (1, Some(9)), false, (3, "J9FA00000000 J9FB00000000")),
        (food, "コムギ", (0, None), true, (1, "J9FA15000000")),
        ("masterZ", "", (0, None), false, (2, "4012 8002")),
        ("masterZ", "", (0, None), true, (1, "8002")),
        ("map-allergen-local", "", (0, Some(2)), false, (4, "F1 F2")),
        ("map-allergen-local", "こむぎ", (0, None), false, (1, "F1")),
        ("map-allergen-targets", "", (0, None), false, (2, "J9FA15000000 J9FB00000000")),
    ] {
        let found = codes(id, &asked(text, page, active_only));
        let (total, shown) = expected;
        assert_eq!(found, Ok((total, shown.to_owned())), "{id} {text} {page:?}");
    }
    let all_of_it = codes(food, &asked("", (0, None), false));
    assert_eq!(all_of_it, Err(Unanswered::TooCostly { codes_max: 3 }));
    let unchecked = all.expand(set("map-drug-targets"), &asked("", (0, None), false));
    let unchecked = unchecked.expect("an expansion");
    assert!(unchecked.members.len() == 1 && unchecked.members[0].unchecked);
    let not_loaded = codes("YJ-code", &asked("", (0, None), false));
    assert!(matches!(not_loaded, Err(Unanswered::NotLoaded { .. })), "{not_loaded:?}");
}

#[test]
fn one_code_is_above_another_where_its_master_says_so() {
    let all = terminology();
    let food = (system::JFAGY_FOOD, None);
    for (a, b, relation) in [
        ("00F", "J9FA15000000", Relation::Subsumes),
        ("J9FA15000000", "J9FA00000000", Relation::SubsumedBy),
        ("J9FA00000000", "J9FA00000000", Relation::Equivalent),
        ("J9FA15000000", "J9FB00000000", Relation::NotSubsumed),
    ] {
        assert_eq!(all.subsumes(food, (a, b)), Ok(relation), "{a} {b}");
    }
    let none = all.subsumes(food, ("00F", "x"));
    assert!(matches!(none, Err(Unanswered::NoSuchCode { .. })), "{none:?}");
    for url in [system::RECEIPT_MODIFIER, HOUSE] {
        let refused = all.subsumes((url, None), ("8002", "8002"));
        assert_eq!(refused, Err(Unanswered::NoHierarchy { system: url.to_owned() }));
    }
}

#[test]
fn ids_are_those_of_fhir_and_everything_has_its_own() {
    let all = terminology();
    let ids = [
        all.systems().iter().map(|one| &one.id).collect::<Vec<_>>(),
        all.value_sets().iter().map(|one| &one.id).collect(),
        all.maps().iter().map(|one| &one.id).collect(),
    ];
    for ids in ids {
        let valid = |id: &&&String| {
            let letters = id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
            letters && (1..=64).contains(&id.len())
        };
        assert_eq!(ids.iter().filter(valid).count(), ids.len(), "{ids:?}");
        let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), ids.len(), "{ids:?}");
    }
    assert_eq!(all.maps()[0].url, "urn:x-genkan:1312345670:code-map:allergen");
}
