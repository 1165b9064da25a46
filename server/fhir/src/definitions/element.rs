//! Elements of a type, read from the `T`, `E` and `C` lines of the fact table.

use std::{collections::HashMap, sync::OnceLock};

use super::Definitions;

/// [`Element::max`] of `*`.
pub const UNBOUNDED: u32 = u32::MAX;

/// One element of a type, as ElementDefinition has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Element {
    /// Where it is defined, with `[x]`: `Patient.deceased[x]`; `Resource.id` for a Patient's id.
    pub path: &'static str,
    /// The last part of the path, without `[x]`.
    pub name: &'static str,
    pub min: u32,
    /// [`UNBOUNDED`] for `*`.
    pub max: u32,
    pub is_summary: bool,
    pub is_modifier: bool,
    /// More than one only for a choice. Empty when there is a content reference.
    pub types: Vec<ElementType>,
    /// The path whose content this element repeats: `Observation.referenceRange`.
    pub content_reference: Option<&'static str>,
    pub binding: Option<Binding>,
    /// Those of this element itself, not those that come with its type.
    pub invariants: Vec<Invariant>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElementType {
    pub code: &'static str,
    /// Short names of what a Reference or canonical may point to; empty for anything.
    pub targets: Vec<&'static str>,
    /// Short name of a profile on the type: `SimpleQuantity`.
    pub profile: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding {
    pub strength: BindingStrength,
    /// The canonical URL, often with `|version`.
    pub value_set: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BindingStrength {
    Example,
    Preferred,
    Extensible,
    Required,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invariant {
    pub key: &'static str,
    pub severity: Severity,
    /// FHIRPath.
    pub expression: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Severity {
    Error,
    Warning,
}

impl Element {
    /// Whether JSON has an array for it.
    pub fn is_list(&self) -> bool {
        self.max > 1
    }

    /// Whether it is a `[x]`: the JSON name then ends with the chosen type.
    pub fn is_choice(&self) -> bool {
        self.path.ends_with("[x]")
    }

    /// The type with this code, if the element may have it.
    pub fn type_named(&self, code: &str) -> Option<&ElementType> {
        self.types.iter().find(|of| of.code == code)
    }

    /// The JSON property name when the element has this type.
    pub fn property_name(&self, type_code: &str) -> String {
        if !self.is_choice() {
            return self.name.to_owned();
        }
        let mut letters = type_code.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        self.name.chars().chain(first).chain(letters).collect()
    }

    pub(super) fn type_of_property(&self, json_name: &str) -> Option<&'static str> {
        let rest = json_name.strip_prefix(self.name)?;
        if self.is_choice() {
            self.types.iter().map(|of| of.code).find(|code| is_capitalised(rest, code))
        } else if !rest.is_empty() {
            None
        } else if self.content_reference.is_some() {
            Some("BackboneElement")
        } else {
            self.types.first().map(|of| of.code)
        }
    }

    /// Where to go on when the element has this type.
    pub(crate) fn path_of_type(&self, type_code: &'static str) -> &'static str {
        match type_code {
            "BackboneElement" | "Element" => self.content_reference.unwrap_or(self.path),
            other => other,
        }
    }
}

fn is_capitalised(rest: &str, code: &str) -> bool {
    let mut letters = code.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).eq(rest.chars())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StructureKind {
    Resource,
    AbstractResource,
    Complex,
    Primitive,
}

/// A type; its elements are read when they are first asked for.
#[derive(Debug)]
pub(super) struct Structure {
    pub name: &'static str,
    /// Empty for `Element` and `Resource`.
    pub base: &'static str,
    pub kind: StructureKind,
    body: &'static str,
    nodes: OnceLock<HashMap<&'static str, Node>>,
}

/// What has children: the type itself, and each nested element.
#[derive(Debug, Default)]
pub(super) struct Node {
    pub elements: Vec<Element>,
    /// Of the type as a whole; empty for nested ones.
    pub invariants: Vec<Invariant>,
}

impl Structure {
    pub fn new(head: &'static str, body: &'static str) -> Option<Self> {
        let mut fields = head.split('\t');
        let (name, base) = (fields.next()?, fields.next()?);
        let kind = match fields.next()? {
            "resource" => StructureKind::Resource,
            "abstract" => StructureKind::AbstractResource,
            "complex" => StructureKind::Complex,
            "primitive" => StructureKind::Primitive,
            _ => return None,
        };
        Some(Self { name, base, kind, body, nodes: OnceLock::new() })
    }

    /// Those of its own elements, with nested ones.
    pub fn element_names(&self) -> impl Iterator<Item = &'static str> {
        let elements = self.body.lines().filter_map(|line| line.strip_prefix("E\t"));
        elements.filter_map(|fields| fields.split('\t').next().map(name_of))
    }

    /// The type itself and each element that has its own elements. Reads the table without building.
    pub fn paths(&self) -> impl Iterator<Item = &'static str> {
        let elements = self.body.lines().filter_map(|line| line.strip_prefix("E\t"));
        let nested = elements.filter_map(|fields| {
            let mut fields = fields.split('\t');
            let path = fields.next()?;
            matches!(fields.nth(3)?, "BackboneElement" | "Element").then_some(path)
        });
        std::iter::once(self.name).chain(nested)
    }

    /// Keys and expressions of all its invariants, with those of its elements.
    pub fn all_invariants(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let lines = self.body.lines().filter_map(|line| line.strip_prefix("C\t"));
        lines.filter_map(|fields| {
            let mut fields = fields.splitn(3, '\t');
            Some((fields.next()?, fields.nth(1)?))
        })
    }

    pub fn nodes(&self, definitions: &Definitions) -> &HashMap<&'static str, Node> {
        self.nodes.get_or_init(|| self.read(definitions))
    }

    fn read(&self, definitions: &Definitions) -> HashMap<&'static str, Node> {
        let inherited = |of: &str| Node {
            elements: definitions.children(of).map(<[Element]>::to_vec).unwrap_or_default(),
            invariants: Vec::new(),
        };
        let mut nodes = HashMap::from([(self.name, inherited(self.base))]);
        let mut parent = self.name;
        // Invariants come after the element they belong to, or before all elements.
        let mut at_element = false;
        for line in self.body.lines() {
            match line.split_at_checked(2) {
                Some(("E\t", fields)) => {
                    let Some(element) = element(fields) else { continue };
                    parent = element.path.rsplit_once('.').map_or(self.name, |(parent, _)| parent);
                    if let [ElementType { code: code @ ("BackboneElement" | "Element"), .. }] =
                        element.types.as_slice()
                    {
                        nodes.insert(element.path, inherited(code));
                    }
                    nodes.entry(parent).or_default().elements.push(element);
                    at_element = true;
                }
                Some(("C\t", fields)) => {
                    let (Some(invariant), Some(node)) = (invariant(fields), nodes.get_mut(parent))
                    else {
                        continue;
                    };
                    match node.elements.last_mut() {
                        Some(element) if at_element => element.invariants.push(invariant),
                        _ => node.invariants.push(invariant),
                    }
                }
                _ => {}
            }
        }
        nodes
    }
}

