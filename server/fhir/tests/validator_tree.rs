//! The tree that a document is read into, and where its parts stand.

use genkan_fhir::{
    fhirpath,
    validation::{Code, Limits, Node, Profiles, Text, Validator, ValueSets},
};

/// Lists with and without ids and extensions beside their items, empty ones, and doubles.
const ODD: &str = r#"{
    "resourceType": "Patient",
    "name": [
        {"family": "a", "given": ["b", null, "c"], "_given": [null, {"id": "x"}], "prefix": ["d"]},
        {"given": [], "suffix": ["e", "f"], "_suffix": [{"id": "y"}, {"id": "z"}], "use": "usual"},
        {"given": [["g"], "h"], "text": "i"}
    ],
    "telecom": [{"value": "1"}, {"value": "2"}, {"value": "3"}],
    "_birthDate": {"id": "u"},
    "address": [{"line": ["j", "k"], "city": "l"}, {"city": "m"}],
    "telecom": [{"value": "4"}],
    "active": true
}"#;

fn nodes<'t>(node: Node<'t>, into: &mut Vec<Node<'t>>) {
    into.push(node);
    node.children().for_each(|child| nodes(child, into));
}

#[test]
fn lists_that_are_passed_over_hide_nothing() {
    let text = Text::of(ODD.as_bytes());
    let tree = text.read(None).tree.expect("it can be read");
    let mut all = Vec::new();
    nodes(tree.root().expect("a resource"), &mut all);
    assert!(all.len() > 30, "{} nodes", all.len());
    let names: Vec<&str> = all.iter().map(|node| node.name()).chain(["none"]).collect();
    let place = |node: Node<'_>| node.at();
    for node in &all {
        for name in &names {
            let found: Vec<u32> = node.all(name).map(place).collect();
            let children = node.children().filter(|child| child.name() == *name);
            assert_eq!(found, children.map(place).collect::<Vec<u32>>(), "{name} of {node:?}");
            assert_eq!(node.child(name).map(place), found.first().copied());
        }
    }
}

#[test]
fn a_place_in_a_long_line_counts_characters() {
    let (profiles, value_sets) = (Profiles::default(), ValueSets::default());
    let validator = Validator::new(&profiles, &value_sets);
    for count in [0, 1, 340, 341, 342, 1000, 5000] {
        let before = format!(
            r#"{{"resourceType":"Patient","name":[{{"text":"山{}"}}],"#,
            "田".repeat(count)
        );
        let source = format!("\n\n{before}\"birthDate\":\"1999-13-01\"}}\n");
        let report = validator.validate(source.as_bytes(), None, &[]);
        let place = report.findings.first().expect("a finding").place;
        let value = before.chars().count() + r#""birthDate":"#.chars().count() + 1;
        assert_eq!((place.line, place.column as usize), (3, value), "{count}");
    }
}

#[test]
fn what_is_beyond_a_limit_is_told() {
    let (profiles, value_sets) = (Profiles::default(), ValueSets::default());
    let usual = Limits::default();
    let ids = |limits: Limits, source: &str| -> Vec<&'static str> {
        let validator = Validator::new(&profiles, &value_sets).with_limits(limits);
        let report = validator.validate(source.as_bytes(), None, &[]);
        assert!(!report.is_valid(), "{limits:?}");
        report.findings.iter().map(|finding| finding.id()).collect()
    };
    let patient = r#"{"resourceType":"Patient","active":1,"gender":2,"birthDate":3,"name":[{}]}"#;
    let xml = "<Patient xmlns=\"http://hl7.org/fhir\"><name><text value=\"a\"/></name></Patient>";
    let narrative = r#"{"resourceType":"Patient","text":{"status":"generated","div":
        "<div xmlns='http://www.w3.org/1999/xhtml'><p><b><i><em>a</em></i></b></p></div>"}}"#;
    let of = |code: Code| code.entry().id;
    for (limits, source, expected) in [
        (Limits { document_bytes_max: 10, ..usual }, patient, Code::TooLarge),
        (Limits { depth_levels_max: 2, ..usual }, patient, Code::TooDeep),
        (Limits { depth_levels_max: 2, ..usual }, xml, Code::TooDeep),
        (Limits { depth_levels_max: 4, ..usual }, narrative, Code::TooDeep),
        (Limits { object_names_max: 3, ..usual }, patient, Code::TooLarge),
        (Limits { findings_max: 2, ..usual }, patient, Code::TooManyFindings),
        (Limits { elements_max: 2, ..usual }, patient, Code::TooManyFindings),
    ] {
        assert!(ids(limits, source).contains(&of(expected)), "{limits:?}");
    }
    assert_eq!(ids(Limits { findings_max: 2, ..usual }, patient).len(), 3);
    let doubles = r#"{"resourceType":"Patient","a":1,"a":2,"a":3,"a":4}"#;
    let told = |limits: Limits| {
        ids(limits, doubles).iter().filter(|id| **id == of(Code::DuplicateName)).count()
    };
    assert_eq!((told(Limits { problems_max: 2, ..usual }), told(usual)), (2, 3));
    // However much is asked for, the stack is not at risk.
    let deep = format!("{}{}", r#"{"a":"#.repeat(5_000), "}".repeat(5_000));
    let all = Limits { depth_levels_max: usize::MAX, ..usual };
    assert!(ids(all, &deep).contains(&of(Code::TooDeep)));
    let expression = fhirpath::Limits { steps_max: 1, ..usual.expression };
    let contact = r#"{"resourceType":"Patient","contact":[{"gender":"female"}],"active":1}"#;
    let starved = ids(Limits { expression, ..usual }, contact);
    assert!(starved.contains(&of(Code::InvariantUnknown)), "{starved:?}");
}
