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
        let digits: String =
            name.rsplit('/').next().unwrap_or(name).chars().filter(char::is_ascii_digit).collect();
        let day = NaiveDate::parse_from_str(&digits, "%Y%m%d").expect(name);
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

#[test]
fn every_drug_of_a_master_is_rechecked_after_its_updates() {
    let Some(folder) = folder() else { return };
    let full = vec!["ssk/y_ALL20240321.csv".to_owned()];
    let mut updates: Vec<String> = std::fs::read_dir(folder.join("ssk/y_delta"))
        .expect("updates")
        .map(|file| format!("ssk/y_delta/{}", file.expect("a file").file_name().to_string_lossy()))
        .collect();
    updates.sort();
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
