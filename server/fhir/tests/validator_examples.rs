//! The official examples of JP-CLINS under the official packages, against the expected verdicts.
//! They lie beside the repository, in `../shared`, or where `GENKAN_SHARED` says; without them these
//! tests skip.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use genkan_fhir::validation::{Finding, Package, Profiles, Report, Validator, ValueSets};
use serde_json::{Map, Value};

const PACKAGES: [&str; 2] = ["jp-core.r4-1.1.2-url.tgz", "jp-clins.r4-1.5.2-snap.tgz"];

/// Verdicts that agree, at least; it may only rise.
const AGREED_FLOOR: usize = 48;

struct Loaded {
    profiles: Profiles,
    value_sets: ValueSets,
}

fn shared() -> PathBuf {
    env::var_os("GENKAN_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    )
}

fn load(packages: &[&str]) -> Option<Loaded> {
    let (mut profiles, mut value_sets) = (Profiles::default(), ValueSets::default());
    for name in packages {
        let tgz = fs::read(shared().join("packages").join(name)).ok()?;
        let package = Package::read(&tgz).expect("a package");
        for resource in package.resources {
            if resource["resourceType"] == "StructureDefinition" {
                profiles.add(resource).expect("a url");
            } else {
                value_sets.add(&resource);
            }
        }
    }
    Some(Loaded { profiles, value_sets })
}

fn validate(loaded: &Loaded, path: &Path) -> Report {
    let source = fs::read(path).expect("the example");
    Validator::new(&loaded.profiles, &loaded.value_sets).validate(&source, None, &[])
}

#[test]
fn every_profile_of_the_official_packages_compiles() {
    for name in
        PACKAGES.iter().chain(&["jp-core.r4-1.1.2-clins.tgz", "jp-eCheckupReport.r4-snap.tgz"])
    {
        let Some(loaded) = load(&[name]) else {
            println!("skipped: no {name}");
            continue;
        };
        let errors = loaded.profiles.check();
        for error in &errors {
            println!("{name}: {error}");
        }
        assert_eq!(errors.len(), 0, "{name}: profiles that don't compile");
    }
}

#[test]
fn examples_have_the_expected_verdicts() {
    let expected = fs::read_to_string(shared().join("examples/expected.csv"));
    let (Ok(expected), Some(loaded)) = (expected, load(&PACKAGES)) else {
        println!("skipped: no {}", shared().display());
        return;
    };
    let (mut agreed, mut all) = (0, 0);
    for line in expected.lines().skip(1) {
        // The first four columns have no quotes with commas but the verdict's.
        let mut fields = line.splitn(4, ',');
        let (Some(file), Some(_), Some(_), Some(rest)) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let path = shared().join("examples/clins").join(file);
        if !path.exists() {
            continue;
        }
        let is_expected_valid = !rest.trim_start_matches('"').starts_with("INVALID");
        let report = validate(&loaded, &path);
        all += 1;
        agreed += usize::from(report.is_valid() == is_expected_valid);
        if report.is_valid() != is_expected_valid {
            println!("{file}: expected {}", rest.chars().take(60).collect::<String>());
            for finding in report.findings.iter().filter(|finding| finding.is_error()) {
                println!("    {} {} | {}", finding.id(), finding.expression, finding.english());
                for below in finding.consequences.iter().take(5) {
                    println!("        {} {} | {}", below.id(), below.expression, below.english());
                }
            }
        }
    }
    println!("{agreed} of {all} examples have the expected verdict");
    assert!(agreed >= AGREED_FLOOR, "{agreed} agree, {AGREED_FLOOR} did before");
}

/// Of how many profiles the differentials give exactly the snapshot, at least; it may only rise.
const EQUAL_SNAPSHOTS_FLOOR: usize = 133;

#[test]
fn differentials_give_the_snapshots_of_the_packages() {
    let packages = [PACKAGES[0], PACKAGES[1], "jp-eCheckupReport.r4-snap.tgz"];
    let (mut with, mut without) = (Profiles::default(), Profiles::default());
    let mut canonicals = Vec::new();
    for name in packages {
        let Ok(tgz) = fs::read(shared().join("packages").join(name)) else {
            println!("skipped: no {name}");
            return;
        };
        for mut resource in Package::read(&tgz).expect("a package").resources {
            if resource["resourceType"] == "StructureDefinition" {
                canonicals.push(resource["url"].as_str().expect("a url").to_owned());
                with.add(resource.clone()).expect("a url");
                resource.as_object_mut().expect("an object").remove("snapshot");
                without.add(resource).expect("a url");
            }
        }
    }
    canonicals.sort();
    canonicals.dedup();
    let mut equal = 0;
    for canonical in &canonicals {
        let lines = |profiles: &Profiles| match profiles.get(canonical) {
            Some(Ok(profile)) => profile.lines(),
            Some(Err(error)) => vec![error.to_string()],
            None => Vec::new(),
        };
        let (snapshot, made) = (lines(&with), lines(&without));
        equal += usize::from(snapshot == made);
        if snapshot != made && env::var_os("GENKAN_VALIDATOR_SNAPSHOTS").is_some() {
            println!("{canonical}");
            snapshot
                .iter()
                .filter(|line| !made.contains(line))
                .for_each(|line| println!("  snapshot {line}"));
            made.iter()
                .filter(|line| !snapshot.contains(line))
                .for_each(|line| println!("  made     {line}"));
        }
    }
    println!("{equal} of {} differentials give the snapshot", canonicals.len());
    assert!(equal >= EQUAL_SNAPSHOTS_FLOOR, "{equal} equal, {EQUAL_SNAPSHOTS_FLOOR} before");
}

/// One rule of a profile broken in an example: what is broken, and the example then.
struct Mutant {
    rule: String,
    expected: &'static [&'static str],
    resource: Value,
}

