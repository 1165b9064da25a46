//! Code maps as large as the masters themselves, against the masters as they are published, where they
//! lie beside the repository. The expected counts were made by another program from the same files.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use genkan_mapping::RuleFiles;
use genkan_mapping::codemap::{What, recheck};
use genkan_masters::{Masters, Property, Store, read, system};

use super::rule_set::compiled_against;

const RULE: &str =
    "rule: pt\nresource: Patient\nfrom:\n  p: {table: PT, key: [ID]}\nemit: {active: true}\n";

fn folder() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/masters");
    let named = std::env::var_os("GENKAN_SHARED").map(|shared| Path::new(&shared).join("masters"));
    let folder = named.unwrap_or(beside);
    if !folder.is_dir() {
        eprintln!("skipped: {} is not there", folder.display());
        return None;
    }
    Some(folder)
}

/// The files in their order; the day stands in each name.
fn imported(folder: &Path, names: &[String]) -> Store {
    let mut masters = Masters::default();
    for (index, name) in names.iter().enumerate() {
        let bytes = std::fs::read(folder.join(name)).expect(name);
        let reading = read(name, &bytes).expect(name);
        let digits: String = name.chars().filter(char::is_ascii_digit).collect();
        let day = &digits[digits.len() - 8..];
        let day = NaiveDate::parse_from_str(day, "%Y%m%d").expect(name);
        let hash = [u8::try_from(index).expect("few"); 32];
        masters.apply(&reading, (name, hash, day)).expect(name);
    }
    Store::open(masters.pack()).expect("ours")
}

fn files(maps: &str, csv: String) -> Vec<(String, Vec<u8>)> {
    vec![
        ("codes/codemaps.yaml".to_owned(), maps.as_bytes().to_vec()),
        ("codes/m.csv".to_owned(), csv.into_bytes()),
        ("p.map.yaml".to_owned(), RULE.as_bytes().to_vec()),
    ]
}

/// The receipt drugs of 2024-03-21, and their updates.
fn drugs(folder: &Path) -> (String, Vec<String>) {
    let mut updates: Vec<String> = std::fs::read_dir(folder.join("ssk/y_delta"))
        .expect("updates")
        .map(|file| format!("ssk/y_delta/{}", file.expect("a file").file_name().to_string_lossy()))
        .collect();
    updates.sort();
    ("ssk/y_ALL20240321.csv".to_owned(), updates)
}

/// The house's list of drugs has two that were retired, as lists of hospitals have; one of them is in the
/// HOT sample.
#[test]
fn the_demo_hospital_has_drugs_that_were_retired() {
    let Some(folder) = folder() else { return };
    let (full, updates) = drugs(&folder);
    let hot = "hot/hot9_sample_20260930.csv".to_owned();
    let before = imported(&folder, &[full.clone(), hot.clone()]);
    let after = imported(&folder, &[vec![full], updates, vec![hot]].concat());
    let codes = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/demo-hospital/codes");
    let mut files = vec![("p.map.yaml".to_owned(), RULE.as_bytes().to_vec())];
    for entry in std::fs::read_dir(codes).expect("the demo's code maps") {
        let path = entry.expect("a file").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        files.push((format!("codes/{name}"), std::fs::read(&path).expect("a file")));
    }
    let told = |store: &Store| {
        let compiled = compiled_against(files.clone(), store);
        let ended: Vec<String> = compiled
            .diagnostics
            .iter()
            .filter(|found| found.code == "W0621")
            .map(|found| found.message.en.clone())
            .collect();
        (compiled.rules.expect("warnings only"), ended)
    };
    assert_eq!(told(&before).1, [""; 0]);
    let (rules, ended) = told(&after);
    for code in ["1190012F4190", "1124003F2290", "100347502", "YCM1190012F4190"] {
        let own =
            |text: &&String| text.contains(&format!("`{code}`")) && text.contains("2024-09-30");
        assert_eq!(ended.iter().filter(own).count(), 1, "{code}: {ended:#?}");
    }
    // By YJ its HOT9 code, as long as the drug was in use.
    let map = rules.code_maps.iter().find(|map| map.id == "drug").expect("the map");
    for (on, expected) in [("2024-09-30", true), ("2024-10-01", false)] {
        let segment = map.translate("D0405", Some(on.parse().expect("a day")));
        let codings = segment.map(|segment| segment.codings.as_slice()).unwrap_or_default();
        let has = codings.iter().any(|coding| {
            coding.system == system::HOT9 && coding.code == "100347502" && coding.span.is_some()
        });
        assert_eq!(has, expected, "{on}: {codings:?}");
    }
    let on = "2025-04-01".parse().expect("a day");
    let found = recheck(&rules, &RuleFiles(files), &after, on);
    // Each is a product: 1190012F4017 of the price list is that of several makers.
    let mut drugs: Vec<(&str, &str, &str)> = found
        .iter()
        .filter(|one| one.map == "drug" && matches!(one.what, What::Retired { .. }))
        .map(|one| {
            let first = one.successors.first().map_or("", |to| to.code.as_str());
            assert!(
                one.successors.iter().all(|to| &to.code[9..11] != "01"),
                "{:?}",
                one.successors
            );
            (one.local.as_str(), one.code.as_str(), first)
        })
        .collect();
    drugs.sort_unstable();
    let expected =
        [("D0401", "1190012F4190", "1190012F4025"), ("D0405", "1124003F2290", "1124003F2222")];
    assert_eq!(drugs, expected);
}

