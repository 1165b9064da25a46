//! The R4 fact table, as the rest of Genkan asks it.

use genkan_fhir::definitions::{
    BindingStrength, Definitions, OutsideSubset, ParameterPath, PathStep, UNBOUNDED,
};

fn r4() -> &'static Definitions {
    Definitions::r4()
}

fn names(type_path: &str) -> Vec<&'static str> {
    let children =
        r4().children(type_path).unwrap_or_else(|| panic!("{type_path} has no children"));
    children.iter().map(|element| element.name).collect()
}

fn step(name: &'static str) -> PathStep {
    PathStep { name, of_type: None, filter: None }
}

fn paths(resource: &str, code: &str) -> Result<Vec<ParameterPath>, OutsideSubset> {
    let parameter = r4().search_parameter(resource, code);
    parameter.unwrap_or_else(|| panic!("{resource} has no {code}")).paths.clone()
}

#[test]
fn r4_has_its_146_resource_types() {
    assert_eq!(r4().resource_names().count(), 146);
    assert!(r4().is_resource("Patient"));
    for not_one in ["DomainResource", "Resource", "HumanName", "string", "SubscriptionStatus", ""] {
        assert!(!r4().is_resource(not_one), "{not_one}");
    }
    assert!(r4().is_type("HumanName") && r4().is_type("DomainResource"));
    assert_eq!(r4().base_of("Age"), Some("Quantity"));
    assert_eq!(r4().base_of("Resource"), None);
}

#[test]
fn children_come_in_the_standards_order_with_the_inherited_ones() {
    assert_eq!(
        names("Patient")[..10],
        [
            "id",
            "meta",
            "implicitRules",
            "language",
            "text",
            "contained",
            "extension",
            "modifierExtension",
            "identifier",
            "active"
        ]
    );
    assert_eq!(
        names("Patient.contact"),
        [
            "id",
            "extension",
            "modifierExtension",
            "relationship",
            "name",
            "telecom",
            "address",
            "gender",
            "organization",
            "period"
        ]
    );
    assert_eq!(names("Age"), names("Quantity"));
    assert_eq!(names("string"), ["id", "extension"]);
    assert_eq!(names("Timing.repeat")[..3], ["id", "extension", "bounds"]);
    assert_eq!(
        names("EvidenceVariable.characteristic")[3..],
        [
            "description",
            "definition",
            "usageContext",
            "exclude",
            "participantEffective",
            "timeFromStart",
            "groupMeasure"
        ]
    );
    assert!(!names("Meta").contains(&"project"));
}

#[test]
fn a_path_may_go_through_types_and_content_references() {
    assert_eq!(names("Patient.name"), names("HumanName"));
    assert_eq!(names("Patient.name.period"), names("Period"));
    assert_eq!(names("Observation.component.referenceRange"), names("Observation.referenceRange"));
    assert_eq!(names("Questionnaire.item.item.item.item"), names("Questionnaire.item"));
    for nowhere in
        ["Patient.nome", "Patient.name.nome", "Nobody", "", ".", "Patient.", "Observation.value"]
    {
        assert!(r4().children(nowhere).is_none(), "{nowhere}");
    }
}

#[test]
fn every_type_can_be_read_and_every_property_found_again() {
    let mut elements = 0;
    for resource in r4().resource_names() {
        let mut paths = vec![resource];
        while let Some(path) = paths.pop() {
            for element in r4().children(path).expect("a node has children") {
                elements += 1;
                assert!(element.min <= element.max, "{}", element.path);
                if element.content_reference.is_some() {
                    let property = r4().property(path, element.name).expect("found");
                    assert!(r4().children(property.type_path).is_some(), "{}", element.path);
                    continue;
                }
                assert!(element.is_choice() || element.types.len() == 1, "{}", element.path);
                for of in &element.types {
                    let name = element.property_name(of.code);
                    let property = r4().property(path, &name).expect("found");
                    assert_eq!((property.element, property.type_code), (element, of.code));
                    assert!(r4().is_type(of.code), "{} of {}", of.code, element.path);
                    assert!(r4().children(property.type_path).is_some(), "{}", element.path);
                    if property.type_path == element.path {
                        paths.push(element.path);
                    }
                }
            }
        }
    }
    assert!(elements > 6000, "{elements}");
}

