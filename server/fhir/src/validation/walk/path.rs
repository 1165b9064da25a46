//! Where the walk is: as FHIRPath for the report, and as steps into the document's JSON.

use std::fmt::Write as _;

use serde_json::Value;

/// A path that grows and shrinks with the walk, without an allocation for each element.
#[derive(Debug, Clone, Default)]
pub(super) struct Path<'w> {
    text: String,
    /// For each part: how long the text was before it, its name in JSON, its number in a list.
    parts: Vec<(usize, &'w str, usize)>,
}

impl<'w> Path<'w> {
    pub fn start(&mut self, resource: &str) {
        self.text.clear();
        self.text.push_str(resource);
    }

    /// The first parts of it.
    pub fn first(&self, depth: usize) -> Self {
        let mut path = self.clone();
        while path.depth() > depth {
            path.pop();
        }
        path
    }

    /// The path of what is around the element.
    pub fn parent(&self) -> &str {
        let length = self.parts.last().map_or(self.text.len(), |(length, ..)| *length);
        self.text.get(..length).unwrap_or_default()
    }

    /// The path of the whole list that the element is an item of.
    pub fn list(&self) -> &str {
        self.text
            .rsplit_once('[')
            .filter(|_| self.text.ends_with(']'))
            .map_or(&self.text, |of| of.0)
    }

    /// The name of the element in JSON.
    pub fn last(&self) -> Option<&'w str> {
        self.parts.last().map(|(_, name, _)| *name)
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn depth(&self) -> usize {
        self.parts.len()
    }

    /// Into an element. `name` is its name without type, `json` with it.
    pub fn push(
        &mut self,
        json: &'w str,
        name: &str,
        of_type: Option<&str>,
        index: usize,
        is_list: bool,
    ) {
        self.parts.push((self.text.len(), json, index));
        let _ = write!(self.text, ".{name}");
        if let Some(of_type) = of_type {
            let _ = write!(self.text, ".ofType({of_type})");
        }
        if is_list {
            let _ = write!(self.text, "[{index}]");
        }
    }

    pub fn pop(&mut self) {
        if let Some((length, ..)) = self.parts.pop() {
            self.text.truncate(length);
        }
    }

    /// The JSON of the first `depth` parts, and what stands beside a primitive.
    pub fn json<'j>(
        &self,
        root: &'j Value,
        depth: usize,
    ) -> (Option<&'j Value>, Option<&'j Value>) {
        let (mut value, mut twin) = (Some(root), None);
        let mut parts = self.parts.iter().take(depth).peekable();
        while let Some((_, name, index)) = parts.next() {
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
