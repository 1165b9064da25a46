//! The rows of one rule, and those of its children, in a condition.

use genkan_adapter::{Comparison, Operand, Predicate};

use super::Branch;
use super::predicate::child_of;
use crate::image::{Blocked, Imaged, Imaging, any};
use crate::lens::TextTarget;
use crate::program::{Rule, RuleSet};

#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub rules: &'a RuleSet,
    pub rule: &'a Rule,
}

impl<'a> Rows<'a> {
    pub fn imaging(&self) -> Imaging<'a> {
        let (lookups, zone) = (&self.rules.lookups, self.rules.site.zone);
        Imaging { lookups, zone, ignore_case: false, complete: true }
    }

    /// A row of the child for which `image` holds.
    pub fn exists(&self, child: usize, image: Predicate) -> Predicate {
        let child = &self.rule.children[child];
        let mut filter = Predicate::TRUE;
        for (own, parent) in &child.link {
            filter = filter.and(Predicate::Compare {
                left: Operand::Column(child.set.columns[*own].clone()),
                comparison: Comparison::Equal,
                right: Operand::Column(parent.column.clone()),
            });
        }
        Predicate::Exists {
            target: child.set.root.clone(),
            joins: child.set.joins.clone(),
            filter: Box::new(filter.and(child.filter.clone()).and(image)),
        }
    }

    /// What holds of a place, where the place exists at all.
    pub fn around(&self, branch: &Branch, place: impl FnOnce() -> Imaged) -> Imaged {
        let mut image = Predicate::TRUE;
        for condition in &branch.conditions {
            image = image.and(self.imaging().condition(condition)?);
        }
        if image.is_false() {
            return Ok(Predicate::FALSE);
        }
        image = image.and(self.data(branch)?).and(place()?);
        if image.is_false() {
            return Ok(Predicate::FALSE);
        }
        Ok(match branch.each {
            Some(child) => self.exists(child, image),
            None => image,
        })
    }

    /// The object around a constant is there. A child other than the branch's own is asked for any
    /// of its rows.
    fn data(&self, branch: &Branch) -> Imaged {
        if branch.data.is_empty() {
            return Ok(Predicate::TRUE);
        }
        let ways = branch.data.iter().map(|term| {
            let there = self.imaging().text(term, &TextTarget::Present)?;
            Ok(match child_of(term) {
                Some(child) if branch.each != Some(child) => self.exists(child, there),
                _ => there,
            })
        });
        Ok(any(ways.collect::<Result<_, Blocked>>()?))
    }
}
