//! Small masters of our own: which code comes first, and why.

use std::collections::BTreeMap;

use super::*;
use crate::concept::Property as P;
use crate::reading::{Reading, Scope};
use crate::store::Masters;
use proptest::prelude::*;

fn store(kind: Kind, of: &'static str, concepts: Vec<Concept>) -> Store {
    stores(&[(kind, of, concepts)])
}

fn stores(all: &[(Kind, &'static str, Vec<Concept>)]) -> Store {
    let mut masters = Masters::default();
    for (place, (kind, of, concepts)) in (0u8..).zip(all) {
        let mut reading = Reading::new(*kind, Scope::Full);
        concepts.iter().for_each(|concept| reading.is(of, concept.clone()));
        reading.rows = concepts.len();
        masters.apply(&reading, ("a file", [place; 32], day())).expect("applied");
    }
    Store::open(masters.pack()).expect("ours")
}

fn day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 4, 1).expect("a day")
}

fn drug(code: &str, name: &str, ingredient: &str, strength: &str) -> Concept {
    Concept::new(code, name).with(P::Ingredient, ingredient).with(P::Strength, strength)
}

fn drugs() -> Store {
    store(
        Kind::PriceList,
        system::PRICE_LIST,
        vec![
            drug("2171022F4028", "アムロジンＯＤ錠５ｍｇ", "アムロジピンベシル酸塩", "５ｍｇ１錠"),
            drug(
                "2171022F3021",
                "アムロジンＯＤ錠２．５ｍｇ",
                "アムロジピンベシル酸塩",
                "２．５ｍｇ１錠",
            ),
            drug("2171022F1029", "アムロジン錠５ｍｇ", "アムロジピンベシル酸塩", "５ｍｇ１錠"),
            drug(
                "2171022F4036",
                "アムロジピンＯＤ錠５ｍｇ「トーワ」",
                "アムロジピンベシル酸塩",
                "５ｍｇ１錠",
            ),
            drug(
                "2171022F4044",
                "アムロジピンＯＤ錠５ｍｇ「サワイ」",
                "アムロジピンベシル酸塩",
                "５ｍｇ１錠",
            ),
            drug(
                "2149040F3037",
                "カンデサルタン錠８ｍｇ「あすか」",
                "カンデサルタンシレキセチル",
                "８ｍｇ１錠",
            ),
            Concept {
                until: NaiveDate::from_ymd_opt(2025, 3, 31),
                ..drug("2171022F4001", "アムロジンＯＤ錠５", "アムロジピンベシル酸塩", "５ｍｇ１錠")
            },
        ],
    )
}

fn item(code: &str, name: &str, item: &str, of: [(&str, P); 4]) -> Concept {
    let named = Concept::new(code, name).with(P::Item, item).with(P::Section, "検査");
    of.iter().fold(named, |concept, (value, property)| concept.with(*property, value))
}

fn items() -> Store {
    let of = |unit, material, method, kind| {
        [(unit, P::Unit), (material, P::Material), (method, P::Method), (kind, P::ValueType)]
    };
    let (jscc, ifcc) = ("可視吸光光度法(JSCC標準化対応法以外)", "可視吸光光度法(IFCC対応法)");
    store(
        Kind::LabItems,
        system::JLAC10,
        vec![
            item(
                "3H015000002326101",
                "カリウム(K)",
                "K",
                of("mmol/L", "血清", "電位差測定", "数値型"),
            ),
            item(
                "8A065000000426101",
                "尿中カリウム",
                "U-K",
                of("mmol/L", "蓄尿", "電位差測定", "数値型"),
            ),
            item("3B070000002327101", "ALP", "ALP", of("U/L", "血清", jscc, "数値型")),
            item("3B070000002327501", "ALP", "ALP", of("U/L", "血清", ifcc, "数値型")),
            item(
                "1A010000000191111",
                "尿蛋白(定性)",
                "U-TP",
                of("定性･判定", "尿(含むその他)", "試験紙法", "コード型"),
            ),
            item(
                "1A010000000127201",
                "尿蛋白(定量)",
                "U-TP-定量",
                of("mg/dL", "尿(含むその他)", "可視吸光光度法", "数値型"),
            ),
        ],
    )
}

