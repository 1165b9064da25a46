//! References of an entry: the patient by fullUrl, everything else contained, nothing broken.

use serde_json::{Value, json};

use super::*;

const PROFILE: &str = "http://jpfhir.jp/fhir/core/StructureDefinition/JP_Practitioner";

fn practitioner(id: &str) -> Value {
    json!({
        "resourceType": "Practitioner", "id": id,
        "meta": {"versionId": "v", "lastUpdated": "2026-01-01T00:00:00Z", "profile": [PROFILE]},
        "name": [{"text": id}],
    })
}

/// A condition with these elements more, what it refers to, and the first entry after the patient.
fn condition(elements: Value, referred: Vec<Value>) -> (Value, Vec<UnitIssue>) {
    let (bundle, issues) = built(condition_unit(elements, referred));
    (bundle["entry"][1]["resource"].clone(), issues)
}

fn condition_unit(elements: Value, referred: Vec<Value>) -> Unit {
    let mut resource = good(Kind::Condition, "c1");
    for (name, value) in elements.as_object().expect("an object") {
        resource[name] = value.clone();
    }
    let mut unit = unit(Kind::Condition, vec![resource]);
    let referred = referred.into_iter().map(part);
    unit.referred = referred.map(|part| (part.name(), part)).collect();
    unit
}

/// Local ids, and that each of them is referred to and each `#id` is there.
fn contained_ids(resource: &Value) -> Vec<String> {
    let contained = resource["contained"].as_array().cloned().unwrap_or_default();
    let ids: Vec<String> =
        contained.iter().map(|one| one["id"].as_str().unwrap_or("").to_owned()).collect();
    let mut seen = Vec::new();
    super::super::links::each(resource, &mut |text| {
        seen.extend(text.strip_prefix('#').filter(|name| !name.is_empty()).map(str::to_owned));
    });
    assert!(ids.iter().all(|id| seen.contains(id)), "dom-3: {ids:?} {seen:?}");
    assert!(seen.iter().all(|name| ids.contains(name)), "broken: {ids:?} {seen:?}");
    ids
}

#[test]
fn what_can_not_travel_is_shown_by_its_display_or_left_out() {
    for (reference, kept) in [
        (json!({"reference": "Practitioner/gone", "display": "医師"}), json!({"display": "医師"})),
        (
            json!({"reference": "#gone", "type": "Practitioner", "display": "医師"}),
            json!({"type": "Practitioner", "display": "医師"}),
        ),
        (json!({"reference": "Practitioner/gone"}), Value::Null),
        (json!({"reference": "https://elsewhere.example.jp/fhir/Practitioner/1"}), Value::Null),
        (json!({"reference": "urn:uuid:b76ef6f6-f6e3-4110-9039-eee64ef6ab6a"}), Value::Null),
        (json!({"reference": "#"}), Value::Null),
        (json!({"reference": "gone", "type": "Practitioner"}), Value::Null),
    ] {
        let (resource, issues) = condition(json!({"recorder": reference.clone()}), vec![]);
        assert_eq!(resource.get("recorder").unwrap_or(&Value::Null), &kept, "{reference}");
        let codes: Vec<_> = issues.iter().map(|issue| (issue.code, &*issue.expression)).collect();
        assert_eq!(codes, [("dangling-reference", "Condition.recorder")], "{reference}");
        contained_ids(&resource);
    }
}

#[test]
fn what_becomes_empty_by_a_lost_reference_goes_too() {
    let lost = json!([{"assessment": [{"reference": "Observation/gone"}]}]);
    let (resource, issues) = condition(json!({"stage": lost}), vec![]);
    assert_eq!(resource.get("stage"), None);
    assert_eq!(issues[0].expression, "Condition.stage[0].assessment[0]");
}

#[test]
fn a_contained_resource_without_a_profile_or_with_a_flag_refuses_the_unit() {
    let mut bare = practitioner("d1");
    bare["meta"].as_object_mut().expect("meta").shift_remove("profile");
    let mut flagged = practitioner("d1");
    flagged["meta"]["tag"] = json!([{"system": FLAGS, "code": "LTS"}]);
    let recorder = json!({"recorder": {"reference": "Practitioner/d1"}});
    for (referred, expected) in [(bare, "contained-profile"), (flagged, "flag-not-allowed")] {
        assert_eq!(refused(condition_unit(recorder.clone(), vec![referred])), [expected]);
    }
}

#[test]
fn another_patient_or_a_contained_one_refuses_the_unit() {
    let elsewhere = json!({"asserter": {"reference": "Patient/p2"}});
    assert_eq!(refused(condition_unit(elsewhere, vec![])), ["other-patient"]);
    let inside = json!({
        "contained": [encounter(), {"resourceType": "Patient", "id": "patient-2"}],
        "asserter": {"reference": "#patient-2"},
    });
    assert_eq!(refused(condition_unit(inside, vec![])), ["contained-patient"]);
}

#[test]
fn a_referred_resource_travels_inside_without_version_and_time() {
    let recorder = json!({"recorder": {"reference": "Practitioner/d1", "display": "医師"}});
    let (resource, issues) = condition(recorder, vec![practitioner("d1")]);
    assert_eq!(issues, []);
    assert_eq!(contained_ids(&resource), ["encounter-1", "practitioner-2"]);
    assert_eq!(resource["recorder"], json!({"reference": "#practitioner-2", "display": "医師"}));
    assert_eq!(resource["contained"][1]["meta"], json!({"profile": [PROFILE]}));
    assert_eq!(resource["contained"][1]["name"][0]["text"], "d1");
}

