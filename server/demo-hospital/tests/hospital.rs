//! The generated rows themselves: always the same, in any shards, and consistent apart from the
//! defects that are on record.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as the tests do")]

use std::collections::{BTreeMap, BTreeSet};

use genkan_demo_hospital::dirt::{DefectKind, duplicate_id, orphan_id, patient_id};
use genkan_demo_hospital::manifest::{GENERATOR_VERSION, Tally};
use genkan_demo_hospital::rows::{Batch, Cell};
use genkan_demo_hospital::truth::{AS_OF, Measured};
use genkan_demo_hospital::{
    Generator, Hospital, Manifest, code_maps, schema_markdown, schema_yaml,
};

fn hospital(patients: u32) -> Hospital {
    Hospital { seed: 7, patients, lab_rows: None }
}

/// The manifest of a hospital that is made in batches of at most `rows` rows.
fn manifest(hospital: Hospital, rows: usize) -> Manifest {
    let generator = Generator::new(hospital).unwrap();
    let mut tally = Tally::new(hospital, generator.schema());
    tally.add(&generator.masters().unwrap());
    let mut next = 1;
    while next <= hospital.patients {
        let batch = generator.patients(next, hospital.patients, rows).unwrap();
        next += batch.patients;
        tally.add(&batch);
    }
    tally.manifest()
}

/// All rows of a hospital in one batch.
fn whole(generator: &Generator, patients: u32) -> Batch {
    generator.patients(1, patients, usize::MAX).unwrap()
}

/// Column `name` of every row of a table, trimmed.
fn column(generator: &Generator, batch: &Batch, table: &str, name: &str) -> Vec<String> {
    let tables = &generator.schema().tables;
    let at = tables.iter().position(|candidate| candidate.name == table).unwrap();
    let position = tables[at].position(name).unwrap();
    let text = |row: &[Cell]| match &row[position] {
        Cell::Text(text) => text.trim_end().to_owned(),
        Cell::Integer(number) => number.to_string(),
        Cell::Null => String::new(),
        Cell::Decimal { units, scale } => format!("{units}e-{scale}"),
    };
    batch.tables()[at].rows().map(text).collect()
}

#[test]
fn the_same_seed_gives_the_same_hospital_and_another_seed_another_one() {
    assert_eq!(manifest(hospital(60), 5_000), manifest(hospital(60), 5_000));
    let other = manifest(Hospital { seed: 8, ..hospital(60) }, 5_000);
    let same: Vec<_> = manifest(hospital(60), 5_000)
        .tables
        .into_iter()
        .filter(|(name, digest)| !name.starts_with("M_") && other.tables[name] == *digest)
        .collect();
    assert_eq!(same, []);
}

#[test]
fn shards_of_any_size_and_order_give_the_same_hospital() {
    let generator = Generator::new(hospital(60)).unwrap();
    let mut tally = Tally::new(hospital(60), generator.schema());
    for number in (1..=60).rev() {
        tally.add(&generator.patients(number, number, usize::MAX).unwrap());
    }
    tally.add(&generator.masters().unwrap());
    assert_eq!(tally.manifest(), manifest(hospital(60), 1));
    assert_eq!(tally.manifest(), manifest(hospital(60), usize::MAX));
}

#[test]
fn a_patient_does_not_depend_on_the_number_of_patients_except_for_the_share_of_results() {
    let (small, large) = (Generator::new(hospital(5)), Generator::new(hospital(500)));
    let (small, large) = (small.unwrap().truth(3), large.unwrap().truth(3));
    assert_eq!(format!("{small:?}"), format!("{large:?}"));
}

#[test]
fn laboratory_rows_meet_the_target() {
    for lab_rows in [3_000, 30_000, 120_000] {
        let wanted = Hospital { lab_rows: Some(lab_rows), ..hospital(150) };
        let rows = manifest(wanted, 20_000).tables["LAB_KEKKA"].rows;
        assert!(rows.abs_diff(lab_rows) * 100 <= lab_rows * 12, "{rows} for {lab_rows}");
    }
}

#[test]
fn a_hospital_beyond_the_limits_is_refused() {
    let too_many_rows = Hospital { lab_rows: Some(u64::MAX), ..hospital(1) };
    for refused in [hospital(0), hospital(Hospital::MAX_PATIENTS + 1), too_many_rows] {
        assert!(Generator::new(refused).is_err(), "{refused:?}");
    }
}

