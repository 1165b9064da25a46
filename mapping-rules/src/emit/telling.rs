//! What the writer says of the place where it is: issues, and for a preview the leaves.

use genkan_adapter::Value;

use super::writer::{Step, Writer};
use super::{Issue, IssueSeverity, Leaf, column_name};
use crate::diagnostic::{Span, Text};
use crate::evaluate::{self, FaultAt, Frame};
use crate::program::{ColumnUse, Node, NodeKind, Property, Term};

impl<'a> Writer<'a, '_> {
    pub(super) fn bad_value(&mut self, kind: &str, term: &Term) {
        let en = format!("the value is no FHIR {kind}");
        let ja = format!("値が FHIR の {kind} 型に合いません");
        self.issue(IssueSeverity::Warning, "bad-value", term, Text::new(en, ja), None);
    }

    /// FHIR takes one type of a choice (`value[x]`); the first that the row fills counts.
    pub(super) fn second_type(&mut self, property: &Property) {
        let name = &property.name;
        let en = format!("another type of this choice has a value, so `{name}` is left out");
        let ja = format!("別の型の値があるため「{name}」は出力しません");
        self.about(property, IssueSeverity::Warning, "two-types", Text::new(en, ja));
    }

    pub(super) fn missing(&mut self, property: &Property) {
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

    pub(super) fn issue(
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
    pub(super) fn flush_faults(&mut self, term: &Term) {
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

    /// Says where the value of this place came from, if a preview wants to know.
    pub(super) fn leaf(&mut self, value: &str, term: &Term, frame: &Frame<'a>) {
        self.leaf_of(value, term.span, None, [term], frame);
    }

    /// As [`Self::leaf`], of a value that several terms made.
    pub(super) fn leaf_of<'t>(
        &mut self,
        value: &str,
        span: Span,
        mapped_by: Option<Span>,
        terms: impl IntoIterator<Item = &'t Term>,
        frame: &Frame<'a>,
    ) {
        if self.leaves.is_none() {
            return;
        }
        let mut columns = Vec::new();
        for term in terms {
            term.names(&mut |column| columns.extend(raw_cell(column, frame)));
        }
        self.push_leaf(value, span, columns, mapped_by);
    }

    /// A leaf that the rule itself makes: the id, the version.
    pub(super) fn own_leaf(
        &mut self,
        step: &'static str,
        value: &str,
        span: Span,
        columns: &[ColumnUse],
        frame: &Frame<'a>,
    ) {
        if self.leaves.is_none() {
            return;
        }
        let cells = columns.iter().filter_map(|column| raw_cell(column, frame)).collect();
        self.path.push(Step::Name(step));
        self.push_leaf(value, span, cells, None);
        self.path.pop();
    }

    fn push_leaf(
        &mut self,
        value: &str,
        span: Span,
        columns: Vec<(String, Value)>,
        mapped_by: Option<Span>,
    ) {
        let (expression, value) = (self.expression(), value.to_owned());
        if let Some(leaves) = &mut self.leaves {
            leaves.push(Leaf { expression, value, span, columns, mapped_by });
        }
    }

    pub(super) fn expression(&self) -> String {
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

fn raw_cell(column: &ColumnUse, frame: &Frame) -> Option<(String, Value)> {
    Some((column_name(column), evaluate::raw(column, frame)?.clone()))
}

fn term_columns(term: &Term) -> Vec<String> {
    let mut columns = Vec::new();
    term.names(&mut |column| columns.push(column_name(column)));
    columns
}

pub(crate) fn columns_of(node: &Node) -> Vec<String> {
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