#[test]
fn a_choice_is_found_by_the_name_with_its_type_only() {
    let value = r4().property("Observation", "valueQuantity").expect("R4 has it");
    assert_eq!(
        (value.element.name, value.type_code, value.type_path),
        ("value", "Quantity", "Quantity")
    );
    let deceased = r4().property("Patient", "deceasedDateTime").expect("R4 has it");
    assert_eq!((deceased.type_code, deceased.element.max), ("dateTime", 1));
    for wrong in ["value", "valuequantity", "valueMoney", "value[x]", "valueQuantityX"] {
        assert!(r4().property("Observation", wrong).is_none(), "{wrong}");
    }
    let nested = r4().property("Patient", "contact").expect("R4 has it");
    assert_eq!((nested.type_code, nested.type_path), ("BackboneElement", "Patient.contact"));
    let repeated = r4().property("Observation.component", "referenceRange").expect("R4 has it");
    assert_eq!(repeated.type_path, "Observation.referenceRange");
}

#[test]
fn elements_carry_cardinality_flags_binding_and_targets() {
    let gender = r4().element("Patient", "gender").expect("R4 has it");
    let binding = gender.binding.expect("gender is bound");
    assert_eq!(binding.strength, BindingStrength::Required);
    assert_eq!(binding.value_set, "http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1");
    assert!(gender.is_summary && !gender.is_modifier && !gender.is_list());

    let status = r4().element("Observation", "status").expect("R4 has it");
    assert!(status.is_modifier && status.min == 1);

    let subject = r4().element("Observation", "subject").expect("R4 has it");
    let targets = &subject.type_named("Reference").expect("a reference").targets;
    assert_eq!(targets, &["Patient", "Group", "Device", "Location"]);

    let name = r4().element("Patient", "name").expect("R4 has it");
    assert!(name.is_list() && name.max == UNBOUNDED);
    let quantity = r4().element("Observation.referenceRange", "low").expect("R4 has it");
    assert_eq!(quantity.types[0].profile, Some("SimpleQuantity"));
}

#[test]
fn invariants_stand_where_they_were_stated() {
    let keys = |of: &str| r4().invariants(of).iter().map(|of| of.key).collect::<Vec<_>>();
    assert_eq!(keys("Patient"), ["dom-2", "dom-3", "dom-4", "dom-5", "dom-6"]);
    assert_eq!(keys("Observation")[5..], ["obs-6", "obs-7"]);
    assert_eq!(keys("Age"), ["ele-1", "qty-3", "age-1"]);
    assert!(keys("Nobody").is_empty());
    let contact = r4().element("Patient", "contact").expect("R4 has it");
    assert_eq!(contact.invariants[0].key, "pat-1");
    assert_eq!(
        contact.invariants[0].expression,
        "name.exists() or telecom.exists() or address.exists() or organization.exists()"
    );
}

#[test]
fn bound_value_sets_are_spelled_out_with_their_systems() {
    let url = "http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1";
    let codes = r4().value_set_codes(url).expect("the table has it");
    let written: Vec<_> = codes.iter().map(|code| code.code).collect();
    assert_eq!(written, ["male", "female", "other", "unknown"]);
    assert_eq!(codes[0].system, "http://hl7.org/fhir/administrative-gender");
    // What can be extended too, and what a branch of a code system is.
    let url = "http://terminology.hl7.org/ValueSet/v3-ActEncounterCode";
    let mut classes: Vec<_> =
        r4().value_set_codes(url).expect("the table has it").iter().map(|code| code.code).collect();
    classes.sort_unstable();
    let expected =
        ["ACUTE", "AMB", "EMER", "FLD", "HH", "IMP", "NONAC", "OBSENC", "PRENC", "SS", "VR"];
    assert_eq!(classes, expected);
    // Too many, or not R4's to list: unknown is not empty.
    assert!(r4().value_set_codes("http://hl7.org/fhir/ValueSet/mimetypes").is_none());
    assert!(r4().value_set_codes("").is_none());
}