fn diseases() -> Store {
    let disease = |key: &str, name: &str, kana: &str| Concept {
        kana: Some(kana.to_owned()),
        ..Concept::new(key, name).with(P::Icd10, "K297")
    };
    let modifier =
        |key: &str, name: &str, place: &str| Concept::new(key, name).with(P::Position, place);
    stores(&[
        (
            Kind::ReceiptDisease,
            system::DISEASE_KEY,
            vec![
                disease("20050001", "胃炎", "イエン"),
                disease("20050002", "急性胃炎", "キュウセイイエン"),
                disease("20050003", "胃癌", "イガン"),
                disease("20050004", "十二指腸潰瘍", "ジュウニシチョウカイヨウ"),
            ],
        ),
        (
            Kind::ReceiptModifier,
            system::MODIFIER_KEY,
            vec![modifier("27000001", "急性", "prefix"), modifier("27000002", "の疑い", "suffix")],
        ),
    ])
}

fn index(store: &Store, of: &str) -> Index {
    Index::new(store, of, day()).expect("loaded")
}

fn named(name: &str) -> HouseCode {
    HouseCode { names: vec![name.to_owned()], ..HouseCode::default() }
}

/// House code, the code that has to come first, and the words of its reasons.
fn expect(index: &Index, cases: Vec<(HouseCode, &str, &str)>) {
    for (house, code, words) in cases {
        let ranked = index.rank(&house, 5);
        let first = ranked.first().unwrap_or_else(|| panic!("nothing for {house:?}"));
        let found: Vec<&str> = first.reasons.iter().map(Reason::word).collect();
        assert_eq!((first.code.as_str(), found.join(" ").as_str()), (code, words), "{ranked:#?}");
        assert!(ranked.windows(2).all(|pair| pair[0].score >= pair[1].score), "{ranked:#?}");
        let sum: f64 = ranked.iter().map(|one| one.score).sum();
        assert!((0.0..=1.0 + 1e-9).contains(&sum), "{ranked:#?}");
    }
}

#[test]
fn drugs_are_told_apart_by_strength_form_and_maker() {
    let store = drugs();
    expect(
        &index(&store, system::PRICE_LIST),
        vec![
            (named("ｱﾑﾛｼﾞﾝOD錠5mg"), "2171022F4028", "exact-name same-strength same-form"),
            (named("アムロジン5mg錠"), "2171022F1029", "similar-name same-strength same-form"),
            (named("アムロジンOD錠2.5"), "2171022F3021", "similar-name same-strength same-form"),
            (
                named("アムロジピンOD5mg「サワイ」"),
                "2171022F4044",
                "similar-name same-strength same-maker",
            ),
            (
                HouseCode { code: "2149040F3037".to_owned(), ..HouseCode::default() },
                "2149040F3037",
                "exact-code similar-name",
            ),
        ],
    );
}

#[test]
fn items_are_told_apart_by_material_unit_and_results() {
    let store = items();
    let values = |unit: &str, median: f64| {
        let unit = unit.to_owned();
        vec![Values { unit, count: 50, low: median * 0.8, median, high: median * 1.2 }]
    };
    let potassium = HouseCode { values: values("mEq/L", 4.2), ..named("カリウム") };
    let alp = |median| HouseCode { values: values("IU/L", median), ..named("ALP") };
    let protein = HouseCode { texts: 40, ..named("尿蛋白") };
    let dosed = HouseCode { values: values("mg/dL", 12.0), ..named("尿蛋白") };
    let by_digits = HouseCode { material: Some("023".to_owned()), ..named("K") };
    expect(
        &index(&store, system::JLAC10),
        vec![
            (potassium, "3H015000002326101", "similar-name same-unit fitting-values same-result"),
            (alp(75.0), "3B070000002327501", "exact-name same-unit fitting-values same-result"),
            (alp(250.0), "3B070000002327101", "exact-name same-unit fitting-values same-result"),
            (protein, "1A010000000191111", "similar-name same-material same-result"),
            (dosed, "1A010000000127201", "similar-name same-unit same-material same-result"),
            (by_digits, "3H015000002326101", "exact-name same-material"),
        ],
    );
}

#[test]
fn a_number_that_no_serum_has_speaks_against_it() {
    let store = items();
    let index = index(&store, system::CORE_JLAC10);
    let unit = "mmol/L".to_owned();
    let values = vec![Values { unit, count: 9, low: 20.0, median: 45.0, high: 90.0 }];
    let ranked = index.rank(&HouseCode { values, ..named("カリウム(K)") }, 2);
    let serum = ranked.iter().find(|one| one.code.starts_with("3H015")).expect("it is there");
    let words: Vec<&str> = serum.reasons.iter().map(Reason::word).collect();
    assert!(words.contains(&"other-values"), "{ranked:#?}");
    let display: Vec<&str> = ranked.iter().map(|one| one.display.as_str()).collect();
    assert!(display.contains(&"K"), "the profiles want FHIR識別名: {display:?}");
}

