//! What the validator says of small resources: which rule, where in the text, at which element.

use genkan_fhir::validation::{Code, Finding, Limits, Profiles, Validator, ValueSets};
use serde_json::json;

fn validate(source: &[u8]) -> Vec<Finding> {
    let (profiles, value_sets) = (Profiles::default(), ValueSets::default());
    Validator::new(&profiles, &value_sets).validate(source, None, &[]).findings
}

/// `V1001 2:3 Patient.name[0]`
fn told(finding: &Finding) -> String {
    let place = finding.place;
    format!("{} {}:{} {}", finding.id(), place.line, place.column, finding.expression)
}

fn expect(cases: &[(&str, &str, &[&str])]) {
    for (name, source, expected) in cases {
        let found: Vec<String> = validate(source.as_bytes()).iter().map(told).collect();
        assert_eq!(found, *expected, "{name}: {source}");
    }
}

#[test]
fn what_is_wrong_with_the_writing_is_told_with_its_place() {
    expect(&[
        ("not JSON", "{\"resourceType\": \"Patient\",\n  \"active\": tru}", &["V2005 2:13 "]),
        ("nothing", "", &["V2005 1:1 "]),
        ("text behind the end", "{\"resourceType\": \"Patient\"} x", &["V2005 1:29 "]),
        (
            "a name twice",
            "{\"resourceType\": \"Basic\",\n\"code\": {\"text\": \"a\"}, \"id\": \"a\",\n\"id\": \"b\"}",
            &["V1202 1:1 Basic", "V2007 3:1 "],
        ),
        ("a byte order mark", "\u{FEFF}{\"resourceType\": \"Patient\"}", &["V2002 1:1 "]),
        (
            "half a character",
            "{\"resourceType\": \"Patient\", \"language\": \"\\ud800\"}",
            &["V2008 1:41 "],
        ),
        ("a line break in a string", "{\"resourceType\": \"Pat\nient\"}", &["V2006 1:22 "]),
        (
            "not well-formed",
            "<Patient xmlns=\"http://hl7.org/fhir\"><active value=\"true\">",
            &["V2011 1:59 "],
        ),
        (
            "an entity of its own",
            "<!DOCTYPE a [<!ENTITY b \"c\">]><Patient xmlns=\"http://hl7.org/fhir\"/>",
            &["V2012 1:1 "],
        ),
        (
            "another namespace",
            "<Patient xmlns=\"http://example.org\"/>",
            &["V2013 1:1 ", "V2013 1:1 "],
        ),
        (
            "text between elements",
            "<Patient xmlns=\"http://hl7.org/fhir\">a<active value=\"true\"/></Patient>",
            &["V2014 1:38 Patient"],
        ),
    ]);
}

#[test]
fn bytes_that_are_no_utf8_are_told_apart() {
    let shift_jis =
        b"{\"resourceType\": \"Patient\", \"name\": [{\"text\": \"\x8e\x52\x93\x63\"}]}";
    let cases: [(&str, &[u8], &str); 3] = [
        ("Shift_JIS", shift_jis, "Shift_JIS"),
        ("UTF-16", b"\xFF\xFE{\0", "UTF-16"),
        (
            "broken",
            b"{\"resourceType\": \"Patient\", \"id\": \"\xFF\"}",
            "bytes that are not UTF-8",
        ),
    ];
    for (name, source, expected) in cases {
        let found = validate(source);
        let told =
            found.iter().find(|found| found.code == Code::NotUtf8).map(|found| &*found.found);
        assert_eq!(told, Some(expected), "{name}");
    }
    assert_eq!(validate(shift_jis)[0].place.column, 48);
}

#[test]
fn depth_is_bounded() {
    let json = format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
    let xml = format!("<Patient xmlns=\"http://hl7.org/fhir\">{}", "<a>".repeat(100_000));
    for source in [json, xml] {
        let found = validate(source.as_bytes());
        assert_eq!(found.iter().map(|found| found.code).collect::<Vec<_>>(), [Code::TooDeep]);
    }
}

