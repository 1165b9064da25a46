//! Definitions and documents that multiply work: profiles that refer to each other, expressions that
//! repeat themselves, patterns, names. Each comes to an end, with the right verdict or with a limit that
//! is told. Nothing here is timed: what isn't bounded would not come back.

use std::io::Write as _;

use genkan_fhir::validation::{Finding, Package, Profiles, Report, Validator, ValueSets};
use serde_json::{Value, json};

fn profile(name: &str, of_type: &str, elements: &Value) -> Value {
    json!({
        "resourceType": "StructureDefinition", "url": format!("http://example.jp/{name}"),
        "name": name, "status": "active", "kind": "resource", "abstract": false, "type": of_type,
        "baseDefinition": format!("http://hl7.org/fhir/StructureDefinition/{of_type}"),
        "derivation": "constraint", "differential": {"element": elements}
    })
}

fn judge(definitions: &[Value], document: &Value, asked: &[&str]) -> Report {
    let (mut profiles, value_sets) = (Profiles::default(), ValueSets::default());
    for definition in definitions {
        profiles.add(definition.clone()).expect("a url");
    }
    Validator::new(&profiles, &value_sets).validate(document.to_string().as_bytes(), None, asked)
}

fn ids(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(Finding::id).collect()
}

fn count(findings: &[Finding]) -> usize {
    findings.iter().map(|one| 1 + count(&one.consequences)).sum()
}

/// Lists, each of which refers to `onward` others; every item must be such a list.
fn lists(count: usize, onward: usize) -> Value {
    let entry = |at: usize| {
        let items = (1..=onward).map(|step| {
            let next = (at * onward + step) % count;
            json!({"item": {"reference": format!("List/l{next}")}})
        });
        json!({"fullUrl": format!("http://example.jp/List/l{at}"), "resource": {
            "resourceType": "List", "id": format!("l{at}"), "status": "current", "mode": "working",
            "meta": {"profile": ["http://example.jp/list"]}, "entry": items.collect::<Vec<_>>()}})
    };
    let entries: Vec<Value> = (0..count).map(entry).collect();
    json!({"resourceType": "Bundle", "type": "collection", "entry": entries})
}

fn list_of_lists() -> Value {
    let item = json!({"id": "List.entry.item", "path": "List.entry.item", "type": [
        {"code": "Reference", "targetProfile": ["http://example.jp/list"]}]});
    let title = json!({"id": "List.title", "path": "List.title", "max": "0"});
    profile("list", "List", &json!([title, item]))
}

#[test]
fn resources_that_refer_to_each_other_in_circles_are_judged_once() {
    for (number, onward) in [(10, 1), (12, 3), (12, 11)] {
        let report = judge(&[list_of_lists()], &lists(number, onward), &[]);
        assert_eq!(ids(&report.findings), [""; 0], "{number} lists, {onward} onward");
    }
}

#[test]
fn what_is_wrong_in_a_circle_is_told_of_all_that_lead_to_it() {
    let mut bundle = lists(6, 2);
    bundle["entry"][5]["resource"]["title"] = json!("x");
    let report = judge(&[list_of_lists()], &bundle, &[]);
    // All six lead to it: its own fault, and one in each reference.
    assert!(ids(&report.findings).contains(&"V1202"), "{:?}", ids(&report.findings));
    assert_eq!(ids(&report.findings).iter().filter(|id| **id == "V1605").count(), 12);
}

#[test]
fn profiles_too_deep_in_each_other_are_a_limit_that_is_told_once() {
    let report = judge(&[list_of_lists()], &lists(400, 3), &[]);
    assert!(!report.is_valid());
    let limits = report.findings.iter().filter(|one| one.id() == "V2104").count();
    assert_eq!((limits, count(&report.findings)), (1, 1), "{:?}", ids(&report.findings));
}

/// A bundle in a bundle, and slices of which each item must be such a bundle again.
#[test]
fn slices_that_ask_for_their_own_profile_come_to_an_end() {
    let mut elements = vec![json!({"id": "Bundle.entry", "path": "Bundle.entry", "slicing": {
        "discriminator": [{"type": "profile", "path": "resource"}], "rules": "closed"}})];
    for slice in ["a", "b", "c"] {
        let id = format!("Bundle.entry:{slice}");
        elements.push(json!({"id": id, "path": "Bundle.entry", "sliceName": slice}));
        elements.push(json!({"id": format!("{id}.resource"), "path": "Bundle.entry.resource",
            "type": [{"code": "Bundle", "profile": ["http://example.jp/bundle"]}]}));
    }
    let definition = profile("bundle", "Bundle", &json!(elements));
    let mut bundle = json!({"resourceType": "Bundle", "type": "collection"});
    for _ in 0..8 {
        let entry = json!({"resource": bundle});
        bundle = json!({"resourceType": "Bundle", "type": "collection", "entry": [entry, entry]});
    }
    let report = judge(&[definition], &bundle, &["http://example.jp/bundle"]);
    assert!(!report.is_valid());
    assert!(count(&report.findings) <= 2_002, "{}", count(&report.findings));
}

#[test]
fn bases_that_go_round_in_a_circle_are_no_profile() {
    let mut one = profile("one", "Patient", &json!([{"id": "Patient", "path": "Patient"}]));
    let mut other = profile("other", "Patient", &json!([{"id": "Patient", "path": "Patient"}]));
    one["baseDefinition"] = json!("http://example.jp/other");
    other["baseDefinition"] = json!("http://example.jp/one");
    let mut profiles = Profiles::default();
    profiles.add(one.clone()).expect("a url");
    profiles.add(other.clone()).expect("a url");
    assert_eq!(profiles.check().len(), 2);
    let patient = json!({"resourceType": "Patient"});
    let report = judge(&[one, other], &patient, &["http://example.jp/one"]);
    assert_eq!(ids(&report.findings), ["V2101"]);
}

