//! A resource as it was written: one tree for JSON and XML, and where each part of it stands.
//!
//! The tree has FHIR's elements, not JSON's arrays and `_` twins: the items of a list follow each
//! other, and a primitive holds its id and extensions as children. All nodes are in one vector, in
//! the order of the text; names and values are ranges of the source, unless they had to be decoded.

use std::fmt;

use crate::{
    definitions::{PrimitiveKind, is_decimal},
    names::Name,
};

/// What a document may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    Json,
    Xml,
}

/// How a value was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// An element with children and no value of its own.
    Object,
    String,
    Number,
    Boolean,
    /// JSON `null`.
    Null,
    /// `[]`.
    EmptyList,
    /// `{}`.
    EmptyObject,
    /// A list directly in a list.
    NestedList,
    /// The `value` of an XML element: its type isn't known from how it is written.
    Attribute,
    /// A whole XHTML element.
    Xhtml,
}

/// The value of a primitive, as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scalar<'t> {
    Boolean(bool),
    Number(&'t str),
    Text(&'t str),
}

/// A range of the source, or of the decoded texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub start: u32,
    pub end: u32,
    pub is_decoded: bool,
    /// The reader has seen that it is of ASCII's letters, digits, signs and blanks, or DEL.
    pub is_plain: bool,
}

impl Span {
    pub const EMPTY: Self = Self { start: 0, end: 0, is_decoded: false, is_plain: false };
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Record {
    pub name: Span,
    /// The text of a primitive; empty for an object.
    pub value: Span,
    /// The name as R4 numbers it.
    pub number: Name,
    pub form: Form,
    /// JSON had it in an array.
    pub is_item: bool,
    /// It comes from a JSON `_name` alone.
    pub is_twin: bool,
    /// Byte of the source where it starts.
    pub at: u32,
    /// The record after the last one below it.
    pub end: u32,
    /// Of the first item of a list, how many records the whole list has; 0 where that isn't known.
    pub list: u32,
}

/// A document in memory. Node 0 is the resource.
pub struct Tree<'s> {
    pub(crate) source: &'s str,
    pub(crate) decoded: String,
    pub(crate) records: Vec<Record>,
    pub(crate) format: Format,
}

/// One element of a tree; cheap to copy.
#[derive(Clone, Copy)]
pub struct Node<'t> {
    tree: &'t Tree<'t>,
    index: u32,
}

impl<'s> Tree<'s> {
    pub fn format(&self) -> Format {
        self.format
    }

    /// The resource; `None` only for a tree without anything.
    pub fn root(&self) -> Option<Node<'_>> {
        (!self.records.is_empty()).then_some(Node { tree: self, index: 0 })
    }

    pub(crate) fn node(&self, record: usize) -> Node<'_> {
        Node { tree: self, index: u32::try_from(record).unwrap_or(u32::MAX) }
    }

    /// What a span is a range of.
    fn around(&self, span: Span) -> &str {
        if span.is_decoded { &self.decoded } else { self.source }
    }

    pub(crate) fn text(&self, span: Span) -> &str {
        self.around(span).get(span.start as usize..span.end as usize).unwrap_or_default()
    }
}

impl fmt::Debug for Tree<'_> {
    /// Without the content, which is a patient's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tree of {} nodes", self.records.len())
    }
}

