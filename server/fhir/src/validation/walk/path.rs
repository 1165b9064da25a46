//! Where the walk is, as FHIRPath for the report.

use std::fmt::Write as _;

use super::{Child, Node, Variant};

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
pub(super) enum Part<'w> {
    /// What the walk is in, and its place among those of the same element.
    Element { child: &'static Child, variant: &'static Variant, node: Node<'w>, index: u32 },
    /// What is only named.
    One(&'w str),
    /// One of a list.
    Item(&'w str, usize),
}

impl<'w> Part<'w> {
    /// Its name in JSON: `valueQuantity`.
    fn json(self) -> &'w str {
        match self {
            Self::Element { node, .. } => node.name(),
            Self::One(name) | Self::Item(name, _) => name,
        }
    }

    fn write(self, text: &mut String) {
        // Writing to a String doesn't fail.
        let _ = match self {
            Self::Element { child, variant, .. } if child.is_choice => {
                write!(text, ".{}.ofType({})", child.element.name, variant.code)
            }
            Self::Element { child, .. } => write!(text, ".{}", child.element.name),
            Self::One(name) | Self::Item(name, _) => write!(text, ".{name}"),
        };
    }

    /// Its place in a list, if there may be several.
    fn write_index(self, text: &mut String) {
        let index = match self {
            Self::Element { child, index, .. } if child.is_list => index as usize,
            Self::Item(_, index) => index,
            Self::Element { .. } | Self::One(_) => return,
        };
        let _ = write!(text, "[{index}]");
    }
}

impl<'w> Path<'w> {
    pub fn of(resource: &'w str) -> Self {
        Self { resource, parts: Vec::with_capacity(USUAL_DEPTH) }
    }

    /// FHIRPath: `Patient.name[0].given[1]`.
    pub fn text(&self) -> String {
        let mut text = self.list();
        self.parts.last().into_iter().for_each(|last| last.write_index(&mut text));
        text
    }

    /// The path of what is around the element.
    pub fn parent(&self) -> String {
        let around = self.parts.split_last().map(|(_, around)| around).unwrap_or_default();
        Self { resource: self.resource, parts: around.to_vec() }.text()
    }

    /// The path of the whole list that the element is an item of.
    pub fn list(&self) -> String {
        let mut text = self.resource.to_owned();
        for (at, part) in self.parts.iter().enumerate() {
            part.write(&mut text);
            if at + 1 < self.parts.len() {
                part.write_index(&mut text);
            }
        }
        text
    }

    pub fn depth(&self) -> usize {
        self.parts.len()
    }

    /// The first parts of it.
    pub fn first(&self, depth: usize) -> Self {
        let mut first = Self::of(self.resource);
        first.parts.extend_from_slice(self.parts.get(..depth).unwrap_or_default());
        first
    }

    /// The name of the element in JSON.
    pub fn last(&self) -> Option<&'w str> {
        self.parts.last().map(|part| part.json())
    }

    pub fn push(&mut self, part: Part<'w>) {
        self.parts.push(part);
    }

    pub fn pop(&mut self) {
        self.parts.pop();
    }
}
