//! Chained parameters (`subject:Patient.name`) and reverse chaining (`_has:Observation:patient:code`):
//! conditions on resources that are referred to, or that refer, over several steps.
//!
//! Spec: <https://hl7.org/fhir/R4/search.html#chaining>, <https://hl7.org/fhir/R4/search.html#has>
//!
//! A reference may point to many types. Where no type is named, all that R4 lists are followed, and
//! the chain ends wherever its last parameter exists; which of them a site makes is the plan's
//! business.

use super::problem::{StepFault, nearest};
use super::{Filter, Parser, ProblemKind};
use crate::definitions::{ParameterType, SearchParameter};

/// References that one chain follows. Each is a subquery inside the one before, and no question that
/// people ask is longer.
pub const MAX_CHAIN_STEPS: usize = 5;

/// A chain of the request.
#[derive(Debug, Clone, PartialEq)]
pub struct Chain {
    /// As written, modifier included: nothing but names of R4.
    pub name: String,
    /// In the order written; never empty.
    pub steps: Vec<Step>,
    /// What has to hold of the resource at the end.
    pub ends: Vec<End>,
}

/// One reference to follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// `parameter.` or `parameter:Target.`: to what is referred to.
    Forward { parameter: &'static str, target: Option<&'static str> },
    /// `_has:Source:parameter:`: to what refers here.
    Reverse { source: &'static str, parameter: &'static str },
}

/// The last parameter of a chain, as these types read it.
#[derive(Debug, Clone, PartialEq)]
pub struct End {
    /// They have the parameter in the same form.
    pub resource_types: Vec<&'static str>,
    /// Or why these types can't read the value; others can.
    pub filter: Result<Filter, ProblemKind>,
}

impl Chain {
    /// The condition on a resource of this type; `None` if R4 has no such parameter there.
    pub fn end_at(&self, resource_type: &str) -> Option<&Result<Filter, ProblemKind>> {
        let end = self.ends.iter().find(|end| end.resource_types.contains(&resource_type))?;
        Some(&end.filter)
    }
}

/// True for the name of a chain, well formed or not.
pub(super) fn is_chain(name: &str) -> bool {
    name.contains('.') || name == "_has" || name.starts_with("_has:")
}

impl<'d> Parser<'d> {
    pub(super) fn chain(&self, name: &str, text: &str) -> Result<Chain, ProblemKind> {
        let mut walk = Walk { types: vec![self.request.resource_type], steps: Vec::new() };
        let mut rest = name;
        loop {
            rest = if let Some(has) = rest.strip_prefix("_has:") {
                self.reverse(has, &mut walk)?
            } else if let Some((head, rest)) = rest.split_once('.') {
                self.forward(head, &mut walk)?;
                rest
            } else {
                break;
            };
            if walk.steps.len() > MAX_CHAIN_STEPS {
                return Err(ProblemKind::TooDeep { max: MAX_CHAIN_STEPS });
            }
        }
        if rest == "_has" {
            return Err(HAS_FORM);
        }
        let ends = self.ends(rest, text, &walk)?;
        Ok(Chain { name: name.to_owned(), steps: walk.steps, ends })
    }

    /// `parameter` or `parameter:Target`, in front of a full stop.
    fn forward(&self, head: &str, walk: &mut Walk) -> Result<(), ProblemKind> {
        let (code, target) = match head.split_once(':') {
            Some((code, target)) => (code, Some(target)),
            None => (head, None),
        };
        let target = target.map(|name| self.resource_type(name, walk)).transpose()?;
        let references = walk.references(self, code)?;
        let may_target = |parameter: &&SearchParameter| {
            target.is_none_or(|target| may_target(parameter, target))
        };
        let followed: Vec<_> = references.into_iter().filter(may_target).collect();
        let Some(first) = followed.first() else { return Err(walk.fault(StepFault::WrongTarget)) };
        walk.steps.push(Step::Forward { parameter: first.code, target });
        walk.types = match target {
            Some(target) => vec![target],
            None => self.targets(&followed),
        };
        Ok(())
    }

