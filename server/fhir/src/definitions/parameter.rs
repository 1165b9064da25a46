//! Search parameters, read from the `P` lines of the fact table.

use super::expression::{self, OutsideSubset, ParameterPath};

/// A search parameter as one resource type has it.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchParameter {
    pub code: &'static str,
    pub kind: ParameterType,
    /// The end of its canonical URL: `clinical-date`.
    pub id: &'static str,
    /// Types that a reference parameter may point to; empty when it isn't said.
    pub targets: Vec<&'static str>,
    /// As R4 lists them; empty where it lists none, which doesn't forbid them.
    pub comparators: Vec<&'static str>,
    /// Of a composite parameter.
    pub components: Vec<Component>,
    /// R4's FHIRPath, for all the resource types that share the parameter.
    pub expression: &'static str,
    /// The expression for this resource type.
    pub paths: Result<Vec<ParameterPath>, OutsideSubset>,
}

/// One part of a composite parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Component {
    /// The id of the search parameter that gives the part its type.
    pub parameter: &'static str,
    /// FHIRPath, from what the composite parameter finds.
    pub expression: &'static str,
    /// From where the composite parameter's own paths end.
    pub paths: Result<Vec<ParameterPath>, OutsideSubset>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ParameterType {
    Number,
    Date,
    String,
    Token,
    Reference,
    Composite,
    Quantity,
    Uri,
    Special,
}

impl ParameterType {
    /// The code of `http://hl7.org/fhir/search-param-type`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Date => "date",
            Self::String => "string",
            Self::Token => "token",
            Self::Reference => "reference",
            Self::Composite => "composite",
            Self::Quantity => "quantity",
            Self::Uri => "uri",
            Self::Special => "special",
        }
    }

    fn from_code(code: &str) -> Option<Self> {
        Some(match code {
            "number" => Self::Number,
            "date" => Self::Date,
            "string" => Self::String,
            "token" => Self::Token,
            "reference" => Self::Reference,
            "composite" => Self::Composite,
            "quantity" => Self::Quantity,
            "uri" => Self::Uri,
            "special" => Self::Special,
            _ => return None,
        })
    }
}

impl SearchParameter {
    /// The canonical URL.
    pub fn url(&self) -> String {
        format!("http://hl7.org/fhir/SearchParameter/{}", self.id)
    }

    /// What of the expression is about one resource type.
    pub fn expression_of(&self, resource_type: &str) -> String {
        let roots = [resource_type, "DomainResource", "Resource"];
        let own: Vec<_> = expression::parts(self.expression, &roots).map(|(_, own)| own).collect();
        own.join(" | ")
    }
}

/// The base types of a `P` line.
pub(super) fn bases(fields: &'static str) -> impl Iterator<Item = &'static str> {
    fields.split('\t').nth(2).into_iter().flat_map(list)
}

pub(super) fn code_and_id(fields: &'static str) -> Option<(&'static str, &'static str)> {
    let mut fields = fields.split('\t');
    Some((fields.next()?, fields.nth(5)?))
}

/// The parameters on these types, the nearest first, by code. A type's own parameter hides one of
/// the same code on its base.
pub(super) fn resolve<'d>(
    types: &[&'static str],
    lines_of: impl Fn(&str) -> &'d [&'static str],
) -> Vec<SearchParameter> {
    let mut parameters: Vec<SearchParameter> = types
        .iter()
        .flat_map(|base| lines_of(base))
        .filter_map(|fields| parameter(fields, types))
        .collect();
    parameters.sort_by_key(|parameter| parameter.code); // stable: the nearest stays first
    parameters.dedup_by_key(|parameter| parameter.code);
    parameters
}

fn parameter(fields: &'static str, types: &[&str]) -> Option<SearchParameter> {
    let mut fields = fields.split('\t');
    let code = fields.next()?;
    let kind = ParameterType::from_code(fields.next()?)?;
    let _bases = fields.next()?;
    let targets = list(fields.next()?).collect();
    let comparators = list(fields.next()?).collect();
    let components = fields.next()?.split(';').filter_map(component).collect();
    let id = fields.next()?;
    let expression = fields.next()?;
    let paths = expression::paths(expression, types);
    Some(SearchParameter { code, kind, id, targets, comparators, components, expression, paths })
}

fn component(text: &'static str) -> Option<Component> {
    let (parameter, expression) = text.split_once('=')?;
    let paths = expression::component_paths(expression);
    Some(Component { parameter, expression, paths })
}

fn list(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.split(',').filter(|item| !item.is_empty())
}