/// The value of `name=` in a line of a profile's rules.
fn field<'l>(line: &'l str, name: &str) -> Option<&'l str> {
    let (_, value) = line.split_once(&format!(" {name}="))?;
    Some(value.split(" ").next().unwrap_or(value))
}

/// The property that holds an element, whichever type a choice has there.
fn property(object: &Map<String, Value>, name: &str) -> Option<String> {
    let is_it = |known: &&String| {
        known.strip_prefix(name).is_some_and(|rest| {
            rest.is_empty() || rest.starts_with(|letter: char| letter.is_ascii_uppercase())
        })
    };
    object.keys().find(is_it).cloned()
}

/// Changes the first element at the path; whether there was one.
fn change(value: &mut Value, path: &[&str], with: &dyn Fn(&mut Map<String, Value>, &str)) -> bool {
    match (value, path) {
        (Value::Array(items), _) => items.iter_mut().any(|item| change(item, path, with)),
        (Value::Object(object), [name]) => match property(object, name) {
            Some(property) => {
                with(object, &property);
                true
            }
            None => false,
        },
        (Value::Object(object), [name, rest @ ..]) => match property(object, name) {
            Some(property) => change(&mut object[&property], rest, with),
            None => false,
        },
        _ => false,
    }
}

/// Breaks each rule on an element that is no slice's, once.
fn mutants(resource: &Value, lines: &[String]) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    for line in lines {
        let path = line.split(' ').next().unwrap_or_default();
        if path.contains(':') || !path.contains('.') {
            continue;
        }
        let path: Vec<&str> = path.split('.').skip(1).collect();
        let mut add = |expected, with: &dyn Fn(&mut Map<String, Value>, &str)| {
            let mut resource = resource.clone();
            if change(&mut resource, &path, with) {
                mutants.push(Mutant { rule: line.clone(), expected, resource });
            }
        };
        if field(line, "min").is_some_and(|min| min != "0") {
            // What has nothing left is empty.
            add(&["V1201", "V1007"], &|object, name| {
                object.remove(name);
            });
        }
        if field(line, "fixed").is_some_and(|value| value.starts_with('"')) {
            add(&["V1401"], &|object, name| object[name] = "other".into());
        }
        if field(line, "pattern").is_some_and(|value| value.starts_with('"')) {
            add(&["V1402"], &|object, name| object[name] = "other".into());
        }
        if field(line, "max") == Some("1") {
            add(&["V1202", "V1006"], &|object, name| {
                let item = match object[name].clone() {
                    Value::Array(items) => items[0].clone(),
                    one => one,
                };
                object[name] = vec![item.clone(), item].into();
            });
        }
    }
    mutants
}

#[test]
fn what_a_profile_asks_is_told_when_it_is_broken() {
    let Some(loaded) = load(&PACKAGES) else {
        println!("skipped: no {}", shared().display());
        return;
    };
    let Ok(folder) = fs::read_dir(shared().join("examples/clins")) else { return };
    let validator = Validator::new(&loaded.profiles, &loaded.value_sets);
    let (mut killed, mut all) = (0, 0);
    for path in folder.flatten().map(|entry| entry.path()) {
        let source = fs::read(&path).expect("the example");
        let resource: Value = serde_json::from_slice(&source).expect("JSON");
        let report = validate(&loaded, &path);
        if !report.is_valid() || resource["resourceType"] == "Bundle" {
            continue;
        }
        for canonical in &report.profiles {
            let Some(Ok(profile)) = loaded.profiles.get(canonical) else { continue };
            if profile.of_type != resource["resourceType"] {
                continue;
            }
            for mutant in mutants(&resource, &profile.lines()) {
                let source = mutant.resource.to_string();
                // Without `meta` it claims nothing any more.
                let report = validator.validate(source.as_bytes(), None, &[canonical]);
                let mut found = report.findings.iter().map(Finding::id);
                let is_killed = found.any(|id| mutant.expected.contains(&id));
                all += 1;
                killed += usize::from(is_killed);
                if !is_killed {
                    println!("{}: {} lives", path.display(), mutant.rule);
                }
            }
        }
    }
    println!("{killed} of {all} mutants killed");
    assert!(all > 100 && killed == all, "each that lives is listed above");
}