#[test]
fn keys_are_unique_in_every_table() {
    let generator = Generator::new(hospital(320)).unwrap();
    for batch in [generator.masters().unwrap(), whole(&generator, 320)] {
        for (table, rows) in generator.schema().tables.iter().zip(batch.tables()) {
            let key: Vec<_> = table.key.iter().map(|name| table.position(name).unwrap()).collect();
            let keys: BTreeSet<_> = rows
                .rows()
                .map(|row| key.iter().map(|at| format!("{:?}", row[*at])).collect::<Vec<_>>())
                .collect();
            assert_eq!(keys.len(), rows.len(), "{}", table.name);
        }
    }
}

#[test]
fn every_row_has_its_parent_but_for_the_recorded_orphans() {
    let generator = Generator::new(hospital(320)).unwrap();
    let batch = whole(&generator, 320);
    let masters = generator.masters().unwrap();
    let of = |table, name| column(&generator, &batch, table, name);
    let patients: BTreeSet<_> = of("PT_MST", "PT_ID").into_iter().collect();
    let mut orphans = 0;
    for table in ["PT_HOKEN", "PT_RAIIN", "PT_NYUIN", "PT_BYOMEI", "PT_ALG", "PT_KINKI"]
        .into_iter()
        .chain(["LAB_IRAI", "LAB_KANSEN", "RX_HEAD", "PT_DAICHO"])
    {
        for id in of(table, "PT_ID") {
            if !patients.contains(&id) {
                assert!(id >= orphan_id(1), "{table} {id}");
                orphans += 1;
            }
        }
    }
    let recorded = batch.defects.iter().filter(|d| d.kind == DefectKind::Orphan).count();
    assert_eq!((orphans, recorded), (9, 9));
    for (child, name, parent, key) in [
        ("LAB_KEKKA", "IRAI_NO", "LAB_IRAI", "IRAI_NO"),
        ("RX_RP", "RX_NO", "RX_HEAD", "RX_NO"),
        ("RX_YAKU", "RX_NO", "RX_RP", "RX_NO"),
        ("LAB_IRAI", "RAIIN_NO", "PT_RAIIN", "RAIIN_NO"),
        ("RX_HEAD", "NYUIN_NO", "PT_NYUIN", "NYUIN_NO"),
        ("PT_BYOMEI", "RAIIN_NO", "PT_RAIIN", "RAIIN_NO"),
    ] {
        let parents: BTreeSet<_> = of(parent, key).into_iter().collect();
        let lost: Vec<_> = of(child, name)
            .into_iter()
            .filter(|value| !value.is_empty() && !parents.contains(value))
            .collect();
        assert_eq!(lost, Vec::<String>::new(), "{child}.{name}");
    }
    for (child, name, master, key) in [
        ("PT_BYOMEI", "BYOMEI_CD", "M_BYOMEI", "BYOMEI_CD"),
        ("PT_BYOMEI_SYU", "SYU_CD", "M_SYUSYOKU", "SYU_CD"),
        ("LAB_KEKKA", "KOUMOKU_CD", "M_LAB_KOUMOKU", "KOUMOKU_CD"),
        ("LAB_KEKKA", "GISI_CD", "M_SYOKUIN", "SYOKUIN_CD"),
        ("RX_YAKU", "YAKU_CD", "M_YAKUHIN", "YAKU_CD"),
        ("RX_RP", "YOHO_CD", "M_YOHO", "YOHO_CD"),
        ("PT_ALG", "ALG_CD", "M_ALG", "ALG_CD"),
        ("PT_RAIIN", "ISI_CD", "M_SYOKUIN", "SYOKUIN_CD"),
        ("PT_RAIIN", "BASYO_CD", "M_BASYO", "BASYO_CD"),
        ("PT_NYUIN", "BASYO_CD", "M_BASYO", "BASYO_CD"),
        ("PT_NYUIN", "BYOTO_CD", "M_BYOTO", "BYOTO_CD"),
        ("PT_DAICHO", "DAICHO_CD", "M_DAICHO", "DAICHO_CD"),
    ] {
        let known: BTreeSet<_> = column(&generator, &masters, master, key).into_iter().collect();
        let lost: BTreeSet<_> = of(child, name)
            .into_iter()
            .filter(|value| !value.is_empty() && !known.contains(value))
            .collect();
        assert_eq!(lost, BTreeSet::new(), "{child}.{name}");
    }
}

