//! Whatever the bytes are, the validator comes to an end, without a panic and with places inside the
//! document; and the same content in another writing gets the same findings.

use std::{
    fs,
    path::{Path, PathBuf},
};

use genkan_fhir::{
    validation::{Finding, Package, Profiles, Validator, ValueSets},
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

/// The same of every official example under the official packages; and in a bundle the same verdict.
#[test]
fn an_official_example_is_judged_the_same_in_any_writing() {
    let shared = std::env::var_os("GENKAN_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let (mut profiles, mut value_sets) = (Profiles::default(), ValueSets::default());
    for name in ["jp-core.r4-1.1.2-url.tgz", "jp-clins.r4-1.5.2-snap.tgz"] {
        let Ok(tgz) = fs::read(shared.join("packages").join(name)) else {
            println!("skipped: no {name}");
            return;
        };
        for resource in Package::read(&tgz).expect("a package").resources {
            if resource["resourceType"] == "StructureDefinition" {
                profiles.add(resource).expect("a url");
            } else {
                value_sets.add(&resource);
            }
        }
    }
    let validator = Validator::new(&profiles, &value_sets);
    let told = |source: &str| {
        let report = validator.validate(source.as_bytes(), None, &[]);
        let mut told: Vec<String> = report
            .findings
            .iter()
            .map(|one| {
                // Of a value set that isn't loaded it is said once, where it is met first.
                let place = if one.id() == "V1504" { "" } else { &one.expression };
                format!("{} {place} {} {}", one.id(), one.found, one.allowed)
            })
            .collect();
        told.sort();
        (report.is_valid(), told)
    };
    let (mut examples, mut writings) = (0, 0);
    for file in fs::read_dir(shared.join("examples/clins")).expect("the examples").flatten() {
        let text = fs::read_to_string(file.path()).expect("the example");
        let resource: Value = serde_json::from_str(&text).expect("JSON");
        let plain = told(&text);
        let name = file.file_name();
        for (what, other) in [
            ("without blanks", resource.to_string()),
            ("with blanks", serde_json::to_string_pretty(&resource).expect("text")),
            ("the other way round", reversed(&resource).to_string()),
            ("in XML", xml::from_json(&resource).expect("XML")),
        ] {
            assert_eq!(told(&other), plain, "{name:?} {what}");
            writings += 1;
        }
        examples += 1;
        if resource["resourceType"] == "Bundle" {
            continue;
        }
        let full_url = "urn:uuid:00000000-0000-4000-8000-000000000000";
        let entry = json!([{"fullUrl": full_url, "resource": resource}]);
        let bundle = json!({"resourceType": "Bundle", "type": "collection", "entry": entry});
        let (is_valid, findings) = told(&bundle.to_string());
        assert_eq!(is_valid, plain.0, "{name:?} in a bundle: {findings:#?}");
        writings += 1;
    }
    println!("{examples} examples in {writings} other writings: the same verdict");
    assert!(examples >= 50, "{examples} examples");
}

/// Each of these is refused, at its place, with this code.
#[test]
fn hostile_documents_are_refused_where_they_are_wrong() {
    let nested = |open: &str, count: usize| {
        format!("{{\"resourceType\": \"Patient\",\n\"name\": {}", open.repeat(count))
    };
    let xml = |inside: &str| format!("<Patient xmlns=\"http://hl7.org/fhir\">\n{inside}</Patient>");
    let laughs = "<!DOCTYPE a [<!ENTITY b \"bb\"><!ENTITY c \"&b;&b;&b;\">]>\n<Patient xmlns=\"http://hl7.org/fhir\"><language value=\"&c;\"/></Patient>";
    let external = "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]>\n<Patient/>";
    let utf_16: Vec<u8> =
        "{\"resourceType\": \"Patient\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let with_mark = [&[0xFF, 0xFE][..], &utf_16].concat();
    let shift_jis = b"{\"resourceType\": \"Patient\",\n\"name\": [{\"text\": \"\x8eR\x93c\"}]}";
    let number = |number: &str| {
        format!("{{\"resourceType\": \"Patient\",\n\"multipleBirthInteger\": {number}}}")
    };
    let cases: Vec<(&str, Vec<u8>, (u32, u32))> = vec![
        ("V2004", nested("[{\"extension\": ", 200).into(), (2, 0)),
        ("V2004", nested("[{\"extension\": ", 100_000).into(), (2, 0)),
        ("V2004", nested("[", 100_000).into(), (2, 0)),
        ("V2004", xml(&"<contact>".repeat(100_000)).into(), (2, 0)),
        ("V2004", xml(&format!("<text><div>{}", "<b>".repeat(100_000))).into(), (2, 0)),
        (
            "V2007",
            b"{\"resourceType\": \"Patient\",\n\"active\": true, \"active\": true}".to_vec(),
            (2, 17),
        ),
        (
            "V2008",
            b"{\"resourceType\": \"Patient\",\n\"name\": [{\"text\": \"\\udc00\"}]}".to_vec(),
            (2, 19),
        ),
        ("V2001", shift_jis.to_vec(), (2, 20)),
        ("V2001", with_mark, (1, 1)),
        ("V2005", utf_16, (1, 2)),
        ("V2001", b"{\"resourceType\": \"Patient\",\n\"id\": \"\xFF\"}".to_vec(), (2, 8)),
        ("V1101", number("1e400").into(), (2, 25)),
        ("V1104", number(&"9".repeat(1_000_000)).into(), (2, 25)),
        ("V2005", number("1e").into(), (2, 25)),
        ("V2012", laughs.into(), (1, 1)),
        ("V2012", external.into(), (1, 1)),
        ("V2012", xml("<?php x?>").into(), (2, 1)),
        ("V2012", xml("<language value=\"&b;\"/>").into(), (2, 1)),
        ("V2013", b"<Patient xmlns=\"urn:x\"/>".to_vec(), (1, 1)),
        ("V2013", xml("<x:active xmlns:x=\"urn:x\" value=\"true\"/>").into(), (2, 1)),
        ("V2011", xml("<active value=\"true\">").into(), (2, 0)),
        ("V2011", "<".repeat(100_000).into(), (1, 1)),
        ("V2005", vec![0; 1_000], (1, 1)),
        ("V2005", Vec::new(), (1, 1)),
    ];
    for (code, source, (line, column)) in cases {
        let shown = String::from_utf8_lossy(&source[..source.len().min(90)]).into_owned();
        let findings = validate(&source);
        let told: Vec<_> = findings.iter().map(|one| (one.id(), one.place)).collect();
        let found = findings.iter().find(|one| one.id() == code && one.is_error());
        let place = found.unwrap_or_else(|| panic!("{code} {shown}: {told:?}")).place;
        assert_eq!(place.line, line, "{shown}: {told:?}");
        assert!(column == 0 || place.column == column, "{shown}: {told:?}");
    }
}

#[test]
fn comments_and_a_mark_at_the_start_are_no_faults() {
    let comments = format!(
        "<Patient xmlns=\"http://hl7.org/fhir\">{}<active value=\"true\"/></Patient>",
        "<!-- & < -->".repeat(10_000)
    );
    assert_eq!(validate(comments.as_bytes()), []);
    let marked = validate("\u{FEFF}{\"resourceType\": \"Patient\", \"active\": true}".as_bytes());
    let told: Vec<_> = marked.iter().map(|one| (one.id(), one.is_error())).collect();
    assert_eq!(told, [("V2002", false)]);
}

#[test]
fn a_document_cut_anywhere_is_refused_at_a_place_in_it() {
    let bundle = bundle();
    for whole in [
        serde_json::to_string_pretty(&bundle).expect("text"),
        xml::from_json(&bundle).expect("XML"),
    ] {
        for end in 0..whole.len() {
            let cut = &whole.as_bytes()[..end];
            check_places(cut);
            assert!(validate(cut).iter().any(Finding::is_error), "cut at {end}");
        }
    }
}

#[test]
fn a_large_bundle_is_judged_to_its_end() {
    let entry = |at: usize| {
        json!({"fullUrl": format!("http://example.jp/Patient/{at}"), "resource": {
            "resourceType": "Patient", "id": at.to_string(), "name": [{"text": "山田".repeat(400)}],
            "gender": if at == 2_999 { "man" } else { "male" }}})
    };
    let entries: Vec<Value> = (0..3_000).map(entry).collect();
    let bundle =
        json!({"resourceType": "Bundle", "type": "collection", "entry": entries}).to_string();
    assert!(bundle.len() > 7_000_000, "{} bytes", bundle.len());
    let findings = validate(bundle.as_bytes());
    let told: Vec<_> = findings.iter().map(|one| one.expression.as_str()).collect();
    assert_eq!(told, ["Bundle.entry[2999].resource.gender"]);
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

/// Each would take minutes if what is done for one of them looked at all others.
#[test]
fn much_of_the_same_takes_its_time_once() {
    let names = "<name>a</name>".repeat(100_000);
    let patient = format!("<Patient xmlns=\"http://hl7.org/fhir\">{names}</Patient>");
    let found = validate(patient.as_bytes());
    assert_eq!(found.iter().filter(|one| one.id() == "V2014").count(), 100);

    let concepts = |start: &str| -> Vec<Value> {
        (0..30_000).map(|at| json!({"code": format!("{start}{at}")})).collect()
    };
    let mut value_sets = ValueSets::default();
    assert!(value_sets.add(&json!({
        "resourceType": "CodeSystem", "url": "http://example.org/s", "content": "complete",
        "caseSensitive": false, "concept": concepts("a"),
    })));
    let profiles = Profiles::default();
    let validator = Validator::new(&profiles, &value_sets);
    let wrong = |start: &str| {
        let include = json!([{"system": "http://example.org/s", "concept": concepts(start)}]);
        let set = json!({"resourceType": "ValueSet", "status": "active", "compose": {"include": include}});
        let report = validator.validate(set.to_string().as_bytes(), None, &[]);
        report.findings.iter().filter(|one| one.id() == "V1506").count()
    };
    assert_eq!(wrong("A"), 0);
    assert!(wrong("b") > 900);
}
