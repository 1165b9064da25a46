//! The walk over the emit program. Writes forwards and takes back: an element that turns out to be
//! empty is cut off the end of the buffer again.

use genkan_fhir::definitions::{PrimitiveKind, check_primitive};

use super::{Emitter, Issue, IssueSeverity, Leaf, Record, column_name, frame};
use crate::diagnostic::Text;
use crate::evaluate::{self, FaultAt, Frame};
use crate::program::{Node, NodeKind, Property, Rule, Term};

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
    pub fn new(emitter: &'a Emitter<'a>, leaves: Option<&'l mut Vec<Leaf>>) -> Self {
        Writer {
            emitter,
            out: Vec::with_capacity(2048),
            issues: Vec::new(),
            unusable: false,
            faults: Vec::new(),
            path: Vec::new(),
            leaves,
            contained: Vec::new(),
        }
    }

    /// The whole resource; gives back `meta.lastUpdated`.
    pub fn resource(
        &mut self,
        rule: &'a Rule,
        record: &'a Record,
        id: &str,
        version_id: &str,
    ) -> Option<String> {
        self.path.push(Step::Name(&rule.resource));
        let frame = frame(self.emitter.rules, record);
        let updated = self.last_updated(rule, record, &frame);
        self.head(rule, id);
        self.meta(rule, record, &frame, Some(version_id), updated.as_deref());
        self.body(rule, record, &frame);
        self.contained_resources();
        self.out.push(b'}');
        updated
    }

    pub(super) fn head(&mut self, rule: &Rule, id: &str) {
        self.out.extend_from_slice(b"{\"resourceType\":\"");
        self.out.extend_from_slice(rule.resource.as_bytes());
        self.out.extend_from_slice(b"\",\"id\":\"");
        self.out.extend_from_slice(id.as_bytes());
        self.out.push(b'"');
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
        if let Some(version_id) = version_id {
            self.named_text("versionId", version_id, open);
        }
        if let Some(updated) = updated {
            self.named_text("lastUpdated", updated, open);
        }
        if let Some(profile) = &rule.profile {
            self.name("profile", open);
            self.out.push(b'[');
            self.text(profile);
            self.out.push(b']');
        }
        let own = rule.emit.iter().find(|property| property.name == "meta");
        if let Some(Property { node, .. }) = own
            && let NodeKind::Object { properties, .. } = &node.kind
            && self.holds(node, frame)
        {
            self.path.push(Step::Name("meta"));
            self.properties(properties, record, frame, open);
            self.path.pop();
        }
        if self.out.len() == open {
            self.out.truncate(start);
        } else {
            self.out.push(b'}');
        }
    }

    pub(super) fn body(&mut self, rule: &'a Rule, record: &'a Record, frame: &Frame<'a>) {
        let mut present = Vec::with_capacity(rule.required.len());
        for property in rule.emit.iter().filter(|property| property.name != "meta") {
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
        if !self.holds(node, frame) {
            return Written::Nothing;
        }
        // A preview walks the constants too: each leaf has its line.
        if let (Some(json), None) = (&node.fixed, &self.leaves) {
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
        for property in properties {
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

    fn named_text(&mut self, name: &str, text: &str, open: usize) {
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

    pub(super) fn bad_value(&mut self, kind: &str, term: &Term) {
        let en = format!("the value is no FHIR {kind}");
        let ja = format!("値が FHIR の {kind} 型に合いません");
        self.issue(IssueSeverity::Warning, "bad-value", term, Text::new(en, ja), None);
    }

    /// FHIR takes one type of a choice (`value[x]`); the first that the row fills counts.
    fn second_type(&mut self, property: &Property) {
        let name = &property.name;
        let en = format!("another type of this choice has a value, so `{name}` is left out");
        let ja = format!("別の型の値があるため「{name}」は出力しません");
        self.about(property, IssueSeverity::Warning, "two-types", Text::new(en, ja));
    }

    fn missing(&mut self, property: &Property) {
        let en = format!("required element `{}` has no value in this row", property.name);
        let ja = format!("必須要素「{}」の値がこの行にありません", property.name);
        self.about(property, IssueSeverity::Error, "missing-required", Text::new(en, ja));
    }

    fn about(
        &mut self,
        property: &Property,
        severity: IssueSeverity,
        code: &'static str,
        message: Text,
    ) {
        let (expression, columns) = (self.expression(), columns_of(&property.node));
        let span = property.node.span;
        self.issues.push(Issue { severity, code, expression, span, columns, message, map: None });
    }

    pub fn issue(
        &mut self,
        severity: IssueSeverity,
        code: &'static str,
        term: &Term,
        message: Text,
        map: Option<(String, String)>,
    ) {
        let expression = self.expression();
        let (span, columns) = (term.span, term_columns(term));
        self.issues.push(Issue { severity, code, expression, span, columns, message, map });
    }

    /// Turns what converters could not read into issues of this place.
    pub fn flush_faults(&mut self, term: &Term) {
        for FaultAt { fault, span } in std::mem::take(&mut self.faults) {
            let message = Text::new(fault.message_en, fault.message_ja);
            let (expression, columns) = (self.expression(), term_columns(term));
            let severity = IssueSeverity::Warning;
            let code = fault.code;
            self.issues.push(Issue {
                severity,
                code,
                expression,
                span,
                columns,
                message,
                map: None,
            });
        }
    }

    pub fn leaf(&mut self, value: &str, term: &Term, frame: &Frame<'a>) {
        if self.leaves.is_none() {
            return;
        }
        let expression = self.expression();
        let mut columns = Vec::new();
        term.names(&mut |column| {
            if let Some(raw) = evaluate::raw(column, frame) {
                columns.push((column_name(column), raw.clone()));
            }
        });
        if let Some(leaves) = &mut self.leaves {
            leaves.push(Leaf { expression, value: value.to_owned(), span: term.span, columns });
        }
    }

    fn expression(&self) -> String {
        let mut text = String::new();
        for step in &self.path {
            match step {
                Step::Name(name) => {
                    if !text.is_empty() {
                        text.push('.');
                    }
                    text.push_str(name);
                }
                Step::Index(index) => text.push_str(&format!("[{index}]")),
            }
        }
        text
    }
}

fn term_columns(term: &Term) -> Vec<String> {
    let mut columns = Vec::new();
    term.names(&mut |column| columns.push(column_name(column)));
    columns
}

fn columns_of(node: &Node) -> Vec<String> {
    match &node.kind {
        NodeKind::Primitive { term, .. } => term_columns(term),
        NodeKind::Coded(coded) => term_columns(&coded.from),
        NodeKind::Reference(reference) => reference.key.iter().flat_map(term_columns).collect(),
        NodeKind::List(items) => items.iter().flat_map(columns_of).collect(),
        NodeKind::Object { properties, .. } => {
            properties.iter().flat_map(|property| columns_of(&property.node)).collect()
        }
    }
}

fn is_second(present: &[&'static str], property: &Property) -> bool {
    !property.element.is_empty() && present.contains(&property.element)
}
