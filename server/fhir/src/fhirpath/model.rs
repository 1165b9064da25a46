//! R4's types as the evaluator walks them: numbers for names and types, and for each type its
//! elements with the JSON properties that may hold them.
//!
//! The same facts as [`Definitions`], laid out for speed: an element is found by comparing
//! numbers, and a choice lists the property of each of its types. A type is laid out when it is
//! first met.

use std::{cmp::Ordering, sync::OnceLock};

use crate::{
    definitions::{Definitions, Element, PrimitiveKind},
    names::{ByName, Name, Table},
    tree::Node as Written,
};

/// A type of R4: a structure, or an element nested in one (`Patient.contact`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TypeId {
    structure: u16,
    /// 0 is the structure itself.
    node: u16,
}

impl TypeId {
    /// The type of this name or path, if R4 has it.
    pub(crate) fn at(path: &str) -> Option<Self> {
        Model::r4().at(path)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Primitive(PrimitiveKind),
    /// `Quantity` and what specialises it.
    Quantity,
    Complex,
    /// Also the abstract `Resource` and `DomainResource`.
    Resource,
}

#[derive(Debug)]
pub(super) struct Model {
    definitions: &'static Definitions,
    by_name: Table<&'static str, u16>,
    structures: Vec<Structure>,
}

#[derive(Debug)]
struct Structure {
    name: &'static str,
    base: Option<u16>,
    kind: Kind,
    /// Neither a data type nor abstract.
    is_concrete_resource: bool,
    shapes: OnceLock<Vec<Shape>>,
}

/// The elements of a type.
#[derive(Debug)]
pub(super) struct Shape {
    path: &'static str,
    /// For `is` and `ofType`: the structure itself, `BackboneElement` or `Element`.
    structure: u16,
    children: Vec<Child>,
    by_name: ByName<u16>,
    /// By the length of the property's name, then by the name: its child, and which of the child's variants it is.
    properties: Vec<(Box<str>, u16, u16)>,
    /// The same by the number of the name, for those that have one.
    numbers: ByName<(u16, u16)>,
}

/// An element of a type.
#[derive(Debug)]
pub(super) struct Child {
    name: Name,
    /// One, or one for each type of a choice.
    pub variants: Vec<Variant>,
    /// Whether a name with its type, as `effectivePeriod`, is that of another element too.
    pub is_numbered: bool,
}

/// A JSON property that may hold the element.
#[derive(Debug)]
pub(super) struct Variant {
    /// `birthDate`, `valueQuantity`.
    pub property: Box<str>,
    pub number: Name,
    /// Where the id and the extensions of a primitive stand: `_birthDate`.
    pub sibling: Box<str>,
    pub of: TypeId,
    pub is_primitive: bool,
    /// What stands there says its own type, in `resourceType`.
    pub is_resource: bool,
}

impl Model {
    pub fn r4() -> &'static Self {
        static R4: OnceLock<Model> = OnceLock::new();
        R4.get_or_init(|| Self::of(Definitions::r4()))
    }

