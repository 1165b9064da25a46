//! What is done with each column: by what its name means, by what rules do with it, and by what it is
//! joined with. What nobody knows is masked.

use std::collections::{BTreeMap, BTreeSet};

use genkan_adapter::{ColumnKind, ColumnRef, Comparison, Operand, Predicate, Table};

use crate::expression::ExpressionKind as K;
use crate::lens::Lens;
use crate::mask::Treatment as T;
use crate::program::{ColumnUse, Node, NodeKind, Property, ReferenceTo, Rule, RuleSet, Term};
use crate::reads;
use crate::sources::SourceSchemas;
use crate::vocabulary::{self, Meaning, Role};

/// Place of the source, table, column.
pub type ColumnName = (usize, String, String);

/// Resources whose keys are numbers of people, or of what happened to one.
const NUMBERED: [&str; 7] = [
    "Patient",
    "Person",
    "RelatedPerson",
    "Practitioner",
    "Encounter",
    "Coverage",
    "ServiceRequest",
];

/// The treatment of every column of the tables that rules read.
pub fn treatments(rules: &RuleSet, schemas: &SourceSchemas) -> BTreeMap<ColumnName, T> {
    let mut uses = Uses::default();
    for rule in &rules.rules {
        uses.read(rules, rule);
    }
    let mut found = BTreeMap::new();
    for (source, table) in reads::all(rules).into_keys() {
        let Some(known) = schemas.at(source).table(&table) else { continue };
        let master = is_master(known);
        for column in &known.columns {
            let name = (source, table.clone(), column.name.clone());
            let treatment = uses.treatment(&name, column.kind, master);
            found.insert(name, treatment);
        }
    }
    joined(&mut found, &uses.equal);
    found
}

/// Rows of nobody: no column is a person's, or a number of one.
fn is_master(table: &Table) -> bool {
    !table.columns.iter().any(|column| {
        let means = vocabulary::of_column(&column.name).map(|known| known.means);
        // Masters have readings too.
        let reads = means == Some(Meaning::PersonKana);
        means.is_some_and(|means| means.is_personal() && !reads || means.is_number())
    })
}

/// Two columns that are equal are masked alike.
fn joined(found: &mut BTreeMap<ColumnName, T>, equal: &[(ColumnName, ColumnName)]) {
    loop {
        let mut changed = false;
        for (left, right) in equal {
            let of = |name: &ColumnName| found.get(name).copied().unwrap_or(T::Words);
            let masked = |treatment: T| treatment >= T::Words;
            if !masked(of(left)) && !masked(of(right)) {
                continue;
            }
            for name in [left, right] {
                changed |= found.insert(name.clone(), T::Identifier) != Some(T::Identifier);
            }
        }
        if !changed {
            return;
        }
    }
}

/// What rules do with columns.
#[derive(Default)]
struct Uses {
    days: BTreeSet<ColumnName>,
    codes: BTreeSet<ColumnName>,
    keys: BTreeSet<ColumnName>,
    people: BTreeSet<ColumnName>,
    equal: Vec<(ColumnName, ColumnName)>,
}

impl Uses {
    fn treatment(&self, name: &ColumnName, kind: ColumnKind, master: bool) -> T {
        let means = vocabulary::of_column(&name.2).map(|known| known.means);
        let role = vocabulary::role_of(&name.2).map(|known| known.means);
        let coded = matches!(role, Some(Role::Code | Role::Flag));
        let dated = matches!(kind, ColumnKind::Date | ColumnKind::DateTime | ColumnKind::Instant);
        let number = matches!(kind, ColumnKind::Integer | ColumnKind::Decimal);
        match means {
            _ if dated || self.days.contains(name) => T::Day,
            Some(means) if means.is_date() => T::Day,
            _ if self.people.contains(name) => T::Identifier,
            Some(Meaning::PersonName | Meaning::PersonKana | Meaning::StaffName) => T::Words,
            Some(Meaning::Address | Meaning::Mail) => T::Words,
            Some(means) if means.is_personal() || means.is_number() => T::Identifier,
            Some(Meaning::Sequence | Meaning::GroupNumber | Meaning::Sex) => T::Code,
            Some(Meaning::Unit) => T::Kept,
            Some(means) if means.is_written() => match master {
                true => T::Kept,
                false => T::Number,
            },
            Some(_) => T::Code,
            None if self.codes.contains(name) || coded => T::Code,
            None if master && !self.keys.contains(name) => T::Kept,
            None if number || role == Some(Role::Number) => T::Identifier,
            None if role == Some(Role::Date) => T::Day,
            None if self.keys.contains(name) => T::Identifier,
            None => T::Words,
        }
    }

    fn read(&mut self, rules: &RuleSet, rule: &Rule) {
        let walk = Walk { rules, rule };
        let numbered = NUMBERED.contains(&rule.resource.as_str());
        for column in &rule.key {
            let name = walk.name(&column.column);
            self.keys.extend(name.clone());
            self.people.extend(name.filter(|name| numbered && !is_coded(name)));
        }
        for (_, set) in reads::sets(rule) {
            set.joins.iter().for_each(|join| self.condition(&walk, &join.on));
        }
        self.condition(&walk, &rule.filter);
        for child in &rule.children {
            self.condition(&walk, &child.filter);
            for (own, parent) in &child.link {
                let own = child.set.columns.get(*own).and_then(|column| walk.name(column));
                self.equal.extend(own.zip(walk.name(&parent.column)));
            }
        }
        rule.updated.iter().for_each(|term| self.days_of(&walk, term));
        rule.emit.iter().for_each(|property| self.property(&walk, property));
        for contained in &rule.contained {
            self.reference(&walk, &contained.reference);
        }
    }

