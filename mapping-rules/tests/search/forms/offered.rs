//! What is offered of each parameter, and what a refusal says.

use genkan_fhir::search::{Modifier, Prefix};
use genkan_mapping::plan::{self, PlanProblem};

use super::{by_hand, source};

fn modifiers(source: &crate::source::Source, code: &str) -> String {
    let forms = plan::forms(&source.rules, "Observation", code);
    let names: Vec<String> = forms.modifiers.iter().map(Modifier::to_string).collect();
    names.join(" ")
}

#[test]
fn each_parameter_offers_what_its_rules_answer() {
    let source = source(&[]);
    for (code, expected) in [
        ("code", "missing not text"),
        ("identifier", "missing not text of-type"),
        ("status", "missing not"),
        ("subject", "missing identifier"),
        ("date", "missing"),
        ("value-quantity", "missing"),
        ("_profile", "missing below above"),
        ("_id", "missing not"),
        ("code-value-quantity", ""),
        ("performer", ""),
    ] {
        assert_eq!(modifiers(&source, code), expected, "{code}");
    }
    let prefixes = |code: &str| plan::forms(&source.rules, "Observation", code).prefixes.len();
    assert_eq!((prefixes("date"), prefixes("value-quantity")), (Prefix::ALL.len(), 9));
    assert_eq!((prefixes("code"), prefixes("code-value-quantity")), (0, 0));
    // Every other one of R4's has a reason.
    for parameter in plan::offered(&source.rules, "Observation") {
        let forms = plan::forms(&source.rules, "Observation", &parameter.code);
        for (modifier, reason) in &forms.withheld {
            assert!(!forms.modifiers.contains(modifier), "{}:{modifier}", parameter.code);
            assert!(!reason.en.is_empty() && !reason.ja.is_empty(), "{}", parameter.code);
        }
    }
}

#[test]
fn a_modifier_that_is_not_offered_is_refused_with_the_reason_and_the_others() {
    let source = source(&[]);
    for (query, told) in [
        ("Observation?code:in=http://x", "value sets"),
        ("Observation?code:not-in=http://x", "value sets"),
        ("Observation?code:below=x", "hierarchy of the code system"),
        ("Observation?subject:above=x", "hierarchy of resources"),
        ("Observation?status:text=x", "no text beside its codes"),
        ("Observation?code:of-type=a|b|c", "no type"),
        ("Observation?value-string:text=x", "NotOffered"),
    ] {
        let said = match source.ids(query) {
            Err(PlanProblem::Modifier { reason, offered, .. }) => {
                assert!(offered.contains(&Modifier::Missing), "{query}");
                reason.en
            }
            other => format!("{other:?}"),
        };
        assert!(said.contains(told), "{query}: {said}");
    }
}

#[test]
fn a_type_that_no_rule_refers_to_is_not_offered() {
    let rule = "rule: p\nresource: Patient\nfrom:\n  p: {table: PT, key: [ID]}\nemit: {link: [{type: seealso, \
                other: {$ref: p, key: [= p.ORG]}}]}\n";
    let source = by_hand(&[("p.map.yaml", rule)], &[]);
    assert_eq!(source.ids("Patient?link:Patient=p.1"), Ok(Vec::new()));
    let told = format!("{:?}", source.ids("Patient?link:RelatedPerson=p.1"));
    assert!(told.contains("no rule makes a reference to this type"), "{told}");
}

#[test]
fn what_cannot_be_told_from_the_columns_is_withheld_when_the_rules_are_loaded() {
    let rule = "rule: p\nresource: Patient\nfrom:\n  p: {table: PT, key: [ID]}\nemit:\n  name: [{family: = \
                p.NAME | name.family, given: [= p.NAME | name.given]}]\n  address: [{postalCode: = p.TEL | \
                postal}]\n  deceasedBoolean: = p.DEAD\nsearch: {phone: = p.TEL | phone, email: = p.TEL}\n";
    let source = by_hand(&[("p.map.yaml", rule)], &[]);
    let withheld = |code: &str| {
        let forms = plan::forms(&source.rules, "Patient", code);
        let names: Vec<String> = forms.withheld.iter().map(|(one, _)| one.to_string()).collect();
        names.join(" ")
    };
    // The spellings behind these converters can't all be listed; a name is stored as a whole.
    assert_eq!(withheld("phone"), "not text of-type above below in not-in");
    assert_eq!(withheld("email"), "text of-type above below in not-in");
    assert_eq!(withheld("name"), "missing exact contains text");
    assert_eq!(withheld("address-postalcode"), "missing text");
    assert_eq!(withheld("deceased"), "missing text of-type above below in not-in");
    assert!(source.ids("Patient?phone:not=1").is_err());
    assert!(source.ids("Patient?deceased:missing=true").is_err());
}

#[test]
fn special_parameters_are_refused_with_their_reason() {
    let source = source(&[]);
    for (query, told) in [
        ("Observation?_text=x", "index of all words"),
        ("Observation?_content=x", "index of all words"),
    ] {
        let said = format!("{:?}", source.ids(query));
        assert!(said.contains("NotOffered") && said.contains(told), "{query}: {said}");
    }
    for query in [
        "Observation?_filter=x",
        "Observation?_list=1",
        "Observation?_query=x",
        "Location?near=1|2",
    ] {
        assert!(source.asked(query).is_err(), "{query}");
    }
}
