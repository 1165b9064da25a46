//! Compartments and care dates: what operations on a patient or an encounter go by.

use genkan_fhir::definitions::{Definitions, ParameterType};

fn r4() -> &'static Definitions {
    Definitions::r4()
}

fn parameters(of: &str, resource: &str) -> Vec<&'static str> {
    let mut members = r4().compartment(of).iter();
    members.find(|member| member.resource == resource).map_or(Vec::new(), |m| m.parameters.clone())
}

#[test]
fn a_compartment_names_its_types_with_the_parameters_that_put_them_there() {
    for (of, resource, expected) in [
        ("Patient", "Observation", vec!["subject", "performer"]),
        ("Patient", "AllergyIntolerance", vec!["patient", "recorder", "asserter"]),
        ("Patient", "Patient", vec!["link"]),
        ("Patient", "Group", vec!["member"]),
        ("Patient", "Practitioner", vec![]),
        ("Patient", "Organization", vec![]),
        ("Encounter", "Condition", vec!["encounter"]),
        ("Encounter", "MedicationAdministration", vec!["context"]),
        // "The encounter itself" is no parameter.
        ("Encounter", "Encounter", vec![]),
        ("Encounter", "Patient", vec![]),
        ("Observation", "Observation", vec![]),
    ] {
        assert_eq!(parameters(of, resource), expected, "{resource} in the compartment of {of}");
    }
    let counts = ["Patient", "Encounter"].map(|of| r4().compartment(of).len());
    assert_eq!(counts, [66, 24]);
}

#[test]
fn what_puts_a_type_into_a_compartment_is_a_reference_that_may_point_there() {
    for of in ["Patient", "Encounter"] {
        for member in r4().compartment(of) {
            for code in &member.parameters {
                let place = format!("{}.{code}", member.resource);
                let parameter = r4().search_parameter(member.resource, code).expect(&place);
                assert_eq!(parameter.kind, ParameterType::Reference, "{place}");
                let targets = &parameter.targets;
                assert!(targets.is_empty() || targets.contains(&of), "{place}: {targets:?}");
            }
        }
    }
}

#[test]
fn a_care_date_is_a_date_that_the_type_has() {
    let mut dated = 0;
    for resource in r4().resource_names() {
        for code in r4().care_dates(resource) {
            let parameter = r4().search_parameter(resource, code);
            let kind = parameter.map(|parameter| parameter.kind);
            assert_eq!(kind, Some(ParameterType::Date), "{resource}.{code}");
            dated += 1;
        }
    }
    assert_eq!(dated, 57);
    for (resource, expected) in [
        ("Observation", &["date"] as &[&str]),
        ("Encounter", &["date"]),
        ("Condition", &["onset-date", "recorded-date"]),
        ("AllergyIntolerance", &[]),
        ("Coverage", &[]),
        ("Patient", &[]),
    ] {
        assert_eq!(r4().care_dates(resource), expected, "{resource}");
    }
}
