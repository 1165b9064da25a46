//! The master tables: institutions, departments, wards, rooms, staff and the house code lists.

use super::spelling::{fixed, full_width};
use crate::lists::{Item, Lists};
use crate::random::Stream;
use crate::rows::{Batch, Cell, flag};
use crate::truth::{Sex, person_name};

/// The hospital's own 10桁医療機関コード: 神奈川 (14), 医科 (1), number.
pub const OWN_INSTITUTION: &str = "1411234567";

/// UPD_DT of rows that came with the last replacement of the system.
const MIGRATED: &str = "20210401060000";

const WARDS: [(&str, &str, &str, i64); 6] = [
    ("3E", "３階東病棟", "1", 45),
    ("3W", "３階西病棟", "1", 45),
    ("4E", "４階東病棟", "1", 48),
    ("4W", "４階西病棟", "3", 40),
    ("ICU", "集中治療室", "2", 8),
    ("5E", "５階東病棟（休棟）", "1", 0),
];

/// ISI_CD of a physician: department and turn.
pub fn physician(department: &str, turn: u32) -> String {
    format!("1{department:0>2}{:03}", turn + 1)
}

/// All rows that belong to no patient.
pub(crate) fn store_masters(seed: u64, lists: &Lists, batch: &mut Batch) {
    institutions(batch);
    departments(lists, batch);
    places(lists, batch);
    staff(seed, lists, batch);
    diseases(lists, batch);
    drugs(lists, batch);
    items(lists, batch);
    registries(lists, batch);
}

fn institutions(batch: &mut Batch) {
    let rows = [
        (
            OWN_INSTITUTION,
            "みなと総合病院",
            "ﾐﾅﾄｿｳｺﾞｳﾋﾞｮｳｲﾝ",
            "2310801",
            "神奈川県みなと市本町1-1-1",
            true,
        ),
        (
            "1411234575",
            "しおさいクリニック",
            "ｼｵｻｲｸﾘﾆｯｸ",
            "231-0803",
            "神奈川県みなと市汐見台4-2",
            false,
        ),
        (
            "1411234583",
            "波止場内科医院",
            "ﾊﾄﾊﾞﾅｲｶｲｲﾝ",
            "2310811",
            "神奈川県みなと市東波止場2-10",
            false,
        ),
        (
            "1411234591",
            "うみべリハビリテーション病院",
            "ｳﾐﾍﾞﾘﾊﾋﾞﾘﾃｰｼｮﾝﾋﾞｮｳｲﾝ",
            "2320901",
            "神奈川県うみべ郡白砂町300",
            false,
        ),
        (
            "1311234568",
            "都みどり大学病院",
            "ﾄﾐﾄﾞﾘﾀﾞｲｶﾞｸﾋﾞｮｳｲﾝ",
            "1990101",
            "東京都しおかぜ市緑町1-5",
            false,
        ),
    ];
    for (turn, (code, name, kana, zip, address, own)) in rows.into_iter().enumerate() {
        batch.push(
            "M_SISETU",
            [
                ("SISETU_CD", fixed(code)),
                ("SISETU_NM", fixed(name)),
                ("SISETU_KANA", fixed(kana)),
                ("ZIP", fixed(zip)),
                ("ADDR", fixed(address)),
                ("TEL", Cell::from(full_width(&format!("046-200-{:04}", 1000 + turn)))),
                ("JISIN_FLG", flag(own)),
                ("UPD_DT", fixed(MIGRATED)),
            ],
        );
    }
}

fn departments(lists: &Lists, batch: &mut Batch) {
    for department in &lists.departments {
        batch.push(
            "M_KA",
            [
                ("KA_CD", Cell::from(department.code.as_str())),
                ("KA_NM", Cell::from(department.name.as_str())),
                ("KA_RYAKU", Cell::from(department.short.as_str())),
                ("YUKO_FLG", flag(true)),
                ("UPD_DT", fixed(MIGRATED)),
            ],
        );
    }
}

