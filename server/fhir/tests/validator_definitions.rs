//! What the validator says of CodeSystems, ValueSets and ConceptMaps, and of codes by their form.

use genkan_fhir::validation::{CodeQuestion, Finding, Membership, Profiles, Validator, ValueSets};
use serde_json::{Value, json};

/// A code system with properties, and a value set of some of its codes.
fn terminology() -> ValueSets {
    let mut value_sets = ValueSets::default();
    let concepts = json!([{"code": "a", "concept": [{"code": "b"}]}, {"code": "c"}]);
    assert!(value_sets.add(&json!({
        "resourceType": "CodeSystem", "url": "http://example.org/s", "content": "complete",
        "concept": concepts,
        "property": [{"code": "like", "type": "Coding"}, {"code": "rank", "type": "integer"}],
    })));
    assert!(value_sets.add(&json!({
        "resourceType": "ValueSet", "url": "http://example.org/v",
        "compose": {"include": [{"system": "http://example.org/s", "concept": [{"code": "a"}]}]},
    })));
    value_sets
}

fn errors(resource: &Value) -> Vec<String> {
    let (profiles, value_sets) = (Profiles::default(), terminology());
    let validator = Validator::new(&profiles, &value_sets);
    let report = validator.validate(resource.to_string().as_bytes(), None, &[]);
    let errors = report.findings.iter().filter(|finding| finding.is_error());
    errors.map(|finding| format!("{} {}", finding.id(), finding.expression)).collect()
}

fn expect(cases: &[(&str, Value, &[&str])]) {
    for (name, resource, expected) in cases {
        assert_eq!(errors(resource), *expected, "{name}: {resource}");
    }
}

#[test]
fn a_code_system_is_what_it_says() {
    let system = |fields: Value| {
        let mut system = json!({
            "resourceType": "CodeSystem", "status": "active", "content": "complete",
            "concept": [{"code": "x", "concept": [{"code": "y"}]}],
        });
        for (name, value) in fields.as_object().expect("fields") {
            system[name] = value.clone();
        }
        system
    };
    expect(&[
        ("as it says", system(json!({"count": 2})), &[]),
        ("too few", system(json!({"count": 3})), &["V1511 CodeSystem.count"]),
        ("a part of it", system(json!({"count": 3, "content": "fragment"})), &[]),
        (
            "not here, and yet",
            system(json!({"content": "not-present"})),
            &["V1510 CodeSystem.concept[0]"],
        ),
        (
            "a supplement that says otherwise",
            system(json!({"supplements": "http://example.org/other"})),
            &["V1509 CodeSystem.content"],
        ),
        (
            "a supplement",
            system(json!({"supplements": "http://example.org/other", "content": "supplement"})),
            &[],
        ),
        (
            "a supplement of codes that aren't there",
            system(json!({"supplements": "http://example.org/s", "content": "supplement"})),
            &["V1506 CodeSystem.concept[0]", "V1506 CodeSystem.concept[0].concept[0]"],
        ),
    ]);
}

#[test]
fn a_value_set_names_codes_that_exist() {
    let set = |include: Value| json!({"resourceType": "ValueSet", "status": "active", "compose": {"include": [include]}});
    let filter = |property: &str, op: &str, value: &str| {
        let filter = json!([{"property": property, "op": op, "value": value}]);
        set(json!({"system": "http://example.org/s", "filter": filter}))
    };
    let wrong: &[&str] = &["V1512 ValueSet.compose.include[0].filter[0]"];
    let listed =
        |code: &str| json!({"system": "http://example.org/s", "concept": [{"code": code}]});
    expect(&[
        ("a code", set(listed("b")), &[]),
        ("no code", set(listed("z")), &["V1506 ValueSet.compose.include[0].concept[0]"]),
        (
            "a system that is not loaded",
            set(json!({"system": "http://example.org/other", "concept": [{"code": "z"}]})),
            &[],
        ),
        (
            "a code that can't be",
            set(json!({"system": "http://snomed.info/sct", "concept": [{"code": "1"}]})),
            &["V1506 ValueSet.compose.include[0].concept[0]"],
        ),
        (
            "a contained system",
            set(json!({"system": "#s"})),
            &["V1106 ValueSet.compose.include[0]"],
        ),
        ("below a code", filter("concept", "is-a", "a"), &[]),
        ("below no code", filter("concept", "is-a", "z"), wrong),
        ("by a pattern", filter("concept", "regex", "z.*"), &[]),
        ("selectable", filter("notSelectable", "=", "false"), &[]),
        ("selectable?", filter("notSelectable", "=", "1"), wrong),
        ("a property that is there", filter("like", "exists", "true"), &[]),
        ("a property that is there?", filter("like", "exists", "yes"), wrong),
        ("like a code", filter("like", "=", "http://example.org/s#c"), &[]),
        ("like a code of a version", filter("like", "=", "http://example.org/s|1#c"), &[]),
        ("like no code", filter("like", "=", "http://example.org/s#z"), wrong),
        ("like a code alone", filter("like", "=", "c"), wrong),
        ("a rank", filter("rank", "=", "-1"), &[]),
        ("no rank", filter("rank", "=", "first"), wrong),
        ("a property of its own", filter("other", "=", "z"), &[]),
    ]);
}

