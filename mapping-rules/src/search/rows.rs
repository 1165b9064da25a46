//! The rows of one rule, and those of its children, in a condition.

use genkan_adapter::{Comparison, Operand, Predicate};

use super::Branch;
use crate::codemap::CodeMap;
use crate::image::{Imaged, Imaging};
use crate::program::{Rule, RuleSet};

#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub imaging: Imaging<'a>,
    pub maps: &'a [CodeMap],
    pub rule: &'a Rule,
}

impl<'a> Rows<'a> {
    pub fn of(rules: &'a RuleSet, rule: &'a Rule) -> Self {
        let (lookups, zone) = (&rules.lookups, rules.site.zone);
        let imaging = Imaging { lookups, zone, ignore_case: false, complete: true };
        Rows { imaging, maps: &rules.code_maps, rule }
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
        self.around_in(None, branch, place)
    }

    /// The same for a place inside a row of `entered`, which is in sight already.
    pub fn around_in(
        &self,
        entered: Option<usize>,
        branch: &Branch,
        place: impl FnOnce() -> Imaged,
    ) -> Imaged {
        let mut image = Predicate::TRUE;
        for condition in &branch.conditions {
            image = image.and(self.imaging.condition(condition)?);
        }
        if image.is_false() {
            return Ok(Predicate::FALSE);
        }
        let mut outside = Predicate::TRUE;
        for object in &branch.objects {
            let written = self.is_made(&object.node)?;
            match object.within {
                true => image = image.and(written),
                false => outside = outside.and(written),
            }
        }
        image = image.and(place()?);
        if image.is_false() || outside.is_false() {
            return Ok(Predicate::FALSE);
        }
        let image = match branch.each.filter(|child| entered != Some(*child)) {
            Some(child) => self.exists(child, image),
            None => image,
        };
        Ok(image.and(outside))
    }
}
