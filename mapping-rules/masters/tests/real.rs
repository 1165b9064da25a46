//! The masters as they are published, where they lie beside the repository; every count is exact.

use std::path::{Path, PathBuf};

use genkan_masters::{Change, Concept, Property, Reason, Scope, read, system};

fn masters() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/masters");
    let named = std::env::var_os("GENKAN_SHARED").map(|shared| Path::new(&shared).join("masters"));
    let folder = named.unwrap_or(beside);
    if !folder.is_dir() {
        eprintln!("skipped: {} is not there", folder.display());
        return None;
    }
    Some(folder)
}

fn reading(folder: &Path, name: &str) -> genkan_masters::Reading {
    let bytes = std::fs::read(folder.join(name)).expect(name);
    read(name, &bytes).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn concept<'r>(reading: &'r genkan_masters::Reading, system: &str, code: &str) -> &'r Concept {
    let found = reading.of(system).iter().find_map(|change| match change {
        Change::Is(concept) if concept.code == code => Some(concept),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("{system} has no {code}"))
}

#[test]
fn every_line_of_the_full_masters_is_read_or_rejected_with_its_reason() {
    let Some(folder) = masters() else { return };
    for (name, rows, systems, rejected) in [
        (
            "ssk/b_20240601.txt",
            27_437,
            vec![
                (system::RECEIPT_DISEASE, 27_437),
                (system::DISEASE_KEY, 27_437),
                (system::DISEASE_EXCHANGE, 26_987),
            ],
            0,
        ),
        ("ssk/z_20250601.txt", 2_375, vec![(system::RECEIPT_MODIFIER, 2_375)], 0),
        ("ssk/y_ALL20240321.csv", 19_686, vec![(system::RECEIPT_DRUG, 19_686)], 0),
        ("mhlw/ippanmeishohoumaster_250814.xlsx", 1_368, vec![(system::GENERIC_NAME, 1_368)], 0),
        ("mhlw/tp20250814-01_01.xlsx", 6_944, vec![(system::PRICE_LIST, 6_944)], 0),
        ("mhlw/tp20250814-01_02.xlsx", 3_493, vec![(system::PRICE_LIST, 3_493)], 0),
        ("mhlw/tp20250814-01_03.xlsx", 1_980, vec![(system::PRICE_LIST, 1_980)], 0),
        (
            "jlac/clins-jlac10-jlac11.xlsx",
            7_890,
            vec![(system::JLAC10, 868), (system::JLAC11, 7_870)],
            0,
        ),
        ("hot/hot9_sample_20260930.csv", 10, vec![(system::HOT9, 9), (system::YJ, 10)], 0),
    ] {
        let read = reading(&folder, name);
        let counts: Vec<_> =
            systems.iter().map(|(system, _)| (*system, read.of(system).len())).collect();
        println!(
            "{name}: {} rows, {counts:?}, {} rejected, first {:?}",
            read.rows,
            read.rejected.len(),
            read.rejected.first()
        );
        assert_eq!((read.rows, counts, read.rejected.len()), (rows, systems, rejected), "{name}");
    }
}

#[test]
fn what_is_sold_off_has_its_last_day() {
    let Some(folder) = masters() else { return };
    for (name, ending) in [("01", 162), ("02", 105), ("03", 44)] {
        let read = reading(&folder, &format!("mhlw/tp20250814-01_{name}.xlsx"));
        let ends = |change: &&Change| matches!(change, Change::Is(drug) if drug.until.is_some());
        assert_eq!(read.of(system::PRICE_LIST).iter().filter(ends).count(), ending, "{name}");
    }
}

#[test]
fn allergens_are_the_same_in_both_encodings_and_belong_to_three_systems() {
    let Some(folder) = masters() else { return };
    let utf8 = reading(&folder, "jfagy/utf8_JFAGY_J9FN_20250401_R01.csv");
    let shift_jis = reading(&folder, "jfagy/sj_JFAGY_J9FN_20250401_R01.csv");
    let workbook = reading(&folder, "jfagy/JFAGY_20250401V2.xlsx");
    let counts = |system| [&utf8, &shift_jis, &workbook].map(|reading| reading.of(system).len());
    println!("{:?} {:?}", counts(system::JFAGY_FOOD), counts(system::JFAGY_OTHER));
    assert_eq!(utf8.rows, 1_738);
    assert_eq!(utf8.systems, shift_jis.systems);
    assert_eq!(counts(system::JFAGY_MEDICATION), [1, 1, 1]);
}

#[test]
fn updates_say_what_is_new_what_changed_and_what_ended() {
    let Some(folder) = masters() else { return };
    let mut files: Vec<_> =
        std::fs::read_dir(folder.join("ssk/y_delta")).expect("updates").flatten().collect();
    files.sort_by_key(std::fs::DirEntry::file_name);
    assert_eq!(files.len(), 16);
    for file in files {
        let name = format!("ssk/y_delta/{}", file.file_name().to_string_lossy());
        let read = reading(&folder, &name);
        let of = |wanted: fn(&Change) -> bool| {
            read.of(system::RECEIPT_DRUG).iter().filter(|change| wanted(change)).count()
        };
        println!(
            "{name}: {} rows, {} new, {} amended, {} ended, rejected {:?}",
            read.rows,
            of(|c| matches!(c, Change::Is(_))),
            of(|c| matches!(c, Change::Amends(_))),
            of(|c| matches!(c, Change::Ends { .. })),
            read.rejected.first()
        );
        assert_eq!(read.scope, Scope::Update, "{name}");
        assert!(read.rejected.is_empty(), "{name}: {:?}", read.rejected);
    }
}

#[test]
fn a_code_knows_the_others() {
    let Some(folder) = masters() else { return };
    let diseases = reading(&folder, "ssk/b_20240601.txt");
    let uncoded = concept(&diseases, system::RECEIPT_DISEASE, "0000999");
    assert_eq!(uncoded.display, "＊＊\u{3000}未コード化傷病名\u{3000}＊＊");
    let disease = concept(&diseases, system::RECEIPT_DISEASE, "8848176");
    assert_eq!(disease.values(Property::KeyNumber), ["20100524"]);
    assert_eq!(disease.values(Property::Icd10), ["E250"]);
    let hot = reading(&folder, "hot/hot9_sample_20260930.csv");
    let two = concept(&hot, system::HOT9, "100355001");
    assert_eq!(two.values(Property::Yj), ["1124003F3091", "1124003F3172"]);
    let modifiers = reading(&folder, "ssk/z_20250601.txt");
    let suspected = concept(&modifiers, system::RECEIPT_MODIFIER, "8002");
    assert_eq!(
        (suspected.display.as_str(), suspected.values(Property::KeyNumber)),
        ("の疑い", &["27000001".to_owned()][..])
    );
    assert_eq!(suspected.values(Property::Position), ["suffix"]);
    let items = reading(&folder, "jlac/clins-jlac10-jlac11.xlsx");
    let protein = concept(&items, system::JLAC11, "C1002000025000155");
    assert_eq!(protein.values(Property::Unit), ["g/dL"]);
    assert_eq!(protein.values(Property::Jlac10), ["3A010000002329101"]);
    assert_eq!(protein.values(Property::Section), ["検査"]);
    assert!(items.rejected.iter().all(|one| one.reason != Reason::NotText));
}
