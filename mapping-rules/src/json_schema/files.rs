//! The schema of each file.

use genkan_fhir::definitions::Definitions;
use genkan_masters::Kind;
use serde_json::{Value as Json, json};

use super::{emit, expression, keys, object, one_or_list, scalar};
use crate::grammar;
use crate::schema::TYPES;

pub(super) fn rule() -> Json {
    let resources: Vec<&str> = Definitions::r4().resource_names().collect();
    let known = [
        ("rule", json!({"type": ["string", "number"], "pattern": "^[A-Za-z0-9-]{1,32}$"})),
        ("resource", json!({"enum": resources})),
        ("profile", json!({"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9+.-]*:.+"})),
        ("source", json!({"type": "string"})),
        ("from", from()),
        ("where", expression()),
        ("updated", json!({"anyOf": [{"const": grammar::HASH}, one_or_list(expression())]})),
        ("version", json!({"enum": [grammar::IMAGE, grammar::UPDATED]})),
        ("blank", blank()),
        ("search", json!({"type": "object"})),
        ("tests", tests()),
        ("emit", json!({"type": "object"})),
    ];
    let sections = keys(&grammar::SECTIONS, known);
    let mut rule = object(sections, &grammar::SECTIONS_REQUIRED);
    // What may stand under `emit` and `search` hangs on the type.
    let by_type = resources.iter().map(|resource| {
        let of = json!({"properties": {"resource": {"const": resource}}, "required": ["resource"]});
        let then = json!({
            "properties": {"emit": emit::reference(resource), "search": search(resource)},
        });
        json!({"if": of, "then": then})
    });
    rule["allOf"] = by_type.collect();
    let mut definitions = emit::definitions();
    definitions.insert("override".to_owned(), replacement());
    rule["definitions"] = Json::Object(definitions);
    rule
}

fn from() -> Json {
    let text = json!({"type": "string"});
    let columns = one_or_list(scalar());
    let known = |names: &[&str]| {
        let known = [
            ("table", text.clone()),
            ("key", columns.clone()),
            ("one", columns.clone()),
            ("maybe", columns.clone()),
            ("many", columns.clone()),
            ("order", columns.clone()),
            ("where", expression()),
            ("valid", columns.clone()),
            ("at", expression()),
        ];
        keys(names, known)
    };
    let root = object(known(&grammar::ROOT), &grammar::ROOT);
    let many = object(known(&grammar::MANY), &["table", "many"]);
    let mut single = object(known(&grammar::SINGLE), &["table"]);
    single["oneOf"] = json!([{"required": ["one"]}, {"required": ["maybe"]}]);
    json!({
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"not": {"enum": grammar::RESERVED_ALIASES}},
        "additionalProperties": {
            "if": {"required": ["key"]},
            "then": root,
            "else": {"if": {"required": ["many"]}, "then": many, "else": single},
        },
    })
}

fn blank() -> Json {
    let list = one_or_list(scalar());
    json!({"anyOf": [list, {"type": "object", "additionalProperties": list}]})
}

/// Parameters that R4 has for the type.
fn search(resource: &str) -> Json {
    let parameters = Definitions::r4().search_parameters(resource).iter();
    let names: Vec<&str> = parameters.map(|parameter| parameter.code).collect();
    json!({
        "type": "object",
        "propertyNames": {"enum": names},
        "additionalProperties": emit::reference("override"),
    })
}

/// What stands under a search parameter. Editors read `off` as false.
fn replacement() -> Json {
    let column = object(keys(&grammar::SEARCH, [("column", expression())]), &grammar::SEARCH);
    json!({"anyOf": [{"const": grammar::OFF}, {"const": false}, expression(), column]})
}