fn name_of(path: &'static str) -> &'static str {
    path.rsplit('.').next().unwrap_or(path).trim_end_matches("[x]")
}

fn element(fields: &'static str) -> Option<Element> {
    let mut fields = fields.split('\t');
    let path = fields.next()?;
    let name = name_of(path);
    let min = fields.next()?.parse().ok()?;
    let max = max(fields.next()?)?;
    let flags = fields.next()?;
    let types = fields.next()?;
    let content_reference = types.strip_prefix('#');
    Some(Element {
        path,
        name,
        min,
        max,
        is_summary: flags.contains('s'),
        is_modifier: flags.contains('m'),
        types: match content_reference {
            Some(_) => Vec::new(),
            None => types.split('|').map(element_type).collect(),
        },
        content_reference,
        binding: binding(fields.next()?),
        invariants: Vec::new(),
    })
}

pub(super) fn max(text: &str) -> Option<u32> {
    if text == "*" { Some(UNBOUNDED) } else { text.parse().ok() }
}

/// `Reference(Patient,Group)`, `Quantity[SimpleQuantity]`, `string`.
pub(super) fn element_type(text: &'static str) -> ElementType {
    let (text, profile) = match text.strip_suffix(']').and_then(|text| text.split_once('[')) {
        Some((code, profile)) => (code, Some(profile)),
        None => (text, None),
    };
    let (code, targets) = match text.strip_suffix(')').and_then(|text| text.split_once('(')) {
        Some((code, targets)) => (code, targets.split(',').collect()),
        None => (text, Vec::new()),
    };
    ElementType { code, targets, profile }
}

pub(super) fn binding(text: &'static str) -> Option<Binding> {
    let (strength, value_set) = text.split_once(' ')?;
    let strength = match strength {
        "r" => BindingStrength::Required,
        "e" => BindingStrength::Extensible,
        "p" => BindingStrength::Preferred,
        "x" => BindingStrength::Example,
        _ => return None,
    };
    Some(Binding { strength, value_set })
}

fn invariant(fields: &'static str) -> Option<Invariant> {
    let mut fields = fields.splitn(3, '\t');
    let key = fields.next()?;
    let severity = match fields.next()? {
        "e" => Severity::Error,
        "w" => Severity::Warning,
        _ => return None,
    };
    Some(Invariant { key, severity, expression: fields.next()? })
}
