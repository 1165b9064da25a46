//! CSV → ConceptMap → CSV.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::codemap::{LocalEmit, Target, Unmapped, UnmappedPolicy, UnmappedSeverity, csv, rows};
use crate::diagnostic::Span;

fn map() -> CodeMap {
    let target = |id: &str| Target {
        id: id.to_owned(),
        system: format!("urn:{id}"),
        only_if_none: Vec::new(),
        derive: None,
        extension: None,
    };
    let uncoded = Coding {
        system: "urn:yj".to_owned(),
        version: None,
        code: "NOCODED".to_owned(),
        display: Some("標準コードなし".to_owned()),
        span: None,
    };
    let unmapped = Unmapped {
        policy: UnmappedPolicy::Uncoded,
        severity: UnmappedSeverity::Warning,
        codings: vec![uncoded],
        by: Vec::new(),
    };
    let targets = vec![target("yj"), target("hot9")];
    let local = ("urn:house".to_owned(), LocalEmit::Always);
    CodeMap::new("drug-map".to_owned(), Span::default(), local, targets, unmapped)
}

fn frame() -> Frame {
    let text = |text: &str| text.to_owned();
    Frame {
        id: text("drug-map"),
        url: text("urn:x:map"),
        version: text("1"),
        title: text("薬品"),
        source: text("urn:x:source"),
        target: text("urn:x:target"),
    }
}

fn there_and_back(text: &str) -> String {
    let map = map();
    let resource = concept_map(&map, &frame(), rows(text).iter());
    // Through bytes, as it travels.
    let resource = serde_json::from_str(&resource.to_string()).expect("JSON");
    csv(&rows_of(&map, &resource).expect("rows"))
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just("-".to_owned()),
        Just(NO_COMMENT.to_owned()),
        Just("2026-04-01".to_owned()),
        Just("2026/4/1".to_owned()),
        Just("2026-02-30".to_owned()),
        "[a-z,\"' ]{0,6}",
        "[ぁ-んァ-ヶ一-三\"\r\n]{0,4}",
    ]
    .prop_map(|text| text.trim().to_owned())
}

fn row() -> impl Strategy<Value = MapRow> {
    let words = prop::sample::select(vec![
        "",
        "equivalent",
        "wider",
        "narrower",
        "inexact",
        "relatedto",
        "unmatched",
        "none",
        "source-is-narrower-than-target",
        "related-to",
    ]);
    let states = prop::sample::select(crate::codemap::table::STATES.to_vec());
    let targets = prop::sample::select(vec!["yj", "hot9", "", "other", "urn:yj"]);
    let local = prop::sample::select(vec!["D1", "D2", "Ｄ３"]);
    let other = prop::array::uniform9(texts());
    (local, targets, words, states, other).prop_map(|(local, target, word, status, texts)| {
        let [local_name, code, display, from, to, by, at, version, note] = texts;
        MapRow {
            local: local.to_owned(),
            local_name,
            target: target.to_owned(),
            code,
            display,
            relationship: word.to_owned(),
            valid_from: from,
            valid_to: to,
            status: status.to_owned(),
            reviewed_by: by,
            reviewed_at: at,
            master_version: version,
            note,
            line: 0,
        }
    })
}

proptest! {
    #[test]
    fn rows_come_back_with_their_states_dates_reviewers_and_notes(
        all in prop::collection::vec(row(), 0..12)
    ) {
        let text = csv(&all);
        prop_assert_eq!(there_and_back(&text), text);
    }
}

#[test]
fn what_programs_must_not_overlook_is_a_modifier() {
    let text = "local,target,code,relationship,valid_to,status\n\
                D1,yj,1,equivalent,,accepted\n\
                D1,yj,2,equivalent,,proposed\n\
                D1,hot9,3,narrower,2026-03-31,accepted\n\
                D2,,,,,no-map\n";
    let resource = concept_map(&map(), &frame(), rows(text).iter());
    let target =
        |group: usize, place: usize| &resource["group"][group]["element"][0]["target"][place];
    assert_eq!(target(0, 0).get("modifierExtension"), None);
    let status = json!([{"url": "urn:x-genkan:code-map-row:status", "valueString": "proposed"}]);
    assert_eq!(target(0, 1)["modifierExtension"], status);
    let until = json!([{"url": "urn:x-genkan:code-map-row:valid-to", "valueDate": "2026-03-31"}]);
    assert_eq!(target(1, 0)["modifierExtension"], until);
    assert_eq!(target(1, 0)["comment"], NO_COMMENT);
    assert_eq!(resource["group"][2].get("target"), None);
    assert_eq!(target(2, 0)["equivalence"], "unmatched");
    assert_eq!(resource["group"][0]["unmapped"]["code"], "NOCODED");
    assert_eq!(resource["name"], "DrugMap");
}

#[test]
fn another_programs_mappings_are_proposals_and_what_would_be_lost_is_refused() {
    let element = json!([{"code": "D1", "display": "甲", "target": [
        {"code": "1", "display": "甲錠", "equivalence": "wider", "comment": "よく似ている"},
        {"equivalence": "unmatched"},
    ]}]);
    let whole = json!({
        "resourceType": "ConceptMap",
        "group": [{"source": "urn:house", "target": "urn:hot9", "element": element}],
    });
    let found = rows_of(&map(), &whole).expect("rows");
    let told: Vec<[&str; 4]> =
        found.iter().map(|r| [&*r.target, &*r.code, &*r.status, &*r.note]).collect();
    assert_eq!(told, [["hot9", "1", "proposed", "よく似ている"], ["hot9", "", "no-map", ""]]);
    for (path, value) in [
        ("/group/0/source", json!("urn:other")),
        ("/group/0/target", json!("urn:other")),
        ("/group/0/element/0/target/0/dependsOn", json!([{"property": "x", "value": "y"}])),
        ("/group/0/element/0/target/0/modifierExtension", json!([{"url": "urn:other"}])),
        ("/group/0/unmapped", json!({"mode": "other-map", "url": "urn:x"})),
        ("/group/0/element/0/code", json!("")),
        ("/resourceType", json!("ValueSet")),
    ] {
        let mut other = whole.clone();
        let (parent, name) = path.rsplit_once('/').expect("a path");
        other.pointer_mut(parent).expect(path)[name] = value;
        assert_eq!(rows_of(&map(), &other).expect_err(path).0.len(), 1, "{path}");
    }
}
