//! JSON Schemas of the files of a rule set, for editors: they complete and underline while somebody
//! types. Made of the words that the compiler knows and of R4's own definitions, so that they say the
//! same. `check` says more: a schema sees neither tables nor columns, and not what an expression holds.

mod emit;
mod files;

use serde_json::{Value as Json, json};

/// A file of a rule set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum File {
    /// `*.map.yaml`
    Rule,
    /// `fragments/*.yaml`
    Fragments,
    /// `codes/codemaps.yaml`
    CodeMaps,
    /// `schema.yaml`
    Schema,
}

const DRAFT: &str = "http://json-schema.org/draft-07/schema#";

/// The schema of a file (draft 7, which editors know best).
pub fn of(file: File) -> Json {
    let mut schema = match file {
        File::Rule => files::rule(),
        File::Fragments => files::fragments(),
        File::CodeMaps => files::code_maps(),
        File::Schema => files::source_schema(),
    };
    if let Some(object) = schema.as_object_mut() {
        object.insert("$schema".to_owned(), json!(DRAFT));
    }
    schema
}

/// What an editor takes a YAML scalar for; to Genkan each is a text.
fn scalar() -> Json {
    json!({"type": ["string", "number", "boolean", "null"]})
}

/// `= …`
fn expression() -> Json {
    json!({"type": "string", "pattern": "^=\\s*\\S"})
}

/// One or several.
fn one_or_list(of: Json) -> Json {
    json!({"anyOf": [of, {"type": "array", "items": of}]})
}

/// An object of these keys and no others.
fn object(properties: serde_json::Map<String, Json>, required: &[&str]) -> Json {
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// The schema of each key; a key of the grammar without one of its own holds anything.
fn keys<const N: usize>(names: &[&str], known: [(&str, Json); N]) -> serde_json::Map<String, Json> {
    let own = |name: &str| known.iter().find(|(key, _)| *key == name).map(|(_, of)| of.clone());
    names.iter().map(|name| ((*name).to_owned(), own(name).unwrap_or(json!(true)))).collect()
}
