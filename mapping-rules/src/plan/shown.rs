//! A plan for people (`genkan rules explain`).

use std::fmt;

use genkan_adapter::{Comparison, Join, Operand, Predicate};
use genkan_fhir::search::Total;

use super::{Follow, SearchPlan};

impl fmt::Display for SearchPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "search {}: {} per page", self.resource_type, self.count)?;
        match self.total {
            Total::None => {}
            Total::Estimate => writeln!(f, "  total as each source expects it")?,
            Total::Accurate => writeln!(f, "  total counted, unless the page is all there is")?,
        }
        for scan in &self.scans {
            writeln!(f, "  scan {} as {}", scan.query.root.table, scan.query.root.alias)?;
            joins(f, &scan.query.joins, 2)?;
            existing(f, &scan.query.filter, "exists", 2)?;
            let names = scan.query.order.iter().map(|order| {
                let direction = if order.descending { " descending" } else { "" };
                let blanks = if order.blanks.is_empty() { "" } else { " (blanks as NULL)" };
                format!("{}.{}{direction}{blanks}", order.column.alias, order.column.column)
            });
            writeln!(f, "    order {}", names.collect::<Vec<_>>().join(", "))?;
            if scan.part.is_some() {
                let names = scan.query.columns.iter();
                let names = names.map(|column| format!("{}.{}", column.alias, column.column));
                writeln!(f, "    only {}", names.collect::<Vec<_>>().join(", "))?;
            }
        }
        for include in &self.includes {
            let again = match include.iterate {
                true => format!(", again at most {} times", self.include_depth_max),
                false => String::new(),
            };
            match &include.follow {
                Follow::Forward(found) => {
                    writeln!(f, "  include rule {}{again}", found.reference.rule)?;
                }
                Follow::Reverse(found) => {
                    writeln!(f, "  revinclude rule {}{again}", found.source)?;
                }
            }
        }
        Ok(())
    }
}

fn joins(f: &mut fmt::Formatter<'_>, joins: &[Join], depth: usize) -> fmt::Result {
    for Join { kind, target, .. } in joins {
        indent(f, depth)?;
        writeln!(f, "{kind:?} join {} as {}", target.table, target.alias)?;
    }
    Ok(())
}

/// The rows of other tables that have to exist: children and the steps of chains, each inside the one
/// before.
fn existing(
    f: &mut fmt::Formatter<'_>,
    predicate: &Predicate,
    word: &str,
    depth: usize,
) -> fmt::Result {
    match predicate {
        Predicate::All(terms) | Predicate::Any(terms) => {
            terms.iter().try_for_each(|term| existing(f, term, word, depth))
        }
        Predicate::Not(inner) => {
            let turned = if word == "exists" { "exists not" } else { "exists" };
            existing(f, inner, turned, depth)
        }
        Predicate::Exists { target, joins: joined, filter } => {
            indent(f, depth)?;
            write!(f, "{word} {} as {}", target.table, target.alias)?;
            let on = keys(filter).collect::<Vec<_>>().join(", ");
            writeln!(f, "{}{on}", if on.is_empty() { "" } else { " on " })?;
            joins(f, joined, depth + 1)?;
            existing(f, filter, "exists", depth + 1)
        }
        _ => Ok(()),
    }
}

/// The columns that one row has in common with the ones around it.
fn keys(filter: &Predicate) -> impl Iterator<Item = String> {
    let terms = match filter {
        Predicate::All(terms) => terms.as_slice(),
        one => std::slice::from_ref(one),
    };
    terms.iter().filter_map(|term| match term {
        Predicate::Compare { left, comparison: Comparison::Equal, right } => {
            Some(format!("{} = {}", column(left)?, column(right)?))
        }
        _ => None,
    })
}

fn column(operand: &Operand) -> Option<String> {
    match operand {
        Operand::Column(column) | Operand::Text(column) => {
            Some(format!("{}.{}", column.alias, column.column))
        }
        _ => None,
    }
}

fn indent(f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
    write!(f, "{:width$}", "", width = 2 * depth)
}
