//! The public validator cases of HL7 (FHIR/fhir-test-cases) against the recorded outcomes of HL7's own
//! validator. They lie beside the repository, in `../shared/validator-cases`, or where
//! `GENKAN_SHARED` says; without them these tests skip.
//!
//! `GENKAN_VALIDATOR_CASE=name` shows one case, `=disagreements` all that aren't judged as there.

#[path = "validator_cases/excluded.rs"]
mod excluded;
#[path = "validator_cases/recorded.rs"]
mod recorded;

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
};

use excluded::EXCLUDED;
use genkan_fhir::validation::{Profiles, Validator, ValueSets, definition_from_xml};
use recorded::{as_ours, location, recorded};
use serde_json::Value;

/// Of each module: verdicts that agree, at least. What the engine reaches today; it may only rise.
const FLOORS: &[(&str, usize)] = &[
    ("bundle", 18),
    ("extensions", 19),
    ("fmt", 10),
    ("general", 33),
    ("invariants", 1),
    ("profile", 136),
    ("references", 11),
    ("sd", 1),
    ("security", 5),
    ("tx", 28),
    ("tx-advanced", 2),
    ("versions", 1),
    ("xhtml", 15),
];

/// Verdicts that agree, of a hundred.
const AGREED_MIN: usize = 98;
/// Of all error locations: twice the common ones by all of both, at least.
const LOCATION_F1_FLOOR: f64 = 0.925;

/// The domains that HL7's validator takes unknown extensions from in these cases.
const EXAMPLE_DOMAINS: &[&str] = &[
    "http://example.org",
    "https://example.org",
    "http://acme.com",
    "http://acme.org",
    "http://nema.org",
    "http://hl7.org/fhir/tools",
];

#[derive(Default)]
struct Score {
    cases: usize,
    agreed: usize,
    common: usize,
    missed: usize,
    added: usize,
}

impl Score {
    fn f1(&self) -> f64 {
        let all = 2 * self.common + self.missed + self.added;
        if all == 0 {
            return 1.0;
        }
        f64::from(u32::try_from(2 * self.common).expect("few"))
            / f64::from(u32::try_from(all).expect("few"))
    }

    /// Whether the verdicts agree.
    fn count(&mut self, theirs: &BTreeSet<String>, ours: &BTreeSet<String>) -> bool {
        let is_agreed = theirs.is_empty() == ours.is_empty();
        self.cases += 1;
        self.agreed += usize::from(is_agreed);
        self.common += theirs.intersection(ours).count();
        self.missed += theirs.difference(ours).count();
        self.added += ours.difference(theirs).count();
        is_agreed
    }

    fn add(&mut self, other: &Self) {
        self.cases += other.cases;
        self.agreed += other.agreed;
        self.common += other.common;
        self.missed += other.missed;
        self.added += other.added;
    }
}

fn folder() -> PathBuf {
    let shared = env::var_os("GENKAN_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    shared.join("validator-cases")
}

fn json(path: &Path) -> Option<Value> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// A definition that a case names, in JSON or XML.
fn definition(folder: &Path, name: &str) -> Option<Value> {
    let path = folder.join(name);
    if name.ends_with(".xml") { definition_from_xml(&fs::read(path).ok()?) } else { json(&path) }
}

fn names<'c>(case: &'c Value, field: &str) -> Vec<&'c str> {
    case[field].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

struct Run {
    locations: BTreeSet<String>,
    lines: Vec<String>,
}

fn run(folder: &Path, case: &Value, profile: Option<&Value>) -> Option<Run> {
    let file = case["file"].as_str()?;
    let source = fs::read(folder.join(file)).ok()?;
    let (mut profiles, mut value_sets) = (Profiles::default(), ValueSets::default());
    let mut loaded = names(case, "profiles");
    loaded.extend(names(case, "supporting"));
    let mut asked = None;
    if let Some(profile) = profile {
        loaded.extend(names(profile, "supporting"));
        loaded.extend(profile["source"].as_str());
    }
    let mut lines = Vec::new();
    for name in loaded {
        let Some(definition) = definition(folder, name) else {
            lines.push(format!("    can't load {name}"));
            continue;
        };
        if profile.is_some_and(|profile| profile["source"] == name) {
            asked = definition["url"].as_str().map(str::to_owned);
        }
        if profiles.add_guide(&definition) {
            continue;
        }
        if definition["resourceType"] == "StructureDefinition" {
            if let Err(error) = profiles.add(definition) {
                lines.push(format!("    {name}: {error}"));
            }
        } else {
            value_sets.add(&definition);
        }
    }
    lines.extend(profiles.check().into_iter().map(|error| format!("    {error}")));
    let mut domains: Vec<&str> = case["allowed-extension-domain"].as_str().into_iter().collect();
    if case["examples"] != Value::Bool(false) {
        domains.extend(EXAMPLE_DOMAINS);
    }
    let mut validator = Validator::new(&profiles, &value_sets).with_unknown_extensions(&domains);
    if ["security-checks", "noHtmlInMarkdown"].iter().any(|name| case[*name] == Value::Bool(true)) {
        validator = validator.refusing_html();
    }
    let asked: Vec<&str> = asked.as_deref().into_iter().collect();
    let report = validator.validate(&source, None, &asked);
    let errors = report.findings.iter().filter(|finding| finding.is_error());
    let mut locations = BTreeSet::new();
    for finding in errors {
        locations.insert(location(&finding.expression));
        let place = finding.place;
        lines.push(format!(
            "    {} {}:{} {} | {}",
            finding.id(),
            place.line,
            place.column,
            finding.expression,
            finding.english()
        ));
    }
    Some(Run { locations, lines })
}

