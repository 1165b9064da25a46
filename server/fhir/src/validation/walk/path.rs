//! Where the walk is: as FHIRPath for the report, and as steps into the document's JSON.

use std::fmt::Write as _;

use serde_json::Value;

/// A path that grows and shrinks with the walk. Its text is only made for a finding.
#[derive(Debug, Clone, Default)]
pub(super) struct Path<'w> {
    resource: &'w str,
    parts: Vec<Part<'w>>,
}

/// One element on the way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'w> {
    /// Its name in JSON: `valueQuantity`.
    pub json: &'w str,
    /// Its name in R4: `value`.
    pub name: &'w str,
    /// Of a choice.
    pub of_type: Option<&'w str>,
    /// Among those of the same element.
    pub index: usize,
    /// Whether there may be several.
    pub is_list: bool,
}

impl<'w> Part<'w> {
    /// An element that there is one of.
    pub fn one(name: &'w str) -> Self {
        Self { json: name, name, of_type: None, index: 0, is_list: false }
    }

    /// An item of a list.
    pub fn item(name: &'w str, index: usize) -> Self {
        Self { json: name, name, of_type: None, index, is_list: true }
    }
}

impl<'w> Path<'w> {
    pub fn of(resource: &'w str) -> Self {
        Self { resource, parts: Vec::new() }
    }

    /// FHIRPath: `Patient.name[0].given[1]`.
    pub fn text(&self) -> String {
        Self::told(self.resource, &self.parts)
    }

    /// The path of what is around the element.
    pub fn parent(&self) -> String {
        let around = self.parts.split_last().map(|(_, around)| around);
        Self::told(self.resource, around.unwrap_or_default())
    }

    /// The path of the whole list that the element is an item of.
    pub fn list(&self) -> String {
        let mut path = self.clone();
        if let Some(last) = path.parts.last_mut() {
            last.is_list = false;
        }
        path.text()
    }

    fn told(resource: &str, parts: &[Part<'_>]) -> String {
        let mut text = resource.to_owned();
        for part in parts {
            // Writing to a String doesn't fail.
            let _ = write!(text, ".{}", part.name);
            if let Some(of_type) = part.of_type {
                let _ = write!(text, ".ofType({of_type})");
            }
            if part.is_list {
                let _ = write!(text, "[{}]", part.index);
            }
        }
        text
    }

    pub fn depth(&self) -> usize {
        self.parts.len()
    }

    /// The first parts of it.
    pub fn first(&self, depth: usize) -> Self {
        let parts = self.parts.get(..depth).unwrap_or_default().to_vec();
        Self { resource: self.resource, parts }
    }

    /// The name of the element in JSON.
    pub fn last(&self) -> Option<&'w str> {
        self.parts.last().map(|part| part.json)
    }

    pub fn push(&mut self, part: Part<'w>) {
        self.parts.push(part);
    }

    pub fn pop(&mut self) {
        self.parts.pop();
    }

    /// The JSON of the first `depth` parts, and what stands beside a primitive.
    pub fn json<'j>(
        &self,
        root: &'j Value,
        depth: usize,
    ) -> (Option<&'j Value>, Option<&'j Value>) {
        let (mut value, mut twin) = (Some(root), None);
        let mut parts = self.parts.iter().take(depth).peekable();
        while let Some(Part { json: name, index, .. }) = parts.next() {
            let at = |found: Option<&'j Value>| match found {
                Some(Value::Array(items)) => items.get(*index),
                other => other,
            };
            let get = |holder: Option<&'j Value>, name: &str| {
                at(holder.and_then(|holder| holder.get(name))).filter(|found| !found.is_null())
            };
            let holder = value.or(twin);
            // Inside a primitive, its id and extensions stand in the twin.
            let next = get(holder, name).or_else(|| get(twin, name));
            // Only of the last part, and of a primitive that is gone through, the twin matters.
            let needs_twin = parts.peek().is_none() || !next.is_some_and(Value::is_object);
            twin = if needs_twin && has_twins(holder) {
                get(holder, &format!("_{name}"))
            } else {
                None
            };
            value = next;
        }
        (value, twin)
    }
}

/// Whether any primitive of the object has an id or extensions.
fn has_twins(holder: Option<&Value>) -> bool {
    let object = holder.and_then(Value::as_object);
    object.is_some_and(|object| object.keys().any(|name| name.starts_with('_')))
}
