//! Places in a document, and documents that differ in one of them.

use serde_json::Value;

/// A place in a document: keys and indices.
pub type Place = Vec<Step>;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Key(String),
    At(usize),
}

pub fn at<'d>(document: &'d Value, place: &[Step]) -> &'d Value {
    place.iter().fold(document, |value, step| match step {
        Step::Key(key) => &value[key.as_str()],
        Step::At(index) => &value[*index],
    })
}

/// The items of an element, each by itself; `onset[x]` under whatever name it has.
pub fn below(document: &Value, place: &[Step], name: &str) -> Vec<Place> {
    let Some(parent) = at(document, place).as_object() else { return Vec::new() };
    let is_named = |key: &str| match name.strip_suffix("[x]") {
        Some(stem) => key
            .strip_prefix(stem)
            .is_some_and(|rest| rest.starts_with(|letter: char| letter.is_ascii_uppercase())),
        None => key == name,
    };
    let mut found = Vec::new();
    for (key, value) in parent.iter().filter(|(key, _)| is_named(key)) {
        let own = [place, &[Step::Key(key.clone())]].concat();
        match value.as_array() {
            Some(items) => {
                found.extend((0..items.len()).map(|index| [&own[..], &[Step::At(index)]].concat()));
            }
            None => found.push(own),
        }
    }
    found
}

/// Without what stands there; an array that gets empty goes, and so does an object.
pub fn without(document: &Value, place: &[Step]) -> Value {
    let mut document = document.clone();
    let mut place = place.to_vec();
    while let Some(last) = place.pop() {
        let parent = place.iter().fold(&mut document, |value, step| match step {
            Step::Key(key) => &mut value[key.as_str()],
            Step::At(index) => &mut value[*index],
        });
        match (&last, &mut *parent) {
            (Step::Key(key), Value::Object(fields)) => {
                fields.remove(key);
                fields.remove(&format!("_{key}"));
            }
            (Step::At(index), Value::Array(items)) => {
                items.remove(*index);
            }
            _ => {}
        }
        let is_empty = match parent {
            Value::Object(fields) => fields.is_empty(),
            Value::Array(items) => items.is_empty(),
            _ => false,
        };
        if !is_empty {
            break;
        }
    }
    document
}

pub fn with(document: &Value, place: &[Step], change: impl FnOnce(&mut Value)) -> Value {
    let mut document = document.clone();
    change(place.iter().fold(&mut document, |value, step| match step {
        Step::Key(key) => &mut value[key.as_str()],
        Step::At(index) => &mut value[*index],
    }));
    document
}