impl<'t> Node<'t> {
    fn record(self) -> Option<&'t Record> {
        self.tree.records.get(self.index as usize)
    }

    pub fn name(self) -> &'t str {
        self.record().map_or("", |record| self.tree.text(record.name))
    }

    /// The name as R4 numbers it.
    pub(crate) fn number(self) -> Name {
        self.record().map_or(Name::OTHER, |record| record.number)
    }

    pub fn form(self) -> Form {
        self.record().map_or(Form::Null, |record| record.form)
    }

    pub fn format(self) -> Format {
        self.tree.format
    }

    /// The text of a primitive, without quotes; `None` for what has no value.
    pub fn text(self) -> Option<&'t str> {
        let record = self.record()?;
        match record.form {
            Form::String | Form::Number | Form::Boolean | Form::Attribute | Form::Xhtml => {
                Some(self.tree.text(record.value))
            }
            Form::Object | Form::Null | Form::EmptyList | Form::EmptyObject | Form::NestedList => {
                None
            }
        }
    }

    /// Whether its text is known to have nothing but ASCII, and no control character but DEL.
    pub(crate) fn is_plain(self) -> bool {
        self.record().is_some_and(|record| record.value.is_plain)
    }

    /// Whether it has a text that starts with this sign of ASCII.
    pub(crate) fn starts_with(self, sign: u8) -> bool {
        self.record().is_some_and(|record| {
            let span = record.value;
            let first = self.tree.around(span).as_bytes().get(span.start as usize);
            span.end > span.start && first == Some(&sign)
        })
    }

    pub(crate) fn is_item(self) -> bool {
        self.record().is_some_and(|record| record.is_item)
    }

    pub(crate) fn is_twin(self) -> bool {
        self.record().is_some_and(|record| record.is_twin)
    }

    /// The value of a primitive of this kind. XML has its kind from R4 alone; a text that isn't what its
    /// type promises stays a text.
    pub(crate) fn scalar(self, kind: PrimitiveKind) -> Option<Scalar<'t>> {
        let text = self.text()?;
        let is_bare = match self.form() {
            Form::Number | Form::Boolean => true,
            Form::Attribute => kind.is_bare_in_json(),
            _ => false,
        };
        Some(match text {
            "true" if is_bare => Scalar::Boolean(true),
            "false" if is_bare => Scalar::Boolean(false),
            number if is_bare && is_decimal(number) => Scalar::Number(number),
            text => Scalar::Text(text),
        })
    }

    /// The byte of the source where it starts.
    pub fn at(self) -> u32 {
        self.record().map_or(0, |record| record.at)
    }

    /// Which node of its tree it is: two nodes of a tree are the same if this is.
    pub(crate) fn index(self) -> u32 {
        self.index
    }

    pub fn children(self) -> Children<'t> {
        let end = self.record().map_or(0, |record| record.end);
        Children { tree: self.tree, next: self.index + 1, end }
    }

    /// All nodes below it, in the order of the text.
    pub(crate) fn below(self) -> impl Iterator<Item = Node<'t>> {
        let end = self.record().map_or(0, |record| record.end);
        (self.index + 1..end).map(move |index| Node { tree: self.tree, index })
    }

    /// How many nodes it is, with all below it.
    pub(crate) fn size(self) -> u64 {
        self.record().map_or(0, |record| u64::from(record.end.saturating_sub(self.index)))
    }

    pub fn has_children(self) -> bool {
        self.record().is_some_and(|record| record.end > self.index + 1)
    }

    /// The first child of this name.
    pub fn child(self, name: &str) -> Option<Node<'t>> {
        self.all(name).next()
    }

    /// All children of a name that has a number.
    pub(crate) fn all_of(self, name: Name) -> impl Iterator<Item = Node<'t>> {
        self.children().only(move |child| child.number == name)
    }

    /// All children whose names have such a number.
    pub(crate) fn all_numbered(
        self,
        is_it: impl Fn(Name) -> bool,
    ) -> impl Iterator<Item = Node<'t>> {
        self.children().only(move |child| is_it(child.number))
    }

    /// The first child of a name that has a number.
    pub(crate) fn get(self, name: Name) -> Option<Node<'t>> {
        self.all_of(name).next()
    }

    /// The text of the first child of a name that has a number.
    pub(crate) fn get_text(self, name: Name) -> Option<&'t str> {
        self.get(name)?.text()
    }

    /// The text of the first child of this name.
    pub fn child_text(self, name: &str) -> Option<&'t str> {
        self.child(name)?.text()
    }

    /// All children of this name.
    pub fn all(self, name: &str) -> impl Iterator<Item = Node<'t>> {
        self.children().only(move |child| self.tree.text(child.name) == name)
    }

    /// The same; a name that has no number is told by its text.
    pub(crate) fn all_named(self, number: Name, text: &str) -> impl Iterator<Item = Node<'t>> {
        self.children().only(move |child| match number {
            Name::OTHER => child.number == number && self.tree.text(child.name) == text,
            number => child.number == number,
        })
    }

    /// The type of a resource, as it says itself.
    pub fn resource_type(self) -> Option<&'t str> {
        self.get_text(Name::RESOURCE_TYPE)
    }
}

impl fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node {} ({:?})", self.index, self.form())
    }
}

/// The children of a node, in the order of the text.
pub struct Children<'t> {
    tree: &'t Tree<'t>,
    next: u32,
    end: u32,
}

impl<'t> Iterator for Children<'t> {
    type Item = Node<'t>;

    fn next(&mut self) -> Option<Node<'t>> {
        if self.next >= self.end {
            return None;
        }
        let node = Node { tree: self.tree, index: self.next };
        // A record always ends after itself, so this comes to an end.
        self.next = node.record().map_or(self.end, |record| record.end.max(self.next + 1));
        Some(node)
    }
}

impl<'t> Children<'t> {
    /// Those of one name. Lists of others are passed over as a whole, for a Bundle may have thousands
    /// of entries.
    fn only(self, is_it: impl Fn(&Record) -> bool) -> impl Iterator<Item = Node<'t>> {
        let Self { tree, mut next, end } = self;
        let records = tree.records.get(..end as usize).unwrap_or_default();
        std::iter::from_fn(move || {
            while let Some(record) = records.get(next as usize) {
                let index = next;
                // A record always ends after itself, so this comes to an end.
                next = record.end.max(next + 1);
                if is_it(record) {
                    return Some(Node { tree, index });
                }
                next = next.max(index.saturating_add(record.list));
            }
            None
        })
    }
}