#[test]
fn verdicts_and_places_agree_with_hl7s_validator() {
    let folder = folder();
    let Some(manifest) = json(&folder.join("manifest.json")) else {
        println!("skipped: no {}", folder.display());
        return;
    };
    let wanted = env::var("GENKAN_VALIDATOR_CASE").unwrap_or_default();
    let mut scores: BTreeMap<String, Score> = BTreeMap::new();
    // Of everything, with what can't be judged.
    let mut strict = Score::default();
    let (mut left, mut errors_left) = (BTreeMap::<&str, usize>::new(), 0);
    for case in manifest["test-cases"].as_array().expect("cases") {
        let name = case["name"].as_str().expect("a name");
        let module = case["module"].as_str().expect("a module");
        let with_profile = case.get("profile").filter(|profile| profile["java"].is_string());
        let base = case["java"].as_str().map(|java| ("base", java, None));
        let profile = with_profile
            .and_then(|profile| Some(("profile", profile["java"].as_str()?, Some(profile))));
        for (kind, java, profile) in base.into_iter().chain(profile) {
            let Some(theirs) = recorded(&folder, java) else { continue };
            let Some(ours) = run(&folder, case, profile) else { continue };
            let all = as_ours(&theirs.locations | &theirs.left_out, &ours.locations);
            strict.count(&all, &ours.locations);
            let reason = EXCLUDED
                .iter()
                .find(|(of, run, _)| *of == name && (*run == "*" || *run == kind))
                .map(|(_, _, reason)| *reason);
            let left_out = as_ours(theirs.left_out, &ours.locations);
            let locations = &ours.locations - &left_out;
            let is_terminology =
                theirs.locations.is_empty() && !left_out.is_empty() && locations.is_empty();
            if let Some(reason) = reason.or(is_terminology.then_some(excluded::TERMINOLOGY)) {
                *left.entry(reason).or_default() += 1;
                continue;
            }
            let theirs = as_ours(theirs.locations, &locations);
            let is_agreed = scores.entry(module.to_owned()).or_default().count(&theirs, &locations);
            errors_left += left_out.len();
            let is_all = wanted == "all" && theirs != locations;
            if wanted == name || is_all || (wanted == "disagreements" && !is_agreed) {
                let file = case["file"].as_str().unwrap_or_default();
                println!("{module}/{name} ({kind}, {file})\n  HL7: {theirs:?}\n  Genkan:");
                ours.lines.iter().for_each(|line| println!("{line}"));
            }
        }
    }
    let mut total = Score::default();
    println!(
        "{:14} {:>6} {:>7} {:>6} {:>9} {:>6} {:>5}",
        "module", "cases", "agreed", "common", "missed", "added", "F1"
    );
    for (module, score) in &scores {
        print_score(module, score);
        total.add(score);
    }
    print_score("all", &total);
    print_score("+ left out", &strict);
    println!("left out: {} runs, {errors_left} errors of others", left.values().sum::<usize>());
    left.iter().for_each(|(reason, runs)| println!("  {runs:>3}  {reason}"));
    for (module, floor) in FLOORS {
        let agreed = scores.get(*module).map_or(0, |score| score.agreed);
        assert!(agreed >= *floor, "{module}: {agreed} verdicts agree, {floor} did before");
    }
    assert!(total.agreed * 100 >= total.cases * AGREED_MIN, "{} of {}", total.agreed, total.cases);
    assert!(total.f1() >= LOCATION_F1_FLOOR, "locations: F1 {:.3}", total.f1());
}

fn print_score(module: &str, score: &Score) {
    let Score { cases, agreed, common, missed, added } = score;
    println!(
        "{module:14} {cases:>6} {agreed:>7} {common:>6} {missed:>9} {added:>6} {:>5.3}",
        score.f1()
    );
}
