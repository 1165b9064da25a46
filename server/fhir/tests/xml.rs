//! JSON to XML and back, and what is refused on the way.

use std::{fs, path::Path};

use genkan_fhir::xml::{MAX_DEPTH, XmlError, from_json, to_json};
use serde_json::{Value, json};

#[test]
fn official_examples_come_back_equal() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/examples/clins");
    let Ok(entries) = fs::read_dir(&examples) else {
        println!("skipped: there are no official examples beside the repository");
        return;
    };
    let mut count = 0;
    for entry in entries {
        let path = entry.expect("the folder can be read").path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("an example can be read");
        let resource: Value = serde_json::from_str(&text).expect("an example is JSON");
        let xml =
            from_json(&resource).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let back = to_json(&xml).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(back == resource, "{} changed", path.display());
        count += 1;
    }
    assert!(count > 0, "the folder of examples holds none");
}

#[test]
fn a_patient_is_written_in_the_standards_order_with_its_decimals_and_line_breaks() {
    let observation = json!({
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "カリウム <K> & \"Na\""},
        "valueQuantity": {"value": serde_json::from_str::<Value>("4.20").expect("a number")},
        "note": [{"text": "一行目\n二行目\tタブ\r"}],
        "_status": {"extension": [{"url": "http://example.org/x", "valueBoolean": true}]}
    });
    let xml = from_json(&observation).expect("a resource");
    assert!(xml.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"), "{xml}");
    assert!(xml.contains("<value value=\"4.20\"/>"), "{xml}");
    assert!(xml.contains("一行目&#10;二行目&#9;タブ&#13;"), "{xml}");
    assert!(xml.contains("カリウム &#60;K&#62; &#38;"), "{xml}");
    assert_eq!(to_json(&xml).expect("our own XML"), observation);
}

#[test]
fn a_narrative_survives_byte_for_byte() {
    for inner in [
        "<p class=\"x\">山田 &amp; 子<br/></p>\n ",
        "<b>a</b> <i>b</i>",
        "<div>nested</div> <!-- <div> --> &#x3000;",
        "0",
        "",
    ] {
        let div = format!(
            "<div xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"ja\" xml:lang=\"ja\">{inner}</div>"
        );
        let patient = json!({
            "resourceType": "Patient",
            "text": {"status": "generated", "div": div}
        });
        let xml = from_json(&patient).expect("a resource");
        assert!(xml.contains(&div), "{xml}");
        assert_eq!(to_json(&xml).expect("our own XML"), patient);
    }
}

#[test]
fn a_narrative_cannot_break_out_of_its_place() {
    for div in [
        "text",
        "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p></div>",
        "<div xmlns=\"http://www.w3.org/1999/xhtml\"></div></text><active value=\"true\"/><text>",
        "<div xmlns=\"http://www.w3.org/1999/xhtml\"/><div xmlns=\"http://www.w3.org/1999/xhtml\"/>",
        "<div>no namespace</div>",
        "<p xmlns=\"http://www.w3.org/1999/xhtml\">no div</p>",
        "<div xmlns=\"http://www.w3.org/1999/xhtml\">&nbsp;</div>",
        "<?xml version=\"1.0\"?><div xmlns=\"http://www.w3.org/1999/xhtml\"/>",
        " <div xmlns=\"http://www.w3.org/1999/xhtml\"/>",
    ] {
        let patient =
            json!({"resourceType": "Patient", "text": {"status": "generated", "div": div}});
        assert_eq!(from_json(&patient), Err(XmlError::Narrative), "{div}");
    }
}

#[test]
fn lists_of_primitives_with_extensions_stay_aligned() {
    let patient = json!({
        "resourceType": "Patient",
        "name": [{
            "given": ["太郎", null],
            "_given": [null, {"extension": [{"url": "http://example.org/x", "valueCode": "y"}]}]
        }]
    });
    let xml = from_json(&patient).expect("a resource");
    assert_eq!(to_json(&xml).expect("our own XML"), patient);
}

