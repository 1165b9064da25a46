//! Chains: over which references they lead, where they end, and which lead nowhere.

use chrono::FixedOffset;
use genkan_fhir::definitions::Definitions;
use genkan_fhir::reference::Reference;
use genkan_fhir::search::{
    Chain, MAX_CHAIN_STEPS, Modifier, ProblemKind, SearchProblem, SearchRequest, SearchValue, Step,
    StepFault, parse,
};

fn search(of: &str, name: &str, value: &str) -> Result<SearchRequest, Vec<SearchProblem>> {
    let site = FixedOffset::east_opt(9 * 3600).expect("an offset");
    parse(Definitions::r4(), of, &[(name.to_owned(), value.to_owned())], site)
}

fn chain(of: &str, name: &str, value: &str) -> Chain {
    match search(of, name, value) {
        Ok(request) if request.chains.len() == 1 && request.filters.is_empty() => {
            request.chains.into_iter().next().expect("a chain")
        }
        other => panic!("{name}={value}: {other:?}"),
    }
}

/// The steps as text: `subject>Patient`, `patient<Observation`.
fn steps(chain: &Chain) -> String {
    let step = |step: &Step| match step {
        Step::Forward { parameter, target } => format!("{parameter}>{}", target.unwrap_or("")),
        Step::Reverse { source, parameter } => format!("{parameter}<{source}"),
    };
    chain.steps.iter().map(step).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_chain_is_its_steps_and_what_holds_at_its_end() {
    for (of, name, value, expected, ends_at) in [
        ("Observation", "patient.birthdate", "1970-01-01", "patient>", "Patient"),
        ("Observation", "subject:Patient.name", "山田", "subject>Patient", "Patient"),
        ("Observation", "patient._id", "abc", "patient>", "Patient"),
        ("Observation", "encounter.location.name", "x", "encounter> location>", "Location"),
        (
            "Observation",
            "encounter:Encounter.participant:Practitioner.family:exact",
            "x",
            "encounter>Encounter participant>Practitioner",
            "Practitioner",
        ),
        ("Patient", "_has:Observation:patient:code", "a,b", "patient<Observation", "Observation"),
        (
            "Patient",
            "_has:Observation:patient:_has:AuditEvent:entity:agent-name",
            "x",
            "patient<Observation entity<AuditEvent",
            "AuditEvent",
        ),
        (
            "Condition",
            "subject:Patient._has:Observation:patient:code",
            "x",
            "subject>Patient patient<Observation",
            "Observation",
        ),
        (
            "Patient",
            "_has:Encounter:patient:location:Location.name",
            "x",
            "patient<Encounter location>Location",
            "Location",
        ),
    ] {
        let chain = chain(of, name, value);
        assert_eq!(steps(&chain), expected, "{name}");
        assert_eq!(chain.name, name);
        assert!(matches!(chain.end_at(ends_at), Some(Ok(_))), "{name}: {:?}", chain.ends);
    }
}

#[test]
fn the_end_is_read_as_the_parameter_that_it_is() {
    let chain = chain("Observation", "subject:Patient.gender:not", "male,female");
    let Some(Ok(filter)) = chain.end_at("Patient") else { panic!("{chain:?}") };
    assert_eq!((filter.code, filter.values.len()), ("gender", 2));
    assert_eq!(filter.modifier, Some(Modifier::Not));
    let of = "https://fhir.example.org/base";
    let url = format!("{of}/Patient/1");
    let mut request = search("Patient", "_has:Observation:patient:subject", &url)
        .expect("a good search")
        .seen_from(of);
    let end = request.chains.remove(0).ends.remove(0);
    let values = end.filter.expect("a value").values;
    let local = Reference::parse(Definitions::r4(), "Patient/1").expect("a reference");
    assert_eq!(values, [SearchValue::Reference(local)]);
}

/// Without a type, every type that the reference may point to and that has the parameter.
#[test]
fn a_reference_of_many_types_ends_where_the_parameter_exists() {
    let chain = chain("Observation", "subject.name", "x");
    for (of, ends) in [("Patient", true), ("Location", true), ("Group", false)] {
        assert_eq!(chain.end_at(of).is_some(), ends, "{of}");
    }
    // It has a name, but no Observation is about it.
    assert!(chain.end_at("Practitioner").is_none());
    // Where the types read the value differently, some may fail.
    let any = search("Provenance", "target.date", "2020-01-01").expect("a good search");
    let chain = &any.chains[0];
    assert!(matches!(chain.end_at("Encounter"), Some(Ok(_))), "{:?}", chain.ends);
    let types: usize = chain.ends.iter().map(|end| end.resource_types.len()).sum();
    assert!(types > 20 && chain.ends.len() < 8, "{types} types in {} forms", chain.ends.len());
}

fn fault(of: &str, name: &str, value: &str) -> (usize, StepFault) {
    match search(of, name, value).map_err(|problems| problems[0].kind) {
        Err(ProblemKind::Step { step, fault }) => (step, fault),
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn what_leads_nowhere_is_refused_at_its_step() {
    use StepFault::{NoReference, UnknownParameter, UnknownType, WrongTarget};
    let unknown = |nearest| UnknownParameter { nearest };
    for (of, name, step, expected) in [
        ("Observation", "pateint.name", 1, unknown(Some("patient"))),
        ("Observation", "patient.nmae", 2, unknown(Some("name"))),
        ("Observation", "patient.", 2, unknown(None)),
        ("Observation", ".name", 1, unknown(None)),
        ("Observation", "patient.code", 2, unknown(None)),
        ("Observation", "encounter.loaction.name", 2, unknown(Some("location"))),
        ("Observation", "subject.nonsense-of-nobody", 2, unknown(None)),
        ("Observation", "code.name", 1, NoReference),
        ("Observation", "patient.birthdate.name", 2, NoReference),
        ("Observation", "subject:Pateint.name", 1, UnknownType { nearest: Some("Patient") }),
        ("Observation", "subject:Practitioner.name", 1, WrongTarget),
        (
            "Patient",
            "_has:Observatoin:patient:code",
            1,
            UnknownType { nearest: Some("Observation") },
        ),
        ("Patient", "_has:Observation:pateint:code", 1, unknown(Some("patient"))),
        ("Patient", "_has:Observation:code:date", 1, NoReference),
        ("Patient", "_has:Observation:patient:cdoe", 2, unknown(Some("code"))),
        ("Patient", "_has:Encounter:location:date", 1, WrongTarget),
        ("Patient", "_has:Observation:patient:_has:Encounter:location:date", 2, WrongTarget),
    ] {
        assert_eq!(fault(of, name, "x"), (step, expected), "{name}");
    }
    for (of, name, value) in [
        ("Patient", "_has", "x"),
        ("Patient", "_has:", "x"),
        ("Patient", "_has:Observation", "x"),
        ("Patient", "_has:Observation:patient", "x"),
        ("Observation", "patient._has", "x"),
    ] {
        let problems = search(of, name, value).expect_err("no chain");
        assert!(matches!(problems[0].kind, ProblemKind::Form(_)), "{name}: {problems:?}");
    }
    for (name, value) in [("patient.birthdate", "yesterday"), ("patient.gender", "a|b|c")] {
        let problems = search("Observation", name, value).expect_err("no value");
        assert!(matches!(problems[0].kind, ProblemKind::Malformed(_)), "{name}: {problems:?}");
    }
    let problems = search("Observation", "patient.birthdate:exact", "2020").expect_err("no string");
    assert!(matches!(problems[0].kind, ProblemKind::Modifier { .. }), "{problems:?}");
}

#[test]
fn a_chain_has_an_end_after_some_steps() {
    let steps = |count: usize| format!("{}name", "part-of.".repeat(count));
    assert!(search("Location", &format!("{}name", "partof.".repeat(MAX_CHAIN_STEPS)), "x").is_ok());
    let many = search("Location", &format!("{}name", "partof.".repeat(MAX_CHAIN_STEPS + 1)), "x");
    let expected = ProblemKind::TooDeep { max: MAX_CHAIN_STEPS };
    assert_eq!(many.expect_err("too deep")[0].kind, expected);
    let has = "_has:Encounter:part-of:".repeat(MAX_CHAIN_STEPS + 1);
    let many = search("Encounter", &format!("{has}status"), "x").expect_err("too deep");
    assert_eq!(many[0].kind, expected);
    // Long names are no more work.
    assert!(search("Encounter", &steps(2000), "x").is_err());
}

#[test]
fn a_refusal_names_the_step() {
    let problems = search("Observation", "patient.brithdate", "x").expect_err("unknown");
    assert_eq!(
        problems[0].to_string(),
        "patient.brithdate: step 2 of the chain: unknown parameter, perhaps birthdate"
    );
}