fn registries(lists: &Lists, batch: &mut Batch) {
    for registry in &lists.registries {
        batch.push(
            "M_DAICHO",
            [
                ("DAICHO_CD", Cell::from(registry.code.as_str())),
                ("DAICHO_NM", Cell::from(registry.name.as_str())),
                ("KA_CD", Cell::from(registry.department.as_str())),
                ("UPD_DT", fixed(MIGRATED)),
            ],
        );
    }
}

fn places(lists: &Lists, batch: &mut Batch) {
    let mut place = |code: String, name: String, kind: &'static str, ward: &'static str| {
        batch.push(
            "M_BASYO",
            [
                ("BASYO_CD", Cell::from(code)),
                ("BASYO_NM", Cell::from(name)),
                ("BASYO_KBN", fixed(kind)),
                ("BYOTO_CD", fixed(ward)),
                ("UPD_DT", fixed(MIGRATED)),
            ],
        );
    };
    for department in &lists.departments {
        place(format!("G{}", department.code), format!("{}診察室", department.name), "2", "");
    }
    place("G90".to_owned(), "救急処置室".to_owned(), "4", "");
    place("K01".to_owned(), "中央検査室".to_owned(), "3", "");
    for (code, name, _, beds) in WARDS {
        for room in 1..=4 {
            if beds > 0 {
                place(format!("{code}{room}"), format!("{name} {room}号室"), "1", code);
            }
        }
    }
    for (code, name, kind, beds) in WARDS {
        batch.push(
            "M_BYOTO",
            [
                ("BYOTO_CD", fixed(code)),
                ("BYOTO_NM", fixed(name)),
                ("BYOTO_KBN", fixed(kind)),
                ("BED_SU", Cell::from(beds)),
                ("UPD_DT", fixed(MIGRATED)),
            ],
        );
    }
}