#[test]
fn one_version_of_a_result_counts_and_corrections_replace_an_earlier_one() {
    let generator = Generator::new(hospital(100)).unwrap();
    let batch = whole(&generator, 100);
    let of = |name| column(&generator, &batch, "LAB_KEKKA", name);
    let mut latest: BTreeMap<(String, String), u32> = BTreeMap::new();
    for ((order, item), flag) in
        of("IRAI_NO").into_iter().zip(of("KOUMOKU_CD")).zip(of("LATEST_FLG"))
    {
        *latest.entry((order, item)).or_default() += u32::from(flag == "1");
    }
    assert!(latest.values().all(|count| *count == 1));
    let corrected = of("KEKKA_STS").iter().filter(|status| *status == "C").count();
    let superseded = batch.defects.iter().filter(|d| d.kind == DefectKind::Superseded).count();
    assert_eq!(corrected, superseded);
}

#[test]
fn nothing_is_younger_than_the_day_of_the_data() {
    let generator = Generator::new(hospital(300)).unwrap();
    let batch = whole(&generator, 300);
    let today = AS_OF.format("%Y%m%d").to_string();
    for (table, name) in [
        ("PT_RAIIN", "RAIIN_YMD"),
        ("PT_DAICHO", "TOUROKU_YMD"),
        ("PT_BYOMEI", "START_YMD"),
        ("LAB_IRAI", "SAISYU_DT"),
        ("RX_HEAD", "RX_DT"),
        ("PT_MST", "UPD_DT"),
        ("PT_RAIIN", "UPD_DT"),
        ("LAB_KEKKA", "UPD_DT"),
        ("RX_HEAD", "UPD_DT"),
    ] {
        let late = column(&generator, &batch, table, name).into_iter().find(|day| *day >= today);
        assert_eq!(late, None, "{table}.{name}");
    }
}

#[test]
fn the_demo_has_every_kind_of_defect() {
    let manifest = manifest(Hospital::demo(1), 20_000);
    let text = serde_json::to_string(&manifest.defects).unwrap();
    for kind in [
        "western_birth",
        "name_spacing",
        "variant_character",
        "astral_character",
        "full_width_phone",
        "test_patient",
        "merged_patient",
        "deleted_patient",
        "short_insurer",
        "no_insurance",
        "date_sentinel",
        "partial_date",
        "time_sentinel",
        "deleted_row",
        "cancelled_row",
        "orphan",
        "free_text",
        "unmapped_code",
        "superseded",
        "preliminary",
        "comparator",
        "full_width_result",
        "bad_specimen",
        "long_term_storage",
        "uninformed",
        "undelivered",
    ] {
        assert!(text.contains(kind), "{kind}");
    }
}

#[test]
fn the_demo_stays_as_it_is_as_long_as_the_generator_version_does() {
    let manifest = manifest(Hospital::demo(1), 20_000);
    let hash = blake3::hash(serde_json::to_string(&manifest).unwrap().as_bytes());
    let pinned = (3, "ca101d51b175223c6941c878190fd4374222c3a483858666d9f29385cfcb3b74");
    assert_eq!((GENERATOR_VERSION, hash.to_hex().as_str()), pinned, "raise GENERATOR_VERSION?");
}

#[test]
fn defects_name_rows_that_exist() {
    let generator = Generator::new(hospital(320)).unwrap();
    let batch = whole(&generator, 320);
    for (kind, table, name) in [
        (DefectKind::TestPatient, "PT_MST", "PT_ID"),
        (DefectKind::MergedPatient, "PT_MST", "PT_ID"),
        (DefectKind::TimeSentinel, "PT_RAIIN", "RAIIN_NO"),
        (DefectKind::DeletedRow, "RX_HEAD", "RX_NO"),
    ] {
        let keys: BTreeSet<_> = column(&generator, &batch, table, name).into_iter().collect();
        let mut named = batch.defects.iter().filter(|d| d.kind == kind && d.table == table);
        assert!(named.clone().count() > 0, "{kind:?}");
        assert!(named.all(|defect| keys.contains(&defect.key)), "{kind:?}");
    }
    assert_eq!((patient_id(12), duplicate_id(9)), ("0000000012".into(), "0005000009".into()));
}