#[test]
fn every_drug_of_a_master_is_rechecked_after_its_updates() {
    let Some(folder) = folder() else { return };
    let (full, updates) = drugs(&folder);
    let full = vec![full];
    let before = imported(&folder, &full);
    let after = imported(&folder, &[full, updates].concat());
    let mut prices: Vec<String> = before
        .all(system::RECEIPT_DRUG)
        .flat_map(|known| known.concept.values(Property::PriceList).to_vec())
        .collect();
    prices.sort();
    prices.dedup();
    let mut csv = "local,target,code,status\n".to_owned();
    for price in &prices {
        let _ = writeln!(csv, "{price},yj,{price},accepted");
    }
    let maps = "m:\n  local: {system: urn:l}\n  targets:\n    \
                - {id: yj, system: http://capstandard.jp/iyaku.info/CodeSystem/YJ-code}\n    \
                - {id: generic, system: http://jpfhir.jp/fhir/core/mhlw/CodeSystem/MedicationGeneralOrderCode, \
                derive: {from: yj, table: receipt-drug}}\n  unmapped: {policy: warn}\n";
    let files = files(maps, csv);
    let mut codes = BTreeMap::new();
    let compiled = compiled_against(files.clone(), &after);
    for found in &compiled.diagnostics {
        *codes.entry(found.code).or_insert(0) += 1;
    }
    assert_eq!((prices.len(), &codes), (12_917, &BTreeMap::from([("W0621", 73)])));
    let rules = compiled.rules.expect("warnings only");
    let generic = |price: &&String| {
        let segment = rules.code_maps[0].translate(price, None);
        segment.is_some_and(|segment| segment.codings.len() == 2)
    };
    assert_eq!(prices.iter().filter(generic).count(), 5_277);
    for (store, on, retired, ending) in [
        (&before, "2025-04-01", 0, 0),
        (&after, "2025-04-01", 73, 0),
        (&after, "2024-09-30", 1, 72),
        (&after, "2024-07-31", 0, 73),
    ] {
        let on = on.parse().expect("a day");
        let found = recheck(&rules, &RuleFiles(files.clone()), store, on);
        let count = |is: fn(&What) -> bool| found.iter().filter(|one| is(&one.what)).count();
        let counts = (
            count(|what| matches!(what, What::Retired { .. })),
            count(|what| matches!(what, What::Ending { .. })),
        );
        assert_eq!((counts, found.len()), ((retired, ending), retired + ending), "{on}");
    }
}

/// A map that is made of the master itself: nothing is wrong with it, and nothing is left unchecked.
#[test]
fn a_map_that_says_what_the_master_says_has_no_finding() {
    let Some(folder) = folder() else { return };
    let names = ["ssk/b_20240601.txt", "ssk/z_20250601.txt"].map(str::to_owned);
    let store = imported(&folder, &names);
    let mut csv = "local,local_name,target,code,display,status\n".to_owned();
    let mut rows = 0;
    for known in store.all(system::DISEASE_KEY).step_by(10) {
        let (key, name) = (&known.concept.code, &known.concept.display);
        let others = [
            ("receipt", Property::Receipt),
            ("exchange", Property::Exchange),
            ("icd10", Property::Icd10),
        ];
        let of = others.iter().flat_map(|(target, property)| {
            known.concept.values(*property).iter().map(move |code| (*target, code))
        });
        for (target, code) in std::iter::once(("medis", key)).chain(of) {
            let _ = writeln!(csv, "{key},\"{name}\",{target},{code},\"{name}\",accepted");
            rows += 1;
        }
    }
    let maps = "m:\n  local: {system: urn:l}\n  targets:\n    \
                - {id: medis, system: http://medis.or.jp/CodeSystem/master-disease-keyNumber}\n    \
                - {id: receipt, system: http://jpfhir.jp/fhir/core/mhlw/CodeSystem/masterB-disease}\n    \
                - {id: exchange, system: http://medis.or.jp/CodeSystem/master-disease-exCode}\n    \
                - {id: icd10, system: http://jpfhir.jp/fhir/core/mhlw/CodeSystem/ICD10-2013-full}\n  \
                unmapped: {policy: warn}\n";
    let compiled = compiled_against(files(maps, csv), &store);
    let texts: Vec<&str> =
        compiled.diagnostics.iter().map(|found| found.message.en.as_str()).collect();
    assert!(texts.is_empty(), "{texts:#?}");
    let known: usize = compiled.compared.iter().map(|one| one.known).sum();
    assert_eq!(known, rows);
}