#[test]
fn diseases_are_found_by_writing_reading_and_parts() {
    let store = diseases();
    expect(
        &index(&store, system::DISEASE_KEY),
        vec![
            (named("胃がん"), "20050003", "exact-name"),
            (named("ｲｶﾞﾝ"), "20050003", "exact-reading similar-name"),
            (named("急性胃炎"), "20050002", "exact-name"),
            (named("胃炎（院内）"), "20050001", "exact-short-name similar-name"),
            (named("急性十二指腸潰瘍の疑い"), "20050004", "parts similar-name"),
        ],
    );
    let icd10 = index(&store, system::ICD10).rank(&named("胃がん"), 1);
    assert_eq!(icd10[0].code, "K297");
}

#[test]
fn retired_codes_and_systems_without_masters_are_no_candidates() {
    let store = drugs();
    let listed = index(&store, system::PRICE_LIST);
    let ranked = listed.rank(&named("アムロジンＯＤ錠５"), usize::MAX);
    assert!(!ranked.is_empty() && ranked.iter().all(|one| one.code != "2171022F4001"));
    // HOT goes on to have a product whose receipt drug has ended.
    let of_receipt =
        |yj: &str, name: &str, receipt: &str| Concept::new(yj, name).with(P::Receipt, receipt);
    let ends = |code: &str, until| Concept { until, ..Concept::new(code, "錠") };
    let last = NaiveDate::from_ymd_opt(2024, 9, 30);
    let ended = stores(&[
        (
            Kind::Hot,
            system::YJ,
            vec![
                of_receipt("2171022F4101", "アムロジンＯＤ錠５ｍｇ「旧」", "620000001"),
                of_receipt("2171022F4102", "アムロジンＯＤ錠５ｍｇ「新」", "620000002"),
            ],
        ),
        (
            Kind::ReceiptDrug,
            system::RECEIPT_DRUG,
            vec![ends("620000001", last), ends("620000002", None)],
        ),
    ]);
    let ranked = index(&ended, system::YJ).rank(&named("アムロジンＯＤ錠５ｍｇ「旧」"), usize::MAX);
    let codes: Vec<&str> = ranked.iter().map(|one| one.code.as_str()).collect();
    assert_eq!(codes, ["2171022F4102"]);
    assert_eq!(listed.rank(&named(""), 5), []);
    assert_eq!(listed.rank(&named("肝"), 5), [], "nothing is like it");
    for (of, expected) in [
        (system::DISEASE_KEY, Unsearchable::NotLoaded(Kind::of_system(system::DISEASE_KEY))),
        ("http://example.com/other", Unsearchable::NoMaster),
    ] {
        assert_eq!(Index::new(&store, of, day()).err(), Some(expected));
    }
}

/// Of every system that the small masters fill, its index.
fn indexes() -> BTreeMap<&'static str, (Store, Index)> {
    let mut all = BTreeMap::new();
    for (of, store) in [
        (system::PRICE_LIST, drugs()),
        (system::YJ, drugs()),
        (system::JFAGY_PRODUCT, drugs()),
        (system::JFAGY_INGREDIENT, drugs()),
        (system::INGREDIENT, drugs()),
        (system::JLAC10, items()),
        (system::CORE_JLAC10, items()),
        (system::DISEASE_KEY, diseases()),
        (system::ICD10, diseases()),
        (system::MODIFIER_KEY, diseases()),
    ] {
        let own = index(&store, of);
        all.insert(of, (store, own));
    }
    all
}

proptest! {
    #[test]
    fn every_suggestion_is_a_code_of_its_system(
        name in "[アムロジンＯＤ錠５ｍｇ胃炎急性カリウム尿蛋白(K)「」．0-9a-zぁ-ん\\PC]{0,30}",
        code in "[0-9A-Z]{0,17}",
        strength in proptest::option::of("[0-9.]{0,9}(mg|%|g)?"),
        median in proptest::num::f64::ANY,
    ) {
        static ALL: std::sync::OnceLock<BTreeMap<&'static str, (Store, Index)>> =
            std::sync::OnceLock::new();
        let unit = name.clone();
        let values = vec![Values { unit, count: 1, low: median, median, high: median }];
        let material = Some(name.clone());
        let house = HouseCode {
            code, names: vec![name], strength, material, values, ..HouseCode::default()
        };
        for (of, (store, index)) in ALL.get_or_init(indexes) {
            let masters = crate::Crosswalk::new(store);
            for candidate in index.rank(&house, 20) {
                let standing = masters.standing(of, &candidate.code);
                prop_assert!(
                    matches!(standing, crate::Standing::Known(_)),
                    "{of} {candidate:?}: {standing:?}"
                );
                prop_assert!((0.0..=1.0).contains(&candidate.score));
            }
        }
    }
}
