//! Chains as conditions: each step is a row that exists, inside the one before, and joined with it by
//! the key of the reference. Columns stay bare on both sides, so that the source may begin at either.
//!
//! Spec: <https://hl7.org/fhir/R4/search.html#chaining>, <https://hl7.org/fhir/R4/search.html#has>

use std::cell::Cell;

use genkan_adapter::{Join, JoinKind, Name, Predicate};
use genkan_fhir::search::{Chain, Step};

use super::existence::is_resource;
use super::key::refers;
use super::level::{Level, each_alias, outermost};
use super::predicate::rows_of;
use super::rows::Rows;
use super::{Branch, PlaceKind};
use crate::diagnostic::Text;
use crate::identity::Identity;
use crate::image::{Blocked, any};
use crate::program::{ColumnUse, ReferenceTo, Rule, RuleSet};

/// Rows that may be asked to exist by one chain in one rule: where no type is named, every reference
/// doubles the ways.
const SUBQUERIES_MAX: usize = 64;

/// The references of a rule that a parameter looks at.
pub(crate) fn references_in<'r>(
    rule: &'r Rule,
    code: &'r str,
) -> impl Iterator<Item = (&'r Branch, &'r ReferenceTo)> + 'r {
    let own = rule.parameters.iter().filter(move |parameter| parameter.code == code);
    own.flat_map(|parameter| &parameter.branches).filter_map(|branch| match &branch.place {
        PlaceKind::Reference(reference) => Some((branch, reference)),
        _ => None,
    })
}

/// Whether a chain can go from the rows of `rule` to what they refer to; `Err` says why not.
pub(crate) fn can_follow(
    rules: &RuleSet,
    rule: &Rule,
    reference: &ReferenceTo,
) -> Result<(), Text> {
    joinable(rules, rule, reference)?;
    resources(rules, &rules.rules[reference.rule]).map(drop)
}

/// Whether a chain can come to the rows of `rule` from what they refer to.
pub(crate) fn can_follow_back(
    rules: &RuleSet,
    rule: &Rule,
    reference: &ReferenceTo,
) -> Result<(), Text> {
    joinable(rules, rule, reference)?;
    resources(rules, rule).map(drop)
}

/// The rows of a rule that are resources.
fn resources(rules: &RuleSet, rule: &Rule) -> Result<Predicate, Text> {
    let found = is_resource(Rows::of(rules, rule));
    let found = found.map_err(|Blocked { text: Text { en, ja }, .. }| {
        let id = &rule.id;
        Text::new(
            format!("the source can't say which rows of rule `{id}` are resources: {en}"),
            format!("規則「{id}」のどの行がリソースになるかを接続先で判定できません: {ja}"),
        )
    })?;
    Ok(rule.filter.clone().and(found))
}

fn joinable(rules: &RuleSet, rule: &Rule, reference: &ReferenceTo) -> Result<(), Text> {
    let target = &rules.rules[reference.rule];
    if target.source != rule.source {
        return Err(Text::new(
            "the reference leads to another source, and a statement reaches one",
            "参照先が別の接続先にあり、一つの SQL ではたどれません",
        ));
    }
    let imaging = Rows::of(rules, rule).imaging;
    refers(imaging, &reference.key, &target.key).map(drop).map_err(|blocked| blocked.text)
}

/// Makes the conditions of one chain.
pub(crate) struct Chaining<'a> {
    rules: &'a RuleSet,
    identity: &'a Identity,
    chain: &'a Chain,
    left: Cell<usize>,
}

impl<'a> Chaining<'a> {
    pub fn new(rules: &'a RuleSet, identity: &'a Identity, chain: &'a Chain) -> Self {
        Chaining { rules, identity, chain, left: Cell::new(SUBQUERIES_MAX) }
    }

    /// The rows of a rule that the chain holds for.
    pub fn rows(&self, rule: usize) -> Result<Predicate, Text> {
        self.left.set(SUBQUERIES_MAX);
        Ok(outermost(self.holds(rule, &self.chain.steps, Level(0))?))
    }

