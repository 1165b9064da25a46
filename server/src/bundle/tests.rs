//! The Bundle from hand-made resources, and from a small hospital in memory.

pub mod collected;
mod references;

use std::collections::BTreeMap;

use chrono::FixedOffset;
use serde_json::{Value, json};

use super::kind::Kind;
use super::{BYTES_MAX, NoBundle, Part, Places, Unit, UnitIssue, build};

const INSTITUTION_NUMBER: &str =
    "http://jpfhir.jp/fhir/clins/Extension/StructureDefinition/JP_eCS_InstitutionNumber";
const DEPARTMENT: &str =
    "http://jpfhir.jp/fhir/eCS/Extension/StructureDefinition/JP_eCS_Department";
const FLAGS: &str = "http://jpfhir.jp/fhir/clins/CodeSystem/JP_ehrshrs_indication";

fn part(resource: Value) -> Part {
    let Value::Object(resource) = resource else { panic!("no object") };
    let places = Places { rule: "a.map.yaml:1".to_owned(), elements: Vec::new() };
    Part { resource, places: places.into() }
}

fn patient() -> Value {
    json!({
        "resourceType": "Patient", "id": "p1",
        "meta": {
            "versionId": "v", "lastUpdated": "2026-01-01T00:00:00+09:00",
            "profile": ["http://jpfhir.jp/fhir/eCS/StructureDefinition/JP_Patient_eCS"],
        },
        "identifier": [{
            "system": "http://jpfhir.jp/fhir/clins/Idsystem/JP_Insurance_memberID",
            "value": "00012345:あいう:１８７:05",
        }],
    })
}

fn encounter() -> Value {
    json!({
        "resourceType": "Encounter", "id": "encounter-1",
        "meta": {"profile": ["http://jpfhir.jp/fhir/core/StructureDefinition/JP_Encounter"]},
        "status": "finished",
        "subject": {"reference": "Patient/p1"},
    })
}

/// A resource of the kind that nothing stands against.
fn good(kind: Kind, id: &str) -> Value {
    let mut resource = json!({
        "resourceType": kind.resource_type(), "id": id,
        "meta": {
            "versionId": "v", "lastUpdated": "2026-02-03T04:05:06+09:00",
            "profile": [kind.profile()],
        },
        kind.subject(): {"reference": "Patient/p1"},
    });
    if kind.needs_encounter_and_department() {
        resource["extension"] =
            json!([{"url": DEPARTMENT, "valueCodeableConcept": {"text": "内科"}}]);
        resource["encounter"] = json!({"reference": "#encounter-1"});
        resource["contained"] = json!([encounter()]);
    }
    if kind == Kind::Condition {
        resource["onsetDateTime"] = json!("2025-01-01");
    }
    resource
}

fn unit(kind: Kind, resources: Vec<Value>) -> Unit {
    Unit {
        kind,
        institution_no: "1312345670".to_owned(),
        year: 2026,
        unique: [7; 16],
        zone: FixedOffset::east_opt(9 * 3600).expect("an offset"),
        patient: part(patient()),
        resources: resources.into_iter().map(part).collect(),
        referred: BTreeMap::new(),
        issues: Vec::new(),
        bytes_max: BYTES_MAX,
    }
}

fn built(unit: Unit) -> (Value, Vec<UnitIssue>) {
    let built = build(unit).expect("a Bundle");
    (serde_json::from_slice(&built.json).expect("JSON"), built.issues)
}

/// Codes of the errors of a refused unit.
fn refused(unit: Unit) -> Vec<&'static str> {
    match build(unit) {
        Err(NoBundle::Refused(issues)) => {
            issues.iter().filter(|issue| issue.is_error()).map(|issue| issue.code).collect()
        }
        other => panic!("{other:?}"),
    }
}

fn keys(value: &Value) -> Vec<&str> {
    let object = value.as_object().map(|object| object.keys().map(String::as_str).collect());
    object.unwrap_or_default()
}

