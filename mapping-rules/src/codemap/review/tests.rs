//! Files with changed rows: what is changed, and what stays byte by byte.

use super::*;
use crate::codemap::{LocalEmit, Target, Unmapped, UnmappedPolicy, UnmappedSeverity};
use crate::diagnostic::Span;

fn map() -> CodeMap {
    let target = |id: &str| Target {
        id: id.to_owned(),
        system: format!("http://example.com/{id}"),
        only_if_none: Vec::new(),
        derive: None,
        extension: None,
    };
    let unmapped = Unmapped {
        policy: UnmappedPolicy::Warn,
        severity: UnmappedSeverity::Warning,
        codings: Vec::new(),
        by: Vec::new(),
    };
    let span = Span { file: 0, line: 1, column: 1, length: 1 };
    let local = ("http://example.com/local".to_owned(), LocalEmit::Always);
    CodeMap::new("drug".to_owned(), span, local, vec![target("yj"), target("hot9")], unmapped)
}

const HEAD: &str = "local,local_name,target,code,status,reviewed_by,reviewed_at,note";

fn decision(local: &str, event: Event) -> Decision {
    Decision {
        local: local.to_owned(),
        name: None,
        target: None,
        code: None,
        valid_from: None,
        event,
        by: "薬剤部 佐藤".to_owned(),
        on: NaiveDate::from_ymd_opt(2026, 4, 2).expect("a day"),
        note: None,
    }
}

fn decided(text: &[u8], decision: &Decision) -> Result<Vec<u8>, NotWritten> {
    let mut file = MapFile::open(text.to_vec())?;
    file.decide(&map(), decision)?;
    file.write()
}

#[test]
fn only_the_row_that_is_meant_changes_in_every_encoding_and_line_end() {
    let rows = [
        "D1,\"アムロジン, 5mg\",yj,2171022F4028,proposed,,, x ",
        "",
        "D2,ﾗｼｯｸｽ,yj,2139005F1052,draft,甲,2026/4/1,",
        "D3,名,yj,1,accepted,甲,2026-04-01,\"二\n行\"",
    ];
    let changed = "D2,ﾗｼｯｸｽ,yj,2139005F1052,reviewed,薬剤部 佐藤,2026-04-02,";
    for end in ["\n", "\r\n"] {
        let whole = |rows: [&str; 4]| format!("{HEAD}{end}{}{end}", rows.join(end));
        let (before, after) = (whole(rows), whole([rows[0], rows[1], changed, rows[3]]));
        let bom = |text: &str| [b"\xef\xbb\xbf", text.as_bytes()].concat();
        let japanese = |text: &str| encoding_rs::SHIFT_JIS.encode(text).0.into_owned();
        let plain = |text: &str| text.as_bytes().to_vec();
        for encode in [&plain as &dyn Fn(&str) -> Vec<u8>, &bom, &japanese] {
            let found = decided(&encode(&before), &decision("D2", Event::Review));
            assert_eq!(found, Ok(encode(&after)));
        }
    }
}

#[test]
fn a_new_row_stands_behind_the_others_also_without_a_last_line_end() {
    let text = format!("{HEAD}\r\nD1,名,yj,1,accepted,甲,2026-04-01,");
    let new = Decision {
        target: Some("hot9".to_owned()),
        code: Some("103835401".to_owned()),
        name: Some("院内, 名".to_owned()),
        ..decision("D9", Event::Draft)
    };
    let expected =
        format!("{text}\r\nD9,\"院内, 名\",hot9,103835401,draft,薬剤部 佐藤,2026-04-02,\r\n");
    assert_eq!(decided(text.as_bytes(), &new), Ok(expected.into_bytes()));
    let without = decision("D9", Event::NoMap);
    let written = decided(text.as_bytes(), &without).expect("written");
    assert!(
        String::from_utf8_lossy(&written).ends_with("D9,,,,no-map,薬剤部 佐藤,2026-04-02,\r\n")
    );
}

#[test]
fn what_can_not_be_decided_is_told_and_nothing_changes() {
    let text = format!(
        "{HEAD}\nD1,,yj,1,proposed,,,\nD1,,yj,2,proposed,,,\nD2,,yj,1,accepted,甲,2026-04-01,\n"
    );
    let target = |id: &str| Some(id.to_owned());
    for (wanted, code) in [
        (decision("D1", Event::Draft), "E0635"),
        (Decision { target: target("yj"), ..decision("D1", Event::Draft) }, "E0635"),
        (Decision { code: target("1"), ..decision("D1", Event::Accept) }, "E0636"),
        (decision("D2", Event::Reject), "E0636"),
        (decision("D3", Event::Accept), "E0636"),
        (decision("D3", Event::Draft), "E0638"),
        (Decision { target: target("icd"), ..decision("D1", Event::Draft) }, "E0637"),
    ] {
        let refused = decided(text.as_bytes(), &wanted).expect_err(code);
        assert_eq!(refused.code(), code, "{wanted:?}");
        let Text { en, ja } = refused.message();
        assert!(!en.is_empty() && !ja.is_empty());
    }
    for (text, code) in [
        (b"\x80\xff\xff".to_vec(), "E0630"),
        (b"local,target,code,status\nD1,yj,1,draft\n".to_vec(), "E0631"),
        (format!("{HEAD},colour\n").into_bytes(), "E0632"),
        (Vec::new(), "E0631"),
    ] {
        assert_eq!(MapFile::open(text).expect_err(code).code(), code);
    }
    let japanese = encoding_rs::SHIFT_JIS.encode("甲").0.into_owned();
    let text = [HEAD.as_bytes(), b"\nD1,", &japanese, b",yj,1,proposed,,,\n"].concat();
    let by = Decision { by: "𠮷田".to_owned(), ..decision("D1", Event::Draft) };
    assert_eq!(decided(&text, &by), Err(NotWritten::Letter));
}

#[test]
fn a_second_code_of_one_target_is_not_accepted_unseen() {
    let text = format!(
        "{HEAD}\nD1,,yj,1,accepted,甲,2026-04-01,\nD1,,yj,2,reviewed,甲,2026-04-01,\n\
         D2,,yj,3,reviewed,甲,2026-04-01,\n"
    );
    let masters = Store::default();
    let check = |wanted: &Decision| {
        let after = decided(text.as_bytes(), wanted)?;
        MapFile::check_against(text.as_bytes(), &after, &map(), &masters)
    };
    let second = Decision { code: Some("2".to_owned()), ..decision("D1", Event::Accept) };
    let refused = check(&second).expect_err("two codes");
    assert_eq!(refused.code(), "W0612", "{refused:?}");
    assert_eq!(check(&decision("D2", Event::Accept)), Ok(()));
}

#[test]
fn files_of_any_bytes_are_refused_or_stay_as_they_are() {
    for seed in 0u32..2000 {
        let byte = |at: u32| {
            let mixed = (seed.wrapping_mul(2_654_435_761)).wrapping_add(at.wrapping_mul(40_503));
            b"\",\r\na\x83\x5c\xe3\x81\x82 "[(mixed >> 8) as usize % 11]
        };
        let noise: Vec<u8> = (0..seed % 60).map(byte).collect();
        let text = [HEAD.as_bytes(), b"\n", &noise].concat();
        if let Ok(file) = MapFile::open(text.clone()) {
            assert_eq!(file.write(), Ok(text));
        }
    }
}