#[test]
fn a_concept_map_maps_what_is_in_its_source() {
    let map = |source: Value, code: &str, target: &str| {
        json!({
            "resourceType": "ConceptMap", "status": "active", "sourceCanonical": source,
            "targetCanonical": "http://example.org/v",
            "group": [{
                "source": "http://example.org/s", "target": "http://example.org/s",
                "element": [{"code": code, "target": [{"code": target, "equivalence": "equal"}]}],
            }],
        })
    };
    let set = json!("http://example.org/v");
    let wrong: &[&str] = &["V1501 ConceptMap.group[0].element[0].code"];
    expect(&[
        ("in it", map(set.clone(), "a", "a"), &[]),
        ("not in it", map(set.clone(), "b", "a"), wrong),
        ("no code of the system", map(set.clone(), "z", "a"), wrong),
        ("of a set that is not loaded", map(json!("http://example.org/w"), "b", "a"), &[]),
        ("to another code than those of the target", map(set, "a", "b"), &[]),
    ]);
}

#[test]
fn a_profile_can_be_validated_by() {
    let profile = |base: &str, path: &str, more: Value| {
        let slicing = json!({"rules": "open", "discriminator": [{"type": "value", "path": path}]});
        json!({
            "resourceType": "StructureDefinition", "url": "http://example.org/p", "name": "P",
            "status": "draft", "kind": "resource", "abstract": false, "type": "Observation",
            "baseDefinition": base, "derivation": "constraint",
            "differential": {"element": [
                {"id": "Observation.category", "path": "Observation.category", "slicing": slicing},
                more,
            ]},
        })
    };
    let r4 = "http://hl7.org/fhir/StructureDefinition/Observation";
    let code = json!({"id": "Observation.code", "path": "Observation.code", "min": 1});
    let constraint = json!([{"key": "a", "severity": "error", "human": "h", "expression": "a.("}]);
    let mut broken = code.clone();
    broken["constraint"] = constraint;
    let element = "StructureDefinition.differential.element";
    let wrong_rule = format!("V2106 {element}[1]");
    let wrong_path = format!("V2106 {element}[0].slicing.discriminator[0]");
    expect(&[
        ("right", profile(r4, "coding.code", code.clone()), &[]),
        ("whole items", profile(r4, "$this", code.clone()), &[]),
        ("a path that isn't there", profile(r4, "coding.kind", code.clone()), &[&wrong_path]),
        ("an expression", profile(r4, "coding.code", broken), &[&wrong_rule]),
        // It may be right: that is for who has the base.
        ("on what isn't here", profile("http://example.org/b", "coding.kind", code), &[]),
    ]);
}

#[test]
fn an_expression_of_fhirpath_is_fhirpath() {
    let library = |language: &str, text: &str| {
        let expression = json!({"language": language, "expression": text});
        json!({
            "resourceType": "PlanDefinition", "status": "draft",
            "action": [{"condition": [{"kind": "start", "expression": expression}]}],
        })
    };
    let wrong: &[&str] = &["V1704 PlanDefinition.action[0].condition[0].expression"];
    expect(&[
        ("right", library("text/fhirpath", "%resource.name.where(use = 'usual').exists()"), &[]),
        ("a variable", library("text/fhirpath", "%inactive"), &[]),
        ("wrong", library("text/fhirpath", "$ and true"), wrong),
        ("another language", library("text/cql", "$ and true"), &[]),
    ]);
}

