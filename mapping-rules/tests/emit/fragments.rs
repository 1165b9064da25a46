//! `$use`: what a fragment is given, and what is added to it.

use serde_json::json;

use crate::emitted::{body, emitted, record};
use crate::site::rules;

#[test]
fn a_fragment_takes_arguments_and_keeps_its_own_condition() {
    let fragments = "phone: {$if: = with.flag == \"1\", system: phone, value: = with.number}\n\
         outer: {$use: phone, with: {number: = with.tel | phone, flag: = with.flag}, use: home}\n";
    let rule = "rule: pt\nresource: Patient\nfrom:\n  p: {table: PT, key: [ID]}\nemit:\n  telecom:\n    \
         - {$use: outer, with: {tel: = p.TEL, flag: = p.DEL}, rank: 1}\n";
    let rules = rules(&[("fragments/f.yaml", fragments), ("pt.map.yaml", rule)]);
    let rows = |flag| emitted(&rules, "pt", &record(&["1", flag, "０３-１"]));
    let expected =
        json!({"telecom": [{"system": "phone", "value": "03-1", "use": "home", "rank": 1}]});
    assert_eq!(body(&rows("1")), expected);
    assert_eq!(body(&rows("0")), json!({}));
}

/// Both fragments have a `with.x`, and each means its own.
#[test]
fn what_a_fragment_adds_to_another_sees_its_own_arguments() {
    let fragments = "outer: {$use: inner, with: {x: K}, text: = with.x, \
         extension: [{$if: = with.x == \"a\", $use: mark, with: {x: = \"$(with.x)!\"}}]}\n\
         inner: {coding: [{code: = with.x}]}\nmark: {url: 'urn:m', valueString: = with.x}\n";
    let rule = "rule: pt\nresource: Patient\nfrom:\n  p: {table: PT, key: [ID]}\nemit:\n  \
         maritalStatus: {$use: outer, with: {x: = p.NAME}}\n";
    let rules = rules(&[("fragments/f.yaml", fragments), ("pt.map.yaml", rule)]);
    let status =
        |name| body(&emitted(&rules, "pt", &record(&["1", name])))["maritalStatus"].clone();
    let marked = json!({"extension": [{"url": "urn:m", "valueString": "a!"}],
        "coding": [{"code": "K"}], "text": "a"});
    assert_eq!(status("a"), marked);
    assert_eq!(status("b"), json!({"coding": [{"code": "K"}], "text": "b"}));
}