#[test]
fn json_that_is_not_fhir_is_refused() {
    let refused = [
        (json!({"resourceType": "Patient", "name": []}), XmlError::Empty),
        (json!({"resourceType": "Patient", "name": [{"given": []}]}), XmlError::Empty),
        (json!({"resourceType": "Patient", "name": [{}]}), XmlError::Empty),
        (json!({"resourceType": "Patient", "name": [null]}), XmlError::Empty),
        (json!({"resourceType": "Patient", "gender": null}), XmlError::Empty),
        (json!({"resourceType": "Patient", "gender": ""}), XmlError::Empty),
        (json!({"resourceType": "Patient", "gender": "a\u{0}b"}), XmlError::Character),
        (json!({"resourceType": "Patient", "gender": "\u{FDD0}"}), XmlError::Character),
        (json!({"resourceType": "Patient", "name": [[{"text": "x"}]]}), XmlError::Content),
        (json!({"resourceType": "Patientt"}), XmlError::UnknownResourceType("Patientt".into())),
        (json!({"resourceType": "山田"}), XmlError::UnknownResourceType("this".into())),
        (json!({"name": "x"}), XmlError::NoResourceType),
        (json!([]), XmlError::NoResourceType),
        (json!({"resourceType": "Patient", "nome": "x"}), XmlError::UnknownElement("nome".into())),
    ];
    for (resource, error) in refused {
        assert_eq!(from_json(&resource), Err(error), "{resource}");
    }
    let mut deep = json!({"url": "x", "valueString": "y"});
    for _ in 0..=MAX_DEPTH {
        deep = json!({"url": "x", "extension": [deep]});
    }
    let deep = json!({"resourceType": "Patient", "extension": [deep]});
    assert_eq!(from_json(&deep), Err(XmlError::TooDeep));
}

#[test]
fn xml_that_is_not_fhir_is_refused() {
    let patient =
        |content: &str| format!("<Patient xmlns=\"http://hl7.org/fhir\">{content}</Patient>");
    let good = patient("<gender value=\"male\"/>");
    assert_eq!(to_json(&good), Ok(json!({"resourceType": "Patient", "gender": "male"})));

    let not_well_formed = [
        "<Patient xmlns=\"http://hl7.org/fhir\"><gender value=\"male\"/>".to_owned(),
        "<Patient xmlns=\"http://hl7.org/fhir\"><gender value=\"male\"></Patient>".to_owned(),
        format!("{good}{good}"),
        format!("{good} text"),
        format!("text {good}"),
        patient("<gender value=\"a\" value=\"b\"/>"),
        patient("<gender value=male/>"),
        String::new(),
        " ".to_owned(),
    ];
    for xml in not_well_formed {
        assert!(
            matches!(to_json(&xml), Err(XmlError::NotWellFormed { .. })),
            "{xml}: {:?}",
            to_json(&xml)
        );
    }
    let doctype = format!("<!DOCTYPE Patient [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>{good}");
    assert_eq!(to_json(&doctype), Err(XmlError::Forbidden));
    assert_eq!(to_json(&patient("<gender value=\"&x;\"/>")), Err(XmlError::Forbidden));
    assert_eq!(to_json(&patient("<?php x?>")), Err(XmlError::Forbidden));
    let prefixed =
        "<f:Patient xmlns:f=\"http://hl7.org/fhir\"><f:gender value=\"male\"/></f:Patient>";
    assert_eq!(to_json(prefixed), Err(XmlError::Prefixed));
    assert_eq!(to_json("<Patient><gender value=\"male\"/></Patient>"), Err(XmlError::Content));
    assert_eq!(
        to_json(&patient("<nome value=\"x\"/>")),
        Err(XmlError::UnknownElement("nome".into()))
    );
    assert_eq!(to_json("<html/>"), Err(XmlError::UnknownResourceType("html".into())));
    assert!(to_json(&patient("text")).is_err());

    let deep = format!("{}{}", "<extension>".repeat(500), "</extension>".repeat(500));
    assert_eq!(to_json(&patient(&deep)), Err(XmlError::TooDeep));
}

#[test]
fn messages_do_not_repeat_content() {
    let secret = "山田太郎";
    let refused = [
        from_json(&json!({"resourceType": "Patient", "active": secret})).map(|_| ()),
        from_json(&json!({"resourceType": "Patient", "name": secret})).map(|_| ()),
        from_json(&json!({"resourceType": "Patient", (secret): 1})).map(|_| ()),
        to_json(&format!("<Patient xmlns=\"http://hl7.org/fhir\"><{secret}/></Patient>"))
            .map(|_| ()),
    ];
    let shown: Vec<String> = refused
        .iter()
        .filter_map(|result| result.as_ref().err())
        .map(ToString::to_string)
        .collect();
    assert!(
        !shown.is_empty() && shown.iter().all(|message| !message.contains(secret)),
        "{shown:?}"
    );
}
