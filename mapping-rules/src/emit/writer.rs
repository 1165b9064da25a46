//! The walk over the emit program. Writes forwards and takes back: an element that turns out to be
//! empty is cut off the end of the buffer again.

use std::borrow::Cow;

use genkan_fhir::definitions::{PrimitiveKind, check_primitive};

use super::unsent::Watch;
use super::{Emitter, Issue, Leaf, Record, frame};
use crate::evaluate::{self, FaultAt, Frame};
use crate::program::{Node, NodeKind, Property, Rule, Term};
use crate::projection::Projection;

/// What became of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// Nothing: the buffer is as before.
    Nothing,
    /// Constants only.
    Constant,
    /// Something that came from the row.
    FromRow,
}

pub(super) struct Writer<'a, 'l> {
    pub emitter: &'a Emitter<'a>,
    pub out: Vec<u8>,
    pub issues: Vec<Issue>,
    /// A required element of the resource that is being written is missing.
    pub unusable: bool,
    pub faults: Vec<FaultAt>,
    pub(super) path: Vec<Step<'a>>,
    pub(super) leaves: Option<&'l mut Vec<Leaf>>,
    /// Resources that travel inside this one, in the order of their local ids.
    pub(super) contained: Vec<ContainedResource>,
    /// What is shown of the resource, if not the whole.
    pub(super) part: Option<&'a Projection>,
    /// What has to arrive where the row records it, for who wants to know.
    pub(super) watch: Option<Watch>,
}

/// A resource inside another, written when its reference was.
#[derive(Default)]
pub(super) struct ContainedResource {
    pub json: Vec<u8>,
    pub leaves: Vec<Leaf>,
}

/// How far everything was written.
#[derive(Clone, Copy)]
struct Mark {
    out: usize,
    leaves: usize,
    contained: usize,
}

#[derive(Clone, Copy)]
pub(super) enum Step<'a> {
    Name(&'a str),
    Index(usize),
}

impl<'a, 'l> Writer<'a, 'l> {
    pub fn new(
        emitter: &'a Emitter<'a>,
        part: Option<&'a Projection>,
        leaves: Option<&'l mut Vec<Leaf>>,
    ) -> Self {
        Writer {
            emitter,
            out: Vec::with_capacity(2048),
            issues: Vec::new(),
            unusable: false,
            faults: Vec::new(),
            path: Vec::new(),
            leaves,
            contained: Vec::new(),
            part,
            watch: None,
        }
    }

    /// The whole resource; gives back `meta.lastUpdated`.
    pub fn resource(
        &mut self,
        rule: &'a Rule,
        record: &'a Record,
        id: &str,
        version_id: Option<&str>,
    ) -> Option<String> {
        self.path.push(Step::Name(&rule.resource));
        let frame = frame(self.emitter.rules, record);
        let updated = self.last_updated(rule, record, &frame);
        self.head(rule, id, &frame);
        self.meta(rule, record, &frame, version_id, updated.as_deref());
        self.body(rule, record, &frame);
        self.contained_resources();
        self.out.push(b'}');
        updated
    }

    pub(super) fn head(&mut self, rule: &'a Rule, id: &str, frame: &Frame<'a>) {
        self.out.extend_from_slice(b"{\"resourceType\":\"");
        self.out.extend_from_slice(rule.resource.as_bytes());
        self.out.extend_from_slice(b"\",\"id\":\"");
        self.out.extend_from_slice(id.as_bytes());
        self.out.push(b'"');
        self.own_leaf("id", id, rule.span, &rule.key, frame);
    }

    /// `meta`: ours first, then what the rule adds (tags, security labels).
    pub(super) fn meta(
        &mut self,
        rule: &'a Rule,
        record: &'a Record,
        frame: &Frame<'a>,
        version_id: Option<&str>,
        updated: Option<&str>,
    ) {
        let start = self.out.len();
        self.out.extend_from_slice(b",\"meta\":{");
        let open = self.out.len();
        self.path.push(Step::Name("meta"));
        if let Some(version_id) = version_id {
            self.named_text("versionId", version_id, open);
            self.own_leaf("versionId", version_id, rule.span, &[], frame);
        }
        if let Some(updated) = updated {
            self.named_text("lastUpdated", updated, open);
            if let Some(first) = rule.updated.first() {
                self.path.push(Step::Name("lastUpdated"));
                self.leaf_of(updated, first.span, None, &rule.updated, frame);
                self.path.pop();
            }
        }
        if let Some(profile) = &rule.profile {
            self.name("profile", open);
            self.out.push(b'[');
            self.text(profile);
            self.out.push(b']');
            self.own_leaf("profile[0]", profile, rule.span, &[], frame);
        }
        let own = rule.emit.iter().find(|property| property.name == "meta");
        let own = own.filter(|property| self.holds(&property.node, frame));
        let properties = match own.map(|property| &property.node.kind) {
            Some(NodeKind::Object { properties, .. }) => properties.as_slice(),
            _ => &[],
        };
        match self.part {
            None => {
                self.properties(properties, record, frame, open);
            }
            Some(_) => self.tagged(properties, record, frame, open),
        }
        self.path.pop();
        if self.out.len() == open {
            self.out.truncate(start);
        } else {
            self.out.push(b'}');
        }
    }

