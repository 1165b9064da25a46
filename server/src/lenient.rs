//! `Prefer: handling=lenient`: what is unknown or can't be answered is left out of the search, and told
//! in the answer. Without the header, or with `strict`, it is refused.
//!
//! Spec: <https://hl7.org/fhir/R4/search.html#errors>. Left out are parameters that nobody knows or that
//! these rules don't answer, includes and orders among them, and parameters without a value. Still
//! refused are values that can't be read, because R4 calls them an error, and modifiers that are not
//! offered, which a server SHALL reject: the parameter without its modifier is another question.

use genkan_fhir::definitions::Definitions;
use genkan_fhir::search::{self, ProblemKind};

use crate::error::RefusedParameter;
use crate::in_memory;
use crate::links::Asked;
use crate::parse::{self, Pairs};
use crate::plan::{self, Unanswered};
use crate::service::Service;

/// Takes out of a search what it can do without. What is left is asked as if nothing else had been
/// there, so that links and pages are those of that search.
pub fn sift(
    service: &Service,
    resource_type: &str,
    asked: Asked,
) -> (Asked, Vec<RefusedParameter>) {
    let Asked { pairs, sealed } = asked.opened(&service.identity, resource_type);
    // Not FHIR's, and yet known.
    let own = |(name, _): &(String, String)| name == parse::EXPLAIN;
    let (own, mut pairs): (Pairs, Pairs) = pairs.into_iter().partition(own);
    let mut ignored = Vec::new();
    loop {
        let before = pairs.len();
        unread(service, resource_type, &mut pairs, &mut ignored);
        if pairs.len() == before {
            unanswered(service, resource_type, &mut pairs, &mut ignored);
        }
        if pairs.len() == before {
            pairs.extend(own);
            return (Asked { pairs, sealed }, ignored);
        }
    }
}

/// What R4 doesn't have, or Genkan not at all.
fn unread(
    service: &Service,
    resource_type: &str,
    pairs: &mut Pairs,
    ignored: &mut Vec<RefusedParameter>,
) {
    let zone = service.rules.site.zone;
    let Err(problems) = search::parse(Definitions::r4(), resource_type, pairs, zone) else {
        return;
    };
    let mut dropped = vec![false; pairs.len()];
    for problem in problems.iter().filter(|problem| is_dispensable(problem.kind)) {
        if let Some(dropped) = dropped.get_mut(problem.pair) {
            *dropped = true;
            ignored.push(parse::refused(problem));
        }
    }
    let mut dropped = dropped.into_iter();
    pairs.retain(|_| !dropped.next().unwrap_or(false));
}

fn is_dispensable(kind: ProblemKind) -> bool {
    matches!(
        kind,
        ProblemKind::UnknownParameter { .. }
            | ProblemKind::NamesUnknown { .. }
            | ProblemKind::NotSupported(_)
            | ProblemKind::Step { .. }
            | ProblemKind::TooDeep { .. }
            | ProblemKind::Empty
    )
}

/// What the rules don't answer.
fn unanswered(
    service: &Service,
    resource_type: &str,
    pairs: &mut Pairs,
    ignored: &mut Vec<RefusedParameter>,
) {
    if let Some(own) = in_memory::parameters(service, resource_type) {
        let own = (resource_type, own);
        return pairs.retain(|(name, _)| match in_memory::dispensable(own, name) {
            None => true,
            Some(refused) => {
                ignored.push(refused);
                false
            }
        });
    }
    let zone = service.rules.site.zone;
    let Ok(request) = search::parse(Definitions::r4(), resource_type, pairs, zone) else { return };
    for Unanswered { pairs: named, refused } in plan::unanswered(&service.rules, &request) {
        let before = pairs.len();
        pairs.retain(|(name, value)| !named.has(name, value));
        if pairs.len() < before {
            ignored.push(refused);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_unknown_or_unsupported_can_be_left_out() {
        let nearest = None;
        for (kind, dispensable) in [
            (ProblemKind::UnknownParameter { nearest }, true),
            (ProblemKind::NamesUnknown { nearest }, true),
            (ProblemKind::NotSupported("x"), true),
            (ProblemKind::Empty, true),
            (ProblemKind::Modifier { allowed: "missing" }, false),
            (ProblemKind::Malformed("a date"), false),
            (ProblemKind::WrongTarget, false),
            (ProblemKind::Repeated, false),
            (ProblemKind::TooMany { max: 1 }, false),
        ] {
            assert_eq!(is_dispensable(kind), dispensable, "{kind:?}");
        }
    }
}