    fn of(definitions: &'static Definitions) -> Self {
        let types: Vec<&'static str> = definitions.type_names().collect();
        let by_name: Table<_, _> =
            types.iter().enumerate().map(|(index, name)| (*name, narrow(index))).collect();
        let structure = |name: &&'static str| Structure {
            name,
            base: definitions.base_of(name).and_then(|base| by_name.get(base).copied()),
            kind: kind_of(definitions, name),
            is_concrete_resource: definitions.is_resource(name),
            shapes: OnceLock::new(),
        };
        let structures = types.iter().map(structure).collect();
        Self { definitions, by_name, structures }
    }

    /// A structure: `Patient`, `HumanName`, `string`.
    pub fn structure(&self, name: &str) -> Option<TypeId> {
        self.by_name.get(name).map(|structure| TypeId { structure: *structure, node: 0 })
    }

    pub fn structure_names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.structures.iter().map(|of| of.name)
    }

    /// A structure, or an element nested in one: `Patient.contact`.
    pub fn at(&self, path: &str) -> Option<TypeId> {
        let root = self.structure(path.split('.').next()?)?;
        let node = self.shapes(root.structure).iter().position(|shape| shape.path == path)?;
        Some(TypeId { structure: root.structure, node: narrow(node) })
    }

    pub fn shape(&self, of: TypeId) -> Option<&Shape> {
        self.shapes(of.structure).get(usize::from(of.node))
    }

    /// The type of a resource by its `resourceType`; abstract ones are none.
    pub fn resource(&self, resource_type: &str) -> Option<TypeId> {
        let of = self.structure(resource_type)?;
        self.structures.get(usize::from(of.structure))?.is_concrete_resource.then_some(of)
    }

    pub fn kind(&self, of: TypeId) -> Kind {
        let structure = self.structures.get(usize::from(of.structure));
        match structure {
            Some(structure) if of.node == 0 => structure.kind,
            _ => Kind::Complex,
        }
    }

    pub fn primitive(&self, of: TypeId) -> Option<PrimitiveKind> {
        match self.kind(of) {
            Kind::Primitive(kind) => Some(kind),
            _ => None,
        }
    }

    /// `Resource` and `DomainResource`.
    pub fn is_abstract_resource(&self, of: TypeId) -> bool {
        let structure = self.structures.get(usize::from(of.structure));
        self.kind(of) == Kind::Resource && structure.is_some_and(|of| !of.is_concrete_resource)
    }

    /// The name of the type as `type()` gives it: `BackboneElement` for a nested element.
    pub fn type_name(&self, of: TypeId) -> &'static str {
        self.structures.get(usize::from(self.own_structure(of))).map_or("", |of| of.name)
    }

    /// `Patient.contact` for a nested element, the name for a structure.
    pub fn path(&self, of: TypeId) -> &'static str {
        self.shape(of).map_or("", |shape| shape.path)
    }

    /// Whether the type is `target` or specialises it. `target` is a structure.
    pub fn is_a(&self, of: TypeId, target: TypeId) -> bool {
        let mut at = Some(self.own_structure(of));
        while let Some(structure) = at {
            if structure == target.structure {
                return true;
            }
            at = self.structures.get(usize::from(structure)).and_then(|of| of.base);
        }
        false
    }

    /// What the type specialises; for `type()`.
    pub fn base_name(&self, of: TypeId) -> Option<&'static str> {
        let base = self.structures.get(usize::from(self.own_structure(of)))?.base?;
        self.structures.get(usize::from(base)).map(|of| of.name)
    }

    fn own_structure(&self, of: TypeId) -> u16 {
        match of.node {
            0 => of.structure,
            _ => self.shape(of).map_or(of.structure, |shape| shape.structure),
        }
    }

    fn shapes(&self, structure: u16) -> &[Shape] {
        let Some(of) = self.structures.get(usize::from(structure)) else { return &[] };
        of.shapes.get_or_init(|| Layout { model: self, structure, root: of.name }.shapes())
    }
}

impl Shape {
    pub fn child(&self, name: Name) -> Option<&Child> {
        self.children.get(usize::from(self.by_name.get(name)?))
    }

    /// The element and the variant of it that a JSON property holds.
    pub fn property(&self, property: &str) -> Option<(&Child, &Variant)> {
        let order = |known: &str| by_length(known, property);
        let found = self.properties.binary_search_by(|(known, ..)| order(known)).ok()?;
        let (_, child, variant) = self.properties.get(found)?;
        self.variant(*child, *variant)
    }

    /// The same of a node in a document that was read.
    pub fn meant(&self, node: Written<'_>) -> Option<(&Child, &Variant)> {
        let number = node.number();
        if number == Name::OTHER {
            return self.property(node.name());
        }
        let (child, variant) = self.numbers.get(number)?;
        self.variant(child, variant)
    }

    fn variant(&self, child: u16, variant: u16) -> Option<(&Child, &Variant)> {
        let child = self.children.get(usize::from(child))?;
        Some((child, child.variants.get(usize::from(variant))?))
    }
}

/// Lengths are compared faster than letters, and mostly differ.
fn by_length(left: &str, right: &str) -> Ordering {
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

/// Lays out one structure with everything nested in it.
struct Layout<'m> {
    model: &'m Model,
    structure: u16,
    root: &'static str,
}