    pub(super) fn body(&mut self, rule: &'a Rule, record: &'a Record, frame: &Frame<'a>) {
        let part = self.part;
        let shown = |place: &usize| part.is_none_or(|part| part.shows(*place));
        let mut present = Vec::with_capacity(rule.required.len());
        for (_, property) in rule
            .emit
            .iter()
            .enumerate()
            .filter(|(place, property)| property.name != "meta" && shown(place))
        {
            let start = self.mark();
            self.out.push(b',');
            self.quoted(&property.name);
            self.out.push(b':');
            self.path.push(Step::Name(&property.name));
            match self.node(&property.node, record, frame) {
                Written::Nothing => self.take_back(start),
                _ if is_second(&present, property) => {
                    self.take_back(start);
                    self.second_type(property);
                }
                _ => present.push(property.element),
            }
            self.path.pop();
        }
        for name in rule.required.iter().filter(|name| !present.contains(name)) {
            self.unusable = true;
            if let Some(property) = rule.emit.iter().find(|property| property.element == *name) {
                self.path.push(Step::Name(&property.name));
                self.missing(property);
                self.path.pop();
            }
        }
    }

    /// Writes a node, or leaves the buffer as it was.
    fn node(&mut self, node: &'a Node, record: &'a Record, frame: &Frame<'a>) -> Written {
        let told = self.issues.len();
        let noted = self.watch.as_ref().map(Watch::mark);
        let written = self.written(node, record, frame);
        if let Some(noted) = noted {
            let is_told = self.issues.len() > told;
            self.watched(node, (record, frame), (written != Written::Nothing, is_told), noted);
        }
        written
    }

    fn written(&mut self, node: &'a Node, record: &'a Record, frame: &Frame<'a>) -> Written {
        if !self.holds(node, frame) {
            return Written::Nothing;
        }
        // A preview walks the constants too: each leaf has its line. So does a part that may leave
        // some of them out.
        let whole = self.part.is_none_or(|part| part.shows_all_inside(node));
        if let (Some(json), None, true) = (&node.fixed, &self.leaves, whole) {
            self.out.extend_from_slice(json);
            return Written::Constant;
        }
        match &node.kind {
            NodeKind::Object { properties, required } => {
                self.object(node, properties, required, record, frame)
            }
            NodeKind::List(items) => self.list(items, record, frame),
            NodeKind::Primitive { term, kind } => self.primitive(node, term, *kind, frame),
            NodeKind::Coded(coded) => self.coded(node, coded, record, frame),
            NodeKind::Reference(reference) => self.reference(node, reference, record, frame),
        }
    }

    fn holds(&mut self, node: &'a Node, frame: &Frame<'a>) -> bool {
        let Some(condition) = &node.condition else { return true };
        let holds = evaluate::truth(condition, frame, &mut self.faults);
        self.flush_faults(condition);
        holds
    }

