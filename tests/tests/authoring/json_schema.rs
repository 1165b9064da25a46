//! `genkan rules json-schema`: what editors know of the language is what `check` knows.

use std::fs;

use anyhow::{Context, Result, anyhow, bail, ensure};
use boon::{Compiler, SchemaIndex, Schemas};
use genkan_tests::hospital::rules;
use saphyr_parser::{Event, Parser, ScalarStyle, StrInput};
use serde_json::{Map, Value};

use super::{PATIENT, SCHEMA, Small, fails, run};

struct Editor {
    schemas: Schemas,
    schema: SchemaIndex,
}

impl Editor {
    fn of(file: &str) -> Result<Self> {
        let mut schema: Value = serde_json::from_str(&run(&["rules", "json-schema", file])?)?;
        if file == "rule" {
            only_used(&mut schema)?;
        }
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        let made = |error: boon::CompileError| anyhow!("{file}: {error}");
        compiler.add_resource("genkan.json", schema).map_err(made)?;
        let schema = compiler.compile("genkan.json", &mut schemas).map_err(made)?;
        Ok(Editor { schemas, schema })
    }

    fn takes(&self, text: &str) -> Result<(), String> {
        let value = json(text).map_err(|error| error.to_string())?;
        self.schemas.validate(&value, self.schema).map_err(|error| format!("{error:#}"))
    }
}

/// All of R4 takes this validator a minute to compile, and each resource is described in the same way:
/// those that no rule of the tests makes are left out.
fn only_used(schema: &mut Value) -> Result<()> {
    let mut made = vec!["Patient".to_owned()];
    for entry in fs::read_dir(rules())? {
        let path = entry?.path();
        if path.is_file() {
            let text = fs::read_to_string(path)?;
            let resource = text.lines().find_map(|line| line.strip_prefix("resource: "));
            made.extend(resource.map(str::to_owned));
        }
    }
    let by_type = schema["allOf"].as_array_mut().context("a list by type")?;
    ensure!(by_type.len() > 140, "all of R4: {}", by_type.len());
    by_type.retain(|of| {
        let resource = of["if"]["properties"]["resource"]["const"].as_str();
        made.iter().any(|made| Some(made.as_str()) == resource)
    });
    let mut waiting = names(&schema["allOf"]);
    waiting.push("override".to_owned());
    let mut kept = Map::new();
    while let Some(name) = waiting.pop() {
        if !kept.contains_key(&name) {
            let of = schema["definitions"][&name].clone();
            ensure!(of.is_object(), "nothing defines `{name}`");
            waiting.extend(names(&of));
            kept.insert(name, of);
        }
    }
    schema["definitions"] = Value::Object(kept);
    Ok(())
}

/// The definitions that a part of the schema refers to.
fn names(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(names).collect(),
        Value::Object(object) => {
            let own = object.get("$ref").and_then(Value::as_str).into_iter();
            let own = own.filter_map(|of| of.strip_prefix("#/definitions/"));
            let own = own.map(|name| name.replace("%20", " "));
            own.chain(object.values().flat_map(names)).collect()
        }
        _ => Vec::new(),
    }
}

/// A YAML file as editors read it: `1` is a number and `true` a boolean.
fn json(text: &str) -> Result<Value> {
    let mut parser = Parser::new_from_str(text);
    loop {
        match parser.next().context("no document")?? {
            (Event::DocumentStart(_), _) => return next(&mut parser),
            (Event::StreamEnd, _) => bail!("no document"),
            _ => {}
        }
    }
}

fn next(parser: &mut Parser<StrInput>) -> Result<Value> {
    let (event, _) = parser.next().context("the file ends")??;
    value(event, parser)
}

fn value(event: Event, parser: &mut Parser<StrInput>) -> Result<Value> {
    Ok(match event {
        Event::Scalar(text, ScalarStyle::Plain, ..) => match text.as_ref() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "" | "~" | "null" => Value::Null,
            number if number.parse::<i64>().is_ok() => Value::from(number.parse::<i64>()?),
            text => Value::from(text),
        },
        Event::Scalar(text, ..) => Value::from(text.as_ref()),
        Event::SequenceStart(..) => {
            let mut items = Vec::new();
            loop {
                match parser.next().context("the file ends")??.0 {
                    Event::SequenceEnd => break Value::Array(items),
                    event => items.push(value(event, parser)?),
                }
            }
        }
        Event::MappingStart(..) => {
            let mut entries = Map::new();
            loop {
                match parser.next().context("the file ends")??.0 {
                    Event::MappingEnd => break Value::Object(entries),
                    Event::Scalar(key, ..) => {
                        entries.insert(key.into_owned(), next(parser)?);
                    }
                    other => bail!("{other:?}"),
                }
            }
        }
        other => bail!("{other:?}"),
    })
}