#[test]
fn what_r4_does_not_have_is_told() {
    expect(&[
        (
            "an unknown element",
            "{\"resourceType\": \"Patient\",\n \"nmae\": []}",
            &["V1001 2:10 Patient"],
        ),
        ("an unknown type", "{\"resourceType\": \"Patent\"}", &["V1002 1:1 Patent"]),
        (
            "a list as one",
            "{\"resourceType\": \"Patient\", \"name\": {\"text\": \"a\"}}",
            &["V1005 1:37 Patient.name"],
        ),
        (
            "one as a list",
            "{\"resourceType\": \"Patient\", \"active\": [true]}",
            &["V1006 1:40 Patient.active"],
        ),
        (
            "an empty list",
            "{\"resourceType\": \"Patient\", \"name\": []}",
            &["V1007 1:37 Patient.name"],
        ),
        (
            "null",
            "{\"resourceType\": \"Patient\", \"active\": null}",
            &["V1008 1:39 Patient.active"],
        ),
        (
            "text for a boolean",
            "{\"resourceType\": \"Patient\", \"active\": \"true\"}",
            &["V1010 1:39 Patient.active"],
        ),
        (
            "an object for a value",
            "{\"resourceType\": \"Patient\", \"active\": {}}",
            &["V1007 1:39 Patient.active"],
        ),
        (
            "a value for an object",
            "{\"resourceType\": \"Patient\", \"name\": [\"a\"]}",
            &["V1004 1:38 Patient.name[0]"],
        ),
        (
            "two of a choice",
            "{\"resourceType\": \"Patient\", \"deceasedBoolean\": true, \"deceasedDateTime\": \"2020\"}",
            &["V1202 1:1 Patient"],
        ),
        ("none where one is needed", "{\"resourceType\": \"Basic\"}", &["V1201 1:1 Basic"]),
    ]);
}

#[test]
fn values_keep_the_rules_of_their_types() {
    let cases = [
        ("birthDate", "\"1999-13-01\"", "V1101"),
        ("birthDate", "\"\"", "V1007"),
        ("gender", "\"man\"", "V1501"),
        ("deceasedDateTime", "\"2020-01-01T10:00:00\"", "V1105"),
        ("multipleBirthInteger", "99999999999", "V1104"),
        ("id", "\"a/b\"", "V1101"),
    ];
    for (element, value, expected) in cases {
        let source = format!("{{\"resourceType\": \"Patient\", \"{element}\": {value}}}");
        let found = validate(source.as_bytes());
        assert_eq!(found.iter().map(Finding::id).collect::<Vec<_>>(), [expected], "{source}");
    }
}

#[test]
fn a_code_is_held_to_its_value_set_as_strictly_as_the_binding_is() {
    let married = |code: &str, system: &str| {
        format!(
            "{{\"resourceType\": \"Patient\", \"maritalStatus\": {{\"coding\": [{{\"system\": \
             \"{system}\", \"code\": \"{code}\"}}]}}}}"
        )
    };
    let v3 = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus";
    for (code, system, expected) in [
        ("M", v3, &[][..]),
        // Extensible: another system is a reason to look, not a fault.
        ("1", "http://hospital.example.jp/konin", &["V1502"]),
    ] {
        let found = validate(married(code, system).as_bytes());
        assert_eq!(found.iter().map(Finding::id).collect::<Vec<_>>(), expected, "{code} {system}");
    }
}

#[test]
fn json_and_xml_say_the_same() {
    let json = "{\"resourceType\": \"Patient\", \"id\": \"a\", \"_birthDate\": {\"extension\": [{\"url\": \"x\"}]},
        \"name\": [{\"given\": [\"a\", null], \"_given\": [null, {\"id\": \"b\"}]}], \"gender\": \"man\"}";
    let xml = "<Patient xmlns=\"http://hl7.org/fhir\"><id value=\"a\"/><name><given value=\"a\"/>
        <given id=\"b\"/></name><gender value=\"man\"/><birthDate><extension url=\"x\"/></birthDate></Patient>";
    let told = |source: &str| {
        let mut found: Vec<String> = validate(source.as_bytes())
            .iter()
            .map(|finding| format!("{} {}", finding.id(), finding.expression))
            .collect();
        found.sort();
        found
    };
    assert_eq!(told(json), told(xml));
    assert!(
        told(json).contains(&"V1015 Patient.birthDate.extension[0]".to_owned()),
        "{:?}",
        told(json)
    );
}

