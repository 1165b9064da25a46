//! 準必須: what the row records and the resource doesn't have. Such an element may be missing only where
//! the hospital has nothing for it, and only the rule together with the row can tell.
//!
//! Spec: technical guide of 電子カルテ情報共有サービス, 2.2.1④.

use std::collections::HashMap;
use std::rc::Rc;

use genkan_adapter::Row;

use super::writer::{Step, Writer};
use super::{Issue, IssueSeverity, Record, column_name};
use crate::coverage::elements;
use crate::diagnostic::Text;
use crate::evaluate::{self, Frame};
use crate::program::{Coded, ColumnUse, Node, NodeKind, Rule, RuleSet, Term};

/// Elements of one rule, by the address of the node that writes them, which stays where it is as long as the
/// rules do.
pub(super) type Places = HashMap<*const Node, &'static str>;

pub(super) fn places(rules: &RuleSet, rule: &Rule) -> Places {
    let places = elements::to_be_sent(rules, rule).into_iter();
    places.map(|(node, element)| (std::ptr::from_ref(node), element)).collect()
}

/// The places of one rule that are watched while a record is written.
#[derive(Debug)]
pub(super) struct Watch {
    places: Rc<Places>,
    arrived: Vec<Spot>,
    unsent: Vec<(Spot, Issue)>,
}

/// Where an element is wanted: several places of the rule may be there to write it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Spot {
    element: &'static str,
    /// The element around it in the resource.
    around: String,
    /// The child row that it is of, by its address.
    row: Option<*const Row>,
}

/// How much was noted so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Noted {
    arrived: usize,
    unsent: usize,
}

impl Watch {
    pub fn of(places: Rc<Places>) -> Self {
        Watch { places, arrived: Vec::new(), unsent: Vec::new() }
    }

    pub fn mark(&self) -> Noted {
        Noted { arrived: self.arrived.len(), unsent: self.unsent.len() }
    }

    /// What did not arrive in another way, as by another type of a choice.
    pub fn into_issues(self) -> impl Iterator<Item = Issue> {
        let arrived = self.arrived;
        let missing = self.unsent.into_iter().filter(move |(spot, _)| !arrived.contains(spot));
        missing.map(|(_, issue)| issue)
    }
}

impl<'a> Writer<'a, '_> {
    /// Notes what became of a place; `told`: an issue says already why it is empty. What is inside an
    /// element counts only where this one is there.
    pub(super) fn watched(
        &mut self,
        node: &'a Node,
        (record, frame): (&'a Record, &Frame<'a>),
        (written, told): (bool, bool),
        noted: Noted,
    ) {
        if let Some(watch) = self.watch.as_mut().filter(|_| !written) {
            watch.arrived.truncate(noted.arrived);
            watch.unsent.truncate(noted.unsent);
        }
        let known = |watch: &Watch| watch.places.get(&std::ptr::from_ref(node)).copied();
        let Some(element) = self.watch.as_ref().and_then(known) else { return };
        let row = frame.child.map(|(_, row)| std::ptr::from_ref(row));
        let spot = Spot { element, around: self.around(), row };
        let issue = if written || told { None } else { self.unsent(node, element, record, frame) };
        let Some(watch) = &mut self.watch else { return };
        match issue {
            None if written => watch.arrived.push(spot),
            None => {}
            Some(issue) => watch.unsent.push((spot, issue)),
        }
    }

    /// `None` where the row has nothing for it.
    fn unsent(
        &self,
        node: &'a Node,
        element: &str,
        record: &'a Record,
        frame: &Frame<'a>,
    ) -> Option<Issue> {
        let mut columns = Vec::new();
        recorded(node, record, frame, &mut columns);
        if columns.is_empty() {
            return None;
        }
        columns.dedup();
        let mut faults = Vec::new();
        let met =
            node.condition.as_ref().is_none_or(|term| evaluate::truth(term, frame, &mut faults));
        let (en, ja) = if met {
            ("the rule makes nothing of it", "規則では値になりません")
        } else {
            ("the `$if` of the rule does not hold", "規則の $if が成り立ちません")
        };
        let message = Text::new(
            format!(
                "`{element}` is to be sent where it is recorded (準必須), and the row records it: {en}"
            ),
            format!("準必須の「{element}」が、データがあるのに出力されていません（{ja}）"),
        );
        Some(Issue {
            severity: IssueSeverity::Warning,
            code: "unsent",
            expression: self.expression(),
            span: node.span,
            columns,
            message,
            map: None,
        })
    }

    /// The element that the present one is in, without the number of a list's item.
    fn around(&self) -> String {
        let mut around = self.expression();
        let last = match self.path.last() {
            Some(Step::Index(index)) => format!("[{index}]"),
            Some(Step::Name(name)) => format!(".{name}"),
            None => String::new(),
        };
        around.truncate(around.len().saturating_sub(last.len()));
        around
    }
}

/// The columns behind a node that hold something in this row.
fn recorded<'a>(node: &'a Node, record: &'a Record, frame: &Frame<'a>, found: &mut Vec<String>) {
    let rows = node.each.and_then(|child| Some((child, record.children.get(child)?)));
    match rows {
        // The writer has gone to the row already.
        Some((child, rows)) if frame.child.is_none_or(|(known, _)| known != child) => {
            for row in rows {
                inside(node, record, &Frame { child: Some((child, row)), ..*frame }, found);
            }
        }
        _ => inside(node, record, frame, found),
    }
}

fn inside<'a>(node: &'a Node, record: &'a Record, frame: &Frame<'a>, found: &mut Vec<String>) {
    let mut look = |term: &Term| term.names(&mut |column| found.extend(filled(column, frame)));
    match &node.kind {
        NodeKind::Primitive { term, .. } => look(term),
        NodeKind::Reference(reference) => reference.key.iter().for_each(look),
        NodeKind::Coded(coded) => {
            let Coded { from, text, .. } = &**coded;
            std::iter::once(from).chain(text).for_each(look);
        }
        NodeKind::List(items) => items.iter().for_each(|item| recorded(item, record, frame, found)),
        NodeKind::Object { properties, .. } => {
            for property in properties {
                recorded(&property.node, record, frame, found);
            }
        }
    }
}

fn filled(column: &ColumnUse, frame: &Frame<'_>) -> Option<String> {
    evaluate::is_filled(column, frame).then(|| column_name(column))
}
