//! The lexical rules of the primitive types.

use genkan_fhir::definitions::{
    Definitions, MAX_STRING_BYTES, PrimitiveFault, PrimitiveKind, check_primitive,
};
use proptest::prelude::*;

#[test]
fn every_primitive_type_of_r4_has_a_kind_and_a_rule() {
    let r4 = Definitions::r4();
    let names = [
        "base64Binary",
        "boolean",
        "canonical",
        "code",
        "date",
        "dateTime",
        "decimal",
        "id",
        "instant",
        "integer",
        "markdown",
        "oid",
        "positiveInt",
        "string",
        "time",
        "unsignedInt",
        "uri",
        "url",
        "uuid",
        "xhtml",
    ];
    for name in names {
        assert!(r4.is_type(name) && r4.primitive_kind(name).is_some(), "{name}");
        assert_ne!(check_primitive(name, "\u{1}"), Ok(()), "{name}");
        assert_ne!(check_primitive(name, "\u{1}"), Err(PrimitiveFault::NotPrimitive), "{name}");
        assert_eq!(check_primitive(name, ""), Err(PrimitiveFault::Empty), "{name}");
    }
    assert_eq!(r4.primitive_kind("HumanName"), None);
    assert_eq!(check_primitive("HumanName", "x"), Err(PrimitiveFault::NotPrimitive));
    assert!(PrimitiveKind::Decimal.is_bare_in_json() && !PrimitiveKind::Date.is_bare_in_json());
}

#[test]
fn values_are_told_from_what_is_none() {
    let good: &[(&str, &[&str])] = &[
        ("boolean", &["true", "false"]),
        ("integer", &["0", "-1", "2147483647", "-2147483648"]),
        ("unsignedInt", &["0", "1"]),
        ("positiveInt", &["1", "2147483647"]),
        ("decimal", &["0", "-0.50", "1e-3", "12345678901234567890.123", "1E+3"]),
        ("string", &["山田　太郎", " x ", "a\nb\tc", "🏥"]),
        ("markdown", &["# 見出し\n"]),
        ("code", &["a", "a b", "final"]),
        ("id", &["a", "A-1.b", &"x".repeat(64)]),
        ("uri", &["urn:oid:1.2", "http://x/y?z", "x"]),
        ("oid", &["urn:oid:1.2.392.100495.20.3.51.0", "urn:oid:2.0"]),
        ("uuid", &["urn:uuid:c757873d-ec9a-4326-a141-556f43239520"]),
        ("base64Binary", &["QUJD", "QUI=", "QQ==", "QUJD\nQUJD"]),
        ("xhtml", &["<div xmlns=\"http://www.w3.org/1999/xhtml\"/>"]),
        ("time", &["10:20:30"]),
    ];
    let bad: &[(&str, &[&str])] = &[
        ("boolean", &["True", "1"]),
        ("integer", &["01", "+1", "-0", "1.0", "2147483648", "-", "１"]),
        ("unsignedInt", &["-1"]),
        ("positiveInt", &["0", "-1"]),
        ("decimal", &["1.", ".5", "01", "+1", "1e", "NaN", "1,5", "-"]),
        ("string", &[" \n", "a\u{0}", "a\u{1b}b"]),
        ("code", &[" a", "a ", "a  b", "a\t\tb"]),
        ("id", &["a_b", "山", &"x".repeat(65), "a b"]),
        ("uri", &["a b", "a\u{3000}b"]),
        ("oid", &["1.2.3", "urn:oid:3.1", "urn:oid:1", "urn:oid:1.02", "urn:oid:1..2"]),
        (
            "uuid",
            &[
                "c757873d-ec9a-4326-a141-556f43239520",
                "urn:uuid:C757873D-EC9A-4326-A141-556F43239520",
            ],
        ),
        ("base64Binary", &["QUJ", "Q===", "QQ=A", "山田", "===="]),
        ("date", &["2026-02-30", "20260228", "2026-02-28T10:00:00Z"]),
        ("instant", &["2026-02-28"]),
    ];
    for (type_code, texts) in good {
        for text in *texts {
            assert_eq!(check_primitive(type_code, text), Ok(()), "{type_code} {text:?}");
        }
    }
    for (type_code, texts) in bad {
        for text in *texts {
            assert!(check_primitive(type_code, text).is_err(), "{type_code} {text:?}");
        }
    }
}

/// Otherwise one row would cost a whole page its XML form.
#[test]
fn a_value_that_json_can_hold_and_xml_can_not_is_none() {
    for letter in ["\u{1}", "\u{b}", "\u{1f}", "\u{fdd0}", "\u{fdef}", "\u{fffe}", "\u{ffff}"] {
        for type_code in ["string", "markdown", "code", "uri", "xhtml"] {
            let text = match type_code {
                "xhtml" => format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{letter}</div>"),
                _ => format!("a{letter}"),
            };
            assert!(check_primitive(type_code, &text).is_err(), "{type_code} {letter:?}");
        }
    }
    for letter in ["\t", "\r", "\n", "\u{7f}", "\u{fffd}", "\u{1fffe}", "\u{e000}", "𠮷"] {
        assert_eq!(check_primitive("string", &format!("a{letter}")), Ok(()), "{letter:?}");
    }
}

#[test]
fn a_string_has_a_limit_and_an_attachment_has_not() {
    let long = "A".repeat(MAX_STRING_BYTES + 4);
    assert_eq!(check_primitive("string", &long), Err(PrimitiveFault::TooLong(MAX_STRING_BYTES)));
    assert_eq!(check_primitive("string", &long[4..]), Ok(()));
    assert_eq!(check_primitive("base64Binary", &long), Ok(()));
}

proptest! {
    /// What is called a decimal is a JSON number, and the other way round.
    #[test]
    fn decimals_are_json_numbers(text in "-?[0-9]{0,3}\\.?[0-9]{0,3}([eE][+-]?[0-9]{0,2})?") {
        let is_json = serde_json::from_str::<serde_json::Number>(&text).is_ok();
        prop_assert_eq!(check_primitive("decimal", &text).is_ok(), is_json);
    }

    #[test]
    fn integers_are_json_numbers_of_32_bits(text in "[+-]?[0-9]{0,11}") {
        let is_json = serde_json::from_str::<i32>(&text).is_ok() && text != "-0";
        prop_assert_eq!(check_primitive("integer", &text).is_ok(), is_json);
    }
}
