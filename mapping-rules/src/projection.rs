//! A part of a resource: which elements a [`Shape`] shows, and what has to be read for them. The
//! program of the rule stays the one there is. Rows come with the columns of the part and are spread
//! to the full width, so that every index into them holds; a cell that was not read is NULL, and
//! nothing that is shown looks at it.

use genkan_adapter::{ColumnRef, Row, Value};
use genkan_fhir::definitions::Definitions;
use genkan_fhir::search::Shape;

use crate::codemap::{CodeMap, UnmappedPolicy};
use crate::program::{
    ColumnUse, Node, NodeKind, Place, Property, RecordSet, ReferenceTo, Rule, RuleSet, Term,
};

/// They change the meaning of what is shown.
const ALWAYS: [&str; 2] = ["implicitRules", "modifierExtension"];

/// The part of one rule's resources that a shape shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Projection {
    pub shape: Shape,
    /// By the properties of [`Rule::emit`].
    shown: Vec<bool>,
    root: Columns,
    /// By [`Rule::children`]; `None` if the child's rows are not needed.
    children: Vec<Option<Columns>>,
    /// By [`Rule::contained`].
    contained: Vec<bool>,
}

/// The columns of a set that are read.
#[derive(Debug, Clone, PartialEq)]
pub struct Columns(Vec<bool>);

impl Columns {
    fn none(set: &RecordSet) -> Self {
        Columns(vec![false; set.columns.len()])
    }

    fn read(&mut self, index: usize) {
        if let Some(column) = self.0.get_mut(index) {
            *column = true;
        }
    }

    /// Those of the set, in its order.
    pub fn of(&self, set: &RecordSet) -> Vec<ColumnRef> {
        let columns = set.columns.iter().zip(&self.0);
        columns.filter(|(_, read)| **read).map(|(column, _)| column.clone()).collect()
    }

    /// A row of these columns at the places of the whole set.
    pub fn spread(&self, row: Row) -> Row {
        let mut cells = row.0.into_iter();
        let cell = |read: &bool| {
            let cell = if *read { cells.next() } else { None };
            cell.unwrap_or(Value::Null)
        };
        Row(self.0.iter().map(cell).collect())
    }
}

impl Projection {
    /// `None` for the whole resource.
    pub fn of(rules: &RuleSet, rule: &Rule, shape: &Shape) -> Option<Self> {
        if *shape == Shape::Whole {
            return None;
        }
        let mut projection = Projection {
            shape: shape.clone(),
            shown: Vec::with_capacity(rule.emit.len()),
            root: Columns::none(&rule.root),
            children: vec![None; rule.children.len()],
            contained: vec![false; rule.contained.len()],
        };
        for property in &rule.emit {
            let shown = shows(shape, rules, rule, property);
            projection.shown.push(shown);
            if shown {
                projection.node(rule, &property.node);
            }
        }
        for column in &rule.key {
            projection.root.read(column.index);
        }
        for term in &rule.updated {
            projection.term(rule, term);
        }
        Some(projection)
    }

    /// Whether the property at this place of [`Rule::emit`] is there.
    pub fn shows(&self, place: usize) -> bool {
        self.shown.get(place).copied().unwrap_or(true)
    }

    /// Whether an element inside one that is shown is there.
    pub fn shows_inside(&self, property: &Property) -> bool {
        self.shape != Shape::Summary || property.summary
    }

    /// Whether all of an element is there, if it is.
    pub fn shows_all_inside(&self, node: &Node) -> bool {
        self.shape != Shape::Summary || !node.type_path.contains('.')
    }

    pub fn root(&self) -> &Columns {
        &self.root
    }

    pub fn child(&self, index: usize) -> Option<&Columns> {
        self.children.get(index)?.as_ref()
    }

    pub fn contains(&self, index: usize) -> bool {
        self.contained.get(index).copied().unwrap_or(true)
    }

    /// A column of the root that something else than an element needs: the order, a cursor.
    pub fn also_column(&mut self, index: usize) {
        self.root.read(index);
    }

    /// As [`Self::also_column`], of an expression.
    pub fn also_term(&mut self, rule: &Rule, term: &Term) {
        self.term(rule, term);
    }

    /// What is needed to follow a reference; `each`: it stands in rows of this child.
    pub fn also_reference(&mut self, rule: &Rule, reference: &ReferenceTo, each: Option<usize>) {
        if let Some(child) = each {
            self.open_child(rule, child);
        }
        reference.key.iter().for_each(|term| self.term(rule, term));
    }

