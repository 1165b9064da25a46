//! What profiles ask for: which rule, at which element.

use genkan_fhir::validation::{Profiles, Validator, ValueSets};
use serde_json::json;

/// A profile of these elements on Observation.
fn profile(elements: &serde_json::Value) -> Profiles {
    let mut profiles = Profiles::default();
    let definition = json!({
        "resourceType": "StructureDefinition",
        "url": "http://example.org/p",
        "type": "Observation",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Observation",
        "derivation": "constraint",
        "differential": {"element": elements},
    });
    profiles.add(definition).expect("a url");
    assert_eq!(profiles.check(), []);
    profiles
}

fn against(elements: &serde_json::Value, change: impl Fn(&mut serde_json::Value)) -> Vec<String> {
    let mut observation = json!({
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"system": "http://example.org/c", "code": "a"}]}],
        "code": {"coding": [{"system": "http://example.org/s", "code": "1"}]},
        "valueString": "x",
    });
    change(&mut observation);
    let (profiles, value_sets) = (profile(elements), ValueSets::default());
    let validator = Validator::new(&profiles, &value_sets);
    let report =
        validator.validate(observation.to_string().as_bytes(), None, &["http://example.org/p"]);
    let errors = report.findings.iter().filter(|finding| finding.is_error());
    errors.map(|finding| format!("{} {}", finding.id(), finding.expression)).collect()
}

#[test]
fn profiles_ask_for_more() {
    let cases = [
        (json!([{"path": "Observation.subject", "min": 1}]), "V1201 Observation"),
        (json!([{"path": "Observation.category", "max": "0"}]), "V1202 Observation"),
        (
            json!([{"path": "Observation.value[x]", "type": [{"code": "Quantity"}]}]),
            "V1009 Observation.value.ofType(string)",
        ),
        (
            json!([{"path": "Observation.status", "fixedCode": "amended"}]),
            "V1401 Observation.status",
        ),
        (
            json!([{"path": "Observation.code", "patternCodeableConcept": {"coding": [{"code": "2"}]}}]),
            "V1402 Observation.code",
        ),
        (
            json!([{"path": "Observation.value[x]", "maxLength": 0}]),
            "V1102 Observation.value.ofType(string)",
        ),
        (
            json!([{"path": "Observation", "constraint": [{"key": "a-1", "severity": "error", "human": "h", "expression": "status = 'amended'"}]}]),
            "V1701 Observation",
        ),
        (
            json!([
                {"path": "Observation.category", "slicing": {"discriminator": [{"type": "value", "path": "coding.code"}], "rules": "closed"}},
                {"path": "Observation.category", "sliceName": "b", "min": 1},
                {"path": "Observation.category.coding.code", "fixedCode": "b"},
            ]),
            "V1301 Observation",
        ),
    ];
    for (elements, expected) in &cases {
        let found = against(elements, |_| {});
        assert!(found.contains(&(*expected).to_owned()), "{elements}: {found:?}");
        // The same rule, kept.
        let loose = against(&json!([]), |_| {});
        assert_eq!(loose, [] as [&str; 0]);
    }
}

#[test]
fn what_a_profile_asks_and_the_engine_cannot_is_an_error_of_the_profile() {
    let cases = [
        json!([{"path": "Observation", "constraint": [{"key": "a", "severity": "error", "expression": "a.b("}]}]),
        json!([{"path": "Observation.category", "slicing": {"rules": "open", "discriminator": [{"type": "position", "path": "$this"}]}}]),
        json!([{"path": "Observation.category", "slicing": {"rules": "open", "discriminator": [{"type": "value", "path": "coding.kind"}]}}]),
        json!([{"path": "Observation.code", "type": [{"code": "NoType"}]}]),
        json!([{"path": "Observation.code", "modifierExtension": [{"url": "http://example.org/m"}]}]),
        json!([{"path": "Observation.code", "binding": {"strength": "strict"}}]),
    ];
    for elements in cases {
        let mut profiles = Profiles::default();
        let definition = json!({
            "resourceType": "StructureDefinition", "url": "http://example.org/p", "type": "Observation",
            "differential": {"element": elements},
        });
        profiles.add(definition).expect("a url");
        assert_eq!(profiles.check().len(), 1, "{elements}");
        let value_sets = ValueSets::default();
        let validator = Validator::new(&profiles, &value_sets);
        let source = b"{\"resourceType\": \"Observation\", \"status\": \"final\", \"code\": {\"text\": \"a\"}}";
        let report = validator.validate(source, None, &["http://example.org/p"]);
        assert!(!report.is_valid(), "{elements}");
    }
}