#[test]
fn invariants_references_and_narratives_are_checked() {
    expect(&[
        (
            "an invariant of R4",
            "{\"resourceType\": \"Patient\", \"contact\": [{\"gender\": \"male\"}]}",
            &["V1701 1:41 Patient.contact[0]"],
        ),
        (
            "a contained resource that isn't there",
            "{\"resourceType\": \"Patient\", \"managingOrganization\": {\"reference\": \"#a\"}}",
            &["V1601 1:53 Patient.managingOrganization"],
        ),
        (
            "a target of another type",
            "{\"resourceType\": \"Patient\", \"managingOrganization\": {\"reference\": \"Patient/1\"}}",
            &["V1602 1:53 Patient.managingOrganization"],
        ),
        (
            "a script",
            "{\"resourceType\": \"Patient\", \"text\": {\"status\": \"generated\", \"div\": \"<div xmlns='http://www.w3.org/1999/xhtml'>a<script>b</script></div>\"}}",
            &["V1902 1:68 Patient.text.div"],
        ),
    ]);
}

#[test]
fn every_code_is_told_in_two_languages_and_has_its_own_number() {
    let mut ids = std::collections::BTreeSet::new();
    for code in Code::ALL {
        let entry = code.entry();
        assert!(ids.insert(entry.id), "{} twice", entry.id);
        assert!(entry.id.starts_with('V') && entry.id.len() == 5, "{}", entry.id);
        for text in [entry.english, entry.japanese, entry.mend_english, entry.mend_japanese] {
            assert!(!text.is_empty(), "{}", entry.id);
        }
        assert!(!entry.japanese.is_ascii(), "{}", entry.id);
    }
    assert!(Code::ALL.is_sorted_by_key(|code| code.entry().id));
}

#[test]
fn too_much_is_told_and_never_passes() {
    let unknown: String = (0..2_000).map(|at| format!(",{{\"x{at}\": 1}}")).collect();
    let source =
        format!("{{\"resourceType\": \"Patient\", \"name\": [{{\"text\": \"a\"}}{unknown}]}}");
    let found = validate(source.as_bytes());
    assert_eq!(found.len(), Limits::default().findings_max + 1);
    assert!(found.iter().any(|found| found.code == Code::TooManyFindings));
    let names: String = (0..600).map(|at| format!(",\"x{at}\": 1")).collect();
    let source = format!("{{\"resourceType\": \"Patient\"{names}}}");
    let found = validate(source.as_bytes());
    assert_eq!(found.iter().map(|found| found.code).collect::<Vec<_>>(), [Code::TooLarge]);
}

#[test]
fn a_problem_of_the_writing_names_its_element() {
    expect(&[
        (
            "an attribute",
            "<Patient xmlns=\"http://hl7.org/fhir\"><name><text value=\"a\"/></name>\n<name><text value=\"a\" lang=\"ja\"/></name></Patient>",
            &["V2015 2:7 Patient.name[1].text"],
        ),
        (
            "a text",
            "<Patient xmlns=\"http://hl7.org/fhir\"><contained><Basic><code><text value=\"a\"/>b</code></Basic></contained></Patient>",
            &["V2014 1:79 Patient.contained[0].code"],
        ),
        (
            "an attribute of a choice",
            "<Patient xmlns=\"http://hl7.org/fhir\"><deceasedBoolean value=\"true\" lang=\"ja\"/></Patient>",
            &["V2015 1:38 Patient.deceased.ofType(boolean)"],
        ),
    ]);
}

