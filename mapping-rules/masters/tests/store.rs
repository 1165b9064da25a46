//! Imports in order: what they add, change and retire, and what they are refused for.

use chrono::NaiveDate;
use genkan_masters::{Applied, ImportError, Kind, Masters, Store, StoreError, read, system};

#[path = "support/line.rs"]
mod line;

use line::line;

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

/// Drugs of a full file (`0`) or of an update, as `mark code name last-day`.
fn drugs(rows: &[(&str, &str, &str, &str)]) -> Vec<u8> {
    let line = |(mark, code, name, until): &(&str, &str, &str, &str)| {
        line(40, &[(1, mark), (2, "Y"), (3, code), (5, name), (31, until)])
    };
    encoding_rs::SHIFT_JIS.encode(&rows.iter().map(line).collect::<String>()).0.into_owned()
}

fn import(masters: &mut Masters, effective: &str, bytes: &[u8]) -> Result<Applied, ImportError> {
    let reading = read("y_x.csv", bytes).expect("a drug master");
    let hash = [u8::try_from(bytes.len() % 251).expect("small"); 32];
    let file = format!("y_{effective}.csv");
    let mut applied = masters.apply(&reading, (&file, hash, day(effective)))?;
    Ok(applied.remove(system::RECEIPT_DRUG).unwrap_or_default())
}

const FULL: &[(&str, &str, &str, &str)] = &[
    ("0", "610000001", "甲錠", "99999999"),
    ("0", "610000002", "乙錠", "99999999"),
    ("0", "610000003", "丙錠", "99999999"),
];

#[test]
fn updates_apply_in_order_and_say_what_they_did() {
    let mut masters = Masters::default();
    let counts =
        |applied: &Applied| (applied.added, applied.changed, applied.retired, applied.unchanged);
    let full = import(&mut masters, "2026-04-01", &drugs(FULL)).expect("a full file");
    assert_eq!(counts(&full), (3, 0, 0, 0));
    let update = drugs(&[
        ("3", "610000004", "丁錠", "99999999"),
        ("5", "610000001", "甲錠（改）", ""),
        ("9", "610000002", "", "20260531"),
        ("9", "619999999", "", "20260531"),
    ]);
    let update = import(&mut masters, "2026-05-01", &update).expect("an update");
    assert_eq!(counts(&update), (1, 1, 1, 0));
    assert_eq!(
        update.unapplied.iter().map(|one| one.code.as_str()).collect::<Vec<_>>(),
        ["619999999"]
    );
    let next = [&FULL[..1], &[("0", "610000004", "丁錠", "99999999")]].concat();
    let next = import(&mut masters, "2026-10-01", &drugs(&next)).expect("the next full file");
    assert_eq!(counts(&next), (0, 1, 1, 1), "甲 changes back, 丙 is gone, 丁 stays");
    let store = Store::open(masters.pack()).expect("ours");
    let gone = store.lookup(system::RECEIPT_DRUG, "610000003").expect("still known");
    assert_eq!(gone.concept.until, Some(day("2026-09-30")));
    let names: Vec<&str> = store.lookup(system::RECEIPT_DRUG, "610000001").expect("known").editions
        [&Kind::ReceiptDrug]
        .iter()
        .map(|edition| if edition.concept.display == "甲錠" { "old" } else { "new" })
        .collect();
    assert_eq!(names, ["old", "new", "old"]);
}

#[test]
fn a_file_is_imported_once_and_none_before_a_later_one() {
    let mut masters = Masters::default();
    let update = drugs(&[("3", "610000004", "丁錠", "99999999")]);
    assert_eq!(import(&mut masters, "2026-04-01", &update), Err(ImportError::NoFull));
    import(&mut masters, "2026-04-01", &drugs(FULL)).expect("a full file");
    let before = masters.clone();
    let again = import(&mut masters, "2026-04-01", &drugs(FULL));
    assert_eq!(again, Err(ImportError::Known { file: "y_2026-04-01.csv".to_owned() }));
    let older = import(&mut masters, "2026-03-31", &update);
    assert!(matches!(older, Err(ImportError::Older { .. })), "{older:?}");
    let broken = drugs(&[("0", "1", "x", ""), ("0", "2", "y", ""), ("0", "610000001", "甲", "")]);
    let broken = import(&mut masters, "2026-05-01", &broken);
    assert_eq!(broken, Err(ImportError::MostlyRejected { rejected: 2, rows: 3 }));
    assert_eq!(masters, before, "what was refused has changed nothing");
}