#[test]
fn the_profiles_of_r4_itself_compile() {
    let mut profiles = Profiles::default();
    for definition in genkan_fhir::definitions::Definitions::r4().profiles() {
        profiles.add(definition).expect("a url");
    }
    assert_eq!(profiles.check(), []);
}

#[test]
fn an_open_end_comes_last() {
    let elements = json!([
        {"path": "Observation.category", "slicing": {"discriminator": [{"type": "value", "path": "coding.code"}], "rules": "openAtEnd"}},
        {"path": "Observation.category", "sliceName": "b"},
        {"path": "Observation.category.coding.code", "fixedCode": "b"},
    ]);
    let with = |codes: [&str; 2]| {
        let category = codes.map(|code| json!({"coding": [{"code": code}]}));
        against(&elements, |observation| observation["category"] = json!(category))
    };
    assert_eq!(with(["b", "a"]), [] as [&str; 0]);
    assert_eq!(with(["a", "b"]), ["V1304 Observation.category[1]"]);
}

#[test]
fn closed_lists_of_extensions_take_no_others() {
    let elements = |rules: &str| {
        json!([
            {"path": "Observation.extension", "slicing": {"discriminator": [{"type": "value", "path": "url"}], "rules": rules}},
            {"path": "Observation.extension", "sliceName": "a", "max": "1", "type": [{"code": "Extension", "profile": ["http://hl7.org/fhir/StructureDefinition/event-location"]}]},
        ])
    };
    let with = |rules: &str, url: &str| {
        against(&elements(rules), |observation| {
            observation["extension"] =
                json!([{"url": url, "valueReference": {"reference": "Location/1"}}]);
        })
    };
    let other = "http://hl7.org/fhir/StructureDefinition/observation-focusCode";
    assert_eq!(
        with("closed", "http://hl7.org/fhir/StructureDefinition/event-location"),
        [] as [&str; 0]
    );
    assert!(with("closed", other).contains(&"V1303 Observation.extension[0]".to_owned()));
    assert!(!with("open", other).contains(&"V1303 Observation.extension[0]".to_owned()));
    assert!(
        with("open", "http://example.org/none")
            .contains(&"V1013 Observation.extension[0]".to_owned())
    );
}

#[test]
fn vital_signs_keep_to_r4s_profiles() {
    let with = |system: &str, code: &str, unit: &str| {
        against(&json!([]), |observation| {
            let category = "http://terminology.hl7.org/CodeSystem/observation-category";
            let coding = json!([{"system": category, "code": "vital-signs"}]);
            observation["category"] = json!([{"coding": coding}]);
            observation["code"] = json!({"coding": [{"system": system, "code": code}]});
            observation["subject"] = json!({"reference": "Patient/1"});
            observation["effectivePeriod"] = json!({"start": "2024-04-01"});
            observation.as_object_mut().expect("an object").remove("valueString");
            let unit = json!({"value": 36.5, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit});
            observation["valueQuantity"] = unit;
        })
    };
    let (loinc, snomed) = ("http://loinc.org", "http://snomed.info/sct");
    assert_eq!(with(loinc, "8310-5", "Cel"), [] as [&str; 0]);
    assert_eq!(with(loinc, "8310-5", "K"), ["V1501 Observation.value.ofType(Quantity).code"]);
    // R4's own code must stand beside a more exact one.
    assert_eq!(with(loinc, "8329-5", "Cel"), ["V1301 Observation.code"]);
    assert_eq!(with(snomed, "276885007", "Cel"), ["V1301 Observation.code"]);
    assert_eq!(with(loinc, "4548-4", "K"), [] as [&str; 0]);
}