    fn object(
        &mut self,
        node: &'a Node,
        properties: &'a [Property],
        required: &'a [&'static str],
        record: &'a Record,
        frame: &Frame<'a>,
    ) -> Written {
        let start = self.mark();
        self.out.push(b'{');
        let (written, present) = self.properties(properties, record, frame, start.out + 1);
        let empty = written == Written::Nothing || (node.from_row && written != Written::FromRow);
        if empty {
            self.take_back(start);
            return Written::Nothing;
        }
        if let Some(name) = required.iter().find(|name| !present.contains(name)) {
            self.take_back(start);
            if let Some(property) = properties.iter().find(|property| property.element == *name) {
                self.path.push(Step::Name(&property.name));
                self.missing(property);
                self.path.pop();
            }
            return Written::Nothing;
        }
        self.out.push(b'}');
        written
    }

    /// The properties of an object whose brace ends at `open`.
    pub(super) fn properties(
        &mut self,
        properties: &'a [Property],
        record: &'a Record,
        frame: &Frame<'a>,
        open: usize,
    ) -> (Written, Vec<&'static str>) {
        let mut written = Written::Nothing;
        let mut present = Vec::with_capacity(properties.len());
        let part = self.part;
        let shown = |property: &&Property| part.is_none_or(|part| part.shows_inside(property));
        for property in properties.iter().filter(shown) {
            let start = self.mark();
            self.name(&property.name, open);
            self.path.push(Step::Name(&property.name));
            match self.node(&property.node, record, frame) {
                Written::Nothing => self.take_back(start),
                _ if is_second(&present, property) => {
                    self.take_back(start);
                    self.second_type(property);
                }
                one => {
                    present.push(property.element);
                    if written != Written::FromRow {
                        written = one;
                    }
                }
            }
            self.path.pop();
        }
        (written, present)
    }

    fn list(&mut self, items: &'a [Node], record: &'a Record, frame: &Frame<'a>) -> Written {
        let start = self.mark();
        self.out.push(b'[');
        let mut written = Written::Nothing;
        let mut index = 0;
        for item in items {
            let rows = item.each.and_then(|child| record.children.get(child));
            let times = if item.each.is_some() { rows.map_or(0, Vec::len) } else { 1 };
            for position in 0..times {
                let frame = match (item.each, rows) {
                    (Some(child), Some(rows)) => {
                        Frame { child: Some((child, &rows[position])), ..*frame }
                    }
                    _ => *frame,
                };
                let before = self.mark();
                if before.out > start.out + 1 {
                    self.out.push(b',');
                }
                self.path.push(Step::Index(index));
                match self.node(item, record, &frame) {
                    Written::Nothing => self.take_back(before),
                    one => {
                        index += 1;
                        if written != Written::FromRow {
                            written = one;
                        }
                    }
                }
                self.path.pop();
            }
        }
        if written == Written::Nothing {
            self.take_back(start);
        } else {
            self.out.push(b']');
        }
        written
    }

    fn primitive(
        &mut self,
        node: &'a Node,
        term: &'a Term,
        kind: PrimitiveKind,
        frame: &Frame<'a>,
    ) -> Written {
        let text = evaluate::text(term, frame, &mut self.faults);
        self.flush_faults(term);
        let Some(text) = text else { return Written::Nothing };
        if check_primitive(&node.type_path, &text).is_err() {
            self.bad_value(&node.type_path, term);
            return Written::Nothing;
        }
        if kind.is_bare_in_json() {
            self.out.extend_from_slice(text.as_bytes());
        } else {
            self.text(&text);
        }
        self.leaf(&text, term, frame);
        if node.from_row { Written::FromRow } else { Written::Constant }
    }

    /// The text of a term as a value of this type; what is none becomes an issue.
    pub(super) fn checked_text(
        &mut self,
        term: Option<&'a Term>,
        kind: &'static str,
        frame: &Frame<'a>,
    ) -> Option<Cow<'a, str>> {
        let text = self.term_text(term, frame)?;
        if check_primitive(kind, &text).is_err() {
            self.bad_value(kind, term?);
            return None;
        }
        Some(text)
    }

    fn mark(&self) -> Mark {
        let leaves = self.leaves.as_ref().map_or(0, |leaves| leaves.len());
        Mark { out: self.out.len(), leaves, contained: self.contained.len() }
    }

    /// Takes everything back that was written since: bytes, what it would have contained, and where
    /// its leaves came from. Issues stay: they are true of the row.
    fn take_back(&mut self, mark: Mark) {
        self.out.truncate(mark.out);
        self.contained.truncate(mark.contained);
        if let Some(leaves) = &mut self.leaves {
            leaves.truncate(mark.leaves);
        }
    }

    pub(super) fn named_text(&mut self, name: &str, text: &str, open: usize) {
        self.name(name, open);
        self.text(text);
    }

    /// `"name":`, with a comma unless it is the first behind the brace.
    pub fn name(&mut self, name: &str, open: usize) {
        if self.out.len() > open {
            self.out.push(b',');
        }
        self.quoted(name);
        self.out.push(b':');
    }

    /// A name of FHIR's: letters, nothing to escape.
    fn quoted(&mut self, name: &str) {
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.push(b'"');
    }

    pub fn text(&mut self, text: &str) {
        // Writing to a Vec can't fail.
        let _ = serde_json::to_writer(&mut self.out, text);
    }
}

fn is_second(present: &[&'static str], property: &Property) -> bool {
    !property.element.is_empty() && present.contains(&property.element)
}