    fn condition(&mut self, walk: &Walk, condition: &Predicate) {
        match condition {
            Predicate::All(terms) | Predicate::Any(terms) => {
                terms.iter().for_each(|term| self.condition(walk, term));
            }
            Predicate::Not(term) => self.condition(walk, term),
            Predicate::Compare { left, comparison, right } => {
                let (left, right) = (walk.operand(left), walk.operand(right));
                match (left, right) {
                    (Some(left), Some(right)) if *comparison == Comparison::Equal => {
                        self.equal.push((left, right));
                    }
                    // A day of a row between the ends of another.
                    (Some(left), Some(right)) => self.days.extend([left, right]),
                    (one, other) => self.codes.extend(one.or(other)),
                }
            }
            Predicate::In { operand, .. } => self.codes.extend(walk.operand(operand)),
            Predicate::Like { .. }
            | Predicate::KeyIn { .. }
            | Predicate::Null(_)
            | Predicate::Exists { .. } => {}
        }
    }

    fn property(&mut self, walk: &Walk, property: &Property) {
        self.node(walk, &property.node);
    }

    fn node(&mut self, walk: &Walk, node: &Node) {
        node.condition.iter().for_each(|term| self.term(walk, term));
        match &node.kind {
            NodeKind::Object { properties, .. } => {
                properties.iter().for_each(|property| self.property(walk, property));
            }
            NodeKind::List(items) => items.iter().for_each(|item| self.node(walk, item)),
            NodeKind::Primitive { term, .. } => self.term(walk, term),
            NodeKind::Coded(coded) => {
                for term in std::iter::once(&coded.from).chain(&coded.with) {
                    term.names(&mut |column| self.codes.extend(walk.name(&column.column)));
                }
                coded.at.iter().for_each(|term| self.days_of(walk, term));
                let texts = coded.text.iter().chain(&coded.display);
                texts.for_each(|term| self.term(walk, term));
                coded.extension.iter().for_each(|property| self.property(walk, property));
            }
            NodeKind::Reference(reference) => self.reference(walk, reference),
        }
    }

    /// The key of a reference is the key of the rule that it leads to.
    fn reference(&mut self, walk: &Walk, reference: &ReferenceTo) {
        let target = &walk.rules.rules[reference.rule];
        let there = Walk { rules: walk.rules, rule: target };
        for (term, key) in reference.key.iter().zip(&target.key) {
            let Some(key) = there.name(&key.column) else { continue };
            term.names(&mut |column| {
                self.equal.extend(walk.name(&column.column).map(|own| (own, key.clone())));
            });
            self.term(walk, term);
        }
    }

    fn days_of(&mut self, walk: &Walk, term: &Term) {
        term.names(&mut |column: &ColumnUse| self.days.extend(walk.name(&column.column)));
    }

    fn codes_of(&mut self, walk: &Walk, term: &Term) {
        term.names(&mut |column: &ColumnUse| self.codes.extend(walk.name(&column.column)));
    }

    fn term(&mut self, walk: &Walk, term: &Term) {
        match &term.kind {
            // A time that stands in a column of its own is nobody's day.
            K::Pipe(inner, Lens::DateTime) if let K::Concat(parts) = &inner.kind => {
                parts.iter().take(1).for_each(|day| self.days_of(walk, day));
                parts.iter().skip(1).for_each(|time| self.codes_of(walk, time));
            }
            K::Pipe(inner, Lens::Date | Lens::Wareki | Lens::DateTime) => {
                self.days_of(walk, inner);
            }
            K::Pipe(inner, Lens::Map(_) | Lens::Codes(_)) => self.codes_of(walk, inner),
            K::Lookup { key, .. } => self.codes_of(walk, key),
            K::In(inner, _) => self.codes_of(walk, inner),
            K::Compare(left, _, right) => {
                self.codes_of(walk, left);
                self.codes_of(walk, right);
            }
            K::Pipe(inner, _) | K::Exists(inner) | K::Not(inner) => self.term(walk, inner),
            K::Else(left, right) => {
                self.term(walk, left);
                self.term(walk, right);
            }
            K::Template(parts) | K::Concat(parts) | K::And(parts) | K::Or(parts) => {
                parts.iter().for_each(|part| self.term(walk, part));
            }
            K::Name(_) | K::Text(_) => {}
        }
    }
}

/// A key that is a code: of a ward, a department, an item.
fn is_coded((_, _, column): &ColumnName) -> bool {
    let known = vocabulary::of_column(column).map(|known| known.means);
    known.is_some_and(|means| !means.is_personal() && !means.is_number())
}

/// The names of one rule.
struct Walk<'a> {
    rules: &'a RuleSet,
    rule: &'a Rule,
}

impl Walk<'_> {
    fn name(&self, column: &ColumnRef) -> Option<ColumnName> {
        let tables = reads::tables(self.rule);
        let (_, table) = tables.iter().find(|(_, table)| table.alias == column.alias)?;
        Some((self.rule.source, table.table.to_string(), column.column.to_string()))
    }

    fn operand(&self, operand: &Operand) -> Option<ColumnName> {
        match operand {
            Operand::Column(column)
            | Operand::Left { column, .. }
            | Operand::Number(column)
            | Operand::Text(column) => self.name(column),
            Operand::Value(_) => None,
        }
    }
}
