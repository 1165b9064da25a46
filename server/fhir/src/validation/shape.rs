//! R4's types as the walk needs them: for each type, its elements by the names that JSON and XML
//! have for them, with compiled invariants. Laid out when a type is first met, and then only read.

use std::{cmp::Ordering, sync::OnceLock};

use super::profile::{ElementRule, Profiles};
use crate::{
    definitions::{
        Definitions, Element, ElementType, Invariant, PrimitiveType, Severity, UNBOUNDED,
    },
    fhirpath::{self, Expression, TypeId},
    names::{ByName, Name, Table},
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

/// What the walk does with a type beyond what it does with all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A primitive that may be a code: of the type `code`, or a text or URI that is bound to a value set.
    Code,
    Text,
    Coding,
    CodeableConcept,
    /// Quantity and the types made of it.
    Quantity,
    Reference,
    Identifier,
    Expression,
    Extension,
    Other,
}

impl Kind {
    fn of(code: &str) -> Self {
        match code {
            "code" => Self::Code,
            "string" | "uri" | "url" | "canonical" => Self::Text,
            "Coding" => Self::Coding,
            "CodeableConcept" => Self::CodeableConcept,
            "Quantity" | "Age" | "Distance" | "Duration" | "Count" => Self::Quantity,
            "Reference" => Self::Reference,
            "Identifier" => Self::Identifier,
            "Expression" => Self::Expression,
            "Extension" => Self::Extension,
            _ => Self::Other,
        }
    }
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

    /// Whether all of the others are among them.
    pub fn contain(self, others: Self) -> bool {
        others.0 & !self.0 == 0
    }

    fn meet(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }
}

/// Which elements an instance of a type has, and which more than once.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Present {
    pub once: Elements,
    pub again: Elements,
}

impl Present {
    pub fn add(&mut self, at: u16) {
        if self.once.has(at) {
            self.again.add(at);
        }
        self.once.add(at);
    }
}

/// How many of each element there may be, so that one look at all of them tells whether anything has to be
/// counted.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cardinalities {
    required: Elements,
    /// Those that have to be counted as soon as there is one, or a second one.
    from_first: Elements,
    from_second: Elements,
}

impl Cardinalities {
    pub fn add(&mut self, at: u16, min: u32, max: u32) {
        if min > 0 {
            self.required.add(at);
        }
        if min > 1 || max == 0 {
            self.from_first.add(at);
        }
        if max != UNBOUNDED {
            self.from_second.add(at);
        }
    }

    /// Whether all of them are kept for sure.
    pub fn are_kept(&self, present: Present) -> bool {
        present.once.contain(self.required)
            && !present.once.meet(self.from_first)
            && !present.again.meet(self.from_second)
    }
}

/// A type: a structure, or an element nested in one.
#[derive(Debug)]
pub(super) struct Shape {
    /// `Patient`, `HumanName`, `string`, `Patient.contact`.
    pub path: &'static str,
    pub primitive: Option<PrimitiveType>,
    /// A resource that there is, not `DomainResource`.
    pub is_resource: bool,
    /// The same type for FHIRPath.
    of: TypeId,
    pub elements: Vec<Child>,
    pub cardinalities: Cardinalities,
    /// By the length of the name, then by the name: the element and which of its types.
    names: Vec<(Box<str>, u16, u16)>,
    /// The same by the number of the name, for those that have one.
    numbers: ByName<(u16, u16)>,
    /// The elements by the numbers of their names without `[x]`.
    by_element: ByName<u16>,
    /// Each with the elements of which it needs all to be false.
    pub invariants: Vec<(Rule, Elements)>,
}

/// An element of a type.
#[derive(Debug)]
pub(super) struct Child {
    pub element: &'static Element,
    /// The number of its name without `[x]`.
    pub number: Name,
    pub is_list: bool,
    pub is_choice: bool,
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
    pub kind: Kind,
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
        let is_resource = definitions.is_resource(path);
        let of = TypeId::at(path)?;
        let elements: Vec<Child> = definitions.children(path)?.iter().map(Child::new).collect();
        let mut cardinalities = Cardinalities::default();
        for (at, Child { element, .. }) in elements.iter().enumerate() {
            cardinalities.add(narrow(at), element.min, element.max);
        }
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
            (number != Name::OTHER).then_some((number, (*element, *variant)))
        };
        let numbers = ByName::of(&names.iter().filter_map(numbered).collect::<Vec<_>>());
        let named = |(at, child): (usize, &Child)| (child.number, narrow(at));
        let by_element = elements.iter().enumerate().map(named).collect::<Vec<_>>();
        let by_element = ByName::of(&by_element);
        let invariants = Vec::new();
        let mut shape = Self {
            path,
            primitive,
            is_resource,
            of,
            elements,
            cardinalities,
            names,
            numbers,
            by_element,
            invariants,
        };
        let rules = definitions.invariants(path).into_iter().filter_map(rule);
        let invariants = rules.map(|rule| {
            let needs = shape.needs(&rule.expression);
            (rule, needs)
        });
        shape.invariants = invariants.collect();
        Some(shape)
    }

    /// The elements of which an invariant on this type needs all to be false: without any one of them it
    /// is true.
    pub fn needs(&self, expression: &Expression) -> Elements {
        let mut needs = Elements::default();
        let names = expression.settled_without().iter();
        names.filter_map(|name| self.named_in_path(*name)).for_each(|at| needs.add(at));
        needs
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

    pub fn by_text(&self, name: &str) -> Option<(u16, u16)> {
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
        self.numbers.get(number)
    }

    /// The element of this name without `[x]`, as FHIRPath has it.
    pub fn named_in_path(&self, name: Name) -> Option<u16> {
        self.by_element.get(name)
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
        let (is_list, is_choice) = (element.is_list(), element.is_choice());
        Self { element, number, is_list, is_choice, is_element_id, variants, invariants }
    }
}

impl Variant {
    fn new(code: &'static str, path: &'static str, profile: Option<&'static str>) -> Self {
        let is_resource =
            matches!(code, "Resource" | "DomainResource") || Definitions::r4().is_resource(code);
        let (kind, shape, rule) = (Kind::of(code), OnceLock::new(), OnceLock::new());
        Self { code, kind, path, is_resource, shape, profile, rule }
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

    /// What [`super::Elements`] stands on.
    #[test]
    fn no_type_has_more_than_64_elements() {
        let mut types = 0;
        for path in Definitions::r4().type_paths() {
            let Some(shape) = Shape::of(path) else { continue };
            assert!(shape.elements.len() <= 64, "{path}");
            types += 1;
        }
        assert!(types > 500, "{types}");
    }
}
