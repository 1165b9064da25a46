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
