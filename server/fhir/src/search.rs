//! The search syntax of R4 (<https://hl7.org/fhir/R4/search.html>): query parameters in, a typed
//! [`SearchRequest`] out.
//!
//! Only what the words mean is decided here. Whether a parameter can be answered from a site's
//! tables is the plan's business. Strict: everything unknown or malformed is a [`SearchProblem`],
//! and all of them are found in one pass. A problem never repeats a value: it may name a patient.

mod chain;
mod control;
mod number;
mod problem;
mod shape;
mod value;

use chrono::{FixedOffset, NaiveDateTime};

pub use chain::{Chain, End, MAX_CHAIN_STEPS, Step};
pub use control::{Include, SortKey, Total};
pub use number::DecimalRange;
pub use problem::{ProblemKind, SearchProblem, StepFault};
pub use shape::{Shape, read_shape};
pub use value::{Modifier, Prefix, SearchNumber, SearchValue, TokenSystem};

use crate::definitions::{Definitions, ParameterType, SearchParameter};
use control::Asked;
use problem::nearest;

/// More parameters than any client needs; each one may cost a predicate.
pub const MAX_PARAMETERS: usize = 100;
/// Values of one parameter, joined by commas.
pub const MAX_VALUES: usize = 500;
pub const MAX_VALUE_BYTES: usize = 16 * 1024;

/// A search, as asked.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchRequest {
    pub resource_type: &'static str,
    /// All must hold.
    pub filters: Vec<Filter>,
    /// Each holds for itself: two chains over one reference may be met by two targets of it.
    pub chains: Vec<Chain>,
    /// In order of weight.
    pub sort: Vec<SortKey>,
    /// `_count`: entries on a page.
    pub count: Option<u32>,
    pub includes: Vec<Include>,
    pub rev_includes: Vec<Include>,
    /// What `Bundle.total` is to say; a search for the number alone wants it accurate unless it
    /// says otherwise.
    pub total: Total,
    /// `_summary`, `_elements`: what is shown of a match. Included resources are whole.
    pub shape: Shape,
    /// `_summary=count` or `_count=0`: no entries.
    pub count_only: bool,
    /// `_page`: our own token, unread.
    pub page: Option<String>,
    /// `_format`, unread: a MIME type or its short form.
    pub format: Option<String>,
    pub pretty: Option<bool>,
}

/// One search parameter of the request.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    pub code: &'static str,
    pub kind: ParameterType,
    pub modifier: Option<Modifier>,
    /// One must hold; never empty.
    pub values: Vec<SearchValue>,
}

/// Reads the parameters of a search on one resource type. `pairs` are URL-decoded, in their
/// order; `site` gives dates without an offset their meaning.
///
/// # Errors
/// Everything that is wrong, in the order of the pairs.
pub fn parse(
    definitions: &Definitions,
    resource_type: &str,
    pairs: &[(String, String)],
    site: FixedOffset,
) -> Result<SearchRequest, Vec<SearchProblem>> {
    let Some(name) = definitions.resource_names().find(|name| *name == resource_type) else {
        return Err(vec![SearchProblem::new(0, resource_type, ProblemKind::UnknownResourceType)]);
    };
    if pairs.len() > MAX_PARAMETERS {
        let kind = ProblemKind::TooMany { max: MAX_PARAMETERS };
        return Err(vec![SearchProblem::new(MAX_PARAMETERS, "", kind)]);
    }
    let request = SearchRequest::of(name);
    let mut parser = Parser { definitions, site, request, asked: Asked::default() };
    let mut problems = Vec::new();
    for (index, (name, value)) in pairs.iter().enumerate() {
        if let Err(kind) = parser.pair(name, value) {
            problems.push(SearchProblem::new(index, name, kind));
        }
    }
    problems.extend(parser.contradictions(pairs));
    if problems.is_empty() { Ok(parser.finish()) } else { Err(problems) }
}

