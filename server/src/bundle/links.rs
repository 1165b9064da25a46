//! The walk over the references of a resource: what they are, and what they become.

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
/// its display; without one it goes, and so does everything that becomes empty by that. `path` is
/// the FHIRPath of `object`.
pub fn rewrite(
    object: &mut Map<String, Value>,
    path: &mut String,
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
    object.retain(|name, value| {
        path.push('.');
        path.push_str(name);
        let kept = is_kept(value, path, become_);
        path.truncate(length);
        kept
    });
}

/// Rewrites in a value; false if nothing of it is left.
fn is_kept(
    value: &mut Value,
    path: &mut String,
    become_: &mut dyn FnMut(&str, &str) -> Option<String>,
) -> bool {
    match value {
        Value::Object(object) => {
            rewrite(object, path, become_);
            !object.is_empty()
        }
        Value::Array(items) => {
            let length = path.len();
            let mut index = 0;
            items.retain_mut(|item| {
                path.push_str(&format!("[{index}]"));
                index += 1;
                let kept = is_kept(item, path, become_);
                path.truncate(length);
                kept
            });
            !items.is_empty()
        }
        _ => true,
    }
}
