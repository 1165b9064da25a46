//! The tables of MEDIS-DC that stand beside 病名基本テーブル: modifiers, the index of words, and packages of drugs.

use chrono::NaiveDate;
use genkan_masters::{
    Crosswalk, ImportError, Kind, Masters, Property, ReadError, Reading, Reason, Standing, Store,
    Words, read, system,
};

#[path = "support/line.rs"]
mod line;

use line::line;

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

fn cp932(text: &str) -> Vec<u8> {
    encoding_rs::SHIFT_JIS.encode(text).0.into_owned()
}

/// The headings that tell a HOT file.
const HOT_HEAD: [(usize, &str); 10] = [
    (1, "基準番号（ＨＯＴコード）"),
    (6, "ＪＡＮコード"),
    (7, "薬価基準収載医薬品コード"),
    (8, "個別医薬品コード"),
    (9, "レセプト電算処理システムコード（１）"),
    (10, "レセプト電算処理システムコード（２）"),
    (12, "販売名"),
    (14, "規格単位"),
    (21, "製造会社"),
    (24, "更新年月日"),
];

fn modifier([mark, key, name, exchange, place, kind, receipt]: [&str; 7]) -> String {
    let fields = [
        (1, mark),
        (2, key),
        (3, name),
        (4, "ヨミ"),
        (5, exchange),
        (6, place),
        (7, kind),
        (9, receipt),
    ];
    line(10, &fields)
}

fn word([word, code, table]: [&str; 3]) -> String {
    line(9, &[(1, word), (2, code), (3, table), (4, "1")])
}

fn disease([mark, key, name, exchange]: [&str; 4]) -> String {
    line(20, &[(1, mark), (2, key), (3, name), (6, exchange), (7, "K297"), (11, "8830001")])
}