fn with_rule(path: &str, expression: &str) -> Value {
    let rule = json!([{"key": "x-1", "severity": "error", "human": "x", "expression": expression}]);
    profile("rule", "Patient", &json!([{"id": path, "path": path, "constraint": rule}]))
}

#[test]
fn expressions_that_multiply_are_stopped_and_told() {
    let names: Vec<Value> = (0..300).map(|at| json!({"text": format!("n{at}")})).collect();
    let patient = json!({"resourceType": "Patient", "name": names});
    let bombs = [
        ("Patient", "(1 | 2).repeat($this + 1).count() > 0"),
        (
            "Patient",
            "%resource.descendants().select(%resource.descendants().select(%resource.descendants().count())).count() > 0",
        ),
        // On each of the names: no single one is the trouble.
        (
            "Patient.name",
            "%resource.descendants().select(%resource.descendants().count()).count() > 0",
        ),
    ];
    for (path, expression) in bombs {
        let report = judge(&[with_rule(path, expression)], &patient, &["http://example.jp/rule"]);
        let told = ids(&report.findings);
        assert!(told.contains(&"V1703"), "{expression}: {told:?}");
        // Rules that nobody looked at any more could be broken.
        assert_eq!(report.is_valid(), path == "Patient", "{expression}: {told:?}");
    }
}

#[test]
fn patterns_that_explode_are_refused_or_harmless() {
    let patient = json!({"resourceType": "Patient", "name": [{"text": "a".repeat(50_000)}]});
    let asked = ["http://example.jp/rule"];
    let large = with_rule("Patient", "name.text.matches('(((a{1,100}){1,100}){1,100}){1,100}')");
    assert_eq!(ids(&judge(&[large], &patient, &asked).findings), ["V2101"]);
    let back = with_rule("Patient", "name.text.all(matches('^(a*)*(a|a)*(.*)*b$'))");
    assert_eq!(ids(&judge(&[back], &patient, &asked).findings), ["V1701"]);
    for nested in [
        format!("{}true{}", "(".repeat(20_000), ")".repeat(20_000)),
        format!("{}1 = 1", "-".repeat(20_000)),
        format!("true{}", " and true".repeat(100_000)),
    ] {
        let report = judge(&[with_rule("Patient", &nested)], &patient, &asked);
        assert_eq!(ids(&report.findings), ["V2101"]);
    }
}

#[test]
fn one_line_of_many_faults_has_a_place_for_each() {
    let names: Vec<Value> = (0..5_000).map(|_| json!({"text": "山", "use": "zz"})).collect();
    let patient = json!({"resourceType": "Patient", "name": names}).to_string();
    let (profiles, value_sets) = (Profiles::default(), ValueSets::default());
    let report = Validator::new(&profiles, &value_sets).validate(patient.as_bytes(), None, &[]);
    let wrong: Vec<u32> = report
        .findings
        .iter()
        .filter(|one| one.id() == "V1501")
        .map(|one| one.place.column)
        .collect();
    assert_eq!(wrong.len(), 1_000);
    // The same number of characters between any two.
    let first = patient.chars().collect::<Vec<_>>();
    assert!(wrong.windows(2).all(|pair| pair[1] - pair[0] == wrong[1] - wrong[0]));
    let at = usize::try_from(wrong[999]).expect("small") - 1;
    assert_eq!(first[at..at + 4].iter().collect::<String>(), "\"zz\"");
}

#[test]
fn prefixes_without_end_are_refused() {
    let prefixes: String =
        (0..10_000).map(|at| format!(" xmlns:a{at}=\"http://hl7.org/fhir\"")).collect();
    let document =
        format!("<Patient xmlns=\"http://hl7.org/fhir\"{prefixes}><a9:id value=\"a\"/></Patient>");
    let (profiles, value_sets) = (Profiles::default(), ValueSets::default());
    let report = Validator::new(&profiles, &value_sets).validate(document.as_bytes(), None, &[]);
    assert_eq!(ids(&report.findings), ["V2003"]);
}

/// A tar of one file, packed.
fn tgz(name: &str, content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.as_gnu_mut().expect("gnu").name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_size(content.len() as u64);
    header.set_cksum();
    let mut archive = tar::Builder::new(Vec::new());
    archive.append(&header, content).expect("appended");
    pack(&archive.into_inner().expect("a tar"))
}

fn pack(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).expect("written");
    packed.finish().expect("packed")
}

#[test]
fn packages_that_are_broken_are_refused() {
    let manifest = br#"{"name": "a", "version": "1"}"#;
    let sound = tgz("package/package.json", manifest);
    assert!(Package::read(&sound).is_ok());
    for end in 0..sound.len() {
        assert!(Package::read(&sound[..end]).is_err(), "cut at {end} of {}", sound.len());
    }
    for at in sound.len() - 8..sound.len() {
        let mut flipped = sound.clone();
        flipped[at] ^= 1;
        assert!(Package::read(&flipped).is_err(), "another byte at {at}");
    }
    for name in ["../package/package.json", "/package/package.json", "package/../package.json"] {
        assert!(Package::read(&tgz(name, manifest)).is_err(), "{name}");
    }
    // Nothing but zeros: an archive that ends, with nothing in it.
    assert!(Package::read(&pack(&vec![0; 8 * 1024 * 1024])).is_err());
    let bomb = tgz("package/a.json", &vec![b' '; 65 * 1024 * 1024]);
    assert!(bomb.len() < 1024 * 1024);
    assert!(Package::read(&bomb).is_err_and(|error| error.to_string().contains("more than")));
}
