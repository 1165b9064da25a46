//! R4's types as the walk needs them: for each type, its elements by the names that JSON and XML
//! have for them, with compiled invariants. Laid out when a type is first met, and then only read.

use std::{cmp::Ordering, sync::OnceLock};

use super::profile::{ElementRule, Profiles};
use crate::{
    definitions::{Definitions, Element, ElementType, Invariant, PrimitiveType, Severity},
    fhirpath::{self, Expression, TypeId},
    names::{Name, Table},
    tree::Node,
};

/// Invariants that the walk checks by itself, faster and with a better place.
const NATIVE: [&str; 4] = ["ele-1", "ext-1", "ref-1", "dom-3"];
/// R4's invariants on narratives, which `htmlChecks()` stands for.
const NARRATIVE: [&str; 2] = ["txt-1", "txt-2"];
/// A recommendation that most resources of machines don't keep (best practice, not a rule).
const BEST_PRACTICE: [&str; 1] = ["dom-6"];

/// An invariant of R4, compiled.
#[derive(Debug)]
pub(super) struct Rule {
    pub key: &'static str,
    pub severity: Severity,
    pub expression: Expression,
}

/// Some of the elements of a type, by their places.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Elements(u64);

impl Elements {
    pub const ALL: Self = Self(u64::MAX);

    /// No type of R4 has more than 64.
    fn bit(at: u16) -> u64 {
        1_u64.checked_shl(at.into()).unwrap_or_default()
    }

    pub fn add(&mut self, at: u16) {
        self.0 |= Self::bit(at);
    }

    pub fn has(self, at: u16) -> bool {
        self.0 & Self::bit(at) != 0
    }

    pub fn contain(self, others: Self) -> bool {
        others.0 & !self.0 == 0
    }
}

/// A type: a structure, or an element nested in one.
#[derive(Debug)]
pub(super) struct Shape {
    /// `Patient`, `HumanName`, `string`, `Patient.contact`.
    pub path: &'static str,
    pub primitive: Option<PrimitiveType>,
    /// The same type for FHIRPath.
    of: TypeId,
    pub elements: Vec<Child>,
    /// Those that must be there, once.
    pub required: Elements,
    /// By the length of the name, then by the name: the element and which of its types.
    names: Vec<(Box<str>, u16, u16)>,
    /// The same by the number of the name, for those that have one.
    numbers: Vec<(Name, u16, u16)>,
    /// The elements by the numbers of their names without `[x]`.
    by_element: Vec<(Name, u16)>,
    pub invariants: Vec<Rule>,
}

/// An element of a type.
#[derive(Debug)]
pub(super) struct Child {
    pub element: &'static Element,
    /// The number of its name without `[x]`.
    pub number: Name,
    /// Whether it is the id of an element, which its resource has once.
    pub is_element_id: bool,
    /// One, or one for each type of a choice.
    pub variants: Vec<Variant>,
    pub invariants: Vec<Rule>,
}

/// One type that an element may have.
#[derive(Debug)]
pub(super) struct Variant {
    /// `Quantity`; `BackboneElement` for a nested element.
    pub code: &'static str,
    path: &'static str,
    /// What stands there says its own type.
    pub is_resource: bool,
    shape: OnceLock<Option<&'static Shape>>,
    /// R4's own profile on the type: `SimpleQuantity`.
    profile: Option<&'static str>,
    rule: OnceLock<Option<&'static ElementRule>>,
}

impl Variant {
    /// What R4's own profile on the type asks for.
    pub fn profile(&self) -> Option<&'static ElementRule> {
        let name = self.profile?;
        *self.rule.get_or_init(|| Profiles::of_type(name))
    }

    pub fn shape(&self) -> Option<&'static Shape> {
        *self.shape.get_or_init(|| Shape::of(self.path))
    }
}