#[test]
fn what_a_search_says_of_itself_is_an_outcome_and_needs_no_id() {
    let bundle = |mode: &str, resource: serde_json::Value| {
        let entry = json!({"fullUrl": "urn:uuid:0c9d1c4e-6c0e-4b5e-8d8b-3d1f0f3c2a11", "resource": resource, "search": {"mode": mode}});
        let bundle = json!({"resourceType": "Bundle", "type": "searchset", "entry": [entry]});
        let found = validate(bundle.to_string().as_bytes());
        found
            .iter()
            .map(|finding| format!("{} {}", finding.id(), finding.expression))
            .collect::<Vec<_>>()
    };
    let outcome = json!({"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "invalid"}]});
    let patient = json!({"resourceType": "Patient", "active": true});
    assert_eq!(bundle("outcome", outcome), [] as [&str; 0]);
    assert_eq!(bundle("outcome", patient.clone()), ["V1012 Bundle.entry[0].resource"]);
    assert_eq!(bundle("match", patient), ["V1809 Bundle.entry[0].resource"]);
}

#[test]
fn a_text_with_a_tag_is_a_warning_or_what_the_caller_makes_of_it() {
    let (profiles, value_sets) = (Profiles::default(), ValueSets::default());
    let lenient = Validator::new(&profiles, &value_sets);
    let told_by = |validator: &Validator<'_>, text: &str| {
        let patient = json!({"resourceType": "Patient", "name": [{"text": text}]});
        let report = validator.validate(patient.to_string().as_bytes(), None, &[]);
        let told = report.findings.iter().map(|finding| (finding.id(), finding.is_error()));
        told.collect::<Vec<_>>()
    };
    for text in ["a <script>b</script>", "a</b>", "<!-- a -->"] {
        assert_eq!(told_by(&lenient, text), [("V1110", false)], "{text}");
        assert_eq!(told_by(&lenient.refusing_html(), text), [("V1110", true)], "{text}");
    }
    for text in ["CRP < 0.3", "<0.3 - >5", "a <- b", "x<LOD", "＜山田＞"] {
        assert_eq!(told_by(&lenient.refusing_html(), text), [], "{text}");
    }
}

#[test]
fn a_number_that_receivers_can_not_hold_is_a_warning() {
    let huge = format!("1{}", "0".repeat(1_000_000));
    for (number, expected) in [
        ("1", vec![]),
        ("0.000", vec![]),
        ("0e400", vec![]),
        ("-123456789.123456789", vec![]),
        ("0.000000000000000000000012", vec![]),
        ("6.02214076e23", vec![]),
        ("1234567890.123456789", vec![("V1111", "19 digits")]),
        ("1e400", vec![("V1111", "too small or too large")]),
        ("-1e-400", vec![("V1111", "too small or too large")]),
        (huge.as_str(), vec![("V1111", "1000001 digits"), ("V1111", "too small or too large")]),
    ] {
        let quantity = format!(
            "{{\"resourceType\": \"Observation\", \"status\": \"final\", \"code\": {{\"text\": \"a\"}}, \
             \"valueQuantity\": {{\"value\": {number}}}}}"
        );
        let told = validate(quantity.as_bytes());
        let told: Vec<_> =
            told.iter().map(|finding| (finding.id(), finding.found.as_str())).collect();
        assert_eq!(told, expected, "{}", number.get(..20).unwrap_or(number));
    }
}

#[test]
fn a_choice_has_just_the_types_that_are_asked_for() {
    let extension = "http://hl7.org/fhir/StructureDefinition/originalText";
    let patient = |name: &str| {
        format!(
            "{{\"resourceType\": \"Patient\", \"birthDate\": \"2024\", \"_birthDate\": {{\"extension\": [{{\"url\": \"{extension}\", \"{name}\": \"x\"}}]}}}}"
        )
    };
    let told_of =
        |name: &str| validate(patient(name).as_bytes()).iter().map(Finding::id).collect::<Vec<_>>();
    assert_eq!(told_of("valueString"), [] as [&str; 0]);
    // R4's code is a kind of string, and another type all the same.
    assert_eq!(told_of("valueCode"), ["V1009"]);
    assert_eq!(told_of("valueMarkdown"), ["V1009"]);
}

#[test]
fn elements_of_xml_keep_their_order() {
    expect(&[
        (
            "as R4 has it",
            "<Patient xmlns=\"http://hl7.org/fhir\"><id value=\"a\"/><active value=\"true\"/><name id=\"n\"><text value=\"a\"/></name><name><text value=\"b\"/></name></Patient>",
            &[],
        ),
        (
            "attributes as they come",
            "<Patient xmlns=\"http://hl7.org/fhir\"><extension url=\"http://hl7.org/fhir/StructureDefinition/patient-birthPlace\" id=\"e\"><valueAddress id=\"v\"><city value=\"x\"/></valueAddress></extension></Patient>",
            &[],
        ),
        (
            "turned round",
            "<Patient xmlns=\"http://hl7.org/fhir\"><name><text value=\"a\"/></name>\n<active value=\"true\"/></Patient>",
            &["V1011 2:1 Patient.active"],
        ),
        (
            "a list in two parts",
            "<Patient xmlns=\"http://hl7.org/fhir\"><name><text value=\"a\"/></name><gender value=\"male\"/>\n<name><text value=\"b\"/></name></Patient>",
            &["V1011 2:1 Patient.name[1]"],
        ),
        (
            "in JSON there is none",
            "{\"resourceType\": \"Patient\", \"name\": [{\"text\": \"a\"}], \"active\": true}",
            &[],
        ),
    ]);
}
