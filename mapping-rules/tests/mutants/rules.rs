//! Rules of the guide that are expressions, each broken once.

use serde_json::{Value, json};

const BUNDLE: &str = "Bundle-Bundle-CLINS-Observations-Example-01";
const PATIENT: &str = "Patient-Example-JP-Patient-eCS-MAKINO";
const DRUG: &str = "MedicationRequest-Example-JP-MedReq-PO-4timez-7days";
const LAB: &str = "Observation-Example-JP-Obs-LabResult-eCS-Alb";

const INSURED: &str = "http://jpfhir.jp/fhir/clins/Idsystem/JP_Insurance_memberID";
const USAGE: &str = "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/MedicationUsage_ePrescription";
const NO_USAGE: &str = "http://jpfhir.jp/fhir/clins/CodeSystem/JP_CLINS_MedicationUsage_Uncoded_CS";

/// An example, where it is broken, by what, and the rule that says so.
pub fn broken() -> Vec<(&'static str, &'static str, Value, &'static str)> {
    let mut rules = of_patients();
    rules.extend(of_bundles());
    rules.extend(of_entries());
    rules.extend(of_drugs());
    rules.push((LAB, "/extension", json!([{"url": "http://example.jp/x"}]), "R901101"));
    rules
}

fn of_patients() -> Vec<(&'static str, &'static str, Value, &'static str)> {
    let hospital = "urn:oid:1.2.392.100495.20.3.51.11234567890";
    vec![
        (PATIENT, "/identifier", json!([{"system": hospital, "value": "1"}]), "R1012"),
        (PATIENT, "/identifier/0/system", json!("urn:oid:1.2.392.100495.20.3.51.123"), "R1010"),
        (PATIENT, "/identifier/1/value", json!("12345:1:1:"), "R1013"),
        (
            PATIENT,
            "/identifier",
            json!([{"system": INSURED, "value": "00012345:1:1:"}, {"system": INSURED, "value": "00012345:2:2:"}]),
            "R1012",
        ),
        (PATIENT, "/name/0/text", json!("牧野　富太郎"), "R1113"),
        (PATIENT, "/name/1/text", json!("マキノ　トミタロウ"), "R1113"),
    ]
}

fn of_bundles() -> Vec<(&'static str, &'static str, Value, &'static str)> {
    vec![
        (BUNDLE, "/meta/profile", json!(["http://example.jp/other"]), "R0213"),
        (BUNDLE, "/meta/tag/0/system", json!("http://example.jp/other"), "R02141"),
        (BUNDLE, "/meta/tag/0/code", json!("MedicationRequest"), "R02142"),
        (BUNDLE, "/meta/tag/0/code", json!("Condition"), "R02143"),
        (BUNDLE, "/identifier/system", json!("http://example.jp/other"), "R02151"),
        (BUNDLE, "/identifier/value", json!("1234567890^2024"), "R2152"),
        (BUNDLE, "/identifier/value", json!("1318814790^1999^a"), "R2152"),
    ]
}

fn of_entries() -> Vec<(&'static str, &'static str, Value, &'static str)> {
    let institution =
        "http://jpfhir.jp/fhir/clins/Extension/StructureDefinition/JP_eCS_InstitutionNumber";
    let only = json!([{"url": institution, "valueIdentifier": {"value": "1318814790"}}]);
    // Without all that a diagnosis needs.
    let bare = json!({"resourceType": "Condition", "subject": {"display": "x"}});
    vec![
        (BUNDLE, "/entry/0/resource", bare.clone(), "R0211"),
        (BUNDLE, "/entry/0/resource/meta/profile", json!(["http://example.jp/other"]), "R0212"),
        (BUNDLE, "/entry/1/resource/extension", Value::Null, "R9011"),
        (BUNDLE, "/entry/1/resource/extension/0/valueIdentifier/value", json!("999"), "R9012"),
        (BUNDLE, "/entry/1/resource", bare.clone(), "R9013C"),
        (BUNDLE, "/entry/1/resource", bare, "R9014C"),
        (BUNDLE, "/entry/1/resource/contained", Value::Null, "R9013O"),
        (BUNDLE, "/entry/1/resource/extension", only, "R9014O"),
    ]
}

fn of_drugs() -> Vec<(&'static str, &'static str, Value, &'static str)> {
    let usage = "/dosageInstruction/0/timing/code/coding";
    let house = json!([{"system": "http://example.jp/house", "code": "1", "display": "x"}]);
    let both = json!([
        {"system": USAGE, "code": "1013044400000000", "display": "x"},
        {"system": NO_USAGE, "code": "0X0XXXXXXXXX0000", "display": "x"},
    ]);
    vec![
        (DRUG, "/medicationCodeableConcept/coding", house.clone(), "R3010"),
        (DRUG, usage, house, "R5020"),
        (DRUG, usage, both.clone(), "R5020"),
        (DRUG, usage, both, "R5021"),
    ]
}
