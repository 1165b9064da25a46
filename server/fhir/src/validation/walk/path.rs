//! Where the walk is, as FHIRPath for the report.

use std::fmt::Write as _;

/// Most elements are no deeper.
const USUAL_DEPTH: usize = 12;

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
        Self { resource, parts: Vec::with_capacity(USUAL_DEPTH) }
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
}