impl Layout<'_> {
    fn shapes(&self) -> Vec<Shape> {
        let mut paths = vec![(self.root, self.structure)];
        let mut next = 0;
        while let Some((path, _)) = paths.get(next).copied() {
            let children = self.model.definitions.children(path).unwrap_or_default();
            for element in children.iter().filter(|element| self.is_own(element.path)) {
                if let Some(code) = nested_type(element) {
                    let structure = self.model.by_name.get(code).copied();
                    paths.push((element.path, structure.unwrap_or(self.structure)));
                }
            }
            next += 1;
        }
        paths.iter().map(|(path, structure)| self.shape(path, *structure, &paths)).collect()
    }

    fn is_own(&self, path: &str) -> bool {
        path.split('.').next() == Some(self.root)
    }

    fn shape(&self, path: &'static str, structure: u16, paths: &[(&'static str, u16)]) -> Shape {
        let elements = self.model.definitions.children(path).unwrap_or_default();
        let mut children: Vec<Child> =
            elements.iter().map(|element| self.child(element, paths)).collect();
        children.sort_by_key(|child| child.name);
        let mut properties = Vec::new();
        for (child, of) in children.iter().enumerate() {
            for (variant, of) in of.variants.iter().enumerate() {
                properties.push((of.property.clone(), narrow(child), narrow(variant)));
            }
        }
        properties.sort_by(|(left, ..), (right, ..)| by_length(left, right));
        let numbered = |(name, child, variant): &(Box<str>, u16, u16)| {
            let number = Name::of(name);
            (number != Name::OTHER).then_some((number, (*child, *variant)))
        };
        let numbers = ByName::of(&properties.iter().filter_map(numbered).collect::<Vec<_>>());
        let named = |(at, child): (usize, &Child)| (child.name, narrow(at));
        let by_name = ByName::of(&children.iter().enumerate().map(named).collect::<Vec<_>>());
        Shape { path, structure, children, by_name, properties, numbers }
    }

    fn child(&self, element: &Element, paths: &[(&'static str, u16)]) -> Child {
        let variant = |property: String, of: TypeId| Variant {
            sibling: format!("_{property}").into(),
            number: Name::of(&property),
            property: property.into(),
            is_primitive: self.model.primitive(of).is_some(),
            is_resource: self.model.kind(of) == Kind::Resource,
            of,
        };
        let own_path = nested_type(element).map(|_| element.path);
        let variants: Vec<Variant> = match element.content_reference.or(own_path) {
            Some(path) => {
                let node = paths.iter().position(|(known, _)| *known == path);
                let local =
                    node.map(|node| TypeId { structure: self.structure, node: narrow(node) });
                let of = local.or_else(|| self.model.at(path));
                of.map(|of| variant(element.name.to_owned(), of)).into_iter().collect()
            }
            None => element
                .types
                .iter()
                .filter_map(|of| {
                    let id = self.model.structure(of.code)?;
                    Some(variant(element.property_name(of.code), id))
                })
                .collect(),
        };
        let is_numbered = variants.iter().any(|variant| variant.number != Name::OTHER);
        Child { name: Name::of(element.name), variants, is_numbered }
    }
}

/// The type of an element that has its own children listed below it.
fn nested_type(element: &Element) -> Option<&'static str> {
    match element.types.as_slice() {
        [of] if matches!(of.code, "BackboneElement" | "Element") => Some(of.code),
        _ => None,
    }
}

fn kind_of(definitions: &Definitions, name: &str) -> Kind {
    if let Some(kind) = definitions.primitive_kind(name) {
        return Kind::Primitive(kind);
    }
    let mut at = Some(name);
    while let Some(of) = at {
        match of {
            "Quantity" => return Kind::Quantity,
            "Resource" => return Kind::Resource,
            _ => at = definitions.base_of(of),
        }
    }
    Kind::Complex
}

/// R4 has 207 types, about 2,000 names, and no type with more than 200 elements.
fn narrow(index: usize) -> u16 {
    u16::try_from(index).unwrap_or(u16::MAX)
}
