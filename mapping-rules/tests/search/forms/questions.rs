//! Searches by name and value, of which some match the generated rows and some don't.

use proptest::prelude::*;

type Question = (String, String);

pub fn any() -> impl Strategy<Value = Question> {
    prop_oneof![
        tokens(),
        texts(),
        uris(),
        missing(),
        quantities(),
        (just("date"), dates()),
        (just("subject:identifier"), one(&["urn:pid|p", "q", "|p", "urn:x|p"])),
        (just("identifier:of-type"), types()),
        composites(),
    ]
}

fn one(values: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(values).prop_map(str::to_owned)
}

fn just(name: &'static str) -> impl Strategy<Value = String> {
    Just(name.to_owned())
}

/// Each of the names with each of the modifiers.
fn names(
    names: &'static [&'static str],
    modifiers: &'static [&'static str],
) -> impl Strategy<Value = String> {
    (one(names), one(modifiers)).prop_map(|(name, modifier)| format!("{name}{modifier}"))
}

const TOKENS: &[&str] = &[
    "A",
    "A1",
    "A2",
    "X",
    "NONE",
    "LAB",
    "FIX",
    "C",
    "urn:a|A2",
    "urn:b|X",
    "urn:b|",
    "urn:a|",
    "urn:l|B",
    "urn:i|A",
    "|alpha",
    "|A",
    "urn:fix|LAB",
    "urn:k|FIX",
    "urn:c|",
    "UNIT",
    "urn:u|1",
    "|1",
    "1",
];

fn tokens() -> impl Strategy<Value = Question> {
    let own = &[
        "code",
        "category",
        "identifier",
        "_tag",
        "component-code",
        "combo-code",
        "component-value-concept",
    ];
    (names(own, &["", ":not"]), one(TOKENS))
}

fn texts() -> impl Strategy<Value = Question> {
    let own = &["code", "category", "identifier", "method", "component-code", "combo-code", "_tag"];
    let texts = &["al", "AL", "Alpha", "has", "b", "not coded", "mg", "zzz", "http"];
    (names(own, &[":text"]), one(texts))
}

fn types() -> impl Strategy<Value = String> {
    one(&["urn:t|mg|A", "urn:a|A1|alpha", "urn:b|X|http://x/a", "urn:t|FIX|B", "urn:a|NONE|B"])
}

fn uris() -> impl Strategy<Value = Question> {
    let uris = &[
        "http://x/",
        "http://x/a",
        "http://x/a/b",
        "http://p.example/a",
        "http://p.example/b|1.0",
        "http://p.example/b",
        "http://p.example/",
    ];
    (names(&["_profile", "_source"], &["", ":below", ":above"]), one(uris))
}

fn missing() -> impl Strategy<Value = Question> {
    let own = &[
        "code",
        "category",
        "identifier",
        "_tag",
        "_profile",
        "_source",
        "subject",
        "date",
        "value-quantity",
        "component-code",
        "component-value-quantity",
        "combo-value-quantity",
        "component-value-concept",
        "method",
        "status",
    ];
    (names(own, &[":missing"]), one(&["true", "false", "true,false"]))
}

fn quantities() -> impl Strategy<Value = Question> {
    (one(&["value-quantity", "combo-value-quantity", "component-value-quantity"]), quantity())
}

fn quantity() -> impl Strategy<Value = String> {
    let prefixes = &["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"];
    let numbers = &["5", "4.5", "5.0", "1e2", "1.00e2", "0", "100", "-1", "5e0"];
    let units = &["", "||mg", "|urn:u|mg", "|urn:u|", "||Alp", "|urn:x|g"];
    (one(prefixes), one(numbers), one(units))
        .prop_map(|(prefix, number, unit)| format!("{prefix}{number}{unit}"))
}

fn composites() -> impl Strategy<Value = Question> {
    let own =
        &["code-value-quantity", "component-code-value-quantity", "combo-code-value-quantity"];
    let value = (one(TOKENS), quantity()).prop_map(|(token, number)| format!("{token}${number}"));
    (one(own), value)
}

fn dates() -> impl Strategy<Value = String> {
    let prefixes = &["", "ne", "ge", "le", "gt", "lt", "sa", "eb", "ap"];
    let days =
        &["2021", "2021-04", "2021-04-01", "2016-03", "2026-04-01", "2020-12-31T23:59", "2017"];
    (one(prefixes), one(days)).prop_map(|(prefix, day)| format!("{prefix}{day}"))
}
