//! Page tokens, and what `/metadata` may declare.

use super::source::{Source, source_row};
use genkan_adapter::Value;
use genkan_mapping::plan::{self, Cursor, PlanProblem, Position};

const RULE: &str = "rule: pt\nresource: Patient\nfrom:\n  p: {table: PT, key: [ID]}\nemit:\n  birthDate: = p.BIRTH | date\n  name: [{text: = p.NAME}]\n";
const OTHER: &str = "rule: other\nresource: Patient\nfrom:\n  b: {table: BYO, key: [PT_ID, SEQ]}\nemit:\n  name: [{given: [= b.NM | name.given]}]\n  birthDate: = b.NM | phone\n";

fn source(files: &[(&str, &str)]) -> Source {
    Source::new(files, &[source_row("PT ID=1 BIRTH=20200101")])
}

#[test]
fn a_token_continues_its_own_search_and_no_other() {
    let source = source(&[("a.map.yaml", RULE)]);
    let plan = source.plan("Patient?_sort=birthdate&birthdate=2020").expect("a plan");
    assert_eq!(plan.scans[0].order_columns.len(), 2);
    let position = Position::After(vec![Value::Null, Value::text("1")]);
    let token = Cursor(vec![position.clone()]).seal(&source.identity, &plan.context);
    let next = |query: &str| source.plan(&format!("{query}&_page={token}"));
    let plan = next("Patient?_sort=birthdate&birthdate=2020").expect("the next page");
    assert_eq!(plan.scans[0].position, position);
    assert_eq!(plan.scans[0].query.after, Some(vec![Value::Null, Value::text("1")]));
    for other in [
        "Patient?_sort=birthdate",
        "Patient?_sort=-birthdate&birthdate=2020",
        "Patient?birthdate=2020",
    ] {
        assert_eq!(next(other).err(), Some(PlanProblem::BadPage), "{other}");
    }
    for token in ["x", "あ", "aあ", "a", "aAAAA"] {
        let plan = source.plan(&format!("Patient?_page={token}"));
        assert_eq!(plan.err(), Some(PlanProblem::BadPage), "{token}");
    }
}

#[test]
fn a_token_of_other_rules_does_not_open() {
    let one = source(&[("a.map.yaml", RULE)]);
    let renamed = RULE.replace("rule: pt", "rule: patient");
    let two = source(&[("a.map.yaml", &renamed)]);
    let context = one.plan("Patient").expect("a plan").context;
    let token = Cursor(vec![Position::After(vec![Value::text("1")])]).seal(&one.identity, &context);
    let query = format!("Patient?_page={token}");
    assert!(one.plan(&query).is_ok());
    assert_eq!(two.plan(&query).err(), Some(PlanProblem::BadPage));
}

#[test]
fn only_what_every_rule_of_a_type_can_answer_is_offered() {
    let offered = |files: &[(&str, &str)]| {
        let source = source(files);
        let offered = plan::offered(&source.rules, "Patient");
        offered.iter().map(|parameter| parameter.code.clone()).collect::<Vec<_>>()
    };
    let alone = offered(&[("a.map.yaml", RULE)]);
    assert!(alone.contains(&"birthdate".to_owned()) && alone.contains(&"name".to_owned()));
    // The other rule could match a date of birth and can't say; its given name is optional.
    let both = offered(&[("a.map.yaml", RULE), ("b.map.yaml", OTHER)]);
    assert!(!both.contains(&"birthdate".to_owned()), "{both:?}");
    let source = source(&[("a.map.yaml", RULE), ("b.map.yaml", OTHER)]);
    let problem = source.plan("Patient?birthdate=2020").expect_err("not offered");
    assert!(matches!(problem, PlanProblem::NotOffered { reason, .. } if !reason.ja.is_empty()));
}

#[test]
fn a_type_that_no_rule_makes_is_unknown_with_the_nearest() {
    let source = source(&[("a.map.yaml", RULE)]);
    let problem = source.plan("Person").expect_err("unknown");
    assert!(matches!(problem, PlanProblem::UnknownType { .. }));
}