#[test]
fn a_choice_that_a_profile_names_by_its_type_is_found() {
    let elements = json!([
        {"path": "Observation.component", "slicing": {"discriminator": [{"type": "value", "path": "code.text"}], "rules": "open"}},
        {"path": "Observation.component", "sliceName": "a"},
        {"path": "Observation.component.code.text", "fixedString": "a"},
        {"path": "Observation.component.value[x]", "sliceName": "valueString", "min": 1, "type": [{"code": "string"}]},
    ]);
    let with = |value: (&str, serde_json::Value)| {
        against(&elements, |observation| {
            observation["component"] = json!([{"code": {"text": "a"}, value.0: value.1}]);
        })
    };
    assert_eq!(with(("valueString", json!("x"))), [] as [&str; 0]);
    assert_eq!(with(("valueInteger", json!(1))), ["V1301 Observation.component[0]"]);
}

#[test]
fn a_fixed_value_is_told_where_it_differs() {
    let elements = json!([{"path": "Observation.code", "fixedCodeableConcept": {
        "coding": [{"system": "http://example.org/s", "code": "1"}], "text": "a",
    }}]);
    let with = |code: serde_json::Value| {
        against(&elements, |observation| observation["code"] = code.clone())
    };
    let coding = json!([{"system": "http://example.org/s", "code": "1"}]);
    assert_eq!(with(json!({"coding": coding, "text": "a"})), [] as [&str; 0]);
    assert_eq!(with(json!({"coding": coding, "text": "b"})), ["V1401 Observation.code.text"]);
    assert_eq!(
        with(json!({"coding": [coding[0], {"code": "2"}], "text": "a"})),
        ["V1401 Observation.code.coding[1]"]
    );
    // What is missing has no place of its own.
    assert_eq!(with(json!({"coding": coding})), ["V1401 Observation.code"]);
}

#[test]
fn a_slice_that_says_its_whole_value_is_known_by_a_part_of_it() {
    let elements = json!([
        {"path": "Observation.identifier", "slicing": {"discriminator": [{"type": "value", "path": "type.coding.code"}], "rules": "open"}},
        {"path": "Observation.identifier", "sliceName": "a", "min": 1, "patternIdentifier": {"type": {"coding": [{"code": "MR"}]}, "use": "usual"}},
    ]);
    let with = |code: &str, usual: &str| {
        let identifier =
            json!([{"use": usual, "type": {"coding": [{"code": code}]}, "value": "1"}]);
        against(&elements, |observation| observation["identifier"] = identifier.clone())
    };
    assert_eq!(with("MR", "usual"), [] as [&str; 0]);
    assert_eq!(with("MR", "old"), ["V1402 Observation.identifier[0]"]);
    assert_eq!(with("PPN", "usual"), ["V1301 Observation"]);
}

#[test]
fn a_guide_can_make_a_profile_binding_for_all_resources_of_a_type() {
    let mut profiles = profile(&json!([{"path": "Observation.subject", "min": 1}]));
    let global = json!([{"type": "Observation", "profile": "http://example.org/p"}]);
    let observation =
        b"{\"resourceType\": \"Observation\", \"status\": \"final\", \"code\": {\"text\": \"a\"}}";
    let patient = b"{\"resourceType\": \"Patient\", \"active\": true}";
    let value_sets = ValueSets::default();
    let is_valid = |profiles: &Profiles, source: &[u8]| {
        Validator::new(profiles, &value_sets).validate(source, None, &[]).is_valid()
    };
    assert!(is_valid(&profiles, observation));
    assert!(!profiles.add_guide(&json!({"resourceType": "Basic", "global": global})));
    assert!(is_valid(&profiles, observation));
    assert!(profiles.add_guide(&json!({"resourceType": "ImplementationGuide", "global": global})));
    assert!(!is_valid(&profiles, observation));
    assert!(is_valid(&profiles, patient));
    // One that isn't loaded was never kept.
    let other = json!([{"type": "Patient", "profile": "http://example.org/none"}]);
    assert!(profiles.add_guide(&json!({"resourceType": "ImplementationGuide", "global": other})));
    assert!(!is_valid(&profiles, patient));
}