fn tests() -> Json {
    let row = json!({"type": "object", "additionalProperties": scalar()});
    let rows = json!({"type": "object", "additionalProperties": one_or_list(row)});
    let issue = object(
        keys(
            &grammar::ISSUE,
            [
                ("severity", json!({"enum": grammar::SEVERITIES})),
                ("code", json!({"type": "string"})),
                ("map", json!({"type": "string"})),
                ("local", scalar()),
            ],
        ),
        &[],
    );
    let known = [
        ("name", json!({"type": ["string", "number"]})),
        ("rows", rows),
        ("expect", json!({"type": ["object", "array"]})),
        ("absent", one_or_list(json!({"type": "string"}))),
        ("issues", one_or_list(issue)),
        ("finds", one_or_list(json!({"type": "string"}))),
        ("misses", one_or_list(json!({"type": "string"}))),
        ("statements", json!({"type": "integer", "minimum": 0})),
    ];
    let names = [&grammar::TEST_REQUIRED[..], &grammar::CLAIMS[..]].concat();
    let mut test = object(keys(&names, known), &grammar::TEST_REQUIRED);
    test["anyOf"] = grammar::CLAIMS.iter().map(|claim| json!({"required": [claim]})).collect();
    json!({"type": "array", "items": test})
}

/// What a fragment may hold hangs on the places that use it.
pub(super) fn fragments() -> Json {
    json!({"type": "object", "additionalProperties": true})
}

pub(super) fn code_maps() -> Json {
    let text = json!({"type": "string"});
    let local = [("system", text.clone()), ("emit", json!({"enum": grammar::LOCAL_EMIT}))];
    let tables: Vec<&str> = Kind::ALL.into_iter().map(Kind::word).collect();
    let derive = [("from", text.clone()), ("table", json!({"enum": tables}))];
    let derive = object(keys(&grammar::DERIVE, derive), &grammar::DERIVE);
    let target = [
        ("id", text.clone()),
        ("system", text.clone()),
        ("only-if-none", one_or_list(text.clone())),
        ("derive", derive),
        ("extension", text.clone()),
    ];
    let coding = [
        ("target", text.clone()),
        ("system", text.clone()),
        ("version", scalar()),
        ("code", scalar()),
        ("display", scalar()),
    ];
    let mut coding = object(keys(&grammar::CODING, coding), &["code"]);
    coding["anyOf"] = json!([{"required": ["target"]}, {"required": ["system"]}]);
    let codings = json!({"type": "array", "items": coding});
    let unmapped = [
        ("policy", json!({"enum": grammar::POLICIES})),
        ("severity", json!({"enum": grammar::SEVERITIES})),
        ("codings", codings.clone()),
        ("by", json!({"type": "object", "additionalProperties": codings})),
    ];
    let mut unmapped = object(keys(&grammar::UNMAPPED, unmapped), &["policy"]);
    unmapped["if"] = json!({"properties": {"policy": {"const": "uncoded"}}});
    unmapped["then"] = json!({"anyOf": [{"required": ["codings"]}, {"required": ["by"]}]});
    unmapped["else"] = json!({"not": {"anyOf": [{"required": ["codings"]}, {"required": ["by"]}]}});
    let target = object(keys(&grammar::TARGET, target), &["id", "system"]);
    let map = [
        ("local", object(keys(&grammar::LOCAL, local), &["system"])),
        ("targets", json!({"type": "array", "items": target})),
        ("unmapped", unmapped),
    ];
    let map = object(keys(&grammar::CODE_MAP, map), &grammar::CODE_MAP);
    json!({"type": "object", "additionalProperties": map})
}

/// The recorded schema of a source.
pub(super) fn source_schema() -> Json {
    let names = json!({"type": "array", "items": scalar()});
    let types: Vec<String> = TYPES
        .iter()
        .map(|of| match of.strip_suffix("(n)") {
            Some("char") => "char\\(\\s*\\d+\\s*\\)".to_owned(),
            Some(name) => format!("{name}(\\(\\s*\\d+\\s*\\))?"),
            None => format!("{of}(\\(.*\\))?"),
        })
        .collect();
    let column = json!({"type": "string", "pattern": format!("^({})$", types.join("|"))});
    let known = [
        ("key", names.clone()),
        ("columns", json!({"type": "object", "additionalProperties": column})),
        ("indexes", json!({"type": "array", "items": names})),
        ("unique", json!({"type": "array", "items": names})),
    ];
    let table = object(keys(&grammar::TABLE, known), &["columns"]);
    json!({"type": "object", "additionalProperties": table})
}
