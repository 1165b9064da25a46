//! Rows inside rows: a chain may come to the same table again, so that each step has aliases of its
//! own. `p` of the second step is `p~2`, which no rule can write.

use std::fmt::Write as _;

use genkan_adapter::{ColumnRef, Join, Name, Operand, Predicate, TableAlias};

/// Between an alias and its level.
pub(crate) const MARK: char = '~';

/// How far inside a rule's rows stand: 0 is the search's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Level(pub usize);

impl Level {
    pub fn next(self) -> Self {
        Level(self.0 + 1)
    }

    /// What is written with the rule's own aliases, at this level. What has a level keeps it.
    pub fn place(self, mut predicate: Predicate) -> Predicate {
        each_alias(&mut predicate, &mut |alias| *alias = self.alias(alias));
        predicate
    }

    pub fn column(self, column: &ColumnRef) -> ColumnRef {
        ColumnRef { alias: self.alias(&column.alias), column: column.column.clone() }
    }

    pub fn table(self, target: &TableAlias) -> TableAlias {
        TableAlias { table: target.table.clone(), alias: self.alias(&target.alias) }
    }

    pub fn joins(self, joins: &[Join]) -> Vec<Join> {
        let placed = |join: &Join| Join {
            kind: join.kind,
            target: self.table(&join.target),
            on: self.place(join.on.clone()),
        };
        joins.iter().map(placed).collect()
    }

    fn alias(self, alias: &Name) -> Name {
        if alias.contains(MARK) {
            return alias.clone();
        }
        let mut text = String::with_capacity(alias.len() + 2);
        // Writing to a String does not fail.
        let _ = write!(text, "{alias}{MARK}{}", self.0);
        text.into()
    }
}

/// The search's own rows have the aliases of their rule.
pub(crate) fn outermost(mut predicate: Predicate) -> Predicate {
    each_alias(&mut predicate, &mut |alias| {
        if let Some((own, "0")) = alias.split_once(MARK) {
            *alias = own.into();
        }
    });
    predicate
}

fn each_alias(predicate: &mut Predicate, change: &mut impl FnMut(&mut Name)) {
    match predicate {
        Predicate::All(terms) | Predicate::Any(terms) => {
            terms.iter_mut().for_each(|term| each_alias(term, change));
        }
        Predicate::Not(inner) => each_alias(inner, change),
        Predicate::Compare { left, right, .. } => {
            of_operand(left, change);
            of_operand(right, change);
        }
        Predicate::In { operand, .. } | Predicate::Like { operand, .. } => {
            of_operand(operand, change);
        }
        Predicate::KeyIn { columns, .. } => {
            columns.iter_mut().for_each(|column| change(&mut column.alias));
        }
        Predicate::Null(column) => change(&mut column.alias),
        Predicate::Exists { target, joins, filter } => {
            change(&mut target.alias);
            for join in joins {
                change(&mut join.target.alias);
                each_alias(&mut join.on, change);
            }
            each_alias(filter, change);
        }
    }
}

fn of_operand(operand: &mut Operand, change: &mut impl FnMut(&mut Name)) {
    match operand {
        Operand::Column(column)
        | Operand::Left { column, .. }
        | Operand::Number(column)
        | Operand::Text(column) => change(&mut column.alias),
        Operand::Value(_) => {}
    }
}
