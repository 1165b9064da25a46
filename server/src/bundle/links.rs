//! The walk over the references of a resource: what they are, and what they become.

use genkan_fhir::definitions::Definitions;
use serde_json::{Map, Value};

/// Calls `see` for every literal reference.
pub fn each(value: &Value, see: &mut impl FnMut(&str)) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get("reference") {
                see(reference);
            }
            object.values().for_each(|value| each(value, see));
        }
        Value::Array(items) => items.iter().for_each(|item| each(item, see)),
        _ => {}
    }
}

/// Rewrites every literal reference. Where `become_` gives nothing, what is left of the Reference is
/// its display; without one it goes, and so does everything that becomes empty by that, or lacks what
/// FHIR requires of it. `path` is the FHIRPath of `object`, `type_path` where R4 defines its elements.
pub fn rewrite(
    object: &mut Map<String, Value>,
    path: &mut String,
    type_path: &str,
    become_: &mut dyn FnMut(&str, &str) -> Option<String>,
) {
    if let Some(Value::String(reference)) = object.get("reference") {
        match become_(reference, path) {
            Some(target) => {
                object.insert("reference".to_owned(), Value::String(target));
            }
            None if object.contains_key("display") => {
                object.retain(|name, _| name == "display" || name == "type");
            }
            None => object.clear(),
        }
    }
    let length = path.len();
    let mut lacking = false;
    object.retain(|name, value| {
        path.push('.');
        path.push_str(name);
        let property = Definitions::r4().property(type_path, name);
        let kept = is_kept(value, path, property.map_or("", |known| known.type_path), become_);
        lacking |= !kept && property.is_some_and(|known| known.element.min > 0);
        path.truncate(length);
        kept
    });
    // A resource without it is the validator's business; a part of one is nothing without it.
    if lacking && !object.contains_key("resourceType") {
        object.clear();
    }
}

/// Rewrites in a value; false if nothing of it is left.
fn is_kept(
    value: &mut Value,
    path: &mut String,
    type_path: &str,
    become_: &mut dyn FnMut(&str, &str) -> Option<String>,
) -> bool {
    match value {
        Value::Object(object) => {
            rewrite(object, path, type_path, become_);
            !object.is_empty()
        }
        Value::Array(items) => {
            let length = path.len();
            let mut index = 0;
            items.retain_mut(|item| {
                path.push_str(&format!("[{index}]"));
                index += 1;
                let kept = is_kept(item, path, type_path, become_);
                path.truncate(length);
                kept
            });
            !items.is_empty()
        }
        _ => true,
    }
}