#[test]
fn the_patient_of_a_contained_resource_is_the_first_entry() {
    let (bundle, _) = built(unit(Kind::Condition, vec![good(Kind::Condition, "c1")]));
    let encounter = &bundle["entry"][1]["resource"]["contained"][0];
    assert_eq!(encounter["subject"]["reference"], bundle["entry"][0]["fullUrl"]);
}

#[test]
fn two_references_to_one_resource_contain_it_once() {
    let twice = json!({
        "recorder": {"reference": "Practitioner/d1"},
        "asserter": {"reference": "#d"},
        "contained": [encounter(), {
            "resourceType": "Practitioner", "id": "d",
            "meta": {"profile": [PROFILE]}, "name": [{"text": "d1"}],
        }],
    });
    let (resource, _) = condition(twice, vec![practitioner("d1")]);
    assert_eq!(contained_ids(&resource).len(), 2);
    assert_eq!(resource["recorder"], resource["asserter"]);
}

#[test]
fn what_nothing_refers_to_is_left_out() {
    let idle = json!({"contained": [practitioner("idle"), encounter()]});
    let (resource, issues) = condition(idle, vec![]);
    assert_eq!(contained_ids(&resource), ["encounter-1"]);
    assert_eq!(issues, []);
}

#[test]
fn contained_of_contained_is_hoisted_with_names_of_its_own() {
    let organization = |name: &str| {
        json!({
            "resourceType": "Organization", "id": "o", "name": name,
            "meta": {"profile": ["http://jpfhir.jp/fhir/core/StructureDefinition/JP_Organization"]},
        })
    };
    let visit = |id: &str, name: &str| {
        let mut visit = encounter();
        visit["id"] = json!(id);
        visit["serviceProvider"] = json!({"reference": "#o"});
        visit["contained"] = json!([organization(name)]);
        visit
    };
    // Both visits call different organizations `#o`.
    let both = json!({
        "contained": [],
        "encounter": {"reference": "Encounter/e1"},
        "evidence": [{"detail": [{"reference": "Encounter/e2"}]}],
    });
    let (resource, _) = condition(both, vec![visit("e1", "甲"), visit("e2", "乙")]);
    let ids = contained_ids(&resource);
    assert_eq!(ids, ["encounter-1", "encounter-2", "organization-3", "organization-4"]);
    let contained = resource["contained"].as_array().expect("contained");
    assert!(contained.iter().all(|one| one.get("contained").is_none()), "dom-2");
    assert_eq!(contained[0]["serviceProvider"]["reference"], "#organization-3");
    assert_eq!(contained[1]["serviceProvider"]["reference"], "#organization-4");
    assert_eq!((&contained[2]["name"], &contained[3]["name"]), (&json!("甲"), &json!("乙")));
}

#[test]
fn what_only_a_contained_resource_refers_to_does_not_travel() {
    let mut visit = encounter();
    visit["id"] = json!("e1");
    visit["partOf"] = json!({"reference": "Encounter/e2"});
    visit["participant"] = json!([{"individual": {"reference": "Practitioner/d1"}}]);
    visit["diagnosis"] = json!([
        {"condition": {"reference": "Condition/c9"}, "rank": 1},
        {"condition": {"reference": "Condition/c8", "display": "胃炎"}},
    ]);
    let start = json!({"contained": [], "encounter": {"reference": "Encounter/e1"}});
    let there = || vec![visit.clone(), practitioner("d1")];
    let (resource, issues) = condition(start.clone(), there());
    assert_eq!(issues, []);
    assert_eq!(contained_ids(&resource), ["encounter-1"]);
    let contained = &resource["contained"][0];
    assert_eq!((contained.get("partOf"), contained.get("participant")), (None, None));
    // `condition` is required of a diagnosis: a rank alone says nothing.
    assert_eq!(contained["diagnosis"], json!([{"condition": {"display": "胃炎"}}]));
    let mut recorded = start;
    recorded["recorder"] = json!({"reference": "Practitioner/d1"});
    let (resource, _) = condition(recorded, there());
    assert_eq!(contained_ids(&resource).len(), 2);
    let by_visit = &resource["contained"]
        .as_array()
        .expect("contained")
        .iter()
        .find(|one| one["resourceType"] == "Encounter")
        .expect("the visit")["participant"][0]["individual"];
    assert_eq!(by_visit["reference"], resource["recorder"]["reference"]);
}

#[test]
fn a_contained_resource_refers_back_and_in_circles() {
    let mut circle = encounter();
    circle["id"] = json!("e1");
    circle["partOf"] = json!({"reference": "Encounter/e1"});
    circle["diagnosis"] = json!([{"condition": {"reference": "Condition/c1"}}]);
    let start = json!({"contained": [], "encounter": {"reference": "Encounter/e1"}});
    let (resource, issues) = condition(start, vec![circle]);
    assert_eq!(issues, []);
    assert_eq!(contained_ids(&resource), ["encounter-1"]);
    assert_eq!(resource["contained"][0]["partOf"]["reference"], "#encounter-1");
    assert_eq!(resource["contained"][0]["diagnosis"][0]["condition"]["reference"], "#");
}