#[test]
fn the_demo_hospitals_files_are_what_the_schemas_describe() -> Result<()> {
    let (rule, maps) = (Editor::of("rule")?, Editor::of("codemaps")?);
    let (fragments, schema) = (Editor::of("fragments")?, Editor::of("schema")?);
    let mut count = 0;
    for entry in fs::read_dir(rules())? {
        let path = entry?.path();
        if path.display().to_string().ends_with(".map.yaml") {
            let told = rule.takes(&fs::read_to_string(&path)?);
            ensure!(told.is_ok(), "{path:?}: {told:?}");
            count += 1;
        }
    }
    ensure!(count > 10, "{count}");
    let read = |path: &str| fs::read_to_string(rules().join(path));
    for (editor, path) in
        [(maps, "codes/codemaps.yaml"), (fragments, "fragments/jp.yaml"), (schema, "schema.yaml")]
    {
        let told = editor.takes(&read(path)?);
        ensure!(told.is_ok(), "{path}: {told:?}");
    }
    Ok(())
}

/// A mistake each: what stands in a rule, and what is put there instead.
const BROKEN: &[(&str, &str)] = &[
    ("resource: Patient", "resource: Patien"),
    ("rule: patient", "rule: 患者"),
    ("from:", "form:"),
    ("emit:", "emitt:"),
    ("key: [PT_NO]", "kay: [PT_NO]"),
    ("p: {table: PT, key: [PT_NO]}", "p: {table: PT}"),
    ("updated: = p.UPD_DT | datetime", "updated: p.UPD_DT"),
    ("updated: = p.UPD_DT | datetime", "write: {mode: direct}"),
    ("updated: = p.UPD_DT | datetime", "where: p.SEX"),
    ("updated: = p.UPD_DT | datetime", "search: {famly: off}"),
    ("updated: = p.UPD_DT | datetime", "search: {family: {colum: = p.SIMEI}}"),
    ("updated: = p.UPD_DT | datetime", "profile: x"),
    ("updated: = p.UPD_DT | datetime", "version: newest"),
    ("gender: =", "gendr: ="),
    ("gender: = p.SEX | map 1=male 2=female", "gender: mail"),
    ("gender: = p.SEX | map 1=male 2=female", "gender: [male]"),
    ("gender: = p.SEX | map 1=male 2=female", "gender: {text: male}"),
    ("gender: = p.SEX | map 1=male 2=female", "gender: {$iff: = p.SEX exists, $value: male}"),
    ("gender: = p.SEX | map 1=male 2=female", "id: = p.PT_NO"),
    ("gender: = p.SEX | map 1=male 2=female", "deceased: = p.SEX"),
    ("name: [{text: = p.SIMEI}]", "name: {text: = p.SIMEI}"),
    ("name: [{text: = p.SIMEI}]", "name: [{txt: = p.SIMEI}]"),
    ("name: [{text: = p.SIMEI}]", "name: [{$eech: p, text: = p.SIMEI}]"),
    ("name: [{text: = p.SIMEI}]", "link: [{other: {$ref: patient, key: [= p.PT_NO]}}]"),
    ("name: [{text: = p.SIMEI}]", "generalPractitioner: [{$ref: patient}]"),
    ("name: [{text: = p.SIMEI}]", "maritalStatus: {$code: disease, form: = p.SEX}"),
    ("name: [{text: = p.SIMEI}]", "maritalStatus: {$first: [{text: a}]}"),
    ("    expect: {gender: male}\n", ""),
    ("    expect: {gender: male}\n", "    expects: {gender: male}\n"),
    ("expect: {gender: male}", "issues: [{kode: bad-date}]"),
    ("expect: {gender: male}", "statements: two"),
    ("  - name: one\n    rows:", "  - rows:"),
];

