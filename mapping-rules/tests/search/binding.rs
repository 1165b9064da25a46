//! Codes that only the rows know, where FHIR requires a value set: a row whose code is none of it has
//! no such element, and no search may say that it has.

use super::source::{Source, source_row};

#[test]
fn a_text_that_is_no_code_of_the_binding_is_not_found() {
    let rule = "rule: pt\nresource: Patient\nfrom:\n  p: {table: PT, key: [ID]}\nemit:\n  gender: = p.ORG\n";
    let rows = ["PT ID=1 ORG=male", "PT ID=2 ORG=M", "PT ID=3 ORG=-"].map(source_row);
    let source = Source::new(&[("p.map.yaml", rule)], &rows);
    for (query, expected) in [
        ("Patient?gender=male", vec!["pt.1"]),
        ("Patient?gender=M", vec![]),
        ("Patient?gender:not=male", vec!["pt.2", "pt.3"]),
        ("Patient?gender:not=M", vec!["pt.1", "pt.2", "pt.3"]),
    ] {
        assert_eq!(source.ids(query).expect(query), expected, "{query}");
    }
}

#[test]
fn a_code_of_a_concept_is_bound_in_the_system_of_its_value_set() {
    let rule = "rule: b\nresource: Condition\nfrom:\n  b: {table: BYO, key: [PT_ID, SEQ]}\nemit:\n  \
         subject: {display: x}\n  clinicalStatus:\n    coding:\n      \
         - {system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: = b.CD}\n      \
         - {system: 'urn:own', code: = b.CD}\n";
    let rows = ["BYO PT_ID=1 SEQ=1i CD=active", "BYO PT_ID=1 SEQ=2i CD=9"].map(source_row);
    let source = Source::new(&[("b.map.yaml", rule)], &rows);
    let clinical = "http://terminology.hl7.org/CodeSystem/condition-clinical";
    for (query, expected) in [
        (format!("Condition?clinical-status={clinical}|active"), vec!["b.1.1"]),
        (format!("Condition?clinical-status={clinical}|9"), vec![]),
        ("Condition?clinical-status=urn:own|9".to_owned(), vec!["b.1.2"]),
    ] {
        assert_eq!(source.ids(&query).expect("an answer"), expected, "{query}");
    }
    let (_, own) = &source.resources("Condition")[1];
    assert_eq!(own["clinicalStatus"]["coding"].as_array().map(Vec::len), Some(1), "{own}");
}
