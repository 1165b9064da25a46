//! Many resources at once: `$everything` of a patient or an encounter, and `$export`. One scan for
//! each rule, in the order of its key, which is read piece by piece.

use genkan_adapter::{Order, Predicate, RowQuery};
use genkan_fhir::search::{Filter, SearchRequest};

use super::{
    PlanProblem, Position, Scan, chain_problems, check_offered, filter, narrowed, scan, typed_key,
};
use crate::diagnostic::Text;
use crate::identity::Identity;
use crate::image::{any, negated};
use crate::program::{ColumnUse, Rule, RuleSet};
use crate::projection::Projection;
use crate::search::{Owners, PlaceKind, membership, places, rows_of};

/// What is asked of one resource type.
#[derive(Debug, Clone, Copy)]
pub struct BulkRequest<'a> {
    /// A resource has to meet one of them; all are of the type and show the same elements.
    pub any_of: &'a [SearchRequest],
    /// `_since`, as a filter on `_lastUpdated`: of the rules that know when a row was changed.
    pub since: Option<&'a Filter>,
    pub within: Option<Within<'a>>,
}

/// Only what is in a compartment.
#[derive(Debug, Clone, Copy)]
pub struct Within<'a> {
    /// Type that the compartment is of: `Patient`.
    pub compartment: &'a str,
    pub owners: Owners<'a>,
    /// Whether the owners are in their own compartments.
    pub with_owners: bool,
}

/// The scans of one type.
#[derive(Debug, Default)]
pub struct BulkPlan {
    pub scans: Vec<Scan>,
    pub untold: Vec<Untold>,
}

/// What the tables of a rule don't tell, so that its scan reads too much or too little.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untold {
    /// Index into [`RuleSet::rules`].
    pub rule: usize,
    pub of: UntoldOf,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UntoldOf {
    /// When a row was changed: the scan reads all rows.
    Since,
    /// Whether a row is in the compartment by this parameter: what is there by it alone is not read.
    Membership { parameter: &'static str, reason: Text },
}

/// Plans the reading of one resource type.
pub fn bulk(
    rules: &RuleSet,
    identity: &Identity,
    resource_type: &str,
    request: &BulkRequest,
) -> Result<BulkPlan, PlanProblem> {
    for one in request.any_of {
        check_offered(rules, one)?;
        if let Some(problem) = chain_problems(rules, one).into_iter().next() {
            return Err(problem);
        }
    }
    let mut plan = BulkPlan::default();
    for (index, rule) in rules.rules_of(resource_type) {
        let mut ways = Vec::with_capacity(request.any_of.len());
        for one in request.any_of {
            ways.extend(filter(rules, identity, index, one)?);
        }
        // One way has the rule's own condition in it.
        let mut rows = match request.any_of.len() {
            0 => rule.filter.clone(),
            1 => any(ways),
            _ => rule.filter.clone().and(any(ways)),
        };
        if let Some(since) = request.since {
            if rule.parameters.iter().any(|parameter| parameter.code == since.code) {
                let image = rows_of(rules, identity, rule, since).map_err(|reason| {
                    PlanProblem::Refused { parameter: "_since".to_owned(), reason }
                })?;
                rows = rows.and(image.unwrap_or(Predicate::FALSE));
            } else {
                plan.untold.push(Untold { rule: index, of: UntoldOf::Since });
            }
        }
        if let Some(within) = request.within {
            rows = rows.and(inside(rules, index, within, &mut plan.untold));
        }
        if rows.is_false() {
            plan.untold.retain(|untold| untold.rule != index || untold.of != UntoldOf::Since);
            continue;
        }
        let mut scan = scan(index, rule, rows, &[]);
        let shape = request.any_of.first().map(|one| &one.shape);
        let part = shape.and_then(|shape| Projection::of(rules, rule, shape));
        scan.part = part.map(|part| {
            let part = with_owners_keys(rule, part, request.within);
            narrowed(rules, &mut scan, part, &[])
        });
        plan.scans.push(scan);
    }
    Ok(plan)
}

/// The rows of a rule in the compartment.
fn inside(rules: &RuleSet, index: usize, within: Within, untold: &mut Vec<Untold>) -> Predicate {
    let rule = &rules.rules[index];
    let found = membership(rules, rule, within.compartment, within.owners);
    untold.extend(found.unanswered.into_iter().map(|(parameter, reason)| Untold {
        rule: index,
        of: UntoldOf::Membership { parameter, reason },
    }));
    match (owners_of_rule(rule, index, within), within.with_owners) {
        (Some(owners), true) => any(vec![owners, found.rows]),
        (Some(owners), false) => found.rows.and(negated(owners)),
        (None, _) => found.rows,
    }
}

/// The rows of a rule that are owners of the compartments; `None` if it makes other resources.
fn owners_of_rule(rule: &Rule, index: usize, within: Within) -> Option<Predicate> {
    match within.owners {
        Owners::Of(resource) => (rule.resource == resource).then_some(Predicate::TRUE),
        Owners::These { rule: owner, keys } if owner == index => {
            let keys = keys.iter().filter_map(|key| typed_key(rule, key)).collect();
            let columns = rule.key.iter().map(|column| column.column.clone()).collect();
            Some(Predicate::KeyIn { columns, keys })
        }
        Owners::These { .. } => None,
    }
}

/// A part with what says whose compartment a row is in.
fn with_owners_keys(rule: &Rule, mut part: Projection, within: Option<Within>) -> Projection {
    if let Some(Within { compartment, owners: Owners::These { rule: owner, .. }, .. }) = within {
        for branch in places(rule, compartment, owner) {
            branch.conditions.iter().for_each(|condition| part.also_term(rule, condition));
            if let PlaceKind::Reference(reference) = &branch.place {
                part.also_reference(rule, reference, branch.each);
            }
        }
    }
    part
}

/// One resource as a scan: of the owner of a compartment.
pub fn alone(rules: &RuleSet, rule: usize, key: &[String]) -> Option<Scan> {
    let of = &rules.rules[rule];
    let columns = of.key.iter().map(|column| column.column.clone()).collect();
    let found = Predicate::KeyIn { columns, keys: vec![typed_key(of, key)?] };
    Some(scan(rule, of, of.filter.clone().and(found), &[]))
}

impl Scan {
    /// The query for the rows behind a position.
    pub fn from(&self, position: &Position, rows: usize) -> RowQuery {
        let after = match position {
            Position::After(values) => Some(values.clone()),
            Position::Start | Position::Done => self.query.after.clone(),
        };
        RowQuery { after, limit: Some(rows as u64), ..self.query.clone() }
    }

    /// The position behind the row with this key; `None` if the scan is not in the order of the key.
    pub fn behind(&self, rules: &RuleSet, key: &[String]) -> Option<Position> {
        let rule = &rules.rules[self.rule];
        let by_key = |(order, column): (&Order, &ColumnUse)| {
            order.column == column.column && !order.descending
        };
        let in_order = self.query.order.len() == rule.key.len()
            && self.query.order.iter().zip(&rule.key).all(by_key);
        if !in_order {
            return None;
        }
        Some(Position::After(typed_key(rule, key)?))
    }
}