    fn term(&mut self, rule: &Rule, term: &Term) {
        term.names(&mut |column| self.column(rule, column));
    }

    fn column(&mut self, rule: &Rule, column: &ColumnUse) {
        match column.place {
            Place::Root => self.root.read(column.index),
            Place::Child(child) => {
                self.open_child(rule, child);
                if let Some(Some(columns)) = self.children.get_mut(child) {
                    columns.read(column.index);
                }
            }
        }
    }

    /// The rows of a child are needed, if only their number is.
    fn open_child(&mut self, rule: &Rule, index: usize) {
        let (Some(child), Some(place)) = (rule.children.get(index), self.children.get_mut(index))
        else {
            return;
        };
        let columns = place.get_or_insert_with(|| Columns::none(&child.set));
        for (own, parent) in &child.link {
            columns.read(*own);
            self.root.read(parent.index);
        }
    }

    fn node(&mut self, rule: &Rule, node: &Node) {
        if let Some(child) = node.each {
            self.open_child(rule, child);
        }
        if let Some(condition) = &node.condition {
            self.term(rule, condition);
        }
        match &node.kind {
            NodeKind::Object { properties, .. } => self.properties(rule, properties),
            NodeKind::List(items) => items.iter().for_each(|item| self.node(rule, item)),
            NodeKind::Primitive { term, .. } => self.term(rule, term),
            NodeKind::Coded(coded) => {
                let further = [&coded.text, &coded.display, &coded.at, &coded.with];
                self.term(rule, &coded.from);
                further.into_iter().flatten().for_each(|term| self.term(rule, term));
                self.properties(rule, &coded.extension);
            }
            NodeKind::Reference(reference) => {
                let terms = reference.key.iter().chain(&reference.display);
                terms.for_each(|term| self.term(rule, term));
                if let Some(edge) = reference.contained {
                    self.open_contained(rule, edge);
                }
            }
        }
    }

    fn properties(&mut self, rule: &Rule, properties: &[Property]) {
        for property in properties {
            if self.shows_inside(property) {
                self.node(rule, &property.node);
            }
        }
    }

    /// What travels inside is whole: nobody asked for a part of it.
    fn open_contained(&mut self, rule: &Rule, edge: usize) {
        let Some(contained) = rule.contained.get(edge) else { return };
        if let Some(place) = self.contained.get_mut(edge) {
            *place = true;
        }
        match &contained.same_row {
            Some(columns) => columns.iter().for_each(|index| self.root.read(*index)),
            None => contained.reference.key.iter().for_each(|term| self.term(rule, term)),
        }
    }
}

/// Whether a shape shows a top-level element. Mandatory elements are always there, and so is one
/// whose code map refuses rows: without it, a row that is no resource would look like one.
fn shows(shape: &Shape, rules: &RuleSet, rule: &Rule, property: &Property) -> bool {
    let element = element_of(rule, property);
    // What a rule writes into `contained` itself is referred to from anywhere.
    let always = element == "meta" || element == "contained" || ALWAYS.contains(&element);
    if always || rule.required.contains(&element) || refuses(&rules.code_maps, &property.node) {
        return true;
    }
    match shape {
        Shape::Whole => true,
        Shape::Summary => property.summary,
        Shape::Text => element == "text",
        Shape::Data => element != "text",
        Shape::Elements(names) => {
            // `contained` is asked for: so is what refers to it.
            let travels = names.contains(&"contained") && travels(&property.node);
            names.contains(&element) || travels
        }
    }
}

/// Also of a `_name`, which belongs to the element without the underscore.
fn element_of<'r>(rule: &'r Rule, property: &'r Property) -> &'r str {
    let bare = match property.name.strip_prefix('_') {
        Some(bare) if property.element.is_empty() => bare,
        _ => return property.element,
    };
    let known = Definitions::r4().property(&rule.resource, bare);
    known.map_or(bare, |property| property.element.name)
}

/// A row without a standard code in it is no resource.
pub(crate) fn refuses(code_maps: &[CodeMap], node: &Node) -> bool {
    node.any(&mut |node| match &node.kind {
        NodeKind::Coded(coded) => {
            let map = code_maps.get(coded.map);
            map.is_some_and(|map| map.unmapped.policy == UnmappedPolicy::Error)
        }
        _ => false,
    })
}

fn travels(node: &Node) -> bool {
    node.any(&mut |node| {
        matches!(&node.kind, NodeKind::Reference(reference) if reference.contained.is_some())
    })
}