#[test]
fn a_code_with_a_wrong_check_digit_is_told_though_its_system_is_not_loaded() {
    let observation = |system: &str, code: &str| {
        let coding = json!([{"system": system, "code": code}]);
        json!({"resourceType": "Observation", "status": "final", "code": {"coding": coding}})
    };
    let wrong: &[&str] = &["V1506 Observation.code.coding[0].code"];
    expect(&[
        ("LOINC", observation("http://loinc.org", "4548-4"), &[]),
        ("LOINC, a digit changed", observation("http://loinc.org", "4548-5"), wrong),
        ("SNOMED CT", observation("http://snomed.info/sct", "73211009"), &[]),
        ("SNOMED CT, two digits changed", observation("http://snomed.info/sct", "73210119"), wrong),
    ]);
}

#[test]
fn a_code_that_r4_does_not_have_is_told_where_r4_holds_the_code_system() {
    let told = |value_sets: &ValueSets, system: &str, code: &str| {
        let coding = json!([{"system": system, "code": code}]);
        let code = json!({"coding": coding});
        let observation =
            json!({"resourceType": "Observation", "status": "final", "code": code}).to_string();
        let profiles = Profiles::default();
        let report =
            Validator::new(&profiles, value_sets).validate(observation.as_bytes(), None, &[]);
        let of_code = |one: &&Finding| one.expression == "Observation.code.coding[0].code";
        let told = report.findings.iter().filter(of_code);
        told.map(|one| (one.id(), one.is_error())).collect::<Vec<_>>()
    };
    let act_code = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
    let gender = "http://hl7.org/fhir/administrative-gender";
    let none = ValueSets::default();
    assert_eq!(told(&none, act_code, "IMP"), []);
    // HL7 may have added it since.
    assert_eq!(told(&none, act_code, "IMPX"), [("V1513", false)]);
    assert_eq!(told(&none, gender, "male"), []);
    assert_eq!(told(&none, gender, "mael"), [("V1506", true)]);
    // A package that has the code system knows better, and a part of it doesn't.
    for (content, expected) in
        [("complete", vec![]), ("fragment", vec![]), ("not-present", vec![("V1513", false)])]
    {
        let mut newer = ValueSets::default();
        let codes: &[&str] = if content == "not-present" { &[] } else { &["IMPX"] };
        let concepts: Vec<Value> = codes.iter().map(|code| json!({"code": code})).collect();
        assert!(newer.add(&json!({
            "resourceType": "CodeSystem", "url": act_code, "content": content,
            "concept": concepts,
        })));
        assert_eq!(told(&newer, act_code, "IMPX"), expected, "{content}");
    }
}

#[test]
fn a_definition_that_is_read_later_and_can_not_be_is_not_loaded_and_told() {
    let question = |url| CodeQuestion {
        value_set: Some(url),
        system: Some("http://example.org/s"),
        code: "z",
        display: None,
    };
    let mut value_sets = terminology();
    let set = json!({"resourceType": "ValueSet", "url": "http://example.org/w",
        "compose": {"include": [{"system": "http://example.org/s"}]}});
    value_sets.add_value_set_later("http://example.org/w".to_owned(), Box::new(move || set));
    assert_eq!(value_sets.ask(&question("http://example.org/w")), Membership::NotMember);
    assert_eq!(value_sets.unread(), [] as [&str; 0]);
    value_sets.add_value_set_later("http://example.org/w".to_owned(), Box::new(|| Value::Null));
    value_sets.add_code_system_later("http://example.org/s".to_owned(), Box::new(|| Value::Null));
    assert_eq!(value_sets.ask(&question("http://example.org/w")), Membership::NotLoaded);
    assert_eq!(value_sets.unread(), ["http://example.org/s", "http://example.org/w"]);
}
