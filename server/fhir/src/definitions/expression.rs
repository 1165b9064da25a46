//! The expressions of search parameters, as far as they can be turned round into a query.
//!
//! R4's own expressions are FHIRPath, but nearly all are unions of plain paths with a type choice
//! or one equality filter. That subset is read here; the rest is refused with the reason, so that
//! a parameter is never offered with half its meaning.

use std::fmt;

/// One way through a resource to what a search parameter looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ParameterPath {
    /// From the resource down; empty for the resource itself (composite parameters).
    pub steps: Vec<PathStep>,
    /// Only references to this type count: `where(resolve() is Patient)`.
    pub target: Option<&'static str>,
    /// The value is whether there is one, and it isn't `false`: `Patient.deceased`.
    pub exists: bool,
}

/// An element by its name without `[x]`, and what narrows it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PathStep {
    pub name: &'static str,
    /// The chosen type of a choice: `Quantity` of `value as Quantity`.
    pub of_type: Option<&'static str>,
    /// A child that must have this text: `("system", "phone")`.
    pub filter: Option<(&'static str, &'static str)>,
}

/// Why an expression can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutsideSubset {
    /// The parameter has no expression: `_content`.
    NoExpression,
    /// No part of the union belongs to this resource type.
    OtherResource,
    /// A function or operator beyond the subset.
    Construct,
}

impl fmt::Display for OutsideSubset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoExpression => "the parameter has no expression",
            Self::OtherResource => "the expression says nothing about this resource type",
            Self::Construct => "the expression uses FHIRPath beyond paths, types and one filter",
        })
    }
}

/// The paths of the union that start at one of `roots`: the resource type and its bases.
pub(super) fn paths(
    expression: &'static str,
    roots: &[&str],
) -> Result<Vec<ParameterPath>, OutsideSubset> {
    if expression.is_empty() {
        return Err(OutsideSubset::NoExpression);
    }
    let mut paths = Vec::new();
    for (start, part) in parts(expression, roots) {
        paths.push(match start {
            Start::Type => path(part).ok_or(OutsideSubset::Construct)?,
            Start::Element => {
                let mut relative = ParameterPath::default();
                steps(part, &mut relative).ok_or(OutsideSubset::Construct)?;
                relative
            }
        });
    }
    if paths.is_empty() { Err(OutsideSubset::OtherResource) } else { Ok(paths) }
}

/// What a part of a union begins with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// `Patient.name`
    Type,
    /// Relative to the resource: `name | alias`.
    Element,
}

/// The parts of the union that say something about `roots`.
pub(super) fn parts(
    expression: &'static str,
    roots: &[&str],
) -> impl Iterator<Item = (Start, &'static str)> {
    union(expression).map(str::trim).filter_map(|part| {
        let name = part.trim_start_matches('(');
        let name = name.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default();
        let of_type = name.starts_with(|letter: char| letter.is_ascii_uppercase());
        match of_type {
            false => Some((Start::Element, part)),
            true => roots.contains(&name).then_some((Start::Type, part)),
        }
    })
}

/// A component's expression, relative to what the composite parameter points at.
pub(super) fn component_paths(
    expression: &'static str,
) -> Result<Vec<ParameterPath>, OutsideSubset> {
    union(expression)
        .map(|part| {
            let mut path = ParameterPath::default();
            steps(part.trim(), &mut path).ok_or(OutsideSubset::Construct)?;
            Ok(path)
        })
        .collect()
}

/// The parts between the `|` that stand outside brackets and quotes.
fn union(expression: &'static str) -> impl Iterator<Item = &'static str> {
    let mut depth = 0_i32;
    let mut quoted = false;
    expression.split(move |letter: char| {
        match letter {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ => {}
        }
        letter == '|' && depth == 0 && !quoted
    })
}

/// One part of the union, starting with its type.
fn path(part: &'static str) -> Option<ParameterPath> {
    let mut path = ParameterPath::default();
    let mut part = part;
    // `X.exists() and X != false`
    if let Some((exists, not_false)) = part.split_once(" and ") {
        part = exists.strip_suffix(".exists()")?;
        if not_false.strip_suffix(" != false")? != part {
            return None;
        }
        path.exists = true;
    }
    // `(Type.path as X)`, perhaps with more behind the bracket
    let (part, rest) = match part.strip_prefix('(').and_then(|inner| inner.split_once(')')) {
        Some((inner, rest)) => (inner, rest.strip_prefix('.').or(rest.is_empty().then_some(""))?),
        None => (part, ""),
    };
    let (part, of_type) = match part.split_once(" as ") {
        Some((part, of_type)) => (part, Some(identifier(of_type.trim())?)),
        None => (part, None),
    };
    let below_type = part.split_once('.').map_or("", |(_, below)| below);
    if !below_type.is_empty() {
        steps(below_type, &mut path)?;
    }
    if of_type.is_some() {
        path.steps.last_mut()?.of_type = of_type;
    }
    if !rest.is_empty() {
        steps(rest, &mut path)?;
    }
    Some(path)
}

/// Dotted names and functions, added to the path.
fn steps(text: &'static str, path: &mut ParameterPath) -> Option<()> {
    for step in dotted(text) {
        // What a resolved reference is can only be asked at the end.
        if path.target.is_some() {
            return None;
        }
        match step.split_once('(') {
            None => {
                let name = identifier(step)?;
                path.steps.push(PathStep { name, of_type: None, filter: None });
            }
            Some((function, argument)) => {
                let argument = argument.strip_suffix(')')?.trim();
                apply(function, argument, path)?;
            }
        }
    }
    Some(())
}

fn apply(function: &str, argument: &'static str, path: &mut ParameterPath) -> Option<()> {
    match function {
        "as" | "ofType" => path.steps.last_mut()?.of_type = Some(identifier(argument)?),
        "where" => match argument.strip_prefix("resolve() is ") {
            Some(target) => path.target = Some(identifier(target.trim())?),
            None => {
                let (name, value) = argument.split_once('=')?;
                let value = value.trim().strip_prefix('\'')?.strip_suffix('\'')?;
                let step = path.steps.last_mut()?;
                if step.filter.is_some() {
                    return None;
                }
                step.filter = Some((identifier(name.trim())?, value));
            }
        },
        _ => return None,
    }
    Some(())
}

/// The parts between the dots that stand outside brackets and quotes.
fn dotted(text: &'static str) -> impl Iterator<Item = &'static str> {
    let mut depth = 0_i32;
    text.split(move |letter: char| {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        letter == '.' && depth == 0
    })
}

fn identifier(text: &'static str) -> Option<&'static str> {
    let is_name = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_name.then_some(text)
}
