//! Files as they should be and as they are: made here, so that they need nothing from outside.

use std::io::{Cursor, Write as _};

use genkan_masters::{
    Change, Concept, Kind, Property, ReadError, ReadLimits, Reading, Reason, Scope, read,
    read_within, system,
};

#[path = "support/line.rs"]
mod line;

use line::line;

fn cp932(text: &str) -> Vec<u8> {
    encoding_rs::SHIFT_JIS.encode(text).0.into_owned()
}

fn disease(fields: &[(usize, &str)]) -> String {
    let mut all = vec![
        (1, "0"),
        (2, "B"),
        (3, "8830592"),
        (4, "8830592"),
        (6, "急性上気道炎"),
        (10, "キュウセイジョウキドウエン"),
        (11, "20061234"),
        (13, "KT92"),
        (16, "J069"),
        (19, "00"),
        (22, "20020601"),
        (24, "99999999"),
    ];
    all.retain(|(number, _)| !fields.iter().any(|(own, _)| own == number));
    all.extend(fields);
    line(46, &all)
}

fn only(reading: &Reading, system: &str) -> Concept {
    match reading.of(system) {
        [Change::Is(concept)] => concept.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_disease_stands_under_all_of_its_codes() {
    let reading =
        read("b_20260601.txt", &cp932(&disease(&[(8, "急性上気道炎（略）"), (24, "20270331")])))
            .expect("read");
    assert_eq!((reading.kind, reading.scope, reading.rows), (Kind::ReceiptDisease, Scope::Full, 1));
    let receipt = only(&reading, system::RECEIPT_DISEASE);
    assert_eq!(receipt.synonyms, ["急性上気道炎（略）"]);
    assert_eq!(receipt.values(Property::KeyNumber), ["20061234"]);
    assert_eq!(only(&reading, system::DISEASE_KEY).values(Property::Receipt), ["8830592"]);
    assert_eq!(only(&reading, system::DISEASE_EXCHANGE).code, "KT92");
    let day = |text: &str| text.parse().expect("a day");
    for (on, valid) in
        [("2002-05-31", false), ("2002-06-01", true), ("2027-03-31", true), ("2027-04-01", false)]
    {
        assert_eq!(receipt.valid_on(day(on)), valid, "{on}");
    }
}

#[test]
fn each_bad_line_is_rejected_with_its_place_and_the_others_are_read() {
    let mut bytes = cp932(&disease(&[]));
    for (fields, _, _) in BAD {
        bytes.extend(cp932(&disease(fields)));
    }
    bytes.extend(cp932("\"0\",\"B\",\"8830593\"\r\n"));
    // A second byte without a first one, in the name.
    bytes.extend(
        disease(&[(6, "x"), (10, "")])
            .replace("\"x\"", "\"?\"")
            .into_bytes()
            .iter()
            .map(|byte| if *byte == b'?' { 0x81 } else { *byte }),
    );
    bytes.extend(cp932("\r\n"));
    bytes.extend(cp932(&disease(&[(3, "8830594"), (11, "20061235")])));
    let reading = read("b_20260601.txt", &bytes).expect("read");
    let told: Vec<_> =
        reading.rejected.iter().map(|one| (one.line, one.column, one.reason)).collect();
    let mut expected: Vec<_> = BAD
        .iter()
        .enumerate()
        .map(|(index, (_, column, reason))| (index as u64 + 2, *column, *reason))
        .collect();
    let next = expected.len() as u64 + 2;
    expected.push((next, 0, Reason::Columns { found: 3 }));
    expected.push((next + 1, 6, Reason::NotText));
    let mut told_in_order = told.clone();
    told_in_order.sort_by_key(|(line, ..)| *line);
    assert_eq!(told_in_order, expected);
    assert_eq!(reading.of(system::RECEIPT_DISEASE).len(), 2);
    assert!(
        reading
            .rejected
            .iter()
            .all(|one| !one.reason.english().is_empty() && !one.reason.japanese().is_empty())
    );
}

/// Fields that differ, by their numbers.
type Fields = &'static [(usize, &'static str)];

const BAD: &[(Fields, usize, Reason)] = &[
    (&[(1, "7")], 1, Reason::UnknownChange),
    (&[(3, "")], 3, Reason::NoCode),
    (&[(3, "88305")], 3, Reason::BadCode),
    (&[(3, "88３0592")], 3, Reason::BadCode),
    (&[(6, "")], 6, Reason::NoName),
    (&[(11, "2006")], 11, Reason::BadCode),
    (&[(22, "20021301")], 22, Reason::BadDate),
    (&[(24, "2027331")], 24, Reason::BadDate),
];

