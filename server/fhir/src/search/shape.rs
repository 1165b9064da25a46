//! Which elements of a resource the client wants: `_summary` and `_elements`.
//!
//! Spec: <https://hl7.org/fhir/R4/search.html#summary>, <https://hl7.org/fhir/R4/search.html#elements>

use super::problem::nearest;
use super::{ProblemKind, SearchProblem};
use crate::definitions::Definitions;

/// What of a resource is shown. Mandatory elements are, whatever is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum Shape {
    #[default]
    Whole,
    /// `_summary=true`: what R4 marks as summary.
    Summary,
    /// `_summary=text`: the narrative.
    Text,
    /// `_summary=data`: everything but the narrative.
    Data,
    /// `_elements`: names of top-level elements, a choice without its type; sorted.
    Elements(Vec<&'static str>),
}

/// `_summary`, of which one value is no shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Summary {
    Shape(Shape),
    /// How many, and no resource.
    Count,
}

impl Summary {
    pub fn read(text: &str) -> Result<Self, ProblemKind> {
        Ok(Summary::Shape(match text {
            "false" => Shape::Whole,
            "true" => Shape::Summary,
            "text" => Shape::Text,
            "data" => Shape::Data,
            "count" => return Ok(Summary::Count),
            _ => return Err(ProblemKind::Malformed("true, text, data, count or false")),
        }))
    }
}

/// The names of `_elements`.
pub(super) fn elements(
    definitions: &Definitions,
    resource_type: &str,
    text: &str,
) -> Result<Shape, ProblemKind> {
    let known = definitions.children(resource_type).unwrap_or_default();
    let mut names = Vec::new();
    for name in text.split(',') {
        let bare = name.strip_suffix("[x]").unwrap_or(name);
        let found = known.iter().find(|element| element.name == bare);
        let found = found.filter(|element| bare == name || element.is_choice());
        let Some(element) = found else {
            let nearest = nearest(bare, known.iter().map(|element| element.name));
            return Err(ProblemKind::UnknownElement { nearest });
        };
        names.push(element.name);
    }
    names.sort_unstable();
    names.dedup();
    Ok(Shape::Elements(names))
}

/// Reads the parameters of a read. `_format` and `_pretty` are the form's and were read before.
///
/// # Errors
/// Everything that is wrong, in the order of the pairs.
pub fn read_shape(
    definitions: &Definitions,
    resource_type: &str,
    pairs: &[(String, String)],
) -> Result<Shape, Vec<SearchProblem>> {
    let mut shape: Option<Shape> = None;
    let mut problems = Vec::new();
    for (index, (name, text)) in pairs.iter().enumerate() {
        let found = match name.as_str() {
            "_format" | "_pretty" => continue,
            "_elements" => elements(definitions, resource_type, text),
            "_summary" => match Summary::read(text) {
                Ok(Summary::Shape(shape)) => Ok(shape),
                Ok(Summary::Count) => Err(ProblemKind::Malformed("true, text, data or false")),
                Err(problem) => Err(problem),
            },
            _ => Err(ProblemKind::NotSupported("anything but form and elements of one resource")),
        };
        match found {
            Ok(_) if shape.is_some() => {
                let kind = ProblemKind::Contradicts("another `_summary` or `_elements`");
                problems.push(SearchProblem::new(index, name, kind));
            }
            Ok(found) => shape = Some(found),
            Err(kind) => problems.push(SearchProblem::new(index, name, kind)),
        }
    }
    if problems.is_empty() { Ok(shape.unwrap_or_default()) } else { Err(problems) }
}
