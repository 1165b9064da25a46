//! The conformance profiles that come with Genkan: they compile for each guide, and the official
//! examples have the verdicts that they should have.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use genkan_fhir::validation::{Package, Profile, Profiles, Validator, ValueSets};
use genkan_mapping::conformance::{self, Version};
use serde_json::{Value, json};

#[test]
fn every_profile_compiles_for_every_guide() {
    let files = conformance::built_in();
    for guide in conformance::guides(&files).expect("the guides") {
        let made = conformance::read(&files, &guide.version).unwrap_or_else(|found| {
            for one in &found {
                let (name, text) = &files.0[usize::from(one.span.file)];
                let text = String::from_utf8_lossy(text);
                println!("{}", one.render(name, &text, genkan_mapping::Language::English));
            }
            panic!("{} findings", found.len());
        });
        let mut profiles = Profiles::default();
        for profile in made.profiles {
            profiles.add(profile).expect("a url");
        }
        let errors: Vec<String> = profiles.check().iter().map(ToString::to_string).collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", guide.version);
    }
}

fn shared() -> PathBuf {
    std::env::var_os("GENKAN_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), Into::into)
}

struct Loaded {
    profiles: Profiles,
    value_sets: ValueSets,
}

fn load(guide: &str) -> Loaded {
    let version = guide.parse().expect("a version");
    let made = conformance::read(&conformance::built_in(), &version).expect("the profiles");
    let (mut profiles, mut value_sets) = (Profiles::default(), ValueSets::default());
    made.profiles.into_iter().for_each(|profile| profiles.add(profile).expect("a url"));
    made.value_sets.iter().for_each(|set| assert!(value_sets.add(set)));
    Loaded { profiles, value_sets }
}

/// Examples whose verdict is another one than that of the packages, from a guide on, and why.
const OTHERWISE: [(&str, &str, bool, &str); 5] = [
    ("MedReq-ExtEye-Total1", "1.9.0", true, "R3010 warns since 1.8"),
    ("MedReq-PO-SID-28days", "1.5.3", true, "only the master of general names knows it is no code"),
    ("ErrorExample-ObsLabo-eGFR", "1.5.3", true, "the local code is asked of a Bundle (R6021)"),
    ("Bundle-CLINS-Referral-Example-01", "1.11.0", false, "a reaction needs its text since 1.11"),
    ("Obs-LabResult-eCS-Alb", "1.9.0", false, "LTS on what is no infection item: R6031 since 1.8"),
];

#[test]
fn official_examples_have_the_verdicts_that_they_should_have() {
    let Ok(expected) = std::fs::read_to_string(shared().join("examples/expected.csv")) else {
        println!("skipped: no {}", shared().display());
        return;
    };
    for guide in conformance::guides(&conformance::built_in()).expect("the guides") {
        let loaded = load(&guide.version.to_string());
        let validator = Validator::new(&loaded.profiles, &loaded.value_sets);
        let mut all = 0;
        for line in expected.lines().skip(1) {
            let fields: Vec<&str> = line.splitn(4, ',').collect();
            let [file, _, declared, verdict] = fields.as_slice() else { continue };
            let name = declared.split('|').next().unwrap_or_default();
            let area = if name.starts_with("JP_Bundle") { "clins" } else { "eCS" };
            let url = format!("http://jpfhir.jp/fhir/{area}/StructureDefinition/{name}");
            if !loaded.profiles.is_known(&url) {
                continue;
            }
            let path = shared().join("examples/clins").join(file);
            let source = std::fs::read(path).expect("the example");
            let report = validator.validate(&source, None, &[&url]);
            let mut valid = !verdict.trim_start_matches('"').starts_with("INVALID");
            for (part, since, otherwise, _) in OTHERWISE {
                let since: Version = since.parse().expect("a version");
                if file.contains(part) && since <= guide.version {
                    valid = otherwise;
                }
            }
            let errors: Vec<String> = report
                .findings
                .iter()
                .filter(|one| one.is_error())
                .map(|one| one.english())
                .collect();
            assert_eq!(report.is_valid(), valid, "{} {file}: {errors:#?}", guide.version);
            all += 1;
        }
        assert!(all >= 37, "{all} examples");
    }
}

/// What the published profiles have wrong is done on purpose, in the guides that have it wrong.
#[test]
fn what_is_wrong_in_a_guide_is_refused_as_the_service_refuses_it() {
    let path = shared().join("examples/clins/Bundle-Bundle-CLINS-Observations-Example-01.json");
    let Ok(source) = std::fs::read(&path) else {
        println!("skipped: no {}", path.display());
        return;
    };
    let bundle: Value = serde_json::from_slice(&source).expect("a Bundle");
    let versioned = |version: &str| {
        let mut bundle = bundle.clone();
        for entry in bundle["entry"].as_array_mut().expect("entries").iter_mut().skip(1) {
            let own = "http://jpfhir.jp/fhir/eCS/StructureDefinition/JP_Observation_LabResult_eCS";
            entry["resource"]["meta"]["profile"] = json!([format!("{own}|{version}")]);
        }
        bundle
    };
    let mut alone = bundle.clone();
    alone["entry"].as_array_mut().expect("entries").truncate(1);
    for (guide, document, valid, told) in [
        ("1.5.3", &bundle, true, ""),
        ("1.5.3", &versioned("1.5.3"), false, "1.5.4"),
        ("1.12.0", &versioned("1.12.0"), true, ""),
        ("1.12.0", &alone, true, "R02143: "),
    ] {
        let loaded = load(guide);
        let validator = Validator::new(&loaded.profiles, &loaded.value_sets);
        let url = "http://jpfhir.jp/fhir/clins/StructureDefinition/JP_Bundle_CLINS";
        let report = validator.validate(document.to_string().as_bytes(), None, &[url]);
        let texts: Vec<String> = report.findings.iter().map(|one| one.english()).collect();
        assert_eq!(report.is_valid(), valid, "{guide} {told}: {texts:#?}");
        assert!(texts.iter().any(|text| text.contains(told)), "{guide} {told}: {texts:#?}");
    }
}

/// What is asked of each element, by its path: to be there, not to be there, and values.
fn asked(profile: &Profile) -> BTreeSet<String> {
    let mut asked = BTreeSet::new();
    for line in profile.lines() {
        let Some((path, rest)) = line.split_once(' ') else { continue };
        let is_asked = |word: &&str| {
            word.starts_with("min=") && *word != "min=0"
                || *word == "max=0"
                || ["fixed=", "pattern="].iter().any(|start| word.starts_with(start))
        };
        asked.extend(rest.split(' ').filter(is_asked).map(|word| format!("{path} {word}")));
    }
    asked
}

/// What the package asks for and Genkan says otherwise, by the beginning of its path, and why.
const SAID_OTHERWISE: [(&str, &str); 3] = [
    ("MedicationRequest.meta.tag:lts", "1.5.3 took it away"),
    ("Observation.code.coding:coreLabo", "the masters know which code has which name"),
    ("Observation.code.coding:infectionLabo", "the same"),
];

/// The same of every slice, or of every other one: said once of all.
fn is_said_of_all(line: &str, asked: &BTreeSet<String>) -> bool {
    let Some((path, rest)) = line.split_once(' ') else { return false };
    let parts: Vec<&str> = path.split('.').collect();
    let sliced = parts.iter().enumerate().filter(|(_, part)| part.contains(':'));
    sliced.into_iter().any(|(at, part)| {
        let mut plain = parts.clone();
        plain[at] = part.split(':').next().unwrap_or_default();
        let line = format!("{} {rest}", plain.join("."));
        asked.contains(&line) || is_said_of_all(&line, asked)
    })
}

#[test]
fn the_oldest_guide_asks_what_the_official_package_asks() {
    let mut official = Profiles::default();
    for name in
        ["jp-eCheckupReport.r4-snap.tgz", "jp-core.r4-1.1.2-url.tgz", "jp-clins.r4-1.5.2-snap.tgz"]
    {
        let Ok(tgz) = std::fs::read(shared().join("packages").join(name)) else {
            println!("skipped: no {name}");
            return;
        };
        for resource in Package::read(&tgz).expect("a package").resources {
            if resource["resourceType"] == "StructureDefinition" {
                official.add(resource).expect("a url");
            }
        }
    }
    let version = "1.5.3".parse().expect("a version");
    let made = conformance::read(&conformance::built_in(), &version).expect("the profiles");
    let own = load("1.5.3");
    let mut different = Vec::new();
    for profile in made.profiles.iter().filter(|one| one["version"] == "1.5.3") {
        let url = profile["url"].as_str().expect("a url");
        let compiled = |of: &Profiles| asked(of.get(url).expect(url).expect("it compiles"));
        let (theirs, ours) = (compiled(&official), compiled(&own.profiles));
        let is_said =
            |line: &&String| SAID_OTHERWISE.iter().any(|(start, _)| line.starts_with(start));
        let name = profile["name"].as_str().unwrap_or_default();
        let told = |side: &str, line: &String| format!("{name} {side} {line}");
        let only = |one: &BTreeSet<String>, other: &BTreeSet<String>, side: &str| {
            let lines = one.difference(other);
            let lines = lines.filter(|line| !is_said(line) && !is_said_of_all(line, other));
            lines.map(|line| told(side, line)).collect::<Vec<_>>()
        };
        different.extend(only(&theirs, &ours, "theirs"));
        different.extend(only(&ours, &theirs, "ours"));
    }
    assert!(different.is_empty(), "{}\n{} differences", different.join("\n"), different.len());
}