#[test]
fn code_systems_behind_the_bindings_are_held() {
    let cases = [
        // R4's own, and those of HL7's terminology, with codes that only group others.
        ("http://hl7.org/fhir/administrative-gender", "male", Some(true)),
        ("http://hl7.org/fhir/administrative-gender|4.0.1", "Male", Some(false)),
        ("http://terminology.hl7.org/CodeSystem/v3-ActCode", "IMP", Some(true)),
        ("http://terminology.hl7.org/CodeSystem/v3-ActCode", "_ActEncounterCode", Some(true)),
        ("http://terminology.hl7.org/CodeSystem/v3-ActCode", "IMPX", Some(false)),
        ("http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "M", Some(true)),
        ("http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "HH", Some(true)),
        ("http://terminology.hl7.org/CodeSystem/organization-type", "prov", Some(true)),
        // Of JP Core. Nobody says that case matters in the tables of v2.
        ("http://terminology.hl7.org/CodeSystem/v2-0162", "PO", Some(true)),
        ("http://terminology.hl7.org/CodeSystem/v2-0203", "mr", Some(true)),
        ("http://terminology.hl7.org/CodeSystem/v2-0203", "", Some(false)),
        // Examples of codes, the world's, and none at all.
        ("http://terminology.hl7.org/CodeSystem/service-type", "1", None),
        ("http://dicom.nema.org/resources/ontology/DCM", "CT", None),
        ("http://loinc.org", "8310-5", None),
        ("", "", None),
    ];
    for (system, code, expected) in cases {
        assert_eq!(r4().system_has_code(system, code), expected, "{system} {code}");
    }
}

#[test]
fn search_parameters_include_those_of_every_resource() {
    let codes: Vec<_> = r4().search_parameters("Patient").iter().map(|of| of.code).collect();
    for code in
        ["_id", "_lastUpdated", "_profile", "_tag", "_text", "birthdate", "identifier", "name"]
    {
        assert!(codes.contains(&code), "{code}");
    }
    assert!(codes.is_sorted_by(|left, right| left < right));
    assert!(r4().search_parameters("HumanName").is_empty());
    assert!(r4().search_parameters("Resource").is_empty());
    // Types without a parameter of their own still have `_id`.
    for resource in r4().resource_names() {
        assert!(r4().search_parameter(resource, "_id").is_some(), "{resource}");
    }
    assert!(r4().search_parameter("Patient", "brithdate").is_none());
    let text = r4().search_parameter("Binary", "_text");
    assert!(text.is_none(), "a Binary is no DomainResource");
}

#[test]
fn expressions_become_paths() {
    assert_eq!(
        paths("Patient", "birthdate"),
        Ok(vec![ParameterPath { steps: vec![step("birthDate")], ..ParameterPath::default() }])
    );
    assert_eq!(
        paths("Patient", "phone"),
        Ok(vec![ParameterPath {
            steps: vec![PathStep { filter: Some(("system", "phone")), ..step("telecom") }],
            ..ParameterPath::default()
        }])
    );
    assert_eq!(
        paths("Patient", "deceased"),
        Ok(vec![ParameterPath { steps: vec![step("deceased")], exists: true, target: None }])
    );
    assert_eq!(
        paths("Observation", "patient"),
        Ok(vec![ParameterPath {
            steps: vec![step("subject")],
            target: Some("Patient"),
            exists: false
        }])
    );
    assert_eq!(
        paths("Observation", "_lastUpdated"),
        Ok(vec![ParameterPath {
            steps: vec![step("meta"), step("lastUpdated")],
            ..ParameterPath::default()
        }])
    );
    let of_type = |of_type| PathStep { of_type: Some(of_type), ..step("onset") };
    let ages = paths("Condition", "onset-age").expect("in the subset");
    assert_eq!(
        ages.iter().map(|path| path.steps[0].clone()).collect::<Vec<_>>(),
        [of_type("Age"), of_type("Range")]
    );
    let concept = paths("Observation", "value-string").expect("in the subset");
    assert_eq!(
        concept[1].steps,
        [PathStep { of_type: Some("CodeableConcept"), ..step("value") }, step("text")]
    );
    assert_eq!(paths("InsurancePlan", "name").map(|paths| paths.len()), Ok(2));
}

#[test]
fn of_an_expression_for_many_types_one_type_has_its_own_part() {
    for (resource, code, own) in [
        ("Patient", "birthdate", "Patient.birthDate"),
        ("Observation", "date", "Observation.effective"),
        ("Condition", "onset-age", "Condition.onset.as(Age) | Condition.onset.as(Range)"),
        ("Encounter", "_id", "Resource.id"),
        ("InsurancePlan", "name", "name | alias"),
    ] {
        let parameter = r4().search_parameter(resource, code).expect(code);
        assert_eq!(parameter.expression_of(resource), own, "{resource} {code}");
    }
}

#[test]
fn what_is_outside_the_subset_says_so() {
    assert_eq!(paths("Patient", "_text"), Err(OutsideSubset::NoExpression));
    assert_eq!(paths("Bundle", "composition"), Err(OutsideSubset::Construct));
    let mut outside = Vec::new();
    for resource in r4().resource_names() {
        for parameter in r4().search_parameters(resource) {
            if matches!(
                parameter.paths,
                Err(OutsideSubset::Construct | OutsideSubset::OtherResource)
            ) {
                outside.push(format!("{resource}.{}", parameter.code));
            }
        }
    }
    assert_eq!(outside, ["Bundle.composition", "Bundle.message"]);
}

/// Each step of each path is an element of R4, with the type it names.
#[test]
fn every_path_leads_somewhere() {
    for resource in r4().resource_names() {
        for parameter in r4().search_parameters(resource) {
            for path in parameter.paths.iter().flatten() {
                let mut at = resource;
                for step in &path.steps {
                    let place = format!("{resource}.{}: {} below {at}", parameter.code, step.name);
                    let element = r4().element(at, step.name).unwrap_or_else(|| panic!("{place}"));
                    let code = step.of_type.or_else(|| element.types.first().map(|of| of.code));
                    if let Some(of_type) = step.of_type {
                        assert!(element.type_named(of_type).is_some(), "{place} as {of_type}");
                    }
                    let name = element.property_name(code.unwrap_or_default());
                    at = r4().property(at, &name).unwrap_or_else(|| panic!("{place}")).type_path;
                    if let Some((name, _)) = step.filter {
                        assert!(r4().element(at, name).is_some(), "{place} where {name}");
                    }
                }
            }
        }
    }
}

#[test]
fn composite_components_name_parameters_of_the_same_resource() {
    let composite = r4().search_parameter("Observation", "code-value-quantity").expect("R4 has it");
    assert_eq!(composite.components.len(), 2);
    assert_eq!(composite.components[1].parameter, "Observation-value-quantity");
    let value = PathStep { of_type: Some("Quantity"), ..step("value") };
    assert_eq!(
        composite.components[1].paths.as_ref().map(|paths| &paths[0].steps),
        Ok(&vec![value])
    );
}

#[test]
fn extensions_of_r4_say_where_they_may_be_and_what_they_hold() {
    let animal = r4()
        .extension("http://hl7.org/fhir/StructureDefinition/patient-animal")
        .expect("one of R4's");
    assert_eq!(animal.contexts, ["Patient"]);
    let parts: Vec<_> = animal
        .parts
        .iter()
        .map(|part| (part.path, part.min, part.max, part.has_value, part.types.len()))
        .collect();
    assert_eq!(
        parts,
        [
            ("", 0, 1, false, 0),
            ("species", 1, 1, true, 1),
            ("breed", 0, 1, true, 1),
            ("genderStatus", 0, 1, true, 1)
        ]
    );
    assert!(r4().extension("http://example.org/StructureDefinition/other").is_none());
}

#[test]
fn profiles_of_r4_are_there() {
    let profiles: Vec<_> = r4().profiles().collect();
    let vital_signs = profiles
        .iter()
        .find(|profile| profile["url"] == "http://hl7.org/fhir/StructureDefinition/vitalsigns");
    assert_eq!(vital_signs.expect("one of R4's")["type"], "Observation");
    let simple = profiles
        .iter()
        .find(|profile| profile["url"] == "http://hl7.org/fhir/StructureDefinition/SimpleQuantity");
    assert_eq!(simple.expect("one of R4's")["type"], "Quantity");
}