#[test]
fn what_is_packed_is_found_again_and_damage_is_noticed() {
    let mut masters = Masters::default();
    import(&mut masters, "2026-04-01", &drugs(FULL)).expect("a full file");
    let bytes = masters.pack();
    let store = Store::open(bytes.clone()).expect("ours");
    assert_eq!(store.unpack(), masters);
    assert_eq!(store.unpack().pack(), bytes, "the same codes are the same bytes");
    assert_eq!((store.count(system::RECEIPT_DRUG), store.has(system::YJ)), (3, false));
    let all: Vec<String> =
        store.all(system::RECEIPT_DRUG).map(|known| known.concept.code).collect();
    assert_eq!(all, ["610000001", "610000002", "610000003"]);
    for (code, found) in
        [("610000001", true), ("610000003", true), ("61000000", false), ("", false), ("9", false)]
    {
        assert_eq!(store.lookup(system::RECEIPT_DRUG, code).is_some(), found, "{code}");
    }
    for index in [0, 9, bytes.len() / 2, bytes.len() - 1] {
        let mut damaged = bytes.clone();
        damaged[index] ^= 1;
        let expected = if index == 0 { StoreError::NotOurs } else { StoreError::Damaged };
        assert_eq!(Store::open(damaged).err(), Some(expected), "{index}");
    }
    assert_eq!(Store::open(bytes[..20].to_vec()).err(), Some(StoreError::Damaged));
    assert_eq!(Store::open(Vec::new()).err(), Some(StoreError::NotOurs));
}

#[test]
fn a_store_of_before_opens_and_says_what_to_import_again() {
    let mut masters = Masters::default();
    import(&mut masters, "2026-04-01", &drugs(FULL)).expect("a full file");
    let head = "DISPLAYSEQ,JFAGYCODE,JPTERM,JPKANA,ENTERM,LEVEL,MAINFLAG,GUIDELINE,CXGCATEGORY,RECORDDATE,ENDDATE\n";
    let text = head.to_owned() + "1,00F,食品,,,1,,,0,00000000,99999999\n";
    let reading = read("jfagy.csv", text.as_bytes()).expect("allergens");
    let file = ("jfagy_20260401.csv", [3; 32], day("2026-04-01"));
    masters.apply(&reading, file).expect("applied");
    let mut before = masters.clone();
    before.imports.iter_mut().for_each(|import| import.revision = 1);
    let opened = Store::open(as_first_form(&before.pack())).expect("still ours");
    assert_eq!(opened.unpack(), before);
    let told: Vec<&str> = opened.outdated().map(|import| import.file.as_str()).collect();
    assert_eq!(told, ["jfagy_20260401.csv"], "the reader of drugs has learned nothing since");
    // The same file again is no repetition now, and then it is.
    let mut again = opened.unpack();
    again.apply(&reading, file).expect("read by another reader");
    assert_eq!(Store::open(again.pack()).expect("ours").outdated().count(), 0);
    assert!(matches!(again.apply(&reading, file), Err(ImportError::Known { .. })));
}

#[test]
fn the_masters_of_a_day_have_what_files_said_by_then() {
    let mut masters = Masters::default();
    import(&mut masters, "2026-04-01", &drugs(FULL)).expect("a full file");
    let update = [
        ("3", "610000004", "丁錠", "99999999"),
        ("5", "610000001", "甲錠（改）", ""),
        ("9", "610000002", "", "20260531"),
    ];
    import(&mut masters, "2026-05-01", &drugs(&update)).expect("an update");
    let store = Store::open(masters.pack()).expect("ours");
    for (on, codes, name, until) in [
        ("2026-03-31", 0, None, None),
        ("2026-04-01", 3, Some("甲錠"), None),
        ("2026-04-30", 3, Some("甲錠"), None),
        ("2026-05-01", 4, Some("甲錠（改）"), Some(day("2026-05-31"))),
    ] {
        let then = store.as_of(day(on));
        let of = system::RECEIPT_DRUG;
        assert_eq!((then.count(of), then.all(of).count()), (codes, codes), "{on}");
        assert_eq!(
            (then.has(of), then.has_file(Kind::ReceiptDrug)),
            (codes > 0, codes > 0),
            "{on}"
        );
        let known = then.lookup(of, "610000001");
        assert_eq!(known.as_ref().map(|known| known.concept.display.as_str()), name, "{on}");
        assert_eq!(
            then.lookup(of, "610000002").and_then(|known| known.concept.until),
            until,
            "{on}"
        );
        assert_eq!(then.lookup(of, "610000004").is_some(), codes == 4, "{on}");
    }
    assert_eq!(store.count(system::RECEIPT_DRUG), 4, "the store itself is as it was");
}

/// As it was packed when imports had no revisions: 4 bytes less for each.
fn as_first_form(bytes: &[u8]) -> Vec<u8> {
    let content = &bytes[..bytes.len() - 32];
    let number = |at: usize| {
        usize::try_from(u32::from_le_bytes(content[at..at + 4].try_into().expect("4 bytes")))
            .expect("small")
    };
    let mut out = b"GKMSTR01".to_vec();
    let (count, mut at) = (number(8), 12);
    out.extend(&content[8..12]);
    for _ in 0..count {
        let begin = at;
        for _ in 0..2 {
            at += 4 + number(at);
        }
        // Hash, day, rows and rejected lines; then the revision.
        at += 32 + 4 + 4 + 4;
        out.extend(&content[begin..at]);
        at += 4;
    }
    out.extend(&content[at..]);
    let hash = blake3::hash(&out);
    out.extend(hash.as_bytes());
    out
}