fn reading(name: &str, text: &str) -> Reading {
    read(name, &cp932(text)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn apply(masters: &mut Masters, file: (&str, &str), text: &str) -> Result<(), ImportError> {
    let reading = reading(file.0, text);
    let hash = *blake3::hash(text.as_bytes()).as_bytes();
    masters.apply(&reading, (file.0, hash, day(file.1))).map(drop)
}

fn store(masters: &Masters) -> Store {
    Store::open(masters.pack()).expect("ours")
}

#[test]
fn a_modifier_stands_under_its_codes_and_before_or_behind_a_disease() {
    let text = modifier(["0", "27000225", "急性", "1051", "11", "A4000000", "4012"])
        + &modifier(["3", "27000001", "の疑い", "5395", "01", "A8000000", "8002"]);
    let mut masters = Masters::default();
    apply(&mut masters, ("mdfy518.txt", "2026-06-01"), &text).expect("applied");
    let store = store(&masters);
    for (key, exchange, receipt, place) in
        [("27000225", "1051", "4012", "prefix"), ("27000001", "5395", "8002", "suffix")]
    {
        let known = store.lookup(system::MODIFIER_KEY, key).expect(key);
        assert_eq!(known.concept.values(Property::Position), [place], "{key}");
        let walk = Crosswalk::new(&store);
        let ways = [
            (system::MODIFIER_KEY, key, system::MODIFIER_EXCHANGE, exchange),
            (system::MODIFIER_EXCHANGE, exchange, system::MODIFIER_KEY, key),
            (system::MODIFIER_KEY, key, system::RECEIPT_MODIFIER, receipt),
        ];
        for (from, code, to, expected) in ways {
            let found = walk.codes(Kind::MedisModifier, (from, code), to);
            assert_eq!(found.into_iter().collect::<Vec<_>>(), [expected], "{from} {code}");
        }
    }
    assert!(!store.has(system::RECEIPT_MODIFIER), "that is another master's");
}

#[test]
fn what_a_table_deletes_without_a_day_ends_before_the_file_holds() {
    let mut masters = Masters::default();
    let before = modifier(["0", "27000225", "急性", "1051", "11", "A4000000", "4012"]);
    let now = modifier(["9", "27000225", "急性", "1051", "11", "A4000000", "4012"]);
    apply(&mut masters, ("mdfy517.txt", "2026-01-01"), &before).expect("applied");
    apply(&mut masters, ("mdfy518.txt", "2026-06-01"), &now).expect("applied");
    let disease_before = disease(["0", "20050001", "胃炎", "AAAA"]);
    let disease_now = disease(["1", "20050001", "胃炎", "AAAA"]);
    apply(&mut masters, ("nmain517.txt", "2026-01-01"), &disease_before).expect("applied");
    apply(&mut masters, ("nmain518.txt", "2026-06-01"), &disease_now).expect("applied");
    let store = store(&masters);
    for (system, code) in [(system::MODIFIER_KEY, "27000225"), (system::DISEASE_KEY, "20050001")] {
        let known = store.lookup(system, code).expect(code);
        assert_eq!(known.concept.until, Some(day("2026-05-31")), "{code}");
    }
}

#[test]
fn the_index_adds_the_words_by_which_people_look() {
    let words = word(["胃カタル", "AAAA", "1"])
        + &word(["いえん", "AAAA", "1"])
        + &word(["いえん", "AAAA", "1"])
        + &word(["アキュート", "1051", "2"])
        + &word(["無い病名", "ZZZZ", "1"]);
    let mut masters = Masters::default();
    let alone = apply(&mut masters, ("index518.txt", "2026-06-01"), &words);
    assert!(matches!(alone, Err(ImportError::NothingNamed { .. })), "{alone:?}");
    assert_eq!(masters, Masters::default(), "what was refused has changed nothing");
    apply(
        &mut masters,
        ("nmain518.txt", "2026-06-01"),
        &disease(["0", "20050001", "胃炎", "AAAA"]),
    )
    .expect("applied");
    let bytes = cp932(&words);
    let reading = read("index518.txt", &bytes).expect("read");
    let hash = *blake3::hash(&bytes).as_bytes();
    let applied = masters.apply(&reading, ("index518.txt", hash, day("2026-06-01")));
    let applied = applied.expect("applied");
    let told = |system: &str| {
        let done = &applied[system];
        (done.added, done.unapplied.len())
    };
    assert_eq!(told(system::DISEASE_EXCHANGE), (1, 1), "ZZZZ is nobody's code");
    assert_eq!(told(system::MODIFIER_EXCHANGE), (0, 1), "no modifiers are there");
    let store = store(&masters);
    assert!(!store.has(system::MODIFIER_EXCHANGE));
    let known = store.lookup(system::DISEASE_EXCHANGE, "AAAA").expect("known").concept;
    assert_eq!((known.display.as_str(), known.synonyms.len()), ("胃炎", 2));
    let names = known.synonyms.iter().map(String::as_str);
    assert!(Words::of("ｶﾀﾙ").found_in(names));
    let walk = Crosswalk::new(&store);
    let Standing::Known(fact) = walk.standing(system::DISEASE_EXCHANGE, "AAAA") else {
        panic!("known");
    };
    assert_eq!(fact.names, ["胃炎", "胃カタル", "いえん"]);
    // The next index says again which words there are; codes are not its business.
    let next = word(["胃カタル", "AAAA", "1"]);
    apply(&mut masters, ("index519.txt", "2026-12-01"), &next).expect("applied");
    let known = self::store(&masters).lookup(system::DISEASE_EXCHANGE, "AAAA").expect("known");
    assert_eq!((known.concept.synonyms.len(), known.concept.until), (1, None));
}

#[test]
fn bad_lines_of_each_table_are_rejected_at_their_column() {
    let good = word(["胃炎", "AAAA", "1"]);
    let index = good
        + &word(["", "AAAA", "1"])
        + &word(["x", "", "1"])
        + &word(["x", "AAA", "1"])
        + &word(["x", "AAAA", "3"])
        + "\"x\",\"AAAA\"\r\n";
    let modifiers = modifier(["0", "27000225", "急性", "1051", "11", "A4", "4012"])
        + &modifier(["0", "", "急性", "1051", "11", "A4", "4012"])
        + &modifier(["0", "2700022", "急性", "1051", "11", "A4", "4012"])
        + &modifier(["0", "27000226", "", "1051", "11", "A4", "4012"]);
    for (name, text, expected) in [
        (
            "index518.txt",
            index,
            &[
                (2, 1, Reason::NoName),
                (3, 2, Reason::NoCode),
                (4, 2, Reason::BadCode),
                (5, 3, Reason::UnknownTable),
                (6, 0, Reason::Columns { found: 2 }),
            ][..],
        ),
        (
            "mdfy518.txt",
            modifiers,
            &[(2, 2, Reason::NoCode), (3, 2, Reason::BadCode), (4, 3, Reason::NoName)],
        ),
    ] {
        let read = reading(name, &text);
        let mut told: Vec<_> =
            read.rejected.iter().map(|one| (one.line, one.column, one.reason)).collect();
        told.sort_by_key(|(line, ..)| *line);
        assert_eq!(told, expected, "{name}");
    }
}

#[test]
fn a_package_leads_to_its_product_and_what_that_has_elsewhere() {
    let head = line(24, &HOT_HEAD);
    let row = |hot: &str, gtin: &str| {
        let fields = [
            (1, hot),
            (6, gtin),
            (7, "1111001F1011"),
            (8, "1111001F1011"),
            (9, "620000001"),
            (12, "甲錠"),
            (24, "20260630"),
        ];
        line(24, &fields)
    };
    let packages = head.clone()
        + &row("1000000010101", "4987000000011")
        + &row("1000000010102", "4987000000028");
    let products = head + &row("100000001", "");
    let mut masters = Masters::default();
    apply(&mut masters, ("MEDIS20260630.TXT", "2026-06-30"), &packages).expect("applied");
    let of_packages = store(&masters);
    assert_eq!(of_packages.count(system::HOT13), 2);
    let package = of_packages.lookup(system::HOT13, "1000000010102").expect("known").concept;
    assert_eq!(package.values(Property::Gtin), ["4987000000028"]);
    // The file by products says nothing of packages, and ends none.
    apply(&mut masters, ("MEDIS20260731_HOT9.TXT", "2026-07-31"), &products).expect("applied");
    let store = store(&masters);
    let walk = Crosswalk::new(&store);
    let package = (system::HOT13, "1000000010102");
    assert!(
        matches!(walk.standing(package.0, package.1), Standing::Known(fact) if fact.until.is_none())
    );
    for (to, expected) in [
        (system::HOT9, "100000001"),
        (system::YJ, "1111001F1011"),
        (system::RECEIPT_DRUG, "620000001"),
    ] {
        let found: Vec<String> = walk.codes(Kind::Hot, package, to).into_iter().collect();
        assert_eq!(found, [expected], "{to}");
    }
}

/// The layouts are known from descriptions: a file with its columns elsewhere is refused, and each line of
/// it says where.
#[test]
fn columns_that_hold_other_things_are_told_by_line_and_column() {
    let good = modifier(["0", "27000225", "急性", "1051", "11", "A4000000", "4012"]);
    for (column, wrong) in [
        (5, ["0", "27000225", "急性", "急性", "11", "A4000000", "4012"]),
        (7, ["0", "27000225", "急性", "1051", "11", "4000000", "4012"]),
        (9, ["0", "27000225", "急性", "1051", "11", "A4000000", "40120"]),
    ] {
        let reading = reading("mdfy518.txt", &(good.clone() + &modifier(wrong)));
        let rejected = &reading.rejected[0];
        assert_eq!((rejected.line, rejected.column, reading.rejected.len()), (2, column, 1));
    }
    for (column, wrong) in [(6, "交換"), (7, "9297"), (8, "胃"), (11, "883")] {
        let fields =
            [(1, "0"), (2, "20050001"), (3, "胃炎"), (6, "ABCD"), (7, "K297"), (11, "8830001")];
        let others = fields.into_iter().filter(|(own, _)| *own != column);
        let wrong = line(20, &others.chain([(column, wrong)]).collect::<Vec<_>>());
        let reading =
            reading("nmain518.txt", &(disease(["0", "20050002", "腸炎", "AB12"]) + &wrong));
        let rejected = &reading.rejected[0];
        assert_eq!((rejected.line, rejected.column, reading.rejected.len()), (2, column, 1));
    }
}

#[test]
fn a_hot_file_with_its_columns_in_another_order_is_refused() {
    let head = line(24, &HOT_HEAD);
    let row = |yj| {
        let fields =
            [(1, "100329101"), (7, "1124001F2029"), (8, yj), (9, "611120081"), (12, "甲錠")];
        line(24, &[&fields[..], &[(24, "20260401")]].concat())
    };
    let good = reading("MEDIS20260930.TXT", &(head.clone() + &row("1124001F2029")));
    assert_eq!((good.rows, good.rejected.len()), (1, 0));
    let swapped = head.replace("個別医薬品コード", "基本名").replace("薬価基準", "個別");
    let refused = read("MEDIS20260930.TXT", &cp932(&(swapped + &row("1124001F2029"))));
    let found = "個別収載医薬品コード".to_owned();
    assert_eq!(
        refused.map(drop),
        Err(ReadError::Heading { line: 1, column: 7, found, expected: "薬価" })
    );
    // Without a heading the codes themselves tell.
    let other = reading("MEDIS20260930.TXT", &(head + &row("甲") + &row("1124001F2029")));
    assert_eq!((other.rejected[0].line, other.rejected[0].column), (2, 8));
}
