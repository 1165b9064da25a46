//! R4's own extensions, read from the `X` and `Y` lines of the fact table.

use super::element::{Binding, ElementType, binding, element_type, max};

/// What R4 says of one of its extensions.
#[derive(Debug, Clone, PartialEq)]
pub struct ExtensionFacts {
    pub url: &'static str,
    /// It changes the meaning of the element that it is on.
    pub is_modifier: bool,
    /// Ids of the elements and types that may have it.
    pub contexts: Vec<&'static str>,
    /// Itself first, with an empty path, and then its parts.
    pub parts: Vec<ExtensionPart>,
}

/// An extension or one of its parts.
#[derive(Debug, Clone, PartialEq)]
pub struct ExtensionPart {
    /// The urls of the parts that lead to it, joined by `/`; empty for the extension itself.
    pub path: &'static str,
    pub min: u32,
    /// [`super::UNBOUNDED`] for `*`.
    pub max: u32,
    pub is_value_required: bool,
    /// Whether it holds a value; otherwise parts.
    pub has_value: bool,
    /// Of the value; empty for any.
    pub types: Vec<ElementType>,
    pub binding: Option<Binding>,
}

pub(super) fn read(url: &'static str, head: &'static str, body: &'static str) -> ExtensionFacts {
    let (flags, contexts) = head.split_once('\t').unwrap_or((head, ""));
    let parts = body.lines().filter_map(|line| part(line.strip_prefix("Y\t")?)).collect();
    let contexts = contexts.split(',').filter(|context| !context.is_empty()).collect();
    ExtensionFacts { url, is_modifier: flags.contains('m'), contexts, parts }
}

fn part(fields: &'static str) -> Option<ExtensionPart> {
    let mut fields = fields.split('\t');
    let path = fields.next()?;
    let min = fields.next()?.parse().ok()?;
    let max = max(fields.next()?)?;
    let is_value_required = fields.next()? == "v";
    let types = fields.next()?;
    let has_value = types != "-";
    let types = match types {
        "-" | "*" => Vec::new(),
        types => types.split('|').map(element_type).collect(),
    };
    let binding = binding(fields.next()?);
    Some(ExtensionPart { path, min, max, is_value_required, has_value, types, binding })
}
