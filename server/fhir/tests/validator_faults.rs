//! Whatever the bytes are, the validator comes to an end, without a panic and with places inside the
//! document; and the same content in another writing gets the same findings.

use genkan_fhir::{
    validation::{Finding, Profiles, Validator, ValueSets},
    xml,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn validate(source: &[u8]) -> Vec<Finding> {
    let (profiles, value_sets) = (Profiles::default(), ValueSets::default());
    Validator::new(&profiles, &value_sets).validate(source, None, &[]).findings
}

/// Something of everything: a bundle with references, contained resources, twins, extensions,
/// narratives, choices and quantities, not all of it right.
fn bundle() -> Value {
    json!({
        "resourceType": "Bundle",
        "type": "document",
        "timestamp": "2026-08-01T10:30:00+09:00",
        "identifier": {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:1"},
        "entry": [
            {"fullUrl": "urn:uuid:1", "resource": {
                "resourceType": "Composition", "status": "final", "title": "t",
                "type": {"text": "a"}, "date": "2026-08-01", "subject": {"reference": "urn:uuid:2"},
                "author": [{"display": "x"}],
                "section": [{"entry": [{"reference": "urn:uuid:3"}]}]
            }},
            {"fullUrl": "urn:uuid:2", "resource": {
                "resourceType": "Patient", "gender": "man", "birthDate": "1999-13-01",
                "_birthDate": {"id": "b"},
                "name": [{"given": ["a", null], "_given": [null, {"id": "c"}]}],
                "text": {"status": "generated",
                    "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p onclick=\"a\">b</p></div>"}
            }},
            {"fullUrl": "urn:uuid:3", "resource": {
                "resourceType": "Observation", "status": "final",
                "contained": [{"resourceType": "Specimen", "id": "s"}],
                "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
                "valueQuantity": {"value": 1.50, "code": "/min", "system": "http://unitsofmeasure.org"},
                "specimen": {"reference": "#t"},
                "extension": [{"url": "a", "valueString": "b"}]
            }}
        ]
    })
}

/// The same with the members of every object the other way round, but for the resource type.
fn reversed(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut members: Vec<_> = object.iter().collect();
            members.reverse();
            members.sort_by_key(|(name, _)| *name != "resourceType");
            let members = members.into_iter().map(|(name, value)| (name.clone(), reversed(value)));
            Value::Object(members.collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(reversed).collect()),
        other => other.clone(),
    }
}

fn told(source: &str) -> Vec<String> {
    let mut told: Vec<String> = validate(source.as_bytes())
        .iter()
        .map(|finding| format!("{} {} {}", finding.id(), finding.expression, finding.found))
        .collect();
    told.sort();
    told
}

#[test]
fn order_and_blanks_and_xml_change_nothing() {
    let bundle = bundle();
    let plain = told(&bundle.to_string());
    assert!(plain.len() > 8, "{plain:?}");
    assert_eq!(told(&serde_json::to_string_pretty(&bundle).expect("text")), plain, "blanks");
    assert_eq!(told(&reversed(&bundle).to_string()), plain, "order");
    assert_eq!(told(&xml::from_json(&bundle).expect("XML")), plain, "XML");
}

fn check_places(source: &[u8]) {
    let lines = String::from_utf8_lossy(source).lines().count() + 1;
    for finding in validate(source) {
        let place = finding.place;
        assert!(place.line >= 1 && place.line as usize <= lines, "{}", finding.id());
        assert!(place.column >= 1, "{}", finding.id());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_bytes_are_judged(source in prop::collection::vec(any::<u8>(), 0..200)) {
        check_places(&source);
    }

    #[test]
    fn a_document_with_other_bytes_in_it_is_judged(
        is_xml: bool,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        end in any::<prop::sample::Index>(),
    ) {
        let bundle = bundle();
        let text = if is_xml { xml::from_json(&bundle).expect("XML") } else { bundle.to_string() };
        let mut source = text.into_bytes();
        for (at, byte) in changes {
            let at = at.index(source.len());
            source[at] = byte;
        }
        check_places(&source);
        source.truncate(end.index(source.len()));
        check_places(&source);
    }

    #[test]
    fn a_document_with_parts_at_other_places_is_judged(
        from in any::<prop::sample::Index>(),
        length in 1_usize..80,
        to in any::<prop::sample::Index>(),
    ) {
        let mut source = bundle().to_string().into_bytes();
        let from = from.index(source.len());
        let part = source[from..(from + length).min(source.len())].to_vec();
        let to = to.index(source.len());
        source.splice(to..to, part);
        check_places(&source);
    }
}
