//! Parameters that shape the result instead of choosing resources: `_sort`, `_include`, `_count`.

use super::shape::{self, Summary};
use super::{Parser, ProblemKind, SearchProblem, SearchRequest, Shape};
use crate::definitions::{ParameterType, SearchParameter};

/// What [`Parser::control`] knows, for suggestions.
pub(super) const NAMES: &[&str] = &[
    "_count",
    "_elements",
    "_format",
    "_include",
    "_page",
    "_pretty",
    "_revinclude",
    "_sort",
    "_summary",
    "_total",
];

/// One key of `_sort`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SortKey {
    pub code: &'static str,
    pub descending: bool,
}

/// `_include` and `_revinclude`: `source:parameter[:target]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Include {
    /// The type that holds the reference.
    pub source: String,
    pub parameter: &'static str,
    /// Only references to this type.
    pub target: Option<String>,
    /// `:iterate`: also of what was included.
    pub iterate: bool,
}

/// `_total`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Total {
    #[default]
    None,
    Estimate,
    Accurate,
}

/// What may stand once, as it was asked for; what follows from all of it together is decided at the
/// end.
#[derive(Debug, Default)]
pub(super) struct Asked {
    total: Option<Total>,
    summary: Option<Summary>,
    elements: Option<Shape>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Forward,
    Reverse,
}