/// Number, 職種 and department of everyone; the last physician of each department has left.
fn staff(seed: u64, lists: &Lists, batch: &mut Batch) {
    let mut everyone: Vec<(String, &'static str, String, bool)> = Vec::new();
    for department in &lists.departments {
        for turn in 0..4 {
            let code = physician(&department.code, turn);
            everyone.push((code, "01", department.code.clone(), turn == 3));
        }
    }
    for (first, kind, count) in [(200_001, "02", 20), (300_001, "03", 6), (400_001, "04", 3)] {
        for turn in 0..count {
            everyone.push(((first + turn).to_string(), kind, String::new(), false));
        }
    }
    for (turn, (code, kind, department, left)) in everyone.into_iter().enumerate() {
        let mut s = Stream::of(seed, "M_SYOKUIN", u32::try_from(turn).unwrap_or(0));
        let sex = if s.chance(500) { Sex::Male } else { Sex::Female };
        let (family, given) = person_name(&mut s, lists, sex);
        let given = &lists.given_names[given];
        let licence = format!("{:06}", 300_000 + turn * 131 + s.index(100));
        let narcotic = format!("14-{:05}", 10_000 + turn);
        let physician = kind == "01";
        batch.push(
            "M_SYOKUIN",
            [
                ("SYOKUIN_CD", Cell::from(code)),
                ("KANJI_NM", Cell::from(format!("{}\u{3000}{}", family.name, given.name))),
                ("KANA_NM", Cell::from(format!("{} {}", family.kana, given.kana))),
                ("SEX", Cell::from(sex.code().to_string())),
                ("SYOKUSYU", fixed(kind)),
                ("KA_CD", Cell::from(department)),
                ("ISEKI_NO", if physician { Cell::from(licence) } else { fixed("") }),
                (
                    "MAYAKU_NO",
                    if physician && s.chance(400) { Cell::from(narcotic) } else { fixed("") },
                ),
                ("SAIYO_YMD", Cell::from(format!("{}0401", s.between(1995, 2021)))),
                ("TAISYOKU_YMD", fixed(if left { "20220331" } else { "99999999" })),
                ("DEL_FLG", flag(false)),
                ("UPD_DT", fixed(MIGRATED)),
            ],
        );
    }
}

fn diseases(lists: &Lists, batch: &mut Batch) {
    for disease in &lists.diseases {
        batch.push(
            "M_BYOMEI",
            [
                ("BYOMEI_CD", Cell::from(disease.code.as_str())),
                ("BYOMEI_NM", Cell::from(disease.name.as_str())),
                ("KANA_NM", Cell::from(disease.kana.as_str())),
                ("YUKO_FLG", flag(true)),
                ("UPD_DT", fixed(MIGRATED)),
            ],
        );
    }
    for modifier in &lists.modifiers {
        batch.push(
            "M_SYUSYOKU",
            [
                ("SYU_CD", Cell::from(modifier.code.as_str())),
                ("SYU_NM", Cell::from(modifier.name.as_str())),
                ("ICHI", Cell::from(modifier.place.as_str())),
                ("UPD_DT", fixed(MIGRATED)),
            ],
        );
    }
}

fn drugs(lists: &Lists, batch: &mut Batch) {
    for allergen in &lists.allergens {
        batch.push(
            "M_ALG",
            [
                ("ALG_CD", Cell::from(allergen.code.as_str())),
                ("ALG_NM", Cell::from(allergen.name.as_str())),
                ("KBN", Cell::from(allergen.kind.as_str())),
                ("YUKO_FLG", flag(true)),
                ("UPD_DT", fixed(MIGRATED)),
            ],
        );
    }
    for drug in &lists.drugs {
        batch.push(
            "M_YAKUHIN",
            [
                ("YAKU_CD", Cell::from(drug.code.as_str())),
                ("YAKU_NM", Cell::from(drug.name.as_str())),
                ("TANI", Cell::from(drug.unit.as_str())),
                ("ZAIKEI", Cell::from(drug.form.as_str())),
                ("YUKO_FROM", fixed("00000000")),
                ("YUKO_TO", fixed("99999999")),
                ("UPD_DT", fixed(MIGRATED)),
            ],
        );
    }
    for usage in &lists.usages {
        batch.push(
            "M_YOHO",
            [
                ("YOHO_CD", Cell::from(usage.code.as_str())),
                ("YOHO_NM", Cell::from(usage.name.as_str())),
                ("YOHO_KBN", Cell::from(usage.kind.as_str())),
                ("KAISU", usage.times.map_or(Cell::Null, |times| Cell::from(i64::from(times)))),
                ("UPD_DT", fixed(MIGRATED)),
            ],
        );
    }
}

fn items(lists: &Lists, batch: &mut Batch) {
    for item in &lists.items {
        if item.jlac10_until.is_empty() {
            period(item, "00000000", "99999999", batch);
        } else {
            // The new reagent came in with the new half year.
            period(item, "00000000", &item.jlac10_until, batch);
            period(item, "20211001", "99999999", batch);
        }
    }
}

fn period(item: &Item, from: &str, to: &str, batch: &mut Batch) {
    // Blanks after the unit, as in the table that such masters are copied from.
    let unit = match item.code.ends_with('3') && !item.unit.is_empty() {
        true => format!("{}  ", item.unit),
        false => item.unit.clone(),
    };
    batch.push(
        "M_LAB_KOUMOKU",
        [
            ("KOUMOKU_CD", Cell::from(item.code.as_str())),
            ("TEKIYO_FROM", Cell::from(from)),
            ("TEKIYO_TO", Cell::from(to)),
            ("KOUMOKU_NM", Cell::from(item.name.as_str())),
            ("RYAKU", Cell::from(item.short.as_str())),
            ("KATA", Cell::from(item.kind.as_str())),
            ("TANI", Cell::from(unit)),
            ("ZAIRYO_CD", Cell::from(item.material_code.as_str())),
            ("ZAIRYO_NM", Cell::from(item.material.as_str())),
            ("KANSEN_FLG", flag(item.class == "infection")),
            ("UPD_DT", fixed(MIGRATED)),
        ],
    );
}
