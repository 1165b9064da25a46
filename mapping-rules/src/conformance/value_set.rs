//! The value sets that the profiles bind to, and the few code systems that are not masters.

use serde_json::{Value as Json, json};

use crate::compile::structure::{Entries, list, text, text_list};
use crate::diagnostic::Diagnostic;
use crate::yaml::Yaml;

pub(super) fn read(yaml: &Yaml) -> Result<Vec<Json>, Vec<Diagnostic>> {
    let mut found = Vec::new();
    let made = resources(yaml, &mut found);
    found.extend(made.as_ref().err().cloned());
    made.ok().filter(|_| found.is_empty()).ok_or(found)
}

fn resources(yaml: &Yaml, found: &mut Vec<Diagnostic>) -> Result<Vec<Json>, Diagnostic> {
    let entries = Entries::of(yaml)?;
    entries.only(&["code-systems", "value-sets"], found);
    let mut made = Vec::new();
    for yaml in list(entries.required("code-systems")?)? {
        made.push(code_system(yaml, found)?);
    }
    for yaml in list(entries.required("value-sets")?)? {
        made.push(value_set(yaml, found)?);
    }
    Ok(made)
}

fn code_system(yaml: &Yaml, found: &mut Vec<Diagnostic>) -> Result<Json, Diagnostic> {
    let entries = Entries::of(yaml)?;
    entries.only(&["url", "codes", "content"], found);
    let mut concepts = Vec::new();
    for (code, display) in Entries::of(entries.required("codes")?)?.iter() {
        let display = text(display)?;
        concepts.push(match display {
            "" => json!({"code": code.name}),
            display => json!({"code": code.name, "display": display}),
        });
    }
    // Of a master: only the codes for what has none, which are no part of it.
    let content = match entries.get("content").map(|yaml| (yaml.as_text(), yaml.span)) {
        None => "complete",
        Some((Some("fragment"), _)) => "fragment",
        Some((_, span)) => {
            let (en, ja) =
                ("content is `fragment`, or is left out", "content は fragment だけです");
            return Err(Diagnostic::error("E0712", span, en, ja));
        }
    };
    Ok(json!({
        "resourceType": "CodeSystem",
        "url": entries.text("url")?.0,
        "status": "active",
        "content": content,
        "concept": concepts,
    }))
}

fn value_set(yaml: &Yaml, found: &mut Vec<Diagnostic>) -> Result<Json, Diagnostic> {
    let entries = Entries::of(yaml)?;
    entries.only(&["url", "systems"], found);
    let mut includes = Vec::new();
    for yaml in list(entries.required("systems")?)? {
        includes.push(match yaml.as_text() {
            // All its codes.
            Some(system) => json!({"system": system}),
            None => {
                let include = Entries::of(yaml)?;
                include.only(&["system", "codes"], found);
                let codes = text_list(include.required("codes")?)?;
                let codes: Vec<Json> =
                    codes.into_iter().map(|(code, _)| json!({"code": code})).collect();
                json!({"system": include.text("system")?.0, "concept": codes})
            }
        });
    }
    Ok(json!({
        "resourceType": "ValueSet",
        "url": entries.text("url")?.0,
        "status": "active",
        "compose": {"include": includes},
    }))
}