#[test]
fn diabetics_have_more_glucose_and_results_agree_with_their_flags() {
    let generator = Generator::new(hospital(300)).unwrap();
    let lists = generator.lists();
    let item = lists.items.iter().position(|item| item.id == "HBA1C").unwrap();
    let (mut ill, mut well) = (Vec::new(), Vec::new());
    for number in 1..=300 {
        let patient = generator.truth(number);
        for order in &patient.orders {
            let sick = patient.problems.iter().any(|problem| {
                patient.active_on(problem, order.taken.date())
                    && lists.diseases[problem.disease].name.contains("糖尿病")
            });
            for result in order.results.iter().filter(|result| result.item == item) {
                let Measured::Number(value) = result.measured else { panic!("{result:?}") };
                assert_eq!(result.abnormal == Some('H'), value > 60, "{value}");
                if sick { ill.push(value) } else { well.push(value) }
            }
        }
    }
    let mean = |values: &[i64]| values.iter().sum::<i64>() / values.len() as i64;
    assert!(mean(&ill) > mean(&well) + 5, "{} {}", mean(&ill), mean(&well));
}

#[test]
fn code_maps_have_codes_of_the_right_shape_and_leave_some_house_codes_out() {
    let maps: BTreeMap<_, _> = code_maps().unwrap().into_iter().collect();
    let mut mapped: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut states = BTreeSet::new();
    for (file, text) in &maps {
        for row in csv::Reader::from_reader(text.as_bytes()).records() {
            let row = row.unwrap();
            let (target, code) = (&row[2], &row[3]);
            if &row[8] != "accepted" {
                states.insert(row[8].to_owned());
                assert!(code.is_empty() || !row[4].is_empty(), "{file} {row:?}");
                assert!(!row[1].is_empty(), "a house code of the lists: {row:?}");
                continue;
            }
            let right = match target {
                "receipt" if *file == "disease.csv" => code.len() == 7,
                "receipt" | "exchange" => code.len() == 4,
                "medis" => code.len() == 8 && code.bytes().all(|b| b.is_ascii_digit()),
                "icd10" => (3..=5).contains(&code.len()),
                "yj" | "generic" => code.len() == 12,
                "hot9" => code.len() == 9,
                "core" | "infection" | "jlac10" => code.len() == 17,
                "food" => code.starts_with("J9F") && code.len() == 12,
                "other" => code.starts_with("J9N") && code.len() == 12,
                "ycm" => code.starts_with("YCM") && code.len() == 15,
                "gcm" => code.starts_with("GCM") && code.len() == 15,
                "epresc" => code.len() == 16,
                "ssmix2" => code.len() == 2,
                _ => false,
            };
            assert!(right && !row[4].is_empty(), "{file} {row:?}");
            mapped.entry(file).or_default().insert(row[0].to_owned());
        }
    }
    let states: Vec<&str> = states.iter().map(String::as_str).collect();
    assert_eq!(states, ["draft", "no-map", "proposed", "rejected", "reviewed"]);
    let lists = Generator::new(hospital(1)).unwrap();
    let lists = lists.lists();
    for (file, all) in [
        ("disease.csv", lists.diseases.len()),
        ("drug.csv", lists.drugs.len()),
        ("lab.csv", lists.items.len() + lists.infections.len()),
        ("allergen.csv", lists.allergens.len()),
        ("usage.csv", lists.usages.len()),
    ] {
        let unmapped = all - mapped[file].len();
        assert!(unmapped * 20 >= all && unmapped * 2 <= all, "{file}: {unmapped} of {all}");
    }
}

#[test]
fn the_printed_schema_names_every_table_and_schema_md_is_up_to_date() {
    let yaml = schema_yaml().unwrap();
    assert!(yaml.contains("PT_MST: # "));
    assert!(
        yaml.contains("  key: [IRAI_NO, KOUMOKU_CD, GEN_NO]\n  columns:\n    IRAI_NO: char(12)\n")
    );
    assert!(yaml.contains("  indexes: [[KANA_NM], [BIRTH], [TEL]]\n"));
    let document = include_str!("../SCHEMA.md");
    assert!(document.ends_with(&schema_markdown().unwrap()), "run `schema --markdown`");
}