impl<'d> Parser<'d> {
    /// Reads the pair if it is one of these; `false` when it isn't.
    pub(super) fn control(&mut self, name: &str, text: &str) -> Result<bool, ProblemKind> {
        let request = &mut self.request;
        match name {
            "_count" => {
                let count = text.parse().map_err(|_| ProblemKind::Malformed("a number"))?;
                once(&mut request.count, count)?;
            }
            "_total" => {
                let total = match text {
                    "none" => Total::None,
                    "estimate" => Total::Estimate,
                    "accurate" => Total::Accurate,
                    _ => return Err(ProblemKind::Malformed("none, estimate or accurate")),
                };
                once(&mut self.asked.total, total)?;
            }
            "_page" => once(&mut request.page, text.to_owned())?,
            "_format" => once(&mut request.format, text.to_owned())?,
            "_pretty" => {
                let pretty = text.parse().map_err(|_| ProblemKind::Malformed("true or false"))?;
                once(&mut request.pretty, pretty)?;
            }
            "_sort" => self.sort(text)?,
            "_include" => self.include(text, Direction::Forward, false)?,
            "_revinclude" => self.include(text, Direction::Reverse, false)?,
            "_include:iterate" => self.include(text, Direction::Forward, true)?,
            "_revinclude:iterate" => self.include(text, Direction::Reverse, true)?,
            "_include:recurse" | "_revinclude:recurse" => {
                return Err(ProblemKind::NotSupported("`:recurse` (R4 has `:iterate` for it)"));
            }
            "_summary" => once(&mut self.asked.summary, Summary::read(text)?)?,
            "_elements" => {
                let shape = shape::elements(self.definitions, request.resource_type, text)?;
                once(&mut self.asked.elements, shape)?;
            }
            "_contained" | "_containedType" => {
                return Err(ProblemKind::NotSupported("searching contained resources"));
            }
            "_filter" | "_list" | "_type" | "_query" => {
                return Err(ProblemKind::NotSupported("this way of searching"));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// What each pair allows and all together do not.
    pub(super) fn contradictions(&self, pairs: &[(String, String)]) -> Option<SearchProblem> {
        let place = |name: &str| pairs.iter().position(|(known, _)| known == name);
        let (summary, elements) = (&self.asked.summary, &self.asked.elements);
        let problem = |name: &str, other| {
            let kind = ProblemKind::Contradicts(other);
            Some(SearchProblem::new(place(name)?, name, kind))
        };
        if summary.is_some() && elements.is_some() {
            return problem("_elements", "`_summary`");
        }
        // R4: a page of texts has no included resources.
        let includes = !self.request.includes.is_empty() || !self.request.rev_includes.is_empty();
        if includes && *summary == Some(Summary::Shape(Shape::Text)) {
            return problem("_summary", "`_include` or `_revinclude`");
        }
        None
    }

    pub(super) fn finish(self) -> SearchRequest {
        let Asked { total, summary, elements } = self.asked;
        let mut request = self.request;
        request.count_only = summary == Some(Summary::Count) || request.count == Some(0);
        let unasked = if request.count_only { Total::Accurate } else { Total::None };
        request.total = total.unwrap_or(unasked);
        request.shape = match (summary, elements) {
            (Some(Summary::Shape(shape)), _) | (_, Some(shape)) => shape,
            _ => Shape::Whole,
        };
        request
    }

    /// A parameter that a value names.
    fn named(&self, of: &str, code: &str) -> Result<&'d SearchParameter, ProblemKind> {
        self.parameter(of, code).map_err(|problem| match problem {
            ProblemKind::UnknownParameter { nearest } => ProblemKind::NamesUnknown { nearest },
            other => other,
        })
    }

    fn sort(&mut self, text: &str) -> Result<(), ProblemKind> {
        if !self.request.sort.is_empty() {
            return Err(ProblemKind::Repeated);
        }
        for key in text.split(',') {
            let (code, descending) = match key.strip_prefix('-') {
                Some(code) => (code, true),
                None => (key, false),
            };
            if super::chain::is_chain(code) {
                return Err(ProblemKind::NotSupported("sorting by a chain"));
            }
            let code = self.named(self.request.resource_type, code)?.code;
            if self.request.sort.iter().any(|key| key.code == code) {
                return Err(ProblemKind::Repeated);
            }
            self.request.sort.push(SortKey { code, descending });
        }
        Ok(())
    }

    fn include(
        &mut self,
        text: &str,
        direction: Direction,
        iterate: bool,
    ) -> Result<(), ProblemKind> {
        if text.contains('*') {
            return Err(ProblemKind::NotSupported("including by every parameter (name each)"));
        }
        let parts: Vec<&str> = text.split(':').collect();
        let (source, code, target) = match parts.as_slice() {
            [source, code] => (*source, *code, None),
            [source, code, target] => (*source, *code, Some(*target)),
            _ => return Err(ProblemKind::Malformed("Type:parameter or Type:parameter:Target")),
        };
        let is_resource = |name: &str| self.definitions.is_resource(name);
        if !is_resource(source) || !target.is_none_or(is_resource) {
            return Err(ProblemKind::Malformed("a resource type before and after the parameter"));
        }
        let parameter = self.named(source, code)?;
        if parameter.kind != ParameterType::Reference {
            return Err(ProblemKind::Malformed("a reference parameter"));
        }
        let may_target =
            |name: &str| parameter.targets.is_empty() || parameter.targets.contains(&name);
        let own = self.request.resource_type;
        let (is_right, own_list) = match direction {
            Direction::Forward => (source == own, &mut self.request.includes),
            Direction::Reverse => {
                let is_right = may_target(own) && target.is_none_or(|target| target == own);
                (is_right, &mut self.request.rev_includes)
            }
        };
        // What was included may be of any type.
        if !(is_right || iterate) || !target.is_none_or(may_target) {
            return Err(ProblemKind::WrongTarget);
        }
        let include = Include {
            source: source.to_owned(),
            parameter: parameter.code,
            target: target.map(str::to_owned),
            iterate,
        };
        // What iterates includes what doesn't.
        match own_list.iter_mut().find(|known| known.is_like(&include)) {
            Some(known) => known.iterate |= iterate,
            None => own_list.push(include),
        }
        Ok(())
    }
}

impl Include {
    /// The same reference to follow.
    fn is_like(&self, other: &Include) -> bool {
        (&self.source, self.parameter, &self.target)
            == (&other.source, other.parameter, &other.target)
    }
}

fn once<T>(place: &mut Option<T>, value: T) -> Result<(), ProblemKind> {
    if place.is_some() {
        return Err(ProblemKind::Repeated);
    }
    *place = Some(value);
    Ok(())
}