/// What the language has and the demo does not use.
const WHOLE: &[(&str, &str)] = &[
    ("updated: = p.UPD_DT | datetime", "updated: hash"),
    ("updated: = p.UPD_DT | datetime", "updated: = p.UPD_DT | datetime\nversion: updated"),
    (
        "updated: = p.UPD_DT | datetime",
        "updated: [= p.UPD_DT | datetime]\nblank: {all: ['0'], PT: '9'}",
    ),
    ("updated: = p.UPD_DT | datetime", "search: {family: off, phonetic: = p.SIMEI}"),
    ("gender: = p.SEX | map 1=male 2=female", "gender: {$if: = p.SEX exists, $value: male}"),
    (
        "gender: = p.SEX | map 1=male 2=female",
        "birthDate: = p.UPD_DT | date\n  _birthDate: {extension: [{url: http://x, valueString: a}]}",
    ),
    ("name: [{text: = p.SIMEI}]", "maritalStatus: {$first: [{text: = p.SIMEI}, {text: = p.SEX}]}"),
    (
        "name: [{text: = p.SIMEI}]",
        "maritalStatus: {$code: disease, from: = p.SEX, text: = p.SIMEI}",
    ),
    ("expect: {gender: male}", "absent: birthDate\n    issues: []\n    statements: 1"),
];

/// Each mistake in a whole file, for the schema and for `check`: what one refuses, the other does.
#[test]
fn what_check_refuses_of_the_shape_the_schema_refuses_too() -> Result<()> {
    let editor = Editor::of("rule")?;
    let small = Small::new()?;
    let folder = small.rules();
    ensure!(editor.takes(PATIENT).is_ok(), "{:?}", editor.takes(PATIENT));
    run(&["rules", "check", &folder])?;
    for (old, new) in BROKEN {
        ensure!(PATIENT.contains(old), "{old}");
        let broken = PATIENT.replacen(old, new, 1);
        ensure!(editor.takes(&broken).is_err(), "the schema takes {new}");
        small.write("patient.map.yaml", &broken)?;
        fails(&["rules", "check", &folder], 65, &["error"]).with_context(|| new.to_owned())?;
    }
    for (old, new) in WHOLE {
        let other = PATIENT.replacen(old, new, 1);
        let told = editor.takes(&other);
        ensure!(told.is_ok(), "{new}: {told:?}");
        small.write("patient.map.yaml", &other)?;
        run(&["rules", "check", &folder]).with_context(|| new.to_owned())?;
    }
    Ok(())
}

#[test]
fn mistakes_in_code_maps_and_schemas_are_refused_by_both() -> Result<()> {
    let small = Small::new()?;
    let (folder, path) = (small.rules(), "codes/codemaps.yaml");
    let editor = Editor::of("codemaps")?;
    ensure!(editor.takes(super::MAPS).is_ok(), "{:?}", editor.takes(super::MAPS));
    let more = "id: medis, derive: {from: x, table: hot}, extension: urn:x,";
    let more = super::MAPS.replacen("id: medis,", more, 1);
    ensure!(editor.takes(&more).is_ok(), "{:?}", editor.takes(&more));
    for (old, new) in [
        ("policy: warn", "policy: wrn"),
        ("policy: warn", "policy: uncoded"),
        ("policy: warn", "policy: warn, codings: [{target: medis, code: 9}]"),
        ("policy: warn", "policy: uncoded, codings: [{code: 9}]"),
        ("policy: warn", "policy: warn, severity: grave"),
        ("emit: always", "emit: often"),
        ("targets:", "target:"),
        ("id: medis, system", "id: medis, systm"),
        ("local:", "house:"),
        ("id: medis,", "id: medis, derive: {from: x, table: nowhere},"),
        ("id: medis,", "id: medis, derive: {from: x},"),
        ("id: medis,", "id: medis, extension: [urn:x],"),
    ] {
        let broken = super::MAPS.replacen(old, new, 1);
        ensure!(broken != super::MAPS && editor.takes(&broken).is_err(), "the schema takes {new}");
        small.write(path, &broken)?;
        fails(&["rules", "check", &folder], 65, &["codemaps.yaml"]).context(new.to_owned())?;
    }
    let editor = Editor::of("schema")?;
    ensure!(editor.takes(SCHEMA).is_ok(), "{:?}", editor.takes(SCHEMA));
    for (old, new) in [
        ("char(6)", "char"),
        ("char(6)", "varchr(6)"),
        ("columns", "colums"),
        ("  key: [PT_NO]", "  keys: [PT_NO]"),
    ] {
        let broken = SCHEMA.replacen(old, new, 1);
        ensure!(editor.takes(&broken).is_err(), "the schema takes {new}");
        small.write("schema.yaml", &broken)?;
        fails(&["rules", "check", &folder], 65, &["schema.yaml"]).context(new.to_owned())?;
    }
    fails(&["rules", "json-schema", "config"], 64, &["possible values"])?;
    Ok(())
}