/// The parameter that a client's word names, without its modifier; `None` for a word that neither R4
/// nor Genkan knows. A name that is known says nothing of a patient.
pub fn known_name<'n>(definitions: &Definitions, name: &'n str) -> Option<&'n str> {
    let code = name.split([':', '.']).next().unwrap_or_default();
    let is_known = |of: &str| definitions.search_parameter(of, code).is_some();
    let known = control::NAMES.contains(&code)
        || code == "_has"
        || definitions.resource_names().any(is_known);
    known.then_some(code)
}

impl SearchRequest {
    /// A search for everything of a type.
    pub fn of(resource_type: &'static str) -> Self {
        Self {
            resource_type,
            filters: Vec::new(),
            chains: Vec::new(),
            sort: Vec::new(),
            count: None,
            includes: Vec::new(),
            rev_includes: Vec::new(),
            total: Total::None,
            shape: Shape::Whole,
            count_only: false,
            page: None,
            format: None,
            pretty: None,
        }
    }

    /// The same search as read by the server at `own_base`: a reference by one of its own URLs is
    /// the relative one.
    #[must_use]
    pub fn seen_from(mut self, own_base: &str) -> Self {
        self.change_values(|value| value.seen_from(own_base));
        self
    }

    /// The same search asked at this moment of the site's wall clock: what is about a date is as long
    /// as R4 says of the distance to it.
    #[must_use]
    pub fn at(mut self, now: NaiveDateTime) -> Self {
        self.change_values(|value| value.at(now));
        self
    }

    fn change_values(&mut self, change: impl Fn(SearchValue) -> SearchValue) {
        let ends = self.chains.iter_mut().flat_map(|chain| &mut chain.ends);
        let at_ends = ends.filter_map(|end| end.filter.as_mut().ok());
        for filter in self.filters.iter_mut().chain(at_ends) {
            let values = std::mem::take(&mut filter.values);
            filter.values = values.into_iter().map(&change).collect();
        }
    }
}

struct Parser<'d> {
    definitions: &'d Definitions,
    site: FixedOffset,
    request: SearchRequest,
    asked: Asked,
}

impl<'d> Parser<'d> {
    fn pair(&mut self, name: &str, text: &str) -> Result<(), ProblemKind> {
        if text.is_empty() {
            return Err(ProblemKind::Empty);
        }
        if text.len() > MAX_VALUE_BYTES {
            return Err(ProblemKind::TooMany { max: MAX_VALUE_BYTES });
        }
        if self.control(name, text)? {
            return Ok(());
        }
        if chain::is_chain(name) {
            let chain = self.chain(name, text)?;
            self.request.chains.push(chain);
            return Ok(());
        }
        let (code, modifier) = match name.split_once(':') {
            Some((code, modifier)) => (code, Some(modifier)),
            None => (name, None),
        };
        let parameter = self.parameter(self.request.resource_type, code)?;
        let filter = self.filter(parameter, modifier, text)?;
        self.request.filters.push(filter);
        Ok(())
    }

    fn parameter(&self, of: &str, code: &str) -> Result<&'d SearchParameter, ProblemKind> {
        self.definitions.search_parameter(of, code).ok_or_else(|| {
            let known = self.definitions.search_parameters(of).iter().map(|known| known.code);
            let known = known.chain(control::NAMES.iter().copied());
            ProblemKind::UnknownParameter { nearest: nearest(code, known) }
        })
    }

    fn filter(
        &self,
        parameter: &SearchParameter,
        modifier: Option<&str>,
        text: &str,
    ) -> Result<Filter, ProblemKind> {
        let modifier =
            modifier.map(|text| value::modifier(self.definitions, parameter, text)).transpose()?;
        let texts = value::split(text, ',');
        if texts.len() > MAX_VALUES {
            return Err(ProblemKind::TooMany { max: MAX_VALUES });
        }
        let reader = value::Reader {
            definitions: self.definitions,
            site: self.site,
            parameter,
            modifier: modifier.as_ref(),
        };
        let values = texts.into_iter().map(|text| reader.read(text)).collect::<Result<_, _>>()?;
        Ok(Filter { code: parameter.code, kind: parameter.kind, modifier, values })
    }
}