/// As many categories as there are codes.
fn with_categories(elements: &serde_json::Value, codes: &[&str]) -> Vec<String> {
    let category: Vec<_> = codes.iter().map(|code| json!({"coding": [{"code": code}]})).collect();
    against(elements, |observation| match category.as_slice() {
        [] => drop(observation.as_object_mut().expect("an object").remove("category")),
        some => observation["category"] = json!(some),
    })
}

#[test]
fn a_profile_counts_more_than_one_and_none() {
    let two_or_three = json!([{"path": "Observation.category", "min": 2, "max": "3"}]);
    let cases: [(&[&str], &[&str]); 5] = [
        (&[], &["V1201 Observation"]),
        (&["a"], &["V1201 Observation"]),
        (&["a", "b"], &[]),
        (&["a", "b", "c"], &[]),
        (&["a", "b", "c", "d"], &["V1202 Observation"]),
    ];
    for (codes, expected) in cases {
        assert_eq!(with_categories(&two_or_three, codes), expected, "{codes:?}");
    }
}

#[test]
fn a_needed_slice_is_missed_in_a_list_that_is_not_there() {
    let elements = json!([
        {"path": "Observation.category", "slicing": {"discriminator": [{"type": "value", "path": "coding.code"}], "rules": "open"}},
        {"path": "Observation.category", "sliceName": "b", "min": 1, "max": "1"},
        {"path": "Observation.category.coding.code", "fixedCode": "b"},
    ]);
    let cases: [(&[&str], &[&str]); 4] = [
        (&[], &["V1301 Observation"]),
        (&["a"], &["V1301 Observation"]),
        (&["a", "b"], &[]),
        (&["b", "a", "b"], &["V1302 Observation"]),
    ];
    for (codes, expected) in cases {
        assert_eq!(with_categories(&elements, codes), expected, "{codes:?}");
    }
}

/// By the type alone, by a slice's name, and with a type that two slices share.
#[test]
fn slices_of_a_choice_are_told_by_type() {
    let slicing = json!({"path": "Observation.value[x]", "slicing": {"discriminator": [{"type": "type", "path": "$this"}], "rules": "open"}});
    let slice = |name: &str, code: &str, max_length: u32| json!({"path": "Observation.value[x]", "sliceName": name, "type": [{"code": code}], "maxLength": max_length});
    let too_long = ["V1102 Observation.value.ofType(string)"];
    let long =
        |elements| against(&elements, |observation| observation["valueString"] = json!("four"));
    let quantity = slice("valueQuantity", "Quantity", 1);
    assert_eq!(long(json!([slicing, slice("valueString", "string", 3), quantity])), too_long);
    assert_eq!(long(json!([slicing, slice("text", "string", 3), quantity])), too_long);
    assert_eq!(
        long(json!([slicing, slice("valueString", "string", 4), quantity])),
        [] as [&str; 0]
    );
    assert_eq!(long(json!([slicing, quantity])), [] as [&str; 0]);
    let both = json!([slicing, slice("text", "string", 3), slice("other", "string", 3)]);
    assert_eq!(long(both), ["V1305 Observation.value.ofType(string)"]);
}

/// XML may have the items of a list apart from each other; that is told, and each has its place.
#[test]
fn items_that_stand_apart_are_counted_together() {
    let xml = br#"<Observation xmlns="http://hl7.org/fhir"><status value="final"/>
        <category><text value="a"/></category><code><text value="b"/></code>
        <category><id value="c"/></category></Observation>"#;
    let elements = json!([{"path": "Observation.category", "max": "1"}]);
    let (profiles, value_sets) = (profile(&elements), ValueSets::default());
    let validator = Validator::new(&profiles, &value_sets);
    let report = validator.validate(xml, None, &["http://example.org/p"]);
    let found: Vec<_> =
        report.findings.iter().map(|of| (of.id(), of.expression.as_str())).collect();
    assert!(found.contains(&("V1202", "Observation")), "{found:?}");
    assert!(found.iter().any(|(_, at)| at.starts_with("Observation.category[1]")), "{found:?}");
}