    /// `Source:parameter:` behind `_has:`; gives back what follows.
    fn reverse<'n>(&self, text: &'n str, walk: &mut Walk) -> Result<&'n str, ProblemKind> {
        let mut parts = text.splitn(3, ':');
        let (Some(source), Some(code), Some(rest)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(HAS_FORM);
        };
        let source = self.resource_type(source, walk)?;
        let referred = std::mem::replace(&mut walk.types, vec![source]);
        let references = walk.references(self, code)?;
        let refers = |parameter: &&SearchParameter| {
            referred.iter().any(|target| may_target(parameter, target))
        };
        let Some(parameter) = references.into_iter().find(refers) else {
            return Err(walk.fault(StepFault::WrongTarget));
        };
        walk.steps.push(Step::Reverse { source, parameter: parameter.code });
        Ok(rest)
    }

    fn resource_type(&self, name: &str, walk: &Walk) -> Result<&'static str, ProblemKind> {
        self.definitions.resource_names().find(|known| *known == name).ok_or_else(|| {
            let nearest = nearest(name, self.definitions.resource_names());
            walk.fault(StepFault::UnknownType { nearest })
        })
    }

    /// Every type that these may point to, each once.
    fn targets(&self, references: &[&SearchParameter]) -> Vec<&'static str> {
        if references.iter().any(|reference| reference.targets.is_empty()) {
            return self.definitions.resource_names().collect();
        }
        let mut targets: Vec<_> =
            references.iter().flat_map(|reference| reference.targets.iter().copied()).collect();
        targets.sort_unstable();
        targets.dedup();
        targets
    }

    /// Reads the last parameter once for all types that have it in the same form.
    fn ends(&self, name: &str, text: &str, walk: &Walk) -> Result<Vec<End>, ProblemKind> {
        let (code, modifier) = match name.split_once(':') {
            Some((code, modifier)) => (code, Some(modifier)),
            None => (name, None),
        };
        let mut ends: Vec<(&SearchParameter, End)> = Vec::new();
        for resource_type in &walk.types {
            let Some(parameter) = self.definitions.search_parameter(resource_type, code) else {
                continue;
            };
            let alike = |(known, _): &&mut (&SearchParameter, End)| {
                known.kind == parameter.kind
                    && known.targets == parameter.targets
                    && known.components == parameter.components
            };
            match ends.iter_mut().find(alike) {
                Some((_, end)) => end.resource_types.push(resource_type),
                None => {
                    let filter = self.filter(parameter, modifier, text);
                    ends.push((parameter, End { resource_types: vec![resource_type], filter }));
                }
            }
        }
        let ends: Vec<End> = ends.into_iter().map(|(_, end)| end).collect();
        match ends.iter().find(|end| end.filter.is_ok()).or(ends.first()) {
            None => Err(walk.unknown(self, code)),
            Some(End { filter: Err(problem), .. }) => Err(*problem),
            Some(_) => Ok(ends),
        }
    }
}

const HAS_FORM: ProblemKind = ProblemKind::Form("_has:Type:reference:parameter");

fn may_target(parameter: &SearchParameter, target: &str) -> bool {
    parameter.targets.is_empty() || parameter.targets.contains(&target)
}

/// How far a chain was read.
struct Walk {
    /// The types that it may have come to.
    types: Vec<&'static str>,
    steps: Vec<Step>,
}

impl Walk {
    /// The reference parameters of this name on the types so far.
    fn references<'d>(
        &self,
        parser: &Parser<'d>,
        code: &str,
    ) -> Result<Vec<&'d SearchParameter>, ProblemKind> {
        let found = |of: &&'static str| parser.definitions.search_parameter(of, code);
        let mut parameters: Vec<&SearchParameter> = self.types.iter().filter_map(found).collect();
        if parameters.is_empty() {
            return Err(self.unknown(parser, code));
        }
        parameters.retain(|parameter| parameter.kind == ParameterType::Reference);
        if parameters.is_empty() {
            return Err(self.fault(StepFault::NoReference));
        }
        Ok(parameters)
    }

    fn unknown(&self, parser: &Parser<'_>, code: &str) -> ProblemKind {
        let of_type = |of: &&'static str| parser.definitions.search_parameters(of).iter();
        let known = self.types.iter().flat_map(of_type).map(|parameter| parameter.code);
        self.fault(StepFault::UnknownParameter { nearest: nearest(code, known) })
    }

    /// At the step that is being read.
    fn fault(&self, fault: StepFault) -> ProblemKind {
        ProblemKind::Step { step: self.steps.len() + 1, fault }
    }
}