#[test]
fn nothing_makes_no_bundle() {
    for kind in Kind::ALL {
        assert!(
            matches!(build(unit(kind, vec![])), Err(NoBundle::NothingToRegister(k)) if k == kind)
        );
    }
}

/// A JSON pointer, and what stands there instead of what was good; null takes it away.
fn altered(kind: Kind, pointer: &str, value: Value) -> Value {
    let mut resource = good(kind, "r1");
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    let parent = resource.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object");
    match value {
        Value::Null => assert!(parent.shift_remove(name).is_some(), "{pointer}"),
        value => {
            parent.insert(name.to_owned(), value);
        }
    }
    resource
}

#[test]
fn one_resource_with_an_error_refuses_the_unit() {
    use Kind::{Allergy, Condition, Observation};
    let flag = |code: &str| json!([{"system": FLAGS, "code": code}]);
    let institution =
        |value: &str| json!([{"url": INSTITUTION_NUMBER, "valueIdentifier": {"value": value}}]);
    let versioned = json!([{
        "resourceType": "Encounter", "id": "encounter-1",
        "meta": {"profile": ["http://jpfhir.jp/fhir/core/StructureDefinition/JP_Encounter|1.1"]},
    }]);
    let twice = json!([{"system": FLAGS, "code": "LTS"}, {"system": FLAGS, "code": "LTS"}]);
    let selected = json!([{"system": FLAGS, "code": "LTS", "userSelected": true}]);
    for (kind, pointer, value, expected) in [
        (Condition, "/extension", Value::Null, "no-department"),
        (Observation, "/extension", Value::Null, "no-department"),
        (Condition, "/encounter", Value::Null, "no-encounter"),
        (Observation, "/encounter", Value::Null, "no-encounter"),
        (Observation, "/contained", versioned, "no-encounter"),
        (Condition, "/onsetDateTime", Value::Null, "no-onset"),
        (Condition, "/meta/lastUpdated", Value::Null, "no-last-updated"),
        (Allergy, "/meta/profile", Value::Null, "wrong-profile"),
        (Allergy, "/meta/profile", json!([Condition.profile()]), "wrong-profile"),
        (Allergy, "/patient", Value::Null, "no-patient"),
        (Allergy, "/patient/reference", json!("Patient/p2"), "other-patient"),
        (Allergy, "/extension", institution("9912345670"), "bad-institution-number"),
        (Allergy, "/meta/tag", flag("UNINFORMED"), "flag-not-allowed"),
        (Observation, "/meta/tag", flag("UNDELIVERED"), "flag-not-allowed"),
        (Condition, "/meta/tag", flag("LATER"), "flag-not-allowed"),
        (Condition, "/meta/tag", twice, "flag-not-allowed"),
        (Condition, "/meta/tag", selected, "flag-not-allowed"),
    ] {
        let unit = unit(kind, vec![good(kind, "r0"), altered(kind, pointer, value)]);
        assert!(refused(unit).contains(&expected), "{kind:?} {pointer} {expected}");
    }
}

#[test]
fn an_identifier_that_the_service_refuses_is_refused_here() {
    for (institution_no, year, expected) in [
        ("131234567", 2026, "bad-institution-number"),
        ("1392345670", 2026, "bad-institution-number"),
        ("1312345670", 2019, "bad-year"),
        ("1312345670", 2040, "bad-year"),
        ("1312345670", 0, "bad-year"),
    ] {
        let mut unit = unit(Kind::Allergy, vec![good(Kind::Allergy, "a")]);
        (unit.institution_no, unit.year) = (institution_no.to_owned(), year);
        assert_eq!(refused(unit), [expected], "{institution_no} {year}");
    }
}