impl Shape {
    /// The type of this name or path. What R4 doesn't have, has no shape.
    pub fn of(path: &str) -> Option<&'static Self> {
        type Paths = Table<&'static str, OnceLock<Option<Box<Shape>>>>;
        static SHAPES: OnceLock<Paths> = OnceLock::new();
        let shapes = SHAPES.get_or_init(|| {
            Definitions::r4().type_paths().map(|path| (path, OnceLock::new())).collect()
        });
        let (path, cell) = shapes.get_key_value(path)?;
        cell.get_or_init(|| Self::new(path).map(Box::new)).as_deref()
    }

    fn new(path: &'static str) -> Option<Self> {
        let definitions = Definitions::r4();
        let primitive = PrimitiveType::named(path);
        let of = TypeId::at(path)?;
        let elements: Vec<Child> = definitions.children(path)?.iter().map(Child::new).collect();
        let mut required = Elements::default();
        let is_required = |(_, child): &(usize, &Child)| child.element.min > 0;
        elements
            .iter()
            .enumerate()
            .filter(is_required)
            .for_each(|(at, _)| required.add(narrow(at)));
        let mut names = Vec::new();
        for (index, child) in elements.iter().enumerate() {
            for (variant, of) in child.variants.iter().enumerate() {
                let name = child.element.property_name(of.code).into_boxed_str();
                names.push((name, narrow(index), narrow(variant)));
            }
        }
        names.sort_by(|(left, ..), (right, ..)| by_length(left, right));
        let numbered = |(name, element, variant): &(Box<str>, u16, u16)| {
            let number = Name::of(name);
            (number != Name::OTHER).then_some((number, *element, *variant))
        };
        let mut numbers: Vec<_> = names.iter().filter_map(numbered).collect();
        numbers.sort_unstable();
        let named = |(at, child): (usize, &Child)| (child.number, narrow(at));
        let mut by_element: Vec<_> = elements.iter().enumerate().map(named).collect();
        by_element.sort_unstable();
        let invariants = definitions.invariants(path).into_iter().filter_map(rule).collect();
        Some(Self {
            path,
            primitive,
            of,
            elements,
            required,
            names,
            numbers,
            by_element,
            invariants,
        })
    }

    /// An element of this type, for FHIRPath.
    pub fn seen<'t>(&self, node: Node<'t>) -> fhirpath::Node<'t> {
        fhirpath::Node::written_as(self.of, node)
    }

    /// The element and its type behind a name in JSON or XML.
    pub fn named(&self, name: &str) -> Option<(usize, usize)> {
        let (element, variant) = self.by_text(name)?;
        Some((usize::from(element), usize::from(variant)))
    }

    fn by_text(&self, name: &str) -> Option<(u16, u16)> {
        let found = self.names.binary_search_by(|(known, ..)| by_length(known, name)).ok()?;
        let (_, element, variant) = self.names.get(found)?;
        Some((*element, *variant))
    }

    /// The same of a node.
    pub fn meant(&self, node: Node<'_>) -> Option<(u16, u16)> {
        let number = node.number();
        if number == Name::OTHER {
            return self.by_text(node.name());
        }
        let found = self.numbers.binary_search_by_key(&number, |(known, ..)| *known).ok()?;
        let (_, element, variant) = self.numbers.get(found)?;
        Some((*element, *variant))
    }

    /// The element of this name without `[x]`, as FHIRPath has it.
    pub fn named_in_path(&self, name: Name) -> Option<u16> {
        let found = self.by_element.binary_search_by_key(&name, |(known, _)| *known).ok()?;
        self.by_element.get(found).map(|(_, element)| *element)
    }

    /// The name of an element, without `[x]`.
    pub fn number(&self, element: u16) -> Name {
        self.elements.get(usize::from(element)).map_or(Name::OTHER, |child| child.number)
    }

    /// The element of this name without `[x]`.
    pub fn element(&self, name: &str) -> Option<usize> {
        self.elements.iter().position(|child| child.element.name == name)
    }

    /// The element that a wrong name may have meant.
    pub fn nearest(&self, wrong: &str) -> Option<&str> {
        let likeness = |name: &&str| strsim::jaro_winkler(name, wrong);
        let names = self.names.iter().map(|(name, ..)| &**name);
        let nearest = names.max_by(|left, right| likeness(left).total_cmp(&likeness(right)))?;
        (likeness(&nearest) > 0.85).then_some(nearest)
    }
}

impl Child {
    fn new(element: &'static Element) -> Self {
        let variants = match element.content_reference {
            Some(path) => vec![Variant::new("BackboneElement", path, None)],
            None => {
                let variant = |of: &ElementType| {
                    Variant::new(of.code, element.path_of_type(of.code), of.profile)
                };
                element.types.iter().map(variant).collect()
            }
        };
        let invariants = element.invariants.iter().filter_map(rule).collect();
        let is_element_id = element.path == "Element.id";
        let number = Name::of(element.name);
        Self { element, number, is_element_id, variants, invariants }
    }

    pub fn is_choice(&self) -> bool {
        self.element.is_choice()
    }
}

impl Variant {
    fn new(code: &'static str, path: &'static str, profile: Option<&'static str>) -> Self {
        let is_resource =
            matches!(code, "Resource" | "DomainResource") || Definitions::r4().is_resource(code);
        Self { code, path, is_resource, shape: OnceLock::new(), profile, rule: OnceLock::new() }
    }
}

fn rule(invariant: &Invariant) -> Option<Rule> {
    let Invariant { key, severity, expression } = *invariant;
    if [NATIVE.as_slice(), &NARRATIVE, &BEST_PRACTICE].concat().contains(&key) {
        return None;
    }
    // A test compiles all of R4's invariants, so nothing is lost here.
    let expression = Expression::compile(expression).ok()?;
    Some(Rule { key, severity, expression })
}

fn by_length(left: &str, right: &str) -> Ordering {
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

/// No type of R4 has more than 200 elements.
fn narrow(index: usize) -> u16 {
    u16::try_from(index).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Definitions, Shape};

    /// What [`super::Elements`] and the walk's count of the elements that must be there stand on.
    #[test]
    fn no_type_has_more_than_64_elements_and_none_must_be_there_twice() {
        let mut types = 0;
        for path in Definitions::r4().type_paths() {
            let Some(shape) = Shape::of(path) else { continue };
            assert!(shape.elements.len() <= 64, "{path}");
            assert!(shape.elements.iter().all(|child| child.element.min <= 1), "{path}");
            types += 1;
        }
        assert!(types > 500, "{types}");
    }
}
