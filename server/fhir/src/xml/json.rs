//! What must be known of a resource in JSON before the library sees it.

use serde_json::{Map, Value};

use super::{MAX_DEPTH, XmlError, document, unknown_type};
use crate::definitions::{Definitions, is_carried};

/// The library writes line breaks and tabs into attributes as they are, where every XML reader
/// turns them into spaces. They travel as characters that no text has (Unicode guarantees it) and
/// become character references at the end.
const STAND_INS: [(char, char, &str); 3] =
    [('\n', '\u{FDD0}', "&#10;"), ('\r', '\u{FDD1}', "&#13;"), ('\t', '\u{FDD2}', "&#9;")];

/// A resource that the library may write.
pub struct Checked {
    /// With a number in place of each narrative.
    pub resource: Value,
    /// As they were written.
    pub narratives: Vec<String>,
}

impl Checked {
    pub fn of(resource: &Value) -> Result<Self, XmlError> {
        let resource_type =
            resource.get("resourceType").and_then(Value::as_str).ok_or(XmlError::NoResourceType)?;
        if !Definitions::r4().is_resource(resource_type) {
            return Err(unknown_type(resource_type));
        }
        let mut narratives = Vec::new();
        let resource = value(None, resource, 0, &mut narratives)?;
        Ok(Self { resource, narratives })
    }
}

fn value(
    name: Option<&str>,
    of: &Value,
    depth: usize,
    narratives: &mut Vec<String>,
) -> Result<Value, XmlError> {
    if depth > MAX_DEPTH {
        return Err(XmlError::TooDeep);
    }
    Ok(match of {
        Value::Null => return Err(XmlError::Empty),
        Value::Array(items) if items.is_empty() => return Err(XmlError::Empty),
        Value::Object(fields) if fields.is_empty() => return Err(XmlError::Empty),
        Value::String(text) if text.is_empty() => return Err(XmlError::Empty),
        Value::Array(items) => Value::Array(list(name, items, depth, narratives)?),
        Value::Object(fields) => {
            let mut checked = Map::with_capacity(fields.len());
            for (name, field) in fields {
                checked.insert(name.clone(), value(Some(name), field, depth + 1, narratives)?);
            }
            Value::Object(checked)
        }
        Value::String(text) if name == Some("div") => {
            // Written as it is: it must not break out of its place.
            check_characters(text)?;
            document::check_narrative(text)?;
            narratives.push(text.clone());
            Value::String(document::numbered(narratives.len() - 1))
        }
        Value::String(text) => Value::String(string(text)?),
        Value::Bool(_) | Value::Number(_) => of.clone(),
    })
}

/// Only the lists of a primitive and of its `_` twin may have nulls, where the other one has a
/// value; a list of nothing else says nothing.
fn list(
    name: Option<&str>,
    items: &[Value],
    depth: usize,
    narratives: &mut Vec<String>,
) -> Result<Vec<Value>, XmlError> {
    if items.iter().all(Value::is_null) {
        return Err(XmlError::Empty);
    }
    let item = |item: &Value| match item {
        Value::Null => Ok(Value::Null),
        Value::Array(_) => Err(XmlError::Content),
        other => value(name, other, depth + 1, narratives),
    };
    items.iter().map(item).collect()
}

fn check_characters(text: &str) -> Result<(), XmlError> {
    if text.chars().all(is_carried) { Ok(()) } else { Err(XmlError::Character) }
}

fn string(text: &str) -> Result<String, XmlError> {
    check_characters(text)?;
    let stand_in = |letter| {
        let found = STAND_INS.iter().find(|(plain, _, _)| *plain == letter);
        found.map_or(letter, |(_, stand_in, _)| *stand_in)
    };
    Ok(text.chars().map(stand_in).collect())
}

pub fn restore_line_breaks(xml: String) -> String {
    let replace = |xml: String, (_, stand_in, reference): &(char, char, &str)| {
        if xml.contains(*stand_in) { xml.replace(*stand_in, reference) } else { xml }
    };
    STAND_INS.iter().fold(xml, replace)
}