    /// The rest of the chain holds for the row of this rule that stands at `level`.
    fn holds(&self, rule: usize, steps: &[Step], level: Level) -> Result<Predicate, Text> {
        let own = &self.rules.rules[rule];
        let Some((step, rest)) = steps.split_first() else { return self.end(own, level) };
        let mut ways = Vec::new();
        match *step {
            Step::Forward { parameter, target } => {
                for (branch, reference) in references_in(own, parameter) {
                    let resource = &self.rules.rules[reference.rule].resource;
                    if target.is_none_or(|target| target == resource) {
                        ways.push(self.referred((own, branch, reference), rest, level)?);
                    }
                }
            }
            Step::Reverse { source, parameter } => {
                for (other, from) in self.rules.rules_of(source) {
                    // Nothing but the resource around it refers to a contained one.
                    let references = references_in(from, parameter)
                        .filter(|(_, to)| to.rule == rule && to.contained.is_none());
                    for (branch, reference) in references {
                        let rest = self.holds(other, rest, level.next())?;
                        ways.push(self.referring((from, branch, reference), rest, level)?);
                    }
                }
            }
        }
        Ok(any(ways))
    }

    /// The resource at the end.
    fn end(&self, rule: &Rule, level: Level) -> Result<Predicate, Text> {
        let Some(Ok(filter)) = self.chain.end_at(&rule.resource) else {
            return Ok(Predicate::FALSE);
        };
        let rows = rows_of(self.rules, self.identity, rule, filter)?;
        Ok(rows.map_or(Predicate::FALSE, |rows| level.place(rows)))
    }

    /// The row at `level` refers to one for which the rest holds.
    fn referred(
        &self,
        (own, branch, reference): (&Rule, &Branch, &ReferenceTo),
        rest: &[Step],
        level: Level,
    ) -> Result<Predicate, Text> {
        let rest = self.holds(reference.rule, rest, level.next())?;
        if rest.is_false() {
            return Ok(Predicate::FALSE);
        }
        let target = &self.rules.rules[reference.rule];
        let rows = Rows::of(self.rules, own);
        let key = key_at(target, level.next());
        let same = refers(rows.imaging, &reference.key, &key).map_err(text)?;
        let found = self.exists(target, level.next(), same, rest)?;
        Ok(level.place(rows.around(branch, || Ok(found)).map_err(text)?))
    }

    /// A row for which the rest holds refers to the one at `level`.
    fn referring(
        &self,
        (from, branch, reference): (&Rule, &Branch, &ReferenceTo),
        rest: Predicate,
        level: Level,
    ) -> Result<Predicate, Text> {
        if rest.is_false() {
            return Ok(Predicate::FALSE);
        }
        let rows = Rows::of(self.rules, from);
        let key = key_at(&self.rules.rules[reference.rule], level);
        let same = rows.around(branch, || refers(rows.imaging, &reference.key, &key));
        let same = level.next().place(same.map_err(text)?);
        self.exists(from, level.next(), same, rest)
    }

    /// A row of the rule that is a resource.
    fn exists(
        &self,
        rule: &Rule,
        level: Level,
        same: Predicate,
        rest: Predicate,
    ) -> Result<Predicate, Text> {
        let left = self.left.get().checked_sub(1).ok_or_else(too_many)?;
        self.left.set(left);
        let filter = level.place(resources(self.rules, rule)?);
        let mut filter = same.and(filter).and(rest);
        let joins = needed(level.joins(&rule.root.joins), &mut filter);
        let target = level.table(&rule.root.root);
        Ok(Predicate::Exists { target, joins, filter: Box::new(filter) })
    }
}

/// Without the left joins that nobody looks at: they neither take rows away nor can be seen.
fn needed(joins: Vec<Join>, filter: &mut Predicate) -> Vec<Join> {
    let mut seen: Vec<Name> = Vec::new();
    each_alias(filter, &mut |alias| seen.push(alias.clone()));
    let mut kept = Vec::with_capacity(joins.len());
    for mut join in joins.into_iter().rev() {
        if join.kind == JoinKind::One || seen.contains(&join.target.alias) {
            each_alias(&mut join.on, &mut |alias| seen.push(alias.clone()));
            kept.push(join);
        }
    }
    kept.reverse();
    kept
}

fn key_at(rule: &Rule, level: Level) -> Vec<ColumnUse> {
    let placed = |key: &ColumnUse| ColumnUse { column: level.column(&key.column), ..key.clone() };
    rule.key.iter().map(placed).collect()
}

fn text(blocked: Blocked) -> Text {
    blocked.text
}

fn too_many() -> Text {
    Text::new(
        format!(
            "this chain could go more than {SUBQUERIES_MAX} ways; name the types \
             (`subject:Patient.…`)"
        ),
        format!(
            "たどり方が {SUBQUERIES_MAX} 通りを超えます。型を指定してください（subject:Patient.…）"
        ),
    )
}