#[test]
fn an_update_amends_what_it_names_and_ends_the_rest() {
    let text = [
        line(
            42,
            &[
                (1, "3"),
                (3, "620000001"),
                (5, "新薬錠１ｍｇ"),
                (32, "1124001F1022"),
                (31, "99999999"),
            ],
        ),
        line(42, &[(1, "5"), (3, "620000002"), (30, "20241001"), (42, "1")]),
        line(40, &[(1, "9"), (3, "620000003"), (31, "20250331")]),
    ]
    .concat();
    let reading = read("y_20240906.csv", &cp932(&text)).expect("read");
    assert_eq!((reading.scope, reading.rejected.len()), (Scope::Update, 0));
    let [Change::Is(new), Change::Amends(amended), Change::Ends { code, until, .. }] =
        reading.of(system::RECEIPT_DRUG)
    else {
        panic!("{:?}", reading.systems);
    };
    assert_eq!(
        (new.code.as_str(), new.values(Property::PriceList)),
        ("620000001", &["1124001F1022".to_owned()][..])
    );
    assert_eq!((amended.code.as_str(), amended.display.as_str()), ("620000002", ""));
    assert_eq!(
        (code.as_str(), until.map(|day| day.to_string())),
        ("620000003", Some("2025-03-31".to_owned()))
    );
}