#[test]
fn a_patient_of_another_profile_refuses_the_unit() {
    let mut unit = unit(Kind::Allergy, vec![good(Kind::Allergy, "a")]);
    let mut patient = patient();
    patient["meta"]["profile"] =
        json!(["http://jpfhir.jp/fhir/core/StructureDefinition/JP_Patient"]);
    patient["meta"]["tag"] = json!([{"system": FLAGS, "code": "LTS"}]);
    unit.patient = part(patient);
    assert_eq!(refused(unit), ["wrong-profile", "flag-not-allowed"]);
}

#[test]
fn every_problem_is_told_at_once() {
    let mut bare = good(Kind::Condition, "c1");
    for name in ["extension", "encounter", "onsetDateTime"] {
        bare.as_object_mut().expect("an object").shift_remove(name);
    }
    let unit = unit(Kind::Condition, vec![bare.clone(), bare]);
    let once = ["no-department", "no-encounter", "no-onset"];
    assert_eq!(refused(unit), [once, once].concat());
}

#[test]
fn the_limit_is_on_the_very_bytes() {
    let of = |bytes_max: usize| {
        let unit = unit(Kind::Allergy, vec![good(Kind::Allergy, "a")]);
        build(Unit { bytes_max, ..unit })
    };
    let bytes = of(BYTES_MAX).expect("a Bundle").json.len();
    assert_eq!(of(bytes).expect("a Bundle").json.len(), bytes);
    match of(bytes - 1) {
        Err(NoBundle::TooLarge { bytes: found, bytes_max }) => {
            assert_eq!((found, bytes_max), (bytes, bytes - 1));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_bundle_is_the_patient_and_resources_of_one_type() {
    for kind in Kind::ALL {
        let (bundle, issues) = built(unit(kind, vec![good(kind, "r2"), good(kind, "r1")]));
        assert_eq!(issues, []);
        assert_eq!(bundle["resourceType"], "Bundle");
        assert_eq!(bundle["type"], "collection");
        assert_eq!(bundle["identifier"]["system"], super::identifier::SYSTEM);
        assert_eq!(bundle["meta"]["profile"], json!([super::PROFILE]));
        let tag = json!([{"system": super::TYPE_TAG_SYSTEM, "code": kind.resource_type()}]);
        assert_eq!(bundle["meta"]["tag"], tag);
        let entries = bundle["entry"].as_array().expect("entries");
        let of = |name: &str| -> Vec<&Value> {
            entries.iter().map(|entry| &entry["resource"][name]).collect()
        };
        let types = ["Patient", kind.resource_type(), kind.resource_type()];
        assert_eq!(of("resourceType"), types);
        assert_eq!(of("id"), ["p1", "r2", "r1"], "the order is the one given");
        for entry in entries {
            assert_eq!(keys(entry), ["fullUrl", "resource"]);
            assert!(entry["resource"]["meta"].get("versionId").is_none());
            let url = entry["fullUrl"].as_str().expect("a URL");
            assert_eq!(entries.iter().filter(|other| other["fullUrl"] == url).count(), 1);
        }
        for entry in &entries[1..] {
            assert_eq!(entry["resource"][kind.subject()]["reference"], entries[0]["fullUrl"]);
        }
    }
}

#[test]
fn times_are_of_the_newest_row_to_the_millisecond_in_the_zone_of_the_site() {
    let mut newest = good(Kind::Allergy, "b");
    newest["meta"]["lastUpdated"] = json!("2026-02-03T00:00:00.25Z");
    let resources = vec![good(Kind::Allergy, "a"), newest, good(Kind::Allergy, "c")];
    let (bundle, _) = built(unit(Kind::Allergy, resources));
    assert_eq!(bundle["timestamp"], "2026-02-03T09:00:00.250+09:00");
    assert_eq!(bundle["meta"]["lastUpdated"], bundle["timestamp"]);
}

#[test]
fn the_institution_number_of_the_site_is_added_where_the_rules_write_none() {
    let own = json!({"url": INSTITUTION_NUMBER, "valueIdentifier": {"value": "1330000001"}});
    let mut with_own = good(Kind::Allergy, "a");
    with_own["extension"] = json!([own]);
    let (bundle, _) = built(unit(Kind::Allergy, vec![with_own, good(Kind::Allergy, "b")]));
    let value = |index: usize| &bundle["entry"][index]["resource"]["extension"];
    assert_eq!(value(0), &Value::Null, "the patient needs none");
    assert_eq!(value(1), &json!([own]));
    assert_eq!(value(2)[0]["valueIdentifier"]["value"], "1312345670");
}

#[test]
fn flags_travel_as_the_resource_carries_them_and_none_is_added() {
    let tags = json!([{"system": FLAGS, "code": "LTS"}, {"system": FLAGS, "code": "UNINFORMED"}]);
    let mut flagged = good(Kind::Condition, "a");
    flagged["meta"]["tag"] = tags.clone();
    let (bundle, _) = built(unit(Kind::Condition, vec![flagged, good(Kind::Condition, "b")]));
    assert_eq!(bundle["entry"][1]["resource"]["meta"]["tag"], tags);
    assert_eq!(bundle["entry"][2]["resource"]["meta"].get("tag"), None);
}

#[test]
fn the_same_unit_makes_the_same_bytes_and_numbers_keep_their_digits() {
    let text = r#"{"value":1.500,"unit":"mg/dL"}"#;
    let make = || {
        let mut result = good(Kind::Observation, "o");
        result["valueQuantity"] = serde_json::from_str(text).expect("JSON");
        build(unit(Kind::Observation, vec![result])).expect("a Bundle").json
    };
    assert_eq!(make(), make());
    let json = String::from_utf8(make()).expect("UTF-8");
    assert!(json.contains(text), "{json}");
    assert!(!json.contains('\n'));
}

#[test]
fn warnings_of_rows_do_not_refuse_the_unit_and_are_handed_on() {
    let mut unit = unit(Kind::Allergy, vec![good(Kind::Allergy, "a")]);
    let mut issue = UnitIssue::of_unit("unmapped", "AllergyIntolerance.code", Default::default());
    issue.severity = genkan_mapping::emit::IssueSeverity::Warning;
    unit.issues = vec![issue.clone()];
    assert_eq!(built(unit).1, [issue]);
}

/// Official examples of the profile, where they are.
#[test]
fn a_bundle_has_the_elements_of_the_official_example() {
    let folder = std::env::var("GENKAN_TEST_EXAMPLES").map_or_else(
        |_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/examples").into(),
        std::path::PathBuf::from,
    );
    let file = folder.join("clins/Bundle-Bundle-CLINS-Observations-Example-01.json");
    let Ok(text) = std::fs::read_to_string(&file) else {
        eprintln!("skipped: no official examples at {}", folder.display());
        return;
    };
    let example: Value = serde_json::from_str(&text).expect("JSON");
    let sorted = |value: &Value| {
        let mut keys: Vec<String> = keys(value).into_iter().map(str::to_owned).collect();
        // An example has a name of its own in the guide.
        keys.retain(|key| key != "id");
        keys.sort_unstable();
        keys
    };
    let (bundle, _) = built(unit(Kind::Observation, vec![good(Kind::Observation, "o")]));
    for pointer in ["", "/meta", "/meta/tag/0", "/identifier", "/entry/0", "/entry/1"] {
        let (ours, theirs) = (bundle.pointer(pointer), example.pointer(pointer));
        let (ours, theirs) = (ours.expect("ours"), theirs.expect("theirs"));
        assert_eq!(sorted(ours), sorted(theirs), "{pointer}");
    }
    for pointer in ["/entry/0/resource/meta", "/entry/1/resource/meta"] {
        let (ours, theirs) = (bundle.pointer(pointer), example.pointer(pointer));
        assert_eq!(sorted(ours.expect("ours")), sorted(theirs.expect("theirs")), "{pointer}");
    }
}
