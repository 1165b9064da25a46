//! Code maps against the masters of a small hospital: each finding at its cell, and what could not be
//! compared.

use genkan_mapping::codemap::{What, recheck};
use genkan_mapping::{Compared, Compiled, RuleFiles, Severity};
use genkan_masters::Store;

use super::masters::masters;
use super::places;
use super::rule_set::compiled_against;

const MAPS: &str = "
disease:
  local: {system: urn:l}
  targets:
    - {id: medis, system: http://medis.or.jp/CodeSystem/master-disease-keyNumber}
    - {id: receipt, system: http://jpfhir.jp/fhir/core/mhlw/CodeSystem/masterB-disease}
    - {id: icd10, system: http://jpfhir.jp/fhir/core/mhlw/CodeSystem/ICD10-2013-full}
    - {id: post, system: http://medis.or.jp/CodeSystem/master-disease-modKeyNumber, extension: urn:post}
  unmapped: {policy: warn}
allergen:
  local: {system: urn:l}
  targets:
    - {id: food, system: http://jpfhir.jp/fhir/core/CodeSystem/JP_JfagyFoodAllergen_CS}
    - {id: other, system: http://jpfhir.jp/fhir/core/CodeSystem/JP_JfagyNonFoodNonMedicationAllergen_CS}
    - {id: ycm, system: http://jpfhir.jp/fhir/core/CodeSystem/YCM/JP_JfagyMedicationAllergen_CS}
  unmapped: {policy: warn}
drug:
  local: {system: urn:l}
  targets:
    - {id: yj, system: http://capstandard.jp/iyaku.info/CodeSystem/YJ-code}
    - {id: hot9, system: http://medis.or.jp/CodeSystem/master-HOT9, derive: {from: yj, table: hot}}
    - {id: generic, system: http://jpfhir.jp/fhir/core/mhlw/CodeSystem/MedicationGeneralOrderCode}
  unmapped: {policy: warn}
receipt:
  local: {system: urn:l}
  targets:
    - {id: yj, system: http://capstandard.jp/iyaku.info/CodeSystem/YJ-code}
    - {id: code, system: urn:x-genkan:receipt-drug, derive: {from: yj, table: hot}}
  unmapped: {policy: warn}
usage:
  local: {system: urn:l}
  targets: [{id: u, system: urn:u}]
  unmapped: {policy: warn}
";

const HEAD: &str = "local,local_name,target,code,display,valid_from,valid_to,status\n";
const RULE: &str =
    "rule: pt\nresource: Patient\nfrom:\n  p: {table: PT, key: [ID]}\nemit: {active: true}\n";

fn files(map: &str, lines: &str) -> Vec<(String, Vec<u8>)> {
    let files = ["disease", "allergen", "drug", "receipt", "usage"].map(|name| {
        let lines = if name == map { lines } else { "" };
        (format!("codes/{name}.csv"), format!("{HEAD}{lines}").into_bytes())
    });
    let mut files = files.to_vec();
    files.push(("p.map.yaml".to_owned(), RULE.as_bytes().to_vec()));
    files.push(("codes/codemaps.yaml".to_owned(), MAPS.as_bytes().to_vec()));
    files
}

fn with(map: &str, lines: &str, masters: &Store) -> Compiled {
    compiled_against(files(map, lines), masters)
}

/// Map, lines behind the header, expected findings, a part of their texts.
const CASES: &[(&str, &str, &str, &str)] = &[
    ("disease", "A,胃炎,medis,20050001,胃炎,,,accepted", "", ""),
    // Unknown, and of another target.
    ("disease", "A,胃炎,medis,20059999,胃炎,,,accepted", "2:12 W0620", "in no loaded master"),
    ("disease", "A,胃炎,medis,8830001,胃炎,,,accepted", "2:12 W0620", "target `receipt`"),
    ("disease", "A,胃炎,medis,20059999,胃炎,,,draft", "", ""),
    // Ended while the row holds.
    (
        "disease",
        "A,旧胃炎,medis,20050003,旧胃炎,,,accepted",
        "2:13 W0621",
        "valid_to 2026-03-31, and a row from 2026-04-01 on with `20050001` 胃炎",
    ),
    ("disease", "A,旧胃炎,medis,20050003,旧胃炎,,2026-03-31,accepted", "", ""),
    ("disease", "A,旧胃炎,medis,20050003,旧胃炎,,2026-04-01,accepted", "2:13 W0621", ""),
    ("allergen", "A,乙,ycm,YCM1111001F1020,乙錠,,,accepted", "2:9 W0621", "until 2026-03-31"),
    // The display.
    ("disease", "A,胃炎,medis,20050001,胃えん,,,accepted", "2:21 W0623", "the master's is `胃炎`"),
    (
        "disease",
        "A,胃炎,medis,20050001,\u{2f1c}炎,,,accepted",
        "2:21 W0623",
        "character 1 is U+2F1C, and U+80C3 there",
    ),
    ("disease", "A,,icd10,K297,何でも,,,accepted", "", ""),
    // Several codes of one house code.
    (
        "disease",
        "A,胃炎,medis,20050001,胃炎,,,accepted\nA,胃炎,receipt,8830002,急性胃炎,,,accepted",
        "3:14 W0624",
        "`20050001` (medis, line 2) has the receipt code 8830001",
    ),
    (
        "disease",
        "A,,medis,20050001,胃炎,,2020-12-31,accepted\nA,,receipt,8830002,急性胃炎,2021-01-01,,accepted",
        "",
        "",
    ),
    (
        "disease",
        "A,,receipt,8830001,胃炎,,,accepted\nA,,icd10,K291,胃炎,,,accepted",
        "3:10 W0624",
        "K297",
    ),
    (
        "drug",
        "A,,yj,1111001F1011,甲錠,,,accepted\nA,,generic,2222001F1ZZZ,x,,,accepted",
        "3:12 W0624",
        "1111001F1ZZZ",
    ),
    // The modifiers of a name.
    (
        "disease",
        "A,急性胃炎の疑い,medis,20050002,急性胃炎,,,accepted",
        "2:17 W0628",
        "`急性胃炎` with の疑い (27000001)",
    ),
    (
        "disease",
        "A,急性胃炎の疑い,medis,20050002,急性胃炎,,,accepted\nA,急性胃炎の疑い,post,27000001,の疑い,,,accepted",
        "",
        "",
    ),
    ("disease", "A,急性胃炎の疑い,medis,20050001,胃炎,,,accepted", "", ""),
    // Systems of JFAGY.
    ("allergen", "A,蕎麦,food,J9FA19140000,そば,,,accepted", "", ""),
    ("allergen", "A,蕎麦,other,J9FA19140000,そば,,,accepted", "2:12 E0622", "target `food`"),
    ("allergen", "A,甲,ycm,GCM1111001F1ZZZ,甲,,,accepted", "2:9 E0622", "give the map a target"),
    ("allergen", "A,甲,ycm,YCM1111001F9999,甲,,,accepted", "2:9 W0620", ""),
    ("allergen", "A,,ycm,D9M000000000,医薬品ダミーコード,,,accepted", "", ""),
    // Derived codes.
    ("drug", "A,甲,yj,1111001F1011,甲錠,,,accepted", "", ""),
    ("drug", "A,,yj,1111001F1020,乙錠,,2026-03-31,accepted", "", ""),
    (
        "drug",
        "A,,yj,2222001F1115,丙錠「甲社」,,,accepted\nB,,yj,2222001F1115,丙錠「甲社」　大,,,accepted",
        "",
        "",
    ),
    ("drug", "A,,yj,1111001F1038,,,,accepted", "2:7 W0625", "100000005, 100000006"),
    ("drug", "A,,yj,1111001F1038,,,,accepted\nA,,hot9,100000005,,,,accepted", "", ""),
    ("receipt", "A,,yj,1111001F1011,,,,accepted", "", ""),
    // HOT is newer than the receipt master.
    ("receipt", "A,,yj,3333001F1010,,,,accepted", "2:7 W0620", "the `code` code `620000009`"),
    ("usage", "A,,u,1,x,,,accepted", "", ""),
];

#[test]
fn every_finding_stands_at_its_cell_and_says_what_to_do() {
    let masters = masters();
    let mut wrong = Vec::new();
    for (map, lines, expected, part) in CASES {
        let compiled = with(map, lines, &masters);
        let found = places(&compiled).join(" ");
        let expected = match *expected {
            "" => String::new(),
            expected => format!("codes/{map}.csv:{expected}"),
        };
        let texts = compiled.diagnostics.iter().map(|found| {
            let hint = found.hint.as_ref().map_or("", |hint| &hint.en);
            format!("{}; {hint}", found.message.en)
        });
        let texts = texts.collect::<Vec<_>>().join(" ");
        if found != expected || !texts.contains(part) {
            wrong.push(format!("{lines}\n  expected {expected} {part}\n  found {found} {texts}"));
        }
        for found in &compiled.diagnostics {
            let is_error = found.severity == Severity::Error;
            assert_eq!(is_error, found.code.starts_with('E'), "{}", found.code);
            assert!(!found.message.ja.is_empty());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What `rules check` says of codes that don't go together, a recheck says too, with the same codes.
#[test]
fn a_recheck_tells_codes_that_do_not_go_together() {
    let masters = masters();
    let on = "2026-05-01".parse().expect("a day");
    let mut told = 0;
    for (map, lines, ..) in CASES {
        let files = files(map, lines);
        let compiled = compiled_against(files.clone(), &masters);
        let Some(rules) = compiled.rules else { continue };
        let checked: Vec<(u32, String)> = compiled
            .diagnostics
            .iter()
            .filter(|found| found.code == "W0624")
            .map(|found| (found.span.line, found.message.en.clone()))
            .collect();
        let found = recheck(&rules, &RuleFiles(files), &masters, on);
        let rechecked: Vec<(u32, String)> = found
            .iter()
            .filter_map(|one| match &one.what {
                What::Disagrees { target, code, given } => {
                    let line = one.span.line - 1;
                    let (id, own, given) = (&one.target, &one.code, given.join(", "));
                    let text = format!(
                        "`{code}` ({target}, line {line}) has the {id} code {given} by the master, not `{own}`"
                    );
                    Some((one.span.line, text))
                }
                _ => None,
            })
            .collect();
        assert_eq!(checked, rechecked, "{lines}");
        told += rechecked.len();
    }
    assert_eq!(told, 3);
}

fn compared(compiled: &Compiled, map: &str, target: &str) -> (usize, usize, String) {
    let found = compiled.compared.iter().find(|one| one.map == map && one.target == target);
    let Compared { rows, known, unchecked, .. } = found.expect("a target");
    let reasons: Vec<String> =
        unchecked.iter().map(|(reason, count)| format!("{count} {}", reason.en)).collect();
    (*rows, *known, reasons.join("; "))
}

#[test]
fn what_can_not_be_compared_is_said_and_is_not_right() {
    let lines = "A,,yj,1111001F1011,甲錠,,,accepted\nB,,yj,9999999F9999,,,,accepted\n\
                 A,,generic,1111001F1ZZZ,,,,accepted\nB,,hot9,100000001,,,,draft";
    let nothing = with("drug", lines, &Store::default());
    let reason = "2 master hot or price-list or receipt-drug is not loaded";
    assert_eq!(compared(&nothing, "drug", "yj"), (2, 0, reason.to_owned()));
    assert_eq!(
        places(&nothing).join(" "),
        "codes/codemaps.yaml:21:77 W0626 codes/codemaps.yaml:28:61 W0626"
    );
    let loaded = with("drug", lines, &masters());
    assert_eq!(compared(&loaded, "drug", "yj"), (2, 1, String::new()));
    let reason = "1 master generic-name is not loaded";
    assert_eq!(compared(&loaded, "drug", "generic"), (1, 0, reason.to_owned()));
    assert_eq!(compared(&loaded, "drug", "hot9"), (0, 0, String::new()));
    let usage = with("usage", "A,,u,1,x,,,accepted", &masters());
    let reason = "1 there is no master of this system";
    assert_eq!(compared(&usage, "usage", "u"), (1, 0, reason.to_owned()));
    // The letters of an allergen's code need no master.
    let allergen = with("allergen", "A,,other,J9FA19140000,,,,accepted", &Store::default());
    let expected = "codes/allergen.csv:2:10 E0622 codes/codemaps.yaml:21:77 W0626 codes/codemaps.yaml:28:61 W0626";
    assert_eq!(places(&allergen).join(" "), expected);
}
