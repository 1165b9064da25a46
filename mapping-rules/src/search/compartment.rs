//! Which rows of a rule are in a compartment: those that refer to its owner by one of the parameters
//! that R4 names for their type.
//!
//! Spec: <https://hl7.org/fhir/R4/compartmentdefinition.html>

use genkan_adapter::{Predicate, Row};
use genkan_fhir::definitions::Definitions;

use super::rows::Rows;
use super::{Branch, PlaceKind};
use crate::diagnostic::Text;
use crate::emit::{Record, reference_key};
use crate::evaluate::{self, Frame};
use crate::image::{Blocked, Imaged, Imaging, any};
use crate::lens::TextTarget;
use crate::program::{ReferenceTo, Rule, RuleSet};

/// Whose compartments are meant.
#[derive(Debug, Clone, Copy)]
pub enum Owners<'a> {
    /// All resources of this type.
    Of(&'a str),
    /// The resources of one rule that have these keys.
    These { rule: usize, keys: &'a [Vec<String>] },
}

/// What a rule says of a compartment.
pub struct Membership {
    pub rows: Predicate,
    /// Parameters that could put a row there and that the source can't answer, with the reason.
    pub unanswered: Vec<(&'static str, Text)>,
}

/// The parameters by which resources of a type are in a compartment of `of`; empty if none is.
pub fn parameters(of: &str, resource: &str) -> &'static [&'static str] {
    let mut members = Definitions::r4().compartment(of).iter();
    members.find(|member| member.resource == resource).map_or(&[], |member| &member.parameters)
}

/// The rows of a rule in the compartments of `of` with these owners, but for the owners themselves.
pub fn membership(rules: &RuleSet, rule: &Rule, of: &str, owners: Owners) -> Membership {
    let rows = Rows::of(rules, rule);
    let mut ways = Vec::new();
    let mut unanswered = Vec::new();
    for code in parameters(of, &rule.resource) {
        if let Some(held) = rule.withheld.iter().find(|held| held.code == *code) {
            if !held.never_matches {
                unanswered.push((*code, held.reason.clone()));
            }
            continue;
        }
        let branches = rule.parameters.iter().filter(|parameter| parameter.code == *code);
        for branch in branches.flat_map(|parameter| &parameter.branches) {
            let PlaceKind::Reference(reference) = &branch.place else { continue };
            if !may_be(rules, reference, owners) {
                continue;
            }
            match rows.around(branch, || refers(rows.imaging, reference, owners)) {
                Ok(image) => ways.push(image),
                Err(blocked) => unanswered.push((*code, blocked.text)),
            }
        }
    }
    Membership { rows: any(ways), unanswered }
}

fn may_be(rules: &RuleSet, reference: &ReferenceTo, owners: Owners) -> bool {
    match owners {
        Owners::Of(resource) => rules.rules[reference.rule].resource == resource,
        Owners::These { rule, .. } => reference.rule == rule,
    }
}

fn refers(imaging: Imaging, reference: &ReferenceTo, owners: Owners) -> Imaged {
    match owners {
        Owners::Of(_) => {
            let parts = reference.key.iter().map(|term| imaging.text(term, &TextTarget::Present));
            Ok(Predicate::All(parts.collect::<Result<_, Blocked>>()?))
        }
        Owners::These { keys, .. } => to_one_of(imaging, reference, keys),
    }
}

/// The rows whose reference is to one of these keys.
pub fn to_one_of(imaging: Imaging, reference: &ReferenceTo, keys: &[Vec<String>]) -> Imaged {
    match reference.key.as_slice() {
        // One column: one list, which an index answers.
        [term] => {
            let texts = keys.iter().filter_map(|key| key.first().cloned()).collect();
            imaging.text(term, &TextTarget::OneOf(texts))
        }
        terms => {
            let mut ways = Vec::with_capacity(keys.len());
            for key in keys {
                let mut all = Predicate::TRUE;
                for (term, text) in terms.iter().zip(key) {
                    all = all.and(imaging.text(term, &TextTarget::equals(text))?);
                }
                ways.push(all);
            }
            Ok(Predicate::Any(ways))
        }
    }
}

/// The places by which resources of a rule refer to resources of the rule `owner` in a compartment
/// of `of`.
pub fn places<'r>(rule: &'r Rule, of: &str, owner: usize) -> Vec<&'r Branch> {
    let codes = parameters(of, &rule.resource);
    let named = rule.parameters.iter().filter(|parameter| codes.contains(&parameter.code.as_str()));
    let refers = |branch: &&Branch| matches!(&branch.place, PlaceKind::Reference(reference) if reference.rule == owner);
    named.flat_map(|parameter| &parameter.branches).filter(refers).collect()
}

/// The keys that a record refers to from these places.
pub fn owners(rules: &RuleSet, places: &[&Branch], record: &Record) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for branch in places {
        let PlaceKind::Reference(reference) = &branch.place else { continue };
        let mut look = |child: Option<(usize, &Row)>| {
            let (root, lookups) = (&record.row, &rules.lookups);
            let frame = Frame { root, child, lookups, zone: rules.site.zone };
            let mut conditions = branch.conditions.iter();
            if conditions.all(|condition| evaluate::truth(condition, &frame, &mut Vec::new())) {
                found.extend(reference_key(rules, reference, root, child));
            }
        };
        match branch.each {
            None => look(None),
            Some(child) => {
                let rows = record.children.get(child).into_iter().flatten();
                rows.for_each(|row| look(Some((child, row))));
            }
        }
    }
    found
}