#[test]
fn one_hot_code_may_carry_two_yj_codes() {
    let head = [
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
    let head = line(24, &head);
    let row = |yj: &str, name: &str| {
        line(24, &[(1, "1003550010101"), (8, yj), (12, name), (24, "20260930")])
    };
    let text = head
        + &row("1124003F3091", "ニトラゼパム錠「Ａ」")
        + &row("1124003F3172", "ニトラゼパム錠「Ｂ」");
    let reading = read("MEDIS20260930.TXT", &cp932(&text)).expect("read");
    let hot = only(&reading, system::HOT9);
    assert_eq!(
        (hot.code.as_str(), hot.values(Property::Yj).len(), hot.synonyms.len()),
        ("100355001", 2, 1)
    );
    assert_eq!(reading.of(system::YJ).len(), 2);
}

#[test]
fn an_allergen_belongs_to_the_system_that_its_code_names() {
    let head = "\"DISPLAYSEQ\",\"JFAGYCODE\",\"JPTERM\",\"JPKANA\",\"ENTERM\",\"LEVEL\",\"MAINFLAG\",\"GUIDELINE\",\"CXGCATEGORY\",\"RECORDDATE\",\"ENDDATE\"\n";
    let row =
        |code: &str| format!("1,{code},\"サバ, 加熱\",さば,Mackerel,4,1,,0,20240101,99999999\n");
    let codes = ["J9FC11310000", "J9NJ11000000", "00F", "00N", "D9M000000000", "X9F000000000", ""];
    let text = head.to_owned() + &codes.map(row).concat();
    for (name, bytes) in
        [("utf8_JFAGY.csv", text.clone().into_bytes()), ("sj_JFAGY.csv", cp932(&text))]
    {
        let reading = read(name, &bytes).expect("read");
        let counts = [system::JFAGY_FOOD, system::JFAGY_OTHER, system::JFAGY_MEDICATION]
            .map(|system| reading.of(system).len());
        assert_eq!((counts, reading.rejected.len(), reading.rows), ([2, 2, 1], 2, 7), "{name}");
        let Change::Is(food) = &reading.of(system::JFAGY_FOOD)[0] else { panic!("a concept") };
        assert_eq!((food.display.as_str(), food.kana.as_deref()), ("サバ, 加熱", Some("さば")));
    }
}

#[test]
fn an_allergen_is_below_the_next_higher_one_that_it_begins_like() {
    let head = "\"DISPLAYSEQ\",\"JFAGYCODE\",\"JPTERM\",\"JPKANA\",\"ENTERM\",\"LEVEL\",\"MAINFLAG\",\"GUIDELINE\",\"CXGCATEGORY\",\"RECORDDATE\",\"ENDDATE\"\n";
    let codes = [
        ("00F", 1, None),
        ("J9FA00000000", 2, Some("00F")),
        ("J9FA12000000", 3, Some("J9FA00000000")),
        ("J9FA12110000", 4, Some("J9FA12000000")),
        ("J9FA12000011", 6, Some("J9FA12000000")),
        // Its own is not there.
        ("J9FA19110000", 4, Some("J9FA00000000")),
        ("J9NA00000000", 2, None),
        ("D9F000000000", 1, None),
    ];
    let row =
        |(code, level, _): &(&str, u8, _)| format!("1,{code},x,,,{level},,,0,00000000,99999999\n");
    let text = head.to_owned() + &codes.iter().map(row).collect::<String>();
    let reading = read("utf8_JFAGY.csv", text.as_bytes()).expect("read");
    let all = [system::JFAGY_FOOD, system::JFAGY_OTHER].map(|system| reading.of(system)).concat();
    for (code, _, parent) in codes {
        let found = all.iter().find_map(|change| match change {
            Change::Is(concept) if concept.code == code => Some(concept),
            _ => None,
        });
        let parents = found.expect(code).values(Property::Parent);
        assert_eq!(parents.first().map(String::as_str), parent, "{code}");
    }
}

#[test]
fn what_is_no_master_is_refused_as_a_whole() {
    for (name, bytes, expected) in [
        ("b_1.txt", Vec::new(), ReadError::Empty),
        ("b_1.txt", cp932("\r\n\r\n"), ReadError::Empty),
        (
            "b_1.txt",
            cp932(&line(19, &[(3, "1")])),
            ReadError::Layout { expected: "46", line: 1, found: 19 },
        ),
        (
            "y_1.csv",
            cp932(&line(41, &[(3, "1")])),
            ReadError::Layout { expected: "40 or 42", line: 1, found: 41 },
        ),
        (
            "jfagy.csv",
            b"\na,b,c\n".to_vec(),
            ReadError::Layout { expected: "11", line: 2, found: 3 },
        ),
        ("readme.txt", b"hello".to_vec(), ReadError::Unknown),
    ] {
        assert_eq!(read(name, &bytes), Err(expected), "{name} {bytes:?}");
    }
    for bytes in [b"PK\x03\x04".to_vec(), b"no zip".to_vec()] {
        assert!(matches!(read("tp1.xlsx", &bytes), Err(ReadError::Workbook(_))), "{bytes:?}");
    }
}

#[test]
fn a_text_in_another_encoding_is_refused_before_its_names_are_other_words() {
    let text = disease(&[(6, "急性上気道炎")]);
    let euc = encoding_rs::EUC_JP.encode(&text).0.into_owned();
    let jis = encoding_rs::ISO_2022_JP.encode(&text).0.into_owned();
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (bytes, found) in [(euc, "EUC-JP"), (jis, "ISO-2022-JP"), (wide, "UTF-16, or no text")] {
        for name in ["b_20260601.txt", "master.txt"] {
            assert_eq!(read(name, &bytes), Err(ReadError::Encoding { found }), "{name}");
        }
    }
}

#[test]
fn a_text_beyond_a_limit_is_refused_as_a_whole() {
    let small = ReadLimits {
        file_bytes_max: 2_000,
        line_bytes_max: 400,
        rows_max: 3,
        rejected_lines_max: 2,
        ..ReadLimits::default()
    };
    let one = disease(&[]);
    let long = "x".repeat(401);
    for (text, expected) in [
        (one.repeat(20), ReadError::TooLarge { bytes_max: 2_000 }),
        (one.clone() + &disease(&[(6, &long)]), ReadError::LongLine { line: 2, bytes_max: 400 }),
        (one.repeat(4), ReadError::TooManyRows { rows_max: 3 }),
        (one.clone() + "1\n2\n3\n", ReadError::TooManyRows { rows_max: 3 }),
        ("1\n2\n3\n".to_owned() + &one, ReadError::TooManyRejected { lines_max: 2 }),
    ] {
        let refused = read_within("b_1.txt", text.as_bytes(), &small);
        assert_eq!(refused, Err(expected.clone()), "{text}");
        assert!(!expected.japanese().is_empty());
    }
}

#[test]
fn a_name_that_lies_is_no_hindrance() {
    let reading = read("z_1.txt", &cp932(&disease(&[]))).expect("by what is in it");
    assert_eq!(reading.kind, Kind::ReceiptDisease);
}

#[test]
fn a_workbook_that_unpacks_to_too_much_is_refused() {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated);
    archive.start_file("xl/workbook.xml", options).expect("a file");
    let zeros = vec![0_u8; 1 << 20];
    for _ in 0..129 {
        archive.write_all(&zeros).expect("written");
    }
    let bytes = archive.finish().expect("an archive").into_inner();
    assert!(bytes.len() < 1 << 20, "a small file");
    assert!(matches!(read("tp1.xlsx", &bytes), Err(ReadError::TooLarge { .. })));
}

#[test]
fn a_file_without_a_telling_name_is_known_by_its_columns() {
    for (text, kind) in [
        (disease(&[]), Kind::ReceiptDisease),
        (
            line(
                19,
                &[
                    (1, "0"),
                    (3, "8002"),
                    (7, "の疑い"),
                    (17, "27000001"),
                    (18, "5395"),
                    (19, "A8000000"),
                ],
            ),
            Kind::ReceiptModifier,
        ),
    ] {
        assert_eq!(read("master.csv", &cp932(&text)).expect("known").kind, kind);
    }
}
